"""Several accounts at once: where they come from, API keys, the usage ledger, cool-downs and stored answers."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
WHOLE: sa.types.TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("account", sa.Column("source", sa.Text))
    op.add_column("account", sa.Column("weight", REAL, nullable=False, server_default="1"))
    op.add_column("account", sa.Column("disabled", WHOLE, nullable=False, server_default="0"))
    op.add_column("account", sa.Column("declared", WHOLE, nullable=False, server_default="0"))
    op.add_column("account", sa.Column("aws_profile", sa.Text))
    op.add_column("token", sa.Column("extra", sa.Text))
    _keys()
    _usage()
    _cooldowns()
    _responses()


def _keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", REAL, nullable=False),
        sa.Column("revoked_at", REAL),
        sa.Column("requests_per_minute", WHOLE),
        sa.Column("in_flight", WHOLE),
        sa.Column("monthly_credits", REAL),
        sa.Column("models", sa.Text),
        sqlite_strict=True,
    )


def _usage() -> None:
    op.create_table(
        "usage",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("at", REAL, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("key_id", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("failure_class", sa.Text),
        sa.Column("input_tokens", WHOLE),
        sa.Column("output_tokens", WHOLE),
        sa.Column("cached_tokens", WHOLE),
        sa.Column("credits", REAL),
        sa.Column("seconds", REAL),
        sa.Column("first_seconds", REAL),
        sa.Column("attempt", WHOLE, nullable=False, server_default="1"),
        sa.Column("streamed", WHOLE, nullable=False, server_default="0"),
        sqlite_strict=True,
        sqlite_autoincrement=True,
    )
    op.create_index("usage_at", "usage", ["at"])
    op.create_index("usage_key", "usage", ["key_id", "at"])


def _cooldowns() -> None:
    """`changed_in` is the count of the counter at the change: whoever has seen n has seen all up to n."""
    op.create_table(
        "counter",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", WHOLE, nullable=False),
        sqlite_strict=True,
    )
    op.execute("INSERT INTO counter (name, value) VALUES ('cooldown', 0)")
    op.create_table(
        "cooldown",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("until", REAL),
        sa.Column("level", WHOLE, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("changed_at", REAL, nullable=False),
        sa.Column("changed_in", WHOLE, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("cooldown_changed", "cooldown", ["changed_in"])


def _responses() -> None:
    op.create_table(
        "response",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("key_id", sa.Text),
        sa.Column("created_at", REAL, nullable=False),
        sa.Column("expires_at", REAL, nullable=False),
        sa.Column("bytes", WHOLE, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("response_expires", "response", ["expires_at"])

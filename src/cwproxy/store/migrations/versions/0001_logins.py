"""Accounts, what they are registered as, their tokens, and which of these are being renewed.

SQLite files of this version were also made before there was a table of the version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

REAL: sa.types.TypeEngine[float] = sa.Double().with_variant(sa.REAL(), "sqlite")
WHOLE: sa.types.TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("sso_region", sa.Text, nullable=False),
        sa.Column("created_at", REAL, nullable=False),
        sa.Column("start_url", sa.Text),
        sa.Column("profile_arn", sa.Text),
        sa.Column("surface", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("state_detail", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "registration",
        _account_id(),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("client_secret", sa.Text, nullable=False),
        sa.Column("expires_at", REAL, nullable=False),
        sa.Column("region", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "token",
        _account_id(),
        sa.Column("access_token", sa.Text, nullable=False),
        sa.Column("refresh_token", sa.Text),
        sa.Column("expires_at", REAL, nullable=False),
        sa.Column("generation", WHOLE, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "refresh_started",
        _account_id(),
        sa.Column("generation", WHOLE, nullable=False),
        sa.Column("started_at", REAL, nullable=False),
        sa.Column("padding", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )


def _account_id() -> "sa.Column[str]":
    return sa.Column("account_id", sa.Text, sa.ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)

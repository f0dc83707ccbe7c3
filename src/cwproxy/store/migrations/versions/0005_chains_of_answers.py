"""Which kept answer follows which, and those that are only somebody's past.

The indexes hold what is looked at of many rows: in SQLite a column that comes after a large one is slow to reach.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WHOLE: sa.types.TypeEngine[int] = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("response", sa.Column("previous", sa.Text))
    op.add_column("response", sa.Column("deleted", WHOLE, nullable=False, server_default="0"))
    op.create_index("response_chain", "response", ["id", "previous"])
    op.create_index("response_later", "response", ["previous", "id"])
    deleted = sa.text("deleted = 1")
    op.create_index("response_deleted", "response", ["id"], sqlite_where=deleted, postgresql_where=deleted)

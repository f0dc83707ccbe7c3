"""How the answers for a key are given out."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("buffered", sa.Text))

"""Keys of operators beside those of clients."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("kind", sa.Text, nullable=False, server_default="client"))

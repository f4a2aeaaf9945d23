"""A list that is sent in parts: how many rows the whole of it has."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("list_import", sa.Column("whole", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("list_import", schema=None) as batch_op:
        batch_op.drop_column("whole")

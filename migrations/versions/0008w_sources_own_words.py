"""A release or detention that only a denial speaks of which is not independent has no status."""

import sqlalchemy as sa
from alembic import op

revision = "0008w"
down_revision = "0008"
branch_labels = None
depends_on = None

WITH_A_STATUS = ("release", "standing", "held")


def upgrade() -> None:
    for table in WITH_A_STATUS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("status", existing_type=sa.String(), nullable=True)


def downgrade() -> None:
    for table in WITH_A_STATUS:
        op.execute(f"UPDATE {table} SET status = 'refuted' WHERE status IS NULL")  # as the rules before had it
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("status", existing_type=sa.String(), nullable=False)

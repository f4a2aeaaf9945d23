"""When a report was sent that waited before it was filed: a recall means what its key sent since a moment.

What was filed before has none, and counts by its own date.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("written_by", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("written_by", schema=None) as batch_op:
        batch_op.drop_column("sent_at")

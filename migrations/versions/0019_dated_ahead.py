"""Until when entries are dated ahead of the clock, where whoever runs the registry said so.

No registry that stands has said it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("head", sa.Column("dated_ahead_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.drop_column("dated_ahead_until")

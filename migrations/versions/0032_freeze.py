"""A freeze of the registry, in the head row."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("head", sa.Column("frozen_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("head", sa.Column("frozen_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("head", sa.Column("frozen_by", sa.String(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("head", schema=None) as batch_op:
        for name in ("frozen_by", "frozen_until", "frozen_since"):
            batch_op.drop_column(name)

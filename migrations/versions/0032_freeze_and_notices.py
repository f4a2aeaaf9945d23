"""A freeze of the registry, in the head row; and the holders of keys who get notices."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("head", sa.Column("frozen_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("head", sa.Column("frozen_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("head", sa.Column("frozen_by", sa.String(), nullable=True))
    op.create_table(
        "notice_holder",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("feed_digest", sa.String(), nullable=True),
        sa.Column("covered_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("alerts", sa.Text(), nullable=False),
        sa.Column("unsent", sa.Text(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("holder", name=op.f("pk_notice_holder")),
        sa.UniqueConstraint("feed_digest", name=op.f("uq_notice_holder_feed_digest")),
    )


def downgrade() -> None:
    op.drop_table("notice_holder")
    with op.batch_alter_table("head", schema=None) as batch_op:
        for name in ("frozen_by", "frozen_until", "frozen_since"):
            batch_op.drop_column(name)

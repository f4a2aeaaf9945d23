"""Decisions that wait for a second curator."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("a", KEY, autoincrement=False, nullable=False),
        sa.Column("b", KEY, autoincrement=False, nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('identity', 'consent')", name=op.f("ck_proposal_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index(op.f("ix_proposal_a"), "proposal", ["a"])
    op.create_index(op.f("ix_proposal_b"), "proposal", ["b"])


def downgrade() -> None:
    op.drop_table("proposal")

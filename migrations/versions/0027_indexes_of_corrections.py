"""Indexes of when decisions were undone and of when sources denied: the list of corrections asks for both, and went
through all decisions and all verdicts."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_decision_until"), "decision", ["until"])
    op.create_index(op.f("ix_verification_verdict_since"), "verification", ["verdict", "since"])


def downgrade() -> None:
    op.drop_index(op.f("ix_verification_verdict_since"), "verification")
    op.drop_index(op.f("ix_decision_until"), "decision")

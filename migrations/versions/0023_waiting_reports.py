"""Reports that wait for the end of an embargo, and the outcome of a row that waits. Who goes back loses them: not one
of them was ever public."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OUTCOME = "ck_import_row_outcome"
KNOWN = "'new', 'updated', 'unchanged', 'linked', 'needs_review'"


def upgrade() -> None:
    op.create_table(
        "waiting_report",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("source", KEY, autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refusal", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiting_report")),
        sa.UniqueConstraint("digest", name=op.f("uq_waiting_report_digest")),
    )
    for column in ("source", "until"):
        op.create_index(op.f(f"ix_waiting_report_{column}"), "waiting_report", [column])
    _allow(f"{KNOWN}, 'waiting', 'error'")


def downgrade() -> None:
    op.execute("UPDATE import_row SET outcome = 'unchanged' WHERE outcome = 'waiting'")
    _allow(f"{KNOWN}, 'error'")
    op.drop_table("waiting_report")


def _allow(outcomes: str) -> None:
    with op.batch_alter_table("import_row", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(OUTCOME), type_="check")
        batch_op.create_check_constraint(op.f(OUTCOME), f"outcome IN ({outcomes})")

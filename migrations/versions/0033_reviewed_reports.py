"""Which reports a curator has reviewed, and how many of a source count before. Earlier reports are reviewed."""

import sqlalchemy as sa
from alembic import op

from app.db.guards import allow_changes, forbid_changes

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REVIEWS = "'unreviewed', 'awaiting_review', 'rejected'"
KINDS = "'source', 'facility', 'report', 'identity', 'consent', 'claim', 'redaction', {}'signer'"
DECISIONS = "'identity', 'undo', 'claim', 'objection', 'opening'"
INDEX = ("source", "review", "until", "is_limited")


def upgrade() -> None:
    _allow_kinds("'recall', 'review', ", ", 'review'")
    op.create_table(
        "source_trust",
        sa.Column("source", KEY, autoincrement=False, nullable=False),
        sa.Column("unreviewed_limit", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_trust")),
    )
    op.add_column("report", sa.Column("source", KEY, nullable=True))
    op.execute("UPDATE report SET source = (SELECT source FROM record WHERE record.key = report.record)")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.alter_column("source", existing_type=KEY, nullable=False)
        batch_op.add_column(sa.Column("review", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("is_limited", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_check_constraint(batch_op.f("ck_report_review"), f"review IN ({REVIEWS})")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.alter_column("is_limited", existing_type=sa.Boolean(), server_default=None)
    op.create_index(op.f(f"ix_report_{'_'.join(INDEX)}"), "report", list(INDEX))
    for table in ("source_release", "source_detention"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("review", sa.String(), nullable=True))
            batch_op.create_check_constraint(batch_op.f(f"ck_{table}_review"), f"review IN ({REVIEWS})")


def downgrade() -> None:
    reviews = sa.text("SELECT count(*) FROM entry WHERE kind = 'review'")
    if op.get_bind().execute(reviews).scalar_one():
        raise RuntimeError("The log has reviews, which the version before cannot read: stay with this one.")
    for table in ("source_release", "source_detention"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"ck_{table}_review"), type_="check")
            batch_op.drop_column("review")
    op.drop_index(op.f(f"ix_report_{'_'.join(INDEX)}"), table_name="report")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_report_review"), type_="check")
        batch_op.drop_column("is_limited")
        batch_op.drop_column("review")
        batch_op.drop_column("source")
    op.drop_table("source_trust")
    op.execute("DELETE FROM proposal WHERE kind = 'review'")
    _allow_kinds("'recall', ", "")


def _allow_kinds(kinds: str, decisions: str) -> None:
    """Replace the kinds of entries and of proposals. The log is append-only but for this."""
    connection = op.get_bind()
    allow_changes(connection, "entry")
    for table, values in (("entry", KINDS.format(kinds)), ("proposal", f"{DECISIONS}{decisions}")):
        name = op.f(f"ck_{table}_kind")
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(name, type_="check")
            batch_op.create_check_constraint(name, f"kind IN ({values})")
    forbid_changes(connection, "entry")

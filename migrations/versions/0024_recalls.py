"""Recalls: which key wrote which entry, which entries are recalled, and which entry states a version that stands.

Until now a version stood from the revision of its own entry on, so that one column said both.
"""

import sqlalchemy as sa
from alembic import op

from app.db.guards import allow_changes, forbid_changes

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
VERSIONED = ("report", "claim")
KINDS = "'source', 'facility', 'report', 'identity', 'consent', 'claim', 'redaction', {}'signer'"
DECISIONS = "'identity', 'consent', 'objection', 'redaction'{}"


def upgrade() -> None:
    op.create_table(
        "written_by",
        sa.Column("revision", KEY, autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_written_by")),
    )
    op.create_table(
        "recalled_entry",
        sa.Column("revision", KEY, autoincrement=False, nullable=False),
        sa.Column("since", KEY, autoincrement=False, nullable=False),
        sa.Column("until", KEY, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("revision", "since", name=op.f("pk_recalled_entry")),
    )
    op.create_index(op.f("ix_recalled_entry_since"), "recalled_entry", ["since"])
    op.create_index(op.f("ix_recalled_entry_until_revision"), "recalled_entry", ["until", "revision"])
    for table in VERSIONED:
        op.add_column(table, sa.Column("stated", KEY, autoincrement=False, nullable=True))
        op.execute(sa.table(table, sa.column("stated"), sa.column("since")).update().values(stated=sa.column("since")))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("stated", nullable=False)
    _allow("'recall', ", ", 'recall'")


def downgrade() -> None:
    recalled = sa.text("SELECT count(*) FROM entry WHERE kind = 'recall'")
    if op.get_bind().execute(recalled).scalar_one():
        raise RuntimeError("The log has recalls, which the version before cannot read: stay with this one.")
    op.execute("DELETE FROM proposal WHERE kind = 'recall'")
    _allow("", "")
    for table in VERSIONED:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("stated")
    op.drop_table("recalled_entry")
    op.drop_table("written_by")


def _allow(kind: str, decision: str) -> None:
    """The kinds of entries and of proposals. The log is append-only but for this."""
    connection = op.get_bind()
    allow_changes(connection, "entry")
    for table, kinds in (("entry", KINDS.format(kind)), ("proposal", DECISIONS.format(decision))):
        name = op.f(f"ck_{table}_kind")
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(name, type_="check")
            batch_op.create_check_constraint(name, f"kind IN ({kinds})")
    forbid_changes(connection, "entry")

"""Objections of the people concerned, and who is hidden on one.

The second table is a base table: a rebuild fills it from the log. No registry has an objection yet, so none is needed.
Going down forgets which objections were answered; after coming up again `recuento rebuild` brings that back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KIND = "ck_proposal_kind"
OPEN = 9_007_199_254_740_991  # `until` of what stands


def upgrade() -> None:
    op.create_table(
        "objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=True),
        sa.Column("network", sa.String(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("wish", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("record", KEY, autoincrement=False, nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("wish IN ('hide', 'correct', 'remove', 'not_missing')", name=op.f("ck_objection_wish")),
        sa.CheckConstraint(
            "state IN ('received', 'waiting', 'open', 'hiding', 'upheld', 'decided')", name=op.f("ck_objection_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
    )
    for column in ("slot", "state", "record"):
        op.create_index(op.f(f"ix_objection_{column}"), "objection", [column])
    op.create_table(
        "objection_hiding",
        sa.Column("key", KEY, autoincrement=False, nullable=False),
        sa.Column("record", KEY, autoincrement=False, nullable=False),
        sa.Column("until", KEY, autoincrement=False, nullable=False),
        sa.Column("lapsed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_objection_hiding")),
    )
    op.create_index(op.f("ix_objection_hiding_record_until"), "objection_hiding", ["record", "until"])
    _allow("'identity', 'consent', 'objection', 'redaction'")


def downgrade() -> None:
    hidden = sa.text("SELECT count(*) FROM objection_hiding WHERE until = :open")
    if op.get_bind().execute(hidden, {"open": OPEN}).scalar_one():
        raise RuntimeError(
            "People are hidden on objections, and the version before would show them: let two curators decide first "
            "(GET /v1/objections)."
        )
    op.execute("DELETE FROM proposal WHERE kind = 'objection'")
    _allow("'identity', 'consent', 'redaction'")
    op.drop_table("objection_hiding")
    op.drop_table("objection")


def _allow(kinds: str) -> None:
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.drop_constraint(op.f(KIND), type_="check")
        batch_op.create_check_constraint(op.f(KIND), f"kind IN ({kinds})")

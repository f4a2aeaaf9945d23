"""Classes that wait for an agreement, decisions that take effect after a day, and objections without slots.

Every class of today counts as agreed. Proposals of the kinds that no longer wait are dropped.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CLASSES = "('named', 'named_by_reports', 'anonymous', 'counted')"
KINDS_BEFORE = "kind IN ('identity', 'consent', 'objection', 'redaction', 'recall')"
KINDS_AFTER = "kind IN ('identity', 'undo', 'claim', 'objection', 'opening')"
AGAINST_BEFORE, AGAINST_AFTER = "against IN ('consent', 'reports')", "against IN ('consent', 'reports', 'listing')"


def _key(name: str) -> "sa.Column[int]":
    return sa.Column(name, KEY, autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "class_hold",
        _key("detainee"),
        _key("since"),
        _key("until"),
        sa.Column("publish", sa.String(), nullable=False),
        _key("opening"),
        sa.Column("opening_to", sa.String(), nullable=False),
        sa.CheckConstraint(f"publish IN {CLASSES}", name=op.f("ck_class_hold_publish")),
        sa.CheckConstraint(f"opening_to IN {CLASSES}", name=op.f("ck_class_hold_opening_to")),
        sa.PrimaryKeyConstraint("detainee", "since", name=op.f("pk_class_hold")),
    )
    op.create_index(op.f("ix_class_hold_opening_until"), "class_hold", ["opening", "until"])
    op.add_column("record", sa.Column("publish_decided", sa.String(), nullable=True))
    op.execute("UPDATE record SET publish_decided = publish_now")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.alter_column("publish_decided", existing_type=sa.String(), nullable=False)
        batch_op.create_check_constraint(batch_op.f("ck_record_publish_decided"), f"publish_decided IN {CLASSES}")
    op.execute("DELETE FROM proposal")
    op.add_column("proposal", sa.Column("agreed_by", sa.String(), nullable=True))
    _check("proposal", "kind", KINDS_AFTER)
    _check("provisional_hiding", "against", AGAINST_AFTER)
    op.drop_index(op.f("ix_objection_slot"), "objection")
    with op.batch_alter_table("objection", schema=None) as batch_op:
        batch_op.drop_column("slot")


def downgrade() -> None:
    op.add_column("objection", sa.Column("slot", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_objection_slot"), "objection", ["slot"])
    op.execute("DELETE FROM provisional_hiding WHERE against = 'listing'")
    _check("provisional_hiding", "against", AGAINST_BEFORE)
    op.execute("DELETE FROM proposal")
    _check("proposal", "kind", KINDS_BEFORE)
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.drop_column("agreed_by")
    with op.batch_alter_table("record", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_record_publish_decided"), type_="check")
        batch_op.drop_column("publish_decided")
    op.drop_table("class_hold")


def _check(table: str, column: str, condition: str) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(f"ck_{table}_{column}"), type_="check")
        batch_op.create_check_constraint(batch_op.f(f"ck_{table}_{column}"), condition)

"""Wishes that hide somebody provisionally, and records that were outweighed: both wait for a curator.

The first table is projected: a rebuild fills it from the log.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, KEY, autoincrement=False, nullable=False)


def upgrade() -> None:
    op.create_table(
        "provisional_hiding",
        _key("record"),
        _key("since"),
        _key("until"),
        _key("detainee"),
        _key("source"),
        sa.Column("publish", sa.String(), nullable=False),
        sa.Column("against", sa.String(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.CheckConstraint("publish IN ('named', 'anonymous', 'counted')", name=op.f("ck_provisional_hiding_publish")),
        sa.CheckConstraint("against IN ('consent', 'reports')", name=op.f("ck_provisional_hiding_against")),
        sa.PrimaryKeyConstraint("record", "since", name=op.f("pk_provisional_hiding")),
    )
    with op.batch_alter_table("provisional_hiding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_provisional_hiding_detainee_until"), ["detainee", "until"], unique=False)
        batch_op.create_index(batch_op.f("ix_provisional_hiding_until_source"), ["until", "source"], unique=False)
    op.add_column("lookalike", sa.Column("contradicts", sa.Boolean(), nullable=True))
    op.execute(sa.text("UPDATE lookalike SET contradicts = :no").bindparams(sa.bindparam("no", False, sa.Boolean())))
    with op.batch_alter_table("lookalike", schema=None) as batch_op:
        batch_op.alter_column("contradicts", existing_type=sa.Boolean(), nullable=False)


def downgrade() -> None:
    # Rows that go are made by a rebuild alone: whoever comes back must not take those left for complete.
    op.execute("UPDATE head SET rules = 1")
    with op.batch_alter_table("lookalike", schema=None) as batch_op:
        batch_op.drop_column("contradicts")
    op.drop_table("provisional_hiding")

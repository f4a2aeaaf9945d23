"""Who was held from when to when: rows for the counts of the held.

The tables are projected: whoever opens the database next fills them from the log (`app.registry.apply`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, KEY, autoincrement=False, nullable=False)


def _days() -> list[sa.Column[int]]:
    ends = ("out_lo", "out_hi", "free_lo", "free_hi")
    return [sa.Column(name, sa.Integer(), nullable=name not in ends) for name in ("lo", "hi", *ends, "next_hi")]


def upgrade() -> None:
    op.create_table(
        "held",
        _key("spell"),
        _key("since"),
        _key("until"),
        _key("detainee"),
        sa.Column("status", sa.String(), nullable=False),
        *_days(),
        sa.Column("heard_hi", sa.Integer(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("designation", sa.String(), nullable=False),
        sa.Column("independent_verified", sa.Integer(), nullable=False),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "status IN ('verified', 'contested', 'reported', 'refuted', 'retracted')", name=op.f("ck_held_status")
        ),
        sa.PrimaryKeyConstraint("spell", "since", name=op.f("pk_held")),
    )
    op.create_index(op.f("ix_held_detainee_until"), "held", ["detainee", "until"])
    op.create_index(op.f("ix_held_out_hi"), "held", ["out_hi"])
    op.create_table(
        "held_voice",
        _key("spell"),
        _key("source"),
        _key("since"),
        _key("until"),
        _key("detainee"),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("independent", sa.Boolean(), nullable=False),
        *_days(),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("designation", sa.String(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('reported', 'verified', 'disputed', 'refuted', 'retracted')",
            name=op.f("ck_held_voice_verdict"),
        ),
        sa.PrimaryKeyConstraint("spell", "source", "since", name=op.f("pk_held_voice")),
    )
    op.create_index(op.f("ix_held_voice_detainee_until"), "held_voice", ["detainee", "until"])
    op.create_index(op.f("ix_held_voice_source_out_hi"), "held_voice", ["source", "out_hi"])


def downgrade() -> None:
    op.drop_table("held_voice")
    op.drop_table("held")

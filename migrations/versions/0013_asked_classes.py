"""What the reports of each record came to ask for, read instead of all their versions.

A rebuild fills the table from the log. Without it a wish that a curator has answered would count as a new one, so that
rows which stand without it are refused until then, like those of earlier rules.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "asked_class",
        sa.Column("record", KEY, autoincrement=False, nullable=False),
        sa.Column("publish", sa.String(), nullable=False),
        sa.Column("revision", KEY, autoincrement=False, nullable=False),
        sa.Column("since", KEY, autoincrement=False, nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("given_hi", sa.Integer(), nullable=True),
        sa.CheckConstraint("publish IN ('named', 'anonymous', 'counted')", name=op.f("ck_asked_class_publish")),
        sa.PrimaryKeyConstraint("record", "publish", name=op.f("pk_asked_class")),
    )
    op.execute("UPDATE head SET rules = 1 WHERE revision > 0")


def downgrade() -> None:
    op.drop_table("asked_class")

"""Which entry touched each person last, and what each source itself says of a release.

Whoever keeps rows in memory reads those of people touched since again. What sources say stays empty until a rebuild.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "changed_person",
        sa.Column("detainee", KEY, autoincrement=False, nullable=False),
        sa.Column("revision", KEY, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("detainee", name=op.f("pk_changed_person")),
    )
    op.create_index(op.f("ix_changed_person_revision"), "changed_person", ["revision"])
    # Who was touched when is in the rows and in the log: of all together it is enough that it was by now.
    op.execute(
        "INSERT INTO changed_person (detainee, revision) "
        "SELECT DISTINCT detainee, (SELECT revision FROM head) FROM placement"
    )
    op.add_column("source_release", sa.Column("said_lo", sa.Integer(), nullable=True))
    op.add_column("source_release", sa.Column("said_hi", sa.Integer(), nullable=True))
    op.add_column("source_release", sa.Column("said_kind", sa.String(), nullable=True))


def downgrade() -> None:
    op.execute("UPDATE head SET rules = 1")  # whoever comes back has what sources say made anew
    with op.batch_alter_table("source_release", schema=None) as batch_op:
        for name in ("said_kind", "said_hi", "said_lo"):
            batch_op.drop_column(name)
    op.drop_table("changed_person")

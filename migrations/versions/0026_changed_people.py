"""Which entry touched each person last: whoever keeps rows in memory reads those of such people again."""

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


def downgrade() -> None:
    op.drop_table("changed_person")

"""The real names of sources that are registered under a pseudonym, sealed. Who goes back loses them."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "source_real_name",
        sa.Column("source", KEY, autoincrement=False, nullable=False),
        sa.Column("real_name", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_source_real_name")),
    )


def downgrade() -> None:
    op.drop_table("source_real_name")

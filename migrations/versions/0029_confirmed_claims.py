"""The revision from which a version of a claim is confirmed. Every claim filed before counts as confirmed."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("claim", sa.Column("confirmed", KEY, nullable=True))
    op.execute("UPDATE claim SET confirmed = stated")


def downgrade() -> None:
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_column("confirmed")

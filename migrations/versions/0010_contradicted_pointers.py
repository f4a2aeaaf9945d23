"""Which report a report points at and contradicts, so that the pair waits in review."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("placement", sa.Column("contradicts", KEY, nullable=True))


def downgrade() -> None:
    # Rows that go are made by a rebuild alone: whoever comes back must not take those left for complete.
    op.execute("UPDATE head SET rules = 1")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_column("contradicts")

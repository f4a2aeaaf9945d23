"""Up to which revision erasures have left the files of the database too."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("head", sa.Column("erased", KEY, nullable=True))
    op.add_column("head", sa.Column("scrubbed", KEY, nullable=True))
    # What was erased before may still lie there: it is scrubbed once.
    op.execute(
        "UPDATE head SET scrubbed = 0, erased = (SELECT COALESCE(MAX(revision), 0) FROM entry WHERE kind = 'redaction')"
    )
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.alter_column("erased", existing_type=KEY, nullable=False)
        batch_op.alter_column("scrubbed", existing_type=KEY, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.drop_column("scrubbed")
        batch_op.drop_column("erased")

"""The number of the rules under which the projected rows were made.

The rows that stand were made under the first ones: `recuento rebuild` makes them anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("head", sa.Column("rules", sa.Integer(), nullable=True))
    op.execute("UPDATE head SET rules = 1")
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.alter_column("rules", existing_type=sa.Integer(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.drop_column("rules")

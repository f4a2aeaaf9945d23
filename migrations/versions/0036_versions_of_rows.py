"""The version of the projected rows beside the number of their rules.

Rows made before this number lack the ends of detentions and the possible ages: `recuento rebuild` fills them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("head", sa.Column("projection", sa.Integer(), nullable=True))
    op.execute("UPDATE head SET projection = 1")
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.alter_column("projection", existing_type=sa.Integer(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.drop_column("projection")

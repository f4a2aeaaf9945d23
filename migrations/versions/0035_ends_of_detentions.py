"""The arrest of each detention, and how it ended, in the rows that counts of detentions read.

`recuento rebuild` fills them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TABLES = ("detention_state", "source_detention")
ENDS = "'released', 'died', 'escaped', 'transferred_abroad', 'sentence_served', 'other'"


def upgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("detained_lo", sa.Integer(), nullable=True))
            batch_op.add_column(sa.Column("detained_hi", sa.Integer(), nullable=True))
            batch_op.add_column(sa.Column("ended", sa.String(), nullable=True))
            batch_op.create_check_constraint(batch_op.f(f"ck_{table}_ended"), f"ended IN ({ENDS})")


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"ck_{table}_ended"), type_="check")
            for column in ("ended", "detained_hi", "detained_lo"):
                batch_op.drop_column(column)

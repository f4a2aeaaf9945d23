"""Keys of names by sound, with the year of birth, and an index from which a look-up is answered alone.

The keys that stand are of the first form: whoever opens the database next makes them anew (`app.registry.apply`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blocking_key_key"))
        batch_op.add_column(sa.Column("born", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_blocking_key_key_born_record"), ["key", "born", "record"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blocking_key_key_born_record"))
        batch_op.drop_column("born")
        batch_op.create_index(batch_op.f("ix_blocking_key_key"), ["key"], unique=False)

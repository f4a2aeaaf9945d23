"""Whose record a key is of, so that no source takes the others' places in a look-up."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("blocking_key", sa.Column("source", KEY, nullable=True))
    op.execute("UPDATE blocking_key SET source = (SELECT source FROM record WHERE record.key = blocking_key.record)")
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.alter_column("source", existing_type=KEY, nullable=False)
        batch_op.drop_index(batch_op.f("ix_blocking_key_key_born_record"))
        batch_op.create_index(
            batch_op.f("ix_blocking_key_key_born_record_source"), ["key", "born", "record", "source"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blocking_key_key_born_record_source"))
        batch_op.create_index(batch_op.f("ix_blocking_key_key_born_record"), ["key", "born", "record"], unique=False)
        batch_op.drop_column("source")

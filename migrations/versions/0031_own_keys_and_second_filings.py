"""An index of blocking keys by source: matching finds a source's own records without reading those of anybody else. The
second filing that confirms a version of a claim."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_index(op.f("ix_blocking_key_source_key_born_record"), "blocking_key", ["source", "key", "born", "record"])
    op.add_column("claim", sa.Column("second", KEY, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_column("second")
    op.drop_index(op.f("ix_blocking_key_source_key_born_record"), "blocking_key")

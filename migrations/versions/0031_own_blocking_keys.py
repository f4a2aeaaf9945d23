"""An index of blocking keys by source: matching finds a source's own records without reading those of anybody else."""

from alembic import op

revision = "0031"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_blocking_key_source_key_born_record"), "blocking_key", ["source", "key", "born", "record"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_blocking_key_source_key_born_record"), "blocking_key")

"""A source's count rests on its own word, and what only a government says is told beside.

What only a denial speaks of that is not independent has no status, so `status` may be null; `source_trait` holds where
a person was held by the word of each source. `recuento rebuild` fills both, under the rules that need them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for table in ("release", "standing", "held"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("status", existing_type=sa.String(), nullable=True)
    op.add_column("detainee", sa.Column("rearrest_claimed", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("detainee", schema=None) as batch_op:
        batch_op.alter_column("rearrest_claimed", existing_type=sa.Boolean(), server_default=None)
    op.create_table(
        "source_trait",
        sa.Column("spell", KEY, autoincrement=False, nullable=False),
        sa.Column("source", KEY, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("since", KEY, autoincrement=False, nullable=False),
        sa.Column("until", KEY, autoincrement=False, nullable=False),
        sa.Column("detainee", KEY, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("spell", "source", "name", "value", "since", name=op.f("pk_source_trait")),
    )
    op.create_index(op.f("ix_source_trait_detainee_until"), "source_trait", ["detainee", "until"])
    op.create_index(op.f("ix_source_trait_source_name_value"), "source_trait", ["source", "name", "value"])


def downgrade() -> None:
    # Rows that go are made by a rebuild alone: whoever comes back must not take those left for complete.
    op.execute("UPDATE head SET rules = 1")
    op.drop_table("source_trait")
    with op.batch_alter_table("detainee", schema=None) as batch_op:
        batch_op.drop_column("rearrest_claimed")
    # As the rules before had it: a denial of what nobody asserts was a refutation.
    op.execute("UPDATE release SET status = 'refuted' WHERE status IS NULL")
    op.execute("UPDATE standing SET status = 'refuted' WHERE status IS NULL")
    op.execute("UPDATE held SET status = 'refuted' WHERE status IS NULL")
    for table in ("release", "standing", "held"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("status", existing_type=sa.String(), nullable=False)

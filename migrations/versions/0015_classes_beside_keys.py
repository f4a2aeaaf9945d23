"""Today's class of a record's person beside each of its blocking keys, and records still to be compared for curators.

The class is copied from the records, so that no rebuild is needed. Reports filed before have been compared already; who
goes back loses the few that wait.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CLASSES = "publish_now IN ('named', 'anonymous', 'counted')"
BEFORE = ["key", "born", "record", "source"]
AFTER = ["key", "publish_now", "born", "record", "source"]


def _index(columns: list[str]) -> str:
    return f"ix_blocking_key_{'_'.join(columns)}"


def upgrade() -> None:
    op.add_column("blocking_key", sa.Column("publish_now", sa.String(), nullable=True))
    op.execute(
        "UPDATE blocking_key SET publish_now = (SELECT publish_now FROM record WHERE record.key = blocking_key.record)"
    )
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.alter_column("publish_now", existing_type=sa.String(), nullable=False)
        batch_op.create_check_constraint(batch_op.f("ck_blocking_key_publish_now"), CLASSES)
        batch_op.drop_index(batch_op.f(_index(BEFORE)))
        batch_op.create_index(batch_op.f(_index(AFTER)), AFTER, unique=False)
    op.create_table(
        "uncompared_record",
        sa.Column("record", KEY, autoincrement=False, nullable=False),
        sa.Column("listing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_uncompared_record")),
    )


def downgrade() -> None:
    op.drop_table("uncompared_record")
    with op.batch_alter_table("blocking_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f(_index(AFTER)))
        batch_op.create_index(batch_op.f(_index(BEFORE)), BEFORE, unique=False)
        batch_op.drop_constraint(batch_op.f("ck_blocking_key_publish_now"), type_="check")
        batch_op.drop_column("publish_now")

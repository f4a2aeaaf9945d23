"""Columns of the simpler counting rules: denied releases, the status in each source's row, the days on which no source
says otherwise, and the last day on which each source shows the person inside.

`recuento rebuild` fills them. A release that only governments assert has the status `official_only`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

TABLES = ("release", "release_at_stage", "detention_state")
SOURCE_TABLES = ("source_release", "source_detention")
STATUSES = "'verified', 'contested', 'reported', 'refuted', 'retracted'"
NEW_STATUSES = "'verified', 'contested', 'reported', 'official_only', 'refuted', 'retracted'"
DAYS = ("sure_lo", "sure_hi", "free_sure_hi")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_column("contradicts")
    for table in TABLES:
        _allow_statuses(table, NEW_STATUSES)
    for table in SOURCE_TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("status", sa.String(), nullable=True))
            batch_op.create_check_constraint(batch_op.f(f"ck_{table}_status"), f"status IN ({NEW_STATUSES})")
    for table in ("release_at_stage", "detention_state"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("is_denied", sa.Boolean(), nullable=False, server_default=sa.false()))
    for table in ("detention_state", "source_detention"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in DAYS:
                batch_op.add_column(sa.Column(column, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("source_detention", sa.Column("heard_hi", sa.Integer(), nullable=True))
    for table in ("release_at_stage", "detention_state"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("is_denied", existing_type=sa.Boolean(), server_default=None)
    for table in ("detention_state", "source_detention"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in DAYS:
                batch_op.alter_column(column, existing_type=sa.Integer(), server_default=None)


def downgrade() -> None:
    op.execute("UPDATE head SET rules = 5")
    op.add_column("placement", sa.Column("contradicts", KEY, nullable=True))
    for table in SOURCE_TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"ck_{table}_status"), type_="check")
            batch_op.drop_column("status")
    with op.batch_alter_table("source_detention", schema=None) as batch_op:
        batch_op.drop_column("heard_hi")
    for table in ("detention_state", "source_detention"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in DAYS:
                batch_op.drop_column(column)
    for table in ("release_at_stage", "detention_state"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("is_denied")
    for table in TABLES:
        rows = sa.table(table, sa.column("status"))
        op.execute(sa.update(rows).where(rows.c.status == "official_only").values(status="reported"))
        _allow_statuses(table, STATUSES)


def _allow_statuses(table: str, statuses: str) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(f"ck_{table}_status"), type_="check")
        batch_op.create_check_constraint(batch_op.f(f"ck_{table}_status"), f"status IN ({statuses})")

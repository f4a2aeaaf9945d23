"""Of people whose name reports ask for, whether a recorded consent opens it.

It follows from the consents, so that no rebuild is needed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BEFORE = "publish_now IN ('named', 'anonymous', 'counted')"
AFTER = "publish_now IN ('named', 'named_by_reports', 'anonymous', 'counted')"
OPEN = 9_007_199_254_740_991
TABLES = ("record", "blocking_key")
# A consent speaks for the whole person, whichever of the person's records it names.
BY_REPORTS = sa.text(
    """
    UPDATE record SET publish_now = 'named_by_reports'
    WHERE publish_now = 'named' AND NOT EXISTS (
        SELECT 1
        FROM placement AS own
        JOIN placement AS other ON other.detainee = own.detainee AND other.until = :open
        JOIN consent ON consent.record = other.record
        WHERE own.record = record.key AND own.until = :open
    )
    """
).bindparams(open=OPEN)
BESIDE_KEYS = """
    UPDATE blocking_key SET publish_now = 'named_by_reports'
    WHERE record IN (SELECT key FROM record WHERE publish_now = 'named_by_reports')
"""


def upgrade() -> None:
    _allow(AFTER)
    op.execute(BY_REPORTS)
    op.execute(BESIDE_KEYS)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"UPDATE {table} SET publish_now = 'named' WHERE publish_now = 'named_by_reports'")  # noqa: S608
    _allow(BEFORE)


def _allow(classes: str) -> None:
    for table in TABLES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"ck_{table}_publish_now"), type_="check")
            batch_op.create_check_constraint(batch_op.f(f"ck_{table}_publish_now"), classes)

"""What is kept of lists is sealed; and up to which revision erasures have left the files of the database too.

A migration knows no secret, so that what imports kept in clear goes: receipts, saved mappings, and lists that wait,
which are sent again. Reports stay.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IMPORTS = ("import_file", "import_row", "import_mapping", "list_import")
SEALED = {"list_import": ("mapping", "told", "questions", "fault"), "import_row": ("faults",)}


def _empty(column_type: Any) -> None:
    """Delete what imports keep, and give what holds texts of lists another type."""
    for table in IMPORTS:
        op.execute(sa.delete(sa.table(table)))
    for table, columns in {**SEALED, "import_mapping": ("mapping",)}.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in columns:
                batch_op.drop_column(name)
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in columns:
                nullable = name in ("fault", "faults") or (table, name) == ("list_import", "mapping")
                batch_op.add_column(sa.Column(name, column_type, nullable=nullable))


def _left_something() -> bool:
    """Whether anything was erased, or imports kept anything in clear, that may still lie in the files."""
    found = [sa.select(sa.literal(1)).select_from(sa.table(name)).limit(1) for name in IMPORTS]
    kind = sa.column("kind", sa.String())
    found.append(sa.select(sa.literal(1)).select_from(sa.table("entry", kind)).where(kind == "redaction").limit(1))
    return any(op.get_bind().execute(query).first() for query in found)


def upgrade() -> None:
    left = _left_something()
    _empty(sa.LargeBinary())
    op.execute("""DELETE FROM idempotent_answer WHERE outcome LIKE '%"kind": "import"%'""")
    op.add_column("head", sa.Column("erased", KEY, nullable=True))
    op.add_column("head", sa.Column("scrubbed", KEY, nullable=True))
    # What was deleted before, here too, may still lie in the files: where there was any, they are scrubbed once.
    op.execute("UPDATE head SET scrubbed = 0, erased = 0")
    if left:
        op.execute("UPDATE head SET erased = revision")
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.alter_column("erased", existing_type=KEY, nullable=False)
        batch_op.alter_column("scrubbed", existing_type=KEY, nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("head", schema=None) as batch_op:
        batch_op.drop_column("scrubbed")
        batch_op.drop_column("erased")
    _empty(sa.Text())

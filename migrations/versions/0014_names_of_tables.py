"""Tables called what their rows are, with their constraints and indexes.

SQLite renames no constraint, so on both engines each table is made anew under its new name, filled from the old one and
dropped under the old. No value changes, and no rebuild is needed.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STAGES = "'announced', 'ordered', 'carried_out'"
STATUSES = "'verified', 'contested', 'reported', 'refuted', 'retracted'"
VERDICTS = "'reported', 'verified', 'disputed', 'refuted', 'retracted'"
CLASSES = "'named', 'anonymous', 'counted'"
TYPES: dict[str, Any] = {
    "key": KEY, "int": sa.Integer(), "str": sa.String(), "text": sa.Text(), "bool": sa.Boolean(),
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table under its old and its new name. `columns`: name and type, with a question mark where null is allowed."""

    old: str
    new: str
    columns: str
    primary: tuple[str, ...]
    checks: dict[str, str]
    indexes: tuple[tuple[str, ...], ...] = ()


BY_PERSON = ("detainee", "until")
ENDS = "out_lo:int out_hi:int free_lo:int free_hi:int"
TABLES = (
    Table(
        "standing", "release_at_stage",
        "spell:key stage:str since:key until:key detainee:key status:str? lo:int? hi:int? kind:str country:str? "
        "designation:str independent_verified:int next_hi:int? withheld:bool",
        ("spell", "stage", "since"), {"stage": STAGES, "status": STATUSES}, (BY_PERSON, ("stage", "lo")),
    ),
    Table(
        "voice", "source_release",
        "spell:key stage:str source:key since:key until:key detainee:key verdict:str independent:bool lo:int? hi:int? "
        "kind:str country:str? designation:str next_hi:int?",
        ("spell", "stage", "source", "since"), {"stage": STAGES, "verdict": VERDICTS},
        (BY_PERSON, ("stage", "source", "lo"), ("spell", "stage")),
    ),
    Table(
        "held", "detention_state",
        f"spell:key since:key until:key detainee:key status:str? lo:int? hi:int? {ENDS} next_hi:int? heard_hi:int? "
        "country:str? designation:str independent_verified:int withheld:bool",
        ("spell", "since"), {"status": STATUSES}, (BY_PERSON, ("out_hi",)),
    ),
    Table(
        "held_voice", "source_detention",
        f"spell:key source:key since:key until:key detainee:key verdict:str independent:bool lo:int? hi:int? {ENDS} "
        "next_hi:int? country:str? designation:str",
        ("spell", "source", "since"), {"verdict": VERDICTS}, (BY_PERSON, ("source", "out_hi")),
    ),
    Table(
        "lookalike", "hidden_candidate_pair", "record:key other:key score:int reasons:text contradicts:bool",
        ("record", "other"), {},
    ),
    Table(
        "asked_class", "requested_class", "record:key publish:str revision:key since:key stopped:bool given_hi:int?",
        ("record", "publish"), {"publish": CLASSES},
    ),
)  # fmt: skip


def _column(described: str) -> sa.Column[object]:
    name, of = described.split(":")
    return sa.Column(name, TYPES[of.rstrip("?")], nullable=of.endswith("?"), autoincrement=False)


def _rename(table: Table, old: str, new: str) -> None:
    columns = [_column(described) for described in table.columns.split()]
    renamed = op.create_table(
        new,
        *columns,
        *(sa.CheckConstraint(f"{of} IN ({codes})", name=op.f(f"ck_{new}_{of}")) for of, codes in table.checks.items()),
        sa.PrimaryKeyConstraint(*table.primary, name=op.f(f"pk_{new}")),
    )
    names = [column.name for column in columns]
    op.execute(sa.insert(renamed).from_select(names, sa.select(*map(sa.column, names)).select_from(sa.table(old))))
    op.drop_table(old)
    for index in table.indexes:
        op.create_index(op.f(f"ix_{new}_{'_'.join(index)}"), new, list(index))


def upgrade() -> None:
    for table in TABLES:
        _rename(table, table.old, table.new)


def downgrade() -> None:
    for table in TABLES:
        _rename(table, table.new, table.old)

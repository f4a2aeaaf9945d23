"""What a source says, without verifying it, of people who may only be counted: apart from what other sources say.

Counts tell how many people a source reports, and of each how many verify them and who. They do not tell that two
sources report the same person whom neither verifies. Files must not either: a state could plant a report, and read off
the row with which a curator joined it who else had reported that person. So these rows have numbers that are of one
source alone, and carry beside them what a count by that source reads of the whole (pure)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NONE, Array
from app.columns.table import PERSON, SINCE, UNTIL, Kept
from app.vocabulary import Verdict

# The table of what sources say → that of what all sources together say of the same, and what tells its rows apart.
TOGETHER: dict[str, tuple[Kept, tuple[str, ...]]] = {
    table.SOURCE_RELEASES.name: (table.RELEASES, ("spell", "stage")),
    table.SOURCE_HELD.name: (table.HELD, ("spell",)),
}
VOICES = (table.SOURCE_RELEASES, table.SOURCE_HELD)
OWN_DETENTION, OWN_PERSON, VERIFYING = "own_spell", "own_detainee", "verifying"
# In a list of sources, of whoever verifies of its own knowledge.
OF_OWN_KNOWLEDGE = "*"
_HOLDS = {SINCE, UNTIL}
_BESIDE = ("status", "independent_verified", "heard_hi", "state", "rearrested")
_EMPTY: dict[str, Any] = {"status": 0, "independent_verified": 0, "heard_hi": NONE, "state": 0, "rearrested": False}

Row = dict[str, Any]
Rows = dict[str, Array]


class Parted(NamedTuple):
    """Rows of a table of what sources say: those that stay linked, and those that stand apart. `people` and
    `detentions`: the number of a source's own → the registry's key."""

    linked: dict[str, Rows]
    unlinked: dict[str, list[Row]]
    people: dict[int, int]
    detentions: dict[int, int]


@dataclass
class _Detention:
    """The rows of one detention, by table."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))


def parted(columns: Columns) -> Parted:
    """Part what sources say of people who may only be counted, wherever a source verifies nothing of the detention."""
    withheld = np.zeros(columns.keys, bool)
    for together, _key in TOGETHER.values():
        rows = columns.tables[together.name]
        withheld[rows.column("spell")[rows.column("withheld")]] = True
    linked: dict[str, Rows] = {}
    detentions: dict[int, _Detention] = defaultdict(_Detention)
    for kept in (*VOICES, table.RELEASES, table.HELD):
        whole = _arrays(columns, kept)
        among = withheld[whole["spell"]]
        if kept in VOICES:
            linked[kept.name] = {name: column[~among] for name, column in whole.items()}
        for row in _each({name: column[among] for name, column in whole.items()}):
            detentions[row["spell"]].rows[kept.name].append(row)
    people = _people(columns, detentions.values())
    verified = columns.codes.of(Verdict.VERIFIED)
    apart: dict[str, list[Row]] = {kept.name: [] for kept in VOICES}
    again: dict[str, list[Row]] = {kept.name: [] for kept in VOICES}
    for detention in detentions.values():
        for name in apart:
            for voice in detention.rows[name]:
                for row in _pieces(detention, name, voice, people, verified):
                    (apart if VERIFYING in row else again)[name].append(row)
    for kept in VOICES:
        linked[kept.name] = _joined(linked[kept.name], again[kept.name])
    return Parted(linked, apart, *_numbered(apart))


def _pieces(
    detention: _Detention, name: str, voice: Row, people: Mapping[int, list[Row]], verified: int
) -> Iterator[Row]:
    """A row of what a source says, cut where it begins or ceases to stand apart, or where what stands beside it
    changes."""
    if voice["verdict"] == verified:
        yield voice
        return
    together, key = TOGETHER[name]

    def is_of_same(row: Row) -> bool:
        return all(row[column] == voice[column] for column in key)

    whole = [row for row in detention.rows[together.name] if is_of_same(row)]
    others = [row for row in detention.rows[name] if row["verdict"] == verified and is_of_same(row)]
    own = [
        row
        for kept in VOICES
        for row in detention.rows[kept.name]
        if row["verdict"] == verified and row["source"] == voice["source"]
    ]
    person = people[voice[PERSON]]
    cuts = {at for row in (*whole, *others, *own, *person) for at in (row[SINCE], row[UNTIL])}
    inside = sorted(at for at in cuts if voice[SINCE] < at < voice[UNTIL])
    before: Row | None = None
    for since, until in zip([voice[SINCE], *inside], [*inside, voice[UNTIL]], strict=True):
        together_then = _at(whole, since)
        if together_then is None:
            continue  # of what all together do not tell no count reads a source's word
        row = {**voice, **_beside(since, together_then, others, own, person), SINCE: since, UNTIL: until}
        if before is not None and _goes_on(before, row):
            before[UNTIL] = until
            continue
        if before is not None:
            yield before
        before = row
    if before is not None:
        yield before


def _goes_on(before: Row, row: Row) -> bool:
    """Whether a row says what the one before it said, up to then."""
    same = all(before.get(column) == row.get(column) for column in {*before, *row} - _HOLDS)
    return same and bool(before[UNTIL] == row[SINCE])


def _beside(revision: int, together: Row, others: Iterable[Row], own: Iterable[Row], person: Iterable[Row]) -> Row:
    """What stands beside a row that stands apart at a revision; nothing beside one that does not."""
    if not together["withheld"] or _at(own, revision) is not None:
        return {}
    state = _at(person, revision) or {}
    read_beside = {
        **_EMPTY,
        **{column: row[column] for row in (together, state) for column in _BESIDE if column in row},
    }
    verifying = sorted((row["source"], row["independent"]) for row in others if _holds(row, revision))
    return {
        **read_beside,
        VERIFYING: " ".join(f"{source}{OF_OWN_KNOWLEDGE if knows else ''}" for source, knows in verifying),
    }


def _holds(row: Row, revision: int) -> bool:
    return bool(row[SINCE] <= revision < row[UNTIL])


def _at(rows: Iterable[Row], revision: int) -> Row | None:
    return next((row for row in rows if _holds(row, revision)), None)


def _people(columns: Columns, detentions: Iterable[_Detention]) -> dict[int, list[Row]]:
    whose = {row[PERSON] for detention in detentions for kept in VOICES for row in detention.rows[kept.name]}
    whole = _arrays(columns, table.PEOPLE)
    among = np.isin(whole[PERSON], list(whose))
    people: dict[int, list[Row]] = {person: [] for person in whose}
    for row in _each({name: column[among] for name, column in whole.items()}):
        people[row[PERSON]].append(row)
    return people


def _numbered(apart: Mapping[str, list[Row]]) -> tuple[dict[int, int], dict[int, int]]:
    """Give each row the numbers of its person and its detention that are its source's alone, from 1 on, in the order of
    the revisions at which they first stand; what they are numbers of."""
    every = sorted(
        (row for rows in apart.values() for row in rows), key=lambda row: (row[SINCE], row["source"], row["spell"])
    )
    numbers: dict[str, dict[tuple[int, int], int]] = {OWN_PERSON: {}, OWN_DETENTION: {}}
    for name, key in ((OWN_PERSON, PERSON), (OWN_DETENTION, "spell")):
        for row in every:
            row[name] = numbers[name].setdefault((row[key], row["source"]), len(numbers[name]) + 1)
    people, detentions = ({number: key for (key, _source), number in of.items()} for of in numbers.values())
    return people, detentions


def _arrays(columns: Columns, kept: Kept) -> Rows:
    table = columns.tables[kept.name]
    return {name: table.column(name) for name in (SINCE, UNTIL, *kept.columns)}


def _each(rows: Rows) -> Iterator[Row]:
    columns = [column.tolist() for column in rows.values()]
    for row in zip(*columns, strict=True):
        yield dict(zip(rows, row, strict=True))


def _joined(rows: Rows, more: list[Row]) -> Rows:
    return {
        name: np.concatenate([column, np.array([row[name] for row in more], column.dtype)])
        for name, column in rows.items()
    }

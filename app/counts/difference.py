"""Compare a count at two revisions: which releases or detentions were added, removed or changed, and why."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import Session, col

from app.columns import table
from app.columns.rows import Array, Mask, flag_keys
from app.columns.store import get_columns
from app.columns.table import NULL_CODE
from app.counts.shapes import CaseOut, CountDifference
from app.counts.tally import read_own_statuses
from app.db.engine import split_into_chunks
from app.models import CURRENT_CLASSES, Placement, Record
from app.queries.countables import get_countable
from app.queries.selection.build import build_selection
from app.queries.selection.rows import COUNTABLE_STATUSES, load_all_source_rows, load_consolidated_rows
from app.queries.selection.visibility import match_classes, valid_at
from app.queries.term_names import load_source_keys
from app.queries.terms import SourcedTerms
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.vocabulary import Language, ReleaseStatus

# Maximum number of cases in a response; the numbers cover all cases.
MAX_CASES = 200

# Change → singular and plural label in English, then in Spanish.
CHANGE_LABELS: dict[str, tuple[str, str, str, str]] = {
    "newly_verified": ("newly verified", "newly verified", "verificada después", "verificadas después"),
    "newly_reported": ("newly reported", "newly reported", "reportada después", "reportadas después"),
    "newly_contested": ("newly contested", "newly contested", "controvertida después", "controvertidas después"),
    "no_longer_verified": ("no longer verified", "no longer verified", "ya no verificada", "ya no verificadas"),
    "no_longer_contested": ("no longer contested", "no longer contested", "ya no controvertida",
                            "ya no controvertidas"),
    "retracted": ("retracted", "retracted", "retirada por quien la reportó", "retiradas por quien las reportó"),
    "refuted": ("refuted", "refuted", "desmentida", "desmentidas"),
    "official_only": ("now official only", "now official only", "ahora solo oficial", "ahora solo oficiales"),
    "recalled": ("recalled", "recalled", "anulada en bloque", "anuladas en bloque"),
    "merged": ("merged with another", "merged with others", "unida a otra", "unidas a otras"),
    "separated": ("separated from another", "separated from others", "separada de otra", "separadas de otras"),
    # Because of a new date or kind, another source's verdict, or a new arrest.
    "moved_in": ("moved into the terms", "moved into the terms", "ahora dentro de los términos",
                 "ahora dentro de los términos"),
    "moved_out": ("moved out of the terms", "moved out of the terms", "ahora fuera de los términos",
                  "ahora fuera de los términos"),
}  # fmt: skip
_GAIN_BY_STATUS = {
    ReleaseStatus.VERIFIED: "newly_verified",
    ReleaseStatus.CONTESTED: "newly_contested",
    ReleaseStatus.REPORTED: "newly_reported",
    ReleaseStatus.REFUTED: "refuted",
    ReleaseStatus.OFFICIAL_ONLY: "official_only",
    ReleaseStatus.RETRACTED: "retracted",
}
_RECORDS_PARAM: BindParameter[Any] = bindparam("keys", expanding=True)


class _CountedSpells(NamedTuple):
    """The counted spells, as arrays by spell key.

    `status`: the code of the status, NULL_CODE if the spell does not count. `detainee`: the key of the person."""

    status: Array
    detainee: Array


@dataclass(frozen=True)
class Case:
    """How one release or detention changed between two revisions. `spell`: its key at the revision that counts it."""

    spell: int
    change: str


def compare_revisions(
    session: Session, terms: SourcedTerms, reader: Reader, old_revision: int, new_revision: int
) -> CountDifference:
    """Return what changed between two revisions; `old_revision` is the earlier one.

    Old count + added − removed = new count; the other changes concern releases that count at both revisions. At most
    MAX_CASES cases are listed, taken in turn from each change so that every kind of change is represented."""
    old, new = (_count_spells(session, terms, reader, revision) for revision in (old_revision, new_revision))
    counted_in_old, counted_in_new = old.status != NULL_CODE, new.status != NULL_CODE
    removed = _read_status_texts(session, old.status, counted_in_old & ~counted_in_new)
    added = _read_status_texts(session, new.status, counted_in_new & ~counted_in_old)
    changed = counted_in_old & counted_in_new & (old.status != new.status)
    cases = [
        *_find_status_changes(
            _read_status_texts(session, old.status, changed), _read_status_texts(session, new.status, changed)
        ),
        *_find_removed_cases(session, terms, removed, new_revision),
        *_find_added_cases(session, terms, added, old_revision),
    ]
    numbers = Counter(case.change for case in cases)
    changes = {change: numbers[change] for change in CHANGE_LABELS if numbers[change]}
    people = np.where(counted_in_new, new.detainee, old.detainee)
    visible = _select_visible(session, cases, people, reader, new_revision)
    return {
        "added": len(added),
        "removed": len(removed),
        "changes": changes,
        "summary": {"en": format_change_summary(changes, "en"), "es": format_change_summary(changes, "es")},
        "cases": _add_record_ids(session, _select_round_robin(visible), get_countable(terms).record),
        "cases_left_out": max(0, len(visible) - MAX_CASES),
        "withheld_cases": len(cases) - len(visible),
    }


def _select_round_robin(cases: list[Case]) -> list[Case]:
    """Return at most MAX_CASES cases, taken in turn from each kind of change, in their original order."""
    turns: dict[str, int] = defaultdict(int)
    turn_order = []
    for place, case in enumerate(cases):
        turn_order.append((turns[case.change], place))
        turns[case.change] += 1
    selected = sorted(place for _turn, place in sorted(turn_order)[:MAX_CASES])
    return [cases[place] for place in selected]


def format_change_summary(changes: dict[str, int], lang: Language) -> str:
    """Format the numbers of changes, as in `3 newly verified, 1 retracted, 2 merged with others`."""
    first = 0 if lang == "en" else 2
    phrases = [f"{number} {CHANGE_LABELS[change][first + (number != 1)]}" for change, number in changes.items()]
    return ", ".join(phrases) or ("nothing has changed" if lang == "en" else "nada ha cambiado")


def _count_spells(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> _CountedSpells:
    selection = build_selection(session, terms, reader, revision)
    is_counted = selection.match_listed(terms)
    rows, keys = selection.rows.where(is_counted), selection.columns.key_count
    result = _CountedSpells(np.full(keys, NULL_CODE, np.int16), np.zeros(keys, np.int32))
    codes = selection.consolidated_rows["status"][is_counted]
    result.status[rows["spell"]], result.detainee[rows["spell"]] = codes, rows[table.PERSON_COLUMN]
    return result


def _read_status_texts(session: Session, status: Array, mask: Mask) -> dict[int, str]:
    """Return a dict of spell → text of its status, ordered by spell."""
    text, spells = get_columns(session).codes.text, np.flatnonzero(mask)
    return {spell: str(text(code)) for spell, code in zip(spells.tolist(), status[spells].tolist(), strict=True)}


def _find_status_changes(old_statuses: Mapping[int, str], new_statuses: Mapping[int, str]) -> Iterator[Case]:
    """Yield the spells that count at both revisions with different statuses."""
    for spell, old_status in old_statuses.items():
        yield Case(spell, _name_status_change(old_status, new_statuses[spell]))


def _name_status_change(old_status: str, new_status: str) -> str:
    if new_status == ReleaseStatus.REPORTED:
        return "no_longer_contested" if old_status == ReleaseStatus.CONTESTED else "no_longer_verified"
    return _GAIN_BY_STATUS[ReleaseStatus(new_status)]


def _find_removed_cases(
    session: Session, terms: SourcedTerms, spells: Mapping[int, str], revision: int
) -> Iterator[Case]:
    places, statuses = _load_placements(session, spells, revision), _read_statuses(session, terms, spells, revision)
    for spell, old_status in sorted(spells.items()):
        status = statuses.get(spell)
        if places.get(spell, spell) != spell:
            yield Case(spell, "merged")
        elif spell not in places:  # all its reports were recalled
            yield Case(spell, "recalled")
        elif status is not None and status not in (terms.status or COUNTABLE_STATUSES):
            yield Case(spell, _name_status_change(old_status, status))
        else:
            yield Case(spell, "moved_out")


def _find_added_cases(
    session: Session, terms: SourcedTerms, spells: Mapping[int, str], revision: int
) -> Iterator[Case]:
    places, statuses = _load_placements(session, spells, revision), _read_statuses(session, terms, spells, revision)
    requested_statuses = terms.status or COUNTABLE_STATUSES
    for spell, new_status in sorted(spells.items()):
        status = statuses.get(spell)
        if places.get(spell, spell) != spell:
            yield Case(spell, "separated")
        elif status in requested_statuses:
            yield Case(spell, "moved_in")
        else:
            yield Case(spell, _GAIN_BY_STATUS[ReleaseStatus(new_status)])


def _load_placements(session: Session, spells: Collection[int], revision: int) -> dict[int, int]:
    """Return for each spell, taken as a record key, the spell of that record at a revision."""
    placements = select(col(Placement.record), col(Placement.spell)).where(
        col(Placement.record).in_(_RECORDS_PARAM), valid_at(Placement, revision)
    )
    return {
        record: spell
        for chunk in split_into_chunks(spells)
        for record, spell in session.execute(placements, {"keys": chunk})
    }


def _read_statuses(
    session: Session, terms: SourcedTerms, spells: Collection[int], revision: int
) -> dict[int, str | None]:
    """Return a dict of spell → status, for those of `spells` that have a row; in the row of the source that the terms
    name, its denial or withdrawal too."""
    columns = get_columns(session)
    if terms.source is None:
        rows = load_consolidated_rows(columns, terms, revision)
        codes = rows["status"]
    else:
        rows = load_all_source_rows(columns, terms, revision)
        rows = rows.where(rows["source"] == load_source_keys(session, terms, revision)[terms.source])
        codes = read_own_statuses(rows)
    is_requested = flag_keys(columns.key_count, np.array([*spells], int))[rows["spell"]]
    texts = map(columns.codes.text, codes[is_requested].tolist())
    return dict(zip(rows["spell"][is_requested].tolist(), texts, strict=True))


def _select_visible(
    session: Session, cases: list[Case], person_by_spell: Array, reader: Reader, revision: int
) -> list[Case]:
    """Return the cases whose person the reader may see in lists. `person_by_spell`: the person of each spell."""
    columns, spells = get_columns(session), np.array([case.spell for case in cases], int)
    hidden_classes = [publish for publish in CURRENT_CLASSES if not reader.can_see_person(publish)]
    # Check today's class of the record itself and of the person it was counted with.
    is_class_hidden = np.isin(columns.classes[spells], [CURRENT_CLASSES.index(publish) for publish in hidden_classes])
    is_hidden = is_class_hidden | match_classes(columns, person_by_spell[spells], hidden_classes, revision)
    return [case for case, is_out in zip(cases, is_hidden.tolist(), strict=True) if not is_out]


def _add_record_ids(session: Session, cases: list[Case], kind: TargetKind) -> list[CaseOut]:
    """Build the cases with the ids of their releases or detentions."""
    ids: dict[int, uuid.UUID] = {}
    for chunk in split_into_chunks(case.spell for case in cases):
        query = select(col(Record.key), getattr(Record, f"{kind}_id")).where(col(Record.key).in_(chunk))
        ids.update(tuple(row) for row in session.execute(query))
    return [{"change": case.change, "id": ids[case.spell]} for case in cases]

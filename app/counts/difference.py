"""A count then and now: which releases or detentions came, went or changed between two revisions, and why."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import Session, col

from app.columns import table
from app.columns.rows import Array, Mask, Rows, flag_keys
from app.columns.store import get_columns
from app.columns.table import NULL_CODE
from app.db.engine import split_into_chunks
from app.models import CURRENT_CLASSES, Placement, Record
from app.queries.countables import get_countable
from app.queries.selection import (
    ASSERTING_VERDICTS,
    COUNTABLE_STATUSES,
    load_consolidated_rows,
    load_source_keys,
    load_source_rows,
)
from app.queries.selection import build_selection as select_counted
from app.queries.terms import SourcedTerms
from app.queries.visibility import match_classes, valid_at
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.schemas.counts import CaseOut, Comparison
from app.vocabulary import Language, ReleaseStatus

# Cases listed in one answer; the numbers are of all of them.
MAX_CASES = 200

# Change → what happened to one release or to several, in English and Spanish.
CHANGE_LABELS: dict[str, tuple[str, str, str, str]] = {
    "newly_verified": ("newly verified", "newly verified", "verificada después", "verificadas después"),
    "newly_reported": ("newly reported", "newly reported", "reportada después", "reportadas después"),
    "newly_contested": ("newly contested", "newly contested", "controvertida después", "controvertidas después"),
    "no_longer_verified": ("no longer verified", "no longer verified", "ya no verificada", "ya no verificadas"),
    "no_longer_contested": ("no longer contested", "no longer contested", "ya no controvertida",
                            "ya no controvertidas"),
    "retracted": ("retracted", "retracted", "retirada por quien la reportó", "retiradas por quien las reportó"),
    "refuted": ("refuted", "refuted", "desmentida", "desmentidas"),
    "recalled": ("recalled", "recalled", "anulada en bloque", "anuladas en bloque"),
    "merged": ("merged with another", "merged with others", "unida a otra", "unidas a otras"),
    "separated": ("separated from another", "separated from others", "separada de otra", "separadas de otras"),
    # By another date or kind, another source's word, or a new arrest: whatever the terms ask for.
    "moved_in": ("moved into the terms", "moved into the terms", "ahora dentro de los términos",
                 "ahora dentro de los términos"),
    "moved_out": ("moved out of the terms", "moved out of the terms", "ahora fuera de los términos",
                  "ahora fuera de los términos"),
}  # fmt: skip
_GAIN_BY_STATUS = {
    ReleaseStatus.VERIFIED: "newly_verified",
    ReleaseStatus.CONTESTED: "newly_contested",
    ReleaseStatus.REPORTED: "newly_reported",
}
_RECORDS_PARAM: BindParameter[Any] = bindparam("among", expanding=True)


class _CountedSpells(NamedTuple):
    """What a count counts, by spell. `status`: the code of its status, NOTHING where it does not count; where the terms
    name one source, of that source's verdict. `detainee`: the person."""

    status: Array
    detainee: Array


@dataclass(frozen=True)
class Case:
    """What became of one release or detention between two revisions. `spell`: its key where it counted."""

    spell: int
    change: str


def compare_revisions(
    session: Session, terms: SourcedTerms, reader: Reader, old_revision: int, new_revision: int
) -> Comparison:
    """What changed between two revisions, `old_revision` the earlier. What counted then + added − removed = what counts now;
    the other changes are of what counts at both. Of more than MOST_CASES the first of each change are listed in turn,
    so that no kind of change is out of sight."""
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
        "cases": _add_record_ids(session, _select_in_turn(visible), get_countable(terms).record),
        "cases_left_out": max(0, len(visible) - MAX_CASES),
        "withheld_cases": len(cases) - len(visible),
    }


def _select_in_turn(cases: list[Case]) -> list[Case]:
    """At most MOST_CASES, taken in turn from every kind of change, in the order in which they were found."""
    turns: dict[str, int] = defaultdict(int)
    turn_order = []
    for place, case in enumerate(cases):
        turn_order.append((turns[case.change], place))
        turns[case.change] += 1
    selected = sorted(place for _turn, place in sorted(turn_order)[:MAX_CASES])
    return [cases[place] for place in selected]


def format_change_summary(changes: dict[str, int], lang: Language) -> str:
    """`3 newly verified, 1 retracted, 2 merged with others`."""
    first = 0 if lang == "en" else 2
    phrases = [f"{number} {CHANGE_LABELS[change][first + (number != 1)]}" for change, number in changes.items()]
    return ", ".join(phrases) or ("nothing has changed" if lang == "en" else "nada ha cambiado")


def _count_spells(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> _CountedSpells:
    selection = select_counted(session, terms, reader, revision)
    is_counted = selection.inside & selection.counting
    rows, keys = selection.rows.where(is_counted), selection.columns.key_count
    result = _CountedSpells(np.full(keys, NULL_CODE, np.int16), np.zeros(keys, np.int32))
    codes = rows["verdict"] if selection.uses_source_rows else selection.consolidated["status"][is_counted]
    result.status[rows["spell"]], result.detainee[rows["spell"]] = codes, rows[table.PERSON_COLUMN]
    return result


def _read_status_texts(session: Session, status: Array, mask: Mask) -> dict[int, str]:
    """Spell → the text of its status, in the order of the spells."""
    text, spells = get_columns(session).codes.text, np.flatnonzero(mask)
    return {spell: str(text(code)) for spell, code in zip(spells.tolist(), status[spells].tolist(), strict=True)}


def _find_status_changes(old_statuses: Mapping[int, str], new_statuses: Mapping[int, str]) -> Iterator[Case]:
    """What counts at both revisions, and is said otherwise now."""
    for spell, old_status in old_statuses.items():
        yield Case(spell, _name_status_change(old_status, new_statuses[spell]))


def _name_status_change(old_status: str, new_status: str) -> str:
    """What happened to what counts at both revisions and is said otherwise now."""
    if new_status == ReleaseStatus.REPORTED:
        return "no_longer_contested" if old_status == ReleaseStatus.CONTESTED else "no_longer_verified"
    return _GAIN_BY_STATUS[ReleaseStatus(new_status)]


def _find_removed_cases(
    session: Session, terms: SourcedTerms, spells: Mapping[int, str], revision: int
) -> Iterator[Case]:
    places, statuses = _load_placements(session, spells, revision), _read_statuses(session, terms, spells, revision)
    verdicts = _read_source_verdicts(session, terms, spells, revision)
    for spell, old_status in sorted(spells.items()):
        status = statuses.get(spell)
        withdrawals = {ReleaseStatus.RETRACTED, ReleaseStatus.REFUTED} & {status, verdicts.get(spell)}
        if places.get(spell, spell) != spell:
            yield Case(spell, "merged")
        elif spell not in places:  # all that was said of it
            yield Case(spell, "recalled")
        elif withdrawals:
            yield Case(spell, str(max(withdrawals)))  # a withdrawal before a denial
        elif status in COUNTABLE_STATUSES and terms.status and status not in terms.status:
            yield Case(spell, _name_status_change(old_status, status))
        else:
            yield Case(spell, "moved_out")


def _find_added_cases(
    session: Session, terms: SourcedTerms, spells: Mapping[int, str], revision: int
) -> Iterator[Case]:
    places, statuses = _load_placements(session, spells, revision), _read_statuses(session, terms, spells, revision)
    verdicts = _read_source_verdicts(session, terms, spells, revision)
    requested_statuses = terms.status or COUNTABLE_STATUSES
    for spell, new_status in sorted(spells.items()):
        status = statuses.get(spell)
        was_counted = status in COUNTABLE_STATUSES and status in requested_statuses
        if places.get(spell, spell) != spell:
            yield Case(spell, "separated")
        elif was_counted and (terms.source is None or verdicts.get(spell) in ASSERTING_VERDICTS):
            yield Case(spell, "moved_in")
        else:
            yield Case(spell, _GAIN_BY_STATUS[ReleaseStatus(new_status)])


def _load_placements(session: Session, spells: Collection[int], revision: int) -> dict[int, int]:
    """Spell key, which is the key of a record → the spell of that record at a revision."""
    placements = select(col(Placement.record), col(Placement.spell)).where(
        col(Placement.record).in_(_RECORDS_PARAM), valid_at(Placement, revision)
    )
    return {
        record: spell
        for chunk in split_into_chunks(spells)
        for record, spell in session.execute(placements, {"among": chunk})
    }


def _read_statuses(
    session: Session, terms: SourcedTerms, spells: Collection[int], revision: int
) -> dict[int, str | None]:
    return _read_texts_by_spell(
        session, load_consolidated_rows(get_columns(session), terms, revision), "status", spells
    )


def _read_texts_by_spell(session: Session, rows: Rows, name: str, spells: Collection[int]) -> dict[int, str | None]:
    """Spell → the text in a column of codes, for those of these spells that have a row."""
    columns = get_columns(session)
    rows = rows.where(flag_keys(columns.key_count, np.array([*spells], int))[rows["spell"]])
    texts = map(columns.codes.text, rows[name].tolist())
    return dict(zip(rows["spell"].tolist(), texts, strict=True))


def _read_source_verdicts(
    session: Session, terms: SourcedTerms, spells: Collection[int], revision: int
) -> dict[int, str | None]:
    """Spell → the verdict of the one source whose releases or detentions the terms ask for."""
    if terms.source is None:
        return {}
    source_rows = load_source_rows(get_columns(session), terms, revision)
    own = source_rows.where(source_rows["source"] == load_source_keys(session, terms)[terms.source])
    return _read_texts_by_spell(session, own, "verdict", spells)


def _select_visible(
    session: Session, cases: list[Case], person_by_spell: Array, reader: Reader, revision: int
) -> list[Case]:
    """The cases of people who stand in lists for the reader. `person_by_spell`: the person of each spell."""
    columns, spells = get_columns(session), np.array([case.spell for case in cases], int)
    hidden_classes = [publish for publish in CURRENT_CLASSES if not reader.can_see_person(publish)]
    # By today's class of the record itself, and of the person with whom it was counted.
    is_class_hidden = np.isin(columns.classes[spells], [CURRENT_CLASSES.index(publish) for publish in hidden_classes])
    is_hidden = is_class_hidden | match_classes(columns, person_by_spell[spells], hidden_classes, revision)
    return [case for case, is_out in zip(cases, is_hidden.tolist(), strict=True) if not is_out]


def _add_record_ids(session: Session, cases: list[Case], kind: TargetKind) -> list[CaseOut]:
    """Cases with the id of the release or of the detention."""
    ids: dict[int, uuid.UUID] = {}
    for chunk in split_into_chunks(case.spell for case in cases):
        query = select(col(Record.key), getattr(Record, f"{kind}_id")).where(col(Record.key).in_(chunk))
        ids.update(tuple(row) for row in session.execute(query))
    return [_build_case(case.change, kind, ids[case.spell]) for case in cases]


def _build_case(change: str, kind: TargetKind, record_id: uuid.UUID) -> CaseOut:
    if kind == "release":
        return {"change": change, "release_id": record_id}
    return {"change": change, "detention_id": record_id}

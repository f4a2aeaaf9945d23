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
from app.columns.rows import Array, Mask, Rows, flags
from app.columns.store import columns_of
from app.columns.table import NOTHING
from app.db.engine import chunks
from app.models import CLASSES_OF_TODAY, Placement, Record
from app.queries.countables import countable_of
from app.queries.selection import ASSERTED, COUNTING, source_keys, standing, voices_of
from app.queries.selection import select as select_counted
from app.queries.terms import SourcedTerms
from app.queries.visibility import at, hidden
from app.registry.publication.permissions import Reader
from app.registry.records import Kind
from app.schemas.counts import CaseOut, Comparison
from app.vocabulary import Language, ReleaseStatus

# Cases listed in one answer; the numbers are of all of them.
MOST_CASES = 200

# Change → what happened to one release or to several, in English and Spanish.
WORDS: dict[str, tuple[str, str, str, str]] = {
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
_GAINED = {
    ReleaseStatus.VERIFIED: "newly_verified",
    ReleaseStatus.CONTESTED: "newly_contested",
    ReleaseStatus.REPORTED: "newly_reported",
}
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


class _Counted(NamedTuple):
    """What a count counts, by spell. `status`: the code of its status, NOTHING where it does not count; where the terms
    name one source, of that source's verdict. `detainee`: the person."""

    status: Array
    detainee: Array


@dataclass(frozen=True)
class Case:
    """What became of one release or detention between two revisions. `spell`: its key where it counted."""

    spell: int
    change: str


def compare(session: Session, terms: SourcedTerms, reader: Reader, then: int, now: int) -> Comparison:
    """What changed between two revisions, `then` the earlier. What counted then + added − removed = what counts now;
    the other changes are of what counts at both. Of more than MOST_CASES the first of each change are listed in turn,
    so that no kind of change is out of sight."""
    before, after = (_counted(session, terms, reader, revision) for revision in (then, now))
    counted_then, counts_now = before.status != NOTHING, after.status != NOTHING
    gone = _texts(session, before.status, counted_then & ~counts_now)
    come = _texts(session, after.status, counts_now & ~counted_then)
    other = counted_then & counts_now & (before.status != after.status)
    cases = [
        *_both(_texts(session, before.status, other), _texts(session, after.status, other)),
        *_lost(session, terms, gone, now),
        *_gained(session, terms, come, then),
    ]
    numbers = Counter(case.change for case in cases)
    changes = {change: numbers[change] for change in WORDS if numbers[change]}
    people = np.where(counts_now, after.detainee, before.detainee)
    shown = _shown(session, cases, people, reader, now)
    return {
        "added": len(come),
        "removed": len(gone),
        "changes": changes,
        "summary": {"en": summary(changes, "en"), "es": summary(changes, "es")},
        "cases": _with_ids(session, _some_of_each(shown), countable_of(terms).record),
        "cases_left_out": max(0, len(shown) - MOST_CASES),
        "withheld_cases": len(cases) - len(shown),
    }


def _some_of_each(cases: list[Case]) -> list[Case]:
    """At most MOST_CASES, taken in turn from every kind of change, in the order in which they were found."""
    turns: dict[str, int] = defaultdict(int)
    ranked = []
    for place, case in enumerate(cases):
        ranked.append((turns[case.change], place))
        turns[case.change] += 1
    kept = sorted(place for _turn, place in sorted(ranked)[:MOST_CASES])
    return [cases[place] for place in kept]


def summary(changes: dict[str, int], lang: Language) -> str:
    """`3 newly verified, 1 retracted, 2 merged with others`."""
    first = 0 if lang == "en" else 2
    phrases = [f"{number} {WORDS[change][first + (number != 1)]}" for change, number in changes.items()]
    return ", ".join(phrases) or ("nothing has changed" if lang == "en" else "nada ha cambiado")


def _counted(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> _Counted:
    selection = select_counted(session, terms, reader, revision)
    chosen = selection.inside & selection.counting
    rows, keys = selection.rows.where(chosen), selection.columns.keys
    counted = _Counted(np.full(keys, NOTHING, np.int16), np.zeros(keys, np.int32))
    words = rows["verdict"] if selection.own else selection.together["status"][chosen]
    counted.status[rows["spell"]], counted.detainee[rows["spell"]] = words, rows[table.PERSON]
    return counted


def _texts(session: Session, status: Array, which: Mask) -> dict[int, str]:
    """Spell → the text of its status, in the order of the spells."""
    text, spells = columns_of(session).codes.text, np.flatnonzero(which)
    return {spell: str(text(code)) for spell, code in zip(spells.tolist(), status[spells].tolist(), strict=True)}


def _both(before: Mapping[int, str], after: Mapping[int, str]) -> Iterator[Case]:
    """What counts at both revisions, and is said otherwise now."""
    for spell, was in before.items():
        yield Case(spell, _became(was, after[spell]))


def _became(was: str, became: str) -> str:
    """What happened to what counts at both revisions and is said otherwise now."""
    if became == ReleaseStatus.REPORTED:
        return "no_longer_contested" if was == ReleaseStatus.CONTESTED else "no_longer_verified"
    return _GAINED[ReleaseStatus(became)]


def _lost(session: Session, terms: SourcedTerms, spells: Mapping[int, str], now: int) -> Iterator[Case]:
    places, statuses = _places(session, spells, now), _statuses(session, terms, spells, now)
    verdicts = _verdicts(session, terms, spells, now)
    for spell, was in sorted(spells.items()):
        status = statuses.get(spell)
        taken_back = {ReleaseStatus.RETRACTED, ReleaseStatus.REFUTED} & {status, verdicts.get(spell)}
        if places.get(spell, spell) != spell:
            yield Case(spell, "merged")
        elif spell not in places:  # all that was said of it
            yield Case(spell, "recalled")
        elif taken_back:
            yield Case(spell, str(max(taken_back)))  # a withdrawal before a denial
        elif status in COUNTING and terms.status and status not in terms.status:
            yield Case(spell, _became(was, status))
        else:
            yield Case(spell, "moved_out")


def _gained(session: Session, terms: SourcedTerms, spells: Mapping[int, str], then: int) -> Iterator[Case]:
    places, statuses = _places(session, spells, then), _statuses(session, terms, spells, then)
    verdicts = _verdicts(session, terms, spells, then)
    wanted = terms.status or COUNTING
    for spell, became in sorted(spells.items()):
        status = statuses.get(spell)
        counted = status in COUNTING and status in wanted
        if places.get(spell, spell) != spell:
            yield Case(spell, "separated")
        elif counted and (terms.source is None or verdicts.get(spell) in ASSERTED):
            yield Case(spell, "moved_in")
        else:
            yield Case(spell, _GAINED[ReleaseStatus(became)])


def _places(session: Session, spells: Collection[int], revision: int) -> dict[int, int]:
    """Spell key, which is the key of a record → the spell of that record at a revision."""
    placements = select(col(Placement.record), col(Placement.spell)).where(
        col(Placement.record).in_(_AMONG), at(Placement, revision)
    )
    return {record: spell for some in chunks(spells) for record, spell in session.execute(placements, {"among": some})}


def _statuses(session: Session, terms: SourcedTerms, spells: Collection[int], revision: int) -> dict[int, str | None]:
    return _said(session, standing(columns_of(session), terms, revision), "status", spells)


def _said(session: Session, rows: Rows, name: str, spells: Collection[int]) -> dict[int, str | None]:
    """Spell → the text in a column of codes, for those of these spells that have a row."""
    columns = columns_of(session)
    rows = rows.where(flags(columns.keys, np.array([*spells], int))[rows["spell"]])
    texts = map(columns.codes.text, rows[name].tolist())
    return dict(zip(rows["spell"].tolist(), texts, strict=True))


def _verdicts(session: Session, terms: SourcedTerms, spells: Collection[int], revision: int) -> dict[int, str | None]:
    """Spell → the verdict of the one source whose releases or detentions the terms ask for."""
    if terms.source is None:
        return {}
    voices = voices_of(columns_of(session), terms, revision)
    own = voices.where(voices["source"] == source_keys(session, terms)[terms.source])
    return _said(session, own, "verdict", spells)


def _shown(session: Session, cases: list[Case], counted: Array, reader: Reader, now: int) -> list[Case]:
    """The cases of people who stand in lists for the reader. `counted`: the person of each spell."""
    columns, spells = columns_of(session), np.array([case.spell for case in cases], int)
    unseen = [publish for publish in CLASSES_OF_TODAY if not reader.sees_person(publish)]
    # By today's class of the record itself, and of the person with whom it was counted.
    own = np.isin(columns.classes[spells], [CLASSES_OF_TODAY.index(publish) for publish in unseen])
    out = own | hidden(columns, counted[spells], unseen, now)
    return [case for case, is_out in zip(cases, out.tolist(), strict=True) if not is_out]


def _with_ids(session: Session, cases: list[Case], kind: Kind) -> list[CaseOut]:
    """Cases with the id of the release or of the detention."""
    ids: dict[int, uuid.UUID] = {}
    for some in chunks(case.spell for case in cases):
        named = select(col(Record.key), getattr(Record, f"{kind}_id")).where(col(Record.key).in_(some))
        ids.update(tuple(row) for row in session.execute(named))
    return [_case(case.change, kind, ids[case.spell]) for case in cases]


def _case(change: str, kind: Kind, record_id: uuid.UUID) -> CaseOut:
    if kind == "release":
        return {"change": change, "release_id": record_id}
    return {"change": change, "detention_id": record_id}

"""A count then and now: which releases or detentions came, went or changed between two revisions, and why."""

import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts.held import select_held
from app.counts.selection import COUNTING, Selection, at, hidden, select_releases
from app.counts.terms import CountTerms, HeldCountTerms
from app.models import Held, Placement, Record, Standing
from app.registry.difference import chunks
from app.registry.policy import Reader
from app.vocabulary import Language, Publish, ReleaseStatus

Row = dict[str, Any]
Terms = CountTerms | HeldCountTerms
# Cases listed in one answer; the numbers are of all of them.
MOST_CASES = 200

# Change → what happened to one release or to several, in English and Spanish.
WORDS: dict[str, tuple[str, str, str, str]] = {
    "newly_verified": ("newly verified", "newly verified", "verificada después", "verificadas después"),
    "newly_reported": ("newly reported", "newly reported", "reportada después", "reportadas después"),
    "newly_contested": ("newly contested", "newly contested", "controvertida después", "controvertidas después"),
    "no_longer_verified": ("no longer verified", "no longer verified", "ya no verificada", "ya no verificadas"),
    "retracted": ("retracted", "retracted", "retirada por quien la reportó", "retiradas por quien las reportó"),
    "refuted": ("refuted", "refuted", "desmentida", "desmentidas"),
    "merged": ("merged with another", "merged with others", "unida a otra", "unidas a otras"),
    "separated": ("separated from another", "separated from others", "separada de otra", "separadas de otras"),
    "restated_in": ("restated into the terms", "restated into the terms", "rectificada, ahora dentro de los términos",
                    "rectificadas, ahora dentro de los términos"),
    "restated_out": ("restated out of the terms", "restated out of the terms",
                     "rectificada, ahora fuera de los términos", "rectificadas, ahora fuera de los términos"),
}  # fmt: skip
_GAINED = {
    ReleaseStatus.VERIFIED: "newly_verified",
    ReleaseStatus.CONTESTED: "newly_contested",
    ReleaseStatus.REPORTED: "newly_reported",
}
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


class Counted(NamedTuple):
    """One release or detention of a count."""

    detainee: int
    status: str


@dataclass(frozen=True)
class Case:
    """What became of one release or detention between two revisions. `spell`: its key where it counted."""

    spell: int
    change: str


def compare(session: Session, terms: Terms, reader: Reader, then: int, now: int) -> Row:
    """`{"changes": {…}, "summary": {"en", "es"}, "cases": [...], "withheld_cases": n}`; `then` is the earlier one."""
    before, after = (_counted(session, terms, reader, revision) for revision in (then, now))
    cases = [
        *_both(before, after),
        *_lost(session, terms, before.keys() - after.keys(), now),
        *_gained(session, terms, {s: after[s].status for s in after.keys() - before.keys()}, then),
    ]
    numbers = Counter(case.change for case in cases)
    changes = {change: numbers[change] for change in WORDS if numbers[change]}
    name = "detention_id" if isinstance(terms, HeldCountTerms) else "release_id"
    shown = _shown(session, cases, before | after, reader, now, name)
    return {
        "changes": changes,
        "summary": {"en": summary(changes, "en"), "es": summary(changes, "es")},
        "cases": shown[:MOST_CASES],
        "withheld_cases": len(cases) - len(shown),
    }


def summary(changes: dict[str, int], lang: Language) -> str:
    """`3 newly verified, 1 retracted, 2 merged with others`."""
    first = 0 if lang == "en" else 2
    said = [f"{number} {WORDS[change][first + (number != 1)]}" for change, number in changes.items()]
    return ", ".join(said) or ("nothing has changed" if lang == "en" else "nada ha cambiado")


def _counted(session: Session, terms: Terms, reader: Reader, revision: int) -> dict[int, Counted]:
    selection = _selected(session, terms, reader, revision)
    columns, status = selection.columns, selection.subject.standing.status
    rows = session.execute(
        selection.rows(columns.spell, columns.detainee, status).where(selection.inside, status.in_(COUNTING))
    )
    return {spell: Counted(detainee, status) for spell, detainee, status in rows}


def _selected(session: Session, terms: Terms, reader: Reader, revision: int) -> Selection:
    if isinstance(terms, HeldCountTerms):
        return select_held(session, terms, reader, revision)
    return select_releases(session, terms, reader, revision)


def _both(before: dict[int, Counted], after: dict[int, Counted]) -> Iterator[Case]:
    for spell in sorted(before.keys() & after.keys()):
        was, became = before[spell].status, after[spell].status
        if was == became:
            continue
        lost = became == ReleaseStatus.REPORTED
        yield Case(spell, "no_longer_verified" if lost else _GAINED[ReleaseStatus(became)])


def _lost(session: Session, terms: Terms, spells: Collection[int], now: int) -> Iterator[Case]:
    places, statuses = _places(session, spells, now), _statuses(session, terms, spells, now)
    for spell in sorted(spells):
        status = statuses.get(spell)
        if places.get(spell, spell) != spell:
            yield Case(spell, "merged")
        elif status in (ReleaseStatus.RETRACTED, ReleaseStatus.REFUTED):
            yield Case(spell, str(status))
        else:
            yield Case(spell, "restated_out")


def _gained(session: Session, terms: Terms, spells: dict[int, str], then: int) -> Iterator[Case]:
    places, statuses = _places(session, spells, then), _statuses(session, terms, spells, then)
    for spell, status in sorted(spells.items()):
        if places.get(spell, spell) != spell:
            yield Case(spell, "separated")
        elif statuses.get(spell) in COUNTING:
            yield Case(spell, "restated_in")
        else:
            yield Case(spell, _GAINED[ReleaseStatus(status)])


def _places(session: Session, spells: Collection[int], revision: int) -> dict[int, int]:
    """Spell key → the spell that holds its report at a revision; the key is that of a record."""
    found = select(col(Placement.record), col(Placement.spell)).where(
        col(Placement.record).in_(_AMONG), at(Placement, revision)
    )
    return {record: spell for some in chunks(spells) for record, spell in session.execute(found, {"among": some})}


def _statuses(session: Session, terms: Terms, spells: Collection[int], revision: int) -> dict[int, str]:
    table: Any = Held if isinstance(terms, HeldCountTerms) else Standing
    found = select(table.spell, table.status).where(table.spell.in_(_AMONG), at(table, revision))
    if isinstance(terms, CountTerms):
        found = found.where(table.stage == terms.stage)
    return {spell: status for some in chunks(spells) for spell, status in session.execute(found, {"among": some})}


def _shown(
    session: Session, cases: list[Case], counted: dict[int, Counted], reader: Reader, now: int, name: str
) -> list[dict[str, Any]]:
    """The cases of people who stand in lists for the reader, with the id `name`: of the release or of the detention."""
    spells = [case.spell for case in cases]
    unseen = tuple(str(publish) for publish in Publish if not reader.sees_person(publish))
    ids: dict[int, uuid.UUID] = {}
    for some in chunks(spells):
        # By the record's own class of today, and by the class of whom it was counted with.
        found = select(col(Record.key), getattr(Record, name)).where(
            col(Record.key).in_(some), col(Record.publish_now).not_in(unseen)
        )
        ids.update(tuple(row) for row in session.execute(found))
    people = {counted[spell].detainee for spell in spells}
    out: set[int] = set()
    person: Any = aliased(Record)  # `hidden` reads records too
    for some in chunks(people):
        keys = select(person.key).where(person.key.in_(some), hidden(person.key, unseen, now))
        out |= set(session.scalars(keys))
    return [
        {"change": case.change, name: ids[case.spell]}
        for case in cases
        if case.spell in ids and counted[case.spell].detainee not in out
    ]

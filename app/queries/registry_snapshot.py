"""The detentions of the registry beside which a list can be laid, as far as the reader may see and recognise people.

A person is recognised by what the reader may see of them, and by the name where a report of this reader would be tied
to them (rule 12). Nothing else of them is compared: an exact birth date that agrees would be an exact birth date told.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.table import PERSON
from app.db.engine import chunks
from app.errors import Invalid
from app.log.content import Content
from app.matching.blocking import BlockingQuery, look_up_each
from app.models import Placement, Record
from app.projection.consolidate import said_of, value_by, value_of
from app.queries import person_records, shapes
from app.queries.selection import select as select_meant
from app.queries.shapes import Person
from app.queries.terms import SourcedTerms
from app.queries.visibility import at, seen
from app.registry.directory_snapshot import Views
from app.registry.publication.permissions import Reader
from app.registry.records import by_cases, case_digest
from app.schemas.base import Facts
from app.schemas.imports import SpellIds
from app.schemas.records import PlaceAsSaid
from app.vocabulary import Verdict

# Detentions of the registry that a list is laid beside: a country's, or its releases of a year. More is no comparison
# that anybody reads.
MOST_THEIRS = 20_000
TOO_MANY = (
    f"More than {MOST_THEIRS:,} detentions of the registry would be laid beside this list: ask for one country, or for "
    "fewer days of release (released_from, released_to)."
)


@dataclass(frozen=True)
class Own:
    """The reader's own report under a case number, and where it stands."""

    report: uuid.UUID
    content: Content
    spell: int
    detainee: int


@dataclass(frozen=True)
class VisibleStatement:
    """What one source says of a detention and its person, as far as the reader may see it. `states`: whether the
    source, an independent one, knows it itself (`weighing.Witness`)."""

    source: str
    states: bool
    content: Content


@dataclass(frozen=True)
class Spell:
    """One detention as the reader may see it. `names`: the names by which the person can be recognised besides; None
    where the reader must not learn that it met the person. `independent`: whether an independent source reports the
    person. `statements`: what each source says that may tell who the person is."""

    key: int
    ids: SpellIds
    content: Content
    names: Content | None
    independent: bool
    statements: tuple[VisibleStatement, ...] = ()


def within(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> tuple[dict[int, int], int]:
    """Spell → person of the releases asked for, or of the people held on the day asked for, and how many more are
    withheld. Raises Invalid."""
    selection = select_meant(session, terms, reader, revision)
    rows = selection.rows.where(selection.inside)
    shown = seen(selection.columns, rows[PERSON], reader, revision)
    spell, person = rows["spell"][shown].tolist(), rows[PERSON][shown].tolist()
    if len(spell) > MOST_THEIRS:
        raise Invalid.at("", "too_many", TOO_MANY)
    return dict(zip(spell, person, strict=True)), len(rows) - len(spell)


def alike(
    session: Session, reader: Reader, lines: Iterable[tuple[Collection[str], int | None]], revision: int
) -> set[int]:
    """The people whom lines may speak of and whom the reader may recognise, found by the keys and the year of birth of
    each line, as candidates of a report are."""
    hits = look_up_each(session, [BlockingQuery(*line) for line in lines], reader.recognised)
    people: set[int] = set()
    for among in chunks({hit.record for of_line in hits for hit in of_line}):
        placed = select(col(Placement.detainee)).where(col(Placement.record).in_(among), at(Placement, revision))
        people |= set(session.scalars(placed))
    return people


def own(session: Session, secret: bytes, source: int, cases: Sequence[str], revision: int) -> dict[str, Own]:
    """Case number → the source's own report under it."""
    digests = {case_digest(secret, source, case): case for case in cases}
    stood = {digests[digest]: filed for digest, filed in by_cases(session, digests).items() if not filed.redacted}
    places: dict[uuid.UUID, tuple[int, int]] = {}
    for among in chunks([filed.record for filed in stood.values()]):
        placed = (
            select(col(Record.id), col(Placement.spell), col(Placement.detainee))
            .join(Placement, col(Placement.record) == col(Record.key))
            .where(col(Record.id).in_(among), at(Placement, revision))
        )
        places |= {record: (spell, detainee) for record, spell, detainee in session.execute(placed)}
    return {
        case: Own(filed.record, filed.content, *places[filed.record])
        for case, filed in stood.items()
        if filed.record in places  # a record filed after the revision has none
    }


def spells(session: Session, detainees: Collection[int], reader: Reader, revision: int) -> Iterator[Spell]:
    """Every detention of these people, without the people whom the reader may not see."""
    independent = frozenset(view.slug for view in Views.of(session).sources.values() if view.independent)
    for among in chunks(detainees):
        for person in person_records.people(session, among, revision).values():
            if reader.sees_person(person.publish):
                yield from _of_person(person, reader, independent)


def _of_person(person: Person, reader: Reader, independent: frozenset[str]) -> Iterator[Spell]:
    shown = shapes.detainee(person, reader)
    born = value_of(shown["facts"], "birth_date") or shown["birth_year"]
    about = {
        "detainee.full_name": shown["name"],
        "detainee.birth_date": None if born is None else str(born),
        "detainee.gender": shown["gender"],
        "detainee.nationalities": shown["nationalities"],
    }
    names = _names(person, independent) if reader.recognises(person.publish) else None
    reported = not independent.isdisjoint(_reporting(person))
    last = next(reversed(person.detentions), None)
    for spell, detention in zip(person.detentions, shown["detentions"], strict=True):
        release = shapes.release(person, spell, reader) if spell in person.releases else None
        stated = {
            **about,
            # An age is told for the last detention.
            "detainee.age": shown["age"] if spell == last else None,
            "detention.country": detention["country"],
            "detention.detained_on": detention["detained_on"],
            "detention.held_on": detention["held_on"],
            "detention.facility": _named(detention["facility"]),
        }
        if release is not None:
            stated |= {
                "release.stage": release["stage"],
                "release.announced_on": release["announced_on"],
                "release.ordered_on": release["ordered_on"],
                "release.released_on": release["released_on"],
                "release.kind": release["kind"],
            }
        standing = release or detention
        ids: SpellIds = {
            "detainee_id": shown["id"],
            "detention_id": detention["id"],
            "release_id": detention["release_id"],
            "status": standing["status"],
            "verified_by": standing["verified_by"],
            "reported_by": standing["reported_by"],
        }
        content = {name: value for name, value in stated.items() if value not in (None, [])}
        facts = {
            "detainee": shown["facts"],
            "detention": detention["facts"],
            "release": release["facts"] if release is not None else {},
        }
        speaking = sorted(_speaking(person, spell, independent if reported else None).items())
        statements = tuple(
            VisibleStatement(slug, states, _stated_by(slug, content, facts)) for slug, states in speaking
        )
        yield Spell(spell, ids, content, names, reported, statements)


def _speaking(person: Person, spell: int, among: frozenset[str] | None) -> dict[str, bool]:
    """The sources with a standing verdict on a spell, `among` these where given, and whether each knows it itself."""
    speaking: dict[str, bool] = {}
    for row in person.verifications:
        slug = person.slugs[row["source"]]
        if row["spell"] == spell and row["verdict"] != Verdict.RETRACTED and (among is None or slug in among):
            speaking[slug] = speaking.get(slug, False) or bool(row["independent"])
    return speaking


def _stated_by(slug: str, content: Content, facts: dict[str, Facts]) -> Content:
    """The content of a detention, with this source's values in place of the consolidated ones. Where the reader may not
    see which source gives which birth, what may be seen of the birth stands for every source's."""
    paths = (path.partition(".") for path in TELLING)
    own = {f"{section}.{name}": value_by(slug, facts[section], name) for section, _dot, name in paths}
    if "birth_date" not in facts["detainee"]:
        del own["detainee.birth_date"]
    return {name: value for name, value in (content | own).items() if value is not None}


def _named(place: str | PlaceAsSaid | None) -> str | None:
    """A place by its slug, or as it was said."""
    return place["said"] if isinstance(place, dict) else place


# The values by which a source tells who somebody is, beside the name.
TELLING = (
    "detainee.birth_date", "detainee.age", "detainee.age_on", "detainee.gender", "detainee.nationalities",
    "detention.detained_on", "release.released_on",
)  # fmt: skip


def _names(person: Person, independent: frozenset[str]) -> Content:
    """Every spelling of the name, and the aliases. Of a person whom an independent source reports, only such sources'
    words count, even where none of them gives a name: a state must not put a name of its own choice on somebody whom
    others report."""
    sources = _reporting(person) & independent

    def values(name: str) -> list[Any]:
        groups = said_of(person.personal, name)
        return [group["value"] for group in groups if not sources or sources.intersection(group["by"])]

    names, aliases = values("full_name"), sorted({alias for listed in values("aliases") for alias in listed})
    return {"detainee.full_name": names[0] if names else None, "detainee.aliases": names[1:] + aliases}


def _reporting(person: Person) -> set[str]:
    """The sources with a standing verdict on the person."""
    return {person.slugs[row["source"]] for row in person.verifications if row["verdict"] != Verdict.RETRACTED}

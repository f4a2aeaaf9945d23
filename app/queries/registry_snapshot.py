"""The registry's detentions to compare with a list or a person: people listed by name, and the source's own reports.

People listed by name to the reader are compared by the values visible to the reader: a match on an exact birth date
would disclose that birth date. Own reports are compared by their own content. Nobody else is looked up or compared."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.table import PERSON_COLUMN
from app.db.engine import split_into_chunks
from app.errors import Invalid
from app.log.content import NATIONAL_ID, Content
from app.matching.blocking import BlockingQuery, find_blocking_hits_each, find_own_hits_each
from app.models import Placement, Record
from app.projection.consolidate import get_fact_value, get_reported_values, get_value_by_source
from app.queries import person_records, shapes
from app.queries.selection.build import build_selection
from app.queries.selection.visibility import match_visible, valid_at
from app.queries.shapes import Person
from app.queries.terms import SourcedTerms
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity.candidates import load_current_records
from app.registry.publication.permissions import Reader
from app.registry.records import digest_case, find_filed_cases
from app.schemas.base import Facts
from app.schemas.comparison import SpellIds
from app.schemas.records import PlaceAsSaid
from app.translations import Message
from app.vocabulary import Verdict

# Limit for a comparison: a country's detentions, or its releases of a year. Nobody reads a larger comparison.
MAX_REGISTRY_DETENTIONS = 20_000
TOO_MANY_DETENTIONS = Message(
    "More than {highest:,} detentions of the registry would be laid beside this list: ask for one country, or for "
    "fewer days of release (released_from, released_to).",
    highest=MAX_REGISTRY_DETENTIONS,
)


@dataclass(frozen=True)
class OwnReport:
    """The reader's own report, without the identification number, and its placement.

    `detainee_id`: the person's id by this report alone. `publish`: the person's class."""

    report: uuid.UUID
    detainee_id: uuid.UUID
    content: Content
    spell: int
    detainee: int
    publish: str


@dataclass(frozen=True)
class VisibleStatement:
    """What one source states about a detention and its person, as far as visible to the reader.

    `is_first_hand`: whether the source is independent and has first-hand knowledge."""

    source: str
    is_first_hand: bool
    content: Content


@dataclass(frozen=True)
class VisibleSpell:
    """One detention as visible to the reader.

    `names`: further names that identify the person; None if the person is not listed by name to the reader.
    `is_recognised`: whether the reader may learn that its own report is of the person. `is_independent`: whether an
    independent source reports the person. `statements`: what each source states that may identify the person."""

    key: int
    ids: SpellIds
    content: Content
    names: Content | None
    is_recognised: bool
    is_independent: bool
    statements: tuple[VisibleStatement, ...] = ()


def find_selected_spells(
    session: Session, terms: SourcedTerms, reader: Reader, revision: int
) -> tuple[dict[int, int], int]:
    """Return spell → person of the requested releases or people held on a day, and how many more are withheld. Raise
    Invalid."""
    selection = build_selection(session, terms, reader, revision)
    rows = selection.rows.where(selection.is_inside)
    visible = match_visible(selection.columns, rows[PERSON_COLUMN], reader, revision)
    spell, person = rows["spell"][visible].tolist(), rows[PERSON_COLUMN][visible].tolist()
    if len(spell) > MAX_REGISTRY_DETENTIONS:
        raise Invalid.at_pointer("", "too_many", TOO_MANY_DETENTIONS)
    return dict(zip(spell, person, strict=True)), len(rows) - len(spell)


def find_candidate_people(
    session: Session, reader: Reader, queries: Sequence[BlockingQuery], revision: int
) -> set[int]:
    """Return the people listed by name to the reader whom the queries find, as they would find candidates of a
    report."""
    hits = find_blocking_hits_each(session, queries, reader.named_classes)
    people: set[int] = set()
    for chunk in split_into_chunks({hit.record for query_hits in hits for hit in query_hits}):
        placement_query = select(col(Placement.detainee)).where(
            col(Placement.record).in_(chunk), valid_at(Placement, revision)
        )
        people |= set(session.scalars(placement_query))
    return people


def find_own_reports(
    session: Session, source: int, queries: Sequence[BlockingQuery], revision: int
) -> dict[uuid.UUID, OwnReport]:
    """Return report → the source's own current report, for those that the queries find."""
    hits = find_own_hits_each(session, queries, source)
    found_records = load_current_records(session, {hit.record for query_hits in hits for hit in query_hits})
    contents = {
        record.id: record.content
        for record in found_records
        if record.content["verification.verdict"] != Verdict.RETRACTED
    }
    return _place_own_reports(session, contents, revision)


def load_own_reports(
    session: Session, secret: bytes, source: int, cases: Sequence[str], revision: int
) -> dict[str, OwnReport]:
    """Return a dict of case number → the source's own report with it."""
    digests = {digest_case(secret, source, case): case for case in cases}
    current_reports = {
        digests[digest]: report
        for digest, report in find_filed_cases(session, digests).items()
        if not report.is_redacted
    }
    contents = {report.record: report.content for report in current_reports.values()}
    placed_reports = _place_own_reports(session, contents, revision)
    return {
        case: placed_reports[report.record]
        for case, report in current_reports.items()
        if report.record in placed_reports
    }


def _place_own_reports(
    session: Session, contents: Mapping[uuid.UUID, Content], revision: int
) -> dict[uuid.UUID, OwnReport]:
    """Return report → the report with its placement. A record filed after the revision has none."""
    own_reports: dict[uuid.UUID, OwnReport] = {}
    for chunk in split_into_chunks(contents):
        placement_query = (
            select(
                col(Record.id), col(Record.detainee_id), col(Placement.spell), col(Placement.detainee),
                col(Record.publish_now),
            )
            .join(Placement, col(Placement.record) == col(Record.key))
            .where(col(Record.id).in_(chunk), valid_at(Placement, revision))
        )  # fmt: skip
        for report, detainee_id, spell, detainee, publish in session.execute(placement_query):
            compared_content = {name: value for name, value in contents[report].items() if name != NATIONAL_ID}
            own_reports[report] = OwnReport(report, detainee_id, compared_content, spell, detainee, publish)
    return own_reports


def load_visible_spells(
    session: Session, detainees: Collection[int], reader: Reader, revision: int
) -> Iterator[VisibleSpell]:
    """Yield every detention of these people that the reader may see."""
    independent_slugs = frozenset(
        view.slug for view in DirectorySnapshot.for_session(session).sources.values() if view.independent
    )
    for chunk in split_into_chunks(detainees):
        for person in person_records.load_people(session, chunk, revision).values():
            if reader.can_see_person(person.publish):
                yield from _build_spells(person, reader, independent_slugs)


def _build_spells(person: Person, reader: Reader, independent_slugs: frozenset[str]) -> Iterator[VisibleSpell]:
    detainee_shape = shapes.build_detainee_shape(person, reader)
    birth = get_fact_value(detainee_shape["facts"], "birth_date") or detainee_shape["birth_year"]
    person_values = {
        "detainee.full_name": detainee_shape["name"],
        "detainee.birth_date": None if birth is None else str(birth),
        "detainee.gender": detainee_shape["gender"],
        "detainee.nationalities": detainee_shape["nationalities"],
    }
    names = _collect_names(person, independent_slugs) if reader.can_see_fact(person.publish, "full_name") else None
    is_recognised = reader.can_recognise(person.publish)
    is_independent = not independent_slugs.isdisjoint(_find_reporting_sources(person))
    last_spell = next(reversed(person.detentions), None)
    for spell, detention in zip(person.detentions, detainee_shape["detentions"], strict=True):
        release = shapes.build_release_shape(person, spell, reader) if spell in person.releases else None
        values = {
            **person_values,
            # An age is shown for the last detention.
            "detainee.age": detainee_shape["age"] if spell == last_spell else None,
            "detention.country": detention["country"],
            "detention.detained_on": detention["detained_on"],
            "detention.held_on": detention["held_on"],
            "detention.facility": _get_place_name(detention["facility"]),
        }
        if release is not None:
            values |= {
                "release.stage": release["stage"],
                "release.announced_on": release["announced_on"],
                "release.ordered_on": release["ordered_on"],
                "release.released_on": release["released_on"],
                "release.kind": release["kind"],
            }
        status_shape = release or detention
        ids: SpellIds = {
            "detainee_id": detainee_shape["id"],
            "detention_id": detention["id"],
            "release_id": detention["release_id"],
            "status": status_shape["status"],
            "verified_by": status_shape["verified_by"],
            "reported_by": status_shape["reported_by"],
        }
        content = {name: value for name, value in values.items() if value not in (None, [])}
        facts = {
            "detainee": detainee_shape["facts"],
            "detention": detention["facts"],
            "release": release["facts"] if release is not None else {},
        }
        verdict_sources = sorted(
            _find_verdict_sources(person, spell, independent_slugs if is_independent else None).items()
        )
        statements = tuple(
            VisibleStatement(slug, is_first_hand, _build_source_content(slug, content, facts))
            for slug, is_first_hand in verdict_sources
        )
        yield VisibleSpell(spell, ids, content, names, is_recognised, is_independent, statements)


def _find_verdict_sources(person: Person, spell: int, allowed: frozenset[str] | None) -> dict[str, bool]:
    """Return the sources with a current verdict on a spell (among `allowed`, if given), and whether each verdict is
    first-hand."""
    sources: dict[str, bool] = {}
    for row in person.verifications:
        slug = person.slugs[row["source"]]
        if row["spell"] == spell and row["verdict"] != Verdict.RETRACTED and (allowed is None or slug in allowed):
            sources[slug] = sources.get(slug, False) or bool(row["independent"])
    return sources


def _build_source_content(slug: str, content: Content, facts: dict[str, Facts]) -> Content:
    """Return the content of a detention with one source's values instead of the consolidated ones.

    If the reader may not see which source gives which birth date, the visible part of it applies to every source."""
    paths = (path.partition(".") for path in IDENTIFYING_PATHS)
    own_values = {f"{section}.{name}": get_value_by_source(slug, facts[section], name) for section, _dot, name in paths}
    if "birth_date" not in facts["detainee"]:
        del own_values["detainee.birth_date"]
    return {name: value for name, value in (content | own_values).items() if value is not None}


def _get_place_name(place: str | PlaceAsSaid | None) -> str | None:
    """Return the slug of a place, or its stated name."""
    return place["said"] if isinstance(place, dict) else place


# The values, in addition to the name, by which a source identifies a person.
IDENTIFYING_PATHS = (
    "detainee.birth_date", "detainee.age", "detainee.age_on", "detainee.gender", "detainee.nationalities",
    "detention.detained_on", "release.released_on",
)  # fmt: skip


def _collect_names(person: Person, independent_slugs: frozenset[str]) -> Content:
    """Return every spelling of the name, and the aliases.

    If an independent source reports the person, only such sources count, even if none of them gives a name: a state
    must not impose a name of its choice on somebody whom others report."""
    sources = _find_reporting_sources(person) & independent_slugs

    def values(name: str) -> list[Any]:
        groups = get_reported_values(person.personal, name)
        return [group["value"] for group in groups if not sources or sources.intersection(group["by"])]

    names, aliases = values("full_name"), sorted({alias for alias_list in values("aliases") for alias in alias_list})
    return {"detainee.full_name": names[0] if names else None, "detainee.aliases": names[1:] + aliases}


def _find_reporting_sources(person: Person) -> set[str]:
    """Return the sources with a current verdict on the person."""
    return {person.slugs[row["source"]] for row in person.verifications if row["verdict"] != Verdict.RETRACTED}

"""The reports as far as anybody may read them: the rows of a public copy of the registry.

What counting needs is public in the log. Of the personal facts, a report has the values that lists show for its source.
People who are in no list have no row."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log.content import IS_FIRST_HAND, PUBLIC_FIELDS, PUBLIC_INHERITED_FIELDS, Content
from app.log.entries import load_entry
from app.models import Placement, Record, Report
from app.projection.consolidate import get_value_by_source
from app.queries.shapes import Person
from app.queries.visibility import valid_at, visible_to
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.vocabulary import Verdict

# Facts that lists show by source → the field of a report that states them.
PERSON_PATHS = {
    name: f"detainee.{name}"
    for name in ("full_name", "aliases", "gender", "age", "nationalities", "category", "groups")
}
SPELL_PATHS = {name: f"detention.{name}" for name in ("facility", "legal_status", "charges", "sentence")}
# Values that the log has for every person in the lists, and a copy needs to count alike.
READABLE_FIELDS = PUBLIC_FIELDS | {IS_FIRST_HAND}
RELEASE_PATHS = {name: f"release.{name}" for name in ("conditions", "destination")}


def number_records(session: Session, reader: Reader, revision: int) -> dict[int, int]:
    """Number the reports of people who are in lists from 1, in the order of their last version. Return record → number.

    The numbers are valid in one copy only: a report's own id would disclose to its source where a curator has put
    it."""
    placement: Any = aliased(Placement)  # `visible_to` reads that table too
    records = session.scalars(
        select(col(Report.record))
        .join(placement, placement.record == col(Report.record))
        .where(
            valid_at(Report, revision), valid_at(placement, revision), visible_to(reader, placement.detainee, revision)
        )
        .order_by(col(Report.stated))
    )
    return {record: number for number, record in enumerate(records, 1)}


def build_public_reports(
    session: Session, people: dict[int, Person], numbers: dict[int, int], reader: Reader, revision: int
) -> list[Content]:
    """Return the reports of some people: the content with `report` (its number), `source`, `detainee`, `detention` and
    `points_at`."""
    rows = session.execute(
        select(Record, col(Report.stated), col(Placement.detainee), col(Placement.spell))
        .join(Report, col(Report.record) == col(Record.key))
        .join(Placement, col(Placement.record) == col(Record.key))
        .where(valid_at(Report, revision), valid_at(Placement, revision), col(Placement.detainee).in_(people))
        .order_by(col(Report.stated))
    ).all()
    keys = {str(record.id): record.key for record, *_rest in rows}
    contents: list[Content] = []
    for record, entry_revision, detainee, spell in rows:
        person, body = people[detainee], load_entry(session, entry_revision).body
        slug = person.slugs[record.source]
        contents.append(
            {
                "report": numbers[record.key],
                "source": slug,
                "detainee": person.ids[detainee].detainee,
                "detention": person.ids[spell].detention,
                "points_at": numbers.get(keys.get(body.get("pointer", ""), 0)),
                **{name: body["said"].get(name) for name in sorted(PUBLIC_INHERITED_FIELDS)},
                **_build_content(person, spell, slug, body["said"], reader),
            }
        )
    return contents


def _build_content(person: Person, spell: int, slug: str, public: Content, reader: Reader) -> Content:
    """Return the flat content of one source's report; its class is the person's class of today."""
    content = {name: value for name, value in public.items() if name in READABLE_FIELDS}
    content["detainee.publish"] = reader.get_shown_class(person.publish)
    if public["verification.verdict"] == Verdict.RETRACTED:
        return content
    person_facts = reader.filter_facts(person.publish, person.personal)
    if get_value_by_source(slug, person.personal, "age_on") is not None:
        # The day of the age is not public, and an age without it would be taken for the age on another day.
        person_facts = {name: fact for name, fact in person_facts.items() if name != "age"}
    spell_facts = person.get_visible_facts(spell, reader)
    content |= _select_source_values(slug, person_facts, PERSON_PATHS) | _select_source_values(
        slug, spell_facts, SPELL_PATHS
    )
    return content | (_select_source_values(slug, spell_facts, RELEASE_PATHS) if "release.stage" in public else {})


def _select_source_values(slug: str, facts: Facts, names: dict[str, str]) -> Content:
    """Return the values of one source among the visible facts."""
    values = {path: get_value_by_source(slug, facts, name) for name, path in names.items()}
    return {path: value for path, value in values.items() if value is not None}

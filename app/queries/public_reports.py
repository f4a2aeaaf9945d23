"""What reports say as far as anybody may read it: the rows that a copy of the registry is made of.

What counting needs stands in the clear in the log. Of the personal facts, a report has the values that lists show as
its source's. People who stand in no list have no row.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log.content import IS_FIRST_HAND, KEPT_PUBLIC, PUBLIC, Content
from app.log.entries import entry_at
from app.models import Placement, Record, Report
from app.projection.consolidate import value_by
from app.queries.shapes import Person
from app.queries.visibility import at, visible
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.vocabulary import Verdict

# Facts that lists show by source → the field of a report that says them.
OF_PERSON = {
    name: f"detainee.{name}"
    for name in ("full_name", "aliases", "gender", "age", "nationalities", "category", "groups")
}
OF_SPELL = {name: f"detention.{name}" for name in ("facility", "legal_status", "charges", "sentence")}
# Values that the log says of every person in the lists, and a copy needs to count alike.
READABLE = PUBLIC | {IS_FIRST_HAND}
OF_RELEASE = {name: f"release.{name}" for name in ("conditions", "destination")}


def numbered(session: Session, reader: Reader, revision: int) -> dict[int, int]:
    """Record → its number among the reports of those who stand in lists, from 1, in the order they were last said.

    A number of this copy alone: a report's own id would tell its source where a curator has put it."""
    place: Any = aliased(Placement)  # `visible` reads that table too
    records = session.scalars(
        select(col(Report.record))
        .join(place, place.record == col(Report.record))
        .where(at(Report, revision), at(place, revision), visible(reader, place.detainee, revision))
        .order_by(col(Report.stated))
    )
    return {record: number for number, record in enumerate(records, 1)}


def reports(
    session: Session, people: dict[int, Person], numbers: dict[int, int], reader: Reader, revision: int
) -> list[Content]:
    """The reports of some people, with their numbers: `report`, `source`, `detainee`, `detention` and `points_at`
    beside their content."""
    rows = session.execute(
        select(Record, col(Report.stated), col(Placement.detainee), col(Placement.spell))
        .join(Report, col(Report.record) == col(Record.key))
        .join(Placement, col(Placement.record) == col(Record.key))
        .where(at(Report, revision), at(Placement, revision), col(Placement.detainee).in_(people))
        .order_by(col(Report.stated))
    ).all()
    keys = {str(record.id): record.key for record, *_rest in rows}
    copied: list[Content] = []
    for record, stated, detainee, spell in rows:
        person, body = people[detainee], entry_at(session, stated).body
        slug = person.slugs[record.source]
        copied.append(
            {
                "report": numbers[record.key],
                "source": slug,
                "detainee": person.ids[detainee].detainee,
                "detention": person.ids[spell].detention,
                "points_at": numbers.get(keys.get(body.get("pointer", ""), 0)),
                **{name: body["said"].get(name) for name in sorted(KEPT_PUBLIC)},
                **_said(person, spell, slug, body["said"], reader),
            }
        )
    return copied


def _said(person: Person, spell: int, slug: str, public: Content, reader: Reader) -> Content:
    """What one source's report says, flat; its class is the person's of today."""
    content = {name: value for name, value in public.items() if name in READABLE}
    content["detainee.publish"] = reader.shown_as(person.publish)
    if public["verification.verdict"] == Verdict.RETRACTED:
        return content
    about = reader.facts(person.publish, person.personal)
    if value_by(slug, person.personal, "age_on") is not None:
        # The day of the age is not public, and an age read without it would be taken for the age on another day.
        about = {name: fact for name, fact in about.items() if name != "age"}
    here = person.facts_of(spell, reader)
    content |= _by(slug, about, OF_PERSON) | _by(slug, here, OF_SPELL)
    return content | (_by(slug, here, OF_RELEASE) if "release.stage" in public else {})


def _by(slug: str, facts: Facts, names: dict[str, str]) -> Content:
    """What a source says among the facts shown."""
    values = {path: value_by(slug, facts, name) for name, path in names.items()}
    return {path: value for path, value in values.items() if value is not None}

"""What reports say as far as anybody may read it: the rows that a copy of the registry is made of.

What counting needs stands in the clear in the log; of the personal facts each source gets those that lists show as
said by it. Whoever stands in no list has no row.
"""

import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log.entries import entry_at
from app.models import Placement, Record, Report
from app.reading.shapes import Person
from app.reading.visibility import at, visible
from app.registry.content import KEPT, KEPT_PUBLIC, PUBLIC, Content
from app.registry.policy import ANYONE, Facts
from app.vocabulary import Verdict

Row = dict[str, Any]
# Facts that lists show by source → the field of a report that says them.
OF_PERSON = {
    name: f"detainee.{name}"
    for name in ("full_name", "aliases", "gender", "age", "nationalities", "category", "groups")
}
OF_SPELL = {name: f"detention.{name}" for name in ("facility", "legal_status", "charges", "sentence")}
OF_RELEASE = {name: f"release.{name}" for name in ("conditions", "destination")}


def numbered(session: Session, revision: int) -> dict[int, int]:
    """Record → its number among the reports of those who stand in lists, from 1, in the order they were last said.

    A number of this copy alone: a report's own id would tell its source where a curator has put it."""
    place: Any = aliased(Placement)  # `visible` reads that table too
    found = session.scalars(
        select(col(Report.record))
        .join(place, place.record == col(Report.record))
        .where(at(Report, revision), at(place, revision), visible(ANYONE, place.detainee, revision))
        .order_by(col(Report.since))
    )
    return {record: number for number, record in enumerate(found, 1)}


def reports(session: Session, people: dict[int, Person], numbers: dict[int, int], revision: int) -> list[Row]:
    """The reports of some people, with their numbers: `{report, source, detainee, detention, points_at, kept, …}`."""
    rows = session.execute(
        select(Record, col(Report.since), col(Placement.detainee), col(Placement.spell))
        .join(Report, col(Report.record) == col(Record.key))
        .join(Placement, col(Placement.record) == col(Record.key))
        .where(at(Report, revision), at(Placement, revision), col(Placement.detainee).in_(people))
        .order_by(col(Report.since))
    ).all()
    keys = {str(record.id): record.key for record, *_rest in rows}
    found = []
    for record, since, detainee, spell in rows:
        person, body = people[detainee], entry_at(session, since).body
        slug = person.slugs[record.source]
        found.append(
            {
                "report": numbers[record.key],
                "source": slug,
                "detainee": person.ids[detainee].detainee,
                "detention": person.ids[spell].detention,
                "points_at": numbers.get(keys.get(body.get("pointer", ""), 0)),
                "kept": {name.removeprefix(KEPT): body["said"].get(name) for name in sorted(KEPT_PUBLIC)},
                **_said(person, spell, slug, body["said"]),
            }
        )
    return found


def _said(person: Person, spell: int, slug: str, public: Content) -> Content:
    """What one source's report says, flat; its class is the person's of today."""
    said = {name: value for name, value in public.items() if name in PUBLIC} | {"detainee.publish": person.publish}
    if public["verification.verdict"] == Verdict.RETRACTED:
        return said
    known = json.loads(person.personal["facts"]) if person.personal else {}
    about = ANYONE.facts(person.publish, known)
    if _by(slug, known, {"age_on": "detainee.age_on"}):
        # That day is not public, and an age read without it would be taken for that on another.
        about = {name: fact for name, fact in about.items() if name != "age"}
    here = ANYONE.facts(person.publish, person.spells.get(spell, {}))
    said |= _by(slug, about, OF_PERSON) | _by(slug, here, OF_SPELL)
    return said | (_by(slug, here, OF_RELEASE) if "release.stage" in public else {})


def _by(slug: str, facts: Facts, names: dict[str, str]) -> Content:
    """What a source says among the facts shown."""
    return {
        path: one["value"]
        for name, path in names.items()
        for one in facts.get(name, {}).get("said", ())
        if slug in one["by"]
    }

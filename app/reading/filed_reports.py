"""The report that a write filed, with its person, for the answer: as the write left them, which it knows without
reading; and as they are stored, where a repeated request is answered again."""

import uuid
from dataclasses import dataclass

from sqlmodel import Session

from app.models import Placement, Record
from app.reading import person_records
from app.reading.shapes import Person
from app.registry import records
from app.registry.identity.clusters import StoredRecord
from app.registry.publication.classes import strictest
from app.registry.reprojection import ProjectedPerson
from app.registry.write import Outcome, WriteContext
from app.vocabulary import Publish


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report, and the person and the spell at whom its record was placed. `number`: of that person's records;
    `publish`: today's class; `projected`: the person, where the write has just projected it."""

    record: Record | StoredRecord
    version: records.Version
    detainee: int
    spell: int
    number: int
    publish: str
    projected: ProjectedPerson | None = None

    def alone(self, session: Session) -> Person:
        """The person as this report alone tells it: as the write projected it, if it did so from this report alone, and
        the rows hide nothing of it from its own source."""
        if self.projected is not None and self.number == 1 and not self.projected.records[0].consented:
            person = person_records.of_projected_alone(session, self.projected)
            if person.publish != Publish.COUNTED:
                return person
        return person_records.alone(session, self.record, self.version)

    def together(self, session: Session, revision: int) -> Person:
        """The person as all reports tell it."""
        if self.projected is not None:
            return person_records.of_projected(session, self.projected, revision)
        return person_records.people(session, [self.detainee], revision)[self.detainee]


def filed_report(context: WriteContext, outcome: Outcome) -> FiledReport:
    """The report of an outcome."""
    report, entry = uuid.UUID(outcome.ids["report"]), context.last
    if entry is None or entry.revision != outcome.revision:
        return _stored(context.session, report, outcome.revision)
    people = context.projected.values()
    record, person = next((record, person) for person in people for record in person.records if record.id == report)
    (spell,) = (row["spell"] for row in person.rows[Placement] if row["record"] == record.key)
    version = records.Version(outcome.ids["version"], entry)
    return FiledReport(record, version, person.detainee, spell, len(person.records), person.publish, person)


def _stored(session: Session, report: uuid.UUID, revision: int) -> FiledReport:
    record, place = records.placed(session, report, revision)
    version = records.current(session, record, revision)
    assert version is not None
    classes = records.classes(session, place.detainee, revision)
    return FiledReport(record, version, place.detainee, place.spell, len(classes), strictest(classes))

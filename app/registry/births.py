"""Full birth dates as sources give them: the one fact that tells for certain that two people are two."""

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import col

from app.dates import parse
from app.models import Record
from app.registry import records
from app.registry.write import WriteContext
from app.vocabulary import Verdict


def births(context: WriteContext, cluster: Collection[uuid.UUID]) -> dict[int, list[uuid.UUID]]:
    """Day, as an ordinal → the records that give it, of independent sources' standing reports.

    A month or a year is no full date. Other sources are not asked: a state must not keep two accounts of one person
    apart by inventing a birthday.
    """
    found: dict[int, list[uuid.UUID]] = {}
    for record in context.session.scalars(select(Record).where(col(Record.id).in_(cluster))):
        said = records.newest(context.session, record).content
        day = said.get("detainee.birth_date")
        if day is None or not context.views.sources[record.source].independent:
            continue
        born = parse(day)
        if born.lo == born.hi and said["verification.verdict"] != Verdict.RETRACTED:
            found.setdefault(born.lo, []).append(record.id)
    return found

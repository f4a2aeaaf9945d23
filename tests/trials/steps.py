"""What a source does in a trial beyond what the histories of properties know; and a hand that does it with ids that
follow from the step, so that a history that is built twice differs in nothing but what differs in it."""

import json
import uuid
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest.mock import patch

from sqlalchemy import select
from sqlmodel import col

from app.imports.reader.doubts import CaseNumbers
from app.imports.reader.list_reader import open_list
from app.imports.reader.rows import assign_case_number, validate_body
from app.models import OPEN, Source
from app.registry import claims, filing, reports
from app.registry.claims import ClaimIn
from app.registry.list_rows import file_rows
from app.registry.publication.permissions import Reader
from app.registry.report_versions import CREATED_STATUS
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import VerificationOfReleaseIn
from app.vocabulary import Role
from tests.properties.steps import Body, Clerk, Step
from tests.support import NOW

UUID_BITS = 128


class Hand:
    """Takes steps, each with random ids drawn by the seed and the step: reports of equal days are put in order by their
    ids, so that without this the same history would come out otherwise now and then."""

    def __init__(self, clerk: Clerk, seed: int) -> None:
        self.clerk = clerk
        self._seed = seed
        self._taken: Counter[str] = Counter()

    def take(self, *steps: Step) -> None:
        for step in steps:
            self.take_as(step, step)

    def take_as(self, step: Step, name: Step) -> None:
        """Take a step with the ids of another."""
        self._taken[str(name)] += 1
        drawn = Random(f"{self._seed} {name} {self._taken[str(name)]}")
        with patch.object(uuid, "uuid4", lambda: uuid.UUID(int=drawn.getrandbits(UUID_BITS), version=4)):
            step.take(self.clerk)


@dataclass(frozen=True)
class Correct:
    """A correction of one of a source's own reports."""

    source: str
    number: int
    patch: Body

    def take(self, clerk: Clerk) -> None:
        if (record := _own(clerk, self.source, self.number)) is not None:
            clerk.act(
                self.source, lambda context: filing.amend_or_embargo(context, record, self.patch, lambda _version: True)
            )


@dataclass(frozen=True)
class Withdraw:
    """One of a source's own reports withdrawn."""

    source: str
    number: int

    def take(self, clerk: Clerk) -> None:
        if (record := _own(clerk, self.source, self.number)) is not None:
            clerk.act(
                self.source,
                lambda context: reports.write_retraction(context, record, "invented", lambda _version: True),
            )


def _own(clerk: Clerk, source: str, number: int) -> Any:
    own = [record for record, slug in clerk.records if slug == source]
    return own[number % len(own)] if own else None


@dataclass(frozen=True)
class VerifySeen:
    """A verdict on the release of a record as it stood so many entries ago."""

    source: str
    record: int
    body: Body
    ago: int

    def take(self, clerk: Clerk) -> None:
        release = clerk.thing("release", self.record)

        def verify(context: WriteContext) -> Outcome:
            seen = {"seen": max(1, context.log.revision - self.ago)}
            return reports.write_verification(
                context, release, VerificationOfReleaseIn.model_validate(self.body | seen)
            )

        _remember(clerk, self.source, clerk.act(self.source, verify))


@dataclass(frozen=True)
class Line:
    """A row of a list: the body of a report, under a case number or none, and where it points."""

    body: Body
    case: int | None = None
    points: tuple[str, int] | None = None

    def told(self, clerk: Clerk) -> str:
        case = {} if self.case is None else {"source_record_id": f"case {self.case}"}
        pointer = {} if self.points is None else {f"{self.points[0]}_id": str(clerk.thing(*self.points))}
        return json.dumps({**self.body, **case, **pointer})


@dataclass(frozen=True)
class SendList:
    """A list read as the files that are sent in, and its rows filed together."""

    source: str
    lines: tuple[Line, ...]

    def take(self, clerk: Clerk) -> None:
        keys, data = CaseNumbers(), "\n".join(line.told(clerk) for line in self.lines)
        rows = [validate_body(assign_case_number(row, keys)) for row in open_list(data.encode(), None).rows()]
        bodies = [row for row in rows if not isinstance(row, list)]
        clerk.refused += len(rows) - len(bodies)
        with clerk.session() as session:
            filing = select(Source).where(col(Source.slug) == self.source, col(Source.until) == OPEN)
            source = session.scalars(filing).one()
            actor = Reader(Role.REPORTER, source.key, source.slug, source.independent, "list")
            context = WriteContext(session, actor, NOW, clerk.world.app.state.secret, is_list=True)
            for outcome, _before in file_rows(context, bodies):
                if isinstance(outcome, Outcome):
                    _remember(clerk, self.source, outcome)
                else:
                    clerk.refused += 1
            session.commit()


def _remember(clerk: Clerk, source: str, outcome: Outcome | None) -> None:
    if outcome is not None and outcome.status == CREATED_STATUS:
        clerk.records.append((uuid.UUID(outcome.ids["report"]), source))


@dataclass(frozen=True)
class Claims:
    """A figure published."""

    source: str
    body: Body

    def take(self, clerk: Clerk) -> None:
        clerk.act(self.source, lambda context: claims.file_claim(context, ClaimIn.model_validate(self.body)))

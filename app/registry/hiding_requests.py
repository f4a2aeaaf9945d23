"""Wishes, the requests of reports to hide a person or the name: since when each stands, and whether it hides at once.

A curator's answer stands over the source's later reports of the person. So a report that repeats an earlier request of
its source is no new wish, unless its `publish_given_on` is later than every day before. And no key may hide people
faster than curators can look: beyond MOST_UNANSWERED the wishes of a source wait without hiding anybody whom others
show.
"""

import logging
import uuid
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from app.dates import parse
from app.models import CLASSES_OF_TODAY, OPEN, ProvisionalHiding, Record
from app.registry import wish_history
from app.registry.content import REQUESTED_CLASS, Content
from app.registry.minority import BIRTH_FIELDS
from app.registry.publication_class import CLASS
from app.registry.records import Version
from app.registry.wish_history import GIVEN_ON
from app.registry.write import WriteContext
from app.vocabulary import Publish

# Provisional hidings of one source that may wait at once. Families change their minds one by one, and a curator reads
# ten in a sitting; a stolen key that would hide a whole list is stopped at its tenth name.
MOST_UNANSWERED = 10
BURST = "hiding_burst"  # a source has so many wishes unanswered that further ones wait

_UNANSWERED = (
    select(col(ProvisionalHiding.source), func.count(), func.max(col(ProvisionalHiding.since)))
    .where(
        col(ProvisionalHiding.until) == OPEN,
        col(ProvisionalHiding.stopped).is_(False),
        col(ProvisionalHiding.publish) == Publish.COUNTED,
    )
    .group_by(col(ProvisionalHiding.source))
)
_UNANSWERED_OF = _UNANSWERED.where(col(ProvisionalHiding.source) == bindparam("of"))

log = logging.getLogger("recuento")


def unanswered(session: Session) -> dict[int, int]:
    """Source → the number of its provisional hidings that wait for a curator. Requests that close a name alone wait
    too, and are not counted: they hide nobody."""
    return {row[0]: row[1] for row in session.connection().execute(_UNANSWERED)}


def stopped_sources(session: Session) -> set[int]:
    """The sources whose further wishes wait without hiding anybody."""
    return {source for source, number in unanswered(session).items() if number >= MOST_UNANSWERED}


def warnings(session: Session) -> list[str]:
    """The warnings for the operator, without naming anybody."""
    return [BURST] if stopped_sources(session) else []


def of_new_report(context: WriteContext, report: Content, tied: uuid.UUID | None) -> dict[str, Any]:
    """The `wish` in the entry of a new report; none where the report is linked to no person. `tied`: a record of the
    person to whom it is linked."""
    if tied is None or report.get(CLASS) in (None, Publish.NAMED):
        return {}
    return _kept(context, report, tied)


def of_next_version(context: WriteContext, record: Record, version: Version, report: Content) -> dict[str, Any]:
    """The `wish` in the entry of a report's next version."""
    if report.get(CLASS) in (None, Publish.NAMED):
        return {}
    before = version.content
    if (report[CLASS], report.get(GIVEN_ON)) == (before.get(CLASS), before.get(GIVEN_ON)):
        return _entry(
            wish_history.since(version.entry),
            wish_history.stopped(version.entry) and REQUESTED_CLASS not in report,
        )
    return _kept(context, report, record.id)


def _kept(context: WriteContext, report: Content, record: uuid.UUID) -> dict[str, Any]:
    as_strict = CLASSES_OF_TODAY[CLASSES_OF_TODAY.index(report[CLASS]) :]
    before = wish_history.earlier(context.session, record, context.actor.source, as_strict)
    renewed = GIVEN_ON in report and (before.last_day is None or parse(report[GIVEN_ON]).lo > before.last_day)
    if renewed or before.since is None:
        return _entry(None, _stops(context, report))
    return _entry(before.since, before.stopped and REQUESTED_CLASS not in report)


def _entry(since: int | None, stopped: bool) -> dict[str, Any]:
    kept = {**({} if since is None else {"since": since}), **({"stopped": True} if stopped else {})}
    return {"wish": kept} if kept else {}


def _stops(context: WriteContext, report: Content) -> bool:
    """Whether a new wish must wait. A wish that follows from a birth never does: the person may be a child."""
    source = context.actor.source
    if report.get(CLASS) != Publish.COUNTED or REQUESTED_CLASS in report or source is None:
        return False
    number = context.session.connection().execute(_UNANSWERED_OF, {"of": source}).one_or_none()
    if number is None or number[1] < MOST_UNANSWERED:
        return False
    _warn(context.actor.slug, number[1], "a further wish waits without hiding anybody")
    return True


def warn_of_burst(context: WriteContext, report: Content, revision: int) -> None:
    """Warn in the server's log that a report just written hides somebody, where its source has too many unanswered
    hidings. A birth hides like a wish and is never stopped: hiding a whole list by births must be noticed too."""
    if report.get(CLASS) != Publish.COUNTED and BIRTH_FIELDS.isdisjoint(report):
        return
    hidings = [row for person in context.projected.values() for row in person.rows[ProvisionalHiding]]
    if context.actor.source not in {row["source"] for row in hidings}:
        return  # as of nearly every report with a birth: nothing to look for
    number = context.session.connection().execute(_UNANSWERED_OF, {"of": context.actor.source}).one_or_none()
    if number is not None and number[1] >= MOST_UNANSWERED and number[2] == revision:
        _warn(context.actor.slug, number[1], "one more hides somebody")


def _warn(slug: str | None, unanswered: int, what: str) -> None:
    log.warning("%s: %d reports of source %s hide people and are unanswered; %s", BURST, unanswered, slug, what)

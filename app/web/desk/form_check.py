"""What is wrong with the form of a report, all of it in one round (pure).

The API tells of values that cannot be read first, and only once these are mended of what contradicts itself or is left
out: somebody on a bad line would send the same form three times.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from app.errors import AgeNeedsDay, FileAClaim, Invalid, pointed_errors
from app.log.content import flatten, with_age_of_now, with_age_span
from app.registry import checks
from app.schemas.reports import ReleaseReportIn
from app.web.catalogue import Catalogue
from app.web.desk.fields import Given, body_of, unread_dates
from app.web.desk.sentences import of_date, said

UNREAD = 422  # status of a form that is not sent, for something in it cannot be read
Error = Mapping[str, Any]


@dataclass(frozen=True)
class Faults:
    """What is wrong with a form: by the field that it is wrong with, and with the whole. `status`: of its page."""

    by_field: Mapping[str, Sequence[str]] = field(default_factory=dict)
    others: Sequence[str] = ()
    status: int = 200


NO_FAULTS = Faults()


@dataclass(frozen=True)
class Wrong:
    """A field with which something is wrong, in a form of few. `id`: of its place in the page."""

    id: str
    title: str
    faults: Sequence[str]


def wrong_in(problem: Error, titles: Mapping[str, str], words: Catalogue) -> tuple[list[Wrong], list[str]]:
    """What a refusal says of a form of few fields, and of the whole. `titles`: what the fields are called."""
    by_field: dict[str, list[str]] = {}
    others: list[str] = []
    for error in problem.get("errors") or ([problem] if problem else []):
        name = field_of(error, titles)
        (others if name is None else by_field.setdefault(name, [])).append(said(error, words))
    return [Wrong(name, titles[name], faults) for name, faults in by_field.items()], others


def faults_in(
    given: Given, names: Sequence[str], now: datetime, words: Catalogue, problem: Error | None = None,
    *, corrects: bool = False,
) -> Faults:  # fmt: skip
    """What is wrong with a form that says something unread, or that the API refused with a `problem`. `corrects`: a
    report that stands, of which the form tells only a part: what is missing from it the API alone knows."""
    unread = unread_dates(given, names)
    refused: Sequence[Error] = [] if problem is None else problem.get("errors") or [problem]
    if not unread and problem is None:
        return NO_FAULTS
    wrong = unread.keys() | {field_of(error, names) for error in refused}
    further = _further(given, names, now, wrong, corrects=corrects)
    by_field = {name: [of_date(unclear, words)] for name, unclear in unread.items()}
    others = []
    for error in (*refused, *further):
        name = field_of(error, names)
        if name is None:
            others.append(said(error, words))
        elif name not in unread:
            by_field.setdefault(name, []).append(said(error, words))
    return Faults(by_field, others, UNREAD if problem is None else problem["status"])


def field_of(error: Error, names: Iterable[str]) -> str | None:
    """The field that an error points at; None where it is about the whole."""
    parts = [part for part in str(error.get("pointer", "")).split("/") if part and not part.isdecimal()]
    known = set(names)
    return next((name for end in range(len(parts), 0, -1) if (name := ".".join(parts[:end])) in known), None)


def _further(
    given: Given, names: Sequence[str], now: datetime, wrong: Iterable[str | None], *, corrects: bool
) -> list[Error]:
    """The errors of a form without those fields with which something is `wrong` already."""
    known = set(wrong)
    rest = {name: values for name, values in given.items() if name not in known}
    try:
        report = ReleaseReportIn.model_validate(body_of(rest, names))
    except ValidationError as refused:
        shapes = [error for error in pointed_errors(refused.errors()) if field_of(error, names) not in known]
        known |= {field_of(error, names) for error in shapes}
        return [*shapes, *(_further(rest, names, now, known, corrects=corrects) if shapes else ())]
    errors = _contradictions(report, now, corrects=corrects)
    return [error for error in errors if field_of(error, names) not in known]


def _contradictions(report: ReleaseReportIn, now: datetime, *, corrects: bool) -> list[Error]:
    """What no report can say, or none can leave out."""
    content, filed = with_age_of_now(flatten(report.model_dump(mode="json"))), now.date().isoformat()
    errors: list[Error] = []
    try:
        checks.check(content, now, points=corrects)
    except FileAClaim:
        pass  # what is unread may tell the person apart
    except Invalid as invalid:
        errors += invalid.extra["errors"]
    try:
        if not corrects:
            checks.require_day_of_age(with_age_span(content, filed), None, filed)
    except AgeNeedsDay as invalid:
        errors += invalid.extra["errors"]
    return errors

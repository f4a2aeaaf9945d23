"""Whether reports leave it possible that the person was a child when detained: each report alone, judged when it is
filed, and all reports of the person together. Whoever may have been a child is only counted.
"""

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from app.dates import PartialDate, age_bounds_at
from app.models import Record
from app.registry import records
from app.registry.content import (
    AGE,
    AGE_ON,
    AGE_SPAN,
    BIRTH,
    DAYS_NEAR_DETENTION,
    REQUESTED_CLASS,
    Content,
    as_sent,
    birth_of,
)
from app.registry.projection.statements import SourceView, Statement, parse
from app.vocabulary import Publish

ADULT = 18
# The fields of a report that can make the person a child.
BIRTH_FIELDS = frozenset({BIRTH, AGE, AGE_ON})


def child_by_one_end(content: Content, today: str) -> bool:
    """Whether the person is a minor by one end of the span of the age, and not by the other."""
    first, within, last = content.get(AGE_SPAN, "").partition("/")
    return bool(within) and is_minor({**content, AGE_ON: first}, today) != is_minor({**content, AGE_ON: last}, today)


def is_minor(content: Content, today: str | None = None) -> bool:
    """Whether the report alone leaves it possible that the person was under 18 when detained.

    Judged at the arrest, else at the day in the report nearest to it, else at the day on which the report was verified
    or filed (`today`). Nothing changes by the passing of time alone.
    """
    filed = content.get("verification.verified_on", today)
    birth = birth_of(content)
    day = next((content[name] for name in DAYS_NEAR_DETENTION if name in content), filed)
    if birth is not None and day is not None:
        return age_bounds_at(birth, parse(day))[0] < ADULT
    return bool(content.get(AGE, ADULT) < ADULT)


def with_class(content: Content, today: str | None = None) -> Content:
    """The content with its effective class of publication: `counted` for a possible minor.

    The class stands readable in the log, since it has to outlive an erasure of the birth that it follows from. Beside
    it stands, sealed, the class that the source requested, empty without one.
    """
    if not is_minor(content, today):
        return content
    requested = content.get("detainee.publish", "")
    return {**content, "detainee.publish": Publish.COUNTED.value, REQUESTED_CLASS: requested}


def without_birth(content: Content) -> Content:
    """A report's content without its birth and age, and without the class that follows from them."""
    return {name: value for name, value in as_sent(content).items() if name not in BIRTH_FIELDS}


def may_be_minor(reports: Sequence[Content], others: Sequence[Content] = ()) -> bool:
    """Whether the birth in one report and the arrest in another leave it possible that the person was under 18.

    Each report was judged alone when filed; this judges all together. `others`: the reports of sources that are not
    independent, beside independent ones (`reports`). Their days of arrest count only where no independent source gives
    a birth: otherwise a state could hide any person by one invented day.
    """
    births = _births(reports)
    days = _detentions(reports) if births else _detentions(reports) or _detentions(others)
    return any(age_bounds_at(birth, day)[0] < ADULT for birth in births or _births(others) for day in days)


def person_may_be_minor(
    session: Session, sources: Mapping[int, SourceView], record: Record, overruled: int | None = None
) -> bool:
    """Whether the reports of the person, each alone or all together, leave it possible that the person was a minor. The
    reports of independent sources count alone where there are any, since a birth from other sources hides the person
    only until a curator has looked. The births that the source `overruled` gives do not count."""
    of_person = records.of_person(session, record)
    independent = [other for other in of_person if sources[other.source].independent]
    reports = [
        without_birth(report) if other.source == overruled else report
        for other in independent or of_person
        for report in (records.newest(session, other).content,)
    ]
    return any(REQUESTED_CLASS in report for report in reports) or may_be_minor(reports)


def parted(statements: Sequence[Statement]) -> tuple[list[Content], list[Content]]:
    """`(contents of independent sources' reports, contents of the others')`; where no source is independent, all
    contents and none."""
    independent = [statement.whole for statement in statements if statement.source.independent]
    others = [statement.whole for statement in statements if not statement.source.independent]
    return (independent, others) if independent else (others, [])


def _births(reports: Sequence[Content]) -> list[PartialDate]:
    return [birth for content in reports if (birth := birth_of(content)) is not None]


def _detentions(reports: Sequence[Content]) -> list[PartialDate]:
    return [parse(c["detention.detained_on"]) for c in reports if "detention.detained_on" in c]

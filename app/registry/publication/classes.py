"""Whether reports leave it possible that the person was a child when detained: each report alone, judged when it is
filed, and all reports of the person together. Whoever may have been a child is only counted.

The class of publication of a person: named, shown without a name, or only counted (pure).

It follows from curators' consents, from the classes that reports ask for, and from minority. What each class opens to
which reader is decided in `read_permissions.py`.

The table `requested_class`: which class of publication the versions of each record asked for, and since when.

Whether a wish for a class is new depends on all that its source reported of the person before. So each record has one
row for each class, written as the versions are filed: read from the versions, a record corrected ten thousand times
would make every write about its person slow, and every other write wait."""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import PartialDate, compute_age_bounds, parse_date
from app.db.write_buffer import WriteBuffer
from app.log.content import (
    AGE,
    AGE_ON,
    AGE_SPAN,
    BIRTH,
    DETENTION_DAY_FIELDS,
    REQUESTED_CLASS,
    Content,
    find_birth,
    restore_sent_content,
)
from app.log.entries import LogEntry
from app.models import CURRENT_CLASSES, NAMED_BY_REPORTS, OPEN, Placement, Record, RequestedClass
from app.projection.statements import SourceView, Statement, parse_cached_date
from app.registry import records
from app.vocabulary import Publish

ADULT_AGE = 18
# The fields of a report that can make the person a child.
BIRTH_FIELDS = frozenset({BIRTH, AGE, AGE_ON})


def has_ambiguous_minority(content: Content, today: str) -> bool:
    """Whether the person is a minor by one end of the span of the age, and not by the other."""
    first, is_span, last = content.get(AGE_SPAN, "").partition("/")
    return bool(is_span) and is_minor({**content, AGE_ON: first}, today) != is_minor({**content, AGE_ON: last}, today)


def is_minor(content: Content, today: str | None = None) -> bool:
    """Whether the report alone leaves it possible that the person was under 18 when detained.

    Judged at the arrest, else at the day in the report nearest to it, else at the day on which the report was verified
    or filed (`today`). Nothing changes by the passing of time alone.
    """
    filed_on = content.get("verification.verified_on", today)
    birth = find_birth(content)
    day = next((content[name] for name in DETENTION_DAY_FIELDS if name in content), filed_on)
    if birth is not None and day is not None:
        return compute_age_bounds(birth, parse_cached_date(day))[0] < ADULT_AGE
    return bool(content.get(AGE, ADULT_AGE) < ADULT_AGE)


def add_minor_class(content: Content, today: str | None = None) -> Content:
    """The content with its effective class of publication: `counted` for a possible minor.

    The class stands readable in the log, since it has to outlive an erasure of the birth that it follows from. Beside
    it stands, sealed, the class that the source requested, empty without one.
    """
    if not is_minor(content, today):
        return content
    requested_class = content.get("detainee.publish", "")
    return {**content, "detainee.publish": Publish.COUNTED.value, REQUESTED_CLASS: requested_class}


def remove_birth(content: Content) -> Content:
    """A report's content without its birth and age, and without the class that follows from them."""
    return {name: value for name, value in restore_sent_content(content).items() if name not in BIRTH_FIELDS}


def may_be_minor(reports: Sequence[Content], dependent_reports: Sequence[Content] = ()) -> bool:
    """Whether the birth in one report and the arrest in another leave it possible that the person was under 18.

    Each report was judged alone when filed; this judges all together. `dependent_reports`: the reports of sources that are not
    independent, beside independent ones (`reports`). Their days of arrest count only where no independent source gives
    a birth: otherwise a state could hide any person by one invented day.
    """
    births = _collect_births(reports)
    days = (
        _collect_detention_days(reports)
        if births
        else _collect_detention_days(reports) or _collect_detention_days(dependent_reports)
    )
    return any(
        compute_age_bounds(birth, day)[0] < ADULT_AGE
        for birth in births or _collect_births(dependent_reports)
        for day in days
    )


def person_may_be_minor(
    session: Session, sources: Mapping[int, SourceView], record: Record, overruled_source: int | None = None
) -> bool:
    """Whether the reports of the person, each alone or all together, leave it possible that the person was a minor. The
    reports of independent sources count alone where there are any, since a birth from other sources hides the person
    only until a curator has looked. The births that the source `overruled_source` gives do not count."""
    person_records = records.load_person_records(session, record)
    independent_records = [other for other in person_records if sources[other.source].independent]
    reports = [
        remove_birth(report) if other.source == overruled_source else report
        for other in independent_records or person_records
        for report in (records.load_version(session, other).content,)
    ]
    return any(REQUESTED_CLASS in report for report in reports) or may_be_minor(reports)


def split_by_independence(statements: Sequence[Statement]) -> tuple[list[Content], list[Content]]:
    """`(contents of independent sources' reports, contents of the others')`; where no source is independent, all
    contents and none."""
    independent = [statement.full_content for statement in statements if statement.source.independent]
    dependent = [statement.full_content for statement in statements if not statement.source.independent]
    return (independent, dependent) if independent else (dependent, [])


def _collect_births(reports: Sequence[Content]) -> list[PartialDate]:
    return [birth for content in reports if (birth := find_birth(content)) is not None]


def _collect_detention_days(reports: Sequence[Content]) -> list[PartialDate]:
    return [parse_cached_date(c["detention.detained_on"]) for c in reports if "detention.detained_on" in c]


CLASS_FIELD = "detainee.publish"  # as filed: for a possible minor it is `counted` already
# A source that hides a person whom this many other independent sources show hides provisionally.
MIN_OTHER_SOURCES = 2

RecordedConsent = tuple[int, int, str]  # revision, record, class


@dataclass(frozen=True, slots=True)
class Hiding:
    """A report that closes a person to the class `publish`, provisionally, until a curator has looked, against a
    curator's `consent` or the `reports` of two other independent sources. `is_wish_suspended`: it closes nothing meanwhile."""

    record: int
    source: int
    publish: str
    against: str
    stopped: bool


def is_stricter(publish: str, other: str) -> bool:
    return CURRENT_CLASSES.index(publish) > CURRENT_CLASSES.index(other)


def find_strictest_class(classes: Iterable[str]) -> str:
    """Where sources differ, the most closed class holds."""
    return max(classes, key=CURRENT_CLASSES.index)


def compute_person_class(statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> str:
    """The class of a person as the log tells it, whether erased or not.

    Without a consent, the strictest class that a report asks for. A report without a class asks for `anonymous`, or for
    none where it was filed by pointing at a known person. Sources that are not independent count only where no
    independent source reports the person: a state must not hide whom others name. A consent answers all earlier
    requests; later ones can only close the person further. Where people with a consent each turn out to be one person,
    the strictest of their latest consents holds.
    """
    suspended_records = {hiding.record for hiding in _find_hidings(statements, consents) if hiding.stopped}
    relevant = [statement for statement in _select_relevant(statements) if statement.record not in suspended_records]
    if not consents:
        return find_strictest_class(list(filter(None, map(_find_requested_class, relevant))) or [Publish.ANONYMOUS])
    consented_class, last_consent = _summarize_consents(consents)
    return find_strictest_class(
        [
            consented_class,
            *filter(None, (a.content.get(CLASS_FIELD) for a in relevant if _find_wish_revision(a) > last_consent)),
        ]
    )


def compute_current_class(
    publish: str, statements: Sequence[Statement], consents: Sequence[RecordedConsent], *, has_objection: bool = False
) -> str:
    """Today's class of a person of the class `publish`: `counted` once erased, where the reports together leave it
    possible that the person was a child, and no consent answers that, or where an objection hides the person; and
    NAMED_BY_REPORTS where no consent opens the name. The class in the rows stays `publish`, which follows from the
    reports as filed: a replay must give it again after births are erased, and what anybody sends without a key must
    move no count."""
    if has_objection or any(statement.is_redacted for statement in statements):
        return Publish.COUNTED
    if not consents and may_be_minor(*split_by_independence(statements)):
        return Publish.COUNTED
    return limit_named_class(publish, bool(consents))


def limit_named_class(publish: str, has_consent: bool) -> str:
    """The class `publish` of a person, by whether it rests on a recorded consent."""
    return NAMED_BY_REPORTS if publish == Publish.NAMED and not has_consent else publish


def find_provisional_hidings(statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> list[Hiding]:
    """The reports that close the person provisionally, each until a curator's consent answers it, so that no one key
    hides a person for good; among them a request for `anonymous` after a consent opened the name. None of an erased
    person: nothing is left to answer."""
    if any(statement.is_redacted or statement.is_erased for statement in statements):
        return []
    return _find_hidings(statements, consents)


def _find_hidings(statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> list[Hiding]:
    """`find_provisional_hidings`, also of a person erased later: a replay must find the class from before the erasure."""
    relevant = _select_relevant(statements)
    if consents:
        consented_class, last_consent = _summarize_consents(consents)
        stricter_statements = [
            a
            for a in relevant
            if _find_wish_revision(a) > last_consent
            and is_stricter(a.content.get(CLASS_FIELD, consented_class), consented_class)
        ]
        return [
            Hiding(a.record, a.source.key, a.content[CLASS_FIELD], "consent", a.is_wish_suspended)
            for a in stricter_statements
        ]
    if len({statement.source.key for statement in statements}) == 1:  # no other source shows the person
        return []
    closing_statements = [a for a in relevant if _find_requested_class(a) == Publish.COUNTED] or _find_minor_reports(
        statements
    )
    opposed_statements = [statement for statement in closing_statements if _is_shown_by_others(statement, relevant)]
    return [Hiding(a.record, a.source.key, Publish.COUNTED, "reports", a.is_wish_suspended) for a in opposed_statements]


def _select_relevant(statements: Sequence[Statement]) -> list[Statement]:
    return [statement for statement in statements if statement.source.independent] or list(statements)


def _find_requested_class(statement: Statement) -> str | None:
    """The class that a report asks for; without one `anonymous`, or none where it points at a known person."""
    requested_class: str | None = statement.content.get(
        CLASS_FIELD, None if statement.is_filed_by_pointer else Publish.ANONYMOUS
    )
    return requested_class


def _find_wish_revision(statement: Statement) -> int:
    return statement.revision if statement.wish_revision is None else statement.wish_revision


def _summarize_consents(consents: Sequence[RecordedConsent]) -> tuple[str, int]:
    """The class that the latest consents give, and the revision of the last of them."""
    latest = {record: publish for _revision, record, publish in sorted(consents)}
    return find_strictest_class(latest.values()), max(revision for revision, _record, _publish in consents)


def _is_shown_by_others(statement: Statement, relevant: Sequence[Statement]) -> bool:
    """Whether standing reports of two other independent sources ask to show the person; one source is enough against a
    source that is not independent."""
    showing_sources = {
        other.source.key
        for other in relevant
        if other.independent
        and not other.is_retracted
        and _find_requested_class(other) in (Publish.NAMED, Publish.ANONYMOUS)
    }
    return len(showing_sources - {statement.source.key}) >= (MIN_OTHER_SOURCES if statement.source.independent else 1)


def _find_minor_reports(statements: Sequence[Statement]) -> list[Statement]:
    """The reports of each source without whose births the person could not be a child."""
    birth_reports = [statement for statement in statements if not BIRTH_FIELDS.isdisjoint(statement.content)]
    if not birth_reports or not may_be_minor(*split_by_independence(statements)):
        return []
    return [
        s for s in birth_reports if not may_be_minor(*split_by_independence(_remove_births(s.source.key, statements)))
    ]


def _remove_births(source: int, statements: Sequence[Statement]) -> list[Statement]:
    """The statements, those of one source without their births."""
    return [replace(a, content=remove_birth(a.content)) if a.source.key == source else a for a in statements]


WISH_DAY_FIELD = "detainee.publish_given_on"

_INSERT_WISH = insert(RequestedClass)
_SELECT_WISH = select(
    col(RequestedClass.revision), col(RequestedClass.since), col(RequestedClass.stopped), col(RequestedClass.given_hi)
).where(col(RequestedClass.record) == bindparam("of"), col(RequestedClass.publish) == bindparam("class"))
_UPDATE_WISH = (
    update(RequestedClass)
    .where(col(RequestedClass.record) == bindparam("of"), col(RequestedClass.publish) == bindparam("class"))
    .values(
        revision=bindparam("at"), since=bindparam("from"), stopped=bindparam("waits"), given_hi=bindparam("last_day")
    )
)
_PERSON_PLACEMENT: Any = aliased(Placement)
_ANY_RECORD: Any = aliased(Record)
_SELECT_SOURCE_WISHES = (
    select(RequestedClass)
    .join(Record, col(Record.key) == col(RequestedClass.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(
        _PERSON_PLACEMENT, (_PERSON_PLACEMENT.detainee == col(Placement.detainee)) & (_PERSON_PLACEMENT.until == OPEN)
    )
    .join(_ANY_RECORD, _ANY_RECORD.key == _PERSON_PLACEMENT.record)
    .where(_ANY_RECORD.id == bindparam("id"), col(Record.source) == bindparam("source"))
)
_SELECT_LAST_DAY = _SELECT_SOURCE_WISHES.with_only_columns(func.max(col(RequestedClass.given_hi)))
_SELECT_LAST_WISH = (
    _SELECT_SOURCE_WISHES.with_only_columns(col(RequestedClass.since), col(RequestedClass.stopped))
    .where(col(RequestedClass.publish).in_(bindparam("as_strict", expanding=True)))
    .order_by(col(RequestedClass.since).desc(), col(RequestedClass.record), col(RequestedClass.revision))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class EarlierWishes:
    """The wishes in one source's reports of a person. `get_last_day_key`: of the last wish that has a day; `get_wish_revision`: the
    revision of the last wish for a class at least as strict as the one in question; `is_suspended`: whether that wish waits
    without hiding the person."""

    last_day: int | None
    since: int | None
    is_suspended: bool


def load_earlier_wishes(
    session: Session, record: uuid.UUID, source: int | None, strict_classes: Collection[str]
) -> EarlierWishes:
    """The earlier wishes of a source for the person of a record, whatever their case numbers: a curator answers a
    source, and a new case number is no new wish."""
    run, parameters = session.connection().execute, {"id": record, "source": source}
    last_day = run(_SELECT_LAST_DAY, parameters).scalar_one()
    last_wish = run(_SELECT_LAST_WISH, {**parameters, "as_strict": list(strict_classes)}).one_or_none()
    return EarlierWishes(last_day, *((None, False) if last_wish is None else last_wish))


def get_wish_revision(entry: LogEntry) -> int:
    """The revision at which the wish of this version was first made."""
    revision: int = entry.body.get("wish", {}).get("since", entry.revision)
    return revision


def is_wish_suspended(entry: LogEntry) -> bool:
    """Whether the wish of this version waits without hiding the person."""
    return bool(entry.body.get("wish", {}).get("stopped", False))


def has_wish(entry: LogEntry) -> bool:
    """Whether an entry of a report asks for a class that hides, or says when a wish was given."""
    public_content = entry.body["said"]
    return (
        WISH_DAY_FIELD in entry.personal
        or WISH_DAY_FIELD in public_content
        or public_content.get(CLASS_FIELD, Publish.NAMED) != Publish.NAMED
    )


def buffer_wish(session: Session, entry: LogEntry, record: int, buffer: WriteBuffer) -> None:
    """Add to the buffer the class that a version asks for. Of versions that repeat one wish the first counts."""
    content = {**entry.body["said"], **entry.personal}
    # A version without a class hides nobody, like one that asks for `named`: only the day of its wish is stored.
    publish = content.get(CLASS_FIELD, Publish.NAMED.value)
    day = parse_date(content[WISH_DAY_FIELD]).hi if WISH_DAY_FIELD in content else None
    if publish == Publish.NAMED and day is None:
        return
    stored_row = None
    if entry.body["version"] > 1:
        stored_row = session.connection().execute(_SELECT_WISH, {"of": record, "class": publish}).one_or_none()
    new = {"revision": entry.revision, "since": get_wish_revision(entry), "stopped": is_wish_suspended(entry)}
    if stored_row is None:
        buffer.add(_INSERT_WISH, [{"record": record, "publish": publish, "given_hi": day, **new}])
        return
    days = [known_day for known_day in (stored_row.given_hi, day) if known_day is not None]
    if new["since"] <= stored_row.since:
        new = {"revision": stored_row.revision, "since": stored_row.since, "stopped": stored_row.stopped}
    if (new["since"], max(days, default=None)) != (stored_row.since, stored_row.given_hi):
        values = {"at": new["revision"], "from": new["since"], "waits": new["stopped"]}
        buffer.add(_UPDATE_WISH, [{"of": record, "class": publish, "last_day": max(days, default=None), **values}])

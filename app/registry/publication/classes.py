"""Compute the class of publication of a person: named, anonymous, or count-only.

The class follows from curators' consents, from the classes that reports request, and from minority. A person who may
have been a child when detained, by one report or by all together, is count-only. `permissions.py` decides what each
class opens to a reader.

A wish is a report's request for a class. Whether it is new depends on all earlier reports of its source about the
person. So the table `requested_class` has one row for each record and class, updated as versions are filed. Without
it, a record corrected ten thousand times would slow down every write about its person, and block all others.
"""

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
    remove_taken_over,
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
    """Return whether the person is a minor at one end of the age's span of days, and not at the other."""
    first, is_span, last = content.get(AGE_SPAN, "").partition("/")
    return bool(is_span) and is_minor({**content, AGE_ON: first}, today) != is_minor({**content, AGE_ON: last}, today)


def is_minor(content: Content, today: str | None = None) -> bool:
    """Return whether the person may have been under 18 when detained, by this report alone.

    Judged on the day of the arrest, else on the day in the report nearest to it, else on the day on which the report
    was verified or filed (`today`). So nothing changes by the passing of time alone.
    """
    filed_on = content.get("verification.verified_on", today)
    birth = find_birth(content)
    day = next((content[name] for name in DETENTION_DAY_FIELDS if name in content), filed_on)
    if birth is not None and day is not None:
        return compute_age_bounds(birth, parse_cached_date(day))[0] < ADULT_AGE
    return bool(content.get(AGE, ADULT_AGE) < ADULT_AGE)


def add_minor_class(content: Content, today: str | None = None) -> Content:
    """Return the content with its effective class of publication: `counted` for a possible minor.

    The class is readable in the log, since it must outlive an erasure of the birth that it follows from. The class that
    the source requested is sealed in another field, empty if there was none.
    """
    if not is_minor(content, today):
        return content
    requested_class = content.get("detainee.publish", "")
    return {**content, "detainee.publish": Publish.COUNTED.value, REQUESTED_CLASS: requested_class}


def remove_birth(content: Content) -> Content:
    """Return a report's content without its birth and age, and without the class that follows from them."""
    return {name: value for name, value in restore_sent_content(content).items() if name not in BIRTH_FIELDS}


def may_be_minor(reports: Sequence[Content], dependent_reports: Sequence[Content] = ()) -> bool:
    """Return whether the person may have been under 18, by births and arrests in different reports.

    Each report was judged alone when it was filed. `dependent_reports`: reports of sources that are not independent, if
    `reports` are of independent ones. Their days of arrest count only if no independent source reports a birth:
    otherwise a state could hide any person by one invented day.
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
    """Return whether the person may have been a minor, by each report alone or by all together.

    If independent sources report the person, only their reports count: a birth from other sources hides the person
    only until a curator has decided. Births reported by `overruled_source` do not count."""
    person_records = records.load_person_records(session, record)
    independent_records = [other for other in person_records if sources[other.source].independent]
    reports = [
        remove_birth(report) if other.source == overruled_source else report
        for other in independent_records or person_records
        for report in (records.load_version(session, other).content,)
    ]
    return any(REQUESTED_CLASS in report for report in reports) or may_be_minor(reports)


def split_by_independence(statements: Sequence[Statement]) -> tuple[list[Content], list[Content]]:
    """Return `(contents of independent sources' reports, contents of others')`.

    If no source is independent, return all contents and an empty list."""
    independent = [
        remove_taken_over(statement.full_content) for statement in statements if statement.source.independent
    ]
    dependent = [
        remove_taken_over(statement.full_content) for statement in statements if not statement.source.independent
    ]
    return (independent, dependent) if independent else (dependent, [])


def _collect_births(reports: Sequence[Content]) -> list[PartialDate]:
    return [birth for content in reports if (birth := find_birth(content)) is not None]


def _collect_detention_days(reports: Sequence[Content]) -> list[PartialDate]:
    return [parse_cached_date(c["detention.detained_on"]) for c in reports if "detention.detained_on" in c]


CLASS_FIELD = "detainee.publish"  # the effective class: `counted` for a possible minor
# If this many other independent sources show a person, a source hides the person only provisionally.
MIN_OTHER_SOURCES = 2

RecordedConsent = tuple[int, int, str]  # revision, record, class


@dataclass(frozen=True, slots=True)
class Hiding:
    """A report that closes a person to the class `publish` until a curator has decided.

    `against`: a curator's `consent`, the `reports` of other independent sources, or an earlier `listing` of the person.
    `stopped`: it takes away the name alone meanwhile."""

    record: int
    source: int
    publish: str
    against: str
    stopped: bool


def is_stricter(publish: str, other: str) -> bool:
    return CURRENT_CLASSES.index(publish) > CURRENT_CLASSES.index(other)


def find_strictest_class(classes: Iterable[str]) -> str:
    """Return the most closed of the classes."""
    return max(classes, key=CURRENT_CLASSES.index)


def compute_person_class(statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> str:
    """Return the class of a person according to the log, erased or not.

    Without a consent it is the strictest class that a report requests. A report without a class requests `anonymous`,
    or no class if it was filed by pointing at a known person. Sources that are not independent count only if no
    independent source reports the person: a state must not hide people whom others name. A consent answers all earlier
    requests; later ones can only close the person further. If people with consents are merged, the strictest of their
    latest consents applies.
    """
    relevant = _select_relevant(statements)
    if not consents:
        return find_strictest_class(list(filter(None, map(_find_effective_class, relevant))) or [Publish.ANONYMOUS])
    consented_class, last_consent = _summarize_consents(consents)
    later = [s for s in relevant if CLASS_FIELD in s.content and _find_wish_revision(s) > last_consent]
    return find_strictest_class([consented_class, *filter(None, map(_find_effective_class, later))])


def compute_current_class(publish: str, statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> str:
    """Return today's class of a person, objections aside, whose class according to the log is `publish`.

    It is `counted` if the person was erased, or may have been a child by all reports together and no consent answers
    that. It is NAMED_BY_REPORTS if no consent opens the name. The rows keep `publish`: a rebuild must reproduce it
    after births are erased."""
    if any(statement.is_redacted for statement in statements):
        return Publish.COUNTED
    if not consents and may_be_minor(*split_by_independence(_remove_suspended_births(statements))):
        return Publish.COUNTED
    return limit_named_class(publish, bool(consents))


def limit_named_class(publish: str, has_consent: bool) -> str:
    """Return NAMED_BY_REPORTS for a named person without a recorded consent, else `publish`."""
    return NAMED_BY_REPORTS if publish == Publish.NAMED and not has_consent else publish


def find_provisional_hidings(statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> list[Hiding]:
    """Return the reports that close the person until a curator's consent answers them.

    So no single key hides a person for good. A request for `anonymous` after a consent opened the name is one of them.
    An erased person has none: nothing is left to decide."""
    if any(statement.is_redacted or statement.is_erased for statement in statements):
        return []
    return _find_hidings(statements, consents)


def _find_hidings(statements: Sequence[Statement], consents: Sequence[RecordedConsent]) -> list[Hiding]:
    """Find provisional hidings, also of a person erased later: a rebuild must reproduce the earlier class."""
    relevant = _select_relevant(statements)
    if consents:
        consented_class, last_consent = _summarize_consents(consents)
        stricter_statements = [
            s
            for s in relevant
            if _find_wish_revision(s) > last_consent
            and is_stricter(s.content.get(CLASS_FIELD, consented_class), consented_class)
        ]
        return [
            Hiding(s.record, s.source.key, s.content[CLASS_FIELD], "consent", s.is_wish_suspended)
            for s in stricter_statements
        ]
    closing_statements = [s for s in relevant if _find_requested_class(s) == Publish.COUNTED] or _find_minor_reports(
        statements
    )
    return [
        Hiding(s.record, s.source.key, Publish.COUNTED, against, s.is_wish_suspended)
        for s in closing_statements
        if (against := _find_opposition(s, relevant)) is not None
    ]


def _find_opposition(statement: Statement, relevant: Sequence[Statement]) -> str | None:
    """Return what a report hides its person against; None if nobody listed the person before it."""
    if _is_shown_by_others(statement, relevant):
        return "reports"
    wish_revision = _find_wish_revision(statement)
    was_listed = wish_revision > statement.record or any(
        other.record < wish_revision and _find_requested_class(other) in (Publish.NAMED, Publish.ANONYMOUS)
        for other in relevant
    )
    return "listing" if was_listed else None


def _select_relevant(statements: Sequence[Statement]) -> list[Statement]:
    return [statement for statement in statements if statement.source.independent] or list(statements)


def _find_requested_class(statement: Statement) -> str | None:
    """Return the class that a report requests: by default `anonymous`, or None if it points at a known person."""
    requested_class: str | None = statement.content.get(
        CLASS_FIELD, None if statement.is_filed_by_pointer else Publish.ANONYMOUS
    )
    return requested_class


def _find_effective_class(statement: Statement) -> str | None:
    """Return the class that a report closes its person to: beyond the limit of its source, only the name goes."""
    requested_class = _find_requested_class(statement)
    return Publish.ANONYMOUS if statement.is_wish_suspended and requested_class == Publish.COUNTED else requested_class


def _find_wish_revision(statement: Statement) -> int:
    return statement.revision if statement.wish_revision is None else statement.wish_revision


def _summarize_consents(consents: Sequence[RecordedConsent]) -> tuple[str, int]:
    """Return the strictest class of the records' latest consents, and the revision of the last consent."""
    latest = {record: publish for _revision, record, publish in sorted(consents)}
    return find_strictest_class(latest.values()), max(revision for revision, _record, _publish in consents)


def _is_shown_by_others(statement: Statement, relevant: Sequence[Statement]) -> bool:
    """Return whether reports of MIN_OTHER_SOURCES other independent sources request to show the person.

    Against a source that is not independent, one source is enough."""
    showing_sources = {
        other.source.key
        for other in relevant
        if other.independent
        and not other.is_retracted
        and _find_requested_class(other) in (Publish.NAMED, Publish.ANONYMOUS)
    }
    return len(showing_sources - {statement.source.key}) >= (MIN_OTHER_SOURCES if statement.source.independent else 1)


def _find_minor_reports(statements: Sequence[Statement]) -> list[Statement]:
    """Return the reports of each source without whose births the person could not be a child."""
    birth_reports = [statement for statement in statements if not BIRTH_FIELDS.isdisjoint(statement.content)]
    if not birth_reports or not may_be_minor(*split_by_independence(statements)):
        return []
    return [
        s for s in birth_reports if not may_be_minor(*split_by_independence(_remove_births(s.source.key, statements)))
    ]


def _remove_suspended_births(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements, with the suspended ones without births."""
    return [replace(s, content=remove_birth(s.content)) if s.is_wish_suspended else s for s in statements]


def _remove_births(source: int, statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements, with those of one source without births."""
    return [replace(s, content=remove_birth(s.content)) if s.source.key == source else s for s in statements]


WISH_DAY_FIELD = "detainee.publish_given_on"

_INSERT_WISH = insert(RequestedClass)
_SELECT_WISH = select(
    col(RequestedClass.revision), col(RequestedClass.since), col(RequestedClass.stopped), col(RequestedClass.given_hi)
).where(col(RequestedClass.record) == bindparam("record_key"), col(RequestedClass.publish) == bindparam("class"))
_UPDATE_WISH = (
    update(RequestedClass)
    .where(col(RequestedClass.record) == bindparam("record_key"), col(RequestedClass.publish) == bindparam("class"))
    .values(
        revision=bindparam("new_revision"),
        since=bindparam("new_since"),
        stopped=bindparam("is_suspended"),
        given_hi=bindparam("last_day"),
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
    .where(col(RequestedClass.publish).in_(bindparam("strict_classes", expanding=True)))
    .order_by(col(RequestedClass.since).desc(), col(RequestedClass.record), col(RequestedClass.revision))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class EarlierWishes:
    """The wishes in a source's earlier reports of a person.

    `last_day`: the last day on which a wish was made (ordinal). `since`: the revision of the last wish for a class at
    least as strict as the new one. `is_suspended`: that wish takes away the name alone."""

    last_day: int | None
    since: int | None
    is_suspended: bool


def load_earlier_wishes(
    session: Session, record: uuid.UUID, source: int | None, strict_classes: Collection[str]
) -> EarlierWishes:
    """Return the earlier wishes of a source for the person of a record, under any case number.

    A curator answers a source: a new case number makes no new wish."""
    run, parameters = session.connection().execute, {"id": record, "source": source}
    last_day = run(_SELECT_LAST_DAY, parameters).scalar_one()
    last_wish = run(_SELECT_LAST_WISH, {**parameters, "strict_classes": list(strict_classes)}).one_or_none()
    return EarlierWishes(last_day, *((None, False) if last_wish is None else last_wish))


def get_wish_revision(entry: LogEntry) -> int:
    """Return the revision at which the wish of this version was first made."""
    revision: int = entry.body.get("wish", {}).get("since", entry.revision)
    return revision


def is_wish_suspended(entry: LogEntry) -> bool:
    """Return whether the wish of this version takes away the name alone."""
    return bool(entry.body.get("wish", {}).get("name_only", False))


def has_wish(entry: LogEntry) -> bool:
    """Return whether a report's entry requests a class other than `named`, or has the day of a wish."""
    public_content = entry.body["said"]
    return (
        WISH_DAY_FIELD in entry.personal
        or WISH_DAY_FIELD in public_content
        or public_content.get(CLASS_FIELD, Publish.NAMED) != Publish.NAMED
    )


def buffer_wish(session: Session, entry: LogEntry, record: int, buffer: WriteBuffer) -> None:
    """Buffer the row of a version's wish. If several versions repeat one wish, the first counts."""
    content = {**entry.body["said"], **entry.personal}
    # A version without a class hides nobody, like one that requests `named`: only the day of its wish is stored.
    publish = content.get(CLASS_FIELD, Publish.NAMED.value)
    day = parse_date(content[WISH_DAY_FIELD]).hi if WISH_DAY_FIELD in content else None
    if publish == Publish.NAMED and day is None:
        return
    stored_row = None
    if entry.body["version"] > 1:
        stored_row = session.connection().execute(_SELECT_WISH, {"record_key": record, "class": publish}).one_or_none()
    new = {"revision": entry.revision, "since": get_wish_revision(entry), "stopped": is_wish_suspended(entry)}
    if stored_row is None:
        buffer.add(_INSERT_WISH, [{"record": record, "publish": publish, "given_hi": day, **new}])
        return
    days = [known_day for known_day in (stored_row.given_hi, day) if known_day is not None]
    if new["since"] <= stored_row.since:
        new = {"revision": stored_row.revision, "since": stored_row.since, "stopped": stored_row.stopped}
    if (new["since"], max(days, default=None)) != (stored_row.since, stored_row.given_hi):
        row = {"record_key": record, "class": publish, "last_day": max(days, default=None)}
        values = {"new_revision": new["revision"], "new_since": new["since"], "is_suspended": new["stopped"]}
        buffer.add(_UPDATE_WISH, [row | values])

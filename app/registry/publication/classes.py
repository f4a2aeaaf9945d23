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

from app.dates import PartialDate, age_bounds_at, parse
from app.db.write_buffer import WriteBuffer
from app.log.content import (
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
from app.log.entries import LogEntry
from app.models import CLASSES_OF_TODAY, NAMED_BY_REPORTS, OPEN, Placement, Record, RequestedClass
from app.projection.statements import SourceView, Statement
from app.projection.statements import parse as parse_date
from app.registry import records
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
        return age_bounds_at(birth, parse_date(day))[0] < ADULT
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
    return [parse_date(c["detention.detained_on"]) for c in reports if "detention.detained_on" in c]


CLASS = "detainee.publish"  # as filed: for a possible minor it is `counted` already
# A source that hides a person whom this many other independent sources show hides provisionally.
OTHERS = 2

GivenConsent = tuple[int, int, str]  # revision, record, class


@dataclass(frozen=True, slots=True)
class Hiding:
    """A report that closes a person to the class `publish`, provisionally, until a curator has looked, against a
    curator's `consent` or the `reports` of two other independent sources. `stopped`: it closes nothing meanwhile."""

    record: int
    source: int
    publish: str
    against: str
    stopped: bool


def stricter(publish: str, other: str) -> bool:
    return CLASSES_OF_TODAY.index(publish) > CLASSES_OF_TODAY.index(other)


def strictest(classes: Iterable[str]) -> str:
    """Where sources differ, the most closed class holds."""
    return max(classes, key=CLASSES_OF_TODAY.index)


def person_class(statements: Sequence[Statement], consents: Sequence[GivenConsent]) -> str:
    """The class of a person as the log tells it, whether erased or not.

    Without a consent, the strictest class that a report asks for. A report without a class asks for `anonymous`, or for
    none where it was filed by pointing at a known person. Sources that are not independent count only where no
    independent source reports the person: a state must not hide whom others name. A consent answers all earlier
    requests; later ones can only close the person further. Where people with a consent each turn out to be one person,
    the strictest of their latest consents holds.
    """
    waiting = {hiding.record for hiding in _hidings(statements, consents) if hiding.stopped}
    relevant = [statement for statement in _relevant(statements) if statement.record not in waiting]
    if not consents:
        return strictest(list(filter(None, map(_requested, relevant))) or [Publish.ANONYMOUS])
    standing, last = _consented(consents)
    return strictest([standing, *filter(None, (a.content.get(CLASS) for a in relevant if _since(a) > last))])


def class_of_today(
    publish: str, statements: Sequence[Statement], consents: Sequence[GivenConsent], *, objected: bool = False
) -> str:
    """Today's class of a person of the class `publish`: `counted` once erased, where the reports together leave it
    possible that the person was a child, and no consent answers that, or where an objection hides the person; and
    NAMED_BY_REPORTS where no consent opens the name. The class in the rows stays `publish`, which follows from the
    reports as filed: a replay must give it again after births are erased, and what anybody sends without a key must
    move no count."""
    if objected or any(statement.redacted for statement in statements):
        return Publish.COUNTED
    if not consents and may_be_minor(*parted(statements)):
        return Publish.COUNTED
    return in_name_of(publish, bool(consents))


def in_name_of(publish: str, consented: bool) -> str:
    """The class `publish` of a person, by whether it rests on a recorded consent."""
    return NAMED_BY_REPORTS if publish == Publish.NAMED and not consented else publish


def provisional(statements: Sequence[Statement], consents: Sequence[GivenConsent]) -> list[Hiding]:
    """The reports that close the person provisionally, each until a curator's consent answers it, so that no one key
    hides a person for good; among them a request for `anonymous` after a consent opened the name. None of an erased
    person: nothing is left to answer."""
    if any(statement.redacted or statement.erased for statement in statements):
        return []
    return _hidings(statements, consents)


def _hidings(statements: Sequence[Statement], consents: Sequence[GivenConsent]) -> list[Hiding]:
    """`provisional`, also of a person erased later: a replay must find the class from before the erasure."""
    relevant = _relevant(statements)
    if consents:
        standing, last = _consented(consents)
        closing = [a for a in relevant if _since(a) > last and stricter(a.content.get(CLASS, standing), standing)]
        return [Hiding(a.record, a.source.key, a.content[CLASS], "consent", a.stopped) for a in closing]
    if len({statement.source.key for statement in statements}) == 1:  # no other source shows the person
        return []
    hiding = [a for a in relevant if _requested(a) == Publish.COUNTED] or _making_a_child(statements)
    against = [statement for statement in hiding if _others_show(statement, relevant)]
    return [Hiding(a.record, a.source.key, Publish.COUNTED, "reports", a.stopped) for a in against]


def _relevant(statements: Sequence[Statement]) -> list[Statement]:
    return [statement for statement in statements if statement.source.independent] or list(statements)


def _requested(statement: Statement) -> str | None:
    """The class that a report asks for; without one `anonymous`, or none where it points at a known person."""
    requested: str | None = statement.content.get(CLASS, None if statement.points else Publish.ANONYMOUS)
    return requested


def _since(statement: Statement) -> int:
    return statement.revision if statement.wished is None else statement.wished


def _consented(consents: Sequence[GivenConsent]) -> tuple[str, int]:
    """The class that the latest consents give, and the revision of the last of them."""
    latest = {record: publish for _revision, record, publish in sorted(consents)}
    return strictest(latest.values()), max(revision for revision, _record, _publish in consents)


def _others_show(statement: Statement, relevant: Sequence[Statement]) -> bool:
    """Whether standing reports of two other independent sources ask to show the person; one source is enough against a
    source that is not independent."""
    showing = {
        other.source.key
        for other in relevant
        if other.independent and not other.retracted and _requested(other) in (Publish.NAMED, Publish.ANONYMOUS)
    }
    return len(showing - {statement.source.key}) >= (OTHERS if statement.source.independent else 1)


def _making_a_child(statements: Sequence[Statement]) -> list[Statement]:
    """The reports of each source without whose births the person could not be a child."""
    giving = [statement for statement in statements if not BIRTH_FIELDS.isdisjoint(statement.content)]
    if not giving or not may_be_minor(*parted(statements)):
        return []
    return [s for s in giving if not may_be_minor(*parted(_without_births_of(s.source.key, statements)))]


def _without_births_of(source: int, statements: Sequence[Statement]) -> list[Statement]:
    """The statements, those of one source without their births."""
    return [replace(a, content=without_birth(a.content)) if a.source.key == source else a for a in statements]


GIVEN_ON = "detainee.publish_given_on"

_INSERT = insert(RequestedClass)
_STANDING = select(
    col(RequestedClass.revision), col(RequestedClass.since), col(RequestedClass.stopped), col(RequestedClass.given_hi)
).where(col(RequestedClass.record) == bindparam("of"), col(RequestedClass.publish) == bindparam("class"))
_UPDATE = (
    update(RequestedClass)
    .where(col(RequestedClass.record) == bindparam("of"), col(RequestedClass.publish) == bindparam("class"))
    .values(
        revision=bindparam("at"), since=bindparam("from"), stopped=bindparam("waits"), given_hi=bindparam("last_day")
    )
)
_HOLDER: Any = aliased(Placement)
_NAMED: Any = aliased(Record)
_OWN_OF_PERSON = (
    select(RequestedClass)
    .join(Record, col(Record.key) == col(RequestedClass.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(_HOLDER, (_HOLDER.detainee == col(Placement.detainee)) & (_HOLDER.until == OPEN))
    .join(_NAMED, _NAMED.key == _HOLDER.record)
    .where(_NAMED.id == bindparam("id"), col(Record.source) == bindparam("source"))
)
_LAST_DAY = _OWN_OF_PERSON.with_only_columns(func.max(col(RequestedClass.given_hi)))
_LAST_ASKED = (
    _OWN_OF_PERSON.with_only_columns(col(RequestedClass.since), col(RequestedClass.stopped))
    .where(col(RequestedClass.publish).in_(bindparam("as_strict", expanding=True)))
    .order_by(col(RequestedClass.since).desc(), col(RequestedClass.record), col(RequestedClass.revision))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class EarlierWishes:
    """The wishes in one source's reports of a person. `last_day`: of the last wish that has a day; `since`: the
    revision of the last wish for a class at least as strict as the one in question; `stopped`: whether that wish waits
    without hiding the person."""

    last_day: int | None
    since: int | None
    stopped: bool


def earlier(session: Session, record: uuid.UUID, source: int | None, as_strict: Collection[str]) -> EarlierWishes:
    """The earlier wishes of a source for the person of a record, whatever their case numbers: a curator answers a
    source, and a new case number is no new wish."""
    run, of = session.connection().execute, {"id": record, "source": source}
    last_day = run(_LAST_DAY, of).scalar_one()
    last = run(_LAST_ASKED, {**of, "as_strict": list(as_strict)}).one_or_none()
    return EarlierWishes(last_day, *((None, False) if last is None else last))


def since(entry: LogEntry) -> int:
    """The revision at which the wish of this version was first made."""
    made: int = entry.body.get("wish", {}).get("since", entry.revision)
    return made


def stopped(entry: LogEntry) -> bool:
    """Whether the wish of this version waits without hiding the person."""
    return bool(entry.body.get("wish", {}).get("stopped", False))


def asks(entry: LogEntry) -> bool:
    """Whether an entry of a report asks for a class that hides, or says when a wish was given."""
    said = entry.body["said"]
    return GIVEN_ON in entry.personal or GIVEN_ON in said or said.get(CLASS, Publish.NAMED) != Publish.NAMED


def add(session: Session, entry: LogEntry, record: int, buffer: WriteBuffer) -> None:
    """Add to the buffer the class that a version asks for. Of versions that repeat one wish the first counts."""
    content = {**entry.body["said"], **entry.personal}
    # A version without a class hides nobody, like one that asks for `named`: only the day of its wish is stored.
    publish = content.get(CLASS, Publish.NAMED.value)
    day = parse(content[GIVEN_ON]).hi if GIVEN_ON in content else None
    if publish == Publish.NAMED and day is None:
        return
    stands = None
    if entry.body["version"] > 1:
        stands = session.connection().execute(_STANDING, {"of": record, "class": publish}).one_or_none()
    new = {"revision": entry.revision, "since": since(entry), "stopped": stopped(entry)}
    if stands is None:
        buffer.add(_INSERT, [{"record": record, "publish": publish, "given_hi": day, **new}])
        return
    days = [known for known in (stands.given_hi, day) if known is not None]
    if new["since"] <= stands.since:
        new = {"revision": stands.revision, "since": stands.since, "stopped": stands.stopped}
    if (new["since"], max(days, default=None)) != (stands.since, stands.given_hi):
        values = {"at": new["revision"], "from": new["since"], "waits": new["stopped"]}
        buffer.add(_UPDATE, [{"of": record, "class": publish, "last_day": max(days, default=None), **values}])

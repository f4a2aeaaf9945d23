"""Checks of a report that need the day of filing, or several of its facts together.

Pointers of reports: the record from which a given id derives, and the report as which a pointer is stored (rule
2).

What the next version of a report may change (rule 3).

It may correct every value and gain a release. It stays a report of the same person and spell, under the same case
number and pointer; it does not lose its release, and does not undo a withdrawal without a new verdict."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app import dates
from app.dates import PartialDate
from app.dates import parse as parse_date
from app.errors import (
    AgeNeedsDay,
    AnotherPerson,
    Conflict,
    FileAClaim,
    Invalid,
    NewSpellNeedsNewRecord,
    NotFound,
    ReleaseDropped,
    pointed,
)
from app.log import content
from app.log import content as reported
from app.log.content import Content
from app.matching import score
from app.matching.names import ONE_WORD
from app.models import CLASSES_OF_TODAY, OPEN, Entry, Placement, Record, Release, Report, SourceRelease
from app.projection.statements import ASSERTIONS, DENIALS, RANK, parse
from app.registry.identity import blocking_keys
from app.registry.publication.classes import child_by_one_end
from app.registry.records import Kind
from app.registry.write import WriteContext
from app.schemas.reports import OLDEST, DetentionReportIn
from app.vocabulary import Stage, Verdict

# Facts by which a nameless report is told apart; fewer is a number, and a number is a claim.
NAMELESS_FACTS = 2
# No list of political prisoners goes back further: an earlier year is a typing error. And any age on any later day then
# gives a birth within the calendar, even where age and day are of two sources.
EARLIEST = 1900
# People alive in the earliest year, at the oldest age that can be stated.
EARLIEST_BIRTH = EARLIEST - OLDEST
# Ages are rounded and counted differently: a year more or less is no contradiction.
AGE_SLACK = 1
# Either says how a source knows what it verified; the latter stands in copies alone, in place of a sealed method.
HOW_KNOWN = (reported.METHOD, reported.IS_FIRST_HAND)
FUTURE = "This day has not come yet anywhere: correct the date."

PAST_DATES = (
    "detainee.birth_date",
    "detainee.died_on",
    "detainee.age_on",
    "detainee.publish_given_on",
    "detention.detained_on",
    "detention.held_on",
    "release.released_on",
    "release.announced_on",
    "release.ordered_on",
    "release.measures_lifted_on",
    "verification.verified_on",
)
# Dates inside lists: the list, and the field of each item.
PAST_DATES_OF_ITEMS = (("detention.transfers", "on"), ("verification.evidence", "published_on"))
# The fields that decide how old a person was when detained.
SAY_WHEN = (*reported.DAYS_SPOKEN_OF, "detention.transfers", "detention.ended", reported.AGE_ON, reported.BIRTH)
# Each pair: the first cannot be wholly after the second.
ORDERED_DATES = (
    ("detention.detained_on", "release.released_on", "release_before_detention", "the release is before the detention"),
    ("detention.held_on", "release.released_on", "held_after_release", "the person was known held after the release"),
    ("detainee.birth_date", "detention.detained_on", "detained_before_birth", "the detention is before the birth"),
    ("detainee.birth_date", "release.released_on", "released_before_birth", "the release is before the birth"),
    ("detention.detained_on", "detainee.died_on", "detained_after_death", "the detention is after the death"),
    ("release.released_on", "detainee.died_on", "released_after_death", "the release is after the death"),
    ("release.released_on", "verification.verified_on", "verified_before_release", "it was verified before"),
)  # fmt: skip


def pointer_to(name: str) -> str:
    """`release.released_on` → `/release/released_on`."""
    return "/" + name.replace(".", "/")


def check(content: Content, now: datetime, *, points: bool, flat: bool = False) -> None:
    """Raises Invalid or FileAClaim for a report that cannot be true or cannot be used. `points`: it points at a known
    person. `flat`: the body has no sections for release and verification, so that error pointers have none either."""
    errors = [*impossible(content, now), *_sure(content, points=points)]
    if flat:
        for error in errors:
            error["pointer"] = error["pointer"].removeprefix("/verification").removeprefix("/release")
    if errors:
        raise Invalid("Correct the values pointed at and send the report again.", *errors)
    if not points and "detainee.full_name" not in content and _facts(content) < NAMELESS_FACTS:
        raise FileAClaim.at(
            "/detainee",
            "file_a_claim",
            "Without a name, give at least two of: age or birth date, nationality, facility, detained_on. "
            "A number of people without faces is a claim: POST /v1/claims.",
        )


def require_day_of_age(content: Content, before: Content | None, filed: str) -> None:
    """Raises AgeNeedsDay for an age without its day where that day decides whether the person was a child when
    detained.

    A report that stands with such an age may be sent again, corrected and withdrawn: its person stays `counted`.
    """
    if content["verification.verdict"] == Verdict.RETRACTED or not child_by_one_end(content, filed):
        return
    if before is not None and before.get(reported.AGE) == content[reported.AGE]:
        same_days = all(content.get(name) == before.get(name) for name in SAY_WHEN)
        if same_days or reported.REQUESTED_CLASS in before:
            return
    raise AgeNeedsDay.at(
        "/detainee/age_on",
        "age_needs_day",
        "Say on which day the person had this age (`age_on`: a date, or `filed` for the age of today), or give "
        "`birth_date`: without it the person may or may not have been under 18 when detained.",
    )


def impossible(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    """The errors of a report that cannot be true, however incomplete it is: days to come, contradicting days."""
    yield from _future(content, now)
    yield from _early(content)
    yield from _age(content, now)
    yield from _order(content)
    yield from _ended(content, now)


def _future(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    for name in PAST_DATES:
        if name in content and dates.is_future(parse_date(content[name]), now):
            yield pointed(pointer_to(name), "future_date", FUTURE)
    for name, field in PAST_DATES_OF_ITEMS:
        for number, item in enumerate(content.get(name, [])):
            if item.get(field) and dates.is_future(parse_date(item[field]), now):
                yield pointed(f"{pointer_to(name)}/{number}/{field}", "future_date", FUTURE)


def _early(content: Content) -> Iterator[dict[str, str]]:
    for name in PAST_DATES:
        earliest = EARLIEST_BIRTH if name == "detainee.birth_date" else EARLIEST
        if name in content and parse_date(content[name]).first.year < earliest:
            yield pointed(pointer_to(name), "impossible_date", f"This is before {earliest}: correct the year.")
    detained = content.get("detention.detained_on")
    for number, item in enumerate(content.get("detention.transfers", [])):
        if item.get("on") and detained and parse_date(item["on"]).hi < parse_date(detained).lo:
            detail = "By these dates the transfer is before the detention: correct one of them."
            yield pointed(f"/detention/transfers/{number}/on", "transfer_before_detention", detail)


def _age(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    birth = content.get("detainee.birth_date")
    if birth is None:
        return
    custody = content.get("detention.detained_on") or content.get("release.released_on")
    if custody and dates.age_bounds_at(parse_date(birth), parse_date(custody))[0] > OLDEST:
        detail = f"By these dates the person was older than {OLDEST}: correct the birth date."
        yield pointed("/detainee/birth_date", "too_old", detail)
    age, on = content.get("detainee.age"), content.get("detainee.age_on")
    if age is not None:
        # An age without its day is that of some day between the arrest and today.
        first = on or custody
        least = dates.age_bounds_at(parse_date(birth), parse_date(first))[0] if first else 0
        most = dates.age_bounds_at(parse_date(birth), parse_date(on or now.date().isoformat()))[1]
        if not least - AGE_SLACK <= age <= most + AGE_SLACK:
            detail = "The age and the birth date do not agree: correct one of them, or leave one out."
            yield pointed("/detainee/age", "age_and_birth_differ", detail)


def _order(content: Content) -> Iterator[dict[str, str]]:
    denies, sure = content["verification.verdict"] in DENIALS, content["verification.verdict"] == Verdict.VERIFIED
    for earlier, later, code, what in ORDERED_DATES:
        if denies and code == "held_after_release":
            continue  # "still held on the 28th" is how a release of the 24th is refuted
        if not sure and code == "verified_before_release":
            continue
        if earlier in content and later in content and parse_date(content[earlier]).lo > parse_date(content[later]).hi:
            yield pointed(pointer_to(later), code, f"By these dates {what}: correct one of them.")


def _ended(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    on = (content.get("detention.ended") or {}).get("on")
    if on and dates.is_future(parse_date(on), now):
        yield pointed("/detention/ended/on", "future_date", FUTURE)
    detained = content.get("detention.detained_on")
    if on and detained and parse_date(detained).lo > parse_date(on).hi:
        detail = "By these dates the detention ended before it began: correct one of them."
        yield pointed("/detention/ended/on", "ended_before_detention", detail)


def _sure(content: Content, *, points: bool) -> Iterator[dict[str, str]]:
    if content["verification.verdict"] == Verdict.VERIFIED and content.keys().isdisjoint(HOW_KNOWN):
        detail = "Say how it was verified: `verified` needs a method (see /v1/vocabulary)."
        yield pointed("/verification/method", "method_required", detail)
    if not points and "detention.country" not in content:
        detail = "Give the country where the person is or was held, as an ISO 3166-1 alpha-2 code."
        yield pointed("/detention/country", "country_required", detail)


def _facts(content: Content) -> int:
    has_age = "detainee.age" in content or "detainee.birth_date" in content
    others = ("detainee.nationalities", "detention.facility", "detention.detained_on")
    return has_age + sum(1 for name in others if name in content)


def begins_after(content: Content, release: PartialDate) -> bool:
    """Whether the report's detention begins after a release."""
    detained = content.get("detention.detained_on")
    return detained is not None and parse_date(detained).lo > release.hi


POINTERS: tuple[tuple[str, Kind], ...] = (
    ("release_id", "release"),
    ("detention_id", "detention"),
    ("detainee_id", "detainee"),
)
# Sorts reports without a day after all others: tomorrow they may be of another spell.
UNSTATED = 10**9

# Made once: building a statement costs more than running it.
_BASE = aliased(Placement)
_SAME_SPELL = (
    select(col(Record.id), col(Record.source), col(Entry.body))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(_BASE, (col(_BASE.spell) == col(Placement.spell)) & (col(_BASE.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .where(col(_BASE.record) == bindparam("base"), col(Record.redacted).is_(False))
)


def target_of(context: WriteContext, body: DetentionReportIn) -> tuple[Record, Kind] | None:
    given = [(kind, getattr(body, name)) for name, kind in POINTERS if getattr(body, name) is not None]
    if len(given) > 1:
        raise Invalid.at("", "one_pointer", "Point at one of detainee_id, detention_id, release_id; not at several.")
    if not given:
        return None
    kind, thing_id = given[0]
    return known(context, kind, thing_id), kind


def known(context: WriteContext, kind: Kind, thing_id: uuid.UUID) -> Record:
    """The record from which an id derives. Raises NotFound where there is none that stands, or where this key may not
    know of it: the person is hidden from the key, and the record is another source's."""
    seen = [publish for publish in CLASSES_OF_TODAY if context.actor.sees_person(publish)]
    record = context.session.scalars(
        select(Record).where(
            getattr(Record, f"{kind}_id") == thing_id,
            col(Record.redacted).is_(False),
            or_(col(Record.source) == context.actor.source, col(Record.publish_now).in_(seen)),
            exists().where(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN),
        )
    ).one_or_none()
    if record is None:
        raise NotFound(f"There is no {kind} with this id.")
    if kind == "release" and not has_release(context.session, record):
        raise NotFound("There is no release with this id.")
    return record


def spell_pointer(
    context: WriteContext, target: tuple[Record, Kind], own: uuid.UUID | None = None, before: str | None = None
) -> str | None:
    """The id of the report as which a pointer is stored: of a release its earliest report by an independent source,
    else its earliest report; of a detention the earliest report of the spell; of a person none.

    `before`: the id of the report at which `own` pointed until now. That pointer stays while both are of one spell, so
    that sending a report again changes nothing; and where the earliest report is `own` itself. Where the person is
    hidden from the key, only the source's own reports are considered, since anybody can read the pointer in the log.
    """
    base, kind = target
    if kind == "detainee":
        return before
    rows = context.session.connection().execute(_SAME_SPELL, {"base": base.key}).all()
    if before is not None and uuid.UUID(before) in {row.id for row in rows}:
        return before
    seen = context.actor.sees_person(base.publish_now)
    reports = [(row, json.loads(row.body)["said"]) for row in rows if seen or row.source == context.actor.source]
    if kind == "release":
        reports = [(row, report) for row, report in reports if content.has_release(report)] or reports

    def rank(candidate: tuple[Any, Content]) -> tuple[bool, bool, int, int, str]:
        row, report = candidate
        withdrawn = report["verification.verdict"] == Verdict.RETRACTED
        other = kind == "release" and not context.views.sources[row.source].independent
        return (
            withdrawn,
            other,
            _first_day(report, "detention.detained_on"),
            _first_day(report, "release.released_on"),
            row.id.hex,
        )

    earliest = min(reports, key=rank)[0].id
    return before if earliest == own else str(earliest)


def _first_day(report: Content, name: str) -> int:
    return parse(report[name]).lo if name in report else UNSTATED


def require_one_person(session: Session, record: Record, target: Record) -> None:
    """Raises Conflict where record and target are of two people: only curators join standing people."""
    places = session.scalars(
        select(col(Placement.detainee)).where(
            col(Placement.record).in_([record.key, target.key]), col(Placement.until) == OPEN
        )
    ).all()
    if len(set(places)) > 1:
        raise Conflict(
            "Your case number and the id you point at are two people so far. Ask a curator to join them, or send "
            "the report under another case number."
        )


def own_record_in(session: Session, spell: int, source: int) -> Record | None:
    """A source's record of a spell: its newest with a release, else its newest."""
    rows = session.execute(
        select(Record, col(Entry.body), col(Report.stated))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
        .join(Entry, col(Entry.revision) == col(Report.stated))
        .where(col(Placement.spell) == spell, col(Record.source) == source, col(Record.redacted).is_(False))
    ).all()
    ranked = [("release.stage" in json.loads(body)["said"], stated, record) for record, body, stated in rows]
    return max(ranked, key=lambda row: row[:2])[2] if ranked else None


def stage_asserted(session: Session, spell: int) -> str:
    """The furthest stage of a release that any source asserts, refuted or not; else the stage at which it stands.

    So a source that verifies a refuted release verifies the disputed stage, not an earlier one that still counts."""
    asserted = session.scalars(
        select(col(SourceRelease.stage)).where(
            col(SourceRelease.spell) == spell,
            col(SourceRelease.until) == OPEN,
            col(SourceRelease.verdict).in_(ASSERTIONS),
        )
    ).all()
    if asserted:
        return max(asserted, key=lambda stage: RANK[Stage(stage)])
    return session.scalars(
        select(col(Release.stage)).where(col(Release.spell) == spell, col(Release.until) == OPEN)
    ).one()


def has_release(session: Session, record: Record) -> bool:
    """Whether the spell of a record has a release."""
    spell = session.scalars(
        select(col(Release.spell))
        .join(Placement, col(Placement.spell) == col(Release.spell))
        .where(col(Placement.record) == record.key, col(Placement.until) == OPEN, col(Release.until) == OPEN)
    ).first()
    return spell is not None


def check_correction(before: Content, after: Content) -> None:
    """Check the content of a next version against that of the standing one. Raises AnotherPerson,
    NewSpellNeedsNewRecord, ReleaseDropped."""
    check_person(before, after)
    released = before.get("release.released_on")
    asserted = before["verification.verdict"] in ASSERTIONS and before.get("release.stage") == Stage.CARRIED_OUT
    if released and asserted and begins_after(after, parse(released)):
        raise NewSpellNeedsNewRecord(
            "This detention begins after the release under the same case number: it is a new spell in custody. "
            "File it under a new source_record_id."
        )
    if content.has_release(before) and not content.has_release(after):
        raise release_dropped()


def check_person(before: Content, after: Content) -> None:
    """Raises AnotherPerson where two versions name two people."""
    if _another_person(before, after):
        raise AnotherPerson(
            "This case number is another person's: use a new one. If it is the same person, correct the name first, "
            "and then the birth date or the gender; of two names without a word in common give the former among the "
            "aliases."
        )


def _another_person(before: Content, after: Content) -> bool:
    """Whether the next version names another person: the two names share no word, in any spelling; or each has a word
    that the other lacks (below ONE_WORD), and birth or gender contradict as well.

    So a corrected spelling, a changed surname or a corrected birth stays possible, and so does a change between two
    names of which one is the other's alias, or with one identification number."""
    old, new = blocking_keys.person_of(before), blocking_keys.person_of(after)
    if old.national_id is not None and old.national_id == new.national_id:
        return False
    match = score.compare(old, new)
    name = next((reason.score for reason in match.reasons if reason.feature == "name"), None)
    if name is None:
        return False
    return name == 0 or (name < ONE_WORD and not {"birth", "gender"}.isdisjoint(match.conflicts))


def check_fixed_fields(before: Content, body: DetentionReportIn) -> None:
    """Check that an amended report points nowhere else and keeps its case number. Raises Invalid."""
    if any(getattr(body, name) is not None for name, _kind in POINTERS):
        raise Invalid.at("", "pointer_is_fixed", "A report cannot be pointed elsewhere: retract it and file another.")
    if body.source_record_id != before.get("source_record_id"):
        raise case_is_fixed("A case number cannot change: file a new report.")


def check_withdrawal(before: Content, after: Content) -> None:
    """Check that amending a withdrawn report gives it a verdict again. Raises Conflict."""
    if Verdict.RETRACTED == before["verification.verdict"] == after["verification.verdict"]:
        raise Conflict("This report was withdrawn: send a verification with a verdict along to take that back.")


def case_is_fixed(detail: str) -> Invalid:
    return Invalid.at("/source_record_id", "case_is_fixed", detail)


def release_dropped() -> ReleaseDropped:
    return ReleaseDropped("This record has a release: retract the report instead of sending it without one.")

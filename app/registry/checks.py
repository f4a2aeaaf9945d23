"""Check reports against the filing date and against themselves, resolve their pointers, and check new versions.

A pointer is an id of a detainee, a detention or a release in a report. A new version may correct every value,
gain a release, and take its release back. It must stay a report of the same person and spell, under the same case
number and pointer, and may not undo a withdrawal without a new verdict.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app import dates
from app.dates import PartialDate, parse_date
from app.errors import (
    AgeNeedsDay,
    AnotherPerson,
    ClaimRequired,
    Conflict,
    Invalid,
    NewSpellNeedsNewRecord,
    NotFound,
    build_pointed_error,
)
from app.log.content import (
    AGE,
    AGE_ON,
    BIRTH,
    IS_FIRST_HAND,
    METHOD,
    REPORTED_DAY_FIELDS,
    REQUESTED_CLASS,
    Content,
    has_release_section,
    remove_taken_over,
)
from app.matching import score
from app.matching.names import ONE_WORD_SCORE
from app.models import CURRENT_CLASSES, OPEN, Entry, Placement, Record, Release, Report, SourceRelease
from app.projection.statements import ASSERTIONS, DENIALS, STAGE_RANK, parse_cached_date
from app.registry.identity import blocking_keys
from app.registry.publication.classes import has_ambiguous_minority
from app.registry.records import TargetKind
from app.registry.write import WriteContext
from app.schemas.reports import MAX_AGE, DetentionReportIn
from app.translations import Message
from app.vocabulary import Stage, Verdict

# Facts that distinguish a nameless person; fewer is a number, and a number is a claim.
MIN_NAMELESS_FACTS = 2
# No list of political prisoners goes back further: an earlier year is a typing error. The limit also keeps every birth
# computed from an age within the calendar, even if age and day are from two sources.
EARLIEST_YEAR = 1900
# A person alive in the earliest year, at the highest accepted age.
EARLIEST_BIRTH_YEAR = EARLIEST_YEAR - MAX_AGE
# Ages are rounded and counted differently: a year more or less is no contradiction.
AGE_SLACK = 1
# A verified report needs one of these. Copies of a registry have IS_FIRST_HAND instead of a sealed method.
METHOD_FIELDS = (METHOD, IS_FIRST_HAND)
FUTURE_DATE_DETAIL = "This day has not come yet anywhere: correct the date."

PAST_DATE_FIELDS = (
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
# Dates in lists: the list, and the field of each item.
PAST_DATE_ITEM_FIELDS = (("detention.transfers", "on"), ("verification.evidence", "published_on"))
# The fields that determine how old a person was when detained.
AGE_DATE_FIELDS = (*REPORTED_DAY_FIELDS, "detention.transfers", "detention.ended", AGE_ON, BIRTH)
# In each pair, the first date cannot be entirely after the second.
ORDERED_DATE_FIELDS = (
    ("detention.detained_on", "release.released_on", "release_before_detention", "the release is before the detention"),
    ("detention.held_on", "release.released_on", "held_after_release", "the person was known held after the release"),
    ("detainee.birth_date", "detention.detained_on", "detained_before_birth", "the detention is before the birth"),
    ("detainee.birth_date", "release.released_on", "released_before_birth", "the release is before the birth"),
    ("detention.detained_on", "detainee.died_on", "detained_after_death", "the detention is after the death"),
    ("release.released_on", "detainee.died_on", "released_after_death", "the release is after the death"),
    ("release.released_on", "verification.verified_on", "verified_before_release", "it was verified before"),
)  # fmt: skip


def format_pointer(name: str) -> str:
    """Return `/release/released_on` for `release.released_on`."""
    return "/" + name.replace(".", "/")


def check_report(content: Content, now: datetime, *, has_pointer: bool, is_flat: bool = False) -> None:
    """Raise Invalid or FileAClaim for a report that cannot be true or cannot be used.

    `has_pointer`: it points at a known person. `is_flat`: the body has no sections for release and verification, and
    neither have the error pointers."""
    errors = [*find_impossible_values(content, now), *_find_missing_fields(content, has_pointer=has_pointer)]
    if is_flat:
        for error in errors:
            error["pointer"] = error["pointer"].removeprefix("/verification").removeprefix("/release")
    if errors:
        raise Invalid("Correct the values pointed at and send the report again.", *errors)
    if not has_pointer and "detainee.full_name" not in content and _count_facts(content) < MIN_NAMELESS_FACTS:
        raise ClaimRequired.at_pointer(
            "/detainee",
            "file_a_claim",
            "Without a name, give at least two of: age or birth date, nationality, facility, detained_on. "
            "A number of people without faces is a claim: POST /v1/claims.",
        )


def require_day_of_age(content: Content, previous: Content | None, filed_on: str) -> None:
    """Raise AgeNeedsDay for an age without a day, if the day decides whether the person was a child when detained.

    An existing report with such an age may be sent again, corrected and withdrawn: its person stays `counted`.
    """
    if content["verification.verdict"] == Verdict.RETRACTED or not has_ambiguous_minority(content, filed_on):
        return
    if previous is not None and previous.get(AGE) == content[AGE]:
        has_same_days = all(content.get(name) == previous.get(name) for name in AGE_DATE_FIELDS)
        if has_same_days or REQUESTED_CLASS in previous:
            return
    raise AgeNeedsDay.at_pointer(
        "/detainee/age_on",
        "age_needs_day",
        "Say on which day the person had this age (`age_on`: a date, or `filed` for the age of today), or give "
        "`birth_date`: without it the person may or may not have been under 18 when detained.",
    )


def find_impossible_values(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    """Yield the errors of impossible values, such as future or contradicting days, in a complete or partial report."""
    yield from _find_future_dates(content, now)
    yield from _find_early_dates(content)
    yield from _find_age_errors(content, now)
    yield from _find_misordered_dates(content)
    yield from _find_end_errors(content, now)


def _find_future_dates(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    for name in PAST_DATE_FIELDS:
        if name in content and dates.is_future(parse_date(content[name]), now):
            yield build_pointed_error(format_pointer(name), "future_date", FUTURE_DATE_DETAIL)
    for name, field in PAST_DATE_ITEM_FIELDS:
        for number, item in enumerate(content.get(name, [])):
            if item.get(field) and dates.is_future(parse_date(item[field]), now):
                yield build_pointed_error(f"{format_pointer(name)}/{number}/{field}", "future_date", FUTURE_DATE_DETAIL)


def _find_early_dates(content: Content) -> Iterator[dict[str, str]]:
    for name in PAST_DATE_FIELDS:
        earliest = EARLIEST_BIRTH_YEAR if name == "detainee.birth_date" else EARLIEST_YEAR
        if name in content and parse_date(content[name]).first.year < earliest:
            detail: str = Message("This is before {earliest}: correct the year.", earliest=earliest)
            yield build_pointed_error(format_pointer(name), "impossible_date", detail)
    detained_on = content.get("detention.detained_on")
    for number, item in enumerate(content.get("detention.transfers", [])):
        if item.get("on") and detained_on and parse_date(item["on"]).hi < parse_date(detained_on).lo:
            detail = "By these dates the transfer is before the detention: correct one of them."
            yield build_pointed_error(f"/detention/transfers/{number}/on", "transfer_before_detention", detail)


def _find_age_errors(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    birth = content.get("detainee.birth_date")
    if birth is None:
        return
    custody = content.get("detention.detained_on") or content.get("release.released_on")
    if custody and dates.compute_age_bounds(parse_date(birth), parse_date(custody))[0] > MAX_AGE:
        detail: str = Message(
            "By these dates the person was older than {highest}: correct the birth date.", highest=MAX_AGE
        )
        yield build_pointed_error("/detainee/birth_date", "too_old", detail)
    age, age_on = content.get("detainee.age"), content.get("detainee.age_on")
    if age is not None:
        # An age without a day is from some day between the arrest and today.
        first_day = age_on or custody
        min_age = dates.compute_age_bounds(parse_date(birth), parse_date(first_day))[0] if first_day else 0
        max_age = dates.compute_age_bounds(parse_date(birth), parse_date(age_on or now.date().isoformat()))[1]
        if not min_age - AGE_SLACK <= age <= max_age + AGE_SLACK:
            detail = "The age and the birth date do not agree: correct one of them, or leave one out."
            yield build_pointed_error("/detainee/age", "age_and_birth_differ", detail)


def _find_misordered_dates(content: Content) -> Iterator[dict[str, str]]:
    verdict = content["verification.verdict"]
    is_denial, is_verified = verdict in DENIALS, verdict == Verdict.VERIFIED
    for earlier, later, code, problem in ORDERED_DATE_FIELDS:
        if is_denial and code == "held_after_release":
            continue  # "still held on the 28th" is how a release of the 24th is refuted
        if not is_verified and code == "verified_before_release":
            continue
        if earlier in content and later in content and parse_date(content[earlier]).lo > parse_date(content[later]).hi:
            yield build_pointed_error(
                format_pointer(later),
                code,
                Message("By these dates {problem}: correct one of them.", problem=Message(problem)),
            )


def _find_end_errors(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    ended_on = (content.get("detention.ended") or {}).get("on")
    if ended_on and dates.is_future(parse_date(ended_on), now):
        yield build_pointed_error("/detention/ended/on", "future_date", FUTURE_DATE_DETAIL)
    detained_on = content.get("detention.detained_on")
    if ended_on and detained_on and parse_date(detained_on).lo > parse_date(ended_on).hi:
        detail = "By these dates the detention ended before it began: correct one of them."
        yield build_pointed_error("/detention/ended/on", "ended_before_detention", detail)


def _find_missing_fields(content: Content, *, has_pointer: bool) -> Iterator[dict[str, str]]:
    if content["verification.verdict"] == Verdict.VERIFIED and content.keys().isdisjoint(METHOD_FIELDS):
        detail = "Say how it was verified: `verified` needs a method (see /v1/vocabulary)."
        yield build_pointed_error("/verification/method", "method_required", detail)
    if not has_pointer and "detention.country" not in content:
        detail = "Give the country where the person is or was held, as an ISO 3166-1 alpha-2 code."
        yield build_pointed_error("/detention/country", "country_required", detail)


def _count_facts(content: Content) -> int:
    has_age = "detainee.age" in content or "detainee.birth_date" in content
    fields = ("detainee.nationalities", "detention.facility", "detention.detained_on")
    return has_age + sum(1 for name in fields if name in content)


def is_detained_after(content: Content, release: PartialDate) -> bool:
    """Return whether the report's detention begins after a release."""
    detained_on = content.get("detention.detained_on")
    return detained_on is not None and parse_date(detained_on).lo > release.hi


POINTER_FIELDS: tuple[tuple[str, TargetKind], ...] = (
    ("release_id", "release"),
    ("detention_id", "detention"),
    ("detainee_id", "detainee"),
)
# Built once: building a statement costs more than running it.
_BASE_PLACEMENT = aliased(Placement)
_SELECT_SPELL_RECORDS = (
    select(col(Record.id), col(Record.source), col(Entry.body))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(_BASE_PLACEMENT, (col(_BASE_PLACEMENT.spell) == col(Placement.spell)) & (col(_BASE_PLACEMENT.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .where(col(_BASE_PLACEMENT.record) == bindparam("base"), col(Record.redacted).is_(False))
)


def find_target(context: WriteContext, body: DetentionReportIn) -> tuple[Record, TargetKind] | None:
    pointed_ids = [(kind, getattr(body, name)) for name, kind in POINTER_FIELDS if getattr(body, name) is not None]
    if len(pointed_ids) > 1:
        raise Invalid.at_pointer("", "one_pointer", "Point at one of detainee_id, detention_id, release_id.")
    if not pointed_ids:
        return None
    kind, target_id = pointed_ids[0]
    return find_visible_record(context, kind, target_id), kind


def find_visible_record(context: WriteContext, kind: TargetKind, target_id: uuid.UUID) -> Record:
    """Return the record from which an id derives.

    Raises NotFound if no current record has the id, or if the person is hidden from this key and the record is another
    source's."""
    visible_classes = [publish for publish in CURRENT_CLASSES if context.actor.can_see_person(publish)]
    record = context.session.scalars(
        select(Record).where(
            getattr(Record, f"{kind}_id") == target_id,
            col(Record.redacted).is_(False),
            or_(col(Record.source) == context.actor.source, col(Record.publish_now).in_(visible_classes)),
            exists().where(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN),
        )
    ).one_or_none()
    if record is None:
        raise NotFound(Message("There is no {kind} with this id.", kind=kind))
    if kind == "release" and not has_spell_release(context.session, record):
        raise NotFound("There is no release with this id.")
    return record


def choose_spell_pointer(
    context: WriteContext,
    target: tuple[Record, TargetKind],
    own_id: uuid.UUID | None = None,
    previous: str | None = None,
) -> str | None:
    """Return the id of the report under which a pointer is stored.

    For a release that is its earliest report by an independent source, else its earliest report; for a detention the
    earliest report of the spell; for a person None. `previous`: the report at which `own_id` pointed until now. That
    pointer stays while both are of one spell, so that sending a report again changes nothing, and if the earliest
    report is `own_id` itself. If the person is hidden from the key, only the source's own reports are considered: the
    pointer is readable in the log.
    """
    base, kind = target
    if kind == "detainee":
        return previous
    rows = context.session.connection().execute(_SELECT_SPELL_RECORDS, {"base": base.key}).all()
    if previous is not None and uuid.UUID(previous) in {row.id for row in rows}:
        return previous
    is_visible = context.actor.can_see_person(base.publish_now)
    reports = [(row, json.loads(row.body)["said"]) for row in rows if is_visible or row.source == context.actor.source]
    if kind == "release":
        reports = [(row, report) for row, report in reports if has_release_section(report)] or reports

    def rank(candidate: tuple[Any, Content]) -> tuple[bool, bool, int, int, str]:
        row, report = candidate
        is_withdrawn = report["verification.verdict"] == Verdict.RETRACTED
        is_dependent = kind == "release" and not context.views.sources[row.source].independent
        return (
            is_withdrawn,
            is_dependent,
            _find_first_day(remove_taken_over(report), "detention.detained_on"),
            _find_first_day(remove_taken_over(report), "release.released_on"),
            row.id.hex,
        )

    earliest = min(reports, key=rank)[0].id
    return previous if earliest == own_id else str(earliest)


def _find_first_day(report: Content, name: str) -> int:
    # Reports without a day sort after all others: a correction may move them to another spell.
    return parse_cached_date(report[name]).lo if name in report else 10**9


def require_one_person(session: Session, record: Record, target: Record) -> None:
    """Raise Conflict if record and target belong to two people: only curators merge existing people."""
    people = session.scalars(
        select(col(Placement.detainee)).where(
            col(Placement.record).in_([record.key, target.key]), col(Placement.until) == OPEN
        )
    ).all()
    if len(set(people)) > 1:
        raise Conflict(
            "Your case number and the id you point at are two people so far. Ask a curator to join them, or send "
            "the report under another case number."
        )


def find_asserted_stage(session: Session, spell: int) -> str:
    """Return the furthest stage of a release that any source asserts, refuted or not; else its consolidated stage.

    So a source that verifies a refuted release verifies the disputed stage, not an earlier one that still counts."""
    stages = session.scalars(
        select(col(SourceRelease.stage)).where(
            col(SourceRelease.spell) == spell,
            col(SourceRelease.until) == OPEN,
            col(SourceRelease.verdict).in_(ASSERTIONS),
            col(SourceRelease.review).is_(None),
        )
    ).all()
    if stages:
        return max(stages, key=lambda stage: STAGE_RANK[Stage(stage)])
    return session.scalars(
        select(col(Release.stage)).where(col(Release.spell) == spell, col(Release.until) == OPEN)
    ).one()


def has_spell_release(session: Session, record: Record) -> bool:
    """Return whether the spell of a record has a release."""
    spell = session.scalars(
        select(col(Release.spell))
        .join(Placement, col(Placement.spell) == col(Release.spell))
        .where(col(Placement.record) == record.key, col(Placement.until) == OPEN, col(Release.until) == OPEN)
    ).first()
    return spell is not None


def check_correction(previous: Content, updated: Content, *, restores: bool = False) -> None:
    """Check the content of a new version against the current one.

    `restores`: it restores values of an earlier version, also from before a later detention. Raises AnotherPerson,
    NewSpellNeedsNewRecord."""
    require_same_person(previous, updated)
    if restores:
        return
    released_on = previous.get("release.released_on")
    was_released = previous["verification.verdict"] in ASSERTIONS and previous.get("release.stage") == Stage.CARRIED_OUT
    if released_on and was_released and is_detained_after(updated, parse_cached_date(released_on)):
        raise NewSpellNeedsNewRecord(
            "This detention begins after the release under the same case number: it is a new spell in custody. "
            "File it under a new source_record_id."
        )


def require_same_person(previous: Content, updated: Content) -> None:
    """Raise AnotherPerson if two versions name two people."""
    if _is_another_person(previous, updated):
        raise AnotherPerson(
            "This case number is another person's: use a new one. If it is the same person, correct the name first, "
            "and then the birth date or the gender; of two names without a word in common give the former among the "
            "aliases."
        )


def _is_another_person(previous: Content, updated: Content) -> bool:
    """Return whether a new version names another person.

    Either the two names share no word in any spelling, or each has a word that the other lacks (a score below
    ONE_WORD_SCORE) and birth or gender contradict as well. So a spelling, a surname or a birth can be corrected. So can
    a name that is an alias of the other, and any name if the identification number is the same."""
    old, new = blocking_keys.build_person(previous), blocking_keys.build_person(updated)
    if old.national_id is not None and old.national_id == new.national_id:
        return False
    match = score.compare_people(old, new)
    name = next((reason.score for reason in match.reasons if reason.feature == "name"), None)
    if name is None:
        return False
    return name == 0 or (name < ONE_WORD_SCORE and not {"birth", "gender"}.isdisjoint(match.conflicts))


def check_fixed_fields(previous: Content, body: DetentionReportIn) -> None:
    """Check that an amendment changes neither pointer nor case number. Raises Invalid."""
    if any(getattr(body, name) is not None for name, _kind in POINTER_FIELDS):
        detail = "A report cannot be pointed elsewhere: retract it and file another."
        raise Invalid.at_pointer("", "pointer_is_fixed", detail)
    if body.source_record_id != previous.get("source_record_id"):
        raise build_fixed_case_error("A case number cannot change: file a new report.")


def check_withdrawal(previous: Content, updated: Content) -> None:
    """Check that an amendment of a withdrawn report sends a new verdict. Raises Conflict."""
    if Verdict.RETRACTED == previous["verification.verdict"] == updated["verification.verdict"]:
        raise Conflict("This report was withdrawn: send a verification with a verdict along to take that back.")


def build_fixed_case_error(detail: str) -> Invalid:
    return Invalid.at_pointer("/source_record_id", "case_is_fixed", detail)

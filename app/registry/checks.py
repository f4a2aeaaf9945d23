"""Checks of a report that need the day of filing, or several of its facts together."""

from collections.abc import Iterator
from datetime import datetime

from app import dates
from app.dates import PartialDate, parse
from app.errors import AgeNeedsDay, FileAClaim, Invalid, pointed
from app.registry import content as reported
from app.registry.content import Content
from app.registry.minority import child_by_one_end
from app.registry.projection.statements import DENIALS
from app.registry.schemas import OLDEST
from app.vocabulary import Verdict

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
        if name in content and dates.is_future(parse(content[name]), now):
            yield pointed(pointer_to(name), "future_date", FUTURE)
    for name, field in PAST_DATES_OF_ITEMS:
        for number, item in enumerate(content.get(name, [])):
            if item.get(field) and dates.is_future(parse(item[field]), now):
                yield pointed(f"{pointer_to(name)}/{number}/{field}", "future_date", FUTURE)


def _early(content: Content) -> Iterator[dict[str, str]]:
    for name in PAST_DATES:
        earliest = EARLIEST_BIRTH if name == "detainee.birth_date" else EARLIEST
        if name in content and parse(content[name]).first.year < earliest:
            yield pointed(pointer_to(name), "impossible_date", f"This is before {earliest}: correct the year.")
    detained = content.get("detention.detained_on")
    for number, item in enumerate(content.get("detention.transfers", [])):
        if item.get("on") and detained and parse(item["on"]).hi < parse(detained).lo:
            detail = "By these dates the transfer is before the detention: correct one of them."
            yield pointed(f"/detention/transfers/{number}/on", "transfer_before_detention", detail)


def _age(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    birth = content.get("detainee.birth_date")
    if birth is None:
        return
    custody = content.get("detention.detained_on") or content.get("release.released_on")
    if custody and dates.age_bounds_at(parse(birth), parse(custody))[0] > OLDEST:
        detail = f"By these dates the person was older than {OLDEST}: correct the birth date."
        yield pointed("/detainee/birth_date", "too_old", detail)
    age, on = content.get("detainee.age"), content.get("detainee.age_on")
    if age is not None:
        # An age without its day is that of some day between the arrest and today.
        first = on or custody
        least = dates.age_bounds_at(parse(birth), parse(first))[0] if first else 0
        most = dates.age_bounds_at(parse(birth), parse(on or now.date().isoformat()))[1]
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
        if earlier in content and later in content and parse(content[earlier]).lo > parse(content[later]).hi:
            yield pointed(pointer_to(later), code, f"By these dates {what}: correct one of them.")


def _ended(content: Content, now: datetime) -> Iterator[dict[str, str]]:
    on = (content.get("detention.ended") or {}).get("on")
    if on and dates.is_future(parse(on), now):
        yield pointed("/detention/ended/on", "future_date", FUTURE)
    detained = content.get("detention.detained_on")
    if on and detained and parse(detained).lo > parse(on).hi:
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
    return detained is not None and parse(detained).lo > release.hi

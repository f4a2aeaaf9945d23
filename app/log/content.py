"""The content of a report as flat `section.field` names, without nulls and empty lists (pure).

Fields in `PUBLIC` stand readable in the log; every other field is personal and enters it only as a salted digest. What
of these the log says of people who may only be counted: `projection/counted_reports.py`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.dates import PartialDate, birth_bounds_from_age, parse

Content = dict[str, Any]

PUBLIC = frozenset(
    {
        "detainee.designation",
        "detainee.publish",
        "detainee.died_on",
        "detention.detained_on",
        "detention.country",
        "detention.held_on",
        "detention.ended",
        "release.stage",
        "release.released_on",
        "release.announced_on",
        "release.ordered_on",
        "release.kind",
        "release.measures_lifted_on",
        "verification.verdict",
        "verification.method",
        "verification.verified_on",
        "verification.citing",
    }
)
# Prefix of the values kept with a report: what stood, at its filing, where it points. As in the reports themselves,
# dates, kind, country and designation are readable in the log, and the facility is sealed.
KEPT = "kept."
KEPT_PUBLIC = frozenset(
    KEPT + name
    for name in (
        "seen", "detained_on", "held_on", "country", "designation", "released_on", "ordered_on", "announced_on", "kind",
    )
)  # fmt: skip
KEPT_FACILITY = f"{KEPT}facility"
SECTIONS = ("detainee", "detention", "release", "verification")

# The class of publication that a source asked for, where minority decided otherwise.
REQUESTED_CLASS = "detainee.publish_asked"
NATIONAL_ID = "detainee.national_id_digest"
# The shortest numbers that identify people have five digits; "N/A" and "-" would make everyone one person.
LEAST_DIGITS = 5
# From this length on the digits alone are compared, since one list writes V-12.345.678 and another 12345678. In shorter
# numbers the letters carry half of the information.
TELLING_DIGITS = 6
BIRTH, AGE, AGE_ON = "detainee.birth_date", "detainee.age", "detainee.age_on"
# The span of days on one of which the person had an age that was sent without its day: from the first day in the report
# to the day on which the age was first filed; that last day alone where the source sent `filed`.
AGE_SPAN = "detainee.age_span"
FILED = "filed"  # `age_on` of an age of today
CITING = "verification.citing"
METHOD = "verification.method"
# Of people who may only be counted the log says this in place of the method (decision 0042).
IS_FIRST_HAND = "verification.first_hand"
# A cited name that is no source here may be a person's: the log, which nobody can erase, says only UNLISTED for it.
CITING_UNLISTED = "verification.citing_unlisted"
UNLISTED = "(not listed)"  # cannot be the slug of a source
DAYS_NEAR_DETENTION = (
    "detention.detained_on",
    "release.released_on",
    "release.ordered_on",
    "release.announced_on",
    "detention.held_on",
    "detainee.age_on",
)
# The days in a report: an age without its day was noted down on or after the first of them.
DAYS_SPOKEN_OF = (*DAYS_NEAR_DETENTION[:-1], "detainee.died_on", "verification.verified_on")


def flatten(body: dict[str, Any]) -> Content:
    """`{"release": {"kind": …}}` → `{"release.kind": …}`, without empty values."""
    content: Content = {}
    for section in SECTIONS:
        for name, value in (body.get(section) or {}).items():
            if not _is_empty(value):
                content[f"{section}.{name}"] = value
    if body.get("note") is not None:
        content["note"] = body["note"]
    return content


def says_the_same(content: Content, before: Content) -> bool:
    """Whether a report sent again changes nothing of the standing version `before`. A version filed before ages had
    spans gets none by being sent again."""
    if AGE in content and AGE_SPAN not in before:
        return content == before or as_sent(content) == as_sent(before)
    return content == before


def _is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, an empty list, or an object of these (`{"until": null, "term": null}`)."""
    return value is None or value == [] or (isinstance(value, dict) and all(map(_is_empty, value.values())))


def unflatten(content: Content) -> dict[str, Any]:
    """The inverse of `flatten`."""
    body: dict[str, Any] = {}
    for path, value in content.items():
        section, _, name = path.partition(".")
        if name:
            body.setdefault(section, {})[name] = value
        else:
            body[section] = value
    return body


def kept(content: Content) -> Content:
    """The values kept with a report."""
    return {name: value for name, value in content.items() if name.startswith(KEPT)}


def without_kept(content: Content) -> Content:
    """The report's own content, without the kept values."""
    return {name: value for name, value in content.items() if not name.startswith(KEPT)}


def has_release(content: Content) -> bool:
    return "release.stage" in content


def birth_of(content: Content) -> PartialDate | None:
    """The possible days of birth, from a birth date, or from an age on a day or within a span of days."""
    if BIRTH in content:
        return parse(content[BIRTH])
    on = content.get(AGE_ON) or content.get(AGE_SPAN)
    if AGE in content and on is not None:
        return PartialDate("", *birth_bounds_from_age(content[AGE], parse(on)))
    return None


def with_age_of_now(content: Content) -> Content:
    """The content with `age_on: "filed"` moved to AGE_SPAN, where `with_age_span` puts the day."""
    if content.get(AGE_ON) != FILED:
        return content
    return {**{name: value for name, value in content.items() if name != AGE_ON}, AGE_SPAN: FILED}


def with_age_span(content: Content, filed: str) -> Content:
    """The content with the AGE_SPAN of an age sent without its day. `filed`: the day on which the age was first filed.
    A report without any day gives the span no beginning, and so no span."""
    if AGE not in content or content.get(AGE_SPAN) == FILED:
        bare = {name: value for name, value in content.items() if name != AGE_SPAN}
        return {**bare, AGE_SPAN: filed} if AGE in content else bare
    if AGE_ON in content or BIRTH in content:
        return content
    first = min((parse(day).first.isoformat() for day in _days_spoken_of(content)), default=None)
    if first is None:
        return content
    return {**content, AGE_SPAN: f"{first}/{max(first, filed)}"}


def with_age_today(content: Content, now: datetime) -> Content:
    """Return the content with an age of today (`age_on: "filed"`) on the day of `now`. Other ages stay as they are."""
    aged = with_age_of_now(content)
    return with_age_span(aged, now.date().isoformat()) if AGE_SPAN in aged else aged


def _days_spoken_of(content: Content) -> Iterator[str]:
    yield from (content[name] for name in DAYS_SPOKEN_OF if name in content)
    items = [*content.get("detention.transfers", ()), content.get("detention.ended") or {}]
    yield from (item["on"] for item in items if item.get("on"))


def age_filed_on(content: Content, before: Content | None, first: str, today: str) -> str:
    """The day on which the age was first filed: an age sent again years later is still that of its first filing.
    `before`: the standing version, of a record first filed on the day `first`."""
    if before is None or before.get(AGE) != content.get(AGE) or AGE_ON in before:
        return today
    return str(before[AGE_SPAN]).rpartition("/")[2] if AGE_SPAN in before else first


def with_citing(content: Content, slugs: Mapping[str, str]) -> Content:
    """The content with the cited sources by slug, and cited names that are no source apart. `slugs`: case-folded →
    slug."""
    if CITING not in content:
        return content
    cited = {slugs.get(name.casefold(), name) for name in content[CITING]}
    listed = cited & set(slugs.values())
    unlisted = sorted(cited - listed)
    if not unlisted:
        return {**content, CITING: sorted(listed)}
    return {**content, CITING: [*sorted(listed), UNLISTED], CITING_UNLISTED: unlisted}


def as_sent(content: Content) -> Content:
    """The content as the source sent it: without kept values, and the inverse of `minority.with_class`,
    `with_age_span` and `with_citing`."""
    content = without_kept(content)
    if AGE_SPAN in content:
        of_now = "/" not in content[AGE_SPAN]
        content = {name: value for name, value in content.items() if name != AGE_SPAN}
        content |= {AGE_ON: FILED} if of_now else {}
    if CITING_UNLISTED in content:
        listed = [slug for slug in content[CITING] if slug != UNLISTED]
        content = {**content, CITING: sorted([*listed, *content[CITING_UNLISTED]])}
        del content[CITING_UNLISTED]
    if REQUESTED_CLASS not in content:
        return content
    bare = {name: value for name, value in content.items() if name not in ("detainee.publish", REQUESTED_CLASS)}
    return {**bare, "detainee.publish": content[REQUESTED_CLASS]} if content[REQUESTED_CLASS] else bare


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 section 2."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def compared_number(number: str) -> str | None:
    """An identification number in the form that is compared; None for a text that is none."""
    plain = "".join(char for char in number.upper() if char.isalnum())
    digits = "".join(char for char in plain if char.isdigit())
    if len(digits) < LEAST_DIGITS:
        return None
    return digits if len(digits) >= TELLING_DIGITS else plain

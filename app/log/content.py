"""Convert a report's body to flat `section.field` names and back, and normalize its values (pure).

Fields in `PUBLIC_FIELDS` are readable in the log. Every other field is personal and enters the log only as a salted
digest. Reports of count-only people disclose less: see `projection/statements.py`.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.dates import PartialDate, compute_birth_bounds_from_age, parse_date
from app.vocabulary import Designation, ReleaseKind

Content = dict[str, Any]

PUBLIC_FIELDS = frozenset(
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
        "verification.denies",
        "verification.method",
        "verification.verified_on",
        "verification.citing",
    }
)
# The mark of values that a report took over from the registry: `{"fields": […], "revision": …}`, the names of the
# fields and the revision that showed the values. Readable in the log.
TAKEN_OVER = "taken_over"
# What a report that points at a detention or release takes over, where it gives no value itself.
TAKEN_OVER_FIELDS = frozenset(
    {
        "detention.detained_on", "detention.held_on", "detention.country", "detention.facility", "detainee.designation",
        "release.released_on", "release.ordered_on", "release.announced_on", "release.kind",
    }
)  # fmt: skip
# Entries filed before rules 6 have these values under names of their own: name there → field.
_OLD_REVISION_NAME = "kept.seen"
_FIELDS_BY_OLD_NAME = {f"kept.{name.partition('.')[2]}": name for name in TAKEN_OVER_FIELDS}
UNSTATED_VALUES = (None, ReleaseKind.UNSPECIFIED.value, Designation.UNSTATED.value)
SECTIONS = ("detainee", "detention", "release", "verification")

# The class of publication that the source requested, if the person may be a minor and the class was changed.
REQUESTED_CLASS = "detainee.publish_asked"
NATIONAL_ID = "detainee.national_id_digest"
# The shortest real identification numbers have five digits. Without a minimum, "N/A" and "-" would link everybody.
MIN_ID_DIGITS = 5
# Numbers with this many digits are compared by digits only: one list writes V-12.345.678, another 12345678. In shorter
# numbers the letters carry half of the information.
MIN_DIGITS_ONLY_LENGTH = 6
BIRTH, AGE, AGE_ON = "detainee.birth_date", "detainee.age", "detainee.age_on"
# The days between which the person had an age that was sent without a day: from the first day in the report to the day
# on which the age was first filed. If the source sent `filed`, only the filing day.
AGE_SPAN = "detainee.age_span"
AGE_ON_FILING_DAY = "filed"  # `age_on` of an age of today
DENIES = "verification.denies"  # stored only if it is not `event`
CITING = "verification.citing"
METHOD = "verification.method"
# For count-only people the log has this field instead of the method (decision 0042).
IS_FIRST_HAND = "verification.first_hand"
# A cited name that is not a registered source may be a person's name. The log cannot be erased, so it shows
# UNLISTED_SOURCE instead.
CITING_UNLISTED = "verification.citing_unlisted"
UNLISTED_SOURCE = "(not listed)"  # cannot be the slug of a source
DETENTION_DAY_FIELDS = (
    "detention.detained_on",
    "release.released_on",
    "release.ordered_on",
    "release.announced_on",
    "detention.held_on",
    "detainee.age_on",
)
# The days in a report. An age without a day was recorded on or after the first of them.
REPORTED_DAY_FIELDS = (*DETENTION_DAY_FIELDS[:-1], "detainee.died_on", "verification.verified_on")


def flatten_body(body: dict[str, Any]) -> Content:
    """Return `{"release.kind": …}` for `{"release": {"kind": …}}`, without empty values and `denies: event`."""
    content: Content = {}
    for section in SECTIONS:
        for name, value in (body.get(section) or {}).items():
            if not _is_empty(value):
                content[f"{section}.{name}"] = value
    if body.get("note") is not None:
        content["note"] = body["note"]
    return drop_default_denies(content)


def drop_default_denies(content: Content) -> Content:
    """Return the content without `denies: event`, which a denial without the field says too."""
    return {name: value for name, value in content.items() if (name, value) != (DENIES, "event")}


def is_same_content(content: Content, previous: Content) -> bool:
    """Return whether a report sent again equals the current version `previous`.

    A version filed before age spans existed gets no span when it is sent again."""
    if AGE in content and AGE_SPAN not in previous:
        return content == previous or restore_sent_content(content) == restore_sent_content(previous)
    return content == previous


def _is_empty(value: Any) -> bool:
    """Return whether a value is null, an empty list, or an object of these (`{"until": null, "term": null}`)."""
    return value is None or value == [] or (isinstance(value, dict) and all(map(_is_empty, value.values())))


def unflatten_content(content: Content) -> dict[str, Any]:
    """Return the body of a content: the inverse of `flatten_body`."""
    body: dict[str, Any] = {}
    for path, value in content.items():
        section, _, name = path.partition(".")
        if name:
            body.setdefault(section, {})[name] = value
        else:
            body[section] = value
    return body


def take_over(content: Content, values: Content, revision: int | None) -> Content:
    """Return a report's own content with those values that it does not give itself, marked as taken over."""
    taken = {
        name: value
        for name, value in values.items()
        if content.get(name) in UNSTATED_VALUES and (has_release_section(content) or not name.startswith("release."))
    }
    return {**content, **taken, TAKEN_OVER: {"fields": sorted(taken), "revision": revision}} if taken else content


def select_taken_over(content: Content) -> Content:
    """Return the values that a report took over."""
    fields = content[TAKEN_OVER]["fields"] if TAKEN_OVER in content else ()
    return {name: content[name] for name in fields if name in content}


def remove_taken_over(content: Content) -> Content:
    """Return the report's own content, without what it took over."""
    if TAKEN_OVER not in content:
        return content
    fields = content[TAKEN_OVER]["fields"]
    own = {name: value for name, value in content.items() if name not in fields and name != TAKEN_OVER}
    return {**own, "release.kind": ReleaseKind.UNSPECIFIED.value} if "release.kind" in fields else own


def remove_equal_values(content: Content, previous: Content) -> Content:
    """Return a new version without the values that `previous` took over: sent back, they stay taken over."""
    taken = select_taken_over(previous)
    return {name: value for name, value in content.items() if taken.get(name) != value}


def take_over_again(content: Content, previous: Content) -> Content:
    """Return a new version's own content, completed by the values that `previous` took over."""
    if TAKEN_OVER not in previous:
        return content
    return take_over(content, select_taken_over(previous), previous[TAKEN_OVER]["revision"])


def convert_old_names(public: Content, personal: Content) -> tuple[Content, Content]:
    """Return the readable and the sealed content of an entry: values under `kept.…` become fields taken over."""
    if _OLD_REVISION_NAME not in public and _FIELDS_BY_OLD_NAME.keys().isdisjoint(public):
        return public, personal
    both = {**personal, **public}
    stored = {name: both[old] for old, name in _FIELDS_BY_OLD_NAME.items() if old in both}
    content = take_over(_remove_old_names(both), stored, public.get(_OLD_REVISION_NAME))
    taken = select_taken_over(content)
    new_public, new_personal = (
        _remove_old_names(values)
        | {name: values[old] for old, name in _FIELDS_BY_OLD_NAME.items() if old in values and name in taken}
        for values in (public, personal)
    )
    return new_public | ({TAKEN_OVER: content[TAKEN_OVER]} if taken else {}), new_personal


def _remove_old_names(content: Content) -> Content:
    return {name: value for name, value in content.items() if not name.startswith("kept.")}


def has_release_section(content: Content) -> bool:
    return "release.stage" in content


def find_birth(content: Content) -> PartialDate | None:
    """Return the possible days of birth, from the birth date or from an age on a day or within a span of days."""
    if BIRTH in content:
        return parse_date(content[BIRTH])
    age_day = content.get(AGE_ON) or content.get(AGE_SPAN)
    if AGE in content and age_day is not None:
        return PartialDate("", *compute_birth_bounds_from_age(content[AGE], parse_date(age_day)))
    return None


def move_filing_day_age(content: Content) -> Content:
    """Return the content with `age_on: "filed"` moved to AGE_SPAN, where `add_age_span` replaces it by the day."""
    if content.get(AGE_ON) != AGE_ON_FILING_DAY:
        return content
    return {**{name: value for name, value in content.items() if name != AGE_ON}, AGE_SPAN: AGE_ON_FILING_DAY}


def add_age_span(content: Content, filed_on: str) -> Content:
    """Return the content with the AGE_SPAN of an age that was sent without a day.

    `filed_on`: the day on which the age was first filed. A report without any day gets no span: nothing bounds it."""
    if AGE not in content or content.get(AGE_SPAN) == AGE_ON_FILING_DAY:
        bare = {name: value for name, value in content.items() if name != AGE_SPAN}
        return {**bare, AGE_SPAN: filed_on} if AGE in content else bare
    if AGE_ON in content or BIRTH in content:
        return content
    first = min((parse_date(day).first.isoformat() for day in _iterate_reported_days(content)), default=None)
    if first is None:
        return content
    return {**content, AGE_SPAN: f"{first}/{max(first, filed_on)}"}


def date_age_today(content: Content, now: datetime) -> Content:
    """Return the content with an age of today (`age_on: "filed"`) dated to the day of `now`."""
    aged = move_filing_day_age(content)
    return add_age_span(aged, now.date().isoformat()) if AGE_SPAN in aged else aged


def _iterate_reported_days(content: Content) -> Iterator[str]:
    yield from (content[name] for name in REPORTED_DAY_FIELDS if name in content)
    items = [*content.get("detention.transfers", ()), content.get("detention.ended") or {}]
    yield from (item["on"] for item in items if item.get("on"))


def find_age_filing_day(content: Content, previous: Content | None, first_filed_on: str, today: str) -> str:
    """Return the day on which the age was first filed. An age sent again years later keeps the day of its first filing.

    `previous`: the current version, of a record first filed on the day `first_filed_on`."""
    if previous is None or previous.get(AGE) != content.get(AGE) or AGE_ON in previous:
        return today
    return str(previous[AGE_SPAN]).rpartition("/")[2] if AGE_SPAN in previous else first_filed_on


def normalize_citing(content: Content, slugs: Mapping[str, str]) -> Content:
    """Return the content with cited sources by slug, and cited names that are not sources in a field of their own.

    `slugs`: case-folded slug or name → slug."""
    if CITING not in content:
        return content
    cited_names = {slugs.get(name.casefold(), name) for name in content[CITING]}
    listed_slugs = cited_names & set(slugs.values())
    unlisted_names = sorted(cited_names - listed_slugs)
    if not unlisted_names:
        return {**content, CITING: sorted(listed_slugs)}
    return {**content, CITING: [*sorted(listed_slugs), UNLISTED_SOURCE], CITING_UNLISTED: unlisted_names}


def restore_sent_content(content: Content) -> Content:
    """Return the content as the source sent it.

    Reverses `classes.add_minor_class`, `add_age_span` and `normalize_citing`."""
    if AGE_SPAN in content:
        is_age_of_filing_day = "/" not in content[AGE_SPAN]
        content = {name: value for name, value in content.items() if name != AGE_SPAN}
        content |= {AGE_ON: AGE_ON_FILING_DAY} if is_age_of_filing_day else {}
    if CITING_UNLISTED in content:
        listed_slugs = [slug for slug in content[CITING] if slug != UNLISTED_SOURCE]
        content = {**content, CITING: sorted([*listed_slugs, *content[CITING_UNLISTED]])}
        del content[CITING_UNLISTED]
    if REQUESTED_CLASS not in content:
        return content
    bare = {name: value for name, value in content.items() if name not in ("detainee.publish", REQUESTED_CLASS)}
    return {**bare, "detainee.publish": content[REQUESTED_CLASS]} if content[REQUESTED_CLASS] else bare


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON Merge Patch (RFC 7396 section 2)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply_merge_patch(result.get(name), value)
    return result


def normalize_national_id(number: str) -> str | None:
    """Return an identification number in its comparable form, or None for a text that is no such number."""
    plain = "".join(char for char in number.upper() if char.isalnum())
    digits = "".join(char for char in plain if char.isdigit())
    if len(digits) < MIN_ID_DIGITS:
        return None
    return digits if len(digits) >= MIN_DIGITS_ONLY_LENGTH else plain

"""The content of a report: what was said, as flat `section.field` names (pure).

Only what was said is kept: no empty lists, no nulls. `PUBLIC` names may stand readable in the log; every other
name is personal and enters it only as a salted digest.
"""

from collections.abc import Mapping
from typing import Any

from app.dates import PartialDate, age_bounds_at, birth_bounds_from_age, parse
from app.vocabulary import Publish

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
# What stood where a report points when it was filed: kept with the report, beside what its source says itself. Dates,
# kind, country and designation stand readable in the log, as they do where they were said; the facility does not.
KEPT = "kept."
KEPT_PUBLIC = frozenset(
    KEPT + name
    for name in (
        "seen", "detained_on", "held_on", "country", "designation", "released_on", "ordered_on", "announced_on", "kind",
    )
)  # fmt: skip
SECTIONS = ("detainee", "detention", "release", "verification")

ADULT = 18
# What a source asked for, where minority decided otherwise.
ASKED = "detainee.publish_asked"
NATIONAL_ID = "detainee.national_id_digest"
CITING = "verification.citing"
# Whoever is cited and is no source here may be a person: the log, which nobody can erase, says only that somebody is.
CITING_UNLISTED = "verification.citing_unlisted"
UNLISTED = "(not listed)"  # no slug, so that no source can be called so
DAYS_NEAR_DETENTION = (
    "detention.detained_on",
    "release.released_on",
    "release.ordered_on",
    "release.announced_on",
    "detention.held_on",
    "detainee.age_on",
)


def flatten(body: dict[str, Any]) -> Content:
    """`{"release": {"kind": …}}` → `{"release.kind": …}`, dropping what was not said."""
    content: Content = {}
    for section in SECTIONS:
        for name, value in (body.get(section) or {}).items():
            if not _unsaid(value):
                content[f"{section}.{name}"] = value
    if body.get("note") is not None:
        content["note"] = body["note"]
    return content


def _unsaid(value: Any) -> bool:
    """Nothing, an empty list, or an object of nothing: `{"until": null, "term": null}` is no sentence."""
    return value is None or value == [] or (isinstance(value, dict) and all(map(_unsaid, value.values())))


def unflatten(content: Content) -> dict[str, Any]:
    """The wire shape again, without what was not said."""
    body: dict[str, Any] = {}
    for path, value in content.items():
        section, _, name = path.partition(".")
        if name:
            body.setdefault(section, {})[name] = value
        else:
            body[section] = value
    return body


def split(content: Content) -> tuple[Content, Content]:
    """`(public, personal)`."""
    readable = PUBLIC | KEPT_PUBLIC
    public = {name: value for name, value in content.items() if name in readable}
    return public, {name: value for name, value in content.items() if name not in readable}


def spoken(content: Content) -> Content:
    """The content without what was kept."""
    return {name: value for name, value in content.items() if not name.startswith(KEPT)}


def kept(content: Content) -> Content:
    """What stood where the report points, under `kept.`."""
    return {name: value for name, value in content.items() if name.startswith(KEPT)}


def has_release(content: Content) -> bool:
    return "release.stage" in content


def birth_of(content: Content) -> PartialDate | None:
    """The days a person can have been born on, from a birth date or from an age on a day."""
    if "detainee.birth_date" in content:
        return parse(content["detainee.birth_date"])
    if "detainee.age" in content and "detainee.age_on" in content:
        on = parse(content["detainee.age_on"])
        return PartialDate("", *birth_bounds_from_age(content["detainee.age"], on))
    return None


def is_minor(content: Content, today: str | None = None) -> bool:
    """Whether the report's own facts leave it possible that the person was under 18 when detained.

    Judged at the detention, or at the day nearest to it that was said; where none was, at the day the report was
    checked or filed (`today`), which the log keeps. Nothing changes by the passing of time alone. An age without a
    day is taken for the age on that same day.
    """
    filed = content.get("verification.verified_on", today)
    if "detainee.age" in content and filed is not None:
        content = {"detainee.age_on": filed, **content}
    birth = birth_of(content)
    day = next((content[name] for name in DAYS_NEAR_DETENTION if name in content), filed)
    if birth is not None and day is not None:
        return age_bounds_at(birth, parse(day))[0] < ADULT
    return bool(content.get("detainee.age", ADULT) < ADULT)


def with_class(content: Content, today: str | None = None) -> Content:
    """The content with its effective class of publication: `counted` for who may be a minor.

    The class must stand readable in the log, since it has to outlive an erasure of the birth date it came from;
    what the source asked for is kept beside it, sealed, and empty where it asked for nothing.
    """
    if not is_minor(content, today):
        return content
    asked = content.get("detainee.publish", "")
    return {**content, "detainee.publish": Publish.COUNTED.value, ASKED: asked}


def with_citing(content: Content, slugs: Mapping[str, str]) -> Content:
    """The content with whom it cites by slug, and apart from them whoever is no source. `slugs`: case-folded → slug."""
    if CITING not in content:
        return content
    cited = {slugs.get(name.casefold(), name) for name in content[CITING]}
    listed = cited & set(slugs.values())
    unlisted = sorted(cited - listed)
    if not unlisted:
        return {**content, CITING: sorted(listed)}
    return {**content, CITING: [*sorted(listed), UNLISTED], CITING_UNLISTED: unlisted}


def as_sent(content: Content) -> Content:
    """The content as the source sent it: without what was kept, and the inverse of `with_class` and `with_citing`."""
    content = spoken(content)
    if CITING_UNLISTED in content:
        listed = [slug for slug in content[CITING] if slug != UNLISTED]
        content = {**content, CITING: sorted([*listed, *content[CITING_UNLISTED]])}
        del content[CITING_UNLISTED]
    if ASKED not in content:
        return content
    bare = {name: value for name, value in content.items() if name not in ("detainee.publish", ASKED)}
    return {**bare, "detainee.publish": content[ASKED]} if content[ASKED] else bare

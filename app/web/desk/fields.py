"""The fields of a form for a report: what they are called, the body they make, and what is read in them (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.imports.fields import EMBARGO, FIELDS
from app.imports.formats.template import title
from app.vocabulary import vocabulary
from app.web.catalogue import Catalogue
from app.web.desk.sentences import hints, language_of
from app.web.desk.written_dates import UnreadDate, read_date

# What a verdict on one's own report can be here: to dispute or refute what others said, one points at it.
VERDICTS = ("reported", "verified")
COUNTRY_KINDS = ("country", "countries")
Given = Mapping[str, Sequence[str]]
WIDE = ("lines", "text", "links")


@dataclass(frozen=True)
class Asked:
    """A field of a form as it is shown. `options`: code, label and definition."""

    name: str
    title: str
    kind: str
    options: Sequence[tuple[str, str, str]] = ()
    values: Sequence[str] = ()
    faults: Sequence[str] = ()
    hint: str = ""

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def value(self) -> str:
        return "\n".join(self.values) if self.kind in WIDE else next(iter(self.values), "")


@dataclass(frozen=True)
class Part:
    """A part of a form. `rare`: fields that few reports need."""

    heading: str
    usual: Sequence[Asked]
    rare: Sequence[Asked] = field(default_factory=tuple)

    @property
    def is_open(self) -> bool:
        """Whether something stands in a rare field, or is wrong with it."""
        return any(asked.values or asked.faults for asked in self.rare)


YOURS = ("source_record_id", "publish_not_before", "note")
WHO = (
    "detainee.full_name",
    "detainee.birth_date",
    "detainee.age",
    "detainee.age_on",
    "detainee.gender",
    "detainee.nationalities",
)
WHO_RARE = ("detainee.aliases", "detainee.category", "detainee.groups", "detainee.designation", "detainee.national_id")
WISH = ("detainee.publish", "detainee.publish_given_on")
HELD = ("detention.country", "detention.facility", "detention.detained_on", "detention.held_on")
HELD_RARE = ("detention.legal_status", "detention.place", "detention.charges")
OUT = ("release.released_on", "release.kind", "release.conditions")
OUT_RARE = ("release.stage", "release.announced_on", "release.ordered_on", "release.destination")
KNOWN = ("verification.verdict", "verification.method", "verification.verified_on")
KNOWN_RARE = ("verification.citing", "verification.evidence")


def parts_of(words: Catalogue, given: Given, faults: Mapping[str, Sequence[str]], names: Iterable[str]) -> list[Part]:
    """The form of some fields."""
    _ = words.gettext
    wanted = set(names)

    def asked(of_part: Iterable[str]) -> list[Asked]:
        return [_asked(name, words, given, faults) for name in of_part if name in wanted]

    parts = [
        Part(_("The person"), asked(WHO), asked(WHO_RARE)),
        Part(_("What the person or the family wants"), asked(WISH)),
        Part(_("The detention"), asked(HELD), asked(HELD_RARE)),
        Part(_("The release"), asked(OUT), asked(OUT_RARE)),
        Part(_("How you know"), asked(KNOWN), asked(KNOWN_RARE)),
        Part(_("For you"), asked(YOURS)),
    ]
    return [part for part in parts if part.usual]


def _asked(name: str, words: Catalogue, given: Given, faults: Mapping[str, Sequence[str]]) -> Asked:
    known = FIELDS[name]
    return Asked(
        name,
        title(name, language_of(words)),
        known.kind,
        _options(name, words),
        given.get(name, ()),
        faults.get(name, ()),
        hints(words).get(name, ""),
    )


def _options(name: str, words: Catalogue) -> list[tuple[str, str, str]]:
    known = FIELDS[name]
    if known.kind in COUNTRY_KINDS:
        return [(code, name, "") for code, name in words.countries]
    if known.codes is None:
        return []
    listed = vocabulary(language_of(words))[known.codes]
    shown = [one for one in listed if known.codes != "verdicts" or one["code"] in VERDICTS]
    return [(one["code"], one["label"], one["definition"]) for one in shown]


def body_of(given: Given, names: Iterable[str]) -> dict[str, Any]:
    """The body of a report: only what was filled in. A date that nobody can read stays as it was written."""
    body: dict[str, Any] = {}
    for name in names:
        value = _value(name, [text.strip() for text in given.get(name, ()) if text.strip()])
        if value is not None:
            *above, last = name.split(".")
            section = body
            for each in above:
                section = section.setdefault(each, {})
            section[last] = value
    return body


def unread_dates(given: Given, names: Iterable[str]) -> dict[str, UnreadDate]:
    """The dates of a form that cannot be read, by their fields."""
    unread = {}
    for name in names:
        if FIELDS[name].kind == "date" and (text := next(iter(given.get(name, ())), "").strip()):
            try:
                read_date(name, text)
            except UnreadDate as unclear:
                unread[name] = unclear
    return unread


def dates_in(body: Mapping[str, Any], names: Iterable[str], words: Catalogue) -> list[tuple[str, str]]:
    """The dates of a body, by what their fields are called, as they were understood."""
    days = {name: value_at(body, name) for name in names if FIELDS[name].kind == "date" and name != EMBARGO}
    return [(title(name, language_of(words)), words.day(day)) for name, day in days.items() if day]


def value_at(body: Mapping[str, Any], name: str) -> Any:
    """The value of a field in a body; None where it has none."""
    value: Any = body
    for each in name.split("."):
        value = value.get(each) if isinstance(value, Mapping) else None
    return value


def _value(name: str, texts: list[str]) -> Any:
    kind = FIELDS[name].kind
    if not texts:
        return None
    if kind == "date":
        try:
            return read_date(name, texts[0])
        except UnreadDate:
            return texts[0]
    if kind in ("codes", "countries"):
        return texts
    if kind in ("lines", "links"):
        lines = [line.strip() for text in texts for line in text.splitlines() if line.strip()]
        return [{"url": line} for line in lines] if kind == "links" else lines
    if kind == "number":
        return int(texts[0]) if texts[0].isascii() and texts[0].isdecimal() else texts[0]
    return texts[0].replace("\r\n", "\n")


def filled_from(report: Mapping[str, Any], names: Iterable[str]) -> dict[str, list[str]]:
    """What a form shows of a report that was sent before."""
    given = {}
    for name in names:
        value = value_at(report, name)
        values = value if isinstance(value, list) else [value]
        texts = [str(one["url"] if isinstance(one, Mapping) else one) for one in values if one not in (None, "")]
        if texts:
            given[name] = texts
    return given


def names_of(*, release: bool) -> tuple[str, ...]:
    held = (*WHO, *WHO_RARE, *WISH, *HELD, *HELD_RARE, *KNOWN, *KNOWN_RARE, *YOURS)
    return (*held, *OUT, *OUT_RARE) if release else held

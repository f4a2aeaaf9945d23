"""Dates as officers write them, read as those of a list are (pure).

A date that can be two days is refused with both of them, as it is asked of a list which comes first, day or month.

What the desk says beside a field, and of a refusal, in the language of the page.

The fields of a form for a report: what they are called, the body they make, and what is read in them (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import dates
from app.imports import faults
from app.imports.cell_values import Order, UnclearDate, UnreadCell, plain, read, value
from app.imports.fields import EMBARGO, FIELDS
from app.imports.formats.template import title
from app.log.content import AGE_ON, FILED
from app.vocabulary import Language, vocabulary
from app.web.rendering import Catalogue

AMBIGUOUS, TURNED = "ambiguous_date", "interval_turned"
_BETWEEN = re.compile(r"(?:entre|between) (?:el )?(.+?) (?:y|and) (?:el )?(.+)", re.IGNORECASE)
# What the end of an interval has after its day, which its beginning may share: " de enero de 2026".
_AFTER_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th|º|°)?(\D.*)")


class UnreadDate(ValueError):
    """A date that cannot be read. `code` is stable; `readings`: the days that it can be, where it can be two."""

    def __init__(self, code: str, detail: str, readings: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.code, self.detail, self.readings = code, detail, readings


def read_date(name: str, text: str) -> Any:
    """The partial date (EDTF level 0) in a field; None where its text says "unknown". Raises UnreadDate."""
    if name == AGE_ON and text == FILED:
        return text
    bare = " ".join(text.split())
    between = _BETWEEN.fullmatch(bare)
    return _one_date(name, bare) if between is None else _interval(name, between[1], between[2])


def _one_date(name: str, text: str) -> Any:
    """A date that is not told as lying between two. Raises UnreadDate."""
    try:
        return value(name, plain(text), None, None)
    except UnreadCell as unread:
        readings = _readings(text) if unread.code == AMBIGUOUS else ()
        raise UnreadDate(unread.code, str(unread), readings) from None


def _readings(text: str) -> tuple[str, ...]:
    """What a date is by each order of day and month. Raises UnreadDate where it is none by either: with two digits for
    its year."""
    try:
        return tuple(read(text, order) for order in Order)
    except UnclearDate as unclear:
        raise UnreadDate(unclear.code, str(unclear)) from None


def _interval(name: str, first: str, last: str) -> str:
    """The interval of two dates. The first may leave out what it shares with the last: "entre 8 y 9 de enero de 2026".
    Raises UnreadDate."""
    end = str(_one_date(name, last))
    begin = _begin(name, first, last, end)
    try:
        return dates.parse(f"{begin}/{end}").text
    except dates.DateError:
        raise UnreadDate(TURNED, "Write both dates with their years, the earlier one first.") from None


def _begin(name: str, first: str, last: str, end: str) -> str:
    """The first date of an interval, alone or with what it shares with the last. Raises UnreadDate."""
    after = _AFTER_DAY.fullmatch(last)
    tried = [first, *([] if after is None else [first + after[1]]), f"{first} {end[:4]}"]
    for text in tried[:-1]:
        try:
            return str(_one_date(name, text))
        except UnreadDate as unread:
            if unread.code == AMBIGUOUS:
                raise
    return str(_one_date(name, tried[-1]))


def language_of(words: Catalogue) -> Language:
    """The language of the words of lists and codes."""
    return "es" if words.language == "es" else "en"


def hints(words: Catalogue) -> Mapping[str, str]:
    """What helps to fill in a field of a report."""
    _ = words.gettext
    one_each = _("One on each line.")
    return {
        "source_record_id": _(
            "Your own number for this detention of this person. Sent again under it, the report replaces what you said "
            "before. Nobody else sees it."
        ),
        "detainee.full_name": _(
            "Leave it empty if you do not know it: "
            "then give two of age or birth, nationality, place and day of detention."
        ),
        "detainee.age_on": _("The day on which the person was as old."),
        "detainee.national_id": _("It only helps to recognise the person. It is not stored, and never shown."),
        "detainee.aliases": one_each,
        "detention.charges": one_each,
        "verification.citing": _("Whose word you repeat, one on each line."),
        "verification.evidence": _("Addresses that begin with https://, one on each line."),
        "detention.held_on": _("The last day on which you knew the person inside. Be sure of it."),
        "publish_not_before": _(
            "Nobody sees the report before this day. At most 90 days ahead, and with a case number."
        ),
        "note": _("For you: it is not public."),
        "verification.method": _(
            "Whoever verified says how. Press, other organisations and official statements are shown, and not counted "
            "as verified independently."
        ),
    }


def of_date(unread: UnreadDate, words: Catalogue) -> str:
    """Why a date is not read, and how to write it. What can be two days is told with both."""
    _ = words.gettext
    if unread.readings:
        day, other = unread.readings
        return _("This can be %(day)s or %(other)s: write the month as a word, or %(day_code)s or %(other_code)s.") % {
            "day": words.long_day(day), "other": words.long_day(other), "day_code": day, "other_code": other,
        }  # fmt: skip
    of_dates = {
        faults.FAULTS["date_without_year"]: _("The year is missing: write it too, as in 12 January 2026."),
        faults.FAULTS["embargo_hour"]: _(
            "Write an hour with its seconds and its zone, 2026-03-20T18:00:00-04:00, or the day alone."
        ),
        faults.FAULTS["no_such_day"]: _("The calendar has no such day: correct it, or leave off what is not known."),
        faults.FAULTS["years_turned"]: _("The later of the two years stands first: correct it."),
    }
    code = unread.code if unread.code in ("ambiguous_year", "interval_turned") else "invalid_date"
    return of_dates.get(unread.detail) or said({"code": code, "detail": unread.detail}, words)


def said(error: Mapping[str, Any], words: Catalogue) -> str:
    """A refusal. What is said of a column of a sheet would not help in a form."""
    _ = words.gettext
    own = {
        "invalid_date": _(
            "This is not read as a date: write 12 January 2026 or 2026-01-12, or less of it: January 2026, 2026."
        ),
        "interval_turned": _("Write both dates with their years, the earlier one first."),
        "choose": _("Choose one."),
        "nobody_named": _("Copy the whole address of the page of the person: it ends in 36 letters and digits."),
        "would_open": _("This person was only counted before, and an objection opens nobody: decide for only counted."),
        "country_required": _("Say in which country the person is or was held."),
        "method_required": _("Whoever verified says how: choose it."),
        "int_type": _("Write the age in whole years, as a number."),
        "age_needs_day": _(
            "By this age alone the person may or may not have been under 18: fill in the day of the age, or the birth."
        ),
        "idempotency_mismatch": _(
            "This form was filed before, with other content. Look for the report among yours, and correct it there."
        ),
        "precondition_failed": _(
            "Somebody changed this report since you opened it. Nothing was overwritten: open it again to see what it "
            "says now."
        ),
        "invalid_url": _("Give a whole address, from https:// on."),
        "string_too_long": _("This is longer than there is room for: shorten it."),
        "payload_too_large": _(
            "This file is too large: part the list into several files, or save its sheet alone as CSV."
        ),
        "sent_before": _("The same was sent before: it is the same report, and nothing changed."),
        "unregistered_facility": _(
            "Nobody has registered a place of this name. It is kept as you wrote it, partners and curators see it, and "
            "no count finds it. If you mean one that is offered, correct the report."
        ),
    }
    code, english = str(error.get("code", "")), str(error.get("detail", ""))
    if error.get("pointer") == "/mapping/age_on":
        return own["invalid_date"]
    return own.get(code) or faults.detail(code, english, language_of(words))


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

"""The form fields of a report: build the form, parse its values and dates, and translate hints and errors.

Dates are parsed as in an imported list. A date that can mean two days is refused, and the error names both.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app import dates
from app.imports import faults
from app.imports.fields import EMBARGO, FIELDS
from app.imports.formats.template import get_field_title
from app.imports.reader.cell_values import (
    UnreadCell,
    clean_cell,
    parse_cell_value,
)
from app.imports.reader.sheet_dates import DateContext, DateOrder, UnreadCellDate, parse_sheet_date
from app.log.content import AGE_ON, AGE_ON_FILING_DAY
from app.vocabulary import Language, build_vocabulary
from app.web.rendering import Catalogue

AMBIGUOUS_DATE, REVERSED_INTERVAL = "ambiguous_date", "interval_turned"
_INTERVAL_PATTERN = re.compile(r"(?:entre|between) (?:el )?(.+?) (?:y|and) (?:el )?(.+)", re.IGNORECASE)
_SERIAL_NUMBER = re.compile(r"\d{5,}(?:\.\d+)?")
# The part of an interval's end after the day, which also applies to its beginning: " de enero de 2026".
_DAY_SUFFIX = re.compile(r"\d{1,2}(?:st|nd|rd|th|º|°)?(\D.*)")


class UnreadDate(ValueError):
    """A date that cannot be parsed. `code` is stable; `readings`: the two possible days of an ambiguous date."""

    def __init__(self, code: str, detail: str, readings: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.code, self.detail, self.readings = code, detail, readings


def parse_written_date(name: str, text: str) -> Any:
    """Parse the partial date (EDTF level 0) in a field; None for "unknown". Raises UnreadDate."""
    if name == AGE_ON and text == AGE_ON_FILING_DAY:
        return text
    bare = " ".join(text.split())
    interval = _INTERVAL_PATTERN.fullmatch(bare)
    return _parse_single_date(name, bare) if interval is None else _parse_interval(name, interval[1], interval[2])


def _parse_single_date(name: str, text: str) -> Any:
    """Parse a date that is not an interval in words. Raises UnreadDate."""
    if _SERIAL_NUMBER.fullmatch(text):  # nobody writes the day of a spreadsheet by hand
        raise UnreadDate("invalid_date", faults.FAULTS["date_unread"])
    try:
        return parse_cell_value(name, clean_cell(text), None, None)
    except UnreadCell as unread:
        readings = _list_readings(text) if unread.code == AMBIGUOUS_DATE else ()
        raise UnreadDate(unread.code, str(unread), readings) from None


def _list_readings(text: str) -> tuple[str, ...]:
    """Return the date by each order of day and month. Raises UnreadDate for a year of two digits."""
    try:
        return tuple(parse_sheet_date(text, DateContext(order)) for order in DateOrder)
    except UnreadCellDate as unclear:
        raise UnreadDate(unclear.code, str(unclear)) from None


def _parse_interval(name: str, first: str, last: str) -> str:
    """Parse an interval, in which the first date may omit a shared part: "entre 8 y 9 de enero de 2026".

    Raises UnreadDate.
    """
    end = str(_parse_single_date(name, last))
    begin = _parse_interval_start(name, first, last, end)
    try:
        return dates.parse_date(f"{begin}/{end}").text
    except dates.DateError:
        raise UnreadDate(REVERSED_INTERVAL, "Write both dates with their years, the earlier one first.") from None


def _parse_interval_start(name: str, first: str, last: str, end: str) -> str:
    """Parse the first date of an interval, alone or with the shared part of the last. Raises UnreadDate."""
    suffix = _DAY_SUFFIX.fullmatch(last)
    candidates = [first, *([] if suffix is None else [first + suffix[1]]), f"{first} {end[:4]}"]
    for text in candidates[:-1]:
        try:
            return str(_parse_single_date(name, text))
        except UnreadDate as unread:
            if unread.code == AMBIGUOUS_DATE:
                raise
    return str(_parse_single_date(name, candidates[-1]))


def get_code_language(words: Catalogue) -> Language:
    """Return the language of code labels and field titles."""
    return "es" if words.language == "es" else "en"


def build_field_hints(words: Catalogue) -> Mapping[str, str]:
    """Return the hints of fields by name."""
    _ = words.gettext
    one_per_line = _("One on each line.")
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
        "detainee.aliases": one_per_line,
        "detention.charges": one_per_line,
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


def format_unread_date(unread: UnreadDate, words: Catalogue) -> str:
    """Explain why a date was not understood, and how to write it. For an ambiguous date, name both days."""
    _ = words.gettext
    if unread.readings:
        day, other_day = unread.readings
        return _("This can be %(day)s or %(other)s: write the month as a word, or %(day_code)s or %(other_code)s.") % {
            "day": words.long_day(day), "other": words.long_day(other_day), "day_code": day, "other_code": other_day,
        }  # fmt: skip
    date_faults = {
        faults.FAULTS["date_without_year"]: _("The year is missing: write it too, as in 12 January 2026."),
        faults.FAULTS["embargo_hour"]: _(
            "Write an hour with its seconds and its zone, 2026-03-20T18:00:00-04:00, or the day alone."
        ),
        faults.FAULTS["no_such_day"]: _("The calendar has no such day: correct it, or leave off what is not known."),
        faults.FAULTS["years_turned"]: _("The later of the two years stands first: correct it."),
    }
    code = unread.code if unread.code in ("ambiguous_year", "interval_turned") else "invalid_date"
    return date_faults.get(unread.detail) or format_refusal({"code": code, "detail": unread.detail}, words)


def format_refusal(error: Mapping[str, Any], words: Catalogue) -> str:
    """Translate an error. Texts about the columns of a sheet are replaced by texts about form fields."""
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
        "objection_arrived": _(
            "There is another objection about this person, which you had not seen. Nothing was decided: read it, and "
            "decide again."
        ),
        "invalid_url": _("Give a whole address, from https:// on."),
        "url_with_password": _("This address has a user name or a password before the @: write it without."),
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
    return own.get(code) or faults.translate_detail(code, english, get_code_language(words))


# The verdicts in a report of one's own. Disputing or refuting needs the report of another source.
VERDICTS = ("reported", "verified")
COUNTRY_KINDS = ("country", "countries")
FieldValues = Mapping[str, Sequence[str]]
MULTILINE_KINDS = ("lines", "text", "links")


@dataclass(frozen=True)
class FormField:
    """A form field with its values and errors. `options`: code, label and definition."""

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
        return "\n".join(self.values) if self.kind in MULTILINE_KINDS else next(iter(self.values), "")


@dataclass(frozen=True)
class FormPart:
    """A section of a form. `rare`: fields that few reports need, which are collapsed."""

    heading: str
    usual: Sequence[FormField]
    rare: Sequence[FormField] = field(default_factory=tuple)

    @property
    def is_open(self) -> bool:
        """Whether the rare fields are expanded, because one has a value or an error."""
        return any(form_field.values or form_field.faults for form_field in self.rare)


OWN_FIELDS = ("source_record_id", "publish_not_before", "note")
PERSON_FIELDS = (
    "detainee.full_name",
    "detainee.birth_date",
    "detainee.age",
    "detainee.age_on",
    "detainee.gender",
    "detainee.nationalities",
)
RARE_PERSON_FIELDS = (
    "detainee.aliases",
    "detainee.category",
    "detainee.groups",
    "detainee.designation",
    "detainee.national_id",
)
WISH_FIELDS = ("detainee.publish", "detainee.publish_given_on")
DETENTION_FIELDS = ("detention.country", "detention.facility", "detention.detained_on", "detention.held_on")
RARE_DETENTION_FIELDS = ("detention.legal_status", "detention.place", "detention.charges")
RELEASE_FIELDS = ("release.released_on", "release.kind", "release.conditions")
RARE_RELEASE_FIELDS = ("release.stage", "release.announced_on", "release.ordered_on", "release.destination")
VERIFICATION_FIELDS = ("verification.verdict", "verification.method", "verification.verified_on")
RARE_VERIFICATION_FIELDS = ("verification.citing", "verification.evidence")


def build_form_parts(
    words: Catalogue, form_values: FieldValues, faults: Mapping[str, Sequence[str]], names: Iterable[str]
) -> list[FormPart]:
    """Build the sections of a form with the fields in `names`."""
    _ = words.gettext
    wanted_names = set(names)

    def build_fields(part_names: Iterable[str]) -> list[FormField]:
        return [_build_form_field(name, words, form_values, faults) for name in part_names if name in wanted_names]

    parts = [
        FormPart(_("The person"), build_fields(PERSON_FIELDS), build_fields(RARE_PERSON_FIELDS)),
        FormPart(_("What the person or the family wants"), build_fields(WISH_FIELDS)),
        FormPart(_("The detention"), build_fields(DETENTION_FIELDS), build_fields(RARE_DETENTION_FIELDS)),
        FormPart(_("The release"), build_fields(RELEASE_FIELDS), build_fields(RARE_RELEASE_FIELDS)),
        FormPart(_("How you know"), build_fields(VERIFICATION_FIELDS), build_fields(RARE_VERIFICATION_FIELDS)),
        FormPart(_("For you"), build_fields(OWN_FIELDS)),
    ]
    return [part for part in parts if part.usual]


def _build_form_field(
    name: str, words: Catalogue, form_values: FieldValues, faults: Mapping[str, Sequence[str]]
) -> FormField:
    definition = FIELDS[name]
    return FormField(
        name,
        get_field_title(name, get_code_language(words)),
        definition.kind,
        _list_field_options(name, words),
        form_values.get(name, ()),
        faults.get(name, ()),
        build_field_hints(words).get(name, ""),
    )


def _list_field_options(name: str, words: Catalogue) -> list[tuple[str, str, str]]:
    definition = FIELDS[name]
    if definition.kind in COUNTRY_KINDS:
        return [(code, name, "") for code, name in words.countries]
    if definition.codes is None:
        return []
    codes = build_vocabulary(get_code_language(words))[definition.codes]
    shown_codes = [item for item in codes if definition.codes != "verdicts" or item["code"] in VERDICTS]
    return [(item["code"], item["label"], item["definition"]) for item in shown_codes]


def build_report_body(form_values: FieldValues, names: Iterable[str]) -> dict[str, Any]:
    """Build the body of a report from the fields with values. A date that cannot be parsed remains text."""
    body: dict[str, Any] = {}
    for name in names:
        value = _parse_field_value(name, [text.strip() for text in form_values.get(name, ()) if text.strip()])
        if value is not None:
            *parents, key = name.split(".")
            section = body
            for parent in parents:
                section = section.setdefault(parent, {})
            section[key] = value
    return body


def find_unread_dates(form_values: FieldValues, names: Iterable[str]) -> dict[str, UnreadDate]:
    """Return the errors of dates that cannot be parsed, by field."""
    unread = {}
    for name in names:
        if FIELDS[name].kind == "date" and (text := next(iter(form_values.get(name, ())), "").strip()):
            try:
                parse_written_date(name, text)
            except UnreadDate as unclear:
                unread[name] = unclear
    return unread


def list_understood_dates(body: Mapping[str, Any], names: Iterable[str], words: Catalogue) -> list[tuple[str, str]]:
    """Return the titles of date fields with the parsed dates in a body."""
    days = {name: get_value_at(body, name) for name in names if FIELDS[name].kind == "date" and name != EMBARGO}
    return [(get_field_title(name, get_code_language(words)), words.day(day)) for name, day in days.items() if day]


def get_value_at(body: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field in a body; None if it is missing."""
    value: Any = body
    for key in name.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _parse_field_value(name: str, texts: list[str]) -> Any:
    kind = FIELDS[name].kind
    if not texts:
        return None
    if kind == "date":
        try:
            return parse_written_date(name, texts[0])
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


def fill_form_values(report: Mapping[str, Any], names: Iterable[str]) -> dict[str, list[str]]:
    """Return the form values of a stored report."""
    form_values = {}
    for name in names:
        value = get_value_at(report, name)
        values = value if isinstance(value, list) else [value]
        texts = [str(item["url"] if isinstance(item, Mapping) else item) for item in values if item not in (None, "")]
        if texts:
            form_values[name] = texts
    return form_values


def list_report_fields(*, is_release: bool) -> tuple[str, ...]:
    detention_names = (
        *PERSON_FIELDS,
        *RARE_PERSON_FIELDS,
        *WISH_FIELDS,
        *DETENTION_FIELDS,
        *RARE_DETENTION_FIELDS,
        *VERIFICATION_FIELDS,
        *RARE_VERIFICATION_FIELDS,
        *OWN_FIELDS,
    )
    return (*detention_names, *RELEASE_FIELDS, *RARE_RELEASE_FIELDS) if is_release else detention_names

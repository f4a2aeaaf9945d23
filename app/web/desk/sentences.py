"""What the desk says beside a field, and of a refusal, in the language of the page."""

from collections.abc import Mapping
from typing import Any

from app.imports import faults
from app.vocabulary import Language
from app.web.catalogue import Catalogue
from app.web.desk.written_dates import UnreadDate


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

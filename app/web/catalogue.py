"""The words, numbers and dates of a language.

Pages are written in English; `locales/<language>/*.po` translate them, a file for each page. A further language is a
further folder.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from functools import cache, cached_property
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from unicodedata import normalize

from babel import Locale
from babel.dates import format_skeleton, get_timezone_location
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import Translations

from app.countries import COUNTRIES

LOCALES = Path(__file__).parent / "locales"
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir()))
# Of whose customs dates and numbers are: "13 Jan 2026", not "Jan 13, 2026".
REGIONS = {ENGLISH: "en_GB"}
# What a date of so many characters says of itself: a year, a month, a day.
SKELETONS = {4: ("%Y", "y"), 7: ("%Y-%m", "yMMM"), 10: ("%Y-%m-%d", "yMMMd")}
# Up to which number no separator stands, where not a thousand is the first with one: 4151, 12.345. Babel has no such
# rule; CLDR calls it minimumGroupingDigits.
UNGROUPED = {"es": 9_999}
# "y" before its own sound; CLDR has no such rule either.
SPANISH_AND = re.compile(r" y (?=h?i(?!e))(?=[^,]*$)", re.IGNORECASE)
MINUS = "\N{MINUS SIGN}"


class Catalogue:
    """One language."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self.locale = Locale.parse(REGIONS.get(language, language))
        self.translations = translations
        self.gettext, self.ngettext = translations.gettext, translations.ngettext
        self.pgettext = translations.pgettext

    @property
    def direction(self) -> str:
        return self.locale.text_direction

    @property
    def own_name(self) -> str:
        """What the language calls itself."""
        return (self.locale.get_language_name(self.language) or self.language).capitalize()

    def number(self, number: int) -> str:
        grouped = abs(number) > UNGROUPED.get(self.language, 0)
        return format_decimal(number, locale=self.locale, group_separator=grouped).replace("-", MINUS)

    def day(self, text: str) -> str:
        """A date as it was said: a coarser one is never told as its first day. `2026-01` → "ene 2026"."""
        first, interval, last = text.partition("/")
        if interval:
            return self.gettext("between %(low)s and %(high)s") % {"low": self.day(first), "high": self.day(last)}
        if len(text) not in SKELETONS:
            return text
        form, skeleton = SKELETONS[len(text)]
        return self._formed(skeleton, datetime.strptime(text, form).date())  # noqa: DTZ007 - a day has no zone

    def short_day(self, text: str) -> str:
        """A day without its year: "13 ene"; a coarser date as `day` tells it."""
        return self._formed("MMMd", date.fromisoformat(text)) if len(text) == max(SKELETONS) else self.day(text)

    def long_day(self, text: str) -> str:
        """A day in words: "8 de enero de 2026"; a coarser date likewise."""
        skeleton = {4: "y", 7: "yMMMM", 10: "yMMMMd"}.get(len(text))
        if skeleton is None:
            return text
        form, _short = SKELETONS[len(text)]
        return self._formed(skeleton, datetime.strptime(text, form).date())  # noqa: DTZ007 - a day has no zone

    def moment(self, text: str, zone: tzinfo) -> str:
        """An instant in a zone: "13 ene 2026, 16:00"."""
        local = datetime.fromisoformat(text).astimezone(zone)
        return self._with_hour(self._formed("yMMMd", local), local)

    def short_moment(self, text: str, zone: tzinfo) -> str:
        """The same without its year: "13 ene, 16:00"."""
        local = datetime.fromisoformat(text).astimezone(zone)
        return self._with_hour(self._formed("MMMd", local), local)

    def said_at(self, text: str, zone: tzinfo) -> str:
        """When a claim was stated: an instant with its hour, or a date as it was said."""
        return self.day(text) if "T" not in text else self.moment(text, zone)

    def hour(self, text: str, zone: tzinfo) -> str:
        return self._formed("Hm", datetime.fromisoformat(text).astimezone(zone))

    def local_day(self, text: str, zone: tzinfo) -> str:
        """The date of an instant in a zone, as fields of a form have it: "2026-01-13"."""
        return datetime.fromisoformat(text).astimezone(zone).date().isoformat()

    def place_of(self, zone: str) -> str:
        """The place that a zone is called by, "Caracas"; an offset, "UTC-04:00", is called by itself."""
        try:
            return str(get_timezone_location(zone, locale=self.locale, return_city=True))
        except LookupError:
            return zone

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code, code))

    @cached_property
    def countries(self) -> list[tuple[str, str]]:
        """Every country by its code and name, in the order of the names, whatever their accents."""
        return sorted(
            ((code, self.country(code)) for code in COUNTRIES), key=lambda country: normalize("NFD", country[1])
        )

    def listed(self, parts: Sequence[str]) -> str:
        """Several as one: "76, 56 y 53", "Argentina e Israel"."""
        whole = format_list(list(parts), locale=self.locale)
        return SPANISH_AND.sub(" e ", whole) if self.language == "es" else whole

    def _with_hour(self, day: str, local: datetime) -> str:
        return str(self.locale.datetime_formats["medium"]).format(self._formed("Hm", local), day)

    def _formed(self, skeleton: str, value: date | datetime) -> str:
        return format_skeleton(skeleton, value, locale=self.locale, fuzzy=True)


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language of `LANGUAGES`."""
    if language == ENGLISH:
        return Catalogue(language, NullTranslations())
    first, *others = [_compiled(path) for path in sorted((LOCALES / language).glob("*.po"))]
    for other in others:
        first.merge(other)
    return Catalogue(language, first)


def _compiled(path: Path) -> Translations:
    with path.open("rb") as file:
        read = read_po(file, locale=path.parent.name, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return Translations(compiled)

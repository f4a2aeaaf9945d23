"""The words of a language, with its numbers and dates.

Pages are written in English; `locales/<language>/*.po` translate them, a file for each page. A further language is a
further folder.
"""

from datetime import date, datetime, tzinfo
from functools import cache, cached_property
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import get_args
from unicodedata import normalize

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from app import vocabulary
from app.dates import DAY_LENGTH
from app.formats import COUNTRIES, ENGLISH, Formats
from app.vocabulary import Language

LOCALES = Path(__file__).parent / "locales"
LANGUAGES = (ENGLISH, *sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir()))
# Which parts of a date of so many characters are told where there is little room.
IN_SHORT = {4: "y", 7: "yMMM", 10: "yMMMd"}


class Catalogue(Formats):
    """One language."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        super().__init__(language)
        self.translations = translations
        self.gettext, self.ngettext = translations.gettext, translations.ngettext
        self.pgettext = translations.pgettext

    @property
    def direction(self) -> str:
        return self.locale.text_direction

    @property
    def spoken(self) -> Language:
        """The language in which its readers are told codes, and whatever else the API says in its own languages."""
        return next((spoken for spoken in get_args(Language) if spoken == self.language), "en")

    def label(self, name: str, code: str) -> str:
        """What a code of a list of the vocabulary is called. Raises KeyError for one that is not in it."""
        return vocabulary.label(name, code, self.spoken)

    @property
    def own_name(self) -> str:
        """What the language calls itself."""
        return (self.locale.get_language_name(self.language) or self.language).capitalize()

    def day(self, text: str) -> str:
        """A date as it was said: a coarser one is never told as its first day. `2026-01` → "ene 2026"."""
        first, interval, last = text.partition("/")
        if interval:
            low, high = (self._in_sentence(self.day(bound), bound) for bound in (first, last))
            return self.gettext("between %(low)s and %(high)s") % {"low": low, "high": high}
        return self._dated(IN_SHORT, text)

    def day_and_month(self, text: str) -> str:
        """A day in words without its year: "13 de enero"; a coarser date in words."""
        whole = len(text) == max(IN_SHORT)
        return self._formed("MMMMd", date.fromisoformat(text)) if whole else self.long_day(text)

    def short_day(self, text: str) -> str:
        """A day without its year: "13 ene"; a coarser date as `day` tells it."""
        return self._formed("MMMd", date.fromisoformat(text)) if len(text) == DAY_LENGTH else self.day(text)

    def day_in_sentence(self, text: str) -> str:
        """A day in words, with the article that some languages give it: "el 8 de enero de 2026"; a month or a year has
        none."""
        return self._in_sentence(self.long_day(text), text)

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

    def _in_sentence(self, told: str, text: str) -> str:
        return self.pgettext("a day in a sentence", "%(day)s") % {"day": told} if len(text) == DAY_LENGTH else told

    @cached_property
    def countries(self) -> list[tuple[str, str]]:
        """Every country by its code and name, in the order of the names, whatever their accents."""
        return sorted(
            ((code, self.country(code)) for code in COUNTRIES), key=lambda country: normalize("NFD", country[1])
        )

    def _with_hour(self, day: str, local: datetime) -> str:
        return str(self.locale.datetime_formats["medium"]).format(self._formed("Hm", local), day)


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

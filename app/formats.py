"""Format numbers, dates, places and lists in a language, by CLDR (pure); and the country codes of ISO 3166-1."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache

from babel import Locale
from babel.dates import format_skeleton, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_decimal

ENGLISH = "en"
# The locale whose conventions a language follows: "13 Jan 2026", not "Jan 13, 2026".
LOCALES = {ENGLISH: "en_GB"}
# By the length of a date: how it is parsed, and which of year, month and day are written.
DATE_PATTERNS = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d"}
LONG_SKELETONS = {4: "y", 7: "yMMMM", 10: "yMMMMd"}
# The largest number without a thousands separator: Spanish writes 4151 and 12.345. Babel has no such rule; CLDR calls
# it minimumGroupingDigits.
MAX_UNGROUPED = {"es": 9_999}
# Before the sound of "i", Spanish "y" becomes "e"; CLDR has no such rule.
SPANISH_I = re.compile(r"h?i(?!e)", re.IGNORECASE)
# Quotation marks, by language where they are not the English ones.
QUOTATION, QUOTATIONS = ("“", "”"), {"es": ("«", "»")}
# Unicode names of characters that are, or look like, quotation marks.
QUOTATION_MARK_NAMES = re.compile(
    "QUOTATION MARK|ANGLE BRACKET|(LESS|GREATER)-THAN|PRIME|DOUBLE ACUTE ACCENT|DOUBLE VERTICAL"
)
APOSTROPHES = re.compile("'{2,}")  # two apostrophes look like one quotation mark
# Characters in names that separate no sentences, besides letters with their accents and digits.
NAME_PUNCTUATION = " .'’/&-–\u00a0"
MINUS = "\N{MINUS SIGN}"
FORMAT_CACHE_SIZE = 4_096  # the numbers, and the dates, of some pages: under a megabyte


class LocaleFormats:
    """The formats of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.locale = Locale.parse(LOCALES.get(language, language))

    def number(self, number: int) -> str:
        return _format_number(number, self.locale, is_grouped=abs(number) > MAX_UNGROUPED.get(self.language, 0))

    def long_day(self, text: str) -> str:
        """Format a day in words: "8 de enero de 2026"; a coarser date likewise. Other texts are returned unchanged."""
        return self._format_partial_date(LONG_SKELETONS, text)

    def hour(self, text: str, zone: tzinfo) -> str:
        """Format the hour of an instant in a zone: "16:00"."""
        return self._format_skeleton("Hm", datetime.fromisoformat(text).astimezone(zone))

    def local_day(self, text: str, zone: tzinfo) -> str:
        """Format the date of an instant in a zone for a field of a form: "2026-01-13"."""
        return datetime.fromisoformat(text).astimezone(zone).date().isoformat()

    def place_of(self, zone: str) -> str:
        """Return the place after which a zone is named, "Caracas"; an offset, "UTC-04:00", has none and is returned
        itself."""
        try:
            return str(get_timezone_location(zone, locale=self.locale, return_city=True))
        except LookupError:
            return zone

    def country(self, code: str) -> str:
        return str(self.locale.territories.get(code, code))

    def listed(self, parts: Sequence[str]) -> str:
        """Join several parts: "76, 56 y 53", "Argentina e Israel"."""
        whole = format_list(list(parts), locale=self.locale)
        if self.language == "es" and len(parts) > 1 and SPANISH_I.match(parts[-1]):
            return f"{whole.removesuffix(f' y {parts[-1]}')} e {parts[-1]}"
        return whole

    def quote(self, text: str) -> str:
        """Quote a text within a sentence. Quotation marks in the text become apostrophes, so that they cannot end the
        quotation."""
        opens, closes = QUOTATIONS.get(self.language, QUOTATION)
        inner = "".join("'" if _is_a_quotation_mark(character) else character for character in text)
        return opens + APOSTROPHES.sub("'", inner) + closes

    def quote_unless_plain(self, name: str) -> str:
        """Return a name, in quotation marks if it could be read as more of the sentence than a name."""
        return name if all(map(_is_plain, name)) else self.quote(name)

    def _format_partial_date(self, skeletons: Mapping[int, str], text: str) -> str:
        """Format as much of a date as its length says is known."""
        if len(text) not in skeletons:
            return text
        day = datetime.strptime(text, DATE_PATTERNS[len(text)]).date()  # noqa: DTZ007 - a day has no zone
        return self._format_skeleton(skeletons[len(text)], day)

    def _format_skeleton(self, skeleton: str, value: date | datetime) -> str:
        # Only the date and the minute are written: seconds would make each instant another key of the cache.
        if isinstance(value, datetime):
            value = value.replace(second=0, microsecond=0, tzinfo=None)
        return _format_with_skeleton(skeleton, value, self.locale)


def _is_plain(character: str) -> bool:
    is_letter = unicodedata.category(character)[0] in "LMN" and not _is_a_quotation_mark(character)
    return is_letter or character in NAME_PUNCTUATION


def _is_a_quotation_mark(character: str) -> bool:
    return QUOTATION_MARK_NAMES.search(unicodedata.name(character, "")) is not None


# A page repeats the same hundreds of numbers and days in its charts and its table, and Babel parses the pattern each
# time.
@lru_cache(maxsize=FORMAT_CACHE_SIZE)
def _format_number(number: int, locale: Locale, *, is_grouped: bool) -> str:
    return format_decimal(number, locale=locale, group_separator=is_grouped).replace("-", MINUS)


@lru_cache(maxsize=FORMAT_CACHE_SIZE)
def _format_with_skeleton(skeleton: str, value: date | datetime, locale: Locale) -> str:
    return format_skeleton(skeleton, value, locale=locale, fuzzy=True)


@cache
def get_formats(language: str) -> LocaleFormats:
    """Return the formats of a language by its code."""
    return LocaleFormats(language)


def lower_first_letter(text: str) -> str:
    """Return a label or a sentence with a small first letter, for use within a sentence."""
    return text[:1].lower() + text[1:]


def capitalize_first_letter(text: str) -> str:
    """Return a sentence with a capital first letter."""
    return text[:1].upper() + text[1:]


# The 249 officially assigned codes of ISO 3166-1 alpha-2; user-assigned ones such as XK are not among them.
_ALPHA_2 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS
    BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE
    EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM
    HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC
    LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
    NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """

COUNTRIES: frozenset[str] = frozenset(_ALPHA_2.split())

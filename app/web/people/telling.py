"""How what the API says of people is told: sources, places, days and codes in the words of a page."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from app import vocabulary
from app.dates import DAY_LENGTH
from app.formats import lowered
from app.vocabulary import Language
from app.web.asking import cursor_of
from app.web.page import Page

MOST_NAMED = 2  # sources in a sentence or beside a tick; more of them are a number, and named in the table
# Of facilities, for their names: a registry with more shows the others by their slugs.
FACILITIES_AT_ONCE, MOST_FACILITY_PAGES = 200, 5
# Which list of the vocabulary the codes of a fact are from.
LISTS = {
    "gender": "genders", "category": "categories", "groups": "groups", "designation": "designations",
    "legal_status": "legal_statuses", "kind": "release_kinds", "conditions": "conditions", "ended_how": "ended",
}  # fmt: skip
DAYS = frozenset(
    {"detained_on", "held_on", "released_on", "ordered_on", "announced_on", "measures_lifted_on", "died_on", "ended_on"}
)

Json = Mapping[str, Any]


async def read_facilities(page: Page) -> dict[str, Json]:
    """Every facility by its slug."""
    known: dict[str, Json] = {}
    cursor: str | None = None
    for _page in range(MOST_FACILITY_PAGES):
        answer = await page.api.get("/v1/facilities", limit=FACILITIES_AT_ONCE, cursor=cursor)
        known.update((facility["slug"], facility) for facility in answer["data"])
        cursor = cursor_of(answer["next"])
        if cursor is None:
            break
    return known


class Telling:
    """What a page tells of people. `facilities`: by slug."""

    def __init__(self, page: Page, facilities: Mapping[str, Json]) -> None:
        self.page, self.words, self._facilities = page, page.catalogue, facilities

    def label(self, name: str, code: str) -> str:
        """What a code of a list of the vocabulary is called."""
        return self.words.label(name, code)

    def choices(self, name: str) -> list[tuple[str, str]]:
        """The codes of a list of the vocabulary with what they are called."""
        return list(_choices(self.words.spoken)[name])

    def names(self, slugs: Sequence[str]) -> list[str]:
        return [self.page.name_of(slug) for slug in sorted(slugs)]

    def sources(self, slugs: Sequence[str], *, begins: bool = False) -> str:
        """One or two by their names, more of them as a number; in words where it `begins` a sentence."""
        if len(slugs) <= MOST_NAMED:
            return self.words.listed(self.names(slugs))
        if begins and len(slugs) in (spelled := self._spelled()):
            return spelled[len(slugs)]
        number = self.words.ngettext("%(number)s source", "%(number)s sources", len(slugs))
        return number % {"number": self.words.number(len(slugs))}

    def _spelled(self) -> dict[int, str]:
        _ = self.words.gettext
        return {
            3: _("Three sources"), 4: _("Four sources"), 5: _("Five sources"), 6: _("Six sources"),
            7: _("Seven sources"), 8: _("Eight sources"), 9: _("Nine sources"),
        }  # fmt: skip

    def when(self, text: str) -> str:
        """A date as it was said, in a sentence: "on 12 January 2026", "in January 2026"."""
        _, words = self.words.gettext, self.words
        first, interval, last = text.partition("/")
        if interval:
            told = _("between %(low)s and %(high)s")
            return told % {"low": words.day_in_sentence(first), "high": words.day_in_sentence(last)}
        told = _("on %(day)s") if len(text) == DAY_LENGTH else _("in %(day)s")
        return told % {"day": words.long_day(text)}

    def facility(self, place: Any) -> str | None:
        """A facility by its name; one that nobody registered as it was said."""
        if place is None:
            return None
        if isinstance(place, Mapping):
            return str(place.get("said") or place.get("slug") or "")
        return str(self._facilities[place]["name"]) if place in self._facilities else str(place)

    def value(self, name: str, value: Any) -> str:
        """A value of a fact."""
        if isinstance(value, list):
            told = [self.value(name, item) for item in value]
            return self.words.listed([told[0], *map(lowered, told[1:])] if name in LISTS and told else told)
        if name in DAYS:
            return self.words.day(str(value))
        if name in LISTS:
            return self.label(LISTS[name], value)
        if name == "nationalities":
            return self.words.country(value)
        if name == "age":
            return self.words.ngettext("%(number)s year old", "%(number)s years old", value) % {"number": value}
        if name in ("facility", "facility_as_said"):
            return self.facility(value) or ""
        if name == "transfers":
            place, day = self.facility(value.get("facility")) or "", value.get("on")
            return f"{place}, {self.words.day(day)}" if day else place
        return str(value)


@cache  # a form asks for each of its lists by itself
def _choices(spoken: Language) -> dict[str, list[tuple[str, str]]]:
    listed = vocabulary.vocabulary(spoken)
    return {name: [(one["code"], one["label"]) for one in codes] for name, codes in listed.items()}

"""How what the API says of people is told: sources, places, days and codes in the words of a page.

A person's spells in custody: what is said of when each began and ended, and the line of a life that this makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from app import dates, vocabulary
from app.dates import DAY_LENGTH
from app.formats import lowered
from app.vocabulary import Language, ReleaseKind, ReleaseStatus, Stage, State, Verdict
from app.web.asking import cursor_of
from app.web.charts.timeline import Life, Mark, Stretch
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


# Room on the line before the first day, and after the last for the days of which nobody says anything, as a share of
# its length and in days at least.
BEFORE, AFTER = 0.012, 0.18
LEAST_BEFORE, LEAST_AFTER = 5, 30
# How far back a line begins of somebody whose arrest nobody dates.
UNDATED = 180


@dataclass(frozen=True)
class DateSaid:
    """A date as it was said, from the first to the last day that it can be, and by whom."""

    text: str
    first: int
    last: int
    by: Sequence[str]

    def holds(self, other: "DateSaid") -> bool:
        """Whether the other says the same more finely."""
        here, there = (self.first, self.last), (other.first, other.last)
        return here != there and self.first <= other.first and other.last <= self.last


@dataclass(frozen=True)
class Spell:
    """A detention with its release, if there is one, and the verdicts on it."""

    detention: Json
    release: Json | None
    verdicts: Sequence[Json]

    @property
    def arrests(self) -> list[DateSaid]:
        return said_of(self.detention["facts"], "detained_on")

    @property
    def is_out(self) -> bool:
        """Whether the release counts as carried out."""
        return self.release is not None and self.release["stage"] == Stage.CARRIED_OUT

    @property
    def is_denied(self) -> bool:
        """Whether somebody independent says that the release did not happen, or that it did otherwise."""
        if self.release is None:
            return False
        status = self.release["stages"].get(Stage.CARRIED_OUT, {}).get("status")
        return status in (ReleaseStatus.REFUTED, ReleaseStatus.CONTESTED)

    @property
    def releases(self) -> list[DateSaid]:
        return [] if self.release is None else said_of(self.release["facts"], "released_on")


def spells_of(person: Json, releases: Sequence[Json], verdicts: Mapping[str, Sequence[Json]]) -> list[Spell]:
    """The spells, the first one first. `verdicts`: by the id of the release, else of the detention."""
    by_id = {release["id"]: release for release in releases}
    return [
        Spell(
            detention, by_id.get(detention["release_id"]), verdicts.get(detention["release_id"] or detention["id"], ())
        )
        for detention in person["detentions"]
    ]


def said_of(facts: Json, name: str) -> list[DateSaid]:
    """What is said of a date, the earliest first."""
    found = [_said(said["value"], said["by"]) for said in facts.get(name, {}).get("said", ())]
    return sorted(found, key=lambda date: (date.first, date.last))


def _said(text: str, by: Sequence[str]) -> DateSaid:
    day = dates.parse(text)
    return DateSaid(text, day.lo, day.hi, by)


def finest(said: Sequence[DateSaid]) -> list[DateSaid]:
    """Without those that only say the same more coarsely."""
    return [date for date in said if not any(date.holds(other) for other in said)]


def bounds(said: Sequence[DateSaid]) -> tuple[int, int] | None:
    """The first and the last day that these can be."""
    kept = finest(said)
    return (min(date.first for date in kept), max(date.last for date in kept)) if kept else None


def days_inside(spell: Spell) -> tuple[int, int] | None:
    """For how many days the person was inside, at least and at most."""
    began, ended = bounds(spell.arrests), bounds(spell.releases) if spell.is_out else None
    if began is None or ended is None or ended[1] < began[0]:
        return None
    return max(ended[0] - began[1], 0), ended[1] - began[0]


def life_of(person: Json, spells: Sequence[Spell], telling: Telling) -> Life | None:
    """The line of a life; None where nobody gives a date."""
    marks = [mark for spell in spells for mark in _marks(spell, telling)]
    if person["died_on"]:
        day = dates.parse(person["died_on"])
        died = telling.words.gettext("died")
        marks.append(Mark(day.lo, day.hi, telling.words.day(person["died_on"]), died, above=True))
    if not marks:
        return None
    first, last = min(mark.first for mark in marks), max(mark.last for mark in marks)
    if any(not spell.arrests for spell in spells):
        first -= UNDATED
    length = last - first
    first -= max(LEAST_BEFORE, round(length * BEFORE))
    end = last + max(LEAST_AFTER, round(length * AFTER))
    stretches: list[Stretch] = []
    for n, spell in enumerate(spells):
        following = bounds(spells[n + 1].arrests) if n + 1 < len(spells) else None
        until = following[0] if following else end
        stretches += _stretches(spell, first, until, telling)
        after = _after(person, spell, telling, is_last=n + 1 == len(spells))
        if after is not None:
            since = max((stretch.end for stretch in stretches if stretch.how != "nobody"), default=until)
            marks.append(Mark(since, since, "", after))
    return Life(first, end, stretches, marks)


def _marks(spell: Spell, telling: Telling) -> list[Mark]:
    """What has a date in a spell."""
    _, detention = telling.words.gettext, spell.detention

    def told(said: DateSaid, words: str, *, above: bool = False) -> Mark:
        told_by, whole = (
            words % {"sources": by} for by in (telling.sources(said.by), "; ".join(telling.names(said.by)))
        )
        is_tick = said.first == said.last
        return Mark(said.first, said.last, telling.words.day(said.text), told_by, above and is_tick, whole)

    marks = [told(said, _("detained: %(sources)s"), above=True) for said in spell.arrests]
    denied = _("refuted: left prison, says %(sources)s") if spell.is_denied and not spell.is_out else None
    marks += [told(said, denied or _("left prison: %(sources)s"), above=True) for said in spell.releases]
    for name, words in (
        ("announced_on", _("release announced: %(sources)s")),
        ("ordered_on", _("release ordered: %(sources)s")),
        ("measures_lifted_on", _("measures lifted: %(sources)s")),
    ):
        marks += [told(said, words) for said in said_of(spell.release["facts"] if spell.release else {}, name)]
    marks += [told(said, _("still inside: %(sources)s")) for said in said_of(detention["facts"], "held_on")]
    for transfer in detention["transfers"]:
        if transfer.get("on"):
            moved = _("moved to %(place)s") % {"place": telling.facility(transfer["facility"])}
            day = dates.parse(transfer["on"])
            marks.append(Mark(day.lo, day.hi, telling.words.day(transfer["on"]), moved))
    ended = detention["ended"]
    if ended and ended["on"]:
        day = dates.parse(ended["on"])
        how = telling.label("ended", ended["how"]) if ended["how"] else _("detention ended")
        marks.append(Mark(day.lo, day.hi, telling.words.day(ended["on"]), how, above=True))
    return marks


def _stretches(spell: Spell, start: int, until: int, telling: Telling) -> list[Stretch]:
    """From when to when all say that the person was inside, some do, and nobody does, up to the next arrest."""
    place = telling.facility(spell.detention["facility"])
    area = spell.detention["area"]
    label = ", ".join(part for part in (place, area) if part)
    began, out = bounds(spell.arrests), bounds(spell.releases)
    ended = spell.detention["ended"]
    if out is None and ended and ended["on"]:
        day = dates.parse(ended["on"])
        out = day.lo, day.hi
    seen = _last_seen(spell)
    parts: list[tuple[int, int, Any]] = []
    inside = start if began is None else began[1]
    if began is None:
        parts.append((start, out[0] if out else seen or until, "nobody"))
    elif began[0] < began[1]:
        parts.append((began[0], began[1], "some"))
    if out is not None:
        if began is not None:
            parts.append((inside, out[0], "all"))
        denied = spell.is_denied
        parts.append((max(out[0], inside), until if denied else out[1], "some"))
        parts.append((until if denied else max(out[1], inside), until, "nobody"))
    else:
        if began is not None and seen is not None:
            parts.append((inside, seen, "all"))
        parts.append((max(inside, seen or inside), until, "nobody"))
    drawn = [(first, min(last, until), how) for first, last, how in parts if first < min(last, until)]
    longest = max((last - first for first, last, how in drawn if how == "all"), default=0)
    return [Stretch(a, b, how, label if how == "all" and b - a == longest else "") for a, b, how in drawn]


def _last_seen(spell: Spell) -> int | None:
    """The last day on which somebody speaks of the person as inside."""
    facts = {**spell.detention["facts"], **(spell.release["facts"] if spell.release else {})}
    names = ("held_on", "announced_on", "ordered_on")
    days = [said.first for name in names for said in said_of(facts, name)]
    days += [dates.parse(transfer["on"]).lo for transfer in spell.detention["transfers"] if transfer.get("on")]
    return max(days, default=None)


def _after(person: Json, spell: Spell, telling: Telling, *, is_last: bool) -> str | None:
    """What is known of the time after a spell."""
    _ = telling.words.gettext
    if not spell.is_out or spell.release is None:
        inside = is_last and not spell.is_denied and person["state"] in (State.HELD, State.UNKNOWN)
        return _("after that, nobody says") if inside else None
    if spell.release["kind"] != ReleaseKind.UNSPECIFIED:
        return telling.label("release_kinds", spell.release["kind"])
    return _("out of prison; nobody says under what conditions")


def verdicts_of(spell: Spell, *verdicts: Verdict) -> list[Json]:
    """The standing verdicts of these kinds on a spell."""
    return [verdict for verdict in spell.verdicts if verdict["verdict"] in verdicts]

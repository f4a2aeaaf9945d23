"""Format people's data, and build their spells in custody with the timeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from app import dates, vocabulary
from app.api.routes.directory import list_facilities
from app.dates import DAY_LENGTH
from app.formats import lower_first_letter
from app.vocabulary import Language, ReleaseKind, ReleaseStatus, Stage, State, Verdict
from app.web.api_client import parse_cursor
from app.web.charts.timeline import Mark, Stretch, Timeline
from app.web.page import Page

MAX_NAMED_SOURCES = 2  # in a sentence or at a tick; of more, only the number: the table names them
# Facilities fetched for their names; others are shown by their slugs.
FACILITIES_PAGE_SIZE, MAX_FACILITY_PAGES = 200, 5
# Code lists of facts.
FACT_CODE_LISTS = {
    "gender": "genders", "category": "categories", "groups": "groups", "designation": "designations",
    "legal_status": "legal_statuses", "kind": "release_kinds", "conditions": "conditions", "ended_how": "ended",
}  # fmt: skip
DATE_FACTS = frozenset(
    {"detained_on", "held_on", "released_on", "ordered_on", "announced_on", "measures_lifted_on", "died_on", "ended_on"}
)

Json = Mapping[str, Any]


async def fetch_facilities_by_slug(page: Page) -> dict[str, Json]:
    """Fetch all facilities, by slug."""
    facilities: dict[str, Json] = {}
    cursor: str | None = None
    for _page in range(MAX_FACILITY_PAGES):
        answer = await page.api.read(list_facilities, limit=FACILITIES_PAGE_SIZE, cursor=cursor)
        facilities.update((facility["slug"], facility) for facility in answer["data"])
        cursor = parse_cursor(answer["next"])
        if cursor is None:
            break
    return facilities


class PersonFormatter:
    """Formats people's data in the page's language. `facilities`: by slug."""

    def __init__(self, page: Page, facilities: Mapping[str, Json]) -> None:
        self.page, self.words, self._facilities = page, page.catalogue, facilities

    def label(self, name: str, code: str) -> str:
        """Return the label of a code of a code list."""
        return self.words.label(name, code)

    def list_choices(self, name: str) -> list[tuple[str, str]]:
        """Return the codes of a code list with their labels."""
        return list(_load_choices(self.words.api_language)[name])

    def list_source_names(self, slugs: Sequence[str]) -> list[str]:
        return [self.page.get_source_name(slug) for slug in sorted(slugs)]

    def format_sources(self, slugs: Sequence[str], *, is_sentence_start: bool = False) -> str:
        """Name one or two sources, or give the number of more; `is_sentence_start`: spell it out."""
        if len(slugs) <= MAX_NAMED_SOURCES:
            return self.words.listed(self.list_source_names(slugs))
        if is_sentence_start and len(slugs) in (number_words := self._spell_source_numbers()):
            return number_words[len(slugs)]
        number = self.words.ngettext("%(number)s source", "%(number)s sources", len(slugs))
        return number % {"number": self.words.number(len(slugs))}

    def _spell_source_numbers(self) -> dict[int, str]:
        _ = self.words.gettext
        return {
            3: _("Three sources"), 4: _("Four sources"), 5: _("Five sources"), 6: _("Six sources"),
            7: _("Seven sources"), 8: _("Eight sources"), 9: _("Nine sources"),
        }  # fmt: skip

    def format_date_phrase(self, text: str) -> str:
        """Format a partial date for a sentence: "on 12 January 2026", "in January 2026"."""
        _, words = self.words.gettext, self.words
        first, interval, last = text.partition("/")
        if interval:
            phrase = _("between %(low)s and %(high)s")
            return phrase % {"low": words.day_in_sentence(first), "high": words.day_in_sentence(last)}
        phrase = _("on %(day)s") if len(text) == DAY_LENGTH else _("in %(day)s")
        return phrase % {"day": words.long_day(text)}

    def get_facility_name(self, place: Any) -> str | None:
        """Return a facility's name, or the reported text of an unregistered one."""
        if place is None:
            return None
        if isinstance(place, Mapping):
            return str(place.get("said") or place.get("slug") or "")
        return str(self._facilities[place]["name"]) if place in self._facilities else str(place)

    def format_value(self, name: str, value: Any) -> str:
        """Format a value of a fact."""
        if isinstance(value, list):
            formatted = [self.format_value(name, item) for item in value]
            return self.words.listed(
                [formatted[0], *map(lower_first_letter, formatted[1:])]
                if name in FACT_CODE_LISTS and formatted
                else formatted
            )
        if name in DATE_FACTS:
            return self.words.day(str(value))
        if name in FACT_CODE_LISTS:
            return self.label(FACT_CODE_LISTS[name], value)
        if name == "nationalities":
            return self.words.country(value)
        if name == "age":
            return self.words.ngettext("%(number)s year old", "%(number)s years old", value) % {"number": value}
        if name in ("facility", "facility_as_said"):
            return self.get_facility_name(value) or ""
        if name == "transfers":
            place, day = self.get_facility_name(value.get("facility")) or "", value.get("on")
            return f"{place}, {self.words.day(day)}" if day else place
        return str(value)


@cache  # called for each field of a form
def _load_choices(language: Language) -> dict[str, list[tuple[str, str]]]:
    code_lists = vocabulary.build_vocabulary(language)
    return {name: [(item["code"], item["label"]) for item in codes] for name, codes in code_lists.items()}


# Margins before the first day, and after the last for days without information: as a share of the length, and minimum
# days.
MARGIN_BEFORE, MARGIN_AFTER = 0.012, 0.18
MIN_DAYS_BEFORE, MIN_DAYS_AFTER = 5, 30
# How long before the first date a timeline begins if the arrest is undated.
UNDATED_LEAD_DAYS = 180


@dataclass(frozen=True)
class StatedDate:
    """A reported date: its first and last possible day, and its sources."""

    text: str
    first: int
    last: int
    sources: Sequence[str]

    def contains(self, other: "StatedDate") -> bool:
        """Return whether the other date is the same at higher precision."""
        own_range, other_range = (self.first, self.last), (other.first, other.last)
        return own_range != other_range and self.first <= other.first and other.last <= self.last


@dataclass(frozen=True)
class Spell:
    """A detention with its release, if any, and the verdicts on it."""

    detention: Json
    release: Json | None
    verdicts: Sequence[Json]

    @property
    def arrest_dates(self) -> list[StatedDate]:
        return list_stated_dates(self.detention["facts"], "detained_on")

    @property
    def is_out(self) -> bool:
        """Whether the release counts as carried out."""
        return self.release is not None and self.release["stage"] == Stage.CARRIED_OUT

    @property
    def is_denied(self) -> bool:
        """Whether an independent source disputes or refutes the release."""
        if self.release is None:
            return False
        at_stage = self.release if self.is_out else self.release["stages"].get(Stage.CARRIED_OUT, {})
        status = at_stage.get("status")
        return status in (ReleaseStatus.REFUTED, ReleaseStatus.CONTESTED)

    @property
    def release_dates(self) -> list[StatedDate]:
        return [] if self.release is None else list_stated_dates(self.release["facts"], "released_on")


def build_spells(person: Json, releases: Sequence[Json], verdicts: Mapping[str, Sequence[Json]]) -> list[Spell]:
    """Build the spells in order. `verdicts`: by the id of the release, or of the detention without one."""
    by_id = {release["id"]: release for release in releases}
    return [
        Spell(
            detention, by_id.get(detention["release_id"]), verdicts.get(detention["release_id"] or detention["id"], ())
        )
        for detention in person["detentions"]
    ]


def list_stated_dates(facts: Json, name: str) -> list[StatedDate]:
    """Return the reported values of a date, earliest first."""
    stated_dates = [
        _build_stated_date(statement["value"], statement["by"]) for statement in facts.get(name, {}).get("said", ())
    ]
    return sorted(stated_dates, key=lambda date: (date.first, date.last))


def _build_stated_date(text: str, sources: Sequence[str]) -> StatedDate:
    day = dates.parse_date(text)
    return StatedDate(text, day.lo, day.hi, sources)


def drop_coarser_dates(stated_dates: Sequence[StatedDate]) -> list[StatedDate]:
    """Drop dates that another one gives at higher precision."""
    return [date for date in stated_dates if not any(date.contains(other) for other in stated_dates)]


def find_date_bounds(stated_dates: Sequence[StatedDate]) -> tuple[int, int] | None:
    """Return the first and the last possible day of these dates."""
    finest_dates = drop_coarser_dates(stated_dates)
    return (min(date.first for date in finest_dates), max(date.last for date in finest_dates)) if finest_dates else None


def count_days_inside(spell: Spell) -> tuple[int, int] | None:
    """Return the minimum and maximum number of days in custody."""
    arrest_bounds, release_bounds = (
        find_date_bounds(spell.arrest_dates),
        find_date_bounds(spell.release_dates) if spell.is_out else None,
    )
    if arrest_bounds is None or release_bounds is None or release_bounds[1] < arrest_bounds[0]:
        return None
    return max(release_bounds[0] - arrest_bounds[1], 0), release_bounds[1] - arrest_bounds[0]


def build_timeline(person: Json, spells: Sequence[Spell], formatter: PersonFormatter) -> Timeline | None:
    """Build the timeline; None if there are no dates."""
    marks = [mark for spell in spells for mark in _build_marks(spell, formatter)]
    if person["died_on"]:
        day = dates.parse_date(person["died_on"])
        died = formatter.words.gettext("died")
        marks.append(Mark(day.lo, day.hi, formatter.words.day(person["died_on"]), died, is_above=True))
    if not marks:
        return None
    first, last = min(mark.first for mark in marks), max(mark.last for mark in marks)
    if any(not spell.arrest_dates for spell in spells):
        first -= UNDATED_LEAD_DAYS
    length = last - first
    first -= max(MIN_DAYS_BEFORE, round(length * MARGIN_BEFORE))
    line_end = last + max(MIN_DAYS_AFTER, round(length * MARGIN_AFTER))
    stretches: list[Stretch] = []
    for n, spell in enumerate(spells):
        next_arrest_bounds = find_date_bounds(spells[n + 1].arrest_dates) if n + 1 < len(spells) else None
        end_day = next_arrest_bounds[0] if next_arrest_bounds else line_end
        stretches += _build_stretches(spell, first, end_day, formatter)
        aftermath = _describe_aftermath(person, spell, formatter, is_last=n + 1 == len(spells))
        if aftermath is not None:
            start_day = max((stretch.end for stretch in stretches if stretch.certainty != "nobody"), default=end_day)
            marks.append(Mark(start_day, start_day, "", aftermath))
    return Timeline(first, line_end, stretches, marks)


def _build_marks(spell: Spell, formatter: PersonFormatter) -> list[Mark]:
    """Return the dated events of a spell."""
    _, detention = formatter.words.gettext, spell.detention

    def build_mark(stated_date: StatedDate, words: str, *, is_above: bool = False) -> Mark:
        short_text, full_text = (
            words % {"sources": sources}
            for sources in (
                formatter.format_sources(stated_date.sources),
                "; ".join(formatter.list_source_names(stated_date.sources)),
            )
        )
        is_tick = stated_date.first == stated_date.last
        return Mark(
            stated_date.first,
            stated_date.last,
            formatter.words.day(stated_date.text),
            short_text,
            is_above and is_tick,
            full_text,
        )

    marks = [build_mark(stated_date, _("detained: %(sources)s"), is_above=True) for stated_date in spell.arrest_dates]
    denied_text = _("refuted: left prison, says %(sources)s") if spell.is_denied and not spell.is_out else None
    marks += [
        build_mark(stated_date, denied_text or _("left prison: %(sources)s"), is_above=True)
        for stated_date in spell.release_dates
    ]
    for name, words in (
        ("announced_on", _("release announced: %(sources)s")),
        ("ordered_on", _("release ordered: %(sources)s")),
        ("measures_lifted_on", _("measures lifted: %(sources)s")),
    ):
        marks += [
            build_mark(stated_date, words)
            for stated_date in list_stated_dates(spell.release["facts"] if spell.release else {}, name)
        ]
    marks += [
        build_mark(stated_date, _("still inside: %(sources)s"))
        for stated_date in list_stated_dates(detention["facts"], "held_on")
    ]
    for transfer in detention["transfers"]:
        if transfer.get("on"):
            transfer_text = _("moved to %(place)s") % {"place": formatter.get_facility_name(transfer["facility"])}
            day = dates.parse_date(transfer["on"])
            marks.append(Mark(day.lo, day.hi, formatter.words.day(transfer["on"]), transfer_text))
    ending = detention["ended"]
    if ending and ending["on"]:
        day = dates.parse_date(ending["on"])
        ending_text = formatter.label("ended", ending["how"]) if ending["how"] else _("detention ended")
        marks.append(Mark(day.lo, day.hi, formatter.words.day(ending["on"]), ending_text, is_above=True))
    return marks


def _build_stretches(spell: Spell, start: int, end_day: int, formatter: PersonFormatter) -> list[Stretch]:
    """Return the stretches in custody by all sources, by some, and without information, up to the next arrest."""
    place = formatter.get_facility_name(spell.detention["facility"])
    area = spell.detention["area"]
    label = ", ".join(part for part in (place, area) if part)
    arrest_bounds, release_bounds = find_date_bounds(spell.arrest_dates), find_date_bounds(spell.release_dates)
    ending = spell.detention["ended"]
    if release_bounds is None and ending and ending["on"]:
        day = dates.parse_date(ending["on"])
        release_bounds = day.lo, day.hi
    last_seen = _find_last_seen(spell)
    parts: list[tuple[int, int, Any]] = []
    custody_start = start if arrest_bounds is None else arrest_bounds[1]
    if arrest_bounds is None:
        parts.append((start, release_bounds[0] if release_bounds else last_seen or end_day, "nobody"))
    elif arrest_bounds[0] < arrest_bounds[1]:
        parts.append((arrest_bounds[0], arrest_bounds[1], "some"))
    if release_bounds is not None:
        if arrest_bounds is not None:
            parts.append((custody_start, release_bounds[0], "all"))
        is_denied = spell.is_denied
        parts.append((max(release_bounds[0], custody_start), end_day if is_denied else release_bounds[1], "some"))
        parts.append((end_day if is_denied else max(release_bounds[1], custody_start), end_day, "nobody"))
    else:
        if arrest_bounds is not None and last_seen is not None:
            parts.append((custody_start, last_seen, "all"))
        parts.append((max(custody_start, last_seen or custody_start), end_day, "nobody"))
    visible_parts = [(first, min(last, end_day), kind) for first, last, kind in parts if first < min(last, end_day)]
    longest = max((last - first for first, last, kind in visible_parts if kind == "all"), default=0)
    return [Stretch(a, b, kind, label if kind == "all" and b - a == longest else "") for a, b, kind in visible_parts]


def _find_last_seen(spell: Spell) -> int | None:
    """Return the last day on which a source reports the person in custody."""
    facts = {**spell.detention["facts"], **(spell.release["facts"] if spell.release else {})}
    names = ("held_on", "announced_on", "ordered_on")
    days = [stated_date.first for name in names for stated_date in list_stated_dates(facts, name)]
    days += [dates.parse_date(transfer["on"]).lo for transfer in spell.detention["transfers"] if transfer.get("on")]
    return max(days, default=None)


def _describe_aftermath(person: Json, spell: Spell, formatter: PersonFormatter, *, is_last: bool) -> str | None:
    """Describe what is known about the time after a spell."""
    _ = formatter.words.gettext
    if not spell.is_out or spell.release is None:
        is_maybe_inside = is_last and not spell.is_denied and person["state"] in (State.HELD, State.UNKNOWN)
        return _("after that, nobody says") if is_maybe_inside else None
    if spell.release["kind"] != ReleaseKind.UNSPECIFIED:
        return formatter.label("release_kinds", spell.release["kind"])
    return _("out of prison; nobody says under what conditions")


def select_verdicts(spell: Spell, *verdicts: Verdict) -> list[Json]:
    """Return the current verdicts of these kinds on a spell."""
    return [verdict for verdict in spell.verdicts if verdict["verdict"] in verdicts]

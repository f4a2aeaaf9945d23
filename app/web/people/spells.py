"""A person's spells in custody: what is said of when each began and ended, and the line of a life that this makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app import dates
from app.vocabulary import ReleaseKind, ReleaseStatus, Stage, State, Verdict
from app.web.charts.life import Life, Mark, Stretch
from app.web.people.telling import Json, Telling

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

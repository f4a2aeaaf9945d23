"""The model's counts of releases, and overlaps of sources."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

from app.dates import PartialDate, parse_window_end, parse_window_start
from tests.buckets import bucket
from tests.model.model import ASSERTIONS, COUNTING, OF_DETENTION, Registry, Report
from tests.model.spells import told_spells
from tests.model.voices import Release, consolidate, holding, own_fact, releases_at
from tests.model.windows import WindowPosition, find_window_position

Terms = dict[str, Any]
Answer = dict[str, Any]
PERSONAL = ("facility",)
UNITS = ("month", "week", "day")
OPEN = {"kind": "unspecified", "designation": "unstated"}


def many(terms: Terms, name: str) -> list[Any]:
    found = terms.get(name, [])
    return found if isinstance(found, list) else [found]


def _window(terms: Terms) -> tuple[int | None, int | None]:
    start, end = terms.get("released_from"), terms.get("released_to")
    return (None if start is None else parse_window_start(start)), (None if end is None else parse_window_end(end))


def _shown(registry: Registry, person: str, name: str) -> bool:
    """Personal values of people who may only be counted are shown to nobody."""
    return name not in PERSONAL or not registry.closed(person)


def _value(facts: Callable[[str], Any], name: str) -> Any:
    found = facts(name)
    return OPEN.get(name) if found is None else found


def taken_again(registry: Registry, person: str, number: int, source: str | None) -> int | None:
    """The day by which a detention after this spell had begun: as independent sources state it together, or by the word
    of one source."""
    days = []
    for spell in told_spells(registry, person)[number + 1 :]:
        held = holding(spell.reports)
        if source is None:
            stated = [one for one in held if registry.sources[one.source].counts]
            days.append(consolidate(registry, stated, "detained_on", dated=True))
        else:
            days += [one.start for one in held if one.source == source]
    return min((day.hi for day in days if day is not None), default=None)


class Question:
    """Terms asked of a registry: which releases they mean, and what is told of them."""

    def __init__(self, registry: Registry, terms: Terms) -> None:
        self.registry, self.terms = registry, terms
        self.stage: str = terms.get("stage", "carried_out")
        self.window = _window(terms)
        self.every = releases_at(registry, self.stage)

    # --- which releases -------------------------------------------------------------------------------------------

    def _by_verdict(self, release: Release) -> bool:
        """The terms of who verified it, and of its status, are of the release as all sources say it."""
        verified = set(release.verified_by)
        return (
            verified.issuperset(many(self.terms, "verified_by") + many(self.terms, "all_of"))
            and ("any_of" not in self.terms or bool(verified & set(many(self.terms, "any_of"))))
            and ("only_by" not in self.terms or (bool(verified) and verified <= set(many(self.terms, "only_by"))))
            and release.sources >= self.terms.get("min_sources", 0)
            and release.sources == self.terms.get("sources", release.sources)
            and ("status" not in self.terms or release.status in many(self.terms, "status"))
        )

    def _by_value(self, facts: Callable[[str], Any], person: str, *, blind: bool = False) -> bool:
        """The terms of kind, country, designation and facility; `blind` leaves out what may not be shown."""
        for name in ("kind", "country", "designation", "facility"):
            if name not in self.terms:
                continue
            if not _shown(self.registry, person, name):
                if not blind:
                    return False
            elif _value(facts, name) not in many(self.terms, name):
                return False
        return True

    def _net(self, release: Release, source: str | None) -> bool:
        """Net drops a release followed by a detention of the same person that begins by the end of the window."""
        if not self.terms.get("net"):
            return True
        begun, end = taken_again(self.registry, release.person, release.number, source), self.window[1]
        return begun is None or (end is not None and begun > end)

    def _place(self, date: PartialDate | None) -> WindowPosition:
        return find_window_position(date, *self.window)

    def _asked(self, release: Release) -> tuple[str, Report] | None:
        """What the source says whose own values are asked for."""
        source = self.terms.get("source")
        return release.verdicts.get(source) if source else None

    # --- the count ------------------------------------------------------------------------------------------------

    def count(self) -> Answer:
        """Totals and groups, and what could not be dated, shown or looked at."""
        source = self.terms.get("source")
        inside: list[Release] = []
        uncertain: list[Release] = []
        hidden = 0
        asks_closed = any(name in self.terms or name in many(self.terms, "group_by") for name in PERSONAL)
        for release in self.every:
            own = self._asked(release)
            if source and (own is None or own[0] not in ASSERTIONS):
                continue
            facts, date = self._values(release, own)
            if not self._by_verdict(release) or not self._net(release, source):
                continue
            place = self._place(date)
            blind = asks_closed and self.registry.closed(release.person)
            if blind and self._by_value(facts, release.person, blind=True):
                hidden += place == WindowPosition.INSIDE and release.status in COUNTING
            if not self._by_value(facts, release.person):
                continue
            if place == WindowPosition.INSIDE:
                inside.append(release)
            elif place == WindowPosition.UNCERTAIN and release.status in COUNTING:
                uncertain.append(release)
        counted = [one for one in inside if one.status in COUNTING]
        apart = [one for one in counted if one.publish == "counted"]
        answer: Answer = {
            "total": self._total(inside),
            "uncertain_date": len(uncertain),
            "withheld": len({one.person for one in apart}),
            "not_visible": hidden,
        }
        dimensions = many(self.terms, "group_by")
        if "source" in dimensions:
            answer["groups"] = self._source_groups([name for name in dimensions if name != "source"])
        elif dimensions:
            answer["groups"] = self._groups(inside, dimensions)
        return answer

    def _values(self, release: Release, own: tuple[str, Report] | None) -> tuple[Callable[[str], Any], Any]:
        """With a source asked for, its own values; else the consolidated ones."""
        if own is None:
            return release.facts.get, release.date
        report = own[1]

        def fact(name: str) -> Any:
            if name in PERSONAL and self.registry.gone(release.person):
                return None
            return own_fact(release.spell, report, name) if name in OF_DETENTION else report.own(name)

        return fact, report.own(self.stage)

    @staticmethod
    def _total(releases: list[Release]) -> Answer:
        counted = [one for one in releases if one.status in COUNTING]
        most = max((one.sources for one in counted), default=0)
        total: Answer = {
            status: sum(one.status == status for one in releases)
            for status in ("verified", "contested", "reported", "refuted")
        }
        total["releases"] = len(counted)
        total["people"] = len({one.person for one in counted})
        total["counted_apart"] = sum(one.publish == "counted" for one in counted)
        total["by_min_sources"] = {str(k): sum(one.sources >= k for one in counted) for k in range(1, most + 1)}
        return total

    def _key(self, release: Release, dimensions: list[str], own: tuple[str, Report] | None) -> tuple[Any, ...]:
        facts, date = self._values(release, own)
        found: list[Any] = []
        for name in dimensions:
            if name in UNITS:
                found.append(bucket(date, name))  # type: ignore[arg-type]
            elif name == "status":
                found.append(release.status)
            elif name == "sources":
                found.append(release.sources)
            elif not _shown(self.registry, release.person, name):
                found.append("withheld")
            else:
                found.append(_value(facts, name))
        return tuple(found)

    def _groups(self, releases: list[Release], dimensions: list[str]) -> dict[tuple[Any, ...], Answer]:
        sorted_in: dict[tuple[Any, ...], list[Release]] = {}
        for release in releases:
            if release.status in (*COUNTING, "refuted"):
                sorted_in.setdefault(self._key(release, dimensions, self._asked(release)), []).append(release)
        return {key: self._total(some) for key, some in sorted_in.items()}

    def _source_groups(self, others: list[str]) -> dict[tuple[Any, ...], Answer]:
        """Each source's own verdicts, by its own values."""
        groups: dict[tuple[Any, ...], Answer] = {}
        people: dict[tuple[Any, ...], set[str]] = {}
        for release in self.every:
            if not self._by_verdict(release):
                continue
            for source, own in release.verdicts.items():
                if self.terms.get("source", source) != source or not self._net(release, source):
                    continue
                facts, date = self._values(release, own)
                place = self._place(date)
                if place == WindowPosition.OUTSIDE or not self._by_value(facts, release.person):
                    continue
                key = (source, *self._key(release, others, own))
                group = groups.setdefault(key, dict.fromkeys(SOURCE_NUMBERS, 0))
                verdict = own[0]
                if place == WindowPosition.UNCERTAIN:
                    group["uncertain_date"] += verdict in ASSERTIONS
                    continue
                group[verdict] += 1
                if verdict == "verified":
                    group["only_this_source"] += not set(release.confirmed_by) - {source}
                    people.setdefault(key, set()).add(release.person)
        for key, group in groups.items():
            group["people"] = len(people.get(key, ()))
        return {key: group for key, group in groups.items() if any(group.values())}

    # --- overlap --------------------------------------------------------------------------------------------------

    def overlap(self) -> Answer:
        """Which sources verified the same releases: exactly which together, and in pairs."""
        found = [
            one
            for one in self.every
            if one.status in COUNTING
            and self._by_verdict(one)
            and self._net(one, None)
            and self._by_value(one.facts.get, one.person)
            and self._place(one.date) == WindowPosition.INSIDE
        ]
        patterns: dict[tuple[str, ...], int] = {}
        for one in found:
            patterns[one.confirmed_by] = patterns.get(one.confirmed_by, 0) + 1
        sources = sorted({source for one in found for source in one.confirmed_by})
        verified = {source: sum(source in one.confirmed_by for one in found) for source in sources}
        pairs = {(a, b): sum({a, b} <= set(one.confirmed_by) for one in found) for a, b in combinations(sources, 2)}
        return {"releases": len(found), "patterns": patterns, "verified": verified, "both": pairs}


SOURCE_NUMBERS = (
    "verified", "reported", "disputed", "refuted", "retracted", "uncertain_date", "only_this_source", "people",
)  # fmt: skip


def count_releases(registry: Registry, terms: Terms) -> Answer:
    return Question(registry, terms).count()


def count_overlap(registry: Registry, terms: Terms) -> Answer:
    return Question(registry, terms).overlap()

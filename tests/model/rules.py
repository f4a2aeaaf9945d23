"""Model the counting rules (rules 6) from their page alone: `docs/counting-rules.md`.

The model is slow and shares no code with the application except dates. Each function names the rules that it follows.
A comment that starts with "Choice" marks a question that the page leaves open.
"""

import datetime
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.dates import LAST_DAY, PartialDate

LEVELS = {None: 0, "announced": 1, "ordered": 2, "carried_out": 3}  # level 0 is the detention itself
UNKNOWN = PartialDate("unknown", 0, LAST_DAY)


@dataclass(frozen=True)
class Report:
    """The newest version of one report about one person. `values`, `taken_over_values`: field → value."""

    id: str
    source: str
    is_organisation: bool
    is_first_hand: bool
    request: int
    verdict: str
    stage: str | None
    dates: Mapping[str, PartialDate | None]
    taken_over: Mapping[str, PartialDate | None]
    ended: PartialDate | None = None
    pointer: str | None = None
    denies: str = "event"
    revision: int = 0
    review: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    taken_over_values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Detention:
    """The reports of one detention. `begins` is the first possible day of the arrest that cut it off the one before."""

    reports: frozenset[str]
    is_official: bool  # no organisation asserts it
    begins: int | None
    content: tuple[Report, ...]


@dataclass(frozen=True)
class Release:
    """A release at one stage. `status` is `verified`, `refuted`, `contested`, `official_only` or `reported`."""

    status: str
    denied_by: frozenset[str]
    verified_by: frozenset[str]
    date: PartialDate | None
    is_uncertain_date: bool
    is_official: bool  # only governments assert it


@dataclass(frozen=True)
class WindowResult:
    """How a release counts in a window. `status` is None if it is in no total."""

    status: str | None
    confirming: frozenset[str]
    is_uncertain: bool


@dataclass(frozen=True)
class Voice:
    """What one source says about a release at a stage, or about the arrest.

    `report` gives the verdict and the group of the source. The dates may come from other reports of the source.
    """

    report: Report
    own_date: PartialDate | None
    taken_over: PartialDate | None

    @property
    def is_assertion(self) -> bool:
        """Return whether the source asserts."""
        return is_assertion(self.report)


def is_assertion(report: Report) -> bool:
    """Return whether the report asserts what it describes."""
    return report.verdict in ("reported", "verified")


def _is_denial(report: Report) -> bool:
    """Return whether the report is a denial that counts as a voice (rules 2 and 8)."""
    return report.verdict in ("disputed", "refuted") and report.denies == "event" and report.is_first_hand


def _asserts(report: Report, stage: str) -> bool:
    """Return whether the report asserts the stage: a stage includes those before it (rule 1)."""
    return is_assertion(report) and LEVELS[report.stage] >= LEVELS[stage]


def _denies(report: Report, stage: str) -> bool:
    """Return whether the report denies the stage or one before it. A denial of custody denies no release (rule 3)."""
    return _is_denial(report) and 0 < LEVELS[report.stage] <= LEVELS[stage]


def _find_given_date(report: Report, key: str) -> PartialDate | None:
    """Return the report's own date, or the one that it took over (rule 9)."""
    return report.dates.get(key) or report.taken_over.get(key)


def _prefer_first_hand(reports: list[Report]) -> list[Report]:
    """Return the reports of one source that speak: the first-hand ones, or all if there are none (rule 3)."""
    return [report for report in reports if report.is_first_hand] or reports


def _find_newest_date(
    reports: Iterable[Report], find_date: Callable[[Report], PartialDate | None], days: PartialDate = UNKNOWN
) -> PartialDate | None:
    """Return the date of the newest asserting report of one source that gives one in these days (rule 5)."""

    def find_date_within(report: Report) -> PartialDate | None:
        date = find_date(report)
        return date if date and date.overlaps(days) else None

    speaking = _prefer_first_hand([report for report in reports if is_assertion(report) and find_date_within(report)])
    dated = [(report.request, date) for report in speaking if (date := find_date_within(report))]
    # Choice: the later date is the one with the later last day, then the finer one.
    newest = max(dated, key=lambda item: (item[0], item[1].hi, item[1].lo), default=(0, None))
    return newest[1]


def _find_voices(
    reports: Iterable[Report], key: str, rank: Callable[[Report], tuple[object, ...]], days: PartialDate = UNKNOWN
) -> list[Voice]:
    """Return one voice per source. The speaking report with the highest rank decides its verdict."""
    by_source: dict[str, list[Report]] = {}
    for report in reports:
        by_source.setdefault(report.source, []).append(report)
    return [
        Voice(
            report=max(_prefer_first_hand(source_reports), key=rank),
            # Choice: an older own date of a source goes before a newer date that it took over.
            own_date=_find_newest_date(source_reports, lambda report: report.dates.get(key), days),
            taken_over=_find_newest_date(source_reports, lambda report: report.taken_over.get(key), days),
        )
        for source_reports in by_source.values()
    ]


def _find_release_voices(detention: Detention, stage: str) -> list[Voice]:
    """Return the voices on a release at a stage (rule 3)."""

    def rank(report: Report) -> tuple[object, ...]:
        date = report.dates.get(stage) or PartialDate("none", 0, 0)
        return report.verdict != "reported", report.request, _is_denial(report), date.hi, date.lo, report.id

    relevant = [report for report in detention.content if _asserts(report, stage) or _denies(report, stage)]
    return _find_voices(relevant, stage, rank)


def rank_group(report: Report) -> tuple[bool, bool, bool]:
    """Return the rank of the group in which the report votes, the first group highest (rule 5)."""
    return report.is_first_hand and report.verdict == "verified", report.is_first_hand, report.is_organisation


def _find_arrest_voices(detention: Detention) -> list[Voice]:
    """Return what each source says about the arrest. The best group of its reports is its group (rule 5).

    A date is none that lies wholly after the release, or, in a later detention, wholly before its begin.
    """
    known = _leave_out_governments(detention)
    release = find_release(known, "carried_out")
    is_end = release and release.status != "refuted"
    last_day = release.date.hi if release and release.date and is_end else LAST_DAY
    days = PartialDate("possible", detention.begins or 0, last_day)
    asserting = [report for report in detention.content if is_assertion(report)]
    return _find_voices(asserting, "arrest", rank_group, days)


def _list_votes(voices: Iterable[Voice]) -> list[PartialDate]:
    """Return the dates of the first group that gives any: own dates, or else dates taken over (rules 5 and 9)."""
    asserting = [voice for voice in voices if voice.is_assertion]
    asserting = [voice for voice in asserting if voice.report.is_organisation] or asserting
    for rank in sorted({rank_group(voice.report) for voice in asserting}, reverse=True):
        group = [voice for voice in asserting if rank_group(voice.report) == rank]
        own_dates = [voice.own_date for voice in group if voice.own_date]
        votes = own_dates or [voice.taken_over for voice in group if voice.taken_over]
        if votes:
            return votes
    return []


def _count_support(date: PartialDate, votes: Iterable[PartialDate]) -> int:
    return sum(date.is_within(vote) for vote in votes)


def _choose_latest(votes: Sequence[PartialDate]) -> PartialDate | None:
    """Return the date with the most support. A tie goes to the later last day, then to the finer date (rule 5)."""
    return max(votes, key=lambda date: (_count_support(date, votes), date.hi, date.lo), default=None)


def find_arrest_date(detention: Detention) -> PartialDate | None:
    """Return the date of the arrest (rule 5)."""
    votes = _list_votes(_find_arrest_voices(detention))
    # Choice: the earlier date is the one with the earlier first day.
    return max(votes, key=lambda date: (_count_support(date, votes), -date.lo, -date.hi), default=None)


def find_release(detention: Detention, stage: str) -> Release | None:
    """Return the release of a detention at a stage (rules 1, 2, 3 and 5)."""
    if not any(_asserts(report, stage) for report in detention.content):
        return None
    voices = _find_release_voices(detention, stage)
    votes = _list_votes(voices)
    date = _choose_latest(votes)
    asserting = [voice for voice in voices if voice.is_assertion]
    first_hand = [voice for voice in asserting if voice.report.is_first_hand]
    verifying = [voice for voice in first_hand if voice.report.verdict == "verified"]
    denying = []
    for report in [voice.report for voice in voices if not voice.is_assertion]:
        denied_date = report.dates.get(stage) or date
        if not denied_date or not date or denied_date.overlaps(date):
            denying.append(report)
    is_official = not any(voice.report.is_organisation for voice in asserting)
    conditions = {
        "verified": len(verifying) > len(denying),
        "refuted": any(report.verdict == "refuted" for report in denying) and not first_hand,
        "contested": bool(denying),
        "official_only": is_official,
        "reported": True,
    }
    return Release(
        status=next(status for status, is_met in conditions.items() if is_met),
        denied_by=frozenset(report.source for report in denying),
        verified_by=frozenset(voice.report.source for voice in verifying),
        date=date,
        # Choice: only an own date contradicts. A copy is not the source's finding (rule 9).
        is_uncertain_date=any(date and voice.own_date and not voice.own_date.overlaps(date) for voice in first_hand),
        is_official=is_official,
    )


def count_in_window(
    detention: Detention, stage: str, first: int | None, last: int | None, *, is_count_only: bool = False
) -> WindowResult:
    """Count the release of a detention in the days `first` to `last` (rule 6). None leaves a side open.

    `is_count_only`: only sources that verify make its date uncertain (rule 13)."""
    release = find_release(detention, stage)
    if not release or release.status == "official_only":
        return WindowResult(None, frozenset(), False)
    voices = [
        voice
        for voice in _find_release_voices(detention, stage)
        if voice.is_assertion and voice.report.is_first_hand
        if not is_count_only or voice.report.verdict == "verified"
    ]
    own_dates = [voice.own_date for voice in voices if voice.own_date]
    is_uncertain_date = any(release.date and not date.overlaps(release.date) for date in own_dates)
    if first is None and last is None:
        return WindowResult(release.status, release.verified_by, is_uncertain_date)
    window = PartialDate("window", first or 1, last or LAST_DAY)
    if not release.date or not release.date.is_within(window):
        is_inside = any(date.is_within(window) for date in own_dates)
        return WindowResult(None, frozenset(), is_inside or (release.date or window).overlaps(window))
    confirming = find_confirming_sources(detention, stage, first, last)
    status = "reported" if release.status == "verified" and not confirming else release.status
    return WindowResult(status, confirming, is_uncertain_date)


def find_confirming_sources(detention: Detention, stage: str, first: int | None, last: int | None) -> frozenset[str]:
    """Return the sources that confirm the release in the days `first` to `last` (rule 6)."""
    release = find_release(detention, stage)
    verified_by = release.verified_by if release else frozenset()
    if first is None and last is None:
        return verified_by
    window = PartialDate("window", first or 1, last or LAST_DAY)
    dates = {
        voice.report.source: voice.own_date or voice.taken_over for voice in _find_release_voices(detention, stage)
    }
    return frozenset(source for source in verified_by if (date := dates[source]) and date.is_within(window))


def list_asserting(detention: Detention, stage: str | None) -> list[Report]:
    """Return the reports that give the values of a release at a stage, or of the detention if that is None (rule 15).

    A source whose voice is a denial gives none, nor does a government of a release that an organisation asserts (rule
    5). A denial of a release asserts the detention (rule 7).
    """
    if stage is None:
        return [r for r in detention.content if is_assertion(r) or (r.stage and r.denies == "event")]
    sources = {voice.report.source for voice in _find_release_voices(detention, stage) if voice.is_assertion}
    asserting = [r for r in detention.content if _asserts(r, stage) and r.source in sources]
    return [report for report in asserting if report.is_organisation] or asserting


def find_source_row(detention: Detention, source: str, stage: str) -> Detention | None:
    """Return the detention by one source's own reports; None if the source does not assert the stage (rule 9)."""
    own = make_detention([report for report in detention.content if report.source == source], detention.begins)
    return own if any(voice.is_assertion for voice in _find_release_voices(own, stage)) else None


def make_detention(reports: Iterable[Report], begins: int | None) -> Detention:
    """Return the detention that these reports are about."""
    content = tuple(reports)
    return Detention(
        reports=frozenset(report.id for report in content),
        is_official=not any(report.is_organisation and is_assertion(report) for report in content),
        begins=begins,
        content=content,
    )


# People held


def _list_own_dates(reports: Iterable[Report], *keys: str) -> list[PartialDate]:
    return [date for report in reports for key in keys if (date := report.dates.get(key))]


def _leave_out_governments(detention: Detention) -> Detention:
    """Leave out the governments' reports if an organisation asserts the detention (rule 7)."""
    kept = [report for report in detention.content if report.is_organisation or detention.is_official]
    return make_detention(kept, detention.begins)


def _find_begin(detention: Detention) -> PartialDate:
    """Return the days on which the detention may have begun (rule 7)."""
    arrest = find_arrest_date(detention) or UNKNOWN
    custody_dates = _list_own_dates(filter(is_assertion, detention.content), "arrest", "sighting")
    # Choice: a date wholly before the arrest that began a later detention is no begin either.
    dates = [date for date in custody_dates if date.hi >= (detention.begins or 0)]
    # Choice: the earliest date is the one with the earliest last day, then the finer one.
    earliest = min([arrest, *dates], key=lambda date: (date.hi, -date.lo))
    return earliest if earliest.hi < arrest.lo else PartialDate("begin", arrest.lo, earliest.hi)


def _find_end_voices(detention: Detention) -> list[Voice]:
    """Return what each source says about an end other than a release. It is dated like the arrest (rule 7)."""
    ending = [replace(report, dates={"end": report.ended}, taken_over={}) for report in detention.content]
    return _find_voices([report for report in ending if is_assertion(report) and report.ended], "end", rank_group)


def _list_ends(detention: Detention) -> list[PartialDate]:
    """Return the days after which the detention may have ended (rule 7)."""
    ends = [date] if (date := _choose_latest(_list_votes(_find_end_voices(detention)))) else []
    release = find_release(detention, "carried_out")
    if release and release.status != "refuted":
        # Choice: a report shows the person inside from the first possible day of its arrest or sighting.
        inside = _list_own_dates(filter(is_assertion, detention.content), "arrest")
        inside += _list_own_dates(detention.content, "sighting")
        date = release.date or PartialDate("unknown", max((date.lo for date in inside), default=0), LAST_DAY)
        # A contested release never ends the detention: all days after its date are uncertain.
        last = LAST_DAY if release.status == "contested" else date.hi
        ends.append(PartialDate("end", date.lo, last))
    return ends


def _is_denial_of_custody(report: Report, reports: Iterable[Report]) -> bool:
    """Return whether the report denies custody and its source filed no newer report of the detention (rule 7)."""
    newest = max(other.request for other in reports if other.source == report.source)
    return _is_denial(report) and not report.stage and report.request == newest


def is_refuted(detention: Detention) -> bool:
    """Return whether first-hand sources refute the detention, and none asserts it first-hand (rule 7)."""

    def rank(report: Report) -> tuple[object, ...]:
        sighting = report.dates.get("sighting") or PartialDate("none", 0, 0)
        return report.verdict != "reported", report.request, _is_denial(report), sighting.hi, report.id

    by_source: dict[str, list[Report]] = {}
    for report in detention.content:
        if is_assertion(report) or report.denies == "event":
            by_source.setdefault(report.source, []).append(report)
    voices = []
    for source_reports in by_source.values():
        speaking = _prefer_first_hand(source_reports)
        # A report of a release, or a denial of one, asserts the detention.
        voices.append(max([report for report in speaking if report.stage] or speaking, key=rank))
    first_hand = [voice for voice in voices if voice.is_first_hand]
    is_asserted = any(voice.stage or is_assertion(voice) for voice in first_hand)
    return not is_asserted and any(voice.verdict == "refuted" for voice in first_hand)


def is_rearrested(detentions: Sequence[Detention], detention: Detention, end: int | None) -> bool:
    """Return whether a later detention that organisations assert had begun by a day (rule 17)."""
    later = detentions[detentions.index(detention) + 1 :]
    arrests = [find_arrest_date(one) for one in later if not one.is_official and not is_refuted(one)]
    return any(arrest and (end is None or arrest.hi <= end) for arrest in arrests)


def is_rearrested_by(source: str, later: Iterable[Detention], end: int | None) -> bool:
    """Return whether a source gives an arrest by a day that begins a later detention (rule 17)."""
    own = [report for one in later for report in one.content if report.source == source and is_assertion(report)]
    arrests = [_find_given_date(report, "arrest") for report in own]
    return any(arrest and (end is None or arrest.hi <= end) for arrest in arrests)


def is_held(detention: Detention, day: int, house_arrest: bool = False) -> str:
    """Return `held`, `held_uncertain`, `not_held` or `not_held_uncertain` (rule 7).

    `house_arrest` changes nothing: the model has no kinds.
    """
    answer = _is_held_unless_refuted(detention, day)
    return "not_held_uncertain" if answer.startswith("held") and is_refuted(detention) else answer


def _is_held_unless_refuted(detention: Detention, day: int) -> str:
    known = _leave_out_governments(detention)
    begin, ends = _find_begin(known), _list_ends(known)
    release = find_release(known, "carried_out")
    releases = _find_release_voices(known, "carried_out") if release and release.status != "refuted" else []
    leaving = [*_find_end_voices(known), *(voice for voice in releases if voice.is_assertion)]
    if begin.lo > day:
        return "not_held"
    if any(end.hi < day for end in ends):
        last_day = min(end.hi for end in ends)
        later = _list_own_dates(filter(is_assertion, known.content), "carried_out", "arrest")
        later += _list_own_dates(known.content, "sighting")
        is_contradicted = any(last_day < date.lo and day <= date.hi for date in later)
        return "not_held_uncertain" if is_contradicted else "not_held"
    if begin.hi > day or any(end.lo < day for end in ends):
        return "not_held_uncertain"
    is_denied = (
        any(voice.own_date and voice.own_date.hi < day for voice in leaving if voice.report.is_first_hand)
        or any(
            voice.own_date and voice.own_date.lo > day
            for voice in _find_arrest_voices(known)
            if voice.report.is_first_hand
        )
        or any(_is_denial_of_custody(report, known.content) for report in known.content)
    )
    return "held_uncertain" if is_denied else "held"


def is_heard_of(detention: Detention, day: int, held_within: int) -> bool:
    """Return whether a report shows the person inside within so many years before the day, or on no known day (rule 7).

    A date counts by its last possible day; an end shows the person inside until then.
    """
    known = list(filter(is_assertion, _leave_out_governments(detention).content))
    given = [_find_given_date(report, key) for report in known for key in ("arrest", "sighting")]
    given += [date for report in known for date in (_find_carried_out(report), report.ended) if date]
    days = [partial_date.hi for partial_date in given if partial_date]
    year, month, day_of_month = datetime.date.fromordinal(day).timetuple()[:3]
    earlier = year - held_within
    if (month, day_of_month) == (2, 29):
        day_of_month = monthrange(earlier, month)[1]
    return not days or max(days) >= datetime.date(earlier, month, day_of_month).toordinal()


# Detentions


def _find_carried_out(report: Report) -> PartialDate | None:
    return _find_given_date(report, "carried_out") if report.stage == "carried_out" else None


def _cut_detentions(reports: Sequence[Report]) -> list[int]:
    """Return the first day of each detention, 0 for the first one (rule 4), by the dates of reports that assert."""
    arrests = [date for report in reports if (date := _find_given_date(report, "arrest"))]
    sightings = [date for report in reports if (date := _find_given_date(report, "sighting"))]
    releases = [date for report in reports if (date := _find_carried_out(report))]
    begins = [0]
    for arrest in sorted(arrests, key=lambda date: (date.lo, date.hi)):
        is_divided = any(
            begins[-1] <= custody.lo <= custody.hi <= release.lo <= release.hi <= arrest.lo
            and begins[-1] < release.lo
            and custody.hi < arrest.lo
            for release in releases
            for custody in arrests + sightings
        )
        if is_divided:
            begins.append(arrest.lo)
    return begins


def _find_place(report: Report, begins: Sequence[int]) -> int | None:
    """Return the index of the detention that the report's dates choose (rule 10, 2 to 4)."""
    ends = [_find_carried_out(report), report.ended]
    others = [_find_given_date(report, key) for key in ("arrest", "sighting", "ordered", "announced")]
    # Choice: a detention begins on the first possible day of the arrest that cuts it off.
    fits = [range(bisect_left(begins, date.lo) - 1, bisect_left(begins, date.hi)) for date in ends if date]
    fits += [range(bisect_right(begins, date.lo) - 1, bisect_right(begins, date.hi)) for date in others if date]
    fitting = set(range(len(begins)))
    for indexes in fits:
        fitting = fitting.intersection(indexes) or fitting
    return min(fitting) if fits else None


def _find_root(report: Report, by_id: Mapping[str, Report]) -> Report:
    """Return the report at the end of the pointers: of a circle the earliest dated one.

    A pointer to an unknown report is no pointer, nor is an organisation's to a government's report (rule 10, 1).
    """
    path = [report]
    while target := by_id.get(path[-1].pointer or ""):
        if path[-1].is_organisation and not target.is_organisation:
            break
        if target in path:
            return min(path[path.index(target) :], key=lambda r: (r.verdict == "retracted", _rank_by_dates(r)))
        path.append(target)
    return path[-1]


def _list_dates(report: Report) -> list[PartialDate]:
    """Return the dates that may place a report (rule 10, 2 to 4)."""
    others = [_find_given_date(report, key) for key in ("arrest", "sighting", "ordered", "announced")]
    return [date for date in (_find_carried_out(report), report.ended, *others) if date]


def _find_placing(root: Report, pointing: Iterable[Report]) -> Report:
    """Return the report whose dates place the root and the reports that point at it (rule 10, 1)."""
    others = [report for report in pointing if is_assertion(report) and _list_dates(report)]
    if root.is_organisation:
        others = [report for report in others if report.is_organisation]
    if _list_dates(root) or not others:
        return root
    return min(others, key=_rank_by_dates)


def _rank_by_dates(report: Report) -> tuple[object, ...]:
    """Return the sort key of the earliest dated report. Choice: a tie goes by the texts of the dates in their order."""
    earliest = min(((date.lo, date.hi) for date in _list_dates(report)), default=(LAST_DAY, LAST_DAY))
    named = [
        _find_carried_out(report),
        report.ended,
        *(_find_given_date(report, key) for key in ("arrest", "sighting")),
    ]
    stages = [_find_given_date(report, key) for key in ("ordered", "announced")]
    texts = ["" if date is None else date.text for date in (*named, *filter(None, stages))]
    return earliest, texts, report.id


def _find_latest(places: Mapping[str, int], reports: Iterable[Report], begins: Sequence[int]) -> int:
    """Return the index of the latest detention in which one of these reports asserts a release (rule 10, 5)."""
    with_release = [places[report.id] for report in reports if report.stage and report.id in places]
    return max(with_release, default=len(begins) - 1)


def _place(
    placing: Mapping[str, Report], begins: Sequence[int], latest_release: int, ids: Iterable[str]
) -> dict[str, int]:
    """Return the index of the detention of each of these reports. `placing`: the report whose dates place a report."""
    places = {}
    for report_id in ids:
        report = placing[report_id]
        place = _find_place(report, begins)
        undated = latest_release if report.stage else len(begins) - 1
        places[report_id] = undated if place is None else place
    return places


def _divide(
    reports: Sequence[Report], placing: Mapping[str, Report], roots: Mapping[str, Report], witnesses: Sequence[Report]
) -> tuple[list[int], dict[str, int]]:
    """Cut the detentions by the dates of the witnesses, and return the index of each report's detention."""
    begins = _cut_detentions(witnesses)
    units = {roots[witness.id].id for witness in witnesses}
    standing = [report.id for report in reports if roots[report.id].id in units]
    dated = [report_id for report_id in standing if _list_dates(placing[report_id])]
    places = _place(placing, begins, 0, dated)
    latest = _find_latest(places, witnesses, begins)
    places |= _place(placing, begins, latest, [report_id for report_id in standing if report_id not in places])
    used = sorted(set(places.values())) or [0]  # a cut after which no witness is placed falls away
    begins, places = [begins[index] for index in used], {key: used.index(index) for key, index in places.items()}
    latest = _find_latest(places, witnesses, begins)
    rest = [report.id for report in reports if report.id not in places]
    return begins, places | _place(placing, [0, *begins[1:]], latest, rest)


def _fits(report: Report, organisations: Iterable[Report]) -> bool:
    """Return whether a government's report fits the detention of these organisations' reports (rule 10)."""
    arrests = [date.lo for other in organisations if (date := _find_given_date(other, "arrest"))]
    releases = [date.hi for other in organisations if (date := _find_carried_out(other))]
    release = _find_carried_out(report) or UNKNOWN
    arrest = _find_given_date(report, "arrest") or UNKNOWN
    return release.hi >= min(arrests, default=0) and arrest.lo <= max(releases, default=LAST_DAY)


def _find_first_day(detention: Detention) -> int:
    """Return the first possible day of all dates in a detention; a detention without one comes last (rule 17)."""
    dates = [date for report in detention.content for date in (*report.dates.values(), *report.taken_over.values())]
    dates += [report.ended for report in detention.content]
    return min((date.lo for date in dates if date), default=LAST_DAY)


def find_detentions(reports: Sequence[Report], *, is_asserted: bool = True) -> list[Detention]:
    """Cut one person's detentions and place each report (rules 4 and 10).

    `is_asserted`: leave out detentions that nobody asserts."""
    by_id = {report.id: report for report in reports}
    roots = {report.id: _find_root(report, by_id) for report in reports}
    placing = {
        report.id: _find_placing(
            roots[report.id], [other for other in reports if roots[other.id] == roots[report.id] != other]
        )
        for report in reports
    }

    def make_detentions(begins: Sequence[int], places: Mapping[str, int]) -> list[Detention]:
        standing = [report for report in reports if report.verdict != "retracted"]
        return [
            make_detention([r for r in standing if places.get(r.id) == index], begin or None)
            for index, begin in enumerate(begins)
        ]

    asserting = [report for report in reports if is_assertion(report)]
    organisations = [report for report in asserting if report.is_organisation]
    known = [report for report in reports if roots[report.id].is_organisation]
    begins, places = _divide(known, placing, roots, organisations)
    latest = _find_latest(places, organisations, begins)
    for report in reports if organisations else []:
        if report in known:
            continue
        own_place = _place(placing, [0, *begins[1:]], latest, [report.id])[report.id]
        for index in (own_place, *range(len(begins))):
            content = [other for other in organisations if places[other.id] == index]
            if report.id not in places and _fits(placing[report.id], content):
                places[report.id] = index
    # Denials of organisations that assert nothing are placed among the governments' reports.
    rest = [report for report in reports if report.id not in places] if organisations else list(reports)
    witnesses = [report for report in asserting if report in rest]
    if organisations and not witnesses:  # a denial creates no detention (rule 1)
        places |= _place(placing, [0, *begins[1:]], latest, [report.id for report in rest])
    detentions = make_detentions(begins, places) if organisations else []
    for official in make_detentions(*_divide(rest, placing, roots, witnesses)) if witnesses else []:
        later = [n for n, one in enumerate(detentions) if _find_first_day(one) > _find_first_day(official)]
        detentions.insert(later[0] if later else len(detentions), official)
    if not is_asserted:
        return detentions or make_detentions([0], dict.fromkeys([report.id for report in reports], 0))
    return [detention for detention in detentions if any(is_assertion(report) for report in detention.content)]

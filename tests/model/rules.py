"""Model the counting rules (rules 6) from their page alone: `docs/counting-rules.md`.

The model is slow and shares no code with the application except dates. Each function names the rules that it follows.
A comment that starts with "Choice" marks a question that the page leaves open.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.dates import LAST_DAY, PartialDate

LEVELS = {None: 0, "announced": 1, "ordered": 2, "carried_out": 3}  # level 0 is the detention itself


@dataclass(frozen=True)
class Report:
    """The newest version of one report about one person."""

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


@dataclass(frozen=True)
class Detention:
    """The reports of one detention. `begins` is the first possible day of the arrest that cut it off the one before."""

    reports: frozenset[str]
    is_official: bool  # no organisation asserts it
    begins: int | None
    content: tuple[Report, ...]


@dataclass(frozen=True)
class Release:
    """A release at one stage."""

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
class Voices:
    """The report of each source that speaks, in the groups of rule 5, and the reports that deny."""

    verifying: list[Report]
    reporting: list[Report]  # other first-hand sources that assert
    organisations: list[Report]  # other organisations that assert
    governments: list[Report]
    denying: list[Report]

    def list_groups(self) -> list[list[Report]]:
        """Return the groups that vote on a date, the first one first (rule 5)."""
        organisations = [self.verifying, self.reporting, self.organisations]
        return organisations if any(organisations) else [self.governments]


def is_assertion(report: Report) -> bool:
    """Return whether the report asserts what it describes."""
    return report.verdict in ("reported", "verified")


def _is_denial(report: Report) -> bool:
    return report.verdict in ("disputed", "refuted") and report.denies == "event"


def _asserts(report: Report, stage: str | None) -> bool:
    """Return whether the report asserts the stage: a stage includes those before it (rule 1)."""
    return is_assertion(report) and LEVELS[report.stage] >= LEVELS[stage]


def _denies(report: Report, stage: str | None) -> bool:
    """Return whether the report denies the stage or one before it. A denial of custody denies no release (rule 3)."""
    return _is_denial(report) and min(1, LEVELS[stage]) <= LEVELS[report.stage] <= LEVELS[stage]


def _find_given_date(report: Report, key: str) -> PartialDate | None:
    """Return the report's own date, or the one that it took over (rule 9)."""
    return report.dates.get(key) or report.taken_over.get(key)


def _find_source_voices(reports: Iterable[Report], key: str) -> list[Report]:
    """Return the report that speaks for each source (rule 3), out of reports that assert or deny one thing."""
    by_source: dict[str, list[Report]] = {}
    for report in reports:
        by_source.setdefault(report.source, []).append(report)

    def rank(report: Report) -> tuple[bool, int, bool, int, int, str]:
        date = _find_given_date(report, key)
        # Choice: the later date is the one with the later last day, then the finer one. No date ranks lowest.
        last_day, first_day = (date.hi, date.lo) if date else (0, 0)
        return (report.verdict != "reported", report.request, _is_denial(report), last_day, first_day, report.id)

    return [max(own_reports, key=rank) for own_reports in by_source.values()]


def _find_voices(reports: Iterable[Report], stage: str | None, key: str) -> Voices:
    """Return the voices on a stage, or on the detention itself (rules 2, 3, 5 and 8)."""
    relevant = [report for report in reports if _asserts(report, stage) or _denies(report, stage)]
    # Choice: a second-hand report never replaces a first-hand one, even if it is newer.
    first_hand = _find_source_voices([report for report in relevant if report.is_first_hand], key)
    heard = {report.source for report in first_hand}
    # Choice: only first-hand denials deny. A second-hand denial, or one of a government, does not silence its source.
    rest = _find_source_voices([r for r in relevant if is_assertion(r) and r.source not in heard], key)
    return Voices(
        verifying=[report for report in first_hand if report.verdict == "verified"],
        reporting=[report for report in first_hand if report.verdict == "reported"],
        organisations=[report for report in rest if report.is_organisation],
        governments=[report for report in rest if not report.is_organisation],
        denying=[report for report in first_hand if _is_denial(report)],
    )


def _list_own_dates(reports: Iterable[Report], key: str) -> list[PartialDate]:
    return [date for report in reports if (date := report.dates.get(key))]


def _list_group_votes(voices: Voices, key: str) -> list[PartialDate]:
    """Return the dates of the first group that gives any: own dates, or else dates taken over (rules 5 and 9)."""
    for group in voices.list_groups():
        taken_over = [date for report in group if (date := report.taken_over.get(key))]
        votes = _list_own_dates(group, key) or taken_over
        if votes:
            return votes
    return []


def _count_support(date: PartialDate, votes: Iterable[PartialDate]) -> int:
    return sum(date.is_within(vote) for vote in votes)


def _find_release_date(voices: Voices, stage: str) -> PartialDate | None:
    votes = _list_group_votes(voices, stage)
    return max(votes, key=lambda date: (_count_support(date, votes), date.hi, date.lo), default=None)


def find_arrest_date(detention: Detention) -> PartialDate | None:
    """Return the date of the arrest (rule 5)."""
    # Choice: a source speaks on the arrest with its newest report that gives an arrest.
    speaking = []
    for report in detention.content:
        date = _find_given_date(report, "arrest")
        if _is_denial(report) or (date and date.hi >= (detention.begins or 0)):
            speaking.append(report)
    votes = _list_group_votes(_find_voices(speaking, None, "arrest"), "arrest")
    # Choice: the earlier date is the one with the earlier first day, then the finer one.
    return max(votes, key=lambda date: (_count_support(date, votes), -date.lo, -date.hi), default=None)


def find_release(detention: Detention, stage: str) -> Release | None:
    """Return the release of a detention at a stage (rules 1, 2, 3 and 5)."""
    if not any(_asserts(report, stage) for report in detention.content):
        return None
    voices = _find_voices(detention.content, stage, stage)
    # Choice: a source whose voice is a denial has no vote, even if the denial then turns out not to count.
    date = _find_release_date(voices, stage)
    denying = []
    for report in voices.denying:
        # Choice: a denial names only its own date, and the date of the stage that is counted.
        denied_date = report.dates.get(stage)
        if not denied_date or not date or denied_date.overlaps(date):
            denying.append(report)
    first_hand = voices.verifying + voices.reporting
    if len(voices.verifying) > len(denying):
        status = "verified"
    elif any(report.verdict == "refuted" for report in denying) and not first_hand:
        status = "refuted"
    elif denying:
        status = "contested"
    else:
        status = "reported"
    return Release(
        status=status,
        denied_by=frozenset(report.source for report in denying),
        verified_by=frozenset(report.source for report in voices.verifying),
        date=date,
        # Choice: only an own date contradicts. A copy is not the source's finding (rule 9).
        is_uncertain_date=any(date and not own.overlaps(date) for own in _list_own_dates(first_hand, stage)),
        is_official=not (first_hand or voices.organisations),
    )


def count_in_window(detention: Detention, stage: str, first: int | None, last: int | None) -> WindowResult:
    """Count the release of a detention in the days `first` to `last` (rule 6). None leaves a side open."""
    release = find_release(detention, stage)
    # Choice: a release that only governments assert is in a total if an organisation denies it first-hand (rule 1).
    if not release or (release.is_official and not release.denied_by):
        return WindowResult(None, frozenset(), False)
    if first is None and last is None:
        return WindowResult(release.status, release.verified_by, release.is_uncertain_date)
    window = PartialDate("window", first or 1, last or LAST_DAY)
    if not release.date or (release.date.overlaps(window) and not release.date.is_within(window)):
        return WindowResult(None, frozenset(), True)
    voices = _find_voices(detention.content, stage, stage)
    if not release.date.overlaps(window):
        own_dates = _list_own_dates(voices.verifying + voices.reporting, stage)
        return WindowResult(None, frozenset(), any(date.is_within(window) for date in own_dates))
    confirming = set()
    for report in voices.verifying:
        date = _find_given_date(report, stage)
        if date and date.is_within(window):
            confirming.add(report.source)
    status = "reported" if release.status == "verified" and not confirming else release.status
    return WindowResult(status, frozenset(confirming), release.is_uncertain_date)


def find_source_row(reports: Sequence[Report], detention: Detention, source: str, stage: str) -> Release | None:
    """Return the release that one source's own reports of this detention show (rule 9)."""
    own_reports = [report for report in reports if report.id in detention.reports and report.source == source]
    return find_release(_make_detention(own_reports, detention.begins), stage)


def _make_detention(reports: Iterable[Report], begins: int | None) -> Detention:
    content = tuple(reports)
    return Detention(
        reports=frozenset(report.id for report in content),
        is_official=not any(report.is_organisation and is_assertion(report) for report in content),
        begins=begins,
        content=content,
    )


# People held


def _leave_out_governments(detention: Detention) -> Detention:
    """Leave out the governments' reports if an organisation reports the detention (rule 7)."""
    if detention.is_official:
        return detention
    return _make_detention([report for report in detention.content if report.is_organisation], detention.begins)


def _find_begin(detention: Detention) -> tuple[int, int] | None:
    """Return the first and last day on which the detention may have begun (rule 7)."""
    asserting = [report for report in detention.content if is_assertion(report)]
    arrest = find_arrest_date(detention)
    dates = _list_own_dates(asserting, "arrest") + _list_own_dates(asserting, "sighting")
    # Choice: a date wholly before the detention was cut off is no begin either. Dates are compared by last day.
    dates = [date for date in dates if date.hi >= (detention.begins or 0)]
    if arrest:
        dates.append(arrest)
    if not dates:
        return None
    earliest = min(dates, key=lambda date: (date.hi, -date.lo))
    return min(earliest.lo, (arrest or earliest).lo), earliest.hi


def _list_ends(detention: Detention, release: Release | None) -> list[PartialDate]:
    """Return the ends of the detention (rule 7)."""
    ends = [r.ended for r in detention.content if r.ended and r.is_organisation and is_assertion(r)]
    if release and release.date and release.status in ("verified", "reported"):
        ends.append(release.date)
    return ends


def is_held(detention: Detention, day: int, house_arrest: bool = False) -> str:
    """Return `held`, `held_uncertain`, `not_held` or `not_held_uncertain` (rule 7).

    `house_arrest` changes nothing: the model has no kinds.
    """
    known = _leave_out_governments(detention)
    asserting = [report for report in known.content if is_assertion(report)]
    release = find_release(known, "carried_out")
    voices = _find_voices(known.content, "carried_out", "carried_out")
    first_hand = voices.verifying + voices.reporting
    begin, ends = _find_begin(known), _list_ends(known, release)
    if any(end.hi < day for end in ends):
        end_day = min(end.hi for end in ends)
        later = _list_own_dates(first_hand + voices.organisations, "carried_out")
        later += _list_own_dates(asserting, "sighting")
        is_contradicted = any(end_day < date.lo and day <= date.hi for date in later)
        return "not_held_uncertain" if is_contradicted else "not_held"
    if begin and begin[0] > day:
        return "not_held"
    # Choice: a contested release is uncertain from the day after its date, or its first possible day.
    if release and release.status != "refuted":
        ends.append(release.date or PartialDate("unknown", 0, LAST_DAY))
    if not begin or begin[1] > day or any(end.lo < day for end in ends):
        return "not_held_uncertain"
    arrests = _find_voices([report for report in asserting if report.dates.get("arrest")], None, "arrest")
    is_denied = (
        any(date.hi < day for date in _list_own_dates(first_hand, "carried_out"))
        or any(date.lo > day for date in _list_own_dates(arrests.verifying + arrests.reporting, "arrest"))
        or bool(_find_voices(known.content, None, "arrest").denying)
    )
    return "held_uncertain" if is_denied else "held"


# Detentions


def _find_carried_out(report: Report) -> PartialDate | None:
    return report.dates.get("carried_out") if report.stage == "carried_out" else None


def _cut_detentions(reports: Sequence[Report]) -> list[int]:
    """Return the first day of each detention, 0 for the first one (rule 4). The reports assert, by organisations."""
    arrests = sorted(_list_own_dates(reports, "arrest"), key=lambda date: (date.lo, date.hi))
    custody_dates = arrests + _list_own_dates(reports, "sighting")
    release_dates = [date for report in reports if (date := _find_carried_out(report))]
    begins = [0]
    for arrest in arrests:
        is_divided = any(
            begins[-1] <= custody.lo and custody.hi <= release.lo and release.hi <= arrest.lo and custody.hi < arrest.lo
            for release in release_dates
            for custody in custody_dates
        )
        if is_divided:
            begins.append(arrest.lo)
    return begins


def _find_place(report: Report, begins: Sequence[int]) -> int | None:
    """Return the index of the detention that the report's own dates choose (rule 10, 2 to 4)."""
    arrest, release = report.dates.get("arrest"), _find_carried_out(report)
    if release:
        first, last = (sum(begin < day for begin in begins[1:]) for day in (release.lo, release.hi))
        if first == last or not arrest:
            return first
    other_dates = [
        report.dates.get("sighting"),
        report.ended,
        report.dates.get("ordered"),
        report.dates.get("announced"),
    ]
    for date in [arrest, *other_dates]:
        if date:
            # Choice: a coarse arrest or sighting is placed by its first day; on the day of an arrest, in the new one.
            return sum(begin <= date.lo for begin in begins[1:])
    return None


def _find_root(report: Report, by_id: Mapping[str, Report]) -> Report:
    """Return the report at the end of the pointers. A pointer to an unknown report, or back, is no pointer."""
    seen = {report.id}
    while report.pointer and report.pointer in by_id and report.pointer not in seen:
        report = by_id[report.pointer]
        seen.add(report.id)
    return report


def _fits(report: Report, detention: Detention) -> bool:
    """Return whether a government's report fits an organisation's detention (rule 10)."""
    release, arrest = report.dates.get(report.stage or ""), report.dates.get("arrest")
    begin, ends = _find_begin(detention), _list_ends(detention, find_release(detention, "carried_out"))
    is_before = bool(release and begin and release.hi < begin[0])
    is_after = bool(arrest and ends and arrest.lo > min(end.hi for end in ends))
    return not is_before and not is_after


def find_detentions(reports: Sequence[Report]) -> list[Detention]:
    """Cut one person's detentions and place each report (rules 4 and 10)."""
    by_id = {report.id: report for report in reports}
    roots = {report.id: _find_root(report, by_id).id for report in reports}
    standing = [report for report in reports if report.verdict != "retracted"]
    organisation_reports = [report for report in standing if report.is_organisation]
    begins = _cut_detentions([report for report in organisation_reports if is_assertion(report)])

    # Each root is placed in a detention of organisations (an index), or apart (None).
    places = {root: _find_place(by_id[root], begins) for root in set(roots.values())}
    # Choice: reports that point at a dated report count here, and undated reports do not.
    release_places = [
        place
        for report in organisation_reports
        if is_assertion(report)
        and report.stage
        and (place := places[roots[report.id]]) is not None
        and by_id[roots[report.id]].is_organisation
    ]
    latest = len(begins) - 1
    for root, place in places.items():
        if place is None:
            places[root] = max(release_places, default=latest) if by_id[root].stage else latest

    # Choice: a detention of organisations exists if an organisation filed any report, also a denial.
    detentions = [
        _make_detention(
            [r for r in organisation_reports if by_id[roots[r.id]].is_organisation and places[roots[r.id]] == index],
            begin or None,
        )
        for index, begin in enumerate(begins)
    ] * bool(organisation_reports)
    for root, place in places.items():
        if not by_id[root].is_organisation:
            # Choice: a government's report that does not fit its place joins the earliest detention that it fits.
            fitting = [index for index, detention in enumerate(detentions) if _fits(by_id[root], detention)]
            places[root] = place if place in fitting else min(fitting, default=None)
        elif not detentions:
            places[root] = None

    grouped: list[Detention] = [
        _make_detention([report for report in standing if places[roots[report.id]] == index], begin or None)
        for index, begin in enumerate(begins)
    ]
    # Choice: each report of a government that fits none is a detention of its own, with the reports that point at it.
    grouped += [
        _make_detention([report for report in standing if roots[report.id] == root], None)
        for root in sorted(root for root, place in places.items() if place is None)
    ]
    return [detention for detention in grouped if any(is_assertion(report) for report in detention.content)]

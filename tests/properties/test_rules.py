"""What the counting rules promise, over histories drawn by seed: pure, without a database."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from app.projection.custody import Custody, StageRelease
from app.projection.status import asserts_stage
from app.vocabulary import Stage
from tests.drawn import examples
from tests.model.compare import DAYS, STAGES, read_custodies, read_held
from tests.model.histories import draw_reports
from tests.model.rules import Report, count_in_window, find_detentions, find_release
from tests.model.statements import make_statements
from tests.properties.test_held import told

SEEDS = st.integers(0, 2**32)
COUNTED = ("verified", "contested", "reported")
NEW_SOURCE = "vera"
WINDOW = (DAYS[0], DAYS[-1])


def read(reports: Sequence[Report]) -> list[Custody]:
    return read_custodies(make_statements(reports)) if reports else []


def list_releases(custodies: Iterable[Custody], stage: Stage = Stage.CARRIED_OUT) -> list[StageRelease]:
    return [custody.stages[stage] for custody in custodies if stage in custody.stages]


def count(custodies: Sequence[Custody]) -> dict[str, int]:
    """The numbers of releases that a further source may only raise."""
    releases = list_releases(custodies)
    verified = [release for release in releases if release.status == "verified"]
    confirmations = [release.verified_count for release in releases if release.status in COUNTED]
    return {
        "releases": sum(release.status in COUNTED for release in releases),
        "verified": len(verified),
        **{f"by {k} sources": sum(number >= k for number in confirmations) for k in (1, 2, 3, 4)},
    }


def held_days(custody: Custody) -> list[str]:
    days = custody.find_held_days(None, house_arrest=False)
    return [read_held(days, day) for day in DAYS]


def standing_ids(custody: Custody, among: Iterable[Report]) -> frozenset[str]:
    """The ids of the statements of a detention that are among these reports."""
    ids = {report.id for report in among}
    return frozenset(one.id for one in custody.statements if one.id in ids and not one.is_retracted)


@examples(300)
@given(SEEDS)
def test_one_more_source_that_agrees_with_what_is_shown_lowers_no_count(seed: int) -> None:
    random, reports = Random(seed), draw_reports(seed)
    before = read(reports)
    shown = [(c, r) for c in before if (r := c.stages.get(Stage.CARRIED_OUT)) is not None and r.status in COUNTED]
    assume(shown)
    custody, release = random.choice(shown)
    asserting = [statement for statement in custody.statements if asserts_stage(statement, Stage.CARRIED_OUT)]
    pointed = max(asserting, key=lambda statement: statement.source.independent)
    dates = {"carried_out": release.date.date, "arrest": custody.arrest.date}
    is_own = random.random() < 0.5
    agreeing = Report(
        id="agreeing",
        source=NEW_SOURCE,
        is_organisation=True,
        is_first_hand=True,
        request=9,
        verdict="verified",
        stage="carried_out",
        dates=dates if is_own else {},
        taken_over={} if is_own else dates,
        pointer=pointed.id,
    )
    after = count(read([*reports, agreeing]))
    assert all(after[name] >= number for name, number in count(before).items()), (after, told(reports))


@examples(300)
@given(SEEDS, SEEDS)
def test_a_denial_creates_ends_divides_and_dates_nothing(seed: int, other_seed: int) -> None:
    reports = draw_reports(seed)
    denial = replace(
        draw_reports(other_seed)[0],
        id="denial",
        source=NEW_SOURCE,
        is_organisation=True,
        request=9,
        verdict=Random(other_seed).choice(("disputed", "refuted")),
        ended=None,
    )
    before = {standing_ids(custody, reports): custody for custody in read(reports)}
    after = {standing_ids(custody, reports): custody for custody in read([*reports, denial])}
    assert before.keys() == after.keys(), told([*reports, denial])
    for ids, custody in before.items():
        denied = after[ids]
        for stage, release in custody.stages.items():
            assert denied.stages[stage].date == release.date
        days = list(zip(held_days(custody), held_days(denied), strict=True))
        is_refuted = denied.ending_release is None and custody.ending_release is not None
        if denied.arrest.date == custody.arrest.date:
            assert all(now.startswith("held") for then, now in days if then.startswith("held")), told(
                [*reports, denial]
            )
        else:  # without the release, a later arrest is possible
            assert is_refuted
        if not is_refuted and custody.other_end is None:
            assert all(then == "not_held" for then, now in days if now == "not_held"), told([*reports, denial])


@examples(300)
@given(SEEDS)
def test_a_government_moves_no_verified_release_and_no_day_in_custody(seed: int) -> None:
    reports = draw_reports(seed)
    organisations = [report for report in reports if report.is_organisation]

    def describe(custodies: Iterable[Custody]) -> dict[frozenset[str], Any]:
        return {
            standing_ids(custody, organisations): (
                [
                    (release.verified_count, release.date if release.status == "verified" else None)
                    for stage in STAGES
                    if (release := custody.stages.get(Stage(stage))) is not None
                    and any(one.source.independent for one in release.assertions)
                ],
                custody.arrest,
                held_days(custody),
            )
            for custody in custodies
            if custody.is_independently_reported
        }

    assert describe(read(reports)) == describe(read(organisations)), told(reports)


@examples(300)
@given(SEEDS)
def test_order_and_division_into_requests_change_nothing(seed: int) -> None:
    """Only the order of one source's own requests counts: it decides which of its reports is its newest."""
    random, reports = Random(seed), draw_reports(seed)
    later = {source: random.randint(0, 5) for source in sorted({report.source for report in reports})}
    shuffled = [replace(report, request=report.request * 2 + later[report.source]) for report in reports]
    random.shuffle(shuffled)

    def describe(custodies: Iterable[Custody]) -> dict[frozenset[str], Any]:
        return {
            standing_ids(custody, reports): (
                {
                    stage: (release.status, release.date.date, release.weight, release.verified_count)
                    for stage, release in custody.stages.items()
                },
                custody.arrest.date,
                held_days(custody),
            )
            for custody in custodies
        }

    assert describe(read(shuffled)) == describe(read(reports)), told(reports)


@examples(300)
@given(SEEDS, st.integers(*WINDOW))
def test_the_parts_of_a_window_add_up_to_the_whole(seed: int, cut: int) -> None:
    """For verified plus reported releases. A release whose date straddles the cut is uncertain in both parts."""
    for detention in find_detentions(draw_reports(seed)):
        for stage in STAGES:
            release = find_release(detention, stage)
            whole = count_in_window(detention, stage, *WINDOW)
            windows = ((WINDOW[0], cut), (cut + 1, WINDOW[1]))
            parts = [count_in_window(detention, stage, *window) for window in windows]
            counted = [part.status in ("verified", "reported") for part in parts]
            straddles = release is not None and release.date is not None and release.date.lo <= cut < release.date.hi
            if whole.status in ("verified", "reported"):
                assert sum(counted) == (0 if straddles else 1)
                assert not straddles or all(part.is_uncertain for part in parts)
            else:
                assert not any(counted)

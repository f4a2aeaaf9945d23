"""Each number that moved with the rules is told with the rule of each release or detention that moved it."""

from typing import Any

import pytest

from app.counts import rule_changes
from app.counts.rule_changes import CountedDetention, CountedRelease, CountedRows, list_moved_counts

JANUARY_8, JANUARY_20, FEBRUARY_3 = 739624, 739636, 739650
FORO, JEP = 1, 2
RELEASE = CountedRelease(7, "VE", JANUARY_8, JANUARY_8, "verified")
NOBODY: Any = None  # no session: the sources have their names


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_changes, "load_slugs_by_key", lambda _session: {FORO: "foro", JEP: "jep"})


def rows_of(*releases: CountedRelease | None, detentions: int = 1, **verdicts: bool) -> CountedRows:
    """Releases of one person, by detentions from 1 on; of the first, which source verifies, and whether first-hand."""
    rows = CountedRows()
    for key, release in enumerate(releases, 1):
        if release is not None:
            rows.releases[key] = release
    rows.detentions_by_person[7] = {*range(1, detentions + 1)}
    for slug, is_first_hand in verdicts.items():
        rows.verifications[1][{"foro": FORO, "jep": JEP}[slug]] = is_first_hand
    return rows


def moved(before: CountedRows, after: CountedRows) -> dict[str, tuple[int, int, list[int]]]:
    return {
        " ".join(filter(None, (row.month, row.day, row.status, row.source))): (row.before, row.after, [*row.by_rule])
        for row in list_moved_counts(NOBODY, before, after)
    }


@pytest.mark.parametrize(
    "before, after, rule",
    [
        (rows_of(RELEASE), rows_of(None), 1),
        (rows_of(RELEASE), rows_of(RELEASE._replace(status="reported")), 2),
        (rows_of(RELEASE, foro=True), rows_of(RELEASE._replace(status="official_only")), 2),
        (rows_of(RELEASE, RELEASE, detentions=2), rows_of(RELEASE), 4),
        (rows_of(RELEASE), rows_of(RELEASE._replace(lo=FEBRUARY_3, hi=FEBRUARY_3)), 5),
        (rows_of(RELEASE, foro=True), rows_of(RELEASE._replace(status="reported"), foro=False), 8),
        (rows_of(RELEASE, detentions=2), rows_of(None, RELEASE._replace(country="NI"), detentions=2), 10),
        (rows_of(RELEASE), rows_of(RELEASE._replace(country="NI")), 19),
    ],
)
def test_a_release_is_told_by_what_changed_in_it(before: CountedRows, after: CountedRows, rule: int) -> None:
    told = list_moved_counts(NOBODY, before, after)
    releases = [row for row in told if row.measure == "releases"]
    assert releases
    assert {number for row in releases for number in row.by_rule} == {rule}


def test_a_date_within_the_month_moves_no_number() -> None:
    assert moved(rows_of(RELEASE), rows_of(RELEASE._replace(lo=JANUARY_20, hi=JANUARY_20))) == {}


def test_a_release_of_no_single_month_has_none() -> None:
    assert moved(rows_of(), rows_of(RELEASE._replace(hi=FEBRUARY_3))) == {"verified": (0, 1, [1])}


def test_a_sources_own_number_moves_by_its_voice() -> None:
    assert moved(rows_of(RELEASE, foro=True, jep=True), rows_of(RELEASE, foro=True)) == {"jep": (1, 0, [3])}
    assert moved(rows_of(RELEASE, foro=True, jep=False), rows_of(RELEASE, foro=True)) == {"jep": (1, 0, [9])}


def test_a_number_that_gains_and_loses_as_many_did_not_move() -> None:
    before, after = rows_of(RELEASE, None), rows_of(None, RELEASE)
    assert moved(before, after) == {}


@pytest.mark.parametrize(
    "old, new, rule",
    [
        (CountedDetention("VE", "verified", range(2026 * 12, 2026 * 12 + 3)), None, 1),
        (
            CountedDetention("VE", "reported", range(2026 * 12, 2026 * 12 + 3)),
            CountedDetention("VE", "official_only", range(0)),
            2,
        ),
        (
            CountedDetention("VE", "verified", range(2026 * 12, 2026 * 12 + 3)),
            CountedDetention("VE", "verified", range(2026 * 12, 2026 * 12 + 1)),
            7,
        ),
    ],
)
def test_days_in_custody_are_told_by_the_release_or_else_by_what_changed_in_the_detention(
    old: CountedDetention, new: CountedDetention | None, rule: int
) -> None:
    before, after = rows_of(RELEASE), rows_of(RELEASE)
    before.detentions[1] = old
    if new is not None:
        after.detentions[1] = new
    assert moved(before, after)["2026-03-01"] == (1, 0, [rule])
    after.releases[1] = RELEASE._replace(lo=JANUARY_20, hi=JANUARY_20)
    assert moved(before, after)["2026-03-01"] == (1, 0, [5])

"""Draw reports of one person by seed: few sources and dates, so that they meet, contradict and point at each other."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from app.dates import PartialDate, parse_date
from tests.model.rules import LEVELS, Report

ORGANISATIONS, GOVERNMENTS = ("foro", "jep", "pud"), ("ministry", "police")
SOURCES = (*ORGANISATIONS, "foro", "jep", *GOVERNMENTS)
VERDICTS = ("verified", "verified", "reported", "reported", "disputed", "refuted", "retracted")
STAGES = (None, "carried_out", "carried_out", "carried_out", "ordered", "announced")
DATES = (
    "2025", "2025-01-08", "2025-03", "2025-03-01", "2026-01", "2026-01-08", "2026-01-08/2026-01-20", "2026-01-09",
    "2026-01-12", "2026-01-15", "2026-01-20", "2026-01-31", "2026-02", "2026-02-10",
)  # fmt: skip
MAX_REPORTS = 6
FIRST_HAND_SHARE = 0.7
REVIEWED_SHARE = 0.4  # of the histories have reports that await review or were rejected
REVIEWS = (None, None, None, "awaiting_review", "awaiting_review", "rejected")
DETAIL_SHARE = 0.25  # of the denials that are filed


def draw_reports(seed: int) -> list[Report]:
    """Return the reports of one person. One history in eight has a report that points at a later one."""
    random = Random(seed)
    reports: list[Report] = []
    for number in range(random.randint(1, MAX_REPORTS)):
        pointer = random.choice([None, None, None, *(report.id for report in reports)])
        reports.append(_draw_report(random, f"{random.randint(0, 9)}{number}", pointer))
    if random.random() < 1 / 8:
        reports[0] = replace(reports[0], pointer=random.choice(reports).id)
    if random.random() < REVIEWED_SHARE:
        reports = [replace(report, review=random.choice(REVIEWS)) for report in reports]
    return reports


def _draw_report(random: Random, report_id: str, pointer: str | None) -> Report:
    source, verdict, stage = random.choice(SOURCES), random.choice(VERDICTS), random.choice(STAGES)
    shares = {"announced": 0.2, "ordered": 0.2, "carried_out": 0.75, "arrest": 0.5, "sighting": 0.2}
    is_end = stage is None and verdict in ("verified", "reported")
    dates = _draw_dates(random, stage, shares)
    taken_over = _draw_dates(random, stage, dict.fromkeys(shares, 0.4 if pointer else 0))
    return Report(
        id=report_id,
        source=source,
        is_organisation=source in ORGANISATIONS,
        is_first_hand=source in ORGANISATIONS and random.random() < FIRST_HAND_SHARE,
        request=random.randint(1, 4),
        verdict=verdict,
        stage=stage,
        dates=dates,
        taken_over={name: date for name, date in taken_over.items() if dates[name] is None},
        ended=_draw_date(random, 0.25 if is_end else 0),
        pointer=pointer,
        denies=random.choice(["event"] * 5 + ["date", "kind"]),
    )


def _draw_dates(random: Random, stage: str | None, shares: dict[str, float]) -> dict[str, PartialDate | None]:
    """Return dates of the arrest, the sighting and the stages that the release reached."""
    return {
        name: _draw_date(random, share if LEVELS.get(name, 0) <= LEVELS[stage] else 0) for name, share in shares.items()
    }


def _draw_date(random: Random, share: float) -> PartialDate | None:
    return parse_date(random.choice(DATES)) if random.random() < share else None


@dataclass(frozen=True)
class Filing:
    """A report to send to the application. `target`: the index of the earlier report at which it points, if any."""

    source: str
    body: dict[str, Any]
    target: int | None


ARRESTS = ("2024", "2025-03-01", "2025-03-01", "2026-01-12", "2026-01-20")
RELEASES = ("2026", "2026-01", "2026-01-08", "2026-01-08", "2026-01-09", "2026-01-20", "2026-02-10")
METHODS = ("family", "family", "lawyer", "press")


def draw_filings(seed: int) -> list[Filing]:
    """Return reports of one person as sources send them. The application may refuse some."""
    random = Random(seed)
    return [_draw_filing(random, number) for number in range(random.randint(2, MAX_REPORTS))]


def _draw_filing(random: Random, number: int) -> Filing:
    release = {"stage": random.choice(("carried_out",) * 4 + ("ordered", "announced")), "kind": "unspecified"}
    if release["stage"] == "carried_out" and random.random() < 0.9:
        release["released_on"] = random.choice(RELEASES)
    detention = {"country": "VE"} | ({"detained_on": random.choice(ARRESTS)} if random.random() < 0.6 else {})
    verdict = random.choice(VERDICTS[:-1])
    verification = {"verdict": verdict, "method": random.choice(METHODS)}
    if verdict in ("disputed", "refuted") and random.random() < DETAIL_SHARE:
        verification["denies"] = random.choice(("identity", "date", "kind"))
    body: dict[str, Any] = {"detention": detention, "verification": verification}
    if random.random() < 0.85:
        body["release"] = release
    target = random.choice([None, None, *range(number)]) if number else None
    return Filing(random.choice((*SOURCES[:-1],)), body, target)

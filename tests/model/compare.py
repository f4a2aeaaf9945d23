"""Compare the application with the model over histories drawn by seed, and print each difference with its history.

.venv/bin/python -m tests.model.compare --histories 300 --seed 1
"""

import argparse
import atexit
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from app.dates import parse_date, subtract_years
from app.db.engine import open_read_session
from app.log.entries import replay_entries
from app.models import SourceRelease
from app.projection.custody import Custody, link_custodies, read_custody
from app.projection.detentions import divide_into_detentions
from app.projection.held import HeldDays
from app.projection.rows import find_reviews, project, withdraw_unapproved
from app.projection.statements import ASSERTIONS, Statement
from app.queries.terms import CountTerms
from app.vocabulary import Publish, ReleaseStatus, Stage
from tests.databases import Templates, settings_of
from tests.model.histories import DATES, ORGANISATIONS, draw_filings, draw_reports
from tests.model.past import Past
from tests.model.recount import count_releases, count_under_review, name_window, read_numbers
from tests.model.review import find_combined_detentions, find_own_detentions, find_states
from tests.model.rules import (
    LEVELS,
    Detention,
    Report,
    find_arrest_date,
    find_release,
    find_source_row,
    is_heard_of,
    is_held,
)
from tests.model.statements import make_statements
from tests.support import World, on_purpose

STAGES = [stage for stage in LEVELS if stage]
DAYS = sorted({day for text in DATES for day in (parse_date(text).lo, parse_date(text).hi + 1)})
HELD_WITHIN = (1, 2)
WINDOWS: tuple[dict[str, Any], ...] = (
    {},
    {"released_from": "2026-01-01", "released_to": "2026-01-08"},
    {"released_from": "2026-01-09", "released_to": "2026-01-31"},
    {"released_from": "2026-01-01", "released_to": "2026-01-31"},
    {"released_from": "2026-01-09"},
    {"released_to": "2026"},
    {"released_from": "2026-01-01", "released_to": "2026-01-08", "status": ["verified"]},
    {"released_from": "2026-01-09", "min_sources": 1},
    {"released_to": "2026-01-20", "net": True},
)
# Filing a history takes a hundred times as long as projecting one, so only one history in this number is filed.
FILED_SHARE = 20


@dataclass(frozen=True)
class Difference:
    """A question that the model and the application answer differently, with the history."""

    question: str
    model: Any
    application: Any
    history: str

    @property
    def kind(self) -> str:
        return self.question.partition(" ")[0]

    def __str__(self) -> str:
        return f"{self.question}\n{self.history}\n  model       {self.model}\n  application {self.application}"


@dataclass
class Comparison:
    """The number of questions asked, and the differences found."""

    questions: int = 0
    differences: list[Difference] = field(default_factory=list)

    def check(self, question: str, answers: Sequence[Any], history: str) -> bool:
        """Count a question, note a difference, and return whether the answers agree: the model's, the application's."""
        model, application = answers
        self.questions += 1
        if model != application:
            self.differences.append(Difference(question, model, application, history))
        return bool(model == application)


def compare_reports(reports: Sequence[Report], comparison: Comparison) -> None:
    """Compare how both divide, date and weigh the reports of one person, and when both hold the person."""
    history = "\n".join(f"  {format_report(report)}" for report in reports)
    statements = make_statements(reports)
    custodies = {
        frozenset(one.id for one in custody.statements if not one.is_retracted): custody
        for custody in read_custodies(statements)
    }
    detentions = {detention.reports: detention for detention in find_combined_detentions(reports)}
    divisions = [sorted(map(sorted, division)) for division in (detentions, custodies)]
    if not comparison.check("division", divisions, history):
        return
    all_rows = project(statements, Publish.NAMED)[SourceRelease]
    slugs = {statement.source.key: statement.source.slug for statement in statements}
    rows = [row for row in all_rows if row["review"] is None]
    for source in find_states(reports):
        own_detentions = find_own_detentions(reports, source)
        described = [(stage, _describe_row(one, source, stage)) for one, stage in product(own_detentions, STAGES)]
        read = [(str(r["stage"]), _read_row(r)) for r in all_rows if r["review"] and slugs[r["source"]] == source]
        both = [sorted(repr(pair) for pair in pairs if pair[1]) for pairs in (described, read)]
        comparison.check(f"row under review of {source}", both, history)
    for ids, detention in detentions.items():
        custody = custodies[ids]
        own_rows = {(slugs[row["source"]], row["stage"]): row for row in rows if row["spell"] == custody.spell}
        for source, stage in product(sorted(slugs.values()), STAGES):
            answers = (_describe_row(detention, source, stage), _read_row(own_rows.get((source, stage), {})))
            comparison.check(f"row {stage} of {source} in {sorted(ids)}", answers, history)
        for stage in STAGES:
            answers = (_describe_release(detention, stage), _describe_stage(custody, stage))
            comparison.check(f"release {stage} of {sorted(ids)}", answers, history)
        arrests = [day and day.text for day in (find_arrest_date(detention), custody.arrest.date)]
        comparison.check(f"arrest of {sorted(ids)}", arrests, history)
        days = custody.find_held_days(None, house_arrest=False)
        for day in DAYS:
            answers = (is_held(detention, day), read_held(days, day, custody.status))
            comparison.check(f"held {date.fromordinal(day)} of {sorted(ids)}", answers, history)
            for years in HELD_WITHIN:
                last = custody.last_shown_day
                heard_of = (is_heard_of(detention, day, years), last is None or last >= subtract_years(day, years))
                question = f"held_within={years} {date.fromordinal(day)} of {sorted(ids)}"
                comparison.check(question, heard_of, history)


def read_custodies(statements: Sequence[Statement]) -> list[Custody]:
    """Return the application's detentions that somebody asserts."""
    statements = withdraw_unapproved(statements, find_reviews(statements))
    detentions = divide_into_detentions(statements)
    custodies = link_custodies([read_custody(detention.statements, detention.begin) for detention in detentions])
    return [custody for custody in custodies if any(one.verdict in ASSERTIONS for one in custody.statements)]


def _describe_release(detention: Detention, stage: str) -> Any:
    release = find_release(detention, stage)
    if release is None:
        return None
    return release.status, release.date and release.date.text, sorted(release.denied_by), release.is_uncertain_date


def _describe_row(detention: Detention, source: str, stage: str) -> Any:
    row = find_source_row(detention, source, stage)
    release = row and find_release(row, stage)
    return release and (release.status, release.date and (release.date.lo, release.date.hi))


def _read_row(row: Mapping[str, Any]) -> Any:
    return (str(row["status"]), row["lo"] and (row["lo"], row["hi"])) if row.get("status") else None


def _describe_stage(custody: Custody, stage: str) -> Any:
    release = custody.stages.get(Stage(stage))
    if release is None or release.status in (None, "retracted"):
        return None
    day = release.date.date and release.date.date.text
    return str(release.status), day, list(release.weight.denied_by), release.date.is_uncertain


def read_held(days: HeldDays, day: int, status: str | None = None) -> str:
    """Return how a day of a detention with a status counts, in the words of the model."""
    has_begun = days.begin_hi is not None and days.begin_hi <= day
    if has_begun and days.end_lo >= day and status != ReleaseStatus.REFUTED:
        return "held" if days.sure_lo <= day <= days.sure_hi else "held_uncertain"
    may_have_begun = has_begun or days.begin_lo is None or days.begin_lo <= day
    return "not_held_uncertain" if may_have_begun and days.end_hi >= day else "not_held"


def format_report(report: Report) -> str:
    """Return a report in one line."""
    own = {name: day.text for name, day in report.dates.items() if day}
    taken_over = {name: day.text for name, day in report.taken_over.items() if day}
    parts = [
        f"{report.id} {report.source}{'' if report.is_first_hand else ' second-hand'} in request {report.request}",
        f"{report.verdict} {report.stage or 'detention'} {own}",
        f"taken over {taken_over}" if taken_over else "",
        f"ended {report.ended.text}" if report.ended else "",
        f"points at {report.pointer}" if report.pointer else "",
        f"denies {report.denies}" if report.denies != "event" else "",
        report.review or "",
    ]
    return ", ".join(part for part in parts if part)


# The same histories through the API


@cache
def _templates() -> Templates:
    folder = TemporaryDirectory()
    templates = Templates(Path(folder.name))
    atexit.register(folder.cleanup)
    atexit.register(templates.close)
    return templates


@contextmanager
def open_world() -> Iterator[World]:
    """Open an application on a registry of its own, with sources and keys."""
    address, keys = _templates().world("sqlite")
    with _templates().copy("sqlite", address) as url:
        with World(settings_of(url), keys=keys) as world:
            yield world
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()


def compare_windows(seed: int, comparison: Comparison) -> None:
    """File a history, and compare the counts of releases in windows."""
    with open_world() as world:
        file_history(world, seed)
        with open_read_session(world.engine) as session:
            entries = list(replay_entries(session))
        past = Past(entries, len(entries))
        reports = [report for person in past.people for report in person.reports]
        history = "\n".join(f"  {format_report(report)}" for report in reports)
        for window in WINDOWS:
            for stage, source in product(STAGES, ({}, *({"source": slug} for slug in (*ORGANISATIONS, "ministry")))):
                terms = {"stage": stage, **source, **name_window(window, stage)}
                answer = world.count(**terms)
                model = count_releases(past, CountTerms.model_validate(terms))
                if {"status", "min_sources", "net"}.isdisjoint(terms):
                    model["caveats"] |= count_under_review(past.people, CountTerms.model_validate(terms))
                comparison.check(f"window {terms}", (model, read_numbers(answer, model)), history)


def file_history(world: World, seed: int) -> None:
    """File the drawn reports of one person. A report that the application refuses changes nothing.

    In every second history some reports await review, and a curator approves or rejects those of one source."""
    answers: list[dict[str, Any]] = []
    random = Random(seed)
    if random.random() < 1 / 2:
        for slug in (*ORGANISATIONS, "ministry"):
            world.trust(slug, random.choice((0, 1, 2, 1_000)))
    person = {"full_name": "Tomás Aurelio Quintana Ribas", "publish": "named"}
    for filing in draw_filings(seed):
        body = dict(filing.body)
        target = answers[filing.target % len(answers)] if answers and filing.target is not None else None
        if not answers:
            body["detainee"] = person
        elif target is not None and target["release"]:
            body["release_id"] = target["release"]["id"]
        else:
            body["detainee_id"] = answers[0]["detainee"]["id"]
        kind = "releases" if "release" in body else "detentions"
        response = world.post(f"/v1/{kind}", body, filing.source, **on_purpose(body))
        if response.status_code in (200, 201):
            answers.append(response.json())
        if random.random() < 1 / 4:
            world.review(filing.source, random.choice(("approved", "rejected")))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="start no history after this time")
    parser.add_argument("--examples", type=int, default=3, help="differences printed of each kind")
    arguments = parser.parse_args()
    comparison, printed, started = Comparison(), Counter[str](), monotonic()
    for seed in range(arguments.seed, arguments.seed + arguments.histories):
        if monotonic() - started > arguments.seconds:
            break
        known = len(comparison.differences)
        compare_reports(draw_reports(seed), comparison)
        if seed % FILED_SHARE == 0:
            compare_windows(seed, comparison)
        for difference in comparison.differences[known:]:
            printed[difference.kind] += 1
            if printed[difference.kind] <= arguments.examples:
                _write(f"seed {seed}: {difference}")
    _write(f"{comparison.questions} questions in {monotonic() - started:.0f} s; differences: {dict(printed) or 'none'}")
    return 1 if printed else 0


if __name__ == "__main__":
    sys.exit(main())

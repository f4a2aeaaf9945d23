"""The projected rows of people held give for any day what the model gives."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.models import DetentionState
from app.projection import project
from app.projection.held import HeldDays
from tests.drawn import examples
from tests.model.compare import DAYS, format_report, read_custodies, read_held
from tests.model.histories import draw_reports
from tests.model.review import find_combined_detentions
from tests.model.rules import Report, find_arrest_date, is_held
from tests.model.statements import make_statements

SEEDS = st.integers(0, 2**32)


@examples(200)
@given(SEEDS)
def test_the_row_of_a_detention_holds_a_person_on_the_days_of_the_model(seed: int) -> None:
    reports = draw_reports(seed)
    statements = make_statements(reports)
    rows = {row["spell"]: row for row in project(statements, "named")[DetentionState]}
    spells = {frozenset(s.id for s in c.statements if not s.is_retracted): c.spell for c in read_custodies(statements)}
    detentions = [detention for detention in find_combined_detentions(reports) if not detention.is_official]
    for number, detention in enumerate(detentions):
        row = rows[spells[detention.reports]]
        days = HeldDays(row["lo"], row["hi"], row["out_lo"], row["out_hi"], row["sure_lo"], row["sure_hi"])
        later = [date.hi for other in detentions[number + 1 :] if (date := find_arrest_date(other))]
        assert row["next_hi"] == min(later, default=None)
        assert [read_held(days, day, row["status"]) for day in DAYS] == [is_held(detention, day) for day in DAYS], told(
            reports
        )


@examples(200)
@given(SEEDS)
def test_nobody_is_held_after_a_verified_release_unless_a_report_gives_a_later_date(seed: int) -> None:
    reports = draw_reports(seed)
    last = max((date.hi for report in reports for date in (*report.dates.values(), report.ended) if date), default=0)
    for custody in read_custodies(make_statements(reports)):
        release = custody.ending_release
        if release is not None and release.status == "verified" and release.date.date is not None:
            days = custody.find_held_days(None, house_arrest=False)
            after = max(last, release.date.date.hi) + 1
            assert read_held(days, after) == "not_held", told(reports)


def told(reports: Sequence[Report]) -> str:
    return "\n".join(map(format_report, reports))

"""The application agrees with the model of the rules over histories drawn by seed (`make second-model` draws more)."""

from tests.model.compare import Comparison, compare_reports, compare_windows
from tests.model.histories import draw_reports

PROJECTED, FILED = range(300), range(3)


def test_the_application_divides_dates_and_weighs_reports_like_the_model() -> None:
    comparison = Comparison()
    for seed in PROJECTED:
        compare_reports(draw_reports(seed), comparison)
    assert comparison.questions > len(PROJECTED)
    assert not comparison.differences, "\n".join(map(str, comparison.differences[:3]))


def test_the_application_counts_filed_reports_in_windows_like_the_model() -> None:
    comparison = Comparison()
    for seed in FILED:
        compare_windows(seed, comparison)
    assert comparison.questions
    assert not comparison.differences, "\n".join(map(str, comparison.differences[:3]))

"""A bar in parts: no wider than its drawing, no part unseen, and no label over another."""

from hypothesis import given
from hypothesis import strategies as st

from app.web.charts.shares import LEAST, SIZE, drawn
from app.web.charts.text import width_of

counts = st.lists(st.integers(1, 1_000_000), min_size=1, max_size=4)


@given(counts, st.sampled_from([328.0, 1120.0]))
def test_every_part_is_seen_and_all_fill_the_bar(numbers: list[int], width: float) -> None:
    told = drawn([("enter", number, f"{number} entran") for number in numbers], width)
    assert abs(told.parts[-1].x + told.parts[-1].width - width) < 0.01
    assert all(part.width >= LEAST * 0.9 for part in told.parts)
    for one, other in zip(told.parts, told.parts[1:], strict=False):
        assert one.x + one.width < other.x


@given(counts, st.sampled_from([328.0, 1120.0]))
def test_no_label_stands_over_another_or_outside(numbers: list[int], width: float) -> None:
    told = drawn([("enter", number, f"{number} no cambian nada") for number in numbers], width)
    for one, other in zip(told.labels, told.labels[1:], strict=False):
        assert one.y < other.y or one.x + width_of(one.text, SIZE) < other.x
    for label in told.labels:
        assert label.x >= 0
        assert label.x + width_of(label.text, SIZE) <= width + 0.01
        assert label.y < told.height


def test_parts_are_as_wide_as_their_numbers() -> None:
    told = drawn([("enter", 3, ""), ("waits", 1, "")], 402)
    assert [round(part.width) for part in told.parts] == [300, 100]

import pytest

from tests.growth import assert_grows_linearly


def test_linear_work_passes() -> None:
    assert_grows_linearly(lambda size: sum(range(size)), 400_000)


def test_quadratic_work_fails() -> None:
    with pytest.raises(AssertionError, match="8 times the input took"):
        assert_grows_linearly(lambda size: [sum(range(size)) for _ in range(size)], 1_600)

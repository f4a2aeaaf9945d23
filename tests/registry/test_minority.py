"""Who may have been a child, by all reports of a person together."""

import pytest

from app.registry.minority import may_be_minor


@pytest.mark.parametrize(
    "born, detained, child", [("2007-05-01", "2025-04-30", True), ("2007-05-01", "2025-05-01", False)]
)
def test_what_one_report_gives_of_the_birth_and_another_of_the_detention_tells_a_child(
    born: str, detained: str, child: bool
) -> None:
    birth = {"detainee.birth_date": born}
    for said in (
        [birth, {"detention.detained_on": detained}],
        [{**birth, "detention.detained_on": "2026"}, {"detention.detained_on": detained}],
    ):
        assert may_be_minor(said) is child
    assert not may_be_minor([birth])
    assert not may_be_minor([{"detention.detained_on": detained}])

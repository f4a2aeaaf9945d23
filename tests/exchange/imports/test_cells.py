"""What is told of a word that is not known."""

import pytest

from app.exchange.imports.cells import UnreadCell, value


@pytest.mark.parametrize(
    "field, word, told",
    [
        ("verification.verdict", "comprobadísimo", ["Verified or Verifica", "under verdicts", "sheet of the template"]),
        ("release.kind", "LP", ["Full release or Libertad plena", "/v1/vocabulary?lang=es under release_kinds"]),
        ("detention.legal_status", "rara", ["under legal_statuses)"]),
        ("release.conditions", "otra cosa", ["under conditions", "`values` in the mapping"]),
    ],
)
def test_a_word_that_is_not_known_is_answered_with_some_that_are(field: str, word: str, told: list[str]) -> None:
    with pytest.raises(UnreadCell) as refused:
        value(field, word, None, None)
    assert refused.value.code == "unknown_code"
    assert [one for one in told if one not in str(refused.value)] == [], str(refused.value)


def test_what_is_no_address_is_told_once_and_where_it_belongs() -> None:
    with pytest.raises(UnreadCell, match=r'https://.*"Según"') as refused:
        value("verification.evidence", "Foro Penal", None, None)
    assert refused.value.code == "invalid_url"
    assert value("verification.evidence", "HTTPS://example.org/a http://example.org/b", None, None) == [
        {"url": "HTTPS://example.org/a"},
        {"url": "http://example.org/b"},
    ]

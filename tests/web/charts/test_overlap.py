"""Who verified the same releases, as rows of exact combinations."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest

from app.web.charts.overlap import (
    MAX_COMBINATION_ROWS,
    MAX_SOURCE_COLUMNS,
    build_overlap_table,
    draw_overlap,
    format_overlap_heading,
    lay_out_overlap,
)
from app.web.figure import FIVE_COLUMNS_WIDTH, PHONE_WIDTH
from app.web.rendering import load_catalogue

Combination = tuple[str, ...]
ENGLISH, SPANISH = load_catalogue("en"), load_catalogue("es")


def overlap_of(patterns: Mapping[Combination, int]) -> dict[str, Any]:
    """An answer of the API, of numbers by combination."""
    sources = sorted({slug for pattern in patterns for slug in pattern})
    return {
        "sources": [
            {"source": slug, "verified": sum(n for pattern, n in patterns.items() if slug in pattern)}
            for slug in sources
        ],
        "patterns": [
            {
                "sources": list(pattern),
                "cases": number,
                "list": f"/v1/releases?verified_by_match=only&verified_by={','.join(pattern)}",
            }
            for pattern, number in sorted(patterns.items(), key=lambda row: -row[1])
        ],
    }


JANUARY = overlap_of(
    {("foro", "jep", "pud"): 209, ("clippve", "foro", "jep", "pud"): 84, ("foro", "pud"): 9, ("pud",): 1, (): 3}
)


def behind(address: str) -> str:
    return address.removeprefix("/v1")


def test_the_columns_are_sources_by_size_and_by_name_where_they_tie() -> None:
    table = build_overlap_table(JANUARY, str.upper, ENGLISH, behind)
    assert [(column.number_text, column.name) for column in table.columns] == [
        ("303 ", "PUD"),
        ("302 ", "FORO"),
        ("293 ", "JEP"),
        ("84 ", "CLIPPVE"),
    ]
    tied = overlap_of({("bz", "Ay"): 3, ("cx",): 3})
    assert [column.name for column in build_overlap_table(tied, str, ENGLISH, behind).columns] == ["Ay", "bz", "cx"]


def test_the_rows_are_exact_combinations_that_lead_to_their_lists() -> None:
    rows = build_overlap_table(JANUARY, str, SPANISH, behind).rows
    assert [(list(row.columns), row.number) for row in rows] == [
        ([0, 1, 2], 209),
        ([0, 1, 2, 3], 84),
        ([0, 1], 9),
        ([0], 1),
        ([], 3),
    ]
    assert rows[0].name == "pud, foro y jep"
    assert rows[0].address == "/releases?verified_by_match=only&verified_by=foro,jep,pud"


def test_what_no_independent_source_verified_is_a_row_apart() -> None:
    last = build_overlap_table(JANUARY, str, SPANISH, behind).rows[-1]
    assert (last.number, last.label, last.is_hollow) == (3, "ninguna", True)


def test_of_many_combinations_the_smallest_share_a_row_and_none_is_lost() -> None:
    pairs: dict[Combination, int] = {pair: 100 - n for n, pair in enumerate(combinations("abcdefghijklmnop", 2))}
    table = build_overlap_table(overlap_of(pairs), str, ENGLISH, behind)
    assert (len(table.rows), len(table.columns)) == (MAX_COMBINATION_ROWS, MAX_SOURCE_COLUMNS)
    assert table.rows[-1].label == f"{len(pairs) - MAX_COMBINATION_ROWS + 1} others"
    assert sum(row.number for row in table.rows) == sum(pairs.values())
    assert table.columns[-1].name == "7 more"
    assert all(max(row.columns, default=0) < MAX_SOURCE_COLUMNS for row in table.rows)


@pytest.mark.parametrize("width", [FIVE_COLUMNS_WIDTH, PHONE_WIDTH])
def test_nothing_of_a_drawing_lies_outside_it(width: int) -> None:
    names = {slug: f"{slug} {'nombre larguísimo ' * 12}" for slug in "abcdefghijklmnop"}
    pairs: dict[Combination, int] = {pair: 100_000 - n for n, pair in enumerate(combinations(names, 2))}
    overlap = lay_out_overlap(build_overlap_table(overlap_of(pairs), names.__getitem__, ENGLISH, behind), width)
    assert all(overlap.bars_x + line.bar_length + 7 < width for line in overlap.lines)
    assert all(head.x < overlap.bars_x for head in overlap.headings)
    assert overlap.heading_y < 290
    assert overlap.headings[0].name_lines[-1].endswith("…")


@pytest.mark.parametrize("width", [FIVE_COLUMNS_WIDTH, PHONE_WIDTH])
def test_names_of_usual_length_are_whole(width: int) -> None:
    names = {
        "foro": "Foro Penal",
        "pud": "Plataforma Unitaria Democrática",
        "jep": "Comité de Familiares y Amigos por la Libertad de los Presos Políticos",
        "clippve": "CLIPPVE",
    }
    overlap = lay_out_overlap(build_overlap_table(JANUARY, names.__getitem__, ENGLISH, behind), width)
    told = [" ".join(head.name_lines) for head in overlap.headings]
    assert told == [names[slug] for slug in ("pud", "foro", "jep", "clippve")]


@pytest.mark.parametrize(
    "patterns,spanish",
    [
        ({("a", "b", "c"): 7, ("a", "b"): 1, ("a", "d"): 1}, "En 7 coinciden las tres listas grandes"),
        ({("a", "b"): 7, ("a",): 1, ("a", "c"): 1}, "En 7 coinciden las dos listas grandes"),
        ({tuple("abcd"): 2}, "En 2 coinciden las 4 listas grandes"),
        ({("a",): 7, ("b",): 7}, "Las listas grandes no coinciden en ninguna"),
        ({("a",): 7, ("a", "b"): 1}, "Ninguna otra lista llega a la mitad de la de a"),
        ({("a",): 7, (): 1}, "Solo a ha verificado alguna"),
        ({(): 1}, "Ninguna fuente independiente ha verificado ninguna"),
    ],
)
def test_the_heading_says_how_many_the_large_lists_share(patterns: dict[Combination, int], spanish: str) -> None:
    assert format_overlap_heading(overlap_of(patterns), str, SPANISH) == spanish


def test_a_hostile_name_is_shown_as_text() -> None:
    table = build_overlap_table(JANUARY, lambda slug: f"<script>{slug}</script>&\u202e", ENGLISH, behind)
    wide, narrow = draw_overlap(table, '"><script>', ENGLISH)
    for drawing in (wide, narrow):
        assert "<script" not in drawing
        assert "&lt;script&gt;" in drawing


def test_where_nothing_is_verified_a_sentence_says_so() -> None:
    wide, _narrow = draw_overlap(build_overlap_table(overlap_of({(): 2}), str, SPANISH, behind), "", SPANISH)
    assert 'aria-label="Ninguna fuente independiente ha verificado nada de lo que se pregunta."' in wide

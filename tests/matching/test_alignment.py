"""Two lists laid side by side: every line has one partner at most, and what is not sure is said to be so."""

from dataclasses import replace
from typing import Any

import pytest

from app.dates import parse_date
from app.matching import alignment as align_module
from app.matching.alignment import Deadline, Line, Pair, TooLong, align_lists
from app.matching.blocking import build_name_blocking_keys
from app.matching.score import Person


def line(name: str, born: str | None = None, **more: Any) -> Line:
    dates: dict[str, Any] = {field: parse_date(text) for field, text in more.items()}
    return Line(Person(name, birth=parse_date(born) if born else None, **dates), build_name_blocking_keys(name, ()))


def told(pairs: list[Pair]) -> list[tuple[int, int, bool]]:
    return [(pair.a, pair.b, pair.is_sure) for pair in pairs]


def test_a_line_finds_its_partner_wherever_it_stands() -> None:
    mine = [line("Eufemia Clarisa Landaeta", "1984"), line("Baudilio Ytriago Pons", "1960")]
    theirs = [
        line("YTRIAGO PONS, Baudilio", "1960-02"),
        line("Otra Persona Gil", "1970"),
        line("Eufemia Landaeta", "1984"),
    ]
    assert told(align_lists(mine, theirs)) == [(0, 2, True), (1, 0, True)]


def test_two_namesakes_whom_nothing_tells_apart_are_likely_and_not_sure() -> None:
    mine = [line("Baudilio Ytriago Pons", "1960")]
    theirs = [line("Baudilio Ytriago Pons", "1960"), line("Baudilio Ytriago Pons", "1960")]
    (pair,) = align_lists(mine, theirs)
    assert (pair.is_sure, pair.b, pair.rivals_b) == (False, 0, (1,))


def test_a_namesake_on_ones_own_list_makes_a_pair_unsure_too() -> None:
    mine = [line("Baudilio Ytriago Pons", "1960"), line("Baudilio Ytriago Pons", "1960")]
    pairs = align_lists(mine, [line("Baudilio Ytriago Pons", "1960")])
    assert told(pairs) == [(0, 0, False)]
    assert pairs[0].rivals_a == (1,)


def test_father_and_son_are_told_apart_by_their_births() -> None:
    mine = [line("Baudilio Ytriago Pons", "1990"), line("Baudilio Ytriago Pons", "1960")]
    theirs = [line("Baudilio Ytriago Pons", "1960"), line("Baudilio Ytriago Pons", "1990")]
    assert told(align_lists(mine, theirs)) == [(0, 1, True), (1, 0, True)]


def test_who_was_taken_twice_is_paired_detention_by_detention() -> None:
    once = {"detained_on": "2024-03-02", "released_on": "2024-09-01"}
    again = {"detained_on": "2025-11-20", "released_on": "2026-01-14"}
    mine = [line("Eufemia Clarisa Landaeta", "1984", **once), line("Eufemia Clarisa Landaeta", "1984", **again)]
    theirs = [line("Eufemia Landaeta", "1984", **again), line("Eufemia Landaeta", "1984", **once)]
    assert told(align_lists(mine, theirs)) == [(0, 1, True), (1, 0, True)]


def test_whoever_is_surely_somebody_else_is_no_rival() -> None:
    mine = [line("Baudilio Ytriago Pons", "1960", detained_on="2024-01-05", released_on="2026-01-02"),
            line("Baudilio Ytriago Pons", detained_on="2024-02-10")]  # fmt: skip
    theirs = [line("Baudilio Ytriago Pons", "1960", detained_on="2024-01-05", released_on="2026-01-02"),
              line("Baudilio Ytriago Pons", detained_on="2024-02-10")]  # fmt: skip
    assert told(align_lists(mine[1:], theirs)) == [(0, 1, False)]
    assert told(align_lists(mine, theirs)) == [(0, 0, True), (1, 1, True)]


HER = ("Nereida Sofía Altuve Campos", "1984", "2024-08-02", "2026-01-12")


def test_of_two_whom_the_matcher_is_sure_of_neither_is_sure_however_far_apart_their_scores() -> None:
    name, born, detained, released = HER
    full = line(name, born, detained_on=detained, released_on=released)
    short = line("Nereida Sofía Altuve", released_on=released)
    (pair,) = align_lists([full], [full, short])
    assert (pair.b, pair.is_sure, pair.rivals_b) == (0, False, (1,))
    (pair,) = align_lists([full, short], [full])
    assert (pair.a, pair.is_sure, pair.rivals_a) == (0, False, (1,))
    (pair,) = align_lists([full], [full])
    assert pair.is_sure


def test_another_detention_of_the_same_person_unsettles_a_pair_only_where_it_fits_nearly_as_well() -> None:
    name, born, detained, released = HER
    row = line(name, born, detained_on=detained, released_on=released)
    again, same = (replace(line(name, born, detained_on=day), person_id="her") for day in ("2026-02-20", detained))
    released_once = replace(row, person_id="her")
    assert told(align_lists([row], [released_once, again])) == [(0, 0, True)]
    assert told(align_lists([row], [replace(released_once, person_id=None), again])) == [(0, 0, False)]
    assert told(align_lists([row], [released_once, same])) == [(0, 0, False)]


def test_the_same_name_and_nothing_else_is_never_sure() -> None:
    assert told(align_lists([line("Eufemia Landaeta")], [line("Eufemia Landaeta")])) == [(0, 0, False)]


def test_what_is_tied_before_is_paired_before_all_else() -> None:
    mine = [line("Eufemia Landaeta Pons", "1984"), line("Eufemia Landaeta", "1984")]
    theirs = [line("Eufemia Landaeta Pons", "1984"), line("Aurelia Quintana", "1984")]
    pairs = align_lists(mine, theirs, {0: 1})
    assert told(pairs) == [(0, 1, True), (1, 0, True)]
    assert pairs[0].match is None


def test_lines_without_a_key_in_common_are_never_compared() -> None:
    silent = Line(Person("Eufemia Landaeta", birth=parse_date("1984")))
    assert align_lists([line("Eufemia Landaeta", "1984")], [silent]) == []


def test_a_planted_namesake_neither_takes_a_partner_nor_unsettles_a_pair() -> None:
    mine = [line("Baudilio Ytriago Pons", "1960", detained_on="2024-01-05")]
    planted = replace(line("Baudilio Ytriago Pons", "1960", detained_on="2024-01-05"), is_dependent=True)
    known = line("Baudilio Ytriago", "1960", detained_on="2024-01")
    assert told(align_lists(mine, [planted, known])) == [(0, 1, True)]
    assert told(align_lists(mine, [planted])) == [(0, 0, True)]
    assert told(align_lists(mine, [planted, planted])) == [(0, 0, False)]


def test_a_line_is_held_against_a_bounded_number_whatever_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(align_module, "MAX_INDEX_ROWS", 20)
    looked: list[int] = []
    apart = align_module._LineIndex._measure_distance

    def watched(index: Any, one: Line, place: int) -> tuple[int, int]:
        looked.append(place)
        return apart(index, one, place)

    monkeypatch.setattr(align_module._LineIndex, "_measure_distance", watched)
    crowd = [line("José Rodríguez", str(year)) for year in range(1900, 2000)]
    ((_a, b, _sure),) = told(align_lists([line("José Rodríguez", "1955")], crowd))
    assert (crowd[b].person.birth, len(looked)) == (parse_date("1955"), 20)
    align_lists([line("José Rodríguez")], crowd)
    assert len(looked) == 40


def test_a_comparison_ends_when_its_time_does() -> None:
    with pytest.raises(TooLong):
        align_lists([line("José Rodríguez")], [line("José Rodríguez")], deadline=Deadline(-1))


def test_of_many_namesakes_the_one_born_when_she_was_is_among_those_compared() -> None:
    crowd = [line("José Rodríguez", str(year)) for year in range(1900, 1960)]
    ((_a, b, sure),) = told(align_lists([line("José Rodríguez", "1955")], crowd))
    assert (crowd[b].person.birth, sure) == (parse_date("1955"), False)

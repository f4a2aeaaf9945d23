"""From what is said to what is on record, as bars."""

from typing import Any

import pytest

from app.web.charts.funnel import Step, build_funnel_steps, draw_funnel, lay_out_funnel
from app.web.rendering import load_catalogue

PERMALINK = "/v1/counts/releases?country=VE&group_by=source&as_of=r9"


def behind(address: str) -> str:
    return address.removeprefix("/v1")


def of_source(verified: int, reported: int = 0, refuted: int = 0, retracted: int = 0) -> dict[str, Any]:
    others = {"official_only": 0, "disputed": 0, "refuted": refuted, "retracted": retracted}
    return {"counts": {"verified": verified, "reported": reported, **others}}


def count(**total: Any) -> dict[str, Any]:
    return {
        "terms": {"country": "VE"},
        "total": {"cases": 9, "people": 8, "reported": 2, "by_min_sources": {"1": 7, "2": 5}, **total},
        "groups": [of_source(7, refuted=1), of_source(5, reported=2), of_source(0, retracted=3)],
        "links": {"list": "/v1/releases?country=VE&as_of=r9", "permalink": PERMALINK},
    }


BY_KIND = {
    "groups": [
        {
            "by": {"release_kind": "full_release"},
            "counts": {"cases": 1},
            "list": "/v1/releases?release_kind=full_release",
        },
        {"by": {"release_kind": "release_with_measures"}, "counts": {"cases": 6}, "list": None},
    ]
}


def test_it_goes_from_the_word_of_sources_to_full_freedom() -> None:
    steps = build_funnel_steps(count(), BY_KIND, load_catalogue("es"), behind)
    assert [(step.number, step.label) for step in steps] == [
        (15, "declaraciones de 2 fuentes"),
        (8, "personas"),
        (9, "excarcelaciones"),
        (7, "verificadas por al menos una fuente"),
        (5, "por al menos dos"),
        (0, "por al menos tres"),
        (1, "en libertad plena"),
    ]


def test_what_a_source_took_back_is_no_statement() -> None:
    only_retracted = count() | {"groups": [of_source(0, retracted=3)]}
    assert build_funnel_steps(only_retracted, BY_KIND, load_catalogue("en"), behind)[0].number == 0


def test_the_steps_say_why_they_differ() -> None:
    remarks = [step.remark for step in build_funnel_steps(count(), BY_KIND, load_catalogue("en"), behind)]
    assert remarks[2] == "One person left prison twice"
    assert remarks[3:5] == ["2 more are only reported", "2 rest on a single source"]
    assert remarks[6] == "6 left prison with measures; their cases stay open; 2 otherwise, or nobody says how"
    remarks = [
        step.remark
        for step in build_funnel_steps(
            count(people=9, reported=0, by_min_sources={"1": 7, "2": 7}), BY_KIND, load_catalogue("en"), behind
        )
    ]
    assert remarks[2:5] == ["", "", "Today none rests on a single word"]


def test_each_number_leads_to_its_list() -> None:
    addresses = [step.address for step in build_funnel_steps(count(), BY_KIND, load_catalogue("en"), behind)]
    assert addresses == [
        "/sources?country=VE&as_of=r9",
        "/people?country=VE&as_of=r9",
        "/releases?country=VE&as_of=r9",
        "/releases?country=VE&as_of=r9&min_sources=1",
        "/releases?country=VE&as_of=r9&min_sources=2",
        "/releases?country=VE&as_of=r9&min_sources=3",
        "/releases?release_kind=full_release",
    ]


def test_the_bars_are_on_one_scale() -> None:
    funnel = lay_out_funnel([Step(1000, "said", "is-said"), Step(250, "people", "is-2")], 600, has_side_remarks=True)
    assert [bar.length for bar in funnel.bars] == [600, 150]
    assert [bar.top - bar.label_y for bar in funnel.bars] == [7, 7]


@pytest.mark.parametrize("width", [643, 328])
def test_a_remark_stands_beside_its_bar_or_beneath_it_and_never_over_it(width: int) -> None:
    remark = "a remark of some words that a narrow drawing has no room for in a single line"
    steps = [Step(1000, "said", "is-said", remark), Step(10, "people", "is-2", remark), Step(0, "none", "is-1")]
    funnel = lay_out_funnel(steps, width, has_side_remarks=True)
    for bar, following in zip(funnel.bars, [*funnel.bars[1:], None], strict=True):
        for y, _line in bar.remark:
            assert bar.remark_x > bar.length or y > bar.top + 14
            assert following is None or y < following.label_y - 12
    assert " ".join(line for _y, line in funnel.bars[0].remark) == remark


def test_where_nothing_is_said_a_sentence_says_so() -> None:
    wide, narrow = draw_funnel([Step(0, "people", "is-2")], "nothing", load_catalogue("es"))
    assert all('aria-label="Ninguna fuente ha dicho nada de lo que se pregunta."' in drawn for drawn in (wide, narrow))

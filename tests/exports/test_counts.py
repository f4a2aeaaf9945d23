"""Counts as tables say the same numbers as their JSON: every row a thing counted, none lost."""

from typing import Any

from app.exports.count_tables import (
    FIGURE_COLUMNS,
    build_count_rows,
    build_estimate_rows,
    build_overlap_rows,
    build_reconciliation_rows,
    build_series_rows,
)

# Answers here have only the keys that the test is about.
MODEL: Any = {"name": "chapman", "estimate": 23.9, "low": 20.0, "high": 30.0}
BOUND: Any = {"name": "chao", "estimate": 21.0}


def test_a_count_is_a_row_for_each_group_or_one_of_the_total() -> None:
    total: Any = {"cases": 3, "by_min_sources": {"1": 2, "2": 1}}
    caveats = {"uncertain_date": 1, "not_visible": 4, "coverage": None}
    counted: Any = {"terms": {}, "total": total, "groups": [], "caveats": caveats}
    assert build_count_rows(counted) == [
        {"cases": 3, "by_min_sources_1": 2, "by_min_sources_2": 1, "uncertain_date": 1, "not_visible": 4}
    ]
    numbers = {"foro": 2, "jep": 1}
    groups: Any = [
        {"by": {"source": source}, "counts": {"verified": number}, "list": f"/{source}"}
        for source, number in numbers.items()
    ]
    grouped: Any = counted | {"terms": {"group_by": ["source"]}}
    assert build_count_rows(grouped | {"groups": groups}) == [
        {"source": source, "verified": number, "list": f"/{source}", "not_visible_in_all": 4}
        for source, number in numbers.items()
    ]
    assert build_count_rows(grouped) == [], "nobody's group is no total"


def test_a_series_has_a_column_for_each_source_and_its_published_figures_below() -> None:
    told = dict.fromkeys(FIGURE_COLUMNS) | {"claimant": "ministry", "low": 116, "high": 116}
    claim = {**told, "id": "c1", "at": "2026-01-12T23:00:00Z"}
    found: Any = {
        "points": [{"on": "2026-01-11", "verified": 4}, {"on": "2026-01-12", "verified": 5}],
        "series": [{"source": "foro", "points": [{"verified": 3}, {"verified": 4}]}],
        "claims": [claim],
        "caveats": {"not_visible": 1},
    }
    first, second, figure = build_series_rows(found, include_claims=True)
    assert (first, second) == (
        {"on": "2026-01-11", "verified": 4, "foro": 3, "not_visible_in_all": 1},
        {"on": "2026-01-12", "verified": 5, "foro": 4, "not_visible_in_all": 1},
    )
    assert (figure["on"], figure["claim"], figure["claimant"], figure["low"]) == (claim["at"], "c1", "ministry", 116)
    assert found["claims"] == [claim], "the answer itself is left as it is"


def test_an_overlap_is_its_sources_pairs_and_patterns() -> None:
    pair = {
        "a": "foro",
        "b": "jep",
        "both": 2,
        "only_a": 1,
        "only_b": 0,
        "either": 3,
        "dates": {"same": 2},
        "kinds": {},
    }
    found: Any = {
        "cases": 3,
        "caveats": {"not_visible": 0, "unlinkable": 1},
        "sources": [{"source": "foro", "verified": 3, "only_this_source": 1}],
        "pairs": [pair],
        "patterns": [{"sources": ["foro", "jep"], "cases": 2}],
    }
    rows = build_overlap_rows(found)
    assert [row.pop("not_visible_in_all") for row in rows] == [0] * 4
    assert rows == [
        {"of": "total", "sources": [], "cases": 3, "unlinkable": 1},
        {"of": "source", "sources": ["foro"], "cases": 3, "only_this_source": 1},
        {
            "of": "pair",
            "sources": ["foro", "jep"],
            "cases": 2,
            "only_a": 1,
            "only_b": 0,
            "either": 3,
            "dates_same": 2,
        },
        {"of": "pattern", "sources": ["foro", "jep"], "cases": 2},
    ]


def test_an_estimate_is_its_models_and_bound_and_a_refusal_is_a_row_of_its_own() -> None:
    answer: Any = {"observed": 20, "on_two_or_more": 8, "caveats": {"not_visible": 1, "unlinkable": 2}}
    seen = {"observed": 20, "on_two_or_more": 8, "unlinkable": 2, "not_visible_in_all": 1}
    chosen = build_estimate_rows(answer | {"models": [MODEL], "chosen": MODEL, "lower_bound": BOUND, "refused": None})
    assert chosen == [{**MODEL, "chosen": True, **seen}, {**BOUND, "chosen": False, **seen}]
    refused = {"code": "too_few_shared", "reason": "Three people are on two lists."}
    (told,) = build_estimate_rows(answer | {"models": [], "chosen": None, "lower_bound": None, "refused": refused})
    assert (told["name"], told["code"], told["reason"]) == ("refused", refused["code"], refused["reason"])


def test_a_reconciliation_is_the_claim_and_the_counts_then_and_now() -> None:
    claim = {"claimant": "ministry", "qualifier": "exactly", "low": 116, "high": 116, "stated_at": "2026-01-12"}
    total = {"cases": 3, "by_min_sources": {"1": 2}}
    now = {"at": {"revision": 9}, "total": total, "caveats": {"unlinkable": 1}, "by_source": {"foro": 2}, "gap": None}
    reasons = [{"code": "window", "detail": "It does not say since when it counts."}]
    found: Any = {"claim": claim, "comparable": False, "reasons": reasons, "then": None, "now": now, "remarks": []}
    assert build_reconciliation_rows(found) == [
        {"of": "claim", "claimant": "ministry", "qualifier": "exactly", "low": 116, "high": 116, "comparable": False,
         "reasons": ["window"], "remarks": []},
        {"of": "now", "revision": 9, "cases": 3, "unlinkable": 1, "by_min_sources_1": 2, "by_source_foro": 2},
    ]  # fmt: skip

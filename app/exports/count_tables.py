"""Convert counts to tables: the numbers of their JSON, a row for each counted thing (pure)."""

from collections.abc import Iterable, Mapping

from app.claims.shapes import BalanceStep, ClaimCount, Reconciliation
from app.counts.shapes import Count, CountCaveats, CountSeries, HiddenCaveat, Overlap, ReaderCaveats
from app.estimates.shapes import ReleaseEstimate

Row = dict[str, object]  # column → cell
# The columns of a published figure.
FIGURE_COLUMNS = ("claimant", "qualifier", "low", "high", "window_from", "window_to", "stated_at")


def build_count_rows(count: Count) -> list[Row]:
    """Return a row for each group, or a row of the total; `by_min_sources` has columns of its own."""
    if "group_by" in count["terms"]:
        rows = [
            _flatten_columns({**group["by"], **group["counts"], "list": group["list"]}, "by_min_sources")
            for group in count["groups"]
        ]
        return _add_not_visible(rows, count["caveats"])
    return [_flatten_columns({**count["total"], **_list_caveats(count["caveats"])}, "by_min_sources")]


def _list_caveats(caveats: CountCaveats | ReaderCaveats) -> Row:
    return _drop_columns(caveats, "coverage", "unknown_values")


def _add_not_visible(rows: Iterable[Row], caveats: HiddenCaveat) -> list[Row]:
    """Add the caveat of the whole answer to each row: a spreadsheet shows nothing besides rows."""
    return [{**row, "not_visible_in_all": caveats["not_visible"]} for row in rows]


def build_series_rows(answer: CountSeries, *, include_claims: bool) -> list[Row]:
    """Return a row for each point, with a column for each source.

    With `include_claims`, add a row for each published figure on the day it was stated; its columns of points are
    empty.
    """
    numbers_by_source = {line["source"]: [point["verified"] for point in line["points"]] for line in answer["series"]}
    points: list[Row] = [
        {**point, **{source: numbers[position] for source, numbers in numbers_by_source.items()}}
        for position, point in enumerate(answer["points"])
    ]
    points = _add_not_visible(points, answer["caveats"])
    if not include_claims:
        return points
    return points + [
        {"on": claim["at"], "claim": claim["id"], **_select_columns(claim, *FIGURE_COLUMNS)}
        for claim in answer["claims"]
    ]


def build_overlap_rows(answer: Overlap) -> list[Row]:
    """Return a row of the total, and a row for each source, pair and exact pattern: `of` is the kind, `cases` the
    number."""
    total = {"of": "total", "sources": [], "cases": answer["cases"], "unlinkable": answer["caveats"]["unlinkable"]}
    sources = [
        {
            "of": "source",
            "sources": [row["source"]],
            "cases": row["verified"],
            **_drop_columns(row, "source", "verified"),
        }
        for row in answer["sources"]
    ]
    pairs = [
        {"of": "pair", "sources": [row["a"], row["b"]], "cases": row["both"],
         **_flatten_columns(_drop_columns(row, "a", "b", "both"), "dates", "kinds")}
        for row in answer["pairs"]
    ]  # fmt: skip
    patterns: list[Row] = [{"of": "pattern", **row} for row in answer["patterns"]]
    return _add_not_visible([total, *sources, *pairs, *patterns], answer["caveats"])


def build_estimate_rows(answer: ReleaseEstimate) -> list[Row]:
    """Return a row for each model, a row of the lower bound, and if no model was chosen a row with the reason."""
    chosen_name = answer["chosen"] and answer["chosen"]["name"]
    rows: list[Row] = [{**model, "chosen": model["name"] == chosen_name} for model in answer["models"]]
    if answer["lower_bound"]:
        rows.append({**answer["lower_bound"], "chosen": False})
    if answer["refused"]:
        rows.append({"name": "refused", **answer["refused"], "chosen": False})
    observed_columns = {
        **_select_columns(answer, "observed", "on_two_or_more"),
        "unlinkable": answer["caveats"]["unlinkable"],
    }
    return _add_not_visible(({**row, **observed_columns} for row in rows), answer["caveats"])


def build_reconciliation_rows(answer: Reconciliation) -> list[Row]:
    """Return a row for the claim, and a row for each of the registry's own counts, then and now."""
    claim_row = {
        "of": "claim",
        **_select_columns(answer["claim"], "claimant", "qualifier", "low", "high"),
        "comparable": answer["comparable"],
        "reasons": [reason["code"] for reason in answer["reasons"]],
        "remarks": [remark["code"] for remark in answer["remarks"]],
    }
    count_rows = [
        {"of": moment, **_build_claim_count_row(count)}
        for moment, count in (("then", answer["then"]), ("now", answer["now"]))
        if count
    ]
    return [claim_row, *count_rows]


def _build_claim_count_row(count: ClaimCount) -> Row:
    flat = {
        "revision": count["at"]["revision"],
        **count["total"],
        **_list_caveats(count["caveats"]),
        **_drop_columns(count, "at", "total", "caveats"),
    }
    return _flatten_columns(flat, "by_min_sources", "by_source", "possible", "gap")


def build_balance_rows(steps: Iterable[BalanceStep]) -> list[Row]:
    """Return a row for each step; the bounds of a figure have columns of their own."""
    return [_build_balance_row(step) for step in steps]


def _build_balance_row(step: BalanceStep) -> Row:
    row: Row = {}
    for name, value in step.items():
        bounds = value if isinstance(value, dict) else {}
        if name in ("from", "to"):
            row[f"{name}_stated_at"] = bounds["stated_at"]
        if name in ("country", "missing"):
            row[name] = value
        else:
            row |= {f"{name}_{edge}": bounds.get(edge) for edge in ("low", "high")}
    return row


def _flatten_columns(row: Mapping[str, object], *names: str) -> Row:
    """Move the parts of the objects called `names` to columns of their own, after all others."""
    flat = _drop_columns(row, *names)
    for name in names:
        value = row.get(name)
        if isinstance(value, dict):
            flat |= {f"{name}_{key}": part for key, part in value.items()}
    return flat


def _select_columns(row: Mapping[str, object], *names: str) -> Row:
    return {name: row[name] for name in names if name in row}


def _drop_columns(row: Mapping[str, object], *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}

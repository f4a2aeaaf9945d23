"""Counts as tables: the numbers of their JSON, a row for each thing counted (pure)."""

from collections.abc import Iterable, Mapping

from app.counts.shapes import Overlap, ReleaseEstimate, Series, TalliedCount
from app.schemas.counts import BalanceStep, PartlyHidden, Reconciliation

Row = dict[str, object]  # column → cell
# The columns of a published figure.
FIGURE = ("claimant", "qualifier", "low", "high", "window_from", "window_to", "stated_at")


def of_count(answer: TalliedCount) -> list[Row]:
    """A row for each group, or a row of the total; `by_min_sources` has columns of its own."""
    if "groups" in answer:
        return _with_not_visible((_flat(group, "by_min_sources") for group in answer["groups"]), answer)
    beside = _only(answer, "uncertain_date", "not_visible", "not_heard_since")
    return [_flat({**answer["total"], **beside}, "by_min_sources")]


def _with_not_visible(rows: Iterable[Row], answer: PartlyHidden) -> list[Row]:
    """The rows, each with the `not_visible` of the whole answer: a spreadsheet shows nothing beside its rows."""
    beside = {"not_visible_in_all": answer["not_visible"]} if "not_visible" in answer else {}
    return [{**row, **beside} for row in rows]


def of_series(answer: Series, *, claims: bool) -> list[Row]:
    """A row for each point, with a column for each source. With `claims`, then a row for each published figure on the
    day it was stated; the columns of the points are empty there."""
    lines = {line["source"]: [point["verified"] for point in line["points"]] for line in answer["series"]}
    points: list[Row] = [
        {**point, **{source: numbers[position] for source, numbers in lines.items()}}
        for position, point in enumerate(answer["points"])
    ]
    points = _with_not_visible(points, answer)
    if not claims:
        return points
    return points + [{"on": claim["at"], "claim": claim["id"], **_only(claim, *FIGURE)} for claim in answer["claims"]]


def of_overlap(answer: Overlap) -> list[Row]:
    """A row of the total, and a row for each source, pair and exact pattern: `of` says which, `releases` how many."""
    total = {"of": "total", "sources": [], "releases": answer["releases"], "counted_apart": answer["counted_apart"]}
    sources = [
        {"of": "source", "sources": [row["source"]], "releases": row["verified"], **_rest(row, "source", "verified")}
        for row in answer["sources"]
    ]
    pairs = [
        {"of": "pair", "sources": [row["a"], row["b"]], "releases": row["both"],
         **_flat(_rest(row, "a", "b", "both"), "dates", "kinds")}
        for row in answer["pairs"]
    ]  # fmt: skip
    patterns: list[Row] = [{"of": "pattern", **row} for row in answer["patterns"]]
    return _with_not_visible([total, *sources, *pairs, *patterns], answer)


def of_estimate(answer: ReleaseEstimate) -> list[Row]:
    """A row for each model, a row of the lower bound, and where no model was chosen a row that says why."""
    chosen = answer["chosen"] and answer["chosen"]["name"]
    rows: list[Row] = [{**model, "chosen": model["name"] == chosen} for model in answer["models"]]
    if answer["lower_bound"]:
        rows.append({**answer["lower_bound"], "chosen": False})
    if answer["refused"]:
        rows.append({"name": "refused", **answer["refused"], "chosen": False})
    observed = _only(answer, "observed", "on_two_or_more", "counted_apart")
    return _with_not_visible(({**row, **observed} for row in rows), answer)


def of_reconciliation(answer: Reconciliation) -> list[Row]:
    """A row for the claim, and a row for each of the registry's own counts beside it, then and now."""
    claim = {
        "of": "claim",
        **_only(answer["claim"], "claimant", "qualifier", "low", "high"),
        "comparable": answer["comparable"],
        "reasons": [reason["code"] for reason in answer["reasons"]],
        "remarks": [remark["code"] for remark in answer["remarks"]],
    }
    beside = [
        {"of": when, **_flat(count, "by_min_sources", "by_source", "gap")}
        for when, count in (("then", answer["then"]), ("now", answer["now"]))
        if count
    ]
    return [claim, *beside]


def of_balance(steps: Iterable[BalanceStep]) -> list[Row]:
    """A row for each step; each figure's bounds have columns of their own."""
    return [_step(step) for step in steps]


def _step(step: BalanceStep) -> Row:
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


def _flat(row: Mapping[str, object], *names: str) -> Row:
    """The row with the parts of the objects called `names` in columns of their own, after all others."""
    flat = _rest(row, *names)
    for name in names:
        value = row.get(name)
        if isinstance(value, dict):
            flat |= {f"{name}_{key}": part for key, part in value.items()}
    return flat


def _only(row: Mapping[str, object], *names: str) -> Row:
    return {name: row[name] for name in names if name in row}


def _rest(row: Mapping[str, object], *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}

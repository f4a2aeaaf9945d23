"""Counts as tables: the same numbers as in their JSON, a row for each thing counted (pure)."""

from typing import Any

Row = dict[str, Any]
# The columns of a published figure.
FIGURE = ("claimant", "qualifier", "low", "high", "window_from", "window_to", "stated_at")


def of_count(answer: Row) -> list[Row]:
    """A row for each group, or one of the total; `by_min_sources` in columns of its own."""
    if "groups" in answer:
        return _with_not_visible([_flat(group, "by_min_sources") for group in answer["groups"]], answer)
    beside: Row = {
        name: answer[name] for name in ("uncertain_date", "not_visible", "not_heard_since") if name in answer
    }
    return [_flat({**answer["total"], **beside}, "by_min_sources")]


def _with_not_visible(rows: list[Row], answer: Row) -> list[Row]:
    """The rows, each with the `not_visible` of the whole answer, since a spreadsheet shows nothing beside its rows."""
    return [{**row, "not_visible_in_all": answer["not_visible"]} for row in rows] if "not_visible" in answer else rows


def of_series(answer: Row, *, claims: bool) -> list[Row]:
    """A row for each point with a column for each source; with `claims` then a row for each published figure on the day
    it was stated, which leaves the columns of the points empty."""
    lines = {line["source"]: [point["verified"] for point in line["points"]] for line in answer["series"]}
    points = [
        {**point, **{source: numbers[position] for source, numbers in lines.items()}}
        for position, point in enumerate(answer["points"])
    ]
    points = _with_not_visible(points, answer)
    if not claims:
        return points
    figures = [
        {"on": claim["at"], "claim": claim["id"], **{name: claim[name] for name in FIGURE}}
        for claim in answer["claims"]
    ]
    return points + figures


def of_overlap(answer: Row) -> list[Row]:
    """A row of the total, and one for each source, each pair and each exact pattern: `of` says which, `releases` how
    many."""
    total = {"of": "total", "sources": [], "releases": answer["releases"], "counted_apart": answer["counted_apart"]}
    sources = [
        {"of": "source", "sources": [row["source"]], "releases": row["verified"], **_rest(row, "source", "verified")}
        for row in answer["sources"]
    ]
    pairs = [
        {"of": "pair", "sources": [row["a"], row["b"]], "releases": row["both"],
         **_flat(_flat(_rest(row, "a", "b", "both"), "dates"), "kinds")}
        for row in answer["pairs"]
    ]  # fmt: skip
    patterns = [{"of": "pattern", **row} for row in answer["patterns"]]
    return _with_not_visible([total, *sources, *pairs, *patterns], answer)


def of_estimate(answer: Row) -> list[Row]:
    """A row for each model, one of the lower bound, and where none was chosen one that says why."""
    chosen = answer["chosen"] and answer["chosen"]["name"]
    rows = [{**model, "chosen": model["name"] == chosen} for model in answer["models"]]
    if answer["lower_bound"]:
        rows.append({**answer["lower_bound"], "chosen": False})
    if answer["refused"]:
        rows.append({"name": "refused", **answer["refused"], "chosen": False})
    observed = {name: answer[name] for name in ("observed", "on_two_or_more", "counted_apart")}
    return _with_not_visible([{**row, **observed} for row in rows], answer)


def of_reconciliation(answer: Row) -> list[Row]:
    """A row for the claim itself and one for each of the registry's own counts beside it, then and now."""
    claim = {"of": "claim", **{name: answer["claim"][name] for name in ("claimant", "qualifier", "low", "high")}}
    claim |= {"comparable": answer["comparable"], "reasons": [reason["code"] for reason in answer["reasons"]]}
    claim["remarks"] = [remark["code"] for remark in answer["remarks"]]
    beside = [
        {"of": when, **_flat(_flat(_flat(answer[when], "by_min_sources"), "by_source"), "gap")}
        for when in ("then", "now")
        if answer[when]
    ]
    return [claim, *beside]


def of_balance(steps: list[Row]) -> list[Row]:
    """A row for each step, each figure's bounds in columns of their own."""
    return [_step(step) for step in steps]


def _step(step: Row) -> Row:
    row: Row = {}
    for name, value in step.items():
        if name in ("from", "to"):
            row[f"{name}_stated_at"] = value["stated_at"]
        if name in ("country", "missing"):
            row[name] = value
        else:
            row |= {f"{name}_{edge}": None if value is None else value[edge] for edge in ("low", "high")}
    return row


def _flat(row: Row, name: str) -> Row:
    """The row with an object's values in columns of their own."""
    return {**_rest(row, name), **{f"{name}_{key}": value for key, value in (row.get(name) or {}).items()}}


def _rest(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}

"""`recuento estimate`: capture and recapture on a table of list patterns, in words or as JSON."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.output import AsJson
from app.estimates.estimator import BadTable, Estimate, estimate, read_csv

TITLES = {
    "chapman": "Chapman",
    "independence": "independence",
    "stepwise": "stepwise",
    "all_pairs": "all pairs",
    "bic": "lowest BIC",
}
# Why that fit was chosen, by the name of the rule.
RULES = {
    "stepwise": "chosen because its BIC is within ten of the lowest",
    "lowest_bic": "chosen for the lowest BIC: the data speak strongly against stepwise, or it has no figure",
    "two_lists": "the one estimate there is of two lists",
}


commands = typer.Typer()


@commands.command("estimate")
def estimate_table(
    file: Annotated[Path, typer.Argument(help="CSV: a 0/1 column for each list, and `count`.")],
    dependent: Annotated[
        list[str] | None,
        typer.Option(help="Two lists that are not independent, as A:B; may be repeated.", metavar="A:B"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Estimate how many people no list has seen. A refusal with its reason is an answer too."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadTable(f"Cannot read {file}: {error.strerror}.") from error
    lists, people = read_csv(data)
    answer = estimate(lists, people, [_pair(lists, text) for text in dependent or []])
    if as_json:
        print(json.dumps(answer.answer(), ensure_ascii=False, allow_nan=False))  # noqa: T201 - this is the output
    else:
        _show(answer)


def _pair(lists: tuple[str, ...], text: str) -> frozenset[str]:
    """The two lists of `A:B`, whose names may have colons themselves."""
    for place, letter in enumerate(text):
        pair = (text[:place], text[place + 1 :])
        if letter == ":" and pair[0] != pair[1] and all(name in lists for name in pair):
            return frozenset(pair)
    raise BadTable(f"{text!r} does not name two lists of the table as A:B. It has {', '.join(lists)}.")


def _show(answer: Estimate) -> None:
    console = Console(emoji=False, highlight=False)
    console.print(f"{answer.observed:,} people were seen, {answer.shared:,} of them on two lists or more.")
    if answer.models:
        console.print(_table(answer))
    for name, reason in answer.left_out:
        console.print(f"No figure for {TITLES[name]}: {reason}")
    chosen = answer.chosen
    if chosen is not None and answer.chosen_by is not None:
        profile = "" if chosen.profile is None else f", {_span(*chosen.profile)} by profile likelihood"
        console.print(
            f"[bold]Estimate: {chosen.estimate:,.0f} people[/bold], {_span(chosen.low, chosen.high)} at 95 %"
            f" ({chosen.interval}){profile}; {TITLES[chosen.name]}, {RULES[answer.chosen_by]}."
        )
    if answer.refused is not None:
        console.print(f"[bold]No estimate:[/bold] {escape(answer.refused.reason)}")
    if answer.range is not None and answer.range[0] < answer.range[1]:
        console.print(f"Models that the data allow say from {answer.range[0]:,.0f} to {answer.range[1]:,.0f}.")
    bound = f"Chao's lower bound: {answer.lower_bound.estimate:,.0f}."
    if chosen is not None and round(answer.lower_bound.estimate) > round(chosen.estimate):
        bound += " It lies above the estimate: see what it assumes."
    console.print(bound if answer.refused is None else f"{bound} It is no estimate: see what it assumes.")
    console.print("This holds if:")
    for sentence in answer.assumptions:
        console.print(f"- {sentence}")


def _table(answer: Estimate) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    for title in ("estimate", "95 %", "BIC"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("together", overflow="fold")
    for model in answer.models:
        table.add_row(
            TITLES[model.name],
            f"{model.estimate:,.0f}",
            _span(model.low, model.high),
            "" if model.bic is None else f"{model.bic:,.1f}",
            "every pair" if model.name == "all_pairs" else escape(", ".join(model.terms)),
        )
    return table


def _span(low: float | None, high: float | None) -> str:
    return f"{'open' if low is None else f'{low:,.0f}'}–{'open' if high is None else f'{high:,.0f}'}"

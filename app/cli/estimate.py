"""`recuento estimate`: estimate a population from a table of list patterns, in words or as JSON."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.cli.output import AsJson
from app.estimates.estimator import BadTable, Estimate, estimate_population, read_pattern_csv

MODEL_TITLES = {
    "chapman": "Chapman",
    "independence": "independence",
    "stepwise": "stepwise",
    "all_pairs": "all pairs",
    "bic": "lowest BIC",
}
# Selection rule → why it chose its model.
RULE_EXPLANATIONS = {
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
    lists, people = read_pattern_csv(data)
    answer = estimate_population(lists, people, [_parse_pair(lists, text) for text in dependent or []])
    if as_json:
        print(json.dumps(answer.build_numbers(), ensure_ascii=False, allow_nan=False))  # noqa: T201 - this is the output
    else:
        _print_estimate(answer)


def _parse_pair(lists: tuple[str, ...], text: str) -> frozenset[str]:
    """Parse the two lists of `A:B`, whose names may contain colons."""
    for position, letter in enumerate(text):
        pair = (text[:position], text[position + 1 :])
        if letter == ":" and pair[0] != pair[1] and all(name in lists for name in pair):
            return frozenset(pair)
    raise BadTable(f"{text!r} does not name two lists of the table as A:B. It has {', '.join(lists)}.")


def _print_estimate(answer: Estimate) -> None:
    console = Console(emoji=False, highlight=False)
    console.print(f"{answer.observed_count:,} people were seen, {answer.shared_count:,} of them on two lists or more.")
    if answer.models:
        console.print(_build_model_table(answer))
    for name, reason in answer.excluded_models:
        console.print(f"No figure for {MODEL_TITLES[name]}: {reason}")
    chosen_model = answer.chosen_model
    if chosen_model is not None and answer.selection_rule is not None:
        profile = (
            "" if chosen_model.profile is None else f", {_format_interval(*chosen_model.profile)} by profile likelihood"
        )
        console.print(
            f"[bold]Estimate: {chosen_model.estimate:,.0f} people[/bold], "
            f"{_format_interval(chosen_model.low, chosen_model.high)} at 95 % ({chosen_model.interval}){profile}; "
            f"{MODEL_TITLES[chosen_model.name]}, {RULE_EXPLANATIONS[answer.selection_rule]}."
        )
    if answer.refusal is not None:
        console.print(f"[bold]No estimate:[/bold] {escape(answer.refusal.reason)}")
    if answer.range is not None and answer.range[0] < answer.range[1]:
        console.print(f"Models that the data allow say from {answer.range[0]:,.0f} to {answer.range[1]:,.0f}.")
    bound_text = f"Chao's lower bound: {answer.lower_bound.estimate:,.0f}."
    if chosen_model is not None and round(answer.lower_bound.estimate) > round(chosen_model.estimate):
        bound_text += " It lies above the estimate: see what it assumes."
    console.print(bound_text if answer.refusal is None else f"{bound_text} It is no estimate: see what it assumes.")
    console.print("This holds if:")
    for sentence in answer.assumptions:
        console.print(f"- {sentence}")


def _build_model_table(answer: Estimate) -> Table:
    table = Table(box=SIMPLE_HEAD)
    table.add_column("model", no_wrap=True)
    for title in ("estimate", "95 %", "BIC"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("together", overflow="fold")
    for model in answer.models:
        table.add_row(
            MODEL_TITLES[model.name],
            f"{model.estimate:,.0f}",
            _format_interval(model.low, model.high),
            "" if model.bic is None else f"{model.bic:,.1f}",
            "every pair" if model.name == "all_pairs" else escape(", ".join(model.terms)),
        )
    return table


def _format_interval(low: float | None, high: float | None) -> str:
    return f"{'open' if low is None else f'{low:,.0f}'}–{'open' if high is None else f'{high:,.0f}'}"

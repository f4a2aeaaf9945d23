"""Rows of what sources say apart (`unlinked`), as the code that counts reads them (pure).

Each stands for a detention and a person of its own, behind all others, whom only a count by that source meets
(`Columns.first_apart`): with what all sources together say of it, with the verdicts of those who verify it, and with
what is so of the person. Where personal parts say whose numbers these are, the rows stand where they belong instead."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from app.columns import table
from app.columns.rows import NONE, Array
from app.columns.table import CODE, FLAG, NOTHING, PERSON, SINCE, SMALL, UNTIL, Kept
from app.exchange.count_files.unlinked import OF_OWN_KNOWLEDGE, OWN_DETENTION, OWN_PERSON, TOGETHER, VERIFYING

Row = dict[str, Any]
Rows = dict[str, Array]
_NONE_OF = {CODE: NOTHING, SMALL: 0, FLAG: False}


def in_their_place(
    rows: dict[str, Rows], apart: Mapping[str, Iterable[Row]], people: Mapping[int, int], detentions: Mapping[int, int]
) -> None:
    """Add the rows to those of the same tables, by the numbers that personal parts tell."""
    for name, of_table in apart.items():
        for row in of_table:
            row |= {PERSON: people[row[OWN_PERSON]], "spell": detentions[row[OWN_DETENTION]]}
        _add(rows, _kept(name), of_table)


def behind_all(
    rows: dict[str, Rows], apart: Mapping[str, Iterable[Row]], first_person: int, first_detention: int, verified: int
) -> None:
    """Add the rows behind all others, each with what a count by its source reads beside it. `first_…`: the lowest
    numbers that nobody has; `verified`: the code of that verdict."""
    for name, of_table in apart.items():
        voices: list[Row] = []
        wholes: list[Row] = []
        states: list[Row] = []
        for row in of_table:
            numbers: Row = {PERSON: first_person + row[OWN_PERSON], "spell": first_detention + row[OWN_DETENTION]}
            holds: Row = numbers | {SINCE: row[SINCE], UNTIL: row[UNTIL]}
            stage: Row = {"stage": row["stage"]} if "stage" in row else {}
            voices.append({**row, **numbers})
            for text in row[VERIFYING].split():
                source, knows = text.removesuffix(OF_OWN_KNOWLEDGE), text.endswith(OF_OWN_KNOWLEDGE)
                voices.append({**holds, **stage, "source": int(source), "verdict": verified, "independent": knows})
            beside: Row = {
                column: row[column] for column in ("status", "independent_verified", "heard_hi") if column in row
            }
            wholes.append({**holds, **stage, **beside, "withheld": True})
            states.append({**holds, "state": row["state"], "rearrested": row["rearrested"]})
        _add(rows, _kept(name), voices)
        _add(rows, TOGETHER[name][0], wholes)
        _add(rows, table.PEOPLE, states)


def _kept(name: str) -> Kept:
    return next(kept for kept in table.EVERY if kept.name == name)


def _add(rows: dict[str, Rows], kept: Kept, more: Iterable[Row]) -> None:
    """Add rows to those of a table; of what they do not say there is none."""
    more = list(more)
    nothing = {name: _NONE_OF.get(kind, NONE) for name, kind in kept.columns.items()}
    of_table = rows[kept.name]
    rows[kept.name] = {
        name: np.concatenate(
            [of_table[name], np.array([row.get(name, nothing.get(name)) for row in more], column.dtype)]
        )
        for name, column in of_table.items()
    }

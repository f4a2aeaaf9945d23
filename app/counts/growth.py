"""The numbers of a series: what was counted at each of several revisions, and what had happened by each of many days.

The numbers are those of `tally.count`, without all that a series does not show.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from sqlmodel import Session

from app.columns.loader import Columns
from app.columns.rows import NONE, Array, Cells, Rows, cells
from app.columns.store import FROM, TO, columns_of, over
from app.reading.selection import read_by, select
from app.reading.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Verdict


class Numbers(NamedTuple):
    """Releases by status, how many of them are of people who may only be counted, and how many each source verified, by
    its key and its own days."""

    by_status: dict[str, int]
    counted_apart: int
    by_source: dict[int, int]


_Key = tuple[Any, ...]


class _Side(NamedTuple):
    """Rows that count, with the text of what divides them: for all sources together, or by source."""

    rows: Rows
    cells: Cells
    keys: list[_Key]


def known(session: Session, terms: CountTerms, reader: Reader, revisions: Sequence[int]) -> Iterator[Numbers]:
    """What the terms count at each of these revisions, which ascend.

    A release is a step up at the first of them at which it stood so, and a step down behind the last."""
    at_head, read = columns_of(session), read_by(terms)
    key = "over", tuple(revisions), tuple(read)
    columns = at_head.recent(key, lambda: over(at_head, revisions, read))
    width = len(revisions) + 1

    sides = []
    for side in _sides(session, terms, reader, revisions[-1], columns):
        up, down = (_steps(side, side.cells.number, side.rows[name], width) for name in (FROM, TO))
        sides.append((side.keys, np.cumsum(up - down, axis=1)))
    return _each(sides, len(revisions))


def _each(sides: Sequence[tuple[list[_Key], Array]], points: int) -> Iterator[Numbers]:
    """The numbers of each point, from what the cells of both sides come to by then."""
    for point in range(points):
        yield _numbers(*(dict(zip(keys, sums[:, point].tolist(), strict=True)) for keys, sums in sides))


def _numbers(together: Mapping[_Key, int], own: Mapping[_Key, int]) -> Numbers:
    by_status: dict[str, int] = defaultdict(int)
    for (status, _apart), number in together.items():
        by_status[status] += number
    apart = sum(number for (_status, apart), number in together.items() if apart)
    return Numbers(by_status, apart, {source: number for (source,), number in own.items()})


def growth(
    session: Session, terms: CountTerms, reader: Reader, revision: int, ends: Sequence[date]
) -> Iterator[Numbers]:
    """What the terms count when asked with `released_to` on each of `ends`, which ascend; the last closes the window.

    A release is a step up on the last day on which it may have happened and, net, a step down on the day by which the
    person was surely taken again. A point is the sum of the steps up to it.
    """
    # Net is worked out point by point: a re-arrest by the end of the window is none yet at the points before it.
    gross = terms.model_copy(update={"net": False, "released_to": ends[-1].isoformat()})
    sides = [(side.keys, _sums(side, ends, net=terms.net)) for side in _sides(session, gross, reader, revision)]
    return _each(sides, len(ends))


def _sides(
    session: Session, terms: CountTerms, reader: Reader, revision: int, columns: Columns | None = None
) -> tuple[_Side, _Side]:
    """The releases by status and by whether the person may only be counted; what sources verified, by source."""
    selection = select(session, terms, reader, revision, columns=columns)
    chosen, text = selection.inside & selection.counting, selection.columns.codes.text
    together = cells([selection.together[name][chosen] for name in ("status", "withheld")])
    status, apart = (values.tolist() for values in together.values)
    own = select(session, terms, reader, revision, by_source=True, columns=columns)
    verified = own.inside & (own.rows["verdict"] == own.columns.codes.of(Verdict.VERIFIED))
    by_source = cells([own.rows["source"][verified]])
    return (
        _Side(selection.rows.where(chosen), together, [*zip(map(text, status), apart, strict=True)]),
        _Side(own.rows.where(verified), by_source, [(key,) for key in by_source.values[0].tolist()]),
    )


def _sums(side: _Side, ends: Sequence[date], *, net: bool) -> Array:
    """For each cell how many releases had happened by each end; `net`: without people taken again by then."""
    ordinals = np.array([end.toordinal() for end in ends])
    # One step more than there are ends, for re-arrests after the last.
    width, number, released = len(ends) + 1, side.cells.number, side.rows["hi"]
    steps = _steps(side, number, np.searchsorted(ordinals, released), width)
    if net:
        again = side.rows["next_hi"]
        taken = again != NONE
        days = np.maximum(released, again)[taken]
        steps -= _steps(side, number[taken], np.searchsorted(ordinals, days), width)
    sums: Array = np.cumsum(steps, axis=1)
    return sums


def _steps(side: _Side, number: Array, points: Array, width: int) -> Array:
    """For each cell how many rows there are at each point. `number`: of the cell of each row."""
    return np.bincount(number * width + points, minlength=len(side.cells) * width).reshape(-1, width)

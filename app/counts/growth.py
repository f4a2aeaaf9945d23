"""The numbers of a series: what was counted at one revision, and what had happened by each of many days.

Two queries each time, one over releases and one over what sources say of them, however many the days. The numbers are
those of `tally.count_releases`, without all that a series does not show.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import accumulate
from typing import Any, NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col

from app.models import ReleaseAtStage, SourceRelease
from app.reading.selection import COUNTING, Selection, select_releases
from app.reading.terms import CountTerms
from app.reading.visibility import Condition
from app.registry.policy import Reader
from app.vocabulary import Verdict


class Numbers(NamedTuple):
    """Releases by status, how many of them are of people who may only be counted, and those that each source verified,
    by its key and its own days."""

    by_status: dict[str, int]
    counted_apart: int
    by_source: dict[int, int]


class _Side(NamedTuple):
    """What a number is asked of: the selection, what divides it, and which rows count."""

    selection: Selection
    values: tuple[Any, ...]
    where: Condition


def numbers_at(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Numbers:
    """What the terms count at a revision."""
    found = []
    for selection, values, where in _sides(session, terms, reader, revision):
        rows = session.execute(selection.rows(*values, func.count()).where(selection.inside, where).group_by(*values))
        found.append({tuple(row[:-1]): row[-1] for row in rows})
    return _numbers(*found)


def _numbers(together: Mapping[tuple[Any, ...], int], own: Mapping[tuple[Any, ...], int]) -> Numbers:
    by_status: dict[str, int] = defaultdict(int)
    for (status, _apart), number in together.items():
        by_status[status] += number
    apart = sum(number for (_status, apart), number in together.items() if apart)
    return Numbers(by_status, apart, {source: number for (source,), number in own.items()})


def growth(
    session: Session, terms: CountTerms, reader: Reader, revision: int, ends: Sequence[date]
) -> Iterator[Numbers]:
    """What the terms count when asked with `released_to` on each of `ends`, which ascend; the last closes the window.

    A release counts from the last day it may have happened on; net, until the day by which the person was surely taken
    again. So each is a step up and perhaps one down, and a point is the sum of the steps up to it.
    """
    # Who was taken again is told point by point: by the end of the window would be too early for those before it.
    gross = terms.model_copy(update={"net": False, "released_to": ends[-1].isoformat()})
    sides = [_sums(session, side, ends, net=terms.net) for side in _sides(session, gross, reader, revision)]
    for number in range(len(ends)):
        yield _numbers(*({key: sums[number] for key, sums in found.items()} for found in sides))


def _sides(session: Session, terms: CountTerms, reader: Reader, revision: int) -> tuple[_Side, _Side]:
    together = select_releases(session, terms, reader, revision)
    own = select_releases(session, terms, reader, revision, by_source=True)
    return (
        _Side(
            together,
            (col(ReleaseAtStage.status), col(ReleaseAtStage.withheld)),
            col(ReleaseAtStage.status).in_(COUNTING),
        ),
        _Side(own, (col(SourceRelease.source),), col(SourceRelease.verdict) == Verdict.VERIFIED),
    )


def _sums(session: Session, side: _Side, ends: Sequence[date], *, net: bool) -> dict[tuple[Any, ...], list[int]]:
    """Values → how many releases of them had happened by each end; `net`: and whose people had not been taken again."""
    selection, values, where = side
    days = (selection.columns.hi, selection.columns.next_hi) if net else (selection.columns.hi,)
    rows = session.execute(
        selection.rows(*values, func.count(), *days).where(selection.inside, where).group_by(*values, *days)
    )
    ordinals = [end.toordinal() for end in ends]
    # One step more than there are ends: for who was taken again after the last.
    steps: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * (len(ends) + 1))
    for row in rows:
        key, (number, released, *again) = tuple(row[: len(values)]), row[len(values) :]
        steps[key][bisect_left(ordinals, released)] += number
        if again and again[0] is not None:
            steps[key][bisect_left(ordinals, max(released, again[0]))] -= number
    return {key: list(accumulate(up_and_down[:-1])) for key, up_and_down in steps.items()}

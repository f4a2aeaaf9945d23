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
from app.registry.read_permissions import Reader
from app.vocabulary import Verdict


class Numbers(NamedTuple):
    """Releases by status, how many of them are of people who may only be counted, and how many each source verified, by
    its key and its own days."""

    by_status: dict[str, int]
    counted_apart: int
    by_source: dict[int, int]


class _Grouping(NamedTuple):
    """A selection to count: by which values it is divided, and which of its rows count."""

    selection: Selection
    values: tuple[Any, ...]
    where: Condition


def numbers_at(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Numbers:
    """What the terms count at a revision."""
    numbers = []
    for selection, values, where in _groupings(session, terms, reader, revision):
        rows = session.execute(selection.rows(*values, func.count()).where(selection.inside, where).group_by(*values))
        numbers.append({tuple(row[:-1]): row[-1] for row in rows})
    return _numbers(*numbers)


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

    A release is a step up on the last day on which it may have happened and, net, a step down on the day by which the
    person was surely taken again. A point is the sum of the steps up to it.
    """
    # Net is worked out point by point: a re-arrest by the end of the window is none yet at the points before it.
    gross = terms.model_copy(update={"net": False, "released_to": ends[-1].isoformat()})
    sides = [_sums(session, side, ends, net=terms.net) for side in _groupings(session, gross, reader, revision)]
    for number in range(len(ends)):
        yield _numbers(*({key: sums[number] for key, sums in numbers.items()} for numbers in sides))


def _groupings(session: Session, terms: CountTerms, reader: Reader, revision: int) -> tuple[_Grouping, _Grouping]:
    together = select_releases(session, terms, reader, revision)
    own = select_releases(session, terms, reader, revision, by_source=True)
    return (
        _Grouping(
            together,
            (col(ReleaseAtStage.status), col(ReleaseAtStage.withheld)),
            col(ReleaseAtStage.status).in_(COUNTING),
        ),
        _Grouping(own, (col(SourceRelease.source),), col(SourceRelease.verdict) == Verdict.VERIFIED),
    )


def _sums(session: Session, side: _Grouping, ends: Sequence[date], *, net: bool) -> dict[tuple[Any, ...], list[int]]:
    """Values → how many releases with these values had happened by each end; `net`: without people taken again by
    then."""
    selection, values, where = side
    days = (selection.columns.hi, selection.columns.next_hi) if net else (selection.columns.hi,)
    rows = session.execute(
        selection.rows(*values, func.count(), *days).where(selection.inside, where).group_by(*values, *days)
    )
    ordinals = [end.toordinal() for end in ends]
    # One step more than there are ends, for re-arrests after the last.
    steps: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0] * (len(ends) + 1))
    for row in rows:
        key, (number, released, *again) = tuple(row[: len(values)]), row[len(values) :]
        steps[key][bisect_left(ordinals, released)] += number
        if again and again[0] is not None:
            steps[key][bisect_left(ordinals, max(released, again[0]))] -= number
    return {key: list(accumulate(up_and_down[:-1])) for key, up_and_down in steps.items()}

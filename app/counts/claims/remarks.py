"""What is odd about a running total beside the one its claimant gave before: a fall, or a jump (pure).

No reason for a difference, and nobody's fault: something to ask before the number is printed.
"""

from collections.abc import Sequence
from typing import Any, Literal

from app.counts.claims.figures import Figure
from app.counts.claims.messages import message
from app.schemas.counts import Argument, RemarkOut
from app.vocabulary import Series

# A jump is growth by more than this between two figures of one running total. Foro Penal's own of January 2026 never
# grew by more than 2.5 times from one to the next (from 17 to 41 in a night); a slip of one digit makes ten of one, and
# a window or a definition that changed without a word often three or more.
JUMP = 3


def remarks(figure: Figure, own: Sequence[Figure]) -> list[RemarkOut]:
    """At most one remark; `own`: the same claimant's other figures of the same thing, without figures that a third one
    corrected."""
    if not _running(figure):
        return []
    earlier = [other for other in own if _grew_into(figure, other)]
    if not earlier:
        return []
    before = max(earlier, key=_when)
    (low, high), (lowest, highest) = figure.bounds, before.bounds
    if high is not None and lowest is not None and high < lowest:
        return [_remark("fall", before)]
    if low is not None and highest and low > JUMP * highest:
        return [_remark("jump", before, times=JUMP)]
    return []


def _grew_into(figure: Figure, other: Figure) -> bool:
    """Whether another figure is the same running total at an earlier time; a part and its whole are two totals."""
    parted = other.id in figure.refers_to("part_of") or figure.id in other.refers_to("part_of")
    return _running(other) and other.run == figure.run and _when(other) < _when(figure) and not parted


def _running(figure: Figure) -> bool:
    """Whether a figure is a total that grows from a day it names, and says when it was stated."""
    begins = figure.filed.get("window_from") is not None
    return begins and figure.filed.get("series") == Series.CUMULATIVE and figure.instant is not None


def _when(figure: Figure) -> tuple[Any, int]:
    return figure.instant, figure.stated


def _remark(code: Literal["fall", "jump"], before: Figure, **arguments: Argument) -> RemarkOut:
    return {"code": code, **message(code, arguments), "before": before.shown()}

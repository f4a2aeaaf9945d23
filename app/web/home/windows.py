"""Since when each figure of the contested series counts, as lanes beneath it."""

from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from typing import Any

from app.web.charts.lanes import Lane
from app.web.claims.words import since_when
from app.web.home.gathered import Gathered
from app.web.home.statements import Statement
from app.web.home.telling import beginnings, quoted
from app.web.page import Page

MOMENT = attrgetter("moment")


def has_earlier(gathered: Gathered) -> bool:
    """Whether a figure began to count before the series does."""
    points = gathered.series["points"]
    return bool(points) and any(
        _begin(each) < _begin(points[0]["on"]) for statement in gathered.told for each in statement.beginnings
    )


def lanes_of(
    page: Page, gathered: Gathered, shown: Sequence[Statement], first: float, *, narrow: bool
) -> tuple[Lane, ...]:  # fmt: skip
    """The window of the sources, then each figure in the order of its hour; on a phone those that count alike share
    a lane."""
    words = page.catalogue
    _ = words.gettext
    if not shown:
        return ()
    ours = gathered.question.released_from
    text = since_when(words, ours) if ours else _("without a beginning")
    sentence = _("the organisations, %(since)s") % {"since": text}
    told = [Lane("", sentence if narrow else _("the organisations"), (_begin(ours) if ours else first,), None, False)]
    groups: dict[Any, list[Statement]] = {}
    for statement in sorted(shown, key=MOMENT):
        groups.setdefault(statement.beginnings if narrow else statement.id, []).append(statement)
    for group in groups.values():
        figures = words.listed([quoted(statement.claim, words) for statement in group])
        begins = tuple(_begin(each) for each in group[0].beginnings)
        told.append(Lane(figures, ": " + beginnings(group[0], words, short=narrow), begins, group[-1].moment))
    return tuple(told)


def _begin(text: str) -> float:
    """The first day of a date as coarse as it was said."""
    year, month, day = (*(int(part) for part in text.split("-")), 1, 1)[:3]
    return float(date(year, month, day).toordinal())

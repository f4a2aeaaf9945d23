"""Choose the date of an event from the dates that sources give (rule 5 of docs/counting-rules.md)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.projection.statements import Statement
from app.projection.status import group_by_source
from app.vocabulary import Verdict

# The groups of sources, in the order in which they date an event.
VERIFYING, FIRST_HAND, ORGANISATION, GOVERNMENT = range(4)

# How a statement gives a date, and whether that date was taken over from another report.
DateReader = tuple[Callable[[Statement], PartialDate | None], bool]


class DateVote(NamedTuple):
    """The date that one source gives. `rank`: its group."""

    source: str
    date: PartialDate
    rank: int
    is_taken_over: bool


@dataclass(frozen=True)
class EventDate:
    """The date of an event. `is_uncertain`: another first-hand source gives a date that does not overlap it."""

    date: PartialDate | None
    votes: tuple[DateVote, ...] = ()

    @property
    def first_hand_dates(self) -> list[PartialDate]:
        """The dates that first-hand sources give themselves."""
        return [vote.date for vote in self.votes if vote.rank <= FIRST_HAND and not vote.is_taken_over]

    @property
    def is_uncertain(self) -> bool:
        date = self.date
        return date is not None and any(not other.overlaps(date) for other in self.first_hand_dates)


def rank_voice(voice: Statement) -> int:
    """Return the group of a source by the statement that speaks for it."""
    if voice.independent:
        return VERIFYING if voice.verdict is Verdict.VERIFIED else FIRST_HAND
    return ORGANISATION if voice.source.independent else GOVERNMENT


def choose_release_date(statements: Sequence[Statement], voices: Iterable[Statement], field: str) -> EventDate:
    """Return the date of a release at a stage; a tie goes to the later date.

    `statements`: the statements that assert the stage, without those of sources that deny it. `voices`: one of each
    source. `field`: the name of the date, such as `release.released_on`.
    """
    voices = list(voices)
    organisations = [voice for voice in voices if rank_voice(voice) < GOVERNMENT]
    return _choose(_list_votes(statements, organisations or voices, _read_date(field)), lambda date: (date.hi, date.lo))


def choose_arrest_date(
    statements: Sequence[Statement], begin: PartialDate | None, end: PartialDate | None
) -> EventDate:
    """Return the date of the arrest; a tie goes to the earlier date.

    `begin`: the arrest that divides the detention from the previous one; `end`: its release. A date wholly before the
    one or wholly after the other has no vote.
    """
    groups = group_by_source(statements).values()
    voices = [min(own, key=rank_voice) for own in groups]
    days = (FIRST_DAY if begin is None else begin.lo, LAST_DAY if end is None else end.hi)
    votes = _list_votes(statements, voices, _read_date("detention.detained_on"), days)
    return _choose(votes, lambda date: (-date.lo, -date.hi))


def choose_end_date(statements: Sequence[Statement]) -> EventDate:
    """Return the date of an end other than a release; a tie goes to the later date."""
    voices = [min(own, key=rank_voice) for own in group_by_source(statements).values()]
    votes = _list_votes(statements, voices, [(lambda statement: statement.other_end, False)])
    return _choose(votes, lambda date: (date.hi, date.lo))


def choose_death_date(statements: Sequence[Statement]) -> EventDate:
    """Return the date of a death; a tie goes to the later date."""
    voices = [own[-1] for own in group_by_source(sorted(statements, key=lambda s: s.filed_at)).values()]
    return _choose(_list_votes(statements, voices, _read_date("detainee.died_on")), lambda date: (date.hi, date.lo))


def _read_date(field: str) -> list[DateReader]:
    """Return how a report gives a date: its own one, otherwise the one that it took over."""
    taken_over = f"kept.{field.partition('.')[2]}"
    return [(lambda statement: statement.date(field), False), (lambda statement: statement.date(taken_over), True)]


def _list_votes(
    statements: Sequence[Statement],
    voices: Iterable[Statement],
    readers: Sequence[DateReader],
    days: tuple[int, int] = (FIRST_DAY, LAST_DAY),
) -> list[DateVote]:
    """Return a vote for each voice whose source gives a date: its newest by the first reader that finds one.

    A date of a first-hand statement goes before a newer one of another statement. `days`: the first and the last day; a
    date wholly outside is no date.
    """
    groups = group_by_source(statements)
    votes = []
    for voice in voices:
        for read, is_taken_over in readers:
            date = _find_newest_date(groups.get(voice.source.key, []), read, days)
            if date is not None:
                votes.append(DateVote(voice.source.slug, date, rank_voice(voice), is_taken_over))
                break
    return votes


def _find_newest_date(
    own: Iterable[Statement],
    read: Callable[[Statement], PartialDate | None],
    days: tuple[int, int] = (FIRST_DAY, LAST_DAY),
) -> PartialDate | None:
    first, last = days
    dated = [(s, date) for s in own if (date := read(s)) and date.hi >= first and date.lo <= last]
    newest = max(dated, key=lambda item: (item[0].independent, item[0].filed_at, item[1].hi, item[1].lo), default=None)
    return None if newest is None else newest[1]


def find_source_dates(own: Sequence[Statement], field: str) -> tuple[PartialDate | None, PartialDate | None]:
    """Return the date that one source gives itself, and the one that it took over, from its own reports."""
    own_date, taken_over = (_find_newest_date(own, read) for read, _is_taken_over in _read_date(field))
    return own_date, taken_over


def _choose(votes: Sequence[DateVote], tie: Callable[[PartialDate], tuple[int, int]]) -> EventDate:
    if not votes:
        return EventDate(None)
    rank = min(vote.rank for vote in votes)
    group = [vote.date for vote in votes if vote.rank == rank and not vote.is_taken_over] or [
        vote.date for vote in votes if vote.rank == rank
    ]
    support = {date: sum(date.is_within(other) for other in group) for date in group}
    return EventDate(max(support, key=lambda date: (support[date], *tie(date))), tuple(votes))

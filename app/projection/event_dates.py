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

OTHER_END = "detention.ended"  # an end other than a release


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
    return _choose(_list_votes(statements, organisations or voices, field), lambda date: (date.hi, date.lo))


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
    votes = _list_votes(statements, voices, "detention.detained_on", days)
    return _choose(votes, lambda date: (-date.lo, -date.hi))


def choose_end_date(statements: Sequence[Statement], field: str = OTHER_END) -> EventDate:
    """Return the date of a death or of another end than a release; a tie goes to the later date."""
    voices = [min(own, key=rank_voice) for own in group_by_source(statements).values()]
    return _choose(_list_votes(statements, voices, field), lambda date: (date.hi, date.lo))


def _list_votes(
    statements: Sequence[Statement],
    voices: Iterable[Statement],
    field: str,
    days: tuple[int, int] = (FIRST_DAY, LAST_DAY),
) -> list[DateVote]:
    """Return a vote for each voice whose source gives a date: its newest own one, otherwise its newest taken over.

    A date of a first-hand statement goes before a newer one of another statement. `days`: the first and the last day; a
    date wholly outside is no date.
    """
    groups = group_by_source(statements)
    votes = []
    for voice in voices:
        own_date, taken_over = find_source_dates(groups.get(voice.source.key, []), field, days)
        date = own_date or taken_over
        if date is not None:
            votes.append(DateVote(voice.source.slug, date, rank_voice(voice), is_taken_over=own_date is None))
    return votes


def find_source_dates(
    statements: Sequence[Statement], field: str, days: tuple[int, int] = (FIRST_DAY, LAST_DAY)
) -> tuple[PartialDate | None, PartialDate | None]:
    """Return the date that one source gives itself, and the one that it took over. `statements`: of the source."""
    taken_over = [statement for statement in statements if statement.is_taken_over(field)]
    own = [statement for statement in statements if not statement.is_taken_over(field)]
    return _find_newest_date(own, field, days), _find_newest_date(taken_over, field, days)


def _find_newest_date(statements: Iterable[Statement], field: str, days: tuple[int, int]) -> PartialDate | None:
    first, last = days
    dated = [
        (statement, date)
        for statement in statements
        if (date := _read_date(statement, field)) and date.hi >= first and date.lo <= last
    ]
    newest = max(dated, key=lambda item: (item[0].independent, item[0].filed_at, item[1].hi, item[1].lo), default=None)
    return None if newest is None else newest[1]


def _read_date(statement: Statement, field: str) -> PartialDate | None:
    return statement.other_end if field == OTHER_END else statement.date(field)


def _choose(votes: Sequence[DateVote], tie: Callable[[PartialDate], tuple[int, int]]) -> EventDate:
    if not votes:
        return EventDate(None)
    rank = min(vote.rank for vote in votes)
    group = [vote.date for vote in votes if vote.rank == rank and not vote.is_taken_over] or [
        vote.date for vote in votes if vote.rank == rank
    ]
    support = {date: sum(date.is_within(other) for other in group) for date in group}
    return EventDate(max(support, key=lambda date: (support[date], *tie(date))), tuple(votes))

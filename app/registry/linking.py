"""Tie a new report to a known person: because it points there, or because the matcher is sure (rule 5).

A new report is tied by one edge to one person. Where more than one fits, or none surely, the pairs wait for a
curator. Decisions are written before the report they tie.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlmodel import Session, col

from app.matching import score
from app.matching.weighing import Witness, weigh
from app.models import OPEN, HiddenCandidatePair, Placement, Record
from app.registry import blocking, candidates, content
from app.registry.candidates import CandidatePerson, CandidateRecord, StandingRecord, compare, contents
from app.registry.content import Content
from app.registry.projection.statements import SECOND_HAND, parse
from app.registry.records import Kind
from app.registry.write import WriteContext, new_id
from app.vocabulary import Judgement, MatchOutcome, Publish, Verdict

# Pairs listed for review per report, best first: beyond these a curator searches rather than reads.
MOST_REVIEWED = 5
SURE = 1000  # a pointer is not a guess
# What beside the name two rows of one source must agree in to be looked at, and the least score that is agreement: a
# birth may be a year off, while "2025" agrees with any day of that year.
LEAST_AGREEING = {"birth": 0.7, "facility": 1.0, "detained_on": 1.0, "released_on": 1.0}

# Made once: building a statement costs more than running it.
_INSERT_HIDDEN_PAIRS = insert(HiddenCandidatePair)
_WAITING = select(col(HiddenCandidatePair.other)).where(
    col(HiddenCandidatePair.other).in_(bindparam("among", expanding=True)),
    col(HiddenCandidatePair.contradicts).is_(True),
)


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """A decision about to be written: which record, judged by whom, how sure and why."""

    record: uuid.UUID
    judgement: Judgement
    by: str
    score: int
    reasons: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A record that the report was compared with, and what came of it."""

    record: StandingRecord
    match: score.Match


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What the key may know of it, what the log will say, and what only a curator may learn: whom the report looks
    like (`unsaid`), and the records of the person it is tied to that contradict it and were outweighed."""

    outcome: MatchOutcome
    decisions: tuple[LinkDecision, ...] = ()
    unsaid: tuple[Pair, ...] = ()
    outweighed: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class _Tie:
    """The record of a person to tie a report to, and those of the person that were outweighed."""

    to: Pair
    outweighed: tuple[Pair, ...] = ()


def by_pointer(target: tuple[Record, Kind]) -> LinkResult:
    return LinkResult(MatchOutcome.LINKED, (LinkDecision(target[0].id, Judgement.SAME, "reporter", SURE),))


def compared(context: WriteContext, said: Content) -> Content:
    """What of a report is compared with others: in a trial not the identification number. Trials leave no trace, and
    whoever tried a civil register by them, number by number, would learn who is here."""
    if context.trial is None:
        return said
    return {name: value for name, value in said.items() if name != content.NATIONAL_ID}


def look_up(context: WriteContext, said: Content) -> list[CandidateRecord]:
    """The records that a new report may be of: those that share a stored key."""
    (found,) = candidates.look_up(context, [blocking.query_of(compared(context, said))])
    return [CandidateRecord(one, found[one.key]) for one in contents(context.session, found)]


def by_match(context: WriteContext, said: Content, found: Sequence[CandidateRecord]) -> LinkResult:
    """Compare a new report with the records found for it."""
    person = blocking.person_of(compared(context, said))
    people = compare(context, person, found)
    alike = [one for one in people if one.match.sure or (one.match.score >= score.REVIEW and _tells(context, one))]
    told = [one for one in alike if _may_tell(context, said, one)]
    unsaid = tuple([Pair(one.record, one.match) for one in alike if one not in told][:MOST_REVIEWED])
    sure = [one for one in told if one.match.sure and not _repeats(context, said, one)]
    ties = [(one, tie) for one in sure if (tie := _tie(context, person, one)) is not None]
    # A namesake whom a state files beside somebody must not keep that person's reports apart.
    ties = [(one, tie) for one, tie in ties if one.independent] or ties
    if len(ties) == 1:
        (group, tie), *_ = ties
        outcome = _known_as(MatchOutcome.LINKED, context, [group])
        return LinkResult(outcome, (_link_decision(tie.to, Judgement.SAME),), unsaid, tie.outweighed)
    waiting = tuple(_link_decision(Pair(one.record, one.match), Judgement.UNSURE) for one in told[:MOST_REVIEWED])
    return LinkResult(_known_as(MatchOutcome.NEEDS_REVIEW, context, told[:MOST_REVIEWED]), waiting, unsaid)


def _tells(context: WriteContext, one: CandidatePerson) -> bool:
    """Whether a pair that is not sure is worth a curator's look. Not where the report most like the row is of the same
    source, and the two agree in no more than the name, or contradict each other in more than when: its namesakes are
    many, and the source itself gives them different case numbers."""
    if not context.listing or one.record.source != context.actor.source:
        return True
    agreeing = {reason.feature for reason in one.match.reasons if reason.score >= LEAST_AGREEING.get(reason.feature, 2)}
    return bool(agreeing) and set(one.match.conflicts) <= {"dates"}


def _known_as(outcome: MatchOutcome, context: WriteContext, groups: Sequence[CandidatePerson]) -> MatchOutcome:
    """An outcome as the key may know it (rule 12): of people whom it may not recognise, that the report was new."""
    return outcome if any(context.actor.recognises(g.record.publish) for g in groups) else MatchOutcome.NEW


def _may_tell(context: WriteContext, said: Content, one: CandidatePerson) -> bool:
    """Whether an entry in the log would tell nobody what they may not know (rule 12).

    A guess at somebody whom the key may not recognise would be confirmed by the tie, or by what waits for a curator.
    And a state that files a row first would see its row tied, or doubted, by who reports that person unnamed later: a
    report that does not ask to be named is told of nobody whom only others report that are not independent."""
    named = said.get("detainee.publish") == Publish.NAMED
    planted = not one.independent and not named and context.actor.source not in one.sources
    return not one.overruled and not planted and context.actor.recognises(one.record.publish)


def _repeats(context: WriteContext, said: Content, group: CandidatePerson) -> bool:
    """Whether this source already has a standing report of the same spell there: the same name twice in one list
    is two people until a curator says otherwise; a detention after its own release is not a repetition, unless it
    comes as a row of a list, of which no two are ever tied here."""
    if context.listing:
        return context.actor.source in group.sources or _holds_own(context, group)
    if context.actor.source not in group.sources:
        return False
    own = [
        record.content
        for record in contents(context.session, _records_of(context.session, group.record))
        if record.source == context.actor.source and record.content["verification.verdict"] != Verdict.RETRACTED
    ]
    return any(not _follows(said, other) and not _follows(other, said) for other in own)


def _tie(context: WriteContext, person: score.Person, group: CandidatePerson) -> _Tie | None:
    """How to tie the report to a person of whom a record is surely alike; None where another record of the person
    says that this is somebody else, also one that no key finds: or a single report that calls two people by one
    another's names would make them one. Where independent sources report the person, any of theirs.

    The records of one source do not say so alone: two other sources outweigh it, and the report is tied to one of
    those, so that it stays with them when a curator parts them from the other."""
    held = [
        one
        for one in contents(context.session, _records_of(context.session, group.record))
        if context.views.sources[one.source].independent or not group.independent
    ]
    witnesses = [Witness(one.source, _states(context, one), one.person) for one in held]
    weighed = weigh(person, witnesses)
    if weighed is None:
        return None
    if not weighed.against:
        return _Tie(Pair(group.record, group.match))
    pairs = [Pair(held[place], score.compare(person, held[place].person)) for place in weighed.agreeing]
    best = max(pairs, key=lambda pair: (pair.match.sure, pair.match.score))
    outweighed = tuple(Pair(held[place], score.compare(person, held[place].person)) for place in weighed.against)
    return _Tie(best, outweighed) if best.match.sure else None


def _states(context: WriteContext, one: StandingRecord) -> bool:
    """Whether a record counts among those that outweigh another: an independent source's own word, which stands."""
    return context.views.sources[one.source].independent and _first_hand(one.content)


def _first_hand(said: Content) -> bool:
    """Whether a report stands and is of its source's own knowledge."""
    copied = said.get(content.CITING) or said.get("verification.method") in SECOND_HAND
    return not copied and said["verification.verdict"] != Verdict.RETRACTED


def _holds_own(context: WriteContext, group: CandidatePerson) -> bool:
    """Whether the person holds a record of this source at all, alike or not."""
    if context.trial and group.record.detainee in context.trial.tied:
        return True
    of = select(col(Record.source)).where(col(Record.key).in_(_records_of(context.session, group.record)))
    return context.actor.source in context.session.scalars(of).all()


def _follows(later: Content, earlier: Content) -> bool:
    """Whether one detention begins after the release of another; on the same day if that one began earlier."""
    begins, ended = later.get("detention.detained_on"), earlier.get("release.released_on")
    if begins is None or ended is None:
        return False
    day, before = parse(begins).lo, earlier.get("detention.detained_on")
    if day == parse(ended).hi:
        return before is not None and parse(before).hi < day
    return day > parse(ended).hi


def _records_of(session: Session, record: StandingRecord) -> Sequence[int]:
    """All records of the person that holds a record."""
    held = select(col(Placement.record)).where(col(Placement.detainee) == record.detainee, col(Placement.until) == OPEN)
    return session.scalars(held).all()


def _link_decision(pair: Pair, judgement: Judgement) -> LinkDecision:
    return LinkDecision(pair.record.id, judgement, "matcher", _thousandths(pair.match), tuple(_reasons(pair.match)))


def _thousandths(match: score.Match) -> int:
    return round(match.score * 1000)


def _reasons(match: score.Match) -> list[dict[str, Any]]:
    return [{"feature": r.feature, "score": round(r.score, 3), "note": r.note} for r in match.reasons]


def keep_unsaid(context: WriteContext, match: LinkResult, record: int) -> None:
    """Keep, for curators alone, whom a report just written looks like, and what contradicts it in the person that it
    was tied to: a record that was outweighed waits once, however many reports outweigh it."""
    if not match.unsaid and not match.outweighed:
        return
    run = context.session.connection().execute
    waiting = set(run(_WAITING, {"among": [pair.record.key for pair in match.outweighed]}).scalars())
    new = [pair for pair in match.outweighed if pair.record.key not in waiting]
    rows = [
        {
            "record": record,
            "other": pair.record.key,
            "score": _thousandths(pair.match),
            "reasons": json.dumps(_reasons(pair.match)),
            "contradicts": contradicts,
        }
        for contradicts, pairs in ((False, match.unsaid), (True, new))
        for pair in pairs
    ]
    if rows:  # an empty list would insert a row of defaults
        run(_INSERT_HIDDEN_PAIRS, rows)


def write_decision(context: WriteContext, decision: LinkDecision, record_id: uuid.UUID) -> None:
    """The identity entry that ties, or may tie, a report about to be written."""
    body = {
        "id": str(new_id()),
        "a": str(decision.record),
        "b": str(record_id),
        "judgement": decision.judgement,
        "by": decision.by,
        "score": decision.score,
    }
    context.write("identity", body, {"reasons": list(decision.reasons)} if decision.reasons else None)

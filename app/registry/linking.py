"""Tie a new report to a known person: because it points there, or because the matcher is sure (rule 5).

A new report is tied by one edge to one person. Where more than one fits, or none surely, the pairs wait for a
curator. Decisions are written before the report they tie.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from app.errors import Conflict
from app.matching import score
from app.models import OPEN, Entry, Lookalike, Placement, Record, Release, Report, Voice
from app.registry import blocking, content, known
from app.registry.content import Content
from app.registry.known import Candidate, Known, Near, compare, contents
from app.registry.projection.accounts import ASSERTIONS, parse
from app.registry.projection.voices import RANK
from app.registry.records import Kind
from app.registry.write import Desk, new_id
from app.vocabulary import Judgement, MatchOutcome, Publish, Stage, Verdict

# Pairs listed for review per report, best first: beyond these a curator searches rather than reads.
MOST_REVIEWED = 5
SURE = 1000  # a pointer is not a guess
# What beside the name two rows of one source must agree in to be looked at, and the least score that is agreement: a
# birth may be a year off, while "2025" agrees with any day of that year.
LEAST_AGREEING = {"birth": 0.7, "facility": 1.0, "detained_on": 1.0, "released_on": 1.0}

# Made once: building a statement costs more than running it.
_INSERT_LOOKALIKES = insert(Lookalike)


@dataclass(frozen=True, slots=True)
class Planned:
    """A decision about to be written: which record, judged by whom, how sure and why."""

    record: uuid.UUID
    judgement: Judgement
    by: str
    score: int
    reasons: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Matched:
    """What the key may know of it, what the log will say, and `unsaid`: what only a curator may learn."""

    outcome: MatchOutcome
    decisions: tuple[Planned, ...] = ()
    unsaid: tuple[Candidate, ...] = ()


def by_pointer(target: tuple[Record, Kind]) -> Matched:
    return Matched(MatchOutcome.LINKED, (Planned(target[0].id, Judgement.SAME, "reporter", SURE),))


def compared(desk: Desk, said: Content) -> Content:
    """What of a report is compared with others: in a trial not the identification number. Trials leave no trace, and
    whoever tried a civil register by them, number by number, would learn who is here."""
    if desk.trial is None:
        return said
    return {name: value for name, value in said.items() if name != content.NATIONAL_ID}


def look_up(desk: Desk, said: Content) -> list[Near]:
    """The records that a new report may be of: those that share a stored key."""
    (found,) = known.look_up(desk, [blocking.wanted(compared(desk, said))])
    return [Near(one, found[one.key]) for one in contents(desk.session, found)]


def by_match(desk: Desk, said: Content, found: Sequence[Near]) -> Matched:
    """Compare a new report with the records found for it."""
    person = blocking.person_of(compared(desk, said))
    people = compare(desk, person, found)
    alike = [one for one in people if one.match.sure or (one.match.score >= score.REVIEW and _tells(desk, one))]
    told = [one for one in alike if _may_tell(desk, said, one)]
    unsaid = tuple([one for one in alike if one not in told][:MOST_REVIEWED])
    sure = [one for one in told if one.match.sure and not one.conflicts and not _repeats(desk, said, one)]
    sure = [one for one in sure if not _contradicted(desk, person, one)]
    # A namesake whom a state files beside somebody must not keep that person's reports apart.
    sure = [one for one in sure if one.independent] or sure
    if len(sure) == 1:
        return Matched(_known_as(MatchOutcome.LINKED, desk, sure), (_planned(sure[0], Judgement.SAME),), unsaid)
    waiting = tuple(_planned(one, Judgement.UNSURE) for one in told[:MOST_REVIEWED])
    return Matched(_known_as(MatchOutcome.NEEDS_REVIEW, desk, told[:MOST_REVIEWED]), waiting, unsaid)


def _tells(desk: Desk, one: Candidate) -> bool:
    """Whether a pair that is not sure is worth a curator's look. Not where the report most like the row is of the same
    source, and the two agree in no more than the name, or contradict each other in more than when: its namesakes are
    many, and the source itself gives them different case numbers."""
    if not desk.listing or one.record.source != desk.actor.source:
        return True
    agreeing = {reason.feature for reason in one.match.reasons if reason.score >= LEAST_AGREEING.get(reason.feature, 2)}
    return bool(agreeing) and set(one.match.conflicts) <= {"dates"}


def _known_as(outcome: MatchOutcome, desk: Desk, groups: Sequence[Candidate]) -> MatchOutcome:
    """An outcome as the key may know it (rule 12): of people whom it may not recognise, that the report was new."""
    return outcome if any(desk.actor.recognises(g.record.publish) for g in groups) else MatchOutcome.NEW


def _may_tell(desk: Desk, said: Content, one: Candidate) -> bool:
    """Whether an entry in the log would tell nobody what they may not know (rule 12).

    A guess at somebody whom the key may not recognise would be confirmed by the tie, or by what waits for a curator.
    And a state that files a row first would see its row tied, or doubted, by who reports that person unnamed later: a
    report that does not ask to be named is told of nobody whom only others report that are not independent."""
    named = said.get("detainee.publish") == Publish.NAMED
    planted = not one.independent and not named and desk.actor.source not in one.sources
    return not one.overruled and not planted and desk.actor.recognises(one.record.publish)


def _repeats(desk: Desk, said: Content, group: Candidate) -> bool:
    """Whether this source already has a standing report of the same spell there: the same name twice in one list
    is two people until a curator says otherwise; a detention after its own release is not a repetition, unless it
    comes as a row of a list, of which no two are ever tied here."""
    if desk.listing:
        return desk.actor.source in group.sources or _holds_own(desk, group)
    if desk.actor.source not in group.sources:
        return False
    own = [
        record.content
        for record in contents(desk.session, _records_of(desk.session, group.record))
        if record.source == desk.actor.source and record.content["verification.verdict"] != Verdict.RETRACTED
    ]
    return any(not _follows(said, other) and not _follows(other, said) for other in own)


def _contradicted(desk: Desk, person: score.Person, group: Candidate) -> bool:
    """Whether any report of the person says that this is somebody else, also one that no key finds: or a single report
    that calls two people by one another's names would make them one. Where independent sources report the person, any
    of theirs."""
    held = [
        one
        for one in contents(desk.session, _records_of(desk.session, group.record))
        if desk.views.sources[one.source].independent or not group.independent
    ]
    tied = desk.trial.tied.get(group.record.detainee, ()) if desk.trial else ()
    return any(score.contradict(person, one) for one in (*(one.person for one in held), *tied))


def _holds_own(desk: Desk, group: Candidate) -> bool:
    """Whether the person holds a record of this source at all, alike or not."""
    if desk.trial and group.record.detainee in desk.trial.tied:
        return True
    of = select(col(Record.source)).where(col(Record.key).in_(_records_of(desk.session, group.record)))
    return desk.actor.source in desk.session.scalars(of).all()


def _follows(later: Content, earlier: Content) -> bool:
    """Whether one detention begins after the release of another; on the same day if that one began earlier."""
    begins, ended = later.get("detention.detained_on"), earlier.get("release.released_on")
    if begins is None or ended is None:
        return False
    day, before = parse(begins).lo, earlier.get("detention.detained_on")
    if day == parse(ended).hi:
        return before is not None and parse(before).hi < day
    return day > parse(ended).hi


def _records_of(session: Session, record: Known) -> Sequence[int]:
    """All records of the person that holds a record."""
    held = select(col(Placement.record)).where(col(Placement.detainee) == record.detainee, col(Placement.until) == OPEN)
    return session.scalars(held).all()


def _planned(group: Candidate, judgement: Judgement) -> Planned:
    return Planned(group.record.id, judgement, "matcher", _thousandths(group.match), tuple(_reasons(group.match)))


def _thousandths(match: score.Match) -> int:
    return round(match.score * 1000)


def _reasons(match: score.Match) -> list[dict[str, Any]]:
    return [{"feature": r.feature, "score": round(r.score, 3), "note": r.note} for r in match.reasons]


def keep_unsaid(desk: Desk, match: Matched, record: int) -> None:
    """Keep, for curators alone, whom a report just written looks like."""
    rows = [
        {
            "record": record,
            "other": g.record.key,
            "score": _thousandths(g.match),
            "reasons": json.dumps(_reasons(g.match)),
        }
        for g in match.unsaid
    ]
    if rows:
        desk.session.connection().execute(_INSERT_LOOKALIKES, rows)


def write_decision(desk: Desk, decision: Planned, record_id: uuid.UUID) -> None:
    """The identity entry that ties, or may tie, a report about to be written."""
    body = {
        "id": str(new_id()),
        "a": str(decision.record),
        "b": str(record_id),
        "judgement": decision.judgement,
        "by": decision.by,
        "score": decision.score,
    }
    desk.write("identity", body, {"reasons": list(decision.reasons)} if decision.reasons else None)


def require_one_person(session: Session, record: Record, target: Record) -> None:
    """Only curators join standing people."""
    places = session.scalars(
        select(col(Placement.detainee)).where(
            col(Placement.record).in_([record.key, target.key]), col(Placement.until) == OPEN
        )
    ).all()
    if len(set(places)) > 1:
        raise Conflict(
            "Your case number and the id you point at are two people so far. Ask a curator to join them, or send "
            "the report under another case number."
        )


def own_record_in(session: Session, spell: int, source: int) -> Record | None:
    """This source's record of a spell: the one that speaks of its release, else its newest."""
    rows = session.execute(
        select(Record, col(Entry.body), col(Report.since))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
        .join(Entry, col(Entry.revision) == col(Report.since))
        .where(col(Placement.spell) == spell, col(Record.source) == source, col(Record.redacted).is_(False))
    ).all()
    ranked = [("release.stage" in json.loads(body)["said"], since, record) for record, body, since in rows]
    return max(ranked, key=lambda row: row[:2])[2] if ranked else None


def stage_asserted(session: Session, spell: int) -> str:
    """The furthest stage of a release that somebody asserts, refuted or not; where nobody does, the one it stands at.

    Who verifies what another refutes speaks of the stage in dispute, not of the earlier one that still counts."""
    asserted = session.scalars(
        select(col(Voice.stage)).where(
            col(Voice.spell) == spell, col(Voice.until) == OPEN, col(Voice.verdict).in_(ASSERTIONS)
        )
    ).all()
    if asserted:
        return max(asserted, key=lambda stage: RANK[Stage(stage)])
    return session.scalars(
        select(col(Release.stage)).where(col(Release.spell) == spell, col(Release.until) == OPEN)
    ).one()


def has_release(session: Session, record: Record) -> bool:
    """Whether the spell that holds a record has a release."""
    found = session.scalars(
        select(col(Release.spell))
        .join(Placement, col(Placement.spell) == col(Release.spell))
        .where(col(Placement.record) == record.key, col(Placement.until) == OPEN, col(Release.until) == OPEN)
    ).first()
    return found is not None

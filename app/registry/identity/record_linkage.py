"""Link a new report to a known person: because it points there, or because the matcher is sure (rule 5).

A new report gets one `same` decision at most. Where several people fit, or none surely, the pairs wait for a curator.
Decisions are written before the report that they link.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select
from sqlmodel import Session, col

from app.log import content
from app.log.content import Content
from app.log.entries import LogEntry
from app.matching import score
from app.matching.score import Witness, weigh
from app.models import OPEN, HiddenCandidatePair, Placement, Record
from app.projection.statements import is_copy, parse
from app.registry.identity import blocking_keys, candidates
from app.registry.identity.candidates import CandidatePerson, CandidateRecord, StandingRecord, compare, contents
from app.registry.records import Kind
from app.registry.write import MatchContext, WriteContext, new_id
from app.vocabulary import Judgement, MatchOutcome, Publish, Verdict

# Pairs listed for review per report, best first: beyond these a curator searches rather than reads.
MOST_REVIEWED = 5
SURE = 1000  # a pointer is not a guess
# Features, beside the name, of which two rows of one source must agree in one to be reviewed, with the least score that
# is agreement: a birth may be a year off, while "2025" agrees with any day of that year.
LEAST_AGREEING = {"birth": 0.7, "facility": 1.0, "detained_on": 1.0, "released_on": 1.0}

# Made once: building a statement costs more than running it.
INSERT_HIDDEN_PAIRS = insert(HiddenCandidatePair)
_WAITING = select(col(HiddenCandidatePair.other)).where(
    col(HiddenCandidatePair.other).in_(bindparam("among", expanding=True)),
    col(HiddenCandidatePair.contradicts).is_(True),
)
_OF_PERSON = (col(Placement.detainee) == bindparam("person"), col(Placement.until) == OPEN)
_RECORDS_OF = select(col(Placement.record)).where(*_OF_PERSON)
_SOURCES_OF = select(col(Record.source)).join(Placement, col(Placement.record) == col(Record.key)).where(*_OF_PERSON)


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """A decision about to be written: the judgement on a record, its author, its score in thousandths and its reasons;
    of the matcher's also the record's person."""

    record: uuid.UUID
    judgement: Judgement
    by: str
    score: int
    reasons: tuple[dict[str, Any], ...] = ()
    detainee: int | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A standing record with its comparison to the report."""

    record: StandingRecord
    match: score.Match


@dataclass(frozen=True, slots=True)
class LinkResult:
    """`outcome`: what the key may know; `decisions`: what the log will say. For curators alone: `outweighed`, records
    of the linked person that contradict the report."""

    outcome: MatchOutcome
    decisions: tuple[LinkDecision, ...] = ()
    outweighed: tuple[Pair, ...] = ()

    @property
    def ties(self) -> bool:
        """Whether a decision ties the report to a person; others only wait for a curator."""
        return any(decision.judgement is Judgement.SAME for decision in self.decisions)


@dataclass(frozen=True, slots=True)
class _Link:
    """The record of a person to which a report is linked, and the outweighed records of that person."""

    to: Pair
    outweighed: tuple[Pair, ...] = ()


def by_pointer(target: tuple[Record, Kind]) -> LinkResult:
    return LinkResult(MatchOutcome.LINKED, (LinkDecision(target[0].id, Judgement.SAME, "reporter", SURE),))


def compared(context: WriteContext, report: Content) -> Content:
    """The content by which a report is compared: in a trial without the identification number. Trials leave no trace,
    and a civil register tried number by number would tell who is in this registry."""
    if context.trial is None:
        return report
    return {name: value for name, value in report.items() if name != content.NATIONAL_ID}


def look_up(context: WriteContext, report: Content) -> list[CandidateRecord]:
    """The candidate records of a new report: those that share a blocking key, of people whom the key may recognise
    (rule 12). Whom it may not is looked for after the report is filed (`hidden_pairs`)."""
    query = blocking_keys.query_of(compared(context, report))
    (namesakes,) = candidates.look_up(context, [query], context.actor.recognised)
    return [CandidateRecord(record, namesakes[record.key]) for record in contents(context.session, namesakes)]


def by_match(context: WriteContext, report: Content, records: Sequence[CandidateRecord]) -> LinkResult:
    """Compare a new report with its candidate records and decide."""
    person = blocking_keys.person_of(compared(context, report))
    public = [c for c in alike(context, person, records) if may_tell(context, report, c)]
    sure = [c for c in public if c.match.sure and not _repeats(context, report, c)]
    known = {candidate.record.key: candidate.record for candidate in records}
    links = [(c, link) for c in sure if (link := _link(context, person, c, known)) is not None]
    # A namesake whom a state files beside somebody must not keep that person's reports apart.
    links = [(c, link) for c, link in links if c.independent] or links
    if len(links) == 1:
        (candidate, link), *_ = links
        outcome = _known_as(MatchOutcome.LINKED, context, [candidate])
        return LinkResult(outcome, (_link_decision(link.to, Judgement.SAME),), link.outweighed)
    reviewed = public[:MOST_REVIEWED]
    waiting = tuple(_link_decision(Pair(c.record, c.match), Judgement.UNSURE) for c in reviewed)
    return LinkResult(_known_as(MatchOutcome.NEEDS_REVIEW, context, reviewed), waiting)


def alike(context: MatchContext, person: score.Person, records: Sequence[CandidateRecord]) -> list[CandidatePerson]:
    """The people of the candidate records who may be the person of a report, most similar first."""
    people = compare(context, person, records)
    return [c for c in people if c.match.sure or (c.match.score >= score.REVIEW and _worth_review(context, c))]


def _worth_review(context: MatchContext, candidate: CandidatePerson) -> bool:
    """Whether a pair that is not sure is worth a curator's look. Two rows of one source are not where they agree in
    nothing but the name or contradict each other in more than dates: namesakes are many, and the source itself gave the
    rows different case numbers."""
    if not context.listing or candidate.record.source != context.actor.source:
        return True
    match = candidate.match
    agreeing = {reason.feature for reason in match.reasons if reason.score >= LEAST_AGREEING.get(reason.feature, 2)}
    return bool(agreeing) and set(match.conflicts) <= {"dates"}


def _known_as(outcome: MatchOutcome, context: WriteContext, candidates: Sequence[CandidatePerson]) -> MatchOutcome:
    """The outcome as the key may know it (rule 12): NEW where the key may recognise none of the people."""
    return outcome if any(context.actor.recognises(c.record.publish) for c in candidates) else MatchOutcome.NEW


def may_tell(context: MatchContext, report: Content, candidate: CandidatePerson) -> bool:
    """Whether the log may say that the report looks like this person (rule 12).

    Not where the key may not recognise the person: an entry would confirm a guess. Nor where the report does not ask
    for the name and no independent source reports the person: a state that planted a row would see it linked, or
    doubted, as soon as another source reports the person unnamed."""
    named = report.get("detainee.publish") == Publish.NAMED
    planted = not candidate.independent and not named and context.actor.source not in candidate.sources
    return not candidate.overruled and not planted and context.actor.recognises(candidate.record.publish)


def _repeats(context: WriteContext, report: Content, candidate: CandidatePerson) -> bool:
    """Whether this source already has a standing report of the same spell of that person: the same name twice in one
    list is two people until a curator decides. A detention after the source's own release is no repetition, except in a
    list, no two rows of which are ever linked here."""
    if context.listing:
        return context.actor.source in candidate.sources or _has_own_record(context, candidate)
    if context.actor.source not in candidate.sources:
        return False
    own = [
        record.content
        for record in contents(context.session, _records_of(context.session, candidate.record))
        if record.source == context.actor.source and record.content["verification.verdict"] != Verdict.RETRACTED
    ]
    return any(not _follows(report, other) and not _follows(other, report) for other in own)


def _link(
    context: WriteContext, person: score.Person, candidate: CandidatePerson, known: Mapping[int, StandingRecord]
) -> _Link | None:
    """The link to a person with a surely matching record; None where any other record of the person, with a shared
    blocking key or without, contradicts the report: otherwise one report that calls two people by each other's names
    would make them one. Where independent sources report the person, only their records are compared.

    Records of one source that contradict are outweighed by two other sources. The report is then linked to a record of
    these, so that it stays with them when a curator parts them from the contradicting one. `known`: records that were
    read, by key."""
    keys = _records_of(context.session, candidate.record)
    others = contents(context.session, [key for key in keys if key not in known])
    every = [*others, *(known[key] for key in keys if key in known)]
    records = [
        record
        for record in sorted(every, key=lambda record: record.key)
        if context.views.sources[record.source].independent or not candidate.independent
    ]
    witnesses = [Witness(record.source, _states(context, record), record.person) for record in records]
    weighed = weigh(person, witnesses)
    if weighed is None:
        return None
    if not weighed.against:
        return _Link(Pair(candidate.record, candidate.match))
    pairs = [Pair(records[place], score.compare(person, records[place].person)) for place in weighed.agreeing]
    best = max(pairs, key=lambda pair: (pair.match.sure, pair.match.score))
    outweighed = tuple(Pair(records[place], score.compare(person, records[place].person)) for place in weighed.against)
    return _Link(best, outweighed) if best.match.sure else None


def _states(context: WriteContext, record: StandingRecord) -> bool:
    """Whether a record can outweigh a contradicting one: an independent source's first-hand report, not withdrawn."""
    return context.views.sources[record.source].independent and _first_hand(record.content)


def _first_hand(report: Content) -> bool:
    """Whether a report is first-hand and not withdrawn."""
    copied = is_copy(report)
    return not copied and report["verification.verdict"] != Verdict.RETRACTED


def _has_own_record(context: WriteContext, candidate: CandidatePerson) -> bool:
    """Whether any record of the person is of this source, alike or not."""
    if context.trial and candidate.record.detainee in context.trial.tied:
        return True
    of = context.session.connection().execute(_SOURCES_OF, {"person": candidate.record.detainee})
    return context.actor.source in of.scalars().all()


def _follows(later: Content, earlier: Content) -> bool:
    """Whether one detention begins after the release of another; on the same day where the other began earlier."""
    begins, ended = later.get("detention.detained_on"), earlier.get("release.released_on")
    if begins is None or ended is None:
        return False
    day, before = parse(begins).lo, earlier.get("detention.detained_on")
    if day == parse(ended).hi:
        return before is not None and parse(before).hi < day
    return day > parse(ended).hi


def _records_of(session: Session, record: StandingRecord) -> Sequence[int]:
    """The keys of all records of a record's person."""
    return session.connection().execute(_RECORDS_OF, {"person": record.detainee}).scalars().all()


def _link_decision(pair: Pair, judgement: Judgement) -> LinkDecision:
    thousandths, reasons = _thousandths(pair.match), tuple(_reasons(pair.match))
    return LinkDecision(pair.record.id, judgement, "matcher", thousandths, reasons, pair.record.detainee)


def _thousandths(match: score.Match) -> int:
    return round(match.score * 1000)


def _reasons(match: score.Match) -> list[dict[str, Any]]:
    return [{"feature": r.feature, "score": round(r.score, 3), "note": r.note} for r in match.reasons]


def keep_outweighed(context: WriteContext, match: LinkResult, record: int) -> None:
    """Store for curators alone the outweighed records of the person to whom a report was linked. Each waits once,
    however many reports outweigh it."""
    if not match.outweighed:
        return
    run = context.session.connection().execute
    waiting = set(run(_WAITING, {"among": [pair.record.key for pair in match.outweighed]}).scalars())
    new = [pair for pair in match.outweighed if pair.record.key not in waiting]
    if new:  # an empty list would insert a row of defaults
        run(INSERT_HIDDEN_PAIRS, [pair_row(record, pair, contradicts=True) for pair in new])


def pair_row(record: int, pair: Pair, *, contradicts: bool) -> dict[str, Any]:
    """A row of `hidden_candidate_pair`: a record with the standing one that it looks like, or contradicts."""
    return {
        "record": record,
        "other": pair.record.key,
        "score": _thousandths(pair.match),
        "reasons": json.dumps(_reasons(pair.match)),
        "contradicts": contradicts,
    }


def write_decision(context: WriteContext, decision: LinkDecision, record_id: uuid.UUID, *, filed: bool) -> LogEntry:
    """Write the identity entry on a report about to be written. `filed`: its record was filed before."""
    body = {
        "id": str(new_id()),
        "a": str(decision.record),
        "b": str(record_id),
        "judgement": decision.judgement,
        "by": decision.by,
        "score": decision.score,
    }
    personal = {"reasons": list(decision.reasons)} if decision.reasons else {}
    return context.write("identity", body, personal) if filed else context.write_ahead(body, personal)

"""Link a new report to a known person by its pointer, or because the matcher is sure.

A new report gets at most one `same` decision. If several people match, or none surely, the pairs wait for a curator.
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
from app.matching.score import Witness, weigh_witnesses
from app.models import NAMED_BY_REPORTS, OPEN, HiddenCandidatePair, Placement, Record
from app.projection.statements import is_first_hand, parse_cached_date
from app.registry.identity import blocking_keys, candidates
from app.registry.identity.candidates import (
    CandidatePerson,
    CandidateRecord,
    CurrentRecord,
    load_current_records,
    rank_candidates,
)
from app.registry.records import TargetKind
from app.registry.write import MatchContext, WriteContext, new_id
from app.vocabulary import Judgement, MatchOutcome, Publish, Verdict

# Pairs listed for review per report, best first: with more of them, a curator searches rather than reads.
MAX_REVIEWED_PAIRS = 5
CERTAIN_SCORE = 1000  # in thousandths: a pointer is not a guess
# Feature → the minimum score that counts as agreement. Two rows of one source are reviewed only if one of these
# features agrees as well as the name. A birth may be a year off; "2025" agrees with any day of that year.
MIN_AGREEMENT = {"birth": 0.7, "facility": 1.0, "detained_on": 1.0, "released_on": 1.0}

# Built once: building a statement costs more than running it.
INSERT_HIDDEN_PAIRS = insert(HiddenCandidatePair)
_SELECT_WAITING_PAIRS = select(col(HiddenCandidatePair.other)).where(
    col(HiddenCandidatePair.other).in_(bindparam("others", expanding=True)),
    col(HiddenCandidatePair.contradicts).is_(True),
)
_PERSON_CONDITIONS = (col(Placement.detainee) == bindparam("person"), col(Placement.until) == OPEN)
_SELECT_RECORD_KEYS = select(col(Placement.record)).where(*_PERSON_CONDITIONS)
_SELECT_SOURCES = (
    select(col(Record.source)).join(Placement, col(Placement.record) == col(Record.key)).where(*_PERSON_CONDITIONS)
)


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """A decision about to be written. `score`: in thousandths. `detainee`: the record's person, for the matcher's."""

    record: uuid.UUID
    judgement: Judgement
    author: str
    score: int
    reasons: tuple[dict[str, Any], ...] = ()
    detainee: int | None = None


@dataclass(frozen=True, slots=True)
class ComparedRecord:
    """A current record with its comparison to the report."""

    record: CurrentRecord
    match: score.Match


@dataclass(frozen=True, slots=True)
class LinkResult:
    """The result of linking a report.

    `outcome`: what the key may know. `decisions`: what will be logged. `outweighed_records`: records of the linked
    person that contradict the report, for curators only."""

    outcome: MatchOutcome
    decisions: tuple[LinkDecision, ...] = ()
    outweighed_records: tuple[ComparedRecord, ...] = ()

    @property
    def has_link(self) -> bool:
        """Whether a decision links the report to a person; other decisions only wait for a curator."""
        return any(decision.judgement is Judgement.SAME for decision in self.decisions)


@dataclass(frozen=True, slots=True)
class _Link:
    """The record of a person to which a report is linked, and the outweighed records of that person."""

    target: ComparedRecord
    outweighed_records: tuple[ComparedRecord, ...] = ()


def link_by_pointer(target: tuple[Record, TargetKind]) -> LinkResult:
    return LinkResult(MatchOutcome.LINKED, (LinkDecision(target[0].id, Judgement.SAME, "reporter", CERTAIN_SCORE),))


def select_compared_content(context: MatchContext, report: Content) -> Content:
    """Return the content by which a report is compared: in a trial, without the identification number.

    Trials leave no trace: trying the numbers of a civil register one by one would reveal who is in this registry."""
    if context.trial is None:
        return report
    return {name: value for name, value in report.items() if name != content.NATIONAL_ID}


def find_candidates(context: MatchContext, report: Content) -> list[CandidateRecord]:
    """Return the candidate records of a new report: those that share a blocking key.

    Only people whom the key may recognise are searched. The others are searched after the report is filed
    (`duplicate_scan.py`)."""
    query = blocking_keys.build_blocking_query(select_compared_content(context, report))
    (namesakes,) = candidates.look_up_candidates(context, [query])
    return [
        CandidateRecord(record, namesakes[record.key]) for record in load_current_records(context.session, namesakes)
    ]


def link_by_match(context: MatchContext, report: Content, records: Sequence[CandidateRecord]) -> LinkResult:
    """Compare a new report with its candidate records and decide."""
    person = blocking_keys.build_person(select_compared_content(context, report))
    loggable = [c for c in find_similar_people(context, person, records) if can_log_candidate(context, report, c)]
    certain = [c for c in loggable if c.match.is_sure and not _is_repetition(context, report, c)]
    records_by_key = {candidate.record.key: candidate.record for candidate in records}
    links = [(c, link) for c in certain if (link := _find_link(context, person, c, records_by_key)) is not None]
    # A namesake that a state files must not keep the reports of the person of independent sources separate.
    links = [(c, link) for c, link in links if c.is_independent] or links
    if len(links) == 1:
        (candidate, link), *_ = links
        outcome = _limit_outcome(MatchOutcome.LINKED, context, [candidate])
        return LinkResult(outcome, (_build_link_decision(link.target, Judgement.SAME),), link.outweighed_records)
    review_candidates = loggable[:MAX_REVIEWED_PAIRS]
    waiting = tuple(
        _build_link_decision(ComparedRecord(c.record, c.match), Judgement.UNSURE) for c in review_candidates
    )
    return LinkResult(_limit_outcome(MatchOutcome.NEEDS_REVIEW, context, review_candidates), waiting)


def limit_to_named(context: WriteContext, match: LinkResult) -> LinkResult:
    """Return the link of a report that awaits review: only to close a person listed by name, and without telling.

    A link to anybody else would confirm a guess: the person would leave the lists. A report that points at a person
    closes also whom lists show without a name."""
    named = {NAMED_BY_REPORTS, Publish.NAMED.value}
    links = [
        decision
        for decision in match.decisions
        if decision.judgement is Judgement.SAME and _load_class(context, decision.record) in named
    ]
    return LinkResult(MatchOutcome.NEW, tuple(links))


def _load_class(context: WriteContext, record: uuid.UUID) -> str | None:
    return context.session.scalars(select(col(Record.publish_now)).where(col(Record.id) == record)).one_or_none()


def find_similar_people(
    context: MatchContext, person: score.Person, records: Sequence[CandidateRecord]
) -> list[CandidatePerson]:
    """Return the people of the candidate records who may be the person of a report, most similar first."""
    people = rank_candidates(context, person, records)
    return [
        c for c in people if c.match.is_sure or (c.match.score >= score.REVIEW_SCORE and _is_worth_review(context, c))
    ]


def _is_worth_review(context: MatchContext, candidate: CandidatePerson) -> bool:
    """Return whether a pair that is not sure is worth a curator's look.

    Two rows of one source are not if they agree only in the name or contradict each other in more than dates: namesakes
    are many, and the source itself has different case numbers for the rows."""
    if not context.is_list or candidate.record.source != context.actor.source:
        return True
    match = candidate.match
    agreeing = {reason.feature for reason in match.reasons if reason.score >= MIN_AGREEMENT.get(reason.feature, 2)}
    return bool(agreeing) and set(match.conflicts) <= {"dates"}


def _limit_outcome(outcome: MatchOutcome, context: MatchContext, candidates: Sequence[CandidatePerson]) -> MatchOutcome:
    """Return the outcome that the key may know: NEW if it may recognise none of the people."""
    return outcome if any(context.actor.can_recognise(c.record.publish) for c in candidates) else MatchOutcome.NEW


def can_log_candidate(context: MatchContext, report: Content, candidate: CandidatePerson) -> bool:
    """Return whether the log may say that the report is similar to this person.

    It may not if the key may not recognise the person: an entry would confirm a guess. Nor if the report does not
    request to show the name and no independent source reports the person: a state that planted a report would see it
    linked, or doubted, as soon as another source reports the person unnamed."""
    is_named = report.get("detainee.publish") == Publish.NAMED
    is_possibly_planted = (
        not candidate.is_independent and not is_named and context.actor.source not in candidate.sources
    )
    return (
        not candidate.is_overruled and not is_possibly_planted and context.actor.can_recognise(candidate.record.publish)
    )


def _is_repetition(context: MatchContext, report: Content, candidate: CandidatePerson) -> bool:
    """Return whether this source already has a current report of the same spell of that person.

    The same name twice in one list is two people until a curator decides. A detention after the source's own release is
    no repetition, except in a list, whose rows are never linked here."""
    if context.is_list:
        return context.actor.source in candidate.sources or _has_own_record(context, candidate)
    if context.actor.source not in candidate.sources:
        return False
    own_contents = [
        record.content
        for record in load_current_records(context.session, _load_record_keys(context.session, candidate.record))
        if record.source == context.actor.source and record.content["verification.verdict"] != Verdict.RETRACTED
    ]
    return any(
        not _is_detained_after(report, other) and not _is_detained_after(other, report) for other in own_contents
    )


def _find_link(
    context: MatchContext, person: score.Person, candidate: CandidatePerson, records_by_key: Mapping[int, CurrentRecord]
) -> _Link | None:
    """Return the link to a person with a surely matching record; None if another record of the person contradicts.

    Every record of the person is compared, with or without a shared blocking key: otherwise a report with two people's
    names could merge them. If independent sources report the person, only their records are compared.

    Contradicting records of one source are outweighed by two other sources. The report is then linked to a record of
    these, so that it stays with them if a curator separates them from the contradicting one. `records_by_key`: the
    records already read."""
    keys = _load_record_keys(context.session, candidate.record)
    unread_records = load_current_records(context.session, [key for key in keys if key not in records_by_key])
    all_records = [*unread_records, *(records_by_key[key] for key in keys if key in records_by_key)]
    records = [
        record
        for record in sorted(all_records, key=lambda record: record.key)
        if context.views.sources[record.source].independent or not candidate.is_independent
    ]
    witnesses = [Witness(record.source, _can_outweigh(context, record), record.person) for record in records]
    weighing = weigh_witnesses(person, witnesses)
    if weighing is None:
        return None
    if not weighing.outweighed_indexes:
        return _Link(ComparedRecord(candidate.record, candidate.match))
    pairs = [
        ComparedRecord(records[index], score.compare_people(person, records[index].person))
        for index in weighing.outweighing_indexes
    ]
    best = max(pairs, key=lambda pair: (pair.match.is_sure, pair.match.score))
    outweighed_records = tuple(
        ComparedRecord(records[index], score.compare_people(person, records[index].person))
        for index in weighing.outweighed_indexes
    )
    return _Link(best, outweighed_records) if best.match.is_sure else None


def _can_outweigh(context: MatchContext, record: CurrentRecord) -> bool:
    """Return whether a record can outweigh a contradicting one: an independent first-hand report, not withdrawn."""
    return context.views.sources[record.source].independent and _is_first_hand(record.content)


def _is_first_hand(report: Content) -> bool:
    """Return whether a report is first-hand and not withdrawn."""
    return is_first_hand(report) and report["verification.verdict"] != Verdict.RETRACTED


def _has_own_record(context: MatchContext, candidate: CandidatePerson) -> bool:
    """Return whether any record of the person is of this source, similar or not."""
    if context.trial and candidate.record.detainee in context.trial.linked_people:
        return True
    sources = context.session.connection().execute(_SELECT_SOURCES, {"person": candidate.record.detainee})
    return context.actor.source in sources.scalars().all()


def _is_detained_after(later: Content, earlier: Content) -> bool:
    """Return whether one detention begins after another's release, or on the same day if the other began earlier."""
    begins_on, ended_on = later.get("detention.detained_on"), earlier.get("release.released_on")
    if begins_on is None or ended_on is None:
        return False
    day, earlier_begins_on = parse_cached_date(begins_on).lo, earlier.get("detention.detained_on")
    if day == parse_cached_date(ended_on).hi:
        return earlier_begins_on is not None and parse_cached_date(earlier_begins_on).hi < day
    return day > parse_cached_date(ended_on).hi


def _load_record_keys(session: Session, record: CurrentRecord) -> Sequence[int]:
    """Return the keys of all records of a record's person."""
    return session.connection().execute(_SELECT_RECORD_KEYS, {"person": record.detainee}).scalars().all()


def _build_link_decision(pair: ComparedRecord, judgement: Judgement) -> LinkDecision:
    thousandths, reasons = _to_thousandths(pair.match), tuple(_format_reasons(pair.match))
    return LinkDecision(pair.record.id, judgement, "matcher", thousandths, reasons, pair.record.detainee)


def _to_thousandths(match: score.Match) -> int:
    return round(match.score * 1000)


def _format_reasons(match: score.Match) -> list[dict[str, Any]]:
    return [{"feature": r.feature, "score": round(r.score, 3), "note": r.note} for r in match.reasons]


def store_outweighed(context: WriteContext, match: LinkResult, record_key: int) -> None:
    """Store, for curators only, the outweighed records of the person to whom a report was linked.

    Each record waits once, however many reports outweigh it."""
    if not match.outweighed_records:
        return
    run = context.session.connection().execute
    waiting = set(
        run(_SELECT_WAITING_PAIRS, {"others": [pair.record.key for pair in match.outweighed_records]}).scalars()
    )
    new = [pair for pair in match.outweighed_records if pair.record.key not in waiting]
    if new:  # an empty list would insert a row of defaults
        run(INSERT_HIDDEN_PAIRS, [build_pair_row(record_key, pair, is_contradiction=True) for pair in new])


def build_pair_row(record_key: int, pair: ComparedRecord, *, is_contradiction: bool) -> dict[str, Any]:
    """Return a row of `hidden_candidate_pair`: a record with a current one that it resembles, or contradicts."""
    return {
        "record": record_key,
        "other": pair.record.key,
        "score": _to_thousandths(pair.match),
        "reasons": json.dumps(_format_reasons(pair.match)),
        "contradicts": is_contradiction,
    }


def write_decision(context: WriteContext, decision: LinkDecision, record_id: uuid.UUID, *, is_filed: bool) -> LogEntry:
    """Write the identity entry of a report about to be written. `is_filed`: its record already exists."""
    body = {
        "id": str(new_id()),
        "a": str(decision.record),
        "b": str(record_id),
        "judgement": decision.judgement,
        "by": decision.author,
        "score": decision.score,
    }
    personal = {"reasons": list(decision.reasons)} if decision.reasons else {}
    return context.write_entry("identity", body, personal) if is_filed else context.buffer_decision(body, personal)

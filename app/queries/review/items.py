"""What waits for a curator, by priority, and the comparison of two people who may be one."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, case, exists, func, literal, null, or_, select, tuple_, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log.content import REQUESTED_CLASS
from app.log.entries import load_entry
from app.models import (
    OPEN,
    BlockingKey,
    Claim,
    Decision,
    Detention,
    HiddenCandidatePair,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Record,
)
from app.projection.consolidate import get_reported_values
from app.queries import claim_pages, person_records, shapes
from app.queries.correction_candidates import compare_claims
from app.queries.parameters import Page, PageExtras, PageQuery, read_cursor, write_cursor
from app.queries.review.comparison import compare_side_by_side
from app.queries.selection.visibility import valid_at
from app.queries.shapes import Person
from app.registry import alerts, records
from app.registry.claim_confirmation import find_confirmed_versions
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity import blocking_keys
from app.registry.publication.permissions import Reader
from app.schemas import filed
from app.schemas.filed import UnknownFacility, WithdrawalsShape
from app.vocabulary import Judgement, Publish

# The others are named by few reports, and appear when these are registered.
MAX_FACILITIES = 100
# Moves a pair that a curator could not decide behind every pair not yet reviewed; scores end at 1000.
UNDECIDED_PENALTY = 2000
BELOW_PAIRS_SCORE = -1  # disjoint releases and denied details come after the pairs
HEARSAY_SCORE = -2  # after these: however much hearsay is filed, it hides nothing else that waits
DENIED_DETAILS_PATTERN = '"denies":{'  # in the facts of a detention; quotes within a text would be escaped
HIDDEN_SCORE = 3000  # people who are hidden, or should be, until a curator reviews them come first
REVIEW_CURSOR = "review"  # of cursors
IS_BY_CURATOR = col(Decision.decided_by) == "curator"


def query_review(
    session: Session, query: PageQuery, reader: Reader, revision: int, by_day: alerts.WithdrawalsByDay
) -> Page[filed.WaitingShape]:
    """Return what waits for a curator, by priority.

    First people hidden provisionally; then pairs that may be one person and records that contradict others of their own
    person; then disjoint releases and denied details; then hearsay; last the pairs that a curator has reviewed and
    could not decide. Days of many withdrawals are added. `by_day`: the process's cache of them."""
    parts = (
        _select_hidings,
        _select_pending_pairs,
        _select_hidden_pairs,
        _select_contradictions,
        _select_disjoint_releases,
        _select_denied_details,
        _select_hearsay,
    )
    waiting = union_all(*(part(revision) for part in parts)).subquery()
    score, key, other = waiting.c.score, waiting.c.key, waiting.c.other
    statement = select(waiting)
    position = read_cursor(query.cursor, REVIEW_CURSOR, 3)
    if position is not None:
        has_later_key = tuple_(key, other) > tuple_(literal(position[1]), literal(position[2]))
        statement = statement.where(or_(score < position[0], (score == position[0]) & has_later_key))
    rows = session.execute(statement.order_by(score.desc(), key, other).limit(query.limit + 1)).all()
    has_more, rows = len(rows) > query.limit, rows[: query.limit]
    people = person_records.load_people(
        session, {key for row in rows for key in (row.a, row.b) if key is not None}, revision
    )
    items = [_SHAPE_BUILDERS[row.kind](session, row, people, reader, revision) for row in rows]
    cursor = write_cursor(REVIEW_CURSOR, [rows[-1].score, rows[-1].key, rows[-1].other]) if has_more else None

    def build_extras() -> PageExtras:
        return {
            "unknown_facilities": _load_unknown_facilities(session),
            "withdrawals": build_withdrawals_shapes(session, by_day),
        }

    return Page(items, cursor, build_extras)


def count_new_pairs(session: Session, first_revision: int, last_revision: int, revision: int) -> int:
    """Count the pairs that wait at a revision, and were filed after `first_revision`, up to `last_revision`."""
    pairs = union_all(_select_pending_pairs(revision), _select_hidden_pairs(revision)).subquery()
    is_new = pairs.c.key > first_revision, pairs.c.key <= last_revision
    return (
        0
        if first_revision == last_revision
        else session.execute(select(func.count()).select_from(pairs).where(*is_new)).scalar_one()
    )


def _select_pending_pairs(revision: int) -> Select[*tuple[Any, ...]]:
    """Select the pairs that wait according to the log, each once, by the first decision that made it wait."""
    pair = (col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    penalty = func.max(case((IS_BY_CURATOR, UNDECIDED_PENALTY), else_=0))
    return (
        select(
            literal("pair").label("kind"),
            (func.max(Decision.score) - penalty).label("score"), func.min(Decision.key).label("key"),
            literal(0).label("other"), pair[0].label("a"), pair[1].label("b"),
        )
        .join(Decision, col(Decision.key) == col(PendingPair.decision))
        .where(valid_at(PendingPair, revision))
        .group_by(*pair)
    )  # fmt: skip


def _select_hidden_pairs(revision: int) -> Select[*tuple[Any, ...]]:
    """Select the pairs that are not in the log, as long as they are two people and nobody judged them different."""
    placement: Any = aliased(Placement)
    other: Any = aliased(Placement)
    return (
        select(
            literal("pair"), col(HiddenCandidatePair.score), col(HiddenCandidatePair.record),
            col(HiddenCandidatePair.other), other.detainee, placement.detainee,
        )
        .join(placement, (placement.record == HiddenCandidatePair.record) & valid_at(placement, revision))
        .join(other, (other.record == HiddenCandidatePair.other) & valid_at(other, revision))
        .where(
            placement.detainee != other.detainee,
            ~_is_judged_different(placement.detainee, other.detainee, revision),
            ~_is_pending_pair(placement.detainee, other.detainee, revision),
        )
    )  # fmt: skip


def _is_pending_pair(person: Any, other: Any, revision: int) -> Any:
    pair = tuple_(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    return exists(
        select(1).where(
            valid_at(PendingPair, revision), or_(pair == tuple_(person, other), pair == tuple_(other, person))
        )
    )


def _is_judged_different(person: Any, other: Any, revision: int) -> Any:
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    placement_a: Any = aliased(Placement)
    placement_b: Any = aliased(Placement)
    return exists(
        select(1)
        .select_from(Decision)
        .join(a, a.id == Decision.a)
        .join(b, b.id == Decision.b)
        .join(placement_a, (placement_a.record == a.key) & valid_at(placement_a, revision))
        .join(placement_b, (placement_b.record == b.key) & valid_at(placement_b, revision))
        .where(
            col(Decision.judgement) == Judgement.DIFFERENT,
            col(Decision.key) <= revision,
            col(Decision.until) > revision,
            or_(
                (placement_a.detainee == person) & (placement_b.detainee == other),
                (placement_a.detainee == other) & (placement_b.detainee == person),
            ),
        )
    )


def _select_disjoint_releases(revision: int) -> Select[*tuple[Any, ...]]:
    """Select spells whose releases cannot both be right."""
    return _select_detentions("disjoint_releases", revision, 0).where(col(Detention.disjoint_releases).is_(True))


def _select_denied_details(revision: int) -> Select[*tuple[Any, ...]]:
    """Select spells of which a report denies the identity, the date or the kind."""
    has_denials = col(Detention.facts).contains(DENIED_DETAILS_PATTERN)
    return _select_detentions("denied_details", revision, 1).where(has_denials)


def _select_detentions(kind: str, revision: int, number: int) -> Select[*tuple[Any, ...]]:
    """Select the items of one kind about detentions. `number`: of the kind, so that no two items have one key."""
    return select(
        literal(kind),
        literal(BELOW_PAIRS_SCORE),
        col(Detention.spell),
        literal(number),
        col(Detention.detainee),
        null(),
    ).where(valid_at(Detention, revision))


def _select_hidings(revision: int) -> Select[*tuple[Any, ...]]:
    """Select reports that hide their person against a consent or other reports, and first those beyond their limit."""
    is_stopped = col(ProvisionalHiding.stopped).is_(True)
    return select(
        literal("hidden").label("kind"), case((is_stopped, HIDDEN_SCORE + 1), else_=HIDDEN_SCORE).label("score"),
        col(ProvisionalHiding.record).label("key"), literal(0).label("other"),
        col(ProvisionalHiding.detainee).label("a"), null().label("b"),
    ).where(
        valid_at(ProvisionalHiding, revision), or_(is_stopped, col(ProvisionalHiding.against) != "listing")
    )  # fmt: skip


def _select_hearsay(revision: int) -> Select[*tuple[Any, ...]]:
    """Select the claims whose newest version waits for a confirmation."""
    is_confirmed = func.coalesce(Claim.confirmed, OPEN) <= revision
    return select(
        literal("claim"), literal(HEARSAY_SCORE), col(Claim.key), literal(0), null(), null()
    ).where(valid_at(Claim, revision), ~is_confirmed)  # fmt: skip


def _select_contradictions(revision: int) -> Select[*tuple[Any, ...]]:
    """Select records that two others of their person outweigh, until a curator confirms that they are one person or
    separates them."""
    placement: Any = aliased(Placement)
    other: Any = aliased(Placement)
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    decision_pair = tuple_(col(Decision.a), col(Decision.b))
    is_judged_same = exists(
        select(1).where(
            col(Decision.judgement) == Judgement.SAME, IS_BY_CURATOR, col(Decision.key) <= revision,
            col(Decision.until) > revision,
            or_(decision_pair == tuple_(a.id, b.id), decision_pair == tuple_(b.id, a.id)),
        )
    )  # fmt: skip
    return (
        select(
            literal("contradiction"), col(HiddenCandidatePair.score), col(HiddenCandidatePair.record),
            col(HiddenCandidatePair.other), placement.detainee, null(),
        )
        .join(placement, (placement.record == HiddenCandidatePair.record) & valid_at(placement, revision))
        .join(other, (other.record == HiddenCandidatePair.other) & valid_at(other, revision))
        .join(a, a.key == HiddenCandidatePair.record)
        .join(b, b.key == HiddenCandidatePair.other)
        .where(col(HiddenCandidatePair.contradicts).is_(True), placement.detainee == other.detainee, ~is_judged_same)
    )  # fmt: skip


def _build_pair(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> filed.PairOut:
    if row.other:
        decision, reasons = None, json.loads(session.get_one(HiddenCandidatePair, (row.key, row.other)).reasons)
    else:
        entry = load_entry(session, row.key)
        decision, reasons = entry.body["id"], entry.personal.get("reasons", [])
    return {
        "kind": "pair",
        "decision_id": decision,
        "score": (row.score + UNDECIDED_PENALTY if row.score < BELOW_PAIRS_SCORE else row.score) / 1000,
        "reasons": reasons,
        "as_of_revision": row.key,  # a record's key is also the revision at which it was filed
        "looked_at": _load_undecided(session, row.a, row.b, revision) if row.score < BELOW_PAIRS_SCORE else [],
        "a": shapes.build_detainee_shape(people[row.a], reader),
        "b": shapes.build_detainee_shape(people[row.b], reader),
        "compared": compare_side_by_side(people[row.a], people[row.b], reader),
    }


def _load_undecided(session: Session, a: int, b: int, revision: int) -> list[filed.LookedAt]:
    """Return the decisions of curators who could not decide about a pair, oldest first."""
    keys = session.scalars(
        select(col(PendingPair.decision))
        .join(Decision, col(Decision.key) == col(PendingPair.decision))
        .where(
            valid_at(PendingPair, revision),
            col(PendingPair.detainee_a) == a,
            col(PendingPair.detainee_b) == b,
            IS_BY_CURATOR,
        )
        .order_by(col(PendingPair.decision))
    )
    return [
        {
            "decision_id": entry.body["id"],
            "recorded_at": entry.body["recorded_at"],
            "reason": entry.personal.get("reason"),
        }
        for entry in (load_entry(session, key) for key in keys)
    ]


def _build_disjoint_releases(
    _session: Session, row: Any, people: dict[int, Person], reader: Reader, _revision: int
) -> filed.ApartOut:
    person = people[row.a]
    return {
        "kind": "disjoint_releases",
        "detainee": shapes.build_detainee_shape(person, reader),
        "release": shapes.build_release_shape(person, row.key, reader),
    }


def _build_denied_details(
    _session: Session, row: Any, people: dict[int, Person], reader: Reader, _revision: int
) -> filed.DeniedDetailsOut:
    person = people[row.a]
    detention = shapes.build_detention_shape(person, row.key, reader)
    return {
        "kind": "denied_details",
        "detainee": shapes.build_detainee_shape(person, reader),
        "detention": detention,
        "denied": get_reported_values(detention["facts"], "denies"),
    }


def _build_hidden(
    session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int
) -> filed.HiddenOut:
    record = session.get_one(Record, row.key)
    version = records.find_version(session, record, revision)
    hiding = session.scalars(
        select(ProvisionalHiding).where(col(ProvisionalHiding.record) == row.key, valid_at(ProvisionalHiding, revision))
    ).one()
    assert version is not None
    content = version.content
    return {
        "kind": "hidden",
        "detainee": shapes.build_detainee_shape(people[row.a], reader),
        "source": people[row.a].slugs[record.source],
        "because": "wish" if "detainee.publish" in content and REQUESTED_CLASS not in content else "birth",
        "wanted": Publish(hiding.publish),
        "given_on": content.get("detainee.publish_given_on"),
        "against": hiding.against,
        "stopped": hiding.stopped,
        "as_of_revision": version.entry.revision,
    }


def _build_contradiction(
    session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int
) -> filed.ContradictionOut:
    """Return what two reports of one person state, each alone, and the decisions that link the outweighed report."""
    pair = session.get_one(HiddenCandidatePair, (row.key, row.other))
    report, opposing_report = (session.get_one(Record, key) for key in (row.key, row.other))
    a, b = (
        person_records.load_single_report_person(session, record, records.load_version(session, record, revision))
        for record in (report, opposing_report)
    )
    ties = session.scalars(
        select(col(Decision.id))
        .where(
            col(Decision.judgement) == Judgement.SAME,
            or_(col(Decision.a) == opposing_report.id, col(Decision.b) == opposing_report.id),
            col(Decision.key) <= revision,
            col(Decision.until) > revision,
        )
        .order_by(col(Decision.key))
    )
    return {
        "kind": "contradiction",
        "detainee": shapes.build_detainee_shape(people[row.a], reader),
        "score": pair.score / 1000,
        "reasons": json.loads(pair.reasons),
        "as_of_revision": row.key,
        "ties": list(ties),
        "a": shapes.build_detainee_shape(a, reader),
        "b": shapes.build_detainee_shape(b, reader),
        "compared": compare_side_by_side(a, b, reader),
    }


def _build_hearsay(
    session: Session, row: Any, _people: dict[int, Person], reader: Reader, revision: int
) -> filed.HearsayOut:
    claim = session.scalars(select(Claim).where(col(Claim.key) == row.key, valid_at(Claim, revision))).one()
    confirmed = find_confirmed_versions(session, revision, [claim.key]).get(claim.key, claim.stated)
    versions = [load_entry(session, stated).body["said"] for stated in (confirmed, claim.stated)]
    return {
        "kind": "claim",
        "claim": claim_pages.build_claim_shape(session, claim, reader, confirmed={}),
        "changes": compare_claims(*versions),
    }


_SHAPE_BUILDERS: dict[str, Callable[[Session, Any, dict[int, Person], Reader, int], filed.WaitingShape]] = {
    "hidden": _build_hidden,
    "pair": _build_pair,
    "contradiction": _build_contradiction,
    "disjoint_releases": _build_disjoint_releases,
    "denied_details": _build_denied_details,
    "claim": _build_hearsay,
}


def build_withdrawals_shapes(session: Session, by_day: alerts.WithdrawalsByDay) -> list[WithdrawalsShape]:
    """Return the days of many withdrawals, with their sources."""
    slugs = {source.key: source.slug for source in DirectorySnapshot.for_session(session).sources.values()}
    return [
        {"source": slugs[found.source], "day": found.day.isoformat(), "reports": found.reports}
        for found in alerts.find_withdrawals(session, by_day)
    ]


def _load_unknown_facilities(session: Session) -> list[UnknownFacility]:
    """Return the unregistered places that reports name, most frequent first. Names are folded, so that a place is
    listed once.

    Until they are registered, they are shown to partners only."""
    prefix = blocking_keys.format_facility_key("")
    name_counts = session.execute(
        select(col(BlockingKey.key), func.count().label("reports"))
        .where(col(BlockingKey.key).startswith(prefix))
        .group_by(col(BlockingKey.key))
        .order_by(func.count().desc(), col(BlockingKey.key))
    )
    known_names = DirectorySnapshot.for_session(session).facility_names
    places = [(key.removeprefix(prefix), reports) for key, reports in name_counts]
    unknown: list[UnknownFacility] = [
        {"name": name, "reports": count} for name, count in places if name not in known_names
    ]
    return unknown[:MAX_FACILITIES]

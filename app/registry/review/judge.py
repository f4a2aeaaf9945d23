"""Bound how many reports of a source count in combined records before a curator reviews them (rule 21).

A report counts in its source's own row at once. Beyond the source's limit it awaits review: it counts in nothing else
until a curator approves it. Whether it does follows from the reports of its own source alone, so it tells nothing about
others, and its entry says it."""

from sqlalchemy import bindparam, delete, exists, func, insert, or_, select
from sqlmodel import Session, col

from app.log import content
from app.log.content import REQUESTED_CLASS, Content
from app.log.entries import load_entries
from app.models import OPEN, Report, SourceTrust
from app.projection.statements import restore_content
from app.registry.publication.classes import CLASS_FIELD, WISH_DAY_FIELD
from app.registry.records import RecordVersion
from app.registry.review import limits
from app.registry.review.limits import UnreviewedReports, is_limited_report
from app.registry.write import WriteContext
from app.vocabulary import Publish, Review, Verdict

# Versions of a report that counted at once, with which new content is compared.
MAX_COMPARED_VERSIONS = 10
# A change of these fields alone asserts nothing new.
_CLASS_FIELDS = frozenset({CLASS_FIELD, REQUESTED_CLASS, WISH_DAY_FIELD})

_OF_SOURCE = (col(Report.source) == bindparam("source"), col(Report.until) == OPEN)
_UNREVIEWED = select(func.count()).where(*_OF_SOURCE, col(Report.review) == Review.UNREVIEWED)
_WAITING = exists().where(*_OF_SOURCE, col(Report.review) == Review.AWAITING_REVIEW)
# One statement, since every report needs it: the limit, the unreviewed reports, and whether any awaits review.
_SELECT_NUMBERS = select(
    select(col(SourceTrust.unreviewed_limit)).where(col(SourceTrust.source) == bindparam("source")).scalar_subquery(),
    _UNREVIEWED.scalar_subquery(),
    _UNREVIEWED.where(col(Report.is_limited).is_(True)).scalar_subquery(),
    _WAITING.where(col(Report.is_limited).is_(True)),
    _WAITING.where(col(Report.is_limited).is_not(True)),
)
_SELECT_COUNTED_VERSIONS = (
    select(col(Report.stated), col(Report.review))
    .where(
        col(Report.record) == bindparam("record"),
        or_(col(Report.review).is_(None), col(Report.review) == Review.UNREVIEWED),
    )
    .order_by(col(Report.stated).desc(), col(Report.since).desc())
    .limit(MAX_COMPARED_VERSIONS)
)


def set_unreviewed_limit(session: Session, source: int, limit: int) -> None:
    """Set how many unreviewed reports of a source may count in combined records."""
    session.connection().execute(delete(SourceTrust).where(col(SourceTrust.source) == source))
    session.connection().execute(insert(SourceTrust), {"source": source, "unreviewed_limit": limit})


def judge_report(
    context: WriteContext, report: Content, record: int | None = None, version: RecordVersion | None = None
) -> Review | None:
    """Return the review state of a report about to be filed; None if it needs no review.

    `record`, `version`: the record of which it is the next version, and its current version. A withdrawal needs none,
    nor does what an operator files on the machine. Content that was approved before is approved, and content that
    counted at once counts at once again while there is room. A version that asserts nothing new keeps the state of the
    one before."""
    if not context.key_id or report["verification.verdict"] == Verdict.RETRACTED:
        return None
    earlier_reviews = set() if record is None else _load_earlier_reviews(context.session, record, report)
    if None in earlier_reviews:
        return None
    is_repeated = Review.UNREVIEWED in earlier_reviews
    if version is not None and not _asserts_more(report, version.full_content) and not is_repeated:
        return version.review
    numbers = load_unreviewed(context)
    is_limited = is_limited_report(report)
    if version is not None:
        numbers.add(version.review, is_limited=is_limited_report(version.content), number=-1)
    review = numbers.judge(is_limited=is_limited, is_repeated=is_repeated)
    if version is not None:
        numbers.add(version.review, is_limited=is_limited_report(version.content))
    return review


def count_report(context: WriteContext, review: Review | None, report: Content, previous: RecordVersion | None) -> None:
    """Count a report that was just written in place of `previous`."""
    numbers = context.unreviewed
    if numbers is None:
        return
    if previous is not None:
        numbers.add(previous.review, is_limited=is_limited_report(previous.content), number=-1)
    numbers.add(review, is_limited=is_limited_report(report))


def load_unreviewed(context: WriteContext) -> UnreviewedReports:
    """Return the numbers of the reporting source, read once in a transaction or a trial."""
    numbers = context.unreviewed
    if numbers is None:
        source = context.actor.source
        assert source is not None  # a reporter's key always has a source
        context.pending_writes.flush()
        row = context.session.connection().execute(_SELECT_NUMBERS, {"source": source}).one()
        limit, total, limited, is_limited_waiting, is_release_waiting = row
        if limit is None:
            limit = limits.DEFAULT_UNREVIEWED_LIMIT
        numbers = UnreviewedReports(limit, total, limited, is_limited_waiting, is_release_waiting)
        context.unreviewed = numbers
    return numbers


def closes_person(report: Content) -> bool:
    """Return whether a report asks to hide its person or the name."""
    return report.get(CLASS_FIELD) in (Publish.ANONYMOUS, Publish.COUNTED)


def _asserts_more(report: Content, previous: Content) -> bool:
    """Return whether a version states a value that the version before did not, other than a class of publication."""
    return any(previous.get(name) != value for name, value in report.items() if name not in _CLASS_FIELDS)


def _load_earlier_reviews(session: Session, record: int, report: Content) -> set[Review | None]:
    """Return the states of the versions of a record that had the same content and counted at once."""
    versions = session.connection().execute(_SELECT_COUNTED_VERSIONS, {"record": record}).all()
    entries = {entry.revision: entry for entry in load_entries(session, {revision for revision, _review in versions})}
    return {
        None if review is None else Review(review)
        for revision, review in versions
        if content.is_same_content(report, restore_content(entries[revision].body["said"], entries[revision].personal))
    }

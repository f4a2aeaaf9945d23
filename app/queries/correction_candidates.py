"""What a new version takes back of what the one before it said (pure).

To say more is no correction: a value where there was none, a finer date inside a coarser one, a later stage, a check of
what was only passed on. To say something else is one, and so is to say less.

Which entries of the log may be corrections: questions to its indexes, so that no page reads the whole of it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, union
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Invalid
from app.log.content import IS_FIRST_HAND, Content, has_release
from app.models import OPEN, Claim, Decision, Detention, Entry, Placement, RecalledEntry, Record, Report, Verification
from app.projection.statements import DENIALS, RANK, as_counted, parse
from app.queries.parameters import CorrectionQuery
from app.queries.visibility import at
from app.registry.directory_snapshot import Views
from app.registry.publication.classes import CLASS
from app.schemas.records import ChangeOut
from app.vocabulary import CorrectionKind, Designation, Judgement, Publish, ReleaseKind, Stage, Verdict

# What is compared, by name: the values of a report that are shown, or of a claim.
Values = Mapping[str, Any]

VERDICT = "verification.verdict"
ENDED = "detention.ended"
# What is shown of a change: public values only (`PUBLIC` in log/content.py), by their names in records. Whom a
# person's class of publication hides is nobody's business, and the day of a check is no value of a release.
SHOWN = {
    "verdict": VERDICT,
    "stage": "release.stage",
    "released_on": "release.released_on",
    "ordered_on": "release.ordered_on",
    "announced_on": "release.announced_on",
    "kind": "release.kind",
    "measures_lifted_on": "release.measures_lifted_on",
    "detained_on": "detention.detained_on",
    "held_on": "detention.held_on",
    "country": "detention.country",
    "designation": "detainee.designation",
    "died_on": "detainee.died_on",
    "method": "verification.method",
    "citing": "verification.citing",
}
# A claim's figure and what it is a figure of; its prose may name people.
FIGURES = (
    "claimant", "measure", "qualifier", "low", "high", "window_from", "window_to", "stated_at", "zone", "country",
    "series", "misprint",
)  # fmt: skip

UNSAID = (None, ReleaseKind.UNSPECIFIED.value, Designation.UNSTATED.value)
# What a verdict that was not there before makes of a report.
WITHDRAWN = {
    Verdict.RETRACTED: CorrectionKind.RETRACTED,
    Verdict.REFUTED: CorrectionKind.REFUTED,
    Verdict.DISPUTED: CorrectionKind.DISPUTED,
}


def of_report(before: Content | None, after: Content) -> tuple[CorrectionKind | None, list[ChangeOut]]:
    """The kind of correction that a version of a report is, None for no correction, and its changes.

    `before` is the version it supersedes; a first version corrects others by a denial, and nothing of its own.
    """
    verdict = Verdict(after[VERDICT])
    if before is None:
        return (WITHDRAWN[verdict] if verdict in DENIALS else None), []
    if _says_months(before) or _says_months(after):  # that the log says less, or more, is no word of the source
        before, after = as_counted(before), as_counted(after)
    changes = _changes(_shown(before), _shown(after))
    if verdict in WITHDRAWN and verdict != before[VERDICT]:
        return WITHDRAWN[verdict], changes
    # A verdict on a detention says nothing of the release that a record grows by.
    about_another = {"verdict", "method"} if has_release(after) and not has_release(before) else set()
    # Whoever checks what it had only passed on does so in another way.
    checked = {"method"} if (before[VERDICT], verdict) == (Verdict.REPORTED, Verdict.VERIFIED) else set()
    taken_back = any(_takes_back(change) for change in changes if change["field"] not in about_another | checked)
    return (CorrectionKind.RESTATED if taken_back else None), changes


def _says_months(content: Content) -> bool:
    return content.get(CLASS) == Publish.COUNTED or IS_FIRST_HAND in content


def of_claim(before: Values, after: Values) -> list[ChangeOut]:
    """What differs between two figures."""
    return _changes(*({name: claim.get(name) for name in FIGURES} for claim in (before, after)))


def _shown(content: Content) -> Values:
    ended = content.get(ENDED, {})
    shown = {name: content.get(path) for name, path in SHOWN.items()}
    return {**shown, "ended_on": ended.get("on"), "ended_how": ended.get("how"), "citing": shown["citing"] or []}


def _changes(before: Values, after: Values) -> list[ChangeOut]:
    return [
        {"field": name, "before": before[name], "after": after[name]} for name in after if before[name] != after[name]
    ]


def _takes_back(change: ChangeOut) -> bool:
    name, before, after = change["field"], change["before"], change["after"]
    if name == "citing":
        return True  # whoever cites checked nothing itself: a count of verifications may fall
    if before in UNSAID:
        return False
    if after is None:
        return True
    if name == "verdict":
        return (before, after) != (Verdict.REPORTED, Verdict.VERIFIED)
    if name == "stage":
        return RANK[Stage(after)] < RANK[Stage(before)]
    if name == "held_on":
        return parse(after).hi < parse(before).hi  # the last day known: it moves on
    if name.endswith("_on"):
        return not parse(after).within(parse(before))
    return True


Condition = ColumnElement[bool]

BY_CURATORS = frozenset({CorrectionKind.MERGED, CorrectionKind.PARTED})
OF_CLAIMS = frozenset({CorrectionKind.CLAIM_RESTATED, CorrectionKind.CLAIM_SUPERSEDED})
OF_KEYS = frozenset({CorrectionKind.RECALLED})
OF_REPORTS = frozenset(CorrectionKind) - BY_CURATORS - OF_CLAIMS - OF_KEYS
# A claim that replaces another, in canonical JSON: inside a text the quotes would be escaped.
SUPERSEDES = '"supersedes":["'


def entries(
    session: Session, query: CorrectionQuery, source: int | None, newest: int, since: int, revision: int, most: int
) -> list[int]:
    """The revisions of entries that may be what is asked for, from `newest` back to after `since`, newest first.
    `source`: the key of the one asked for."""
    kinds = frozenset(query.kind or CorrectionKind)

    def within(column: Any) -> Condition:
        return and_(column <= newest, column > since)

    arms: list[Select[int]] = []
    if kinds & OF_REPORTS:
        arms.append(_versions(source, query.country, revision).where(within(col(Report.since)), *_verdicts(kinds)))
        arms.append(_denials(source, query.country, revision).where(within(col(Verification.since))))
    if kinds & BY_CURATORS and source is None:
        arms.append(_made(query.country, revision).where(within(col(Decision.key))))
        arms.append(_undone(query.country, revision).where(within(col(Decision.until))))
    if kinds & OF_CLAIMS:
        arms.append(_claims(source, query.country).where(within(col(Claim.since))))
    if kinds & OF_KEYS:  # of whatever country: one entry may withdraw reports of several
        arms.append(_recalls(query.source, col(RecalledEntry.since)).where(within(col(RecalledEntry.since))))
        arms.append(_recalls(query.source, col(RecalledEntry.until)).where(within(col(RecalledEntry.until))))
    if not arms:
        return []  # curators' decisions of a source: there are none
    revision_of = union(*arms).subquery().c[0]
    return list(session.scalars(select(revision_of).order_by(revision_of.desc()).limit(most)))


def source_of(session: Session, slug: str | None) -> int | None:
    """The key of the source asked for. Raises Invalid for one that does not exist."""
    if slug is None:
        return None
    view = Views.of(session).sources_by_slug.get(slug)
    if view is None:
        raise Invalid.at("/source", "unknown_source", "No source has this slug: see /v1/sources.")
    return view.key


def _in_country(record: Any, country: str | None, revision: int) -> list[Condition]:
    """Whether the detention of a record is in a country."""
    if country is None:
        return []
    detention = select(1).select_from(Placement).join(Detention, col(Detention.spell) == col(Placement.spell))
    here = (col(Placement.record) == record, at(Placement, revision), at(Detention, revision))
    return [exists(detention.where(*here, col(Detention.country) == country))]


def _counts(revision: int) -> Condition:
    """Whether no recall withdraws a report at a revision: what a recall withdraws, the recall tells."""
    recalled = (col(RecalledEntry.since) <= revision) & (col(RecalledEntry.until) > revision)
    return ~exists().where(col(RecalledEntry.revision) == col(Report.stated), recalled)


def _versions(source: int | None, country: str | None, revision: int) -> Select[int]:
    """Later versions of reports."""
    versions = select(col(Report.since)).where(
        col(Report.version) > 1,
        col(Report.stated) == col(Report.since),
        _counts(revision),
        *_in_country(col(Report.record), country, revision),
    )
    if source is None:
        return versions
    return versions.join(Record, col(Record.key) == col(Report.record)).where(col(Record.source) == source)


def _verdicts(kinds: frozenset[CorrectionKind]) -> list[Condition]:
    """That a version has the verdict that names a kind; a restatement may have any."""
    if CorrectionKind.RESTATED in kinds:
        return []
    # In canonical JSON, where the quotes of a text within a value would be escaped.
    verdicts = [col(Entry.body).contains(f'"{VERDICT}":"{kind}"') for kind in kinds & OF_REPORTS]
    return [exists(select(1).where(col(Entry.revision) == col(Report.stated), or_(*verdicts)))]


def _denials(source: int | None, country: str | None, revision: int) -> Select[int]:
    """Reports that deny, which may be a source's first ones."""
    mine = [] if source is None else [col(Verification.source) == source]
    filed = (col(Report.record) == col(Verification.record)) & (col(Report.stated) == col(Verification.since))
    return (
        select(col(Verification.since))
        .join(Report, filed)
        .where(
            col(Verification.verdict).in_(sorted(DENIALS)),
            _counts(revision),
            *mine,
            *_in_country(col(Verification.record), country, revision),
        )
    )


def _made(country: str | None, revision: int) -> Select[int]:
    """Decisions of curators, who alone tie or part people already known."""
    return _decided(col(Decision.key), country, revision).where(
        col(Decision.decided_by) == "curator", col(Decision.judgement) != Judgement.UNSURE
    )


def _undone(country: str | None, revision: int) -> Select[int]:
    """Decisions of anybody, when a curator took them back."""
    return _decided(col(Decision.until), country, revision).where(col(Decision.until) < OPEN)


def _decided(column: Any, country: str | None, revision: int) -> Select[int]:
    record: Any = aliased(Record)
    return (
        select(column)
        .select_from(Decision)
        .join(record, record.id == col(Decision.a))
        .where(*_in_country(record.key, country, revision))
    )


def _claims(source: int | None, country: str | None) -> Select[int]:
    """Later versions of claims, and claims that replace others."""
    conditions = [] if source is None else [col(Claim.filed_by) == source]
    conditions += [] if country is None else [col(Claim.country) == country]
    return (
        select(col(Claim.since))
        .join(Entry, col(Entry.revision) == col(Claim.stated))
        .where(
            col(Claim.stated) == col(Claim.since),
            or_(col(Claim.since) != col(Claim.key), col(Entry.body).contains(SUPERSEDES)),
            *conditions,
        )
    )


def _recalls(source: str | None, revision_of: Any) -> Select[int]:
    """Recalls, or what undid them."""
    recalls = select(revision_of).distinct()
    if source is None:
        return recalls
    of_source = col(Entry.body).contains(f'"source":"{source}"')
    return recalls.where(exists(select(1).where(col(Entry.revision) == revision_of, of_source)))

"""Tell confirmed claims from hearsay, and confirm a claim as a curator.

An entry with `hearsay` states a figure in the name of a source other than its filer. It stays hearsay until a curator
confirms it, or another source files the same figure from another publisher. Entries filed before there was hearsay
count as confirmed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import ColumnElement, Select, bindparam, exists, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import Key
from app.errors import Conflict, Forbidden
from app.models import OPEN, Claim, Entry, EntryAuthor, RecalledEntry, Source
from app.registry.curation import proposals
from app.registry.write import Outcome, WriteContext

# Two claims with equal values are the same figure. A window without an end ends on the day of the statement.
SAME_FIGURE_FIELDS = (
    "claimant", "measure", "country", "qualifier", "low", "high", "window_from", "window_to", "definition",
)  # fmt: skip
OWN_CLAIM_DETAIL = (
    "You, your source or a key whose holder is not recorded filed this claim: another curator has to confirm it."
)

CHANGED_CLAIM_DETAIL = "The figure was changed meanwhile: read it again, and confirm what it says now."


def is_hearsay(filer: str | None, claim: Mapping[str, Any]) -> bool:
    """Return whether a claim is in the name of anybody other than its filer alone."""
    return filer is None or {claim.get("claimant"), *claim.get("joint_with", ())} != {filer}


def confirm_claim(context: WriteContext, claim: Claim, stated: int | None = None) -> Outcome:
    """Confirm the newest version of a claim. `stated`: the entry of the version that the curator read, if known.

    Raises Conflict if there is a newer one, and Forbidden for its filer."""
    if stated is not None and claim.stated != stated:
        raise Conflict(CHANGED_CLAIM_DETAIL)
    outcome_ids = {"id": str(claim.id)}
    if claim.confirmed is not None:
        return Outcome("claim", 200, claim.confirmed, outcome_ids)
    if not context.is_agreed and _is_filer(context, claim):
        raise Forbidden(OWN_CLAIM_DETAIL)
    waiting = proposals.require_agreement_beyond_limit(context, "claim", (claim.stated, claim.stated), str(claim.id))
    if waiting is not None:
        return waiting
    entry = context.write_entry("claim", {**outcome_ids, "confirms": claim.stated})
    return Outcome("claim", 201, entry.revision, outcome_ids)


def _is_filer(context: WriteContext, claim: Claim) -> bool:
    """Return whether the writing key's source or holder filed a claim."""
    if claim.filed_by is not None and claim.filed_by == context.actor.source:
        return True
    author = context.session.scalars(
        select(col(EntryAuthor.key_id)).where(col(EntryAuthor.revision) == claim.stated)
    ).one_or_none()
    return author is not None and proposals.has_same_holder(context.session, author, context.key_id)


def mark_hearsay(
    context: WriteContext, filer: str | None, claim: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Claim]]:
    """Return the mark in a new claim's entry, and the filings by other sources that it confirms."""
    if not is_hearsay(filer, claim):
        return {}, []
    first_filings = [] if filer is None else _find_first_filings(context, claim)
    return ({"second": first_filings[0].stated} if first_filings else {"hearsay": True}), first_filings


def _find_first_filings(context: WriteContext, claim: Mapping[str, Any]) -> list[Claim]:
    """Return the current claims of other sources with the same figure from another publisher, oldest first."""
    publisher = _find_publisher(claim)
    if publisher is None or claim.get("claimant") is None:
        return []
    names = ("claimant", "measure", "country")
    rows = context.session.execute(
        select(Claim, col(Entry.body))
        .join(Entry, col(Entry.revision) == col(Claim.stated))
        .where(
            col(Claim.until) == OPEN,
            col(Claim.filed_by).is_not(None),
            col(Claim.filed_by) != context.actor.source,
            *(getattr(Claim, name) == claim.get(name) for name in names),
            ~_is_withdrawn(col(Claim.stated), context.log.revision),
        )
        .order_by(col(Claim.key))
    ).all()
    figure_key = _build_figure_key(claim)
    figures = [(row, json.loads(body)["said"]) for row, body in rows]
    return [
        row
        for row, figure in figures
        if _build_figure_key(figure) == figure_key and _find_publisher(figure) not in (None, publisher)
    ]


def confirm_first_filings(context: WriteContext, claims: Iterable[Claim], second: int) -> None:
    """Confirm the hearsay among these claims. `second`: the entry in which another source filed the same figure."""
    for claim in claims:
        if claim.confirmed is None:
            context.write_entry("claim", {"id": str(claim.id), "confirms": claim.stated, "second": second})


def _is_withdrawn(stated: Any, revision: Any) -> ColumnElement[bool]:
    """Return the condition that a version is recalled at a revision, or its filer in quarantine."""
    filing: Any = aliased(Claim)
    is_recalled = exists().where(
        col(RecalledEntry.revision) == stated,
        col(RecalledEntry.since) <= revision,
        col(RecalledEntry.until) > revision,
    )
    # Not correlated: versions have no index by their entry.
    quarantined = (
        select(filing.stated)
        .join(Source, col(Source.key) == filing.filed_by)
        .where(col(Source.since) <= revision, col(Source.until) > revision, col(Source.quarantined))
    )
    return or_(is_recalled, stated.in_(quarantined))


def select_confirmed_versions(revision: Any) -> Select[int, int]:
    """Select key and entry of the newest confirmed version of each claim at a revision.

    A version counts neither if it, nor if the second filing that confirms it, is recalled or of a filer in
    quarantine."""
    return (
        select(col(Claim.key), func.max(col(Claim.stated)).label("stated"))
        .where(
            col(Claim.confirmed) <= revision,
            ~_is_withdrawn(col(Claim.stated), revision),
            or_(col(Claim.second).is_(None), ~_is_withdrawn(col(Claim.second), revision)),
        )
        .group_by(col(Claim.key))
    )


# Built once: building a statement costs more than running it.
_SELECT_CONFIRMED = select_confirmed_versions(bindparam("revision", type_=Key))
_SELECT_CONFIRMED_OF_CLAIMS = _SELECT_CONFIRMED.where(col(Claim.key).in_(bindparam("keys", expanding=True)))


def find_confirmed_versions(session: Session, revision: int, keys: Sequence[int] | None = None) -> dict[int, int]:
    """Return claim key → the entry of its newest confirmed version at a revision. `keys`: of these claims only."""
    statement = _SELECT_CONFIRMED if keys is None else _SELECT_CONFIRMED_OF_CLAIMS
    return dict(map(tuple, session.execute(statement, {"revision": revision, "keys": keys})))


def _build_figure_key(figure: Mapping[str, Any]) -> str:
    day = None if "window_to" in figure else str(figure.get("stated_at"))[:10]
    return json.dumps([*(figure.get(name) for name in SAME_FIGURE_FIELDS), day], sort_keys=True)


def _find_publisher(figure: Mapping[str, Any]) -> str | None:
    """Return the host of a claim's citation."""
    url = (figure.get("citation") or {}).get("url")
    host = urlsplit(url).hostname if url else None
    return host.removeprefix("www.") if host else None

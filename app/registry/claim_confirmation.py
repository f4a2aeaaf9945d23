"""Tell confirmed claims from hearsay, and confirm a claim as a curator.

An entry with `hearsay` states a figure in the name of a source other than its filer. It stays hearsay until a curator
confirms it, or two sources file the same figure from different publishers. Entries filed before there was hearsay
count as confirmed."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import exists, select
from sqlmodel import Session, col

from app.errors import Forbidden
from app.models import Claim, Entry, EntryAuthor, RecalledEntry, Source
from app.registry.curation import proposals
from app.registry.write import Outcome, WriteContext

# Two claims with equal values are the same figure. A window without an end ends on the day of the statement.
SAME_FIGURE_FIELDS = (
    "claimant", "measure", "country", "qualifier", "low", "high", "window_from", "window_to", "definition",
)  # fmt: skip
OWN_CLAIM_DETAIL = (
    "You, your source or a key whose holder is not recorded filed this claim: another curator has to confirm it."
)


def is_hearsay(filer: str | None, claim: Mapping[str, Any]) -> bool:
    """Return whether a claim is in the name of anybody other than its filer alone."""
    return filer is None or {claim.get("claimant"), *claim.get("joint_with", ())} != {filer}


def confirm_claim(context: WriteContext, claim: Claim) -> Outcome:
    """Confirm the newest version of a claim. Raises Forbidden for its filer."""
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


def find_confirmed_versions(session: Session, revision: int) -> dict[int, int]:
    """Return claim key → the entry of its newest confirmed version at a revision.

    A claim whose filer is in quarantine has none."""
    is_recalled = exists().where(
        col(RecalledEntry.revision) == col(Claim.stated),
        col(RecalledEntry.since) <= revision,
        col(RecalledEntry.until) > revision,
    )
    is_quarantined = exists().where(
        col(Source.key) == col(Claim.filed_by),
        col(Source.since) <= revision,
        col(Source.until) > revision,
        col(Source.quarantined),
    )
    trusted_claims = select(col(Claim.key), col(Claim.stated)).where(
        col(Claim.since) <= revision, ~is_recalled, ~is_quarantined
    )
    confirmed = trusted_claims.where(col(Claim.confirmed) <= revision).order_by(col(Claim.stated))
    versions: dict[int, int] = dict(map(tuple, session.execute(confirmed)))
    current = trusted_claims.where(col(Claim.until) > revision)
    if {*map(tuple, session.execute(current))} <= versions.items():
        return versions
    filings: dict[str, list[tuple[int, int, int, str]]] = {}
    bodies = session.execute(
        current.add_columns(col(Claim.filed_by), col(Entry.body))
        .join(Entry, col(Entry.revision) == col(Claim.stated))
        .where(col(Claim.filed_by).is_not(None))
    )
    for key, stated, filer, body in bodies:
        figure = json.loads(body)["said"]
        publisher = _find_publisher(figure)
        if publisher is not None and figure.get("claimant") is not None:
            filings.setdefault(_build_figure_key(figure), []).append((key, stated, filer, publisher))
    for same in filings.values():
        versions |= {
            key: stated
            for key, stated, filer, publisher in same
            if any(other[2] != filer and other[3] != publisher for other in same)
        }
    return versions


def _build_figure_key(figure: Mapping[str, Any]) -> str:
    day = None if "window_to" in figure else str(figure.get("stated_at"))[:10]
    return json.dumps([*(figure.get(name) for name in SAME_FIGURE_FIELDS), day], sort_keys=True)


def _find_publisher(figure: Mapping[str, Any]) -> str | None:
    """Return the host of a claim's citation."""
    url = (figure.get("citation") or {}).get("url")
    host = urlsplit(url).hostname if url else None
    return host.removeprefix("www.") if host else None

"""Build pages of published figures at a revision."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Invalid
from app.log.entries import load_entry
from app.models import Claim
from app.queries import changes
from app.queries.parameters import ClaimQuery, Order, Page, fetch_after, fetch_page
from app.queries.rows import add_revisions
from app.queries.selection.visibility import SqlCondition, valid_at
from app.queries.term_names import find_source_keys
from app.registry.claim_confirmation import find_confirmed_versions, select_confirmed_versions
from app.registry.publication.permissions import Reader
from app.schemas.directory import ClaimRow, ClaimShape
from app.vocabulary import Role

CONFIRMED_CHANGES_DETAIL = "Ask for changes without `confirmed`: each changed claim says whether it is confirmed."


def query_claims(
    session: Session, query: ClaimQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[ClaimRow]:
    """Return published figures at a revision. `since`: only those filed or corrected after it.

    Raises Invalid if both `since` and `confirmed` are given, and for a source that does not exist."""
    named_sources = {f"/{name}": getattr(query, name) for name in ("claimant", "filed_by") if getattr(query, name)}
    source_keys = find_source_keys(session, list(named_sources.items()), revision)
    terms = {name: getattr(query, name) for name in ("claimant", "measure", "country")}
    terms["filed_by"] = None if query.filed_by is None else source_keys[query.filed_by]

    def match_terms(table: Any) -> list[SqlCondition]:
        return [getattr(table, name) == value for name, value in terms.items() if value is not None]

    def build_rows(rows: Sequence[Any]) -> list[Any]:
        return build_claim_rows(session, [row[1] for row in rows], reader, revision)

    statement = select(col(Claim.key), Claim).where(valid_at(Claim, revision))
    versions: Any = Claim
    if query.confirmed is not None:
        if since is not None:
            raise Invalid.at_pointer("/confirmed", "not_with_changed_since", CONFIRMED_CHANGES_DETAIL)
        confirmed_versions = select_confirmed_versions(revision).subquery()
        if query.confirmed:
            versions = aliased(Claim)  # the shown ones, by which the terms judge
            statement = statement.join(confirmed_versions, confirmed_versions.c.key == col(Claim.key)).join(
                versions, (versions.stated == confirmed_versions.c.stated) & (versions.since == versions.stated)
                & (versions.key == col(Claim.key)),
            )  # fmt: skip
        else:
            statement = statement.where(col(Claim.key).not_in(select(confirmed_versions.c.key)))
    statement = statement.where(*match_terms(versions))
    order: Order = [(col(Claim.key), query.sort == "-added")]
    list_name = f"claims by {query.sort or 'default'}"
    if since is not None:
        statement = statement.where(or_(col(Claim.since) > since, col(Claim.confirmed) > since))
        fetch_gone = changes.build_gone_claims_fetcher(session, match_terms, since, revision)
        fetch_claims = partial(fetch_after, session, statement, order)
        return changes.build_change_page(list_name, len(order), fetch_claims, build_rows, fetch_gone, query, revision)
    page = fetch_page(session, statement, list_name, order, query)
    return replace(page, rows=build_rows(page.rows))


def build_claim_rows(session: Session, claims: Sequence[Claim], reader: Reader, revision: int) -> list[Any]:
    """Return the rows of claims, each with the revision that filed its newest version or confirmed it."""
    confirmed = find_confirmed_versions(session, revision, [claim.key for claim in claims])
    shapes = [build_claim_shape(session, claim, reader, confirmed) for claim in claims]
    confirmations = [claim.confirmed for claim in claims]
    return add_revisions(
        session,
        shapes,
        [
            claim.since if confirmation is None or confirmation > revision else max(claim.since, confirmation)
            for claim, confirmation in zip(claims, confirmations, strict=True)
        ],
    )


def build_claim_shape(session: Session, claim: Claim, reader: Reader, confirmed: Mapping[int, int]) -> ClaimShape:
    """Build a claim as filed, with `since` its revision: its confirmed version (`confirmed`, by key), or the newest of
    hearsay. Notes are shown to partners, case numbers to the filing source."""
    stated = confirmed.get(claim.key, claim.stated)
    entry = load_entry(session, stated)
    figure = entry.body["said"]
    is_own = reader.source == claim.filed_by if claim.filed_by is not None else reader.role is Role.CURATOR
    return {
        "id": claim.id,
        "claimant": figure.get("claimant"),
        "joint_with": figure.get("joint_with"),
        "measure": figure.get("measure"),
        "qualifier": figure.get("qualifier"),
        "said": figure.get("said"),
        "low": figure.get("low"),
        "high": figure.get("high"),
        "window_from": figure.get("window_from"),
        "window_to": figure.get("window_to"),
        "window_said": figure.get("window_said"),
        "stated_at": figure.get("stated_at"),
        "zone": figure.get("zone"),
        "country": figure.get("country"),
        "definition": figure.get("definition"),
        "series": figure.get("series"),
        "part_of": figure.get("part_of"),
        "derived_from": figure.get("derived_from"),
        "supersedes": figure.get("supersedes"),
        "same_as": figure.get("same_as"),
        "misprint": figure.get("misprint"),
        "named": figure.get("named"),
        "reported_by": figure.get("reported_by"),
        "citation": figure.get("citation"),
        "filed_by": entry.body["filed_by"],
        "since": stated,
        "confirmed": claim.key in confirmed,
        "waiting_since": None if stated == claim.stated else claim.stated,
        "source_record_id": entry.personal.get("source_record_id") if is_own else None,
        "note": entry.personal.get("note") if reader.can_see_restricted or is_own else None,
    }

"""Fetch the data for the page of one claim: the claim, its reconciliation, and a breakdown of its count.

The breakdown consists of nested counts: verified by the main source in the days that it counts itself, verified by it
in all days of the claim, verified by at least one source, and all reported. Differences between them are therefore
numbers of releases without overlap.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from app import dates
from app.api.routes.directory import read_claim, reconcile_claim
from app.errors import NotFound
from app.moments import format_revision
from app.queries.dimensions import get_window_start_name
from app.vocabulary import Measure
from app.web.api_client import gather
from app.web.claims.text import is_by_organisation, is_independent
from app.web.count_text import fetch_citation
from app.web.page import Page, no_such_page, parse_terms

# A claim with one of these terms depends on sources already: its count is not broken down by source.
SOURCE_TERMS = frozenset({"verified_by", "min_sources", "status"})
PINNING_TERMS = frozenset(
    {"as_of", "leaf", "rules", "group_by"}
)  # of a permalink, in addition to the terms of the count


@dataclass(frozen=True)
class ReconciledClaim:
    """A claim with the answers that compare it with the registry's count. `is_as_stated`: that count is as of the
    claim's hour, not of now; `base` is None if there is no count for its terms."""

    claim: Mapping[str, Any]
    reconciliation: Mapping[str, Any]
    base: Mapping[str, Any] | None
    is_as_stated: bool
    path: str | None = None  # the API path of its count, which takes `terms`
    terms: Mapping[str, Any] | None = None
    citation: Mapping[str, str] | None = None  # of the count of its terms
    main_source: str | None = None  # the source by which the count is broken down
    main_verified: int = 0
    usual_start: str | None = None  # the beginning of that source's own figure, if later than the claim's
    usual_figure: Mapping[str, Any] | None = None
    main_verified_usual: int = 0
    main_verified_usual_gross: int | None = None  # the same including rearrested people, if the claim excludes them

    @property
    def is_comparable(self) -> bool:
        """Whether there are two numbers that can be compared."""
        has_number = self.claim["low"] is not None or self.claim["high"] is not None
        return bool(self.reconciliation["comparable"]) and self.base is not None and has_number

    @property
    def verified_number(self) -> int:
        """How many at least one independent source verified."""
        return get_verified_number(self.base) if self.base is not None else 0

    @property
    def counted_number(self) -> int:
        """How many the registry counts on the claim's terms."""
        return int(self.base["total"]["cases"]) if self.base is not None else 0

    @property
    def hidden_number(self) -> int:
        """How many more it may be: their value of a personal term is unknown, or may not be shown."""
        possible = self.base["possible"] if self.base is not None else None
        return 0 if possible is None else int(possible["high"] - possible["low"])


def get_verified_number(count: Mapping[str, Any]) -> int:
    """Return how many at least one independent source verified."""
    return int(count["total"]["by_min_sources"].get("1", 0))


def not_compared() -> NotFound:
    return NotFound("There is no figure of this claim: it cannot be compared with a count. Its page says why.")


async def fetch_reconciled_claim(page: Page, claim_id: str) -> ReconciledClaim:
    """Fetch a claim with its reconciliation and breakdown. Raises NotFound for an invalid id, and Problem if there is
    no such claim."""
    claim_id = _parse_claim_id(claim_id)
    claim, reconciliation = await gather(
        page.api.read(read_claim, claim_id=claim_id), page.api.read(reconcile_claim, claim_id=claim_id)
    )
    # Reports of people held on a day are filed much later, and organisations know of them before the registry does.
    is_filed_late = claim["measure"] == Measure.HELD and is_by_organisation(page, claim)
    stated_count = None if is_filed_late else reconciliation["then"]
    base = stated_count or reconciliation["now"]
    reconciled_claim = ReconciledClaim(claim, reconciliation, base, is_as_stated=stated_count is not None)
    permalink = base and base["permalink"]
    if not reconciled_claim.is_comparable or not permalink:
        return reconciled_claim
    return await _add_breakdown(page, reconciled_claim, permalink)


def _parse_claim_id(claim_id: str) -> str:
    """Return a claim's id in canonical form. Raises NotFound."""
    try:
        return str(uuid.UUID(claim_id))
    except ValueError:
        raise no_such_page() from None


async def _add_breakdown(page: Page, reconciled_claim: ReconciledClaim, permalink: str) -> ReconciledClaim:
    """Return the claim with the count of its terms, and with what its main source verified of it."""
    address = urlsplit(permalink)
    terms = parse_terms([pair for pair in parse_qsl(address.query) if pair[0] not in PINNING_TERMS])
    main = None if SOURCE_TERMS & terms.keys() else find_main_source(page, reconciled_claim)
    usual = None if main is None else find_usual_figure(reconciled_claim, main)
    as_of = format_revision(reconciled_claim.base["at"]["revision"]) if reconciled_claim.base else None

    def fetch_count(**filters: Any) -> Any:
        return page.api.read_address(address.path, {**terms, **filters}, as_of=as_of)

    questions = {"whole": fetch_count()}
    if main is not None:
        questions["by_main"] = fetch_count(verified_by=main)
    if usual is not None:
        usual_terms = {"verified_by": main, get_window_start_name(terms): usual["window_from"]}
        questions["usually"] = fetch_count(**usual_terms)
        if terms.get("net") == "true":
            questions["usually_gross"] = fetch_count(**usual_terms, net="false")
    counts = dict(zip(questions, await gather(*questions.values()), strict=True))
    numbers = {name: get_verified_number(answer) for name, answer in counts.items()}
    return ReconciledClaim(
        reconciled_claim.claim,
        reconciled_claim.reconciliation,
        reconciled_claim.base,
        reconciled_claim.is_as_stated,
        path=address.path,
        terms=terms,
        citation=await fetch_citation(page, counts["whole"]),
        main_source=main,
        main_verified=numbers.get("by_main", 0),
        usual_start=usual["window_from"] if usual is not None else None,
        usual_figure=usual,
        main_verified_usual=numbers.get("usually", 0),
        main_verified_usual_gross=numbers.get("usually_gross"),
    )


def find_main_source(page: Page, reconciled_claim: ReconciledClaim) -> str | None:
    """Return the source by which the count is broken down: the claimant if it verifies, otherwise the source that
    verified most."""
    by_source = reconciled_claim.base["by_source"] if reconciled_claim.base else {}
    verifying = {slug: number for slug, number in by_source.items() if is_independent(page, slug)}
    if reconciled_claim.claim["claimant"] in verifying:
        return str(reconciled_claim.claim["claimant"])
    return min(verifying, key=lambda slug: (-verifying[slug], page.get_source_name(slug)), default=None)


def find_usual_figure(reconciled_claim: ReconciledClaim, main: str) -> Mapping[str, Any] | None:
    """Return the main source's own published figure that begins later than the claim; None if there is none."""
    start = reconciled_claim.claim["window_from"]
    later = [
        figure
        for figure in reconciled_claim.reconciliation["published"]
        if figure["claimant"] == main and figure["window_from"] and not figure["window_to"]
        and figure["distance"] is not None and figure["except_for"] is None
        and start is not None and dates.parse_window_start(figure["window_from"]) > dates.parse_window_start(start)
    ]  # fmt: skip
    return max(later, key=lambda figure: (figure["stated_at"] or "", figure["window_from"]), default=None)

"""What the pages of one claim ask: the claim, its reconciliation, and the counts by which its own count falls apart.

The counts hold each other: those that the main source verified in the days that it counts itself, those that it
verified in all days of the claim, those that at least one source verified, and all that were reported. So the
differences between them are numbers of releases, and nobody stands in two.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app import dates
from app.errors import NotFound
from app.vocabulary import Measure
from app.web.asking import together
from app.web.claims.words import by_organisation, is_independent
from app.web.page import Page, no_such_page

# Terms of a claim that ask for sources themselves: its count is not taken apart by sources again.
OF_SOURCES = frozenset({"any_of", "all_of", "min_sources", "status"})
PINNED = frozenset({"as_of", "leaf", "rules", "group_by"})  # of a permanent address, besides the terms of the count


@dataclass(frozen=True)
class Asked:
    """A claim with the answers that put it beside the registry's count. `then`: whether that count is of the claim's
    hour, and not of now; `base` None: there is no count of its terms."""

    claim: Mapping[str, Any]
    reconciliation: Mapping[str, Any]
    base: Mapping[str, Any] | None
    then: bool
    path: str | None = None  # where the count of its terms is asked, and with which terms
    terms: Mapping[str, Any] | None = None
    count: Mapping[str, Any] | None = None
    main: str | None = None  # the source by which the count is taken apart
    by_main: int = 0
    usual_from: str | None = None  # since when that source counts, if that is later than the claim
    usual_figure: Mapping[str, Any] | None = None
    by_main_usually: int = 0
    by_main_usually_gross: int | None = None  # the same with whoever was taken again, where the claim leaves them out

    @property
    def comparable(self) -> bool:
        """Whether there are two numbers, and nothing that hinders putting one beside the other."""
        numbered = self.claim["low"] is not None or self.claim["high"] is not None
        return bool(self.reconciliation["comparable"]) and self.base is not None and numbered

    @property
    def verified(self) -> int:
        """By at least one independent source."""
        return verified_in(self.base) if self.base is not None else 0

    @property
    def counted(self) -> int:
        """All that the registry counts on the claim's terms."""
        return number_of(self.base) if self.base is not None else 0


def verified_in(numbers: Mapping[str, Any]) -> int:
    """How many at least one independent source verified."""
    return int(numbers["by_min_sources"].get("1", 0))


def number_of(numbers: Mapping[str, Any]) -> int:
    """What a count counts: releases, or people held."""
    return int(numbers.get("releases") or numbers.get("detentions") or 0)


def not_compared() -> NotFound:
    return NotFound("There is no figure of this claim: it cannot be compared with a count. Its page says why.")


async def ask(page: Page, claim_id: str) -> Asked:
    """Everything that is known of a claim and beside it. Raises NotFound, and Refused where there is no such claim."""
    claim_id = _known_form(claim_id)
    claim, reconciliation = await together(
        page.api.get(f"/v1/claims/{claim_id}"), page.api.get(f"/v1/claims/{claim_id}/reconciliation")
    )
    # Who was held on a day is filed long after it, and what an organisation knew then it knew before the registry.
    late = claim["measure"] == Measure.HELD and by_organisation(page, claim)
    then = None if late else reconciliation["then"]
    base = then or reconciliation["now"]
    asked = Asked(claim, reconciliation, base, then=then is not None)
    permalink = base and base.get("permalink")
    if not asked.comparable or not permalink:
        return asked
    return await _taken_apart(page, asked, permalink)


def _known_form(claim_id: str) -> str:
    """An id as claims have it. Raises NotFound."""
    try:
        return str(uuid.UUID(claim_id))
    except ValueError:
        raise no_such_page() from None


async def _taken_apart(page: Page, asked: Asked, permalink: str) -> Asked:
    """The same with the count of the claim's terms, and with what its main source verified of it."""
    address = urlsplit(permalink)
    terms = {name: values for name, values in parse_qs(address.query).items() if name not in PINNED}
    main = None if OF_SOURCES & terms.keys() else main_source(page, asked)
    usual = None if main is None else usual_figure(asked, main)
    revision = asked.base["revision"] if asked.base else None

    def count(**further: Any) -> Any:
        return page.api.get(address.path, {**terms, **further}, as_of=revision)

    questions = {"whole": count()}
    if main is not None:
        questions["by_main"] = count(any_of=main)
    if usual is not None:
        usually = {"any_of": main, "released_from": usual["window_from"]}
        questions["usually"] = count(**usually)
        if terms.get("net") == ["true"]:
            questions["usually_gross"] = count(**usually, net="false")
    counts = dict(zip(questions, await together(*questions.values()), strict=True))
    numbers = {name: verified_in(answer["total"]) for name, answer in counts.items()}
    return Asked(
        asked.claim,
        asked.reconciliation,
        asked.base,
        asked.then,
        path=address.path,
        terms=terms,
        count=counts["whole"],
        main=main,
        by_main=numbers.get("by_main", 0),
        usual_from=usual["window_from"] if usual is not None else None,
        usual_figure=usual,
        by_main_usually=numbers.get("usually", 0),
        by_main_usually_gross=numbers.get("usually_gross"),
    )


def main_source(page: Page, asked: Asked) -> str | None:
    """The source by which the count is taken apart: the claimant, if it verifies, else the one that verified most."""
    by_source = asked.base["by_source"] if asked.base else {}
    verifying = {slug: number for slug, number in by_source.items() if is_independent(page, slug)}
    if asked.claim["claimant"] in verifying:
        return str(asked.claim["claimant"])
    return min(verifying, key=lambda slug: (-verifying[slug], page.name_of(slug)), default=None)


def usual_figure(asked: Asked, main: str) -> Mapping[str, Any] | None:
    """The published figure of the main source that counts from a later day than the claim, if it gave one."""
    start = asked.claim["window_from"]
    later = [
        figure
        for figure in asked.reconciliation["published"]
        if figure["claimant"] == main and figure["window_from"] and not figure["window_to"]
        and start is not None and dates.parse_from(figure["window_from"]) > dates.parse_from(start)
    ]  # fmt: skip
    return max(later, key=lambda figure: (figure["stated_at"] or "", figure["window_from"]), default=None)

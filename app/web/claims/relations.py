"""How a claim stands to others: what corrects it, what it corrects, repeats, derives from or is a part of."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.web.asking import Refused
from app.web.claimed import figure_of
from app.web.claims.words import claimant_of, said_when, tag_of
from app.web.page import Page

# Other claims that the page of one reads: each is a question. A figure that is a part of more wholes is unheard of.
MOST_RELATED = 8


@dataclass(frozen=True)
class Relation:
    """Another claim and how this one stands to it. `corrects`: it stands for this one by now."""

    how: str
    figure: str
    address: str
    name: str
    tag: str
    when: str
    corrects: bool = False


async def relations_of(page: Page, claim: Mapping[str, Any]) -> list[Relation]:
    """The other claims that a claim names, and those that correct it, as they stand at the page's revision."""
    named = list(_named(page, claim))[:MOST_RELATED]
    asked = [page.api.get(f"/v1/claims/{other}") for _how, other, _corrects in named]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    relations = []
    for (how, _other, corrects), answer in zip(named, answers, strict=True):
        if isinstance(answer, Refused):  # recalled since, or not yet filed at that revision
            continue
        if isinstance(answer, BaseException):
            raise answer
        relations.append(
            Relation(
                how,
                figure_of(answer, page.catalogue),
                page.address(f"/claims/{answer['id']}"),
                claimant_of(page, answer),
                tag_of(page, answer["claimant"]),
                said_when(page, answer),
                corrects,
            )
        )
    return relations


def _named(page: Page, claim: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """How, to which claim, and whether that corrects this one."""
    _ = page.catalogue.gettext
    for other in claim["superseded_by"]:
        yield _("It was corrected. By now there stands:"), other, True
    for other in claim["supersedes"]:
        yield _("It corrects:"), other, False
    if claim["same_as"]:
        yield _("It prints the same figure again as:"), claim["same_as"], False
    if claim["derived_from"]:
        yield _("It derives from:"), claim["derived_from"], False
    whole = (claim["definition"] or {}).get("subset_of")
    if whole:
        yield _("It counts a part of those in:"), whole, False
    for other in dict.fromkeys(part["claim"] for part in claim["part_of"]):
        yield _("It is a part of:"), other, False

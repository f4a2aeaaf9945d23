"""The about page: what the registry is, who runs it, how it counts, and what it does not know."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Response

from app.operator import Operator
from app.web.page import CurrentPage, PageRoute
from app.web.rendering import Catalogue

about = APIRouter(include_in_schema=False, route_class=PageRoute)


@dataclass(frozen=True)
class OperatorFact:
    """A question about the operator with its answer, in paragraphs."""

    question: str
    paragraphs: Sequence[str]


@about.get("/about")
async def read_about(page: CurrentPage) -> Response:
    """Show the about page."""
    page.section = "/about"
    page.allow_only_terms()
    operator: Operator | None = page.request.app.state.operator
    facts = [] if operator is None else list_operator_facts(page.catalogue, operator)
    return await page.show("about.html", operator=operator, facts=facts)


def list_operator_facts(words: Catalogue, operator: Operator) -> list[OperatorFact]:
    """Return what the operator says about curators, interests, money and corrections."""
    _ = words.gettext
    questions = {
        _("Who curates"): operator.curators,
        _("Conflicts of interest"): operator.conflicts,
        _("Funding"): operator.funding,
        _("How to ask for a correction"): operator.corrections,
    }
    language = words.api_language
    return [
        OperatorFact(
            question,
            [_("The operator has not said.")] if text is None else text.get_text(language).strip().split("\n\n"),
        )
        for question, text in questions.items()
    ]

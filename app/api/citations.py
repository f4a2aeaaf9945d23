"""Cited counts: what was known then, what is known today, and what changed between."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import ValidationError

from app.api.answers import Answer
from app.api.counts import count_terms, counted, held_terms
from app.api.gate import StrictRoute
from app.api.requests import Read
from app.api.routes import READING
from app.api.wire import CitedOut
from app.counts.citation import CITED, BadCode, unpack
from app.counts.compare import compare
from app.counts.terms import AsOf, CountQuery, HeldQuery
from app.errors import Invalid, NotFound

citations = APIRouter(tags=["counts"], route_class=StrictRoute)
UNKNOWN = "This is no address of a citation: check that it was copied whole."


@citations.get(CITED + "{code}", response_model=CitedOut, responses=READING)
def read_citation(read: Read, code: str, asked: Annotated[AsOf, Query()]) -> Response:
    """A cited count then and now, and what changed between, case by case."""
    cited = _cited(code)
    then = read.revision(cited)
    terms = held_terms(cited) if isinstance(cited, HeldQuery) else count_terms(cited)

    def build(revision: int) -> Answer:
        if revision < then:
            detail = f"This count is cited as of revision {then}: ask for that or a later one, or leave `as_of` out."
            raise Invalid.at("/as_of", "before_the_citation", detail)
        pinned, today = counted(read, terms, then), counted(read, terms, revision)
        between = compare(read.session, terms, read.reader, then, revision)
        body = {"cited": pinned.body, "today": today.body, **between, "revision": revision}
        return Answer(body, body["cases"])

    return read.answer(asked, build)


def _cited(code: str) -> CountQuery | HeldQuery:
    """The count that an address stands for: the terms of the held have `house_arrest`. Raises NotFound."""
    try:
        given: dict[str, Any] = {}
        for name, value in unpack(code):
            given.setdefault(name, []).append(value)
        query = HeldQuery if "house_arrest" in given else CountQuery
        several = {name for name, field in query.model_fields.items() if field.default == []}
        return query(**{name: value if name in several else value[-1] for name, value in given.items()})
    except (BadCode, ValidationError):
        raise NotFound(UNKNOWN) from None

"""Cited counts: what was known then, what is known today, and what changed between."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.api import counted
from app.api.gate import StrictRoute
from app.api.requests import Read
from app.api.routes import THING, refusals
from app.counts.citation import CITED
from app.counts.shapes import CitedOut
from app.reading.questions import AsOf

citations = APIRouter(tags=["counts"], route_class=StrictRoute)


@citations.get(CITED + "{code}", response_model=CitedOut, responses=refusals(*THING))
def read_citation(read: Read, code: str, query: Annotated[AsOf, Query()]) -> Response:
    """A cited count then and now, and what changed between, case by case."""
    return counted.then_and_now(read, code, query)

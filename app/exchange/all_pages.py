"""All rows of a list, page by page, so that memory does not grow with the registry."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from app.reading.paging import Page
from app.reading.questions import Paged

Query = TypeVar("Query", bound=Paged)


def pages(page: Callable[[Query], Page], query: Query) -> Iterator[list[Any]]:
    """The rows of each page."""
    while True:
        found = page(query)
        yield found.rows
        if found.cursor is None:
            return
        query = query.model_copy(update={"cursor": found.cursor})


def every(page: Callable[[Query], Page], query: Query) -> Iterator[Any]:
    """Each row."""
    for rows in pages(page, query):
        yield from rows

"""All rows of a list, page by page, so that memory does not grow with the registry."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from app.reading.paging import Page
from app.reading.questions import Paged

Asked = TypeVar("Asked", bound=Paged)


def pages(page: Callable[[Asked], Page], asked: Asked) -> Iterator[list[dict[str, Any]]]:
    """The rows of each page."""
    while True:
        found = page(asked)
        yield found.rows
        if found.cursor is None:
            return
        asked = asked.model_copy(update={"cursor": found.cursor})


def every(page: Callable[[Asked], Page], asked: Asked) -> Iterator[dict[str, Any]]:
    """Each row."""
    for rows in pages(page, asked):
        yield from rows

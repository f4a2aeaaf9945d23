"""Whole lists page by page, so that memory does not grow with the registry; all public releases as a stream of text."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sqlmodel import Session

from app.exchange import tables
from app.reading import lists
from app.reading.formats import Form
from app.reading.paging import Page, Row
from app.reading.questions import MOST_LIMIT, Paged, ReleaseQuery
from app.registry.publication.permissions import Reader

Query = TypeVar("Query", bound=Paged)


def pages(read: Callable[[Query], Page[Row]], query: Query) -> Iterator[Sequence[Row]]:
    """The rows of each page of a list."""
    while True:
        page = read(query)
        yield page.rows
        if page.cursor is None:
            return
        query = query.model_copy(update={"cursor": page.cursor})


def every(read: Callable[[Query], Page[Row]], query: Query) -> Iterator[Row]:
    """Each row of a list."""
    for rows in pages(read, query):
        yield from rows


def releases(session: Session, form: Form, reader: Reader, revision: int) -> Iterator[str]:
    """All public releases at a revision."""
    first = ReleaseQuery(limit=MOST_LIMIT)
    for number, rows in enumerate(pages(lambda query: lists.releases(session, query, reader, revision), first)):
        if form is Form.JSONL:
            yield tables.to_jsonl(rows)
        else:
            text = tables.to_csv(rows)
            yield text if number == 0 else text.partition("\r\n")[2]

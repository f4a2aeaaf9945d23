"""Everything public, as a stream of text."""

from collections.abc import Iterator
from enum import StrEnum

from sqlmodel import Session

from app.counts import lists
from app.counts.questions import MOST_LIMIT, ReleaseQuery
from app.exchange import tables
from app.registry.policy import ANYONE


class Form(StrEnum):
    """The forms of an export: CSV for spreadsheets, JSON Lines without loss."""

    CSV = "csv"
    JSONL = "jsonl"


def releases(session: Session, form: Form, revision: int) -> Iterator[str]:
    """All public releases at a revision, page by page, so that memory does not grow with the registry."""
    cursor: str | None = None
    first = True
    while True:
        asked = ReleaseQuery(limit=MOST_LIMIT, cursor=cursor)
        page = lists.releases(session, asked, ANYONE, revision)
        if form is Form.JSONL:
            yield tables.to_jsonl(page.rows)
        else:
            text = tables.to_csv(page.rows)
            yield text if first else text.partition("\r\n")[2]
        first, cursor = False, page.cursor
        if cursor is None:
            return

"""Public releases, as a stream of text."""

from collections.abc import Iterator

from sqlmodel import Session

from app.exchange import tables
from app.exchange.all_pages import pages
from app.reading import lists
from app.reading.formats import Form
from app.reading.questions import MOST_LIMIT, ReleaseQuery
from app.registry.policy import ANYONE


def releases(session: Session, form: Form, revision: int) -> Iterator[str]:
    """All public releases at a revision."""
    found = pages(lambda asked: lists.releases(session, asked, ANYONE, revision), ReleaseQuery(limit=MOST_LIMIT))
    for number, rows in enumerate(found):
        if form is Form.JSONL:
            yield tables.to_jsonl(rows)
        else:
            text = tables.to_csv(rows)
            yield text if number == 0 else text.partition("\r\n")[2]

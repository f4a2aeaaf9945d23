"""Counts: the reason the registry exists."""

from typing import Annotated, Any

from fastapi import Query, Response

from app.api.answers import Answer
from app.api.requests import Read
from app.api.routes import READING, router
from app.api.wire import ReleaseCount
from app.counts.tally import count_releases as tally
from app.counts.terms import CountQuery, CountTerms, is_personal
from app.dates import format_instant
from app.log.entries import entry_at

counts = router("counts")


@counts.get("/counts/releases", response_model=ReleaseCount, responses=READING)
def count_releases(read: Read, asked: Annotated[CountQuery, Query()]) -> Response:
    """How many releases, by whom verified. The permalink returns the same numbers for ever."""

    terms = CountTerms(**asked.model_dump(include=set(CountTerms.model_fields), exclude_unset=True))

    def build(revision: int) -> Answer:
        counted = tally(read.session, terms, read.reader, revision)
        recorded_at = format_instant(entry_at(read.session, revision).recorded_at) if revision else None
        body = {"revision": revision, "recorded_at": recorded_at, **counted}
        rows = counted.get("groups") or [{**counted["total"], "uncertain_date": counted["uncertain_date"]}]
        return Answer(body, [_flat(row) for row in rows])

    return read.answer(asked, build, public_count=not is_personal(terms))


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row as a table has it: `by_min_sources` in columns of its own."""
    at_least = {f"by_min_sources_{least}": number for least, number in row.get("by_min_sources", {}).items()}
    return {**{name: value for name, value in row.items() if name != "by_min_sources"}, **at_least}

"""The answers that several resources share: a page, a record, the verdicts on it."""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_type_hints
from urllib.parse import urlencode

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from app.api.answers import Answer, is_table
from app.api.heads import Head
from app.api.lanes import in_lane
from app.api.replica import head_to_read
from app.api.requests import ReadContext, reading_for
from app.errors import Invalid
from app.imports.formats.tables import columns_of_shape
from app.log.entries import pin
from app.queries import person_records
from app.queries.parameters import MOST_LIMIT, AsOf, Page, Paged
from app.queries.shapes import SHAPES
from app.queries.terms import PINNING, pinned
from app.queries.visibility import contact
from app.registry.records import Kind
from app.schemas.base import Tombstone
from app.schemas.records import VerificationOut

Terms = TypeVar("Terms", bound=AsOf)
# Who asks, on which session; the page asked for; the revision.
Build = Callable[[ReadContext, Terms, int], Page[Mapping[str, Any]]]
UNPAGED = "CSV and JSON Lines come whole, without pages: leave limit and cursor out, or ask for JSON."


def page(read: ReadContext, query: Terms, build: Build[Terms], tag: str | None = None) -> Response:
    """A page of a list, or as a table the whole of it. The next one is read at the same revision, so that writes in
    between move nothing."""

    def make(revision: int) -> Answer:
        if is_table(query.format, read.request):
            return _whole_list(read, query, build, revision)
        built = build(read, query, revision)
        further = None if built.cursor is None else following(read, built.cursor, revision)
        body = {"data": built.data, "next": further, "revision": revision, **built.beside()}
        return Answer(body, lambda: built.data, further)

    return read.answer(query, make, tag)


def _whole_list(read: ReadContext, query: Terms, build: Build[Terms], revision: int) -> Answer:
    """A list as a table: its first rows, and how to come by the others.

    Those are read while the answer is sent, some at a time, each on a session of its own that waits for a place among
    the lists anew: who reads slowly keeps none. They are of the same revision, by who may be
    shown to whom at that moment.
    """
    if not isinstance(query, Paged):
        whole = build(read, query, revision)
        return Answer({}, lambda: whole.data)
    given = sorted(query.model_fields_set & {"limit", "cursor"})
    if given:
        raise Invalid.at(f"/{given[0]}", "unpaged", UNPAGED)
    pinned: dict[str, Any] = {"limit": MOST_LIMIT, "as_of": str(revision)}
    if getattr(query, "changed_since", None) is not None:
        pinned["changed_since"] = str(read.since(query))
    first = build(read, query.model_copy(update=pinned), revision)

    def following_rows(cursor: str, head: Head | None) -> Page[Mapping[str, Any]]:
        with reading_for(read.request, head) as session:
            return build(read.again(session), query.model_copy(update={**pinned, "cursor": cursor}), revision)

    async def more() -> AsyncIterator[Sequence[Mapping[str, Any]]]:
        cursor, lanes = first.cursor, read.request.app.state.lanes
        while cursor is not None:
            async with in_lane("lists", lanes.lists):
                head = await head_to_read(read.request)
                built = await run_in_threadpool(following_rows, cursor, head)
            yield built.data
            cursor = built.cursor

    return Answer(
        {}, lambda: first.data, columns=_columns(read, query), more=more if first.cursor is not None else None
    )


def _columns(read: ReadContext, query: Paged) -> list[str]:
    """The columns of a list, by the documented shape of its rows."""
    (rows,) = get_args(get_type_hints(read.request.scope["route"].response_model)["data"])
    shapes = get_args(rows) or (rows,)
    columns = [name for shape in shapes if shape is not Tombstone for name in columns_of_shape(shape)]
    if getattr(query, "changed_since", None) is not None:
        columns += columns_of_shape(Tombstone)
    return list(dict.fromkeys(columns))


def following(read: ReadContext, cursor: str, revision: int) -> str:
    """The address of the page that a cursor begins, of the same question at the same revision."""
    given = read.request.query_params.multi_items()
    kept = [(name, value) for name, value in given if name not in ("cursor", *PINNING)]
    pairs = [*kept, *pinned(pin(read.session, revision)), ("cursor", cursor)]
    return f"{read.request.url.path}?{urlencode(pairs)}"


def whole(
    read: ReadContext, query: AsOf, build: Callable[[int], Mapping[str, Any]], tag: str | None = None
) -> Response:
    """One record with the revision it was read at."""

    def make(revision: int) -> Answer:
        row = {**build(revision), "revision": revision}
        return Answer(row, lambda: [row])

    return read.answer(query, make, tag)


def record(read: ReadContext, query: AsOf, kind: Kind, thing_id: uuid.UUID) -> Response:
    """A detainee, detention or release."""

    def build(revision: int) -> Mapping[str, Any]:
        person, key = person_records.find(read.session, kind, thing_id, read.reader, revision)
        shown = SHAPES[kind](person, key, read.reader)
        return {**shown, "contact": contact(read.session, person.ids, read.reader)} if kind == "detainee" else shown

    return whole(read, query, build)


def verdicts(read: ReadContext, query: AsOf, kind: Kind, thing_id: uuid.UUID) -> Response:
    """The sources' verdicts on a detention or release."""

    def build(read: ReadContext, _query: AsOf, revision: int) -> Page[VerificationOut]:
        person, key = person_records.find(read.session, kind, thing_id, read.reader, revision)
        return Page(person_records.verifications(person, key, kind, read.reader), None)

    return page(read, query, build)

"""The answers that several resources share: a page, a record, the verdicts on it."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from fastapi import Response

from app.api.answers import Answer
from app.api.requests import Asked
from app.counts import records
from app.counts.lists import Page
from app.counts.questions import AsOf
from app.registry.projection import RULES
from app.registry.records import Kind


def page(read: Asked, asked: AsOf, build: Callable[[int], Page], tag: str | None = None) -> Response:
    """A page of a list. The next one is read at the same revision, so that writes in between move nothing."""

    def make(revision: int) -> Answer:
        found = build(revision)
        further = None if found.cursor is None else following(read, found.cursor, revision)
        body = {"data": found.rows, "next": further, "revision": revision, **found.beside}
        return Answer(body, found.rows, further)

    return read.answer(asked, make, tag)


def following(read: Asked, cursor: str, revision: int) -> str:
    """The address of the page that a cursor begins, of the same question at the same revision."""
    kept = [(k, v) for k, v in read.request.query_params.multi_items() if k not in ("cursor", "as_of", "rules")]
    pinned = [("rules", str(RULES)), ("as_of", str(revision)), ("cursor", cursor)]
    return f"{read.request.url.path}?{urlencode([*kept, *pinned])}"


def whole(
    read: Asked,
    asked: AsOf,
    build: Callable[[int], dict[str, Any]],
    rows: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda row: [row],
) -> Response:
    """One record with the revision it was read at; `rows`: what of it is a table."""

    def make(revision: int) -> Answer:
        row = {**build(revision), "revision": revision}
        return Answer(row, rows(row))

    return read.answer(asked, make)


def record(read: Asked, asked: AsOf, kind: Kind, thing_id: uuid.UUID) -> Response:
    """A detainee, detention or release."""

    def build(revision: int) -> dict[str, Any]:
        person, key = records.one(read.session, kind, thing_id, read.reader, revision)
        return records.shape(kind, person, key, read.reader)

    return whole(read, asked, build)


def verdicts(read: Asked, asked: AsOf, kind: Kind, thing_id: uuid.UUID) -> Response:
    """The sources' verdicts on a detention or release."""

    def build(revision: int) -> Page:
        person, key = records.one(read.session, kind, thing_id, read.reader, revision)
        return Page(records.verifications(person, key, kind, read.reader), None)

    return page(read, asked, build)

"""Sources, facilities, the vocabulary, and who a key is."""

from typing import Annotated, Any

from fastapi import Query, Response

from app.api.answers import Answer
from app.api.requests import Read, ReadContext
from app.api.routes import PATCHING, POSTING, READING, THING, refusals, router
from app.api.things import page, whole
from app.api.writes import Write
from app.dates import format_instant
from app.descriptions import glossary
from app.errors import AlreadyExists, NotFound, Unauthenticated
from app.models import Facility, Source
from app.queries import lists
from app.queries.parameters import AsOf, FacilityQuery, Paged, VocabularyQuery
from app.registry import api_keys
from app.registry import directory as real_names
from app.registry import directory as registry_directory
from app.schemas.directory import (
    FacilityOut,
    FacilityPage,
    FiledFacility,
    FiledSource,
    Me,
    SourceOut,
    SourcePage,
    VocabularyOut,
)
from app.schemas.reports import FacilityIn, FacilityPatch, Slug, SourceIn, SourcePatch
from app.vocabulary import Role, vocabulary

directory = router("directory")


@directory.get("/me", response_model=Me, responses=refusals(*READING))
def read_me(read: Read, query: Annotated[AsOf, Query()]) -> Response:
    """Who your key is: its holder, role and source, what it is limited to, and when it expires."""
    row = _whose_key(read)
    tag = read.tag(query, str(row))  # a key changes while the registry stands still
    return read.answer(query, lambda revision: Answer({**row, "revision": revision}, lambda: [row]), tag)


@directory.post("/sources", status_code=201, response_model=FiledSource, responses=refusals(*POSTING, AlreadyExists))
def add_source(write: Write, body: SourceIn) -> Response:
    """Add a source (admin). Governments are not independent unless said otherwise."""
    write.allow(Role.ADMIN)
    return write.run(lambda context: registry_directory.add_source(context, body))


@directory.patch("/sources/{slug}", response_model=FiledSource, responses=refusals(*PATCHING))
def change_source(write: Write, slug: Slug, body: SourcePatch) -> Response:
    """Change a source (admin), or set it in quarantine: shown, but not counted as independent."""
    write.allow(Role.ADMIN)
    return write.run(lambda context: registry_directory.change_source(context, slug, body))


@directory.get("/sources", response_model=SourcePage, responses=refusals(*READING))
def list_sources(read: Read, query: Annotated[Paged, Query()]) -> Response:
    """Who reports and claims."""
    return page(read, query, lambda read, query, revision: lists.sources(read.session, query, revision))


@directory.get("/sources/{slug}", response_model=SourceOut, responses=refusals(*THING))
def read_source(read: Read, slug: Slug, query: Annotated[AsOf, Query()]) -> Response:
    """One source; for administrators and curators with the real name behind a pseudonym."""
    source = _standing(read, Source, slug, read.revision(query))
    real_name = _real_name(read, source)
    tag = read.tag(query, real_name or "")  # it changes while the registry stands still
    return whole(read, query, lambda _revision: {**lists.source_shape(source), "real_name": real_name}, tag)


@directory.post(
    "/facilities", status_code=201, response_model=FiledFacility, responses=refusals(*POSTING, AlreadyExists)
)
def add_facility(write: Write, body: FacilityIn) -> Response:
    """Register a facility (curator). Reports that name it are placed there from now on."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: registry_directory.add_facility(context, body))


@directory.patch("/facilities/{slug}", response_model=FiledFacility, responses=refusals(*PATCHING, AlreadyExists))
def change_facility(write: Write, slug: Slug, body: FacilityPatch) -> Response:
    """Change a facility (curator)."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: registry_directory.change_facility(context, slug, body))


@directory.get("/facilities", response_model=FacilityPage, responses=refusals(*READING))
def list_facilities(read: Read, query: Annotated[FacilityQuery, Query()]) -> Response:
    """Where people are held."""
    return page(read, query, lambda read, query, revision: lists.facilities(read.session, query, revision))


@directory.get("/facilities/{slug}", response_model=FacilityOut, responses=refusals(*THING))
def read_facility(read: Read, slug: Slug, query: Annotated[AsOf, Query()]) -> Response:
    """One facility."""
    return whole(read, query, lambda revision: lists.facility_shape(_standing(read, Facility, slug, revision)))


@directory.get("/vocabulary", response_model=VocabularyOut, responses=refusals(*READING))
def read_vocabulary(read: Read, query: Annotated[VocabularyQuery, Query()]) -> Response:
    """Every code list and the words of the field, with labels and definitions in English or Spanish."""
    codes = {**vocabulary(query.lang), "glossary": glossary(query.lang)}
    rows = [{"list": name, **code} for name, listed in codes.items() for code in listed]
    return read.answer(query, lambda revision: Answer({**codes, "revision": revision}, lambda: rows))


def _whose_key(read: ReadContext) -> dict[str, Any]:
    if read.key is None:
        raise Unauthenticated("Send a key to learn who it is: Authorization: Bearer rcn_…")
    return {
        "key_id": read.key.id,
        "role": read.reader.role,
        "source": read.reader.slug,
        "holder": read.key.holder,
        "scopes": api_keys.scopes_of(read.key),
        "expires_at": format_instant(read.key.expires_at),
    }


def _real_name(read: ReadContext, source: Source) -> str | None:
    if not read.reader.reads_real_names:
        return None
    return real_names.kept(read.session, read.request.app.state.secret, source.key)


def _standing(read: Read, table: Any, slug: str, revision: int) -> Any:
    version = lists.by_slug(read.session, table, slug, revision)
    if version is None:
        raise NotFound("There is nothing with this slug.")
    return version

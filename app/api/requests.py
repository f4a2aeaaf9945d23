"""Provide the context of read routes: reader, session, revision, reply, and the address to cite it by (RFC 8574)."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Annotated, Any, Generic, NoReturn, TypeVar, cast
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from pydantic import BaseModel
from sqlmodel import Session
from starlette.datastructures import State

from app import __version__, dates, moments
from app.api import responses
from app.api.authentication import (
    admit_key,
    authenticate_key,
    bearer_scheme,
    get_bearer_token,
    parse_bearer_token,
)
from app.api.content_codings import build_coded_tag, choose_content_coding, compress_response
from app.api.head_watcher import LogHead, find_replica_head, settle_requested_moments
from app.api.mementos import MAX_LINKED_LENGTH, OriginalResource
from app.api.middleware.concurrency import acquire_read_slot, reads_whole_list
from app.api.responses import Answer
from app.api.table_routes import get_json_template, split_table_path
from app.db.engine import open_read_session
from app.errors import AheadOfHead, Forbidden, Invalid, RevisionLost, RulesChanged, Unauthenticated
from app.exports.count_files.archives import find_archive
from app.imports.formats.template import LANGUAGES
from app.log.entries import find_revision_at, load_recorded_at, pin_revision, read_head
from app.log.head import read_head_of_version
from app.log.mark import HighWaterMark
from app.models import ApiKey
from app.projection import ROWS_VERSION, RULES
from app.queries.addresses import PIN_PARAMETERS
from app.queries.parameters import JSON_MEDIA_TYPE, RevisionQuery
from app.registry.publication.permissions import Reader
from app.schemas.base import Links
from app.translations import Message
from app.vocabulary import Language, Role

Body = TypeVar("Body", covariant=True)

# A whole list is read in pages or rows, which takes longer than another query, and waits only for other lists.
LIST_TIME_FACTOR = 6


async def read_whole_body(request: Request) -> bytes:
    """Return the whole body. A route that depends on this first uses no slot while a slow body arrives."""
    return await request.body()


@dataclass
class ReadContext:
    """The context of a read request. `now`: its time; moments in the request up to it are settled."""

    session: Session
    reader: Reader
    key: ApiKey | None
    request: Request
    now: datetime

    def allow(self, *roles: Role) -> None:
        """Raise Unauthenticated without a key, Forbidden for a key of another role."""
        if self.reader.role is None:
            raise Unauthenticated("This is read with a key: Authorization: Bearer rcn_…")
        require_role(self.reader, *roles)

    def revision(self, terms: RevisionQuery, today_address: str | None = None) -> int:
        """Return the requested revision: the named one, or the last one recorded at or before an instant.

        Raises RevisionLost if the revision has another leaf hash than the requested one. `today_address`: the address
        of the current answer in that error, by default the same request without the revision.
        """
        if terms.leaf is not None:
            return self._resolve_pinned_revision(terms, terms.leaf, today_address)
        return self._head[0] if terms.as_of is None else self._resolve_revision("as_of", terms.as_of, self.zone(terms))

    def _resolve_pinned_revision(self, terms: RevisionQuery, leaf: str, today_address: str | None) -> int:
        """Return the revision that is requested by its number and the beginning of its leaf hash."""
        revision = None if terms.as_of is None else moments.parse_revision(terms.as_of)
        if revision is None:
            raise Invalid.at_pointer(
                "/leaf", "as_of_missing", "Give the revision of this leaf too (as_of=r…), or leave it out."
            )
        if revision > self._head[0] or pin_revision(self.session, revision).leaf != leaf:
            raise RevisionLost(revision, today_address or self._build_address(dropped=("cursor", *PIN_PARAMETERS)))
        return revision

    def zone(self, terms: RevisionQuery) -> tzinfo:
        """Return the requested time zone, by default the registry's. Raises Invalid."""
        if terms.zone is None:
            default: tzinfo = self.request.app.state.zone
            return default
        try:
            return dates.parse_zone(terms.zone)
        except dates.DateError as error:
            raise Invalid.at_pointer("/zone", "invalid_zone", error.detail) from error

    @cached_property
    def _head(self) -> tuple[int, str]:
        """The head, read once, so that the tag and the body of an answer have the same."""
        return read_head_of_version(self.session, ROWS_VERSION)

    def with_session(self, session: Session) -> "ReadContext":
        """Return the context of the same request on another session, with the reader's current permissions."""
        token = None if self.key is None else parse_bearer_token(self.request)
        reader, key = identify_reader(session, token, self.request)
        return ReadContext(session, reader, key, self.request, self.now)

    def moment(self, terms: RevisionQuery, revision: int) -> datetime | None:
        """Return the requested moment, or the time of the requested revision; None for the present or revision 0."""
        if terms.as_of is None or not revision:
            return None
        if moments.parse_revision(terms.as_of) is not None:
            return load_recorded_at(self.session, revision)
        instant = _parse_instant("as_of", terms.as_of, self.zone(terms), self.now)
        return instant if instant <= self.now else None

    def resolve_since(self, terms: RevisionQuery, name: str = "changed_since") -> int | None:
        """Return the revision after which a row must have changed, if the parameter `name` asks for it. A day or month
        means its beginning.

        Raises Invalid if it is after the revision that is read: newer rows would look as if they had left the list.
        """
        moment = getattr(terms, name)
        if moment is None:
            return None
        zone = self.zone(terms)
        if moments.is_date(moment):
            _parse_instant(name, moment, zone, self.now)
            moment = moments.find_day_before(moment)
        since_revision, until_revision = self._resolve_revision(name, moment, zone), self.revision(terms)
        if since_revision > until_revision:
            detail = Message(
                "This is after `as_of` ({until}): give an earlier moment, or leave `as_of` out.",
                until=moments.format_revision(until_revision),
            )
            raise Invalid.at_pointer(f"/{name}", "after_as_of", detail)
        return since_revision

    def _resolve_revision(self, name: str, text: str, zone: tzinfo) -> int:
        revision = moments.parse_revision(text)
        if revision is None:
            instant = _parse_instant(name, text, zone, self.now)
            if not self.request.app.state.head_moves:
                self._require_reached(name, instant)
            return find_revision_at(self.session, instant)
        newest, _leaf = self._head
        if revision > newest:
            raise AheadOfHead.at_pointer(
                f"/{name}",
                "ahead_of_head",
                Message(
                    "The registry is at revision {newest}: ask for {term} or an earlier one.",
                    newest=newest,
                    term=moments.format_revision(newest),
                ),
            )
        return revision

    def _require_reached(self, name: str, instant: datetime) -> None:
        """Raise AheadOfHead for an instant after the last entry of the count files: the registry may have newer ones.

        A day or month means its end.
        """
        _revision, last_recorded_at = read_head(self.session)
        if instant > last_recorded_at:
            detail = Message(
                "The files that this is counted from end at {moment}, and the registry may know of more "
                "since: ask for a moment up to then. A day or month means its end.",
                moment=dates.format_instant(last_recorded_at),
            )
            raise AheadOfHead.at_pointer(f"/{name}", "ahead_of_head", detail)

    def answer(
        self,
        terms: RevisionQuery,
        build: Callable[[int], responses.Answer],
        tag: str | None = None,
        *,
        is_public_count: bool = False,
        depends_on_zone: bool = False,
        build_extra_headers: Callable[[int], Mapping[str, str]] | None = None,
    ) -> "Reply[Any]":
        """Return the reply that `build` makes at the requested revision.

        `depends_on_zone`: the numbers depend on the end of a day. An operator may change the registry's zone, so such
        an answer is immutable only if the client named the zone. `build_extra_headers`: further headers of the response
        at a revision.
        """
        return Reply(self, terms, build, tag, is_public_count, depends_on_zone, build_extra_headers)

    def note_head(self) -> None:
        """Record the head of the answer in the scope if the answer may be cached."""
        if responses.SCOPE_SOURCE_HEAD in self.request.scope:
            self.request.scope[responses.SCOPE_SOURCE_HEAD]["head"] = self._head

    def require_rules(self, terms: RevisionQuery) -> None:
        """Raise RulesChanged for a request under earlier rules, Invalid for unknown rules."""
        if terms.rules is None or terms.rules == RULES:
            return
        try:
            revision = self.revision(terms) if terms.as_of else 0
        except (AheadOfHead, RevisionLost):
            self.refuse_rules(terms.rules, self._build_address(dropped=("cursor", *PIN_PARAMETERS)), None)
        self.refuse_rules(terms.rules, self._build_address(rules=str(RULES)), revision)

    def refuse_rules(self, rules: int, today: str, revision: int | None) -> NoReturn:
        """Raise RulesChanged, with `today`'s address, or Invalid for unknown rules. `revision`: None if it was lost."""
        if rules > RULES:
            raise Invalid.at_pointer(
                "/rules", "unknown_rules", Message("This registry counts by rules {rules}: ask for these.", rules=RULES)
            )
        folder = self.request.app.state.settings.count_files
        archive = None if revision is None else find_archive(self.session, folder, rules, revision)
        raise RulesChanged(rules, RULES, today, None if archive is None else archive.addresses)

    def _build_address(self, dropped: Collection[str] = (), **replacements: str) -> str:
        """Build the address of the same request without some parameters, with other values replaced."""
        parameters = self.request.query_params.multi_items()
        query = urlencode([(name, replacements.get(name, value)) for name, value in parameters if name not in dropped])
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def build_tag(self, *extra_parts: str) -> str:
        """Build a strong tag of everything that the bytes depend on. `extra_parts`: parts that are not in the log."""
        target = (self.request.url.path, self.request.url.query)
        return build_read_tag(self.request.app.state, self._head, target, self.reader, self.key, *extra_parts)


def build_read_tag(
    state: State,
    head: tuple[int, str],
    target: tuple[str, str],
    reader: Reader,
    key: ApiKey | None,
    *extra_parts: str,
) -> str:
    """Build the strong tag of an answer. `target`: the path and the query."""
    parts = [__version__, RULES, state.public_url, dates.format_zone(state.zone), *head, *target]
    parts += [reader.role, reader.slug, reader.names, key and key.id, *extra_parts]
    return f'"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'


@dataclass(frozen=True)
class Reply(Generic[Body]):
    """The reply of a read route: `read` returns the body, for pages; `to_response` the response, for clients."""

    context: ReadContext
    terms: RevisionQuery
    build: Callable[[int], responses.Answer]
    tag: str | None
    is_public_count: bool
    depends_on_zone: bool
    build_extra_headers: Callable[[int], Mapping[str, str]] | None

    def read(self) -> Body:
        """Return the body of the answer as the values in its JSON: ids are texts."""
        return cast(Body, json.loads(responses.encode_json(self.build(self._resolve()).body)))

    def to_response(self) -> Response:
        """Return the response with its validators; 304 if the client has it already."""
        context = self.context
        revision = self._resolve()
        tag = self.tag or context.build_tag()
        cache_control = self._choose_cache_control(revision)
        headers = {
            **responses.build_read_headers(revision, tag, cache_control),
            **({} if self.build_extra_headers is None else self.build_extra_headers(revision)),
        }
        coding = self._choose_content_coding()
        known_tags = responses.parse_if_none_match(context.request)
        for known_tag in {build_coded_tag(tag, coding), tag} & known_tags:
            return Response(status_code=304, headers={**headers, "ETag": known_tag})
        answer = self.build(revision)  # before `*`, which asks whether the resource exists: it may raise NotFound
        if "*" in known_tags:
            return Response(status_code=304, headers=headers)
        headers |= self._link_description(revision, headers)
        response = responses.build_response(answer, context.request, headers)
        return response if coding is None else compress_response(response, coding)

    def _link_description(self, revision: int, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the Link header of a table with the JSON answer of the same terms at the revision, to cite it by."""
        json_path, extension = split_table_path(self.context.request.url.path)
        if extension is None:
            return {}
        pairs = self.context.request.query_params.multi_items()
        address = OriginalResource(json_path, pairs).build_revision_address(self.context.session, revision)
        if len(address) > MAX_LINKED_LENGTH:
            return {}
        link = f'<{address}>; rel="describedby"; type="{JSON_MEDIA_TYPE}"'
        return {"Link": f"{headers['Link']}, {link}" if "Link" in headers else link}

    def _choose_content_coding(self) -> str | None:
        """Return the coding of the response; None with a key.

        The length of a compressed body would tell about a secret beside text that somebody else chose (BREACH).
        """
        if self.context.key is not None:
            return None
        return choose_content_coding(",".join(self.context.request.headers.getlist("accept-encoding")))

    def _resolve(self) -> int:
        refuse_repeated_parameters(self.context.request, self.terms)
        self.context.require_rules(self.terms)
        self.context.zone(self.terms)  # an invalid zone is refused even if it is not used
        return self.context.revision(self.terms)

    def _choose_cache_control(self, revision: int) -> str:
        """Return the Cache-Control value, and record the head of an answer that may be cached."""
        context, terms = self.context, self.terms
        is_settled = not self.depends_on_zone or terms.zone is not None
        cache_control = responses.choose_cache_control(
            terms, is_public_count=self.is_public_count, is_settled=is_settled, has_key=context.key is not None
        )
        mark: HighWaterMark = context.request.app.state.mark
        if cache_control == responses.CACHE_IMMUTABLE and not mark.can_settle(
            context.session, revision, is_pinned=terms.leaf is not None
        ):
            return responses.CACHE_SHORT
        if self.tag is None and context.key is None:
            context.note_head()
        return cache_control


def find_preferred_language(request: Request) -> Language:
    """Return the language of the sentences in an answer."""
    accept_language = ",".join(request.headers.getlist("accept-language"))
    return "es" if responses.select_language(accept_language, LANGUAGES) == "es" else "en"


def refuse_repeated_parameters(request: Request, query: BaseModel) -> None:
    """Raise Invalid for a repeated parameter that takes one value: all but one would be dropped in silence.

    A count of the wrong country looks like any other, and a second `dry_run` might disable the first.
    """
    names = [name for name, _value in request.query_params.multi_items()]
    for name in names:
        if names.count(name) > 1 and not isinstance(getattr(query, name), list):
            raise Invalid.at_pointer(f"/{name}", "repeated", "Ask for one value: this term cannot be repeated.")


def require_role(reader: Reader, *roles: Role) -> None:
    """Raise Forbidden for a key of another role.

    Curators and administrators decide about the reports of all sources, so their keys are accepted only if their source
    is independent.
    """
    if reader.role not in roles:
        raise Forbidden(Message("This needs a key with the role {roles}.", roles=" or ".join(roles)))
    if reader.role in (Role.CURATOR, Role.ADMIN) and not reader.independent:
        raise Forbidden("The source of this key is not independent: it may report, and decide nothing about others.")


def _parse_instant(name: str, text: str, zone: tzinfo, now: datetime) -> datetime:
    try:
        instant = moments.parse_past_moment(text, zone)
    except dates.DateError as error:
        raise Invalid.at_pointer(f"/{name}", "invalid_instant", error.detail) from error
    if not dates.has_begun(text, instant, zone, now):
        detail = "That moment has not come yet: ask for one that has, or leave it out."
        raise AheadOfHead.at_pointer(f"/{name}", "ahead_of_head", detail)
    return instant


def _build_read_context(
    request: Request,
    token: Annotated[str | None, Depends(get_bearer_token)],
    now: Annotated[datetime, Depends(settle_requested_moments)],  # before the request has a slot
    _slot: Annotated[None, Depends(acquire_read_slot, scope="function")],
    head: Annotated[LogHead | None, Depends(find_replica_head)],  # after the wait for a slot, so that it is the newest
    _openapi_security: Annotated[Any, Depends(bearer_scheme)],
) -> Iterator[ReadContext]:
    request.app.state.mark.require_erasures()
    with open_request_session(request, head) as session:
        yield ReadContext(session, *identify_reader(session, token, request), request, now)


@contextmanager
def open_request_session(request: Request, head: LogHead | None) -> Iterator[Session]:
    """Open a session with the time limit of the request, on the replica if it has this `head`."""
    state = request.app.state
    seconds: float = state.question_seconds * (LIST_TIME_FACTOR if reads_whole_list(request) else 1)
    if head is not None:
        with state.replica.reading(head, seconds) as session:
            if session is not None:
                yield session
                return
    with open_read_session(state.engine, seconds) as session:
        yield session


def identify_reader(session: Session, token: str | None, request: Request) -> tuple[Reader, ApiKey | None]:
    """Return the reader and the key of a token, without one an anonymous reader. Raises Unauthenticated, OutOfScope."""
    if token is None:
        return Reader(names=request.app.state.names), None
    reader, key = authenticate_key(session, token, request.app.state)
    admit_key(request.app.state, key, request.method, get_json_template(request.scope["route"]))
    return reader, key


ReadDep = Annotated[ReadContext, Depends(_build_read_context, scope="function")]


def build_citable_answer(
    context: ReadContext, body: Mapping[str, Any], rows: Callable[[], Sequence[Mapping[str, Any]]]
) -> Answer:
    """Return an answer with links, whose address to cite is still relative."""
    add_public_url(context, body["links"])
    return Answer(body, rows, links=build_cite_as_links(body["links"]["cite"]))


def add_public_url(context: ReadContext, links: Links) -> None:
    """Make the address to cite absolute, in place."""
    links["cite"] = f"{context.request.app.state.public_url}{links['cite']}"


def build_cite_as_links(address: str) -> list[str]:
    """Return the `cite-as` link (RFC 8574); none for an address that is too long for a header."""
    return [f'<{address}>; rel="cite-as"'] if len(address) <= MAX_LINKED_LENGTH else []


def build_link_header(links: Sequence[str]) -> dict[str, str]:
    """Return the Link header with these values, if there are any."""
    return {"Link": ", ".join(links)} if links else {}

"""Build pages: the page object that routes and templates share, its response, error pages, and the check of forms."""

import hashlib
import re
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from app import dates
from app.api.content_codings import CODINGS, MIN_COMPRESSED_BYTES, choose_content_coding
from app.api.head_watcher import LogHead
from app.api.middleware.concurrency import acquire_lane
from app.api.problems import replace_moved_id
from app.api.responses import CACHE_REVALIDATE, CACHE_SHORT, SCOPE_SOURCE_HEAD, parse_if_none_match
from app.api.routes.counts import count_series
from app.api.routes.directory import list_sources
from app.errors import Invalid, Moved, NotFound, Problem, build_pointed_error
from app.formats import ENGLISH
from app.moments import format_revision
from app.queries.addresses import PIN_PARAMETERS
from app.web.api_client import ApiClient
from app.web.figure import Figure
from app.web.form_errors import collect_term_faults
from app.web.rendering import LANGUAGES, Catalogue, load_catalogue, render_template

# Only files of this server, no inline styles, no framing by other sites. Pages have no scripts, so that an injected one
# cannot run, not even from this server.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HTML_MEDIA_TYPE = "text/html; charset=utf-8"
# Pages that search engines must not index: a person on them may be hidden later, and the index would still show them.
PERSONAL_PATHS = ("/people", "/objection", "/releases", "/detentions", "/figures/life", "/desk")
# Pages in the response cache: numbers, claims and sources, which are the same for all readers.
_NUMBER_PATHS = r"(counts|claims(/[0-9a-f-]{36})?|sources(/[a-z0-9-]+)?|corrections|data)?"
_CACHEABLE_PATH = re.compile(f"/({'|'.join(LANGUAGES)})/{_NUMBER_PATHS}")
MAX_TERMS = 300  # values in an address: a comparison names up to 200 people and has other terms
PAGE_COST = 5  # requests that a page counts as in the rate limit: most pages make as many, some five times as many
# Parameters that other sites append to links.
TRACKING_PREFIXES = (
    "utm_", "fbclid", "gclid", "gbraid", "wbraid", "gad_", "_gl", "dclid", "srsltid", "msclkid", "twclid", "ttclid",
    "li_fat_id", "yclid", "igsh", "mc_cid", "mc_eid", "_hs",
)  # fmt: skip
COMMON_TERMS = (*PIN_PARAMETERS, "zone")  # terms that every page accepts
NO_SUCH_TERM = "This page has no such term."
EMPTY_PROBLEM: dict[str, Any] = {"detail": None, "errors": [], "address": None, "archive": None, "code": None}
MOMENT_TERMS = ("as_of", "zone", "cursor")
API_ONLY_LISTS = ("/v1/detentions?", "/v1/held?")  # these lists have no page


@dataclass
class Page:
    """The page that a route builds and a template renders. `api` reads at the revision of the page."""

    request: Request
    catalogue: Catalogue
    api: ApiClient
    revision: int
    sources: Mapping[str, Any] = field(default_factory=dict)  # by slug
    section: str = ""  # the path of its entry in the navigation
    shared_figure: Figure | None = field(default=None, kw_only=True)  # the preview picture of links to the page
    is_refusal: bool = field(default=False, kw_only=True)
    rules: int = field(default=0, kw_only=True)  # the number of the counting rules
    head: LogHead | None = field(default=None, kw_only=True)  # the head before the page read anything

    @property
    def language(self) -> str:
        return self.catalogue.language

    @property
    def zone(self) -> tzinfo:
        zone: tzinfo = self.request.app.state.zone
        return zone

    @property
    def is_demo(self) -> bool:
        demo: bool = self.request.app.state.demo
        return demo

    @property
    def is_indexed(self) -> bool:
        """Whether search engines may index the page, and links to it have a preview."""
        path = self.request.url.path.removeprefix(f"/{self.language}")
        return not self.is_refusal and not path.startswith(PERSONAL_PATHS)

    @property
    def public_url(self) -> str:
        """The public address of the registry; empty if the operator has not set it."""
        url: str = self.request.app.state.public_url
        return url

    def public_address(self, address: str) -> str:
        """Return the absolute form of an address on this server."""
        return f"{self.public_url}{address}"

    @cached_property
    def terms(self) -> dict[str, Any]:
        """The terms in the page's address in the form of the API; a repeated one as a list."""
        return parse_terms(self.request.query_params.multi_items())

    def allow_only_terms(self, *names: str) -> None:
        """Raise Invalid for terms in the address other than these and COMMON_TERMS, as the API does.

        Otherwise caches would store a copy of the page for each unknown term.
        """
        require_allowed_terms(self.terms, names)

    def address(self, path: str, terms: Mapping[str, Any] | None = None, language: str | None = None) -> str:
        """Return the address of a page in this language. `path` begins with a slash."""
        present_terms = {name: value for name, value in (terms or {}).items() if value is not None}
        query = urlencode(present_terms, doseq=True)
        return f"/{language or self.language}{path}" + (f"?{query}" if query else "")

    def to_page_address(self, address: str) -> str:
        """Convert the API address of a list or a record to the address of its page."""
        return f"/{self.language}{address.removeprefix('/v1').replace('/detainees', '/people', 1)}"

    def narrow_list_address(self, address: str | None, **filters: str) -> str | None:
        """Return the address of the list behind a number with further terms; None if there is no such list.

        A list without a page keeps its API address. If both have a minimum, the larger one applies.
        """
        if address is None:
            return None
        path, _mark, query = address.partition("?")
        list_terms = parse_terms(parse_qsl(query))
        narrower = {name: max(value, list_terms.get(name, value), key=int) for name, value in filters.items()}
        narrowed_address = f"{path}?{urlencode({**list_terms, **narrower}, doseq=True)}"
        return narrowed_address if address.startswith(API_ONLY_LISTS) else self.to_page_address(narrowed_address)

    def address_at_revision(self, path: str, terms: Mapping[str, Any] | None = None) -> str:
        """Return the address of a page at this page's revision, where the numbers do not change."""
        return self.address(path, {**(terms or {}), "as_of": self.as_of})

    @property
    def as_of(self) -> str:
        """The revision of this page, as a term."""
        return format_revision(self.revision)

    @property
    def own_address(self) -> str:
        """The address of this page as it was requested."""
        return self.address_in_language(self.language)

    @property
    def canonical(self) -> str:
        """The canonical address for search engines: the newest version of this page."""
        return self.public_address(self.newest_address)

    @property
    def newest_address(self) -> str:
        """This page's address without a moment."""
        path = self.request.url.path.removeprefix(f"/{self.language}")
        return self.address(path, {name: value for name, value in self.terms.items() if name not in MOMENT_TERMS})

    @property
    def pinned_address(self) -> str:
        """This page's address with its revision, where no later report changes the numbers."""
        path = self.request.url.path.removeprefix(f"/{self.language}")
        terms = {name: value for name, value in self.terms.items() if name not in ("as_of", "zone")}
        return self.address_at_revision(path, terms)

    def address_in_language(self, language: str) -> str:
        """Return the address of this page in another language."""
        path = self.request.url.path.removeprefix(f"/{self.language}")
        return self.address(path, self.terms, language)

    def get_source_name(self, slug: str) -> str:
        """Return the name of a source."""
        return str(self.sources[slug]["name"]) if slug in self.sources else slug

    async def show(
        self, template: str, *, status: int = 200, caching: str = CACHE_SHORT, headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:  # fmt: skip
        """Render a template into a response."""
        text = await run_in_threadpool(render_template, template, self.catalogue, page=self, **values)
        await self._note_head()
        return build_response(self.request, text.encode(), HTML_MEDIA_TYPE, caching, status=status, headers=headers)

    async def _note_head(self) -> None:
        """Record the head of the page in the scope if the page may be cached.

        If the head has not changed since before its requests, all of its data comes from that head.
        """
        scope = self.request.scope
        if (
            SCOPE_SOURCE_HEAD in scope
            and self.head is not None
            and self.head == await self.request.app.state.head_watcher.newest()
        ):
            scope[SCOPE_SOURCE_HEAD]["head"] = self.head


def require_allowed_terms(terms: Mapping[str, Any], names: Collection[str]) -> None:
    """Raise Invalid for terms that are neither in `names` nor in COMMON_TERMS."""
    other_names = [name for name in terms if name not in {*names, *COMMON_TERMS}]
    unknown = [build_pointed_error(f"/{name}", "unknown_field", NO_SUCH_TERM) for name in other_names]
    if unknown:
        raise Invalid("Correct the values pointed at and try again.", *unknown)


def normalize_cached_query(path: str, query: bytes) -> bytes | None:
    """Return the normalized query of a page for the response cache; None if the page is not cached.

    It contains only what `parse_terms` reads, so that equivalent addresses share an entry.
    """
    if _CACHEABLE_PATH.fullmatch(path) is None:
        return None
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return urlencode([(name, value) for name, value in pairs if _is_term(name, value)]).encode()


def build_response(
    request: Request, body: bytes, media_type: str, caching: str, *, status: int = 200,
    headers: Mapping[str, str] | None = None, policy: str = POLICY,
) -> Response:  # fmt: skip
    """Build the response of a page with its tag, compressed as the client accepts; 304 if the client has it."""
    coding = (
        choose_content_coding(request.headers.get("accept-encoding", "")) if len(body) >= MIN_COMPRESSED_BYTES else None
    )
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}{"-" + coding if coding else ""}"'
    response_headers = {
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "Cache-Control": caching if status == 200 else "no-store",
        "Content-Security-Policy": policy,
        **(headers or {}),
    }
    if status == 200 and tag in parse_if_none_match(request):
        return Response(status_code=304, headers=response_headers)
    if coding is not None:
        response_headers["Content-Encoding"] = coding
        body = CODINGS[coding](body)
    return Response(body, status, response_headers, media_type=media_type)


def parse_terms(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the terms of an address in the form of the API; a repeated one as a list.

    Raises Invalid for more than MAX_TERMS values, because forms on the page have a field for each.
    """
    if len(pairs) > MAX_TERMS:
        raise Invalid.at_pointer("", "too_many_terms", f"The address of a page names at most {MAX_TERMS} values.")
    values_by_name: dict[str, list[str]] = {}
    for name, value in pairs:
        if _is_term(name, value):
            values_by_name.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in values_by_name.items()}


def _is_term(name: str, value: str) -> bool:
    """Return whether a query parameter is a term: not empty, as forms send them, and not tracking."""
    return bool(value) and not name.startswith(TRACKING_PREFIXES)


def parse_page_language(request: Request) -> str:
    """Return the language in a page's address, by default English."""
    first = request.url.path.split("/")[1]
    return first if first in LANGUAGES else ENGLISH


async def open_page(request: Request) -> Page:
    """Open a page at the revision in its address, by default the newest. All data on it has that revision."""
    language, terms = parse_page_language(request), parse_terms(request.query_params.multi_items())
    return await open_page_at(request, language, request.url.path.removeprefix(f"/{language}"), terms)


async def open_page_at(request: Request, language: str, path: str, terms: Mapping[str, Any]) -> Page:
    """Open a page at the revision and under the rules that `terms` name, and count it in the client's rate limit.

    `path`: its address, for the text of an error. Raises Problem.
    """
    client = request.client.host if request.client is not None else ""
    request.app.state.rates.count(None, client, cost=PAGE_COST)
    return await read_page(request, language, path, terms)


async def read_page(request: Request, language: str, path: str, terms: Mapping[str, Any]) -> Page:
    """Open a page without counting it, and read the sources at the moment in `terms`. Raises Problem.

    This read also checks the moment, the rules and the leaf for all later requests of the page.
    """
    registry, head = ApiClient(request, language), await request.app.state.head_watcher.newest()
    _require_zone(terms.get("zone"))
    moment_terms = {
        name: terms[name] for name in (*PIN_PARAMETERS, *(["zone"] if "as_of" in terms else [])) if name in terms
    }
    try:
        source_list: Mapping[str, Any] = await registry.read(list_sources, moment_terms, limit=MAX_LIST_PAGE)
    except Problem as refusal:
        _point_to_page(refusal, path, terms)
        raise
    registry.as_of = format_revision(source_list["at"]["revision"])
    return Page(
        request,
        load_catalogue(language),
        registry,
        source_list["at"]["revision"],
        {source["slug"]: source for source in source_list["data"]},
        rules=source_list["at"]["rules"],
        head=head,
    )


def _require_zone(zone: Any) -> None:
    """Raise Invalid for an unknown time zone, even if the page does not use it."""
    if isinstance(zone, list):
        raise Invalid.at_pointer("/zone", "repeated", "Name one zone.")
    try:
        if zone is not None:
            dates.parse_zone(zone)
    except dates.DateError as error:
        raise Invalid.at_pointer("/zone", "invalid_zone", error.detail) from error


def _point_to_page(refusal: Problem, path: str, terms: Mapping[str, Any]) -> None:
    """Replace the address of the list of sources, which an error carries, by the address of this page."""
    if "address" not in refusal.extra:
        return
    today = {name: value for name, value in terms.items() if name not in PIN_PARAMETERS}
    if "rules=" in refusal.extra["address"]:  # the same revision, under the rules in force
        today = {**terms, "rules": refusal.extra["rules"]["today"]}
    address = f"{path}?{urlencode(today, doseq=True)}"
    refusal.extra |= {name: address for name in ("address", "today") if name in refusal.extra}


MAX_LIST_PAGE = 200  # the longest page of a list; further sources appear by their slugs
CurrentPage = Annotated[Page, Depends(open_page)]


class PageRoute(APIRoute):
    """A route whose errors are pages in the language of the address. Pages are made by turns of clients.

    `is_in_lane`: whether it only makes a page. A place in the lane must not wait for a body or for another process.
    """

    is_in_lane = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle_with_refusals(request: Request) -> Response:
            try:
                if not self.is_in_lane or request.method != "GET":
                    return await handler(request)
                async with acquire_lane("pages", request.app.state.limits.pages):
                    return await handler(request)
            except Moved as moved:
                return RedirectResponse(
                    _find_moved_page(request, moved), 307, headers={"Cache-Control": CACHE_REVALIDATE}
                )
            except Problem as problem:
                return await show_refusal(request, problem.status, problem.body(), problem.headers)
            except RequestValidationError:
                return await show_refusal(request, Invalid.status, Invalid("").body(), {})

        return handle_with_refusals


def _find_moved_page(request: Request, moved: Moved) -> str:
    """Return the page of the record that absorbed another. The redirect is temporary: curators may undo the merge."""
    path = replace_moved_id(request.url.path, moved)
    return f"{path}?{request.url.query}" if request.url.query else path


def build_error_page(request: Request) -> Page:
    """Return a page without a revision, for errors that need nothing from the registry."""
    language = parse_page_language(request)
    return Page(request, load_catalogue(language), ApiClient(request, language), 0, is_refusal=True)


async def show_refusal(
    request: Request, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]
) -> Response:
    """Render the page of an error: what was refused, why, and what to do."""
    page, full_problem = build_error_page(request), EMPTY_PROBLEM | dict(problem)
    faults = collect_term_faults(problem, page.catalogue) if problem.get("errors") else {}
    return await page.show("refused.html", status=status, headers=headers, problem=full_problem, faults=faults)


def no_such_page() -> NotFound:
    return NotFound("There is no page at this address.")


# Without a referrer policy that sends the origin to this server, its own forms would look like those of other sites.
SAME_ORIGIN = {"Referrer-Policy": "same-origin"}


def is_same_origin(request: Request) -> bool:
    """Return whether a form was sent from a page of this server. All browsers since 2020 send the header."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if not origin:
        return False
    try:
        origin_parts = urlsplit(origin)
        is_own_host = origin_parts.scheme in ("http", "https") and origin_parts.netloc == request.headers.get("host")
        return is_own_host or origin == request.app.state.public_url
    except ValueError:  # not sent by a browser
        return False


INTERVALS = ("day", "week", "month")


async def fetch_finest_series(page: Page, terms: Mapping[str, Any]) -> Any:
    """Read a series in the finest interval that does not have too many points."""
    for interval in INTERVALS[:-1]:
        try:
            return await page.api.read(count_series, terms, interval=interval)
        except Problem as refusal:
            if not any(error["code"] == "too_many_points" for error in refusal.body().get("errors", ())):
                raise
    return await page.api.read(count_series, terms, interval=INTERVALS[-1])

"""Complete FastAPI's OpenAPI document with descriptions, headers, tables, errors and examples.

`Authorization` is not declared as a header: OpenAPI ignores it as a parameter and expresses it by security schemes.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from pydantic import TypeAdapter

from app import descriptions
from app.api import content_codings, responses
from app.api.openapi_components import (
    NULL,
    SCHEMA_REF,
    drop_unused_components,
    extend_schemas,
    get_json_name,
    iterate_operations,
    name_enums,
    select_operations,
    share_parts,
    simplify_nulls,
)
from app.api.openapi_examples import attach_examples, build_refusal_examples
from app.api.openapi_formats import declare_formats
from app.api.routing import ProblemOut
from app.api.table_routes import EXTENSION, TABLE_CONTENT_TYPES, TABLE_ENDING, TABLE_SUFFIX, WORKBOOK_EXTENSION
from app.errors import (
    PROBLEM_JSON,
    Forbidden,
)
from app.queries import parameters
from app.queries.terms import SourcedTerms
from app.schemas.base import Page
from app.vocabulary import CODE_LISTS, build_vocabulary

Node = dict[str, Any]
ECHO_DESCRIPTION = "The parameter of this name."
DEFAULT_DESCRIPTION = "Successful Response"  # FastAPI's default description of a response


def describe_document(document: Node) -> None:
    """Describe every parameter, field and code, and drop titles and defaults that are null."""
    schemas: Node = document["components"]["schemas"]
    shapes = descriptions.load_descriptions()["shapes"]
    body_schemas = _collect_referenced(
        [
            described_operation["requestBody"]
            for described_operation in iterate_operations(document)
            if "requestBody" in described_operation
        ],
        schemas,
    )
    for operation in iterate_operations(document):
        for parameter in operation.get("parameters", []):
            _describe_parameter(parameter, operation["operationId"])
        for status, answer in operation["responses"].items():
            if answer["description"] == DEFAULT_DESCRIPTION:
                answer["description"] = HTTPStatus(int(status)).phrase
        for schema in _iterate_contents(operation):
            _describe_fields(schema, "", "bodies")
            _drop_redundant(schema)
    for name, schema in schemas.items():
        _describe_fields(schema, name, "bodies" if name in body_schemas else "answers")
        if name not in body_schemas and schema.get("additionalProperties") is False:
            del schema["additionalProperties"]  # answers may get more fields
        _drop_redundant(schema)
        if name in shapes:
            schema.setdefault("description", shapes[name])
    meanings = build_vocabulary("en")
    for name, codes in CODE_LISTS.items():
        if codes.__name__ in schemas:
            schemas[codes.__name__]["description"] = _format_codes(codes.__doc__ or "", meanings[name])


def _describe_parameter(parameter: Node, operation: str) -> None:
    """Describe a parameter, and drop null from its schema: a client omits the parameter instead."""
    described = operation if parameter["name"] == EXTENSION else operation.removesuffix(TABLE_SUFFIX)
    text = descriptions.describe_parameter(parameter["name"], described)
    if not parameter["required"]:
        del parameter["required"]  # the default
    _drop_null_kind(parameter["schema"])
    _drop_redundant(parameter["schema"])
    if text is not None:
        parameter["description"] = text


def _describe_fields(schema: Node, name: str, part: str) -> None:
    for field, field_schema in schema.get("properties", {}).items():
        text = ECHO_DESCRIPTION if name.endswith("Terms") and descriptions.describe_parameter(field) else None
        text = text or field_schema.get("description") or descriptions.describe_field(part, name, field)
        if text is not None:
            field_schema["description"] = text


def _format_codes(summary: str, codes: list[dict[str, str]]) -> str:
    """Return the description of a code list: its summary, and the definition of each code."""
    return "\n".join([summary, "", *(f"- `{code['code']}`: {code['definition']}" for code in codes)])


def _drop_null_kind(schema: Node) -> None:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != NULL]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]


def _collect_referenced(roots: list[Node], schemas: Node) -> set[str]:
    """Return the names of the schemas that are referenced from the roots, directly or not."""
    referenced: set[str] = set()
    pending: list[Any] = [*roots]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(SCHEMA_REF)
            if name in schemas and name not in referenced:
                referenced.add(name)
                pending.append(schemas[name])
            pending += node.values()
    return referenced


def _drop_redundant(schema: Node) -> None:
    """Drop titles, which repeat names, and null defaults, which are redundant."""
    schema.pop("title", None)
    if schema.get("default", "") is None:
        del schema["default"]
    subschemas = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    subschemas += [kind for way in ("anyOf", "oneOf", "allOf") for kind in schema.get(way, [])]
    for part in subschemas:
        if isinstance(part, dict):
            _drop_redundant(part)


def _iterate_contents(operation: Node) -> Iterator[Node]:
    """Yield the schemas of the bodies and responses of an operation."""
    for message in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from (kind["schema"] for kind in message.get("content", {}).values())


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
# Request headers with values of a certain form.
HEADER_SCHEMAS: Node = {
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255},
    "Accept-Datetime": {
        "type": "string",
        "pattern": "^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (0[1-9]|[12][0-9]|3[01]) "
        "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] GMT$",
        "examples": ["Tue, 13 Jan 2026 18:00:00 GMT"],
    },
}
# Operations whose `lang` defaults to `Accept-Language`.
LANGUAGE_OPERATIONS = frozenset({"read_import", "list_import_rows"})
# Operations with a `cite-as` link, in addition to counts with mementos.
CITED_OPERATIONS = frozenset(
    {"count_series", "count_overlap", "estimate_releases", "read_citation", "reconcile_claim", "read_balance"}
)
# What most readers ask by comes first in a list of parameters.
MAIN_TERMS = (
    *("country", "released_from", "released_to", "detained_from", "detained_to", "held_on", "group_by", "status"),
    *("source", "as_of"),
)
PERMALINK_PARAMETERS = ("zone", "rules", "leaf")
PAGING_PARAMETERS = ("limit", "cursor")
FIRST_REDIRECT_STATUS = 300  # lower statuses mean success
FIRST_ERROR_STATUS = 400


def _build_header(description: str, schema: Node = TEXT) -> Node:
    return {"description": description, "schema": schema}


HEADERS: Node = {
    "ETag": _build_header("Send it back in `If-None-Match`, or for a report of your own in `If-Match`."),
    "Recuento-Revision": _build_header("The revision that was read or written.", NUMBER),
    "Recuento-Rules": _build_header("The number of the counting rules that the answer was made by.", NUMBER),
    "Link": _build_header(
        'The next page, with `rel="next"`; none on the last one. Of a count `cite-as`, to cite it by (RFC 8574), '
        "and `original timegate` and `timemap`, those of its past (RFC 7089). Of a table `describedby`, the JSON "
        "answer of the same terms and revision."
    ),
    "Memento-Datetime": _build_header("The moment that the numbers are of, where the address names one and the rules."),
    "Idempotency-Replayed": _build_header("`true` where this is the first answer again.", {"const": "true", **TEXT}),
    "Location": _build_header("Where what was created, or has moved, is read."),
    "Retry-After": _build_header("After how many seconds to try again, where that helps.", NUMBER),
    "RateLimit-Policy": _build_header("Who is counted (`client` or `key`), `q` requests in `w` seconds (IETF draft)."),
    "RateLimit": _build_header(
        "How many requests are left (`r`) for how many seconds (`t`). On answers to a key, on refusals, and on "
        "whatever shared caches may not store."
    ),
    "WWW-Authenticate": _build_header("`Bearer`."),
}
_READ_HEADERS = ("ETag", "Recuento-Revision", "Recuento-Rules")
_HEADERS_BY_STATUS = {
    "201": ("Location", "ETag"),
    "302": ("Location", "Link"),
    "303": ("Location",),
    "308": ("Location",),
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After", "RateLimit-Policy", "RateLimit"),
    "503": ("Retry-After",),
}


def declare_headers(operation: Node) -> None:
    """Declare the headers of an operation. Its errors show what it reads: 412 implies `If-Match`."""
    answers: Node = operation["responses"]
    header_flags = {
        "If-None-Match": "304" in answers,
        "Idempotency-Key": can_refuse_with(answers, "idempotency_mismatch"),
        "If-Match": "412" in answers,
        "Accept-Language": get_json_name(operation) in LANGUAGE_OPERATIONS,
        "Accept-Datetime": "302" in answers,
        "Content-Encoding": _takes_file(operation),
    }
    header_parameters = [
        {"name": name, "in": "header", "required": False, "schema": HEADER_SCHEMAS.get(name, TEXT)}
        for name, is_declared in header_flags.items()
        if is_declared
    ]
    if header_parameters:
        operation["parameters"] = [*operation.get("parameters", []), *header_parameters]
    for status, answer in answers.items():
        names = [*_HEADERS_BY_STATUS.get(status, ())]
        if int(status) < FIRST_REDIRECT_STATUS:
            names += _list_success_headers(operation, header_flags)
        elif status == "304":
            names += _READ_HEADERS
        elif status == "409" and _takes_file(operation):
            names.append("Retry-After")
        if names:
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _list_success_headers(operation: Node, header_flags: dict[str, bool]) -> list[str]:
    if header_flags["If-None-Match"]:
        is_paged = any(parameter["name"] == "cursor" for parameter in operation["parameters"])
        memento_headers = ["Memento-Datetime"] if header_flags["Accept-Datetime"] else []
        is_table = operation["operationId"].endswith(TABLE_SUFFIX)
        is_cited = get_json_name(operation) in CITED_OPERATIONS
        link_headers = ["Link"] if is_paged or is_table or memento_headers or is_cited else []
        return [*link_headers, *memento_headers]
    if "403" not in operation["responses"]:
        return []
    names = ["Recuento-Revision"]
    if header_flags["Idempotency-Key"]:
        names.append("Idempotency-Replayed")
    return [*names, "Location"] if operation["operationId"] == "send_list" else names


def _takes_file(operation: Node) -> bool:
    return "application/octet-stream" in operation.get("requestBody", {}).get("content", {})


def can_refuse_with(answers: Mapping[Any, Node], code: str) -> bool:
    """Return whether an operation can answer with this error code."""
    contents = [kind for answer in answers.values() for kind in answer.get("content", {}).values()]
    return any(code in kind.get("examples", {}) for kind in contents)


CONTACT = {"name": "The Recuento project", "url": "https://recuento.org"}
# Errors, and the shapes that others extend.
COMMON_SHAPES: tuple[type[Any], ...] = (ProblemOut, Page, SourcedTerms)
# The answer of a table other than the table: what its JSON operation declares.
REFUSAL_RESPONSE: Node = {
    "description": "As at the address of the JSON answer",
    "content": {PROBLEM_JSON: {"schema": {"$ref": f"{SCHEMA_REF}ProblemOut"}}},
}
TABLE_ENUM, COMPARISON_ENUM = "TableExtension", "ComparisonExtension"
LICENCE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
SERVER_DESCRIPTION = "The registry that serves this document"
API_DESCRIPTION = """Who was detained and released for political reasons, by whose word, and as known when.

**Reading** what is public needs no key. Every answer is of a revision (`revision`, header `Recuento-Revision`): ask
again with `as_of`, and it is the same. Lists come in pages: follow `next`. Every list and count is also a whole table
at an address of its own: `/v1/releases.csv` for programs, `/v1/releases.excel.csv` for Excel (with a byte order mark),
`/v1/releases.jsonl` with one JSON object a line. A table's `Link` with `rel="describedby"` leads to the JSON answer of
the same terms and revision.

**Writing** needs a key: `Authorization: Bearer rcn_…`. A reporter's key writes as its own source and as nobody else.
Send an `Idempotency-Key` with each POST, and the same one again when the line breaks.

**Refusals** are `application/problem+json` with a stable `code`, and for 422 the place of each mistake. `type` is a
page that explains the code. With `Accept-Language: es` the sentences are Spanish.

**Headers** of every answer to a GET: `ETag`, to send back in `If-None-Match`, or for a report of your own in
`If-Match`; `Recuento-Revision`, the revision that was read; `Recuento-Rules`, the number of the counting rules;
`Repr-Digest`, the SHA-256 of the body (RFC 9530), unless it is streamed. Of every answer: `Cache-Control` and `Vary`;
`RateLimit` and `RateLimit-Policy`, but not where shared caches may keep it; and a random `Request-Id`, by which the
server's log names a failure: give it to the operator. Public answers have `Timing-Allow-Origin: *`, refusals
`Content-Language`.

**Dates** are as precise as known: `2026`, `2026-01`, `2026-01-12`, or `2026-01-08/2026-01-09` for between two days.
Null means that nobody says, or that you may not see it.

**Codes** have labels and definitions in English and Spanish at `/v1/vocabulary`. Codes and fields may be added: let
your client pass over those that it does not know. `/docs/versioning.md` says what else may change within v1, and how
long something lives after its deprecation. `/v1` is an index of all public addresses.

**Uploads of lists, matching and curation** are described in `/openapi-desk.json`, and at `/docs/desk`."""
OPENAPI_PATH = "/openapi.json"
DESK_OPENAPI_PATH = "/openapi-desk.json"
DESK_TAGS = frozenset({"imports", "matching", "curation"})
DESK_TITLE = "Recuento desk"
DESK_DESCRIPTION = f"""Send and compare lists, and decide as a curator or an administrator.

`{OPENAPI_PATH}` describes reading and reporting, and what holds for every operation: keys, refusals, headers, dates and
codes."""
TAGS = {
    "counts": "How many, by whose word, and what was known when.",
    "releases": "Releases from custody: report one, verify one, list and read them.",
    "people": "People and their detentions: report that somebody is held, list and read.",
    "reports": "A source's own reports: read them whole, correct them, withdraw them.",
    "imports": "Whole lists: send one, follow it, read what became of each row.",
    "matching": "A person or a list beside what the registry holds. Nothing is stored.",
    "claims": "Published figures, what they add up to, and how they compare with the registry's counts.",
    "corrections": "What was taken back or changed.",
    "directory": "Sources, places of detention, codes, and who a key is.",
    "curation": "For curators and administrators: who is one person, consent, erasure, objections.",
    "objections": "For the person concerned, without a key: hide, correct or remove what is shown.",
    "health": "Whether the server is there and can answer.",
}


def complete_document(document: Node) -> Node:
    """Complete the document of FastAPI in place, and return it."""
    document["info"] |= {"description": API_DESCRIPTION, "license": LICENCE, "contact": CONTACT}
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = document["components"]
    _map, shapes = TypeAdapter.json_schemas(
        [(shape.__name__, "serialization", TypeAdapter(shape)) for shape in COMMON_SHAPES],
        ref_template=SCHEMA_REF + "{model}",
    )
    components["schemas"] = shapes["$defs"] | components["schemas"]
    components["examples"] = build_refusal_examples()
    components["headers"] = HEADERS
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _declare_table(path, operation, components["schemas"])
    for operation in iterate_operations(document):
        _declare_key(operation)
        declare_headers(operation)
        _sort_parameters(operation)
        attach_examples(operation, components["examples"])
        if operation["operationId"].endswith(TABLE_SUFFIX):
            answers = {
                status: answer for status, answer in operation["responses"].items() if int(status) < FIRST_ERROR_STATUS
            }
            operation["responses"] = answers | {"4XX": REFUSAL_RESPONSE, "5XX": REFUSAL_RESPONSE}
    describe_document(document)
    declare_formats(document)
    name_enums(document)
    simplify_nulls(components["schemas"])
    extend_schemas(components["schemas"])
    share_parts(document)
    document["paths"] = _sort_paths(document["paths"])
    document |= drop_unused_components(document)
    return document


def divide_document(document: Node) -> dict[str, Node]:
    """Divide the whole document by tag. Return the two parts by their addresses."""
    desk_info = document["info"] | {"title": DESK_TITLE, "description": DESK_DESCRIPTION}
    return {
        OPENAPI_PATH: select_operations(document, TAGS.keys() - DESK_TAGS),
        DESK_OPENAPI_PATH: select_operations(document | {"info": desk_info}, DESK_TAGS),
    }


def _sort_paths(paths: Node) -> Node:
    """Return the paths by tag, counts first; within a tag tables come last."""
    tags = [*TAGS]

    def rank(path: str) -> tuple[int, bool]:
        (tag,) = next(iter(paths[path].values()))["tags"]
        return tags.index(tag), path.endswith(TABLE_ENDING)

    return {path: paths[path] for path in sorted(paths, key=rank)}


def _sort_parameters(operation: Node) -> None:
    """Sort the parameters of an operation: the main terms first, those of permalinks and headers last."""

    def rank(parameter: Node) -> tuple[int, int]:
        name, place = parameter["name"], parameter["in"]
        if name in MAIN_TERMS:
            return 1, MAIN_TERMS.index(name)
        return {"path": 0, "header": 4}.get(place, 3 if name in PERMALINK_PARAMETERS else 2), 0

    operation.get("parameters", []).sort(key=rank)


def _declare_key(operation: Node) -> None:
    """Declare that the key is optional on public routes, which show more to some keys, or that none is read."""
    is_key_needed = can_refuse_with(operation["responses"], Forbidden.code) or operation["operationId"] == "read_me"
    key_schemes = operation.setdefault("security", [])
    if key_schemes and not is_key_needed:
        operation["security"] = [{}, *key_schemes]


def _declare_table(path: str, operation: Node, schemas: Node) -> None:
    """Declare that a table comes without pages, in the form that the ending of its path names."""
    if not path.endswith(TABLE_ENDING):
        return
    content = operation["responses"]["200"]["content"]
    extensions = [extension for extension, media in TABLE_CONTENT_TYPES.items() if media in content]
    name = COMPARISON_ENUM if WORKBOOK_EXTENSION in extensions else TABLE_ENUM
    schemas[name] = {"type": "string", "enum": extensions, "description": "The form of a table."}
    extension = {"name": EXTENSION, "in": "path", "required": True, "schema": {"$ref": SCHEMA_REF + name}}
    operation["description"] = f"The whole table of `{path.removesuffix(TABLE_ENDING)}`, without pages."
    parameters = [parameter for parameter in operation["parameters"] if parameter["name"] not in PAGING_PARAMETERS]
    operation["parameters"] = [extension, *parameters]


@dataclass(frozen=True)
class ServedDocument:
    """The serialized document, plain and compressed to a tenth."""

    body: bytes
    gzipped: bytes
    tag: str

    @classmethod
    def from_document(cls, document: Node) -> "ServedDocument":
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        # Without a time stamp, the same document gives the same bytes.
        return cls(body, gzip.compress(body, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    def build_response(self, request: Request) -> Response:
        """Return the document, or 304 if the client has it. The tag is weak, because it covers both codings."""
        headers = {"ETag": f"W/{self.tag}", "Cache-Control": responses.CACHE_REVALIDATE, "Vary": "Accept-Encoding"}
        if self.tag in responses.parse_if_none_match(request):
            return Response(status_code=304, headers=headers)
        if not content_codings.accepts_gzip(request):
            return Response(self.body, headers=headers, media_type=parameters.JSON_MEDIA_TYPE)
        headers["Content-Encoding"] = "gzip"
        return Response(self.gzipped, headers=headers, media_type=parameters.JSON_MEDIA_TYPE)

"""Complete FastAPI's OpenAPI document with descriptions, headers, tables, errors and examples."""

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from pydantic.json_schema import models_json_schema

from app.api import responses
from app.api.openapi import descriptions
from app.api.routing import ProblemOut
from app.errors import Forbidden
from app.queries import parameters

Node = dict[str, Any]
LICENCE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
SERVER_DESCRIPTION = "The registry that serves this document"
API_DESCRIPTION = """Who was detained and released for political reasons, by whose word, and as known when.

**Reading** what is public needs no key. Every answer is of a revision (`revision`, header `Recuento-Revision`): ask
again with `as_of`, and it is the same. Lists come in pages: follow `next`. Lists and counts also come whole as CSV or
JSON Lines, by `Accept` or `format`.

**Writing** needs a key: `Authorization: Bearer rcn_…`. A reporter's key writes as its own source and as nobody else.
Send an `Idempotency-Key` with each POST, and the same one again when the line breaks.

**Refusals** are `application/problem+json` with a stable `code`, and for 422 the place of each mistake.

**Dates** are as precise as known: `2026`, `2026-01`, `2026-01-12`, or `2026-01-08/2026-01-09` for between two days.
Null means that nobody says, or that you may not see it.

**Codes** have labels and definitions in English and Spanish at `/v1/vocabulary`. Codes and fields may be added: let
your client pass over those that it does not know."""
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
    "curation": "For curators and administrators: who is one person, consent, erasure.",
    "objections": "For the person concerned, without a key: hide, correct or remove what is shown; and its curators.",
    "health": "Whether the server is there and can answer.",
}
# The media types besides JSON of a route that takes `format`.
TABLE_CONTENT: Node = {
    media: {"schema": {"type": "string", "description": description}}
    for media, description in parameters.TABLE_DESCRIPTIONS.items()
}
WORKBOOK_CONTENT: Node = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
        "schema": {"type": "string", "format": "binary", "description": "A workbook with a sheet for each part"}
    }
}


def complete_document(document: Node) -> Node:
    """Complete the document of FastAPI in place, and return it."""
    document["info"] |= {"description": API_DESCRIPTION, "license": LICENCE}
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = document["components"]
    _map, shapes = models_json_schema([(ProblemOut, "serialization")], ref_template="#/components/schemas/{model}")
    components["schemas"] |= shapes["$defs"]
    components["examples"] = descriptions.build_refusal_examples()
    components["headers"] = descriptions.HEADERS
    for operation in descriptions.iterate_operations(document):
        _declare_tables(operation)
        _make_key_optional(operation)
        descriptions.declare_headers(operation)
        descriptions.attach_examples(operation)
    descriptions.describe_document(document)
    return document


def _make_key_optional(operation: Node) -> None:
    """Declare that the key is optional on public routes, which show more to some keys."""
    is_key_needed = (
        descriptions.can_refuse_with(operation["responses"], Forbidden.code) or operation["operationId"] == "read_me"
    )
    if "security" in operation and not is_key_needed:
        operation["security"] = [{}, *operation["security"]]


def _declare_tables(operation: Node) -> None:
    """Declare CSV, JSON Lines and workbooks on routes that take `format`."""
    format_parameter = next(
        (parameter for parameter in operation.get("parameters", []) if parameter["name"] == "format"), None
    )
    content = operation["responses"].get("200", {}).get("content", {})
    if format_parameter is not None and "application/json" in content:
        content |= TABLE_CONTENT
        if "xlsx" in json.dumps(format_parameter):
            content |= WORKBOOK_CONTENT


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
        if not responses.accepts_gzip(request):
            return Response(self.body, headers=headers, media_type=parameters.JSON_MEDIA_TYPE)
        headers["Content-Encoding"] = "gzip"
        return Response(self.gzipped, headers=headers, media_type=parameters.JSON_MEDIA_TYPE)

"""The words of the document: what each parameter, field and code is; and what says nothing is left out.

The headers of requests and of answers, as the document declares them.

`Accept` and `Authorization` are not among them: OpenAPI says the one by the media types of an answer, the other by its
security schemes, and ignores them as parameters.

The examples of bodies and answers: what was really sent and answered, with invented people and published figures.

`examples.json` is written by `python -m tests.openapi.record`, which plays a scene on the demo's registry; a test plays
it again and holds every answer against it."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from app import descriptions
from app.api.middleware.concurrency import BUSY
from app.api.problems import INTERNAL, NARROWER
from app.errors import (
    Busy,
    ClockJumped,
    ListsWaiting,
    NotInFiles,
    PerhapsStored,
    Problem,
    TakesTooLong,
    TooManyRequests,
    Unavailable,
)
from app.imports.stored import WAIT_FOR_ONE
from app.log.head import OtherRules
from app.log.mark import WentBackwards
from app.projection import RULES
from app.vocabulary import LISTS, vocabulary

Node = dict[str, Any]
REF = "#/components/schemas/"
NULL = {"type": "null"}
UNDESCRIBED = "Successful Response"  # what FastAPI says of an answer


def describe(document: Node) -> None:
    """Describe every parameter, field and code, and drop titles and defaults that are null."""
    schemas: Node = document["components"]["schemas"]
    shapes = descriptions.descriptions()["shapes"]
    sent = _reached([each["requestBody"] for each in operations(document) if "requestBody" in each], schemas)
    for operation in operations(document):
        for parameter in operation.get("parameters", []):
            _parameter(parameter, operation["operationId"])
        for answer in operation["responses"].values():
            _answer(answer, schemas)
        for schema in _contents(operation):
            _fields(schema, "", "bodies")
            _plain(schema)
    for name, schema in schemas.items():
        _fields(schema, name, "bodies" if name in sent else "answers")
        _plain(schema)
        if name in shapes:
            schema.setdefault("description", shapes[name])
    meanings = vocabulary("en")
    for name, codes in LISTS.items():
        if codes.__name__ in schemas:
            schemas[codes.__name__]["description"] = _codes(codes.__doc__ or "", meanings[name])


def operations(document: Node) -> Iterator[Node]:
    """Every operation."""
    for methods in document["paths"].values():
        yield from methods.values()


def _parameter(parameter: Node, operation: str) -> None:
    """Who sends a parameter sends a value: leaving it out is how null is said."""
    text = descriptions.parameter(parameter["name"], operation)
    _without_null(parameter["schema"])
    _plain(parameter["schema"])
    if text is not None:
        parameter["description"] = text
        parameter["schema"] = {**parameter["schema"], "description": text}  # some generators read it here


def _answer(answer: Node, schemas: Node) -> None:
    """An answer that nobody described is what its shape is."""
    if answer["description"] != UNDESCRIBED:
        return
    contents: list[Node] = [*answer.get("content", {}).values()]
    shape = str(contents[0]["schema"]["$ref"])
    answer["description"] = schemas[shape.removeprefix(REF)]["description"]


def _fields(schema: Node, name: str, part: str) -> None:
    for field, documented in schema.get("properties", {}).items():
        # Terms are said back in the words of the parameters.
        text = descriptions.parameter(field) if name.endswith("Terms") else None
        text = text or documented.get("description") or descriptions.field(part, name, field)
        if text is not None:
            documented["description"] = text


def _codes(about: str, codes: list[dict[str, str]]) -> str:
    """What a list of codes is, and what each code means."""
    return "\n".join([about, "", *(f"- `{code['code']}`: {code['definition']}" for code in codes)])


def _without_null(schema: Node) -> None:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != NULL]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]


def _reached(roots: list[Node], schemas: Node) -> set[str]:
    """The names of the schemas that are referred to from some places, and from there."""
    reached: set[str] = set()
    waiting: list[Any] = [*roots]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(REF)
            if name in schemas and name not in reached:
                reached.add(name)
                waiting.append(schemas[name])
            waiting += node.values()
    return reached


def _plain(schema: Node) -> None:
    """Drop titles, which repeat names, and null defaults, which say nothing."""
    schema.pop("title", None)
    if schema.get("default", "") is None:
        del schema["default"]
    inside = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    inside += [kind for way in ("anyOf", "oneOf", "allOf") for kind in schema.get(way, [])]
    for part in inside:
        if isinstance(part, dict):
            _plain(part)


def _contents(operation: Node) -> Iterator[Node]:
    """The schemas of the bodies and answers of an operation."""
    for message in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from (kind["schema"] for kind in message.get("content", {}).values())


TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
BY_ACCEPT_LANGUAGE = ("read_import", "list_import_rows")  # operations whose `lang` defaults to `Accept-Language`
CITED = ("count_series", "count_overlap", "estimate_releases", "read_citation")  # beside counts with a past
VARYING = ("match_person", "match_list")  # operations that store nothing, and answer each key what it may see
SUCCESS_ENDS = 300  # the first status that is no success, but a redirection or a refusal


def _header(description: str, schema: Node = TEXT) -> Node:
    return {"description": description, "schema": schema}


HEADERS: Node = {
    "ETag": _header("Send it back in `If-None-Match`, or for a report of your own in `If-Match`."),
    "Recuento-Revision": _header("The revision that was read or written.", NUMBER),
    "Recuento-Rules": _header("The number of the counting rules that the answer was made by.", NUMBER),
    "Cache-Control": _header("Who may keep the answer, and for how long."),
    "Vary": _header("The request headers that the answer depends on."),
    "Repr-Digest": _header("The SHA-256 of the body (RFC 9530); not of one that is streamed."),
    "Link": _header(
        'The next page, with `rel="next"`; none on the last one. Of a count `cite-as`, to cite it by (RFC 8574), '
        "and `original timegate` and `timemap`, those of its past (RFC 7089)."
    ),
    "Memento-Datetime": _header("The moment that the numbers are of, where the address names one and the rules."),
    "Idempotency-Replayed": _header("`true` where this is the first answer again.", {"const": "true", **TEXT}),
    "Location": _header("Where the thing stands."),
    "Retry-After": _header("After how many seconds to try again, where that helps.", NUMBER),
    "RateLimit-Policy": _header("Who is counted (`client` or `key`), `q` requests in `w` seconds (IETF draft)."),
    "RateLimit": _header("How many requests are left (`r`) for how many seconds (`t`)."),
    "WWW-Authenticate": _header("`Bearer`."),
    "Request-Id": _header("Random. The server's log names a failure by it: give it to whoever runs the registry."),
}
_OF_READING = ("ETag", "Recuento-Revision", "Recuento-Rules", "Cache-Control", "Vary")
_OF_STATUS = {
    "302": ("Location", "Vary", "Cache-Control", "Link"),
    "303": ("Location", "Vary", "Cache-Control"),
    "308": ("Location",),
    "401": ("WWW-Authenticate",),
    "429": ("Retry-After", "RateLimit-Policy", "RateLimit"),
    "503": ("Retry-After",),
}


def declare(operation: Node) -> None:
    """Declare the headers of an operation. Its refusals tell what it reads: who answers 412 looks at `If-Match`."""
    answers: Node = operation["responses"]
    sent = {
        "If-None-Match": "304" in answers,
        "Idempotency-Key": can_say(answers, "idempotency_mismatch"),
        "If-Match": "412" in answers,
        "Accept-Language": operation["operationId"] in BY_ACCEPT_LANGUAGE,
        "Accept-Datetime": "302" in answers,
        "Content-Encoding": _takes_file(operation),
    }
    added = [{"name": name, "in": "header", "required": False, "schema": TEXT} for name, does in sent.items() if does]
    if sent["Idempotency-Key"]:
        bounded = {"type": "string", "minLength": 1, "maxLength": 255}
        added = [header | {"schema": bounded} if header["name"] == "Idempotency-Key" else header for header in added]
    if added:
        operation["parameters"] = [*operation.get("parameters", []), *added]
    for status, answer in answers.items():
        names = [*_OF_STATUS.get(status, ())]
        if int(status) < SUCCESS_ENDS:
            names += _of_success(operation, sent)
        elif status == "304":
            names += _OF_READING
        elif status == "409" and _takes_file(operation):
            names.append("Retry-After")
        names.append("Request-Id")
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _of_success(operation: Node, sent: dict[str, bool]) -> list[str]:
    if sent["If-None-Match"]:
        paged = any(parameter["name"] == "cursor" for parameter in operation["parameters"])
        remembered = ["Memento-Datetime"] if sent["Accept-Datetime"] else []
        linked = ["Link"] if paged or remembered or operation["operationId"] in CITED else []
        return [*_OF_READING, "Repr-Digest", *linked, *remembered]
    if "403" not in operation["responses"]:
        return []
    names = ["Cache-Control", "Recuento-Revision"]
    if sent["Idempotency-Key"]:
        names.append("Idempotency-Replayed")
    elif operation["operationId"] in VARYING:
        names.append("Vary")
    return [*names, "Location"] if operation["operationId"] == "send_list" else names


def _takes_file(operation: Node) -> bool:
    return "application/octet-stream" in operation.get("requestBody", {}).get("content", {})


def can_say(answers: Node, code: str) -> bool:
    """Whether an operation can refuse with this code."""
    contents = [kind for answer in answers.values() for kind in answer.get("content", {}).values()]
    return any(code in kind.get("examples", {}) for kind in contents)


FILE = Path(__file__).with_name("examples.json")
# What no scene can bring about without breaking or crowding the server.
BROKEN: Node = {
    Problem.code: INTERNAL,
    Unavailable.code: Unavailable("The registry is busy. Nothing was stored: try again.").body(),
    PerhapsStored.code: PerhapsStored().body(),
    ClockJumped.code: ClockJumped(
        "this machine's clock has jumped ahead by 21 days, 0:00:00, or is so far from the database's. Whoever runs the "
        "registry: set the clock. If it is right, as after the machine was paused, start the server again."
    ).body(),
    TooManyRequests.code: TooManyRequests(
        "At most 1200 requests a minute are answered for one client: go on in 12 s, and more slowly."
    ).body(),
    Busy.code: Busy(BUSY).body(),
    ListsWaiting.code: ListsWaiting(WAIT_FOR_ONE).body(),
    TakesTooLong.code: TakesTooLong(NARROWER).body(),
    OtherRules.code: OtherRules(RULES, RULES + 1).body(),
    WentBackwards.code: WentBackwards().body(),
    NotInFiles.code: NotInFiles().body(),
}


@cache
def recorded() -> Node:
    """`bodies`: operation → media type → name → body; `answers`: operation → status → media type → name → answer;
    `problems`: code → answer."""
    examples: Node = json.loads(FILE.read_text(encoding="utf-8"))
    return examples


def refusals() -> Node:
    """A refusal of every code."""
    return {code: {"value": answer} for code, answer in sorted({**recorded()["problems"], **BROKEN}.items())}


def attach(operation: Node) -> None:
    """Put an operation's examples where they belong."""
    name = operation["operationId"]
    examples = recorded()
    _put(operation.get("requestBody", {}), examples["bodies"].get(name, {}))
    for status, answers in examples["answers"].get(name, {}).items():
        _put(operation["responses"][status], answers)


def _put(where: Node, by_media: Node) -> None:
    for media, named in by_media.items():
        where["content"][media]["examples"] = {name: {"value": value} for name, value in named.items()}

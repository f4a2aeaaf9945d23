"""The headers of requests and of answers, as the document declares them.

`Accept` and `Authorization` are not among them: OpenAPI says the one by the media types of an answer, the other by its
security schemes, and ignores them as parameters.
"""

from typing import Any

Node = dict[str, Any]
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

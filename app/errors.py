"""Error responses: each has a stable code, a status and a sentence that says what to do (RFC 9457).

An error never repeats the rejected input and never contains an exception's text: both have leaked names elsewhere.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, ClassVar, Self

from app.translations import Message

PROBLEM_JSON = "application/problem+json"
# Nobody corrects more errors at once. An error is longer than the input that causes it, so the limit keeps small
# requests from producing, and storing, large responses.
MAX_ERRORS = 20
RETRY_AFTER = "5"  # seconds: a write takes milliseconds, a backup moments
PROBLEMS_PATH = "/problems"  # a page for each code (`api/routes/problem_pages.py`)


class Problem(Exception):
    """An error response. Subclasses set `status`, `code` and `title`; `detail` tells the client what to do."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """Return the problem+json object."""
        return build_problem(self.status, self.code, self.title, self.detail, **self.extra)


def build_problem(status: int, code: str, title: str, detail: str, **extra: Any) -> dict[str, Any]:
    """Return a problem+json object (RFC 9457 section 3) with our stable `code`.

    `type` gets the registry's public address when it is sent."""
    return {
        "type": f"{PROBLEMS_PATH}/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }


def build_pointed_error(pointer: str, code: str, detail: str) -> dict[str, str]:
    """Return one entry of `errors`: a JSON pointer (RFC 6901), a code and a sentence."""
    return {"pointer": pointer, "code": code, "detail": detail}


VOCABULARY_HINT = "What each means, in English and in Spanish: /v1/vocabulary."
# Pydantic's error types → our codes and what to do, with the values of pydantic's context. Other types keep pydantic's
# message, which repeats no input.
_CODES = {
    "extra_forbidden": ("unknown_field", "There is no such field here: check the spelling, or leave it out."),
    "missing": ("required", "This field is required."),
    "enum": ("unknown_code", "Send one of these codes: {expected}. {hint}"),
    "literal_error": ("unknown_code", "Send one of these codes: {expected}."),
    "uuid_parsing": ("invalid_id", "This is not an id: it is a UUID, as the registry gave it."),
    "uuid_type": ("invalid_id", "This is not an id: it is a UUID, as the registry gave it."),
    "string_pattern_mismatch": ("invalid_format", "Send text of this form: {pattern}"),
    "string_type": ("string_type", "Send text, in quotes."),
    "string_too_short": ("string_too_short", "Send at least this many characters: {min_length}."),
    "string_too_long": ("string_too_long", "Send at most this many characters: {max_length}."),
    "too_short": ("too_short", "Send at least this many items: {min_length}."),
    "too_long": ("too_long", "Send at most this many items: {max_length}."),
    "greater_than": ("greater_than", "Send a number above {gt}."),
    "greater_than_equal": ("greater_than_equal", "Send a number from {ge} up."),
    "less_than": ("less_than", "Send a number below {lt}."),
    "less_than_equal": ("less_than_equal", "Send a number up to {le}."),
    "float_type": ("float_type", "Send a number, without quotes."),
    "model_type": ("object_required", "Send a JSON object."),
    "model_attributes_type": ("object_required", "Send a JSON object."),
    "dict_type": ("object_required", "Send a JSON object."),
    "int_type": ("int_type", "Send a whole number, without quotes."),
    "int_parsing": ("int_parsing", "Send a whole number, such as 2."),
    "int_from_float": ("int_from_float", "Send a whole number, such as 2."),
    "bool_type": ("bool_type", "Send `true` or `false`."),
    "bool_parsing": ("bool_parsing", "Send `true` or `false`."),
    "list_type": ("list_type", 'Send a list, in brackets: ["…"].'),
    "json_invalid": ("malformed_json", "This is not JSON."),
}


DETAIL_TEMPLATES = [template for _code, template in _CODES.values()]


def build_pointed_errors(errors: Any) -> list[dict[str, str]]:
    """Convert pydantic's first errors to the `errors` of a problem, with JSON pointers."""
    pointed_errors = []
    for error in islice(errors, MAX_ERRORS):
        pointer = "".join(f"/{escape_pointer_part(part)}" for part in error["loc"])
        pointed_errors.append(build_pointed_error(pointer, *_describe_error(error)))
    return pointed_errors


def _describe_error(error: Any) -> tuple[str, str]:
    """Return the code and the sentence of one of pydantic's errors."""
    values = error.get("ctx", {})
    if error["type"] not in _CODES:
        # A validator of ours hands a message over as a value, so that it keeps its template.
        messages = [value for value in values.values() if isinstance(value, Message)]
        return error["type"], messages[0] if messages else f"{error['msg'].rstrip('.')}."
    code, template = _CODES[error["type"]]
    if "expected" in values:
        values = {"expected": values["expected"].replace(" or ", ", ").replace("'", "`")}
    return code, Message(template, hint=Message(VOCABULARY_HINT), **values)


def escape_pointer_part(part: Any) -> str:
    """Escape a part of a JSON pointer (RFC 6901 section 3): a field may have any name."""
    return str(part).replace("~", "~0").replace("/", "~1")


class MalformedJson(Problem):
    status, code, title = 400, "malformed_json", "The body is not acceptable JSON"


class BadDatetime(Problem):
    status, code, title = 400, "bad_datetime", "The moment asked for cannot be read"


class Unauthenticated(Problem):
    status, code, title = 401, "unauthenticated", "A key is needed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "This key may not do that"


class OutOfScope(Forbidden):
    code, title = "out_of_scope", "This key is limited to other routes"


class NotFound(Problem):
    status, code, title = 404, "not_found", "Not found"


class NotInFiles(Problem):
    """A count over personal dimensions on a server that has only public count files."""

    status, code, title = 404, "not_in_files", "Not in count files"

    def __init__(self) -> None:
        super().__init__(
            "This server counts from count files, which have nothing personal: neither where nor how old. Ask the "
            "registry itself, or leave these terms out."
        )


class Moved(Problem):
    """Not a client error: the id was absorbed by another (308 Permanent Redirect, RFC 9110 15.4.9)."""

    status, code, title = 308, "moved", "This id was absorbed by another"

    def __init__(self, absorbed_id: object, current_id: object) -> None:
        super().__init__("Follow the Location header: this record is part of another now.")
        self.absorbed_id, self.current_id = str(absorbed_id), str(current_id)


class Conflict(Problem):
    status, code, title = 409, "conflict", "Conflicts with what stands"


class NewSpellNeedsNewRecord(Conflict):
    code, title = "new_spell_needs_new_record", "A new detention needs a new case number"


class AnotherPerson(Conflict):
    code, title = "another_person", "A case number stays with its person"


class ListsWaiting(Conflict):
    code, title = "lists_waiting", "Other lists of yours are not through yet"


class Redacted(Conflict):
    code, title = "redacted", "This record was erased"


class ContradictsDecisions(Conflict):
    code, title = "contradicts_decisions", "Curators have decided otherwise"


class ConflictingBirths(Conflict):
    code, title = "conflicting_births", "These two were born on different days"


class AlreadyExists(Conflict):
    code, title = "already_exists", "Already exists"


class ObjectionArrived(Conflict):
    """A decision does not name all objections about its person. `objections`: the ids of the others."""

    code, title = "objection_arrived", "There is an objection that this decision does not name"

    def __init__(self, objections: Sequence[str]) -> None:
        super().__init__(
            "There are more objections about this person than the decision names. Read them at /v1/objections, and "
            "name in `objections` all that you answer.",
            objections=list(objections),
        )


class RulesChanged(Problem):
    """The requested numbers were counted under rules that are no longer in force.

    `today`: the address of today's count. `archive`: addresses of the archived count files of these rules, of their SQL
    and of the counts that moved, if there is an archive.
    """

    status, code, title = 410, "rules_changed", "Counted under earlier rules"

    def __init__(
        self, requested_rules: int, current_rules: int, today: str, archive: Mapping[str, str] | None = None
    ) -> None:
        detail = Message(
            "This number was counted under rules {asked}, and this registry now counts under rules {today}. Ask "
            "`today` for the same count under today's rules.",
            asked=requested_rules,
            today=current_rules,
        )
        if archive is not None:
            files = Message("Recompute the number of rules {asked} from the files at `archive`.", asked=requested_rules)
            detail = Message("{detail} {files}", detail=detail, files=files)
        super().__init__(
            detail,
            rules={"asked": requested_rules, "today": current_rules},
            address=today,  # the name that this member and that of a lost revision have in common
            today=today,
        )
        if archive is not None:
            self.extra["archive"] = archive


class RevisionLost(Problem):
    """The revision of the address is not in this registry, or is another entry here.

    It was lost when an earlier copy of the database was restored. `address`: of today's response.
    """

    status, code, title = 410, "revision_lost", "This revision was lost"

    def __init__(self, revision: int, address: str) -> None:
        super().__init__(
            Message(
                "The revision {revision} that this address names is not in this registry: it was lost when an earlier "
                "copy of the database was put back, or the address was not copied whole. Today's answer stands at "
                "`address`, and may be another than the one that was cited.",
                revision=revision,
            ),
            address=address,
        )


class PreconditionFailed(Problem):
    status, code, title = 412, "precondition_failed", "The record has changed since you read it"


class Invalid(Problem):
    """Well-formed, but not valid; `errors` points at each place."""

    status, code, title = 422, "invalid", "The request is not valid"

    def __init__(self, detail: str, *errors: dict[str, str], **extra: Any) -> None:
        super().__init__(detail, errors=list(errors), **extra)

    @classmethod
    def at_pointer(cls, pointer: str, code: str, detail: str) -> Self:
        return cls(detail, build_pointed_error(pointer, code, detail))


class ClaimRequired(Invalid):
    code, title = "file_a_claim", "Nobody can be told apart by this"


class AgeNeedsDay(Invalid):
    code, title = "age_needs_day", "Whether this was a child depends on the day of the age"


class AheadOfHead(Invalid):
    code, title = "ahead_of_head", "The registry has not come that far"


class IdempotencyMismatch(Invalid):
    code, title = "idempotency_mismatch", "This Idempotency-Key was used with another body"


class TakesTooLong(Invalid):
    code, title = "takes_too_long", "This question takes too long"


class TooManyRequests(Problem):
    """Too many requests of one key or client. The headers say when to go on."""

    status, code, title = 429, "too_many_requests", "Too many requests"


class Busy(Problem):
    """Too many requests of all clients together. The headers say when to try again."""

    status, code, title = 429, "busy", "Too much is asked at once"


class Unavailable(Problem):
    status, code, title = 503, "unavailable", "Not ready"


class OutcomeUnknown(Problem):
    """COMMIT was sent to the database, and no response came back."""

    status, code, title = 503, "perhaps_stored", "Stored or not: nobody knows"

    def __init__(self) -> None:
        super().__init__(
            "The line to the database broke while this was being stored: it may have been stored, or not. Send the "
            "same again, with the same case number or Idempotency-Key: it is stored once.",
            headers={"Retry-After": RETRY_AFTER},
        )


class ClockJumped(Problem):
    """This entry and all later ones would have a wrong date. `reason`: a sentence that names the wrong clock."""

    status, code, title = 503, "clock_jumped", "The server's clock is wrong"

    def __init__(self, reason: str) -> None:
        super().__init__(
            Message(
                "Nothing was stored, for it would be dated wrongly: {reason} Send the same again later.", reason=reason
            ),
            headers={"Retry-After": RETRY_AFTER},
        )


class Frozen(Problem):
    """The registry is frozen (`log/freeze.py`). `until`: when the freeze ends by itself, if it does."""

    status, code, title = 503, "frozen", "The registry is frozen"

    def __init__(self, until: str | None, retry_after_seconds: int) -> None:
        end = "The freeze ends at {until}, or when" if until else "It stays so until"
        super().__init__(
            Message(
                "Nothing was stored: this registry is frozen, and accepts only what hides, erases or revokes, and "
                "objections. {end} an administrator ends it. Send the same again afterwards.",
                end=Message(end, until=until),
            ),
            headers={"Retry-After": str(retry_after_seconds)},
            until=until,
        )


class PayloadTooLarge(Problem):
    status, code, title = 413, "payload_too_large", "Payload too large"


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported_media_type", "This media type is not read here"

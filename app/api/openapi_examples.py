"""Attach recorded examples to the OpenAPI document.

The people are invented, the published figures are real. `python -m tests.api.openapi.record` writes
`openapi_examples.json` from the demo registry, and a test compares it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from app.api.openapi_components import SCHEMA_REF, get_json_name
from app.api.problems import INTERNAL_ERROR, TAKES_TOO_LONG_DETAIL
from app.errors import (
    Busy,
    ClockJumped,
    ListsWaiting,
    NotInFiles,
    ObjectionArrived,
    OutcomeUnknown,
    Problem,
    TakesTooLong,
    TooManyRequests,
    Unavailable,
)
from app.imports.filing.import_store import TOO_MANY_WAITING_MESSAGE
from app.lanes import build_busy_error
from app.log.head import RowsMismatch
from app.log.mark import LogWentBackwards
from app.projection import ROWS_VERSION

Node = dict[str, Any]
EXAMPLES_FILE = Path(__file__).with_name("openapi_examples.json")
# Errors that a recording cannot cause without breaking or overloading the server.
UNRECORDED_PROBLEMS: Node = {
    Problem.code: INTERNAL_ERROR,
    Unavailable.code: Unavailable("The registry is busy. Nothing was stored: try again.").body(),
    OutcomeUnknown.code: OutcomeUnknown().body(),
    ClockJumped.code: ClockJumped(
        "this machine's clock has jumped ahead by 21 days, 0:00:00, or is so far from the database's. Whoever runs the "
        "registry: set the clock. If it is right, as after the machine was paused, start the server again."
    ).body(),
    TooManyRequests.code: TooManyRequests(
        "At most 1200 requests a minute are answered for one client: go on in 12 s, and more slowly."
    ).body(),
    Busy.code: build_busy_error().body(),
    ObjectionArrived.code: ObjectionArrived(["d166edfb-c5ea-54b0-8d0b-ec296122793b"]).body(),
    ListsWaiting.code: ListsWaiting(TOO_MANY_WAITING_MESSAGE).body(),
    TakesTooLong.code: TakesTooLong(TAKES_TOO_LONG_DETAIL).body(),
    RowsMismatch.code: RowsMismatch(ROWS_VERSION._replace(projection=1), ROWS_VERSION).body(),
    LogWentBackwards.code: LogWentBackwards().body(),
    NotInFiles.code: NotInFiles().body(),
}


@cache
def load_recorded_examples() -> Node:
    """`bodies`: operation → media type → name → body; `answers`: operation → status → media type → name → answer;
    `problems`: code → answer."""
    examples: Node = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    return examples


def build_refusal_examples() -> Node:
    """Return an example of every error code."""
    return {
        code: {"value": answer}
        for code, answer in sorted({**load_recorded_examples()["problems"], **UNRECORDED_PROBLEMS}.items())
    }


def attach_examples(operation: Node, components: Node) -> None:
    """Attach recorded examples to the body of an operation, and to the answer that was recorded first.

    Operations that answer in the same shape share an example: the component with the name of the shape.
    """
    recorded = load_recorded_examples()
    for media, examples in recorded["bodies"].get(get_json_name(operation), {}).items():
        operation["requestBody"]["content"][media]["examples"] = _take_first(examples)
    for status, answers in [*recorded["answers"].get(operation["operationId"], {}).items()][:1]:
        for media, examples in answers.items():
            content = operation["responses"][status]["content"][media]
            content["examples"] = _take_first(examples)
            shape = content["schema"].get("$ref", "").removeprefix(SCHEMA_REF)
            if shape:
                components.setdefault(shape, content["examples"]["example"])
                content["examples"] = {"example": {"$ref": f"#/components/examples/{shape}"}}


def _take_first(examples: Node) -> Node:
    return {"example": {"value": next(iter(examples.values()))}}

"""The examples of bodies and answers: what was really sent and answered, with invented people and published figures.

`examples.json` is written by `python -m tests.openapi.record`, which plays a scene on the demo's registry; a test plays
it again and holds every answer against it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from app.api.lanes import BUSY
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

Node = dict[str, Any]
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

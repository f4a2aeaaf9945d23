"""Ask an app whatever its own document allows, and what it does not, and hold each answer against that document.

Schemathesis draws what is asked: values as the document describes them and values it refuses, and sequences in which
an answer's ids are asked for. No answer may be a server error, and each must have a status, a content type, headers and
a shape that its operation declares.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import schemathesis
from schemathesis.engine import events, from_schema
from schemathesis.python.asgi import shutdown_lifespans

from app.api.openapi import DESK_OPENAPI_PATH, OPENAPI_PATH
from app.projection import RULES
from app.queries.parameters import write_cursor
from tests.support import GOVERNMENT, World

# None: no key. The first has the most to gain from what is filed, so whoever has little time asks as that one.
ROLES = ("foro", "curator", "admin", GOVERNMENT, "reader", None)
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
)
# `coverage` tries the edges of each parameter and field in turn: some ten thousand cases. The others are drawn.
DRAWN = ("fuzzing", "stateful")
EDGES = ("coverage",)
# How often a parameter has a value that means something here. Without them nearly every question is refused at once;
# with them alone nothing strange would be asked.
MEANT = 0.9
MOST_PARAMETERS = 4

# Parameters and fields that are days.
DAYS = (
    "detained_from", "detained_to", "released_from", "released_to", "held_on", "detained_on", "released_on",
    "announced_on", "ordered_on", "verified_on", "published_on", "given_on", "stated_at", "window_from", "window_to",
)  # fmt: skip
POINTERS = ("detainee_id", "detention_id", "release_id")

Node = dict[str, Any]


@dataclass
class Outcome:
    """What came of the cases of a run: `failures` are descriptions, each with how to ask again."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fuzzed:
    """An app with somebody and something in its registry. `words`: values that mean something, by parameter."""

    world: World
    words: dict[str, list[Any]]

    def ask(self, role: str | None, seed: int, phases: tuple[str, ...], examples: int, most: int) -> Outcome:
        """Ask about `most` cases of each document under a role's key, `examples` drawn ones of each operation."""
        outcome = Outcome()
        for path in (OPENAPI_PATH, DESK_OPENAPI_PATH):
            config = self._config(role, seed, phases, examples)
            self._ask_by(schemathesis.openapi.from_asgi(path, self.world.app, config=config), outcome, most)
        return outcome

    def _ask_by(self, document: schemathesis.BaseSchema, outcome: Outcome, most: int) -> None:
        self._give_meaning(document)
        document = document.exclude(path="/v1/freeze")  # afterwards every write is refused with 503
        most += outcome.cases
        asked = from_schema(document).execute()
        for event in asked:
            if isinstance(event, events.ScenarioFinished):
                _add(outcome, event)
                if outcome.cases >= most:
                    asked.stop()
            elif isinstance(event, events.NonFatalError):
                outcome.failures[f"{event.label}: could not be asked"] = repr(event.value)
            elif isinstance(event, events.FatalError):
                raise event.exception

    def _config(self, role: str | None, seed: int, phases: tuple[str, ...], examples: int) -> schemathesis.Config:
        return schemathesis.Config.from_dict(
            {
                "seed": seed,
                "headers": self.world.headers(role),
                "generation": {"max-examples": examples, "no-shrink": True},
                "checks": {"enabled": False, **{check: {"enabled": True} for check in CHECKS}},
                "phases": {phase: {"enabled": phase in phases} for phase in ("examples", *EDGES, *DRAWN)},
            }
        )

    def _give_meaning(self, document: schemathesis.BaseSchema) -> None:
        @document.hook
        def map_query(_context: schemathesis.HookContext, query: Node | None) -> Node | None:
            """A few of the parameters that were drawn: with all of them one is nearly always wrong, a leaf always."""
            if not query:
                return query
            choice = _choice(query)
            names = [name for name in sorted(query) if name != "leaf" or choice.random() > MEANT]
            few = choice.sample(names, min(len(names), MOST_PARAMETERS))
            return {name: self._meant(name, query[name], choice) for name in few}

        @document.hook
        def map_path_parameters(_context: schemathesis.HookContext, path_parameters: Node | None) -> Node | None:
            if not path_parameters:
                return path_parameters
            choice = _choice(path_parameters)
            return {name: self._meant(name, value, choice) for name, value in path_parameters.items()}

        @document.hook
        def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
            """A body that points at one thing where it was drawn to point at several, which is refused."""
            choice = _choice(body)
            if isinstance(body, dict) and choice.random() < MEANT:
                more = [name for name in POINTERS if name in body][1:]
                body = {name: value for name, value in body.items() if name not in more}
            return self._meant("", body, choice)

    def _meant(self, name: str, drawn: Any, choice: Random) -> Any:
        """What was drawn under a name, with values that mean something in most places."""
        if isinstance(drawn, dict):
            return {key: self._meant(key, value, choice) for key, value in drawn.items()}
        if isinstance(drawn, list):
            return [self._meant(name, value, choice) for value in drawn]
        if choice.random() > MEANT:
            return drawn
        if name in self.words:
            return choice.choice(self.words[name])
        return "".join(filter(str.isprintable, drawn)) if isinstance(drawn, str) else drawn


def _choice(drawn: Any) -> Random:
    """The same for the same that was drawn, so that a seed gives the same cases again."""
    return Random(repr(drawn))


def _add(outcome: Outcome, event: events.ScenarioFinished) -> None:
    for interaction in event.recorder.interactions.values():
        outcome.cases += 1
        if interaction.response is not None:
            outcome.statuses[interaction.response.status_code] += 1
    for checks in event.recorder.checks.values():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                name = f"{event.label}: {failure.title}: {failure.message}"
                outcome.failures.setdefault(name, check.failure_info.code_sample)


@contextmanager
def fuzzed(world: World) -> Iterator[Fuzzed]:
    """A world that was not started, with a few people, a list, figures and objections in it."""
    with world:
        words = _words(_fill(world))
    try:
        yield Fuzzed(world, words)
    finally:
        shutdown_lifespans()


def _fill(world: World) -> Node:
    """File some of everything; the ids of it, by parameter."""
    world.add_facility()
    first = world.file("foro", source_record_id="F-1")
    named = world.file("jep", detainee__full_name="Luz Marina Peña Toro", detainee__birth_date="1966-03-04")
    world.file(GOVERNMENT, detainee__full_name="Rosa Ibarra Luna", detainee__birth_date="1980", release__kind="pardon")
    held = world.file_detention("pud", detainee__full_name="Iris Otero Salas", detainee__birth_date="1990-02")
    world.verify(first["release"]["id"], "jep", verdict="verified", method="lawyer")
    sent = world.send_list("caso,nombre,país,detenido el\nL-1,Abel Rivas Ojeda,VE,2025-04\nL-2,,VE,2025-13\n")
    claim = {"claimant": "foro", "measure": "released", "qualifier": "more_than", "said": 1, "country": "VE"}
    filed = world.post("/v1/claims", {**claim, "window_from": "2026-01", "stated_at": "2026-02-01"}, "foro").json()
    judged = world.judge(first["detainee"]["id"], held["detainee"]["id"], "different")
    world.consent(first["detainee"]["id"], "named")
    world.object_to(f"/v1/detainees/{named['detainee']['id']}")
    world.object_to(f"/v1/detainees/{held['detainee']['id']}", wish="correct", host="198.51.100.8")
    world.beat()
    (objection, *_) = world.get("/v1/objections", "curator").json()["data"]
    counted = world.count()
    return {
        "detainee_id": first["detainee"]["id"],
        "detention_id": held["detention"]["id"],
        "release_id": first["release"]["id"],
        "report_id": first["report"]["id"],
        "import_id": sent["id"],
        "claim_id": filed["id"],
        "a": first["detainee"]["id"],
        "b": named["detainee"]["id"],
        "decision_id": judged["id"],
        "objection_id": objection["id"],
        "code": counted["links"]["cite"].rpartition("/c/")[2],
    }


def _words(ids: Node) -> dict[str, list[Any]]:
    """Values that mean something, by the name of a parameter or a field."""
    sources, countries = ["foro", "jep", "pud", GOVERNMENT], ["VE", "CO"]
    days = ["2026", "2026-01", "2026-01-12", "2024-10-13", "2025-01-01/2026-01", "2026-02-28"]
    revisions = ["r0", "r5", "r12", "2026-03-01", "2026-03-01T12:00:00Z"]
    words: dict[str, list[Any]] = {name: [value] for name, value in ids.items()}
    words |= dict.fromkeys(("slug", "source", "verified_by", "not_verified_by", "lists", "claimant"), sources)
    words |= dict.fromkeys(("country", "nationality", "not_nationality", "nationalities"), countries)
    words |= dict.fromkeys(("as_of", "changed_since", "since"), revisions)
    words |= dict.fromkeys(DAYS, days)
    return words | {
        "zone": ["UTC", "-04:00", "+14:00"],
        "rules": [RULES],
        "cursor": [
            write_cursor("detainees by default", [5]),
            write_cursor("counted releases by released_on", [9, 1]),
            write_cursor("review", [9, 1, 0]),
        ],
        "facility": ["el-rodeo-i"],
        "area": ["Miranda"],
        "q": ["quintana", "rosa ibarra"],
        "min_sources": [1, 2],
        "sources": [0, 1, 2],
        "dependent": ["foro:jep"],
        "source_record_id": ["F-1", "F-2", "F-3"],
        "full_name": ["Tomás Aurelio Quintana Ribas", "Rosa Ibarra Luna", "Ana Ñáñez", "李明"],
        "birth_date": ["1971", "1980", "1990-02"],
        "url": ["https://example.org/list"],
        "about": [f"/v1/detainees/{ids['detainee_id']}"],
    }

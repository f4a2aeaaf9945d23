"""A scene on the demo's registry: every operation is asked once or more, and every refusal provoked.

What is sent and answered here are the examples of `openapi.json`. The figures are the published ones of January 2026,
the people are invented. Ids and fingerprints differ from one registry to the next, so examples have others in their
place; long lists are cut, which leaves them what they are: lists.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response

from app.counts.short_address import CITATION_PATH, build_short_address, parse_short_code
from app.db.engine import open_write_session
from app.demo import run as replay
from app.errors import PROBLEM_JSON
from app.log.entries import Pin
from app.main import ROUTERS, create_app
from app.moments import parse_revision
from app.queries.addresses import PIN_PARAMETERS
from app.queries.countables import find_countable_of_address
from app.registry import api_keys
from app.vocabulary import Role
from tests.replay import settings_for

Node = dict[str, Any]
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)  # after the last day of the replay
PATIENCE = 60.0  # seconds that a list may take
MOST_ITEMS = 1  # of a list in an example
MOST_FACTS = 1  # of a person, a detention or a release in an example
MOST_TEXT = 80
JSON = "application/json"
ROUTES = {route.name: route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FINGERPRINT = re.compile(r"\b[0-9a-f]{64}\b")
# Addresses hold the beginning of a fingerprint, openly or packed; the key of a BibTeX entry ends as its address does.
_LEAF = re.compile(r"(?<=leaf=)[0-9a-f]{16}")
_SHORT = re.compile(rf"(?<={CITATION_PATH})[A-Za-z0-9_-]+")
_KEY_OF_ENTRY = re.compile(r"(?<=@misc{recuento-)(\d+)-[A-Za-z0-9_-]{6}(?=,)")
LEAF = "9c1e6a3b70d5f284"  # that of every example
_NAMESPACE = uuid.UUID("2d1f7c3e-9a4b-4c56-8e0d-5b7a1c9f3e21")


@dataclass
class Stage:
    """Where the scene is played, and what was recorded of it."""

    client: TestClient
    app: FastAPI
    keys: dict[str, str]
    bodies: Node = field(default_factory=dict)
    answers: Node = field(default_factory=dict)
    problems: Node = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def recorded(self) -> Node:
        return {"bodies": self.bodies, "answers": self.answers, "problems": self.problems}

    def ask(self, operation: str, who: str | None = None, *ids: str, **asked: Any) -> Any:
        """Ask, and record the answer under `name`, unless that is None. `gives` is the status it must have. Sent is
        `body` (JSON), `content` (a file) or `form` (its parts); words with a hyphen are headers, others parameters."""
        name, status = asked.pop("name", "example"), asked.pop("gives", 200)
        sent: Node = {key: asked.pop(key) for key in ("body", "content", "form") if key in asked}
        headers = {key: asked.pop(key) for key in [*asked] if "-" in key}
        response = self._send(operation, who, ids, asked, sent, headers)
        assert response.status_code == status, f"{operation}: {response.status_code} {response.text}"
        media = response.headers["content-type"].partition(";")[0]
        if media == PROBLEM_JSON:
            problem = response.json()
            self.problems[problem["code"]] = self._shown(problem)
            return problem
        if name is None:
            return response.json()
        self._keep_body(operation, sent, name)
        answer = response.json() if media == JSON else response.text
        by_status = self.answers.setdefault(operation, {})
        by_status.setdefault(str(status), {}).setdefault(media, {})[name] = self._shown(answer)
        return answer

    def _send(
        self, operation: str, who: str | None, ids: tuple[str, ...], asked: Node, sent: Node, headers: Node
    ) -> Response:
        route = ROUTES[operation]
        parts = iter(ids)
        path = "".join(
            next(parts) if part.startswith("{") else part for part in re.split(r"({\w+})", route.path_format)
        )
        (method,) = route.methods or {"GET"}
        keyed = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        how: Node = {"params": asked, "headers": keyed | headers, "follow_redirects": False}
        if "form" in sent:
            how["files"] = {part: (part, text.encode()) for part, text in sent["form"].items()}
        elif "content" in sent:
            how["content"] = sent["content"].encode()
        elif "body" in sent:
            how["json"] = sent["body"]
        return self.client.request(method, path, **how)

    def _keep_body(self, operation: str, sent: Node, name: str) -> None:
        media = {"body": JSON, "content": "application/octet-stream", "form": "multipart/form-data"}
        for kind, value in sent.items():
            self.bodies.setdefault(operation, {}).setdefault(media[kind], {})[name] = self._shown(value)

    def settle(self, import_id: str) -> None:
        """Wait until a list is through."""
        until = monotonic() + PATIENCE
        while self._send("read_import", "reporter", (import_id,), {}, {}, {}).json()["finished_at"] is None:
            assert monotonic() < until, "a list is not through"
            sleep(0.02)

    def _shown(self, value: Any) -> Any:
        """A value as an example shows it."""
        if isinstance(value, dict):
            shown: Node = {key: "1a2b3c4d" if key == "key_id" else self._shown(item) for key, item in value.items()}
            if "facts" in shown:
                shown["facts"] = {name: shown["facts"][name] for name in [*shown["facts"]][:MOST_FACTS]}
            return shown
        if isinstance(value, list):
            return [self._shown(item) for item in value[:MOST_ITEMS]]
        if isinstance(value, str):
            text = _FINGERPRINT.sub(self._other, _ID.sub(self._other, _with_one_leaf(value)))
            return text if len(text) <= MOST_TEXT else text[:MOST_TEXT] + "…"
        return value

    def _other(self, found: re.Match[str]) -> str:
        """Another id or fingerprint, always the same one for the same."""
        if found[0] not in self._known:
            number = str(len(self._known))
            new = hashlib.sha256(number.encode()).hexdigest() if "-" not in found[0] else ""
            self._known[found[0]] = new or str(uuid.uuid5(_NAMESPACE, number))
        return self._known[found[0]]


def _with_one_leaf(text: str) -> str:
    text = _SHORT.sub(lambda found: _repacked(found[0]), _LEAF.sub(LEAF, text))
    ends = _SHORT.search(text)
    return text if ends is None else _KEY_OF_ENTRY.sub(lambda found: f"{found[1]}-{ends[0][-6:]}", text)


def _repacked(code: str) -> str:
    noun, pairs = parse_short_code(code)
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name not in PIN_PARAMETERS:
            given.setdefault(name, []).append(value)
    countable = find_countable_of_address(noun, given)
    assert countable is not None
    return build_short_address(given, Pin(parse_revision(dict(pairs)["as_of"]) or 0, LEAF), countable).removeprefix(
        CITATION_PATH
    )


@contextmanager
def stage(address: str) -> Iterator[Stage]:
    """The stage on a copy of the demo's database, which is written to."""
    app = create_app(settings_for(address))
    app.state.clock = lambda: NOW
    with open_write_session(app.state.engine) as session:
        given = {"reporter": replay.create_guest_key(session, NOW)}
        for role in (Role.READER, Role.CURATOR, Role.ADMIN):
            given[role.value] = api_keys.create_key(session, role, None, 30, NOW, "Ana Pérez")
        given["limited"] = api_keys.create_key(session, Role.READER, None, 30, NOW, "Ana Pérez", ["GET /v1/me"])
        given["second_curator"] = api_keys.create_key(session, Role.CURATOR, None, 30, NOW, "Luis Ortega")
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Stage(client, app, given)


def written(recorded: Node) -> str:
    """The examples as their file holds them."""
    return json.dumps(recorded, ensure_ascii=False, indent=1) + "\n"

"""Hostile requests (hostile.toml), each with the answer that it must have; the registry stores nothing of them."""

import base64
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from httpx2 import Request, Response

from app.db.engine import open_write_session
from app.models import ApiKey
from app.registry import api_keys
from app.vocabulary import Role
from tests.support import Body, World

GROUPS: list[Body] = tomllib.loads(Path(__file__).with_name("hostile.toml").read_text(encoding="utf-8"))["group"]
# What an Idempotency-Key was used with.
USED: Body = {"detainee": {"full_name": "Ana Luz Paz"}, "detention": {"country": "VE"}, "release": {}}
# `⟪x×3⟫` in the data is `xxx`.
_TIMES = re.compile(r"⟪(.+?)×(\d+)⟫", re.DOTALL)
_KNOWN = re.compile(r"\$(\w+)")


def _cases() -> Iterator[Body]:
    """Each case with what its group says of all its cases."""
    for group in GROUPS:
        common = {name: value for name, value in group.items() if name != "cases"}
        for case in group["cases"]:
            yield {**common, **case, "is": f"{group['is']}: {case['is']}"}


CASES = [*_cases()]


class Attack:
    """Sends cases to a registry with one person, a list, an objection and a decision in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.add_facility()
        filed = world.file(source_record_id="F-1")
        other = world.file("jep", detainee__full_name="Luz Marina Peña Toro", detainee__birth_date="1966-03-04")
        world.object_to(f"/v1/detainees/{other['detainee']['id']}")
        world.beat()
        world.post("/v1/releases", USED, "foro", **{"Idempotency-Key": "used"})
        self.known = {
            **world.keys,
            **{name: filed[name]["id"] for name in ("detainee", "detention", "release", "report")},
            "other": other["detainee"]["id"],
            "import": world.send_list("nombre,país\nRosa Ibarra,VE\n", dry_run=True)["id"],
            "decision": world.judge(filed["detainee"]["id"], other["detainee"]["id"], "different")["id"],
            "objection": world.get("/v1/objections", "curator").json()["data"][0]["id"],
            **{f"cursor_of_{name}": self._cursor(name) for name in ("sources", "releases")},
            "tag": world.get(f"/v1/reports/{filed['report']['id']}", "foro").headers["etag"].strip('"'),
            **self._wrong_keys(),
        }

    def _cursor(self, name: str) -> str:
        following: str = self.world.get(f"/v1/{name}", limit=1).json()["next"]
        return following.partition("cursor=")[2].partition("&")[0]

    def _wrong_keys(self) -> dict[str, str]:
        with open_write_session(self.world.engine) as session:
            key = api_keys.create_key(session, Role.ADMIN, None, 365, self.world.now)
            session.delete(session.get_one(ApiKey, key[4:12]))
        return {"nobody": key, "mistyped": key[:-1] + ("1" if key.endswith("0") else "0")}

    def send(self, case: Body) -> Response:
        method, _space, target = self._text(case["send"]).partition(" ")
        headers = [(name, self._text(value).encode()) for name, value in case.get("headers", [])]
        if case.get("as"):
            headers.append(("Authorization", f"Bearer {self.world.keys[case['as']]}".encode()))
        body = base64.b64decode(case["base64"]) if "base64" in case else self._text(case.get("body", "")).encode()
        path = quote(target.partition("?")[0].replace("//", "/"), safe="/%")
        as_written = {"target": target.encode()}
        request = Request(method, f"http://testserver{path}", headers=headers, content=body, extensions=as_written)
        return self.world.client.send(request)

    def _text(self, text: str) -> str:
        """A text of the data, with what it repeats and with the ids and keys that it names."""
        repeated = _TIMES.sub(lambda found: found[1] * int(found[2]), text)
        return _KNOWN.sub(lambda found: self.known.get(found[1], found[0]), repeated)


def _differs(answer: Response, expected: str) -> str | None:
    """What is wrong with an answer: `expected` is a status, and of a refusal a code and a pointer if need be."""
    status, _space, more = expected.partition(" ")
    if answer.status_code != int(status):
        return f"{answer.status_code} for {expected}: {answer.text[:300]}"
    if answer.status_code < 400:
        return "somebody" if more == "nobody" and answer.json()["data"] else None
    if answer.headers["content-type"] != "application/problem+json":
        return f"no problem: {answer.headers['content-type']}"
    problem: dict[str, Any] = answer.json()
    code, _space, pointer = more.partition(" ")
    places = problem.get("errors", [])
    if code and code not in {problem["code"], *(place["code"] for place in places)}:
        return f"{problem['code']} for {expected}: {answer.text[:300]}"
    if pointer and pointer not in {place["pointer"] for place in places}:
        return f"elsewhere than {expected}: {answer.text[:300]}"
    return None


def test_every_hostile_request_is_answered_as_it_must_be_and_leaves_nothing(
    world: World, subtests: pytest.Subtests
) -> None:
    attack = Attack(world)
    before = world.get("/v1/releases").json()
    with world.storing_nothing():
        for case in CASES:
            with subtests.test(case["is"]):
                assert _differs(attack.send(case), case["expect"]) is None
    assert world.get("/v1/releases").json() == before
    assert world.file(detainee__full_name="Iris Otero Salas")["release"]["status"] == "verified"


def test_there_are_three_hundred_hostile_requests_and_each_has_a_name_of_its_own() -> None:
    names = [case["is"] for case in CASES]
    assert len(names) >= 300
    assert len({*names}) == len(names)

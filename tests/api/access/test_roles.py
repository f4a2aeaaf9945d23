"""Who may do what: every route and method, for every kind of caller. A route that is missing here fails a test."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import update

from app.api.table_routes import TABLE_ENDING
from app.db.engine import open_write_session
from app.main import list_described_routes
from app.models import ApiKey
from tests.support import GOVERNMENT, Body, World, make_report

# The owner is the source whose report it is; a foreign reporter is any other.
CALLERS = {
    "public": None,
    "owner": "foro",
    "foreign": "jep",
    "reader": "reader",
    "curator": "curator",
    "admin": "admin",
}

ANYONE = (200, 200, 200, 200, 200, 200)
#         public owner foreign reader curator admin
FILES = (401, 201, 201, 403, 403, 403)
OWNS = (401, 200, 404, 403, 403, 403)
ADMIN = (401, 403, 403, 403, 403, 201)
CURATOR = (401, 403, 403, 403, 201, 403)
ADMIN_ACTS, CURATOR_ACTS = (401, 403, 403, 403, 403, 200), (401, 403, 403, 403, 200, 403)

TABLE: dict[tuple[str, str], tuple[int, ...]] = {
    ("GET", "/v1"): ANYONE,
    ("GET", "/v1/counts/releases"): ANYONE,
    ("GET", "/v1/counts/detentions"): ANYONE,
    ("GET", "/v1/counts/held"): ANYONE,
    ("GET", "/v1/counts/series"): ANYONE,
    ("GET", "/v1/counts/overlap"): ANYONE,
    ("GET", "/v1/estimates/releases"): ANYONE,
    ("GET", "/v1/timemaps/releases"): ANYONE,
    ("GET", "/v1/timemaps/detentions"): ANYONE,
    ("GET", "/v1/timemaps/held"): ANYONE,
    ("GET", "/c/{code}"): ANYONE,
    ("GET", "/v1/releases"): ANYONE,
    ("POST", "/v1/releases"): FILES,
    ("GET", "/v1/releases/{release_id}"): ANYONE,
    ("GET", "/v1/releases/{release_id}/verifications"): ANYONE,
    # The owner's verdict is the next version of its report there.
    ("POST", "/v1/releases/{release_id}/verifications"): (401, 200, 201, 403, 403, 403),
    ("GET", "/v1/detentions"): ANYONE,
    ("GET", "/v1/held"): ANYONE,
    ("POST", "/v1/detentions"): FILES,
    ("GET", "/v1/detentions/{detention_id}"): ANYONE,
    ("GET", "/v1/detentions/{detention_id}/verifications"): ANYONE,
    ("GET", "/v1/detainees"): ANYONE,
    ("GET", "/v1/detainees/{detainee_id}"): ANYONE,
    ("GET", "/v1/detainees/{detainee_id}/history"): ANYONE,
    ("POST", "/v1/detainees/{detainee_id}/consent"): CURATOR_ACTS,
    ("POST", "/v1/detainees/{detainee_id}/redaction"): ADMIN_ACTS,
    ("GET", "/v1/reports"): (401, 200, 200, 403, 403, 403),
    ("GET", "/v1/reports/{report_id}"): OWNS,
    ("PATCH", "/v1/reports/{report_id}"): OWNS,
    ("POST", "/v1/reports/{report_id}/retract"): OWNS,
    ("GET", "/v1/waiting"): (401, 200, 200, 403, 200, 200),
    # Deleted by the owner, it is gone for the administrator.
    ("DELETE", "/v1/waiting/{waiting_id}"): (401, 200, 404, 403, 403, 404),
    ("GET", "/v1/me"): (401, 200, 200, 200, 200, 200),
    ("GET", "/v1/sources"): ANYONE,
    ("POST", "/v1/sources"): ADMIN,
    ("GET", "/v1/sources/{slug}"): ANYONE,
    ("GET", "/v1/sources/{slug}/balance"): ANYONE,
    ("PATCH", "/v1/sources/{slug}"): (401, 403, 403, 403, 403, 200),
    ("GET", "/v1/facilities"): ANYONE,
    ("POST", "/v1/facilities"): CURATOR,
    ("GET", "/v1/facilities/{slug}"): ANYONE,
    ("PATCH", "/v1/facilities/{slug}"): (401, 403, 403, 403, 200, 403),
    ("GET", "/v1/claims"): ANYONE,
    ("POST", "/v1/claims"): (401, 201, 201, 403, 201, 403),
    ("GET", "/v1/claims/{claim_id}"): ANYONE,
    ("PATCH", "/v1/claims/{claim_id}"): (401, 200, 403, 403, 403, 403),
    ("POST", "/v1/claims/{claim_id}/retract"): (401, 200, 404, 403, 404, 403),
    ("POST", "/v1/claims/{claim_id}/confirmation"): CURATOR,
    ("GET", "/v1/claims/{claim_id}/reconciliation"): ANYONE,
    ("POST", "/v1/imports"): (401, 202, 202, 403, 403, 403),
    ("GET", "/v1/imports"): (401, 200, 200, 403, 403, 403),
    ("GET", "/v1/imports/{import_id}"): OWNS,
    ("GET", "/v1/imports/{import_id}/rows"): OWNS,
    ("POST", "/v1/imports/{import_id}/undo"): (401, 200, 404, 403, 403, 403),
    ("POST", "/v1/match"): (401, 200, 200, 200, 200, 200),
    ("POST", "/v1/match/list"): (401, 200, 200, 200, 200, 200),
    ("GET", "/v1/corrections"): ANYONE,
    ("GET", "/v1/corrections.atom"): ANYONE,
    ("GET", "/v1/vocabulary"): ANYONE,
    ("POST", "/v1/identity"): CURATOR,
    ("DELETE", "/v1/identity/{decision_id}"): (401, 403, 403, 403, 200, 403),
    ("POST", "/v1/recalls"): ADMIN_ACTS,
    ("GET", "/v1/review"): (401, 403, 403, 403, 200, 403),
    ("GET", "/v1/review/batches"): (401, 403, 403, 403, 200, 403),
    ("GET", "/v1/review/batches/reports"): (401, 403, 403, 403, 200, 403),
    ("POST", "/v1/review/batches"): CURATOR_ACTS,
    ("GET", "/v1/proposals"): (401, 200, 200, 403, 200, 200),
    ("POST", "/v1/proposals/agreement"): (401, 404, 404, 403, 404, 403),
    ("DELETE", "/v1/proposals/{proposal_id}"): (401, 403, 403, 403, 404, 403),
    # No key is needed; what a key may do counts for nothing.
    ("POST", "/v1/objections"): (202, 202, 202, 202, 202, 202),
    ("GET", "/v1/objections"): (401, 403, 403, 403, 200, 403),
    ("POST", "/v1/objections/{objection_id}/decision"): (401, 403, 403, 403, 202, 403),
    ("POST", "/v1/freeze"): (401, 403, 403, 403, 200, 200),
    ("DELETE", "/v1/freeze"): (401, 403, 403, 403, 403, 200),
    ("GET", "/healthz"): ANYONE,
    ("GET", "/readyz"): ANYONE,
}

CLAIM: Body = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116}
CONSENT: Body = {"publish": "anonymous", "given_by": "the person", "given_on": "2026-02-01"}

# What stands behind the id of someone who is only counted: partners and curators, nobody else.
OF_THE_COUNTED = (
    "/v1/detainees/{detainee_id}",
    "/v1/detainees/{detainee_id}/history",
    "/v1/detentions/{detention_id}",
    "/v1/detentions/{detention_id}/verifications",
    "/v1/releases/{release_id}",
    "/v1/releases/{release_id}/verifications",
)


@dataclass
class Scene:
    """A world with one of everything, filed by the owner."""

    world: World
    ids: dict[str, str]

    def send(self, method: str, path: str, caller: str) -> Response:
        address = path.format(**self.ids, slug="el-rodeo-i" if "facilities" in path else "pud")
        address += "?source=pud&batch_kind=releases" if path.endswith("/batches/reports") else ""
        body = self._body(method, path, caller)
        headers = self.world.headers(CALLERS[caller])
        answer = self.world.client.request(method, address, json=body, headers=headers)
        self.world.settle()
        return answer

    def _body(self, method: str, path: str, caller: str) -> Any:
        """A good body for every route that takes one; nobody's equals another's."""
        if method == "PATCH":
            return {"note": f"by {caller}"} if "reports" in path or "claims" in path else {"name": f"Named by {caller}"}
        if method != "POST":
            return None
        person = f"{caller.title()} Nobody-Known"
        bodies: dict[str, Body | None] = {
            "/v1/releases": make_report(detainee__full_name=person),
            "/v1/detentions": make_report(detainee__full_name=person, release=None),
            "/v1/releases/{release_id}/verifications": {"verdict": "verified", "method": "lawyer"},
            "/v1/detainees/{detainee_id}/consent": CONSENT,
            "/v1/detainees/{detainee_id}/redaction": {"reason": "asked for by the family"},
            "/v1/reports/{report_id}/retract": {"reason": "another man"},
            "/v1/sources": {"slug": caller, "name": caller, "kind": "ngo"},
            "/v1/facilities": {"slug": caller, "name": caller, "kind": "prison", "country": "VE"},
            "/v1/imports": {"detainee": {"full_name": person}, "detention": {"country": "VE"}},
            "/v1/imports/{import_id}/undo": None,
            "/v1/match": {"detainee": {"full_name": person}, "detention": {"country": "VE"}},
            "/v1/match/list": {"detainee": {"full_name": person}, "detention": {"country": "VE"}},
            "/v1/claims": CLAIM,
            "/v1/claims/{claim_id}/confirmation": None,
            "/v1/claims/{claim_id}/retract": None,
            "/v1/freeze": None,
            "/v1/objections": {"about": f"/v1/detainees/{self.ids['detainee_id']}", "wish": "hide"},
            "/v1/objections/{objection_id}/decision": {"decision": "dismissed", "reason": "another man"},
            "/v1/recalls": {"key_id": self.world.keys["pud"][4:12], "since": "2026-01-01T00:00:00Z"},
            "/v1/review/batches": {"source": "foro", "kind": "releases", "until": 1_000, "decision": "approved"},
            "/v1/identity": {**self.pair, "judgement": "same", "reason": "the same mother"},
            "/v1/proposals/agreement": {"proposals": [str(uuid.UUID(int=0))]},
        }
        return bodies[path]

    @property
    def pair(self) -> Body:
        return {"a": self.ids["detainee_id"], "b": self.ids["other_id"]}


def set_scene(world: World, **changes: Any) -> Scene:
    world.add_facility()
    filed = world.file("foro", **changes)
    other = world.file("pud", detainee__full_name="Zoraida Montilla", detainee__gender="female")
    third = world.file("pud", detainee__full_name="Ulises Barrios")
    claim = world.post("/v1/claims", CLAIM, "foro").json()
    sent = world.post("/v1/imports?dry_run=true", {"detention": {"country": "VE"}}, "foro").json()
    world.settle()
    world.object_to(f"/v1/detainees/{third['detainee']['id']}", wish="not_missing")  # which hides nobody
    world.beat()
    return Scene(
        world,
        {
            **{f"{thing}_id": filed[thing]["id"] for thing in ("report", "detainee", "detention", "release")},
            "other_id": other["detainee"]["id"],
            "claim_id": claim["id"],
            "import_id": sent["id"],
            "objection_id": world.get("/v1/objections", "curator").json()["data"][0]["id"],
            "proposal_id": claim["id"],  # of nothing that waits
            "waiting_id": world.wait("2026-04-01", source_record_id="W-1", detainee__full_name="Eva Luna Paz")["id"],
            "code": world.count()["links"]["cite"].removeprefix("/c/"),
            "decision_id": world.judge(other["detainee"]["id"], third["detainee"]["id"], "different")["id"],
        },
    )


def test_the_table_names_every_route_and_no_other(world: World) -> None:
    paths = world.app.openapi()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert {(method, path.removesuffix(TABLE_ENDING)) for method, path in routes} == TABLE.keys()


WRITES = [one for one in TABLE if one[0] != "GET"]


def test_each_reader_is_answered_as_the_table_says(world: World, subtests: pytest.Subtests) -> None:
    scene = set_scene(world)
    for method, path in TABLE.keys() - set(WRITES):
        for caller in CALLERS:
            with subtests.test(f"{path}, {caller}"):
                check(scene, method, path, caller)


@pytest.mark.parametrize("method,path", WRITES, ids=map(" ".join, WRITES))
def test_each_writer_is_answered_as_the_table_says(
    world: World, subtests: pytest.Subtests, method: str, path: str
) -> None:
    scene = set_scene(world)
    for caller in CALLERS:
        with subtests.test(caller):
            check(scene, method, path, caller)


def limit_keys(world: World, scopes: list[str] | None) -> None:
    """Limit every key to these routes."""
    with open_write_session(world.engine) as session:
        session.connection().execute(update(ApiKey).values(scopes=None if scopes is None else json.dumps(scopes)))


# Who asks whether the server is there is nobody's key.
# What looks at no key, or not at what it may.
WITHOUT_KEY = {("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/v1/objections")}


def test_a_key_that_is_limited_to_all_other_routes_is_refused_on_each(world: World, subtests: pytest.Subtests) -> None:
    scene = set_scene(world)
    for method, path in TABLE:
        if (method, path) in WITHOUT_KEY:
            continue
        limit_keys(world, [f"{other} {at}" for other, at in TABLE if (other, at) != (method, path)])
        for caller in CALLERS.keys() - {"public"}:
            with subtests.test(f"{method} {path}, {caller}"), world.storing_nothing():
                problem = world.refuse(scene.send(method, path, caller), 403, "out_of_scope")
                assert problem["detail"].endswith(f"use one that may {method} {path}.")


def test_the_routes_that_a_key_can_be_limited_to_are_those_of_the_table() -> None:
    assert {tuple(route.split(" ")) for route in list_described_routes()} == TABLE.keys()


def check(scene: Scene, method: str, path: str, caller: str) -> None:
    # Limited to this route alone: what a role may do needs no other.
    limit_keys(scene.world, [f"{method} {path}"])
    expected = dict(zip(CALLERS, TABLE[method, path], strict=True))[caller]
    if expected < 400:
        answer = scene.send(method, path, caller)
        assert answer.status_code == expected
        assert ("Holder of" in answer.text) == (path == "/v1/me"), "who has a key is told to that key alone"
        return
    with scene.world.storing_nothing():
        answer = scene.send(method, path, caller)
    code = {401: "unauthenticated", 403: "forbidden", 404: "not_found"}[expected]
    scene.world.refuse(answer, expected, code)
    assert ("www-authenticate" in answer.headers) == (expected == 401)


@pytest.mark.parametrize("path", OF_THE_COUNTED)
def test_who_is_only_counted_is_found_by_partners_and_curators_alone(
    world: World, subtests: pytest.Subtests, path: str
) -> None:
    scene = set_scene(world, detainee__publish="counted")
    for caller, expected in zip(CALLERS, (404, 404, 404, 200, 200, 404), strict=True):
        with subtests.test(caller):
            answer = scene.send("GET", path, caller)
            assert answer.status_code == expected
            if expected == 404:
                # Word for word what a made-up id gets.
                stranger = dict.fromkeys(scene.ids, "11111111-2222-4333-8444-555555555555")
                assert answer.content == Scene(world, stranger).send("GET", path, caller).content


def test_a_government_sees_no_more_than_the_public(world: World, subtests: pytest.Subtests) -> None:
    counted = set_scene(world, detainee__publish="counted").ids
    anonymous = world.file("jep", detainee__full_name="Ismael Toro", detainee__publish="anonymous")
    for path in (
        "/v1/releases",
        "/v1/detainees",
        "/v1/detentions",
        "/v1/releases?q=ismael",
        "/v1/releases?gender=male",
        f"/v1/detainees/{counted['detainee_id']}",
        f"/v1/detainees/{anonymous['detainee']['id']}",
        f"/v1/releases/{anonymous['release']['id']}/verifications",
        "/v1/counts/releases?group_by=gender",
        "/v1/claims",
        "/v1/corrections",
    ):
        with subtests.test(path):
            assert world.client.get(path, headers=world.headers(GOVERNMENT)).json() == world.client.get(path).json()


def test_nothing_a_key_sends_changes_what_another_source_said(world: World) -> None:
    scene = set_scene(world)
    before = world.get(f"/v1/reports/{scene.ids['report_id']}", "foro").json()
    del before["at"]
    world.verify(scene.ids["release_id"], "jep", verdict="refuted", method="family", released_on="2026-01-20")
    world.file("pud", source_record_id="FP-1")
    report = make_report(release_id=scene.ids["release_id"], detainee=None, detention=None)
    assert world.post("/v1/releases", report, GOVERNMENT).status_code == 201
    after = world.get(f"/v1/reports/{scene.ids['report_id']}", "foro").json()
    assert {name: after[name] for name in before} == before
    verdicts = world.get(f"/v1/releases/{scene.ids['release_id']}/verifications").json()["data"]
    assert next(one for one in verdicts if one["source"] == "foro")["verdict"] == "verified"

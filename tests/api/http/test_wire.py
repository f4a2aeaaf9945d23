"""What is documented is what is answered: every answer is exactly its response model, with no field more or less."""

from functools import cache
from typing import Any

import pytest
from fastapi.routing import APIRoute
from httpx2 import Response
from pydantic import TypeAdapter

from app.api.openapi import HEADERS
from app.api.table_routes import is_table_route
from app.main import ROUTERS
from app.registry.curation import proposals
from app.schemas.directory import Embargoed
from app.schemas.filed import Proposed
from tests.described import describe
from tests.support import GOVERNMENT, Body, World, build_review, make_report

MODELS: dict[tuple[str, str], Any] = {
    (method, route.path): route.response_model
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and route.include_in_schema and not is_table_route(route)
    for method in route.methods or ()
}
READERS = (None, "foro", "jep", GOVERNMENT, "reader", "curator", "admin")
CLAIM: Body = {
    "claimant": "ministry", "joint_with": ["pud"], "measure": "released", "qualifier": "more_than", "low": 401,
    "window_from": "2025-12", "window_to": "2026-01-13", "window_said": "since December", "stated_at": "2026-01-13",
    "zone": "-04:00", "country": "VE", "series": "cumulative", "misprint": True, "named": True,
    "definition": {"terms": {"stage": "carried_out", "kind": ["amnesty"], "group": "journalist"}, "net": False},
    "source_record_id": "C-1", "reported_by": "a newspaper", "note": "heard in the hall",
    "citation": {"url": "https://example.org/s", "published_on": "2026-01-13", "sha256": "ab" * 32, "quote": "400"},
}  # fmt: skip
FULL: Body = {
    "detainee__aliases": ["El Profe"], "detainee__category": "civilian", "detainee__groups": ["gravely_ill"],
    "detainee__designation": "political", "detainee__father_name": "Aurelio Quintana", "detainee__age": 54,
    "detainee__age_on": "2026-01", "detainee__national_id": "V-1234567",
    "detention__place": "Guatire", "detention__legal_status": "pretrial", "detention__held_on": "2026-01-11",
    "detention__transfers": [{"on": "2025-02", "facility": "Yare"}, {"facility": "Ramo Verde"}],
    "detention__charges": ["terrorism"], "detention__sentence": {"until": "2031"}, "detention__case": "4C-0117",
    "release__announced_on": "2026-01-08", "release__ordered_on": "2026-01-10", "release__conditions": ["travel_ban"],
    "release__destination": "AR", "release__measures_lifted_on": "2026-02", "verification__citing": ["Radio Bemba"],
    "verification__evidence": [{"url": "https://example.org/list"}], "verification__verified_on": "2026-01-13",
    "note": "restricted",
}  # fmt: skip


COMMON = {"cache-control", "vary", "ratelimit", "ratelimit-policy"}  # of whatever is answered
COMMON_OF_READS = {"etag", "recuento-revision", "recuento-rules"}  # of whatever is read
SOMETIMES = {"link", "memento-datetime", "idempotency-replayed", "ratelimit", "ratelimit-policy", "timing-allow-origin"}
# What two curators may be asked for: the first is answered by what waits.
REPORTS = ("/v1/releases", "/v1/detentions", "/v1/reports/{report_id}")
SECOND = ("/v1/identity", "/v1/detainees/{detainee_id}/consent", "/v1/objections/{objection_id}/decision")


@cache
def adapter_of(model: Any) -> TypeAdapter[Any]:
    return TypeAdapter(model)


def exactly(model: Any, body: Any) -> None:
    """The body is valid, has every required field, and none that the model does not name.

    A field that a model does not know is dropped when it validates, so the round trip would lose it.
    """
    adapter = adapter_of(model)
    assert adapter.dump_python(adapter.validate_python(body), mode="json", exclude_unset=True) == body


class Checked:
    """Asks a world by the patterns of its routes, and holds each answer against what is documented."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.documented = describe(world.app)["paths"]
        self.answered: set[tuple[str, str, int]] = set()

    def ask(
        self, method: str, pattern: str, who: str | None, body: Any = None, ids: Any = (), **params: Any
    ) -> Response:
        parts = iter([ids] if isinstance(ids, str) else ids)
        path = "/".join(next(parts) if part.startswith("{") else part for part in pattern.split("/"))
        headers = self.world.headers(who)
        answer = self.world.client.request(method, path, params=params, json=body, headers=headers)
        assert str(answer.status_code) in self.documented[pattern][method.lower()]["responses"], answer.text
        # A feed and a list of links are no JSON: tests/exports/test_atom.py, tests/api/test_mementos.py.
        if answer.status_code < 300 and not pattern.endswith(".atom") and "/timemaps/" not in pattern:
            waits = answer.status_code == 202 and pattern in SECOND
            under_embargo = answer.status_code == 202 and pattern in REPORTS
            exactly(Proposed if waits else Embargoed if under_embargo else MODELS[method, pattern], answer.json())
            self._headers(answer, self.documented[pattern][method.lower()]["responses"][str(answer.status_code)])
        self.answered.add((method, pattern, answer.status_code))
        return answer

    @staticmethod
    def _headers(answer: Response, documented: Any) -> None:
        """An answer has the headers that are documented, and no other of ours."""
        told = {name.lower() for name in documented.get("headers", {})}
        ours = {name.lower() for name in HEADERS} & answer.headers.keys()
        common = COMMON | (COMMON_OF_READS if answer.request.method == "GET" else set())
        assert ours - told - common == set(), answer.request.url
        assert told - ours - SOMETIMES == set(), answer.request.url

    def post(self, pattern: str, who: str, body: Any, ids: Any = ()) -> Any:
        answer = self.ask("POST", pattern, who, body, ids)
        assert answer.status_code in (200, 201, 202), answer.text
        return answer.json()


def write_everything(checked: Checked) -> dict[str, str]:
    """One of every write, and people of every kind; the ids of what can be read."""
    post = checked.post
    place = {"slug": "el-rodeo-i", "name": "El Rodeo I", "names": ["Rodeo"], "kind": "prison", "country": "VE"}
    post("/v1/facilities", "curator", {**place, "area": "Miranda", "point": {"lat": 10.4, "lon": -66.5}})
    checked.ask("PATCH", "/v1/facilities/{slug}", "curator", {"area": "Guarenas"}, "el-rodeo-i")
    post("/v1/sources", "admin", {"slug": "clippve", "name": "CLIPPVE", "kind": "families"})
    checked.ask("PATCH", "/v1/sources/{slug}", "admin", {"definition": "whom we visit"}, "clippve")

    report = make_report(**FULL, source_record_id="FP-1")
    first = post("/v1/releases", "foro", report)
    post("/v1/releases", "foro", report)  # unchanged
    post("/v1/releases", "jep", make_report(release__released_on="2026-01-20"))
    verdict = {"verdict": "verified", "method": "lawyer", "released_on": "2026-02-20"}
    post("/v1/releases/{release_id}/verifications", "pud", verdict, first["release"]["id"])
    post("/v1/releases/{release_id}/verifications", GOVERNMENT, {"verdict": "refuted"}, first["release"]["id"])
    again = {"detained_on": "2026-02-25", "country": "VE", "ended": {"how": "died"}}
    post("/v1/detentions", "foro", {"detainee_id": first["detainee"]["id"], "detention": again})
    namesake = post("/v1/releases", "foro", make_report())  # waits for a curator
    assert namesake["match"]["outcome"] == "needs_review"
    nameless = {"age": 72, "nationalities": ["AR", "IL"], "died_on": "2026-02"}
    post("/v1/releases", "jep", {"detainee": nameless, "detention": {"country": "VE"}, "release": {"stage": "ordered"}})
    counted = post("/v1/releases", "pud", make_report(detainee__full_name="Ana Rojas", detainee__publish="counted"))
    checked.ask("PATCH", "/v1/reports/{report_id}", "pud", {"note": "n"}, counted["report"]["id"])
    post("/v1/reports/{report_id}/retract", "pud", {"reason": "another"}, counted["report"]["id"])
    gone = post("/v1/releases", "pud", make_report(detainee__full_name="Eva Luna", detainee__gender="female"))
    post("/v1/detainees/{detainee_id}/redaction", "admin", {"reason": "asked for"}, gone["detainee"]["id"])
    other = post("/v1/releases", "jep", make_report(detainee__full_name="Ulises Barrios"))
    embargo: Body = {"publish_not_before": "2026-03-20", "source_record_id": "W-1"}
    waits = post("/v1/releases", "pud", make_report(detainee__full_name="Omar Leal", **embargo))
    checked.ask("DELETE", "/v1/waiting/{waiting_id}", "pud", ids=waits["id"])
    post("/v1/detentions", "pud", make_report(detainee__full_name="Omar Leal", release=None, **embargo))
    correction = {"release": {"kind": "pardon"}, "publish_not_before": "2026-03-20"}
    checked.ask("PATCH", "/v1/reports/{report_id}", "jep", correction, other["report"]["id"])
    consent = {"publish": "anonymous", "given_by": "the person", "given_on": "2026-02"}
    post("/v1/detainees/{detainee_id}/consent", "curator", consent, other["detainee"]["id"])
    pair = {"a": namesake["detainee"]["id"], "b": other["detainee"]["id"], "reason": "two mothers"}
    decision = post("/v1/identity", "curator", {**pair, "judgement": "different"})
    checked.ask("DELETE", "/v1/identity/{decision_id}", "curator", ids=decision["id"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
        agreed = post("/v1/identity", "curator", {**pair, "judgement": "same"})
        proposed = post("/v1/identity", "curator", {**pair, "a": first["detainee"]["id"], "judgement": "same"})
    checked.ask("DELETE", "/v1/proposals/{proposal_id}", "curator", ids=proposed["id"])
    checked.world.add_second_curator()
    post("/v1/proposals/agreement", "second curator", {"proposals": [agreed["id"]]})
    checked.ask("POST", "/v1/objections", None, {"about": f"/v1/detainees/{other['detainee']['id']}", "wish": "hide"})
    checked.world.beat()
    (objected,) = checked.world.get("/v1/objections", "curator").json()["data"]
    dismissed = {"decision": "dismissed", "reason": "somebody else"}
    post("/v1/objections/{objection_id}/decision", "curator", dismissed, objected["id"])
    checked.world.decide(objected["id"], "dismissed")
    batches = checked.world.get("/v1/review/batches", "curator").json()["data"]
    batch = next(batch for batch in batches if batch["source"] == "jep")
    post("/v1/review/batches", "curator", build_review(batch))
    claim = post("/v1/claims", "foro", CLAIM)["id"]
    post("/v1/claims/{claim_id}/confirmation", "curator", None, claim)
    links = {"part_of": [{"claim": claim, "partition": "sex"}], "supersedes": [claim], "same_as": claim}
    post("/v1/claims", "foro", {**CLAIM, **links, "derived_from": claim, "source_record_id": "C-2"})
    heard = {"measure": "held", "qualifier": "unquantified", "reported_by": "a newspaper"}
    hearsay = post("/v1/claims", "curator", heard)["id"]
    checked.ask("PATCH", "/v1/claims/{claim_id}", "curator", {"note": "heard twice"}, hearsay)
    post("/v1/claims/{claim_id}/retract", "curator", {}, hearsay)
    ids = {thing: first[thing]["id"] for thing in ("report", "detainee", "detention", "release")}
    undone = checked.world.send_list("name,country\nIris Otero,VE\n,VE\n")
    post("/v1/imports/{import_id}/undo", "foro", None, undone["id"])
    row = {"detainee": {"full_name": "Iris Otero"}, "detention": {"country": "VE"}}
    sent = post("/v1/imports", "foro", row)["id"]
    for who in ("foro", GOVERNMENT, "reader"):
        post("/v1/match/list", who, report)
        post("/v1/match", who, row)
    checked.world.settle()
    stolen = {"key_id": checked.world.keys[GOVERNMENT][4:12], "since": "2026-01-01T00:00:00Z"}
    post("/v1/recalls", "admin", stolen | {"dry_run": True})
    recalled = post("/v1/recalls", "admin", stolen)
    post("/v1/recalls", "admin", {"undoes": recalled["receipt"]["revision"]})
    post("/v1/freeze", "curator", None)
    checked.ask("DELETE", "/v1/freeze", "admin")
    cited = checked.world.count(country="VE", group_by="source")["links"]["cite"]
    return {**ids, "claim": claim, "import": sent, "code": cited.removeprefix("/c/")}


def read_everything(checked: Checked, ids: dict[str, str], who: str | None, **params: Any) -> None:
    own = {"source": "foro", "facility": "el-rodeo-i", "slug": ""}
    for method, pattern in MODELS:
        if method != "GET":
            continue
        things = [part[1:-1].removesuffix("_id") for part in pattern.split("/") if part.startswith("{")]
        known = [own["facility" if "facilities" in pattern else "source"] if t == "slug" else ids[t] for t in things]
        asked = params if pattern.startswith("/v1") else {}
        if pattern == "/v1/review/batches/reports":
            asked = asked | {"source": "foro", "batch_kind": "releases"}
        checked.ask(method, pattern, who, ids=known, **asked)


def test_every_answer_to_every_question_and_write_is_what_is_documented(world: World) -> None:
    checked = Checked(world)
    ids = write_everything(checked)
    dimensions = ["source", "status", "kind", "country", "month", "week", "day", "designation", "sources"]
    dimensions += ["facility", "area", "gender", "category", "age_group", "nationality"]
    for who in READERS:
        read_everything(checked, ids, who)
        read_everything(checked, ids, who, as_of=world.revision - 3)
        read_everything(checked, ids, who, as_of="2026-03-01")
        for name in dimensions:
            for at in (None, 14):
                asked = {"group_by": name} | ({} if at is None else {"as_of": f"r{at}"})
                checked.ask("GET", "/v1/counts/releases", who, **asked)
        checked.ask("GET", "/v1/counts/releases", who, group_by=["source", "month", "gender"])
        checked.ask("GET", "/v1/releases", who, limit=1)
    checked.ask("GET", "/v1/counts/releases", None, as_of="r0")
    answered = {(method, pattern) for method, pattern, status in checked.answered if status < 300}
    assert answered == MODELS.keys()


def test_the_round_trip_finds_a_field_too_many_and_one_too_few(world: World) -> None:
    answer = world.get("/v1/sources/foro").json()
    model = MODELS["GET", "/v1/sources/{slug}"]
    exactly(model, answer)
    for wrong in (
        {**answer, "phone": "x"},
        {n: v for n, v in answer.items() if n != "kind"},
        {**answer, "revision": "x"},
    ):
        with pytest.raises((AssertionError, ValueError)):
            exactly(model, wrong)


SOMEBODY_ELSE = {"detainee__full_name": "Zulma Paz", "detainee__birth_date": "1950"}


def test_every_refusal_is_documented_and_has_the_documented_shape(world: World) -> None:
    checked = Checked(world)
    filed = world.file(source_record_id="FP-1")
    stranger = "11111111-2222-4333-8444-555555555555"
    problem = world.app.openapi()["components"]["schemas"]["ProblemOut"]
    refusals = [
        checked.ask("POST", "/v1/releases", None, make_report()),
        checked.ask("POST", "/v1/releases", "reader", make_report()),
        checked.ask("POST", "/v1/releases", "foro", make_report(verification__method=None)),
        checked.ask("POST", "/v1/releases", "foro", make_report(source_record_id="FP-1", **SOMEBODY_ELSE)),
        checked.ask("POST", "/v1/releases/{release_id}/verifications", "foro", {"verdict": "reported"}, stranger),
        checked.ask("GET", "/v1/releases/{release_id}", None, ids=stranger),
        checked.ask("GET", "/v1/releases", None, limit=0),
        checked.ask("GET", "/v1/review", "foro"),
        checked.ask("GET", "/v1/reports/{report_id}", "jep", ids=filed["report"]["id"]),
        checked.ask("GET", "/v1/me", None),
    ]
    assert {answer.status_code for answer in refusals} == {401, 403, 404, 409, 422}
    for answer in refusals:
        assert set(problem["required"]) <= answer.json().keys()
        assert answer.headers["content-type"] == "application/problem+json"
        for error in answer.json().get("errors", []):
            assert error.keys() == {"pointer", "code", "detail"}


def test_every_operation_says_what_it_does_under_a_name_of_its_own(world: World) -> None:
    operations = [one for methods in world.app.openapi()["paths"].values() for one in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(operation["description"] for operation in operations)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("path", ["/openapi.json", "/openapi-desk.json"])
def test_a_document_has_the_parts_that_it_refers_to_and_no_others(world: World, path: str) -> None:
    document = world.get(path).json()
    found = references(document)
    assert "#/components/schemas/ProblemOut" in found
    components = document["components"]
    there = {f"#/components/{kind}/{name}" for kind, named in components.items() for name in named}
    keys = {f"#/components/securitySchemes/{name}" for name in components["securitySchemes"]}
    assert found == there - keys


def test_the_tables_and_the_feed_are_documented(world: World) -> None:
    paths = describe(world.app)["paths"]

    def media(path: str) -> set[str]:
        return set(paths[path]["get"]["responses"]["200"]["content"])

    for path in ("/v1/releases", "/v1/counts/releases", "/v1/vocabulary"):
        assert media(path) == {"application/json"}
        assert media(f"{path}.{{extension}}") == {"text/csv", "application/jsonl"}
    assert media("/v1/corrections.atom") == {"application/atom+xml"}
    assert media("/healthz") == {"application/json"}

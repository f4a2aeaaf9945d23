"""What a page reads is what a client of the API gets, refusals too; and a page waits where a client does."""

import asyncio
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from httpx2 import Response
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.api import problems
from app.api.middleware.concurrency import ConcurrencyLimits
from app.api.middleware.response_cache import ResponseCache
from app.api.operations import RetractReport
from app.api.routes import counts, curation, directory, imports, records, reports
from app.db.engine import open_write_session
from app.errors import Busy, Problem, TakesTooLong, Unavailable
from app.lanes import Lane
from app.registry import api_keys
from app.vocabulary import Role
from app.web import api_client as pages
from app.web.api_client import ApiClient
from app.web.desk.page import OfficerClient, SignInRequired, WriteTarget
from app.web.desk.sessions import DeskSession
from tests.support import NOW, World
from tests.web.claims.pages import build_request

Result = TypeVar("Result")
Route = Callable[..., Any]
JANUARY: dict[str, Any] = {"country": "VE", "released_from": "2026-01-08"}
# What pages ask, with the name of the id in its path: of one of the records that `filled` has.
PUBLIC_QUESTIONS: list[tuple[Route, dict[str, Any]]] = [
    (counts.count_releases, {}),
    (counts.count_releases, {**JANUARY, "group_by": ["status", "source_count"], "as_of": "r5"}),
    (counts.count_releases, {"as_of": "2026-02-28", "zone": "America/Caracas"}),
    (counts.count_releases, {"gender": "male", "facility": "el-rodeo-i", "group_by": "release_kind"}),
    (counts.count_detentions, {"country": "VE", "group_by": "source"}),
    (counts.count_series, {**JANUARY, "interval": "week", "min_sources": 1}),
    (counts.count_overlap, JANUARY),
    (counts.estimate_releases, {"country": "VE"}),
    (counts.read_citation, {"code": "code"}),
    (directory.list_sources, {"limit": 200}),
    (directory.read_source, {"slug": "source"}),
    (directory.read_balance, {"slug": "source", "country": "VE"}),
    (directory.list_facilities, {"limit": 2}),
    (directory.list_claims, {"sort": "-added", "limit": 1}),
    (directory.read_claim, {"claim_id": "claim"}),
    (directory.reconcile_claim, {"claim_id": "claim"}),
    (records.list_corrections, {"correction_kind": ["retracted", "refuted", "claim_restated"]}),
    (records.list_releases, {**JANUARY, "limit": 1}),
    (records.list_detainees, {"q": "Quintana"}),
    (records.list_detentions, {"country": "VE"}),
    (records.read_release, {"release_id": "release"}),
    (records.read_detention, {"detention_id": "detention"}),
    (records.read_history, {"detainee_id": "detainee"}),
    (records.list_verifications, {"release_id": "release"}),
    (records.list_detention_verifications, {"detention_id": "detention"}),
]
OFFICERS_QUESTIONS: list[tuple[str, Route, dict[str, Any]]] = [
    ("foro", directory.read_me, {}),
    ("foro", reports.list_reports, {"limit": 1}),
    ("foro", reports.read_report, {"report_id": "report"}),
    ("foro", reports.list_waiting, {"limit": 20}),
    ("foro", imports.list_imports, {"limit": 10}),
    ("foro", imports.read_import, {"import_id": "import"}),
    ("foro", imports.list_import_rows, {"import_id": "import", "limit": 1}),
    ("foro", records.list_releases, JANUARY),
    ("curator", curation.list_review, {"limit": 20}),
    ("curator", curation.list_proposals, {}),
    ("curator", curation.list_batches, {}),
    ("curator", curation.list_batch_reports, {"source": "foro", "batch_kind": "releases", "list": 0}),
    ("curator", curation.list_objections, {}),
]
REFUSED_QUESTIONS: dict[str, tuple[Route, dict[str, Any], int, str]] = {
    "unknown term": (counts.count_releases, {"contry": "VE"}, 422, "Did you mean `country`?"),
    "unknown term like an argument": (counts.count_releases, {"query": "x", "context": "y"}, 422, "no such parameter"),
    "repeated term": (counts.count_releases, {"country": ["VE", "CU"]}, 422, "cannot be repeated"),
    "wrong value": (counts.count_releases, {"stage": "nowhere", "min_sources": "many"}, 422, "/stage"),
    "wrong value in a list": (records.list_releases, {"status": ["verified", "x"]}, 422, "/status/1"),
    "hours of events": (counts.count_series, {"by": "event", "interval": "hour"}, 422, "/interval"),
    "revision to come": (directory.list_sources, {"as_of": "r9999"}, 422, "ahead_of_head"),
    "no id": (directory.read_claim, {"claim_id": "x"}, 404, "There is nothing with this id."),
    "unknown id": (records.read_release, {"release_id": str(uuid.UUID(int=1))}, 404, "not_found"),
    "rules of the past": (directory.list_claims, {"as_of": "r3", "rules": 1}, 410, "rules_changed"),
    "rules to come": (directory.list_claims, {"as_of": "r3", "rules": 99}, 422, "unknown_rules"),
    "no key": (directory.read_me, {}, 401, "unauthenticated"),
}


@pytest.fixture(scope="module")
def ids(lasting: World) -> dict[str, str]:
    """One of everything that a page shows: the ids by their names in questions."""
    lasting.now = NOW
    lasting.add_facility()
    first = lasting.file("foro", source_record_id="1")
    lasting.file("jep", detainee_id=first["detainee"]["id"], detainee=None, detention=None)
    other = lasting.file("pud", detainee__full_name="Aurora Belén Ficticia", detainee__birth_date="1950")
    said = {"claimant": "ministry", "measure": "released", "qualifier": "more_than", "said": 400, "country": "VE"}
    said |= {"window_from": "2026-01-08", "stated_at": "2026-01-13"}
    claim = lasting.post("/v1/claims", said, "curator").json()["id"]
    sent = lasting.send_list("name,country\nIris Otero,VE\n,VE\n")
    lasting.object_to(f"/v1/detainees/{other['detainee']['id']}", words="Correct the date.", wish="correct")
    lasting.beat()
    refuted = lasting.file("foro", source_record_id="2", detainee__full_name="Luis Imaginario Paz")
    lasting.verify(refuted["release"]["id"], "jep", verdict="refuted", method="lawyer")
    lasting.wait("2026-03-09T12:00:00Z", source_record_id="9", detainee__full_name="Ismael Otero Invento")
    code = lasting.count(**JANUARY)["links"]["cite"].removeprefix("/c/")
    ids = {name: first[name]["id"] for name in ("release", "detention", "detainee", "report")}
    return {**ids, "claim": claim, "import": sent["id"], "code": code, "source": "foro"}


@pytest.fixture
def filled(lasting: World, ids: dict[str, str]) -> World:
    """The registry of these ids, with an empty cache."""
    lasting.app.state.response_cache = ResponseCache()
    return lasting


def fill_in(ids: Mapping[str, str], route: Route, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms with the ids of this registry where they name one in the path of a route."""
    path_names = pages._find_route(route).param_convertors
    return {name: ids.get(value, value) if name in path_names else value for name, value in terms.items()}


def ask_api(
    world: World, route: Route, terms: Mapping[str, Any], who: str | None = None, language: str = "es"
) -> Response:
    """Return what a client is told."""
    path, headers = pages._find_route(route), world.headers(who, **{"accept-language": language})
    params = {name: value for name, value in terms.items() if name not in path.param_convertors}
    return world.client.get(path.path.format_map(terms), params=params, headers=headers, follow_redirects=False)


def call(world: World, function: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Call a function in the server's loop."""
    assert world.client.portal is not None
    result: Result = world.client.portal.call(function)
    return result


def read(world: World, route: Route, terms: Mapping[str, Any], who: str | None = None) -> Any:
    """Return what a page reads."""
    key = None if who is None else world.keys[who]
    return call(world, lambda: ApiClient(build_request(world), "es", key).read(route, dict(terms)))


def refuse(world: World, route: Route, terms: Mapping[str, Any]) -> Problem:
    with pytest.raises(Problem) as refused:
        read(world, route, terms)
    return refused.value


def expect_same_refusal(problem: Problem, answer: Response) -> None:
    """Expect what a client is told; the address of its type is whole only for a client."""
    told, body = answer.json(), problem.body()
    assert told["type"].endswith(body["type"])
    assert told == {**body, "type": told["type"]}


def name_question(question: Any) -> str | None:
    return getattr(question, "__name__", None)


@pytest.mark.parametrize("route,terms", PUBLIC_QUESTIONS, ids=name_question)
def test_a_page_reads_what_a_client_gets(
    filled: World, ids: dict[str, str], route: Route, terms: dict[str, Any]
) -> None:
    asked = fill_in(ids, route, terms)
    answer = ask_api(filled, route, asked)
    assert answer.status_code == 200, answer.text
    assert read(filled, route, asked) == answer.json()


@pytest.mark.parametrize("who,route,terms", OFFICERS_QUESTIONS, ids=name_question)
def test_an_officer_reads_what_a_client_with_the_key_gets(
    filled: World, ids: dict[str, str], who: str, route: Route, terms: dict[str, Any]
) -> None:
    asked = fill_in(ids, route, terms)
    answer = ask_api(filled, route, asked, who)
    assert answer.status_code == 200, answer.text
    assert read(filled, route, asked, who) == answer.json()


def test_every_question_of_a_page_is_compared() -> None:
    sources = [path.read_text() for path in Path(pages.__file__).parent.rglob("*.py")]
    asked = {name for text in sources for name in re.findall(r"\.(?:read|respond)\(\s*([a-z]+_\w+)", text)}
    compared = {route.__name__ for route, _terms in PUBLIC_QUESTIONS}
    assert asked - compared == {route.__name__ for _who, route, _terms in OFFICERS_QUESTIONS} - compared


@pytest.mark.parametrize("route,terms,status,text", REFUSED_QUESTIONS.values(), ids=REFUSED_QUESTIONS)
def test_a_page_is_refused_what_a_client_is_refused(
    filled: World, route: Route, terms: dict[str, Any], status: int, text: str
) -> None:
    answer, problem = ask_api(filled, route, terms, language="en"), refuse(filled, route, terms)
    assert (answer.status_code, problem.status) == (status, status)
    expect_same_refusal(problem, answer)
    assert text in answer.text


def test_a_page_learns_that_an_id_was_absorbed(world: World) -> None:
    people = [world.file(detainee__full_name=name)["detainee"]["id"] for name in ("Ana Uno", "Beatriz Dos")]
    world.judge(people[0], people[1], "same")
    answers = [ask_api(world, records.read_history, {"detainee_id": person}, language="en") for person in people]
    place = [answer.status_code for answer in answers].index(308)
    problem = refuse(world, records.read_history, {"detainee_id": people[place]})
    expect_same_refusal(problem, answers[place])


def test_a_page_asks_everything_at_its_revision(filled: World) -> None:
    async def read_both() -> list[Any]:
        registry = ApiClient(build_request(filled), "es")
        registry.as_of = "r3"
        return [
            await registry.read_address("/v1/counts/releases"),
            await registry.read(counts.count_releases, as_of="r4"),
            await registry.read(directory.list_claims, limit=None, country=[]),
        ]

    assert [body["at"]["revision"] for body in call(filled, read_both)] == [3, 4, 3]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the routes that are run for pages."""
    names: list[str] = []
    run = pages._run_in_session

    def record_run(call: Any, *values: Any) -> Any:
        names.append(call.route.__name__)
        return run(call, *values)

    monkeypatch.setattr(pages, "_run_in_session", record_run)
    return names


def test_readers_share_a_count_until_the_next_entry(world: World, runs: list[str]) -> None:
    first = read(world, counts.count_releases, JANUARY)
    assert read(world, counts.count_releases, JANUARY) == first
    assert len(runs) == 1
    world.file("foro")
    assert read(world, counts.count_releases, JANUARY)["total"] != first["total"]
    assert len(runs) == 2


def test_equal_questions_of_one_page_are_answered_once(filled: World, runs: list[str]) -> None:
    async def read_twice() -> list[Any]:
        registry = ApiClient(build_request(filled), "es")
        return await pages.gather(*(registry.read(counts.count_overlap, {"country": "CU"}) for _ in range(2)))

    first, second = call(filled, read_twice)
    assert first == second
    assert first is not second, "one page's changes to its answer are not another's"
    assert runs == ["count_overlap"]


@pytest.mark.parametrize(
    "route,terms,who",
    [
        (records.list_detainees, {"q": "Quintana"}, None),
        (records.list_releases, {"gender": "male"}, None),
        (records.read_release, {"release_id": "release"}, None),
        (counts.count_releases, {}, "foro"),
    ],
    ids=["search", "personal term", "one record", "key"],
)
def test_what_is_personal_is_read_each_time(
    filled: World, ids: dict[str, str], runs: list[str], route: Route, terms: dict[str, Any], who: str | None
) -> None:
    asked = fill_in(ids, route, terms)
    assert read(filled, route, asked, who) == read(filled, route, asked, who)
    assert runs == [route.__name__] * 2


def test_a_costly_question_waits_in_its_lane_and_hinders_no_other(filled: World) -> None:
    async def ask() -> None:
        registry, state = ApiClient(build_request(filled), "es"), filled.app.state
        former, state.limits = state.limits, replace(ConcurrencyLimits.with_places(4), costly=Lane(1, 0))
        try:
            async with state.limits.costly.hold():
                for question in (
                    registry.read(counts.count_releases),
                    registry.read(records.list_detainees, q="Quintana"),
                ):
                    with pytest.raises(Busy) as busy:
                        await question
                    assert busy.value.headers["Retry-After"] == "10"
                await registry.read(directory.list_sources)
            await registry.read(counts.count_releases)
            async with state.limits.reads.hold():
                waiting = asyncio.create_task(registry.read(directory.list_sources, limit=1))
                await registry.read(counts.count_releases, group_by="source")
                await asyncio.sleep(0.2)
                assert not waiting.done()
            assert (await waiting)["data"]
        finally:
            state.limits = former

    call(filled, ask)


@pytest.mark.parametrize("place", ["settle_requested_moments", "open_request_session"])
@pytest.mark.parametrize("was_stopped,expected", [(False, Unavailable), (True, TakesTooLong)])
def test_what_the_database_does_not_answer_is_refused(
    filled: World, monkeypatch: pytest.MonkeyPatch, place: str, was_stopped: bool, expected: type[Problem]
) -> None:
    def fail(*_args: object) -> None:
        raise OperationalError("SELECT", {}, Exception("it does not answer"))

    monkeypatch.setattr(problems, "was_stopped", lambda _error: was_stopped)
    monkeypatch.setattr(pages, place, fail)
    assert isinstance(refuse(filled, counts.count_releases, {}), expected)


def test_a_page_is_refused_where_no_connection_is_free(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object) -> None:
        raise PoolTimeout

    monkeypatch.setattr(pages, "open_request_session", fail)
    problem = refuse(filled, directory.list_sources, {})
    assert (problem.status, "Retry-After" in problem.headers) == (503, True)


def test_an_officer_whose_key_ended_is_asked_to_sign_in(world: World) -> None:
    report = world.file("foro")["report"]["id"]
    key, key_id = world.keys["foro"], world.get("/v1/me", "foro").json()["key_id"]
    session = DeskSession.begin(key, Role.REPORTER, "foro", world.now)
    request = build_request(world, "/es/desk/reports")
    request.scope["headers"] = [(b"authorization", f"Bearer {key}".encode())]  # as the middleware of the desk has it
    target = WriteTarget("DELETE", "/v1/reports/{report_id}", report)

    async def ask() -> Any:
        return await OfficerClient(request, "es", session).read(directory.read_me)

    async def retract() -> Any:
        operation = RetractReport(uuid.UUID(report), None, "invented")
        return await OfficerClient(request, "es", session).write(operation, target)

    assert call(world, ask)["key_id"] == key_id
    with open_write_session(world.engine) as written:
        api_keys.revoke_key(written, key_id, world.now)
    for question in (ask, retract):
        with pytest.raises(SignInRequired) as ended:
            call(world, question)
        assert ended.value.back == "/desk/reports"
    assert world.count()["total"]["verified"] == 1, "nothing was withdrawn"

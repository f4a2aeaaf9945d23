"""Answers to anybody are kept as bytes, and are never other than what would be answered anew."""

import asyncio
import base64
import hashlib
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest
from httpx2 import Response

from app.api.middleware import response_cache
from app.api.middleware.response_cache import (
    CACHED_PATHS,
    MAX_QUERY_LENGTH,
    Address,
    CachedResponse,
    ResponseCache,
    is_cacheable,
)
from app.api.routes import counts, records
from app.api.table_routes import build_table_address
from app.db.engine import make_engine, open_write_session
from app.lanes import Sender, current_sender
from app.log.head import set_rows_version
from app.main import list_described_routes
from app.projection import ROWS_VERSION, RULES
from app.queries.parameters import TABLE_MEDIA_TYPES
from tests.api.test_content_codings import UNPACK
from tests.support import A_WHILE, PATIENCE, World, make_report
from tests.working import statements

COUNT = "/v1/counts/releases?group_by=source"
ASKING = 8  # clients at once


def plain(world: World, path: str, **headers: str) -> Response:
    return world.client.get(path, headers={"Accept-Encoding": "identity", **headers})


def raw(world: World, path: str, coding: str, **headers: str) -> tuple[Response, bytes]:
    """An answer with the bytes that came over the line."""
    with world.client.stream("GET", path, headers={"Accept-Encoding": coding, **headers}) as response:
        return response, b"".join(response.iter_raw())


@pytest.mark.parametrize("path", [COUNT, "/v1/releases", "/v1/sources", "/v1/counts/series?by=event", "/v1/vocabulary"])
def test_what_was_answered_once_is_answered_again_without_a_statement(world: World, path: str) -> None:
    world.file()
    first = plain(world, path)
    with statements(world.engine) as run:
        again = plain(world, path)
    assert run == []
    assert again.content == first.content
    assert {**again.headers, "request-id": ""} == {**first.headers, "request-id": ""}
    assert again.headers["request-id"] != first.headers["request-id"]


def test_whoever_asks_after_a_write_is_told_of_it(world: World) -> None:
    for number in range(1, 4):
        world.file(detainee__full_name=f"Persona {'abc'[number - 1] * 9}")
        assert world.count()["total"]["cases"] == number
        assert world.count()["total"]["cases"] == number


def test_a_write_of_another_process_is_told_at_once(world: World) -> None:
    world.file()
    assert world.count()["at"]["revision"] == world.revision
    other = World(world.settings, keys=world.keys)
    with other:
        other.file(detainee__full_name="Alguien Distinto Quesada")
        assert other.count()["total"]["cases"] == 2
        assert world.count()["total"]["cases"] == 2
    other.engine.dispose()


@pytest.mark.parametrize("past", [False, True])
def test_nobody_is_shown_a_moment_longer_than_they_may(world: World, *, past: bool) -> None:
    person = world.file(detainee__publish="named")["detainee"]["id"]
    path = f"/v1/releases?as_of=r{world.revision}" if past else "/v1/releases"
    assert len(plain(world, path).json()["data"]) == 1
    world.consent(person, "counted")
    assert plain(world, path).json()["data"] == []
    world.redact(person)
    assert plain(world, path).json()["data"] == []


def test_what_is_read_with_a_key_is_not_kept_and_nothing_kept_is_read_with_one(world: World) -> None:
    world.file()
    assert world.get("/v1/releases").json() == world.get("/v1/releases").json()
    with statements(world.engine) as run:
        answers = [world.get("/v1/releases", who) for who in ("foro", "foro", "curator")]
    assert len(run) > 9
    assert {answer.headers["cache-control"] for answer in answers} == {"private, no-store"}
    assert world.client.get("/v1/releases", headers={"Authorization": "Bearer none"}).status_code == 401


@pytest.mark.parametrize("query", ["q=Rosa", "%71=Rosa", "limit=5&q=Rosa", "gender=female", "facility=el-rodeo-i"])
def test_whom_somebody_seeks_is_neither_kept_nor_waited_for(world: World, query: str) -> None:
    world.add_facility()
    world.file()
    assert not is_cacheable("/v1/detainees", query.encode())
    for _time in range(2):
        with statements(world.engine) as run:
            assert plain(world, f"/v1/detainees?{query}").status_code == 200
        assert run


def test_of_addresses_with_an_id_only_those_of_published_figures_are_kept() -> None:
    addresses = {route.split(" ")[1] for route in list_described_routes()}
    assert addresses >= CACHED_PATHS
    assert not any("{" in address for address in CACHED_PATHS)
    with_id = (re.sub("{[^}]*}", str(uuid.uuid4()), address) for address in addresses if "{" in address)
    kept = [address.split("/")[2::2] for address in with_id if is_cacheable(address, b"")]
    assert kept == [["claims", "reconciliation"]]


def test_what_stands_beside_a_claim_is_counted_once_for_a_head(world: World) -> None:
    claim = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "said": 9, "country": "VE",
             "window_from": "2026-01-08", "stated_at": "2026-01-20"}  # fmt: skip
    answer = world.post("/v1/claims", claim, "curator")
    address = f"/v1/claims/{answer.json()['id']}/reconciliation"
    first = plain(world, address).json()
    with statements(world.engine) as run:
        assert plain(world, address).json() == first
    assert not run
    world.file()
    assert plain(world, address).json()["at"]["revision"] == first["at"]["revision"] + 1


@pytest.mark.parametrize("term", ["as_of", "changed_since"])
def test_what_names_a_moment_is_not_kept_for_it_may_be_settled_otherwise(world: World, term: str) -> None:
    world.file()
    world.now += timedelta(days=2)
    for _time in range(2):
        with statements(world.engine) as run:
            assert plain(world, f"/v1/releases?{term}=2026-03-01").status_code == 200
        assert run
    assert is_cacheable("/v1/releases", b"as_of=r1")


def test_long_addresses_are_not_kept() -> None:
    assert is_cacheable("/v1/sources", b"x" * MAX_QUERY_LENGTH)
    assert not is_cacheable("/v1/sources", b"x" * (MAX_QUERY_LENGTH + 1))


def test_the_table_of_a_count_is_kept_and_that_of_people_is_not() -> None:
    assert is_cacheable("/v1/counts/releases.csv", b"")
    assert not is_cacheable("/v1/releases.csv", b"")


def test_a_head_makes_nothing_that_others_are_answered_with(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_LIMIT", 2)
    for number in range(5):
        world.file(detainee__full_name=f"Persona {'abcde'[number] * 9}")
    for path in ("/v1/releases.csv", "/v1/releases.jsonl", "/v1/releases", COUNT):
        head = world.client.head(path, headers={"Accept-Encoding": "identity"})
        assert head.status_code == 200
        whole = plain(world, path)
        assert whole.content
        assert whole.content == plain(world, path).content
    assert plain(world, "/v1/releases.csv").text.count("\n") > 5


@pytest.mark.parametrize("address", ["detainees/{detainee}", "detentions/{detention}", "releases/{release}"])
def test_whose_record_somebody_reads_is_not_kept(world: World, address: str) -> None:
    filed = world.file()
    path = f"/v1/{address.format(**{thing: filed[thing]['id'] for thing in ('detainee', 'detention', 'release')})}"
    for _time in range(2):
        with statements(world.engine) as run:
            assert plain(world, path).status_code == 200
        assert run


def test_what_is_refused_is_not_kept(world: World) -> None:
    for _time in range(2):
        with statements(world.engine) as run:
            assert plain(world, "/v1/counts/releases?source=nobody").status_code == 422
        assert run


def test_a_kept_answer_is_unchanged_for_whoever_has_it(world: World) -> None:
    world.file()
    first = plain(world, COUNT)
    tag = first.headers["etag"]
    with statements(world.engine) as run:
        again = [plain(world, COUNT, **{"If-None-Match": known}) for known in (tag, f"W/{tag}", f'"x", {tag}', "*")]
        other = plain(world, COUNT, **{"If-None-Match": '"x"'})
    assert run == []
    assert [(answer.status_code, answer.content) for answer in again] == [(304, b"")] * 4
    for name in ("etag", "vary", "cache-control", "recuento-revision", "recuento-rules"):
        assert again[0].headers[name] == first.headers[name]
    assert "repr-digest" not in again[0].headers
    assert (other.status_code, other.content) == (200, first.content)


def test_head_has_everything_of_a_kept_answer_but_its_body(world: World) -> None:
    first = plain(world, COUNT)
    head = world.client.head(COUNT, headers={"Accept-Encoding": "identity"})
    assert head.content == b""
    assert {**head.headers, "request-id": ""} == {**first.headers, "request-id": ""}


@pytest.mark.parametrize("coding", UNPACK)
def test_an_answer_comes_packed_as_the_client_takes_it(world: World, coding: str) -> None:
    for number in range(9):
        world.file(detainee__full_name=f"Persona {'abcdefghi'[number] * 9}")
    first = plain(world, "/v1/releases")
    packed, data = raw(world, "/v1/releases", f"identity;q=0.1, {coding}")
    assert packed.headers["content-encoding"] == coding
    assert int(packed.headers["content-length"]) == len(data) < len(first.content) / 3
    assert UNPACK[coding](data) == first.content
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert packed.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert packed.headers["etag"] != first.headers["etag"]
    for tag in (packed.headers["etag"], first.headers["etag"]):
        unchanged, nothing = raw(world, "/v1/releases", coding, **{"If-None-Match": tag})
        assert (unchanged.status_code, nothing, unchanged.headers["etag"]) == (304, b"", tag)
    for other in UNPACK.keys() - {coding}:  # bytes that a client of another coding cannot be told to use again
        assert raw(world, "/v1/releases", other, **{"If-None-Match": packed.headers["etag"]})[0].status_code == 200


def test_the_first_answer_is_packed_like_every_other(world: World) -> None:
    first, _data = raw(world, "/v1/vocabulary", "br")
    assert first.headers["content-encoding"] == "br"
    assert first.headers["vary"].startswith("Accept-Encoding, Authorization")


def test_forms_of_one_address_are_kept_apart(world: World) -> None:
    world.file()
    forms = {COUNT: "application/json", **{build_table_address(COUNT, f): m for f, m in TABLE_MEDIA_TYPES.items()}}
    for _time in range(2):
        types = [plain(world, path).headers["content-type"].partition(";")[0] for path in forms]
        assert types == [*forms.values()]


def test_what_the_first_client_has_already_is_made_for_the_others(world: World) -> None:
    world.file()
    tag = plain(world, COUNT).headers["etag"]
    world.app.state.response_cache = ResponseCache()
    assert plain(world, COUNT, **{"If-None-Match": tag}).status_code == 304
    with statements(world.engine) as run:
        assert plain(world, COUNT).status_code == 200
    assert run == []


def test_nothing_is_kept_once_nobody_has_asked_for_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plain(world, COUNT)
    answers = world.app.state.response_cache
    answers.clear_if_idle()
    assert answers._by_address
    monkeypatch.setattr(response_cache, "IDLE_SECONDS", -1.0)
    answers.clear_if_idle()
    assert not answers._by_address


def test_one_request_makes_what_many_wait_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the making takes in its thread."""
    world.file()
    made: list[object] = []
    count_of = counts.answer_count

    def slowly(*asked: Any) -> object:
        made.append(asked)
        sleep(A_WHILE)  # until all the others have asked too
        return count_of(*asked)

    monkeypatch.setattr(counts, "answer_count", slowly)
    with ThreadPoolExecutor(ASKING) as pool:
        answers = {response.content for response in pool.map(lambda _number: plain(world, COUNT), range(ASKING))}
    assert len(answers) == 1
    assert len(made) == 1


def test_rows_of_other_rules_are_not_told_from_what_is_kept(world: World) -> None:
    assert plain(world, COUNT).status_code == 200
    with open_write_session(world.engine) as session:
        set_rows_version(session, ROWS_VERSION._replace(rules=RULES + 1))
    world.refuse(plain(world, COUNT), 503, "other_rows")


def test_nothing_kept_is_told_of_a_log_that_went_backwards(world: World) -> None:
    assert plain(world, COUNT).status_code == 200
    world.app.state.mark.has_lost_entries = world.app.state.mark.exposes_erased = True
    world.refuse(plain(world, COUNT), 503, "went_backwards")


def test_what_is_kept_stays_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "MAX_CACHE_BYTES", 100_000)
    answers, head = ResponseCache(), (1, "aa")

    def address(number: int) -> Address:
        return "/v1/sources", b"x" * 1_000 + str(number).encode()

    def answer() -> CachedResponse:
        return CachedResponse([(b"etag", b'"x"')], b"x" * 2_500)

    for number in range(50):
        assert answers.find(head, address(number)) is None
        answers.store(head, address(number), answer())
        answers.find(head, address(0))
    held = [number for number in range(50) if answers.find(head, address(number)) is not None]
    assert 5 <= len(held) <= 100_000 // 10_000
    assert 0 in held  # whoever is asked for stays
    assert 49 in held
    assert answers.find((2, "bb"), address(0)) is None
    answers.store(head, address(0), answer())
    assert answers.find((2, "bb"), address(0)) is None  # made from an earlier head


def test_an_answer_is_kept_up_to_the_longest_body(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.file()
    longest = len(plain(world, COUNT).content)
    for most, kept in ((longest, True), (longest - 1, False)):
        monkeypatch.setattr(response_cache, "MAX_CACHED_BODY_BYTES", most)
        world.app.state.response_cache = ResponseCache()
        plain(world, COUNT)
        with statements(world.engine) as run:
            assert len(plain(world, COUNT).content) == longest
        assert (run == []) is kept


def test_a_write_that_stores_nothing_leaves_what_is_kept(world: World) -> None:
    world.file()
    plain(world, COUNT)
    engine = make_engine(world.settings.database_url)
    with open_write_session(engine) as session:
        session.connection().exec_driver_sql("UPDATE head SET demo = demo")
    engine.dispose()
    world.refuse(world.post("/v1/releases", {**make_report(), "release": 5}, "foro"), 422, "invalid")
    with statements(world.engine) as run:
        plain(world, COUNT)
    assert run == []


ADDRESS: Address = ("/v1/counts/releases", b"")


def test_nobody_waits_for_a_computation_that_waits_for_the_turn_of_another_client() -> None:
    """Or a client with a thousand requests would give everybody its own place in the queue."""

    async def ask(cache: ResponseCache, client: str) -> CachedResponse | None:
        current_sender.set(Sender((client,)))
        return await cache.find_or_wait((1, "a"), ADDRESS)

    async def scene() -> tuple[bool, bool, object]:
        cache, owner = ResponseCache(), Sender(("attacker",), waits=1)
        cache.find((1, "a"), ADDRESS)
        current_sender.set(owner)
        with cache.compute((1, "a"), ADDRESS) as pending:
            own, other = (asyncio.create_task(ask(cache, client)) for client in ("attacker", "family"))
            answered = await asyncio.wait_for(other, PATIENCE)
            owner.waits = 0
            sharing = asyncio.create_task(ask(cache, "family"))
            await asyncio.sleep(0.01)
            is_waiting = not own.done() and not sharing.done()
            pending.answer = CachedResponse([(b"etag", b'"x"')], b"{}")
        return answered is None, is_waiting, {await own, await sharing} == {pending.answer}

    assert asyncio.run(scene()) == (True, True, True)

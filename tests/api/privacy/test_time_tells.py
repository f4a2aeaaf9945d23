"""A right guess about somebody hidden costs the registry what a wrong one costs (rule 12): the same statements, as many
rows of each, and on SQLite as many steps. What a clock sees of it is measured by `tests.attack.timing`.

Two worlds differ only in whom they hide, and are asked the same.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from httpx2 import Response

from app.imports.filing import row_filing
from app.imports.filing.import_store import ImportOptions
from app.matching import words as words_module
from app.models import NAMED_BY_REPORTS
from tests.columns.whole import at_head
from tests.databases import ENGINES, Templates
from tests.support import GOVERNMENT, Body, World, make_report
from tests.two_registries import twins
from tests.working import Work, working

GUESSED = "Zoraida Montilla Paz"
# Of the hidden person in the world where the guess is right, and in the one where it is wrong.
HIDDEN: tuple[Body, Body] = (
    {"detainee__full_name": GUESSED, "detainee__birth_date": "1940", "detainee__gender": "female",
     "detainee__category": "military", "detention__facility": "Yare", "detention__legal_status": "pretrial"},
    {"detainee__full_name": "Fermina Cogollo Rey", "detainee__birth_date": "1971", "detainee__gender": "male",
     "detainee__category": "civilian", "detention__facility": "Tocorón", "detention__legal_status": "convicted"},
)  # fmt: skip
# Who guesses, and the class of the person it is right about.
unreadable = pytest.mark.parametrize(
    "who, publish", [("jep", "counted"), (GOVERNMENT, "counted"), (GOVERNMENT, "anonymous")]
)
# Matching and trials know nobody who is not listed by name.
unlisted = pytest.mark.parametrize(
    "who, publish", [("jep", "counted"), ("jep", "anonymous"), (GOVERNMENT, "counted"), (GOVERNMENT, "anonymous")]
)
Pair = tuple[World, World]


@pytest.fixture(params=ENGINES)
def two(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Pair]:
    """Two worlds with the same named people, among them namesakes of the hidden one."""
    with twins(templates, request.param) as worlds:
        for world in worlds:
            world.add_facility("yare", "Yare")
            names = "Zoraida Castillo Luna", "Fermina Montilla Luna", "Berta Paz Rey", "Zoraida Montilla"
            for number, name in enumerate(names):
                world.file("pud", detainee__full_name=name, detainee__birth_date=str(1975 + number))
        yield worlds


def hide(two: Pair, publish: str) -> None:
    for world, hidden in zip(two, HIDDEN, strict=True):
        world.file("foro", **hidden, detainee__publish=publish)
        world.count()  # reads the columns: what is measured shares its connections with no such reading


def file_own(two: Pair, who: str) -> None:
    """Report somebody else who shares a part of the name, so that an own record is looked up too."""
    for world in two:
        world.file(
            who, detainee__full_name="Zoraida Paz Ugas", detainee__birth_date="1988", detainee__publish="counted"
        )
        world.count()


def costs(two: Pair, act: Callable[[World], object]) -> tuple[Work, Work]:
    """What the act costs in both, once caches are filled: each connection of the pool parses each statement once."""
    return _cheapest(two[0], act), _cheapest(two[1], act)


def _cheapest(world: World, act: Callable[[World], object]) -> Work:
    done: list[Work] = []
    for _time in range(2 * (world.settings.concurrency + 1)):
        with working(world.engine) as work:
            act(world)
        done.append(work)
    assert done[0].statements
    # Whoever reads first after a write also reads what the write touched.
    return min(done, key=lambda work: (work.steps, len(work.statements), sum(work.rows)))


@unlisted
def test_matching_costs_the_same(two: Pair, who: str, publish: str) -> None:
    hide(two, publish)
    file_own(two, who)
    body = {"detainee": {"full_name": GUESSED, "birth_date": "1940", "gender": "female"}}
    right, wrong = costs(two, lambda world: world.post("/v1/match", body, who))
    assert right == wrong


@unlisted
def test_comparing_a_list_costs_the_same(two: Pair, who: str, publish: str) -> None:
    hide(two, publish)
    file_own(two, who)

    def compare(world: World) -> None:
        files = {"file": ("list.csv", f"nombre,fecha de nacimiento,país,liberado el\n{GUESSED},1940,VE,2025-02\n")}
        answer = world.client.post("/v1/match/list", files=files, headers=world.headers(who))
        assert answer.json()["summary"] | {"likely": 0} == {
            "mine": 1, "theirs": 0, "both": 0, "conflicts": 0, "likely": 0, "mine_only": 1, "theirs_only": 0,
            "unread": 0}  # fmt: skip

    right, wrong = costs(two, compare)
    assert right == wrong


@pytest.mark.parametrize("who, publish", [(None, "counted"), (None, "anonymous"), ("jep", "anonymous")])
def test_searching_by_name_costs_the_same(two: Pair, who: str | None, publish: str, subtests: pytest.Subtests) -> None:
    hide(two, publish)

    def search(path: str, q: str, world: World) -> None:
        assert "Zoraida Montilla Paz" not in world.get(path, who, q=q).text

    for path in ("/v1/detainees", "/v1/releases", "/v1/detentions"):
        for q in (GUESSED, "Soraida Montiya", "montilla"):
            with subtests.test(f"{path} {q}"):
                right, wrong = costs(two, partial(search, path, q))
                assert right == wrong


@pytest.mark.parametrize("publish", ["counted", "anonymous"])
def test_what_a_search_goes_through_in_memory_is_the_same(two: Pair, publish: str) -> None:
    hide(two, publish)
    gone_through = []
    for world in two:
        world.get("/v1/detainees", q=GUESSED)
        made = at_head(world.engine).shared_values[f"names of {('named', NAMED_BY_REPORTS)}"]
        gone_through.append([(sorted(index.text.split()), len(index._places)) for index in (made.main, made.recent)])
    assert gone_through[0] == gone_through[1]
    assert {"zoraida", "montilla", "paz"} <= {word for words, _rows in gone_through[0] for word in words}


def test_asking_by_what_is_hidden_costs_the_same(two: Pair, subtests: pytest.Subtests) -> None:
    hide(two, "anonymous")

    def ask(path: str, term: str, value: str, world: World) -> None:
        assert world.get(path, **{term: value}).status_code == 200

    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions", "/v1/counts/releases"):
        for term, value in (("category", "military"), ("gender", "female"), ("legal_status", "pretrial")):
            with subtests.test(f"{path}?{term}={value}"):
                right, wrong = costs(two, partial(ask, path, term, value))
                assert right == wrong


@unreadable
def test_writing_costs_the_same(two: Pair, who: str, publish: str) -> None:
    hide(two, publish)

    def write(world: World) -> None:
        said = {"detainee__full_name": GUESSED, "detainee__birth_date": "1940", "detainee__publish": "counted"}
        assert world.file(who, **said)["match"]["outcome"] == "new"

    right, wrong = costs(two, write)
    assert right == wrong


@pytest.mark.parametrize("publish", ["named", "counted"])
def test_a_report_that_waits_costs_the_same_whoever_waits_already(two: Pair, publish: str) -> None:
    """Somebody whom a new source's report describes alone is found by no other report, search or comparison."""
    for world in two:
        world.trust("foro", 0)
    hide(two, publish)
    body = make_report(detainee={"full_name": GUESSED, "birth_date": "1940", "gender": "female"})
    asked: list[Callable[[World], object]] = [
        lambda world: world.post("/v1/match", {"detainee": body["detainee"]}, "jep"),
        lambda world: world.get("/v1/detainees", "jep", q=GUESSED),
        lambda world: world.post("/v1/releases", body | {"source_record_id": str(world.revision)}, "jep"),
    ]
    for act in asked:
        right, wrong = costs(two, act)
        assert right == wrong


@unreadable
def test_a_row_of_a_list_costs_the_same(two: Pair, who: str, publish: str) -> None:
    hide(two, publish)
    send_row_costs_the_same(two, who, dry_run=False)


@unlisted
def test_a_row_of_a_trial_costs_the_same(two: Pair, who: str, publish: str) -> None:
    hide(two, publish)
    file_own(two, who)
    send_row_costs_the_same(two, who, dry_run=True)


def send_row_costs_the_same(two: Pair, who: str, *, dry_run: bool) -> None:
    def send(world: World) -> None:
        said = {"detainee__full_name": GUESSED, "detainee__birth_date": "1940", "detainee__publish": "counted"}
        row: dict[str, Any] = make_report(**said, source_record_id=str(world.revision))
        data = (json.dumps(row) + "\n").encode()
        secret, clock = world.app.state.secret, world.app.state.clock
        job = row_filing.file_local_list(
            world.engine, secret, clock, "list", who, data, ImportOptions(dry_run=dry_run), lambda _job: None
        )
        assert json.loads(job.counts)["new"] == 1

    right, wrong = costs(two, send)
    # An import has a random id, whose place among others makes a few steps more or fewer.
    assert (right.statements, right.rows) == (wrong.statements, wrong.rows)


def test_an_id_of_somebody_hidden_costs_what_an_unknown_one_costs(two: Pair, subtests: pytest.Subtests) -> None:
    """An id that is found takes a step more of the database, and tells only what the log tells everyone."""
    world = two[0]
    hidden = world.file("foro", **HIDDEN[0], detainee__publish="counted")

    def read(kind: str, rest: str, thing: str) -> Response:
        return world.get(f"/v1/{kind}s/{thing}{rest}")

    def point(kind: str, thing: str) -> Response:
        return world.post("/v1/releases", {f"{kind}_id": thing, "release": {"released_on": "2026-01-12"}}, "jep")

    for kind in ("detainee", "detention", "release"):
        asks = [partial(point, kind), *(partial(read, kind, rest) for rest in ("", "/verifications", "/history"))]
        for ask in asks:
            with subtests.test(str(ask)):
                done = []
                for thing in (str(uuid.uuid4()), hidden[kind]["id"], str(uuid.uuid4())):
                    with working(world.engine) as work:
                        assert ask(thing).status_code == 404
                    done.append((work.statements, work.rows))
                assert done[1] == done[2]


def test_no_request_is_quicker_since_another_read_the_same_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was hidden, sought or filed a moment ago would be told by what the process remembers of the name."""
    read: list[str] = []
    parsed = words_module._strip_titles

    def note(parts: tuple[str, ...]) -> tuple[str, ...]:
        read.append(" ".join(parts))
        return parsed(parts)

    monkeypatch.setattr(words_module, "_strip_titles", note)
    sought = {"detainee": {"full_name": GUESSED}}
    rows = f"nombre,país\n{GUESSED},VE\n"
    acts: list[Callable[[], object]] = [
        lambda: world.post("/v1/match", sought, "jep"),
        lambda: world.get("/v1/detainees", q=GUESSED),
        lambda: world.send_list(rows, "jep", dry_run=True),
        lambda: world.send_list(rows, "pud", dry_run=True),
        lambda: world.file(detainee__full_name=GUESSED, detainee__publish="counted"),
        lambda: world.file("jep", detainee__full_name=GUESSED),
    ]
    for act in acts:
        read.clear()
        act()
        assert any("montilla" in name for name in read), "the name was remembered from another act"

"""Requests cost no more than costs.toml says: what is read twice is paid by everybody who waits."""

import tomllib
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app.api.middleware.metrics import StatusCollector
from app.api.routes import health
from tests.databases import Templates, settings_of
from tests.support import World
from tests.working import statements

RECORDED = tomllib.loads(Path(__file__).with_name("costs.toml").read_text(encoding="utf-8"))
SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ja", "le", "mi", "no", "pu", "ra", "te")
PEOPLE = 60
NUMBERS = count(PEOPLE)
SHOWN = 200  # characters of a statement
# Other versions of Python and of libraries take more for the same.
MARGIN = 1.4
TOO_MANY = (
    "{request} runs {number} statements where {recorded} are recorded. Is anything read twice, or row by row? They are "
    "below. If it must cost more, write the number into tests/api/load/costs.toml and say why in the commit.\n{run}"
)
TOO_MUCH = (
    "{request} takes {number} KiB at most where {recorded} are recorded. Is a table read whole, or an answer copied? "
    "If it must take more, write the number into tests/api/load/costs.toml and say why in the commit."
)


@pytest.fixture(scope="module")
def scene(templates: Templates) -> Iterator[World]:
    """A registry on SQLite with people of one source, of two and of three, a place and a claim."""
    with templates.copy("sqlite", templates.empty("sqlite")) as url, World(settings_of(url)) as world:
        world.add_facility()
        for number in range(PEOPLE):
            for who in ("foro", "jep", "pud")[: 1 + number % 3]:
                world.file(who, detainee__full_name=name(number), source_record_id=f"{number}", release__kind="pardon")
        claim(world)
        yield world


def name(number: int) -> str:
    """A name like no other."""
    return f"{word(7_919 * number)} {word(104_729 * number + 17)}"


def word(number: int) -> str:
    syllables = (number // len(SYLLABLES) ** place % len(SYLLABLES) for place in range(4))
    return "".join(SYLLABLES[syllable] for syllable in syllables).title()


def claim(world: World) -> None:
    body = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116}
    assert world.post("/v1/claims", body, "foro", **{"Idempotency-Key": f"claim {next(NUMBERS)}"}).status_code == 201


def anybody() -> dict[str, Any]:
    """Somebody of whom nobody has heard."""
    number = next(NUMBERS)
    return {"detainee__full_name": name(number), "source_record_id": f"{number}"}


def met(world: World, *others: str) -> Callable[[], object]:
    somebody = anybody()
    for who in others:
        world.file(who, **somebody)
    return lambda: world.file("foro", **somebody)


def doubted(world: World) -> Callable[[], object]:
    somebody = anybody()
    world.file("jep", **somebody)
    vague = {
        "detainee__birth_date": "1970",
        "detention__detained_on": "2020-01-01",
        "release__released_on": "2020-06-01",
    }
    return lambda: world.file("foro", **somebody, **vague)


def corrected(world: World) -> Callable[[], object]:
    somebody = anybody()
    world.file("jep", **somebody)
    world.file("foro", **somebody)
    return lambda: world.file("foro", **somebody, release__kind="amnesty")


def withdrawn(world: World) -> Callable[[], object]:
    somebody = anybody()
    world.file("jep", **somebody)
    path = f"/v1/reports/{world.file('foro', **somebody)['report']['id']}/retract"
    return lambda: world.post(path, {}, "foro").raise_for_status()


def verdict(world: World) -> Callable[[], object]:
    release = world.file("jep", **anybody())["release"]["id"]
    return lambda: world.verify(release, "foro", verdict="verified", method="lawyer")


# Request → what makes ready for it, and returns it.
WRITES: dict[str, Callable[[World], Callable[[], object]]] = {
    "a report of somebody new": met,
    "the same report again": lambda world: met(world, "foro"),
    "a report that meets another source's": lambda world: met(world, "jep"),
    "a report that meets two other sources'": lambda world: met(world, "jep", "pud"),
    "a report that waits for a curator": doubted,
    "a correction": corrected,
    "a withdrawal": withdrawn,
    "a verdict on a release": verdict,
    "a claim": lambda world: lambda: claim(world),
}


@pytest.mark.parametrize("request_of", WRITES)
def test_a_write_runs_no_more_statements_than_recorded(scene: World, request_of: str) -> None:
    act = WRITES[request_of](scene)
    with statements(scene.engine) as run:
        act()
    require(request_of, run, RECORDED["writes"][request_of])


def test_a_report_costs_the_same_however_many_people_there_are(scene: World) -> None:
    costs = set()
    for _ in range(6):
        with statements(scene.engine) as run:
            scene.file(**anybody())
        costs.add(len(run))
    assert len(costs) == 1


@pytest.mark.parametrize("request_of", RECORDED["reads"])
def test_a_read_runs_no_more_statements_and_takes_no_more_memory_than_recorded(scene: World, request_of: str) -> None:
    recorded = RECORDED["reads"][request_of]
    address = recorded["address"].format(
        release=scene.get("/v1/releases", limit=1).json()["data"][0]["id"],
        citation=scene.count(group_by="source")["links"]["cite"],
    )
    for who in (None, "reader"):  # what is made once for all is made by now, also what follows an entry
        ask(scene, address, who)
        scene.file(**anybody())
    for how, who in (("anew", None), ("again", None), ("keyed", "reader")):
        with statements(scene.engine) as run, most_memory() as taken:
            ask(scene, address, who)
        require(f"{request_of}, {how}:", run, recorded[how])
        if how != "keyed":
            kib = taken[0]
            most = recorded[f"{how}_kib"]
            assert kib <= MARGIN * most, TOO_MUCH.format(request=f"{request_of}, {how},", number=kib, recorded=most)


def test_a_scrape_runs_no_more_statements_than_recorded(scene: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WRITE_TRIAL_INTERVAL_SECONDS", 3600.0)
    assert list(StatusCollector(scene.app.state).collect())
    with statements(scene.engine) as run:
        assert list(StatusCollector(scene.app.state).collect())
    require("a scrape", run, RECORDED["scrape"])


def ask(world: World, address: str, who: str | None) -> None:
    assert world.client.get(address, headers=world.headers(who)).status_code == 200, address


def require(request: str, run: list[str], recorded: int) -> None:
    told = "\n".join(" ".join(statement.split())[:SHOWN] for statement in run)
    assert len(run) <= recorded, TOO_MANY.format(request=request, number=len(run), recorded=recorded, run=told)


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """The KiB that are taken meanwhile at most, once it is over."""
    taken: list[int] = []
    tracemalloc.start()
    try:
        yield taken
        taken.append(tracemalloc.get_traced_memory()[1] // 1024)
    finally:
        tracemalloc.stop()

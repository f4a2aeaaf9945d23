"""What `make bench` measures is what the write path would have left."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from pydantic import SecretStr
from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session

from app.config import Settings
from app.db.engine import open_read_session
from app.models import OPEN, PROJECTED_TABLES
from bench import pages
from bench.crowd import two_keys
from bench.drill_import import SECRET, now
from bench.reading import build, plain, questions
from bench.reading.history import BEGUN
from bench.reading.load import Line
from bench.reading.people import Crew, Step
from bench.reading.telling import FACILITIES, SOURCES
from tests.support import World

PEOPLE = 40
ALIKE = (
    "/v1/counts/releases?group_by=source&group_by=month",
    "/v1/counts/releases?group_by=status&group_by=release_kind&group_by=country",
    "/v1/counts/releases?group_by=gender&group_by=source&group_by=designation",
    "/v1/counts/releases?group_by=facility&group_by=age_group",
    "/v1/counts/releases?group_by=source&net=true",
    "/v1/counts/releases?group_by=category&stage=ordered",
    "/v1/counts/releases?verified_by_match=only&verified_by=open-gates&group_by=source_count",
    "/v1/counts/overlap?",
    "/v1/counts/held?held_on=2025-03-01&group_by=source&group_by=legal_status",
    "/v1/counts/held?held_on=2023-03-01&house_arrest=true&group_by=status",
    "/v1/counts/series?by=event&interval=month",
)
# What of an answer is about its own registry; the matcher leaves pairs to curators that nobody drew.
OF_ITS_OWN = frozenset(("revision", "recorded_at", "permalink", "cite", "list", "only_list", "possible_duplicates"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("built") / "registry.db"
    build.build(f"sqlite:///{file}", PEOPLE)
    return file


def settings_of(file: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{file}", secret=SecretStr(SECRET.decode()), rate_by_client=0)


def test_a_built_registry_counts_as_one_in_which_the_same_was_filed(built: Path, tmp_path: Path) -> None:
    keys = {slug: "" for slug, _kind, _often in SOURCES} | {"curator": "", "admin": ""}
    with World(settings_of(built), keys=keys) as made, World(settings_of(tmp_path / "filed.db"), BEGUN) as filed:
        file_all(filed)
        assert standing_rows(made) == standing_rows(filed)
        for address in ALIKE:
            one, other = (world.client.get(address) for world in (made, filed))
            assert (one.status_code, other.status_code) == (200, 200), (one.text, other.text)
            assert told(one.json()) == told(other.json()), address


def standing_rows(world: World) -> dict[str, int]:
    """How many rows of each projected table hold at the head."""
    with open_read_session(world.engine) as session:
        return {table.__name__: number(session, table, table.until == OPEN) for table in PROJECTED_TABLES}


def number(session: Session, table: Any, which: Any) -> int:
    return int(session.scalar(select(func.count()).select_from(table).where(which)) or 0)


def told(value: Any) -> Any:
    """An answer without what is of its own registry."""
    if isinstance(value, dict):
        return {name: told(inner) for name, inner in value.items() if name not in OF_ITS_OWN}
    return [told(inner) for inner in value] if isinstance(value, list) else value


def file_all(world: World) -> None:
    """File the same over the API, and have curators tie together what the matcher leaves apart."""
    for slug, kind, _often in SOURCES:
        world.add_source(slug, kind)
    for slug, name, country, area in FACILITIES:
        world.add_facility(slug, name, country=country, area=area)
    detainees: dict[int, str] = {}
    for step in Crew(1, 0, PEOPLE).steps:
        world.now += timedelta(hours=1)
        if step.kind in ("first", "tied", "next"):
            detainees.setdefault(step.record, filed(world, step))
        if step.kind in ("tied", "joined") and detainees[step.record] != detainees[step.other]:
            world.judge(detainees[step.record], detainees[step.other], "same")


def filed(world: World, step: Step) -> str:
    """The id of the person whom a report is of."""
    path = "/v1/releases" if "release" in step.body else "/v1/detentions"
    answer = world.post(path, step.body, SOURCES[step.source][0])
    assert answer.status_code in (200, 201), (answer.text, step.body)
    return str(answer.json()["detainee"]["id"])


def test_people_drawn_once_more_are_others_at_later_revisions(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DRAWN", "CREW"):
        monkeypatch.setattr(build, name, PEOPLE)
    build.build(f"sqlite:///{tmp_path / 'twice.db'}", 2 * PEOPLE)
    keys = {"curator": ""}
    with World(settings_of(built), keys=keys) as once, World(settings_of(tmp_path / "twice.db"), keys=keys) as twice:
        revision = once.get("/v1/counts/releases").json()["at"]["revision"]
        for address in ALIKE:
            before = twice.client.get(f"{address}&as_of=r{revision}").json()
            assert told(before) == told(once.client.get(address).json()), address
        assert standing_rows(twice) == {table: 2 * rows for table, rows in standing_rows(once).items()}
        ids = [one["id"] for one in twice.get("/v1/releases", limit=200).json()["data"]]
        assert len(set(ids)) == len(ids) == 2 * len(once.get("/v1/releases", limit=200).json()["data"])


def test_the_past_of_a_built_registry_holds_fewer_people_and_no_row_twice(built: Path) -> None:
    with World(settings_of(built), keys={"curator": ""}) as world:
        last = world.get("/v1/counts/releases").json()["at"]["revision"]
        totals = [world.get("/v1/detainees", as_of=at, limit=200).json() for at in (last // 2, last)]
        assert len(totals[0]["data"]) < len(totals[1]["data"])
        with open_read_session(world.engine) as session:
            for table in PROJECTED_TABLES:
                closed = number(session, table, table.until < OPEN)
                assert closed or table.__name__ in ("ProvisionalHiding",), table
                keys = [c for c in table.__table__.primary_key.columns if c.name != "since"]
                other = aliased(table)
                same = [column == getattr(other, column.name) for column in keys]
                twice = (table.since < other.since, table.until > other.since, *same)
                assert session.scalar(select(func.count()).select_from(table).join(other, and_(*twice))) == 0, table


def test_somebody_with_a_name_that_is_there_may_be_filed(built: Path, tmp_path: Path) -> None:
    shutil.copy(built, tmp_path / "written.db")
    step = next(step for step in Crew(1, 0, PEOPLE).steps if step.kind == "first")
    key, _other = two_keys(f"sqlite:///{tmp_path / 'written.db'}")
    with World(settings_of(tmp_path / "written.db"), now(), keys={"writer": key}) as world:
        answer = world.post("/v1/releases" if "release" in step.body else "/v1/detentions", step.body, "writer")
        assert answer.status_code == 201, answer.text


def test_the_service_it_is_laid_beside_counts_the_same(built: Path, tmp_path: Path) -> None:
    plain.copy(built, tmp_path / "plain.db", OPEN)
    with closing(sqlite3.connect(tmp_path / "plain.db")) as connection:
        counted = {(source, verdict): number for source, verdict, number in connection.execute(plain.BY_SOURCE)}
    with World(settings_of(built), keys={"curator": ""}) as world:
        groups = world.client.get(questions.WARM).json()["groups"]
    assert {group["by"]["source"]: group["counts"]["verified"] for group in groups} == {
        group["by"]["source"]: counted.get((group["by"]["source"], "verified"), 0) for group in groups
    }
    assert sum(group["counts"]["verified"] for group in groups) > PEOPLE / 4


def test_every_question_is_answered_and_none_is_asked_twice(built: Path) -> None:
    with World(settings_of(built), keys={"curator": ""}) as world:
        revision = world.get("/v1/counts/releases").json()["at"]["revision"]
        ids = [one["id"] for one in world.get("/v1/releases").json()["data"]]
        for row in [*questions.cold(revision), *questions.of_people(PEOPLE, ids)]:
            paths = [*islice(row.paths, 20)]
            assert len({*paths}) == len(paths) >= 2, row.name
            for path in paths[:2]:
                assert world.client.get(path).status_code == 200, path
        for path in questions.ids_of(1):
            assert world.client.get(path).status_code == 200


def test_every_page_is_answered_and_none_is_asked_for_twice(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(built, tmp_path / "published.db")
    pages.publish(f"sqlite:///{tmp_path / 'published.db'}")
    with World(settings_of(tmp_path / "published.db"), now(), keys={"curator": ""}) as world:

        async def answer_to(_server: object, path: str, **headers: str) -> tuple[object, bytes]:
            answer = world.client.get(path)
            assert answer.status_code == 200, path
            return answer.headers, answer.content

        monkeypatch.setattr(pages, "answer_to", answer_to)
        kinds = asyncio.run(pages.kinds_of(Mock()))
        assert {"home", "counts", "citation", "a claim", "a person", "a source"} <= {kind.name for kind in kinds}
        for kind in kinds:
            past = [*islice(kind.past, 3)]
            assert len({kind.path, *past}) == len(past) + 1, kind.name
            for path in (kind.path, *past[:1]):
                assert world.client.get(f"/es{path}").status_code == 200, path
        page, _gzip, whole = asyncio.run(pages.bytes_of(Mock(), "/es/data"))
        assert 0 < page < whole, "with its assets"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfour",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n",
    ],
    ids=["in one", "in chunks", "none"],
)
def test_an_answer_is_awaited_until_its_last_byte(answer: bytes) -> None:
    async def ask() -> bytes:
        line = Line()
        line.transport = Mock()
        asking = asyncio.ensure_future(line.ask(b""))
        await asyncio.sleep(0)
        for place in range(len(answer)):
            assert not asking.done()
            line.data_received(answer[place : place + 1])
        return await asking

    assert asyncio.run(ask()) == answer

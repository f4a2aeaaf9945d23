"""A source may be registered under a pseudonym: its real name is sealed beside the log, where administrators and
curators read it, and nobody else does."""

from typing import Any

import pytest
from sqlalchemy import text

from app.db.engine import open_read_session, open_write_session
from app.models import metadata
from app.registry.apply import rebuild_tables
from tests.databases import Templates
from tests.support import GOVERNMENT, Body, World
from tests.two_registries import differences, twins

REAL = "Colectivo zqrealqz de Maturín"
SOURCE: Body = {"slug": "la-brujula", "name": "La Brújula", "kind": "ngo", "country": "VE"}


def add(world: World, **more: Any) -> None:
    assert world.post("/v1/sources", {**SOURCE, **more}, "admin").status_code == 201


def change(world: World, **patch: Any) -> Any:
    return world.client.patch("/v1/sources/la-brujula", json=patch, headers=world.headers("admin"))


def real_name(world: World, who: str | None) -> Any:
    return world.get("/v1/sources/la-brujula", who).json()["real_name"]


def test_administrators_and_curators_read_the_real_name_and_nobody_else_does(world: World) -> None:
    add(world, real_name=REAL)
    assert [real_name(world, who) for who in ("admin", "curator")] == [REAL, REAL]
    assert [real_name(world, who) for who in (None, "reader", "foro", GOVERNMENT)] == [None] * 4


def test_no_answer_no_entry_and_no_row_holds_it(world: World) -> None:
    add(world, real_name=REAL)
    paths = ("/v1/sources", "/v1/sources.csv", "/v1/corrections", "/v1/claims", "/v1/counts/releases", "/v1/me")
    told = [world.client.get(path, headers=world.headers(who)).text for path in paths for who in (None, "admin")]
    with open_read_session(world.engine) as session:
        rows = [str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in metadata.tables]
    assert not any("zqrealqz" in one for one in told + rows)


def test_whether_there_is_one_changes_no_byte_of_the_log(world: World) -> None:
    add(world, real_name=REAL)
    before = world.revision
    assert change(world, real_name="Otro nombre").status_code == 200
    assert world.revision == before
    assert real_name(world, "curator") == "Otro nombre"
    ((body,),) = world.rows(f"SELECT body FROM entry WHERE revision = {before}")
    assert "_sd" not in body


def test_it_is_erased_by_null_and_stays_where_the_change_says_nothing_of_it(world: World) -> None:
    add(world, real_name=REAL)
    change(world, definition="Members of the press.")
    assert real_name(world, "admin") == REAL
    assert change(world, real_name=None).status_code == 200
    assert real_name(world, "admin") is None
    assert world.rows("SELECT source FROM source_real_name") == []


def test_what_a_client_kept_is_not_told_to_be_current_once_the_name_is_gone(world: World) -> None:
    add(world, real_name=REAL)
    headers = world.headers("curator")
    tag = world.client.get("/v1/sources/la-brujula", headers=headers).headers["etag"]
    change(world, real_name=None)
    again = world.client.get("/v1/sources/la-brujula", headers={**headers, "If-None-Match": tag})
    assert again.status_code == 200


def test_a_rebuild_keeps_it(world: World) -> None:
    add(world, real_name=REAL)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert real_name(world, "admin") == REAL


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_registries_that_differ_in_real_names_alone_give_equal_bytes(kind: str, templates: Templates) -> None:
    with twins(templates, kind) as worlds:
        for world, more in zip(worlds, ({"real_name": REAL}, {}), strict=True):
            add(world, **more)
        paths = [path for path in worlds[0].app.openapi()["paths"] if path.startswith("/v1/sources")]
        assert not [*differences(*worlds, among=paths)]
        assert [real_name(world, None) for world in worlds] == [None, None]

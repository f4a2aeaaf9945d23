"""What happens to a registry, one thing after another: every way in which rows that columns hold are changed."""

from collections.abc import Iterator

import pytest

from app.registry.curation import proposals
from tests.support import Body, World

OTHER_MAN = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950"}
WOMAN = {"detainee__full_name": "Lucía Belén Arrieta Montes", "detainee__birth_date": "1988",
         "detainee__gender": "female", "detainee__nationalities": ["AR", "IL"]}  # fmt: skip
LIST = "nombre,país,fecha de detención,fecha de excarcelación\nRosa Inés Valdivia,VE,2024-03-01,2026-01-20\n"
BEGAN = "2026-01-01T00:00:00Z"
MANY = 1_000


def patch(world: World, path: str, change: Body, who: str) -> Body:
    answer = world.client.patch(path, json=change, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def undo(world: World, decision: Body) -> None:
    answer = world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert answer.status_code == 200, answer.text


def recall(world: World, who: str) -> int:
    """All that the key of a source wrote is recalled; the revision of that."""
    body = {"key_id": world.keys[who][4:12], "since": BEGAN}
    answer = world.post("/v1/recalls", body, "admin")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["receipt"]["revision"])


def undo_recall(world: World, revision: int) -> None:
    answer = world.post("/v1/recalls", {"undoes": revision}, "admin")
    assert answer.status_code == 200, answer.text


def address(filed: Body) -> str:
    return f"/v1/detainees/{filed['detainee']['id']}"


def life(world: World) -> Iterator[str]:
    """What happens to a registry, with a name for each thing that has happened."""
    world.add_facility()
    yield "a facility"
    one = world.file("foro", source_record_id="1")
    yield "a report"
    two = world.file("jep", **OTHER_MAN, detention__facility="el-rodeo-i")
    three = world.file("pud", **WOMAN)
    yield "reports of two others"
    world.file("foro", source_record_id="1", release__kind="pardon", detention__facility=None)
    yield "a new version"
    world.verify(two["release"]["id"], "foro", verdict="verified", method="lawyer")
    yield "a verdict on a release"
    same = world.judge(one["detainee"]["id"], two["detainee"]["id"], "same")
    yield "a tie"
    undo(world, same)
    yield "a tie undone"
    world.judge(one["detainee"]["id"], three["detainee"]["id"], "unsure")
    yield "a pair that waits"
    world.judge(one["detainee"]["id"], three["detainee"]["id"], "different")
    yield "a pair kept apart"
    world.consent(two["detainee"]["id"], "counted")
    yield "a consent that closes"
    world.consent(two["detainee"]["id"], "named")
    yield "a consent that opens"
    world.object_to(address(three))
    world.beat()
    yield "an objection"
    world.decide(world.get("/v1/objections", "curator").json()["data"][0]["id"], "dismissed")
    yield "an objection dismissed"
    patch(world, "/v1/sources/jep", {"independent": False}, "admin")
    yield "a source that is independent no more"
    with pytest.MonkeyPatch.context() as patched:  # all this is one day of one curator
        patched.setattr(proposals, "MAX_PEOPLE_A_DAY", MANY)
        renamed = {"name": "Rodeo Uno", "names": ["Rodeo Uno"], "area": "Guarenas"}
        patch(world, "/v1/facilities/el-rodeo-i", renamed, "curator")
        yield "a facility renamed"
        world.add_facility("rodeo-viejo", "Rodeo Viejo", area="Caracas")
        yield "another facility"
    again = {"detainee": None, "detention__detained_on": "2026-01-20", "release__released_on": "2026-02-10"}
    world.file("foro", detainee_id=two["detainee"]["id"], **again)
    yield "a second arrest"
    assert world.send_list(LIST)["state"] == "done"
    yield "a list"
    world.redact(three["detainee"]["id"])
    yield "an erasure"
    revision = recall(world, "jep")
    yield "a recall"
    undo_recall(world, revision)
    yield "a recall undone"
    world.redact(two["detainee"]["id"])
    yield "an erasure of somebody with several reports"

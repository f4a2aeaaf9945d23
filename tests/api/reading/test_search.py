"""`q` finds names as they are asked, then names spelt otherwise, the likest first; and nobody whose name is hidden."""

from typing import Any

import pytest

from tests.support import World

PATHS = ("/v1/detainees", "/v1/releases", "/v1/detentions")


def file(world: World, name: str, publish: str = "named", **said: Any) -> None:
    world.file(
        "foro",
        detainee__full_name=name,
        detainee__publish=publish,
        detainee__birth_date=None,
        detainee__nationalities=None,
        **said,
    )


def names(world: World, q: str, path: str = "/v1/detainees") -> list[str]:
    """The names of the people behind the rows, in their order."""
    rows = world.get(path, q=q).json()["data"]
    ids = [row["id"] if path == "/v1/detainees" else row["detainee_id"] for row in rows]
    return [world.get(f"/v1/detainees/{one}").json()["name"] for one in ids]


@pytest.fixture
def scene(world: World) -> World:
    world.add_facility()
    for name in ("Yaacov Tenary", "Yaakov Tenari Luna", "Francisca Rojas", "Gonzalo Brull Peña", "Хасан Орлов"):
        file(world, name)
    return world


@pytest.mark.parametrize("path", PATHS)
def test_a_name_spelt_otherwise_is_found(scene: World, path: str) -> None:
    assert names(scene, "Bravo Peña Gonzalo", path) == []  # another word is another name
    assert names(scene, "Gonsalo Brul", path) == ["Gonzalo Brull Peña"]
    assert names(scene, "Hasan Orlov", path) == names(scene, "Khasan Orlov", path) == ["Хасан Орлов"]


def test_one_word_is_enough_and_a_short_form_too(scene: World) -> None:
    assert names(scene, "brul") == names(scene, "Brull") == ["Gonzalo Brull Peña"]
    assert names(scene, "Paquita Rojas") == ["Francisca Rojas"]


def test_as_asked_comes_before_spelt_otherwise_and_pages_keep_the_order(scene: World) -> None:
    everyone = ["Yaakov Tenari Luna", "Yaacov Tenary"]
    assert names(scene, "yaakov tenari") == everyone
    first = scene.get("/v1/detainees", q="yaakov tenari", limit=1).json()
    second = scene.client.get(first["next"]).json()
    assert [first["data"][0]["name"], second["data"][0]["name"]] == everyone
    assert second["next"] is None


def test_a_name_that_holds_the_words_as_asked_comes_before_a_liker_one_that_does_not(world: World) -> None:
    for name in ("Yaacov Tenar", "Yaakov Tenari"):
        file(world, name)
    assert names(world, "yaakov tenar") == ["Yaakov Tenari", "Yaacov Tenar"]


def test_whose_name_is_hidden_is_not_found_by_a_like_one(scene: World) -> None:
    file(scene, "Baltasar Orihuela Cantos", "anonymous")
    assert names(scene, "Balthazar Orihuela") == []
    assert len(scene.get("/v1/detainees", "reader", q="Balthazar Orihuela").json()["data"]) == 1

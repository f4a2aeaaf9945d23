"""The pattern of a release is the set of its verifying sources, however many sources there are."""

import pytest

from app.counts import patterns
from tests.support import World

PEOPLE = ("Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada", "Dorotea Bracho", "Evaristo Marcano")


def file_by_patterns(world: World, verifying: list[list[str]]) -> dict[tuple[str, ...], int]:
    """A release for each of these sets of sources, the first of which files it; how many releases each set has."""
    wanted: dict[tuple[str, ...], int] = {}
    for number, (name, slugs) in enumerate(zip(PEOPLE, verifying, strict=True)):
        person = {"detainee__full_name": name, "detainee__birth_date": str(1940 + 3 * number)}
        said = {} if slugs else {"verification__verdict": "reported"}
        release = world.file((slugs or ["foro"])[0], **person, **said)["release"]["id"]
        for slug in slugs[1:]:
            world.verify(release, slug, verdict="verified", method="lawyer")
        key = tuple(sorted(slugs))
        wanted[key] = wanted.get(key, 0) + 1
    return wanted


def found(world: World) -> dict[tuple[str, ...], int]:
    answer = world.get("/v1/counts/overlap")
    assert answer.status_code == 200, answer.text
    return {tuple(pattern["sources"]): pattern["releases"] for pattern in answer.json()["patterns"]}


def sources(world: World, number: int) -> list[str]:
    slugs = [f"desk-{one:02}" for one in range(number)]
    for slug in slugs:
        world.add_source(slug)
    return slugs


@pytest.mark.parametrize(
    "number",
    [60, 61],
)
def test_as_many_sources_as_one_number_has_bits_make_the_patterns_that_they_made(world: World, number: int) -> None:
    slugs = sources(world, number)
    wanted = file_by_patterns(world, [slugs, slugs[-1:], [], slugs[:1], slugs[-1:]])
    assert found(world) == wanted


def test_more_sources_than_one_number_has_bits_make_the_patterns_that_they_made(world: World) -> None:
    slugs = sources(world, 66)
    wanted = file_by_patterns(world, [slugs, slugs[-1:], slugs[60:65], slugs[:1], [slugs[0], slugs[-1]]])
    assert found(world) == wanted


@pytest.mark.parametrize("bits", [1, 2, 3, 61])
def test_patterns_are_the_same_however_many_numbers_hold_them(
    world: World, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(patterns, "SOURCES_OF_NUMBER", bits)
    every = [*sources(world, 2), "foro", "jep", "pud"]
    wanted = file_by_patterns(world, [every, every[-1:], [], every[1:4], every[-1:]])
    assert found(world) == wanted

"""What a list would change in its source's own count: told by a trial, from the source's own words alone."""

import pytest

from app.imports.filing import receipts
from tests.support import Body, World

HEAD = "código;nombre;fecha de detención;país;fecha de excarcelación;verificación;método;publicar\n"


def row(case: str, name: str, verdict: str = "verificado", publish: str = "", country: str = "VE") -> str:
    return f"{case};{name};2025-03-02;{country};12 de enero de 2026;{verdict};familia;{publish}\n"


def told(receipt: Body) -> list[tuple[str, int, int]]:
    return [(change["country"], change["verified"], change["reported"]) for change in receipt["own_releases"]]


def test_a_trial_tells_what_the_run_changes_in_the_source_s_own_count(world: World) -> None:
    first = HEAD + row("EX-1", "Rosa Inés Valdivia") + row("EX-2", "Julio Peralta Ríos", "", "con nombre")
    trial = world.send_list(first, dry_run=True)
    assert told(trial) == [("VE", 1, 1)]
    assert trial["publish"] == {"named": 1, "anonymous": 1, "counted": 0}
    assert told(world.send_list(first)) == [("VE", 1, 1)]
    assert world.by_source() == {"foro": 1}
    second = HEAD + row("EX-1", "Rosa Inés Valdivia") + row("EX-2", "Julio Peralta Ríos") + row("EX-3", "Ana Ruz")
    assert told(world.send_list(second, dry_run=True)) == [("VE", 2, -1)]
    assert told(world.send_list(second, confirm=True)) == [("VE", 2, -1)]
    assert world.by_source() == {"foro": 3}
    assert told(world.send_list(second)) == []


def test_countries_are_told_apart(world: World) -> None:
    both = HEAD + row("EX-1", "Rosa Inés Valdivia") + row("EX-2", "Julio Peralta Ríos", country="NI")
    assert told(world.send_list(both, dry_run=True)) == [("NI", 1, 0), ("VE", 1, 0)]


@pytest.mark.parametrize("publish", ["counted", "anonymous", "named"])
def test_whom_others_report_changes_nothing_of_what_is_told(world: World, publish: str) -> None:
    world.send_list(HEAD + row("J-1", "Rosa Inés Valdivia", publish=publish), who="jep")
    known = world.send_list(HEAD + row("EX-1", "Rosa Inés Valdivia"), dry_run=True)
    unknown = world.send_list(HEAD + row("EX-1", "Elsa Mora Quiroga"), dry_run=True)
    for field in ("own_releases", "publish", "gained", "lost"):
        assert known[field] == unknown[field]


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"detention.country": "VE", "verification.verdict": "verified"},
        {"detention.country": "VE", "verification.verdict": "verified", "release.stage": "announced"},
        {"detention.country": "VE", "verification.verdict": "retracted", "release.stage": "carried_out"},
        {"verification.verdict": "verified", "release.stage": "carried_out"},
    ],
)
def test_what_is_no_release_of_the_source_s_own_count_changes_nothing(content: dict[str, str]) -> None:
    assert receipts.build_own_changes(receipts.count_own_changes({}, content)) == []

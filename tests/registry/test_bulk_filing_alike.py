"""Rows of a list filed together are decided as rows filed one by one: the same ties, the same pairs in review.

Whom the rows may speak of is looked up once, before any is written, and must be kept up with what they write.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.databases import settings_of
from tests.registry.test_filing import file_all
from tests.support import GOVERNMENT, Body, World, make_report

NAMES = (
    "José Luis Roa Peña", "Jose Luis Roa", "Luis Roa Peña", "José Peña Roa", "Yosef Benaim", "Roberto",
    "Carlos Mendoza Rivas", "Carlos Rivas",
)  # fmt: skip
ROWS = 7


def report(draw: random.Random, case: str) -> Body:
    """A report of one of few people, so that most rows meet somebody."""
    person: Body = {"full_name": draw.choice(NAMES), "publish": draw.choice(("named", "anonymous", "counted"))}
    birth = draw.choice(("1950", "1951", "1970", "1990", None))
    if birth is not None:
        person["birth_date"] = birth
    if draw.random() < 0.3:
        person["aliases"] = [draw.choice(NAMES)]
    if draw.random() < 0.2:
        person["national_id"] = draw.choice(("V-1234567", "V-7654321"))
    release = {"released_on": draw.choice(("2026-01-12", "2026-01-13")), "kind": "release_with_measures"}
    verdict = draw.choice(("reported", "reported", "retracted"))
    return make_report(source_record_id=case, detainee=person, release=release, verification={"verdict": verdict})


def outcome(folder: Path, seed: int, *, together: bool) -> Any:
    """What became of the rows of a random list beside random reports of others, and of one's own before."""
    draw = random.Random(seed)
    before = [(draw.choice(("jep", "foro", GOVERNMENT)), report(draw, f"P{number}")) for number in range(5)]
    cases = [f"N{number}" for number in range(ROWS)] + [one["source_record_id"] for who, one in before if who == "foro"]
    draw.shuffle(cases)
    rows = [report(draw, case) for case in cases]
    url = f"sqlite:///{folder / f'{seed}-{together}.db'}"
    with World(settings_of(url)) as world:
        for who, body in before:
            world.post("/v1/releases", body, who)
        lists = [rows] if together else [[row] for row in rows]
        results = [one for some in lists for one in file_all(world, *some)]
        told = [getattr(one, "code", None) or str(getattr(one, "match", None)) for one in results]
        world.find_pairs()
        standing = (
            sorted(world.rows("SELECT judgement, decided_by, score FROM decision")),
            world.rows("SELECT count(*) FROM pending_pair WHERE until > 1000000000"),
            sorted(world.rows("SELECT score FROM hidden_candidate_pair")),
        )
    return told, standing


@pytest.mark.parametrize("seed", range(8))
def test_a_list_is_decided_as_its_rows_would_be_one_by_one(tmp_path: Path, seed: int) -> None:
    assert outcome(tmp_path, seed, together=True) == outcome(tmp_path, seed, together=False)

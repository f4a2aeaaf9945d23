"""What was counted at several revisions, asked of all together, is what is counted at each."""

from typing import Any

import pytest

from app.counts.growth import known
from app.counts.patterns import slugs_by_key
from app.counts.series import MOST_REVISIONS
from app.counts.tally import count
from app.db.engine import reading
from app.reading.selection import COUNTING
from app.reading.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.columns.lives import life
from tests.support import ANYONE, NOW, World

PARTNER = Reader(role=Role.READER)
ASKED: list[dict[str, Any]] = [
    {},
    {"stage": "ordered"},
    {"kind": ["pardon"]},
    {"net": True},
    {"net": True, "released_from": "2026-01", "released_to": "2026-02-05"},
    {"detained_from": "2025", "detained_to": "2026-01-10"},
    {"detained_from": "2025", "source": "foro"},
    {"source": "jep"},
    {"verified_by": ["foro"]},
    {"any_of": ["foro", "pud"]},
    {"only_by": ["jep"]},
    {"sources": 1},
    {"min_sources": 2},
    {"status": ["verified"]},
    {"state": "released"},
    {"rearrested": True},
    {"gender": "male"},
    {"nationality": ["AR"]},
    {"not_nationality": ["AR"]},
    {"facility": "el-rodeo-i"},
    {"area": "Guarenas"},
    {"area": "Guarenas", "source": "jep"},
    {"country": "VE", "designation": "political"},
]


@pytest.fixture(scope="module")
def lived(lasting: World) -> World:
    lasting.now = NOW
    for _happened in life(lasting):
        pass
    return lasting


@pytest.mark.parametrize("reader", [ANYONE, PARTNER], ids=["anyone", "partner"])
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_at_each_revision_the_same_is_counted(lived: World, asked: dict[str, Any], reader: Reader) -> None:
    terms = CountTerms(**asked)
    with reading(lived.engine) as session:
        slugs = slugs_by_key(session)
        for revisions in ([*range(lived.revision + 1)][-MOST_REVISIONS:], [lived.revision // 2], [0, lived.revision]):
            for revision, numbers in zip(revisions, known(session, terms, reader, revisions), strict=True):
                counted = count(session, terms.model_copy(update={"group_by": ["source"]}), reader, revision)
                total: Any = counted["total"]
                by_status = {status: numbers.by_status.get(status, 0) for status in COUNTING}
                assert by_status == {status: total[status] for status in COUNTING}, revision
                assert numbers.counted_apart == total["counted_apart"], revision
                by_source = {slugs[key]: number for key, number in numbers.by_source.items() if number}
                assert by_source == verified_by(counted["groups"]), revision


def verified_by(groups: Any) -> dict[str, int]:
    return {group["source"]: group["verified"] for group in groups if group["verified"]}

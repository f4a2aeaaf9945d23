"""Nothing that is projected depends on when a report arrived, except which of one source's reports is its newest."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.models import SourceDetention, SourceRelease
from app.projection import Statement, project
from app.projection.detentions import divide_into_detentions
from app.projection.rows import find_reviews, withdraw_unapproved
from app.vocabulary import Review
from tests.drawn import examples
from tests.projection.histories import reports
from tests.registry.statements import held, out

REVIEWS = st.lists(st.sampled_from((None, None, None, Review.AWAITING_REVIEW, Review.REJECTED)), min_size=7, max_size=7)


@examples(300)
@given(reports(), st.integers(0, 2**32))
def test_another_order_of_arrival_gives_the_same_rows(said: list[Statement], seed: int) -> None:
    assert _told(_arriving_otherwise(said, Random(seed))) == _told(said)


@examples(300)
@given(reports(), REVIEWS, st.integers(0, 2**32))
def test_another_order_of_arrival_gives_the_same_rows_of_reports_under_review(
    said: list[Statement], reviews: list[Review | None], seed: int
) -> None:
    said = [replace(one, review=review) for one, review in zip(said, reviews, strict=False)]
    assert _told(_arriving_otherwise(said, Random(seed))) == _told(said)


@examples(300)
@given(reports(), REVIEWS)
def test_a_source_s_own_rows_are_the_same_before_and_after_its_reports_are_approved(
    said: list[Statement], reviews: list[Review | None]
) -> None:
    slug = said[0].source.slug
    said = [replace(one, review=review) for one, review in zip(said, reviews, strict=False)]
    approved = [replace(one, review=None) if one.source.slug == slug else one for one in said]
    assert _own_rows(said, slug) == _own_rows(approved, slug)


def _own_rows(said: Sequence[Statement], slug: str) -> list[str]:
    key = next(one.source.key for one in said if one.source.slug == slug)
    rows = project(said, "named")
    own = [row | {"review": None} for table in (SourceRelease, SourceDetention) for row in rows[table]]
    return sorted(repr(sorted(row.items())) for row in own if row["source"] == key)


def _arriving_otherwise(said: Sequence[Statement], random: Random) -> list[Statement]:
    """The same reports under other numbers; each source's newest word is still its newest."""
    numbers = [statement.record for statement in said]
    record = dict(zip(numbers, random.sample(numbers, len(numbers)), strict=True))
    turns = random.sample([statement.source.key for statement in said], len(said))
    by_revision = sorted(said, key=lambda statement: statement.revision)
    queues = {key: iter([one for one in by_revision if one.source.key == key]) for key in turns}
    return [
        replace(one, record=record[one.record], pointer=record.get(one.pointer or 0, one.pointer), revision=revision)
        for revision, one in enumerate((next(queues[key]) for key in turns), start=1)
    ]


def _told(said: Sequence[Statement]) -> dict[str, list[str]]:
    """All rows, the keys that come from arrival put into the ids of the reports."""
    ids, reviews = {statement.record: statement.id for statement in said}, find_reviews(said)
    counted = withdraw_unapproved(said, reviews)
    spell, own_spells = _read_spells(counted), {}
    for source in reviews:
        as_approved = [one if one.source.key == source else other for one, other in zip(said, counted, strict=True)]
        own_spells[source] = _read_spells(as_approved)
    return {
        table.__name__: sorted(
            repr(sorted(_by_ids(row, ids, own_spells[row["source"]] if row.get("review") else spell).items()))
            for row in rows
            if row.get("review") or row.get("spell", 0) in {0, *spell}  # not beside own rows alone
        )
        for table, rows in project(said, "named").items()
    }


def _read_spells(said: Sequence[Statement]) -> dict[int, list[str]]:
    divided = [detention.statements for detention in divide_into_detentions(said)]
    return {min(one.record for one in members): sorted(one.id for one in members) for members in divided}


def _by_ids(row: dict[str, Any], ids: dict[int, str], spell: dict[int, list[str]]) -> dict[str, Any]:
    named = {name: value for name, value in row.items() if name != "detainee"}
    named |= {"spell": spell[row["spell"]]} if "spell" in row else {}
    return named | {name: ids.get(row[name]) for name in ("record",) if name in row}


def division(said: Sequence[Statement]) -> list[list[str]]:
    return [sorted(one.id for one in detention.statements) for detention in divide_into_detentions(said)]


def test_of_two_who_point_at_an_undated_report_the_first_to_arrive_does_not_decide_where_it_stands() -> None:
    found = []
    for first, second in ((4, 5), (5, 4)):
        said = [
            out(1, "foro", "2026-01-12", since="2024-10-13", id="1"),
            held(2, "jep", "2026-01-20", id="2"),
            held(3, "pud", id="3"),
            held(first, "foro", detention__held_on="2026-01-05", pointer=3, id="4"),
            held(second, "jep", detention__held_on="2026-02-15", pointer=3, id="5"),
        ]
        found.append(division(said))
    assert found[0] == found[1]


def test_a_circle_of_pointers_is_placed_by_the_same_report_whichever_arrived_first() -> None:
    found = []
    for first, second in ((1, 2), (2, 1)):
        said = [
            out(first, "foro", "2026-01-12", since="2024-10-13", pointer=second, id="1"),
            out(second, "jep", "2026-02-10", since="2026-01-20", pointer=first, id="2"),
            held(3, "pud", "2026-01-20", id="3"),
        ]
        found.append(division(said))
    assert found[0] == found[1]

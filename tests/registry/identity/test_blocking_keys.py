"""Records that a look-up need not read are surely somebody else's: reading them would change nothing."""

from typing import Any

from hypothesis import event, example, given
from hypothesis import strategies as st

from app.matching import score
from app.matching.blocking import BlockingHit
from app.registry.identity import blocking_keys, record_linkage

NAMES = (
    "José Luis Roa Peña",
    "José Luis Roa",
    "Jose Peña Roa",
    "Luis Roa",
    "Roberto",
    "Yosef Benaim",
    "José L. Roa Peña",
    "Roa José Luis",
)
TURNED = ({"detainee.full_name": "José Luis Roa"}, {"detainee.full_name": "Roa José Luis"})
VE, ES = {"detainee.nationalities": ["VE"]}, {"detainee.nationalities": ["ES"]}
YOUNG, OLD = {"detainee.birth_date": "1990"}, {"detainee.birth_date": "1950"}
ONE_NUMBER = {"detainee.national_id_digest": "a"}
people = st.fixed_dictionaries(
    {"detainee.full_name": st.sampled_from(NAMES)},
    optional={
        "detainee.birth_date": st.sampled_from(("1950", "1955-03", "1956-01-01", "1961", "1940/1960")),
        "detainee.aliases": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2),
        "detainee.national_id_digest": st.sampled_from(("a", "b")),
        "detainee.nationalities": st.sampled_from((["VE"], ["ES"])),
        "detention.detained_on": st.just("2025-03-02"),
        "release.released_on": st.sampled_from(("2026-01-12", "2026-01")),
        "detention.facility": st.just("El Rodeo I"),
        "detention.country": st.just("VE"),
    },
)


@given(people, people)
@example(TURNED[0] | YOUNG, TURNED[1] | OLD)
@example(TURNED[0] | YOUNG | ONE_NUMBER, {"detainee.full_name": "José Peña Roa"} | OLD | ONE_NUMBER)
def test_who_is_ruled_out_by_birth_would_neither_be_tied_nor_wait_for_a_curator(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    wanted, other = blocking_keys.build_blocking_query(one), blocking_keys.build_blocking_query(two)
    shared = len(frozenset(wanted.keys) & frozenset(other.keys))
    out = not blocking_keys.filter_possible_hits(wanted, [BlockingHit(1, shared, shared, other.first_birth_year)])
    event(f"ruled out: {out}")
    if out:
        match = score.compare_people(blocking_keys.build_person(one), blocking_keys.build_person(two))
        assert not match.is_sure
        assert match.score < score.REVIEW_SCORE


def test_a_homonym_of_another_birth_is_read_for_a_curator_and_a_half_namesake_is_not() -> None:
    said = {"detainee.full_name": "José Luis Roa Peña", "detainee.birth_date": "1950"}
    wanted = blocking_keys.build_blocking_query(said)
    every = len(wanted.keys)
    assert not blocking_keys.filter_possible_hits(wanted, [BlockingHit(1, every - 1, every - 1, 1970)])
    assert blocking_keys.filter_possible_hits(wanted, [BlockingHit(1, every, every, 1970)])
    for year, read in (
        (1950 - blocking_keys.MAX_BIRTH_GAP_YEARS - 1, False),
        (1950 - blocking_keys.MAX_BIRTH_GAP_YEARS, True),
        (1952, True),
    ):
        assert bool(blocking_keys.filter_possible_hits(wanted, [BlockingHit(1, every - 1, every - 1, year)])) is read
    assert not blocking_keys.filter_possible_hits(wanted, [BlockingHit(1, every - 1, every - 1, 1953)])
    assert blocking_keys.filter_possible_hits(wanted, [BlockingHit(1, every - 1, every - 1, None)])


@given(people, people)
@example(TURNED[0] | VE, TURNED[1] | ES)
@example(TURNED[0] | VE | ONE_NUMBER, {"detainee.full_name": "José Peña Roa"} | ES | ONE_NUMBER)
def test_who_contradicts_under_another_name_would_neither_be_tied_nor_wait_for_a_curator(
    said: dict[str, Any], other: dict[str, Any]
) -> None:
    wanted, shared = (
        blocking_keys.build_blocking_query(said),
        blocking_keys.build_query_keys(said) & blocking_keys.build_query_keys(other),
    )
    one, two = blocking_keys.build_person(said), blocking_keys.build_person(other)
    apart = score.has_contradiction(one, two) and not blocking_keys.is_namesake(
        wanted, BlockingHit(1, len(shared), len(shared), None)
    )
    event(f"apart: {apart}")
    if apart:
        match = score.compare_people(one, two)
        assert match.conflicts
        assert not match.is_sure
        assert match.score < score.REVIEW_SCORE


@given(people, people)
@example(TURNED[0] | {"detainee.birth_date": "1961"}, TURNED[1] | {"detainee.birth_date": "1962"})
@example(TURNED[0] | ONE_NUMBER, TURNED[1] | ONE_NUMBER)
def test_who_agrees_in_the_name_alone_would_not_be_tied_within_a_list_nor_wait_for_a_curator(
    said: dict[str, Any], other: dict[str, Any]
) -> None:
    one, two = blocking_keys.build_person(said), blocking_keys.build_person(other)
    apart = not score.has_support(one, two)
    event(f"apart: {apart}")
    if apart:
        match = score.compare_people(one, two)
        telling = {r.feature for r in match.reasons if r.score >= record_linkage.MIN_AGREEMENT.get(r.feature, 2)}
        assert not match.is_sure
        assert not telling or not set(match.conflicts) <= {"dates"}

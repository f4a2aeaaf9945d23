"""Which records are one person: the clusters that standing decisions make."""

import uuid
from collections.abc import Sequence
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from app.registry.identity.clusters import Edge, find_contradiction, find_path, resolve_clusters

A, B, C, D, E = RECORDS = tuple(uuid.UUID(int=number) for number in range(1, 6))


def edge(a: uuid.UUID, b: uuid.UUID, judgement: str = "same", by: str = "curator", score: int = 800) -> Edge:
    key = a.int * 10 + b.int
    return Edge(key, uuid.UUID(int=key), a, b, judgement, by, score)


def clusters(edges: Sequence[Edge], records: Sequence[uuid.UUID] = RECORDS) -> set[frozenset[uuid.UUID]]:
    return {frozenset(cluster) for cluster in resolve_clusters(records, edges)}


def together(edges: Sequence[Edge], a: uuid.UUID, b: uuid.UUID) -> bool:
    return any({a, b} <= cluster for cluster in clusters(edges))


pairs = st.sampled_from(list(combinations(RECORDS, 2)))
scores = st.sampled_from([760, 900, 1000])


@st.composite
def decisions(draw: st.DrawFn) -> list[Edge]:
    """Decisions in the order they were taken: automatic ones at will, curators' only as far as none contradicts."""
    taken: list[Edge] = []
    for (a, b), by in draw(st.lists(st.tuples(pairs, st.sampled_from(["matcher", "curator", "unsure"])), max_size=9)):
        if draw(st.booleans()):
            a, b = b, a
        judgement = draw(st.sampled_from(["same", "different"])) if by == "curator" else "same"
        if by == "unsure":
            judgement, by = "unsure", "matcher"
        if by == "curator" and find_contradiction(taken, a, b, judgement):
            continue
        taken.append(Edge(len(taken) + 1, uuid.UUID(int=len(taken) + 1), a, b, judgement, by, draw(scores)))
    return taken


def test_without_decisions_everyone_is_someone_else() -> None:
    assert clusters([]) == {frozenset([record]) for record in RECORDS}


def test_a_chain_of_decisions_is_one_person() -> None:
    assert clusters([edge(A, B), edge(C, B), edge(D, C)]) == {frozenset([A, B, C, D]), frozenset([E])}


def test_unsure_ties_nobody() -> None:
    assert not together([edge(A, B, "unsure", "matcher", 1000)], A, B)


def test_a_decision_about_a_record_that_is_not_asked_for_is_followed() -> None:
    assert clusters([edge(A, B)], records=[A]) == {frozenset([A, B])}


@given(decisions(), st.randoms(use_true_random=False))
def test_the_order_in_which_decisions_are_read_changes_nothing(taken: list[Edge], random: object) -> None:
    shuffled = list(taken)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    turned = [Edge(e.key, e.id, e.b, e.a, e.judgement, e.decided_by, e.score) for e in shuffled]
    assert clusters(shuffled, RECORDS[::-1]) == clusters(turned) == clusters(taken)


@given(decisions())
def test_clusters_divide_the_records(taken: list[Edge]) -> None:
    found = clusters(taken)
    assert sorted(record for cluster in found for record in cluster) == sorted(RECORDS)


@given(decisions())
def test_curators_decisions_hold(taken: list[Edge]) -> None:
    for one in taken:
        if one.is_by_curator:
            assert together(taken, one.a, one.b) is one.is_same


@given(decisions())
def test_nobody_is_tied_but_by_a_chain_of_decisions(taken: list[Edge]) -> None:
    for a, b in combinations(RECORDS, 2):
        if together(taken, a, b):
            assert find_path(taken, a, b) is not None


@given(decisions())
def test_an_automatic_edge_is_void_only_for_people_judged_different(taken: list[Edge]) -> None:
    found = clusters(taken)
    holder = {record: cluster for cluster in found for record in cluster}
    for one in taken:
        if one.is_same and not together(taken, one.a, one.b):
            apart = {frozenset((holder[e.a], holder[e.b])) for e in taken if e.judgement == "different"}
            assert frozenset((holder[one.a], holder[one.b])) in apart


@given(decisions())
def test_a_judgement_is_refused_exactly_when_curators_have_said_otherwise(taken: list[Edge]) -> None:
    """Allowed, it holds beside all of theirs; refused, the chain given is theirs and says the opposite."""
    for a, b in combinations(RECORDS, 2):
        for judgement in ("same", "different"):
            chain = find_contradiction(taken, a, b, judgement)
            if chain:
                assert all(one.is_by_curator for one in chain)
                assert [one.judgement for one in chain].count("different") == (judgement == "same")
                assert {a, b} <= {end for one in chain for end in (one.a, one.b)}
            else:
                after = [*taken, Edge(99, uuid.UUID(int=99), a, b, judgement, "curator", 1000)]
                assert all(together(after, one.a, one.b) is one.is_same for one in after if one.is_by_curator)


@given(decisions())
def test_what_a_decision_does_stays_among_those_whom_decisions_connect(taken: list[Edge]) -> None:
    """So that an entry need project nobody else again; void edges connect too."""
    for one in taken:
        undone = [other for other in taken if other is not one]
        near = {record for record in RECORDS for end in (one.a, one.b) if find_path(taken, end, record) is not None}
        assert {c for c in clusters(taken) if not c & near} == {c for c in clusters(undone) if not c & near}


def test_the_shortest_chain_is_given() -> None:
    long = [edge(A, B), edge(B, C), edge(C, D)]
    assert find_path([*long, edge(A, D)], A, D) == [edge(A, D)]
    assert find_path(long, D, A) == long[::-1]
    assert find_path(long, A, A) == []
    assert find_path(long, A, E) is None

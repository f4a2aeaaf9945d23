"""What one key can move, and that the drills of it would notice; `make drill-abuse` does all of them."""

import json
from dataclasses import replace

import pytest

from tests.drills.abuse import attacks, names, poison, run
from tests.drills.abuse.judgement import Verdict, judge_states
from tests.drills.abuse.measures import State, is_same_headline, read_country, read_headline
from tests.drills.abuse.operations import OF_CURATORS, OF_SOURCES, Attempt, Step, draw_attempt
from tests.drills.abuse.random_attempts import ROLES, find_shortest, judge
from tests.drills.abuse.registry import Checkout, Template
from tests.drills.abuse.small_registry import HOSTILE, SmallRegistry, create_registry

ATTEMPTS = 12  # by each attacker
BEFORE = State(
    headline="The organisations have verified 94, 60 and 28 releases",
    country="VE",
    combined={"released": 303},
    waiting={},
    classes={"a": "anonymous"},
    shown=frozenset({"a"}),
    named=frozenset(),
)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> SmallRegistry:
    return create_registry(tmp_path_factory.mktemp("abuse"))


@pytest.mark.parametrize(
    "after, fault",
    [
        (replace(BEFORE, headline="The ministry has released 5,000"), "The ministry"),
        (replace(BEFORE, country="CU"), "VE → CU"),
        (replace(BEFORE, combined={"released": 324}), "303 → 324"),
        (replace(BEFORE, combined={"released": 282}), "303 → 282"),
    ],
)
def test_what_moves_further_than_the_number_is_a_fault(after: State, fault: str) -> None:
    verdict = Verdict("an attack")
    judge_states(verdict, BEFORE, after, set(), set())
    assert [fault in text for text in verdict.faults] == [True]


def test_the_number_itself_and_a_hundred_hidden_are_none() -> None:
    verdict = Verdict("an attack")
    hidden = {str(number) for number in range(names.MAX_HIDDEN)}
    judge_states(verdict, BEFORE, replace(BEFORE, combined={"released": 323}), hidden, set())
    assert not verdict.faults
    judge_states(verdict, BEFORE, BEFORE, hidden | {"one more"}, {"somebody opened"})
    assert len(verdict.faults) == 2


def test_a_headline_is_read_as_its_reader_reads_it() -> None:
    page = '<a href="/en/?lang=es&amp;country=VE"></a><h1 class="x">On <span>“more than 1,400”</span>\n people</h1>'
    assert (read_headline(page), read_country(page)) == ("On “more than 1,400” people", "VE")
    assert is_same_headline("of 1,400 people", "of 1,410 people", 10)
    assert not is_same_headline("of 1,400 people", "of 1,411 people", 10)
    assert not is_same_headline("of 1,400 people", "of 1,400 and 20 people", 20)


def test_the_same_seed_is_the_same_attempt_and_every_operation_is_drawn() -> None:
    attempts = [draw_attempt(role, seed) for role in ROLES for seed in range(200)]
    assert attempts == [draw_attempt(attempt.role, attempt.seed) for attempt in attempts]
    assert {step.operation for attempt in attempts for step in attempt.steps} == {*OF_SOURCES, *OF_CURATORS}


def test_a_workbook_of_a_billion_rows_is_smaller_than_a_kilobyte() -> None:
    assert len(poison.build_workbook()) < 1_000


def test_people_whom_an_attack_invents_differ_in_more_than_a_word() -> None:
    bodies = attacks.build_invented_releases(5_000, "A")
    assert len({body["detainee"]["full_name"] for body in bodies}) == len(bodies)
    assert [json.loads(line) for line in attacks.build_lines(bodies[:2]).splitlines()] == bodies[:2]


@pytest.mark.campaign
def test_what_an_attack_does_before_and_after_its_fault_is_left_out(
    registry: SmallRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MAX_UNREVIEWED", 0)
    quiet, loud = (Step("invents", HOSTILE[0], number, salt) for number, salt in ((0, 1), (3, 2)))
    attempt = Attempt("reporter", 0, HOSTILE[:1], (quiet, loud, quiet, loud))
    assert judge(registry, attempt)
    assert find_shortest(registry, attempt).steps == (quiet, loud)


@pytest.mark.campaign
@pytest.mark.parametrize("role", ROLES)
def test_no_attacker_with_a_key_moves_more_than_the_numbers_allow(registry: SmallRegistry, role: str) -> None:
    for seed in range(100_000, 100_000 + ATTEMPTS):
        attempt = draw_attempt(role, seed)
        if judge(registry, attempt):
            short = find_shortest(registry, attempt)
            pytest.fail("\n".join([*map(str, short.steps), *judge(registry, short)]))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return Checkout(run.ROOT, tmp_path_factory.mktemp("drills")).create_template()


@pytest.mark.campaign
@pytest.mark.parametrize("number", [*run.DRILLS])
def test_each_attack_of_one_key_stays_within_its_limits(template: Template, number: str) -> None:
    verdict = run.DRILLS[number](template)
    assert not verdict.faults, str(verdict)


@pytest.mark.campaign
@pytest.mark.parametrize("number", [*run.ORDINARY])
def test_ordinary_work_is_not_held_up(template: Template, number: str) -> None:
    verdict = run.ORDINARY[number](template)
    assert not verdict.faults, str(verdict)

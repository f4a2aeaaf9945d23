"""Estimates over the wire: what the library says of the registry's own table of who verified what."""

from itertools import product
from typing import Any

import pytest

from app.estimates.estimator import estimate_population
from app.estimates.shapes import EstimateNumbers
from tests.estimates.estimating import Patterns
from tests.support import NOW, Body, World

ESTIMATES = "/v1/estimates/releases"
FIRST = ("Abel", "Berta", "Ciro", "Dora", "Elio", "Flor", "Gil", "Hilda")
LAST = ("Alcántara", "Benítez", "Carmona", "Duarte", "Escalona")
NAMES = [f"{first} {last}" for last, first in product(LAST, FIRST)]
SOURCES = {"f": "foro", "j": "jep", "p": "pud", "m": "ministry"}
# Letters of those who verified a release → how many releases; the ministry's word confirms nothing.
VERIFIED = {"f": 6, "j": 5, "p": 4, "fj": 4, "fp": 3, "jp": 3, "fjp": 2, "fm": 1, "m": 2}
OF_THREE: Patterns = {
    frozenset({"foro"}): 7, frozenset({"jep"}): 5, frozenset({"pud"}): 4, frozenset({"foro", "jep"}): 4,
    frozenset({"foro", "pud"}): 3, frozenset({"jep", "pud"}): 3, frozenset({"foro", "jep", "pud"}): 2,
}  # fmt: skip
WHO_SAYS_SO: Body = {"min_sources": 2, "max_sources": 1, "status": "verified",
                     **dict.fromkeys(("source", "verified_by", "not_verified_by"), "foro")}  # fmt: skip
PUBLIC = ("observed", "on_two_or_more", "lists", "models", "left_out", "range", "chosen", "chosen_by", "lower_bound",
          "assumptions", "refused")  # fmt: skip


class Listed:
    """A registry of thirty releases on three lists, of which one copied from another in a second country only, and
    after `revision` here too."""

    def __init__(self, world: World) -> None:
        self.world = world
        number = 0
        for letters, people in VERIFIED.items():
            for _ in range(people):
                self._file(number, [SOURCES[letter] for letter in letters])
                number += 1
        # One is only reported, and one more release of its kind verified by a single source.
        self._file(number, ["pud"], verdict="reported", kind="pardon")
        self._file(number + 1, ["foro"], kind="pardon", country="CO")
        self._cite(self._file(number + 2, ["foro"], country="CO"))
        self.revision = world.revision
        self._cite(self._file(number + 4, ["foro"]))

    def _cite(self, release: str) -> None:
        """The second source takes a release over from the first."""
        self.world.verify(release, "jep", verdict="verified", method="lawyer", citing=["foro"])

    def _file(self, number: int, who: list[str], verdict: str = "verified", country: str = "VE", **release: Any) -> str:
        person = {"detainee__full_name": NAMES[number], "detainee__birth_date": str(1940 + number)}
        said: Body = {"release": {"released_on": "2026-01-12", **release}, "detention": {"country": country}}
        method = "press" if verdict == "reported" else "family"
        filed = self.world.file(who[0], **person, **said, verification={"verdict": verdict, "method": method})
        for other in who[1:]:
            self.world.verify(filed["release"]["id"], other, verdict="verified", method="lawyer")
        if number % 10 == 3:
            self.world.consent(filed["detainee"]["id"], "counted")
        return str(filed["release"]["id"])

    def estimate(self, who: str | None = None, **asked: Any) -> Body:
        answer = self.world.get(ESTIMATES, who, **{"as_of": self.revision, "country": "VE", **asked})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture(scope="module")
def listed(lasting: World) -> Listed:
    lasting.now = NOW
    return Listed(lasting)


def same(answer: Body, expected: EstimateNumbers) -> None:
    """What the library says, and beside its assumptions only that some may only be counted."""
    told = [assumed for assumed in answer["assumptions"] if "may only be counted" not in assumed]
    assert {**{name: answer[name] for name in PUBLIC}, "assumptions": told} == expected


def test_the_answer_is_the_librarys_on_the_same_table(listed: Listed) -> None:
    answer = listed.estimate()
    same(answer, estimate_population(["foro", "jep", "pud"], OF_THREE).build_numbers())
    assert (answer["observed"], answer["on_two_or_more"], answer["lists"]) == (28, 12, ["foro", "jep", "pud"])
    assert answer["chosen"]["low"] <= answer["chosen"]["estimate"] <= answer["chosen"]["high"]
    assert (answer["refused"], answer["at"]["revision"]) == (None, listed.revision)


def test_two_lists_alone_leave_out_what_only_others_verified(listed: Listed) -> None:
    two = {frozenset({"foro"}): 10, frozenset({"jep"}): 8, frozenset({"foro", "jep"}): 6}
    refused = listed.estimate(lists=["jep", "foro"])
    same(refused, estimate_population(["foro", "jep"], two).build_numbers())
    assert refused["refused"]["code"] == "too_few_shared"
    assert refused["chosen"] is None
    assert refused["lower_bound"] is not None


def test_the_table_is_that_of_the_overlap_without_who_is_not_independent(listed: Listed) -> None:
    rows = listed.world.get("/v1/counts/overlap", as_of=listed.revision, country="VE").json()["patterns"]
    seen: Patterns = {}
    for row in rows:
        if independent := frozenset(row["sources"]) - {"ministry"}:
            seen[independent] = seen.get(independent, 0) + row["cases"]
    assert seen == OF_THREE


def test_the_withheld_are_in_the_numbers_and_nowhere_else(listed: Listed) -> None:
    count = listed.world.count(as_of=listed.revision, country="VE")
    assert count["caveats"]["withheld"] == 3
    assert listed.estimate() == listed.estimate("reader") == listed.estimate("ministry")
    assert not any(name in str(listed.estimate()) for name in NAMES)


def test_people_whom_nobody_may_recognise_are_told_to_stand_once_for_each_source(world: World) -> None:
    for who in ("foro", "jep"):
        world.file(who, detainee__publish="counted")
        world.file(who, detainee__full_name="Ana Paz", detainee__birth_date="1950")
    answer = world.get(ESTIMATES).json()
    assert (answer["observed"], answer["on_two_or_more"], answer["caveats"]["unlinkable"]) == (3, 1, 2)
    assert answer["assumptions"][-1].startswith("2 of the releases observed are of people who may only be counted:")
    others = world.get(ESTIMATES, nationality="VE").json()  # whose nationality may not be asked for
    assert (others["observed"], others["caveats"]["unlinkable"], others["caveats"]["not_visible"]) == (1, 0, 2)
    assert "may only be counted" not in str(others["assumptions"])
    assert world.get(ESTIMATES, lists=["jep", "pud"]).json()["caveats"]["unlinkable"] == 1


def test_terms_choose_the_releases(listed: Listed) -> None:
    assert listed.estimate(released_from="2026-02")["observed"] == 0
    assert listed.estimate(released_to="2026-01-12")["observed"] == 28


def test_dependent_lists_are_refused_and_named(listed: Listed) -> None:
    answer = listed.estimate(dependent=["jep:foro", "pud:ministry"])
    same(answer, estimate_population(["foro", "jep", "pud"], OF_THREE, [frozenset({"jep", "foro"})]).build_numbers())
    assert (answer["refused"]["code"], answer["chosen"], answer["models"]) == ("dependent_lists", None, [])
    assert "foro and jep" in answer["refused"]["reason"]
    assert listed.estimate(dependent="pud:ministry")["refused"] is None


def test_who_cites_another_is_no_list_beside_it(listed: Listed) -> None:
    assert listed.estimate()["refused"] is None
    answer = listed.estimate(as_of=listed.world.revision)
    assert (answer["refused"]["code"], answer["observed"]) == ("citing_lists", 29)
    assert listed.estimate(as_of=listed.world.revision, lists=["foro", "pud"])["refused"]["code"] == "too_few_shared"


@pytest.mark.parametrize("asked, observed", [({"country": "NI"}, 0), ({"release_kind": "pardon", "country": "CO"}, 1),
                                             ({"release_kind": "pardon"}, 0)])  # fmt: skip
def test_fewer_than_two_lists_are_refused_and_only_the_verified_observed(
    listed: Listed, asked: Body, observed: int
) -> None:
    answer = listed.estimate(**asked)
    assert (answer["refused"]["code"], answer["observed"], answer["models"]) == ("too_few_lists", observed, [])
    assert (answer["chosen"], answer["range"], answer["lower_bound"]) == (None, None, None)
    assert listed.world.client.get(answer["links"]["permalink"]).json() == answer


def test_an_empty_list_is_refused_by_its_name(listed: Listed) -> None:
    answer = listed.estimate(lists=["foro", "ministry"])
    assert answer["refused"]["code"] == "empty_list"
    assert "ministry" in answer["refused"]["reason"]
    assert listed.estimate(lists=["foro", "jep"], country="NI")["refused"]["code"] == "empty_list"


def test_the_permalink_returns_the_same_bytes_later(listed: Listed) -> None:
    asked: Body = {"as_of": listed.revision, "country": "VE", "lists": ["foro", "jep", "pud"], "dependent": "jep:foro"}
    first = listed.world.get(ESTIMATES, **asked)
    again = listed.world.client.get(first.json()["links"]["permalink"])
    assert (again.content, again.headers["Repr-Digest"]) == (first.content, first.headers["Repr-Digest"])
    assert "immutable" in again.headers["Cache-Control"]


def test_the_models_are_a_table(listed: Listed) -> None:
    table = listed.world.get(f"{ESTIMATES}.csv", as_of=listed.revision, country="VE").text.splitlines()
    assert table[0].startswith("name,")
    assert len(table) == 1 + len(listed.estimate()["models"]) + len(["the lower bound"])


@pytest.mark.parametrize(
    "asked, code, pointer",
    [
        ({"lists": "foro"}, "lists_out_of_range", "/lists"),
        ({"lists": ["foro", "nobody"]}, "unknown_source", "/lists/1"),
        ({"lists": [f"s{n}" for n in range(13)]}, "too_long", "/lists"),
        ({"dependent": "foro"}, "invalid_pair", "/dependent/0"),
        ({"dependent": ["foro:jep", "foro:foro"]}, "invalid_pair", "/dependent/1"),
        ({"dependent": "foro:nobody"}, "unknown_source", "/dependent/0"),
        ({"group_by": "source"}, "unknown_field", "/group_by"),
        # Among releases chosen by the lists they are on, the lists are not independent.
        *(({term: value}, "unknown_field", f"/{term}") for term, value in WHO_SAYS_SO.items()),
    ],
)
def test_questions_that_cannot_be_answered_are_errors(listed: Listed, asked: Body, code: str, pointer: str) -> None:
    listed.world.refuse(listed.world.client.get(ESTIMATES, params=asked), 422, code, pointer)

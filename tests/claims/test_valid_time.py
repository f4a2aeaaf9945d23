"""What was known on a day before the log began, from what sources say of when they verified."""

from datetime import date
from typing import Any

import pytest

from app.claims.valid_time import KnownCount, count_known_on
from app.counts.tally import compute_count
from app.db.engine import open_read_session
from app.queries.terms import CountTerms
from tests.support import ANYONE, NOW, Body, World

JANUARY = {"released_from": "2026-01-08", "released_to": "2026-01-31"}


@pytest.fixture(scope="module")
def late(lasting: World) -> World:
    """A registry that began in March, with reports of what was verified in January."""
    lasting.now = NOW
    both = _file(lasting, "Abelardo Quintero", "2026-01-12")
    _verify(lasting, both, "jep", "2026-01-20")
    _file(lasting, "Berenice Urdaneta", "2026-01")  # some day of January
    _file(lasting, "Casimiro Lozada", None)
    _file(lasting, "Dorotea Bracho", "2026-01-14", verdict="reported", method="press")
    denied = _file(lasting, "Evaristo Marcano", "2026-01-13", verdict="reported", method="press")
    lasting.verify(denied["release"]["id"], "jep", verdict="refuted", method="family", verified_on="2026-01-14")
    outlived = _file(lasting, "Fidelina Yánez", "2026-01-13", verdict="reported", method="press")
    lasting.verify(outlived["release"]["id"], "jep", verdict="refuted", method="family", verified_on="2026-01-14")
    _verify(lasting, outlived, "pud", "2026-01-25")
    apart = _file(lasting, "Gumersindo Olivo", "2026-01-13")
    _verify(lasting, apart, "jep", "2026-01-13")
    _verify(lasting, apart, "pud", "2026-01-14", released_on="2026-01-05")
    _file(lasting, "Herminia Tovar", "2026-02-02", released="2026-02-02")
    lost = _file(lasting, "Isidoro Cedeño", "2026-01-10")
    assert lasting.post(f"/v1/reports/{lost['report']['id']}/retract", {}, "foro").status_code == 200
    _verify(lasting, _file(lasting, "Jacinta Perozo", "2026-01-10", who="ministry"), "foro", "2026-01-22")
    return lasting


def _file(
    world: World, name: str, verified_on: str | None, who: str = "foro", released: str = "2026-01-09", **said: Any
) -> Body:
    born = str(1940 + 3 * (ord(name[0]) - ord("A")))
    verification = {"verdict": "verified", "method": "family", **said}
    if verified_on is not None:
        verification["verified_on"] = verified_on
    person = {"detainee__full_name": name, "detainee__birth_date": born}
    return world.file(who, **person, release={"released_on": released}, verification=verification)


def _verify(world: World, filed: Body, who: str, day: str, released_on: str = "2026-01-09") -> None:
    said = {"verdict": "verified", "method": "lawyer", "verified_on": day, "released_on": released_on}
    world.verify(filed["release"]["id"], who, **said)


def known(world: World, day: str, **terms: Any) -> KnownCount:
    asked = CountTerms.model_validate({**JANUARY, **terms})
    with open_read_session(world.engine) as session:
        return count_known_on(session, asked, ANYONE, world.revision, date.fromisoformat(day).toordinal())


def test_only_what_was_said_to_be_verified_by_then_is_counted(late: World) -> None:
    assert known(late, "2026-01-09").total["cases"] == 0
    first = known(late, "2026-01-12")
    assert (first.total["cases"], first.by_source, first.total["by_min_sources"]) == (1, {"foro": 1}, {"1": 1})
    assert known(late, "2026-01-20").total["by_min_sources"] == {"1": 2, "2": 2, "3": 1}


def test_a_vague_day_is_known_once_it_has_surely_come(late: World) -> None:
    assert known(late, "2026-01-30").by_source["foro"] == 3
    assert known(late, "2026-01-31").by_source["foro"] == 4


def test_a_verification_without_a_day_is_left_out_and_numbered(late: World) -> None:
    assert known(late, "2026-02-28").undated == 1
    assert known(late, "2026-02-28").by_source["foro"] == 4


def test_learned_since_is_only_what_everybody_says_that_they_knew_later(late: World) -> None:
    """Of two nobody can tell: a source verified one on no day, and another on some day of January. The one that was
    reported, then denied and at last verified is learned of twice."""
    since = {"2025-12-31": 6, "2026-01-09": 5, "2026-01-20": 2, "2026-02-28": 0}
    assert {day: known(late, day).learned_since for day in since} == since


def test_what_was_denied_by_then_is_no_release_then_and_one_once_it_was_verified(late: World) -> None:
    by_then, later = known(late, "2026-01-14"), known(late, "2026-01-25")
    assert (by_then.total["refuted"], by_then.total["reported"]) == (
        2,
        1,
    )  # the press's word; the ministry's is in no total
    assert by_then.total["cases"] == 1 + 1 + 1
    assert (later.total["refuted"], later.by_source["pud"]) == (1, 1)
    assert later.total["cases"] == by_then.total["cases"] + 2  # one that the ministry alone had said is verified too


def test_before_the_denial_it_was_reported(late: World) -> None:
    assert (known(late, "2026-01-13").total["reported"], known(late, "2026-01-13").total["refuted"]) == (2, 0)


def test_a_source_that_gives_another_day_confirms_the_release_and_counts_by_its_own(late: World) -> None:
    """The third source has the man released before the window opens; the other two agree on a day in it."""
    window, before = (
        known(late, "2026-01-20"),
        known(late, "2026-01-20", released_from="2026-01", released_to="2026-01-07"),
    )
    assert (window.total["by_min_sources"]["3"], "pud" in window.by_source) == (1, False)
    assert (before.total["cases"], before.by_source) == (0, {"pud": 1})


@pytest.mark.parametrize(
    "terms, day, releases",
    [
        ({"min_sources": 2}, "2026-01-14", 1),
        ({"min_sources": 2}, "2026-01-20", 2),
        ({"verified_by": ["foro", "jep"]}, "2026-01-14", 1),
        ({"verified_by": ["foro", "jep"]}, "2026-01-20", 2),
        ({"verified_by": ["pud"], "verified_by_match": "any"}, "2026-01-24", 1),
        ({"verified_by": ["pud"], "verified_by_match": "any"}, "2026-01-25", 2),
        ({"status": ["reported"]}, "2026-01-14", 1),
        ({"status": ["refuted"]}, "2026-01-14", 0),
        ({"release_kind": ["amnesty"]}, "2026-02-01", 0),
    ],
)
def test_terms_about_who_confirmed_it_are_judged_by_the_day(late: World, terms: Body, day: str, releases: int) -> None:
    assert known(late, day, **terms).total["cases"] == releases


TERMS: list[Body] = [{}, {"min_sources": 1}, {"min_sources": 2}, {"status": ["verified", "contested"]}, {"net": True},
                     {"verified_by": ["jep", "pud"], "verified_by_match": "any"}, {"verified_by": ["foro", "jep"]},
                     {"released_to": "2026-02"},
                     {"released_from": "2026-02", "released_to": None}, {"country": "NI"}]  # fmt: skip


def test_when_every_day_has_passed_it_is_todays_count_but_for_the_undated(
    late: World, subtests: pytest.Subtests
) -> None:
    for terms in TERMS:
        with subtests.test(str(terms)):
            asked = CountTerms.model_validate({**JANUARY, "group_by": ["source"], **terms})
            with open_read_session(late.engine) as session:
                today = compute_count(session, asked, ANYONE, late.revision)
                said = count_known_on(session, asked, ANYONE, late.revision, NOW.date().toordinal())
            by_source = {
                group["by"]["source"]: group["counts"]["verified"]
                for group in today["groups"]
                if group["counts"]["verified"]
            }
            undated = said.undated
            assert said.total["cases"] == today["total"]["cases"] - undated
            assert {**said.by_source, "foro": said.by_source.get("foro", 0) + undated} == {"foro": 0, **by_source}
            assert (said.total["reported"], said.total["refuted"]) == (
                today["total"]["reported"],
                today["total"]["refuted"],
            )


def claim(world: World, **said: Any) -> Body:
    body = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116,
            "window_from": "2026-01-08", "country": "VE", **said}  # fmt: skip
    answer = world.post("/v1/claims", body, "curator")
    assert answer.status_code == 201, answer.text
    return dict(world.get(f"/v1/claims/{answer.json()['id']}/reconciliation").json())


def test_a_claim_before_the_first_report_is_compared_with_what_sources_say_they_knew(world: World) -> None:
    _file(world, "Abelardo Quintero", "2026-01-12")
    _file(world, "Berenice Urdaneta", "2026-01-20")
    then = claim(world, stated_at="2026-01-13")["then"]
    assert (then["basis"], then["total"]["cases"], then["by_source"]) == ("said", 1, {"foro": 1})
    assert then["gap"] == {"low": 115, "high": 115}
    unstated = claim(world)
    assert unstated["then"] is None
    assert unstated["now"]["total"]["cases"] == 2


def test_a_claim_after_the_first_report_is_compared_with_the_log(world: World) -> None:
    _file(world, "Abelardo Quintero", "2026-01-12")
    filed = world.revision
    _file(world, "Berenice Urdaneta", "2026-01-12")
    answer = claim(world, stated_at=NOW.isoformat())
    assert (answer["then"]["basis"], answer["then"]["total"]["cases"]) == ("log", 2)
    assert world.count(as_of=filed)["total"]["cases"] == 1


def test_the_log_and_not_the_saying_decides_from_the_first_report_on(world: World) -> None:
    """On 1 March at noon the first report was filed; what it says of January was not known an hour before."""
    _file(world, "Abelardo Quintero", "2026-01-12")
    before = claim(world, stated_at="2026-03-01T11:00:00Z")["then"]
    assert (before["basis"], before["total"]["cases"]) == ("said", 1)

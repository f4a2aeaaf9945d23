"""Histories on which a count and its recount by hand once parted, and the numbers that the rules give."""

from collections.abc import Sequence
from typing import Any

from app.counts.tally import compute_count
from app.queries.terms import CountTerms, HeldCountTerms
from app.vocabulary import Judgement
from tests.properties.recount.held import recount_held
from tests.properties.recount.past import Past
from tests.properties.recount.releases import recount
from tests.properties.steps import Body, Decide, File, Registry, Step
from tests.properties.test_counts import numbers_of
from tests.support import ANYONE

TOMAS, LUCIA = {"full_name": "Tomás Aurelio Quintana Ribas"}, {"full_name": "Lucía Belén Arrieta Montes"}
VERIFIED, REPORTED = {"verdict": "verified", "method": "family"}, {"verdict": "reported", "method": "family"}
DISPUTED = {"verdict": "disputed", "method": "family"}


def report(source: str, who: Body, verification: Body, detained_on: str | None = None, **release: str) -> File:
    held = {"country": "VE", **({"detained_on": detained_on} if detained_on else {})}
    return File(source, {"detainee": who, "detention": held, "release": release, "verification": verification})


def of_the_same(source: str, country: str, verification: Body) -> File:
    """A report on the person of the history's first report."""
    body = {"detention": {"country": country}, "release": {"released_on": "2026-01-12"}, "verification": verification}
    return File(source, body, points=("detainee", 0))


def answers(registry: Registry, history: Sequence[Step], terms: CountTerms | HeldCountTerms) -> list[dict[str, Any]]:
    """The count at the end of a history, and its recount."""
    with registry.after(list(history)) as clerk, clerk.session() as session:
        entries = clerk.entries()
        past = Past(entries, len(entries))
        if isinstance(terms, HeldCountTerms):
            by_hand = recount_held(past, past, terms, ANYONE)
        else:
            by_hand = recount(past, past, terms, ANYONE)
        return [numbers_of(compute_count(session, terms, ANYONE, len(entries))), numbers_of(by_hand)]


ANNOUNCED = report("foro", TOMAS, VERIFIED, stage="announced")
ONE_PERSON = Decide(0, 1, Judgement.SAME)


def test_a_source_that_verified_an_announcement_dates_it_by_no_report_of_the_release(registry: Registry) -> None:
    """Rule 2: `reported` takes back no `verified` of the same source. So at the announcement foro speaks by the report
    that verified it, without a day; the day in foro's report of the release dates nothing there (rule 4)."""
    release = report("foro", LUCIA, REPORTED, announced_on="2026-01-08", released_on="2026-01-12")
    elsewhere = report("jep", {"full_name": "Ramiro Ezequiel Soto"}, REPORTED, stage="announced")
    terms = CountTerms.model_validate({"stage": "announced", "released_to": "2026-01-31", "group_by": ["source"]})
    for said in answers(registry, [ANNOUNCED, release, elsewhere], terms):
        assert (said["total"]["releases"], said["uncertain_date"]) == (1, 2)
    for said in answers(registry, [ANNOUNCED, release, elsewhere, ONE_PERSON], terms):
        assert (said["total"]["releases"], said["uncertain_date"]) == (0, 2)
        assert {row["source"]: row["uncertain_date"] for row in said["groups"]} == {"foro": 1, "jep": 1}


def test_a_source_that_disputes_a_release_still_verifies_the_announcement(registry: Registry) -> None:
    """A dispute speaks for its stage and the later ones, and for no earlier one."""
    disputed = report("foro", LUCIA, DISPUTED, released_on="2026-01-12")
    terms = CountTerms.model_validate({"stage": "announced", "group_by": ["source"]})
    for said in answers(registry, [ANNOUNCED, disputed, ONE_PERSON], terms):
        assert said["total"]["verified"] == 1
        assert [(row["source"], row["verified"]) for row in said["groups"]] == [("foro", 1)]


def test_a_source_that_verified_an_announcement_verified_the_detention(registry: Registry) -> None:
    release = report("foro", LUCIA, REPORTED, "2024-10-13", released_on="2026-01-12")
    terms = HeldCountTerms.model_validate({"held_on": "2026-01-05"})
    for said in answers(registry, [ANNOUNCED, release, ONE_PERSON], terms):
        assert (said["total"]["verified"], said["total"]["reported"]) == (1, 0)


def test_an_age_without_a_day_gives_no_age_group_where_its_span_allows_two(registry: Registry) -> None:
    """Rule 9: a person of 72 on some day from the arrest to the filing, on 1 March 2026, was 70 or more in October
    2024, and perhaps 69 in January of that year."""
    aged = {**TOMAS, "age": 72}
    terms = CountTerms.model_validate({"group_by": ["age_group"]})
    for day, group in (("2024-10-13", "over_70"), ("2024", None)):
        for said in answers(registry, [report("foro", aged, VERIFIED, day)], terms):
            assert [row["age_group"] for row in said["groups"]] == [group], day


def test_the_same_age_on_days_apart_gives_no_age_group_until_most_sources_give_one_of_the_days(
    registry: Registry,
) -> None:
    """Rule 4: contradicting days that tie are those of both, and what most say is the value. Who was 70 at the arrest
    is counted as old, and who was 70 in 2026 only is not."""
    then, later = {**TOMAS, "age": 70, "age_on": "2024-10-13"}, {**LUCIA, "age": 70, "age_on": "2026-01"}
    history: list[Step] = [report("foro", then, VERIFIED, "2024-10-13"), report("jep", later, VERIFIED, "2024-10-13")]
    history.append(ONE_PERSON)
    again = report("pud", {"full_name": "Ramiro Ezequiel Soto", "age": 70, "age_on": "2024-10-13"}, VERIFIED)
    terms = CountTerms.model_validate({"group_by": ["age_group"]})
    for steps, group in ((history, None), ([*history, again, Decide(0, 2, Judgement.SAME)], "over_70")):
        for said in answers(registry, steps, terms):
            assert [row["age_group"] for row in said["groups"]] == [group]


def test_what_was_withdrawn_settles_no_country_on_which_standing_reports_differ(registry: Registry) -> None:
    """Rule 4: contradicting values that tie are left open, and the country comes from withdrawn reports only if no
    standing one says it."""
    withdrawn = of_the_same("pud", "VE", {"verdict": "retracted", "method": "family"})
    history = [report("foro", TOMAS, VERIFIED, released_on="2026-01-12"), of_the_same("jep", "CO", VERIFIED), withdrawn]
    for said in answers(registry, history, CountTerms.model_validate({"group_by": ["country"]})):
        assert [row["country"] for row in said["groups"]] == [None]

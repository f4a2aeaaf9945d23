"""Histories on which a count was once wrong, and the numbers that the rules give."""

from collections.abc import Sequence
from typing import Any

from app.counts.tally import compute_count
from app.queries.terms import CountTerms, HeldCountTerms
from app.vocabulary import Judgement
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


def answer(registry: Registry, history: Sequence[Step], terms: CountTerms | HeldCountTerms) -> dict[str, Any]:
    """The count at the end of a history."""
    with registry.after(list(history)) as clerk, clerk.session() as session:
        return numbers_of(compute_count(session, terms, ANYONE, len(clerk.entries())))


ANNOUNCED = report("foro", TOMAS, VERIFIED, stage="announced")
ONE_PERSON = Decide(0, 1, Judgement.SAME)


def test_a_source_that_verified_an_announcement_dates_it_by_its_report_that_gives_a_date(registry: Registry) -> None:
    """Rules 3 and 5: foro speaks by its verification, and its report of the release dates the announcement."""
    release = report("foro", LUCIA, REPORTED, announced_on="2026-01-08", released_on="2026-01-12")
    elsewhere = report("jep", {"full_name": "Ramiro Ezequiel Soto"}, REPORTED, stage="announced")
    terms = CountTerms.model_validate({"stage": "announced", "announced_to": "2026-01-31", "group_by": ["source"]})
    said = answer(registry, [ANNOUNCED, release, elsewhere], terms)
    assert (said["total"]["cases"], said["caveats"]["uncertain_date"]) == (1, 2)
    said = answer(registry, [ANNOUNCED, release, elsewhere, ONE_PERSON], terms)
    assert (said["total"]["verified"], said["total"]["reported"], said["caveats"]["uncertain_date"]) == (1, 0, 1)
    rows = {row["by"]["source"]: row["counts"] for row in said["groups"]}
    numbers = {source: (row["verified"], row["uncertain_date"]) for source, row in rows.items()}
    assert numbers == {"foro": (1, 0), "jep": (0, 1)}


def test_a_source_that_disputes_a_release_still_verifies_the_announcement(registry: Registry) -> None:
    """A dispute speaks for its stage and the later ones, and for no earlier one."""
    disputed = report("foro", LUCIA, DISPUTED, released_on="2026-01-12")
    terms = CountTerms.model_validate({"stage": "announced", "group_by": ["source"]})
    said = answer(registry, [ANNOUNCED, disputed, ONE_PERSON], terms)
    assert said["total"]["verified"] == 1
    assert [(row["by"]["source"], row["counts"]["verified"]) for row in said["groups"]] == [("foro", 1)]


def test_a_source_that_verified_an_announcement_verified_the_detention(registry: Registry) -> None:
    release = report("foro", LUCIA, REPORTED, "2024-10-13", released_on="2026-01-12")
    terms = HeldCountTerms.model_validate({"held_on": "2026-01-05"})
    said = answer(registry, [ANNOUNCED, release, ONE_PERSON], terms)
    assert (said["total"]["verified"], said["total"]["reported"]) == (1, 0)


def test_an_age_without_a_day_gives_no_age_group_where_its_span_allows_two(registry: Registry) -> None:
    """Rule 18: a person of 72 on some day from the arrest to the filing, on 1 March 2026, was 70 or more in October
    2024, and perhaps 69 in January of that year."""
    aged = {**TOMAS, "age": 72}
    terms = CountTerms.model_validate({"group_by": ["age_group"]})
    for day, group in (("2024-10-13", "over_70"), ("2024", None)):
        said = answer(registry, [report("foro", aged, VERIFIED, day)], terms)
        assert [row["by"]["age_group"] for row in said["groups"]] == [group], day


def test_the_same_age_on_days_apart_gives_no_age_group_until_most_sources_give_one_of_the_days(
    registry: Registry,
) -> None:
    """Rules 15 and 18: contradicting days that tie are both possible, and what most sources give is the value. A person
    of 70 at the arrest counts as old, and a person of 70 in 2026 only does not."""
    then, later = {**TOMAS, "age": 70, "age_on": "2024-10-13"}, {**LUCIA, "age": 70, "age_on": "2026-01"}
    history: list[Step] = [report("foro", then, VERIFIED, "2024-10-13"), report("jep", later, VERIFIED, "2024-10-13")]
    history.append(ONE_PERSON)
    again = report("pud", {"full_name": "Ramiro Ezequiel Soto", "age": 70, "age_on": "2024-10-13"}, VERIFIED)
    terms = CountTerms.model_validate({"group_by": ["age_group"]})
    for steps, group in ((history, None), ([*history, again, Decide(0, 2, Judgement.SAME)], "over_70")):
        said = answer(registry, steps, terms)
        assert [row["by"]["age_group"] for row in said["groups"]] == [group]


def test_what_was_withdrawn_settles_no_country_on_which_standing_reports_differ(registry: Registry) -> None:
    """Contradicting values that tie are left open (rule 15), and a retracted report gives no country (rule 19)."""
    withdrawn = of_the_same("pud", "VE", {"verdict": "retracted", "method": "family"})
    history = [report("foro", TOMAS, VERIFIED, released_on="2026-01-12"), of_the_same("jep", "CO", VERIFIED), withdrawn]
    said = answer(registry, history, CountTerms.model_validate({"group_by": ["country"]}))
    assert [row["by"]["country"] for row in said["groups"]] == [None]

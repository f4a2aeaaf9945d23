"""Groups, net and a personal term of a small registry are those of the model."""

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.counts.tally import compute_count, compute_total_number
from app.queries.terms import CountTerms
from app.vocabulary import Gender
from tests.drawn import examples
from tests.model.past import Past, Person
from tests.model.recount import choose_value, count_by_month, count_by_source, count_releases, list_releases
from tests.properties.histories import FACILITIES, WINDOWS, histories, model_terms
from tests.properties.steps import SLUGS, File, Place, Registry, Step
from tests.properties.test_counts import window_of
from tests.support import ANYONE

NAMES = ("Tomás Aurelio Quintana Ribas", "Berta Solano Ugas", "Ciro Leal Bracho")
GENDERS = ("female", "male", None)
PLACED: list[Step] = [Place("el-rodeo-i", ("El Rodeo I",), "Miranda"), Place("el-helicoide", ("Helicoide",), None)]


def build_report(who: str, name: str, publish: str, gender: str | None, place: str | None, day: str, how: str) -> File:
    detainee = {"full_name": name, "birth_date": "1971-05-02", "publish": publish, "gender": gender}
    return File(
        who,
        {
            "detainee": {field: value for field, value in detainee.items() if value is not None},
            "detention": {"country": "VE", "detained_on": "2024-10-13", "facility": place},
            "release": {"released_on": day, "kind": "unspecified"},
            "verification": {"verdict": "verified" if how == "family" else "reported", "method": how},
        },
    )


REPORTS = st.builds(
    build_report,
    st.sampled_from(SLUGS),
    st.sampled_from(NAMES),
    st.sampled_from(("named", "named", "named", "anonymous", "counted")),
    st.sampled_from(GENDERS),
    st.sampled_from((*FACILITIES, None)),
    st.sampled_from(("2026-01-09", "2026-01-30", "2026-02-02", "2026-01")),
    st.sampled_from(("family", "press")),
)


@examples(20)
@given(histories(), st.lists(model_terms(), min_size=2, max_size=4))
def test_groups_by_month_and_by_source_are_those_of_the_model(
    registry: Registry, history: list[Step], asked: list[CountTerms]
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        entries = clerk.entries()
        past, head = Past(entries, len(entries)), len(entries)
        for terms in [one.model_copy(update={"source": None}) for one in asked]:

            def count(name: str, terms: CountTerms = terms) -> Any:
                return compute_count(session, terms.model_copy(update={"group_by": [name]}), ANYONE, head)

            by_month = {group["by"]["month"]: group["counts"] for group in count("month")["groups"]}
            assert by_month == count_by_month(past, terms)
            if not terms.model_fields_set & {"status", "min_sources", "max_sources"}:
                whole = count_releases(past, terms)["total"]["cases"]
                assert sum(counts["cases"] for counts in by_month.values()) == whole
            bare = CountTerms(stage=terms.stage, **window_of(terms))
            by_source = {
                group["by"]["source"]: group["counts"]["verified"] for group in count("source", bare)["groups"]
            }
            assert {source: number for source, number in by_source.items() if number} == count_by_source(past, bare)


@examples(20)
@given(st.lists(REPORTS, min_size=3, max_size=8), WINDOWS)
def test_a_personal_value_is_that_of_rule_15_and_is_hidden_by_class(
    registry: Registry, reports: list[Step], window: dict[str, str]
) -> None:
    with registry.after([*PLACED, *reports]) as clerk, clerk.session() as session:
        entries = clerk.entries()
        past, head = Past(entries, len(entries)), len(entries)
        terms = CountTerms.model_validate(window)
        counted = [one for one in list_releases(past.people, terms.stage, terms.window) if one.is_counted]

        def find_value(person: Person, field: str, classes: tuple[str, ...]) -> Any:
            return choose_value(person.reports, field) if person.publish in classes else "withheld"

        open_to = {"facility": ("named", "anonymous"), "gender": ("named",)}
        fields = {"facility": "detention.facility", "gender": "detainee.gender"}
        for name, field in fields.items():
            model = Counter(find_value(one.person, field, open_to[name]) for one in counted)
            grouped = terms.model_copy(update={"group_by": [name]})
            answer: Any = compute_count(session, grouped, ANYONE, head)
            numbers = {group["by"][name]: group["counts"]["cases"] for group in answer["groups"]}
            assert {value: number for value, number in numbers.items() if number} == model
            assert sum(model.values()) == answer["total"]["cases"]
        women = terms.model_copy(update={"gender": Gender.FEMALE})
        answer = compute_count(session, women, ANYONE, head)
        assert (answer["total"]["cases"], answer["caveats"]["not_visible"]) == (model["female"], model["withheld"])
        highest = compute_total_number(session, women, ANYONE, head, possible=True)
        assert highest == model["female"] + model["withheld"] + model[None]

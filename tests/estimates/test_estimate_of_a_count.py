"""What a count could not look at: people counted once for each source, and values that may not be shown."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from tests.support import Body, World

PEOPLE: dict[str, Body] = {
    "Berta Solano Ugas": {"publish": "named", "gender": "female"},
    "Ciro Leal Bracho": {"publish": "named", "gender": "male"},
    "Casilda Prieto Roa": {"publish": "anonymous", "gender": "female"},
    "Elio Rangel Toro": {"publish": "anonymous", "gender": None},
    "Damián Luque Ferro": {"publish": "counted", "gender": "female"},
}


@pytest.fixture
def five(world: World) -> World:
    """Two named, two unnamed of whom one said nothing, and one who may only be counted; all in one prison."""
    world.add_facility()
    world.add_facility("yare", "Yare", area="Caracas")
    for name, person in PEOPLE.items():
        more = {f"detainee__{field}": value for field, value in person.items()}
        world.file(detainee__full_name=name, detainee__birth_date="1980", **more)
    return world


def test_of_everybody_unnamed_a_filter_by_gender_says_that_it_may_not_look(five: World) -> None:
    count = five.count(gender="female")
    assert (count["total"]["cases"], count["caveats"]["not_visible"]) == (1, 3)
    assert five.count(gender="other")["caveats"]["not_visible"] == 3
    partner = five.count("reader", gender="female")
    assert (partner["total"]["cases"], partner["caveats"]["not_visible"]) == (3, 0)


def test_of_what_a_class_opens_only_those_who_match_are_not_visible(five: World) -> None:
    """The unnamed show their prison: of those in another one the count says nothing, whatever their gender."""
    assert five.count(gender="female", facility="el-rodeo-i")["caveats"]["not_visible"] == 3
    assert (
        five.count(gender="female", facility="yare")["caveats"]["not_visible"] == 1
    )  # the one who may only be counted
    assert five.count(facility="yare")["caveats"]["not_visible"] == 1
    assert five.count(nationality="VE")["caveats"]["not_visible"] == 1


def test_a_term_that_is_not_personal_is_asked_of_everyone(five: World) -> None:
    assert five.count(gender="female", released_from="2026-02-01")["caveats"]["not_visible"] == 0
    assert five.count(gender="female", release_kind="pardon")["caveats"]["not_visible"] == 0
    assert five.count()["caveats"]["not_visible"] == 0
    assert five.count(group_by="release_kind")["caveats"]["not_visible"] == 0


def test_groups_by_a_personal_dimension_say_of_how_many_it_may_not_be_shown(five: World) -> None:
    count = five.count(group_by="gender")
    assert (count["total"]["cases"], count["caveats"]["not_visible"]) == (5, 3)
    assert {group["by"]["gender"]: group["counts"]["cases"] for group in count["groups"]}["withheld"] == 3
    assert five.count(group_by="facility")["caveats"]["not_visible"] == 1


def test_an_illness_is_asked_of_nobody(five: World) -> None:
    assert five.count(group="gravely_ill")["caveats"]["not_visible"] == 5
    assert five.count(group="student")["caveats"]["not_visible"] == 3


def test_the_held_say_it_too(five: World) -> None:
    five.file_detention("jep", detainee__full_name="Ana Paz", detainee__publish="counted", detainee__birth_date="1950")
    answer = five.get("/v1/counts/held", gender="female", held_on="2026-02-01").json()
    assert (answer["total"]["cases"], answer["caveats"]["not_visible"]) == (0, 1)


def test_the_citation_of_a_count_that_may_not_look_at_some_says_at_least(five: World) -> None:
    cited = five.cite(five.count(gender="female"))
    assert ": at least 1 release (" in cited["en"]
    assert " Of 3 a value asked about may not be shown. " in cited["en"]
    assert ": al menos 1 excarcelación (" in cited["es"]
    assert " De 3 no puede mostrarse algún dato por el que se pregunta. " in cited["es"]
    assert "at least" not in five.cite(five.count(group_by="gender"))["en"]  # the total is whole
    assert "at least" not in five.cite(five.count())["en"]


def test_a_table_of_a_total_has_both_numbers(five: World) -> None:
    heading, row = five.get("/v1/counts/releases.csv", gender="female").text.splitlines()
    told = dict(zip(heading.split(","), row.split(","), strict=True))
    assert (told["unlinkable"], told["not_visible"]) == ("0", "3")


def test_a_total_says_how_many_stand_once_for_each_source(five: World) -> None:
    same: Body = {"detainee__full_name": "Damián Luque Ferro", "detainee__birth_date": "1980"}
    five.file("jep", **same, detainee__publish="counted")
    count = five.count()
    assert (count["total"]["cases"], count["caveats"]["unlinkable"]) == (6, 2)
    said = (
        "2 are of people who may not be recognised across organisations: the same person can be counted more than once."
    )
    assert said in five.cite(count)["en"]
    assert "2 son de personas que no pueden reconocerse de una organización a otra: " in five.cite(count)["es"]
    assert five.count(gender="female")["caveats"]["unlinkable"] == 0


def test_a_total_of_nobody_apart_does_not_speak_of_it(world: World) -> None:
    world.file()
    assert world.count()["caveats"]["unlinkable"] == 0
    assert "recognised" not in world.cite(world.count())["en"]


def test_counted_apart_is_by_the_class_of_the_revision(five: World) -> None:
    then = five.revision
    (hidden,) = [one for one in five.get("/v1/detainees", "reader").json()["data"] if one["publish"] == "counted"]
    five.consent(hidden["id"], "named")
    assert five.count()["caveats"]["unlinkable"] == 0
    assert five.count(as_of=then)["caveats"]["unlinkable"] == 1


def test_a_total_of_the_held_says_it_too(world: World) -> None:
    world.file_detention(detainee__publish="counted")
    world.file_detention("jep", detainee__full_name="Ana Paz", detainee__birth_date="1950")
    count = world.get("/v1/counts/held", held_on="2026-02-01").json()
    assert (count["total"]["cases"], count["caveats"]["unlinkable"]) == (2, 1)


TOTALS = ("cases", "unlinkable")


def test_an_overlap_says_it_too_of_all_together(five: World) -> None:
    five.file("jep", detainee__full_name="Damián Luque Ferro", detainee__publish="counted")
    found = five.get("/v1/counts/overlap").json()
    assert (found["cases"], found["caveats"]["unlinkable"]) == (6, 2)
    assert five.get("/v1/counts/overlap", released_from="2026-02").json()["caveats"]["unlinkable"] == 0
    table = five.get("/v1/counts/overlap.csv").text.splitlines()
    (total,) = [row for row in csv.DictReader(table) if row["of"] == "total"]
    assert [total[name] for name in TOTALS] == ["6", "2"]


@pytest.mark.parametrize("stated_at, basis", [("2026-03-01T13:00:00Z", "log"), ("2026-01-20T12:00:00Z", "said")])
def test_the_registrys_numbers_beside_a_claim_say_it_too(five: World, stated_at: str, basis: str) -> None:
    said = {"verification__verified_on": "2026-01-15", "detainee__birth_date": "1980"}
    five.file("jep", detainee__full_name="Damián Luque Ferro", detainee__publish="counted", **said)
    five.now += timedelta(days=1)
    claim = {"claimant": "foro", "measure": "released", "qualifier": "exactly", "low": 9, "high": 9, "country": "VE",
             "stated_at": stated_at, "window_from": "2026-01-01"}  # fmt: skip
    filed = five.post("/v1/claims", claim, "foro").json()
    address = f"/v1/claims/{filed['id']}/reconciliation"
    told = five.get(address).json()
    assert (told["then"]["basis"], told["then"]["caveats"]["unlinkable"]) == (basis, 2 if basis == "log" else 1)
    assert (told["now"]["total"]["cases"], told["now"]["caveats"]["unlinkable"]) == (6, 2)
    rows = {row["of"]: row for row in csv.DictReader(five.get(f"{address}.csv").text.splitlines())}
    assert [rows["now"][name] for name in TOTALS] == ["6", "2"]


def test_several_nationalities_mean_any_of_them_and_one_may_be_left_out(world: World) -> None:
    said = {"Ana Paz": ["VE"], "Bea Gil": ["AR"], "Ciro Leal": ["AR", "VE"], "Delia Mora": ["CO"], "Elio Toro": []}
    for number, (name, countries) in enumerate(said.items()):
        world.file(detainee__full_name=name, detainee__birth_date=str(1950 + number), detainee__nationalities=countries)

    def names(**terms: Any) -> list[str]:
        listed = [row["name"] for row in world.get("/v1/detainees", **terms).json()["data"]]
        assert world.count(**terms)["total"]["cases"] == len(listed)
        return listed

    assert names(nationality="AR") == ["Bea Gil", "Ciro Leal"]
    assert names(nationality=["AR", "CO"]) == ["Bea Gil", "Ciro Leal", "Delia Mora"]
    assert names(not_nationality="VE") == ["Bea Gil", "Delia Mora"]  # nothing is known of Elio's
    assert names(not_nationality=["VE", "CO"]) == ["Bea Gil"]
    assert names(nationality="AR", not_nationality="VE") == ["Bea Gil"]
    world.refuse(world.get("/v1/releases", nationality="Ruritania"), 422, "unknown_country", "/nationality/0")
    groups = world.count(group_by="nationality", nationality=["AR", "CO"])["groups"]
    for group in groups:
        if group["list"]:
            assert len(world.client.get(group["list"]).json()["data"]) == group["counts"]["cases"]
    assert {group["by"]["nationality"]: group["list"] is not None for group in groups} == {
        "AR": True,
        "CO": True,
        "VE": False,
    }


def test_every_other_answer_with_a_personal_term_says_it_too(five: World) -> None:
    """Of three who may be women, a series, an overlap, an estimate and the lists show one, and say that they cannot
    look at the others."""
    for path in ("/v1/counts/series", "/v1/counts/overlap", "/v1/estimates/releases"):
        answer = five.get(path, gender="female").json()
        partner = five.get(path, "reader", gender="female").json()
        assert (answer["caveats"]["not_visible"], partner["caveats"]["not_visible"]) == (3, 0), path
        assert five.get(path).json()["caveats"]["not_visible"] == 0
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions"):
        page = five.get(path, gender="female").json()
        assert (len(page["data"]), page["caveats"]["not_visible"]) == (1, 3), path
        assert five.get(path, gender="female", limit=1).json()["caveats"]["not_visible"] == 3
        assert five.get(path).json()["caveats"]["not_visible"] == 0
        assert five.get(path, gender="female", facility="Yare").json()["caveats"]["not_visible"] == 1
        for who, terms in (("reader", {"q": "Solano"}), (None, {"changed_since": 1})):
            assert five.get(path, who, gender="female", **terms).json()["caveats"]["not_visible"] is None


def test_a_list_counts_whom_it_may_not_look_at_among_what_its_other_terms_mean(five: World) -> None:
    five.file_detention("jep", detainee__full_name="Ana Paz", detainee__publish="counted", detainee__birth_date="1950")
    asked = {"/v1/releases": 3, "/v1/detainees": 4, "/v1/detentions": 4}
    for path, number in asked.items():
        assert five.get(path, gender="female").json()["caveats"]["not_visible"] == number, path
        assert five.get(path, gender="female", country="AR").json()["caveats"]["not_visible"] == 0
    assert five.get("/v1/detainees", gender="female", released_from="2026-01").json()["caveats"]["not_visible"] == 3
    assert five.get("/v1/held", gender="female", held_on="2026-02-01").json()["caveats"]["not_visible"] == 1
    assert five.get("/v1/releases", gender="female", status="retracted").json()["caveats"]["not_visible"] == 0


def test_a_person_is_not_visible_by_one_and_the_same_detention(world: World) -> None:
    """Somebody unnamed was in Rodeo once and in Yare later: who asks for Yare at the first time does not mean them."""
    world.add_facility()
    world.add_facility("yare", "Yare", area="Caracas")
    once = world.file(detainee__publish="anonymous", release__released_on="2025-01-12")
    later: Body = {"detention__detained_on": "2025-06-01", "detention__facility": "Yare"}
    again = world.file("jep", detainee__publish="anonymous", **later)
    world.judge(once["detainee"]["id"], again["detainee"]["id"], "same")
    (person,) = world.get("/v1/detainees").json()["data"]
    assert len(person["detentions"]) == 2
    terms = {"gender": "female", "facility": "yare"}
    assert world.get("/v1/detainees", **terms).json()["caveats"]["not_visible"] == 1
    assert world.get("/v1/detainees", **terms, detained_to="2025-01-01").json()["caveats"]["not_visible"] == 0


def test_a_claim_with_a_personal_term_is_put_beside_a_number_that_says_it(five: World) -> None:
    claim = {"claimant": "jep", "measure": "released", "qualifier": "exactly", "said": 3, "country": "VE",
             "window_from": "2026-01-08", "stated_at": "2026-01-31", "zone": "Z",
             "definition": {"terms": {"gender": "female"}}}  # fmt: skip
    filed = five.post("/v1/claims", claim, "foro").json()
    found = five.get(f"/v1/claims/{filed['id']}/reconciliation").json()
    assert (found["now"]["total"]["cases"], found["now"]["caveats"]["not_visible"]) == (1, 3)


@pytest.mark.parametrize("dimension", ["month", "gender", "source"])
def test_a_table_of_groups_says_in_each_row_of_how_many_the_whole_count_cannot_tell(
    five: World, dimension: str
) -> None:
    rows = five.get("/v1/counts/releases.csv", gender="female", group_by=dimension).text.splitlines()
    assert rows[0].endswith(",not_visible_in_all")
    assert {row.rpartition(",")[2] for row in rows[1:]} == {"3"}


@pytest.mark.parametrize("path", ["/v1/counts/series", "/v1/counts/overlap", "/v1/estimates/releases"])
def test_the_other_tables_say_it_in_each_row(five: World, path: str) -> None:
    rows = list(csv.DictReader(io.StringIO(five.get(f"{path}.csv", gender="female").text)))
    assert rows
    assert {row["not_visible_in_all"] for row in rows} == {"3"}

"""A place that nobody registered: told to who named it, kept as said, public only once a curator says so."""

import csv

from tests.support import Body, World

AS_SAID = {"slug": None, "said": "El Rodeo I"}
OTHER_MAN = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950"}


def test_who_names_a_place_that_nobody_registered_is_told_so_and_shown_what_was_kept(world: World) -> None:
    filed = world.file()
    (warning,) = filed["warnings"]
    assert (warning["pointer"], warning["code"]) == ("/detention/facility", "unregistered_facility")
    assert "a curator" in warning["detail"]
    assert filed["detention"]["facility"] == filed["release"]["facility"] == AS_SAID
    assert filed["detainee"]["detentions"][0]["facility"] == AS_SAID
    world.add_facility()
    again = world.file(source_record_id="FP-1")
    assert (again["warnings"], again["detention"]["facility"]) == ([], "el-rodeo-i")


def test_a_registered_place_and_none_at_all_are_no_reason_to_warn(world: World) -> None:
    world.add_facility()
    for said in ("El Rodeo I", "el-rodeo-i", "el rodeo i", None):
        assert world.file(detention__facility=said)["warnings"] == []


def test_it_is_shown_as_said_to_partners_and_curators_and_to_nobody_else(world: World) -> None:
    filed = world.file()
    for path in (f"/v1/releases/{filed['release']['id']}", f"/v1/detentions/{filed['detention']['id']}"):
        for partner in ("reader", "curator"):
            assert world.get(path, partner).json()["facility"] == AS_SAID
        for other in (None, "foro", "jep", "ministry", "admin"):
            answer = world.get(path, other)
            assert answer.json()["facility"] is None
            assert "Rodeo" not in answer.text


def test_another_source_is_not_told_what_the_first_one_called_the_place(world: World) -> None:
    world.file("foro")
    linked = world.file("jep", detention__facility=None)
    assert linked["match"]["outcome"] == "linked"
    assert (linked["warnings"], linked["detention"]["facility"]) == ([], None)
    assert world.file("pud", detention__facility="Rodeo 1")["detention"]["facility"] == {
        "slug": None,
        "said": "Rodeo 1",
    }


def test_counts_have_no_such_place(world: World) -> None:
    world.file()
    groups: list[Body] = world.count("curator", group_by="facility")["groups"]
    assert [(group["by"]["facility"], group["counts"]["cases"]) for group in groups] == [(None, 1)]


def test_a_table_holds_the_slug_or_the_name_as_said(world: World) -> None:
    world.add_facility("yare", "Yare")
    world.file()
    world.file(**OTHER_MAN, detention__facility="Yare")
    table = world.get("/v1/releases.csv", "curator").text.splitlines()
    assert sorted(row["facility"] for row in csv.DictReader(table)) == ["El Rodeo I", "yare"]


def test_who_may_only_be_counted_gets_the_words_of_its_own_report_alone(world: World) -> None:
    world.file("foro", detainee__publish="counted")
    again = world.file("jep", detainee__publish="counted", detention__facility="Rodeo 1")
    assert again["detention"]["facility"] == {"slug": None, "said": "Rodeo 1"}
    assert "El Rodeo I" not in str(again)

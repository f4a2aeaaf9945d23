"""The count of the held on the wire: forms, caching, citation, the list behind it, and questions it refuses."""

import pytest

from tests.support import World

COUNT, LIST = "/v1/counts/held", "/v1/held"
OTHER_MAN = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950"}

# Query → code, pointer, and a word of what is allowed.
REFUSED = [
    ("held_on=2026-03-03", "in_future", "/held_on", "2026-03-02"),
    ("held_on=2026", "in_future", "/held_on", "its last day"),
    ("held_on=soon", "invalid_date", "/held_on", "YYYY-MM-DD"),
    ("held_on=2026-01-12/2026-01-08", "invalid_date", "/held_on", "earlier date first"),
    ("held_on=2026-01-10&held_on=2026-01-11", "repeated", "/held_on", "one value"),
    ("held_on=2026-01-10&min_sources=5", "too_many_sources", "/min_sources", "1 to 4"),
    ("held_on=2026-01-10&source=nobody", "unknown_source", "/source", "/v1/sources"),
    ("held_on=2026-01-10&verified_by_match=any&verified_by=nobody", "unknown_source", "/verified_by/0", "/v1/sources"),
    ("held_on=2026-01-10&detained_from=2025&detained_to=2024", "reversed_window", "/detained_to", "detained_from"),
    ("held_on=2026-01-10&house_arrest=perhaps", "bool_parsing", "/house_arrest", ""),
    ("held_on=2026-01-10&held_within=0", "greater_than_equal", "/held_within", ""),
    ("held_on=2026-01-10&held_within=101", "less_than_equal", "/held_within", ""),
    ("held_on=2026-01-10&as_of=r1000", "ahead_of_head", "/as_of", "revision"),
    ("held_on=2026-01-10&as_of=2027-01-01", "ahead_of_head", "/as_of", "not come yet"),
]  # fmt: skip
OF_COUNTS = [
    ("held_on=2026-01-10&group_by=month", "unknown_code", "/group_by/0", "designation"),
    ("held_on=2026-01-10&released_from=2026-01-01", "unknown_field", "/released_from", ""),
]


@pytest.mark.parametrize("path, questions", [(COUNT, REFUSED + OF_COUNTS), (LIST, REFUSED)])
def test_what_cannot_be_asked_is_refused_where_it_stands_and_says_what_can(
    world: World, subtests: pytest.Subtests, path: str, questions: list[tuple[str, str, str, str]]
) -> None:
    world.file()
    for query, code, pointer, allowed in questions:
        with subtests.test(query):
            problem = world.refuse(world.client.get(f"{path}?{query}"), 422, code, pointer)
            assert allowed in " ".join(error["detail"] for error in problem["errors"]), problem


def test_a_permalink_gives_the_same_bytes_for_ever(world: World) -> None:
    world.file_detention()
    live = world.get(COUNT, country="VE", group_by="source")
    assert live.headers["cache-control"].startswith("public, max-age=5,")
    pinned = world.client.get(live.json()["links"]["permalink"])
    assert pinned.headers["cache-control"] == "public, max-age=31536000, immutable"
    world.now = world.now.replace(month=6)
    world.file_detention(**OTHER_MAN)
    again = world.client.get(live.json()["links"]["permalink"])
    assert (again.content, again.headers["repr-digest"]) == (pinned.content, pinned.headers["repr-digest"])
    assert again.json()["terms"]["held_on"] == "2026-03-01"
    tag = again.headers["etag"]
    assert world.client.get(live.json()["links"]["permalink"], headers={"If-None-Match": tag}).status_code == 304


def test_a_count_over_personal_dimensions_is_asked_again_each_time(world: World) -> None:
    world.file_detention()
    for terms in ({"group_by": "legal_status"}, {"gender": "male"}):
        assert world.get(COUNT, as_of=world.revision, **terms).headers["cache-control"] == "no-cache"


def test_it_comes_as_a_table_too(world: World) -> None:
    world.file_detention()
    header, row = world.get(f"{COUNT}.csv", held_on="2026-01-10").text.splitlines()
    assert header == (
        "cases,people,verified,contested,reported,refuted,official_only,not_visible,unlinkable,uncertain_date,"
        "possible_duplicates,withheld,denied_by_some,awaiting_review,rejected,outside_held_within,groups_overlap,"
        "redactions_since,by_min_sources_1"
    )
    assert row == "1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,false,0,1"
    (line,) = world.get(f"{COUNT}.jsonl", held_on="2026-01-10", group_by="source").text.splitlines()
    assert '"source":"foro","verified":1' in line.replace(": ", ":").replace(", ", ",")


def test_each_number_links_to_the_detentions_behind_it(world: World) -> None:
    first = world.file_detention("foro")
    world.file_detention("jep", **OTHER_MAN, detainee__publish="counted")
    world.file("pud", detainee__full_name="Ramiro Sosa Fingido", detainee__birth_date="1960")
    count = world.get(COUNT, held_on="2026-02-01", group_by="source").json()
    assert (count["total"]["cases"], count["caveats"]["withheld"]) == (2, 1)
    page = world.client.get(count["links"]["list"]).json()
    assert ([one["id"] for one in page["data"]], page["caveats"]["withheld"]) == ([first["detention"]["id"]], 1)
    lists = {group["by"]["source"]: world.client.get(group["list"]).json() for group in count["groups"]}
    assert {source: (len(page["data"]), page["caveats"]["withheld"]) for source, page in lists.items()} == {
        "foro": (1, 0), "jep": (0, 1),
    }  # fmt: skip


def test_a_citation_shows_the_count_then_and_now_and_what_changed(world: World) -> None:
    first = world.file_detention("foro")
    world.file_detention("foro", **OTHER_MAN)
    cited = world.cite(world.get(COUNT, country="VE", held_on="2026-02-01", group_by="source").json())
    said = "2 people held in Venezuela on 1 February 2026 (without those released to house arrest; heard of in the "
    said += "2 years before), all verified. "
    assert said in cited["en"]
    dicho = (
        "2 personas detenidas en Venezuela el 1 de febrero de 2026 (sin quienes salieron a arresto domiciliario; con "
    )
    dicho += "noticias en los 2 años anteriores), "
    assert f"{dicho}todas verificadas. " in cited["es"]
    scope = "(without those released to house arrest; heard of in the 2 years before; grouped by: source)"
    assert f"title = {{{{People held in Venezuela on 1 February 2026 {scope}}}}}" in cited["bibtex"]
    world.file("foro", detention_id=first["detention"]["id"], detainee=None)
    between = world.client.get(cited["address"]).json()
    assert (between["cited"]["total"]["cases"], between["today"]["total"]["cases"]) == (2, 1)
    assert between["difference"]["changes"] == {"moved_out": 1}
    assert between["difference"]["cases"] == [{"change": "moved_out", "id": first["detention"]["id"]}]


def test_a_citation_says_of_how_many_no_arrest_or_sighting_is_recent(world: World) -> None:
    world.file_detention("foro", detention__detained_on="2021-05-01")
    cited = world.cite(world.get(COUNT, held_on="2026-01-10", held_within=1).json())
    assert (
        "; heard of in the year before). Not counted: 1 more, without an arrest, a sighting or an end in that time."
        in cited["en"]
    )
    assert (
        "; con noticias en el año anterior). No se cuentan 1 más, sin detención, avistamiento ni salida" in cited["es"]
    )


def test_no_citation_says_in_prison_of_what_may_include_who_was_detained_at_home(world: World) -> None:
    world.file_detention(detention__legal_status="house_arrest")
    for house_arrest, scope in ((False, "without those released"), (True, "with those released")):
        count = world.get(COUNT, held_on="2026-01-10", house_arrest=house_arrest).json()
        assert count["total"]["cases"] == 1
        cited = world.cite(count)
        assert f"({scope} to house arrest; " in cited["en"]
        assert "prison" not in cited["en"] + cited["es"].replace("prisión", "prison")


def test_the_list_behind_a_count_holds_whom_a_ministry_alone_let_go_before_he_was_seen(world: World) -> None:
    first = world.file_detention("foro", detention__held_on="2026-01-10")
    release = {"released_on": "2025-06-01"}
    world.file("ministry", detainee=None, detention=None, detention_id=first["detention"]["id"], release=release,
               verification={"verdict": "reported"})  # fmt: skip
    count = world.get(COUNT, held_on="2026-01-10", state="held").json()
    assert count["total"]["cases"] == 1
    (listed,) = world.client.get(count["links"]["list"]).json()["data"]
    assert listed["id"] == first["detention"]["id"]
    assert world.count(released_from="2025", released_to="2025-12")["total"]["official_only"] == 1


def test_an_empty_registry_holds_nobody(world: World) -> None:
    nothing = world.get(COUNT, as_of=0).json()
    assert (nothing["total"]["cases"], nothing["terms"]) == (0, {"house_arrest": False, "held_within": 2})
    assert world.client.get(nothing["links"]["cite"]).status_code == 200

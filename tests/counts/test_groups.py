"""In which groups a release or a person stands, and how often."""

from typing import Any

from tests.support import Body, World

AGAIN = {"detainee": None, "detention__detained_on": "2026-01-20", "release__released_on": "2026-02-10"}
BOTH = {"detainee__nationalities": ["AR", "IL"]}
OTHER_MAN = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950"}


def groups(world: World, by: str | list[str], *names: str, who: str | None = None, **terms: Any) -> list[Any]:
    found = world.count(who, group_by=by, **terms)["groups"]
    keys = [by] if isinstance(by, str) else by
    return [tuple(group[name] for name in (*keys, *names)) for group in found]


def test_whoever_may_not_be_seen_stands_once_among_the_withheld_whatever_their_nationalities(world: World) -> None:
    world.file("foro", **BOTH, detainee__publish="counted")
    world.file("foro", **OTHER_MAN, detainee__nationalities=["VE"], detainee__publish="counted")
    world.file("foro", detainee__full_name="Ramiro Sosa Fingido", **BOTH)
    wanted = [("AR", 1, 1), ("IL", 1, 1), ("withheld", 2, 2)]
    assert groups(world, "nationality", "releases", "people") == wanted
    assert groups(world, ["nationality", "month"], "releases") == [
        ("AR", "2026-01", 1), ("IL", "2026-01", 1), ("withheld", "2026-01", 2),
    ]  # fmt: skip
    by_source = [("AR", "foro", 1, 1), ("IL", "foro", 1, 1), ("withheld", "foro", 2, 2)]
    assert groups(world, ["nationality", "source"], "verified", "people") == by_source
    asked = world.count(group_by="nationality")
    assert (asked["total"]["releases"], asked["not_visible"]) == (3, 2)


def test_two_personal_dimensions_of_whoever_may_not_be_seen_are_one_group(world: World) -> None:
    world.file("foro", **BOTH, detainee__publish="counted", detainee__gender="female")
    world.file("foro", **OTHER_MAN, **BOTH, detainee__gender=None)
    assert groups(world, ["nationality", "gender"], "releases") == [
        ("AR", None, 1), ("IL", None, 1), ("withheld", "withheld", 1),
    ]  # fmt: skip


def test_a_person_stands_once_in_a_group_however_many_of_its_spells_do(world: World) -> None:
    person = world.file("foro")["detainee"]["id"]
    world.file("foro", detainee_id=person, **AGAIN)
    world.file("foro", **OTHER_MAN)
    assert groups(world, "gender", "releases", "people") == [("male", 3, 2)]
    assert groups(world, "source", "verified", "people") == [("foro", 3, 2)]
    assert groups(world, ["gender", "month"], "releases", "people") == [
        ("male", "2026-01", 2, 2),
        ("male", "2026-02", 1, 1),
    ]
    assert world.count()["total"]["people"] == 2


def test_spells_that_are_of_one_person_only_since_a_judgement_are_counted_so_at_each_revision(world: World) -> None:
    one = world.file("foro")["detainee"]["id"]
    two = world.file("foro", **{**OTHER_MAN, **AGAIN, "detainee": {**_man(), "publish": "named"}})["detainee"]["id"]
    apart = world.revision
    world.judge(one, two, "same")
    assert groups(world, "gender", "releases", "people", as_of=apart) == [("male", 2, 2)]
    assert groups(world, "gender", "releases", "people") == [("male", 2, 1)]


def _man() -> Body:
    return {"full_name": "Ismael Otero Invento", "birth_date": "1950", "gender": "male", "nationalities": ["VE"]}


def test_a_place_by_the_name_of_the_withheld_is_not_told_from_them_nor_beside_them(world: World) -> None:
    """A group is known by its values: two of one name would be read as one of them."""
    world.add_facility("yare", "Yare", area="withheld")
    world.file("foro", detention__facility="Yare")
    world.file("foro", **OTHER_MAN, detention__facility="Yare", detainee__publish="counted")
    assert groups(world, "area", "releases") == [("withheld", 2)]

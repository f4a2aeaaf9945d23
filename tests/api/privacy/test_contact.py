"""Whether researchers may contact a person: curators record it with a consent, and who sees restricted fields reads
it."""

from typing import Any

import pytest

from tests.support import GOVERNMENT, World

HER_SISTER = "her sister zqsisterqz"


def consent(world: World, detainee: str, **body: Any) -> None:
    given = {"publish": "named", "given_by": HER_SISTER, "given_on": "2026-02-01", **body}
    assert world.post(f"/v1/detainees/{detainee}/consent", given, "curator").status_code == 200


def contact(world: World, detainee: str, who: str | None = "reader") -> Any:
    return world.get(f"/v1/detainees/{detainee}", who).json()["contact"]


def test_who_sees_restricted_fields_reads_whether_who_said_so_and_when(world: World) -> None:
    detainee = world.file()["detainee"]["id"]
    assert contact(world, detainee) is None
    consent(world, detainee, contact=True)
    said = {"allowed": True, "given_by": HER_SISTER, "given_on": "2026-02-01"}
    assert [contact(world, detainee, who) for who in ("reader", "curator")] == [said, said]


@pytest.mark.parametrize("who", [None, "foro", GOVERNMENT, "admin"])
def test_nobody_else_reads_it_or_learns_that_somebody_was_asked(world: World, who: str | None) -> None:
    asked, unasked = (
        world.file()["detainee"]["id"],
        world.file(detainee__full_name="Otra Persona Más")["detainee"]["id"],
    )
    consent(world, asked, contact=True)
    consent(world, unasked)
    for path in (f"/v1/detainees/{asked}", f"/v1/detainees/{asked}/history", "/v1/detainees", "/v1/releases"):
        text = world.client.get(path, headers=world.headers(who)).text
        assert "zqsisterqz" not in text
    assert contact(world, asked, who) is contact(world, unasked, who) is None
    given = "SELECT body FROM entry WHERE kind = 'consent' AND body LIKE '%\"publish\"%'"
    sizes = {len(body) for (body,) in world.rows(given)}
    assert len(sizes) == 1


def test_a_later_consent_takes_it_back_and_one_that_says_nothing_of_it_leaves_it(world: World) -> None:
    detainee = world.file()["detainee"]["id"]
    consent(world, detainee, contact=True)
    consent(world, detainee, publish="anonymous", given_by="the person")
    assert contact(world, detainee)["allowed"] is True
    consent(world, detainee, contact=False, given_by="the person", given_on="2026-02-03")
    assert contact(world, detainee) == {"allowed": False, "given_by": "the person", "given_on": "2026-02-03"}


@pytest.mark.parametrize("of_the_earlier", [True, False])
def test_the_stricter_answer_holds_where_two_people_become_one(world: World, of_the_earlier: bool) -> None:
    first = world.file()["detainee"]["id"]
    second = world.file("jep", detainee__full_name="Tomás Quintana Otro")["detainee"]["id"]
    consent(world, first, contact=of_the_earlier)
    consent(world, second, contact=not of_the_earlier)
    world.judge(first, second, "same")
    assert contact(world, first)["allowed"] is False


def test_an_erasure_takes_it_too(world: World) -> None:
    detainee = world.file()["detainee"]["id"]
    consent(world, detainee, contact=True)
    world.redact(detainee)
    assert contact(world, detainee) is None
    assert not world.rows("SELECT disclosures FROM sealed WHERE disclosures LIKE '%zqsisterqz%'")


@pytest.mark.parametrize("said", ["no", 0, "true"])
def test_what_is_no_yes_and_no_no_is_refused(world: World, said: Any) -> None:
    detainee = world.file()["detainee"]["id"]
    body = {"publish": "named", "given_by": "the person", "given_on": "2026-02-01", "contact": said}
    assert world.post(f"/v1/detainees/{detainee}/consent", body, "curator").status_code == 422

"""Wishes to hide somebody against what stands: at once, provisionally, until a curator has looked (rule 13)."""

from typing import Any

import pytest

from app.cli.maintenance import build_status_report
from app.db.engine import open_read_session, open_write_session
from app.registry import report_versions
from app.registry.apply import rebuild_tables
from app.registry.report_versions import HIDING_LIMIT_WARNING
from tests.support import GOVERNMENT, Body, World, make_report, without_random
from tests.working import statements

HIDE: dict[str, Any] = {"detainee__publish": "counted"}
CHILD: dict[str, Any] = {"detainee__birth_date": "2010"}


def hidden(world: World) -> list[Body]:
    """The wishes that wait for a curator."""
    return [row for row in world.get("/v1/review", "curator").json()["data"] if row["kind"] == "hidden"]


def shown(world: World, filed: Body) -> bool:
    return world.get(f"/v1/detainees/{filed['detainee']['id']}").status_code == 200


def name(world: World, filed: Body) -> str | None:
    """The name that anybody reads."""
    called: str | None = world.get(f"/v1/detainees/{filed['detainee']['id']}").json()["name"]
    return called


def by_two(world: World, **said: Any) -> Body:
    """Somebody whom two independent sources show."""
    known = world.file("foro", **said)
    world.file("jep", **{**said, "detainee_id": known["detainee"]["id"]})
    return known


def wish(world: World, known: Body, **said: Any) -> Body:
    """A third source that hides them, in a report that may have stood before."""
    return world.file("pud", **{"source_record_id": "P-1", "detainee_id": known["detainee"]["id"], **HIDE, **said})


def again(world: World, **said: Any) -> Body:
    """The next version of that report."""
    return world.file("pud", **{"source_record_id": "P-1", **HIDE, **said})


def consent(world: World, filed: Body, publish: str, **more: Any) -> Any:
    body = {"publish": publish, "given_by": "his sister", "given_on": "2026-02-01", **more}
    return world.post(f"/v1/detainees/{filed['detainee']['id']}/consent", body, "curator")


def test_a_wish_against_two_sources_hides_at_once_and_waits_until_a_curator_has_answered(world: World) -> None:
    known = by_two(world)
    answer = wish(world, known)
    assert (shown(world, known), answer["wish_waits"]) == (False, False)
    (row,) = hidden(world)
    assert (row["source"], row["because"], row["against"], row["stopped"]) == ("pud", "wish", "reports", False)
    assert row["detainee"]["id"] == known["detainee"]["id"]
    assert consent(world, known, "named").status_code == 200
    assert (shown(world, known), hidden(world)) == (True, [])


def test_a_curators_answer_stands_over_later_versions_of_the_report(world: World) -> None:
    known = by_two(world)
    wish(world, known)
    consent(world, known, "named")
    for publish in ("counted", "named", "counted", None, "counted"):
        again(world, detainee__publish=publish, release__kind="pardon")
        assert (shown(world, known), hidden(world)) == (True, []), publish


def test_a_curators_answer_stands_over_a_new_report_of_that_source(world: World) -> None:
    """A new case number is no new wish: who holds the key would hide the person again after every answer."""
    known = by_two(world)
    wish(world, known)
    consent(world, known, "named")
    wish(world, known, source_record_id="P-2")
    assert (shown(world, known), hidden(world)) == (True, [])
    wish(world, known, source_record_id="P-3", detainee__publish_given_on="2026-02-20")
    assert (shown(world, known), [row["given_on"] for row in hidden(world)]) == (False, ["2026-02-20"])


def test_a_wish_given_on_a_later_day_hides_again_provisionally(world: World) -> None:
    known = by_two(world)
    wish(world, known)
    consent(world, known, "named")
    for day in ("2026-02-10", "2026-02-20"):
        again(world, detainee__publish_given_on=day)
        assert not shown(world, known)
        assert [(row["against"], row["given_on"]) for row in hidden(world)] == [("consent", day)]
        again(world, detainee__publish_given_on=day, release__kind="pardon")
        assert not shown(world, known), "a correction leaves the wish as it stands"
        consent(world, known, "named")
        again(world, detainee__publish_given_on=day)
        assert (shown(world, known), hidden(world)) == (True, [])
    again(world, detainee__publish_given_on="2026-02-10")
    again(world)
    assert shown(world, known), "no day that was named before is a new one"


def test_a_source_that_comes_to_ask_for_it_after_a_consent_hides_provisionally(world: World) -> None:
    known = world.file("foro", source_record_id="F-1")
    consent(world, known, "named")
    world.file("foro", source_record_id="F-1", **HIDE)
    assert not shown(world, known)
    assert [(row["source"], row["against"]) for row in hidden(world)] == [("foro", "consent")]
    consent(world, known, "counted")
    assert (shown(world, known), hidden(world)) == (False, [])


def test_a_wish_that_nobody_speaks_against_waits_for_nobody(world: World) -> None:
    known = world.file("foro")
    wish(world, known)
    assert (shown(world, known), hidden(world)) == (False, [])


def test_the_day_of_a_wish_is_no_day_to_come_and_stands_nowhere_in_the_log(world: World) -> None:
    known = by_two(world)
    to_come = make_report(detainee_id=known["detainee"]["id"], **HIDE, detainee__publish_given_on="2027-01-01")
    problem = world.refuse(world.post("/v1/releases", to_come, "pud"), 422, "future_date")
    assert [one["pointer"] for one in problem["errors"]] == ["/detainee/publish_given_on"]
    filed = wish(world, known, detainee__publish_given_on="2026-02-17")
    assert (
        world.get(f"/v1/reports/{filed['report']['id']}", "pud").json()["detainee"]["publish_given_on"] == "2026-02-17"
    )
    assert not [body for (body,) in world.rows("SELECT body FROM entry") if "2026-02-17" in body]


def test_a_false_birth_is_overruled_by_a_curator_and_stays_so_over_later_versions(world: World) -> None:
    known = by_two(world, detainee__birth_date=None)
    wish(world, known, **CHILD, detainee__publish=None)
    assert not shown(world, known)
    assert [(row["because"], row["against"]) for row in hidden(world)] == [("birth", "reports")]
    with world.storing_nothing():
        world.refuse(consent(world, known, "named"), 422, "guardian_required", "/given_by")
        unexplained = consent(world, known, "named", overrules_birth_of="pud")
        world.refuse(unexplained, 422, "required", "/reason")
        nobody = consent(world, known, "named", overrules_birth_of="nobody", reason="his sister says so")
        world.refuse(nobody, 422, "unknown_source", "/overrules_birth_of")
        wrong = consent(world, known, "named", overrules_birth_of="foro", reason="his sister says so")
        world.refuse(wrong, 422, "guardian_required", "/given_by")
    overruled = consent(world, known, "named", overrules_birth_of="pud", reason="His sister sent the card: born 1971.")
    assert overruled.status_code == 200
    assert (shown(world, known), hidden(world)) == (True, [])
    for change in ({"release__kind": "pardon"}, {"detainee__birth_date": "2011"}):
        again(world, **{**CHILD, "detainee__publish": None, **change})
        assert (shown(world, known), hidden(world)) == (True, [])
    assert not [
        body for (body,) in world.rows("SELECT body FROM entry WHERE kind = 'consent'") if "pud" in without_random(body)
    ]


def test_a_birth_that_two_sources_give_is_overruled_by_no_word_about_one(world: World) -> None:
    known = world.file("foro", **CHILD, detainee__publish=None)
    other = world.file("jep", **CHILD, detainee__publish=None)
    world.judge(known["detainee"]["id"], other["detainee"]["id"], "same")
    refused = consent(world, known, "named", overrules_birth_of="jep", reason="Somebody says so.")
    world.refuse(refused, 422, "guardian_required", "/given_by")


def burst(world: World, number: int) -> list[Body]:
    """So many people, each shown by two sources and hidden by a third."""
    people = []
    for one in range(number):
        name = f"{'ABCDEFGHIJKLMNOP'[one]}nselmo {'abcdefghijklmnop'[one] * 3}uri Montes"
        known = by_two(world, detainee__full_name=name)
        wish(world, known, source_record_id=f"Q-{one}", detainee__full_name=name)
        people.append(known)
    return people


def test_beyond_its_limit_a_source_takes_names_away_and_hides_nobody_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else shows them; the rest heads the review, until a curator answers."""
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 2)
    people = burst(world, 2)
    assert world.get("/readyz").json() == {"status": "ok", "warnings": [HIDING_LIMIT_WARNING]}
    third = world.file("pud", source_record_id="P-Z", detainee__full_name="Zenaida Prieto Roa")
    name_only = {"source_record_id": "P-Z", "detainee__full_name": "Zenaida Prieto Roa"}
    assert again(world, **name_only)["wish_waits"] is True
    assert (shown(world, third), name(world, third)) == (True, None)
    assert [row["stopped"] for row in hidden(world)] == [True, False, False]
    assert [shown(world, one) for one in people] == [False, False]
    again(world, **name_only, release__kind="pardon")
    assert shown(world, third), "a version that wishes the same waits with it"
    with open_read_session(world.engine) as session:
        told = build_status_report(session)
    assert (told["hidden_by_source"], told["stopped_sources"]) == ({"pud": 2}, ["pud"])
    consent(world, people[0], "named")
    assert world.get("/readyz").json() == {"status": "ok"}
    consent(world, third, "counted")
    assert not shown(world, third)
    assert len(hidden(world)) == 1


def test_a_source_hides_a_hundred_people_of_its_own_at_once_and_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred in the rule; ten here."""
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 10)
    people = []
    for number in range(13):
        called = f"{'ABCDEFGHIJKLM'[number]}nselmo {'abcdefghijklm'[number] * 3}uri Montes"
        people.append(world.file("pud", source_record_id=f"Q-{number}", detainee__full_name=called))
    for number, filed in enumerate(people):
        again(world, source_record_id=f"Q-{number}", detainee__full_name=filed["detainee"]["name"])
    assert [shown(world, one) for one in people] == [False] * 10 + [True] * 3
    assert {name(world, one) for one in people[10:]} == {None}
    assert len(hidden(world)) == 3, "the first ten need no curator"
    known = world.file("pud", source_record_id="Q-N", detainee__full_name="Zenaida Prieto Roa", **HIDE)
    assert (shown(world, known), known["wish_waits"]) == (False, False), "nobody had listed her"


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "beside another's day"])
def test_births_count_like_wishes(world: World, monkeypatch: pytest.MonkeyPatch, alone: bool) -> None:
    """Who holds a stolen key makes children of no more people than it may hide."""
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 3)
    people, said = [], CHILD if alone else CHILD | {"detention": {"country": "VE"}, "release__released_on": None}
    told = []
    for one in range(5):
        called = f"{'ABCDE'[one]}nselmo {'abcde'[one] * 3}uri Montes"
        people.append(by_two(world, detainee__full_name=called, detainee__birth_date=None))
        more = {"source_record_id": f"Q-{one}", "detainee__full_name": called, "detainee__publish": None}
        told.append(wish(world, people[-1], **more, **said)["wish_waits"])
    assert told == [False] * 3 + [True] * 2
    assert [shown(world, one) for one in people] == [False] * 3 + [True] * 2


def test_only_an_administrator_puts_the_source_in_quarantine_and_that_shows_everybody_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 2)
    people = burst(world, 2)
    assert world.get("/v1/sources").json()["data"]
    assert [one["quarantined"] for one in world.get("/v1/sources").json()["data"]] == [False] * 4
    world.client.patch("/v1/sources/pud", json={"quarantined": True}, headers=world.headers("admin"))
    assert [shown(world, one) for one in people] == [True, True]
    assert hidden(world) == []


def test_an_answer_says_the_same_of_a_wish_that_waits_whoever_it_is_about(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether anybody else shows the person is nothing that it tells."""
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 1)
    burst(world, 1)
    by_one = world.file("foro", detainee__full_name="Zenaida Prieto Roa")
    by_two_others = by_two(world, detainee__full_name="Ulises Barrios Mata")
    told = [
        wish(world, by_one, source_record_id="P-1", detainee__full_name="Zenaida Prieto Roa")["wish_waits"],
        wish(world, by_two_others, source_record_id="P-2", detainee__full_name="Ulises Barrios Mata")["wish_waits"],
    ]
    assert told == [True, True]
    assert (shown(world, by_one), shown(world, by_two_others)) == (True, True)


def test_the_review_of_wishes_is_the_curators_alone(world: World) -> None:
    wish(world, by_two(world))
    for who in (None, "foro", "pud", GOVERNMENT, "reader", "admin"):
        assert world.get("/v1/review", who).status_code in (401, 403)


def test_a_rebuild_lets_the_same_wishes_wait_those_of_the_past_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 1)
    known = by_two(world)
    wish(world, known)
    burst(world, 2)
    consent(world, known, "named")
    again(world, detainee__publish_given_on="2026-02-20")
    rows = (
        "SELECT record, since, until, detainee, source, publish, against, stopped FROM provisional_hiding ORDER BY 1, 2"
    )
    classes = "SELECT key, publish_now FROM record ORDER BY 1"
    before = world.rows(rows), world.rows(classes)
    assert len(before[0]) > 3
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert (world.rows(rows), world.rows(classes)) == before
    world.redact(known["detainee"]["id"])
    erased = world.rows(rows)
    assert len(erased) < len(before[0])
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert world.rows(rows) == erased


def test_a_wish_reads_no_more_after_many_versions_and_records(world: World) -> None:
    """Or whoever holds a key makes everybody wait who writes."""
    known = by_two(world)
    wish(world, known, detainee__publish="anonymous")

    def cost(day: str) -> int:
        with statements(world.engine) as run:
            again(world, detainee__publish="anonymous", detainee__publish_given_on=day)
        return len(run)

    again(world, detainee__publish="anonymous", detainee__publish_given_on="2026-02-01")
    few = cost("2026-02-02")
    for number in range(12):
        again(world, detainee__publish=("named", "anonymous")[number % 2], detainee__publish_given_on="2026-01-01")
        wish(world, known, source_record_id=f"P-1-{number}", detainee__publish="anonymous")
    assert cost("2026-02-03") < few + 12, "not one more for each of them"


def public(world: World, known: Body) -> list[Any]:
    """What anybody reads of a person and around them, whatever the revision."""
    paths = [f"/v1/{thing}s/{known[thing]['id']}" for thing in ("detainee", "detention", "release")]
    paths += ["/v1/detainees", "/v1/releases", "/v1/counts/releases", "/v1/counts/releases?group_by=gender"]
    paths += ["/v1/counts/overlap", "/v1/corrections", "/v1/sources", "/readyz"]
    answers = [world.get(path) for path in paths]
    return [(answer.status_code, without_revision(answer.json())) for answer in answers]


def without_revision(value: Any) -> Any:
    """An answer without its revision, and without the addresses and citations that hold it."""
    if isinstance(value, dict):
        passing = {"revision", "at", "links", "list", "only_list", "next"}
        return {name: without_revision(item) for name, item in value.items() if name not in passing}
    return [without_revision(item) for item in value] if isinstance(value, list) else value


def test_who_is_hidden_provisionally_is_read_like_anybody_counted(world: World) -> None:
    """A curator who agrees changes nothing that anybody can read, but for the entry itself."""
    known = by_two(world)
    wish(world, known)
    provisional = public(world, known)
    consent(world, known, "counted")
    assert public(world, known) == provisional


def test_a_birth_that_a_government_invents_hides_nobody_unseen(world: World) -> None:
    """It hides at once, since it may be a child's; a curator learns of it and answers for good."""
    known = by_two(world, detainee__birth_date=None)
    world.file(GOVERNMENT, **CHILD, detainee_id=known["detainee"]["id"])
    assert not shown(world, known)
    assert [(row["source"], row["because"]) for row in hidden(world)] == [(GOVERNMENT, "birth")]
    assert consent(world, known, "named").status_code == 200
    assert (shown(world, known), hidden(world)) == (True, [])

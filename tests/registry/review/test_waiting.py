"""What counts at once, what waits for a curator, and what a curator's decision changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db.engine import open_write_session
from app.registry.apply import rebuild_tables
from app.registry.review import batches, limits
from app.vocabulary import Role
from tests.support import Body, World, build_review

LIMIT = 20


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", LIMIT)


def person(number: int) -> dict[str, Any]:
    """An invented person like nobody else here."""
    surname = "".join(chr(ord("a") + int(digit)) for digit in f"{number:04}")
    return {
        "detainee__full_name": f"Nombre{surname} Apellido{surname} Inventado",
        "detainee__birth_date": f"19{50 + number % 40}",
        "source_record_id": str(number),
    }


def file_people(world: World, count: int, who: str = "foro", first: int = 1, **changes: Any) -> list[Body]:
    return [world.file(who, **person(number), **changes) for number in range(first, first + count)]


def numbers(world: World, **terms: Any) -> tuple[int, int, int]:
    counted = world.count(**terms)
    return counted["total"]["verified"], counted["caveats"]["awaiting_review"], counted["caveats"]["rejected"]


def test_a_new_source_counts_up_to_its_limit_and_in_its_own_row_beyond_it(world: World) -> None:
    states = [filed["review"] for filed in file_people(world, LIMIT + 3)]
    assert states == ["unreviewed"] * LIMIT + ["awaiting_review"] * 3
    assert numbers(world) == (LIMIT, 3, 0)
    assert numbers(world, source="foro") == (LIMIT + 3, 3, 0)
    (row,) = world.get("/v1/counts/releases", group_by="source").json()["groups"]
    assert (row["counts"]["verified"], row["counts"]["awaiting_review"]) == (LIMIT + 3, 3)


def test_waiting_reports_are_shown_to_nobody_and_named_nowhere(world: World) -> None:
    filed = file_people(world, LIMIT + 1)[-1]
    name = person(LIMIT + 1)["detainee__full_name"]
    for path in ("/v1/detainees", "/v1/releases", "/v1/detentions"):
        for terms in ({}, {"source": "foro"}) if path == "/v1/releases" else ({},):
            text = world.get(path, limit=200, **terms).text
            assert name not in text
            assert filed["release"]["id"] not in text
    assert world.get(f"/v1/detainees/{filed['detainee']['id']}").status_code == 404
    own = world.get(f"/v1/reports/{filed['report']['id']}", "foro").json()
    assert (own["detainee"]["full_name"], own["review"]) == (name, "awaiting_review")


def test_an_approved_report_counts_everywhere_and_frees_the_limit(world: World) -> None:
    file_people(world, LIMIT + 3)
    world.review()
    assert numbers(world) == (LIMIT + 3, 0, 0)
    assert numbers(world, source="foro") == (LIMIT + 3, 0, 0)
    assert world.file(**person(900))["review"] == "unreviewed"


def test_an_alias_added_to_somebody_else_s_person_finds_nobody_until_it_is_approved(world: World) -> None:
    detainee = world.file("jep", **person(1))["detainee"]["id"]
    world.file("foro", **person(1), detainee__aliases=["La Traidora"])

    def find() -> tuple[int, list[str]]:
        page = world.get("/v1/detainees", q="Traidora").json()["data"]
        return len(page), world.get(f"/v1/detainees/{detainee}").json()["aliases"]

    assert find() == (0, [])
    world.review("foro")
    assert find() == (1, ["La Traidora"])


def test_a_rejected_report_stays_in_its_source_s_row(world: World) -> None:
    file_people(world, LIMIT + 2)
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    assert (batch["kind"], batch["reports"], batch["waiting"]) == ("releases", LIMIT + 2, 2)
    world.review(decision="rejected")
    assert numbers(world) == (0, 0, LIMIT + 2)
    assert numbers(world, source="foro") == (LIMIT + 2, 0, LIMIT + 2)


def test_a_waiting_report_is_linked_to_nobody_until_it_is_approved(world: World) -> None:
    same = person(7)
    world.file("jep", **{**same, "source_record_id": "j7"})
    file_people(world, LIMIT, first=100)
    waiting = world.file(**same)
    assert (waiting["review"], waiting["match"]["outcome"]) == ("awaiting_review", "new")
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1}
    world.review()
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1, "2": 1}


def test_a_pointer_links_once_it_is_approved(world: World) -> None:
    release = world.file("jep", **person(7))["release"]["id"]
    file_people(world, LIMIT, first=100)
    assert world.verify(release, "foro", verdict="verified", method="lawyer")["review"] == "awaiting_review"
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1}
    assert world.count(source="foro")["total"]["verified"] == LIMIT + 1
    world.review()
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1, "2": 1}


def test_a_second_verification_of_a_release_corrects_the_one_that_waits(world: World) -> None:
    release = world.file("jep", **person(7))["release"]["id"]
    file_people(world, LIMIT, first=100)
    first = world.verify(release, "foro", verdict="verified", method="lawyer")
    second = world.verify(release, "foro", verdict="refuted", method="family")
    assert second["report"] == {"id": first["report"]["id"], "version": 2}
    assert world.count(source="foro")["total"]["verified"] == LIMIT


def test_a_correction_beyond_the_limit_withdraws_the_older_word_and_waits(world: World) -> None:
    first = world.file(**person(1))
    world.review()
    file_people(world, LIMIT, first=100)
    changed = world.file(**person(1), release__released_on="2026-01-20")
    assert (changed["review"], changed["report"]) == ("awaiting_review", {**first["report"], "version": 2})
    assert numbers(world) == (LIMIT, 1, 0)
    assert world.count(source="foro", released_from="2026-01-20")["total"]["verified"] == 1
    world.review()
    assert world.count(released_from="2026-01-20")["total"]["verified"] == 1


def test_what_was_approved_before_is_approved_when_it_is_sent_again(world: World) -> None:
    world.file(**person(1))
    world.review()
    file_people(world, LIMIT, first=100)
    assert world.file(**person(1), release__kind="pardon")["review"] == "awaiting_review"
    assert world.file(**person(1))["review"] is None


def test_withdrawals_and_closings_never_wait(world: World) -> None:
    filed = file_people(world, LIMIT + 1)
    reviewed = filed[0]
    closed = world.file(**person(1), detainee__publish="anonymous")
    assert closed["review"] == "unreviewed"
    assert person(1)["detainee__full_name"] not in world.get(f"/v1/detainees/{reviewed['detainee']['id']}", "jep").text
    answer = world.post(f"/v1/reports/{filed[1]['report']['id']}/retract", {}, "foro")
    assert answer.status_code == 200
    assert numbers(world) == (LIMIT - 1, 1, 0)


def test_a_waiting_report_closes_a_person_whom_another_source_names(world: World) -> None:
    named = world.file("jep", **person(7))
    file_people(world, LIMIT, first=100)
    closing = world.file(**{**person(7), "source_record_id": "family"}, detainee__publish="anonymous")
    assert closing["review"] == "awaiting_review"
    assert person(7)["detainee__full_name"] not in world.get(f"/v1/detainees/{named['detainee']['id']}", "jep").text
    assert numbers(world)[0] == LIMIT + 1


def test_a_waiting_report_does_not_tell_by_closing_whether_a_guess_is_right(world: World) -> None:
    guessed = world.file("jep", **person(7), detainee__publish="anonymous")
    file_people(world, LIMIT, first=100)
    closing = world.file(**{**person(7), "source_record_id": "guess"}, detainee__publish="counted")
    assert (closing["review"], closing["match"]["outcome"]) == ("awaiting_review", "new")
    assert world.get(f"/v1/detainees/{guessed['detainee']['id']}").status_code == 200


def test_a_report_that_was_approved_and_withdrawn_is_approved_when_it_is_sent_again(world: World) -> None:
    filed = world.file(**person(1))
    world.review()
    assert world.post(f"/v1/reports/{filed['report']['id']}/retract", {}, "foro").status_code == 200
    assert world.file(**person(1))["review"] is None


def test_a_curator_s_own_decisions_between_the_reports_make_no_review_wait(world: World) -> None:
    first, second = file_people(world, 2)
    world.judge(first["detainee"]["id"], second["detainee"]["id"], "different")
    file_people(world, 1, first=50)
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    body = build_review(batch)
    assert world.post("/v1/review/batches", body, "curator").status_code == 200


def test_denials_stay_at_the_limit_of_a_new_source_for_a_trusted_one(world: World) -> None:
    world.trust("foro", 1_000)
    releases = [filed["release"]["id"] for filed in file_people(world, LIMIT + 5, "jep", first=100)]
    world.review()
    denials = [world.verify(release, "foro", verdict="refuted", method="family") for release in releases]
    assert [denial["review"] for denial in denials].count("awaiting_review") == 5
    assert numbers(world)[0] == 5


def test_a_trusted_source_counts_up_to_its_own_limit(world: World) -> None:
    world.trust("foro", LIMIT + 10)
    assert {filed["review"] for filed in file_people(world, LIMIT + 10)} == {"unreviewed"}


def test_reports_of_custody_that_wait_hold_back_no_release_of_a_trusted_source(world: World) -> None:
    world.trust("foro", LIMIT + 10)
    held = [world.file_detention(**person(number))["review"] for number in range(LIMIT + 2)]
    assert held.count("awaiting_review") == 2
    assert world.file(**person(900))["review"] == "unreviewed"
    assert world.file_detention(**person(901))["review"] == "awaiting_review"
    beyond = [filed["review"] for filed in file_people(world, 11, first=200)]
    assert beyond == ["unreviewed"] * 9 + ["awaiting_review"] * 2


def test_a_review_of_more_people_than_a_day_s_limit_waits_for_a_second_curator_or_a_day(world: World) -> None:
    file_people(world, LIMIT + 1)
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    body = build_review(batch)
    assert world.post("/v1/review/batches", body, "curator").status_code == 202
    world.carry_out_due()
    assert numbers(world) == (LIMIT, 1, 0)
    world.now += timedelta(hours=25)
    world.carry_out_due()
    assert numbers(world) == (LIMIT + 1, 0, 0)


def test_a_waiting_review_of_a_list_names_no_person_of_the_list(world: World) -> None:
    lines = ["source_record_id,full_name,country,released_on,verdict,method"]
    lines += [f"F-{n},{person(n)['detainee__full_name']},VE,2026-01-12,verified,family" for n in range(LIMIT + 1)]
    world.send_list("\n".join(lines))
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    assert world.post("/v1/review/batches", build_review(batch), "curator").status_code == 202
    (proposal,) = world.get("/v1/proposals", "curator").json()["data"]
    assert (proposal["kind"], proposal["people"], proposal["a"], proposal["b"]) == ("review", LIMIT + 1, None, None)


def test_a_long_review_goes_on_until_nothing_is_left(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_REVIEWED_REPORTS", 5)
    file_people(world, LIMIT + 3)
    world.review()
    assert numbers(world) == (LIMIT + 3, 0, 0)


def test_nobody_reviews_for_their_own_source(world: World) -> None:
    file_people(world, 1)
    world.add_key("own curator", Role.CURATOR, "foro")
    assert world.get("/v1/review/batches", "own curator").json()["data"] == []
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    body = build_review(batch)
    assert world.post("/v1/review/batches", body, "own curator").status_code == 403
    assert world.post("/v1/review/batches", body, "foro").status_code == 403


def test_a_trial_says_how_many_rows_would_wait(world: World) -> None:
    lines = ["source_record_id,full_name,country,released_on,verdict,method"]
    lines += [f"F-{n},{person(n)['detainee__full_name']},VE,2026-01-12,verified,family" for n in range(LIMIT + 3)]
    trial = world.send_list("\n".join(lines), dry_run="true")
    receipt = world.send_list("\n".join(lines))
    assert trial["awaiting_review"] == receipt["awaiting_review"] == 3
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    assert (batch["reports"], batch["waiting"], batch["list"] > 0) == (LIMIT + 3, 3, True)


def test_a_corrected_waiting_report_is_linked_once_it_is_approved(world: World) -> None:
    same = person(7)
    world.file("jep", **{**same, "source_record_id": "j7"})
    file_people(world, LIMIT, first=100)
    world.file(**same)
    assert world.file(**same, release__kind="pardon")["report"]["version"] == 2
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1}
    world.review()
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1, "2": 1}


def test_a_waiting_report_that_closes_a_person_is_linked_only_once(world: World) -> None:
    world.file("jep", **person(7))
    file_people(world, LIMIT, first=100)
    world.file(**{**person(7), "source_record_id": "family"}, detainee__publish="anonymous")
    ties = len(identity_entries(world))
    world.review()
    assert len(identity_entries(world)) == ties
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1, "2": 1}


def identity_entries(world: World) -> list[Any]:
    return list(world.rows("SELECT revision FROM entry WHERE kind = 'identity'"))


def test_a_person_rearrested_by_waiting_reports_alone_has_two_detentions_in_the_source_s_row(world: World) -> None:
    first = {**person(1), "detention__detained_on": "2025-03-01", "release__released_on": "2026-01-08"}
    second = {**person(1), "detention__detained_on": "2026-01-09", "release__released_on": "2026-01-11"}
    detainee = world.file(**first)["detainee"]["id"]
    world.file(**second | {"source_record_id": "again"}, detainee_id=detainee)
    world.review()
    file_people(world, LIMIT, first=100)
    assert world.file(**first, release__kind="pardon")["review"] == "awaiting_review"
    assert numbers(world) == (LIMIT, 2, 0)
    assert world.count(source="foro")["total"]["cases"] == LIMIT + 2
    world.review()
    assert numbers(world) == (LIMIT + 2, 0, 0)


def test_no_other_source_counts_in_a_row_under_review(world: World) -> None:
    release = world.file("jep", **person(7))["release"]["id"]
    assert world.verify(release, "foro", verdict="verified", method="lawyer")["review"] == "unreviewed"
    world.review()
    file_people(world, LIMIT, first=100)
    world.verify(release, "foro", verdict="verified", method="lawyer", released_on="2026-01-14")
    assert world.count(source="foro", min_sources=2, max_sources=2)["total"]["cases"] == 0
    assert world.count(source="foro", verified_by="jep")["total"]["cases"] == 0
    assert world.count(source="foro", min_sources=1)["total"]["cases"] == LIMIT
    assert world.count(source="foro")["total"]["verified"] == LIMIT + 1


def test_an_embargoed_report_is_judged_when_its_embargo_ends(world: World) -> None:
    world.wait("2026-03-10", **person(1))
    file_people(world, LIMIT, first=100)
    assert numbers(world) == (LIMIT, 0, 0)
    world.now = datetime(2026, 3, 11, tzinfo=UTC)
    world.end_embargoes()
    assert numbers(world) == (LIMIT, 1, 0)
    assert world.count(source="foro")["total"]["verified"] == LIMIT + 1


def test_a_waiting_person_is_erased_like_any_other(world: World) -> None:
    file_people(world, LIMIT, first=100)
    waiting = world.file(**person(1))
    world.redact(waiting["detainee"]["id"])
    assert numbers(world) == (LIMIT, 1, 0)
    assert world.get("/v1/review/batches", "curator").json()["data"][0]["waiting"] == 0
    assert person(1)["detainee__full_name"] not in str(world.rows("SELECT disclosures FROM sealed"))
    rebuild(world)
    assert numbers(world) == (LIMIT, 1, 0)


def rebuild(world: World) -> None:
    with open_write_session(world.engine) as session:
        rebuild_tables(session)


def test_a_recalled_report_that_is_filed_again_is_judged_again_and_linked_when_it_is_approved(world: World) -> None:
    world.file("jep", **{**person(7), "source_record_id": "j7"})
    world.file(**person(7))
    recall = {"key_id": world.keys["foro"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", recall, "admin").status_code == 200
    world.add_key("foro", Role.REPORTER, "foro")
    file_people(world, LIMIT, first=100)
    again = world.file(**person(7))
    assert (again["review"], again["report"]["version"]) == ("awaiting_review", 2)
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1}
    world.review()
    assert world.count()["total"]["by_min_sources"] == {"1": LIMIT + 1, "2": 1}


def test_own_reports_say_whether_they_wait(world: World) -> None:
    file_people(world, LIMIT + 1)
    listed = world.get("/v1/reports", "foro", limit=200).json()["data"]
    assert [report["review"] for report in listed].count("awaiting_review") == 1


def test_a_waiting_correction_is_in_no_public_answer(world: World) -> None:
    filed = world.file("jep", **person(1))
    world.verify(filed["release"]["id"], "foro", verdict="verified", method="lawyer", released_on="2026-01-12")
    world.review()
    file_people(world, LIMIT, first=100)
    changed = world.verify(
        filed["release"]["id"], "foro", verdict="verified", method="lawyer", released_on="2026-01-29"
    )
    assert (changed["review"], changed["report"]["version"]) == ("awaiting_review", 2)
    paths = [f"/v1/{noun}s" for noun in ("release", "detainee", "detention", "correction")]
    paths += [f"/v1/{noun}s/{filed[noun]['id']}" for noun in ("release", "detainee", "detention")]
    paths += ["/v1/corrections.atom", f"/en/people/{filed['detainee']['id']}"]
    for path in paths:
        for terms in ({}, {"claims": "true"}) if path.endswith("corrections") else ({},):
            text = world.get(path, **terms).text
            assert "2026-01-29" not in text, path

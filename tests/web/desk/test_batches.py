"""What a curator reviews at the desk: batches of reports, those first that contradict what is shown, and a decision."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from app.registry.review import batches as registry_batches
from app.registry.review import limits
from app.web.desk import batches
from tests.registry.review.test_waiting import file_people, numbers, person
from tests.support import World, build_review
from tests.web.desk.officer import Officer

LIST, BATCH, DECISION = batches.BATCHES_PATH, batches.BATCH_PATH, batches.DECISION_PATH


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 2)


@pytest.fixture
def curator(world: World) -> Officer:
    """A curator before five denials, one of which denies what another source verified."""
    releases = [world.file("jep", **person(n), verification={"verdict": "reported"}) for n in range(4)]
    releases.append(world.file("jep", **person(4)))
    world.review()
    for number, release in enumerate(releases):
        world.verify(
            release["release"]["id"], "foro", verdict="refuted", method="family", source_record_id=f"F{number}"
        )
    curator = Officer(world)
    curator.sign_in("curator")
    return curator


def open_batch(curator: Officer) -> str:
    return curator.open(BATCH, source="foro", kind="denials", list=0).text


def ticks(page: str) -> list[str]:
    return re.findall(r'name="reports" value="([^"]+)"', page)


def decide(curator: Officer, changes: Mapping[str, Any]) -> str:
    answer = curator.fill(DECISION, {"reason": "Asked the source.", **changes})
    return answer.text


def test_the_home_page_and_the_list_say_in_words_what_awaits_review(curator: Officer) -> None:
    assert "1 batch that no curator has reviewed." in curator.open().text
    page = curator.open(LIST).text
    assert re.search(r"<bdi>Foro</bdi>: 5 denials", page)
    assert "1 Mar 2026, 12:00" in page or "Mar 1, 2026, 12:00" in page
    assert "<strong>1</strong>" in page


def test_the_batch_shows_first_what_contradicts_with_both_values(curator: Officer) -> None:
    page = open_batch(curator)
    first, second = page.index("They contradict what readers are shown"), page.index("The others")
    assert first < page.index(person(4)["detainee__full_name"]) < second
    assert page.index(person(0)["detainee__full_name"]) > second
    assert re.search(r"<td>Verification</td>.*Refuted.*Verified.*<bdi>Jep</bdi>", page, re.DOTALL)
    assert len(ticks(page)) == 5
    assert "recuento key stolen ID --since 2026-03-01T12:00:00Z" in page


def test_ticked_reports_are_rejected_and_the_rest_is_approved(curator: Officer) -> None:
    worst = ticks(open_batch(curator))[0]
    told = decide(curator, {"which": "ticked", "decision": "rejected", "reports": [worst]})
    assert "1 report rejected" in told
    assert numbers(curator.world)[1:] == (2, 1)
    assert worst not in open_batch(curator)
    assert "4 reports approved" in decide(curator, {"which": "all", "decision": "approved"})
    assert numbers(curator.world)[1:] == (0, 1)
    assert "Nothing of this batch awaits review any more" in open_batch(curator)


def test_a_long_batch_is_decided_by_one_press(curator: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_batches, "MAX_REVIEWED_REPORTS", 2)
    open_batch(curator)
    assert "5 reports approved" in decide(curator, {"which": "all", "decision": "approved"})


def test_what_time_did_not_suffice_for_is_left_for_another_press(
    curator: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_batches, "MAX_REVIEWED_REPORTS", 2)
    monkeypatch.setattr(batches, "MAX_DECISION_SECONDS", -1.0)
    open_batch(curator)
    told = decide(curator, {"which": "all", "decision": "approved"})
    assert "2 reports approved" in told
    assert "3 are left: go on." in told
    assert "1 is left: go on." in curator.fill(DECISION, {}).text
    assert "1 report approved" in curator.fill(DECISION, {}).text


def test_nothing_ticked_is_said_and_what_was_written_stays(curator: Officer) -> None:
    open_batch(curator)
    answer = curator.fill(DECISION, {"which": "ticked", "decision": "rejected", "reason": "Not by us."})
    assert answer.status_code == 422
    assert "Nothing is decided yet" in answer.text
    assert "Not by us." in answer.text


def test_ticks_of_a_later_page_stay_where_the_decision_is_refused(
    curator: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ROWS_PER_PAGE", 2)
    (further,) = re.findall(r'href="[^"]*cursor=([^"&]+)"', open_batch(curator))
    ticked = ticks(curator.open(BATCH, source="foro", kind="denials", list=0, cursor=further).text)[0]
    answer = curator.fill(DECISION, {"which": "ticked", "reports": ticked, "reason": "Not by us."})
    assert answer.status_code == 422, "what is decided is missing"
    assert re.search(rf'value="{ticked}"[^>]* checked', answer.text)


def test_what_another_curator_decided_meanwhile_is_said(curator: Officer) -> None:
    open_batch(curator)
    form = curator.filled(DECISION) | {"which": "all", "decision": "rejected", "reason": "Not by us."}
    assert curator.post(DECISION, form).status_code == 200
    again = curator.post(DECISION, form | {"once": "another"})
    assert again.status_code == 409
    assert "Nothing of this batch awaits review any more" in again.text


def test_a_decision_whose_session_has_ended_comes_back_filled_in(curator: Officer) -> None:
    worst = ticks(open_batch(curator))[0]
    form = curator.filled(DECISION) | {
        "which": "ticked",
        "decision": "rejected",
        "reason": "Not by us.",
        "reports": worst,
    }
    curator.client.cookies.clear()
    asked = curator.post(DECISION, form)
    assert asked.status_code == 403
    page = curator.fill("/desk/session", {"key": curator.world.keys["curator"]}).text
    assert re.search(rf'value="{worst}"[^>]* checked', page)
    assert "Not by us." in page


def test_a_reporter_has_no_batches(world: World) -> None:
    file_people(world, 3)
    officer = Officer(world)
    officer.sign_in("foro")
    assert "awaiting review" not in officer.open().text.lower()
    assert officer.open(LIST).status_code == 403


def test_the_source_is_told_which_of_its_reports_await_review_or_were_rejected(world: World) -> None:
    filed = file_people(world, 3)
    officer = Officer(world)
    officer.sign_in("foro")
    assert "<strong>awaiting review</strong>" in officer.open("/desk/reports").text
    own = f"/desk/reports/{filed[2]['report']['id']}"
    assert "Awaiting review: it counts in your own numbers at once" in officer.open(own).text
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    body = build_review(batch, "rejected")
    world.post("/v1/review/batches", body, "curator")
    assert "Rejected by a curator" in officer.open(own).text

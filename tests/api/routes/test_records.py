"""Corrections stay visible: each is told once, to whom it may be told, and of nobody whom no list may show."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as Xml

import pytest

from app.api.middleware.response_cache import ResponseCache
from app.queries import corrections as corrections_page
from tests.support import GOVERNMENT, Body, World
from tests.working import statements

CLAIM: Body = {"claimant": "foro", "measure": "released", "qualifier": "at_least", "low": 80, "country": "VE"}
ULISES = {"detainee__full_name": "Ulises Barrios", "detainee__birth_date": "1950"}
ATOM = "{http://www.w3.org/2005/Atom}"


def told(world: World, who: str | None = None, **asked: Any) -> list[Body]:
    answer = world.get("/v1/corrections", who, **asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def kinds(world: World, who: str | None = None, **asked: Any) -> list[str]:
    return [row["kind"] for row in told(world, who, **asked)]


def withheld(world: World, who: str | None = None, **asked: Any) -> int:
    return int(world.get("/v1/corrections", who, **asked).json()["caveats"]["withheld"])


def restate(world: World, who: str = "foro", **changes: Any) -> Body:
    """A report and its correction: the kind, and whatever else is changed in both."""
    number = f"R-{world.revision}"
    filed = world.file(who, source_record_id=number, **changes)
    world.file(who, source_record_id=number, **changes, release__kind="pardon")
    return filed


def test_a_report_that_says_another_day_is_told_with_both_days(world: World) -> None:
    filed = world.file(source_record_id="1")
    again = world.file(source_record_id="1", release__released_on="2026-01-20")
    (row,) = told(world)
    assert {name: row[name] for name in row if name not in ("id", "recorded_at")} == {
        "kind": "restated", "revision": again["receipt"]["revision"], "source": "foro",
        "release_id": filed["release"]["id"], "detention_id": filed["detention"]["id"],
        "detainee_ids": [filed["detainee"]["id"]], "claim_ids": [], "claimant": None,
        "changes": [{"field": "released_on", "before": "2026-01-12", "after": "2026-01-20"}],
    }  # fmt: skip
    assert row["recorded_at"] == "2026-03-01T12:00:00Z"


def test_a_refutation_by_another_source_is_told_with_what_became_of_the_release(world: World) -> None:
    filed = world.file()
    world.verify(filed["release"]["id"], "jep", verdict="refuted", method="family")
    world.verify(filed["release"]["id"], GOVERNMENT, verdict="disputed")
    disputed, refuted = told(world)
    assert (refuted["kind"], refuted["source"], refuted["release_id"]) == ("refuted", "jep", filed["release"]["id"])
    assert refuted["changes"] == [{"field": "status", "before": "verified", "after": "contested"}]
    assert (disputed["kind"], disputed["source"], disputed["changes"]) == ("disputed", GOVERNMENT, [])


def test_a_withdrawn_report_is_told_and_its_reason_to_nobody(world: World) -> None:
    filed = world.file()
    world.post(f"/v1/reports/{filed['report']['id']}/retract", {"reason": "his sister called"}, "foro")
    (row,) = told(world)
    assert row["kind"] == "retracted"
    assert {change["field"]: change["after"] for change in row["changes"]} == {
        "verdict": "retracted", "status": "retracted",
    }  # fmt: skip
    assert (
        kinds(world, correction_kind="retracted")
        == kinds(world, correction_kind=["refuted", "retracted"])
        == ["retracted"]
    )
    assert kinds(world, correction_kind=["refuted", "disputed"]) == []
    for who in (None, *world.keys):
        assert told(world, who) == [row]
        assert "sister" not in world.get("/v1/corrections", who).text + world.get("/v1/corrections.atom", who).text


def test_a_detention_restated_is_told_without_a_release(world: World) -> None:
    filed = world.file_detention(source_record_id="1")
    world.file_detention(source_record_id="1", detention__detained_on="2024-10-14")
    world.file(source_record_id="1", detention__detained_on="2024-10-14")  # out since: that corrects nothing
    (row,) = told(world, as_of=world.revision - 1)
    assert (row["release_id"], row["detention_id"]) == (None, filed["detention"]["id"])
    (row,) = told(world)
    assert row["release_id"] is not None  # as it stands at the revision read


def test_what_is_personal_is_no_correction_and_not_even_counted(world: World) -> None:
    world.add_facility("yare", "Yare")
    world.file(source_record_id="1")
    world.file(source_record_id="1", detainee__full_name="Tomás Quintana", detainee__gender="other", note="x")
    world.file(source_record_id="1", detention__facility="Yare", detainee__nationalities=["CO"])
    world.file(source_record_id="1", detainee__publish="counted", detainee__birth_date="1972")
    assert (told(world), withheld(world)) == ([], 0)
    assert (told(world, "reader"), withheld(world, "reader")) == ([], 0)


def test_two_people_made_one_are_told_and_so_are_they_when_they_are_two_again(world: World) -> None:
    one, two = world.file(), world.file("jep", **ULISES)
    ids = [one["detainee"]["id"], two["detainee"]["id"]]
    decision = world.judge(ids[0], ids[1], "same")
    assert kinds(world) == ["merged"]
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    parted, merged = told(world)
    assert (parted["kind"], merged["kind"]) == ("parted", "merged")
    assert parted["detainee_ids"] == merged["detainee_ids"] == ids
    assert (merged["source"], merged["release_id"], merged["changes"]) == (None, None, [])
    assert "invented curator" not in world.get("/v1/corrections", "curator").text


def test_a_tie_of_the_matcher_that_a_curator_takes_back_is_told(world: World) -> None:
    world.file(), world.file("jep")
    assert told(world) == []  # a new report tied to somebody known corrects nothing
    ((decision,),) = world.rows("SELECT id FROM decision")
    world.client.delete(f"/v1/identity/{decision}", headers=world.headers("curator"))
    assert kinds(world) == ["parted"]
    assert len(set(told(world)[0]["detainee_ids"])) == 2


def test_a_decision_that_confirms_what_stood_is_not_told(world: World) -> None:
    one, two = world.file(), world.file("jep", **ULISES)
    decision = world.judge(one["detainee"]["id"], two["detainee"]["id"], "different")
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert told(world) == []


def test_a_figure_restated_and_one_that_replaces_another_are_told(world: World) -> None:
    first = world.post("/v1/claims", CLAIM | {"source_record_id": "a", "note": "Ana said so"}, "foro").json()
    world.post("/v1/claims", CLAIM | {"source_record_id": "a", "note": "Eva said so"}, "foro")  # a note is no figure
    world.post("/v1/claims", CLAIM | {"source_record_id": "a", "low": 81}, "foro")
    later = CLAIM | {"source_record_id": "b", "low": 104, "supersedes": [first["id"]]}
    second = world.claim(later)
    world.claim(later | {"high": 104, "qualifier": "exactly"})
    again, superseded, restated = told(world)
    assert [row["kind"] for row in (again, superseded, restated)] == [
        "claim_restated", "claim_superseded", "claim_restated",
    ]  # fmt: skip
    assert restated["changes"] == [{"field": "low", "before": 80, "after": 81}]
    assert (restated["source"], restated["claim_ids"]) == ("foro", [first["id"]])
    assert superseded["changes"] == [{"field": "low", "before": 81, "after": 104}]
    assert (superseded["source"], superseded["claim_ids"]) == (None, [second, first["id"]])
    assert {change["field"] for change in again["changes"]} == {"qualifier", "high"}
    assert "said so" not in str(told(world))


def test_the_past_is_told_as_it_was_known(world: World) -> None:
    one, two = world.file(source_record_id="1"), world.file("jep", **ULISES)
    decision = world.judge(one["detainee"]["id"], two["detainee"]["id"], "same")
    world.file(source_record_id="1", release__kind="pardon")
    before = {at: told(world, as_of=at) for at in range(world.revision + 1)}
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    world.verify(one["release"]["id"], "pud", verdict="refuted", method="family")
    assert {at: told(world, as_of=at) for at in before} == before
    assert kinds(world) == ["refuted", "parted", "restated", "merged"]
    assert len({row["id"] for row in told(world)}) == 4


def test_corrections_are_asked_for_by_kind_source_country_and_since(world: World) -> None:
    restate(world)
    restate(world, "jep", **ULISES, detention__country="CO")
    at = world.revision
    one, two = (restate(world, "pud", detainee__full_name=name)["detainee"]["id"] for name in ("Ana Paz", "Eva Luna"))
    world.judge(one, two, "same")
    claim = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    world.post("/v1/claims", CLAIM | {"supersedes": [claim]}, "foro")
    everything = ["claim_superseded", "merged", "restated", "restated", "restated", "restated"]
    cases: list[tuple[Body, list[str]]] = [
        ({}, everything),
        ({"correction_kind": "merged"}, ["merged"]),
        ({"correction_kind": ["merged", "claim_superseded"]}, ["claim_superseded", "merged"]),
        ({"correction_kind": "refuted"}, []),
        ({"correction_kind": "parted"}, []),
        ({"source": "foro"}, ["claim_superseded", "restated"]),
        ({"source": "pud", "correction_kind": "restated"}, ["restated", "restated"]),
        ({"source": GOVERNMENT}, []),
        ({"source": "pud", "correction_kind": "merged"}, []),
        ({"country": "CO"}, ["restated"]),
        ({"country": "VE"}, ["claim_superseded", "merged", "restated", "restated", "restated"]),
        ({"country": "NI"}, []),
        ({"since": at}, everything[:4]),
        ({"since": world.revision}, []),
        ({"since": "2026-02-28"}, everything),
        ({"since": "2026-03-01T12:00:00Z"}, []),
    ]
    for asked, found in cases:
        assert kinds(world, **asked) == found, asked
        assert withheld(world, **asked) == 0
    for since in (0, world.revision):  # also of nothing
        unknown = world.get("/v1/corrections", source="nobody", since=since)
        world.refuse(unknown, 422, "unknown_source", "/source")
    world.refuse(world.get("/v1/corrections", correction_kind="erased"), 422, "unknown_code", "/correction_kind/0")
    world.refuse(world.get("/v1/corrections", since=10_000), 422, "ahead_of_head", "/since")
    world.refuse(world.get("/v1/corrections", changed_since=1), 422, "unknown_field", "/changed_since")


def test_a_correction_of_somebody_counted_is_only_counted(world: World) -> None:
    filed = restate(world, detainee__publish="counted")
    for who in (None, "foro", "jep", GOVERNMENT, "admin"):
        assert (told(world, who), withheld(world, who)) == ([], 1), who
    assert (
        withheld(world, correction_kind="refuted")
        == withheld(world, source="jep")
        == withheld(world, country="CO")
        == 0
    )
    text = world.get("/v1/corrections").text + world.get("/v1/corrections.atom").text
    assert not [thing for thing in ("detainee", "detention", "release", "report") if filed[thing]["id"] in text]
    for who in ("reader", "curator"):
        assert (kinds(world, who), withheld(world, who)) == (["restated"], 0)


def test_a_key_of_a_source_that_is_not_independent_sees_no_more_than_the_public(world: World) -> None:
    restate(world, detainee__publish="counted")
    restate(world, "jep", **ULISES, detainee__publish="anonymous")
    filed = restate(world, GOVERNMENT, detainee__full_name="Eva Luna", detainee__publish="counted")
    world.post(f"/v1/reports/{filed['report']['id']}/retract", {"reason": "an order"}, GOVERNMENT)
    public = world.get("/v1/corrections").json()
    assert world.get("/v1/corrections", GOVERNMENT).json() == public
    assert (len(public["data"]), public["caveats"]["withheld"]) == (1, 3)


def test_who_is_withheld_today_vanishes_from_old_corrections_at_any_time(world: World) -> None:
    filed = restate(world)
    at = world.revision
    assert kinds(world, as_of=at) == ["restated"]
    world.consent(filed["detainee"]["id"], "counted")
    for revision in (world.revision, at):
        assert (told(world, as_of=revision), withheld(world, as_of=revision)) == ([], 1)
    assert filed["detainee"]["id"] not in world.get("/v1/corrections.atom", as_of=at).text
    world.consent(filed["detainee"]["id"], "named")
    assert kinds(world, as_of=at) == ["restated"]


def test_an_erasure_is_not_announced(world: World) -> None:
    filed = restate(world)
    restate(world, "jep", **ULISES)
    world.redact(filed["detainee"]["id"])
    assert (kinds(world), withheld(world)) == (["restated"], 1)
    assert kinds(world, "reader") == ["restated", "restated"]


@pytest.mark.parametrize("hidden", [0, 1])
def test_a_merge_with_somebody_counted_is_not_told_nor_counted(world: World, hidden: int) -> None:
    """Neither when they are joined nor when they are two again, nor what was corrected while they were one."""
    one = world.file(source_record_id="1")
    two = world.file("jep", **ULISES)
    world.consent((one, two)[hidden]["detainee"]["id"], "counted")
    decision = world.judge(one["detainee"]["id"], two["detainee"]["id"], "same")
    world.file(source_record_id="1", release__kind="pardon")
    joined = world.revision
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    for revision in (world.revision, joined, joined - 1):
        for who in (None, "foro", "jep", GOVERNMENT, "admin"):
            assert told(world, who, as_of=revision) == []
    assert withheld(world, as_of=joined - 1) == 0
    assert withheld(world) == 1  # the report
    assert kinds(world, "curator") == ["parted", "restated", "merged"]


def test_what_was_corrected_before_and_after_a_mistaken_tie_is_told_while_it_does_not_stand(world: World) -> None:
    """The person is judged as they stood at the correction, and as they stand at the revision read."""
    one, two = world.file(source_record_id="1"), world.file("jep", **ULISES)
    world.consent(two["detainee"]["id"], "counted")
    world.file(source_record_id="1", release__kind="pardon")
    decision = world.judge(one["detainee"]["id"], two["detainee"]["id"], "same")
    assert (told(world), withheld(world)) == ([], 1)
    joined = world.revision
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    world.file(source_record_id="1", release__kind="amnesty")
    assert (kinds(world), withheld(world)) == (["restated", "restated"], 0)
    assert (told(world, as_of=joined), withheld(world, as_of=joined)) == ([], 1)


def test_a_merge_is_taken_back_from_the_list_when_one_of_the_two_is_withheld(world: World) -> None:
    one, two = world.file(), world.file("jep", **ULISES)
    decision = world.judge(one["detainee"]["id"], two["detainee"]["id"], "same")
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    at = world.revision
    world.consent(two["detainee"]["id"], "counted")
    for revision in (world.revision, at, at - 1):
        assert (told(world, as_of=revision), withheld(world, as_of=revision)) == ([], 0)


def scene(world: World, people: int) -> None:
    """A correction for each of many people, every third of whom no list may show."""
    for number in range(people):
        publish = "counted" if number % 3 == 1 else "named"
        restate(world, detainee__full_name=f"Person Nobody-{number}", detainee__publish=publish)


def pages(world: World, path: str = "/v1/corrections", **asked: Any) -> Iterator[Body]:
    following = world.get(path, **asked)
    while True:
        body = following.json()
        yield body
        if body["next"] is None:
            return
        following = world.client.get(body["next"])


@pytest.mark.parametrize("limit,batch,most", [(1, 500, 500), (2, 1, 7), (5, 2, 6)])
def test_pages_hold_every_correction_once_while_others_write(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: int, batch: int, most: int
) -> None:
    scene(world, 7)
    whole = world.get("/v1/corrections").json()
    assert (len(whole["data"]), whole["caveats"]["withheld"], whole["next"]) == (5, 2, None)
    monkeypatch.setattr(corrections_page, "BATCH_SIZE", batch)
    monkeypatch.setattr(corrections_page, "MAX_EXAMINED", most)
    found = []
    for number, page in enumerate(pages(world, limit=limit)):
        found.append(page)
        assert len(page["data"]) <= limit
        restate(world, "jep", detainee__full_name=f"Newcomer {number}", detainee__birth_date="1930")
    assert [row for page in found for row in page["data"]] == whole["data"]
    assert sum(page["caveats"]["withheld"] for page in found) == whole["caveats"]["withheld"]
    assert {page["at"]["revision"] for page in found} == {whole["at"]["revision"]}


def test_a_correction_stands_on_the_first_page_however_many_reports_were_sent_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections_page, "BATCH_SIZE", 2)
    restate(world)
    for day in range(10, 15):  # the same list again, week after week
        world.file_detention("jep", **ULISES, source_record_id="1", detention__held_on=f"2026-01-{day}")
    assert kinds(world) == ["restated"]


def test_a_page_that_is_found_among_the_newest_entries_is_that_of_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        restate(
            world, detainee__full_name=f"Leocadio Pinto {number}", detainee__publish="counted" if number == 2 else None
        )
    asked: list[dict[str, Any]] = [{"limit": limit, "country": "VE"} for limit in (1, 2, 3, 50)]
    whole = [world.get("/v1/corrections", **terms).json() for terms in asked]
    for recent in range(1, world.revision):
        monkeypatch.setattr(corrections_page, "FIRST_SEARCH_WIDTH", recent)
        world.app.state.response_cache = ResponseCache()
        assert [world.get("/v1/corrections", **terms).json() for terms in asked] == whole


def test_a_long_page_costs_as_many_queries_as_a_short_one(world: World) -> None:
    scene(world, 12)
    cost = {}
    for limit in (1, 8):
        with statements(world.engine) as sent:
            assert len(told(world, limit=limit)) == limit
        cost[limit] = len([statement for statement in sent if statement.startswith(("SELECT", "WITH"))])
    assert cost[8] <= cost[1] <= 14  # a page that has a next one looks up the leaf hash of its revision


def entries(feed: str) -> list[str | None]:
    return [entry.findtext(f"{ATOM}id") for entry in Xml.fromstring(feed).findall(f"{ATOM}entry")]


def test_the_feed_tells_what_the_list_tells_page_by_page(world: World) -> None:
    scene(world, 7)
    first = world.get("/v1/corrections.atom", limit=3, correction_kind="restated")
    assert first.headers["content-type"] == "application/atom+xml; charset=utf-8"
    links = {link.get("rel"): link.get("href") or "" for link in Xml.fromstring(first.text).findall(f"{ATOM}link")}
    assert links["self"] == "/v1/corrections.atom?limit=3&correction_kind=restated"
    assert first.headers["link"] == f'<{links["next"]}>; rel="next"'
    assert parse_qs(urlsplit(links["next"]).query)["as_of"] == [f"r{world.revision}"]
    second = world.client.get(links["next"])
    assert "link" not in second.headers
    found = entries(first.text) + entries(second.text)
    assert found == [f"urn:uuid:{row['id']}" for row in told(world)]
    ids = [Xml.fromstring(page.text).findtext(f"{ATOM}id") for page in (first, second)]
    assert ids[0] == ids[1]
    assert ids[0] != Xml.fromstring(world.get("/v1/corrections.atom").text).findtext(f"{ATOM}id")


def test_a_feed_names_the_public_address_where_there_is_one(world: World) -> None:
    restate(world)
    world.app.state.public_url = "https://recuento.example"
    found = Xml.fromstring(world.get("/v1/corrections.atom").text)
    every = [link.get("href") or "" for link in found.iter(f"{ATOM}link")]
    assert len(every) == 4
    assert all(href.startswith("https://recuento.example/v1/") for href in every)


def test_a_feed_speaks_spanish_and_has_no_other_form(world: World) -> None:
    restate(world)
    assert "Rectificado: foro" in world.get("/v1/corrections.atom", lang="es").text
    assert world.get("/v1/corrections.atom", format="csv").status_code == 422
    assert entries(world.get("/v1/corrections.atom", as_of=0).text) == []


def test_a_reader_of_feeds_that_has_the_newest_is_told_so(world: World) -> None:
    scene(world, 3)
    for path in ("/v1/corrections", "/v1/corrections.atom"):
        first = world.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    filed = restate(world, "jep", **ULISES)
    newer = world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert newer.status_code == 200
    world.consent(filed["detainee"]["id"], "counted")
    hidden = world.client.get(path, headers={"If-None-Match": newer.headers["etag"]})
    assert (hidden.status_code, entries(hidden.text)) == (200, entries(first.text))


def test_a_table_of_corrections_has_a_line_for_each(world: World) -> None:
    filed = world.file()
    world.verify(filed["release"]["id"], GOVERNMENT, verdict="disputed")  # changes nothing by itself
    world.verify(filed["release"]["id"], "jep", verdict="refuted", method="family")
    header, *lines = world.get("/v1/corrections.csv").text.splitlines()
    assert header == "id,kind,revision,recorded_at,source,release_id,detention_id,detainee_ids,claim_ids,claimant"
    assert len(lines) == 2
    assert '"changes"' in world.get("/v1/corrections.jsonl").text

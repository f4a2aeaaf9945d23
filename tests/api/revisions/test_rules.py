"""Numbers of one set of rules never stand in for those of another: rows, answers and addresses name theirs."""

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update

from app.counts.short_address import build_short_address
from app.db.engine import open_write_session
from app.log.entries import Pin
from app.log.head import RowsMismatch, set_rows_version
from app.main import create_app
from app.models import Head
from app.projection import ROWS_VERSION, RULES
from app.queries import addresses
from app.registry.apply import rebuild_tables
from tests.described import describe
from tests.support import World, make_report

EARLIER = RULES - 1


@pytest.fixture
def filed(world: World) -> World:
    world.file()
    return world


@pytest.mark.parametrize("version", [
    {"rules": EARLIER}, {"rules": RULES + 1}, {"projection": ROWS_VERSION.projection - 1},
    {"projection": ROWS_VERSION.projection + 1},
])  # fmt: skip
def test_rows_of_another_version_are_refused_until_they_are_made_anew(filed: World, version: dict[str, int]) -> None:
    with open_write_session(filed.engine) as session:
        session.execute(update(Head).values(version))
    with pytest.raises(RowsMismatch, match="recuento rebuild"):
        create_app(filed.settings)
    with open_write_session(filed.engine) as session:
        rebuild_tables(session)
    create_app(filed.settings).state.engine.dispose()


def test_an_empty_registry_takes_the_rules_of_the_version_that_opens_it(world: World) -> None:
    with open_write_session(world.engine) as session:
        session.execute(update(Head).values(rules=EARLIER, revision=0))
    create_app(world.settings).state.engine.dispose()
    with open_write_session(world.engine) as session:
        assert session.get_one(Head, 1).rules == RULES


def test_answers_and_permalinks_name_the_rules(filed: World) -> None:
    for path in ("/v1/counts/releases", "/v1/counts/series", "/v1/counts/overlap", "/v1/releases", "/v1/sources"):
        answer = filed.get(path)
        assert answer.json().get("at", answer.json())["rules"] == RULES, path
        assert answer.headers["Recuento-Rules"] == str(RULES), path
    count = filed.count(group_by="source")
    for address in (count["links"]["permalink"], count["links"]["list"], count["groups"][0]["list"]):
        assert parse_qs(urlsplit(address).query)["rules"] == [str(RULES)]


def test_a_permalink_of_earlier_rules_is_gone_and_names_the_address_of_today(filed: World) -> None:
    count = filed.count(group_by="source", country="VE")
    earlier = count["links"]["permalink"].replace(f"rules={RULES}", f"rules={EARLIER}")
    refused = filed.client.get(earlier)
    assert refused.status_code == 410, refused.text
    assert refused.json()["code"] == "rules_changed"
    assert refused.json()["rules"] == {"asked": EARLIER, "today": RULES}
    assert filed.client.get(refused.json()["address"]).json() == count


def test_a_page_of_a_list_under_earlier_rules_is_gone_too(filed: World) -> None:
    filed.refuse(filed.get("/v1/releases", rules=EARLIER, as_of=filed.revision), 410, "rules_changed")


def test_rules_yet_to_come_are_refused(filed: World) -> None:
    filed.refuse(filed.get("/v1/releases", rules=RULES + 1), 422, "unknown_rules", "/rules")


def test_a_citation_in_print_under_earlier_rules_is_gone_and_names_the_address_of_today(
    filed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = filed.count()["links"]["cite"]
    with monkeypatch.context() as earlier:
        earlier.setattr(addresses, "RULES", EARLIER)
        leaf = parse_qs(urlsplit(filed.count()["links"]["permalink"]).query)["leaf"][0]
        printed = build_short_address({"stage": "carried_out", "net": False}, Pin(filed.revision, leaf))
    refused = filed.client.get(printed)
    assert (refused.status_code, refused.json()["code"]) == (410, "rules_changed")
    assert refused.json()["address"] == today


def test_the_refusal_of_earlier_rules_is_documented_wherever_rules_may_be_asked_for(world: World) -> None:
    for path, operations in describe(world.app)["paths"].items():
        asked = operations.get("get", {})
        if any(one["name"] == "rules" for one in asked.get("parameters", [])):
            assert {"410", "4XX"} & asked["responses"].keys(), path


@pytest.mark.parametrize("column", ["rules", "projection"])
def test_a_server_left_running_through_another_versions_rebuild_reads_and_writes_nothing(
    filed: World, column: str
) -> None:
    entries = filed.revision
    with open_write_session(filed.engine) as session:
        session.execute(update(Head).values({column: getattr(ROWS_VERSION, column) + 1}))
    for path in ("/v1/counts/releases", "/v1/releases", "/v1/counts/series"):
        filed.refuse(filed.get(path), 503, "other_rows")
    filed.refuse(filed.post("/v1/releases", make_report(), "foro"), 503, "other_rows")
    with open_write_session(filed.engine) as session:
        set_rows_version(session, ROWS_VERSION)
    assert filed.revision == entries

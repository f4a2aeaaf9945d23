"""Rule 13: of people who may only be counted, arrest and `held_on` are months and the method is sealed, in log and
rows."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session, open_write_session
from app.models import OPEN, PROJECTED_TABLES, Detention, SourceDetention
from app.registry.apply import rebuild_tables
from tests.registry.publication.test_erasure import everything
from tests.support import Body, World

COUNTED: Body = {"detainee__publish": "counted", "source_record_id": "1"}
DAYS: Body = {"detention__detained_on": "2024-10-13", "detention__held_on": "2025-12-20"}


def last_report(world: World) -> Body:
    """The public body of the newest report's entry."""
    ((body,), *_older) = world.rows("SELECT body FROM entry WHERE kind = 'report' ORDER BY revision DESC")
    return dict(json.loads(body))


def said(world: World) -> tuple[Any, ...]:
    names = ("detention.detained_on", "detention.held_on", "verification.method", "verification.first_hand")
    return tuple(last_report(world)["said"].get(name) for name in names)


IN_CLEAR = ("2024-10-13", "2025-12-20", "family", None)
SEALED = ("2024-10", "2025-12", None, True)


def own(world: World, report: Body, who: str = "foro") -> Body:
    return dict(world.get(f"/v1/reports/{report['report']['id']}", who).json())


def test_the_log_says_months_and_no_method_of_a_report_that_asks_to_be_only_counted(world: World) -> None:
    filed = world.file(**COUNTED, **DAYS)
    assert (said(world), last_report(world)["v"]) == (SEALED, 3)
    report = own(world, filed)
    assert report["detention"]["detained_on"] == "2024-10-13"
    assert report["detention"]["held_on"] == "2025-12-20"
    assert report["verification"] == {"verdict": "verified", "method": "family"}
    with world.storing_nothing():
        world.file(**COUNTED, **DAYS)


def test_the_log_says_months_of_a_child_and_days_of_everybody_else(world: World) -> None:
    world.file(**DAYS, detainee__birth_date="2010-05")
    assert said(world) == SEALED
    world.file("jep", **DAYS)
    assert (said(world), last_report(world)["v"]) == (IN_CLEAR, 3)


def test_a_list_a_correction_a_verification_and_a_withdrawal_are_sealed_alike(world: World) -> None:
    heading = "source_record_id,detainee.full_name,detention.country,detention.detained_on,detainee.publish"
    world.send_list(f"{heading}\nF-1,Delia Arteaga Mora,VE,2024-10-13,counted\n")
    assert said(world)[0] == "2024-10"
    filed = world.file(**{**COUNTED, "source_record_id": "2"}, **DAYS)
    report = f"/v1/reports/{filed['report']['id']}"
    patch = {"detention": {"detained_on": "2024-10-14"}}
    headers = world.headers("foro", **{"Content-Type": "application/merge-patch+json"})
    assert world.client.patch(report, json=patch, headers=headers).status_code == 200
    assert said(world) == SEALED
    assert own(world, filed)["detention"]["detained_on"] == "2024-10-14"
    world.verify(filed["release"]["id"], "foro", verdict="verified", method="lawyer")
    assert said(world) == SEALED
    assert own(world, filed)["verification"]["method"] == "lawyer"
    assert world.post(f"{report}/retract", {}, "foro").status_code == 200
    assert said(world) == SEALED


def test_the_next_version_is_sealed_once_somebody_else_closed_the_person(world: World) -> None:
    filed = world.file(**DAYS, source_record_id="1")
    assert said(world) == IN_CLEAR
    world.consent(filed["detainee"]["id"], "counted")
    world.file(**DAYS, source_record_id="1", release__kind="pardon")
    assert said(world) == SEALED
    pointing = world.file(**DAYS, detainee=None, release_id=filed["release"]["id"])
    assert said(world) == SEALED
    assert own(world, pointing)["detention"]["detained_on"] == "2024-10-13"


def test_a_report_says_its_days_once_its_person_is_opened(world: World) -> None:
    """The one that opens is in the log before anybody agreed."""
    world.file(**COUNTED, **DAYS)
    world.file(**COUNTED | {"detainee__publish": "named"}, **DAYS)
    assert said(world) == SEALED
    world.file(**COUNTED | {"detainee__publish": "named"}, **DAYS, release__kind="pardon")
    assert said(world) == IN_CLEAR
    (shown,) = world.get("/v1/detentions").json()["data"]
    assert (shown["detained_on"], shown["held_on"]) == ("2024-10-13", "2025-12-20")


def bounds(world: World) -> set[tuple[int | None, ...]]:
    of_all, of_sources = (
        (col(Detention.detained_lo), col(Detention.detained_hi)),
        (col(SourceDetention.lo), col(SourceDetention.hi)),
    )
    with open_read_session(world.engine) as session:
        found = session.execute(select(*of_all).where(col(Detention.until) == OPEN)).all()
        by_source = session.execute(select(*of_sources).where(col(SourceDetention.until) == OPEN)).all()
    return {tuple(row) for row in (*found, *by_source)}


def test_whoever_is_closed_later_counts_by_months_from_then_on_and_by_days_before(world: World) -> None:
    filed = world.file(detention__detained_on="2024-10-13")
    before = world.revision
    window = {"detained_from": "2024-10-13", "detained_to": "2024-10-13"}
    assert world.count(**window)["total"]["cases"] == 1
    world.consent(filed["detainee"]["id"], "counted")
    assert world.count(**window)["total"]["cases"] == 0
    assert world.count(**window)["caveats"]["uncertain_date"] == 1
    assert world.count(**window, as_of=before)["total"]["cases"] == 1, "the log said the day then"
    assert bounds(world) == {(date(2024, 10, 1).toordinal(), date(2024, 10, 31).toordinal())}
    (shown,) = world.get("/v1/detentions", "reader").json()["data"]
    assert shown["detained_on"] == "2024-10-13"


def test_hiding_somebody_moves_no_release_to_another_spell(world: World) -> None:
    """By days the second detention follows the first release; by months it might have come before."""
    first = world.file(detention__detained_on="2024-10-13", release__released_on="2026-01-05")
    again: Body = {"detention__detained_on": "2026-01-20", "release__released_on": "2026-01-27"}
    world.file(detainee=None, detainee_id=first["detainee"]["id"], **again)
    two = world.count()["total"]["cases"], world.count()["total"]["people"]
    assert two == (2, 1)
    world.consent(first["detainee"]["id"], "counted")
    assert (world.count()["total"]["cases"], world.count()["total"]["people"]) == two


@pytest.mark.parametrize("publish", ["named", "counted"])
def test_an_erasure_and_a_rebuild_after_it_change_no_count(world: World, publish: str) -> None:
    filed = world.file(**DAYS, detainee__publish=publish)
    world.file(
        "jep", **DAYS, detainee__publish=publish, verification__method="press", release__released_on="2026-01-11"
    )
    asked: list[Body] = [{}, {"group_by": "source"}, {"net": True}, {"min_sources": 1}]
    asked += [{"detained_from": day, "detained_to": day} for day in ("2024-10", "2024-10-13")]
    held: list[Body] = [{"held_on": day, "group_by": "source"} for day in ("2024-10-15", "2025-12-25", "2026-01-11")]

    def numbers() -> list[Any]:
        counts = [world.count(**terms) for terms in asked]
        counts += [world.get("/v1/counts/held", **terms).json() for terms in held]
        return [_plain(count) for count in counts]

    before = numbers()
    world.redact(filed["detainee"]["id"])
    assert numbers() == before
    stood = projected(world)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert projected(world) == stood


def projected(world: World) -> list[tuple[Any, ...]]:
    with open_read_session(world.engine) as session:
        return [(table.__name__, *row) for table in PROJECTED_TABLES
                for row in sorted(session.connection().execute(select(*table.__table__.c)).all(), key=str)]  # fmt: skip


def _plain(count: Body) -> Body:
    """Without addresses, and without `unlinkable`, which says of how many nobody is shown."""
    groups = [{"by": group["by"], "counts": group["counts"]} for group in count["groups"]]
    caveats = {name: count["caveats"][name] for name in ("uncertain_date", "denied_by_some")}
    return {"total": count["total"], "groups": groups, "caveats": caveats}


def test_an_erasure_leaves_no_trace_of_the_day(world: World) -> None:
    filed = world.file(**COUNTED, detention__detained_on="2019-07-23", detention__held_on="2020-08-29")
    days = ("2019-07-23", "2020-08-29")
    assert any(day in what for day in days for _where, what in everything(world))
    world.redact(filed["detainee"]["id"])
    assert not [where for where, what in everything(world) for day in days if day in what]


def test_partners_see_the_day_and_the_method_and_the_public_never_does(world: World) -> None:
    filed = world.file(**COUNTED, **DAYS)
    release, detention = filed["release"]["id"], filed["detention"]["id"]
    for who in ("reader", "curator"):
        shown = world.get(f"/v1/detentions/{detention}", who).json()
        assert (shown["detained_on"], shown["held_on"]) == ("2024-10-13", "2025-12-20")
        (verdict,) = world.get(f"/v1/releases/{release}/verifications", who).json()["data"]
        assert verdict["method"] == "family"
    assert world.get(f"/v1/detentions/{detention}").status_code == 404
    world.consent(filed["detainee"]["id"], "named")
    shown = world.get(f"/v1/detentions/{detention}").json()
    assert (shown["detained_on"], shown["facts"]["detained_on"]["value"]) == ("2024-10", "2024-10")
    (verdict,) = world.get(f"/v1/releases/{release}/verifications").json()["data"]
    assert (verdict["method"], verdict["independent"]) == (None, True)
    assert world.get(f"/v1/detentions/{detention}", "reader").json()["detained_on"] == "2024-10-13"


def test_no_window_of_a_day_finds_a_detention_of_somebody_only_counted(world: World) -> None:
    world.file(**COUNTED, **DAYS)
    first = date(2024, 10, 1)
    for day in (first + timedelta(days=number) for number in range(31)):
        window = {"detained_from": day.isoformat(), "detained_to": day.isoformat(), "group_by": "source"}
        count = world.count(**window)
        assert (count["total"]["cases"], count["caveats"]["uncertain_date"]) == (0, 1)


def test_that_the_log_says_months_now_is_no_correction(world: World) -> None:
    filed = world.file(**DAYS, source_record_id="1")
    world.consent(filed["detainee"]["id"], "counted")
    world.file(**DAYS, source_record_id="1", note="her mother called")
    world.consent(filed["detainee"]["id"], "named")
    assert world.get("/v1/corrections").json()["data"] == []

"""Rules 1, 2 and 8: the status of a release is decided by the weight of first-hand voices."""

from typing import Any

import pytest

from app.models import ReleaseAtStage
from app.projection import Statement
from tests.registry.statements import out, rows_of, statement
from tests.support import World

FAMILY = {"verification__method": "family"}


def statuses(*statements: Statement) -> dict[str, str | None]:
    """The status at each stage."""
    return {row["stage"]: row["status"] for row in rows_of(statements, ReleaseAtStage)}


def verdict(record: int, source: str, said: str, on: str | None = "2026-01-08", **more: Any) -> Statement:
    """A first-hand verdict on a release that was carried out."""
    return out(record, source, on, verification__verdict=said, **(FAMILY | more))


def status(*statements: Statement) -> str | None:
    return statuses(*statements)["carried_out"]


@pytest.mark.parametrize(
    "said, expected",
    [
        (("verified",), "verified"),
        (("verified", "verified", "refuted"), "verified"),
        (("verified", "reported", "disputed"), "contested"),
        (("verified", "refuted", "refuted"), "contested"),
        (("reported", "reported", "refuted"), "contested"),
        (("reported", "disputed", "disputed"), "contested"),
        (("reported",), "reported"),
    ],
)
def test_more_sources_must_verify_than_deny(said: tuple[str, ...], expected: str) -> None:
    voices = zip(("foro", "jep", "pud"), said, strict=False)
    assert status(*(verdict(n, *voice) for n, voice in enumerate(voices, 1))) == expected


def test_a_release_that_nobody_asserts_first_hand_is_refuted_by_one_source() -> None:
    reported = out(1, "ministry", "2026-01-08")
    assert status(reported, verdict(2, "jep", "refuted")) == "refuted"
    assert status(reported, verdict(2, "jep", "refuted"), verdict(3, "pud", "reported")) == "contested"
    assert status(reported, verdict(2, "jep", "disputed")) == "contested"


def test_a_denial_alone_makes_no_release() -> None:
    assert status(verdict(1, "jep", "refuted")) is None


@pytest.mark.parametrize("second_hand", [{"verification__method": "press"}, {"verification__citing": ["jep"]}])
def test_second_hand_reports_confirm_and_deny_nothing(second_hand: dict[str, Any]) -> None:
    copied = verdict(1, "foro", "verified", **second_hand)
    assert status(copied) == "reported"
    assert status(copied, verdict(2, "jep", "refuted")) == "refuted"
    assert status(verdict(1, "foro", "verified"), verdict(2, "jep", "refuted", **second_hand)) == "verified"


def test_a_release_that_only_governments_assert_is_official_only() -> None:
    official = [out(1, "ministry", "2026-01-08", verification__verdict="verified", **FAMILY), out(2, "police")]
    assert status(*official) == "official_only"
    assert status(*official, verdict(3, "jep", "refuted", verification__method="press")) == "official_only"


def test_a_denial_of_another_day_does_not_count() -> None:
    official, denial = out(1, "ministry", "2026-01-08"), verdict(2, "jep", "refuted")
    assert status(official, denial, verdict(3, "pud", "verified", "2026-02-20")) == "verified"
    assert status(official, verdict(2, "jep", "refuted", "2026-01-20")) == "official_only"
    assert status(out(1, "ministry"), verdict(2, "jep", "refuted", "2026-01-20")) == "refuted"


@pytest.mark.parametrize("detail", ["identity", "date", "kind"])
def test_a_denial_of_a_detail_is_no_voice(detail: str) -> None:
    denial = verdict(2, "jep", "disputed", verification__denies=detail)
    assert status(verdict(1, "foro", "verified"), denial) == "verified"


def test_a_denial_of_a_stage_denies_the_further_stages_only() -> None:
    denial = statement(2, "jep", release__stage="ordered", verification__verdict="refuted")
    assert statuses(verdict(1, "foro", "reported"), denial) == {
        "announced": "reported", "ordered": "contested", "carried_out": "contested",
    }  # fmt: skip


def test_a_disputed_announcement_was_not_carried_out() -> None:
    announced = statement(1, "ministry", release__stage="announced", release__announced_on="2026-01-08")
    denial = statement(2, "jep", release__stage="announced", verification__verdict="disputed")
    found = statuses(announced, denial)
    assert found.pop("announced") == "contested"
    assert set(found.values()) <= {None}


def test_a_count_tells_verified_releases_that_a_source_denies(world: World) -> None:
    release = world.file("foro", release__released_on="2026-01-08")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer")
    world.verify(release, "pud", verdict="refuted", method="family")
    count = world.count()
    total, denied = count["total"], count["caveats"]["denied_by_some"]
    assert (total["verified"], denied, total["contested"]) == (1, 1, 0)
    assert world.get(f"/v1/releases/{release}").json()["denied_by"] == ["pud"]


def test_a_count_tells_official_releases_apart(world: World) -> None:
    world.file("ministry", verification={"verdict": "verified", "method": "court_record"})
    total = world.count()["total"]
    assert (total["cases"], total["official_only"]) == (0, 1)

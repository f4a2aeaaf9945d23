"""Which report speaks for each source, and the status that the voices give a release (rules 1 to 3)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Release, ReleaseAtStage
from app.projection import Statement
from app.projection.custody import StageRelease, read_custody
from app.projection.status import COUNTED_STATUSES, asserts_stage, covers_stage, find_furthest_stage, pick_voices
from app.vocabulary import STAGES, ReleaseStatus, Stage, Verdict
from tests.registry.statements import ARREST, J8, J20, held, out, refuted, row_of, rows_of, statement, verified
from tests.support import World

OWN: dict[str, Any] = {"verification__method": "family"}
PRESS: dict[str, Any] = {"verification__method": "press"}


def release(*said: Statement, stage: Stage = Stage.CARRIED_OUT) -> StageRelease:
    return read_custody(said).stages[stage]


def statuses(said: Sequence[Statement]) -> dict[Stage, ReleaseStatus | None]:
    return {stage: found.status for stage, found in read_custody(said).stages.items()} if said else {}


def result(*said: Statement) -> tuple[str, str | None, tuple[str, ...]]:
    """The status, the date and the sources whose denial counts."""
    found = release(*said)
    date = found.date.date
    return str(found.status), date.text if date else None, found.weight.denied_by


def voice(verdict: str, source: str = "foro", stage: str = "carried_out", record: int = 1, **more: Any) -> Statement:
    """A first-hand report on a release."""
    return statement(record, source, release__stage=stage, verification__verdict=verdict, **OWN | more)


def cell(*said: str) -> list[Statement]:
    """`"jep verified"`, …: at the stage carried_out."""
    return [voice(verdict, source, record=n) for n, (source, verdict) in enumerate((one.split() for one in said), 1)]


CELLS = [
    # More sources verify than deny.
    (("foro verified",), "verified"),
    (("foro verified", "jep verified", "pud reported"), "verified"),
    (("foro verified", "jep verified", "pud refuted"), "verified"),
    (("foro verified", "ministry refuted"), "verified"),
    (("foro verified", "ministry disputed", "police disputed"), "verified"),
    (("foro verified", "jep retracted"), "verified"),
    # A source refutes, and none asserts first-hand.
    (("ministry verified", "jep refuted"), "refuted"),
    (("ministry reported", "jep refuted", "pud disputed"), "refuted"),
    # A source denies.
    (("foro verified", "jep refuted"), "contested"),
    (("foro verified", "jep disputed"), "contested"),
    (("foro verified", "jep disputed", "pud refuted"), "contested"),
    (("foro reported", "jep disputed"), "contested"),
    (("foro reported", "jep refuted"), "contested"),
    (("foro reported", "pud reported", "jep refuted"), "contested"),
    (("ministry verified", "jep disputed"), "contested"),
    # Any other assertion of an organisation.
    (("foro reported",), "reported"),
    (("foro reported", "jep retracted"), "reported"),
    (("foro reported", "ministry refuted"), "reported"),
    # Only governments assert it.
    (("ministry reported",), "official_only"),
    (("ministry verified",), "official_only"),
    (("ministry verified", "police refuted"), "official_only"),
    (("ministry reported", "foro retracted"), "official_only"),
    # Nobody asserts it: there is no release.
    (("jep disputed",), None),
    (("jep refuted",), None),
    (("jep disputed", "ministry refuted"), None),
    (("ministry disputed", "foro retracted"), None),
    # Nothing but withdrawals.
    (("foro retracted",), "retracted"),
    (("foro retracted", "ministry retracted"), "retracted"),
]


@pytest.mark.parametrize("said, status", CELLS, ids=[", ".join(said) for said, _status in CELLS])
def test_every_cell_of_the_table(said: tuple[str, ...], status: str | None) -> None:
    assert release(*cell(*said)).status == status


@pytest.mark.parametrize("copied", [PRESS, {"verification__citing": ["foro"]}], ids=["press", "citing"])
def test_second_hand_reports_confirm_and_deny_nothing(copied: dict[str, Any]) -> None:
    assert release(voice("verified", "jep", **copied)).status == "reported"
    assert release(voice("verified"), voice("refuted", "jep", record=2, **copied)).status == "verified"
    assert release(voice("reported"), voice("refuted", "jep", record=2, **copied)).status == "reported"
    assert release(voice("verified", "ministry"), voice("refuted", "jep", record=2, **copied)).status == "official_only"
    assert release(voice("verified", "jep", **copied), voice("verified", record=2)).verified_count == 1


@st.composite
def draw_voices(draw: st.DrawFn) -> list[Statement]:
    """At most one report of each source."""
    sources = draw(st.lists(st.sampled_from(["foro", "jep", "pud", "ministry", "police"]), unique=True))
    return [
        voice(draw(st.sampled_from(list(Verdict))), source, draw(st.sampled_from(list(Stage))), record)
        for record, source in enumerate(sources, 1)
    ]


def status_by_the_table(said: Sequence[Statement], stage: Stage) -> str | None:
    """The table of rule 2, line by line."""
    speaking = [one for one in said if covers_stage(one, stage)]
    if all(one.is_retracted for one in speaking):
        return "retracted"
    if not any(one.verdict in ("reported", "verified") for one in speaking):
        return None
    first_hand = [str(one.verdict) for one in speaking if one.source.independent]
    number = {verdict: first_hand.count(verdict) for verdict in ("verified", "reported", "refuted", "disputed")}
    if number["verified"] > number["refuted"] + number["disputed"]:
        return "verified"
    if number["refuted"] and not number["verified"] + number["reported"]:
        return "refuted"
    if number["refuted"] + number["disputed"]:
        return "contested"
    return "reported" if number["reported"] else "official_only"


@given(draw_voices())
def test_any_voices_give_the_status_of_the_table(said: list[Statement]) -> None:
    assert statuses(said) == {
        stage: status_by_the_table(said, stage) for stage in STAGES if any(covers_stage(one, stage) for one in said)
    }


@given(draw_voices(), st.sampled_from(list(Verdict)), st.sampled_from(list(Stage)))
def test_a_government_changes_no_status_that_stands_by_organisations(
    said: list[Statement], verdict: str, stage: str
) -> None:
    after = statuses([*said, voice(verdict, "police", stage, record=9)])
    said = [one for one in said if one.source.slug != "police"]
    for at, status in statuses(said).items():
        if status in ("verified", "contested", "reported"):
            assert after[at] == status


@given(draw_voices())
def test_a_release_stands_at_the_furthest_stage_that_counts(said: list[Statement]) -> None:
    by_stage = statuses(said)
    if by_stage:
        counts = [stage for stage in STAGES if by_stage.get(stage) in {"verified", "contested", "reported"}]
        assert find_furthest_stage(by_stage) == (counts or list(by_stage))[-1]


def test_a_release_counts_where_it_is_verified_contested_or_reported() -> None:
    assert set(COUNTED_STATUSES) == set(ReleaseStatus) - {"refuted", "retracted", "official_only"}


@pytest.mark.parametrize("stage", STAGES)
def test_an_assertion_speaks_for_the_earlier_stages_too_and_a_denial_for_the_further_ones(stage: Stage) -> None:
    earlier, later = list(STAGES[: STAGES.index(stage) + 1]), list(STAGES[STAGES.index(stage) :])
    for verdict in Verdict:
        said = voice(verdict, stage=stage)
        is_denial = verdict in ("refuted", "disputed")
        assert [at for at in STAGES if covers_stage(said, at)] == (later if is_denial else earlier)
        asserted = earlier if verdict in ("reported", "verified") else []
        assert [at for at in STAGES if asserts_stage(said, at)] == asserted


# Rule 1


def test_a_disputed_announcement_is_contested_and_was_not_carried_out() -> None:
    announced = statement(1, "ministry", release__stage="announced", release__announced_on=J8)
    assert statuses([announced, voice("disputed", stage="announced", record=2)]) == {
        "announced": "contested", "ordered": None, "carried_out": None,
    }  # fmt: skip
    copied = voice("disputed", stage="announced", record=2, **PRESS)
    assert statuses([announced, copied])[Stage.ANNOUNCED] == "official_only"


def test_a_release_denied_as_carried_out_still_stands_as_ordered() -> None:
    """The order of 19 January exists; that he walked out is denied."""
    said = [out(1), voice("refuted", "jep", record=2)]
    found = row_of(said, Release)
    assert (found["stage"], found["status"]) == ("ordered", "reported")
    assert {row["stage"]: row["status"] for row in rows_of(said, ReleaseAtStage)} == {
        "announced": "reported",
        "ordered": "reported",
        "carried_out": "refuted",
    }


# Rule 2


def test_one_refutation_contests_what_two_sources_report() -> None:
    said = [out(1, "foro", J8, **OWN), out(2, "pud", J8, **OWN), refuted(3, "jep", J8)]
    assert result(*said) == ("contested", J8, ("jep",))


def test_two_verifications_outweigh_a_refutation_which_stays_named() -> None:
    said = [verified(1, "foro", J8), verified(2, "pud", J8), refuted(3, "jep", J8)]
    assert result(*said) == ("verified", J8, ("jep",))
    row = row_of(said, ReleaseAtStage, stage="carried_out")
    assert (row["is_denied"], row["independent_verified"]) == (True, 2)
    assert row_of(said, Release)["facts"]["stages"]["carried_out"]["denied_by"] == ["jep"]


def test_a_denial_of_another_day_does_not_count() -> None:
    said = [out(1, "ministry", J8), refuted(2, "jep", J8)]
    assert result(*said) == ("refuted", J8, ("jep",))
    assert result(*said, verified(3, "pud", "2026-02-20")) == ("verified", "2026-02-20", ())
    assert result(out(1, "ministry", J8), refuted(2, "jep", J20)) == ("official_only", J8, ())
    assert result(out(1, "ministry"), refuted(2, "jep", J20)) == ("refuted", None, ("jep",))


def test_a_source_whose_denial_does_not_count_asserts_nothing() -> None:
    said = [out(1, "ministry", J8), verified(2, "jep", J8), refuted(3, "jep", J20)]
    assert result(*said) == ("official_only", J8, ())


def test_a_denial_of_a_detail_is_no_voice() -> None:
    for denied in ("identity", "date", "kind"):
        detail: dict[str, Any] = {"verification__denies": denied, "verification__verdict": "disputed"}
        assert result(verified(1, "foro", J8), out(2, "foro", J8, **detail), out(3, "jep", J8, **detail)) == (
            "verified", J8, (),
        )  # fmt: skip


# Rule 3


@pytest.mark.parametrize("first, then, spoken", [
    ("verified", "refuted", "refuted"),
    ("refuted", "verified", "verified"),
    ("verified", "reported", "verified"),
    ("reported", "disputed", "disputed"),
])  # fmt: skip
def test_the_newest_verified_or_denying_report_of_a_source_speaks(first: str, then: str, spoken: str) -> None:
    (speaking,) = pick_voices([voice(first, record=1), voice(then, record=2)], Stage.CARRIED_OUT)
    assert speaking.verdict == spoken
    assert release(voice(first, record=1), voice(then, record=2), out(3, "ministry")).status in {
        "verified" if spoken == "verified" else "refuted" if spoken == "refuted" else "contested"
    }


def test_the_newest_is_the_report_filed_last() -> None:
    said = [voice("verified", record=1, revision=9), voice("refuted", record=2, revision=5)]
    assert [one.record for one in pick_voices(said, Stage.CARRIED_OUT)] == [1]


def test_among_the_reports_of_one_request_a_denial_speaks_first_and_then_the_later_date() -> None:
    assert release(verified(1, "foro", J8, revision=5), refuted(2, "foro", revision=5)).status == "refuted"
    said = [verified(1, "foro", J20, revision=5), verified(2, "foro", J8, revision=5)]
    assert [one.record for one in pick_voices(said, Stage.CARRIED_OUT)] == [1]
    assert result(*said) == ("verified", J20, ())


def test_a_list_of_the_held_is_no_voice_on_the_release_of_its_source() -> None:
    seen = held(2, "foro", ARREST, detention__held_on="2026-01-07", verification__verdict="verified")
    assert result(verified(1, "foro", J8), seen) == ("verified", J8, ())


def test_only_the_first_hand_reports_of_a_source_speak() -> None:
    press = out(2, "foro", J20, **PRESS)
    assert result(refuted(1, "foro", J8), press)[0] == "refuted"
    assert result(verified(1, "foro", J8), press) == ("verified", J8, ())
    assert result(verified(1, "foro"), press) == ("verified", J20, ())


def test_a_second_hand_denial_does_not_silence_its_source() -> None:
    assert result(out(1, "foro", J8), refuted(2, "foro", J8, **PRESS)) == ("reported", J8, ())


def test_what_nobody_asserts_is_in_no_total(world: World) -> None:
    """The ministry only contests the day of a release."""
    answer = world.file("ministry", verification={"verdict": "disputed"})
    found = world.get(f"/v1/releases/{answer['release']['id']}").json()
    assert found["status"] is None
    counted = world.count(group_by=["source"])
    names = ("cases", "reported", "refuted", "contested", "official_only")
    assert {name: counted["total"][name] for name in names} == dict.fromkeys(names, 0)
    (group,) = counted["groups"]
    assert (group["by"]["source"], group["counts"]["disputed"]) == ("ministry", 1)
    assert world.get("/v1/releases", status="refuted").json()["data"] == []

"""What the voices say together of a release, at each stage."""

from collections.abc import Sequence
from itertools import combinations_with_replacement, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import Release, ReleaseAtStage
from app.projection import Statement
from app.projection.statements import covers_stage
from app.projection.status import COUNTED_STATUSES, derive_status, derive_statuses, find_current_stage
from app.vocabulary import STAGES, ReleaseStatus, Stage, Verdict
from tests.registry.statements import row_of, rows_of, statement
from tests.support import World


def heard(voices: Sequence[Statement]) -> dict[Stage, list[Statement]]:
    """The voices by the stages for which they speak."""
    found = {stage: [voice for voice in voices if covers_stage(voice, stage)] for stage in STAGES}
    return {stage: speaking for stage, speaking in found.items() if speaking}


def status_at(voices: Sequence[Statement], stage: Stage) -> ReleaseStatus | None:
    return derive_status([(voice.verdict, voice.independent) for voice in heard(voices).get(stage, [])])


def voice(verdict: str, source: str = "foro", stage: str = "carried_out", record: int = 1, **more: Any) -> Statement:
    return statement(record, source, release__stage=stage, verification__verdict=verdict, **more)


def cell(*said: str) -> list[Statement]:
    """`"jep verified"`, …: at the stage carried_out."""
    return [voice(verdict, source, record=n) for n, (source, verdict) in enumerate((one.split() for one in said), 1)]


CELLS = [
    # Independent `verified` and no independent `refuted` or `disputed`.
    (("foro verified",), "verified"),
    (("foro verified", "jep verified", "pud reported"), "verified"),
    (("foro verified", "ministry refuted"), "verified"),
    (("foro verified", "ministry disputed"), "verified"),
    (("foro verified", "jep retracted"), "verified"),
    # Both.
    (("foro verified", "jep refuted"), "contested"),
    (("foro verified", "jep disputed"), "contested"),
    (("foro verified", "jep disputed", "pud refuted"), "contested"),
    # Or only `disputed`.
    (("jep disputed",), "contested"),
    (("foro reported", "jep disputed"), "contested"),
    (("ministry verified", "jep disputed"), "contested"),
    (("jep disputed", "ministry refuted"), "contested"),
    # Any other standing assertion.
    (("foro reported",), "reported"),
    (("ministry reported",), "reported"),
    (("ministry verified",), "reported"),
    (("ministry verified", "police refuted"), "reported"),
    (("ministry reported", "police disputed"), "reported"),
    (("foro reported", "jep retracted"), "reported"),
    # Unless an independent source refutes it.
    (("foro reported", "jep refuted"), "refuted"),
    (("ministry verified", "jep refuted"), "refuted"),
    (("ministry reported", "jep refuted", "pud disputed"), "refuted"),
    (("jep refuted",), "refuted"),
    # A denial that is not independent, of what nobody asserts: neither a release, nor a denial that counts.
    (("ministry refuted",), None),
    (("ministry disputed",), None),
    (("ministry disputed", "police refuted"), None),
    (("ministry disputed", "foro retracted"), None),
    ((), None),
    # Nothing but withdrawals.
    (("foro retracted",), "retracted"),
    (("foro retracted", "ministry retracted"), "retracted"),
]


@pytest.mark.parametrize("said, status", CELLS, ids=[", ".join(said) for said, _status in CELLS])
def test_every_cell_of_the_table(said: tuple[str, ...], status: str | None) -> None:
    assert status_at(cell(*said), Stage.CARRIED_OUT) == status


COPIES: list[dict[str, Any]] = [{"verification__method": "press"}, {"verification__citing": ["foro"]}]


@pytest.mark.parametrize("copied", COPIES, ids=["press", "citing"])
def test_copies_confirm_and_deny_nothing(copied: dict[str, Any]) -> None:
    assert status_at([voice("verified", "jep", **copied)], Stage.CARRIED_OUT) == "reported"
    assert status_at([voice("verified"), voice("refuted", "jep", **copied)], Stage.CARRIED_OUT) == "verified"
    assert status_at([voice("reported"), voice("refuted", "jep", **copied)], Stage.CARRIED_OUT) == "reported"


def by_the_words(voices: Sequence[Statement], stage: Stage) -> str | None:
    """The sentence of the design, word for word."""
    heard = []
    for one in voices:
        earlier, later = STAGES.index(stage) <= STAGES.index(one.stage), STAGES.index(stage) >= STAGES.index(one.stage)
        if later if one.verdict in ("refuted", "disputed") else earlier:
            heard.append((str(one.verdict), one.independent))
    if not heard:
        return None
    verified, refuted, disputed = ((verdict, True) in heard for verdict in ("verified", "refuted", "disputed"))
    if verified and not refuted and not disputed:
        return "verified"
    if verified or (disputed and not refuted):
        return "contested"
    if not refuted and {verdict for verdict, _own in heard} & {"reported", "verified"}:
        return "reported"
    if refuted:
        return "refuted"
    return "retracted" if {verdict for verdict, _own in heard} == {"retracted"} else None


ANY_VOICE = [voice(verdict, source, stage) for verdict, source, stage in product(Verdict, ("foro", "ministry"), Stage)]
some_voices = st.lists(st.sampled_from(ANY_VOICE), max_size=7)


def test_any_two_voices_give_the_status_of_the_sentence() -> None:
    for voices in combinations_with_replacement(ANY_VOICE, 2):
        for stage in Stage:
            assert status_at(voices, stage) == by_the_words(voices, stage)


@given(some_voices)
def test_any_voices_give_the_status_of_the_sentence(voices: list[Statement]) -> None:
    spoken_of = {stage for stage in Stage for voice in voices if covers_stage(voice, stage)}
    assert derive_statuses(heard(voices)) == {stage: by_the_words(voices, stage) for stage in spoken_of}


@given(some_voices, st.randoms(use_true_random=False))
def test_no_order_of_the_voices_changes_a_status(voices: list[Statement], random: object) -> None:
    before = derive_statuses(heard(voices))
    random.shuffle(voices)  # type: ignore[attr-defined]
    assert derive_statuses(heard(voices)) == before


@given(some_voices, st.sampled_from(["reported", "retracted", "refuted", "disputed", "verified"]))
def test_a_government_never_makes_or_unmakes_what_independent_sources_say(
    voices: list[Statement], verdict: str
) -> None:
    """Its word can be reported, and it can deny what nobody asserts: it moves no status that stands by others."""
    settled = {"verified", "contested"}
    for stage, status in derive_statuses(heard(voices)).items():
        after = status_at([*voices, voice(verdict, "police")], stage)
        assert (after in settled) == (status in settled)
        if status in settled:
            assert after == status


@given(some_voices)
def test_a_release_stands_at_the_furthest_stage_that_counts(voices: list[Statement]) -> None:
    by_stage = derive_statuses(heard(voices))
    if not by_stage:
        return
    counts = [stage for stage in STAGES if by_stage.get(stage) in {"verified", "contested", "reported"}]
    assert find_current_stage(by_stage) == (counts or list(by_stage))[-1]


def test_what_only_a_government_denies_stands_in_its_own_group_and_in_no_total(world: World) -> None:
    """Nobody says that the man was let go; the ministry contests the day of it."""
    answer = world.file("ministry", verification={"verdict": "disputed"})
    release = world.get(f"/v1/releases/{answer['release']['id']}").json()
    assert (release["status"], release["stages"]["carried_out"]["status"]) == (None, None)
    counted = world.count(group_by=["source"])
    assert {name: counted["total"][name] for name in ("releases", "reported", "refuted", "contested")} == {
        "releases": 0, "reported": 0, "refuted": 0, "contested": 0,
    }  # fmt: skip
    (group,) = counted["groups"]
    assert (group["source"], group["disputed"]) == ("ministry", 1)
    assert world.count(group_by=["status"])["groups"] == world.count(group_by=["kind"])["groups"] == []
    assert world.get("/v1/releases", status="refuted").json()["data"] == []
    held = world.get("/v1/detentions").json()["data"]
    assert [one["status"] for one in held] == ["reported"]


def test_a_release_counts_where_it_is_verified_contested_or_reported() -> None:
    assert set(COUNTED_STATUSES) == set(ReleaseStatus) - {"refuted", "retracted"}


def test_a_release_refuted_as_carried_out_still_stands_as_ordered() -> None:
    """The boleta of 19 January exists; that he walked out is denied."""
    said = [voice("reported", record=1), voice("refuted", "jep", record=2)]
    release = row_of(said, Release)
    assert (release["stage"], release["status"]) == ("ordered", "reported")
    assert {row["stage"]: row["status"] for row in rows_of(said, ReleaseAtStage)} == {
        "announced": "reported",
        "ordered": "reported",
        "carried_out": "refuted",
    }


def test_a_release_denied_from_the_first_stage_on_stands_nowhere() -> None:
    said = [voice("reported", record=1), voice("refuted", "jep", "announced", record=2)]
    release = row_of(said, Release)
    assert (release["stage"], release["status"]) == ("carried_out", "refuted")


def test_at_least_k_counts_independent_verified_contested_ones_included() -> None:
    said = [*cell("foro verified", "jep verified", "pud disputed", "ministry verified")]
    row = row_of(said, ReleaseAtStage, stage="carried_out")
    assert (row["status"], row["independent_verified"]) == ("contested", 2)
    assert row_of(cell("ministry verified"), ReleaseAtStage, stage="carried_out")["independent_verified"] == 0
    told = row_of(said, Release)["facts"]["stages"]["carried_out"]
    assert told["verified_by"] == ["foro", "jep", "ministry"]
    assert (told["independent"], told["reported_by"]) == (2, [])

"""Where a person stands today."""

from dataclasses import replace

import pytest

from app import dates
from app.models import Detainee, Detention, Release, ReleaseAtStage
from app.projection import Statement
from app.vocabulary import EndedHow, ReleaseKind
from tests.registry.statements import held, out, row_of, rows_of, statement


def state(*said: Statement) -> str:
    return str(row_of(said, Detainee)["state"])


def test_who_was_detained_is_held() -> None:
    assert state(held(1, since="2024-10-13")) == "held"


@pytest.mark.parametrize("kind", [kind for kind in ReleaseKind if kind != "house_arrest"])
def test_who_was_let_go_is_released_whatever_the_legal_outcome(kind: str) -> None:
    assert state(out(1, on="2026-01-12", release__kind=kind)) == "released"


def test_house_arrest_is_a_release_that_leaves_its_own_state() -> None:
    home = out(1, on="2026-01-12", release__kind="house_arrest")
    assert state(home) == "house_arrest"
    row = row_of([home], ReleaseAtStage, stage="carried_out")
    assert (row["status"], row["kind"]) == ("reported", "house_arrest")


def test_who_is_taken_from_house_arrest_is_held() -> None:
    assert (
        state(out(1, on="2026-01-12", since="2024", release__kind="house_arrest"), held(2, since="2026-02-01"))
        == "held"
    )


@pytest.mark.parametrize("stage", ["announced", "ordered"])
def test_who_was_only_to_be_let_go_is_held(stage: str) -> None:
    assert state(statement(1, release__stage=stage, release__ordered_on="2026-01-19")) == "held"


def test_a_release_that_is_refuted_or_withdrawn_leaves_the_person_held() -> None:
    assert state(out(1, on="2026-01-12"), out(2, "jep", verification__verdict="refuted")) == "held"
    assert state(out(1, on="2026-01-12", verification__verdict="retracted"), held(2, "jep")) == "held"


def test_a_contested_release_is_a_release() -> None:
    said = [out(1, on="2026-01-12", verification__verdict="verified"), out(2, "jep", verification__verdict="disputed")]
    assert state(*said) == "released"


@pytest.mark.parametrize("how", [how for how in EndedHow if how != "died"])
def test_another_end_of_custody_is_no_release_nor_is_the_end_of_a_sentence(how: str) -> None:
    ended = held(1, since="2024-10-13", detention__ended={"on": "2026-01-12", "how": how})
    assert state(ended) == "unknown"
    assert rows_of([ended], Release) == rows_of([ended], ReleaseAtStage) == []
    row = row_of([ended], Detention)
    assert (row["ended_lo"], row["has_release"]) == (dates.parse_date("2026-01-12").lo, False)


def test_a_sentence_that_has_run_out_ends_nothing() -> None:
    assert state(held(1, since="2024-10-13", detention__sentence={"until": "2025-10-13", "term": None})) == "held"


def test_death_in_custody_is_no_release() -> None:
    died = held(1, since="2024-10-13", detention__ended={"on": "2026-01-12", "how": "died"})
    assert state(died) == "died"
    assert rows_of([died], Release) == []


def test_who_died_afterwards_died() -> None:
    assert state(out(1, on="2026-01-12", detainee__died_on="2026-02-01")) == "died"
    assert row_of([out(1, detainee__died_on="2026-02-01")], Detainee)["facts"]["died_on"]["value"] == "2026-02-01"


def test_a_death_withdrawn_is_none() -> None:
    withdrawn = held(2, "jep", detainee__died_on="2026-02-01", verification__verdict="retracted")
    assert state(held(1, since="2024-10-13"), withdrawn) == "held"


def test_an_end_that_is_denied_is_none() -> None:
    denied = held(2, "jep", detention__ended={"on": "2026-01-12", "how": "died"}, verification__verdict="disputed")
    assert state(held(1, since="2024-10-13"), denied) == "held"


@pytest.mark.parametrize("verdict", ["retracted", "refuted"])
def test_where_nobody_asserts_a_detention_the_state_is_unknown(verdict: str) -> None:
    denied = held(1, since="2024-10-13", verification__verdict=verdict)
    assert state(denied) == "unknown"
    assert row_of([denied], Detention)["detained_lo"] is None


def test_a_denial_of_custody_ends_no_detention_and_no_second_one() -> None:
    filed, refuted = held(1, since="2024-10-13"), held(2, since="2024-10-13", verification__verdict="refuted")
    assert state(filed, refuted) == state(refuted, replace(filed, revision=3)) == "held"
    before, taken = out(1, on="2025-06-01", since="2024-10-13"), held(2, since="2025-09-01")
    found = row_of([before, taken, replace(refuted, record=3)], Detainee)
    assert (found["state"], found["rearrested"]) == ("held", True)


def test_a_release_that_only_a_ministry_asserts_ends_what_only_it_reports() -> None:
    assert state(out(1, "ministry", "2026-01-12", "2024-10-13")) == "released"
    assert state(out(1, "ministry", "2026-01-12", "2024-10-13"), held(2, "foro", "2024-10-13")) == "held"


def test_a_transfer_is_no_release_and_no_new_detention() -> None:
    moved = held(1, since="2024-10-13", detention__transfers=[{"on": "2025-02", "facility": "El Helicoide"}])
    assert (state(moved), len(rows_of([moved], Detention))) == ("held", 1)
    assert rows_of([moved], Release) == []

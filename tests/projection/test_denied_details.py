"""A denial of a detail is no voice: not on the release, and not on the detention (rule 2)."""

import pytest

from app.dates import parse_date
from app.models import Detention, DetentionState, ReleaseAtStage, SourceDetention, SourceRelease, Verification
from app.projection import Statement
from tests.registry.statements import ARREST, J8, J20, held, out, refuted, row_of, rows_of, verified

DETAILS = ("identity", "date", "kind")


@pytest.mark.parametrize("detail", DETAILS)
def test_a_denied_detail_of_a_release_changes_no_row_of_it(detail: str) -> None:
    said = [verified(1, "foro", J8, ARREST)]
    denied = [*said, refuted(2, "jep", J8, verification__denies=detail)]
    for table in (ReleaseAtStage, SourceRelease, SourceDetention, DetentionState, Verification):
        assert rows_of(denied, table) == rows_of(said, table)


@pytest.mark.parametrize("detail", DETAILS)
def test_a_denied_detail_of_a_detention_denies_no_custody(detail: str) -> None:
    said = [held(1, "foro", ARREST, verification__verdict="verified")]
    denied = [*said, held(2, "jep", verification__verdict="refuted", verification__denies=detail)]
    for table in (DetentionState, SourceDetention, Verification):
        assert rows_of(denied, table) == rows_of(said, table)


def test_a_denied_detail_silences_no_other_report_of_its_source() -> None:
    said = [verified(1, "foro", J8, ARREST), refuted(2, "foro", J8, verification__denies="kind")]
    assert row_of(said, ReleaseAtStage, stage="carried_out")["status"] == "verified"
    assert row_of(said, SourceRelease, stage="carried_out")["verdict"] == "verified"


def test_a_denied_detail_asserts_nothing() -> None:
    denial = out(1, on=J8, since=ARREST, verification__verdict="refuted", verification__denies="identity")
    assert not denial.asserts_detention
    assert rows_of([denial], ReleaseAtStage) == []
    assert row_of([denial], Detention)["facts"]["denies"]["value"] == ["identity"]


def sighting() -> Statement:
    return refuted(2, "jep", verification__denies="date", detention__held_on=J20)


def test_a_sighting_in_a_denied_detail_counts_as_in_any_denial() -> None:
    said = [verified(1, "foro", J8, ARREST), sighting()]
    assert row_of(said, DetentionState)["out_hi"] == parse_date(J20).hi


def test_the_record_names_each_detail_with_its_sources() -> None:
    said = [verified(1, "foro", J8, ARREST), sighting(), refuted(3, "pud", verification__denies="date")]
    said.append(refuted(4, "pud", verification__denies="kind"))
    assert row_of(said, Detention)["facts"]["denies"] == {
        "value": ["date", "kind"],
        "said": [{"value": "date", "by": ["jep", "pud"]}, {"value": "kind", "by": ["pud"]}],
    }

"""Whom a report looks like and may not be told of is looked for after it is filed, and waits for curators alone."""

import json
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

import pytest
from sqlmodel import Session

from app import jobs
from app.config import Names, Settings
from app.registry.identity import duplicate_scan
from app.registry.identity.duplicate_scan import DuplicateScanner
from tests.support import GOVERNMENT, PATIENCE, Body, World, make_report

SOMEBODY = {"detainee__full_name": "Zoraida Montilla Paz", "detainee__birth_date": "1940"}
NOBODY = {"detainee__full_name": "Fermina Cogollo Rey", "detainee__birth_date": "1940"}


def uncompared(world: World) -> int:
    return len(world.rows("SELECT record FROM uncompared_record"))


def pairs(world: World) -> list[Any]:
    return world.rows("SELECT record, other FROM hidden_candidate_pair")


def guess(world: World) -> Body:
    """Somebody hidden, and a report that a state files about them; what `foro` filed."""
    hidden = world.file("foro", **SOMEBODY, detainee__publish="counted")
    world.file(GOVERNMENT, **SOMEBODY, detainee__publish="anonymous")
    return hidden


def test_every_new_report_leaves_one_row_whoever_it_looks_like(world: World) -> None:
    guess(world)
    assert uncompared(world) == 2
    world.file(GOVERNMENT, **NOBODY, detainee__publish="anonymous")
    world.verify(world.file("pud")["release"]["id"], "jep", verdict="reported")
    rows = [make_report(**person, detainee__publish="anonymous") for person in (SOMEBODY, NOBODY)]
    cased = [{**row, "source_record_id": str(number)} for number, row in enumerate(rows)]
    world.send_list("".join(json.dumps(row) + "\n" for row in cased), GOVERNMENT)
    assert (uncompared(world), pairs(world)) == (7, [])
    world.find_pairs()
    assert uncompared(world) == 0
    assert len(pairs(world)) > 1


def test_a_correction_leaves_none(world: World) -> None:
    world.file("foro", **SOMEBODY, source_record_id="1")
    world.find_pairs()
    world.file("foro", **SOMEBODY, source_record_id="1", release__kind="pardon")
    assert uncompared(world) == 0


def test_what_a_stopped_server_left_is_compared_by_the_next(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(world)
    monkeypatch.setattr(jobs, "DUPLICATE_SCAN_INTERVAL_SECONDS", 0.05)
    with World(settings, keys=world.keys):
        until = monotonic() + PATIENCE
        while uncompared(world):
            assert monotonic() < until, "nobody compares"
            sleep(0.02)
    assert len(pairs(world)) == 1


def test_reports_that_cannot_be_compared_wait_and_hold_up_no_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duplicate_scan, "COMPARISON_BATCH", 1)
    guess(world)
    hard = duplicate_scan.list_uncompared_records(world.engine)[0]
    compare = duplicate_scan.compare_records

    def failing(engine: Any, records: Sequence[int], names: Names) -> None:
        if hard in records:
            raise ValueError(SOMEBODY["detainee__full_name"])
        compare(engine, records, names)

    monkeypatch.setattr(duplicate_scan, "compare_records", failing)

    finder = DuplicateScanner(world.engine, "list")
    with pytest.raises(ValueError, match="Zoraida"):
        finder.compare_next_batch()
    assert [finder.compare_next_batch(), finder.compare_next_batch()] == [True, False]
    assert (duplicate_scan.list_uncompared_records(world.engine), len(pairs(world))) == ([hard], 1)


def between(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """Do something after reports were compared and before their pairs are stored."""
    compared = duplicate_scan._find_hidden_pairs

    def then(session: Session, rows: Sequence[Any], names: Names) -> list[Any]:
        found = compared(session, rows, names)
        monkeypatch.setattr(duplicate_scan, "_find_hidden_pairs", compared)
        act()
        return found

    monkeypatch.setattr(duplicate_scan, "_find_hidden_pairs", then)


@pytest.mark.parametrize("early", [True, False])
def test_of_somebody_erased_meanwhile_no_pair_is_stored(
    world: World, monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    hidden = guess(world)["detainee"]["id"]
    if early:
        world.redact(hidden)
    else:
        path, why = f"/v1/detainees/{hidden}/redaction", {"reason": "asked for by the family"}
        between(monkeypatch, lambda: world.post(path, why, "admin"))
    world.find_pairs()
    assert (uncompared(world), pairs(world)) == (0, [])


def test_two_processes_that_compare_one_report_store_its_pairs_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    guess(world)
    between(monkeypatch, world.find_pairs)
    world.find_pairs()
    assert len(pairs(world)) == 1


def test_somebody_hidden_at_filing_waits_for_a_curator_though_named_before_the_comparison(world: World) -> None:
    hidden = guess(world)
    world.consent(hidden["detainee"]["id"], "named")
    world.find_pairs()
    assert len(pairs(world)) == 1


def test_of_people_who_could_be_told_none_is_hidden(world: World) -> None:
    for who in ("jep", "pud"):
        world.file(who, **SOMEBODY, detainee__publish="named", detainee__gender=None)
    world.file("jep", **SOMEBODY, detainee__publish="named")
    world.find_pairs()
    assert (uncompared(world), pairs(world)) == (0, [])


def test_each_blocking_key_has_todays_class_of_its_person(world: World) -> None:
    wrong = """
        SELECT record.key FROM record JOIN blocking_key ON blocking_key.record = record.key
        WHERE record.publish_now <> blocking_key.publish_now
    """
    classes = "SELECT DISTINCT publish_now FROM blocking_key ORDER BY publish_now"
    known = world.file("foro", **SOMEBODY, detainee__publish="named", source_record_id="1")
    child = {"detainee__birth_date": "2012", "detainee__full_name": "Ismael Otero Luna"}
    world.file("jep", **child, detainee__publish="named")
    assert (world.rows(wrong), world.rows(classes)) == ([], [("counted",), ("named_by_reports",)])
    other = world.file("pud", **SOMEBODY, detainee__gender="female", detainee__publish="anonymous")
    world.judge(known["detainee"]["id"], other["detainee"]["id"], "same")
    world.file("foro", **SOMEBODY, detainee__publish="named", source_record_id="1", detainee__aliases=["La Profe"])
    assert (world.rows(wrong), world.rows(classes)) == ([], [("anonymous",), ("counted",)])
    world.consent(known["detainee"]["id"], "named")
    assert (world.rows(wrong), world.rows(classes)) == ([], [("counted",), ("named",)])

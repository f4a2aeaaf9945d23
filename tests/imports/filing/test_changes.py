"""What a list changes of earlier reports: each field before and after, and what goes back to an earlier state."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session
from app.models import ImportRow
from tests.support import Body, World

HEAD = "código;nombre;cédula;fecha de detención;fecha de excarcelación;país;nota\n"
# What follows from the rows alone is tried with one engine.
one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PEOPLE = ("Rosa Inés Valdivia", "Julio Peralta Ríos", "Elsa Mora Quiroga", "Carmela Iturbe Sosa")


def row(number: int, released: str = "2026-01-12", note: str = "", name: str = "", card: str = "") -> str:
    return f"P-{number};{name or PEOPLE[number]};{card};2025-03-02;{released};VE;{note}\n"


def send(world: World, *rows: str, **options: Any) -> Body:
    return world.send_list(HEAD + "".join(rows), **options)


def changes_of(world: World, receipt: Body) -> dict[int, list[tuple[str, Any, Any, bool]]]:
    """Row → its changes."""
    return {
        row["row"]: [tuple(change.values()) for change in row["changes"]]
        for row in world.rows_of(receipt)
        if row["changes"]
    }


def held(world: World) -> int:
    return int(world.get("/v1/counts/held", held_on="2026-01-20").json()["total"]["cases"])


def released(world: World) -> int:
    return int(world.count()["total"]["cases"])


@one_engine
def test_a_trial_shows_each_changed_field_before_and_after(world: World) -> None:
    send(world, row(0), row(1, note="En casa"), row(2))
    trial = send(world, row(0), row(1, "2026-01-13"), row(2, name="Elsa Mora Quirós"), dry_run=True)
    assert changes_of(world, trial) == {
        3: [("note", "En casa", None, False), ("release.released_on", "2026-01-12", "2026-01-13", False)],
        4: [("detainee.full_name", "Elsa Mora Quiroga", "Elsa Mora Quirós", False)],
    }
    assert trial["changed_fields"] == {"detainee.full_name": 1, "note": 1, "release.released_on": 1}
    assert (trial["going_back"], trial["releases_taken_back"], trial["counts"]["updated"]) == (0, 0, 2)


@one_engine
def test_the_run_shows_what_its_trial_showed(world: World) -> None:
    send(world, row(0), row(1), row(2))
    second = (row(0, "2026-01-10", "Por la mañana"), row(1, ""), row(2))
    trial = send(world, *second, dry_run=True, confirm=True)
    run = send(world, *second, confirm=True)
    assert (trial["state"], run["state"], run["releases_taken_back"]) == ("done", "done", 1)
    assert changes_of(world, run) == changes_of(world, trial) != {}
    for name in ("changed_fields", "going_back", "releases_taken_back"):
        assert run[name] == trial[name]


@one_engine
def test_the_same_age_a_week_later_is_no_change(world: World) -> None:
    head, facts = "código;nombre;edad;país\n", 'age_on = "list_date"\nlist_date = "2026-01-{}"\n'
    people = "A-1;Rosa Inés Valdivia;{};VE\nA-2;Julio Peralta Ríos;{};VE\n"
    world.send_list(head + people.format(34, 50), mapping=facts.format("07"))
    later = world.send_list(head + people.format(34, 51), mapping=facts.format("14"), dry_run=True)
    assert changes_of(world, later) == {
        3: [("detainee.age", 50, 51, False), ("detainee.age_on", "2026-01-07", "2026-01-14", False)]
    }


def test_a_weekly_list_moves_the_day_of_custody_only_after_three_months(world: World) -> None:
    people = "código;nombre;detención;país\nA-1;Rosa Inés Valdivia;2021-03-02;VE\n"

    def send_on(day: str) -> Body:
        return world.send_list(people, mapping=f'list_date = "{day}"\nheld = "held"\n', confirm=True)

    assert send_on("2025-11-07")["counts"]["new"] == 1
    assert send_on("2025-11-14")["counts"]["unchanged"] == 1
    assert send_on("2026-02-14")["counts"]["updated"] == 1


@one_engine
def test_new_and_unchanged_rows_change_nothing(world: World) -> None:
    first = send(world, row(0), row(1))
    again = send(world, row(0), row(1))
    assert (first["changed_fields"], again["changed_fields"]) == ({}, {})
    assert changes_of(world, again) == {}
    # Of a new person the status and the days are told.
    assert {name for name, _before, _after, _back in changes_of(world, first)[2]} == {
        "detention.detained_on", "release.released_on", "state"
    }  # fmt: skip


def test_a_value_of_an_earlier_version_is_marked_as_going_back(world: World) -> None:
    for day in ("2026-01-12", "2026-01-13", "2026-01-14"):
        send(world, row(0, day))
    trial = send(world, row(0, "2026-01-12", "Por fin"), dry_run=True)
    assert changes_of(world, trial) == {
        2: [("note", None, "Por fin", False), ("release.released_on", "2026-01-14", "2026-01-12", True)]
    }
    assert trial["going_back"] == 1
    assert send(world, row(0, "2026-01-15"), dry_run=True)["going_back"] == 0


@one_engine
def test_a_changed_identification_number_is_named_and_shown_to_nobody(world: World) -> None:
    send(world, row(0, card="V-12345678"))
    trial = send(world, row(0, card="V-87654321"), dry_run=True)
    assert changes_of(world, trial) == {2: [("detainee.national_id", None, None, False)]}
    assert changes_of(world, send(world, row(0, card="12.345.678"), dry_run=True)) == {}
    assert changes_of(world, send(world, row(0, note="x"), dry_run=True)) == {2: [("note", None, "x", False)]}


@one_engine
def test_a_value_that_a_report_took_over_and_a_row_repeats_is_no_change(world: World) -> None:
    release = world.file("jep", detention__facility=None)["release"]["id"]
    body = {"verdict": "verified", "method": "lawyer", "source_record_id": "P-0"}
    world.post(f"/v1/releases/{release}/verifications", body, "foro")
    head = "código;fecha de detención;fecha de excarcelación;verificación;método;nota\n"
    trial = world.send_list(f"{head}P-0;;2026-01-12;verificado;abogado;Por fin\n", dry_run=True)
    assert changes_of(world, trial) == {2: [("note", None, "Por fin", False)]}


@one_engine
def test_a_corrected_list_says_held_of_somebody_whom_the_source_reported_as_released(world: World) -> None:
    people = [f"Persona {chr(65 + n)}{chr(97 + n)} Sol{chr(97 + n)}r" for n in range(22)]
    rows = [f"L-{n};{name};;2025-03-02;2026-01-12;VE;\n" for n, name in enumerate(people)]
    world.send_list(HEAD + "".join(rows), confirm=True)
    before = (released(world), held(world))
    rows[4] = rows[4].replace("2026-01-12", "")
    trial = world.send_list(HEAD + "".join(rows), dry_run=True, confirm=True)
    assert changes_of(world, trial) == {6: [("release.released_on", "2026-01-12", None, False)]}
    assert (trial["releases_taken_back"], trial["counts"]["error"]) == (1, 0)
    assert (released(world), held(world)) == before == (22, 0)
    assert world.send_list(HEAD + "".join(rows), confirm=True)["releases_taken_back"] == 1
    assert (released(world), held(world)) == (21, 1)


@one_engine
def test_only_the_sender_reads_the_changes(world: World) -> None:
    send(world, row(0))
    receipt = send(world, row(0, note="En casa"))
    assert changes_of(world, receipt)
    assert world.get(f"/v1/imports/{receipt['id']}/rows", "jep").status_code == 404
    with open_read_session(world.engine) as session:
        stored = [changes for changes in session.scalars(select(col(ImportRow.changes))) if changes]
    assert [b"casa" in changes for changes in stored] == [False, False], "sealed"


def test_an_erasure_deletes_the_changes_of_its_person_of_trials_too(world: World) -> None:
    person = world.file(source_record_id="P-0", detainee__full_name=PEOPLE[0])["detainee"]["id"]
    world.file(source_record_id="P-1", detainee__full_name=PEOPLE[1], detainee__birth_date="1990")
    receipts = [send(world, row(0, note="En casa"), row(1), dry_run=trial, confirm=True) for trial in (True, False)]
    assert [sorted(changes_of(world, receipt)) for receipt in receipts] == [[2, 3], [2, 3]]
    world.redact(person)
    assert [sorted(changes_of(world, receipt)) for receipt in receipts] == [[3], [3]]


FIRST = (row(0), row(1), row(2), row(3))
SECOND = (row(0, "2026-01-13"), row(1, "2026-01-14"), row(2), row(3))


def questions(receipt: Body) -> list[str]:
    return [question["code"] for question in receipt["questions"]]


def test_an_older_list_sent_again_is_recognised_before_it_takes_corrections_back(world: World) -> None:
    send(world, *FIRST)
    send(world, *SECOND)
    for dry_run in (True, False):
        again = send(world, *FIRST, dry_run=dry_run)
        assert (again["state"], questions(again)) == ("questioned", ["older_list"])
    detail = again["questions"][0]["detail"]
    assert "your list of 1 March 2026. It would take back 2 corrections" in detail
    spanish = world.get(f"/v1/imports/{again['id']}", "foro", lang="es").json()["questions"][0]["detail"]
    assert "su lista del 1 de marzo de 2026. Desharía 2 correcciones" in spanish
    confirmed = send(world, *FIRST, confirm=True)
    assert (confirmed["going_back"], confirmed["counts"]["updated"]) == (2, 2)


@one_engine
def test_a_list_sent_again_that_takes_nothing_back_asks_nothing(world: World) -> None:
    send(world, *FIRST)
    assert questions(send(world, *FIRST)) == []
    world.file(source_record_id="P-9", detainee__full_name="Zulma Paz Ríos")
    assert send(world, *FIRST)["counts"]["unchanged"] == 4
    send(world, *FIRST, "P-8;Aníbal Coy Rey;;2025-03-02;;VE;\n")
    assert questions(send(world, *FIRST)) == []


@one_engine
def test_a_withdrawn_report_is_no_correction_that_an_older_list_takes_back(world: World) -> None:
    """Its row has a question of its own."""
    filed = send(world, *FIRST)
    report = world.rows_of(filed)[0]["report_id"]
    world.post(f"/v1/reports/{report}/retract", {}, "foro")
    again = send(world, *FIRST)
    assert (questions(again), again["counts"]["error"], again["groups"][0]["code"]) == ([], 1, "withdrawn_report")


@one_engine
def test_a_trial_of_a_first_list_makes_it_no_earlier_list(world: World) -> None:
    send(world, *FIRST, dry_run=True)
    send(world, *SECOND)
    assert questions(send(world, *FIRST)) == []


@one_engine
def test_another_file_whose_rows_mostly_go_back_looks_older(world: World) -> None:
    send(world, *FIRST)
    send(world, *SECOND)
    edited = (*FIRST[:3], row(3, note="En casa"))
    trial = send(world, *edited, dry_run=True)
    (warning,) = trial["warnings"]
    assert (warning["code"], warning["count"], [example["row"] for example in warning["examples"]]) == (
        "looks_older", 2, [2, 3],
    )  # fmt: skip
    spanish = world.get(f"/v1/imports/{trial['id']}", "foro", lang="es").json()["warnings"][0]["detail"]
    assert "lista es anterior" in spanish


@pytest.mark.parametrize(
    "rows",
    [
        (FIRST[0], SECOND[1], row(2, note="En casa"), row(3)),  # one row goes back
        (*FIRST[:2], row(2, note="En casa"), row(3, note="En casa")),  # as many say something new
    ],
)
@one_engine
def test_a_list_that_moves_on_at_least_as_much_does_not_look_older(world: World, rows: tuple[str, ...]) -> None:
    send(world, *FIRST)
    send(world, *SECOND)
    trial = send(world, *rows, dry_run=True)
    assert trial["going_back"] > 0
    assert trial["warnings"] == []

"""A list filed through the server: tried, filed, filed again, stopped half-way and taken up."""

import gc

import pytest
from sqlalchemy import select

from app.db.engine import open_read_session, open_write_session
from app.demo.people import draw_names as invented_names
from app.imports.filing import import_store, receipts, row_filing
from app.imports.filing.import_store import ImportOptions
from app.imports.filing.receipts import Receipt
from app.imports.filing.row_filing import Filing
from app.imports.mapping import ListMapping
from app.models import ImportFile, ListImport
from app.registry import api_keys
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.write import WriteContext
from bench.drill_import import drill
from tests.imports.sheets import packed
from tests.support import GOVERNMENT, NOW, Body, World, kept_waiting

HEAD = "código;nombre;fecha de nacimiento;fecha de detención;país;fecha de excarcelación\n"
FIRST = "A-1;Rosa Inés Valdivia;1971;2025-03-02;Venezuela;12 de enero de 2026\n"
SECOND = "A-2;Julio Peralta Ríos;1964;2025-04;Venezuela;13 de enero de 2026\n"
BAD = "A-3;Elsa Mora;1980;2025-04;Venezuela;el mes pasado\n"
LIST = HEAD + FIRST + SECOND + BAD


def counts(receipt: Body | Receipt) -> dict[str, int]:
    return {outcome: number for outcome, number in receipt["counts"].items() if number}


def many(rows: int) -> str:
    """A list of people who are nothing like each other."""
    found = (" ".join(name) for name in invented_names(["male"] * rows))
    return HEAD + "".join(f"B-{place};{name};{1930 + place};2025;VE;\n" for place, name in enumerate(found))


def test_a_trial_says_what_would_become_of_each_row_and_stores_no_report(world: World) -> None:
    world.file("jep", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date="1971")
    revision = world.revision
    receipt = world.send_list(LIST, dry_run=True, confirm=True)
    assert (receipt["state"], world.revision) == ("done", revision)
    assert counts(receipt) == {"linked": 1, "new": 1, "error": 1}
    assert [row["report_id"] for row in world.rows_of(receipt)] == [None] * 3
    assert receipt["first_revision"] is None


def test_a_list_is_filed_but_for_the_row_that_cannot_be_read(world: World) -> None:
    receipt = world.send_list(LIST, confirm=True)
    assert counts(receipt) == {"new": 2, "error": 1}
    assert receipt["last_revision"] - receipt["first_revision"] == 1
    assert [one["fields"] for one in receipt["columns"]][:2] == [["source_record_id"], ["detainee.full_name"]]
    bad = world.rows_of(receipt, outcome="error")
    assert [(row["row"], row["errors"][0]["column"], row["errors"][0]["code"]) for row in bad] == [
        (4, "F", "unknown_code")
    ]
    assert world.by_source() == {"foro": 0} or world.count()["total"]["cases"] == 2
    with open_read_session(world.engine) as session:
        assert session.scalars(select(ImportFile)).all() == []


def test_the_same_list_changes_nothing_and_a_corrected_row_is_the_next_version(world: World) -> None:
    world.send_list(LIST, confirm=True)
    revision = world.revision
    assert counts(world.send_list(LIST, confirm=True)) == {"unchanged": 2, "error": 1}
    assert world.revision == revision
    mended = world.send_list(LIST.replace("el mes pasado", "31 de enero de 2026").replace("1964", "1965"), confirm=True)
    assert counts(mended) == {"unchanged": 1, "updated": 1, "new": 1}


def test_a_list_without_case_numbers_says_so_and_still_changes_nothing_the_second_time(world: World) -> None:
    twice = "Rosa Inés Valdivia;1971;VE\n" * 2
    said = f"nombre;fecha de nacimiento;país\n{twice}Julio Peralta Ríos;1964;VE\n"
    another = '[rows]\nrepeated_person = "read"\n'
    receipt = world.send_list(said, mapping=another, confirm=True)
    assert receipt["derived_case_numbers"] == 3
    assert counts(receipt) == {"new": 2, "needs_review": 1}
    assert counts(world.send_list(said, mapping=another, confirm=True)) == {"unchanged": 3}


def test_a_person_whom_two_rows_name_is_filed_once_unless_an_answer_says_that_they_are_two(world: World) -> None:
    twice = "Rosa Inés Valdivia;1971;VE\n" * 2
    said = f"nombre;fecha de nacimiento;país\n{twice}Julio Peralta Ríos;1964;VE\n"
    asked = world.send_list(said)
    assert [(one["code"], one["place"]) for one in asked["questions"]] == [
        ("repeated_person", "/rows/3 repeated_person")
    ]
    receipt = world.send_list(said, confirm=True)
    assert counts(receipt) == {"new": 2, "error": 1}
    (row,) = world.rows_of(receipt, outcome="error")
    assert (row["row"], row["errors"][0]["code"]) == (3, "repeated_person")
    assert '"3 repeated_person" = "leave_out"' in row["errors"][0]["detail"]
    receipt = world.send_list(said, mapping='[rows]\n"3 repeated_person" = "read"\n')
    assert counts(receipt) == {"unchanged": 2, "needs_review": 1}


def test_a_receipt_says_how_many_rows_are_releases_and_how_many_say_that_somebody_is_held(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, dead = "A-4;Olga Rey Mora;1950;2025;VE;s/d;\n", "A-5;Luis Soto Rey;1950;2025;VE;;murió\n"
    said = HEAD.strip() + ";motivo del fin de la detención\n" + FIRST + SECOND + BAD + held + dead
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 2)
    tried, filed = world.send_list(said, dry_run=True, confirm=True), world.send_list(said, confirm=True)
    strictly = world.send_list(said.replace(BAD, ""), strict=True, confirm=True)
    assert [(one["releases"], one["held"]) for one in (tried, filed, strictly)] == [(2, 1)] * 3
    refused = world.send_list(said, strict=True, confirm=True)
    assert (refused["state"], refused["releases"], refused["held"]) == ("failed", 0, 0)


def test_a_strict_list_with_a_bad_row_files_nothing_and_without_one_all_of_it(world: World) -> None:
    revision = world.revision
    receipt = world.send_list(LIST, strict=True, confirm=True)
    assert (receipt["state"], receipt["problem"]["code"], receipt["problem"]["row"]) == ("failed", "strict", 4)
    assert (counts(receipt), receipt["settled"]) == ({"error": 1}, 1)  # what stands: nothing
    assert [row["outcome"] for row in world.rows_of(receipt)] == ["new", "new", "error"]  # what would have become
    assert world.revision == revision
    assert counts(world.send_list(HEAD + FIRST + SECOND, strict=True, confirm=True)) == {"new": 2}
    assert world.revision == revision + 2


def test_a_case_number_twice_in_one_file_is_an_error_of_the_second_row(world: World) -> None:
    receipt = world.send_list(HEAD + FIRST + FIRST, confirm=True)
    (row,) = world.rows_of(receipt, outcome="error")
    assert (row["row"], row["errors"][0]["code"], row["errors"][0]["column"]) == (3, "repeated_case_number", "A")


def test_one_row_repeated_for_ever_is_filed_twenty_times(world: World) -> None:
    said = "nombre;país;fecha de detención\n" + "Rosa Valdivia Mora;VE;2025-03-02\n" * 100
    receipt = world.send_list(said, mapping='[rows]\nrepeated_person = "read"\n', confirm=True)
    assert receipt["counts"]["error"] == 80
    assert {row["errors"][0]["code"] for row in world.rows_of(receipt, outcome="error")} == {"repeated_row"}


def test_what_the_registry_refuses_is_told_at_the_column_it_came_from(world: World) -> None:
    receipt = world.send_list(HEAD + FIRST.replace("2025-03-02", "2026-02-02"))
    (row,) = world.rows_of(receipt)
    assert [(e["column"], e["pointer"], e["code"]) for e in row["errors"]] == [
        ("F", "/release/released_on", "release_before_detention")
    ]


def test_a_mapping_is_kept_for_the_next_list_with_these_headings_of_this_source(world: World) -> None:
    said = "quien;cuando;país\nRosa Inés Valdivia;03/04/2025;VE\nJulio Peralta;05/06/2025;VE\n"
    assert world.send_list(said)["state"] == "questioned"
    mapping = 'dates = "day_first"\n[columns]\nquien = "detainee.full_name"\ncuando = "detention.detained_on"\n'
    assert counts(world.send_list(said, mapping=mapping)) == {"new": 2}
    again = world.send_list(said)
    assert (again["saved_mapping"], counts(again)) == (True, {"unchanged": 2})
    assert world.send_list(said, who="jep")["state"] == "questioned"


def test_an_import_stopped_after_any_batch_is_taken_up_where_it_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data = many(10).encode()
    job = begin(world, data)
    first = Filing(world.engine, world.app.state.secret, lambda: NOW, "list", job, data)
    assert first.step()
    assert first.step()
    revision = world.revision
    second = Filing(world.engine, world.app.state.secret, lambda: NOW, "list", job, data)
    while second.step():
        pass
    assert world.revision == revision + 6
    assert not first.step()  # it was overtaken: what it reads on is settled already
    assert world.revision == revision + 6
    with open_read_session(world.engine) as session:
        assert counts(receipts.build_receipt(import_store.load_import(session, job), world.app.state.secret)) == {
            "new": 10
        }


def begin(
    world: World, data: bytes, key: str | None = None, sent: ImportOptions | None = None
) -> "import_store.ImportId":
    with open_write_session(world.engine) as session:
        source = DirectorySnapshot(session).sources_by_slug["foro"].key
        return import_store.begin_import(
            session, world.app.state.secret, source, key, "0" * 64, sent or ImportOptions(), NOW
        ).id


def test_of_two_that_file_one_list_at_once_only_one_settles_each_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data = many(8).encode()
    job = begin(world, data)
    both = [Filing(world.engine, world.app.state.secret, lambda: NOW, "list", job, data) for _ in range(2)]
    while both:
        both = [one for one in both if one.step()]
    assert world.rows("SELECT count(*) FROM record") == [(8,)]


def test_who_was_overtaken_between_two_looks_settles_nothing(world: World) -> None:
    job = begin(world, b"")
    with open_write_session(world.engine) as session:
        import_store.update_import(session, job, state="running")
    with open_read_session(world.engine) as session:
        seen = import_store.load_import(session, job)
    row = import_store.RowOutcome(2, "error", None, None, None)
    with open_write_session(world.engine) as session:
        assert import_store.advance_import(session, world.app.state.secret, seen, [row], 2, NOW)
    with open_write_session(world.engine) as session:
        assert not import_store.advance_import(session, world.app.state.secret, seen, [row], 2, NOW)


def test_a_key_that_was_revoked_files_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data, key = many(8).encode(), world.keys["foro"].removeprefix("rcn_")[:8]
    running = Filing(world.engine, world.app.state.secret, lambda: NOW, "list", begin(world, data, key), data)
    assert running.step()
    assert running.step()
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, key, NOW)
    assert not running.step()
    assert world.rows("SELECT count(*) FROM record") == [(4,)]


def test_what_became_of_rows_is_forgotten_after_a_while_and_the_receipt_is_not(world: World) -> None:
    receipt = world.send_list(LIST, confirm=True)
    world.now = NOW + 2 * import_store.ROW_RETENTION
    with open_write_session(world.engine) as session:
        import_store.delete_old_rows(session, world.now)
        job = session.scalars(select(ListImport)).one()
        assert receipts.list_row_outcomes(session, world.app.state.secret, job, 0, 10) == []
    assert receipt["counts"]["new"] == 2


def test_a_local_list_that_was_killed_is_found_again_by_its_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data, mapping = many(10).encode(), ListMapping.parse_toml('[constants]\n"detainee.designation" = "political"\n')

    class Killed(Exception):
        """After the first batch."""

    def kill(job: ListImport) -> None:
        if job.done:
            raise Killed

    def file(tell) -> ListImport:  # type: ignore[no-untyped-def]
        return row_filing.file_local_list(
            world.engine,
            world.app.state.secret,
            lambda: NOW,
            "list",
            "foro",
            data,
            ImportOptions(mapping=mapping),
            tell,
        )

    with pytest.raises(Killed):
        file(kill)
    done = file(lambda _job: None)
    assert (done.state, counts(receipts.build_receipt(done, world.app.state.secret))) == ("done", {"new": 10})
    assert world.rows("SELECT count(*) FROM list_import") == [(1,)]


def test_no_acknowledged_row_is_lost_or_doubled_by_a_kill(database_url: str) -> None:
    """The short form of `make drill-import`."""
    drill(database_url, rows=120, kills=4, seed=7)


def test_nobody_learns_from_a_trial_of_somebody_unnamed(world: World) -> None:
    world.file(
        "foro", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date="1971", detainee__publish="anonymous"
    )
    for who in (GOVERNMENT, "jep"):
        assert counts(world.send_list(HEAD + FIRST, who=who, dry_run=True)) == {"new": 1}
    assert counts(world.send_list(HEAD + FIRST, who="jep")) == {"linked": 1}


def test_a_zip_bomb_fails_with_a_reason(world: World) -> None:
    receipt = world.send_list(packed({"xl/workbook.xml": b"0" * 160_000_000}))
    assert (receipt["state"], receipt["problem"]["code"]) == ("failed", "suspicious_workbook")


def test_cycles_are_collected_after_a_step_and_not_during_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    collecting = []
    filed = row_filing._Batch.file

    def watched(batch: row_filing._Batch, context: WriteContext) -> list[import_store.RowOutcome]:
        collecting.append(gc.isenabled())
        return filed(batch, context)

    monkeypatch.setattr(row_filing._Batch, "file", watched)
    assert world.send_list(LIST, confirm=True)["counts"]["new"] == 2
    assert collecting == [False]
    assert gc.isenabled()


def test_cycles_are_collected_while_a_list_waits_for_its_turn(world: World) -> None:
    data = many(3).encode()
    running = Filing(world.engine, world.app.state.secret, lambda: NOW, "list", begin(world, data), data)
    assert running.step()
    with kept_waiting(world.engine, running.step):
        assert gc.isenabled()
    assert gc.isenabled()


def test_who_collects_no_cycles_is_not_made_to_by_a_list(world: World) -> None:
    data = many(3).encode()
    running = Filing(world.engine, world.app.state.secret, lambda: NOW, "list", begin(world, data), data)
    world.count()  # what a server reads at its start is read by now
    gc.disable()
    try:
        while running.step():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_batch_that_takes_long_is_cut_and_every_row_is_settled_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registry.list_rows.MAX_BATCH_SECONDS", 0.0)
    rows = "".join(f"B-{n};Delia {chr(65 + n)}ina Inventada;{1940 + n};;VE;\n" for n in range(9))
    for trial in ("true", "false"):
        receipt = world.send_list(HEAD + rows + ";;treinta;;VE;\n", dry_run=trial)
        assert (receipt["rows"], receipt["settled"], receipt["counts"]["error"]) == (10, 10, 1)
        assert [row["row"] for row in world.rows_of(receipt)] == list(range(2, 12))
    assert world.rows("SELECT count(*) FROM record") == [(9,)]

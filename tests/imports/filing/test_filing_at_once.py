"""A list that several processes hold at once, or that waits for other writers: each row is filed once, in its turn."""

from datetime import timedelta
from threading import Thread
from time import sleep
from typing import Any

import pytest

from app.db.engine import open_read_session
from app.imports.faults import BadFile
from app.imports.filing import import_store, receipts, row_filing
from app.imports.filing.import_store import ImportOptions
from app.imports.filing.preparation import PreparedList, prepare_list
from app.imports.filing.row_filing import Filing
from app.imports.mapping import ListMapping
from app.registry import api_keys, directory
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourcePatch
from app.vocabulary import Role
from tests.imports.filing.test_filing import FIRST, HEAD, begin, counts, many
from tests.support import A_WHILE, NOW, Body, World, kept_waiting


def running_on(world: World, data: str, sent: ImportOptions | None = None, key: str | None = None) -> Filing:
    """An import begun, and looked over."""
    job = begin(world, data.encode(), key, sent)
    running = Filing(world.engine, world.app.state.secret, lambda: world.now, "list", job, data.encode())
    assert running.step()
    return running


def another(world: World, one: Filing) -> Filing:
    """The same import in the hands of another process."""
    return Filing(world.engine, world.app.state.secret, lambda: world.now, "list", one.job, one._data)


def state_of(world: World, running: Filing) -> str:
    with open_read_session(world.engine) as session:
        return import_store.load_import(session, running.job).state


def test_a_list_that_waits_for_its_turn_does_not_move_a_past_that_was_cited_meanwhile(resting: World) -> None:
    running = running_on(resting, many(3))
    cited = "2026-03-01T12:00:10Z"
    told: list[Body] = []
    citing = Thread(target=lambda: told.append(resting.count(as_of=cited)))  # waits for the writer too
    with kept_waiting(resting.engine, running.step):
        resting.now = NOW + timedelta(seconds=20)
        citing.start()
    citing.join()
    assert resting.rows("SELECT count(*) FROM record") == [(3,)]
    assert told == [resting.count(as_of=cited)]


def test_a_key_that_is_revoked_while_its_list_waits_files_nothing(world: World) -> None:
    key = world.keys["foro"].removeprefix("rcn_")[:8]
    running = running_on(world, many(3), key=key)
    with kept_waiting(world.engine, running.step) as session:
        api_keys.revoke_key(session, key, NOW)
    assert (world.rows("SELECT count(*) FROM record"), state_of(world, running)) == ([(0,)], "failed")


def test_a_source_that_is_quarantined_while_its_list_waits_is_told_of_nobody_unnamed(world: World) -> None:
    world.file(
        "jep", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date="1971", detainee__publish="anonymous"
    )
    running = running_on(world, HEAD + FIRST, ImportOptions(dry_run=True))
    with kept_waiting(world.engine, running.step) as session:
        context = WriteContext(session, Reader(Role.ADMIN), NOW, world.app.state.secret)
        directory.change_source(context, "foro", SourcePatch(quarantined=True))
    with open_read_session(world.engine) as session:
        assert counts(
            receipts.build_receipt(import_store.load_import(session, running.job), world.app.state.secret)
        ) == {"new": 1}


def test_an_import_that_is_through_stays_so_though_another_opens_its_list_late(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = many(3).encode()
    late = Filing(world.engine, world.app.state.secret, lambda: NOW, "list", begin(world, data), data)

    def slowly(*given: Any) -> PreparedList:
        monkeypatch.setattr(row_filing, "prepare_list", prepare_list)
        first = another(world, late)
        while first.step():
            pass
        return prepare_list(*given)

    monkeypatch.setattr(row_filing, "prepare_list", slowly)
    assert not late.step()
    assert state_of(world, late) == "done"
    assert not late.step()
    assert state_of(world, late) == "done"


def test_a_failure_of_who_was_overtaken_ends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    slow = running_on(world, many(8))
    assert slow.step()
    quick = another(world, slow)
    for state in ("running", "running", "done"):
        quick.step()
        slow.fail(BadFile("internal_error", "Something failed here."))
        assert state_of(world, slow) == state


def test_who_still_tries_a_strict_list_that_another_already_files_leaves_it_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BATCH_ROWS", "TRIAL_BATCH_ROWS"):
        monkeypatch.setattr(row_filing, name, 4)
    slow = running_on(world, many(8), ImportOptions(strict=True))
    assert slow.step()
    quick = another(world, slow)
    while state_of(world, quick) == "checking":
        assert quick.step()
    assert not slow.step()  # it has tried four rows, and would file from the fifth on
    while quick.step():
        pass
    assert world.rows("SELECT count(*) FROM record") == [(8,)]


def test_of_two_at_the_end_of_a_trial_one_begins_to_file(world: World) -> None:
    slow = running_on(world, many(4), ImportOptions(strict=True))
    assert slow.step()
    quick = another(world, slow)
    assert quick.step()  # it tries the rows again: what they would leave behind was in the other's memory
    assert quick.step()
    seen = slow._load_job()
    assert quick.step()
    assert quick.step()
    assert not slow._complete(seen)
    assert not quick.step()
    assert state_of(world, slow) == "done"


def test_what_is_left_of_a_batch_that_was_cut_is_let_be_once_another_has_settled_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registry.list_rows.MAX_BATCH_SECONDS", 0.0)
    slow = running_on(world, many(8))
    assert slow.step()  # one row, and seven are left
    quick = another(world, slow)
    for _ in range(4):
        assert quick.step()
    while slow.step():
        pass
    with open_read_session(world.engine) as session:
        receipt = receipts.build_receipt(import_store.load_import(session, slow.job), world.app.state.secret)
    assert (receipt["state"], counts(receipt)) == ("done", {"new": 8})


def test_two_lists_with_one_new_mapping_at_once_are_both_filed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    data, mapping = many(3).encode(), ListMapping.parse_toml('[constants]\n"detainee.designation" = "political"\n')
    jobs = [begin(world, data, sent=ImportOptions(mapping=mapping)) for _ in range(2)]
    both = [Filing(world.engine, world.app.state.secret, lambda: NOW, "list", job, data) for job in jobs]
    save = import_store.save_mapping

    def slowly(*given: Any) -> None:
        save(*given)
        sleep(A_WHILE)

    monkeypatch.setattr(import_store, "save_mapping", slowly)
    with kept_waiting(world.engine, *(one.step for one in both)):
        pass
    assert [state_of(world, one) for one in both] == ["running", "running"]
    assert world.rows("SELECT count(*) FROM import_mapping") == [(1,)]

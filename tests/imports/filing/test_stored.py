"""Imports in the database: each moves from where it was seen, and never after it has ended."""

import pytest

from app.db.engine import open_read_session, open_write_session
from app.imports.faults import WISH_WITHDRAWN, Fault
from app.imports.filing import import_store, receipts
from app.imports.filing.import_store import RowOutcome
from app.vocabulary import ImportState
from tests.imports.filing.test_filing import begin
from tests.support import NOW, World


def test_an_import_moves_once_from_where_it_was_seen(world: World) -> None:
    job = begin(world, b"")
    with open_read_session(world.engine) as session:
        seen = import_store.load_import(session, job)
    with open_write_session(world.engine) as session:
        assert import_store.update_open_import(session, world.app.state.secret, seen, state="running")
        assert not import_store.update_open_import(session, world.app.state.secret, seen, state="checking")
        assert import_store.load_import(session, job).state == "running"


@pytest.mark.parametrize("state", sorted(set(ImportState) - set(import_store.OPEN_STATES)))
def test_an_import_that_has_ended_stays_as_it_ended(world: World, state: str) -> None:
    job = begin(world, b"")
    with open_write_session(world.engine) as session:
        import_store.finish_import(session, world.app.state.secret, import_store.load_import(session, job), state, NOW)
        ended = import_store.load_import(session, job)
        import_store.store_file(session, world.app.state.secret, job, b"kept for whoever works on it")
        assert not import_store.update_open_import(session, world.app.state.secret, ended, state="running")
        assert not import_store.restart_import(session, world.app.state.secret, ended, "running")
        import_store.finish_import(session, world.app.state.secret, ended, "failed", NOW)
        assert import_store.load_import(session, job).state == state
        assert import_store.load_file(session, world.app.state.secret, job) is not None


def test_a_fault_of_a_filed_row_is_a_withdrawn_wish_only_by_its_code(world: World) -> None:
    job, secret = begin(world, b""), world.app.state.secret
    codes = ["another_code", WISH_WITHDRAWN]
    faults = [Fault(None, "/detainee/publish", code, "What was said of it.").shape() for code in codes]
    rows = [RowOutcome(number, "new", None, None, [fault]) for number, fault in enumerate(faults, 2)]
    with open_write_session(world.engine) as session:
        assert import_store.advance_import(session, secret, import_store.load_import(session, job), rows, 3, NOW)
    with open_read_session(world.engine) as session:
        told = receipts.build_receipt(import_store.load_import(session, job), secret)["warnings"]
        assert [(one["code"], one["count"], [row["row"] for row in one["examples"]]) for one in told] == [
            (WISH_WITHDRAWN, 1, [3])
        ]
        listed = receipts.list_row_outcomes(session, secret, import_store.load_import(session, job), 0, 9)
    assert [[error["code"] for error in row["errors"]] for row in listed] == [["another_code"], []]
    assert [[warning["code"] for warning in row["warnings"]] for row in listed] == [[], [WISH_WITHDRAWN]]

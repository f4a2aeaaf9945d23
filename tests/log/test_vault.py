"""What an import keeps of a list: unreadable without the secret, and in its place alone."""

import uuid

import pytest
from sqlalchemy import text

from app.db.engine import open_read_session, open_write_session
from app.imports.filing import import_store
from app.log.sealing import DamagedCiphertext, seal_bytes, seal_json, unseal_bytes, unseal_json
from tests.imports.filing.test_filing import LIST, begin
from tests.support import World

SECRET, OTHER = b"a secret of the tests", b"another secret of the tests"
DATA, PLACE = b"Zenobia;V-12345678", (uuid.UUID(int=7), "data")


def test_what_was_sealed_is_read_again_with_the_secret_and_in_its_place() -> None:
    assert unseal_bytes(SECRET, seal_bytes(SECRET, DATA, *PLACE), *PLACE) == DATA
    assert unseal_json(SECRET, seal_json(SECRET, {"día": 1}, *PLACE), *PLACE) == {"día": 1}


def test_no_byte_of_it_shows_and_it_never_looks_the_same() -> None:
    once, again = seal_bytes(SECRET, DATA, *PLACE), seal_bytes(SECRET, DATA, *PLACE)
    assert not any(DATA[start : start + 4] in once for start in range(len(DATA) - 4))
    assert once != again


@pytest.mark.parametrize("place", [(), PLACE[:1], (uuid.UUID(int=8), "data"), (PLACE[0], "told"), (*PLACE, "")])
def test_it_opens_in_no_other_place(place: tuple[object, ...]) -> None:
    with pytest.raises(DamagedCiphertext):
        unseal_bytes(SECRET, seal_bytes(SECRET, DATA, *PLACE), *place)


@pytest.mark.parametrize(
    "sealed",
    [b"", DATA, seal_bytes(OTHER, DATA, *PLACE), seal_bytes(SECRET, DATA, *PLACE)[:-1]],
    ids=["nothing", "clear", "another secret", "shortened"],
)
def test_what_was_changed_or_sealed_with_another_secret_does_not_open(sealed: bytes) -> None:
    with pytest.raises(DamagedCiphertext):
        unseal_bytes(SECRET, sealed, *PLACE)


def test_a_list_that_was_tampered_with_is_told_to_its_sender_and_stops_no_other(world: World) -> None:
    job = begin(world, LIST.encode())
    with open_write_session(world.engine) as session:
        import_store.store_file(session, OTHER, job, LIST.encode())
    receipt = world.send_list(LIST, confirm=True)
    world.settle()
    assert receipt["state"] == "done"
    with open_read_session(world.engine) as session:
        damaged = import_store.load_import(session, job)
        assert (damaged.state, import_store.read_sealed_column(world.app.state.secret, damaged, "fault")["code"]) == (
            "failed",
            "internal_error",
        )
    with open_read_session(world.engine) as session:
        assert session.execute(text("SELECT count(*) FROM import_file")).scalar_one() == 0

"""Keys: their shape tells a slip of the hand from a stranger, and each ends when it is told to.

On which day a key was last used is kept, without making a write of a read."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.db.engine import is_sqlite, open_read_session, open_write_session
from app.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.models import ApiKey
from app.registry import api_keys
from app.registry.api_keys import KEY_ALPHABET, KEY_PATTERN
from app.vocabulary import Role
from tests.support import NOW, World
from tests.working import statements

DAY = timedelta(days=1)
WHOLE, VALID = "not a whole key", "not valid"


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    """A registry whose sources hold no key yet."""
    with open_write_session(world.engine) as made:
        for key in made.scalars(select(ApiKey)):
            made.delete(key)
        made.flush()
        yield made


def create(session: Session, source: str | None = "foro", role: Role = Role.REPORTER, days: int = 10) -> str:
    return api_keys.create_key(session, role, source, days, NOW)


def identifier(key: str) -> str:
    return key[4:12]


def refused(session: Session, key: str, why: str, now: datetime = NOW) -> None:
    with pytest.raises(Unauthenticated) as error:
        api_keys.authenticate_key(session, key, now, "list")
    assert why in error.value.detail
    assert key not in error.value.detail


def test_a_key_is_a_prefix_an_id_a_secret_and_a_checksum(session: Session) -> None:
    key = create(session)
    match = KEY_PATTERN.fullmatch(key)
    assert match is not None
    assert [len(part) for part in match.groups()] == [8, 32, 6]
    assert len(KEY_ALPHABET) == len(set(KEY_ALPHABET)) == 62
    assert 62**32 > 2**178


def test_the_checksum_is_the_crc_32_of_id_and_secret_in_base_62() -> None:
    """The check value of the CRC-32 that zlib, PNG and Ethernet use is 0xCBF43926 for "123456789"."""
    number = 0xCBF43926
    digits = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(KEY_ALPHABET[digit])
    assert api_keys._compute_checksum("123456789") == "".join(reversed(digits)).rjust(6, "0")


def test_only_the_digest_of_the_secret_is_stored(session: Session) -> None:
    key = create(session)
    stored = session.get_one(ApiKey, identifier(key))
    assert stored.digest == hashlib.sha256(key[12:44].encode()).hexdigest()
    assert key[12:44] not in f"{stored.model_dump()}"


def test_no_two_keys_are_alike(session: Session) -> None:
    made = {create(session, None, Role.READER) for _ in range(50)}
    assert len({key[:12] for key in made}) == len({key[12:44] for key in made}) == 50


def test_a_key_with_one_letter_changed_is_told_from_one_that_is_not_valid(session: Session) -> None:
    key = create(session)
    for place in range(4, len(key)):
        other = "x" if key[place] != "x" else "y"
        refused(session, key[:place] + other + key[place + 1 :], WHOLE)


def test_a_key_that_was_not_copied_whole_says_so(session: Session) -> None:
    key = create(session)
    for slip in (key[:-1], f"{key}0", key.upper(), f" {key}", key[4:], "rcn_", "rcn_é"):
        refused(session, slip, WHOLE)


def forged(key: str, secret: str) -> str:
    """A key of the same id with another secret, and the checksum to it."""
    return f"rcn_{identifier(key)}{secret}{api_keys._compute_checksum(identifier(key) + secret)}"


def test_unknown_wrong_expired_and_revoked_keys_are_refused_in_the_same_words(session: Session) -> None:
    key = create(session)
    refused(session, forged(key, "A" * 32), VALID)
    refused(session, forged("rcn_00000000", "A" * 32), VALID)
    refused(session, key, VALID, NOW + 10 * DAY)
    api_keys.revoke_key(session, identifier(key), NOW)
    refused(session, key, VALID)


def test_a_key_is_valid_until_the_moment_it_ends(session: Session) -> None:
    key = create(session, days=10)
    api_keys.authenticate_key(session, key, NOW + 10 * DAY - timedelta(microseconds=1), "list")
    refused(session, key, VALID, NOW + 10 * DAY)


def test_a_revoked_key_stays_revoked_as_of_the_first_time(session: Session) -> None:
    key = create(session)
    api_keys.revoke_key(session, identifier(key), NOW + DAY)
    api_keys.revoke_key(session, identifier(key), NOW + 2 * DAY)
    assert session.get_one(ApiKey, identifier(key)).revoked_at == NOW + DAY
    with pytest.raises(NotFound):
        api_keys.revoke_key(session, "00000000", NOW)


def test_two_keys_of_a_role_live_at_once_and_no_more(session: Session) -> None:
    first, second = create(session), create(session)
    with pytest.raises(Invalid) as refusal:
        create(session)
    assert refusal.value.extra["errors"][0]["code"] == "too_many_keys"
    for key in (first, second):
        api_keys.authenticate_key(session, key, NOW, "list")


def test_a_revoked_or_expired_key_makes_room_for_another(session: Session) -> None:
    first = create(session)
    create(session, days=5)
    api_keys.revoke_key(session, identifier(first), NOW)
    create(session)
    assert api_keys.create_key(session, Role.REPORTER, "foro", 10, NOW + 5 * DAY)


def test_other_sources_and_other_roles_have_keys_of_their_own(session: Session) -> None:
    for source, role in (("foro", Role.REPORTER), ("jep", Role.REPORTER), ("foro", Role.READER)):
        for _ in range(2):
            create(session, source, role)
    for _ in range(3):
        create(session, None, Role.CURATOR)


def test_a_reporters_key_needs_a_source_and_the_source_must_be_there(session: Session) -> None:
    with pytest.raises(Invalid) as refusal:
        create(session, None)
    assert refusal.value.extra["errors"][0]["code"] == "source_required"
    with pytest.raises(NotFound, match="recuento source add"):
        create(session, "nobody")


@pytest.mark.parametrize("source, role, independent", [
    ("foro", Role.REPORTER, True), ("ministry", Role.REPORTER, False), (None, Role.ADMIN, True)
])  # fmt: skip
def test_a_key_says_who_writes_and_whether_independently(
    session: Session, source: str | None, role: Role, independent: bool
) -> None:
    reader, key = api_keys.authenticate_key(session, created := create(session, source, role), NOW, "list")
    assert (reader.role, reader.slug, reader.independent) == (role, source, independent)
    assert (reader.source is None) == (source is None)
    assert key.id == identifier(created)


def test_a_change_of_a_source_holds_for_its_keys_at_once(world: World) -> None:
    key = world.keys["foro"]
    patch = world.client.patch("/v1/sources/foro", json={"independent": False}, headers=world.headers("admin"))
    assert patch.status_code == 200
    with open_read_session(world.engine) as session:
        reader, _key = api_keys.authenticate_key(session, key, datetime(2026, 3, 2, tzinfo=UTC), "list")
    assert reader.independent is False


def row(session: Session, key: str) -> ApiKey:
    return session.get_one(ApiKey, identifier(key))


def test_a_holder_is_kept_on_one_line_and_needs_letters(session: Session) -> None:
    key = api_keys.create_key(session, Role.CURATOR, None, 10, NOW, "  Ana   Pérez ")
    assert row(session, key).holder == "Ana Pérez"
    for nobody in ("", "  ", "—", "Ana\u202ePérez", "a" * 201):
        with pytest.raises(Invalid) as refusal:
            api_keys.create_key(session, Role.CURATOR, None, 10, NOW, nobody)
        assert refusal.value.extra["errors"][0]["code"] == "holder_required"


@pytest.mark.parametrize("one, other, same", [
    ("Ana Pérez", "ANA PEREZ", True), ("Анна", "АННА", True), ("Ana Pérez", "Ana Paz", False)
])  # fmt: skip
def test_a_holder_is_one_in_whatever_spelling(one: str, other: str, same: bool) -> None:
    assert api_keys.is_same_holder(one, other) is same


def test_a_successor_has_the_holder_the_role_the_source_and_the_routes(session: Session) -> None:
    scopes = ["POST /v1/releases", "GET /v1/me"]
    old = api_keys.create_key(session, Role.REPORTER, "foro", 10, NOW, "Ana Pérez", scopes)
    new = api_keys.rotate_key(session, identifier(old), 365, NOW, ends_in=7)
    before, after = row(session, old), row(session, new)
    assert after.id != before.id
    for same in ("holder", "role", "source", "scopes"):
        assert getattr(after, same) == getattr(before, same)
    assert api_keys.parse_key_scopes(after) == scopes
    assert (before.expires_at, after.expires_at) == (NOW + 7 * DAY, NOW + 365 * DAY)


def test_the_old_key_ends_after_the_days_that_were_said_or_by_its_own_term(session: Session) -> None:
    old, short = create(session, "foro", days=100), create(session, "jep", days=2)
    for key in (old, short):
        api_keys.rotate_key(session, identifier(key), 365, NOW, ends_in=7, holder="Ana Pérez")
    api_keys.authenticate_key(session, old, NOW + 7 * DAY - timedelta(seconds=1), "list")
    refused(session, old, VALID, NOW + 7 * DAY)
    refused(session, short, VALID, NOW + 2 * DAY)


def test_a_key_is_rotated_at_once_also_where_a_source_has_two(session: Session) -> None:
    first, _second = create(session), create(session)
    with pytest.raises(Invalid) as refusal:
        api_keys.rotate_key(session, identifier(first), 365, NOW, ends_in=7, holder="Ana")
    assert refusal.value.extra["errors"][0]["code"] == "too_many_keys"
    new = api_keys.rotate_key(session, identifier(first), 365, NOW, ends_in=0, holder="Ana")
    refused(session, first, VALID)
    api_keys.authenticate_key(session, new, NOW, "list")


def test_a_key_that_has_ended_has_no_successor(session: Session) -> None:
    revoked, expired = create(session, "foro"), create(session, "jep", days=1)
    api_keys.revoke_key(session, identifier(revoked), NOW)
    for key in (revoked, expired):
        with pytest.raises(Conflict, match="key create"):
            api_keys.rotate_key(session, identifier(key), 365, NOW + DAY, ends_in=7, holder="Ana")
    with pytest.raises(NotFound):
        api_keys.rotate_key(session, "00000000", 365, NOW, ends_in=7)


def test_an_old_key_is_given_its_holder_when_it_is_rotated_and_no_key_another_one(session: Session) -> None:
    old = create(session)
    with pytest.raises(Invalid, match="--holder"):
        api_keys.rotate_key(session, identifier(old), 365, NOW, ends_in=7)
    new = api_keys.rotate_key(session, identifier(old), 365, NOW, ends_in=7, holder="Ana Pérez")
    assert (row(session, old).holder, row(session, new).holder) == ("Ana Pérez", "Ana Pérez")
    with pytest.raises(Invalid) as refusal:
        api_keys.rotate_key(session, identifier(new), 365, NOW, ends_in=0, holder="Bruno Salas")
    assert refusal.value.extra["errors"][0]["code"] == "another_holder"


def test_a_clock_that_was_set_back_revives_no_key_and_lengthens_none(world: World) -> None:
    with open_write_session(world.engine) as session:
        short = api_keys.create_key(session, Role.READER, None, 10, NOW)
    world.now = NOW + 10 * DAY
    world.file("foro")  # the log has come so far
    world.now = NOW - 30 * DAY
    with open_write_session(world.engine) as session:
        refused(session, short, VALID, world.now)
        later = api_keys.create_key(session, Role.READER, None, 10, world.now)
        assert row(session, later).expires_at == NOW + 20 * DAY
    assert world.get("/v1/me", "foro").status_code == 200


@pytest.fixture
def world(world: World) -> World:
    world.app.state.key_uses.write_uses(world.engine)  # what came before is no part of the test
    return world


def last_used(world: World, who: str = "foro") -> str | None:
    ((day,),) = world.rows(f"SELECT last_used_on FROM api_key WHERE id = '{world.keys[who][4:12]}'")
    return None if day is None else str(day)


def write(world: World) -> list[str]:
    """Write the days; the statements that changed a key."""
    with statements(world.engine) as run:
        world.app.state.key_uses.write_uses(world.engine)
    return [statement for statement in run if statement.startswith("UPDATE api_key")]


def test_a_request_writes_no_day_itself_and_the_day_comes_later(world: World) -> None:
    assert world.get("/v1/me", "foro").status_code == 200
    assert last_used(world) is None
    write(world)
    assert last_used(world) == NOW.date().isoformat()
    assert last_used(world, "jep") is None


def test_a_key_that_writes_is_used_too(world: World) -> None:
    world.file("foro")
    write(world)
    assert last_used(world) == NOW.date().isoformat()


def test_a_day_is_written_once_however_often_a_key_is_used(world: World) -> None:
    for _ in range(3):
        world.get("/v1/me", "foro")
    assert len(write(world)) == 1
    world.get("/v1/me", "foro")
    assert write(world) == []
    world.now = NOW + DAY
    world.get("/v1/me", "foro")
    assert len(write(world)) == 1
    assert last_used(world) == (NOW + DAY).date().isoformat()


def test_a_clock_that_was_set_back_takes_no_day_back(world: World) -> None:
    world.get("/v1/me", "foro")
    world.now = NOW - DAY
    world.get("/v1/me", "foro")
    write(world)
    assert last_used(world) == NOW.date().isoformat()


def test_who_is_refused_has_not_used_a_key(world: World) -> None:
    world.now = NOW + timedelta(days=365)
    assert world.get("/v1/me", "foro").status_code == 401
    assert write(world) == []


def test_a_registry_that_cannot_be_written_is_read_and_the_day_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_sqlite(world.engine):
        pytest.skip("query_only is SQLite's")
    assert world.get("/v1/releases", "foro").status_code == 200

    def only_reads(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA query_only = ON")

    event.listen(world.engine, "begin", only_reads)
    assert world.get("/v1/releases", "foro").status_code == 200
    with pytest.raises(OperationalError):
        world.app.state.key_uses.write_uses(world.engine)
    event.remove(world.engine, "begin", only_reads)
    world.engine.dispose()  # whichever connections were told so
    assert last_used(world) is None
    write(world)
    assert last_used(world) == NOW.date().isoformat()


def test_the_days_are_written_when_the_server_stops(world: World) -> None:
    world.get("/v1/me", "foro")
    world.client.__exit__(None, None, None)
    assert last_used(world) == NOW.date().isoformat()
    world.client.__enter__()


def test_a_day_is_all_that_is_kept(world: World) -> None:
    world.get("/v1/me", "foro")
    write(world)
    (kept,) = {row[0] for row in world.rows("SELECT last_used_on FROM api_key WHERE last_used_on IS NOT NULL")}
    assert date.fromisoformat(str(kept)) == NOW.date()

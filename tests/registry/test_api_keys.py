"""Keys: their shape tells a slip of the hand from a stranger, and each ends when it is told to."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import Session

from app.database import reading, writing
from app.errors import Invalid, NotFound, Unauthenticated
from app.models import ApiKey
from app.registry import api_keys
from app.registry.api_keys import ALPHABET, PATTERN
from app.vocabulary import Role
from tests.support import NOW, World

DAY = timedelta(days=1)
WHOLE, VALID = "not a whole key", "not valid"


@pytest.fixture
def session(world: World) -> Iterator[Session]:
    """A registry whose sources hold no key yet."""
    with writing(world.engine) as made:
        for key in made.scalars(select(ApiKey)):
            made.delete(key)
        made.flush()
        yield made


def create(session: Session, source: str | None = "foro", role: Role = Role.REPORTER, days: int = 10) -> str:
    return api_keys.create(session, role, source, days, NOW)


def identifier(key: str) -> str:
    return key[4:12]


def refused(session: Session, key: str, why: str, now: datetime = NOW) -> None:
    with pytest.raises(Unauthenticated) as error:
        api_keys.authenticate(session, key, now)
    assert why in error.value.detail
    assert key not in error.value.detail


def test_a_key_is_a_prefix_an_id_a_secret_and_a_checksum(session: Session) -> None:
    key = create(session)
    match = PATTERN.fullmatch(key)
    assert match is not None
    assert [len(part) for part in match.groups()] == [8, 32, 6]
    assert len(ALPHABET) == len(set(ALPHABET)) == 62
    assert 62**32 > 2**178


def test_the_checksum_is_the_crc_32_of_id_and_secret_in_base_62() -> None:
    """The check value of the CRC-32 that zlib, PNG and Ethernet use is 0xCBF43926 for "123456789"."""
    number = 0xCBF43926
    digits = []
    while number:
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    assert api_keys._checksum("123456789") == "".join(reversed(digits)).rjust(6, "0")


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
    return f"rcn_{identifier(key)}{secret}{api_keys._checksum(identifier(key) + secret)}"


def test_unknown_wrong_expired_and_revoked_keys_are_refused_in_the_same_words(session: Session) -> None:
    key = create(session)
    refused(session, forged(key, "A" * 32), VALID)
    refused(session, forged("rcn_00000000", "A" * 32), VALID)
    refused(session, key, VALID, NOW + 10 * DAY)
    api_keys.revoke(session, identifier(key), NOW)
    refused(session, key, VALID)


def test_a_key_is_valid_until_the_moment_it_ends(session: Session) -> None:
    key = create(session, days=10)
    api_keys.authenticate(session, key, NOW + 10 * DAY - timedelta(microseconds=1))
    refused(session, key, VALID, NOW + 10 * DAY)


def test_a_revoked_key_stays_revoked_as_of_the_first_time(session: Session) -> None:
    key = create(session)
    api_keys.revoke(session, identifier(key), NOW + DAY)
    api_keys.revoke(session, identifier(key), NOW + 2 * DAY)
    assert session.get_one(ApiKey, identifier(key)).revoked_at == NOW + DAY
    with pytest.raises(NotFound):
        api_keys.revoke(session, "00000000", NOW)


def test_two_keys_of_a_role_live_at_once_and_no_more(session: Session) -> None:
    first, second = create(session), create(session)
    with pytest.raises(Invalid) as refusal:
        create(session)
    assert refusal.value.extra["errors"][0]["code"] == "too_many_keys"
    for key in (first, second):
        api_keys.authenticate(session, key, NOW)


def test_a_revoked_or_expired_key_makes_room_for_another(session: Session) -> None:
    first = create(session)
    create(session, days=5)
    api_keys.revoke(session, identifier(first), NOW)
    create(session)
    assert api_keys.create(session, Role.REPORTER, "foro", 10, NOW + 5 * DAY)


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
    reader, key = api_keys.authenticate(session, created := create(session, source, role), NOW)
    assert (reader.role, reader.slug, reader.independent) == (role, source, independent)
    assert (reader.source is None) == (source is None)
    assert key.id == identifier(created)


def test_a_change_of_a_source_holds_for_its_keys_at_once(world: World) -> None:
    key = world.keys["foro"]
    patch = world.client.patch("/v1/sources/foro", json={"independent": False}, headers=world.headers("admin"))
    assert patch.status_code == 200
    with reading(world.engine) as session:
        reader, _key = api_keys.authenticate(session, key, datetime(2026, 3, 2, tzinfo=UTC))
    assert reader.independent is False

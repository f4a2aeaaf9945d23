"""Personal values stand in the log as salted digests: anyone who has the disclosure can check one, nobody else."""

import base64
import hashlib
import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session
from app.log import entries
from app.models import Entry, Sealed
from tests.support import World, without_random

SALT, NAME, VALUE = "_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def digest_of(disclosure: str) -> str:
    """RFC 9901 section 4.2.3: the hash of the disclosure as it is transmitted, not of what it encodes."""
    return b64(hashlib.sha256(disclosure.encode("ascii")).digest())


def test_the_example_of_rfc_9901_gives_the_digest_printed_there() -> None:
    spaced = b64(json.dumps([SALT, NAME, VALUE], ensure_ascii=False).encode())
    assert spaced == "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    assert digest_of(spaced) == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


def test_ours_is_the_same_disclosure_written_without_white_space() -> None:
    compact = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd"
    assert json.loads(base64.urlsafe_b64decode(compact + "=" * (-len(compact) % 4))) == [SALT, NAME, VALUE]
    assert entries.compute_digest(NAME, SALT, VALUE) == digest_of(compact)


VALUES: dict[str, Any] = {
    "name": "Ana Luisa",
    "birth": "1990",
    "groups": ["student"],
    "age": 36,
    "sentence": {"term": None},
}


def test_each_value_has_a_salt_of_128_bits_of_its_own() -> None:
    salts = [salt for _ in range(50) for salt, _value in entries.salt_values(VALUES).values()]
    assert len(set(salts)) == len(salts)
    assert {len(base64.urlsafe_b64decode(salt + "==")) for salt in salts} == {16}


def test_the_same_value_sealed_twice_has_two_digests() -> None:
    assert set(entries.compute_digests(entries.salt_values(VALUES))).isdisjoint(
        entries.compute_digests(entries.salt_values(VALUES))
    )


def test_neither_names_nor_order_can_be_read_off_the_digests() -> None:
    found = entries.compute_digests(entries.salt_values(VALUES))
    assert found == sorted(found)
    assert {len(one) for one in found} == {43}


def test_a_digest_cannot_be_computed_without_its_salt() -> None:
    """Whoever holds the log and a list of the names still has to guess 128 bits."""
    ((salt, value),) = entries.salt_values({"name": "Ana Luisa"}).values()
    found = entries.compute_digest("name", salt, value)
    guesses = [entries.compute_digest("name", guess, value) for guess in ("", "name", salt[:-1], salt.swapcase())]
    assert found not in guesses
    assert found not in (b64(hashlib.sha256(text.encode()).digest()) for text in (value, f'["name","{value}"]'))


def test_a_digest_holds_for_one_name_and_one_value() -> None:
    found = entries.compute_digest("name", SALT, "Ana")
    assert found == entries.compute_digest("name", SALT, "Ana")
    others = [("alias", "Ana"), ("name", "Eva"), ("name", ["Ana"]), ("name", "ana")]
    assert found not in [entries.compute_digest(name, SALT, value) for name, value in others]


def test_values_come_back_as_they_were_and_nothing_once_erased() -> None:
    assert entries.load_values(entries.dump_disclosures(entries.salt_values(VALUES))) == VALUES
    assert entries.load_values(None) == {}


def test_every_entry_lists_exactly_the_digests_of_what_is_kept_beside_it(world: World) -> None:
    world.file("foro", note="for the lawyer", source_record_id="F-1")
    world.file("jep")
    with open_read_session(world.engine) as session:
        rows = session.execute(
            select(col(Entry.body), col(Sealed.disclosures)).outerjoin(
                Sealed, col(Sealed.revision) == col(Entry.revision)
            )
        ).all()
    sealed_entries = 0
    for body, kept in rows:
        disclosures = json.loads(kept) if kept else {}
        expected = sorted(
            digest_of(b64(json.dumps([salt, name, value], ensure_ascii=False, separators=(",", ":")).encode()))
            for name, (salt, value) in disclosures.items()
        )
        assert json.loads(body).get("_sd", []) == expected
        sealed_entries += bool(expected)
    assert sealed_entries >= 3  # both reports, and the decision that ties them


@pytest.mark.parametrize("personal", ["Tomás", "Quintana", "1971", "El Rodeo", "for the lawyer", "F-0001", "male"])
def test_no_personal_value_is_readable_in_the_log(world: World, personal: str) -> None:
    world.file("foro", note="for the lawyer", source_record_id="F-0001")
    with open_read_session(world.engine) as session:
        bodies = session.scalars(select(col(Entry.body)).where(col(Entry.kind) == "report")).all()
    assert bodies
    assert not any(personal in without_random(body) for body in bodies)


def test_a_keyed_digest_depends_on_the_key_and_on_where_its_parts_end() -> None:
    found = entries.compute_keyed_digest(b"key", "case", "12", "3")
    assert len(found) == 64
    assert found == entries.compute_keyed_digest(b"key", "case", "12", "3")
    others = [
        entries.compute_keyed_digest(b"another", "case", "12", "3"),
        entries.compute_keyed_digest(b"key", "case", "1", "23"),
        entries.compute_keyed_digest(b"key", "case", "123"),
        entries.compute_keyed_digest(b"key", "case12", "3"),
    ]
    assert len({found, *others}) == 5

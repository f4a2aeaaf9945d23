"""A client gets the coding it weighs most, and bytes that unpack to the same."""

import base64
import gzip
import hashlib
import os
from datetime import timedelta

import brotli
import pytest
import zstandard
from httpx2 import Headers

from app.api.content_codings import CODINGS, choose_content_coding
from tests.support import NOW, World

UNPACK = {"br": brotli.decompress, "zstd": lambda data: zstandard.decompress(data), "gzip": gzip.decompress}


@pytest.mark.parametrize(
    "accepted, coding",
    [
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("br;q=0", None),
        ("*", "br"),
        ("*, br;q=0", "zstd"),
        ("*;q=0", None),
        ("gzip;q=much", None),
        ("gzip, " * 40, None),
    ],
)
def test_the_coding_that_a_client_weighs_most_is_chosen(accepted: str, coding: str | None) -> None:
    assert choose_content_coding(accepted) == coding


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("body", [b"", b"[]", b"{}" * 40_000, os.urandom(9_000)])
def test_a_packed_body_unpacks_to_the_same_and_is_packed_alike_each_time(coding: str, body: bytes) -> None:
    packed = CODINGS[coding](body)
    assert UNPACK[coding](packed) == body
    assert CODINGS[coding](body) == packed


DATED = f"/v1/counts/releases?group_by=source&as_of={NOW.date()}"
WHOLE = "/v1/releases.csv"


@pytest.fixture
def listed(world: World) -> World:
    for number in range(12):
        world.file("foro", detainee__full_name=f"Aurora Quintana {number:02}", source_record_id=str(number))
    world.now += timedelta(days=2)
    return world


def ask_raw(world: World, address: str, coding: str, who: str | None = None, **headers: str) -> tuple[Headers, bytes]:
    """The headers and the bytes as they were sent."""
    sent = {"Accept-Encoding": coding, **world.headers(who), **headers}
    with world.client.stream("GET", address, headers=sent) as answer:
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("address", [DATED, WHOLE, "/v1/releases?q=Aurora+Quintana"])
@pytest.mark.parametrize("coding", CODINGS)
def test_what_the_response_cache_does_not_keep_is_compressed_too(listed: World, address: str, coding: str) -> None:
    plain_headers, plain = ask_raw(listed, address, "identity")
    headers, body = ask_raw(listed, address, coding)
    assert headers["content-encoding"] == coding
    assert UNPACK[coding](body) == plain
    assert len(body) < len(plain)
    assert headers["etag"] == f'{plain_headers["etag"][:-1]}-{coding}"'
    if "repr-digest" in headers:
        assert headers["repr-digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def test_a_client_that_has_the_compressed_form_is_told_so(listed: World) -> None:
    headers, _body = ask_raw(listed, DATED, "gzip")
    again = listed.client.get(DATED, headers={"Accept-Encoding": "gzip", "If-None-Match": headers["etag"]})
    assert (again.status_code, again.headers["etag"]) == (304, headers["etag"])


@pytest.mark.parametrize("address", [DATED, WHOLE])
def test_with_a_key_nothing_is_compressed(listed: World, address: str) -> None:
    headers, _body = ask_raw(listed, address, "gzip", "foro")
    assert "content-encoding" not in headers

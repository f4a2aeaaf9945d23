"""A client gets the coding it weighs most, and bytes that unpack to the same."""

import gzip
import os

import brotli
import pytest
import zstandard

from app.api.content_codings import CODINGS, choose_content_coding

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

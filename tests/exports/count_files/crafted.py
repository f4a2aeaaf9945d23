"""Parquet files made by hand, as no library would make them: some hundred bytes with as many rows as one likes.

A file is a page for each column of each group of rows, which says of its one number how often it stands there, and a
footer in Thrift's compact protocol, which says where the pages are."""

from collections.abc import Sequence
from pathlib import Path

MOST_IN_PAGE = 2**31 - 1  # a page counts its rows with 32 bits
_MARK = b"PAR1"
_I32, _I64, _TEXT, _LIST, _STRUCT = 5, 6, 8, 9, 12  # Thrift's types
_INT32, _REQUIRED, _UNCOMPRESSED = 1, 0, 0
_PLAIN, _RLE, _RLE_DICTIONARY = 0, 3, 8
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2

Field = tuple[int, int, bytes]  # its number, its type and its value


def unpacking(path: Path, names: Sequence[str], groups: Sequence[int], told: int | None = None) -> None:
    """Write a file of numbers, each of them 1, with so many rows in each group. `told`: how many rows the footer says
    there are in all, if not as many as in its groups."""
    content, of_groups = bytearray(_MARK), []
    for rows in groups:
        chunks = []
        for name in names:
            dictionary = len(content)
            content += _page(_DICTIONARY_PAGE, 7, [_i32(1, 1), _i32(2, _PLAIN)], (1).to_bytes(4, "little"))
            first = len(content)
            on_page = max(rows, 0)
            described = [_i32(1, on_page), _i32(2, _RLE_DICTIONARY), _i32(3, _RLE), _i32(4, _RLE)]
            content += _page(_DATA_PAGE, 5, described, bytes([1]) + _varint(on_page << 1) + bytes([0]))
            size = len(content) - dictionary
            chunk = [
                _i32(1, _INT32), _list(2, _I32, [_zigzag(_RLE_DICTIONARY)]), _list(3, _TEXT, [_sized(name)]),
                _i32(4, _UNCOMPRESSED), _i64(5, rows), _i64(6, size), _i64(7, size), _i64(9, first),
                _i64(11, dictionary),
            ]  # fmt: skip
            chunks.append(_struct([_i64(2, dictionary), (3, _STRUCT, _struct(chunk))]))
        of_groups.append(_struct([_list(1, _STRUCT, chunks), _i64(2, len(content)), _i64(3, rows)]))
    root = _struct([(4, _TEXT, _sized("root")), _i32(5, len(names))])
    columns = [_struct([_i32(1, _INT32), _i32(3, _REQUIRED), (4, _TEXT, _sized(name))]) for name in names]
    in_all = sum(groups) if told is None else told
    schema = _list(2, _STRUCT, [root, *columns])
    with_footer(path, bytes(content), _struct([_i32(1, 1), schema, _i64(3, in_all), _list(4, _STRUCT, of_groups)]))


def with_footer(path: Path, content: bytes, footer: bytes) -> None:
    """Write a file of pages and a footer."""
    path.write_bytes(content + footer + len(footer).to_bytes(4, "little") + _MARK)


def endless_footer(length: int) -> bytes:
    """A footer whose list of groups is said to be so long, and is not there."""
    schema = _list(2, _STRUCT, [_struct([(4, _TEXT, _sized("root")), _i32(5, 0)])])
    return _struct([_i32(1, 1), schema, _i64(3, 0), (4, _LIST, bytes([0xF0 | _STRUCT]) + _varint(length))])


def _page(type_: int, number: int, described: Sequence[Field], data: bytes) -> bytes:
    size = len(data)
    return _struct([_i32(1, type_), _i32(2, size), _i32(3, size), (number, _STRUCT, _struct(described))]) + data


def _struct(fields: Sequence[Field]) -> bytes:
    content, before = bytearray(), 0
    for number, type_, value in fields:
        content += bytes([(number - before) << 4 | type_]) + value
        before = number
    return bytes(content) + b"\0"


def _i32(number: int, value: int) -> Field:
    return number, _I32, _zigzag(value)


def _i64(number: int, value: int) -> Field:
    return number, _I64, _zigzag(value)


def _list(number: int, type_: int, values: Sequence[bytes]) -> Field:
    return number, _LIST, bytes([0xF0 | type_]) + _varint(len(values)) + b"".join(values)


def _sized(text: str) -> bytes:
    return _varint(len(text)) + text.encode()


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _varint(value: int) -> bytes:
    content = bytearray()
    while value > 127:
        content.append(value & 127 | 128)
        value >>= 7
    return bytes([*content, value])

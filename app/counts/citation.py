"""How a count is cited: a short address, the sentence (`citation_sentence.py`), and BibTeX (pure).

A citation names the revision, the instant it was recorded and the query, as the RDA recommendations on citing dynamic
data ask (10.15497/RDA00016); the digest of the result goes beside it as `Repr-Digest` (RFC 9530).
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from app.counts.citation_sentence import DEMO, Phrases, Setting, sentence
from app.counts.shapes import TalliedCount
from app.formats import capital
from app.log.entries import LEAF_DIGITS, Pin
from app.reading import terms as wording
from app.reading.countables import COUNTABLES, Countable, countable_counted
from app.reading.dimensions import RELEASES
from app.reading.terms import EchoedTerm
from app.schemas.counts import CitationOut

CITED = "/c/"

# The first character tells how the rest is packed. A dictionary never changes: addresses in print would lead nowhere. A
# better one gets the next number. In "2" the bytes of the leaf come before what "1" has.
PACKING, WITHOUT_LEAF = "2", "1"
_LEAF = LEAF_DIGITS // 2
_DICTIONARY = (
    b"&nationality=&age_group=&category=&gender=&area=&facility=&legal_status=&condition=&destination=&group=&kind="
    b"release_with_measures&kind=full_release&kind=house_arrest&status=verified&designation=political&rearrested=true"
    b"&detained_from=20&detained_to=20&any_of=&all_of=&min_sources=2&source=&verified_by=&net=true&stage=ordered"
    b"&group_by=kind&group_by=day&group_by=month&stage=carried_out&net=false&group_by=source"
    b"country=VE&released_from=2026-01-01&released_to=2026-01-31&stage=carried_out&net=false&group_by=source&as_of="
)
# CRC-32 over the packed bytes, behind them: it sees every slip of one character or of two that changed places, and of
# all other slips it misses one in four thousand million. A mistyped address must never be another count.
_CHECK = 4
MOST_QUERY = 12_000  # characters unpacked: every term at its longest has fewer
MOST_CODE = MOST_QUERY * 4 // 3  # base64 of a query that could not be packed


class BadCode(ValueError):
    """Not an address that was given out here."""


def short_address(terms: Mapping[str, EchoedTerm], as_of: Pin, countable: Countable = COUNTABLES[RELEASES]) -> str:
    """`/c/…`: the terms of a count and its revision, packed; before them the noun, where no term tells what is
    counted."""
    noun = "" if countable.mark else countable.noun
    query = wording.link(noun, terms, Pin(as_of.revision)).removeprefix("?")
    packer = zlib.compressobj(9, wbits=-15, zdict=_DICTIONARY)
    packed = bytes.fromhex(as_of.leaf or "") + packer.compress(query.encode()) + packer.flush()
    packing = PACKING if as_of.leaf else WITHOUT_LEAF
    return CITED + packing + _written(packed + _check(packing, packed))


def _check(packing: str, packed: bytes) -> bytes:
    begun = 0 if packing == WITHOUT_LEAF else int(packing)  # so that no code is one of another packing too
    return zlib.crc32(packed, begun).to_bytes(_CHECK, "little")


def _written(code: bytes) -> str:
    return base64.urlsafe_b64encode(code).decode().rstrip("=")


def unpack(code: str) -> tuple[str, list[tuple[str, str]]]:
    """The noun in a code, if it says one, and the parameters, `as_of` the last. Raises BadCode."""
    if not code.startswith((PACKING, WITHOUT_LEAF)) or len(code) > MOST_CODE:
        raise BadCode
    packing, text = code[0], code[1:]
    of_leaf = _LEAF if packing == PACKING else 0
    unpacker = zlib.decompressobj(wbits=-15, zdict=_DICTIONARY)
    try:
        written = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        packed, check = written[:-_CHECK], written[-_CHECK:]
        if check != _check(packing, packed) or text != _written(written):
            raise BadCode
        leaf, packed = packed[:of_leaf].hex(), packed[of_leaf:]
        noun, _mark, query = unpacker.decompress(packed, MOST_QUERY).decode().rpartition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except (binascii.Error, zlib.error, ValueError):
        raise BadCode from None
    if not unpacker.eof or unpacker.unused_data or pairs[-1][0] != "as_of":
        raise BadCode
    return noun, [*pairs[:-1], ("leaf", leaf), pairs[-1]] if leaf else pairs


def citation(tally: TalliedCount, as_of: Pin, recorded_at: str | None, base: str, setting: Setting) -> CitationOut:
    """The `citation` block of a count at a revision. `base`: the registry's public address, before the short one."""
    revision = as_of.revision
    address = base + short_address(tally["terms"], as_of, countable_counted(tally["total"]))
    return {
        "address": address,
        "revision": revision,
        "en": sentence(tally, revision, recorded_at, address, "en", setting),
        "es": sentence(tally, revision, recorded_at, address, "es", setting),
        "bibtex": bibtex(tally, revision, recorded_at, address, setting),
    }


# BibTeX counts braces even behind a backslash, so they are written as commands.
_TEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\textbraceleft{}",
        "}": r"\textbraceright{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        **{sign: "\\" + sign for sign in "%&#_$"},
    }
)


def bibtex(tally: TalliedCount, revision: int, recorded_at: str | None, address: str, setting: Setting) -> str:
    """A BibTeX entry. Its year is the year in which the revision was recorded; its key ends like the address, so that
    two counts of one revision are two entries."""
    phrases = Phrases("en", setting)
    title = f"{capital(phrases.things(tally))}{phrases.scope(tally['terms'])}".translate(_TEX)
    note = f"Revision {phrases.revision(revision, recorded_at)}".translate(_TEX)
    lines = [
        f"@misc{{recuento-{revision}-{address[-6:]},",
        "  author = {{Recuento}},",
        f"  title = {{{{{title}}}}},",
        *([f"  year = {{{phrases.year(recorded_at)}}},"] if recorded_at else []),
        f"  note = {{{f'{capital(DEMO[0])}. {note}' if setting.demo else note}}},",
        f"  howpublished = {{\\url{{{address}}}}},",
        "}",
    ]
    return "\n".join(lines)

"""How a count is cited: a short address, a sentence in English and Spanish, and BibTeX (pure).

A citation names the revision, the instant it was recorded and the query, as the RDA recommendations on citing dynamic
data ask (10.15497/RDA00016); the digest of the result goes beside it as `Repr-Digest` (RFC 9530).
"""

import base64
import binascii
import re
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from app.counts.shapes import TalliedCount
from app.log.entries import LEAF_DIGITS, Pin
from app.reading import terms as wording
from app.reading.countables import COUNTABLES, Countable, countable_counted
from app.reading.dimensions import DIMENSIONS, RELEASES
from app.reading.held import SILENCE
from app.reading.terms import EchoedTerm, EchoedTerms
from app.vocabulary import Language, label
from app.wire.counts import CitationOut, Numbers, PartlyHidden

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

# Terms in words. Country, windows, stage and net are said in the sentence itself.
NAMES: dict[str, tuple[str, str]] = {
    **{name: of.label for name, of in DIMENSIONS.items() if of.is_filter and name != "country"},
    "not_nationality": ("nationality other than", "nacionalidad distinta de"),
    "state": ("state", "estado"),
    "rearrested": ("detained again", "detenida de nuevo"),
    "source": ("by the word of", "según"),
    "verified_by": ("verified by", "verificadas por"),
    "any_of": ("verified by any of", "verificadas por alguna de"),
    "all_of": ("verified by all of", "verificadas por todas"),
    "only_by": ("verified only by", "verificadas solo por"),
    "min_sources": ("independent sources at least", "fuentes independientes, como mínimo"),
    "group_by": ("grouped by", "agrupadas por"),
}
_CODES = {name: of.codes for name, of in DIMENSIONS.items() if of.codes} | {"state": "states", "stage": "stages"}
# Terms that are said whatever their value. People under house arrest after a release may be among the held; people
# detained at home always are, so that neither number is one of people in prison.
ALWAYS = {
    "net": {False: ("gross", "brutas"), True: ("net", "netas")},
    "house_arrest": {
        False: ("without those released to house arrest", "sin quienes salieron a arresto domiciliario"),
        True: ("with those released to house arrest", "con quienes salieron a arresto domiciliario"),
    },
}


DEMO = ("demo, invented people", "demostración, personas inventadas")
_SECONDS = re.compile(r"\.\d+")  # parts of a second are no help in print


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


def citation(tally: TalliedCount, as_of: Pin, recorded_at: str | None, base: str, *, demo: bool) -> CitationOut:
    """The `citation` block of a count at a revision. `base`: the registry's public address, before the short one;
    `demo`: whether the people are invented, which no citation may leave out by accident."""
    revision = as_of.revision
    address = base + short_address(tally["terms"], as_of, countable_counted(tally["total"]))
    when = None if recorded_at is None else _SECONDS.sub("", recorded_at)
    return {
        "address": address,
        "revision": revision,
        "en": sentence(tally, revision, when, address, "en", demo=demo),
        "es": sentence(tally, revision, when, address, "es", demo=demo),
        "bibtex": bibtex(tally, revision, when, address, demo=demo),
    }


def sentence(
    tally: TalliedCount, revision: int, recorded_at: str | None, address: str, lang: Language, *, demo: bool = False
) -> str:
    """One sentence that says what was counted, how much of it, and as of when."""
    total, by_source = tally["total"], _by_source(tally)
    verified, contested, reported = total["verified"], total["contested"], total["reported"]
    number = verified + contested + reported
    things = countable_counted(total).names[2 * (lang == "es") + (number != 1)]
    name = f"Recuento ({DEMO[lang == 'es']})" if demo else "Recuento"
    numbered = _numbered(revision, recorded_at)
    least = _AT_LEAST[lang] if _understated(tally) else ""
    # The groups themselves say by what they are.
    terms = {name: value for name, value in tally["terms"].items() if name != "group_by" or not by_source}
    anybody = _BY_ANYBODY[lang] if "source" in terms else ""
    if lang == "es":
        text = f"{name}, revisión {numbered}: {least}{number} {things}{_scope(terms, lang)}, "
        text += f"de ellas {verified} verificada{_s(verified)}{anybody}, {contested} controvertida{_s(contested)} y "
        text += f"{reported} solo reportada{_s(reported)}"
        text += f"; verificadas, por fuente: {by_source}" if by_source else ""
    else:
        text = f"{name}, revision {numbered}: {least}{number} {things}{_scope(terms, lang)}, "
        text += f"of which {verified} verified{anybody}, {contested} contested and {reported} only reported"
        text += f"; verified, by source: {by_source}" if by_source else ""
    return f"{text}{_silence(tally, lang)}{_apart(total, lang)}{_not_visible(tally, lang)}. {address}"


# In a count of one source's releases `verified` is the status, to which other sources add: without these words it would
# be read as the number that this source verified.
_BY_ANYBODY: dict[Language, str] = {"en": " by any independent source", "es": " por alguna fuente independiente"}


def _s(number: int) -> str:
    """The ending of a Spanish plural."""
    return "" if number == 1 else "s"


def _silence(tally: TalliedCount, lang: Language) -> str:
    """How many of the held have not been heard of for long: a number that is silent about them claims too much."""
    if "not_heard_since" not in tally:
        return ""
    note = f"sin noticias desde hace más de {SILENCE} días" if lang == "es" else f"not heard of for over {SILENCE} days"
    return f"; {note}: {tally['not_heard_since']}"


def _apart(total: Numbers, lang: Language) -> str:
    """How much of the count is of people who may only be counted: each source counts such a person anew."""
    number = total["counted_apart"]
    if not number:
        return ""
    if lang == "es":
        words = f"de ellas {number} de personas que no pueden reconocerse entre organizaciones"
        return f"; {words}: una misma persona puede contarse más de una vez"
    words = f"of which {number} of people who may not be recognised across organisations"
    return f"; {words}: the same person can stand more than once"


_AT_LEAST: dict[Language, str] = {"en": "at least ", "es": "al menos "}


def _understated(tally: TalliedCount) -> bool:
    """Whether a personal filter could not be applied to some people, so that the number is the least it can be."""
    return bool(tally.get("not_visible")) and not set(wording.PERSONAL_FILTERS).isdisjoint(tally["terms"])


def _not_visible(tally: PartlyHidden, lang: Language) -> str:
    number = tally.get("not_visible")
    if not number:
        return ""
    if lang == "es":
        return f"; de {number} no puede mostrarse algún dato por el que se pregunta"
    return f"; of {number} a value asked about may not be shown"


def _numbered(revision: int, recorded_at: str | None) -> str:
    return f"{revision} ({recorded_at})" if recorded_at else str(revision)


def _by_source(tally: TalliedCount) -> str:
    if tally["terms"].get("group_by") != ["source"]:
        return ""
    return ", ".join(f"{group['source']} {group['verified']}" for group in tally["groups"] if group["verified"])


def _scope(terms: EchoedTerms, lang: Language) -> str:
    """` in VE from 2026-01-08 to 2026-01-13 (carried out; gross; kind: amnesty)`, ` in VE on 2026-01-13
    (without those released to house arrest)`."""
    spanish = lang == "es"
    where = f" en {terms['country']}" if spanish and "country" in terms else ""
    where = where or (f" in {terms['country']}" if "country" in terms else "")
    on = f" {'el' if spanish else 'on'} {terms['held_on']}" if "held_on" in terms else ""
    when = on + _window(terms, "released", lang)
    more = [_label("stage", str(terms["stage"]), lang).lower()] if "stage" in terms else []
    more += [words[bool(terms[name])][spanish] for name, words in ALWAYS.items() if name in terms]
    detained = _window(terms, "detained", lang)
    more += [("detenidas" if spanish else "detained") + detained] if detained else []
    more += [
        f"{NAMES[name][spanish]}: {', '.join(_label(name, value, lang) for value in wording.each(terms[name]))}"
        for name in terms
        if name in NAMES
    ]
    return f"{where}{when} ({'; '.join(more)})"


def _window(terms: EchoedTerms, what: str, lang: Language) -> str:
    start, end = terms.get(f"{what}_from"), terms.get(f"{what}_to")
    words = f" {'desde' if lang == 'es' else 'from'} {start}" if start else ""
    return words + (f" {'hasta' if lang == 'es' else 'to'} {end}" if end else "")


def _label(name: str, value: str | int, lang: Language) -> str:
    if isinstance(value, bool):
        return {"en": {True: "yes", False: "no"}, "es": {True: "sí", False: "no"}}[lang][value]
    text = str(value)
    if name == "group_by":
        return DIMENSIONS[text].label[lang == "es"]
    return label(_CODES[name], text, lang) if name in _CODES else text


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


def bibtex(tally: TalliedCount, revision: int, recorded_at: str | None, address: str, *, demo: bool = False) -> str:
    """A BibTeX entry. Its year is the year in which the revision was recorded; its key ends like the address, so that
    two counts of one revision are two entries."""
    title = countable_counted(tally["total"]).title
    scope = _scope(tally["terms"], "en").translate(_TEX)
    note = f"Revision {_numbered(revision, recorded_at)}"
    lines = [
        f"@misc{{recuento-{revision}-{address[-6:]},",
        "  author = {{Recuento}},",
        f"  title = {{{{{title}{scope}}}}},",
        *([f"  year = {{{recorded_at[:4]}}},"] if recorded_at else []),
        f"  note = {{{f'{DEMO[0].capitalize()}. {note}' if demo else note}}},",
        f"  howpublished = {{\\url{{{address}}}}},",
        "}",
    ]
    return "\n".join(lines)

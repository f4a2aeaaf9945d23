"""How a count is cited: a short address, a sentence in English and Spanish, and BibTeX (pure).

A citation names the revision, the instant it was recorded and the query, as the RDA recommendations on citing dynamic
data ask (10.15497/RDA00016); the digest of the result goes beside it as `Repr-Digest` (RFC 9530).
"""

import base64
import binascii
import re
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from app.reading import terms as wording
from app.reading.countables import COUNTABLES, Countable, countable_counted
from app.reading.dimensions import DIMENSIONS, RELEASES
from app.reading.held import SILENCE
from app.vocabulary import Language, label

Row = dict[str, Any]
CITED = "/c/"

# The first character tells by which dictionary the rest is packed. A dictionary never changes: addresses in print
# would lead nowhere. A better one gets the next number.
PACKING = "1"
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
# Terms that are said whatever they are. People under house arrest after a release may be among the held; people
# detained at home are either way, so that neither number is one of people in prison.
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


def short_address(terms: Row, revision: int, countable: Countable = COUNTABLES[RELEASES]) -> str:
    """`/c/…`: the terms of a count and its revision, packed, after the noun where no term tells what is counted."""
    noun = "" if countable.mark else countable.noun
    query = wording.link(noun, terms, revision).removeprefix("?")
    packer = zlib.compressobj(9, wbits=-15, zdict=_DICTIONARY)
    packed = packer.compress(query.encode()) + packer.flush()
    return CITED + PACKING + _written(packed + _check(packed))


def _check(packed: bytes) -> bytes:
    return zlib.crc32(packed).to_bytes(_CHECK, "little")


def _written(code: bytes) -> str:
    return base64.urlsafe_b64encode(code).decode().rstrip("=")


def unpack(code: str) -> tuple[str, list[tuple[str, str]]]:
    """The noun in a code, if it says one, and the parameters, `as_of` the last. Raises BadCode."""
    if not code.startswith(PACKING) or len(code) > MOST_CODE:
        raise BadCode
    text = code.removeprefix(PACKING)
    unpacker = zlib.decompressobj(wbits=-15, zdict=_DICTIONARY)
    try:
        written = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        packed, check = written[:-_CHECK], written[-_CHECK:]
        if check != _check(packed) or text != _written(written):
            raise BadCode
        noun, _mark, query = unpacker.decompress(packed, MOST_QUERY).decode().rpartition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except (binascii.Error, zlib.error, ValueError):
        raise BadCode from None
    if not unpacker.eof or unpacker.unused_data or pairs[-1][0] != "as_of":
        raise BadCode
    return noun, pairs


def citation(counted: Row, recorded_at: str | None, base: str, *, demo: bool) -> Row:
    """The `citation` block of a count. `base`: the registry's public address, which stands before short ones; `demo`:
    whether the people are invented, which nobody who pastes it must leave out by accident."""
    address = base + short_address(counted["terms"], counted["revision"], countable_counted(counted["total"]))
    when = None if recorded_at is None else _SECONDS.sub("", recorded_at)
    return {
        "address": address,
        "revision": counted["revision"],
        "en": sentence(counted, when, address, "en", demo=demo),
        "es": sentence(counted, when, address, "es", demo=demo),
        "bibtex": bibtex(counted, when, address, demo=demo),
    }


def sentence(counted: Row, recorded_at: str | None, address: str, lang: Language, *, demo: bool = False) -> str:
    """One sentence that says what was counted, how much of it, and as of when."""
    total, countable = counted["total"], countable_counted(counted["total"])
    number, by_source = total[countable.noun], _by_source(counted)
    things = countable.names[2 * (lang == "es") + (number != 1)]
    verified, contested, reported = (total[name] for name in ("verified", "contested", "reported"))
    name = f"Recuento ({DEMO[lang == 'es']})" if demo else "Recuento"
    numbered = _numbered(counted["revision"], recorded_at)
    least = _AT_LEAST[lang] if _understated(counted) else ""
    # The groups themselves say by what they are.
    terms = {name: value for name, value in counted["terms"].items() if name != "group_by" or not by_source}
    anybody = _BY_ANYBODY[lang] if "source" in terms else ""
    if lang == "es":
        said = f"{name}, revisión {numbered}: {least}{number} {things}{_scope(terms, lang)}, "
        said += f"de ellas {verified} verificada{_s(verified)}{anybody}, {contested} controvertida{_s(contested)} y "
        said += f"{reported} solo reportada{_s(reported)}"
        said += f"; verificadas, por fuente: {by_source}" if by_source else ""
    else:
        said = f"{name}, revision {numbered}: {least}{number} {things}{_scope(terms, lang)}, "
        said += f"of which {verified} verified{anybody}, {contested} contested and {reported} only reported"
        said += f"; verified, by source: {by_source}" if by_source else ""
    return f"{said}{_silence(counted, lang)}{_apart(total, lang)}{_not_visible(counted, lang)}. {address}"


# Of one source's releases `verified` is the status, which others give them too: without these words it would be read as
# what that source verified.
_BY_ANYBODY: dict[Language, str] = {"en": " by any independent source", "es": " por alguna fuente independiente"}


def _s(number: int) -> str:
    """The ending of a Spanish plural."""
    return "" if number == 1 else "s"


def _silence(counted: Row, lang: Language) -> str:
    """Of the held, those nobody has been heard of for long: a number that is silent about them claims too much."""
    if "not_heard_since" not in counted:
        return ""
    said = f"sin noticias desde hace más de {SILENCE} días" if lang == "es" else f"not heard of for over {SILENCE} days"
    return f"; {said}: {counted['not_heard_since']}"


def _apart(total: Row, lang: Language) -> str:
    """Of those counted, how many are of people whom nobody may recognise: each of their sources counts them anew."""
    number = total["counted_apart"]
    if not number:
        return ""
    if lang == "es":
        said = f"de ellas {number} de personas que no pueden reconocerse entre organizaciones"
        return f"; {said}: una misma persona puede contarse más de una vez"
    said = f"of which {number} of people who may not be recognised across organisations"
    return f"; {said}: the same person can stand more than once"


_AT_LEAST: dict[Language, str] = {"en": "at least ", "es": "al menos "}


def _understated(counted: Row) -> bool:
    """Whether a personal filter could not be asked of some, so that the number is the least it can be."""
    return bool(counted.get("not_visible")) and not set(wording.PERSONAL_FILTERS).isdisjoint(counted["terms"])


def _not_visible(counted: Row, lang: Language) -> str:
    number = counted.get("not_visible")
    if not number:
        return ""
    if lang == "es":
        return f"; de {number} no puede mostrarse algún dato por el que se pregunta"
    return f"; of {number} a value asked about may not be shown"


def _numbered(revision: int, recorded_at: str | None) -> str:
    return f"{revision} ({recorded_at})" if recorded_at else str(revision)


def _by_source(counted: Row) -> str:
    if counted["terms"].get("group_by") != ["source"]:
        return ""
    return ", ".join(f"{group['source']} {group['verified']}" for group in counted["groups"] if group["verified"])


def _scope(terms: Row, lang: Language) -> str:
    """` in VE from 2026-01-08 to 2026-01-13 (carried out; gross; kind: amnesty)`, ` in VE on 2026-01-13
    (without those released to house arrest)`."""
    spanish = lang == "es"
    where = f" en {terms['country']}" if spanish and "country" in terms else ""
    where = where or (f" in {terms['country']}" if "country" in terms else "")
    on = f" {'el' if spanish else 'on'} {terms['held_on']}" if "held_on" in terms else ""
    when = on + _window(terms, "released", lang)
    more = [_label("stage", terms["stage"], lang).lower()] if "stage" in terms else []
    more += [words[terms[name]][spanish] for name, words in ALWAYS.items() if name in terms]
    detained = _window(terms, "detained", lang)
    more += [("detenidas" if spanish else "detained") + detained] if detained else []
    more += [
        f"{NAMES[name][spanish]}: {', '.join(_label(name, value, lang) for value in _several(terms[name]))}"
        for name in terms
        if name in NAMES
    ]
    return f"{where}{when} ({'; '.join(more)})"


def _window(terms: Row, what: str, lang: Language) -> str:
    start, end = terms.get(f"{what}_from"), terms.get(f"{what}_to")
    said = f" {'desde' if lang == 'es' else 'from'} {start}" if start else ""
    return said + (f" {'hasta' if lang == 'es' else 'to'} {end}" if end else "")


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _label(name: str, value: Any, lang: Language) -> str:
    if isinstance(value, bool):
        return {"en": {True: "yes", False: "no"}, "es": {True: "sí", False: "no"}}[lang][value]
    if name == "group_by":
        return DIMENSIONS[value].label[lang == "es"]
    if name not in _CODES:
        return str(value)
    return label(_CODES[name], value, lang)


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


def bibtex(counted: Row, recorded_at: str | None, address: str, *, demo: bool = False) -> str:
    """A BibTeX entry. The year is the one the revision was recorded in; the key ends like the address, so that two
    counts of one revision are two entries."""
    title = countable_counted(counted["total"]).title
    scope = _scope(counted["terms"], "en").translate(_TEX)
    note = f"Revision {_numbered(counted['revision'], recorded_at)}"
    lines = [
        f"@misc{{recuento-{counted['revision']}-{address[-6:]},",
        "  author = {{Recuento}},",
        f"  title = {{{{{title}{scope}}}}},",
        *([f"  year = {{{recorded_at[:4]}}},"] if recorded_at else []),
        f"  note = {{{f'{DEMO[0].capitalize()}. {note}' if demo else note}}},",
        f"  howpublished = {{\\url{{{address}}}}},",
        "}",
    ]
    return "\n".join(lines)

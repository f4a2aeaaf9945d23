"""The sentence by which a count is cited, as a newspaper can print it, in English and in Spanish (pure).

It says what was counted, of whom and of which days, how much of it is verified, and as of when: names in place of
slugs, and dates in words. A release is one that was carried out, and counts though the person was detained again,
unless the sentence says otherwise.

How a count is cited: a short address, the sentence (`citation_sentence.py`), and BibTeX (pure).

A citation names the revision, the instant it was recorded and the query, as the RDA recommendations on citing dynamic
data ask (10.15497/RDA00016); the digest of the result goes beside it as `Repr-Digest` (RFC 9530)."""

import base64
import binascii
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from urllib.parse import parse_qsl

from app import dates
from app.counts.shapes import TalliedCount
from app.formats import capital, formats, lowered
from app.log.entries import LEAF_DIGITS, Pin
from app.queries import terms as wording
from app.queries.countables import COUNTABLES, SILENCE, Countable, countable_counted
from app.queries.terms import DIMENSIONS, RELEASES, EchoedTerm, EchoedTerms
from app.schemas.counts import CitationOut, Numbers
from app.vocabulary import Language, Stage, label

# All in English and in Spanish.
DEMO = ("demonstration, invented people", "demostración, personas inventadas")
# Terms in words. Country, windows and stage are said in the sentence itself.
NAMES: Mapping[str, tuple[str, str]] = {
    **{name: of.label for name, of in DIMENSIONS.items() if of.is_filter and name != "country"},
    "not_nationality": ("nationality other than", "nacionalidad distinta de"),
    "state": ("where the person is today", "dónde está hoy la persona"),
    "rearrested": ("detained again", "persona detenida otra vez"),
    "source": ("by the word of", "según"),
    "verified_by": ("verified by", "con verificación de"),
    "any_of": ("verified by any of these", "con verificación de alguna de estas"),
    "all_of": ("verified by all of these", "con verificación de todas estas"),
    "only_by": ("verified only by", "con verificación solo de"),
    "min_sources": ("independent sources, at least", "fuentes independientes, como mínimo"),
    "sources": ("independent sources, exactly", "fuentes independientes, exactamente"),
    "group_by": ("grouped by", "agrupación por"),
}
CODES = {name: of.codes for name, of in DIMENSIONS.items() if of.codes} | {"state": "states"}
OF_SOURCES = ("source", "verified_by", "any_of", "all_of", "only_by")
OF_COUNTRIES = ("nationality", "not_nationality")
# What is counted at another stage than carried out: one of them, and several.
STAGES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    Stage.ANNOUNCED: (("announced release", "excarcelación anunciada"),
                      ("announced releases", "excarcelaciones anunciadas")),
    Stage.ORDERED: (("ordered release", "excarcelación ordenada"), ("ordered releases", "excarcelaciones ordenadas")),
}  # fmt: skip
# What is said of the values of a switch. People under house arrest after a release may be among the held; people
# detained at home always are, so that neither number is one of people in prison, and both are said.
SWITCHES: Mapping[str, Mapping[bool, tuple[str, str]]] = {
    "net": {True: ("without those of people detained again", "sin las de personas detenidas de nuevo")},
    "house_arrest": {
        False: ("without those released to house arrest", "sin quienes salieron a arresto domiciliario"),
        True: ("with those released to house arrest", "con quienes salieron a arresto domiciliario"),
    },
}


@dataclass(frozen=True)
class Setting:
    """What a citation needs besides the count. `sources`: the names of those that the count names, by slug, and
    `facility`: that of the facility among its terms, as they were called at its revision; `zone`: the registry's, in
    which the hour is told; `demo`: whether the people are invented, which no citation may leave out by accident."""

    sources: Mapping[str, str] = field(default_factory=dict)
    facility: str | None = None
    zone: tzinfo = UTC
    demo: bool = False


def sources_in(tally: TalliedCount) -> set[str]:
    """The slugs of the sources that the citation of a count names."""
    named = {slug for name in OF_SOURCES for slug in wording.values_of(tally["terms"], name)}
    return named.union(_verified_by_source(tally))


def sentence(
    tally: TalliedCount, revision: int, recorded_at: str | None, address: str, lang: Language, setting: Setting
) -> str:
    """What was counted, how much of it, and as of when; the address stands at its end."""
    phrases = Phrases(lang, setting)
    registry = f"Recuento ({phrases.said(*DEMO)})" if setting.demo else "Recuento"
    at = phrases.said("revision", "revisión") + " " + phrases.revision(revision, recorded_at)
    further = phrases.beside(tally)
    return " ".join([f"{registry}, {at}: {phrases.counted(tally)}.", *further, address])


class Phrases:
    """The phrases of a citation in a language."""

    def __init__(self, lang: Language, setting: Setting) -> None:
        self._lang, self._setting, self._formats = lang, setting, formats(lang)

    def said(self, english: str, spanish: str) -> str:
        """Either, by the language."""
        return spanish if self._lang == "es" else english

    def revision(self, revision: int, recorded_at: str | None) -> str:
        """A revision with its hour: "2096 (23 March 2026, 12:00 in Caracas)"."""
        if recorded_at is None:
            return str(revision)
        of, zone = self._formats, self._setting.zone
        day, hour = of.long_day(of.local_day(recorded_at, zone)), of.hour(recorded_at, zone)
        return f"{revision} ({day}, {hour} {self.said('in', 'en')} {of.place_of(str(zone))})"

    def year(self, recorded_at: str) -> str:
        """The year in which a revision was recorded, where the registry is."""
        return self._formats.local_day(recorded_at, self._setting.zone)[:4]

    def counted(self, tally: TalliedCount) -> str:
        """The number, what it is of, and how much of it is verified."""
        total, terms = tally["total"], dict(tally["terms"])
        if _verified_by_source(tally):  # the groups themselves say by what they are
            terms.pop("group_by")
        least = self.said("at least ", "al menos ") if _is_understated(tally) else ""
        number = _number(total)
        by_anybody = "source" in terms
        return (
            f"{least}{self._formats.number(number)} {self.things(tally, is_one=number == 1)}{self.scope(terms)}"
            f"{self._statuses(total, by_anybody=by_anybody)}"
        )

    def things(self, tally: TalliedCount, *, is_one: bool = False) -> str:
        """What is counted: "releases", "excarcelación anunciada"."""
        names = countable_counted(tally["total"]).names
        one, several = STAGES.get(str(tally["terms"].get("stage")), (names[::2], names[1::2]))
        return self.said(*(one if is_one else several))

    def scope(self, terms: EchoedTerms) -> str:
        """` in Venezuela from 8 January 2026 to 13 January 2026 (kind: amnesty)`, ` in Venezuela on 13 January 2026
        (without those released to house arrest)`."""
        inside = self.said("in", "en")
        where = f" {inside} {self._formats.country(str(terms['country']))}" if "country" in terms else ""
        when = f" {self._on(str(terms['held_on']))}" if "held_on" in terms else ""
        further = [self.said(*said[bool(terms[name])]) for name, said in SWITCHES.items() if terms.get(name) in said]
        if detained := self._window(terms, "detained"):
            further.append(self.said("of people detained", "de personas detenidas") + detained)
        further += [self._narrowed(name, wording.each(terms[name])) for name in terms if name in NAMES]
        return f"{where}{when}{self._window(terms, 'released')}" + (f" ({'; '.join(further)})" if further else "")

    def beside(self, tally: TalliedCount) -> list[str]:
        """The sentences that follow, of whatever must be said beside the number."""
        by_source = _verified_by_source(tally)
        sentences = [self._by_source(by_source, tally["total"])] if by_source else []
        if "not_heard_since" in tally:
            sentences.append(self._not_heard(tally["not_heard_since"]))
        if apart := tally["total"]["counted_apart"]:
            sentences.append(self._apart(apart))
        if hidden := tally.get("not_visible"):
            number = self._formats.number(hidden)
            sentences.append(
                self.said(f"Of {number} a value asked about may not be shown.",
                          f"De {number} no puede mostrarse algún dato por el que se pregunta.")
            )  # fmt: skip
        return sentences

    def _statuses(self, total: Numbers, *, by_anybody: bool) -> str:
        """How much is verified, contested and only reported; of what is all of one kind, that it is.

        `by_anybody`: in a count of one source's releases `verified` is the status, to which other sources add; without
        these words it would be read as the number that this source verified."""
        of, number = self._formats, _number(total)
        s = {name: "" if total[name] == 1 else "s" for name in ("verified", "contested", "reported")}
        by = self.said(" by any independent source", " por alguna fuente independiente") if by_anybody else ""
        kinds = [
            (total["verified"], self.said("verified", f"verificada{s['verified']}") + by),
            (total["contested"], self.said("contested", f"controvertida{s['contested']}")),
            (total["reported"], self.said("only reported", f"solo reportada{s['reported']}")),
        ]
        some = [(part, words) for part, words in kinds if part]
        if not some:
            return ""
        if len(some) == 1:
            every = self.said("all ", "todas ") if number > 1 else ""
            return f", {every}{some[0][1]}"
        parts = of.listed([f"{of.number(part)} {words}" for part, words in some])
        return self.said(", of which ", ", de ellas ") + parts

    def _by_source(self, verified: Mapping[str, int], total: Numbers) -> str:
        """The sources by number, ties by name; the same release is in the number of each that verified it."""
        names = self._setting.sources
        told = [(-number, names.get(slug, slug)) for slug, number in verified.items()]
        of = self._formats
        listed = of.listed([f"{of.named(name)} ({of.number(-number)})" for number, name in sorted(told)])
        if sum(verified.values()) <= total["verified"] + total["contested"]:
            return self.said(f"Verified by source: {listed}.", f"Verificadas por fuente: {listed}.")
        return self.said(f"Verified by source, with overlaps: {listed}.",
                         f"Verificadas por fuente, con coincidencias: {listed}.")  # fmt: skip

    def _not_heard(self, number: int) -> str:
        """A number that is silent about people of whom nobody has heard for long claims too much."""
        told = self._formats.number(number)
        return self.said(f"Of {told} nothing has been heard for over {SILENCE} days.",
                         f"De {told} no hay noticias desde hace más de {SILENCE} días.")  # fmt: skip

    def _apart(self, number: int) -> str:
        """Each source counts anew whoever may only be counted."""
        told = self._formats.number(number)
        if number == 1:
            return self.said(
                "1 is of somebody who may not be recognised across organisations: the same person can be counted more "
                "than once.",
                "1 es de una persona que no puede reconocerse de una organización a otra: puede contarse "
                "más de una vez.",
            )
        return self.said(
            f"{told} are of people who may not be recognised across organisations: the same person can be counted more "
            "than once.",
            f"{told} son de personas que no pueden reconocerse de una organización a otra: una misma persona puede "
            "contarse más de una vez.",
        )

    def _on(self, day: str) -> str:
        """A day in a sentence; a month or a year likewise."""
        told = self._formats.long_day(day)
        if len(day) == dates.DAY_LENGTH:
            return self.said(f"on {told}", f"el {told}")
        return self.said(f"in {told}", f"en {told}")

    def _window(self, terms: EchoedTerms, event: str) -> str:
        start, end = (terms.get(f"{event}_{edge}") for edge in ("from", "to"))
        if start and start == end:
            return f" {self._on(str(start))}"
        first, last = ("" if day is None else self._bound(str(day)) for day in (start, end))
        if start and end:
            return self.said(f" from {first} to {last}", f" desde {first} hasta {last}")
        if start:
            return self.said(f" since {first}", f" desde {first}")
        return self.said(f" until {last}", f" hasta {last}") if end else ""

    def _bound(self, day: str) -> str:
        told = self._formats.long_day(day)
        return self.said(told, f"el {told}" if len(day) == dates.DAY_LENGTH else told)

    def _narrowed(self, name: str, values: Sequence[str | int]) -> str:
        """A term that narrows a count: "gender: female"."""
        return f"{self.said(*NAMES[name])}: {self._formats.listed([self._value(name, value) for value in values])}"

    def _value(self, name: str, value: str | int) -> str:
        if isinstance(value, bool):
            return self.said(*(("yes", "sí") if value else ("no", "no")))
        text = str(value)
        if name == "group_by":
            return self.said(*DIMENSIONS[text].label)
        if name in OF_COUNTRIES:
            return self._formats.country(text)
        if name in CODES:
            return lowered(label(CODES[name], text, self._lang))
        if name == "facility" and self._setting.facility is not None:
            return self._formats.named(self._setting.facility)
        if name in OF_SOURCES:
            return self._formats.named(self._setting.sources.get(text, text))
        return text if isinstance(value, int) else self._formats.quoted(text)  # anybody's words, as an address has them


def _number(total: Numbers) -> int:
    return total["verified"] + total["contested"] + total["reported"]


def _is_understated(tally: TalliedCount) -> bool:
    """Whether a personal filter could not be applied to some people, so that the number is the least it can be."""
    return bool(tally.get("not_visible")) and not set(wording.PERSONAL_FILTERS).isdisjoint(tally["terms"])


def _verified_by_source(tally: TalliedCount) -> dict[str, int]:
    """How many each source verified, where that is how the count is grouped."""
    if tally["terms"].get("group_by") != ["source"]:
        return {}
    return {group["source"]: group["verified"] for group in tally["groups"] if group["verified"]}


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

"""Cite a count: a short address, a printable sentence in English and Spanish, and a BibTeX entry.

The sentence states what was counted, in which place and window, how much of it is verified, and as of when. It uses
names instead of slugs and writes dates out. Unless it states otherwise, the releases are those carried out, and a
release counts even if the person was detained again.

A citation names the revision, the time it was recorded and the query, as the RDA recommendations on citing dynamic data
require (10.15497/RDA00016). The digest of the result is sent separately as `Repr-Digest` (RFC 9530)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, Literal

from app import dates
from app.counts.shapes import CitationOut, Count, CountGroup, CountTotal
from app.formats import capitalize_first_letter, get_formats, lower_first_letter
from app.queries import addresses
from app.queries import terms as query_terms
from app.queries.addresses import EchoedTerm, EchoedTerms
from app.queries.countables import find_countable_of_path
from app.queries.dimensions import DIMENSIONS, find_grouped_event
from app.schemas.base import RevisionOut
from app.vocabulary import Language, Stage, find_label

# Pairs of texts in this module are English and Spanish.
DEMO_NOTICE = ("demonstration, invented people", "demostración, personas inventadas")
# Labels of terms. Country, windows and stage have their own place in the sentence.
TERM_LABELS: Mapping[str, tuple[str, str]] = {
    **{name: dimension.label for name, dimension in DIMENSIONS.items() if dimension.is_filter and name != "country"},
    "not_nationality": ("nationality other than", "nacionalidad distinta de"),
    "age_from": ("age, at least", "edad, como mínimo"),
    "age_to": ("age, at most", "edad, como máximo"),
    "state": ("where the person is today", "dónde está hoy la persona"),
    "rearrested": ("detained again", "persona detenida otra vez"),
    "source": ("by the word of", "según"),
    "verified_by": ("verified by", "con verificación de"),
    "not_verified_by": ("not verified by", "sin verificación de"),
    "min_sources": ("independent sources, at least", "fuentes independientes, como mínimo"),
    "max_sources": ("independent sources, at most", "fuentes independientes, como máximo"),
    "reported_by_kind": ("reported by a source of kind", "con reporte de una fuente de tipo"),
    "verified_by_kind": ("verified by a source of kind", "con verificación de una fuente de tipo"),
    "first_hand": ("with a first-hand report", "con reporte de primera mano"),
    "carried_out": ("carried out so far", "ejecutada hasta ahora"),
    "rearrested_after": ("person arrested again afterwards", "persona detenida de nuevo después"),
    "group_by": ("grouped by", "agrupación por"),
}
MATCH_LABELS: Mapping[tuple[str, EchoedTerm], tuple[str, str]] = {
    ("verified_by", "any"): ("verified by any of these", "con verificación de alguna de estas"),
    ("verified_by", "only"): ("verified only by", "con verificación solo de"),
}
TERM_CODE_LISTS = {name: dimension.code_list for name, dimension in DIMENSIONS.items() if dimension.code_list} | {
    "state": "states",
    "reported_by_kind": "source_kinds",
    "verified_by_kind": "source_kinds",
}
SOURCE_TERMS = ("source", "verified_by", "not_verified_by")
COUNTRY_TERMS = ("nationality", "not_nationality")
# Nouns for stages other than carried out: singular and plural.
STAGE_NAMES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    Stage.ANNOUNCED: (("announced release", "excarcelación anunciada"),
                      ("announced releases", "excarcelaciones anunciadas")),
    Stage.ORDERED: (("ordered release", "excarcelación ordenada"), ("ordered releases", "excarcelaciones ordenadas")),
}  # fmt: skip
# Phrases for reports that count in their source's own numbers alone (rule 21): singular and plural.
UNDER_REVIEW_PHRASES: Mapping[Literal["awaiting_review", "rejected"], tuple[tuple[str, str], tuple[str, str]]] = {
    "awaiting_review": (
        ("report awaits review and counts in its source's own numbers alone",
         "reporte está en espera de revisión y cuenta solo en las cifras propias de su fuente"),
        ("reports await review and count in their sources' own numbers alone",
         "reportes están en espera de revisión y cuentan solo en las cifras propias de sus fuentes"),
    ),
    "rejected": (
        ("report was rejected and counts in its source's own numbers alone",
         "reporte fue rechazado y cuenta solo en las cifras propias de su fuente"),
        ("reports were rejected and count in their sources' own numbers alone",
         "reportes fueron rechazados y cuentan solo en las cifras propias de sus fuentes"),
    ),
}  # fmt: skip
# Phrases before the windows of events other than the counted one.
WINDOW_PHRASES: Mapping[str, tuple[str, str]] = {
    "detained": ("of people detained", "de personas detenidas"),
    "ended": ("ended", "con fin"),
}
# Phrases for the values of a switch. A count of people held may include people under house arrest after a release and
# always includes people detained at home, so neither value of `house_arrest` means "in prison": both are spelled out.
SWITCH_PHRASES: Mapping[str, Mapping[bool, tuple[str, str]]] = {
    "net": {True: ("without those of people detained again", "sin las de personas detenidas de nuevo")},
    "house_arrest": {
        False: ("without those released to house arrest", "sin quienes salieron a arresto domiciliario"),
        True: ("with those released to house arrest", "con quienes salieron a arresto domiciliario"),
    },
}


@dataclass(frozen=True)
class CitationSetting:
    """The context that a citation needs besides the count.

    `sources`: names of the cited sources by slug. `facility`: name of the facility among the terms. Both are the names
    used at the cited revision. `zone`: the registry's time zone, for the hour. `demo`: whether the people are invented;
    every citation of a demonstration must state that."""

    sources: Mapping[str, str] = field(default_factory=dict)
    facility: str | None = None
    zone: tzinfo = UTC
    demo: bool = False


def find_cited_sources(count: Count) -> set[str]:
    """Return the slugs of the sources that the citation of a count names."""
    slugs = {slug for name in SOURCE_TERMS for slug in addresses.get_term_values(count["terms"], name)}
    return slugs.union(_get_verified_by_source(count))


def format_citation_sentence(count: Count, lang: Language, setting: CitationSetting) -> str:
    """Format the citation: revision, count, notes and finally the address."""
    phrases = CitationPhrases(lang, setting)
    registry = f"Recuento ({phrases.translate(*DEMO_NOTICE)})" if setting.demo else "Recuento"
    revision_phrase = phrases.translate("revision", "revisión") + " " + phrases.format_revision(count["at"])
    notes = phrases.list_notes(count)
    return " ".join([f"{registry}, {revision_phrase}: {phrases.format_count(count)}.", *notes, count["links"]["cite"]])


class CitationPhrases:
    """The phrases of a citation in one language."""

    def __init__(self, lang: Language, setting: CitationSetting) -> None:
        self._lang, self._setting, self._formats = lang, setting, get_formats(lang)

    def translate(self, english: str, spanish: str) -> str:
        """Return the text in the language of the citation."""
        return spanish if self._lang == "es" else english

    def format_revision(self, at: RevisionOut) -> str:
        """Format a revision with its time, as in "2096 (23 March 2026, 12:00 in Caracas)"."""
        revision, recorded_at = at["revision"], at["recorded_at"]
        if recorded_at is None:
            return str(revision)
        formatter, zone = self._formats, self._setting.zone
        day, hour = formatter.long_day(formatter.local_day(recorded_at, zone)), formatter.hour(recorded_at, zone)
        return f"{revision} ({day}, {hour} {self.translate('in', 'en')} {formatter.place_of(str(zone))})"

    def format_year(self, recorded_at: str) -> str:
        """Return the year in which a revision was recorded, in the registry's time zone."""
        return self._formats.local_day(recorded_at, self._setting.zone)[:4]

    def format_count(self, count: Count) -> str:
        """Format the number, its noun and scope, and how much of it is verified."""
        total, terms = count["total"], dict(count["terms"])
        if _get_verified_by_source(count):  # the list of sources already shows the grouping
            terms.pop("group_by")
        bound_prefix = self.translate("at least ", "al menos ") if is_lower_bound(count) else ""
        number = total["cases"]
        noun = self.format_noun(count, is_one=number == 1)
        scope = self.format_scope(find_countable_of_path(count["links"]["permalink"]).noun, terms)
        statuses = self._format_statuses(total)
        return f"{bound_prefix}{self._formats.number(number)} {noun}{scope}{statuses}"

    def format_noun(self, count: Count, *, is_one: bool = False) -> str:
        """Return the noun of the count, such as "releases" or "excarcelación anunciada"."""
        names = find_countable_of_path(count["links"]["permalink"]).names
        singular, plural = STAGE_NAMES.get(str(count["terms"].get("stage")), (names[::2], names[1::2]))
        return self.translate(*(singular if is_one else plural))

    def format_scope(self, noun: str, terms: EchoedTerms) -> str:
        """Format the terms of a count of `noun`, as in ` in Venezuela from 8 January 2026 to 13 January 2026 (kind:
        amnesty)` or ` in Venezuela on 13 January 2026 (without those released to house arrest)`."""
        inside = self.translate("in", "en")
        country_phrase = f" {inside} {self._formats.country(str(terms['country']))}" if "country" in terms else ""
        day_phrase = f" {self._format_day(str(terms['held_on']))}" if "held_on" in terms else ""
        event = find_grouped_event(noun, terms.get("stage"))
        windows = {name: self._format_window(terms, name) for name in WINDOW_PHRASES}
        details = [
            self.translate(*options[bool(terms[name])])
            for name, options in SWITCH_PHRASES.items()
            if terms.get(name) in options
        ]
        if "held_within" in terms:
            details.append(self._format_held_within(int(str(terms["held_within"]))))
        details += [
            self.translate(*phrase) + windows[name]
            for name, phrase in WINDOW_PHRASES.items()
            if name != event and windows[name]
        ]
        match = terms.get("verified_by_match", "all")
        details += [
            self._format_term(MATCH_LABELS.get((name, match), TERM_LABELS[name]), name, terms[name])
            for name in terms
            if name in TERM_LABELS
        ]
        window = "" if event is None else self._format_window(terms, event)
        return f"{country_phrase}{day_phrase}{window}" + (f" ({'; '.join(details)})" if details else "")

    def list_notes(self, count: Count) -> list[str]:
        """Return the sentences that qualify the number."""
        by_source, caveats = _get_verified_by_source(count), count["caveats"]
        sentences = [self._format_by_source(by_source, count["total"])] if by_source else []
        if official := count["total"]["official_only"]:
            number = self._formats.number(official)
            sentences.append(
                self.translate(f"Not counted: {number} that only governments assert.",
                               f"Sin contar {number} que solo afirman gobiernos.")
            )  # fmt: skip
        if outside := caveats["outside_held_within"]:
            sentences.append(self._format_outside_held_within(outside))
        if unlinkable := caveats["unlinkable"]:
            sentences.append(self._format_unlinkable(unlinkable))
        sentences += [
            self._format_under_review(reports, name) for name in UNDER_REVIEW_PHRASES if (reports := caveats[name])
        ]
        if hidden_count := caveats["not_visible"]:
            number = self._formats.number(hidden_count)
            sentences.append(
                self.translate(f"Of {number} a value asked about may not be shown.",
                          f"De {number} no puede mostrarse algún dato por el que se pregunta.")
            )  # fmt: skip
        return sentences

    def _format_statuses(self, total: CountTotal) -> str:
        """Format how much is verified, contested and only reported. With the term `source`, by its own word."""
        formatter, number = self._formats, total["cases"]
        suffixes = {name: "" if total[name] == 1 else "s" for name in ("verified", "contested", "reported")}
        kinds = [
            (total["verified"], self.translate("verified", f"verificada{suffixes['verified']}")),
            (total["contested"], self.translate("contested", f"controvertida{suffixes['contested']}")),
            (total["reported"], self.translate("only reported", f"solo reportada{suffixes['reported']}")),
        ]
        nonzero = [(part, words) for part, words in kinds if part]
        if not nonzero:
            return ""
        if len(nonzero) == 1:
            all_prefix = self.translate("all ", "todas ") if number > 1 else ""
            return f", {all_prefix}{nonzero[0][1]}"
        parts = formatter.listed([f"{formatter.number(part)} {words}" for part, words in nonzero])
        return self.translate(", of which ", ", de ellas ") + parts

    def _format_by_source(self, verified_by_source: Mapping[str, int], total: CountTotal) -> str:
        """List the sources by descending number, then by name. A release counts for each source that verified it."""
        names = self._setting.sources
        ranked = [(-number, names.get(slug, slug)) for slug, number in verified_by_source.items()]
        formatter = self._formats
        source_list = formatter.listed(
            [f"{formatter.quote_unless_plain(name)} ({formatter.number(-number)})" for number, name in sorted(ranked)]
        )
        if sum(verified_by_source.values()) <= total["verified"] + total["contested"]:
            return self.translate(f"Verified by source: {source_list}.", f"Verificadas por fuente: {source_list}.")
        return self.translate(f"Verified by source, with overlaps: {source_list}.",
                         f"Verificadas por fuente, con coincidencias: {source_list}.")  # fmt: skip

    def _format_held_within(self, years: int) -> str:
        """Format within how many years a report must show the person inside for the detention to count."""
        if years == 1:
            return self.translate("heard of in the year before", "con noticias en el año anterior")
        return self.translate(f"heard of in the {years} years before", f"con noticias en los {years} años anteriores")

    def _format_outside_held_within(self, number: int) -> str:
        """Disclose how many detentions are left out because no recent report shows the person inside."""
        text = self._formats.number(number)
        return self.translate(
            f"Not counted: {text} more, without an arrest, a sighting or an end in that time.",
            f"No se cuentan {text} más, sin detención, avistamiento ni salida en ese tiempo.",
        )

    def _format_under_review(self, number: int, name: Literal["awaiting_review", "rejected"]) -> str:
        """Disclose the reports that count in their source's own numbers alone."""
        singular, plural = UNDER_REVIEW_PHRASES[name]
        return f"{self._formats.number(number)} {self.translate(*(singular if number == 1 else plural))}."

    def _format_unlinkable(self, number: int) -> str:
        """Disclose people who cannot be linked across sources: each source counts them separately."""
        text = self._formats.number(number)
        if number == 1:
            return self.translate(
                "1 is of somebody who may not be recognised across organisations: the same person can be counted more "
                "than once.",
                "1 es de una persona que no puede reconocerse de una organización a otra: puede contarse "
                "más de una vez.",
            )
        return self.translate(
            f"{text} are of people who may not be recognised across organisations: the same person can be counted more "
            "than once.",
            f"{text} son de personas que no pueden reconocerse de una organización a otra: una misma persona puede "
            "contarse más de una vez.",
        )

    def _format_day(self, day: str) -> str:
        """Format a day, month or year with its preposition."""
        text = self._formats.long_day(day)
        if len(day) == dates.DAY_LENGTH:
            return self.translate(f"on {text}", f"el {text}")
        return self.translate(f"in {text}", f"en {text}")

    def _format_window(self, terms: EchoedTerms, event: str) -> str:
        start, end = (terms.get(f"{event}_{edge}") for edge in ("from", "to"))
        if start and start == end:
            return f" {self._format_day(str(start))}"
        first, last = ("" if day is None else self._format_window_edge(str(day)) for day in (start, end))
        if start and end:
            return self.translate(f" from {first} to {last}", f" desde {first} hasta {last}")
        if start:
            return self.translate(f" since {first}", f" desde {first}")
        return self.translate(f" until {last}", f" hasta {last}") if end else ""

    def _format_window_edge(self, day: str) -> str:
        text = self._formats.long_day(day)
        return self.translate(text, f"el {text}" if len(day) == dates.DAY_LENGTH else text)

    def _format_term(self, label: tuple[str, str], name: str, term: EchoedTerm) -> str:
        """Format a term that narrows a count, as in "gender: female"."""
        texts = [self._format_value(name, value) for value in addresses.list_values(term)]
        return f"{self.translate(*label)}: {self._formats.listed(texts)}"

    def _format_value(self, name: str, value: str | int) -> str:
        if isinstance(value, bool):
            return self.translate(*(("yes", "sí") if value else ("no", "no")))
        text = str(value)
        if name == "group_by":
            return self.translate(*DIMENSIONS[text].label)
        if name in COUNTRY_TERMS:
            return self._formats.country(text)
        if name in TERM_CODE_LISTS:
            return lower_first_letter(find_label(TERM_CODE_LISTS[name], text, self._lang))
        if name == "facility" and self._setting.facility is not None:
            return self._formats.quote_unless_plain(self._setting.facility)
        if name in SOURCE_TERMS:
            return self._formats.quote_unless_plain(self._setting.sources.get(text, text))
        return text if isinstance(value, int) else self._formats.quote(text)  # free text from the address


def is_lower_bound(count: Mapping[str, Any]) -> bool:
    """Return whether hidden values kept a personal filter from matching some people, so that the number is a
    minimum."""
    return bool(count["caveats"]["not_visible"]) and not set(query_terms.PERSONAL_FILTERS).isdisjoint(count["terms"])


def _get_verified_by_source(count: Count) -> dict[str, int]:
    """Return how many releases each source verified, if the count is grouped by source alone."""
    if count["terms"].get("group_by") != ["source"]:
        return {}
    return get_verified_by_source(count["groups"])


def get_verified_by_source(groups: Iterable[CountGroup]) -> dict[str, int]:
    """Return a dict of source → number that it verified, of groups by source alone."""
    return {str(group["by"]["source"]): number for group in groups if (number := group["counts"]["verified"])}


def build_citation(count: Count, setting: CitationSetting) -> CitationOut:
    """Build the texts that cite a count."""
    return {
        "address": count["links"]["cite"],
        "en": format_citation_sentence(count, "en", setting),
        "es": format_citation_sentence(count, "es", setting),
        "bibtex": format_bibtex(count, setting),
    }


# BibTeX counts braces even after a backslash, so they are written as commands.
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


def format_bibtex(count: Count, setting: CitationSetting) -> str:
    """Format a BibTeX entry.

    Its year is the year in which the revision was recorded. Its key ends like the address, so that two counts of one
    revision are two entries."""
    phrases, at, address = CitationPhrases("en", setting), count["at"], count["links"]["cite"]
    scope = phrases.format_scope(find_countable_of_path(count["links"]["permalink"]).noun, count["terms"])
    title = f"{capitalize_first_letter(phrases.format_noun(count))}{scope}".translate(_TEX)
    note = f"Revision {phrases.format_revision(at)}".translate(_TEX)
    lines = [
        f"@misc{{recuento-{at['revision']}-{address[-6:]},",
        "  author = {{Recuento}},",
        f"  title = {{{{{title}}}}},",
        *([f"  year = {{{phrases.format_year(at['recorded_at'])}}},"] if at["recorded_at"] else []),
        f"  note = {{{f'{capitalize_first_letter(DEMO_NOTICE[0])}. {note}' if setting.demo else note}}},",
        f"  howpublished = {{\\url{{{address}}}}},",
        "}",
    ]
    return "\n".join(lines)

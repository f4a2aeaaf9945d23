"""Render pages: static files, translations, number and date formats, and templates.

All files come from this server, with a digest in their names so that browsers can cache them for ever. Pages are
written in English; `locales/<language>/*.po` translate them, one file for each page. A new language is a new folder.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache, cached_property
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, get_args
from unicodedata import normalize

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from fastapi import APIRouter, Request
from fastapi.responses import Response
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from app import vocabulary
from app.api.content_codings import CODINGS, choose_content_coding
from app.api.responses import CACHE_IMMUTABLE
from app.api.table_routes import build_table_address
from app.counts.citation import is_lower_bound
from app.dates import DAY_LENGTH
from app.errors import NotFound
from app.formats import COUNTRIES, ENGLISH, LocaleFormats
from app.moments import format_revision
from app.vocabulary import Language, Qualifier

STATIC_FOLDER = Path(__file__).parent / "static"
ASSETS_PATH = "/static"
MEDIA_TYPES = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}

assets = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """A static file. `encodings`: its bytes by content encoding."""

    address: str
    media: str
    encodings: dict[str | None, bytes]


@cache
def load_assets() -> dict[str, Asset]:
    """Load all files by plain name. The stylesheets of `static/css` are concatenated by name into `pages.css`, for
    one request instead of many."""
    sheets = b"".join(path.read_bytes() for path in sorted((STATIC_FOLDER / "css").glob("*.css")))
    files = {path.name: path.read_bytes() for path in sorted(STATIC_FOLDER.iterdir()) if path.suffix[1:] in MEDIA_TYPES}
    return {name: _build_asset(name, content) for name, content in {**files, "pages.css": sheets}.items()}


def _build_asset(name: str, content: bytes) -> Asset:
    stem, _dot, suffix = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    encodings: dict[str | None, bytes] = {None: content}
    encodings.update((coding, pack(content)) for coding, pack in CODINGS.items())
    return Asset(f"{ASSETS_PATH}/{stem}.{digest}.{suffix}", MEDIA_TYPES[suffix], encodings)


@cache
def _index_assets() -> dict[str, Asset]:
    return {asset.address: asset for asset in load_assets().values()}


def get_asset_address(name: str) -> str:
    """Return the address of a file."""
    return load_assets()[name].address


@assets.get(ASSETS_PATH + "/{name}")
async def read_asset(request: Request, name: str) -> Response:
    """Return a static file."""
    asset = _index_assets().get(f"{ASSETS_PATH}/{name}")
    if asset is None:
        raise NotFound("The pages have no such file.")
    coding = choose_content_coding(request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": CACHE_IMMUTABLE, "Vary": "Accept-Encoding"}
    if coding is not None:
        headers["Content-Encoding"] = coding
    return Response(asset.encodings[coding], media_type=asset.media, headers=headers)


def describe_under_review(numbers: Mapping[str, Any], words: "Catalogue") -> str:
    """Describe how many reports await review or were rejected, of the caveats of a count or of a source's count; empty
    if none."""
    sentences = []
    if awaiting := numbers["awaiting_review"]:
        sentence = words.ngettext(
            "%(number)s report awaits review by a curator: it counts in its source's own numbers alone.",
            "%(number)s reports await review by a curator: they count in their sources' own numbers alone.",
            awaiting,
        )
        sentences.append(sentence % {"number": words.number(awaiting)})
    if rejected := numbers["rejected"]:
        sentence = words.ngettext(
            "%(number)s report was rejected by a curator: it counts in its source's own numbers alone.",
            "%(number)s reports were rejected by a curator: they count in their sources' own numbers alone.",
            rejected,
        )
        sentences.append(sentence % {"number": words.number(rejected)})
    return " ".join(sentences)


LOCALES = Path(__file__).parent / "locales"
LANGUAGES = (ENGLISH, *sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir()))
# Short formats of partial dates, by their length in ISO form.
SHORT_DATE_PATTERNS = {4: "y", 7: "yMMM", 10: "yMMMd"}


class Catalogue(LocaleFormats):
    """The translations and formats of one language."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        super().__init__(language)
        self.translations = translations
        self.gettext, self.ngettext = translations.gettext, translations.ngettext
        self.pgettext = translations.pgettext

    @property
    def direction(self) -> str:
        return self.locale.text_direction

    @property
    def api_language(self) -> Language:
        """The API language for codes and other texts translated by the API."""
        return next((language for language in get_args(Language) if language == self.language), "en")

    def label(self, name: str, code: str) -> str:
        """Return the label of a code of a code list. Raises KeyError for an unknown code."""
        return vocabulary.find_label(name, code, self.api_language)

    @property
    def own_name(self) -> str:
        """The language's name for itself."""
        return (self.locale.get_language_name(self.language) or self.language).capitalize()

    def day(self, text: str) -> str:
        """Format a date with the precision it has, never as its first day: `2026-01` → "ene 2026"."""
        first, interval, last = text.partition("/")
        if interval:
            low, high = (self._with_article(self.day(bound), bound) for bound in (first, last))
            return self.gettext("between %(low)s and %(high)s") % {"low": low, "high": high}
        return self._format_partial_date(SHORT_DATE_PATTERNS, text)

    def day_and_month(self, text: str) -> str:
        """Format a day without its year: "13 de enero"; a coarser date like `day`."""
        whole = len(text) == max(SHORT_DATE_PATTERNS)
        return self._format_skeleton("MMMMd", date.fromisoformat(text)) if whole else self.long_day(text)

    def short_day(self, text: str) -> str:
        """Format a day without its year, abbreviated: "13 ene"; a coarser date like `day`."""
        return self._format_skeleton("MMMd", date.fromisoformat(text)) if len(text) == DAY_LENGTH else self.day(text)

    def day_in_sentence(self, text: str) -> str:
        """Format a day for a sentence, with the article that some languages need: "el 8 de enero de 2026"; months and
        years have none."""
        return self._with_article(self.long_day(text), text)

    def moment(self, text: str, zone: tzinfo) -> str:
        """Format an instant in a time zone: "13 ene 2026, 16:00"."""
        local = datetime.fromisoformat(text).astimezone(zone)
        return self._with_hour(self._format_skeleton("yMMMd", local), local)

    def short_moment(self, text: str, zone: tzinfo) -> str:
        """Format an instant in a time zone without its year: "13 ene, 16:00"."""
        local = datetime.fromisoformat(text).astimezone(zone)
        return self._with_hour(self._format_skeleton("MMMd", local), local)

    def statement_date(self, text: str, zone: tzinfo) -> str:
        """Format when a claim was stated: an instant with its hour, or a partial date."""
        return self.day(text) if "T" not in text else self.moment(text, zone)

    def _with_article(self, formatted: str, text: str) -> str:
        return (
            self.pgettext("a day in a sentence", "%(day)s") % {"day": formatted}
            if len(text) == DAY_LENGTH
            else formatted
        )

    @cached_property
    def countries(self) -> list[tuple[str, str]]:
        """Return all countries as (code, name), sorted by name without regard to accents."""
        return sorted(
            ((code, self.country(code)) for code in COUNTRIES), key=lambda country: normalize("NFD", country[1])
        )

    def _with_hour(self, day: str, local: datetime) -> str:
        return str(self.locale.datetime_formats["medium"]).format(self._format_skeleton("Hm", local), day)


@cache
def load_catalogue(language: str) -> Catalogue:
    """Load the catalogue of a language in `LANGUAGES`."""
    if language == ENGLISH:
        return Catalogue(language, NullTranslations())
    translations, *additions = [_compile_catalogue(path) for path in sorted((LOCALES / language).glob("*.po"))]
    for addition in additions:
        translations.merge(addition)
    return Catalogue(language, translations)


def _compile_catalogue(path: Path) -> Translations:
    with path.open("rb") as file:
        parsed = read_po(file, locale=path.parent.name, abort_invalid=True)
    buffer = BytesIO()
    write_mo(buffer, parsed)
    buffer.seek(0)
    return Translations(buffer)


def format_citation(citation: Mapping[str, str], words: Catalogue) -> str:
    """Format the API's citation sentence, without the address, which is shown next to it."""
    return citation[words.api_language].removesuffix(citation["address"]).rstrip()


def format_claim_figure(claim: Mapping[str, Any], words: Catalogue) -> str:
    """Format a claim's figure as the claimant stated it, not as its stored bound: "more than 400" for a `low` of 401.
    It contains no line breaks."""
    _ = words.gettext
    low, high = claim["low"], claim["high"]
    sentence, numbers = {
        Qualifier.EXACTLY: ("%(low)s", {"low": low}),
        Qualifier.AT_LEAST: (_("at least %(low)s"), {"low": low}),
        Qualifier.MORE_THAN: (_("more than %(low)s"), {"low": low and low - 1}),
        Qualifier.AT_MOST: (_("at most %(high)s"), {"high": high}),
        Qualifier.FEWER_THAN: (_("fewer than %(high)s"), {"high": high and high + 1}),
        Qualifier.ABOUT: (_("about %(low)s"), {"low": low}),
        Qualifier.BETWEEN: (_("between %(low)s and %(high)s"), {"low": low, "high": high}),
        Qualifier.UNQUANTIFIED: (_("no number"), {}),
    }[Qualifier(claim["qualifier"])]
    values = {name: words.number(number) for name, number in numbers.items() if number is not None}
    return (sentence % values if values else sentence).replace(" ", "\N{NO-BREAK SPACE}")


TEMPLATE_FOLDER = Path(__file__).parent / "templates"


class _SharedBytecodeCache(BytecodeCache):
    """A cache of compiled templates, shared by all languages: their bytecode is the same."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_BYTECODE_CACHE = _SharedBytecodeCache()


def render_template(template: str, words: Catalogue, **values: Any) -> str:
    """Render a template in a language."""
    return _build_environment(words.language).get_template(f"{template}.jinja").render(values)


def compile_templates() -> None:
    """Compile every template in every language in advance. Takes half a second of CPU time."""
    for language in LANGUAGES:
        environment = _build_environment(language)
        for name in environment.list_templates():
            environment.get_template(name)


@cache
def _build_environment(language: str) -> Environment:
    words = load_catalogue(language)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,  # a mistyped name raises an error instead of rendering nothing
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_BYTECODE_CACHE,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        words=words,
        is_lower_bound=is_lower_bound,
        asset=get_asset_address,
        languages=[load_catalogue(code) for code in LANGUAGES],
    )
    environment.filters.update(_build_filters(words))
    return environment


def _build_filters(words: Catalogue) -> Mapping[str, Any]:
    def moment(text: str, zone: tzinfo) -> str:
        return words.moment(text, zone)

    def label(code: str, name: str) -> str:
        """Return the label of a code of a code list."""
        return words.label(name, code)

    return {
        "label": label,
        "table_address": build_table_address,
        "figure": lambda claim: format_claim_figure(claim, words),
        "number": words.number,
        "day": words.day,
        "short_day": words.short_day,
        "long_day": words.long_day,
        "moment": moment,
        "short_moment": words.short_moment,
        "statement_date": words.statement_date,
        "local_day": words.local_day,
        "revision_term": format_revision,
        "country": words.country,
        "listed": words.listed,
        "under_review": lambda numbers: describe_under_review(numbers, words),
        "cited_sentence": lambda citation: format_citation(citation, words),
        "px": _format_pixels,
        "instant": _format_html_instant,
    }


def _format_html_instant(text: str) -> str:
    """Format an instant for HTML, which allows milliseconds at most."""
    return re.sub(r"(\.\d{3})\d+", r"\1", text)


def _format_pixels(value: float) -> str:
    """Format a coordinate as short as possible: a tenth of a pixel is invisible."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.0", "0")

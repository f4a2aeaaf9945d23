"""The pages' own files: nothing comes from anywhere else. Each is named by its bytes, so that it is kept for ever.

Numbers that are the least they can be.

The words of a language, with its numbers and dates.

Pages are written in English; `locales/<language>/*.po` translate them, a file for each page. A further language is a
further folder.

The sentence by which a count is cited.

How the figure of a claim is said: as its claimant said it, never as the bound that the registry keeps of it.

The templates, compiled once for each language."""

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
from app.api.responses import CODINGS, PINNED, coding_for
from app.dates import DAY_LENGTH
from app.errors import NotFound
from app.formats import COUNTRIES, ENGLISH, Formats
from app.queries.terms import PERSONAL_FILTERS
from app.vocabulary import Language, Qualifier

STATIC = Path(__file__).parent / "static"
PATH = "/static"
MEDIA = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}

assets = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """A file as it is served. `forms`: its bytes by the coding they are packed in."""

    address: str
    media: str
    forms: dict[str | None, bytes]


@cache
def own_files() -> dict[str, Asset]:
    """Every file by its plain name. The sheets of `static/css` are served as one, `pages.css`, in the order of their
    names: one request instead of one for each."""
    sheets = b"".join(path.read_bytes() for path in sorted((STATIC / "css").glob("*.css")))
    files = {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.suffix[1:] in MEDIA}
    return {name: _asset(name, content) for name, content in {**files, "pages.css": sheets}.items()}


def _asset(name: str, content: bytes) -> Asset:
    stem, _dot, suffix = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    forms: dict[str | None, bytes] = {None: content}
    forms.update((coding, pack(content)) for coding, pack in CODINGS.items())
    return Asset(f"{PATH}/{stem}.{digest}.{suffix}", MEDIA[suffix], forms)


@cache
def _by_address() -> dict[str, Asset]:
    return {asset.address: asset for asset in own_files().values()}


def address_of(name: str) -> str:
    """Where a file is served."""
    return own_files()[name].address


@assets.get(PATH + "/{name}")
async def read_asset(request: Request, name: str) -> Response:
    """A file of the pages."""
    asset = _by_address().get(f"{PATH}/{name}")
    if asset is None:
        raise NotFound("The pages have no such file.")
    coding = coding_for(request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": PINNED, "Vary": "Accept-Encoding"}
    if coding is not None:
        headers["Content-Encoding"] = coding
    return Response(asset.forms[coding], media_type=asset.media, headers=headers)


def is_least(count: Mapping[str, Any]) -> bool:
    """Whether a personal term could not be asked of some people, so that the number is the least it can be."""
    return bool(count.get("not_visible")) and not set(PERSONAL_FILTERS).isdisjoint(count["terms"])


LOCALES = Path(__file__).parent / "locales"
LANGUAGES = (ENGLISH, *sorted(folder.name for folder in LOCALES.iterdir() if folder.is_dir()))
# Which parts of a date of so many characters are told where there is little room.
IN_SHORT = {4: "y", 7: "yMMM", 10: "yMMMd"}


class Catalogue(Formats):
    """One language."""

    def __init__(self, language: str, translations: NullTranslations) -> None:
        super().__init__(language)
        self.translations = translations
        self.gettext, self.ngettext = translations.gettext, translations.ngettext
        self.pgettext = translations.pgettext

    @property
    def direction(self) -> str:
        return self.locale.text_direction

    @property
    def spoken(self) -> Language:
        """The language in which its readers are told codes, and whatever else the API says in its own languages."""
        return next((spoken for spoken in get_args(Language) if spoken == self.language), "en")

    def label(self, name: str, code: str) -> str:
        """What a code of a list of the vocabulary is called. Raises KeyError for one that is not in it."""
        return vocabulary.label(name, code, self.spoken)

    @property
    def own_name(self) -> str:
        """What the language calls itself."""
        return (self.locale.get_language_name(self.language) or self.language).capitalize()

    def day(self, text: str) -> str:
        """A date as it was said: a coarser one is never told as its first day. `2026-01` → "ene 2026"."""
        first, interval, last = text.partition("/")
        if interval:
            low, high = (self._in_sentence(self.day(bound), bound) for bound in (first, last))
            return self.gettext("between %(low)s and %(high)s") % {"low": low, "high": high}
        return self._dated(IN_SHORT, text)

    def day_and_month(self, text: str) -> str:
        """A day in words without its year: "13 de enero"; a coarser date in words."""
        whole = len(text) == max(IN_SHORT)
        return self._formed("MMMMd", date.fromisoformat(text)) if whole else self.long_day(text)

    def short_day(self, text: str) -> str:
        """A day without its year: "13 ene"; a coarser date as `day` tells it."""
        return self._formed("MMMd", date.fromisoformat(text)) if len(text) == DAY_LENGTH else self.day(text)

    def day_in_sentence(self, text: str) -> str:
        """A day in words, with the article that some languages give it: "el 8 de enero de 2026"; a month or a year has
        none."""
        return self._in_sentence(self.long_day(text), text)

    def moment(self, text: str, zone: tzinfo) -> str:
        """An instant in a zone: "13 ene 2026, 16:00"."""
        local = datetime.fromisoformat(text).astimezone(zone)
        return self._with_hour(self._formed("yMMMd", local), local)

    def short_moment(self, text: str, zone: tzinfo) -> str:
        """The same without its year: "13 ene, 16:00"."""
        local = datetime.fromisoformat(text).astimezone(zone)
        return self._with_hour(self._formed("MMMd", local), local)

    def said_at(self, text: str, zone: tzinfo) -> str:
        """When a claim was stated: an instant with its hour, or a date as it was said."""
        return self.day(text) if "T" not in text else self.moment(text, zone)

    def _in_sentence(self, told: str, text: str) -> str:
        return self.pgettext("a day in a sentence", "%(day)s") % {"day": told} if len(text) == DAY_LENGTH else told

    @cached_property
    def countries(self) -> list[tuple[str, str]]:
        """Every country by its code and name, in the order of the names, whatever their accents."""
        return sorted(
            ((code, self.country(code)) for code in COUNTRIES), key=lambda country: normalize("NFD", country[1])
        )

    def _with_hour(self, day: str, local: datetime) -> str:
        return str(self.locale.datetime_formats["medium"]).format(self._formed("Hm", local), day)


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language of `LANGUAGES`."""
    if language == ENGLISH:
        return Catalogue(language, NullTranslations())
    first, *others = [_compiled(path) for path in sorted((LOCALES / language).glob("*.po"))]
    for other in others:
        first.merge(other)
    return Catalogue(language, first)


def _compiled(path: Path) -> Translations:
    with path.open("rb") as file:
        read = read_po(file, locale=path.parent.name, abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, read)
    compiled.seek(0)
    return Translations(compiled)


def sentence_of(citation: Mapping[str, str], words: Catalogue) -> str:
    """The API's sentence in the readers' language, without the address at its end, which stands beside it."""
    return citation[words.spoken].removesuffix(citation["address"]).rstrip()


def figure_of(claim: Mapping[str, Any], words: Catalogue) -> str:
    """ "more than 400" of a claim whose `low` is 401. Its parts do not break at the end of a line."""
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
    told = {name: words.number(number) for name, number in numbers.items() if number is not None}
    return (sentence % told if told else sentence).replace(" ", "\N{NO-BREAK SPACE}")


FOLDER = Path(__file__).parent / "templates"


class _Compiled(BytecodeCache):
    """What templates are compiled to, which is the same in every language: it is made for the first of them alone."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


def rendered(template: str, words: Catalogue, **values: Any) -> str:
    """A template with its values, in the words of a language."""
    return _environment(words.language).get_template(f"{template}.jinja").render(values)


def compile_all() -> None:
    """Compile every template for every language, so that no reader waits for it: half a second of processor."""
    for language in LANGUAGES:
        environment = _environment(language)
        for name in environment.list_templates():
            environment.get_template(name)


@cache
def _environment(language: str) -> Environment:
    words = catalogue(language)
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,  # a name that is mistyped fails, and shows no empty place
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_COMPILED,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    environment.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        words=words, is_least=is_least, asset=address_of, languages=[catalogue(one) for one in LANGUAGES]
    )
    environment.filters.update(_filters(words))
    return environment


def _filters(words: Catalogue) -> Mapping[str, Any]:
    def moment(text: str, zone: tzinfo) -> str:
        return words.moment(text, zone)

    def label(code: str, name: str) -> str:
        """What a code of a list of the vocabulary is called."""
        return words.label(name, code)

    return {
        "label": label,
        "figure": lambda claim: figure_of(claim, words),
        "number": words.number,
        "day": words.day,
        "short_day": words.short_day,
        "long_day": words.long_day,
        "moment": moment,
        "short_moment": words.short_moment,
        "said_at": words.said_at,
        "local_day": words.local_day,
        "country": words.country,
        "listed": words.listed,
        "cited_sentence": lambda citation: sentence_of(citation, words),
        "px": _px,
        "instant": _instant,
    }


def _instant(text: str) -> str:
    """An instant as HTML takes it: of a second no more than thousandths."""
    return re.sub(r"(\.\d{3})\d+", r"\1", text)


def _px(value: float) -> str:
    """A coordinate of a drawing, as short as it can be written: a tenth of a pixel is never seen."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.0", "0")

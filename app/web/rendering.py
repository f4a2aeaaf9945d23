"""The templates, compiled once for each language."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from app.web.assets import address_of
from app.web.catalogue import LANGUAGES, Catalogue, catalogue
from app.web.cited import sentence_of
from app.web.claimed import figure_of
from app.web.least import is_least

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

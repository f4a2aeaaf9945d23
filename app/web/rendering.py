"""The templates, compiled once for each language."""

import re
from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.web.assets import address_of
from app.web.catalogue import LANGUAGES, Catalogue, catalogue
from app.web.cited import sentence_of
from app.web.claimed import figure_of
from app.web.least import is_least

FOLDER = Path(__file__).parent / "templates"


def rendered(template: str, words: Catalogue, **values: Any) -> str:
    """A template with its values, in the words of a language."""
    return _environment(words.language).get_template(f"{template}.jinja").render(values)


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

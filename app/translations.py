"""Translate sentences. English is written where a sentence is used; `locales/<language>/*.po` has the others."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"


class Message(str):
    """A sentence made from a template and values. It keeps both, so that it can be translated.

    Values that are messages are translated too. Other values never are: they may be names or codes.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        message = super().__new__(cls, template.format(**values))
        message.template, message.values = template, values
        return message


def translate(text: str, language: str) -> str:
    """Return a sentence in a language, or as it is where it has no translation."""
    translations = load_translations(language)
    if not isinstance(text, Message):
        return translations.get(text, text)
    values = {
        name: translate(value, language) if isinstance(value, Message) else value for name, value in text.values.items()
    }
    return translations.get(text.template, text.template).format(**values)


@cache
def load_translations(language: str) -> Mapping[str, str]:
    """Load the translations of English sentences; none for English."""
    translations: dict[str, str] = {}
    for path in sorted((LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, abort_invalid=True)
        translations |= {str(message.id): str(message.string) for message in catalogue if message.id and message.string}
    return translations

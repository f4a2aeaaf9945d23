"""What the operator of a registry says about itself: read once from a TOML file, shown on the about page."""

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.vocabulary import Language

MAX_TEXT_LENGTH = 2_000
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
Contact = Annotated[str, Field(pattern=r"^(mailto:[^\s<>\"]+@[^\s<>\"]+|https://[^\s/@<>\"]+(/[^\s<>\"]*)?)$")]


class UnreadableAboutFile(RuntimeError):
    """The about file cannot be read, or lacks something that readers must know."""


class AboutText(BaseModel):
    """A text in one or both languages; a reader sees the other one if theirs is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: Text | None = None
    es: Text | None = None

    @model_validator(mode="after")
    def _require_language(self) -> Self:
        if self.en is None and self.es is None:
            raise ValueError("Write the text in English (en) or in Spanish (es).")
        return self

    def get_text(self, language: Language) -> str:
        texts = (self.en, self.es) if language == "en" else (self.es, self.en)
        return next(text for text in texts if text is not None)


class Licence(BaseModel):
    """The licence of the registry's numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    url: Annotated[str, Field(pattern=r"^https://[^\s<>\"]+$")]


class Operator(BaseModel):
    """Who runs a registry. The optional texts appear on the about page; where one is missing, the page says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Line
    contact: Contact
    licence: Licence
    curators: AboutText | None = None
    conflicts: AboutText | None = None
    funding: AboutText | None = None
    corrections: AboutText | None = None


def load_operator(path: Path) -> Operator:
    """Return the content of an about file. Raise UnreadableAboutFile with the first fault."""
    try:
        return Operator.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableAboutFile(f"RECUENTO_ABOUT_FILE: {path} cannot be read: {error}") from error
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        field = ".".join(map(str, fault["loc"])) or "the file"
        raise UnreadableAboutFile(f"RECUENTO_ABOUT_FILE: {path}: {field}: {fault['msg']}") from error

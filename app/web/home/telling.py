"""How figures, days and sources are said on the first page, by rules that hold for any registry."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from app.vocabulary import Qualifier
from app.web.catalogue import Catalogue
from app.web.claimed import figure_of
from app.web.claims.words import beginnings_of
from app.web.home.gathered import Gathered
from app.web.home.question import Sources
from app.web.home.statements import Statement
from app.web.page import Page

NO_BREAK = "\N{NO-BREAK SPACE}"
LONGEST_NAME = 18  # letters of a name that is written whole in a narrow drawing
LONGEST_SHORT = 8  # letters of a slug that stands for a longer one


def quoted(claim: Mapping[str, Any], words: Catalogue) -> str:
    """A figure as it was said: in quotation marks where it is more than a number."""
    figure = figure_of(claim, words)
    if claim["qualifier"] == Qualifier.EXACTLY:
        return figure
    return words.gettext("“%(figure)s”") % {"figure": figure}


def at_the_start(text: str) -> str:
    """A text as it begins a sentence: its first letter, which may follow a quotation mark, is a capital."""
    place = next((place for place, letter in enumerate(text) if letter.isalnum()), 0)
    return text[:place] + text[place : place + 1].upper() + text[place + 1 :]


def beginnings(statement: Statement, words: Catalogue, *, short: bool = False) -> str:
    """Since when a statement counts, with every beginning that was printed."""
    return beginnings_of(statement.beginnings, words, short=short)


def numbers(given: Iterable[int], words: Catalogue) -> str:
    """Several numbers that do not break at the end of a line: "76, 56 y 53"."""
    return words.listed([words.number(number) for number in given]).replace(" ", NO_BREAK)


def short_name(slug: str, name: str) -> str:
    """A name for where there is little room: a longer one by its slug, if that is one short word."""
    is_short = len(name) <= LONGEST_NAME or len(slug) > LONGEST_SHORT or not slug.isalpha()
    return name if is_short else slug.upper()


def short_names(page: Page, gathered: Gathered) -> str:
    """What the names of the sources that are drawn are where they are written short."""
    names = {group["source"]: page.name_of(group["source"]) for group in gathered.lines}
    told = [f"{short}: {name}." for slug, name in names.items() if (short := short_name(slug, name)) != name]
    return " ".join(told)


def speaker(statement: Statement, country: str | None, sources: Sources) -> str | None:
    """Whose figure it is by name; None for the government of the country itself."""
    source = sources.get(statement.claim["claimant"] or "", {})
    return None if source.get("country") == country else str(source.get("name", statement.claim["claimant"]))


def page_of(page: Page, address: str | None) -> str | None:
    """The page that shows what an address of the API lists or counts."""
    return None if address is None else f"/{page.language}{address.removeprefix('/v1')}"


def filled(sentence: str, values: Mapping[str, Any]) -> Markup:
    """A sentence of the catalogue, which may hold markup of its own, with values that are escaped."""
    return Markup(sentence) % values  # noqa: S704 - the sentence is of this code and its translations


def linked(text: str, address: str | None, name: str, kind: str = "number") -> Markup:
    """A number that leads to what is behind it."""
    if address is None:
        return Markup('<span class="{}">{}</span>').format(kind, text)
    return Markup('<a class="{}" href="{}" aria-label="{}">{}</a>').format(kind, address, name, text)


def named(page: Page, slug: str) -> Markup:
    """A source's name, which may be of any script."""
    return Markup("<bdi>{}</bdi>").format(page.name_of(slug))


def listed(parts: Sequence[Markup], words: Catalogue) -> Markup:
    """Several as one, each escaped."""
    marks = [f"\x00{place}\x00" for place in range(len(parts))]
    text = Markup.escape(words.listed(marks))
    for mark, part in zip(marks, parts, strict=True):
        text = text.replace(mark, part)
    return Markup(text)  # noqa: S704 - of escaped parts

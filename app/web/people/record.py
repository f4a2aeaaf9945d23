"""The page of a person: who it is in a sentence, each fact, and how it came to be known."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.formats import lowered
from app.web.catalogue import Catalogue
from app.web.figure import Figure
from app.web.people.facts import Fact, facts_of_person, facts_of_spell
from app.web.people.known import Step, steps_of
from app.web.people.life import line_of
from app.web.people.sentences import lead_of, title_of
from app.web.people.spells import Spell
from app.web.people.telling import Json, Telling


@dataclass(frozen=True)
class SpellView:
    """A detention on the page. `title`: where there are several."""

    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Record:
    """All that the page of a person shows. `is_unnamed`: the name is not published."""

    title: str
    state: str
    is_unnamed: bool
    lead: Sequence[str]
    life: Figure | None
    facts: Sequence[Fact]
    spells: Sequence[SpellView]
    steps: Sequence[Step]


def record_of(person: Json, spells: Sequence[Spell], versions: Sequence[Json], telling: Telling) -> Record:
    """The view of a person."""
    words = telling.words
    return Record(
        title=title_of(person, telling),
        state=lowered(telling.label("states", person["state"])),
        is_unnamed=person["name"] is None,
        lead=lead_of(person, spells, telling),
        life=line_of(person, spells, telling),
        facts=facts_of_person(person, telling),
        spells=[
            SpellView(
                title=_ordinal(n, words) if len(spells) > 1 else "",
                facts=facts_of_spell(spell, telling),
            )
            for n, spell in enumerate(spells)
        ],
        steps=steps_of(versions, telling),
    )


def _ordinal(place: int, words: Catalogue) -> str:
    _ = words.gettext
    first = (_("First detention"), _("Second detention"), _("Third detention"))
    return first[place] if place < len(first) else _("Detention %(number)s") % {"number": words.number(place + 1)}

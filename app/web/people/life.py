"""What a page asks about one person, and the line of a life as a figure."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import NotFound
from app.web.asking import together
from app.web.charts.life import level, upright
from app.web.figure import Figure, drawing
from app.web.page import Page, no_such_page
from app.web.people.spells import Spell, life_of, spells_of
from app.web.people.telling import Json, Telling, read_facilities

# Spells of one person whose verdicts are shown one by one: more than anybody was ever taken.
MOST_SPELLS = 12
HISTORY = "/history"


async def read_life(page: Page, person_id: uuid.UUID) -> tuple[Json, list[Spell], list[Json], Telling]:
    """A person, the spells in custody, and the versions of the history. Raises Refused."""
    history, facilities = await together(page.api.get(f"/v1/detainees/{person_id}{HISTORY}"), read_facilities(page))
    versions = history["data"]
    if not versions:
        raise no_such_page()
    person = versions[-1]["detainee"]  # as it stands: a person read whole is read once
    spells = spells_of(person, versions[-1]["releases"], await _verdicts(page, person))
    return person, spells, versions, Telling(page, facilities)


async def _verdicts(page: Page, person: Json) -> dict[str, Any]:
    """By the id of a release, else of the detention: each source's standing verdict."""
    asked = {
        detention["release_id"] or detention["id"]: "releases" if detention["release_id"] else "detentions"
        for detention in person["detentions"][-MOST_SPELLS:]
    }
    answers = await together(*(page.api.get(f"/v1/{kind}/{of}/verifications") for of, kind in asked.items()))
    return {of: answer["data"] for of, answer in zip(asked, answers, strict=True)}


async def life_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """The line of the life of the person whose id the terms have."""
    try:
        person_id = uuid.UUID(str(terms.get("person", "")))
    except ValueError:
        raise NotFound("Say whose life: person=<id>.") from None
    person, spells, _versions, telling = await read_life(page, person_id)
    line = line_of(person, spells, telling)
    if line is None:
        raise NotFound("Nobody gives a day of this life.")
    return line


def line_of(person: Json, spells: Sequence[Spell], telling: Telling) -> Figure | None:
    """The line of a life; None where nobody gives a date."""
    _, words = telling.words.gettext, telling.words
    life = life_of(person, spells, telling)
    if life is None:
        return None
    marks = sorted((mark for mark in life.marks if mark.date), key=lambda mark: (mark.first, mark.last))
    finding = "; ".join(f"{mark.date}, {mark.words}" for mark in marks)
    said = {"finding": finding}
    return Figure(
        name="life",
        heading=_("When the person was in prison, and who says so"),
        finding=finding,
        wide=drawing("life", words, drawn=level(life), prefix="life-level", **said),
        narrow=drawing("life_upright", words, drawn=upright(life), prefix="life-upright", **said),
        caption=_(
            "Full: all sources that give a day have the person inside. Hatched: some do and others do not, or the day "
            "is not known. Dots: nobody says."
        ),
        columns=[_("Day"), _("What happened, and who says so")],
        terms={"person": person["id"]},
        of_person=True,
        rows=[(mark.date, mark.whole or mark.words) for mark in marks],
    )

"""Who a person is, and what is known of the last detention, in sentences.

How a person came to be known: what each revision changed of what is shown, and who said it.

What a page asks about one person, and the line of a life as a figure.

The page of a person: who it is in a sentence, each fact, and how it came to be known."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import NotFound
from app.formats import lowered
from app.vocabulary import ReleaseKind, ReleaseStatus, Stage, State, Verdict
from app.web.asking import together
from app.web.charts.timeline import level, upright
from app.web.figure import Figure, drawing
from app.web.page import Page, no_such_page
from app.web.people.facts import Fact, facts_of_person, facts_of_spell, label_of
from app.web.people.spells import (
    Json,
    Spell,
    Telling,
    days_inside,
    finest,
    life_of,
    read_facilities,
    spells_of,
    verdicts_of,
)
from app.web.rendering import Catalogue


def title_of(person: Json, telling: Telling) -> str:
    """The name; without one, what is known instead. No sex is guessed: the words agree with "person"."""
    _, words = telling.words.gettext, telling.words
    if person["name"] is not None:
        return str(person["name"])
    age = person["age"]
    aged = words.ngettext("A person, %(number)s year old", "A person, %(number)s years old", age or 0)
    who = _("A person") if age is None else aged % {"number": words.number(age)}
    abroad = person["nationalities"] or []
    countries = {detention["country"] for detention in person["detentions"]}
    if set(abroad) - countries:  # where somebody is held most are of that country: nobody would say it
        who += _(", with the nationality of %(countries)s") % {"countries": telling.value("nationalities", abroad)}
    places = [
        telling.facility(detention["facility"])
        for detention in person["detentions"]
        if detention["facility"] is not None
    ]
    where = (
        places[-1] if places else next((words.country(country) for country in sorted(filter(None, countries))), None)
    )
    if where is None:
        return who
    there = _(", who was in %(place)s") if places else _(", who was held in %(place)s")
    there = _(", held in %(place)s") if person["state"] == State.HELD else there
    there = there % {"place": where}
    return who + (there.removeprefix(",") if who == _("A person") else there)


def lead_of(person: Json, spells: Sequence[Spell], telling: Telling) -> list[str]:
    """What is known of the last detention, in sentences."""
    _, words = telling.words.gettext, telling.words
    if not spells:
        return []
    spell, told = spells[-1], []
    if len(spells) > 1:
        again = _("The person was detained again: %(number)s detentions are known.")
        told.append(again % {"number": words.number(len(spells))})
    if spell.is_out:
        told += _out(spell, telling)
    elif spell.is_denied:
        told += _denied(spell, telling)
    elif spell.release is not None:
        told += _ordered(spell.release, telling)
    if person["state"] == State.HELD:
        told += _held(spell, telling)
    told += _arrest(spell, telling, again=len(spells) > 1)
    if person["died_on"]:
        told.append(_("The person died %(when)s.") % {"when": telling.when(person["died_on"])})
    return told


def _out(spell: Spell, telling: Telling) -> list[str]:
    """When the person left prison, and who says so."""
    _, release, said = telling.words.gettext, spell.release, finest(spell.releases)
    by = sorted({slug for date in said for slug in date.by})
    home = release is not None and release["kind"] == ReleaseKind.HOUSE_ARREST
    if not said:
        told = [_("The person left prison; no source says on which day.")]
    elif len(said) == 1:
        one, several = _("says that the person left prison %(when)s."), _("say that the person left prison %(when)s.")
        sentence = _say(by, telling, one, several)
        told = [sentence % {"when": telling.when(said[0].text)}]
    else:
        told = [_say(by, telling, "", _("say that the person left prison, and do not agree on the day."))]
    if home:
        told.append(_("The release was into house arrest."))
    if release is not None and release["status"] == ReleaseStatus.REPORTED:
        told.append(_("No independent source verified it."))
    if release is not None and release["status"] == ReleaseStatus.CONTESTED:
        told.append(_("An independent source contests it."))
    return told


def _denied(spell: Spell, telling: Telling) -> list[str]:
    """Who says that the person left prison, and who refutes it."""
    _ = telling.words.gettext
    said = sorted({slug for date in spell.releases for slug in date.by})
    deny = sorted(verdict["source"] for verdict in verdicts_of(spell, Verdict.REFUTED, Verdict.DISPUTED))
    one, several = _("says that the person left prison."), _("say that the person left prison.")
    told = [_say(said, telling, one, several)] if said else []
    return told + ([_say(deny, telling, _("refutes it."), _("refute it."))] if deny else [])


def _ordered(release: Json, telling: Telling) -> list[str]:
    """How far a release got that was not carried out."""
    _ = telling.words.gettext
    if release["stage"] == Stage.ORDERED:
        day, dated, undated = (
            release["ordered_on"],
            _("The release was ordered %(when)s."),
            _("The release was ordered."),
        )
    else:
        day = release["announced_on"]
        dated, undated = _("The release was announced %(when)s."), _("The release was announced.")
    nobody = _("No source says that it was carried out.")
    return [dated % {"when": telling.when(day)} if day else undated, nobody]


def _held(spell: Spell, telling: Telling) -> list[str]:
    """Until when somebody knew the person inside."""
    _, day = telling.words.gettext, spell.detention["held_on"]
    if not day:
        return [_("The person is in prison, as far as is known.")]
    return [_("The person was still inside %(when)s.") % {"when": telling.when(day)}]


def _arrest(spell: Spell, telling: Telling, *, again: bool) -> list[str]:
    """When the person was detained, for the last time if `again`, and for how long."""
    _, words, said = telling.words.gettext, telling.words, finest(spell.arrests)
    if not said:
        return [_("No source says when the person was detained.")]
    days = days_inside(spell)
    told = _("The last time, the person was detained %(when)s.") if again else _("The person was detained %(when)s.")
    told %= {"when": telling.when(said[0].text)}
    if len(said) > 1:
        told = _("The sources do not agree on the day of the arrest.")
    if days is None:
        return [told]
    if days[0] == days[1]:
        spent = words.ngettext("That makes %(days)s day in prison.", "That makes %(days)s days in prison.", days[0])
        return [told, spent % {"days": words.number(days[0])}]
    between = _("That makes between %(low)s and %(high)s days in prison.")
    return [told, between % {"low": words.number(days[0]), "high": words.number(days[1])}]


def _say(slugs: Sequence[str], telling: Telling, one: str, several: str) -> str:
    """ "Foro Penal says …", "Four sources say …"."""
    return f"{telling.sources(slugs, begins=True)} {one if len(slugs) == 1 else several}"


OF_A_PERSON = ("name", "age", "nationalities", "designation", "state")
OF_A_DETENTION = ("detained_on", "facility", "legal_status", "held_on", "transfers")
OF_A_RELEASE = (
    "stage", "announced_on", "ordered_on", "released_on", "kind", "conditions", "destination", "measures_lifted_on",
    "status",
)  # fmt: skip
LABELS = {"name": "full_name"}
CODES = {"state": "states", "stage": "stages", "status": "statuses"}
# What of a person's first version the line of its sources does not tell already.
FIRST = ("detained_on", "released_on", "ordered_on")


@dataclass(frozen=True)
class Statement:
    """Sources that say something from then on, or no longer."""

    sources: str
    words: str


@dataclass(frozen=True)
class Change:
    """A value that was another one before; none where there was none, or is none any more."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Step:
    """What a revision changed. `cause`: why, where no source said it."""

    revision: int
    recorded_at: str
    cause: str
    statements: Sequence[Statement]
    changes: Sequence[Change]


def steps_of(versions: Sequence[Json], telling: Telling) -> list[Step]:
    """The steps by which the versions of a history follow each other."""
    steps: list[Step] = []
    before: Json = {"detainee": {"detentions": []}, "releases": []}
    for version in versions:
        values, known = _values(version), _values(before)
        is_first = not steps
        changed = [
            (name, _told(name, known.get((spell, name)), telling), _told(name, new, telling))
            for (spell, name), new in values.items()
            if known.get((spell, name)) != new and (name in FIRST or not is_first)
        ]
        changes = [
            Change(label_of(LABELS.get(name, name), telling.words), old, new)
            for name, old, new in changed
            if old or new  # an empty list is said by nobody either
        ]
        statements = list(_statements(before, version, telling))
        cause = _cause(version["entry"], telling)
        steps.append(Step(version["revision"], version["recorded_at"], cause, statements, changes))
        before = version
    return steps


def _values(version: Json) -> dict[tuple[int, str], object]:
    """What a version shows, by the place of the spell and the name; of the person as a whole under 0."""
    person = version["detainee"]
    found: dict[tuple[int, str], object] = {(0, name): person.get(name) for name in OF_A_PERSON}
    releases = {release["id"]: release for release in version["releases"]}
    for n, detention in enumerate(person["detentions"], start=1):
        found |= {(n, name): detention.get(name) for name in OF_A_DETENTION}
        release = releases.get(detention["release_id"], {})
        found |= {(n, name): release.get(name) for name in OF_A_RELEASE}
    return found


def _told(name: str, value: object, telling: Telling) -> str | None:
    if value is None or value == []:
        return None
    return telling.label(CODES[name], str(value)) if name in CODES else telling.value(LABELS.get(name, name), value)


def _statements(before: Json, version: Json, telling: Telling) -> Iterator[Statement]:
    """Who verifies and who reports what from this version on, and who no longer does."""
    ngettext = telling.words.ngettext
    earlier, now = _verdicts(before), _verdicts(version)
    for (spell, about, how), sources in now.items():
        began = sources - earlier.get((spell, about, how), set())
        if began:
            yield Statement(telling.words.listed(telling.names(sorted(began))), _says(about, how, len(began), telling))
    for (spell, about, how), sources in earlier.items():
        still = {source for other in ("verified_by", "reported_by") for source in now.get((spell, about, other), set())}
        gone = sources - still if (spell, about, how) in now or not now else set()
        if gone:
            words = ngettext("no longer says so", "no longer say so", len(gone))
            yield Statement(telling.words.listed(telling.names(sorted(gone))), words)


def _says(about: str, how: str, sources: int, telling: Telling) -> str:
    """What so many sources do."""
    ngettext = telling.words.ngettext
    return {
        ("release", "verified_by"): ngettext("verifies the release", "verify the release", sources),
        ("release", "reported_by"): ngettext("reports the release", "report the release", sources),
        ("detention", "verified_by"): ngettext("verifies the detention", "verify the detention", sources),
        ("detention", "reported_by"): ngettext("reports the detention", "report the detention", sources),
    }[about, how]


def _verdicts(version: Json) -> Mapping[tuple[int, str, str], set[str]]:
    """By spell, by what it is about and how: the sources. Of a spell with a release, those of the release."""
    releases = {release["id"]: release for release in version["releases"]}
    found: dict[tuple[int, str, str], set[str]] = {}
    for n, detention in enumerate(version["detainee"]["detentions"], start=1):
        release = releases.get(detention["release_id"])
        about, said = ("release", release) if release and release["stage"] else ("detention", detention)
        for how in ("verified_by", "reported_by"):
            found[n, about, how] = set(said[how])
    return found


def _cause(entry: str, telling: Telling) -> str:
    """Why something changed that no source said just then."""
    _ = telling.words.gettext
    return {
        "identity": _("The curators decided which records are of the same person."),
        "consent": _("What may be published changed."),
        "source": _("A source was registered otherwise."),
        "facility": _("A facility was registered otherwise."),
        "recall": _("Reports were recalled."),
        "redaction": _("Data were erased."),
    }.get(entry, "")


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
    spells = spells_of(person, versions[-1]["releases"], await _verdicts_of_life(page, person))
    return person, spells, versions, Telling(page, facilities)


async def _verdicts_of_life(page: Page, person: Json) -> dict[str, Any]:
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

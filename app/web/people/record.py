"""The page of a person: a lead in sentences, facts, the timeline, and a history of what each revision changed."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.api.routes.records import list_detention_verifications, list_verifications, read_history
from app.errors import NotFound
from app.formats import lower_first_letter
from app.vocabulary import ReleaseKind, ReleaseStatus, Stage, State, Verdict
from app.web.api_client import gather
from app.web.charts.timeline import lay_out_horizontal_timeline, lay_out_vertical_timeline
from app.web.figure import Figure, render_drawing
from app.web.page import Page, no_such_page
from app.web.people.facts import PersonFact, get_fact_label, list_person_facts, list_spell_facts
from app.web.people.spells import (
    Json,
    PersonFormatter,
    Spell,
    build_spells,
    build_timeline,
    count_days_inside,
    drop_coarser_dates,
    fetch_facilities_by_slug,
    select_verdicts,
)
from app.web.rendering import Catalogue


def format_title(person: Json, formatter: PersonFormatter) -> str:
    """Return the name, or a description without one. The description is gender neutral: it agrees with "person"."""
    _, words = formatter.words.gettext, formatter.words
    if person["name"] is not None:
        return str(person["name"])
    age = person["age"]
    age_text = words.ngettext("A person, %(number)s year old", "A person, %(number)s years old", age or 0)
    description = _("A person") if age is None else age_text % {"number": words.number(age)}
    abroad = person["nationalities"] or []
    countries = {detention["country"] for detention in person["detentions"]}
    if set(abroad) - countries:  # omit the nationality of the country of detention
        description += _(", with the nationality of %(countries)s") % {
            "countries": formatter.format_value("nationalities", abroad)
        }
    places = [
        formatter.get_facility_name(detention["facility"])
        for detention in person["detentions"]
        if detention["facility"] is not None
    ]
    place = (
        places[-1] if places else next((words.country(country) for country in sorted(filter(None, countries))), None)
    )
    if place is None:
        return description
    place_text = _(", who was in %(place)s") if places else _(", who was held in %(place)s")
    place_text = _(", held in %(place)s") if person["state"] == State.HELD else place_text
    place_text = place_text % {"place": place}
    return description + (place_text.removeprefix(",") if description == _("A person") else place_text)


def build_lead(person: Json, spells: Sequence[Spell], formatter: PersonFormatter) -> list[str]:
    """Describe the last detention in sentences."""
    _, words = formatter.words.gettext, formatter.words
    if not spells:
        return []
    spell, sentences = spells[-1], []
    if len(spells) > 1:
        repetition = _("The person was detained again: %(number)s detentions are known.")
        sentences.append(repetition % {"number": words.number(len(spells))})
    if spell.is_out:
        sentences += _describe_release(spell, formatter)
    elif spell.is_denied:
        sentences += _describe_denial(spell, formatter)
    elif spell.release is not None:
        sentences += _describe_pending_release(spell.release, formatter)
    if person["state"] == State.HELD:
        sentences += _describe_custody(spell, formatter)
    sentences += _describe_arrest(spell, formatter, is_repeated=len(spells) > 1)
    if person["died_on"]:
        sentences.append(_("The person died %(when)s.") % {"when": formatter.format_date_phrase(person["died_on"])})
    return sentences


def _describe_release(spell: Spell, formatter: PersonFormatter) -> list[str]:
    """State when the person left prison, and who reports it."""
    _, release, release_dates = formatter.words.gettext, spell.release, drop_coarser_dates(spell.release_dates)
    sources = sorted({slug for date in release_dates for slug in date.sources})
    is_house_arrest = release is not None and release["kind"] == ReleaseKind.HOUSE_ARREST
    if not release_dates:
        sentences = [_("The person left prison; no source says on which day.")]
    elif len(release_dates) == 1:
        singular, plural = (
            _("says that the person left prison %(when)s."),
            _("say that the person left prison %(when)s."),
        )
        sentence = _join_sources(sources, formatter, singular, plural)
        sentences = [sentence % {"when": formatter.format_date_phrase(release_dates[0].text)}]
    else:
        sentences = [
            _join_sources(sources, formatter, "", _("say that the person left prison, and do not agree on the day."))
        ]
    if is_house_arrest:
        sentences.append(_("The release was into house arrest."))
    if release is not None and release["status"] in (ReleaseStatus.REPORTED, ReleaseStatus.OFFICIAL_ONLY):
        sentences.append(_("No independent source verified it."))
    if release is not None and release["status"] == ReleaseStatus.CONTESTED:
        sentences.append(_("An independent source contests it."))
    return sentences


def _describe_denial(spell: Spell, formatter: PersonFormatter) -> list[str]:
    """State who reports that the person left prison, and who refutes it."""
    _ = formatter.words.gettext
    reporting = sorted({slug for date in spell.release_dates for slug in date.sources})
    denying = sorted(verdict["source"] for verdict in select_verdicts(spell, Verdict.REFUTED, Verdict.DISPUTED))
    singular, plural = _("says that the person left prison."), _("say that the person left prison.")
    sentences = [_join_sources(reporting, formatter, singular, plural)] if reporting else []
    return sentences + ([_join_sources(denying, formatter, _("refutes it."), _("refute it."))] if denying else [])


def _describe_pending_release(release: Json, formatter: PersonFormatter) -> list[str]:
    """State how far a release got that was not carried out."""
    _ = formatter.words.gettext
    if release["stage"] == Stage.ORDERED:
        day, dated_text, undated_text = (
            release["ordered_on"],
            _("The release was ordered %(when)s."),
            _("The release was ordered."),
        )
    else:
        day = release["announced_on"]
        dated_text, undated_text = _("The release was announced %(when)s."), _("The release was announced.")
    not_carried_out = _("No source says that it was carried out.")
    return [dated_text % {"when": formatter.format_date_phrase(day)} if day else undated_text, not_carried_out]


def _describe_custody(spell: Spell, formatter: PersonFormatter) -> list[str]:
    """State when the person was last known to be in custody."""
    _, day = formatter.words.gettext, spell.detention["held_on"]
    if not day:
        return [_("The person is in prison, as far as is known.")]
    return [_("The person was still inside %(when)s.") % {"when": formatter.format_date_phrase(day)}]


def _describe_arrest(spell: Spell, formatter: PersonFormatter, *, is_repeated: bool) -> list[str]:
    """State when the person was detained and for how long. `is_repeated`: there were earlier detentions."""
    _, words, arrest_dates = formatter.words.gettext, formatter.words, drop_coarser_dates(spell.arrest_dates)
    if not arrest_dates:
        return [_("No source says when the person was detained.")]
    days = count_days_inside(spell)
    sentence = (
        _("The last time, the person was detained %(when)s.") if is_repeated else _("The person was detained %(when)s.")
    )
    sentence %= {"when": formatter.format_date_phrase(arrest_dates[0].text)}
    if len(arrest_dates) > 1:
        sentence = _("The sources do not agree on the day of the arrest.")
    if days is None:
        return [sentence]
    if days[0] == days[1]:
        duration = words.ngettext("That makes %(days)s day in prison.", "That makes %(days)s days in prison.", days[0])
        return [sentence, duration % {"days": words.number(days[0])}]
    duration_range = _("That makes between %(low)s and %(high)s days in prison.")
    return [sentence, duration_range % {"low": words.number(days[0]), "high": words.number(days[1])}]


def _join_sources(slugs: Sequence[str], formatter: PersonFormatter, singular: str, plural: str) -> str:
    """Begin a sentence with sources: "Foro Penal says …", "Four sources say …"."""
    return f"{formatter.format_sources(slugs, is_sentence_start=True)} {singular if len(slugs) == 1 else plural}"


TRACKED_PERSON_FIELDS = ("name", "age", "nationalities", "designation", "state")
TRACKED_DETENTION_FIELDS = ("detained_on", "facility", "legal_status", "held_on", "transfers")
TRACKED_RELEASE_FIELDS = (
    "stage", "announced_on", "ordered_on", "released_on", "kind", "conditions", "destination", "measures_lifted_on",
    "status",
)  # fmt: skip
FIELD_LABELS = {"name": "full_name"}
FIELD_CODE_LISTS = {"state": "states", "stage": "stages", "status": "statuses"}
# Values listed in the first step, because its statements do not include them.
FIRST_VERSION_FIELDS = ("detained_on", "released_on", "ordered_on")

RELATIONS = ("verified_by", "reported_by", "denied_by")  # of a source to a release or a detention


@dataclass(frozen=True)
class SourceStatement:
    """Sources that began or ceased to report something."""

    sources: str
    words: str


@dataclass(frozen=True)
class ValueChange:
    """A changed value. `old_value`, `new_value`: None if there was or is none."""

    name: str
    old_value: str | None
    new_value: str | None


@dataclass(frozen=True)
class HistoryStep:
    """The changes of a revision. `cause`: the reason, if no source's report caused them."""

    revision: int
    recorded_at: str
    cause: str
    statements: Sequence[SourceStatement]
    changes: Sequence[ValueChange]


def build_history_steps(versions: Sequence[Json], formatter: PersonFormatter) -> list[HistoryStep]:
    """Build the steps between the versions of a history."""
    steps: list[HistoryStep] = []
    previous: Json = {"detainee": {"detentions": []}, "releases": []}
    for version in versions:
        values, old_values = _collect_values(version), _collect_values(previous)
        is_first = not steps
        changed_fields = [
            (
                name,
                _format_field_value(name, old_values.get((spell, name)), formatter),
                _format_field_value(name, new, formatter),
            )
            for (spell, name), new in values.items()
            if old_values.get((spell, name)) != new and (name in FIRST_VERSION_FIELDS or not is_first)
        ]
        changes = [
            ValueChange(get_fact_label(FIELD_LABELS.get(name, name), formatter.words), old, new)
            for name, old, new in changed_fields
            if old or new  # an empty list is no value either
        ]
        statements = list(_list_statements(previous, version, formatter))
        cause = _format_cause(version["entry"], formatter)
        steps.append(HistoryStep(version["revision"], version["recorded_at"], cause, statements, changes))
        previous = version
    return steps


def _collect_values(version: Json) -> dict[tuple[int, str], object]:
    """Return the values that a version shows, by (spell, name); spell 0 is the person."""
    person = version["detainee"]
    values: dict[tuple[int, str], object] = {(0, name): person.get(name) for name in TRACKED_PERSON_FIELDS}
    releases = {release["id"]: release for release in version["releases"]}
    for n, detention in enumerate(person["detentions"], start=1):
        values |= {(n, name): detention.get(name) for name in TRACKED_DETENTION_FIELDS}
        release = releases.get(detention["release_id"], {})
        values |= {(n, name): release.get(name) for name in TRACKED_RELEASE_FIELDS}
    return values


def _format_field_value(name: str, value: object, formatter: PersonFormatter) -> str | None:
    if value is None or value == []:
        return None
    return (
        formatter.label(FIELD_CODE_LISTS[name], str(value))
        if name in FIELD_CODE_LISTS
        else formatter.format_value(FIELD_LABELS.get(name, name), value)
    )


def _list_statements(previous: Json, version: Json, formatter: PersonFormatter) -> Iterator[SourceStatement]:
    """Yield which sources began or ceased to verify, report or deny something in this version."""
    ngettext = formatter.words.ngettext
    earlier, current = _collect_sources(previous), _collect_sources(version)
    for (spell, subject, relation), sources in current.items():
        new_sources = sources - earlier.get((spell, subject, relation), set())
        if new_sources:
            yield SourceStatement(
                formatter.words.listed(formatter.list_source_names(sorted(new_sources))),
                _format_statement(subject, relation, len(new_sources), formatter),
            )
    for (spell, subject, relation), sources in earlier.items():
        remaining_sources = {
            source for other_relation in RELATIONS for source in current.get((spell, subject, other_relation), set())
        }
        former_sources = sources - remaining_sources if (spell, subject, relation) in current or not current else set()
        if former_sources:
            words = ngettext("no longer says so", "no longer say so", len(former_sources))
            yield SourceStatement(formatter.words.listed(formatter.list_source_names(sorted(former_sources))), words)


def _format_statement(subject: str, relation: str, sources: int, formatter: PersonFormatter) -> str:
    """State what a number of sources do."""
    ngettext = formatter.words.ngettext
    return {
        ("release", "verified_by"): ngettext("verifies the release", "verify the release", sources),
        ("release", "reported_by"): ngettext("reports the release", "report the release", sources),
        ("release", "denied_by"): ngettext("denies the release", "deny the release", sources),
        ("detention", "verified_by"): ngettext("verifies the detention", "verify the detention", sources),
        ("detention", "reported_by"): ngettext("reports the detention", "report the detention", sources),
    }[subject, relation]


def _collect_sources(version: Json) -> Mapping[tuple[int, str, str], set[str]]:
    """Return sources by (spell, subject, relation). A spell with a release has the release's sources."""
    releases = {release["id"]: release for release in version["releases"]}
    sources_by_subject: dict[tuple[int, str, str], set[str]] = {}
    for n, detention in enumerate(version["detainee"]["detentions"], start=1):
        release = releases.get(detention["release_id"])
        subject, record = ("release", release) if release and release["stage"] else ("detention", detention)
        for relation in RELATIONS:
            sources_by_subject[n, subject, relation] = set(record.get(relation, ()))
    return sources_by_subject


def _format_cause(entry: str, formatter: PersonFormatter) -> str:
    """Explain a change that no source's report caused."""
    _ = formatter.words.gettext
    return {
        "identity": _("The curators decided which records are of the same person."),
        "consent": _("What may be published changed."),
        "source": _("A source was registered otherwise."),
        "facility": _("A facility was registered otherwise."),
        "recall": _("Reports were recalled."),
        "redaction": _("Data were erased."),
    }.get(entry, "")


# Spells of one person with verdicts: nobody has been detained more often.
MAX_SPELLS = 12


async def fetch_person_history(
    page: Page, person_id: uuid.UUID
) -> tuple[Json, list[Spell], list[Json], PersonFormatter]:
    """Fetch a person, the spells in custody, and the versions of the history. Raises Problem."""
    history, facilities = await gather(
        page.api.read(read_history, detainee_id=person_id), fetch_facilities_by_slug(page)
    )
    versions = history["data"]
    if not versions:
        raise no_such_page()
    person = versions[-1]["detainee"]  # the last version is the current record, so it is fetched once
    spells = build_spells(person, versions[-1]["releases"], await _fetch_verdicts(page, person))
    return person, spells, versions, PersonFormatter(page, facilities)


async def _fetch_verdicts(page: Page, person: Json) -> dict[str, Any]:
    """Return each source's current verdict, by the id of the release, or of the detention without one."""
    questions = {
        detention["release_id"] or detention["id"]: page.api.read(
            list_verifications, release_id=detention["release_id"]
        )
        if detention["release_id"]
        else page.api.read(list_detention_verifications, detention_id=detention["id"])
        for detention in person["detentions"][-MAX_SPELLS:]
    }
    answers = await gather(*questions.values())
    return {record_id: answer["data"] for record_id, answer in zip(questions, answers, strict=True)}


async def build_life_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """Build the timeline of the person with the id in the terms."""
    try:
        person_id = uuid.UUID(str(terms.get("person", "")))
    except ValueError:
        raise NotFound("Say whose life: person=<id>.") from None
    person, spells, _versions, formatter = await fetch_person_history(page, person_id)
    line = draw_life(person, spells, formatter)
    if line is None:
        raise NotFound("Nobody gives a day of this life.")
    return line


def draw_life(person: Json, spells: Sequence[Spell], formatter: PersonFormatter) -> Figure | None:
    """Build the timeline; None if there are no dates."""
    _, words = formatter.words.gettext, formatter.words
    timeline = build_timeline(person, spells, formatter)
    if timeline is None:
        return None
    marks = sorted((mark for mark in timeline.marks if mark.date), key=lambda mark: (mark.first, mark.last))
    finding = "; ".join(f"{mark.date}, {mark.words}" for mark in marks)
    values = {"finding": finding}
    return Figure(
        name="life",
        heading=_("When the person was in prison, and who says so"),
        finding=finding,
        wide=render_drawing("life", words, drawn=lay_out_horizontal_timeline(timeline), prefix="life-level", **values),
        narrow=render_drawing(
            "life_upright", words, drawn=lay_out_vertical_timeline(timeline), prefix="life-upright", **values
        ),
        caption=_(
            "Full: all sources that give a day have the person inside. Hatched: some do and others do not, or the day "
            "is not known. Dots: nobody says."
        ),
        columns=[_("Day"), _("What happened, and who says so")],
        terms={"person": str(person["id"])},
        is_personal=True,
        rows=[(mark.date, mark.full_words or mark.words) for mark in marks],
    )


@dataclass(frozen=True)
class SpellView:
    """A detention on the page. `title`: empty if there is only one."""

    title: str
    facts: Sequence[PersonFact]


@dataclass(frozen=True)
class PersonRecord:
    """Everything on the page of a person. `is_unnamed`: the name is not published."""

    title: str
    state: str
    is_unnamed: bool
    lead: Sequence[str]
    timeline: Figure | None
    facts: Sequence[PersonFact]
    spells: Sequence[SpellView]
    steps: Sequence[HistoryStep]


def build_person_record(
    person: Json, spells: Sequence[Spell], versions: Sequence[Json], formatter: PersonFormatter
) -> PersonRecord:
    """Build the view of a person."""
    words = formatter.words
    return PersonRecord(
        title=format_title(person, formatter),
        state=lower_first_letter(formatter.label("states", person["state"])),
        is_unnamed=person["name"] is None,
        lead=build_lead(person, spells, formatter),
        timeline=draw_life(person, spells, formatter),
        facts=list_person_facts(person, formatter),
        spells=[
            SpellView(
                title=_format_ordinal(n, words) if len(spells) > 1 else "",
                facts=list_spell_facts(spell, formatter),
            )
            for n, spell in enumerate(spells)
        ],
        steps=build_history_steps(versions, formatter),
    )


def _format_ordinal(index: int, words: Catalogue) -> str:
    _ = words.gettext
    ordinals = (_("First detention"), _("Second detention"), _("Third detention"))
    return ordinals[index] if index < len(ordinals) else _("Detention %(number)s") % {"number": words.number(index + 1)}

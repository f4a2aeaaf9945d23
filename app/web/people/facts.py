"""List the facts of a person, each value with its sources; the shown value first, conflicting ones after it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.vocabulary import Method, Publish, ReleaseKind, Stage, Verdict
from app.web.people.spells import Json, PersonFormatter, Spell, list_stated_dates
from app.web.rendering import Catalogue

# Order of facts. Names come before them.
PERSON_FACTS = (
    "aliases",
    "age",
    "birth_year",
    "nationalities",
    "gender",
    "category",
    "groups",
    "designation",
    "died_on",
)
BIRTH_FACTS = ("age", "birth_year")
DETENTION_FACTS = ("detained_on", "facility", "facility_as_said", "legal_status", "held_on", "transfers")
RELEASE_FACTS = ("announced_on", "ordered_on", "kind", "conditions", "destination", "measures_lifted_on")
STAGE_DATES = {Stage.ANNOUNCED: "announced_on", Stage.ORDERED: "ordered_on", Stage.CARRIED_OUT: "released_on"}
SAFE_SCHEMES = ("https://", "http://")  # of evidence; other schemes are not linked


@dataclass(frozen=True)
class SourcedValue:
    """A value with its sources. `is_shown`: the registry shows this value; `source`: whose tag is displayed;
    `remark`: whether it counts; `evidence`: addresses published by the source."""

    value: str
    attribution: str
    is_shown: bool = False
    source: Json | None = None
    remark: str = ""
    evidence: Sequence[str] = ()


@dataclass(frozen=True)
class PersonFact:
    name: str
    values: Sequence[SourcedValue]
    remarks: Sequence[str] = ()


def list_person_facts(person: Json, formatter: PersonFormatter) -> list[PersonFact]:
    """Return the facts about the person."""
    _, facts = formatter.words.gettext, person["facts"]
    name_fact = PersonFact(_("Name"), [SourcedValue(_("Not published"), "", is_shown=True)])
    if person["publish"] == Publish.NAMED and "full_name" in facts:
        name_fact = _build_fact("full_name", facts["full_name"], formatter)
    elif person["name"] is not None:
        name_fact = PersonFact(_("Name"), [SourcedValue(person["name"], "", is_shown=True)])
    shown_facts = {name: facts[name] for name in PERSON_FACTS if name in facts}
    if person["birth_year"] and "birth_year" not in shown_facts:
        shown_facts["birth_year"] = {"value": person["birth_year"], "said": []}
    return [
        name_fact,
        *(_build_fact(name, shown_facts[name], formatter) for name in PERSON_FACTS if name in shown_facts),
    ]


def list_spell_facts(spell: Spell, formatter: PersonFormatter) -> list[PersonFact]:
    """Return the facts about a detention and its release."""
    _, facts = formatter.words.gettext, spell.detention["facts"]
    spell_facts = [
        _add_area_remark(_build_fact(name, facts[name], formatter), facts, formatter)
        if name == "facility"
        else _build_fact(name, facts[name], formatter)
        for name in DETENTION_FACTS
        if name in facts
    ]
    if "detained_on" not in facts:
        missing_date = SourcedValue(_("No day"), _("no source says it"), is_shown=True)
        spell_facts.insert(0, PersonFact(get_fact_label("detained_on", formatter.words), [missing_date]))
    ending = spell.detention["ended"]
    if ending:
        parts = [
            formatter.label("ended", ending["how"]) if ending["how"] else "",
            _format_optional_day(ending["on"], formatter),
        ]
        spell_facts.append(
            PersonFact(_("How it ended"), [SourcedValue(", ".join(part for part in parts if part), "", is_shown=True)])
        )
    if "denies" in facts:
        denials = [
            SourcedValue(
                formatter.label("denies", statement["value"]), "; ".join(formatter.list_source_names(statement["by"]))
            )
            for statement in facts["denies"]["said"]
        ]
        spell_facts.append(PersonFact(_("Denied details"), denials, [_("No number counts this as a denial.")]))
    return spell_facts + (_list_release_facts(spell, spell.release, formatter) if spell.release else [])


def _list_release_facts(spell: Spell, release: Json, formatter: PersonFormatter) -> list[PersonFact]:
    """Return the verdicts on a release, and its circumstances."""
    _, facts = formatter.words.gettext, release["facts"]
    release_facts = [
        PersonFact(
            _("Release"),
            [_build_verdict_value(verdict, release, formatter) for verdict in _sort_verdicts(spell.verdicts)],
        )
    ]
    for name in RELEASE_FACTS:
        if name in facts:
            release_facts.append(_build_fact(name, facts[name], formatter))
        elif name == "kind" and release["kind"] == ReleaseKind.UNSPECIFIED and spell.is_out:
            unspecified = SourcedValue(
                formatter.label("release_kinds", ReleaseKind.UNSPECIFIED), _("no source says it"), True
            )
            release_facts.append(PersonFact(get_fact_label("kind", formatter.words), [unspecified]))
    return release_facts


def _sort_verdicts(verdicts: Sequence[Json]) -> list[Json]:
    """Sort verdicts: verifying ones first, among them independent ones."""
    order = [Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED]
    return sorted(
        verdicts,
        key=lambda verdict: (order.index(Verdict(verdict["verdict"])), not verdict["independent"], verdict["source"]),
    )


def _build_fact(name: str, fact: Json, formatter: PersonFormatter) -> PersonFact:
    """Build a fact with all its values."""
    _, shown_value = formatter.words.gettext, fact["value"]
    values = [
        SourcedValue(
            formatter.format_value(name, statement["value"]),
            "; ".join(formatter.list_source_names(statement["by"])),
            is_shown=_is_same_value(statement["value"], shown_value),
        )
        for statement in fact["said"]
    ]
    remarks = []
    if not values:
        reason = _("follows from a date that is not shown") if name in BIRTH_FACTS else _("the registry derives it")
        values = [SourcedValue(formatter.format_value(name, shown_value), reason, is_shown=True)]
    elif shown_value is not None and not any(item.is_shown for item in values):
        values = [
            SourcedValue(formatter.format_value(name, shown_value), _("what the sources say together"), is_shown=True),
            *values,
        ]
    elif shown_value is None:
        remarks.append(_("As many say one as the other: the registry chooses none."))
    if (
        name == "detained_on"
        and "/" in str(shown_value)
        and all(shown_value != statement["value"] for statement in fact["said"])
    ):
        remarks.append(_("The days contradict each other: the registry chooses none, and takes all days between them."))
    if name == "detained_on":
        values = [_add_coarser_remark(item, formatter) for item in _mark_coarser_values(values, fact)]
    return PersonFact(get_fact_label(name, formatter.words), values, remarks)


def _is_same_value(value: object, other: object) -> bool:
    """Return whether two values are equal; lists are compared without order."""
    if isinstance(value, list) and isinstance(other, list):
        return sorted(map(str, value)) == sorted(map(str, other))
    return value == other


def _mark_coarser_values(sourced_values: Sequence[SourcedValue], fact: Json) -> list[tuple[SourcedValue, bool]]:
    """Pair each value with whether another one is the same at higher precision."""
    stated_dates = list_stated_dates({"of": fact}, "of")
    coarse_texts = {date.text for date in stated_dates if any(date.contains(other) for other in stated_dates)}
    values = [None] * (len(sourced_values) - len(fact["said"])) + [statement["value"] for statement in fact["said"]]
    return [(item, value in coarse_texts) for item, value in zip(sourced_values, values, strict=True)]


def _add_coarser_remark(pair: tuple[SourcedValue, bool], formatter: PersonFormatter) -> SourcedValue:
    item, is_coarser = pair
    if not is_coarser:
        return item
    return SourcedValue(
        item.value, item.attribution, item.is_shown, remark=formatter.words.gettext("agrees with a finer one")
    )


def _build_verdict_value(verdict: Json, release: Json, formatter: PersonFormatter) -> SourcedValue:
    """Format one source's verdict on a release, and how the source knows."""
    _, stage = formatter.words.gettext, verdict["stage"] or release["stage"]
    own_day = verdict.get(STAGE_DATES[Stage(stage)])
    day = formatter.words.day(own_day) if own_day else _("no day")
    if stage != Stage.CARRIED_OUT:
        day = f"{formatter.label('stages', stage)}, {day}"
    name = formatter.page.get_source_name(verdict["source"])
    method = format_method(verdict["method"], formatter.words)
    attribution = {
        Verdict.VERIFIED: _("%(source)s, %(method)s") if method else _("%(source)s verified it"),
        Verdict.REPORTED: _("%(source)s reports it, %(method)s") if method else _("%(source)s reports it"),
        Verdict.DISPUTED: _("%(source)s disputes it"),
        Verdict.REFUTED: _("%(source)s refutes it"),
        Verdict.RETRACTED: _("%(source)s took it back"),
    }[Verdict(verdict["verdict"])] % {"source": name, "method": method}
    is_verified = verdict["verdict"] == Verdict.VERIFIED
    source = formatter.page.sources.get(verdict["source"])
    is_dependent = is_verified and not verdict["independent"]
    remark = _("does not count as independent") if is_dependent else ""
    if verdict["citing"]:
        cited_names = formatter.words.listed(formatter.list_source_names(verdict["citing"]))
        remark = "; ".join(part for part in (_("citing %(sources)s") % {"sources": cited_names}, remark) if part)
    is_denial = verdict["verdict"] in (Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)
    return SourcedValue(
        value="" if is_denial and not own_day else day,
        attribution=attribution,
        is_shown=is_verified and verdict["independent"],
        source=source,
        remark=remark,
        evidence=[
            piece["url"] for piece in verdict["evidence"] or () if str(piece.get("url", "")).startswith(SAFE_SCHEMES)
        ],
    )


def _add_area_remark(fact: PersonFact, facts: Json, formatter: PersonFormatter) -> PersonFact:
    """Add the area to a facility, if only the registry knows it."""
    area = facts.get("area", {"value": None, "said": []})
    if area["value"] is None or area["said"]:
        return fact
    remark = formatter.words.gettext("%(area)s: the registry derives it from the facility; no source says so.")
    return PersonFact(fact.name, fact.values, [*fact.remarks, remark % {"area": area["value"]}])


def _format_optional_day(text: str | None, formatter: PersonFormatter) -> str:
    return formatter.words.day(text) if text else ""


def get_fact_label(name: str, words: Catalogue) -> str:
    """Return the label of a fact."""
    _ = words.gettext
    return {
        "full_name": _("Name"), "aliases": _("Also written"), "age": _("Age"), "birth_year": _("Year of birth"),
        "nationalities": _("Nationalities"), "gender": _("Gender"), "category": _("Category"), "groups": _("Groups"),
        "designation": _("Designation"), "died_on": _("Death"), "detained_on": _("Detention"),
        "facility": _("Facility"), "facility_as_said": _("Facility, as said"), "legal_status": _("Legal status"),
        "held_on": _("Last known inside"), "transfers": _("Transfers"), "kind": _("Kind of release"),
        "conditions": _("Conditions"), "destination": _("Destination"), "measures_lifted_on": _("Measures lifted"),
        "released_on": _("Left prison"), "ordered_on": _("Release ordered"), "announced_on": _("Release announced"),
        "state": _("State"), "status": _("Status of the release"), "stage": _("Stage of the release"),
    }[name]  # fmt: skip


def format_method(method: str | None, words: Catalogue) -> str:
    """Format how a source learned of a release, as part of a sentence."""
    _ = words.gettext
    if method is None:
        return ""
    return {
        Method.FAMILY: _("through the family"), Method.LAWYER: _("through the defence"),
        Method.DETAINEE: _("through the person"), Method.AT_THE_GATE: _("at the prison gate"),
        Method.RELEASE_ORDER: _("through the release order"), Method.COURT_RECORD: _("through the court record"),
        Method.OFFICIAL_LIST: _("through an official list"),
        Method.OFFICIAL_STATEMENT: _("through an official statement"),
        Method.DIPLOMATIC: _("through diplomatic channels"),
        Method.OTHER_ORGANISATION: _("through another organisation"), Method.PRESS: _("through the press"),
        Method.PHOTO_VIDEO: _("through photo or video"),
        Method.FELLOW_PRISONER: _("through a fellow prisoner"),
    }[Method(method)]  # fmt: skip

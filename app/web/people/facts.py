"""Each fact of a person with the sources that say it: the value that is shown stands out, others beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.vocabulary import Method, Publish, ReleaseKind, Stage, Verdict
from app.web.people.spells import Json, Spell, Telling, said_of
from app.web.rendering import Catalogue

# In which order facts are told. What a person is called goes before.
OF_A_PERSON = (
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
OF_A_BIRTH = ("age", "birth_year")
OF_A_DETENTION = ("detained_on", "facility", "facility_as_said", "legal_status", "held_on", "transfers")
OF_A_RELEASE = ("announced_on", "ordered_on", "kind", "conditions", "destination", "measures_lifted_on")
DAY_OF = {Stage.ANNOUNCED: "announced_on", Stage.ORDERED: "ordered_on", Stage.CARRIED_OUT: "released_on"}
SAFE = ("https://", "http://")  # of evidence: anything else is no address of a page


@dataclass(frozen=True)
class Saying:
    """A value, and who says it. `is_shown`: it is the one that the registry shows. `source`: whose tag stands beside
    it; `remark`: whether it counts. `evidence`: addresses of what the source published."""

    value: str
    by: str
    is_shown: bool = False
    source: Json | None = None
    remark: str = ""
    evidence: Sequence[str] = ()


@dataclass(frozen=True)
class Fact:
    name: str
    sayings: Sequence[Saying]
    remarks: Sequence[str] = ()


def facts_of_person(person: Json, telling: Telling) -> list[Fact]:
    """What is said of the person."""
    _, facts = telling.words.gettext, person["facts"]
    named = Fact(_("Name"), [Saying(_("Not published"), "", is_shown=True)])
    if person["publish"] == Publish.NAMED and "full_name" in facts:
        named = _fact("full_name", facts["full_name"], telling)
    elif person["name"] is not None:
        named = Fact(_("Name"), [Saying(person["name"], "", is_shown=True)])
    shown = {name: facts[name] for name in OF_A_PERSON if name in facts}
    if person["birth_year"] and "birth_year" not in shown:
        shown["birth_year"] = {"value": person["birth_year"], "said": []}
    return [named, *(_fact(name, shown[name], telling) for name in OF_A_PERSON if name in shown)]


def facts_of_spell(spell: Spell, telling: Telling) -> list[Fact]:
    """What is said of a detention, and of its release."""
    _, facts = telling.words.gettext, spell.detention["facts"]
    told = [
        _with_area(_fact(name, facts[name], telling), facts, telling)
        if name == "facility"
        else _fact(name, facts[name], telling)
        for name in OF_A_DETENTION
        if name in facts
    ]
    if "detained_on" not in facts:
        undated = Saying(_("No day"), _("no source says it"), is_shown=True)
        told.insert(0, Fact(label_of("detained_on", telling.words), [undated]))
    ended = spell.detention["ended"]
    if ended:
        parts = [telling.label("ended", ended["how"]) if ended["how"] else "", _day(ended["on"], telling)]
        told.append(Fact(_("How it ended"), [Saying(", ".join(part for part in parts if part), "", is_shown=True)]))
    return told + (_of_release(spell, spell.release, telling) if spell.release else [])


def _of_release(spell: Spell, release: Json, telling: Telling) -> list[Fact]:
    """The verdicts on a release, and what it was."""
    _, facts = telling.words.gettext, release["facts"]
    told = [Fact(_("Release"), [_verdict(one, release, telling) for one in _ordered(spell.verdicts)])]
    for name in OF_A_RELEASE:
        if name in facts:
            told.append(_fact(name, facts[name], telling))
        elif name == "kind" and release["kind"] == ReleaseKind.UNSPECIFIED and spell.is_out:
            nobody = Saying(telling.label("release_kinds", ReleaseKind.UNSPECIFIED), _("no source says it"), True)
            told.append(Fact(label_of("kind", telling.words), [nobody]))
    return told


def _ordered(verdicts: Sequence[Json]) -> list[Json]:
    """Those that verify first, of them the independent ones."""
    order = [Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED]
    return sorted(
        verdicts,
        key=lambda verdict: (order.index(Verdict(verdict["verdict"])), not verdict["independent"], verdict["source"]),
    )


def _fact(name: str, fact: Json, telling: Telling) -> Fact:
    """A fact with all that is said of it."""
    _, shown = telling.words.gettext, fact["value"]
    said = [
        Saying(
            telling.value(name, statement["value"]),
            "; ".join(telling.names(statement["by"])),
            is_shown=_same(statement["value"], shown),
        )
        for statement in fact["said"]
    ]
    remarks = []
    if not said:
        why = _("follows from a date that is not shown") if name in OF_A_BIRTH else _("the registry derives it")
        said = [Saying(telling.value(name, shown), why, is_shown=True)]
    elif shown is not None and not any(saying.is_shown for saying in said):
        said = [Saying(telling.value(name, shown), _("what the sources say together"), is_shown=True), *said]
    elif shown is None:
        remarks.append(_("As many say one as the other: the registry chooses none."))
    if name == "detained_on" and "/" in str(shown) and all(shown != statement["value"] for statement in fact["said"]):
        remarks.append(_("The days contradict each other: the registry chooses none, and takes all days between them."))
    if name == "detained_on":
        said = [_coarser(saying, telling) for saying in _with_days(said, fact)]
    return Fact(label_of(name, telling.words), said, remarks)


def _same(value: object, other: object) -> bool:
    """Whether two values are the same; of several in one it does not matter in which order they were said."""
    if isinstance(value, list) and isinstance(other, list):
        return sorted(map(str, value)) == sorted(map(str, other))
    return value == other


def _with_days(said: Sequence[Saying], fact: Json) -> list[tuple[Saying, bool]]:
    """Each with whether another one says the same more finely."""
    dates = said_of({"of": fact}, "of")
    coarse = {date.text for date in dates if any(date.holds(other) for other in dates)}
    values = [None] * (len(said) - len(fact["said"])) + [statement["value"] for statement in fact["said"]]
    return [(saying, value in coarse) for saying, value in zip(said, values, strict=True)]


def _coarser(pair: tuple[Saying, bool], telling: Telling) -> Saying:
    said, is_coarser = pair
    if not is_coarser:
        return said
    return Saying(said.value, said.by, said.is_shown, remark=telling.words.gettext("agrees with a finer one"))


def _verdict(verdict: Json, release: Json, telling: Telling) -> Saying:
    """What one source says of a release, and how it knows."""
    _, stage = telling.words.gettext, verdict["stage"] or release["stage"]
    own = verdict.get(DAY_OF[Stage(stage)])
    day = telling.words.day(own) if own else _("no day")
    if stage != Stage.CARRIED_OUT:
        day = f"{telling.label('stages', stage)}, {day}"
    name = telling.page.name_of(verdict["source"])
    how = method_of(verdict["method"], telling.words)
    told = {
        Verdict.VERIFIED: _("%(source)s, %(method)s") if how else _("%(source)s verified it"),
        Verdict.REPORTED: _("%(source)s reports it, %(method)s") if how else _("%(source)s reports it"),
        Verdict.DISPUTED: _("%(source)s disputes it"),
        Verdict.REFUTED: _("%(source)s refutes it"),
        Verdict.RETRACTED: _("%(source)s took it back"),
    }[Verdict(verdict["verdict"])] % {"source": name, "method": how}
    is_verified = verdict["verdict"] == Verdict.VERIFIED
    source = telling.page.sources.get(verdict["source"])
    dependent = is_verified and not verdict["independent"]
    remark = _("does not count as independent") if dependent else ""
    if verdict["citing"]:
        cited = telling.words.listed(telling.names(verdict["citing"]))
        remark = "; ".join(part for part in (_("citing %(sources)s") % {"sources": cited}, remark) if part)
    denies = verdict["verdict"] in (Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)
    return Saying(
        value="" if denies and not own else day,
        by=told,
        is_shown=is_verified and verdict["independent"],
        source=source,
        remark=remark,
        evidence=[piece["url"] for piece in verdict["evidence"] or () if str(piece.get("url", "")).startswith(SAFE)],
    )


def _with_area(told: Fact, facts: Json, telling: Telling) -> Fact:
    """A place with its area, where nobody but the registry says that."""
    area = facts.get("area", {"value": None, "said": []})
    if area["value"] is None or area["said"]:
        return told
    remark = telling.words.gettext("%(area)s: the registry derives it from the facility; no source says so.")
    return Fact(told.name, told.sayings, [*told.remarks, remark % {"area": area["value"]}])


def _day(text: str | None, telling: Telling) -> str:
    return telling.words.day(text) if text else ""


def label_of(name: str, words: Catalogue) -> str:
    """What a fact is called."""
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


def method_of(method: str | None, words: Catalogue) -> str:
    """How a source came to know, as part of a sentence."""
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

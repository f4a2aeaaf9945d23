"""What several sources say, put together by hand: one voice each, status, the agreed values, what came next.

Told again from the rules in plain loops; only the division into spells is the registry's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from app.dates import PartialDate, compute_age_bounds, compute_birth_bounds_from_age, parse_date
from app.projection import Statement

STAGES = ("announced", "ordered", "carried_out")
DATES = {"announced": "release.announced_on", "ordered": "release.ordered_on", "carried_out": "release.released_on"}
COUNTING = ("verified", "contested", "reported")
COPIES = ("press", "other_organisation", "official_statement")


@dataclass
class ReleaseAtStage:
    """A release at one stage, consolidated."""

    status: str | None
    day: PartialDate | None
    kind: str
    independent: int


@dataclass
class End:
    """How a spell ended, by those whose word counts: the day agreed on, those days that settle it, whether who gives
    them looked itself, and who says that it ended."""

    day: PartialDate | None
    given: list[PartialDate]
    checked: bool
    by: set[str]
    told: list[PartialDate] = field(default_factory=list)  # by all who looked themselves


@dataclass
class Spell:
    """One spell in custody, with its release as all say it (`stages`) and as each source says it: of the release as a
    whole (`voices`) and at each stage (`heard`)."""

    statements: list[Statement]
    asserting: list[Statement]
    country: str | None
    designation: str
    detained: PartialDate | None
    asserted: bool
    voices: list[Statement]
    heard: dict[str, list[Statement]]
    stages: dict[str, ReleaseAtStage]
    inside: list[tuple[PartialDate, bool]]
    left: End | None
    ended_how: str | None
    ended: End | None
    held: PartialDate | None
    known: dict[str, set[str]]
    stated: bool
    begun_by: PartialDate | None
    claimed: bool = False
    next_hi: int | None = None
    next_of: dict[str, int] = field(default_factory=dict)
    traits: set[tuple[str, str]] = field(default_factory=set)
    places: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        """The furthest that counts, else the furthest spoken of."""
        counting = [stage for stage, at in self.stages.items() if at.status in COUNTING]
        return (counting or list(self.stages))[-1]

    @property
    def out(self) -> bool:
        if not self.stages or self.stage != "carried_out" or self.left is None:
            return False
        return self.stages["carried_out"].status in COUNTING


def independent(statement: Statement) -> bool:
    """Who checked it itself, and copies nobody."""
    content = statement.content
    copied = content.get("verification.citing") or content.get("verification.method") in COPIES
    return statement.source.independent and not copied and content.get("verification.first_hand") is not False


def speaking(statements: Iterable[Statement]) -> list[list[Statement]]:
    """By source: its accounts, the withdrawn ones only if it has no other."""
    grouped: dict[str, list[Statement]] = {}
    for statement in statements:
        grouped.setdefault(statement.source.slug, []).append(statement)
    return [[one for one in said if said_of(one) != "retracted"] or said for said in grouped.values()]


def said_of(statement: Statement) -> str:
    return str(statement.content["verification.verdict"])


def stage_of(statement: Statement) -> str:
    return str(statement.content["release.stage"])


def day_of(statement: Statement, name: str) -> PartialDate | None:
    return parse_date(statement.content[name]) if name in statement.content else None


def speaks(statement: Statement, stage: str) -> bool:
    """An assertion speaks for its stage and the earlier ones, a denial for its stage and the later ones."""
    here, there = STAGES.index(stage_of(statement)), STAGES.index(stage)
    return there >= here if said_of(statement) in ("refuted", "disputed") else there <= here


def asserts(statement: Statement, stage: str) -> bool:
    return said_of(statement) in ("reported", "verified") and speaks(statement, stage)


def _words(said: list[Statement]) -> list[Statement]:
    """A source's word on each stage of which it speaks itself, the furthest first: that is its word on the release."""
    of_stage = [(stage, [one for one in said if stage_of(one) == stage]) for stage in reversed(STAGES)]
    return [_of_first_day(here, stage) for stage, here in of_stage if here]


def _heard_at(said: list[Statement], stage: str) -> Statement | None:
    """A source's word at a stage: its word on the release, if that speaks for the stage. But a source that only reports
    a later stage, or denies it, still verifies the earlier one that it verified."""
    words = _words(said)
    looked = next((one for one in words if speaks(one, stage) and said_of(one) != "reported"), None)
    if looked is not None and said_of(looked) == "verified":
        return looked
    return words[0] if speaks(words[0], stage) else None


def _of_first_day(here: list[Statement], furthest: str) -> Statement:
    """The last word on the earliest day; where that is only reported, a later one that the source verified."""
    days = [day for one in here if (day := day_of(one, DATES[furthest]))]
    first = min(days, key=lambda day: (day.hi, day.lo), default=None)
    fitting = [
        one for one in here if first is None or (day := day_of(one, DATES[furthest])) is None or day.overlaps(first)
    ]
    word = last_word(fitting)
    rest = [one for one in here if one not in fitting]
    if said_of(word) != "reported" or not rest:
        return word
    later = _of_first_day(rest, furthest)
    return later if said_of(later) == "verified" else word


def last_word(said: list[Statement]) -> Statement:
    """The newest, but for what is only passed on after it was verified."""
    inorder = sorted(said, key=lambda one: one.revision)
    looked = [one for one in inorder if said_of(one) != "reported"]
    if said_of(inorder[-1]) == "reported" and looked and said_of(looked[-1]) == "verified":
        return looked[-1]
    return inorder[-1]


def _status(voices: list[Statement]) -> str | None:
    checked = {said_of(voice) for voice in voices if independent(voice)}
    denied = checked & {"refuted", "disputed"}
    if "verified" in checked:
        return "contested" if denied else "verified"
    if denied:
        return "refuted" if "refuted" in denied else "contested"
    said = {said_of(voice) for voice in voices}
    if said & {"reported", "verified"}:
        return "reported"
    return "retracted" if said == {"retracted"} else None


def checked(statements: Iterable[Statement]) -> list[Statement]:
    """Those whose days count: beside an independent verification only independent ones."""
    statements = list(statements)
    if any(independent(one) and said_of(one) == "verified" for one in statements):
        return [one for one in statements if independent(one)]
    return statements


def _votes(statements: Iterable[Statement], name: str, kept: str | None, empty: str | None) -> list[Any]:
    """Rule 4: the newest value of each source whose word decides; what it kept, only where no independent one has a
    word of its own."""
    own: list[tuple[Any, Statement]] = []
    left: list[tuple[Any, Statement]] = []
    for of_one in speaking(statements):
        for found, path in ((own, name), (left, kept or name)):
            having = [one for one in of_one if one.content.get(path) not in (None, empty)]
            if having:
                newest = max(having, key=lambda one: one.revision)
                value = newest.content[path]
                sure_of = [one for one in having if said_of(one) == "verified" and one.content[path] == value]
                found.append((value, max(sure_of, key=lambda one: one.revision, default=newest)))
                break
    for said in (own, own + left):
        sure = [(value, one) for value, one in said if independent(one)]
        if sure:
            return [value for value, one in sure if said_of(one) == "verified"] or [value for value, _one in sure]
    return [value for value, _one in own + left]


def _agreed(statements: Iterable[Statement], name: str, *, kept: str | None = None, empty: str | None = None) -> Any:
    """The value that most say; None where several tie."""
    votes = _votes(statements, name, kept, empty)
    most = [value for value in votes if votes.count(value) == max(map(votes.count, votes))]
    return most[0] if most and all(value == most[0] for value in most) else None


def _agreed_day(statements: Iterable[Statement], name: str, kept: str | None = None) -> PartialDate | None:
    """The day that most say, where whoever says less finely says it too; all of those that tie, as one interval."""
    votes = [parse_date(value) for value in _votes(statements, name, kept, None)]
    support = [sum(1 for other in votes if one.is_within(other)) for one in votes]
    tied = [one for one, number in zip(votes, support, strict=True) if number == max(support)]
    return PartialDate("", min(one.lo for one in tied), max(one.hi for one in tied)) if tied else None


def _all_of(statements: Iterable[Statement], name: str) -> list[str]:
    """The union of what independent sources list; of all where none is independent."""
    said = []
    for of_one in speaking(statements):
        having = [one for one in of_one if name in one.content]
        if having:
            said.append(max(having, key=lambda one: one.revision))
    voters = [one for one in said if independent(one)] or said
    return sorted({item for one in voters for item in one.content[name]})


def read_spell(statements: list[Statement]) -> Spell:
    holding = _asserting(statements)
    heard = holding or statements
    of_release = speaking(one for one in statements if "release.stage" in one.content)
    by_stage = {stage: [word for said in of_release if (word := _heard_at(said, stage))] for stage in STAGES}
    ends = _with_end([one for one in holding if said_of(one) in ("reported", "verified")])
    held = [parse_date(one.content["detention.held_on"]) for one in holding if "detention.held_on" in one.content]
    inside = days_inside(checked(holding))
    last = [last_word(said) for said in speaking(one for one in holding if "release.stage" not in one.content)]
    own = [one for one in holding if independent(one) and ("release.stage" in one.content or one in last)]
    known = {
        "any": {one.source.slug for one in own},
        "verified": {one.source.slug for one in own if said_of(one) == "verified"},
    }
    ours = [one for one in holding if one.source.independent]
    out = [one for one in by_stage["carried_out"] if asserts(one, "carried_out")] or by_stage["carried_out"]
    return Spell(
        statements=statements,
        asserting=holding,
        country=_country(statements, holding),
        designation=_agreed(heard, "detainee.designation", kept="kept.designation", empty="unstated") or "unstated",
        detained=_agreed_day(checked(heard), "detention.detained_on", "kept.detained_on"),
        asserted=bool(holding),
        voices=[_words(said)[0] for said in of_release],
        heard=by_stage,
        stages=_stages(by_stage),
        inside=inside,
        left=end_of(out, "release.released_on", inside, known, "kept.released_on"),
        ended_how=_agreed(_credible(ends, "on", inside, known), "how"),
        ended=end_of(ends, "on", inside, known),
        held=max(held, key=lambda day: (day.hi, day.text), default=None),
        known=known,
        stated=bool(ours),
        begun_by=_agreed_day(checked(ours), "detention.detained_on", "kept.detained_on"),
    )


def _country(statements: list[Statement], holding: list[Statement]) -> str | None:
    """By the statements which hold that the person was detained, else by those that stand, else by withdrawn ones: by
    the first of these that say a country at all, so that no withdrawn one settles what standing ones leave open."""
    withdrawn = [one for one in statements if said_of(one) == "retracted"]
    groups = (holding, [one for one in statements if one not in withdrawn], withdrawn)
    names = {"detention.country", "kept.country"}
    saying = next((some for some in groups if any(names & one.content.keys() for one in some)), [])
    country: str | None = _agreed(saying, "detention.country", kept="kept.country")
    return country


def days_inside(statements: Iterable[Statement]) -> list[tuple[PartialDate, bool]]:
    """Days of arrest, and days on which somebody knew the person held: each with whether who says so looked itself."""
    names = ("detention.detained_on", "detention.held_on")
    told = [(day_of(one, name), independent(one)) for one in statements if _holds(one) for name in names]
    return [(day, sure) for day, sure in told if day is not None]


def days_held(statements: Iterable[Statement]) -> list[tuple[PartialDate, bool]]:
    """The days on which the person was known held; what was kept only where no independent source says one, and not
    with a report that lets the person go before."""
    own = [(day_of(one, "detention.held_on"), one) for one in statements]
    silent = [one for day, one in own if day is None] if not any(day and independent(one) for day, one in own) else []
    kept = [(day, one) for one in silent if (day := day_of(one, "kept.held_on")) and not _out_by(one, day)]
    own += kept
    return [(day, independent(one)) for day, one in own if day is not None]


def _out_by(statement: Statement, seen: PartialDate) -> bool:
    let_go = day_of(statement, "release.released_on")
    return said_of(statement) in ("verified", "reported") and let_go is not None and let_go.hi < seen.lo


def _credible(
    statements: Iterable[Statement], name: str, inside: Iterable[tuple[PartialDate, bool]], known: dict[str, set[str]]
) -> list[Statement]:
    """Without copies and non-independent words on an end that others gainsay: who verified that the person is held,
    who saw the person later, and where there is no day whoever says so at all."""
    sightings = [day for day, checked in inside if checked]

    def belied(one: Statement) -> bool:
        day, slug = day_of(one, name), {one.source.slug}
        if independent(one):
            return False
        if known["verified"] - slug or (day is None and known["any"] - slug):
            return True
        return day is not None and any(seen.lo > day.hi for seen in sightings)

    return [one for one in statements if not belied(one)]


def end_of(
    statements: Iterable[Statement],
    name: str,
    inside: list[tuple[PartialDate, bool]],
    known: dict[str, set[str]],
    kept: str | None = None,
) -> End | None:
    heard = _credible(statements, name, inside, known)
    if not heard:
        return None
    dated = checked(heard)
    days = [parse_date(value) for value in _votes(dated, name, kept, None)]
    sure = [one for one in dated if independent(one) and (name in one.content or (kept and kept in one.content))]
    saying = speaking(one for one in sure if name in one.content)
    told = [parse_date(max(said, key=lambda one: one.revision).content[name]) for said in saying]
    return End(
        _agreed_day(dated, name, kept), days, checked=bool(sure), by={one.source.slug for one in heard}, told=told
    )


def _with_end(statements: list[Statement]) -> list[Statement]:
    """The accounts of an end other than a release, how and when lifted to the top."""
    return [
        Statement(
            one.record, one.id, one.source, one.revision, {**one.content, **{k: v for k, v in ended.items() if v}}
        )
        for one in statements
        if (ended := one.content.get("detention.ended"))
    ]


def _holds(statement: Statement) -> bool:
    """Whether it says that the person was detained: who denies a release still does."""
    verdict = said_of(statement)
    return verdict != "retracted" and ("release.stage" in statement.content or verdict != "refuted")


def _asserting(statements: list[Statement]) -> list[Statement]:
    """Those that say so, unless the last word of their source on the detention is that it was not so."""
    about = speaking(one for one in statements if "release.stage" not in one.content)
    refuting = {said[0].source.slug for said in about if said_of(last_word(said)) == "refuted"}
    holding = [one for one in statements if _holds(one)]
    return [one for one in holding if "release.stage" in one.content or one.source.slug not in refuting]


def _stages(by_stage: dict[str, list[Statement]]) -> dict[str, ReleaseAtStage]:
    found = {}
    for stage, heard in by_stage.items():
        if heard:
            asked = [voice for voice in heard if asserts(voice, stage)] or heard
            status = _status(heard)
            verified = sum(1 for voice in heard if said_of(voice) == "verified" and independent(voice))
            found[stage] = ReleaseAtStage(
                status=status,
                day=_agreed_day(checked(asked), DATES[stage], kept_under(DATES[stage])),
                kind=_agreed(checked(asked), "release.kind", kept="kept.kind", empty="unspecified") or "unspecified",
                independent=verified if status in COUNTING else 0,
            )
    return found


def kept_under(name: str) -> str:
    return f"kept.{name.partition('.')[2]}"


def what_followed(spell: Spell, earlier: list[Spell], later: list[Spell]) -> None:
    after = any(one.out or one.stated for one in earlier)
    spell.claimed = after and spell.asserted and not spell.stated
    starts = [one.begun_by.hi for one in later if one.begun_by]
    spell.next_hi = min(starts, default=None)
    for one in later:
        for statement in one.asserting:
            start = day_of(statement, "detention.detained_on") or day_of(statement, "kept.detained_on")
            if start:
                slug = statement.source.slug
                spell.next_of[slug] = min(start.hi, spell.next_of.get(slug, start.hi))


def spells_of(divided: Iterable[list[Statement]]) -> list[Spell]:
    """The spells of one person, each with what came before and after it."""
    found = [read_spell(statements) for statements in divided]
    for number, spell in enumerate(found):
        what_followed(spell, found[:number], found[number + 1 :])
    return found


def rearrested(found: list[Spell]) -> bool:
    """Whether an independent source states a detention after a release."""
    return any(spell.stated and any(one.out for one in found[:number]) for number, spell in enumerate(found))


def last_of(spells: list[Spell]) -> int:
    """The place of the spell that tells where a person is: the last that an independent source states; of whom none
    speaks, the last but for claimed re-arrests."""
    stated = [number for number, one in enumerate(spells) if one.stated]
    return (stated or [number for number, one in enumerate(spells) if not one.claimed])[-1]


def state_of(statements: list[Statement], last: Spell) -> str:
    died = death_of(statements, last)
    mourning = died.by if died else set()
    if last.ended_how == "died" and last.ended:
        mourning = mourning | last.ended.by
    independent = {one.source.slug for one in statements if one.source.independent}
    freeing = {one.source.slug for one in last.voices if last.out and asserts(one, "carried_out")}
    if mourning and (mourning & independent or not freeing & independent):
        return "died"
    if last.out:
        return "house_arrest" if last.stages["carried_out"].kind == "house_arrest" else "released"
    return "held" if last.asserted and last.ended is None else "unknown"


def death_of(statements: list[Statement], last: Spell) -> End | None:
    """The death of a person as the sources agree on it, unless somebody was seen inside after it."""
    mourning = [one for one in statements if said_of(one) != "retracted" and "detainee.died_on" in one.content]
    return end_of(mourning, "detainee.died_on", last.inside, last.known)


def about_person(statements: list[Statement]) -> dict[str, Any]:
    standing = [one for one in statements if said_of(one) != "retracted"]
    plain = {name: _agreed(standing, f"detainee.{name}") for name in ("gender", "category", "age")}
    dates = {"birth_date": _agreed_day(standing, "detainee.birth_date"), "aged": _aged(standing, plain["age"])}
    lists = {name: _all_of(standing, f"detainee.{name}") for name in ("nationalities", "groups")}
    return {**plain, **dates, **lists}


def _aged(statements: list[Statement], age: int | None) -> PartialDate | None:
    """On which day the person had the age, as most say of those that give this age, independent ones before others:
    each by its newest account with an age, which gives the day, or the days of the span on one of which it was so."""
    saying: list[Statement] = []
    for said in speaking(statements):
        inorder = sorted((one for one in said if "detainee.age" in one.content), key=lambda one: one.revision)
        if not inorder or inorder[-1].content["detainee.age"] != age:
            continue
        newest = inorder[-1].content
        sure = [one for one in inorder if said_of(one) == "verified" and one.content["detainee.age"] == age]
        aged = newest.get("detainee.age_on", newest.get("detainee.age_span"))
        voice = [*inorder, *sure][-1]
        saying.append(replace(voice, content={**voice.content, "aged": aged}))
    return _agreed_day([one for one in saying if independent(one)] or saying, "aged")


def traits_of(spell: Spell, about: dict[str, Any]) -> set[tuple[str, str]]:
    holding = spell.asserting
    found = {(name, about[name]) for name in ("gender", "category") if about[name]}
    found |= {("nationality", one) for one in about["nationalities"]} | {("group", one) for one in about["groups"]}
    found |= {("age_group", group)} if (group := _age_group(spell, about)) else set()
    found |= place_of(holding)
    status = _agreed(holding, "detention.legal_status")
    found |= {("legal_status", status)} if status else set()
    if spell.stages:
        asked = [voice for voice in spell.heard[spell.stage] if asserts(voice, spell.stage)]
        found |= {("condition", one) for one in _all_of(asked, "release.conditions")}
    return found


def place_of(statements: Iterable[Statement]) -> set[tuple[str, str]]:
    """Where the person was held, as most of the accounts say."""
    areas = {view.slug: view.area for one in statements for view in (one.inherited_facility, one.facility) if view}
    slugs = [
        replace(
            one,
            content={
                **one.content,
                **({"slug": one.facility.slug} if one.facility else {}),
                **({"kept.slug": one.inherited_facility.slug} if one.inherited_facility else {}),
            },
        )
        for one in statements
    ]
    slug = _agreed(slugs, "slug", kept="kept.slug")
    if not slug:
        return set()
    return {("facility", slug)} | ({("area", area)} if (area := areas[slug]) else set())


def own_place(said: Iterable[Statement]) -> set[tuple[str, str]]:
    """Where the person was held by one source's word: its newest own account with a place, else what it kept."""
    newest = sorted(said, key=lambda one: -one.revision)
    views = [view for view in (*(one.facility for one in newest), *(one.inherited_facility for one in newest)) if view]
    return {("facility", views[0].slug), *([("area", views[0].area)] if views[0].area else [])} if views else set()


def by_its_word(spell: Spell, slug: str) -> set[tuple[str, str]]:
    """The personal dimensions by one source's word: the place as it says, the rest as all do."""
    return {pair for pair in spell.traits if pair[0] not in ("facility", "area")} | spell.places.get(slug, set())


def _age_group(spell: Spell, about: dict[str, Any]) -> str | None:
    end = spell.left if spell.out else spell.ended
    day = spell.detained or (end.day if end else None) or spell.held
    birth = about["birth_date"]
    if birth is None and about["age"] is not None and about["aged"]:
        birth = PartialDate("", *compute_birth_bounds_from_age(about["age"], about["aged"]))
    ages = {about["age"]} - {None} if birth is None or day is None else set(compute_age_bounds(birth, day))
    groups = {"under_18" if age < 18 else "18_to_69" if age < 70 else "over_70" for age in ages}
    return groups.pop() if len(groups) == 1 else None

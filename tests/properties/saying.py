"""What several sources say, put together by hand: one voice each, status, the agreed values, what came next.

Told again from the rules in plain loops; only the division into spells is the registry's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.dates import PartialDate, age_bounds_at, birth_bounds_from_age, parse
from app.registry.projection import Account

STAGES = ("announced", "ordered", "carried_out")
DATES = {"announced": "release.announced_on", "ordered": "release.ordered_on", "carried_out": "release.released_on"}
COUNTING = ("verified", "contested", "reported")
COPIES = ("press", "other_organisation", "official_statement")


@dataclass
class Standing:
    """A release at one stage, consolidated."""

    status: str
    day: PartialDate | None
    kind: str
    independent: int


@dataclass
class Spell:
    """One spell in custody, with its release as all say it (`stages`) and as each source says it (`voices`)."""

    accounts: list[Account]
    country: str | None
    designation: str
    detained: PartialDate | None
    asserted: bool
    voices: list[Account]
    stages: dict[str, Standing]
    ended_how: str | None
    ended: PartialDate | None
    held: PartialDate | None
    next_hi: int | None = None
    next_of: dict[str, int] = field(default_factory=dict)
    traits: set[tuple[str, str]] = field(default_factory=set)

    @property
    def stage(self) -> str:
        """The furthest that counts, else the furthest spoken of."""
        counting = [stage for stage, at in self.stages.items() if at.status in COUNTING]
        return (counting or list(self.stages))[-1]

    @property
    def out(self) -> bool:
        return bool(self.stages) and self.stage == "carried_out" and self.stages["carried_out"].status in COUNTING


def independent(account: Account) -> bool:
    """Who checked it itself, and copies nobody."""
    content = account.content
    copied = content.get("verification.citing") or content.get("verification.method") in COPIES
    return account.source.independent and not copied


def speaking(accounts: Iterable[Account]) -> list[list[Account]]:
    """By source: its accounts, the withdrawn ones only if it has no other."""
    grouped: dict[str, list[Account]] = {}
    for account in accounts:
        grouped.setdefault(account.source.slug, []).append(account)
    return [[one for one in said if said_of(one) != "retracted"] or said for said in grouped.values()]


def said_of(account: Account) -> str:
    return str(account.content["verification.verdict"])


def stage_of(account: Account) -> str:
    return str(account.content["release.stage"])


def day_of(account: Account, name: str) -> PartialDate | None:
    return parse(account.content[name]) if name in account.content else None


def speaks(account: Account, stage: str) -> bool:
    """An assertion speaks for its stage and the earlier ones, a denial for its stage and the later ones."""
    here, there = STAGES.index(stage_of(account)), STAGES.index(stage)
    return there >= here if said_of(account) in ("refuted", "disputed") else there <= here


def asserts(account: Account, stage: str) -> bool:
    return said_of(account) in ("reported", "verified") and speaks(account, stage)


def _voice(said: list[Account]) -> Account:
    furthest = max(map(stage_of, said), key=STAGES.index)
    here = [one for one in said if stage_of(one) == furthest]
    days = [day for one in here if (day := day_of(one, DATES[furthest]))]
    first = min(days, key=lambda day: (day.hi, day.lo), default=None)
    fitting = [
        one for one in here if first is None or (day := day_of(one, DATES[furthest])) is None or day.overlaps(first)
    ]
    return max(fitting, key=lambda one: one.revision)


def _status(voices: list[Account]) -> str:
    checked = {said_of(voice) for voice in voices if independent(voice)}
    denied = checked & {"refuted", "disputed"}
    if "verified" in checked:
        return "contested" if denied else "verified"
    if denied:
        return "refuted" if "refuted" in denied else "contested"
    said = {said_of(voice) for voice in voices}
    if said & {"reported", "verified"}:
        return "reported"
    return "refuted" if said & {"refuted", "disputed"} else "retracted"


def _agreed(accounts: Iterable[Account], name: str, *, dated: bool = False, empty: str | None = None) -> Any:
    """Rule 4: each source's newest value votes; the most independent votes win, then verified, precise, smallest."""
    said = []
    for of_one in speaking(accounts):
        having = [one for one in of_one if one.content.get(name) not in (None, empty)]
        if having:
            newest = max(having, key=lambda one: one.revision)
            said.append((newest.content[name], newest))
    voters = [one for one in said if independent(one[1])]

    def rank(value: Any) -> tuple[Any, ...]:
        agree = [v for v, _one in voters if v == value or (dated and parse(value).within(parse(v)))]
        verified = any(said_of(one) == "verified" for v, one in voters or said if v == value)
        width = parse(value).hi - parse(value).lo if dated else 0
        return (-len(agree), not verified, width, str(value).encode())

    return min((value for value, _one in said), key=rank, default=None)


def _all_of(accounts: Iterable[Account], name: str) -> list[str]:
    """The union of what independent sources list; of all where none is independent."""
    said = []
    for of_one in speaking(accounts):
        having = [one for one in of_one if name in one.content]
        if having:
            said.append(max(having, key=lambda one: one.revision))
    voters = [one for one in said if independent(one)] or said
    return sorted({item for one in voters for item in one.content[name]})


def read_spell(accounts: list[Account]) -> Spell:
    holding = [one for one in accounts if _holds(one)]
    heard = holding or accounts
    detained = _agreed(heard, "detention.detained_on", dated=True)
    voices = [_voice(said) for said in speaking(one for one in accounts if "release.stage" in one.content)]
    ends = [one for one in holding if said_of(one) in ("reported", "verified")]
    held = [parse(one.content["detention.held_on"]) for one in holding if "detention.held_on" in one.content]
    return Spell(
        accounts=accounts,
        country=_agreed(heard, "detention.country"),
        designation=_agreed(heard, "detainee.designation", empty="unstated") or "unstated",
        detained=parse(detained) if detained else None,
        asserted=bool(holding),
        voices=voices,
        stages=_stages(voices),
        ended_how=_agreed(_with(ends, "how"), "how"),
        ended=parse(on) if (on := _agreed(_with(ends, "on"), "on", dated=True)) else None,
        held=max(held, key=lambda day: (day.hi, day.text), default=None),
    )


def _with(accounts: list[Account], name: str) -> list[Account]:
    """The accounts with a field of how the detention ended lifted to the top."""
    return [
        Account(
            one.record, one.id, one.source, one.revision, {**one.content, name: one.content["detention.ended"][name]}
        )
        for one in accounts
        if one.content.get("detention.ended", {}).get(name) is not None
    ]


def _holds(account: Account) -> bool:
    """Whether it says that the person was detained: who denies a release still does."""
    verdict = said_of(account)
    return verdict != "retracted" and ("release.stage" in account.content or verdict != "refuted")


def _stages(voices: list[Account]) -> dict[str, Standing]:
    found = {}
    for stage in STAGES:
        heard = [voice for voice in voices if speaks(voice, stage)]
        if heard:
            asked = [voice for voice in heard if asserts(voice, stage)] or heard
            day = _agreed(asked, DATES[stage], dated=True)
            status = _status(heard)
            verified = sum(1 for voice in heard if said_of(voice) == "verified" and independent(voice))
            found[stage] = Standing(
                status=status,
                day=parse(day) if day else None,
                kind=_agreed(asked, "release.kind", empty="unspecified") or "unspecified",
                independent=verified if status in COUNTING else 0,
            )
    return found


def what_followed(spell: Spell, later: list[Spell]) -> None:
    starts = [one.detained.hi for one in later if one.detained and one.asserted]
    spell.next_hi = min(starts, default=None)
    for one in later:
        for account in one.accounts:
            start = day_of(account, "detention.detained_on") or one.detained
            if start and _holds(account):
                slug = account.source.slug
                spell.next_of[slug] = min(start.hi, spell.next_of.get(slug, start.hi))


def state_of(accounts: list[Account], last: Spell) -> str:
    mourning = {
        one.source.slug for one in accounts if "detainee.died_on" in one.content and said_of(one) != "retracted"
    }
    if last.ended_how == "died":
        mourning |= {one.source.slug for one in last.accounts if _says_died(one)}
    independent = {one.source.slug for one in accounts if one.source.independent}
    freeing = {one.source.slug for one in last.voices if last.out and asserts(one, "carried_out")}
    if mourning and (mourning & independent or not freeing & independent):
        return "died"
    if last.out:
        return "house_arrest" if last.stages["carried_out"].kind == "house_arrest" else "released"
    return "held" if last.asserted and last.ended_how is None else "unknown"


def _says_died(account: Account) -> bool:
    """Whether it asserts the detention and a death in it."""
    ended = account.content.get("detention.ended") or {}
    return ended.get("how") == "died" and said_of(account) in ("reported", "verified")


def died_on_of(accounts: list[Account]) -> str | None:
    """The day of death as the sources agree on it."""
    died: str | None = _agreed([a for a in accounts if said_of(a) != "retracted"], "detainee.died_on", dated=True)
    return died


def about_person(accounts: list[Account]) -> dict[str, Any]:
    standing = [one for one in accounts if said_of(one) != "retracted"]
    plain = {name: _agreed(standing, f"detainee.{name}") for name in ("gender", "category", "age")}
    dates = {name: _agreed(standing, f"detainee.{name}", dated=True) for name in ("birth_date", "age_on")}
    lists = {name: _all_of(standing, f"detainee.{name}") for name in ("nationalities", "groups")}
    return {**plain, **dates, **lists}


def traits_of(spell: Spell, about: dict[str, Any]) -> set[tuple[str, str]]:
    holding = [one for one in spell.accounts if _holds(one)]
    found = {(name, about[name]) for name in ("gender", "category") if about[name]}
    found |= {("nationality", one) for one in about["nationalities"]} | {("group", one) for one in about["groups"]}
    found |= {("age_group", group)} if (group := _age_group(spell, about)) else set()
    places = [
        Account(
            one.record, one.id, one.source, one.revision, {**one.content, "slug": one.facility.slug}, None, one.facility
        )
        for one in holding
        if one.facility
    ]
    slug = _agreed(places, "slug")
    if slug:
        area = next(one.facility.area for one in places if one.facility and one.facility.slug == slug)
        found |= {("facility", slug)} | ({("area", area)} if area else set())
    status = _agreed(holding, "detention.legal_status")
    found |= {("legal_status", status)} if status else set()
    if spell.stages:
        asked = [voice for voice in spell.voices if asserts(voice, spell.stage)]
        found |= {("condition", one) for one in _all_of(asked, "release.conditions")}
    return found


def _age_group(spell: Spell, about: dict[str, Any]) -> str | None:
    out = spell.stages["carried_out"].day if spell.out else spell.ended
    day = spell.detained or out or spell.held
    birth = parse(about["birth_date"]) if about["birth_date"] else None
    if birth is None and about["age"] is not None and about["age_on"]:
        birth = PartialDate("", *birth_bounds_from_age(about["age"], parse(about["age_on"])))
    ages = {about["age"]} - {None} if birth is None or day is None else set(age_bounds_at(birth, day))
    groups = {"under_18" if age < 18 else "18_to_69" if age < 70 else "over_70" for age in ages}
    return groups.pop() if len(groups) == 1 else None

"""One spell as its reports tell it together: the detention, how it ended, and the release with its stages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as made_by
from typing import Any

from app.dates import PartialDate
from app.registry.projection.consolidate import (
    Fact,
    collect,
    date_fact,
    dating,
    day_fact,
    field,
    kept,
    kind_fact,
    last_day,
    latest_fact,
    plain_fact,
    source_values,
    value_of,
)
from app.registry.projection.ends import (
    End,
    Sighting,
    Witnesses,
    credible,
    days_inside,
    end_of,
    sightings_or_kept,
    witnesses,
)
from app.registry.projection.statements import ASSERTIONS, DATE_OF_STAGE, Statement, parse
from app.registry.projection.voices import (
    COUNTING,
    detention_voices,
    release_voices,
    standing_stage,
    statuses,
    voices_by_stage,
)
from app.vocabulary import Designation, ReleaseKind, ReleaseStatus, Stage, Verdict


@dataclass(frozen=True)
class SpellRelease:
    """The release of a spell: what each source says, and the status, the day and the kind at each stage. `voices`: one
    of each source, on the release as a whole; `heard`: those that speak for a stage."""

    voices: list[Statement]
    heard: dict[Stage, list[Statement]]
    statuses: dict[Stage, ReleaseStatus | None]
    stage: Stage
    dates: dict[Stage, PartialDate | None]
    kinds: dict[Stage, str]
    facts: dict[str, Fact]
    stages: dict[Stage, dict[str, Any]]

    @property
    def kind(self) -> str:
        return self.kinds[self.stage]


@dataclass(frozen=True)
class Custody:
    """A spell: `spell` is the record key of its earliest report; `ordinal` counts a person's spells from 1.

    `asserting`: the statements that assert the detention. `seen`: the days on which a source knew the person held;
    `inside`: those that a source says itself, and the days of arrest. `known`: the sources that know of the detention
    themselves. Beside these, not every source's word on an end counts (`ends`). `left` is the end in a release carried
    out, `otherwise` that in another way (`ended_how`), both by the sources whose word counts. `set_aside`: an end is
    told, and the word of no source that tells it counts.

    `stated`: an independent source reports the detention; `began`: the day of arrest that such sources give. `claimed`:
    a detention that follows another and that no independent source reports.
    """

    spell: int
    statements: list[Statement]
    voices: list[Statement]
    asserting: list[Statement]
    country: str | None
    designation: str
    detained: PartialDate | None
    held: PartialDate | None
    seen: list[Sighting]
    inside: list[Sighting]
    known: Witnesses
    left: End | None
    ended_how: str | None
    otherwise: End | None
    facts: dict[str, Fact]
    release: SpellRelease | None
    disjoint_releases: bool
    set_aside: bool
    stated: bool
    began: PartialDate | None
    claimed: bool = False
    ordinal: int = 1
    after_release: bool = False
    next_hi: int | None = None
    next_hi_by_source: dict[int, int] = made_by(default_factory=dict)

    @property
    def asserted(self) -> bool:
        return bool(self.asserting)

    @property
    def counted_release(self) -> SpellRelease | None:
        """The release, where it counts as carried out and the word of a source that says so counts."""
        release = self.release
        if release is None or self.left is None or release.stage is not Stage.CARRIED_OUT:
            return None
        return release if release.statuses[Stage.CARRIED_OUT] in COUNTING else None

    @property
    def ended(self) -> PartialDate | None:
        end = self.left if self.counted_release else self.otherwise
        return None if end is None else end.day


def read_custody(spell: Sequence[Statement]) -> Custody:
    """Consolidate one spell from the reports that assert the detention; where none does, from all of them."""
    asserting = _asserting(spell)
    heard = asserting or list(spell)
    facts = _told(
        detained_on=day_fact(heard, "detained_on", "detention"),
        country=_country(spell),
        designation=plain_fact(source_values(heard, lambda statement: statement.designation, kept("designation"))),
        held_on=_held(asserting),
    )
    detained, held = value_of(facts, "detained_on"), value_of(facts, "held_on")
    sure = dating(asserting)
    inside, heard_at, known = days_inside(sure), voices_by_stage(spell), witnesses(asserting)
    leaving, ending = (
        _asked(heard_at.get(Stage.CARRIED_OUT, [])),
        [a for a in asserting if a.verdict in ASSERTIONS and _how(a)],
    )
    left = end_of(leaving, field("release.released_on"), inside, known, kept("released_on"))
    otherwise = end_of(ending, ended_on, inside, known)
    how = plain_fact(source_values(credible(ending, ended_on, inside, known), _how))
    facts |= _ended(ending, how, otherwise)
    of_independent = [statement for statement in asserting if statement.source.independent]
    began = day_fact(of_independent, "detained_on", "detention")
    return Custody(
        spell=min(statement.record for statement in spell),
        statements=list(spell),
        voices=detention_voices(spell),
        asserting=asserting,
        country=value_of(facts, "country"),
        designation=value_of(facts, "designation") or Designation.UNSTATED,
        detained=parse(detained) if detained else None,
        held=parse(held) if held else None,
        seen=sightings_or_kept(sure),
        inside=inside,
        known=known,
        left=left,
        ended_how=how["value"] if how else None,
        otherwise=otherwise,
        facts=facts,
        release=_spell_release(release_voices(spell), heard_at),
        disjoint_releases=_disjoint(spell),
        set_aside=(left is None and any(voice.verdict in ASSERTIONS for voice in heard_at.get(Stage.CARRIED_OUT, [])))
        or (otherwise is None and bool(ending)),
        stated=bool(of_independent),
        began=parse(began["value"]) if began and began["value"] else None,
    )


def _asserting(spell: Sequence[Statement]) -> list[Statement]:
    """The reports that assert the detention, without those on which their source has the last word that refutes it: a
    source has one voice on the detention (rule 2). What it says of a release asserts the detention still."""
    asserting = [statement for statement in spell if statement.asserts_detention]
    if len(asserting) == len(spell):  # as most often: nobody refutes
        return asserting
    refuting = {voice.source.key for voice in detention_voices(spell) if voice.verdict is Verdict.REFUTED}
    return [statement for statement in asserting if statement.has_release or statement.source.key not in refuting]


def with_next(custodies: Sequence[Custody]) -> list[Custody]:
    """The spells, numbered; each knows whether a release came before it, and by which day a later detention had begun,
    as independent sources together and as each source says (rule 8: net)."""
    stated, released = False, False
    earlier: list[tuple[bool, bool]] = []
    for custody in custodies:
        earlier.append((stated or released, released))
        stated, released = stated or custody.stated, released or custody.counted_release is not None
    linked: list[Custody] = []
    begun: int | None = None
    begun_by_source: dict[int, int] = {}
    for number in range(len(custodies) - 1, -1, -1):
        custody, (after, after_release) = custodies[number], earlier[number]
        linked.append(
            replace(
                custody,
                ordinal=number + 1,
                claimed=after and custody.asserted and not custody.stated,
                after_release=after_release,
                next_hi=begun,
                next_hi_by_source=dict(begun_by_source),
            )
        )
        # The earliest of all: a vague date may hide behind a precise one after it.
        if custody.began is not None:
            begun = custody.began.hi if begun is None else min(begun, custody.began.hi)
        for source, day in _begun_by_source(custody):
            begun_by_source[source] = min(day, begun_by_source.get(source, day))
    return linked[::-1]


def _begun_by_source(custody: Custody) -> Iterator[tuple[int, int]]:
    """`(source, day)` for each report of the detention: the day by which it had begun, as that report says."""
    for statement in custody.asserting:
        if statement.began is not None:
            yield statement.source.key, statement.began.hi


def _country(spell: Sequence[Statement]) -> Fact | None:
    """The country, by the reports that assert the detention; else by those that stand; else by withdrawn ones: a spell
    whose first report was withdrawn is still one of its country."""
    asserting = _asserting(spell)
    standing = [statement for statement in spell if not statement.retracted]
    withdrawn = [statement for statement in spell if statement.retracted]
    told = (
        plain_fact(source_values(some, field("detention.country"), kept("country")))
        for some in (asserting, standing, withdrawn)
    )
    return next(filter(None, told), None)


def _told(**facts: Fact | None) -> dict[str, Fact]:
    """The facts that are not None."""
    return {name: fact for name, fact in facts.items() if fact is not None}


def _held(statements: Sequence[Statement]) -> Fact | None:
    """The last day on which a source knew the person held: of each source its last one, of these the latest."""
    knowing = [statement for statement in statements if "detention.held_on" in statement.content]
    knowing.sort(key=lambda statement: last_day(statement.content["detention.held_on"]))
    last_of = {statement.source.key: statement for statement in knowing}
    return latest_fact(source_values(last_of.values(), field("detention.held_on")))


def _ended(statements: Sequence[Statement], how: Fact | None, end: End | None) -> dict[str, Fact]:
    """How and when the detention ended otherwise, by the sources whose word counts, beside what every source says."""
    day = end.day.text if end and end.day else None
    told = _told(
        ended_how=plain_fact(source_values(statements, _how)), ended_on=date_fact(source_values(statements, ended_on))
    )
    values = {"ended_how": how["value"] if how else None, "ended_on": day}
    return {name: {**fact, "value": values[name]} for name, fact in told.items()}


def _how(statement: Statement) -> str | None:
    how: str | None = statement.content.get("detention.ended", {}).get("how")
    return how


def ended_on(statement: Statement) -> str | None:
    """The day of an end other than a release, as the statement says it."""
    on: str | None = statement.content.get("detention.ended", {}).get("on")
    return on


def _disjoint(spell: Sequence[Statement]) -> bool:
    days = [
        statement.released
        for statement in spell
        if statement.released is not None and statement.end == statement.released
    ]
    return any(not a.overlaps(b) for number, a in enumerate(days) for b in days[number + 1 :])


def _asked(heard: list[Statement]) -> list[Statement]:
    """The voices, among those heard at a stage, that tell its facts: those that assert it; where none does, all."""
    return [voice for voice in heard if voice.verdict in ASSERTIONS] or heard


def _spell_release(voices: list[Statement], heard_at: dict[Stage, list[Statement]]) -> SpellRelease | None:
    if not voices:
        return None
    by_stage = statuses(heard_at)
    stage = standing_stage(by_stage)
    dates: dict[Stage, PartialDate | None] = {}
    kinds: dict[Stage, str] = {}
    facts: dict[str, Fact] = {}
    stages: dict[Stage, dict[str, Any]] = {}
    for at, heard in heard_at.items():
        asked = _asked(heard)
        date = day_fact(asked, DATE_OF_STAGE[at], "release")
        kind = kind_fact(asked)
        facts |= _told(**{DATE_OF_STAGE[at]: date})
        if kind and at is stage:
            facts["kind"] = kind
        day = date["value"] if date else None
        dates[at] = parse(day) if day else None
        kinds[at] = (kind["value"] if kind else None) or ReleaseKind.UNSPECIFIED
        verifying = [v for v in heard if v.verdict is Verdict.VERIFIED]
        stages[at] = {
            "status": by_stage[at],
            "date": day,
            "verified_by": sorted(v.source.slug for v in verifying),
            "independent": sum(v.independent for v in verifying),
            "reported_by": sorted(v.source.slug for v in heard if v.verdict is Verdict.REPORTED),
        }
    lifted = collect([v for v in voices if v.verdict in ASSERTIONS], {"measures_lifted_on": date_fact}, "release")
    return SpellRelease(voices, heard_at, by_stage, stage, dates, kinds, facts | lifted, stages)

"""One spell, consolidated from its reports: the detention, its end, and the release with its stages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as made_by
from functools import cached_property

from app.dates import PartialDate
from app.projection.consolidate import (
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
from app.projection.ends import End, Sighting, Witnesses, credible, days_inside, end_of, sightings_or_kept, witnesses
from app.projection.statements import (
    ASSERTIONS,
    COUNTING,
    DATE_OF_STAGE,
    Statement,
    detention_voices,
    parse,
    release_voices,
    standing_stage,
    statuses,
    verdicts_on_custody,
    voices_by_stage,
)
from app.schemas.base import Fact, Facts
from app.schemas.records import StageOut
from app.vocabulary import Designation, ReleaseKind, ReleaseStatus, Stage, Verdict


@dataclass(frozen=True)
class SpellRelease:
    """The release of a spell: its status, day and kind at each stage. `voices`: for each source the statement that
    speaks for it on the release as a whole; `voices_at`: stage → the statements that speak for their sources there."""

    voices: list[Statement]
    voices_at: dict[Stage, list[Statement]]
    statuses: dict[Stage, ReleaseStatus | None]
    stage: Stage
    dates: dict[Stage, PartialDate | None]
    kinds: dict[Stage, str]
    facts: Facts
    stages: dict[Stage, StageOut]

    @property
    def kind(self) -> str:
        return self.kinds[self.stage]


@dataclass(frozen=True)
class Custody:
    """A spell: `spell` is the record key of its earliest report; `ordinal` counts a person's spells from 1.

    `asserting`: the statements that assert the detention. `seen`: the sightings in custody; `inside`: the sightings by
    the sources' own word, and the days of arrest; `known`: the witnesses of the detention. By these an end is credible
    or not (`ends`). `left`: the credible end in a release carried out; `otherwise`: the credible end in another way
    (`ended_how`); `set_aside`: an end is reported, and none is credible.

    `stated`: an independent source reports the detention; `began`: the day of arrest by such sources. `claimed`: the
    detention follows another, and no independent source reports it.
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
    facts: Facts
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

    @cached_property
    def verdicts(self) -> dict[int, tuple[Verdict, bool]]:
        """Source → its verdict on whether the person was in custody: `(verdict, independent)`."""
        return verdicts_on_custody(self.voices, self.release.voices_at if self.release else {})

    @cached_property
    def counted_release(self) -> SpellRelease | None:
        """The release, where it counts as carried out and a credible statement says so."""
        release = self.release
        if release is None or self.left is None or release.stage is not Stage.CARRIED_OUT:
            return None
        return release if release.statuses[Stage.CARRIED_OUT] in COUNTING else None

    @property
    def ended(self) -> PartialDate | None:
        end = self.left if self.counted_release else self.otherwise
        return None if end is None else end.day


def read_custody(spell: Sequence[Statement]) -> Custody:
    """Consolidate one spell from the statements that assert the detention; where none does, from all."""
    asserting = _asserting(spell)
    among = asserting or list(spell)
    facts = _present(
        detained_on=day_fact(among, "detained_on", "detention"),
        country=_country(spell, asserting),
        designation=plain_fact(source_values(among, lambda statement: statement.designation, kept("designation"))),
        held_on=_held(asserting),
    )
    detained, held = value_of(facts, "detained_on"), value_of(facts, "held_on")
    sure = dating(asserting)
    inside, voices_at, known = days_inside(sure), voices_by_stage(spell), witnesses(asserting)
    leaving = _telling(voices_at.get(Stage.CARRIED_OUT, []))
    ending = [a for a in asserting if a.verdict in ASSERTIONS and _how(a)]
    left = end_of(leaving, field("release.released_on"), inside, known, kept("released_on"))
    otherwise = end_of(ending, ended_on, inside, known)
    how = plain_fact(source_values(credible(ending, ended_on, inside, known), _how))
    facts |= _ended(ending, how, otherwise)
    of_independent = [statement for statement in asserting if statement.source.independent]
    if asserting and len(of_independent) == len(asserting):  # as most often
        began = facts.get("detained_on")
    else:
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
        release=_spell_release(release_voices(spell), voices_at),
        disjoint_releases=_disjoint(spell),
        set_aside=(left is None and any(voice.verdict in ASSERTIONS for voice in voices_at.get(Stage.CARRIED_OUT, [])))
        or (otherwise is None and bool(ending)),
        stated=bool(of_independent),
        began=parse(began["value"]) if began and began["value"] else None,
    )


def _asserting(spell: Sequence[Statement]) -> list[Statement]:
    """The statements that assert the detention, without those of a source whose last word refutes it (rule 2: one voice
    per source). A statement on a release asserts the detention all the same."""
    asserting = [statement for statement in spell if statement.asserts_detention]
    if len(asserting) == len(spell):  # as most often: nobody refutes
        return asserting
    refuting = {voice.source.key for voice in detention_voices(spell) if voice.verdict is Verdict.REFUTED}
    return [statement for statement in asserting if statement.has_release or statement.source.key not in refuting]


def with_next(custodies: Sequence[Custody]) -> list[Custody]:
    """The spells, numbered; each with whether a release came before it, and the day by which a later detention had
    begun, by independent sources together and by each source (rule 8: net)."""
    if len(custodies) == 1:  # as most often
        return list(custodies)
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
    """`(source, day)` for each statement on the detention: the day by which it had begun."""
    for statement in custody.asserting:
        if statement.began is not None:
            yield statement.source.key, statement.began.hi


def _country(spell: Sequence[Statement], asserting: Sequence[Statement]) -> Fact | None:
    """The country by the statements that assert the detention; else by all standing statements; else by withdrawn ones:
    a spell whose first report was withdrawn still has its country."""

    def by(statements: Iterable[Statement]) -> Fact | None:
        return plain_fact(source_values(statements, field("detention.country"), kept("country")))

    return by(asserting) or by(s for s in spell if not s.retracted) or by(s for s in spell if s.retracted)


def _present(**facts: Fact | None) -> Facts:
    """The facts that are not None."""
    return {name: fact for name, fact in facts.items() if fact is not None}


def _held(statements: Sequence[Statement]) -> Fact | None:
    """The last day on which any source knew the person to be in custody, with each source's last one."""
    knowing = [statement for statement in statements if "detention.held_on" in statement.content]
    knowing.sort(key=lambda statement: last_day(statement.content["detention.held_on"]))
    last_of = {statement.source.key: statement for statement in knowing}
    return latest_fact(source_values(last_of.values(), field("detention.held_on")))


def _ended(statements: Sequence[Statement], how: Fact | None, end: End | None) -> Facts:
    """How and when the detention ended other than by release, by the credible statements, with every source's
    values."""
    day = end.day.text if end and end.day else None
    facts = _present(
        ended_how=plain_fact(source_values(statements, _how)), ended_on=date_fact(source_values(statements, ended_on))
    )
    values = {"ended_how": how["value"] if how else None, "ended_on": day}
    return {name: {**fact, "value": values[name]} for name, fact in facts.items()}


def _how(statement: Statement) -> str | None:
    how: str | None = statement.content.get("detention.ended", {}).get("how")
    return how


def ended_on(statement: Statement) -> str | None:
    """The day of an end other than a release that a statement gives."""
    on: str | None = statement.content.get("detention.ended", {}).get("on")
    return on


def _disjoint(spell: Sequence[Statement]) -> bool:
    days = [
        statement.released
        for statement in spell
        if statement.released is not None and statement.end == statement.released
    ]
    return any(not a.overlaps(b) for number, a in enumerate(days) for b in days[number + 1 :])


def _telling(voices: list[Statement]) -> list[Statement]:
    """Among the voices at a stage those that give its facts: the asserting ones; where none asserts, all."""
    return [voice for voice in voices if voice.verdict in ASSERTIONS] or voices


def _spell_release(voices: list[Statement], voices_at: dict[Stage, list[Statement]]) -> SpellRelease | None:
    if not voices:
        return None
    by_stage = statuses(voices_at)
    stage = standing_stage(by_stage)
    dates: dict[Stage, PartialDate | None] = {}
    kinds: dict[Stage, str] = {}
    facts: Facts = {}
    stages: dict[Stage, StageOut] = {}
    telling: list[Statement] = []
    kind: Fact | None = None
    for at, at_stage in voices_at.items():
        before, telling = telling, _telling(at_stage)
        date = day_fact(telling, DATE_OF_STAGE[at], "release")
        kind = kind if telling == before else kind_fact(telling)  # as most often the same tell of every stage
        facts |= _present(**{DATE_OF_STAGE[at]: date})
        if kind and at is stage:
            facts["kind"] = kind
        day = date["value"] if date else None
        dates[at] = parse(day) if day else None
        kinds[at] = (kind["value"] if kind else None) or ReleaseKind.UNSPECIFIED
        verifying = [v for v in at_stage if v.verdict is Verdict.VERIFIED]
        stages[at] = {
            "status": by_stage[at],
            "date": day,
            "verified_by": sorted(v.source.slug for v in verifying),
            "independent": sum(v.independent for v in verifying),
            "reported_by": sorted(v.source.slug for v in at_stage if v.verdict is Verdict.REPORTED),
        }
    lifted = collect([v for v in voices if v.verdict in ASSERTIONS], {"measures_lifted_on": date_fact}, "release")
    return SpellRelease(voices, voices_at, by_stage, stage, dates, kinds, facts | lifted, stages)

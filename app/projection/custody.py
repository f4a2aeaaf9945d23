"""Consolidate one spell from its reports: the detention, its end, and the release with its stages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.dates import PartialDate
from app.projection.consolidate import (
    collect_facts,
    date_fact,
    day_fact,
    get_fact_value,
    get_last_day_key,
    kind_fact,
    latest_fact,
    plain_fact,
    read_field,
    read_inherited_field,
    read_source_values,
    select_dating_statements,
)
from app.projection.ends import (
    End,
    Sighting,
    Witnesses,
    consolidate_end,
    find_custody_sightings,
    find_sightings_or_inherited,
    find_witnesses,
    select_credible,
)
from app.projection.statements import (
    ASSERTIONS,
    STAGE_DATE_FIELDS,
    Statement,
    parse_cached_date,
    pick_detention_statements,
    pick_release_statements,
    pick_statements_by_stage,
)
from app.projection.status import COUNTED_STATUSES, collect_custody_verdicts, derive_statuses, find_current_stage
from app.schemas.base import Fact, Facts
from app.schemas.records import StageOut
from app.vocabulary import Designation, ReleaseKind, ReleaseStatus, Stage, Verdict


@dataclass(frozen=True)
class SpellRelease:
    """The release of a spell with its status, day and kind at each stage.

    `statements`: for each source the statement that speaks for it on the release as a whole. `statements_by_stage`:
    stage → the statements that speak for their sources there."""

    statements: list[Statement]
    statements_by_stage: dict[Stage, list[Statement]]
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
    """A consolidated spell. `spell` is the record key of its earliest report; `ordinal` counts a person's spells from
    1.

    `asserting_statements`: the statements that assert the detention. `sightings`: the sightings in custody.
    `custody_sightings`: sightings that sources state themselves, and days of arrest. `witnesses`: the witnesses of the
    detention; they decide whether an end is credible (`ends`). `release_end`: the credible end in a release carried
    out. `other_end`: the credible end in another way (`ended_how`). `has_no_credible_end`: an end is reported, but none
    is credible.

    `is_independently_reported`: an independent source reports the detention. `arrest_day`: the day of arrest according
    to such sources. `is_claimed_rearrest`: the detention follows another, and no independent source reports it."""

    spell: int
    statements: list[Statement]
    detention_statements: list[Statement]
    asserting_statements: list[Statement]
    country: str | None
    designation: str
    detained_on: PartialDate | None
    held_on: PartialDate | None
    sightings: list[Sighting]
    custody_sightings: list[Sighting]
    witnesses: Witnesses
    release_end: End | None
    ended_how: str | None
    other_end: End | None
    facts: Facts
    release: SpellRelease | None
    disjoint_releases: bool
    has_no_credible_end: bool
    is_independently_reported: bool
    arrest_day: PartialDate | None
    is_claimed_rearrest: bool = False
    ordinal: int = 1
    after_release: bool = False
    next_hi: int | None = None
    next_hi_by_source: dict[int, int] = field(default_factory=dict)

    @property
    def is_asserted(self) -> bool:
        return bool(self.asserting_statements)

    @cached_property
    def verdicts(self) -> dict[int, tuple[Verdict, bool]]:
        """Source → its verdict on whether the person was in custody: `(verdict, independent)`."""
        return collect_custody_verdicts(
            self.detention_statements, self.release.statements_by_stage if self.release else {}
        )

    @cached_property
    def counted_release(self) -> SpellRelease | None:
        """The release, if it counts as carried out and a credible statement asserts it."""
        release = self.release
        if release is None or self.release_end is None or release.stage is not Stage.CARRIED_OUT:
            return None
        return release if release.statuses[Stage.CARRIED_OUT] in COUNTED_STATUSES else None

    @property
    def ended_on(self) -> PartialDate | None:
        end = self.release_end if self.counted_release else self.other_end
        return None if end is None else end.day


def read_custody(spell: Sequence[Statement]) -> Custody:
    """Consolidate one spell from the statements that assert the detention, or from all if none does."""
    asserting_statements = _select_asserting(spell)
    basis = asserting_statements or list(spell)
    facts = _drop_missing_facts(
        detained_on=day_fact(basis, "detained_on", "detention"),
        country=_combine_country(spell, asserting_statements),
        designation=plain_fact(
            read_source_values(basis, lambda statement: statement.designation, read_inherited_field("designation"))
        ),
        held_on=_combine_held_on(asserting_statements),
    )
    detained_text, held_text = get_fact_value(facts, "detained_on"), get_fact_value(facts, "held_on")
    dating_statements = select_dating_statements(asserting_statements)
    custody_sightings, statements_by_stage, witness_statements = (
        find_custody_sightings(dating_statements),
        pick_statements_by_stage(spell),
        find_witnesses(asserting_statements),
    )
    release_statements = _prefer_assertions(statements_by_stage.get(Stage.CARRIED_OUT, []))
    ending_statements = [a for a in asserting_statements if a.verdict in ASSERTIONS and _read_ended_how(a)]
    release_end = consolidate_end(
        release_statements,
        read_field("release.released_on"),
        custody_sightings,
        witness_statements,
        read_inherited_field("released_on"),
    )
    other_end = consolidate_end(ending_statements, read_ended_on, custody_sightings, witness_statements)
    ended_how = plain_fact(
        read_source_values(
            select_credible(ending_statements, read_ended_on, custody_sightings, witness_statements), _read_ended_how
        )
    )
    facts |= _combine_ended(ending_statements, ended_how, other_end)
    independent_statements = [statement for statement in asserting_statements if statement.source.independent]
    if asserting_statements and len(independent_statements) == len(asserting_statements):  # the most frequent case
        arrest_fact = facts.get("detained_on")
    else:
        arrest_fact = day_fact(independent_statements, "detained_on", "detention")
    return Custody(
        spell=min(statement.record for statement in spell),
        statements=list(spell),
        detention_statements=pick_detention_statements(spell),
        asserting_statements=asserting_statements,
        country=get_fact_value(facts, "country"),
        designation=get_fact_value(facts, "designation") or Designation.UNSTATED,
        detained_on=parse_cached_date(detained_text) if detained_text else None,
        held_on=parse_cached_date(held_text) if held_text else None,
        sightings=find_sightings_or_inherited(dating_statements),
        custody_sightings=custody_sightings,
        witnesses=witness_statements,
        release_end=release_end,
        ended_how=ended_how["value"] if ended_how else None,
        other_end=other_end,
        facts=facts,
        release=_build_spell_release(pick_release_statements(spell), statements_by_stage),
        disjoint_releases=_has_disjoint_releases(spell),
        has_no_credible_end=(
            release_end is None
            and any(
                release_statement.verdict in ASSERTIONS
                for release_statement in statements_by_stage.get(Stage.CARRIED_OUT, [])
            )
        )
        or (other_end is None and bool(ending_statements)),
        is_independently_reported=bool(independent_statements),
        arrest_day=parse_cached_date(arrest_fact["value"]) if arrest_fact and arrest_fact["value"] else None,
    )


def _select_asserting(spell: Sequence[Statement]) -> list[Statement]:
    """Return the statements that assert the detention, except those of sources whose newest statement refutes it (rule
    2: one voice per source). A statement on a release always asserts the detention."""
    asserting = [statement for statement in spell if statement.asserts_detention]
    if len(asserting) == len(spell):  # the most frequent case: no refutation
        return asserting
    refuting = {
        last_statement.source.key
        for last_statement in pick_detention_statements(spell)
        if last_statement.verdict is Verdict.REFUTED
    }
    return [statement for statement in asserting if statement.has_release or statement.source.key not in refuting]


def link_custodies(custodies: Sequence[Custody]) -> list[Custody]:
    """Number the spells, and set on each whether a release preceded it and the day by which a later detention had
    begun, both for independent sources together and for each source (rule 8: net)."""
    if len(custodies) == 1:  # the most frequent case
        return list(custodies)
    has_report, has_release = False, False
    earlier: list[tuple[bool, bool]] = []
    for custody in custodies:
        earlier.append((has_report or has_release, has_release))
        has_report, has_release = (
            has_report or custody.is_independently_reported,
            has_release or custody.counted_release is not None,
        )
    linked_custodies: list[Custody] = []
    next_begin: int | None = None
    next_begin_by_source: dict[int, int] = {}
    for number in range(len(custodies) - 1, -1, -1):
        custody, (has_predecessor, after_release) = custodies[number], earlier[number]
        linked_custodies.append(
            replace(
                custody,
                ordinal=number + 1,
                is_claimed_rearrest=has_predecessor and custody.is_asserted and not custody.is_independently_reported,
                after_release=after_release,
                next_hi=next_begin,
                next_hi_by_source=dict(next_begin_by_source),
            )
        )
        # The earliest of all later arrests: a vague date may precede a precise one that follows it.
        if custody.arrest_day is not None:
            next_begin = custody.arrest_day.hi if next_begin is None else min(next_begin, custody.arrest_day.hi)
        for source, day in _list_begin_days(custody):
            next_begin_by_source[source] = min(day, next_begin_by_source.get(source, day))
    return linked_custodies[::-1]


def _list_begin_days(custody: Custody) -> Iterator[tuple[int, int]]:
    """Yield `(source, day)` for each statement on the detention: the day by which it had begun."""
    for statement in custody.asserting_statements:
        if statement.arrest_day is not None:
            yield statement.source.key, statement.arrest_day.hi


def _combine_country(spell: Sequence[Statement], asserting: Sequence[Statement]) -> Fact | None:
    """Return the country from the statements that assert the detention, otherwise from all current ones, otherwise from
    withdrawn ones: a spell keeps its country if its first report is withdrawn."""

    def combine(statements: Iterable[Statement]) -> Fact | None:
        return plain_fact(
            read_source_values(statements, read_field("detention.country"), read_inherited_field("country"))
        )

    return (
        combine(asserting)
        or combine(s for s in spell if not s.is_retracted)
        or combine(s for s in spell if s.is_retracted)
    )


def _drop_missing_facts(**facts: Fact | None) -> Facts:
    return {name: fact for name, fact in facts.items() if fact is not None}


def _combine_held_on(statements: Sequence[Statement]) -> Fact | None:
    """Return the last day on which any source knew the person to be in custody, with the last day of each source."""
    knowing = [statement for statement in statements if "detention.held_on" in statement.content]
    knowing.sort(key=lambda statement: get_last_day_key(statement.content["detention.held_on"]))
    last_by_source = {statement.source.key: statement for statement in knowing}
    return latest_fact(read_source_values(last_by_source.values(), read_field("detention.held_on")))


def _combine_ended(statements: Sequence[Statement], ended_how: Fact | None, end: End | None) -> Facts:
    """Return how and when the detention ended other than by release, decided by the credible statements, with every
    source's values."""
    day = end.day.text if end and end.day else None
    facts = _drop_missing_facts(
        ended_how=plain_fact(read_source_values(statements, _read_ended_how)),
        ended_on=date_fact(read_source_values(statements, read_ended_on)),
    )
    values = {"ended_how": ended_how["value"] if ended_how else None, "ended_on": day}
    return {name: {**fact, "value": values[name]} for name, fact in facts.items()}


def _read_ended_how(statement: Statement) -> str | None:
    ended_how: str | None = statement.content.get("detention.ended", {}).get("how")
    return ended_how


def read_ended_on(statement: Statement) -> str | None:
    """Return the day that a statement gives for an end other than a release."""
    text: str | None = statement.content.get("detention.ended", {}).get("on")
    return text


def _has_disjoint_releases(spell: Sequence[Statement]) -> bool:
    days = [
        statement.released_on
        for statement in spell
        if statement.released_on is not None and statement.end == statement.released_on
    ]
    return any(not a.overlaps(b) for number, a in enumerate(days) for b in days[number + 1 :])


def _prefer_assertions(statements: list[Statement]) -> list[Statement]:
    """Return the statements that determine a stage's facts: the asserting ones, or all if none asserts."""
    return [statement for statement in statements if statement.verdict in ASSERTIONS] or statements


def _build_spell_release(
    statements: list[Statement], statements_by_stage: dict[Stage, list[Statement]]
) -> SpellRelease | None:
    if not statements:
        return None
    by_stage = derive_statuses(statements_by_stage)
    stage = find_current_stage(by_stage)
    dates: dict[Stage, PartialDate | None] = {}
    kinds: dict[Stage, str] = {}
    facts: Facts = {}
    stages: dict[Stage, StageOut] = {}
    fact_statements: list[Statement] = []
    kind: Fact | None = None
    for stage_key, stage_statements in statements_by_stage.items():
        previous, fact_statements = fact_statements, _prefer_assertions(stage_statements)
        date = day_fact(fact_statements, STAGE_DATE_FIELDS[stage_key], "release")
        # Most often the same statements cover every stage.
        kind = kind if fact_statements == previous else kind_fact(fact_statements)
        facts |= _drop_missing_facts(**{STAGE_DATE_FIELDS[stage_key]: date})
        if kind and stage_key is stage:
            facts["kind"] = kind
        day = date["value"] if date else None
        dates[stage_key] = parse_cached_date(day) if day else None
        kinds[stage_key] = (kind["value"] if kind else None) or ReleaseKind.UNSPECIFIED
        verifying = [v for v in stage_statements if v.verdict is Verdict.VERIFIED]
        stages[stage_key] = {
            "status": by_stage[stage_key],
            "date": day,
            "verified_by": sorted(v.source.slug for v in verifying),
            "independent": sum(v.independent for v in verifying),
            "reported_by": sorted(v.source.slug for v in stage_statements if v.verdict is Verdict.REPORTED),
        }
    lifted_facts = collect_facts(
        [v for v in statements if v.verdict in ASSERTIONS], {"measures_lifted_on": date_fact}, "release"
    )
    return SpellRelease(statements, statements_by_stage, by_stage, stage, dates, kinds, facts | lifted_facts, stages)

"""Consolidate one detention from its reports: its days, its end, and the release with its stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from app.dates import PartialDate
from app.projection.consolidate import (
    ReadValue,
    SourceValue,
    collect_facts,
    date_fact,
    get_fact_value,
    get_last_day_key,
    kind_fact,
    latest_fact,
    list_values,
    plain_fact,
    read_field,
    read_source_values,
)
from app.projection.event_dates import GOVERNMENT, EventDate, choose_arrest_date, choose_end_date, choose_release_date
from app.projection.held import End, HeldDays, find_first_end, find_held_days, select_witnesses
from app.projection.statements import (
    ASSERTIONS,
    DENIALS,
    STAGE_DATE_FIELDS,
    Statement,
    drop_retracted,
    parse_cached_date,
)
from app.projection.status import (
    COUNTED_STATUSES,
    Weight,
    asserts_stage,
    find_furthest_stage,
    pick_detention_voices,
    pick_voices,
    weigh_verdicts,
    weigh_voices,
)
from app.schemas.base import Fact, Facts
from app.schemas.records import StageOut
from app.vocabulary import STAGES, CustodyEnd, Designation, EndedHow, ReleaseKind, ReleaseStatus, Stage, Verdict

# From most to least certain: a source's most certain verdict on the detention or its release is its verdict on whether
# the person was in custody.
VERDICTS_BY_CERTAINTY = (Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)
# A release of governments' reports alone ends the detention that they alone report.
ENDING_STATUSES = COUNTED_STATUSES | {ReleaseStatus.OFFICIAL_ONLY}


@dataclass(frozen=True)
class StageRelease:
    """A release at one stage: each source's voice, the weight, the date, the kind, and the statements that assert it,
    without those of sources whose voice denies it (rule 2)."""

    voices: list[Statement]
    assertions: list[Statement]
    weight: Weight
    date: EventDate
    kind: str

    @property
    def status(self) -> ReleaseStatus | None:
        return self.weight.status

    @property
    def verified_count(self) -> int:
        """The number of first-hand verifications."""
        return sum(voice.independent and voice.verdict is Verdict.VERIFIED for voice in self.voices)


@dataclass(frozen=True)
class Custody:
    """A consolidated detention. `spell`: the record key of its earliest report; `ordinal` counts from 1.

    `begin`: the arrest that divides it from the previous detention. `witnesses`: the statements that decide whether the
    person was held. `detention_voices`: each source's statement on the detention itself. `stages`: the release by
    stage. `ending_release`: the release that ends the detention, by the witnesses alone. `other_end`: the date of an
    end other than a release, `ended_how` its way. `next_hi`: the day by which a later detention had begun;
    `rearrest_hi`: one that is not refuted.
    """

    spell: int
    begin: PartialDate | None
    statements: list[Statement]
    witnesses: list[Statement]
    detention_voices: list[Statement]
    country: str | None
    designation: str
    arrest: EventDate
    held_on: PartialDate | None
    other_end: End | None
    ended_how: str | None
    stages: dict[Stage, StageRelease]
    ending_release: StageRelease | None
    facts: Facts
    release_facts: Facts
    is_independently_reported: bool
    is_claimed_rearrest: bool = False
    ordinal: int = 1
    after_release: bool = False
    next_hi: int | None = None
    rearrest_hi: int | None = None
    next_hi_by_source: dict[int, int] = field(default_factory=dict)

    @property
    def is_asserted(self) -> bool:
        return any(statement.asserts_detention for statement in self.statements)

    @property
    def detained_on(self) -> PartialDate | None:
        return self.arrest.date

    @cached_property
    def verdicts(self) -> dict[int, tuple[Verdict, bool]]:
        """Source → its verdict on whether the person was in custody: `(verdict, first-hand)`."""
        return collect_custody_verdicts(self.detention_voices, self.stages)

    @property
    def status(self) -> ReleaseStatus | None:
        """The status of the detention itself."""
        return weigh_verdicts(list(self.verdicts.values()), is_reported=self.is_independently_reported)

    @property
    def stage(self) -> Stage:
        """The furthest stage at which the release counts."""
        return find_furthest_stage({stage: release.status for stage, release in self.stages.items()})

    @property
    def release(self) -> StageRelease | None:
        """The release at its furthest stage."""
        return self.stages[self.stage] if self.stages else None

    @property
    def carried_out(self) -> StageRelease | None:
        """The release, if it was carried out and counts."""
        release = self.stages.get(Stage.CARRIED_OUT)
        return release if release is not None and release.status in COUNTED_STATUSES else None

    @property
    def release_voices(self) -> list[Statement]:
        """Each source's statement on the release, at the furthest stage of which it speaks."""
        voices = {v.source.key: v for stage in STAGES if stage in self.stages for v in self.stages[stage].voices}
        return [voices[source] for source in sorted(voices) if voices[source].review is None]

    @property
    def has_disjoint_releases(self) -> bool:
        """Whether sources give dates of one release that do not overlap, which a curator should look at."""
        days = [
            day for s in self.statements if s.asserts_release and (day := s.own_date("release.released_on")) is not None
        ]
        return any(not a.overlaps(b) for number, a in enumerate(days) for b in days[number + 1 :])

    @property
    def ended_on(self) -> PartialDate | None:
        if self.carried_out is not None:
            return self.carried_out.date.date
        return None if self.other_end is None else self.other_end.date.date

    @property
    def last_shown_day(self) -> int | None:
        """The last possible day of an arrest, a sighting or an end in a report that asserts the detention (rule 7)."""
        days = [
            day.hi
            for witness in self.witnesses
            if witness.verdict in ASSERTIONS
            for day in (
                witness.arrest_day,
                witness.sighting,
                witness.other_end,
                witness.release_day if witness.asserts_release else None,
            )
            if day is not None
        ]
        return max(days, default=None)

    def find_held_days(self, death: End | None, *, house_arrest: bool) -> HeldDays:
        """Return the days in custody. `house_arrest`: a release to house arrest does not end custody."""
        return find_held_days(
            self.witnesses, self.begin, self.arrest, self._list_ends(death, house_arrest=house_arrest)
        )

    def find_way_of_end(self, death: End | None) -> str | None:
        """Return how custody ended; None without an end."""
        end = find_first_end(self._list_ends(death, house_arrest=False))
        return None if end is None else end.how

    def _list_ends(self, death: End | None, *, house_arrest: bool) -> list[End]:
        release = self.ending_release
        is_out = release is not None and not (house_arrest and release.kind == ReleaseKind.HOUSE_ARREST)
        ends = (
            [End(release.date, CustodyEnd.RELEASED, release.status == ReleaseStatus.CONTESTED)]
            if release is not None and is_out
            else []
        )
        other_end = self.other_end
        if death is not None and self.ended_how == EndedHow.DIED and other_end is not None and not other_end.date.date:
            other_end = None  # the death has a date
        return [*ends, *(end for end in (other_end, death) if end is not None)]


def read_custody(statements: Sequence[Statement], begin: PartialDate | None = None) -> Custody:
    """Consolidate one detention. `begin`: the arrest that divides it from the previous one."""
    current_statements = drop_retracted(statements)
    assertions = [statement for statement in current_statements if statement.asserts_detention]
    # What no report asserts has a country for those who read its record, and is in no number.
    basis = (
        [statement for statement in assertions if statement.verdict in ASSERTIONS]
        or current_statements
        or list(statements)
    )
    witnesses = select_witnesses(current_statements)
    stages = {stage: release for stage in STAGES if (release := _read_stage(statements, stage)) is not None}
    has_outsiders = len(witnesses) < len(current_statements)
    ending_release = _read_stage(witnesses, Stage.CARRIED_OUT) if has_outsiders else stages.get(Stage.CARRIED_OUT)
    if ending_release is not None and ending_release.status not in ENDING_STATUSES:
        ending_release = None
    end = None if ending_release is None else ending_release.date.date
    arrest = choose_arrest_date([witness for witness in witnesses if witness.verdict in ASSERTIONS], begin, end)
    end_statements = [s for s in assertions if s.verdict in ASSERTIONS and _read_ended_how(s)]
    end_witnesses = [statement for statement in end_statements if statement in witnesses]
    ended_how = plain_fact(read_source_values(end_witnesses, _read_ended_how))
    other_end = (
        End(choose_end_date(end_witnesses), (ended_how and ended_how["value"]) or CustodyEnd.OTHER)
        if end_witnesses
        else None
    )
    facts = _drop_missing_facts(
        detained_on=_build_date_fact(assertions, "detention.detained_on", arrest),
        country=plain_fact(read_source_values(basis, read_field("detention.country"), "detention.country")),
        designation=plain_fact(read_source_values(basis, lambda s: s.designation, "detainee.designation")),
        held_on=_combine_held_on(assertions),
        ended_how=_build_end_fact(end_statements, _read_ended_how, ended_how["value"] if ended_how else None),
        ended_on=_build_end_fact(
            end_statements, read_ended_on, None if other_end is None else _format_date(other_end.date)
        ),
        denies=_collect_denied_details(current_statements),
    )
    held_text = get_fact_value(facts, "held_on")
    return Custody(
        spell=min(statement.record for statement in statements),
        begin=begin,
        statements=list(statements),
        witnesses=witnesses,
        detention_voices=pick_detention_voices(s for s in statements if s.review is None),
        country=get_fact_value(facts, "country"),
        designation=get_fact_value(facts, "designation") or Designation.UNSTATED,
        arrest=arrest,
        held_on=parse_cached_date(held_text) if held_text else None,
        other_end=other_end,
        ended_how=ended_how["value"] if ended_how else None,
        stages=stages,
        ending_release=ending_release,
        facts=facts,
        release_facts=_collect_release_facts(current_statements, stages),
        is_independently_reported=any(s.source.independent and s.verdict in ASSERTIONS for s in current_statements),
    )


def _read_stage(statements: Sequence[Statement], stage: Stage) -> StageRelease | None:
    """Return the release at a stage; None without a statement on it."""
    voices = pick_voices(statements, stage)
    if not voices:
        return None
    field_name = STAGE_DATE_FIELDS[stage]
    denying_sources = {voice.source.key for voice in voices if voice.independent and voice.denies_event}
    all_assertions = [statement for statement in statements if asserts_stage(statement, stage)]
    assertions = [statement for statement in all_assertions if statement.source.key not in denying_sources]
    date = choose_release_date(assertions, pick_voices(assertions, stage), f"release.{field_name}")
    kind = kind_fact(assertions)
    return StageRelease(
        voices=voices,
        assertions=assertions,
        weight=weigh_voices(voices, assertions, field_name, date.date, is_asserted=bool(all_assertions)),
        date=date,
        kind=(kind["value"] if kind else None) or ReleaseKind.UNSPECIFIED,
    )


def _collect_release_facts(statements: Sequence[Statement], stages: dict[Stage, StageRelease]) -> Facts:
    """Return the facts of a release: its date at each stage, its kind, and when measures were lifted."""
    if not stages:
        return {}
    facts: Facts = {}
    for stage, release in stages.items():
        name = STAGE_DATE_FIELDS[stage]
        facts |= _drop_missing_facts(**{name: _build_date_fact(release.assertions, f"release.{name}", release.date)})
    furthest = stages[find_furthest_stage({stage: release.status for stage, release in stages.items()})]
    facts |= _drop_missing_facts(kind=kind_fact(furthest.assertions))
    assertions = [statement for statement in statements if statement.has_release and statement.verdict in ASSERTIONS]
    return facts | collect_facts(assertions, {"measures_lifted_on": date_fact}, "release")


def build_stage_shape(release: StageRelease) -> StageOut:
    """Return a release at a stage as records show it."""
    verifying = [voice for voice in release.voices if voice.verdict is Verdict.VERIFIED]
    return {
        "status": release.status,
        "verified_by": sorted(voice.source.slug for voice in verifying),
        "denied_by": list(release.weight.denied_by),
        "independent": release.verified_count,
        "reported_by": sorted(voice.source.slug for voice in release.voices if voice.verdict is Verdict.REPORTED),
    }


def _build_date_fact(statements: Sequence[Statement], field_name: str, date: EventDate) -> Fact | None:
    """Return the fact of a date, with every source's own dates."""
    values = read_source_values(statements, read_field(field_name), field_name)
    if not values:
        return None
    text = _format_date(date)
    return {"value": text, "said": list_values(values, text)}


def _format_date(date: EventDate) -> str | None:
    return None if date.date is None else date.date.text


def _build_end_fact(statements: Sequence[Statement], read_value: ReadValue, value: str | None) -> Fact | None:
    """Return a fact of an end other than a release, with what every source says of it, also governments that decide
    nothing."""
    values = read_source_values(statements, read_value)
    return {"value": value, "said": list_values(values, value)} if values else None


def collect_custody_verdicts(
    detention_voices: Sequence[Statement], stages: Mapping[Stage, StageRelease]
) -> dict[int, tuple[Verdict, bool]]:
    """Return a dict of source → its verdict on whether the person was in custody, `(verdict, first-hand)`.

    Verifying a release verifies the custody; denying it says that the person is in custody. The most
    certain of a source's first-hand verdicts counts; without one, the most certain of all.
    """
    verdicts: dict[int, list[tuple[Verdict, bool]]] = {}
    for voice in detention_voices:
        verdicts.setdefault(voice.source.key, []).append((voice.verdict, voice.independent))
    for voice in (voice for release in stages.values() for voice in release.voices if voice.review is None):
        verdict = Verdict.REPORTED if voice.verdict in DENIALS else voice.verdict
        verdicts.setdefault(voice.source.key, []).append((verdict, voice.independent))
    return {source: _pick_surest(own) for source, own in sorted(verdicts.items())}


def _pick_surest(verdicts: Sequence[tuple[Verdict, bool]]) -> tuple[Verdict, bool]:
    return min(verdicts, key=lambda own: (not own[1], VERDICTS_BY_CERTAINTY.index(own[0])))


def link_custodies(custodies: Sequence[Custody]) -> list[Custody]:
    """Number the detentions, and set on each whether a release preceded it and the day by which a later one had begun,
    for organisations together and for each source (rule 17)."""
    linked: list[Custody] = []
    next_hi: int | None = None
    rearrest_hi: int | None = None
    next_by_source: dict[int, int] = {}
    for number in range(len(custodies) - 1, -1, -1):
        custody, earlier = custodies[number], custodies[:number]
        is_claim = bool(earlier) and custody.is_asserted and not custody.is_independently_reported
        after_release = any(other.carried_out is not None for other in earlier)
        linked.append(
            replace(
                custody,
                ordinal=number + 1,
                is_claimed_rearrest=is_claim,
                after_release=after_release,
                next_hi=next_hi,
                rearrest_hi=rearrest_hi,
                next_hi_by_source=dict(next_by_source),
            )
        )
        if custody.is_independently_reported and custody.arrest.date is not None:
            day = custody.arrest.date.hi
            next_hi = day if next_hi is None else min(next_hi, day)
            if custody.status is not ReleaseStatus.REFUTED:
                rearrest_hi = day if rearrest_hi is None else min(rearrest_hi, day)
        for statement in custody.statements:
            if statement.verdict in ASSERTIONS and statement.arrest_day is not None:
                source, day = statement.source.key, statement.arrest_day.hi
                next_by_source[source] = min(day, next_by_source.get(source, day))
    return linked[::-1]


def _drop_missing_facts(**facts: Fact | None) -> Facts:
    return {name: fact for name, fact in facts.items() if fact is not None}


def _combine_held_on(statements: Sequence[Statement]) -> Fact | None:
    """Return the last day on which any source knew the person to be in custody, with the last day of each source."""
    statements_with_day = [statement for statement in statements if statement.own_date("detention.held_on") is not None]
    statements_with_day.sort(key=lambda statement: get_last_day_key(statement.content["detention.held_on"]))
    last_by_source = {statement.source.key: statement for statement in statements_with_day}
    return latest_fact(read_source_values(last_by_source.values(), read_field("detention.held_on")))


def _collect_denied_details(statements: Sequence[Statement]) -> Fact | None:
    """Return the details that reports deny, with their sources; they wait in the review queue (rule 2)."""
    values = {
        SourceValue(s.denied_detail, s.source.slug, GOVERNMENT) for s in statements if s.denied_detail is not None
    }
    return {"value": sorted({v.value for v in values}), "said": list_values([*values], None)} if values else None


def _read_ended_how(statement: Statement) -> str | None:
    ended_how: str | None = statement.content.get("detention.ended", {}).get("how")
    return ended_how


def read_ended_on(statement: Statement) -> str | None:
    """Return the date that a statement gives for an end other than a release."""
    text: str | None = statement.content.get("detention.ended", {}).get("on")
    return text

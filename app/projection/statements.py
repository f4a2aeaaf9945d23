"""Which verdicts a source knows of itself, and which it copied from others (pure). A copy confirms nothing.

What the log says of a report on a person who may only be counted (pure, decision 0042).

A release and a day of arrest together find nearly everyone, and the method tells who talked. So of such people the log
and every counted row say the month of the arrest and of the last sighting, and of the method only whether the source
knows of the release itself; the days and the method are sealed with the personal values, under their own names.

What the projection reads: a statement for each current report of one person, with its source and facility.

Rule 2: one voice per source, spell and object: the statement that speaks for the source there.

The status of a release or a detention by the verdicts of its sources: verified, contested, refuted, reported or
retracted; and the stage at which a release stands.

A statement on a release implies the custody before it: a source that verified the release verified the custody, and
one that denies the release says that the person is still in custody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from app import dates
from app.dates import PartialDate, parse_date
from app.log.content import (
    CITING,
    IS_FIRST_HAND,
    METHOD,
    PUBLIC_FIELDS,
    PUBLIC_INHERITED_FIELDS,
    Content,
    has_release_section,
)
from app.vocabulary import STAGES, Designation, Method, ReleaseKind, ReleaseStatus, Stage, Verdict

# Methods by which a source knows something itself. Every other method is second-hand, a new method until somebody adds
# it here: at worst a verification then does not count yet, and no copy ever counts as a verification.
FIRST_HAND = frozenset(
    {
        Method.FAMILY,
        Method.LAWYER,
        Method.DETAINEE,
        Method.AT_THE_GATE,
        Method.RELEASE_ORDER,
        Method.COURT_RECORD,
        Method.OFFICIAL_LIST,
        Method.DIPLOMATIC,
        Method.PHOTO_VIDEO,
        Method.FELLOW_PRISONER,
    }
)
# Methods that repeat what somebody else found. A copy confirms nothing.
SECOND_HAND = frozenset(Method) - FIRST_HAND


def is_copy(content: Content) -> bool:
    """Whether a verdict repeats what another source found: by its method, as far as the content says it, or since it
    cites another source."""
    second_hand = content.get(METHOD) in SECOND_HAND or not content.get(IS_FIRST_HAND, True)
    return bool(content.get(CITING)) or second_hand


# The days of which the log says the month; days of a release and of other ends stay days: that a source reported
# somebody released on a day is public.
COARSENED_FIELDS = ("detention.detained_on", "detention.held_on", "kept.detained_on", "kept.held_on")
SEALED_FIELDS = frozenset({*COARSENED_FIELDS, METHOD})
YEAR_LENGTH, MONTH_LENGTH = len("YYYY"), len("YYYY-MM")


def coarsen_to_month(text: str) -> str:
    """The month of a partial date, or the interval of its months; a year stays a year."""
    if len(text) == YEAR_LENGTH:
        return text
    day = parse_date(text)
    first, last = (end.isoformat()[:MONTH_LENGTH] for end in (day.first, day.last))
    return first if first == last else f"{first}/{last}"


def coarsen_content(content: Content) -> Content:
    """The content with months for the days, and with IS_FIRST_HAND for the method."""
    coarsened = {
        name: coarsen_to_month(value) if name in COARSENED_FIELDS else value
        for name, value in content.items()
        if name != METHOD
    }
    return {**coarsened, IS_FIRST_HAND: content[METHOD] in FIRST_HAND} if METHOD in content else coarsened


def split_content(content: Content, *, is_count_only: bool) -> tuple[Content, Content]:
    """`(public, personal)`: what the log says, and what is sealed. `is_count_only`: the person may only be counted."""
    readable = PUBLIC_FIELDS | PUBLIC_INHERITED_FIELDS | {IS_FIRST_HAND}
    logged = coarsen_content(content) if is_count_only else content
    public = {name: value for name, value in logged.items() if name in readable}
    return public, {name: value for name, value in content.items() if public.get(name) != value}


def merge_content(public: Content, personal: Content) -> tuple[Content, Content]:
    """`(content, hidden)`: what the log says with the personal values beside, and what these say otherwise of days and
    method: an erasure deletes it, and so it must change no count."""
    hidden_content = {name: value for name, value in personal.items() if name in SEALED_FIELDS}
    unsealed = {name: value for name, value in personal.items() if name not in SEALED_FIELDS}
    return {**unsealed, **public}, hidden_content


def restore_content(public: Content, personal: Content) -> Content:
    """The inverse of `split_content`: the content that was filed; after an erasure what the log says of it."""
    content = {**public, **personal}
    if METHOD in content:
        content.pop(IS_FIRST_HAND, None)
    return content


parse_cached_date = lru_cache(maxsize=8192)(dates.parse_date)  # the same few hundred days recur in every report

ASSERTIONS = frozenset({Verdict.REPORTED, Verdict.VERIFIED})
DENIALS = frozenset({Verdict.REFUTED, Verdict.DISPUTED})
STAGE_DATE_FIELDS = {Stage.ANNOUNCED: "announced_on", Stage.ORDERED: "ordered_on", Stage.CARRIED_OUT: "released_on"}


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source in the projection; `independent` is false while the source is in quarantine."""

    key: int
    slug: str
    independent: bool


@dataclass(frozen=True, slots=True)
class FacilityView:
    key: int
    slug: str
    name: str
    area: str | None


@dataclass(frozen=True)
class Statement:
    """What one source's report says: the current version of its record.

    `record`: key of the record; `revision`: of the version; `pointer`: the record of the report at which it points;
    `is_filed_by_pointer`: it was filed by pointing at a known person. `is_redacted`: the person was erased by the projected revision;
    `is_erased`: at any revision, so that a replay shows nothing personal of any time. `facility`: the registered facility
    that the report names; `inherited_facility`: the facility kept with it. `wish_revision`: the revision at which the source asked
    for this class of publication first, None for `revision`; `is_wish_suspended`: that wish hides no person whom other sources
    show, until a curator agrees.

    `content`: what counts, as the log says it, with the personal values beside. `hidden_content`: the days and the method that
    the log does not say since the person may only be counted, until an erasure deletes them.
    """

    record: int
    id: str
    source: SourceView
    revision: int
    content: Content
    pointer: int | None = None
    facility: FacilityView | None = None
    inherited_facility: FacilityView | None = None
    is_redacted: bool = False
    is_erased: bool = False
    is_filed_by_pointer: bool = False
    wish_revision: int | None = None
    is_wish_suspended: bool = False
    hidden_content: Content = field(default_factory=dict)

    @cached_property
    def full_content(self) -> Content:
        """The content that was filed; of an erased person what the log says of it."""
        return restore_content(self.content, self.hidden_content) if self.hidden_content else self.content

    def to_count_only(self) -> "Statement":
        """The statement as it counts while the person may only be counted."""
        content = coarsen_content(self.content)
        hidden_content = {name: value for name, value in self.content.items() if content.get(name) != value}
        return (
            replace(self, content=content, hidden_content={**hidden_content, **self.hidden_content})
            if hidden_content
            else self
        )

    def to_filed(self) -> "Statement":
        """The statement with nothing hidden."""
        return replace(self, content=self.full_content, hidden_content={}) if self.hidden_content else self

    def date(self, name: str) -> PartialDate | None:
        """The report's own partial date under `section.field`, if any."""
        text = self.content.get(name)
        return None if text is None else parse_cached_date(text)

    def date_or_inherited(self, name: str) -> PartialDate | None:
        """The report's own partial date under `section.field`, else the one kept with the report."""
        return self.date(name) or self.date(f"kept.{name.partition('.')[2]}")

    @cached_property
    def verdict(self) -> Verdict:
        return Verdict(self.content["verification.verdict"])

    @cached_property
    def has_release(self) -> bool:
        return has_release_section(self.content)

    @cached_property
    def stage(self) -> Stage:
        return Stage(self.content.get("release.stage", Stage.CARRIED_OUT))

    @cached_property
    def kind(self) -> str | None:
        """The kind of release; None for `unspecified`."""
        kind = self.content.get("release.kind")
        return None if kind == ReleaseKind.UNSPECIFIED else kind

    @cached_property
    def designation(self) -> str | None:
        designation = self.content.get("detainee.designation")
        return None if designation == Designation.UNSTATED else designation

    @cached_property
    def detained_on(self) -> PartialDate | None:
        return self.date("detention.detained_on")

    @cached_property
    def released_on(self) -> PartialDate | None:
        return self.date("release.released_on")

    @cached_property
    def arrest_day(self) -> PartialDate | None:
        """The day of arrest by which the report's spell is found: its own, else the one kept with it."""
        return self.date_or_inherited("detention.detained_on")

    @cached_property
    def release_day(self) -> PartialDate | None:
        """The day of release by which the report's spell is found: its own, else the one kept with it."""
        return self.date_or_inherited("release.released_on") if self.has_release else None

    @cached_property
    def independent(self) -> bool:
        """Whether the verdict is independent: of an independent source that did not copy it."""
        return self.source.independent and not is_copy(self.content)

    @cached_property
    def is_retracted(self) -> bool:
        return self.verdict is Verdict.RETRACTED

    @cached_property
    def asserts_detention(self) -> bool:
        """Whether the report asserts the detention. A denial of a release asserts it too."""
        return not self.is_retracted and (self.has_release or self.verdict is not Verdict.REFUTED)

    @cached_property
    def end(self) -> PartialDate | None:
        """The day of the end that the report itself asserts: of a release carried out, or of a death, an escape, …"""
        if self.verdict not in ASSERTIONS:
            return None
        if self.has_release and self.stage is Stage.CARRIED_OUT and self.released_on is not None:
            return self.released_on
        ending = self.content.get("detention.ended")
        return parse_cached_date(ending["on"]) if ending and ending.get("on") else None

    @cached_property
    def position(self) -> PartialDate | None:
        """A day within or at the end of custody, by which a report without a day of arrest finds its spell."""
        names = ("release.released_on", "release.ordered_on", "release.announced_on", "detention.held_on")
        return next((day for name in names if (day := self.date_or_inherited(name)) is not None), self.end)


STAGE_RANK = {stage: rank for rank, stage in enumerate(STAGES)}


def group_by_source(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Source key → the statements that may speak for the source: retracted ones only where none of its others
    stands."""
    all_statements = list(statements)
    if len(all_statements) == 1:  # as most often
        return {all_statements[0].source.key: all_statements}
    groups: dict[int, list[Statement]] = {}
    for statement in all_statements:
        groups.setdefault(statement.source.key, []).append(statement)
    return {source: [s for s in group if not s.is_retracted] or group for source, group in sorted(groups.items())}


def pick_release_statements(spell: Sequence[Statement]) -> list[Statement]:
    """For each source the statement that speaks for it on the release as a whole: of the furthest stage, then of the
    earliest disjoint date, then the newest."""
    return [_pick_on_release(own)[0] for own in _group_release_statements(spell)]


def pick_statements_by_stage(spell: Sequence[Statement]) -> dict[Stage, list[Statement]]:
    """Stage → the statements that speak for their sources there, one for each source; without silent stages. A source
    speaks by its voice on the release as a whole. But where this only reports or denies a later stage, it does not take
    back an earlier stage that the source verified."""
    sources = _group_release_statements(spell)
    by_stage = {
        stage: [statement for own in sources if (statement := _pick_at_stage(own, stage)) is not None]
        for stage in STAGES
    }
    return {stage: statements for stage, statements in by_stage.items() if statements}


def _group_release_statements(spell: Sequence[Statement]) -> list[list[Statement]]:
    return list(group_by_source(statement for statement in spell if statement.has_release).values())


def _pick_at_stage(own: list[Statement], stage: Stage) -> Statement | None:
    """Among one source's statements the one that speaks for it at a stage, if any does."""
    if len(own) == 1:  # as most often
        return own[0] if covers_stage(own[0], stage) else None
    statement, earlier_statements = _pick_on_release(own)
    at_stage = statement if covers_stage(statement, stage) else None
    if not earlier_statements or (at_stage is not None and at_stage.verdict is not Verdict.REPORTED):
        return at_stage
    earlier = _pick_at_stage(earlier_statements, stage)
    return earlier if earlier is not None and earlier.verdict is Verdict.VERIFIED else at_stage


def _pick_on_release(own: list[Statement]) -> tuple[Statement, list[Statement]]:
    """Among one source's statements the one that speaks for it on the release, and those of earlier stages."""
    if len(own) == 1:  # as most often
        return own[0], []
    furthest = max((statement.stage for statement in own), key=lambda stage: STAGE_RANK[stage])
    furthest_statements = [statement for statement in own if statement.stage is furthest]
    return _pick_for_stage(furthest_statements, furthest), [
        statement for statement in own if statement.stage is not furthest
    ]


def _pick_for_stage(own: list[Statement], stage: Stage) -> Statement:
    """Among one source's statements of one stage the one that speaks for it: the last word on the earliest day, unless
    that day is only reported and a later, disjoint one verified."""
    dated_statements = [(statement, statement.date(f"release.{STAGE_DATE_FIELDS[stage]}")) for statement in own]
    first = min((day for _statement, day in dated_statements if day), key=lambda day: (day.hi, day.lo), default=None)
    agreeing: list[Statement] = []
    disjoint: list[Statement] = []
    for statement, day in dated_statements:
        (agreeing if day is None or first is None or day.overlaps(first) else disjoint).append(statement)
    picked = _pick_last(agreeing)
    if picked.verdict is not Verdict.REPORTED or not disjoint:
        return picked
    later = _pick_for_stage(disjoint, stage)
    return later if later.verdict is Verdict.VERIFIED else picked


def _pick_last(own: Sequence[Statement]) -> Statement:
    """The newest statement; but a `reported` takes back no `verified` of another report of that source (ADR 0027)."""
    newest = max(own, key=lambda statement: statement.revision)
    if newest.verdict is not Verdict.REPORTED:
        return newest
    definite = [statement for statement in own if statement.verdict is not Verdict.REPORTED]
    last_definite = max(definite, key=lambda statement: statement.revision, default=newest)
    return last_definite if last_definite.verdict is Verdict.VERIFIED else newest


def pick_detention_statements(spell: Sequence[Statement]) -> list[Statement]:
    """For each source the statement that speaks for it on the detention itself: its last word without a release."""
    groups = group_by_source(statement for statement in spell if not statement.has_release)
    return [_pick_last(own) for own in groups.values()]


def covers_stage(statement: Statement, stage: Stage) -> bool:
    """Whether a voice speaks for a stage: an assertion for its own stage and earlier ones, a denial for its own and
    later ones."""
    if statement.verdict in ASSERTIONS or statement.is_retracted:
        return STAGE_RANK[stage] <= STAGE_RANK[statement.stage]
    return STAGE_RANK[stage] >= STAGE_RANK[statement.stage]


def asserts_stage(statement: Statement, stage: Stage) -> bool:
    return statement.verdict in ASSERTIONS and covers_stage(statement, stage)


COUNTED_STATUSES = frozenset({ReleaseStatus.VERIFIED, ReleaseStatus.CONTESTED, ReleaseStatus.REPORTED})
# From the surest to the least: the surest verdict of a source, on the detention or on the release from it, is its
# verdict on whether the person was in custody.
VERDICTS_BY_CERTAINTY = (Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)


def derive_status(verdicts: Sequence[tuple[Verdict, bool]]) -> ReleaseStatus | None:
    """The status by `[(verdict, independent)]`. Denials alone give no status unless one is independent: a state refutes
    no release by being the first to speak of it."""
    independent = {verdict for verdict, is_independent in verdicts if is_independent}
    if Verdict.VERIFIED in independent:
        denials = independent & {Verdict.REFUTED, Verdict.DISPUTED}
        return ReleaseStatus.CONTESTED if denials else ReleaseStatus.VERIFIED
    if Verdict.REFUTED in independent:
        return ReleaseStatus.REFUTED
    if Verdict.DISPUTED in independent:
        return ReleaseStatus.CONTESTED
    if any(verdict in ASSERTIONS for verdict, _own in verdicts):
        return ReleaseStatus.REPORTED
    withdrawn = bool(verdicts) and all(verdict is Verdict.RETRACTED for verdict, _own in verdicts)
    return ReleaseStatus.RETRACTED if withdrawn else None


def derive_statuses(statements_by_stage: dict[Stage, list[Statement]]) -> dict[Stage, ReleaseStatus | None]:
    """Stage → the status by the voices there; None where no voice asserts the release and no independent one denies
    it."""
    return {
        stage: derive_status([(statement.verdict, statement.independent) for statement in statements])
        for stage, statements in statements_by_stage.items()
    }


def find_current_stage(by_stage: dict[Stage, ReleaseStatus | None]) -> Stage:
    """The furthest stage at which the release counts; where it counts at none, the furthest with a voice."""
    counting = [stage for stage, status in by_stage.items() if status in COUNTED_STATUSES]
    return max(counting or by_stage, key=lambda stage: STAGE_RANK[stage])


def collect_custody_verdicts(
    detention_statements: Sequence[Statement], release_statements: Mapping[Stage, Sequence[Statement]]
) -> dict[int, tuple[Verdict, bool]]:
    """Source → its verdict on whether the person was in custody: `(verdict, independent)`, by the voices on the
    detention and those on the release at each stage."""
    verdicts: dict[int, list[tuple[Verdict, bool]]] = {}
    for statement in detention_statements:
        verdicts.setdefault(statement.source.key, []).append((statement.verdict, statement.independent))
    for statement in (statement for statements in release_statements.values() for statement in statements):
        verdict = Verdict.REPORTED if statement.verdict in DENIALS else statement.verdict
        verdicts.setdefault(statement.source.key, []).append((verdict, statement.independent))
    return {source: _pick_surest(source_verdicts) for source, source_verdicts in sorted(verdicts.items())}


def _pick_surest(verdicts: Sequence[tuple[Verdict, bool]]) -> tuple[Verdict, bool]:
    verdict = min((verdict for verdict, _independent in verdicts), key=VERDICTS_BY_CERTAINTY.index)
    return verdict, (verdict, True) in verdicts

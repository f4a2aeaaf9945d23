"""Statements: what the projection reads from the reports of one person, and which statement speaks for each source.

A statement is the current version of a report, with its source and facility. Rule 2 is one voice per source, spell and
object. Verdicts are first-hand or copied; only first-hand verdicts count as independent. Verdicts give a release or
detention its status: verified, contested, refuted, reported or retracted. A statement on a release implies the custody
before it: verifying the release verifies the custody, and denying it states that the person is still in custody.

A release and a day of arrest together identify nearly everyone, and the method discloses who talked. So for count-only
people the log and every counted row have only the month of the arrest and of the last sighting, and instead of the
method whether the knowledge is first-hand. The days and the method are sealed with the personal values (decision
0042)."""

from collections.abc import Iterable, Sequence
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
from app.vocabulary import STAGES, Designation, Method, ReleaseKind, Stage, Verdict

# First-hand methods. Every other method, including a new one, is second-hand until it is added here: at worst a
# verification then does not count yet, but a copy never counts as a verification.
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
# Methods that repeat another source's finding. A copy confirms nothing.
SECOND_HAND = frozenset(Method) - FIRST_HAND


def is_copy(content: Content) -> bool:
    """Return whether a verdict repeats another source's finding: by its method, if the content has it, or because it
    cites another source."""
    second_hand = content.get(METHOD) in SECOND_HAND or not content.get(IS_FIRST_HAND, True)
    return bool(content.get(CITING)) or second_hand


# Days that the log coarsens to months. Days of a release and of other ends stay days: that a source reported a release
# on a day is public.
COARSENED_FIELDS = ("detention.detained_on", "detention.held_on", "kept.detained_on", "kept.held_on")
SEALED_FIELDS = frozenset({*COARSENED_FIELDS, METHOD})
YEAR_LENGTH, MONTH_LENGTH = len("YYYY"), len("YYYY-MM")


def coarsen_to_month(text: str) -> str:
    """Return the month of a partial date, or the interval of its months; a year stays a year."""
    if len(text) == YEAR_LENGTH:
        return text
    day = parse_date(text)
    first, last = (end.isoformat()[:MONTH_LENGTH] for end in (day.first, day.last))
    return first if first == last else f"{first}/{last}"


def coarsen_content(content: Content) -> Content:
    """Return the content with months for the days, and with IS_FIRST_HAND for the method."""
    coarsened = {
        name: coarsen_to_month(value) if name in COARSENED_FIELDS else value
        for name, value in content.items()
        if name != METHOD
    }
    return {**coarsened, IS_FIRST_HAND: content[METHOD] in FIRST_HAND} if METHOD in content else coarsened


def split_content(content: Content, *, is_count_only: bool) -> tuple[Content, Content]:
    """Return `(public, personal)`: the logged content and the sealed content. `is_count_only`: the person's class."""
    readable = PUBLIC_FIELDS | PUBLIC_INHERITED_FIELDS | {IS_FIRST_HAND}
    logged = coarsen_content(content) if is_count_only else content
    public = {name: value for name, value in logged.items() if name in readable}
    return public, {name: value for name, value in content.items() if public.get(name) != value}


def merge_content(public: Content, personal: Content) -> tuple[Content, Content]:
    """Return `(content, hidden)`: the logged content with the personal values, and the sealed days and method. An
    erasure deletes the hidden content, so it must not affect any count."""
    hidden_content = {name: value for name, value in personal.items() if name in SEALED_FIELDS}
    unsealed = {name: value for name, value in personal.items() if name not in SEALED_FIELDS}
    return {**unsealed, **public}, hidden_content


def restore_content(public: Content, personal: Content) -> Content:
    """Return the content that was filed (the inverse of `split_content`); after an erasure, the logged content."""
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
    """What one source's report states: the current version of its record.

    `record`: key of the record. `revision`: of the version. `pointer`: the record of the report at which it points.
    `is_filed_by_pointer`: it was filed by pointing at a known person. `is_redacted`: the person was erased by the
    projected revision. `is_erased`: at any revision, so that a replay shows nothing personal of any time. `facility`:
    the registered facility that the report names; `inherited_facility`: the one it inherits. `wish_revision`: the
    revision at which the source first requested this publication class, None for `revision`. `is_wish_suspended`: the
    request hides no person whom other sources show, until a curator agrees.

    `content`: what counts: the logged content with the personal values. `hidden_content`: for a count-only person, the
    days and the method omitted from the log, until an erasure deletes them."""

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
        """The content that was filed; of an erased person, the logged content."""
        return restore_content(self.content, self.hidden_content) if self.hidden_content else self.content

    def to_count_only(self) -> "Statement":
        """Return the statement as it counts while the person is count-only."""
        content = coarsen_content(self.content)
        hidden_content = {name: value for name, value in self.content.items() if content.get(name) != value}
        return (
            replace(self, content=content, hidden_content={**hidden_content, **self.hidden_content})
            if hidden_content
            else self
        )

    def to_filed(self) -> "Statement":
        """Return the statement with nothing hidden."""
        return replace(self, content=self.full_content, hidden_content={}) if self.hidden_content else self

    def date(self, name: str) -> PartialDate | None:
        """Return the report's own partial date under `section.field`, if any."""
        text = self.content.get(name)
        return None if text is None else parse_cached_date(text)

    def date_or_inherited(self, name: str) -> PartialDate | None:
        """Return the report's own partial date under `section.field`, otherwise the inherited one."""
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
        """The day of arrest that places the report in a spell: its own, otherwise the inherited one."""
        return self.date_or_inherited("detention.detained_on")

    @cached_property
    def release_day(self) -> PartialDate | None:
        """The day of release that places the report in a spell: its own, otherwise the inherited one."""
        return self.date_or_inherited("release.released_on") if self.has_release else None

    @cached_property
    def independent(self) -> bool:
        """Whether the verdict is independent: from an independent source that did not copy it."""
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
        """The day of the end that the report itself asserts: a release carried out, a death, an escape, …"""
        if self.verdict not in ASSERTIONS:
            return None
        if self.has_release and self.stage is Stage.CARRIED_OUT and self.released_on is not None:
            return self.released_on
        ending = self.content.get("detention.ended")
        return parse_cached_date(ending["on"]) if ending and ending.get("on") else None

    @cached_property
    def position(self) -> PartialDate | None:
        """A day within or at the end of custody that places a report without a day of arrest."""
        names = ("release.released_on", "release.ordered_on", "release.announced_on", "detention.held_on")
        return next((day for name in names if (day := self.date_or_inherited(name)) is not None), self.end)


STAGE_RANK = {stage: rank for rank, stage in enumerate(STAGES)}


def group_by_source(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Return a dict of source key → the statements that may speak for the source: retracted ones only if it has no
    others."""
    all_statements = list(statements)
    if len(all_statements) == 1:  # the most frequent case
        return {all_statements[0].source.key: all_statements}
    groups: dict[int, list[Statement]] = {}
    for statement in all_statements:
        groups.setdefault(statement.source.key, []).append(statement)
    return {source: [s for s in group if not s.is_retracted] or group for source, group in sorted(groups.items())}


def pick_release_statements(spell: Sequence[Statement]) -> list[Statement]:
    """Return each source's statement on the release as a whole: of the furthest stage, then of the earliest disjoint
    date, then the newest."""
    return [_pick_on_release(own)[0] for own in _group_release_statements(spell)]


def pick_statements_by_stage(spell: Sequence[Statement]) -> dict[Stage, list[Statement]]:
    """Return a dict of stage → one statement per source, without stages that have none.

    A source's statement on the release as a whole speaks for it. But if that statement only reports or denies a later
    stage, it does not withdraw an earlier stage that the source verified."""
    sources = _group_release_statements(spell)
    by_stage = {
        stage: [statement for own in sources if (statement := _pick_at_stage(own, stage)) is not None]
        for stage in STAGES
    }
    return {stage: statements for stage, statements in by_stage.items() if statements}


def _group_release_statements(spell: Sequence[Statement]) -> list[list[Statement]]:
    return list(group_by_source(statement for statement in spell if statement.has_release).values())


def _pick_at_stage(own: list[Statement], stage: Stage) -> Statement | None:
    """Return the statement that speaks for one source at a stage, if any."""
    if len(own) == 1:  # the most frequent case
        return own[0] if covers_stage(own[0], stage) else None
    statement, earlier_statements = _pick_on_release(own)
    at_stage = statement if covers_stage(statement, stage) else None
    if not earlier_statements or (at_stage is not None and at_stage.verdict is not Verdict.REPORTED):
        return at_stage
    earlier = _pick_at_stage(earlier_statements, stage)
    return earlier if earlier is not None and earlier.verdict is Verdict.VERIFIED else at_stage


def _pick_on_release(own: list[Statement]) -> tuple[Statement, list[Statement]]:
    """Return the statement that speaks for one source on the release, and those of earlier stages."""
    if len(own) == 1:  # the most frequent case
        return own[0], []
    furthest = max((statement.stage for statement in own), key=lambda stage: STAGE_RANK[stage])
    furthest_statements = [statement for statement in own if statement.stage is furthest]
    return _pick_for_stage(furthest_statements, furthest), [
        statement for statement in own if statement.stage is not furthest
    ]


def _pick_for_stage(own: list[Statement], stage: Stage) -> Statement:
    """Return the statement that speaks for one source at one stage: the newest on the earliest day, unless that day is
    only reported and a later, disjoint one is verified."""
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
    """Return the newest statement; but a `reported` does not withdraw a `verified` of another report of that source
    (ADR 0027)."""
    newest = max(own, key=lambda statement: statement.revision)
    if newest.verdict is not Verdict.REPORTED:
        return newest
    definite = [statement for statement in own if statement.verdict is not Verdict.REPORTED]
    last_definite = max(definite, key=lambda statement: statement.revision, default=newest)
    return last_definite if last_definite.verdict is Verdict.VERIFIED else newest


def pick_detention_statements(spell: Sequence[Statement]) -> list[Statement]:
    """Return each source's statement on the detention itself: its newest without a release."""
    groups = group_by_source(statement for statement in spell if not statement.has_release)
    return [_pick_last(own) for own in groups.values()]


def covers_stage(statement: Statement, stage: Stage) -> bool:
    """Return whether a statement covers a stage: an assertion covers its own stage and earlier ones, a denial its own
    and later ones."""
    if statement.verdict in ASSERTIONS or statement.is_retracted:
        return STAGE_RANK[stage] <= STAGE_RANK[statement.stage]
    return STAGE_RANK[stage] >= STAGE_RANK[statement.stage]


def asserts_stage(statement: Statement, stage: Stage) -> bool:
    return statement.verdict in ASSERTIONS and covers_stage(statement, stage)

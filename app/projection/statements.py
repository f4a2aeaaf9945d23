"""Statements: what the projection reads from the reports of one person.

A statement is the current version of a report, with its source and facility. It is first-hand or second-hand (rule 8);
only first-hand ones confirm and deny. A statement on a release implies the custody before it: verifying the release
verifies the custody, and denying it states that the person is still in custody.

A release and a day of arrest together identify nearly everyone, and the method discloses who talked. So for count-only
people the log and every counted row have only the month of the arrest and of the last sighting, and instead of the
method whether the knowledge is first-hand. The days and the method are sealed with the personal values (decision
0042)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from app import dates
from app.dates import PartialDate, parse_date
from app.log.content import (
    CITING,
    DENIES,
    IS_FIRST_HAND,
    METHOD,
    PUBLIC_FIELDS,
    TAKEN_OVER,
    Content,
    convert_old_names,
    has_release_section,
    remove_taken_over,
)
from app.vocabulary import STAGES, Designation, Method, ReleaseKind, Review, Stage, Verdict

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
        Method.DIPLOMATIC,
        Method.PHOTO_VIDEO,
        Method.FELLOW_PRISONER,
    }
)


def is_first_hand(content: Content) -> bool:
    """Return whether a report names a first-hand method and cites nobody for it (rule 8)."""
    checked = content.get(METHOD) in FIRST_HAND or content.get(IS_FIRST_HAND, False)
    return bool(checked) and not content.get(CITING)


# Days that the log coarsens to months. Days of a release and of other ends stay days: that a source reported a release
# on a day is public.
COARSENED_FIELDS = ("detention.detained_on", "detention.held_on")
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
    readable = PUBLIC_FIELDS | {IS_FIRST_HAND, TAKEN_OVER}
    logged = coarsen_content(content) if is_count_only else content
    public = {name: value for name, value in logged.items() if name in readable}
    return public, {name: value for name, value in content.items() if public.get(name) != value}


def merge_content(public: Content, personal: Content) -> tuple[Content, Content]:
    """Return `(content, hidden)`: the logged content with the personal values, and the sealed days and method. An
    erasure deletes the hidden content, so it must not affect any count."""
    public, personal = convert_old_names(public, personal)
    hidden_content = {name: value for name, value in personal.items() if name in SEALED_FIELDS}
    unsealed = {name: value for name, value in personal.items() if name not in SEALED_FIELDS}
    return {**unsealed, **public}, hidden_content


def restore_content(public: Content, personal: Content) -> Content:
    """Return the content that was filed (the inverse of `split_content`); after an erasure, the logged content."""
    public, personal = convert_old_names(public, personal)
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

    `record`: key of the record. `revision`: of the version. `request`: the first revision of the list that
    filed it; 0: it was filed alone. `pointer`: the record of the report at which it points.
    `is_filed_by_pointer`: it was filed by pointing at a known person. `is_redacted`: the person was erased by the
    projected revision. `is_erased`: at any revision, so that a replay shows nothing personal of any time. `facility`:
    the registered facility that the report names. `wish_revision`: the revision at which the source first requested
    this publication class, None for `revision`. `is_wish_suspended`: the request takes away the name alone, and its
    birth hides nobody, until a curator agrees.

    `review`: it awaits review or was rejected, and counts in its source's own row only (rule 21). `is_unreviewed`: it
    counts everywhere, and no curator has approved it.

    `content`: what counts: the logged content with the personal values. `hidden_content`: for a count-only person, the
    days and the method omitted from the log, until an erasure deletes them."""

    record: int
    id: str
    source: SourceView
    revision: int
    content: Content
    pointer: int | None = None
    request: int = 0
    facility: FacilityView | None = None
    is_redacted: bool = False
    is_erased: bool = False
    is_filed_by_pointer: bool = False
    wish_revision: int | None = None
    is_wish_suspended: bool = False
    review: Review | None = None
    is_unreviewed: bool = False
    hidden_content: Content = field(default_factory=dict)

    @cached_property
    def full_content(self) -> Content:
        """The content that was filed; of an erased person, the logged content."""
        return restore_content(self.content, self.hidden_content) if self.hidden_content else self.content

    @property
    def filed_at(self) -> int:
        """The first revision of the request that filed it: statements of one list have the same age (rule 3)."""
        return self.request or self.revision

    def to_count_only(self) -> "Statement":
        """Return the statement as it counts while the person is count-only."""
        content = coarsen_content(self.content)
        hidden_content = {name: value for name, value in self.content.items() if content.get(name) != value}
        return (
            replace(self, content=content, hidden_content={**hidden_content, **self.hidden_content})
            if hidden_content
            else self
        )

    def to_withdrawn(self, review: Review) -> "Statement":
        """Return the statement as it stands in combined records while its source's reports are not approved."""
        withdrawn = {**self.content, "verification.verdict": Verdict.RETRACTED.value}
        return replace(self, content=withdrawn, review=review)

    def to_filed(self) -> "Statement":
        """Return the statement with nothing hidden."""
        return replace(self, content=self.full_content, hidden_content={}) if self.hidden_content else self

    def date(self, name: str) -> PartialDate | None:
        """Return the partial date under `section.field`, the report's own or taken over."""
        text = self.content.get(name)
        return None if text is None else parse_cached_date(text)

    def own_date(self, name: str) -> PartialDate | None:
        """Return the date that the source gives itself."""
        return None if self.is_taken_over(name) else self.date(name)

    def is_taken_over(self, name: str) -> bool:
        """Return whether the value of a field was taken over from the registry (rule 9)."""
        return TAKEN_OVER in self.content and name in self.content[TAKEN_OVER]["fields"]

    @property
    def own_content(self) -> Content:
        """The content without what was taken over."""
        return remove_taken_over(self.content)

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
    def arrest_day(self) -> PartialDate | None:
        return self.date("detention.detained_on")

    @cached_property
    def release_day(self) -> PartialDate | None:
        is_carried_out = self.has_release and self.stage is Stage.CARRIED_OUT
        return self.date("release.released_on") if is_carried_out else None

    @cached_property
    def independent(self) -> bool:
        """Whether the verdict counts: first-hand, of an organisation (rule 8)."""
        return self.source.independent and is_first_hand(self.content)

    @cached_property
    def is_retracted(self) -> bool:
        return self.verdict is Verdict.RETRACTED

    @cached_property
    def asserts_detention(self) -> bool:
        """Whether the report asserts the detention. A denial of a release asserts it too, that of a detail nothing."""
        return self.verdict in ASSERTIONS or (self.has_release and self.denies_event)

    @cached_property
    def asserts_release(self) -> bool:
        """Whether the report asserts a release that was carried out."""
        return self.has_release and self.verdict in ASSERTIONS and self.stage is Stage.CARRIED_OUT

    @cached_property
    def denies_event(self) -> bool:
        """Whether the report denies that the event took place; a denial of a detail is no voice (rule 2)."""
        return self.verdict in DENIALS and self.denied_detail is None

    @property
    def denied_detail(self) -> str | None:
        """The detail that the report denies, in place of the event."""
        return self.content.get(DENIES) if self.verdict in DENIALS else None

    @cached_property
    def sighting(self) -> PartialDate | None:
        """The last day on which the source knew the person in custody."""
        return self.date("detention.held_on")

    @cached_property
    def other_end(self) -> PartialDate | None:
        """The date of an end other than a release, such as an escape."""
        ending = self.content.get("detention.ended")
        return parse_cached_date(ending["on"]) if ending and ending.get("on") else None

    @cached_property
    def earlier_stage_days(self) -> list[PartialDate]:
        """The days on which the release was ordered and announced."""
        names = ("release.ordered_on", "release.announced_on") if self.has_release else ()
        return [day for name in names if (day := self.date(name)) is not None]

    @cached_property
    def all_dates(self) -> list[PartialDate]:
        """Every date that may place the report in a detention."""
        dates = [self.release_day, self.other_end, self.arrest_day, self.sighting, *self.earlier_stage_days]
        return [date for date in dates if date is not None]


def drop_retracted(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statements that are not retracted."""
    return [statement for statement in statements if not statement.is_retracted]


STAGE_RANK = {stage: rank for rank, stage in enumerate(STAGES)}

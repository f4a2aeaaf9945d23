"""What the projection reads: a statement for each current report of one person, with its source and facility."""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from app import dates
from app.dates import PartialDate
from app.registry.content import Content, has_release
from app.registry.projection.counted_reports import as_counted, whole
from app.registry.projection.independence import is_copy
from app.vocabulary import Designation, ReleaseKind, Stage, Verdict

parse = lru_cache(maxsize=8192)(dates.parse)  # the same few hundred days recur in every report

ASSERTIONS = frozenset({Verdict.REPORTED, Verdict.VERIFIED})
DENIALS = frozenset({Verdict.REFUTED, Verdict.DISPUTED})
DATE_OF_STAGE = {Stage.ANNOUNCED: "announced_on", Stage.ORDERED: "ordered_on", Stage.CARRIED_OUT: "released_on"}


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
    `points`: it was filed by pointing at a known person. `redacted`: the person was erased by the projected revision;
    `erased`: at any revision, so that a replay shows nothing personal of any time. `facility`: the registered facility
    that the report names; `kept_facility`: the facility kept with it. `wished`: the revision at which the source asked
    for this class of publication first, None for `revision`; `stopped`: that wish hides no person whom other sources
    show, until a curator agrees.

    `content`: what counts, as the log says it, with the personal values beside. `hidden`: the days and the method that
    the log does not say since the person may only be counted, until an erasure deletes them.
    """

    record: int
    id: str
    source: SourceView
    revision: int
    content: Content
    pointer: int | None = None
    facility: FacilityView | None = None
    kept_facility: FacilityView | None = None
    redacted: bool = False
    erased: bool = False
    points: bool = False
    wished: int | None = None
    stopped: bool = False
    hidden: Content = field(default_factory=dict)

    @cached_property
    def whole(self) -> Content:
        """The content that was filed; of an erased person what the log says of it."""
        return whole(self.content, self.hidden) if self.hidden else self.content

    def as_counted(self) -> "Statement":
        """The statement as it counts while the person may only be counted."""
        content = as_counted(self.content)
        hidden = {name: value for name, value in self.content.items() if content.get(name) != value}
        return replace(self, content=content, hidden={**hidden, **self.hidden}) if hidden else self

    def as_filed(self) -> "Statement":
        """The statement with nothing hidden."""
        return replace(self, content=self.whole, hidden={}) if self.hidden else self

    def date(self, name: str) -> PartialDate | None:
        """The report's own partial date under `section.field`, if any."""
        text = self.content.get(name)
        return None if text is None else parse(text)

    def date_or_kept(self, name: str) -> PartialDate | None:
        """The report's own partial date under `section.field`, else the one kept with the report."""
        return self.date(name) or self.date(f"kept.{name.partition('.')[2]}")

    @cached_property
    def verdict(self) -> Verdict:
        return Verdict(self.content["verification.verdict"])

    @cached_property
    def has_release(self) -> bool:
        return has_release(self.content)

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
    def detained(self) -> PartialDate | None:
        return self.date("detention.detained_on")

    @cached_property
    def released(self) -> PartialDate | None:
        return self.date("release.released_on")

    @cached_property
    def began(self) -> PartialDate | None:
        """The day of arrest by which the report's spell is found: its own, else the one kept with it."""
        return self.date_or_kept("detention.detained_on")

    @cached_property
    def let_go(self) -> PartialDate | None:
        """The day of release by which the report's spell is found: its own, else the one kept with it."""
        return self.date_or_kept("release.released_on") if self.has_release else None

    @cached_property
    def independent(self) -> bool:
        """Whether the verdict is independent: of an independent source that did not copy it."""
        return self.source.independent and not is_copy(self.content)

    @cached_property
    def retracted(self) -> bool:
        return self.verdict is Verdict.RETRACTED

    @cached_property
    def asserts_detention(self) -> bool:
        """Whether the report asserts the detention. A denial of a release asserts it too."""
        return not self.retracted and (self.has_release or self.verdict is not Verdict.REFUTED)

    @cached_property
    def end(self) -> PartialDate | None:
        """The day of the end that the report itself asserts: of a release carried out, or of a death, an escape, …"""
        if self.verdict not in ASSERTIONS:
            return None
        if self.has_release and self.stage is Stage.CARRIED_OUT and self.released is not None:
            return self.released
        ended = self.content.get("detention.ended")
        return parse(ended["on"]) if ended and ended.get("on") else None

    @cached_property
    def position(self) -> PartialDate | None:
        """A day within or at the end of custody, by which a report without a day of arrest finds its spell."""
        names = ("release.released_on", "release.ordered_on", "release.announced_on", "detention.held_on")
        return next((day for name in names if (day := self.date_or_kept(name)) is not None), self.end)

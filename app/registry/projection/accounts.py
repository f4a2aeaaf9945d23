"""What the projection reads: the current reports of one person, with the sources and facilities they name."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

from app import dates
from app.dates import PartialDate
from app.registry.content import Content, has_release
from app.vocabulary import Designation, Method, ReleaseKind, Stage, Verdict

parse = lru_cache(maxsize=8192)(dates.parse)  # the same few hundred days recur in every report

# A copy confirms nothing: these methods repeat what somebody else found.
SECOND_HAND = frozenset({Method.PRESS, Method.OTHER_ORGANISATION, Method.OFFICIAL_STATEMENT})
ASSERTIONS = frozenset({Verdict.REPORTED, Verdict.VERIFIED})
DENIALS = frozenset({Verdict.REFUTED, Verdict.DISPUTED})
DATE_OF_STAGE = {
    Stage.ANNOUNCED: "announced_on",
    Stage.ORDERED: "ordered_on",
    Stage.CARRIED_OUT: "released_on",
}


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source as the projection needs it; `independent` is false while it is in quarantine."""

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
class Account:
    """The current version of one record. `revision` is the version's, `record` the first one's.

    `redacted`: erased by then; `erased`: erased at some time, so that nothing personal is left to show of any time.
    `points`: filed by pointing at somebody known. `kept_facility`: where the person was held as far as the report
    pointed at said so. `wished`: the revision at which it came to ask for its class of publication, by default its own;
    `stopped`: the wish closes nothing that speaks against it until a curator agrees.
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

    def date(self, name: str) -> PartialDate | None:
        """The partial date said under `section.field`, if any."""
        text = self.content.get(name)
        return None if text is None else parse(text)

    def told(self, name: str) -> PartialDate | None:
        """The date said under `section.field`; else the one kept with it, which stood there when it verified by
        pointing."""
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
        """The kind of release it names; `unspecified` is saying nothing."""
        kind = self.content.get("release.kind")
        return None if kind == ReleaseKind.UNSPECIFIED else kind

    @cached_property
    def designation(self) -> str | None:
        said = self.content.get("detainee.designation")
        return None if said == Designation.UNSTATED else said

    @cached_property
    def detained(self) -> PartialDate | None:
        return self.date("detention.detained_on")

    @cached_property
    def released(self) -> PartialDate | None:
        return self.date("release.released_on")

    @cached_property
    def began(self) -> PartialDate | None:
        """The day of arrest by which its spell is found, its own or the one kept with it."""
        return self.told("detention.detained_on")

    @cached_property
    def let_go(self) -> PartialDate | None:
        """The day of release by which its spell is found, its own or the one kept with it."""
        return self.told("release.released_on") if self.has_release else None

    @cached_property
    def independent(self) -> bool:
        """Its verdict counts as a confirmation of its own (design: independence)."""
        return (
            self.source.independent
            and not self.content.get("verification.citing")
            and self.content.get("verification.method") not in SECOND_HAND
        )

    @cached_property
    def retracted(self) -> bool:
        return self.verdict is Verdict.RETRACTED

    @cached_property
    def asserts_detention(self) -> bool:
        """It holds that the person was detained: who denies a release still says so."""
        return not self.retracted and (self.has_release or self.verdict is not Verdict.REFUTED)

    @cached_property
    def end(self) -> PartialDate | None:
        """The end of custody it asserts itself: a release carried out, or another end (death, escape, …)."""
        if self.verdict not in ASSERTIONS:
            return None
        if self.has_release and self.stage is Stage.CARRIED_OUT and self.released is not None:
            return self.released
        ended = self.content.get("detention.ended")
        return parse(ended["on"]) if ended and ended.get("on") else None

    @cached_property
    def position(self) -> PartialDate | None:
        """A day that tells which spell it speaks of, when it does not say when the person was detained."""
        names = ("release.released_on", "release.ordered_on", "release.announced_on", "detention.held_on")
        return next((found for name in names if (found := self.told(name)) is not None), self.end)

"""Rule 4 said once more: the kind, country, designation and facility of every total, from the reports in the log.

Of how the app consolidates nothing is used here but which reports stand in one spell (rule 1) and by which of them each
source speaks of the release (rule 2).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.counts.tally import compute_count
from app.log import entries
from app.models import (
    OPEN,
    DetentionState,
    Entry,
    Facility,
    Placement,
    Record,
    ReleaseAtStage,
    Report,
    Sealed,
    Source,
    Trait,
    Verification,
)
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Role

STAGES = ("announced", "ordered", "carried_out")
SECOND_HAND = ("press", "other_organisation", "official_statement")
# A place as reports write it → its slug, where it is registered. A name is that of a place in one country; a slug, as
# "El Rodeo I" reads without its case, is the same in every one.
PLACES = {"el rodeo i": "el-rodeo-i", "helicoide": "el-helicoide"}
IN_ONE_COUNTRY = {"helicoide": "VE"}
NOTHING_SAID = {"kind": "unspecified", "country": None, "designation": "unstated", "facility": None}
FIELDS = {"kind": "release.kind", "country": "detention.country", "designation": "detainee.designation",
          "facility": "detention.facility"}  # fmt: skip
# Numbers of totals under these terms are counted again; which ones, differs from trial to trial.
TERMS: tuple[tuple[str, str], ...] = (
    ("kind", "house_arrest"),
    ("country", "VE"),
    ("facility", "el-rodeo-i"),
    ("kind", "unspecified"),
    ("designation", "political"),
    ("kind", "release_with_measures"),
    ("facility", "el-helicoide"),
    ("country", "CO"),
)
TWO = 2

# Made once: making a statement takes longer than running it.
_REGISTERED = select(col(Facility.slug)).where(col(Facility.until) == OPEN)
_REPORTS = (
    select(col(Record.key), col(Record.source), col(Report.stated), col(Source.independent), col(Entry.body),
           col(Sealed.disclosures))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Source, (col(Source.key) == col(Record.source)) & (col(Source.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
)  # fmt: skip
_PLACED = select(col(Placement.spell), col(Placement.record)).where(col(Placement.until) == OPEN)
_SPEAKING = select(col(Verification.spell), col(Verification.record)).where(
    col(Verification.until) == OPEN, col(Verification.object) == "release"
)
_FACILITY = select(col(Trait.spell), col(Trait.value)).where(col(Trait.until) == OPEN, col(Trait.name) == "facility")
_HELD = select(col(DetentionState.spell), col(DetentionState.country), col(DetentionState.designation)).where(
    col(DetentionState.until) == OPEN
)
_STANDING = select(
    col(ReleaseAtStage.spell),
    col(ReleaseAtStage.stage),
    col(ReleaseAtStage.kind),
    col(ReleaseAtStage.country),
    col(ReleaseAtStage.designation),
).where(col(ReleaseAtStage.until) == OPEN)
_VERIFIED = select(col(ReleaseAtStage.spell)).where(
    col(ReleaseAtStage.until) == OPEN,
    col(ReleaseAtStage.stage) == "carried_out",
    col(ReleaseAtStage.status) == "verified",
)


@dataclass(frozen=True)
class Said:
    """A report as it stands now."""

    source: int
    revision: int
    of_independent: bool  # by an independent source
    facility: str | None  # of those registered
    content: dict[str, Any]

    @property
    def verdict(self) -> str:
        return str(self.content["verification.verdict"])

    @property
    def independent(self) -> bool:
        copied = self.content.get("verification.method") in SECOND_HAND
        copied = copied or self.content.get("verification.first_hand") is False
        return self.of_independent and not self.content.get("verification.citing") and not copied

    @property
    def released(self) -> bool:
        return any(name.startswith("release.") for name in self.content)

    @property
    def holds_that_held(self) -> bool:
        return self.verdict != "retracted" and (self.released or self.verdict != "refuted")

    def value(self, fact: str, *, kept: bool) -> Any:
        """Its own value, or the one that it took over."""
        if (FIELDS[fact] in self.content.get("taken_over", {}).get("fields", ())) is not kept:
            return None
        return self.facility if fact == "facility" else _unless_nothing(fact, self.content.get(FIELDS[fact]))

    @property
    def rank(self) -> int:
        return STAGES.index(self.content.get("release.stage", "carried_out"))

    def speaks_for(self, stage: str) -> bool:
        asked = STAGES.index(stage)
        return asked >= self.rank if self.verdict in ("refuted", "disputed") else asked <= self.rank

    def asserts(self, stage: str) -> bool:
        return self.verdict in ("reported", "verified") and self.speaks_for(stage)


def _unless_nothing(fact: str, value: Any) -> Any:
    return None if value == NOTHING_SAID[fact] else value


@dataclass(frozen=True)
class Vote:
    """The value of one source."""

    source: int
    value: Any
    independent: bool
    verified: bool
    kept: bool
    withdrawn: bool


@dataclass(frozen=True)
class Total:
    """One fact of a spell, or of its release at a stage: what the sources say of it, and what the app made of that."""

    spell: int
    fact: str
    stage: str | None
    votes: tuple[Vote, ...]
    standing: Any

    @property
    def value(self) -> Any:
        """ "The value said by most independent verifying sources; where none verifies, by most independent ones; where
        none is independent, by most", and of what ties none. What was kept votes only where no independent source
        states a value."""
        heard = [vote for vote in self.votes if vote.independent and not vote.kept]
        heard = heard or [vote for vote in self.votes if vote.independent]
        heard = [vote for vote in heard if vote.verified] or heard or list(self.votes)
        most = Counter(vote.value for vote in heard).most_common(TWO)
        if not most or (len(most) == TWO and most[0][1] == most[1][1]):
            return NOTHING_SAID[self.fact]
        return most[0][0]

    @property
    def settled(self) -> bool:
        """Whether an independent source says it, and has not withdrawn it: then a state's word is none."""
        return any(vote.independent and not vote.withdrawn for vote in self.votes)

    def agreed_beside(self, source: int) -> Any:
        """The value that several independent sources other than this one verified with one voice, if there is one."""
        sure = [v.value for v in self.votes if v.independent and v.verified and not v.kept and v.source != source]
        return sure[0] if len(sure) >= TWO and len(set(sure)) == 1 else None


def totals(session: Session) -> list[Total]:
    """Every fact of every spell, and the kind of its release at each stage."""
    reports, spells = _reports(session), _by_spell(session.execute(_PLACED))
    places = dict(map(tuple, session.execute(_FACILITY)))
    tables = {spell: (country, designation) for spell, country, designation in session.execute(_HELD)}
    found = []
    for spell, records in spells.items():
        said = [reports[record] for record in records]
        refuting = _last_refuting(said)
        held = [one for one in said if one.holds_that_held and (one.released or one.source not in refuting)]
        of_country = next((votes for some in _groups(said, held) if (votes := _votes(some, "country"))), ())
        found += [
            Total(spell, "country", None, of_country, tables[spell][0]),
            Total(spell, "designation", None, _votes(held or said, "designation"), tables[spell][1]),
            Total(spell, "facility", None, _votes(held, "facility"), places.get(spell)),
        ]
    speaking = _by_spell(session.execute(_SPEAKING))
    for spell, stage, kind, *others in session.execute(_STANDING):
        about = [reports[record] for record in spells[spell]]
        voices = [_heard(reports[record], about, stage) for record in speaking[spell]]
        asked = [v for v in voices if v.asserts(stage)] or [v for v in voices if v.speaks_for(stage)]
        found.append(Total(spell, "kind", stage, _votes(_deciding(asked), "kind"), kind))
        assert tuple(others) == tables[spell], "one total, told in two tables"
    return found


def _last_refuting(said: list[Said]) -> set[int]:
    """The sources whose one voice on the detention (rule 2) refutes it: their newest report of it, but that what they
    only report takes back nothing that they verified."""
    found = set()
    for source in {one.source for one in said}:
        own = sorted((one for one in said if one.source == source and not one.released), key=lambda one: -one.revision)
        own = [one for one in own if one.verdict != "retracted"]
        looked = [one for one in own if one.verdict != "reported"]
        if own and own[0].verdict == "reported" and looked and looked[0].verdict == "verified":
            own = looked
        if own and own[0].verdict == "refuted":
            found.add(source)
    return found


def _heard(voice: Said, about: list[Said], stage: str) -> Said:
    """By which of its reports a source is heard at a stage (rule 2): its voice on the release, which takes back no
    earlier stage that the source verified where it only reports a later one or denies that."""
    if voice.speaks_for(stage) and voice.verdict != "reported":
        return voice
    own = [one for one in about if one.source == voice.source and one.released and one.rank < voice.rank]
    denied = [(one.rank, one.revision) for one in own if one.verdict in ("disputed", "refuted")]
    verified = [
        one
        for one in own
        if one.verdict == "verified"
        and one.asserts(stage)
        and not any(rank == one.rank and revision > one.revision for rank, revision in denied)
    ]
    return max(verified, key=lambda one: (one.rank, one.revision), default=voice)


def _deciding(asked: list[Said]) -> list[Said]:
    """Where an independent source verified a release, what others say makes no house arrest of it."""
    checked = any(one.independent and one.verdict == "verified" for one in asked)
    return [one for one in asked if one.independent or not checked]


def _groups(said: list[Said], held: list[Said]) -> list[list[Said]]:
    """Whoever says that the person was held; else any report that stands; else those withdrawn."""
    withdrawn = [one for one in said if one.verdict == "retracted"]
    return [held, [one for one in said if one not in withdrawn], withdrawn]


def _votes(said: list[Said], fact: str) -> tuple[Vote, ...]:
    """Each source's newest value: its own, else the one kept with its report."""
    votes = []
    for source in sorted({one.source for one in said}):
        own = sorted((one for one in said if one.source == source), key=lambda one: -one.revision)
        own = [one for one in own if one.verdict != "retracted"] or own
        votes += [_vote(own, fact, kept=False) or _vote(own, fact, kept=True)]
    return tuple(vote for vote in votes if vote is not None)


def _vote(own: list[Said], fact: str, *, kept: bool) -> Vote | None:
    stated = [(one, one.value(fact, kept=kept)) for one in own]
    stated = [(one, value) for one, value in stated if value is not None]
    if not stated:
        return None
    value = stated[0][1]
    verifying = [one for one, said in stated if said == value and one.verdict == "verified"]
    speaker = (verifying or [stated[0][0]])[0]
    withdrawn = speaker.verdict == "retracted"
    return Vote(speaker.source, value, speaker.independent, bool(verifying), kept, withdrawn)


def _reports(session: Session) -> dict[int, Said]:
    """Record → what it says now."""
    found, registered = {}, set(session.scalars(_REGISTERED))
    for record, source, since, independent, body, disclosures in session.execute(_REPORTS).all():
        content = {**json.loads(body)["said"], **entries.load_values(disclosures)}
        named, country = str(content.get("detention.facility")).lower(), content.get("detention.country")
        here = country is None or country == IN_ONE_COUNTRY.get(named, country)
        slug = PLACES.get(named) if here else None
        found[record] = Said(source, since, independent, slug if slug in registered else None, content)
    return found


def _by_spell(pairs: Iterable[Any]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for spell, record in pairs:
        found.setdefault(spell, []).append(record)
    return found


def unlike_the_rule(session: Session, hostile: int) -> Iterator[str]:
    """Totals that are not what rule 4 makes of the reports; first those by which one voice outweighs two."""
    every = totals(session)
    for total in every:
        agreed = total.agreed_beside(hostile)
        if agreed is not None and total.standing != agreed:
            yield f"two independent sources verify {agreed}, and one changes it: {total}"
        if total.standing != total.value:
            yield f"by rule 4 it is {total.value}: {total}"


def miscounted(session: Session, revision: int, number: int) -> Iterator[str]:
    """A number under one of these terms that is not that of the totals."""
    fact, value = TERMS[number % len(TERMS)]
    among = {total.spell for total in totals(session) if total.fact == fact and total.value == value
             and total.stage in (None, "carried_out")}  # fmt: skip
    right = len(among & set(session.scalars(_VERIFIED)))
    terms = CountTerms.model_validate({fact: [value] if fact == "kind" else value})
    counted = compute_count(session, terms, Reader(Role.READER), revision)["total"]["verified"]
    if counted != right:
        yield f"verified under {fact}={value}: {counted}, and by rule 4 {right}"

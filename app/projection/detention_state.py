"""From when to when a person was in custody: the rows `detention_state`, by all sources together, and
`source_detention`, by each source.

A source's own row rests on its own word, else on the values kept with its report, and on no other source's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.dates import PartialDate
from app.models import TableRow
from app.projection.consolidate import field, kept, newest_first, own_word
from app.projection.custody import Custody, ended_on
from app.projection.ends import (
    NOBODY,
    Days,
    End,
    Sighting,
    Witnesses,
    bounds,
    days_inside,
    earliest,
    end_of,
    finer,
    sightings,
    sightings_or_kept,
)
from app.projection.statements import (
    ASSERTIONS,
    COUNTING,
    DATE_OF_STAGE,
    DENIALS,
    Statement,
    asserts,
    by_source,
    parse,
    status_among,
)
from app.vocabulary import Designation, EndedHow, Publish, ReleaseKind, Stage, Verdict

T = TypeVar("T")

DIED_ON = "detainee.died_on"


def state_row(custody: Custody, death: End | None, publish: str) -> TableRow:
    """The row of all sources together. `death`: the person's, where it came in this detention or after it."""
    verdicts = list(custody.verdicts.values())
    status = status_among(verdicts)
    out = custody.counted_release
    home = out is not None and out.kind == ReleaseKind.HOUSE_ARREST
    left = custody.left if out else None
    ends = _Ends(left, custody.otherwise, death, home=home, died=custody.ended_how == EndedHow.DIED)
    days = [sighting.day for sighting in custody.seen]
    end_days = [end.day for end in (left, custody.otherwise if home or not left else None) if end is not None]
    return {
        "spell": custody.spell,
        "status": status,
        **_named("", _begun(custody.detained, days)),
        **_bounds(ends, custody.detained, days, custody.inside),
        "next_hi": custody.next_hi,
        "heard_hi": _heard_until(custody, end_days),
        "country": custody.country,
        "designation": custody.designation,
        "independent_verified": verdicts.count((Verdict.VERIFIED, True)) if status in COUNTING else 0,
        "withheld": publish == Publish.COUNTED,
    }


def source_rows(custody: Custody, deaths: dict[int, PartialDate]) -> list[TableRow]:
    """A row for each source, by its own days. `deaths`: source → its day of the person's death, where that came in this
    detention or after it."""
    rows = []
    for source, (verdict, independent) in custody.verdicts.items():
        own = own_statements(custody, source)
        arrest = own_word(own, field("detention.detained_on"), kept("detained_on"))
        detained = parse(arrest) if arrest else None
        inside, days = days_inside(own), [sighting.day for sighting in sightings(own) or sightings_or_kept(own)]
        rows.append(
            {
                "spell": custody.spell,
                "source": source,
                "verdict": verdict,
                "independent": independent,
                **_named("", _begun(detained, days)),
                **_bounds(_ends_of(custody, source, own, deaths.get(source)), detained, days, inside),
                "next_hi": custody.next_hi_by_source.get(source),
                **own_country_and_designation(own),
            }
        )
    return rows


def own_statements(custody: Custody, source: int) -> list[Statement]:
    """The statements that may speak for one source on a detention, the newest first."""
    return newest_first(
        by_source(statement for statement in custody.statements if statement.source.key == source)[source]
    )


def own_country_and_designation(own: Sequence[Statement]) -> TableRow:
    """The country and the designation by a source's own word."""
    return {
        "country": own_word(own, field("detention.country"), kept("country")),
        "designation": own_word(own, lambda statement: statement.designation, kept("designation"))
        or Designation.UNSTATED,
    }


def death_of(statements: Iterable[Statement], inside: Sequence[Sighting], known: Witnesses = NOBODY) -> End | None:
    """The death of a person, by the statements that are credible beside the days in custody (`inside`) and the
    witnesses of the detention (`known`)."""
    dated = [statement for statement in statements if not statement.retracted and DIED_ON in statement.content]
    return end_of(dated, field(DIED_ON), inside, known)


def deaths_by_source(statements: Iterable[Statement]) -> dict[int, PartialDate]:
    """Source → the day of death by its newest statement that gives one."""
    days = {}
    for source, own in by_source(statements).items():
        newest = sorted(
            (statement for statement in own if not statement.retracted), key=lambda statement: -statement.revision
        )
        day = _first(statement.date(DIED_ON) for statement in newest)
        if day is not None:
            days[source] = day
    return days


@dataclass(frozen=True)
class _Ends:
    """The ends of a detention: `left` in a release (`home`: to house arrest), `otherwise` in another way (`died`: in a
    death), and `death`, the person's death at whatever time; each None where no source reports it."""

    left: End | None
    otherwise: End | None
    death: End | None
    home: bool
    died: bool

    def of(self, *, house_arrest: bool) -> list[End]:
        """The ends that count. `house_arrest`: a release to house arrest does not end custody."""
        if self.left is not None and not (house_arrest and self.home):
            return _present(self.left, self.death)
        if self.otherwise is not None and self.died:  # `detention.ended` and `detainee.died_on` speak of one death
            return [finer(self.otherwise, self.death)]
        return _present(self.otherwise, self.death)


def _bounds(
    ends: _Ends, detained: PartialDate | None, seen: Sequence[PartialDate], against: Sequence[Sighting]
) -> TableRow:
    """First and last possible day of the end (`out_`), and of the end where house arrest is custody (`free_`). `seen`:
    days in custody; `against`: those that can contradict an end."""
    inside = [*seen, *_present(detained)]

    def of(end: End) -> Days:
        if ends.home and end is ends.left:  # a sighting in custody after it may be of the custody at home
            return bounds(end, _present(detained), [])
        return bounds(end, inside, [day.day for day in against if day.independent or not end.independent])

    out, free = (earliest([of(end) for end in ends.of(house_arrest=as_custody)]) for as_custody in (False, True))
    return _named("out_", out) | _named("free_", free)


def _ends_of(custody: Custody, source: int, own: Sequence[Statement], death: PartialDate | None) -> _Ends:
    """The ends of the detention by one source's own word (`own`: its statements, newest first)."""
    ended = next((s for s in own if s.verdict in ASSERTIONS and "detention.ended" in s.content), None)
    on = ended and ended_on(ended)
    otherwise = End(parse(on) if on else None) if ended else None
    release = custody.release
    voice = next((voice for voice in release.voices if voice.source.key == source), None) if release else None
    left, home = None, False
    if voice is not None and asserts(voice, Stage.CARRIED_OUT):
        home = own_kind(voice) == ReleaseKind.HOUSE_ARREST
        left = End(own_day(voice, Stage.CARRIED_OUT))
    died = ended is not None and ended.content["detention.ended"]["how"] == EndedHow.DIED
    return _Ends(left, otherwise, End(death) if death else None, home=home, died=died)


def own_day(voice: Statement, stage: Stage) -> PartialDate | None:
    """The day of a stage by a source's own word."""
    return voice.date_or_kept(f"release.{DATE_OF_STAGE[stage]}")


def own_kind(voice: Statement) -> str:
    """The kind of release by a source's own word."""
    return voice.kind or voice.content.get("kept.kind") or ReleaseKind.UNSPECIFIED


def _begun(detained: PartialDate | None, seen: Sequence[PartialDate]) -> tuple[int | None, int | None]:
    """First and last possible day of the beginning: a person seen in custody had been arrested by then."""
    after = [day.hi for day in seen if detained is None or day.hi >= detained.lo]
    days = [*after, *([detained.hi] if detained else [])]
    return (detained.lo if detained else None), min(days, default=None)


def _heard_until(custody: Custody, ends: Sequence[PartialDate | None]) -> int | None:
    """The last day on which a source can have known of the person: of the arrest, a sighting, a check, or an end. Where
    an independent source saw or checked, no other source's day counts: a state must not end the silence about a person
    whom it made disappear."""
    checked = [voice for voice in custody.voices if voice.verdict in ASSERTIONS]
    checked += [voice for voice in (custody.release.voices if custody.release else []) if voice.verdict in DENIALS]
    dated = [(day, voice.independent) for voice in checked if (day := voice.date("verification.verified_on"))]
    known = [*((sighting.day, sighting.independent) for sighting in custody.seen), *dated]
    days = [day for day, independent in known if independent] or [day for day, _independent in known]
    return max((day.hi for day in [custody.detained, *days, *ends] if day is not None), default=None)


def _named(prefix: str, days: tuple[int | None, int | None]) -> TableRow:
    return {f"{prefix}lo": days[0], f"{prefix}hi": days[1]}


def _present(*values: T | None) -> list[T]:
    return [value for value in values if value is not None]


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)

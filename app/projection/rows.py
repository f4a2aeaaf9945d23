"""A person's state today, by the last spell in custody: died, released, in house arrest, held, or unknown.

The rows of one person by table, as dictionaries without `since` and `until`."""

import json
from collections.abc import Collection, Sequence
from typing import Any

from app.matching.scripts import fold
from app.models import (
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SourceTrait,
    SpellPersonal,
    TableRow,
    Trait,
    Verification,
)
from app.projection import detention_state, person
from app.projection.consolidate import said_of, value_of
from app.projection.custody import Custody, read_custody, with_next
from app.projection.ends import End
from app.projection.spells import contradicted, spells
from app.projection.statements import COUNTING, DATE_OF_STAGE, Statement, asserts, by_source
from app.vocabulary import EndedHow, Publish, ReleaseKind, Stage, State


def standing_last(custodies: Sequence[Custody]) -> Custody:
    """The spell that decides the person's state: the latest spell stated by an independent source; where no such source
    states one, the latest that is no claimed re-arrest."""
    stated = [custody for custody in custodies if custody.stated]
    return (stated or [custody for custody in custodies if not custody.claimed])[-1]


def state_of(last: Custody, died: End | None, independent: Collection[str]) -> State:
    """The person's state by the last spell. A death reported by no `independent` source (slugs) yields to a release
    reported by one."""
    deaths = [died, last.otherwise if last.ended_how == EndedHow.DIED else None]
    by = {slug for death in deaths if death is not None for slug in death.by}
    voices = last.counted_release.voices if last.counted_release else []
    released_by = {voice.source.slug for voice in voices if asserts(voice, Stage.CARRIED_OUT)}
    if by and (by & set(independent) or not released_by & set(independent)):
        return State.DIED
    if last.counted_release is not None:
        return State.HOUSE_ARREST if last.counted_release.kind == ReleaseKind.HOUSE_ARREST else State.RELEASED
    if last.otherwise is not None or not last.asserted:
        return State.UNKNOWN
    return State.HELD


Rows = dict[type[Any], list[TableRow]]

# Made once: json.dumps makes another encoder each time.
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def dump(value: Any) -> str:
    """JSON as it is stored. Equal facts give equal text, so that an unchanged row is not replaced."""
    return _ENCODER.encode(value)


def project(statements: Sequence[Statement], publish: str) -> Rows:
    """All rows of one person. `publish`: the person's class of publication as the log tells it, after consent; an
    erased person is only counted.

    Of a person who may only be counted, spells are cut by what the log says, so that hiding somebody moves no release
    to another spell; all else rests on months."""
    detainee = min(statement.record for statement in statements)
    counting = spells(statements)
    if publish == Publish.COUNTED:
        counting = [[statement.as_counted() for statement in spell] for spell in counting]
    custodies = with_next([read_custody(spell) for spell in counting])
    if any(statement.redacted for statement in statements):
        publish = Publish.COUNTED
    facts = person.public_facts(statements)
    last = standing_last(custodies)
    died = detention_state.death_of(statements, last.inside, last.known)
    state = state_of(last, died, {a.source.slug for a in statements if a.source.independent})
    rows: Rows = {
        Detainee: [
            {
                "detainee": detainee,
                "publish": publish,
                "state": state,
                "rearrested": any(custody.after_release and custody.stated for custody in custodies),
                "rearrest_claimed": any(custody.claimed or custody.set_aside for custody in custodies),
                "facts": dump(facts),
            }
        ],
        Detention: [_detention(custody) for custody in custodies],
        Release: [_release(custody) for custody in custodies if custody.release],
        ReleaseAtStage: [row for custody in custodies for row in _stage_rows(custody, publish)],
        SourceRelease: [row for custody in custodies for row in _source_rows(custody)],
        **_detention_states(
            statements, custodies, custodies.index(last), died if state is State.DIED else None, publish
        ),
        Verification: [row for custody in custodies for row in _verifications(custody)],
        Placement: _placements(statements, custodies),
    }
    if not any(statement.erased for statement in statements):
        rows |= _personal(statements, custodies)
    for of_table in rows.values():
        for row in of_table:
            row["detainee"] = detainee
    return rows


def _personal(statements: Sequence[Statement], counting: Sequence[Custody]) -> Rows:
    """The personal rows; by the days that were filed, which `counting` may have as months."""
    custodies = _as_filed(counting)
    about = person.personal_facts(statements, custodies)
    born = person.birth(statements, about)
    # A search finds a person by every source's spelling of the name, not by the shown one alone.
    names = [group["value"] for group in said_of(about, "full_name")]
    aliases = value_of(about, "aliases") or []
    spells_facts = [(custody, person.spell_facts(custody)) for custody in custodies]
    rows: Rows = {
        DetaineePersonal: [],
        SpellPersonal: [
            {"spell": custody.spell, "facts": dump(stored)}
            for (custody, facts), counted in zip(spells_facts, counting, strict=True)
            if (stored := facts | person.hidden_days(custody, counted) | person.spell_by_source(counted))
        ],
        Trait: [
            {"spell": custody.spell, "name": name_, "value": value}
            for custody, facts in spells_facts
            for name_, value in sorted(person.traits(custody, about, facts, born))
        ],
        SourceTrait: [row for custody in custodies for row in _source_traits(custody)],
    }
    if about:
        folded = fold(" ".join([*names, *aliases]))
        rows[DetaineePersonal].append({"folded_name": folded, "facts": dump(about)})
    return rows


def _as_filed(counting: Sequence[Custody]) -> Sequence[Custody]:
    """The spells by the days that were filed."""
    if not any(statement.hidden for custody in counting for statement in custody.statements):
        return counting
    return [read_custody([statement.as_filed() for statement in custody.statements]) for custody in counting]


def _source_traits(custody: Custody) -> list[TableRow]:
    return [
        {"spell": custody.spell, "source": source, "name": name, "value": value}
        for source in by_source(custody.statements)
        for name, value in sorted(person.own_traits(detention_state.own_statements(custody, source)))
    ]


def _detention_states(
    statements: Sequence[Statement], custodies: Sequence[Custody], last: int, died: End | None, publish: str
) -> Rows:
    """The rows of custody. `last`: the index of the spell that decides the person's state. A death ends that spell and
    later ones: the person had left the earlier ones alive."""
    deaths = detention_state.deaths_by_source(statements)
    rows: Rows = {DetentionState: [], SourceDetention: []}
    for place, custody in enumerate(custodies):
        rows[DetentionState].append(detention_state.state_row(custody, died if place >= last else None, publish))
        rows[SourceDetention] += detention_state.source_rows(custody, deaths if place >= last else {})
    return rows


def _placements(statements: Sequence[Statement], custodies: Sequence[Custody]) -> list[TableRow]:
    """The spell of each report. `contradicts`: the record at which the report points, where its own dates place the
    report in another spell."""
    spell_of = {statement.record: custody.spell for custody in custodies for statement in custody.statements}
    pointed_at = contradicted(statements) if any(statement.pointer is not None for statement in statements) else {}
    return [
        {"record": record, "spell": spell, "contradicts": target if spell_of.get(target, spell) != spell else None}
        for record, spell in spell_of.items()
        for target in (pointed_at.get(record, record),)
    ]


def _detention(custody: Custody) -> TableRow:
    detained, ended, held = custody.detained, custody.ended, custody.held
    return {
        "spell": custody.spell,
        "ordinal": custody.ordinal,
        "country": custody.country,
        "designation": custody.designation,
        "detained_lo": detained and detained.lo,
        "detained_hi": detained and detained.hi,
        "ended_lo": ended and ended.lo,
        "ended_hi": ended and ended.hi,
        "held_lo": held and held.lo,
        "held_hi": held and held.hi,
        "has_release": custody.counted_release is not None,
        "disjoint_releases": custody.disjoint_releases,
        "facts": dump(custody.facts),
    }


def _release(custody: Custody) -> TableRow:
    release = custody.release
    assert release is not None
    return {
        "spell": custody.spell,
        "stage": release.stage,
        "status": release.statuses[release.stage],
        "country": custody.country,
        "facts": dump({"facts": release.facts, "stages": release.stages}),
    }


def _stage_rows(custody: Custody, publish: str) -> list[TableRow]:
    release = custody.release
    if release is None:
        return []
    rows = []
    for stage, status in release.statuses.items():
        when = release.dates[stage]
        rows.append(
            {
                "spell": custody.spell,
                "stage": stage,
                "status": status,
                "lo": when and when.lo,
                "hi": when and when.hi,
                "kind": release.kinds[stage],
                "country": custody.country,
                "designation": custody.designation,
                "independent_verified": release.stages[stage]["independent"] if status in COUNTING else 0,
                "next_hi": custody.next_hi,
                "withheld": publish == Publish.COUNTED,
            }
        )
    return rows


def _source_rows(custody: Custody) -> list[TableRow]:
    release = custody.release
    if release is None:
        return []
    own = {
        source: detention_state.own_country_and_designation(detention_state.own_statements(custody, source))
        for source in {voice.source.key for voices in release.voices_at.values() for voice in voices}
    }
    return [
        _source_row(custody, voice, stage, own[voice.source.key])
        for stage, voices in release.voices_at.items()
        for voice in voices
    ]


def _source_row(custody: Custody, voice: Statement, stage: Stage, own: TableRow) -> TableRow:
    """The row of one source at one stage, by the source's own word; `own`: its country and designation."""
    when, said = detention_state.own_day(voice, stage), voice.date(f"release.{DATE_OF_STAGE[stage]}")
    kind = voice.content.get("release.kind")
    return {
        "spell": custody.spell,
        "stage": stage,
        "source": voice.source.key,
        "verdict": voice.verdict,
        "independent": voice.independent,
        "lo": when and when.lo,
        "hi": when and when.hi,
        "kind": detention_state.own_kind(voice),
        **own,
        "next_hi": custody.next_hi_by_source.get(voice.source.key),
        "said_lo": said and said.lo,
        "said_hi": said and said.hi,
        "said_kind": None if kind == ReleaseKind.UNSPECIFIED else kind,
    }


def _verifications(custody: Custody) -> list[TableRow]:
    rows = [_verification(custody, "detention", voice) for voice in custody.voices]
    if custody.release:
        rows += [_verification(custody, "release", voice) for voice in custody.release.voices]
    return rows


def _verification(custody: Custody, about: str, voice: Statement) -> TableRow:
    content = voice.content
    statement = {
        "stage": content.get("release.stage"),
        "released_on": content.get("release.released_on"),
        "ordered_on": content.get("release.ordered_on"),
        "announced_on": content.get("release.announced_on"),
        "kind": content.get("release.kind"),
        "method": content.get("verification.method"),
        "verified_on": content.get("verification.verified_on"),
        "citing": content.get("verification.citing", []),
    }
    return {
        "spell": custody.spell,
        "object": about,
        "source": voice.source.key,
        "record": voice.record,
        "verdict": voice.verdict,
        "independent": voice.independent,
        "said": dump(statement),
    }

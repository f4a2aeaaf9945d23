"""Build the table rows of one person, as dictionaries without `since` and `until`, and the person's current state."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from app.projection.consolidate import get_fact_value, get_reported_values
from app.projection.custody import Custody, build_stage_shape, link_custodies, read_custody
from app.projection.detentions import divide_into_detentions
from app.projection.event_dates import find_source_dates
from app.projection.held import End
from app.projection.statements import STAGE_DATE_FIELDS, Statement
from app.projection.status import COUNTED_STATUSES, asserts_stage, group_by_source, weigh_own
from app.vocabulary import EndedHow, Publish, ReleaseKind, Review, Stage, State


def find_deciding_spell(custodies: Sequence[Custody]) -> Custody:
    """Return the detention that decides the person's state: the latest that an organisation asserts, or else the latest
    that is not a claimed re-arrest."""
    independent_custodies = [custody for custody in custodies if custody.is_independently_reported]
    return (independent_custodies or [custody for custody in custodies if not custody.is_claimed_rearrest])[-1]


def derive_state(last: Custody, death: End | None) -> State:
    """Return the person's state from the detention that decides it."""
    if death is not None or last.ended_how == EndedHow.DIED:
        return State.DIED
    if last.ending_release is not None:
        return State.HOUSE_ARREST if last.ending_release.kind == ReleaseKind.HOUSE_ARREST else State.RELEASED
    return State.UNKNOWN if last.other_end is not None or not last.is_asserted else State.HELD


Rows = dict[type[Any], list[TableRow]]

# Reused: json.dumps would create an encoder each time.
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def dump_json(value: Any) -> str:
    """Return the stored JSON. Equal facts give equal text, so that an unchanged row is not replaced."""
    return _ENCODER.encode(value)


def project(statements: Sequence[Statement], publish: str) -> Rows:
    """Build all rows of one person.

    `publish`: the person's publication class in the log, after consent; an erased person is count-only. The detentions
    of a count-only person are divided by the logged dates, so that hiding somebody moves no release to another one;
    everything else uses months."""
    reviews = find_reviews(statements)
    counted = withdraw_unapproved(statements, reviews)
    rows, custodies = _project_counted(counted, publish)
    for source, review in sorted(reviews.items()):
        as_approved = [
            replace(filed, review=None) if filed.source.key == source else other
            for filed, other in zip(statements, counted, strict=True)
        ]
        _add_rows_under_review(rows, _project_counted(as_approved, publish)[0], source, review)
    if not any(statement.is_erased for statement in statements):
        rows |= _build_personal_rows(counted, custodies)
    detainee = min(statement.record for statement in statements)
    for table_rows in rows.values():
        for row in table_rows:
            row["detainee"] = detainee
    return rows


def _project_counted(statements: Sequence[Statement], publish: str) -> tuple[Rows, list[Custody]]:
    """Build the rows without personal values, and return them with the detentions."""
    detentions = divide_into_detentions(statements)
    if publish == Publish.COUNTED:
        detentions = [
            replace(detention, statements=[s.to_count_only() for s in detention.statements]) for detention in detentions
        ]
    custodies = link_custodies([read_custody(detention.statements, detention.begin) for detention in detentions])
    if any(statement.is_redacted for statement in statements):
        publish = Publish.COUNTED
    facts = person.collect_public_facts(statements)
    deciding_spell = find_deciding_spell(custodies)
    death = detention_state.find_death(statements)
    state = derive_state(deciding_spell, death)
    rows: Rows = {
        Detainee: [
            {
                "publish": publish,
                "state": state,
                "rearrested": any(custody.after_release and custody.is_independently_reported for custody in custodies),
                "rearrest_claimed": any(custody.is_claimed_rearrest for custody in custodies),
                "facts": dump_json(facts),
            }
        ],
        Detention: [_build_detention_row(custody) for custody in custodies],
        Release: [_build_release_row(custody) for custody in custodies if custody.stages],
        ReleaseAtStage: [row for custody in custodies for row in _build_stage_rows(custody, publish)],
        SourceRelease: [row for custody in custodies for row in _build_source_release_rows(custody)],
        **_build_detention_state_rows(statements, custodies, custodies.index(deciding_spell), death, publish),
        Verification: [row for custody in custodies for row in _build_verification_rows(custody)],
        Placement: _build_placement_rows(custodies),
    }
    return rows, custodies


def find_reviews(statements: Sequence[Statement]) -> dict[int, Review]:
    """Return a dict of source → the review of its reports on the person, if one of them awaits it or was rejected.

    A source's older report never speaks for it while its newer one is not approved, so all of its reports of the person
    wait together (rule 21)."""
    reviews = {s.source.key: s.review for s in statements if s.review is not None}
    return reviews | {s.source.key: s.review for s in statements if s.review is Review.AWAITING_REVIEW}


def withdraw_unapproved(statements: Sequence[Statement], reviews: Mapping[int, Review]) -> Sequence[Statement]:
    """Return the statements as they stand in combined records: those of the sources in `reviews` withdrawn."""
    return [s.to_withdrawn(reviews[s.source.key]) if s.source.key in reviews else s for s in statements]


def _add_rows_under_review(rows: Rows, as_approved: Rows, source: int, review: Review) -> None:
    """Add the own rows of a source whose reports count in no combined record. `as_approved`: the rows if they did.

    A detention or a stage of which no combined record exists gets one without a status, which is in no number."""
    for own_table, combined_table, key in (
        (SourceRelease, ReleaseAtStage, ("spell", "stage")),
        (SourceDetention, DetentionState, ("spell",)),
    ):
        own = {tuple(row[n] for n in key): row for row in as_approved[own_table] if row["source"] == source}
        rows[own_table] += [row | {"review": review} for row in own.values()]
        known = {tuple(row[n] for n in key) for row in rows[combined_table]}
        rows[combined_table] += [
            row | {"status": None, "independent_verified": 0, "is_denied": False}
            for row in as_approved[combined_table]
            if (place := tuple(row[n] for n in key)) in own and place not in known
        ]


def _build_personal_rows(statements: Sequence[Statement], counted_custodies: Sequence[Custody]) -> Rows:
    """Build the personal rows from the days as filed, which `counted_custodies` may have as months."""
    custodies = _restore_filed(counted_custodies)
    person_facts = person.collect_personal_facts(statements, custodies)
    birth_date = person.derive_birth_date(statements, person_facts)
    # A search matches every source's spelling of the name, not only the one shown.
    names = [group["value"] for group in get_reported_values(person_facts, "full_name")]
    aliases = get_fact_value(person_facts, "aliases") or []
    spells_facts = [(custody, person.collect_spell_facts(custody)) for custody in custodies]
    rows: Rows = {
        DetaineePersonal: [],
        SpellPersonal: [
            {"spell": custody.spell, "facts": dump_json(stored_facts)}
            for (custody, facts), counted_custody in zip(spells_facts, counted_custodies, strict=True)
            if (
                stored_facts := facts
                | person.find_hidden_days(custody, counted_custody)
                | person.collect_source_fields(counted_custody)
            )
        ],
        Trait: [
            {"spell": custody.spell, "name": name_, "value": value}
            for custody, facts in spells_facts
            for name_, value in sorted(person.list_traits(custody, person_facts, facts, birth_date))
        ],
        SourceTrait: [row for custody in custodies for row in _build_source_trait_rows(custody)],
    }
    if person_facts:
        folded_name = fold(" ".join([*names, *aliases]))
        rows[DetaineePersonal].append({"folded_name": folded_name, "facts": dump_json(person_facts)})
    return rows


def _restore_filed(counted_custodies: Sequence[Custody]) -> Sequence[Custody]:
    """Return the detentions with the days as filed."""
    if not any(statement.hidden_content for custody in counted_custodies for statement in custody.statements):
        return counted_custodies
    return [read_custody([statement.to_filed() for statement in custody.statements]) for custody in counted_custodies]


def _build_source_trait_rows(custody: Custody) -> list[TableRow]:
    return [
        {"spell": custody.spell, "source": source, "name": name, "value": value}
        for source in group_by_source(custody.statements)
        for name, value in sorted(person.list_own_traits(detention_state.select_own_statements(custody, source)))
    ]


def _build_detention_state_rows(
    statements: Sequence[Statement], custodies: Sequence[Custody], last: int, death: End | None, publish: str
) -> Rows:
    """Build the rows of custody.

    `last`: the index of the detention that decides the state. A death ends that one and later ones: the person
    had left the earlier ones alive."""
    deaths = detention_state.find_deaths_by_source(statements)
    rows: Rows = {DetentionState: [], SourceDetention: []}
    for index, custody in enumerate(custodies):
        rows[DetentionState].append(detention_state.build_state_row(custody, death if index >= last else None, publish))
        rows[SourceDetention] += detention_state.build_source_detention_rows(custody, deaths if index >= last else {})
    return rows


def _build_placement_rows(custodies: Sequence[Custody]) -> list[TableRow]:
    """Build the row that places each report in a detention."""
    return [
        {"record": statement.record, "spell": custody.spell}
        for custody in custodies
        for statement in custody.statements
    ]


def _build_detention_row(custody: Custody) -> TableRow:
    detained_on, ended_on, held_on = custody.detained_on, custody.ended_on, custody.held_on
    return {
        "spell": custody.spell,
        "ordinal": custody.ordinal,
        "country": custody.country,
        "designation": custody.designation,
        "detained_lo": detained_on and detained_on.lo,
        "detained_hi": detained_on and detained_on.hi,
        "ended_lo": ended_on and ended_on.lo,
        "ended_hi": ended_on and ended_on.hi,
        "held_lo": held_on and held_on.lo,
        "held_hi": held_on and held_on.hi,
        "has_release": custody.carried_out is not None,
        "disjoint_releases": custody.has_disjoint_releases,
        "facts": dump_json(custody.facts),
    }


def _build_release_row(custody: Custody) -> TableRow:
    stages = {stage: build_stage_shape(release) for stage, release in custody.stages.items()}
    return {
        "spell": custody.spell,
        "stage": custody.stage,
        "status": custody.stages[custody.stage].status,
        "country": custody.country,
        "facts": dump_json({"facts": custody.release_facts, "stages": stages}),
    }


def _build_stage_rows(custody: Custody, publish: str) -> list[TableRow]:
    return [
        {
            "spell": custody.spell,
            "stage": stage,
            "status": release.status,
            "lo": release.date.date and release.date.date.lo,
            "hi": release.date.date and release.date.date.hi,
            "kind": release.kind,
            "country": custody.country,
            "designation": custody.designation,
            "independent_verified": release.verified_count if release.status in COUNTED_STATUSES else 0,
            "is_denied": bool(release.weight.denied_by),
            "next_hi": custody.rearrest_hi,
            "withheld": publish == Publish.COUNTED,
        }
        for stage, release in custody.stages.items()
    ]


def _build_source_release_rows(custody: Custody) -> list[TableRow]:
    return [
        _build_source_release_row(custody, voice, stage)
        for stage, release in custody.stages.items()
        for voice in release.voices
        if voice.review is None
    ]


def _build_source_release_row(custody: Custody, voice: Statement, stage: Stage) -> TableRow:
    """Build the row of one source at one stage from its own reports (rule 9)."""
    own = detention_state.select_own_statements(custody, voice.source.key)
    field_name = f"release.{STAGE_DATE_FIELDS[stage]}"
    asserting = [statement for statement in own if asserts_stage(statement, stage)]
    about = asserting or [voice]
    stated_day, taken_over = find_source_dates(about, field_name)
    day = stated_day or taken_over
    own_kinds = (statement.kind for statement in about if not statement.is_taken_over("release.kind"))
    return {
        "spell": custody.spell,
        "stage": stage,
        "source": voice.source.key,
        "verdict": voice.verdict,
        "independent": voice.independent,
        "status": weigh_own(voice.verdict, asserting, is_first_hand=voice.independent),
        "review": None,
        "lo": day and day.lo,
        "hi": day and day.hi,
        "kind": detention_state.read_own_kind(about),
        **detention_state.read_own_country_and_designation(own),
        "next_hi": custody.next_hi_by_source.get(voice.source.key),
        "said_lo": stated_day and stated_day.lo,
        "said_hi": stated_day and stated_day.hi,
        "said_kind": next((kind for kind in own_kinds if kind is not None), None),
    }


def _build_verification_rows(custody: Custody) -> list[TableRow]:
    rows = [_build_verification_row(custody, "detention", statement) for statement in custody.detention_voices]
    rows += [_build_verification_row(custody, "release", voice) for voice in custody.release_voices]
    return rows


def _build_verification_row(custody: Custody, object_name: str, source_statement: Statement) -> TableRow:
    content = source_statement.own_content
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
        "object": object_name,
        "source": source_statement.source.key,
        "record": source_statement.record,
        "verdict": source_statement.verdict,
        "independent": source_statement.independent,
        "said": dump_json(statement),
    }

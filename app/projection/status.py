"""Choose each source's voice, and weigh the voices (rules 2 and 3 of docs/counting-rules.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.dates import PartialDate
from app.projection.statements import ASSERTIONS, DENIALS, STAGE_DATE_FIELDS, STAGE_RANK, Statement, drop_retracted
from app.vocabulary import STAGES, ReleaseStatus, Stage, Verdict

COUNTED_STATUSES = frozenset({ReleaseStatus.VERIFIED, ReleaseStatus.CONTESTED, ReleaseStatus.REPORTED})


def group_by_source(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Return a dict of source key → its statements: retracted ones only if it has no others."""
    groups: dict[int, list[Statement]] = {}
    for statement in statements:
        groups.setdefault(statement.source.key, []).append(statement)
    return {source: drop_retracted(group) or group for source, group in sorted(groups.items())}


def covers_stage(statement: Statement, stage: Stage) -> bool:
    """Return whether a statement is about a stage: an assertion covers its own stage and earlier ones, a denial its own
    and later ones."""
    if statement.verdict in ASSERTIONS or statement.is_retracted:
        return STAGE_RANK[stage] <= STAGE_RANK[statement.stage]
    return statement.denies_event and STAGE_RANK[stage] >= STAGE_RANK[statement.stage]


def asserts_stage(statement: Statement, stage: Stage) -> bool:
    return statement.has_release and statement.verdict in ASSERTIONS and covers_stage(statement, stage)


def pick_voices(statements: Iterable[Statement], stage: Stage) -> list[Statement]:
    """Return the statement that speaks for each source at a stage of a release (rule 3)."""
    about = [statement for statement in statements if statement.has_release and covers_stage(statement, stage)]
    return [_pick_voice(own, STAGE_DATE_FIELDS[stage]) for own in group_by_source(about).values()]


def pick_detention_voices(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statement that speaks for each source on the detention itself: its newest without a release."""
    groups = group_by_source(s for s in statements if not s.has_release and s.denied_detail is None)
    return [_pick_voice(own, "held_on") for own in groups.values()]


def _pick_voice(own: Sequence[Statement], date_field: str) -> Statement:
    """Return the newest definite statement of one source; without one, its newest.

    If some are first-hand, only these speak: what a source read does not replace what it checked.
    """
    if len(own) == 1:  # the most frequent case
        return own[0]
    own = [statement for statement in own if statement.independent] or own
    pool = [statement for statement in own if statement.verdict is not Verdict.REPORTED] or own

    def age(statement: Statement) -> tuple[int, bool, int, str]:
        date = statement.own_date(f"release.{date_field}") or statement.own_date(f"detention.{date_field}")
        return statement.filed_at, statement.verdict not in ASSERTIONS, date.hi if date else 0, statement.id

    return max(pool, key=age)


@dataclass(frozen=True)
class Weight:
    """The status of a release at a stage. `denied_by`: the sources whose denial counts."""

    status: ReleaseStatus | None
    denied_by: tuple[str, ...] = ()


def weigh_voices(
    voices: Sequence[Statement],
    assertions: Sequence[Statement],
    date_field: str,
    date: PartialDate | None,
    *,
    is_asserted: bool,
) -> Weight:
    """Return the status by the weight of first-hand voices (rule 2).

    `assertions`: the statements that assert the stage, of sources that do not deny it. `date_field`, `date`: of the
    release at this stage; a denial that names another date does not count. `is_asserted`: some statement asserts the
    stage.
    """
    if all(voice.is_retracted and voice.review is None for voice in voices):
        return Weight(ReleaseStatus.RETRACTED)
    if not is_asserted:
        return Weight(None)  # rule 1: no assertion, no release
    first_hand = [voice for voice in voices if voice.independent]
    denials = [voice for voice in first_hand if voice.denies_event and _is_about(voice, date_field, date)]
    first_hand_assertions = [voice for voice in first_hand if voice.verdict in ASSERTIONS]
    verified_count = sum(voice.verdict is Verdict.VERIFIED for voice in first_hand_assertions)
    denied_by = tuple(sorted(voice.source.slug for voice in denials))
    if verified_count > len(denials):
        return Weight(ReleaseStatus.VERIFIED, denied_by)
    if any(voice.verdict is Verdict.REFUTED for voice in denials) and not first_hand_assertions:
        return Weight(ReleaseStatus.REFUTED, denied_by)
    if denials:
        return Weight(ReleaseStatus.CONTESTED, denied_by)
    is_reported = any(statement.source.independent for statement in assertions)
    return Weight(ReleaseStatus.REPORTED if is_reported else ReleaseStatus.OFFICIAL_ONLY)


def weigh_verdicts(verdicts: Sequence[tuple[Verdict, bool]], *, is_reported: bool) -> ReleaseStatus | None:
    """Return the status of a detention for `[(verdict, first-hand)]` by the same weight.

    `is_reported`: an organisation reports it.
    """
    first_hand = [verdict for verdict, is_first_hand in verdicts if is_first_hand]
    asserted = [verdict for verdict, _is_first_hand in verdicts if verdict in ASSERTIONS]
    if not asserted and not is_reported:
        is_retracted = bool(verdicts) and all(verdict is Verdict.RETRACTED for verdict, _first_hand in verdicts)
        return ReleaseStatus.RETRACTED if is_retracted else None
    denial_count = sum(verdict in DENIALS for verdict in first_hand)
    if first_hand.count(Verdict.VERIFIED) > denial_count:
        return ReleaseStatus.VERIFIED
    if Verdict.REFUTED in first_hand and not any(verdict in ASSERTIONS for verdict in first_hand):
        return ReleaseStatus.REFUTED
    if denial_count:
        return ReleaseStatus.CONTESTED
    return ReleaseStatus.REPORTED if is_reported else ReleaseStatus.OFFICIAL_ONLY


def weigh_own(verdict: Verdict, assertions: Sequence[Statement], *, is_first_hand: bool) -> ReleaseStatus | None:
    """Return the status in the row of one source (rule 9); None if it denies first-hand or asserts nothing.

    `verdict`, `is_first_hand`: of its voice. `assertions`: its statements that assert.
    """
    if not assertions or (is_first_hand and verdict in DENIALS):
        return None
    if is_first_hand and verdict is Verdict.VERIFIED:
        return ReleaseStatus.VERIFIED
    return ReleaseStatus.REPORTED if assertions[0].source.independent else ReleaseStatus.OFFICIAL_ONLY


def _is_about(denial: Statement, date_field: str, date: PartialDate | None) -> bool:
    denied = denial.own_date(f"release.{date_field}")
    return denied is None or date is None or denied.overlaps(date)


def find_furthest_stage(statuses: Mapping[Stage, ReleaseStatus | None]) -> Stage:
    """Return the furthest stage at which the release counts; if it counts at none, the furthest with a statement."""
    counted = [stage for stage, status in statuses.items() if status in COUNTED_STATUSES]
    return max(counted or statuses, key=STAGES.index)

"""Rule 2: one voice per source, spell and object: the statement that speaks for the source there."""

from collections.abc import Iterable, Sequence

from app.registry.projection.statements import ASSERTIONS, DATE_OF_STAGE, Statement
from app.vocabulary import STAGES, Stage, Verdict

RANK = {stage: rank for rank, stage in enumerate(STAGES)}


def by_source(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Source key → the statements that may speak for the source: retracted ones only where none of its others
    stands."""
    every = list(statements)
    if len(every) == 1:  # as most often
        return {every[0].source.key: every}
    grouped: dict[int, list[Statement]] = {}
    for statement in every:
        grouped.setdefault(statement.source.key, []).append(statement)
    return {
        source: [s for s in of_source if not s.retracted] or of_source for source, of_source in sorted(grouped.items())
    }


def release_voices(spell: Sequence[Statement]) -> list[Statement]:
    """For each source the statement that speaks for it on the release as a whole: of the furthest stage, then of the
    earliest disjoint date, then the newest."""
    return [_release_voice(own)[0] for own in _on_release(spell)]


def voices_by_stage(spell: Sequence[Statement]) -> dict[Stage, list[Statement]]:
    """Stage → the statements that speak for their sources there, one for each source; without silent stages. A source
    speaks by its voice on the release as a whole. But where this only reports or denies a later stage, it does not take
    back an earlier stage that the source verified."""
    sources = _on_release(spell)
    at = {stage: [voice for own in sources if (voice := _voice_at(own, stage)) is not None] for stage in STAGES}
    return {stage: voices for stage, voices in at.items() if voices}


def _on_release(spell: Sequence[Statement]) -> list[list[Statement]]:
    return list(by_source(statement for statement in spell if statement.has_release).values())


def _voice_at(own: list[Statement], stage: Stage) -> Statement | None:
    """Among one source's statements the one that speaks for it at a stage, if any does."""
    if len(own) == 1:  # as most often
        return own[0] if speaks_for(own[0], stage) else None
    voice, of_earlier = _release_voice(own)
    there = voice if speaks_for(voice, stage) else None
    if not of_earlier or (there is not None and there.verdict is not Verdict.REPORTED):
        return there
    earlier = _voice_at(of_earlier, stage)
    return earlier if earlier is not None and earlier.verdict is Verdict.VERIFIED else there


def _release_voice(own: list[Statement]) -> tuple[Statement, list[Statement]]:
    """Among one source's statements the one that speaks for it on the release, and those of earlier stages."""
    if len(own) == 1:  # as most often
        return own[0], []
    furthest = max((statement.stage for statement in own), key=lambda stage: RANK[stage])
    of_furthest = [statement for statement in own if statement.stage is furthest]
    return _voice_of(of_furthest, furthest), [statement for statement in own if statement.stage is not furthest]


def _voice_of(own: list[Statement], stage: Stage) -> Statement:
    """Among one source's statements of one stage the one that speaks for it: the last word on the earliest day, unless
    that day is only reported and a later, disjoint one verified."""
    dated = [(statement, statement.date(f"release.{DATE_OF_STAGE[stage]}")) for statement in own]
    first = min((day for _statement, day in dated if day), key=lambda day: (day.hi, day.lo), default=None)
    agreeing: list[Statement] = []
    apart: list[Statement] = []
    for statement, day in dated:
        (agreeing if day is None or first is None or day.overlaps(first) else apart).append(statement)
    voice = _last_word(agreeing)
    if voice.verdict is not Verdict.REPORTED or not apart:
        return voice
    later = _voice_of(apart, stage)
    return later if later.verdict is Verdict.VERIFIED else voice


def _last_word(own: Sequence[Statement]) -> Statement:
    """The newest statement; but a `reported` takes back no `verified` of another report of that source (ADR 0027)."""
    newest = max(own, key=lambda statement: statement.revision)
    if newest.verdict is not Verdict.REPORTED:
        return newest
    checked = [statement for statement in own if statement.verdict is not Verdict.REPORTED]
    before = max(checked, key=lambda statement: statement.revision, default=newest)
    return before if before.verdict is Verdict.VERIFIED else newest


def detention_voices(spell: Sequence[Statement]) -> list[Statement]:
    """For each source the statement that speaks for it on the detention itself: its last word without a release."""
    of_source = by_source(statement for statement in spell if not statement.has_release)
    return [_last_word(own) for own in of_source.values()]


def speaks_for(voice: Statement, stage: Stage) -> bool:
    """Whether a voice speaks for a stage: an assertion for its own stage and earlier ones, a denial for its own and
    later ones."""
    if voice.verdict in ASSERTIONS or voice.retracted:
        return RANK[stage] <= RANK[voice.stage]
    return RANK[stage] >= RANK[voice.stage]


def asserts(voice: Statement, stage: Stage) -> bool:
    return voice.verdict in ASSERTIONS and speaks_for(voice, stage)

"""Rule 2: one voice per source, spell and object (detention or release), and the status that voices give a release."""

from collections.abc import Iterable, Sequence

from app.registry.projection.statements import ASSERTIONS, DATE_OF_STAGE, Statement
from app.vocabulary import STAGES, ReleaseStatus, Stage, Verdict

RANK = {stage: rank for rank, stage in enumerate(STAGES)}
COUNTING = frozenset({ReleaseStatus.VERIFIED, ReleaseStatus.CONTESTED, ReleaseStatus.REPORTED})


def by_source(statements: Iterable[Statement]) -> dict[int, list[Statement]]:
    """Source key → the source's statements that may speak: retracted ones only where no other of that source stands."""
    every = list(statements)
    if len(every) == 1:  # as most often
        return {every[0].source.key: every}
    grouped: dict[int, list[Statement]] = {}
    for statement in every:
        grouped.setdefault(statement.source.key, []).append(statement)
    return {
        source: [statement for statement in said if not statement.retracted] or said
        for source, said in sorted(grouped.items())
    }


def release_voices(spell: Sequence[Statement]) -> list[Statement]:
    """For each source the one statement that speaks for it on the release as a whole: of the furthest stage, then of
    the earliest disjoint date, then the last word."""
    return [_release_voice(said)[0] for said in _about_release(spell)]


def voices_by_stage(spell: Sequence[Statement]) -> dict[Stage, list[Statement]]:
    """Stage → for each source that speaks for it the one statement that does; without the stages of which nobody
    speaks. A source speaks by its voice on the release as a whole, but this takes back no earlier stage that the source
    verified, where it only reports the later one or denies that."""
    about = _about_release(spell)
    heard = {stage: [voice for said in about if (voice := _voice_at(said, stage)) is not None] for stage in STAGES}
    return {stage: voices for stage, voices in heard.items() if voices}


def _about_release(spell: Sequence[Statement]) -> list[list[Statement]]:
    return list(by_source(statement for statement in spell if statement.has_release).values())


def _voice_at(said: list[Statement], stage: Stage) -> Statement | None:
    """The statement that speaks among one source's at a stage, if any does."""
    voice, of_earlier = _release_voice(said)
    heard = voice if speaks_for(voice, stage) else None
    if not of_earlier or (heard is not None and heard.verdict is not Verdict.REPORTED):
        return heard
    earlier = _voice_at(of_earlier, stage)
    return earlier if earlier is not None and earlier.verdict is Verdict.VERIFIED else heard


def _release_voice(said: list[Statement]) -> tuple[Statement, list[Statement]]:
    """The statement that speaks among one source's, and those of earlier stages than it."""
    furthest = max((statement.stage for statement in said), key=lambda stage: RANK[stage])
    of_furthest = [statement for statement in said if statement.stage is furthest]
    return _voice_of(of_furthest, furthest), [statement for statement in said if statement.stage is not furthest]


def _voice_of(said: list[Statement], stage: Stage) -> Statement:
    """The statement that speaks among one source's statements of one stage: the last word on the earliest day, unless
    that day is only reported and a later, disjoint one verified."""
    dated = [(statement, statement.date(f"release.{DATE_OF_STAGE[stage]}")) for statement in said]
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


def _last_word(said: Sequence[Statement]) -> Statement:
    """The newest statement; but a `reported` takes back no `verified` of another report of that source (ADR 0027)."""
    newest = max(said, key=lambda statement: statement.revision)
    if newest.verdict is not Verdict.REPORTED:
        return newest
    looked = [statement for statement in said if statement.verdict is not Verdict.REPORTED]
    before = max(looked, key=lambda statement: statement.revision, default=newest)
    return before if before.verdict is Verdict.VERIFIED else newest


def detention_voices(spell: Sequence[Statement]) -> list[Statement]:
    """For each source the one statement that speaks for it on the detention itself: the last word among those that
    speak of no release."""
    said = by_source(statement for statement in spell if not statement.has_release)
    return [_last_word(statements) for statements in said.values()]


def speaks_for(voice: Statement, stage: Stage) -> bool:
    """Whether a voice speaks for a stage: an assertion does for its own and the earlier ones, a denial for its own and
    the later ones."""
    if voice.verdict in ASSERTIONS or voice.retracted:
        return RANK[stage] <= RANK[voice.stage]
    return RANK[stage] >= RANK[voice.stage]


def asserts(voice: Statement, stage: Stage) -> bool:
    return voice.verdict in ASSERTIONS and speaks_for(voice, stage)


def status_among(heard: Sequence[tuple[Verdict, bool]]) -> ReleaseStatus | None:
    """The status that verdicts give together, each with whether it is independent. Denials alone, none of which is
    independent, give no status: a state refutes no release by being the first to speak of it."""
    independent = {verdict for verdict, of_its_own in heard if of_its_own}
    if Verdict.VERIFIED in independent:
        contested = independent & {Verdict.REFUTED, Verdict.DISPUTED}
        return ReleaseStatus.CONTESTED if contested else ReleaseStatus.VERIFIED
    if Verdict.REFUTED in independent:
        return ReleaseStatus.REFUTED
    if Verdict.DISPUTED in independent:
        return ReleaseStatus.CONTESTED
    if any(verdict in ASSERTIONS for verdict, _own in heard):
        return ReleaseStatus.REPORTED
    withdrawn = bool(heard) and all(verdict is Verdict.RETRACTED for verdict, _own in heard)
    return ReleaseStatus.RETRACTED if withdrawn else None


def statuses(heard: dict[Stage, list[Statement]]) -> dict[Stage, ReleaseStatus | None]:
    """Stage → the status that the voices heard there give; None where nobody asserts it there and no independent source
    denies it."""
    return {
        stage: status_among([(voice.verdict, voice.independent) for voice in voices]) for stage, voices in heard.items()
    }


def standing_stage(by_stage: dict[Stage, ReleaseStatus | None]) -> Stage:
    """The furthest stage at which the release counts; where it counts at none, the furthest that a voice speaks for."""
    counting = [stage for stage, status in by_stage.items() if status in COUNTING]
    return max(counting or by_stage, key=lambda stage: RANK[stage])

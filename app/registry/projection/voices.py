"""Rule 2: one voice per source, spell and object (detention or release), and the status that voices give a release."""

from collections.abc import Iterable, Sequence

from app.registry.projection.accounts import ASSERTIONS, DATE_OF_STAGE, Account
from app.vocabulary import STAGES, ReleaseStatus, Stage, Verdict

RANK = {stage: rank for rank, stage in enumerate(STAGES)}
COUNTING = frozenset({ReleaseStatus.VERIFIED, ReleaseStatus.CONTESTED, ReleaseStatus.REPORTED})


def by_source(accounts: Iterable[Account]) -> dict[int, list[Account]]:
    """Source key → the source's accounts that may speak: retracted ones only where no other of that source stands."""
    every = list(accounts)
    if len(every) == 1:  # as most often
        return {every[0].source.key: every}
    grouped: dict[int, list[Account]] = {}
    for account in every:
        grouped.setdefault(account.source.key, []).append(account)
    return {
        source: [account for account in said if not account.retracted] or said
        for source, said in sorted(grouped.items())
    }


def release_voices(spell: Sequence[Account]) -> list[Account]:
    """For each source the one account that speaks for it on the release as a whole: of the furthest stage, then of the
    earliest disjoint date, then the last word."""
    return [_release_voice(said)[0] for said in _about_release(spell)]


def voices_by_stage(spell: Sequence[Account]) -> dict[Stage, list[Account]]:
    """Stage → for each source that speaks for it the one account that does; without the stages of which nobody speaks.
    A source speaks by its voice on the release as a whole, but this takes back no earlier stage that the source
    verified, where it only reports the later one or denies that."""
    about = _about_release(spell)
    heard = {stage: [voice for said in about if (voice := _voice_at(said, stage)) is not None] for stage in STAGES}
    return {stage: voices for stage, voices in heard.items() if voices}


def _about_release(spell: Sequence[Account]) -> list[list[Account]]:
    return list(by_source(account for account in spell if account.has_release).values())


def _voice_at(said: list[Account], stage: Stage) -> Account | None:
    """The account that speaks among one source's at a stage, if any does."""
    voice, of_earlier = _release_voice(said)
    heard = voice if speaks_for(voice, stage) else None
    if not of_earlier or (heard is not None and heard.verdict is not Verdict.REPORTED):
        return heard
    earlier = _voice_at(of_earlier, stage)
    return earlier if earlier is not None and earlier.verdict is Verdict.VERIFIED else heard


def _release_voice(said: list[Account]) -> tuple[Account, list[Account]]:
    """The account that speaks among one source's, and those of earlier stages than it."""
    furthest = max((account.stage for account in said), key=lambda stage: RANK[stage])
    of_furthest = [account for account in said if account.stage is furthest]
    return _voice_of(of_furthest, furthest), [account for account in said if account.stage is not furthest]


def _voice_of(said: list[Account], stage: Stage) -> Account:
    """The account that speaks among one source's accounts of one stage: the last word on the earliest day, unless that
    day is only reported and a later, disjoint one verified."""
    dated = [(account, account.date(f"release.{DATE_OF_STAGE[stage]}")) for account in said]
    first = min((day for _account, day in dated if day), key=lambda day: (day.hi, day.lo), default=None)
    agreeing: list[Account] = []
    apart: list[Account] = []
    for account, day in dated:
        (agreeing if day is None or first is None or day.overlaps(first) else apart).append(account)
    voice = _last_word(agreeing)
    if voice.verdict is not Verdict.REPORTED or not apart:
        return voice
    later = _voice_of(apart, stage)
    return later if later.verdict is Verdict.VERIFIED else voice


def _last_word(said: Sequence[Account]) -> Account:
    """The newest account; but a `reported` takes back no `verified` of another report of that source (ADR 0027)."""
    newest = max(said, key=lambda account: account.revision)
    if newest.verdict is not Verdict.REPORTED:
        return newest
    looked = [account for account in said if account.verdict is not Verdict.REPORTED]
    before = max(looked, key=lambda account: account.revision, default=newest)
    return before if before.verdict is Verdict.VERIFIED else newest


def detention_voices(spell: Sequence[Account]) -> list[Account]:
    """For each source the one account that speaks for it on the detention itself: the last word among those that speak
    of no release."""
    said = by_source(account for account in spell if not account.has_release)
    return [_last_word(accounts) for accounts in said.values()]


def speaks_for(voice: Account, stage: Stage) -> bool:
    """Whether a voice speaks for a stage: an assertion does for its own and the earlier ones, a denial for its own and
    the later ones."""
    if voice.verdict in ASSERTIONS or voice.retracted:
        return RANK[stage] <= RANK[voice.stage]
    return RANK[stage] >= RANK[voice.stage]


def asserts(voice: Account, stage: Stage) -> bool:
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


def statuses(heard: dict[Stage, list[Account]]) -> dict[Stage, ReleaseStatus | None]:
    """Stage → the status that the voices heard there give; None where nobody asserts it there and no independent source
    denies it."""
    return {
        stage: status_among([(voice.verdict, voice.independent) for voice in voices]) for stage, voices in heard.items()
    }


def standing_stage(by_stage: dict[Stage, ReleaseStatus | None]) -> Stage:
    """The furthest stage at which the release counts; where it counts at none, the furthest that a voice speaks for."""
    counting = [stage for stage, status in by_stage.items() if status in COUNTING]
    return max(counting or by_stage, key=lambda stage: RANK[stage])

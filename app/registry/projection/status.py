"""The status of a release or a detention by the verdicts of its sources: verified, contested, refuted, reported or
retracted; and the stage at which a release stands.

A statement on a release implies the custody before it: a source that verified the release verified the custody, and
one that denies the release says that the person is still in custody.
"""

from collections.abc import Mapping, Sequence

from app.registry.projection.statements import ASSERTIONS, DENIALS, Statement
from app.registry.projection.voices import RANK
from app.vocabulary import ReleaseStatus, Stage, Verdict

COUNTING = frozenset({ReleaseStatus.VERIFIED, ReleaseStatus.CONTESTED, ReleaseStatus.REPORTED})
# From the surest to the least: the surest verdict of a source, on the detention or on the release from it, is its
# verdict on whether the person was in custody.
SUREST = (Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)


def status_among(verdicts: Sequence[tuple[Verdict, bool]]) -> ReleaseStatus | None:
    """The status by `[(verdict, independent)]`. Denials alone give no status unless one is independent: a state refutes
    no release by being the first to speak of it."""
    independent = {verdict for verdict, of_its_own in verdicts if of_its_own}
    if Verdict.VERIFIED in independent:
        contested = independent & {Verdict.REFUTED, Verdict.DISPUTED}
        return ReleaseStatus.CONTESTED if contested else ReleaseStatus.VERIFIED
    if Verdict.REFUTED in independent:
        return ReleaseStatus.REFUTED
    if Verdict.DISPUTED in independent:
        return ReleaseStatus.CONTESTED
    if any(verdict in ASSERTIONS for verdict, _own in verdicts):
        return ReleaseStatus.REPORTED
    withdrawn = bool(verdicts) and all(verdict is Verdict.RETRACTED for verdict, _own in verdicts)
    return ReleaseStatus.RETRACTED if withdrawn else None


def statuses(voices_at: dict[Stage, list[Statement]]) -> dict[Stage, ReleaseStatus | None]:
    """Stage → the status by the voices there; None where no voice asserts the release and no independent one denies
    it."""
    return {
        stage: status_among([(voice.verdict, voice.independent) for voice in voices])
        for stage, voices in voices_at.items()
    }


def standing_stage(by_stage: dict[Stage, ReleaseStatus | None]) -> Stage:
    """The furthest stage at which the release counts; where it counts at none, the furthest with a voice."""
    counting = [stage for stage, status in by_stage.items() if status in COUNTING]
    return max(counting or by_stage, key=lambda stage: RANK[stage])


def verdicts_on_custody(
    on_detention: Sequence[Statement], on_release: Mapping[Stage, Sequence[Statement]]
) -> dict[int, tuple[Verdict, bool]]:
    """Source → its verdict on whether the person was in custody: `(verdict, independent)`, by the voices on the
    detention and those on the release at each stage."""
    verdicts: dict[int, list[tuple[Verdict, bool]]] = {}
    for voice in on_detention:
        verdicts.setdefault(voice.source.key, []).append((voice.verdict, voice.independent))
    for voice in (voice for voices in on_release.values() for voice in voices):
        verdict = Verdict.REPORTED if voice.verdict in DENIALS else voice.verdict
        verdicts.setdefault(voice.source.key, []).append((verdict, voice.independent))
    return {source: _surest(of_source) for source, of_source in sorted(verdicts.items())}


def _surest(verdicts: Sequence[tuple[Verdict, bool]]) -> tuple[Verdict, bool]:
    verdict = min((verdict for verdict, _independent in verdicts), key=SUREST.index)
    return verdict, (verdict, True) in verdicts

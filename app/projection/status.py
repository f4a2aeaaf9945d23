"""Derive the status of a release and of a detention from the verdicts of their sources."""

from collections.abc import Mapping, Sequence

from app.projection.statements import ASSERTIONS, DENIALS, STAGE_RANK, Statement
from app.vocabulary import ReleaseStatus, Stage, Verdict

COUNTED_STATUSES = frozenset({ReleaseStatus.VERIFIED, ReleaseStatus.CONTESTED, ReleaseStatus.REPORTED})
# From most to least certain: a source's most certain verdict on the detention or its release is its verdict on whether
# the person was in custody.
VERDICTS_BY_CERTAINTY = (Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)


def derive_status(verdicts: Sequence[tuple[Verdict, bool]]) -> ReleaseStatus | None:
    """Return the status for `[(verdict, independent)]`. Denials alone give no status unless one is independent: a state
    does not refute a release by being the first to mention it."""
    independent = {verdict for verdict, is_independent in verdicts if is_independent}
    if Verdict.VERIFIED in independent:
        denials = independent & {Verdict.REFUTED, Verdict.DISPUTED}
        return ReleaseStatus.CONTESTED if denials else ReleaseStatus.VERIFIED
    if Verdict.REFUTED in independent:
        return ReleaseStatus.REFUTED
    if Verdict.DISPUTED in independent:
        return ReleaseStatus.CONTESTED
    if any(verdict in ASSERTIONS for verdict, _own in verdicts):
        return ReleaseStatus.REPORTED
    withdrawn = bool(verdicts) and all(verdict is Verdict.RETRACTED for verdict, _own in verdicts)
    return ReleaseStatus.RETRACTED if withdrawn else None


def derive_statuses(statements_by_stage: dict[Stage, list[Statement]]) -> dict[Stage, ReleaseStatus | None]:
    """Return a dict of stage → status; None if no statement asserts the release and no independent one denies it."""
    return {
        stage: derive_status([(statement.verdict, statement.independent) for statement in statements])
        for stage, statements in statements_by_stage.items()
    }


def find_current_stage(by_stage: dict[Stage, ReleaseStatus | None]) -> Stage:
    """Return the furthest stage at which the release counts; if it counts at none, the furthest with a statement."""
    counting = [stage for stage, status in by_stage.items() if status in COUNTED_STATUSES]
    return max(counting or by_stage, key=lambda stage: STAGE_RANK[stage])


def collect_custody_verdicts(
    detention_statements: Sequence[Statement], release_statements: Mapping[Stage, Sequence[Statement]]
) -> dict[int, tuple[Verdict, bool]]:
    """Return a dict of source → its verdict on whether the person was in custody, `(verdict, independent)`, from its
    statements on the detention and on each stage of the release."""
    verdicts: dict[int, list[tuple[Verdict, bool]]] = {}
    for statement in detention_statements:
        verdicts.setdefault(statement.source.key, []).append((statement.verdict, statement.independent))
    for statement in (statement for statements in release_statements.values() for statement in statements):
        verdict = Verdict.REPORTED if statement.verdict in DENIALS else statement.verdict
        verdicts.setdefault(statement.source.key, []).append((verdict, statement.independent))
    return {source: _pick_surest(source_verdicts) for source, source_verdicts in sorted(verdicts.items())}


def _pick_surest(verdicts: Sequence[tuple[Verdict, bool]]) -> tuple[Verdict, bool]:
    verdict = min((verdict for verdict, _independent in verdicts), key=VERDICTS_BY_CERTAINTY.index)
    return verdict, (verdict, True) in verdicts

"""The result of a comparison: both, likely the same person, mine only, theirs only (pure)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NotRequired

from app.exchange.comparing.detentions import FIELDS, ComparedDetention, conflicts, reasons_of
from app.exchange.comparing.files import ComparedList, ListedShape
from app.matching.alignment import NEVER, Deadline, Pair, align
from app.schemas.imports import (
    ComparisonSummary,
    MineShape,
    PairedShape,
    ReasonShape,
    RegistryList,
    SideBySide,
    TheirsShape,
    UnreadRow,
)

# The reason for a pair of rows with the same case number.
CASE_NUMBER: ReasonShape = {"feature": "case_number", "score": 1.0, "note": "the same case number"}


class ListComparison(SideBySide):
    """A list compared with the registry (`lists`, `revision`) or with another list (`unread_theirs`)."""

    lists: NotRequired[list[RegistryList]]
    revision: NotRequired[int]
    unread_theirs: NotRequired[list[UnreadRow]]


def compare(
    mine: ComparedList,
    theirs: Sequence[ComparedDetention[TheirsShape]],
    tied: Mapping[int, int] | None = None,
    in_scope: Collection[int] | None = None,
    deadline: Deadline = NEVER,
) -> ListComparison:
    """Compare the two sides. `in_scope`: indexes of theirs that are reported as `theirs_only` without a partner; by
    default all. Raises TooLong."""
    pairs = align([a.line for a in mine.detentions], [b.line for b in theirs], tied, deadline)
    both = [_pair(pair, mine.detentions, theirs) for pair in pairs if pair.sure]
    likely = [_pair(pair, mine.detentions, theirs) for pair in pairs if not pair.sure]
    paired_a, paired_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    missed = [place for place in sorted(range(len(theirs)) if in_scope is None else in_scope) if place not in paired_b]
    mine_only: list[MineShape] = [a.shown for place, a in enumerate(mine.detentions) if place not in paired_a]
    summary: ComparisonSummary = {
        "mine": len(mine.detentions),
        "theirs": len(theirs) if in_scope is None else len(in_scope),
        "both": len(both),
        "conflicts": sum(1 for pair in both if pair["conflicts"]),  # in `both` alone
        "likely": len(likely),
        "mine_only": len(mine_only),
        "theirs_only": len(missed),
        "unread": len(mine.unread),
    }
    return {
        "summary": summary,
        "both": both,
        "likely": likely,
        "mine_only": mine_only,
        "theirs_only": [theirs[place].shown for place in missed],
        "unread": mine.unread,
    }


def _pair(
    pair: Pair, mine: Sequence[ComparedDetention[ListedShape]], theirs: Sequence[ComparedDetention[TheirsShape]]
) -> PairedShape:
    a, b = mine[pair.a], theirs[pair.b]
    return {
        "score": 1.0 if pair.match is None else round(pair.match.score, 3),
        "reasons": [CASE_NUMBER] if pair.match is None else reasons_of(pair.match),
        "conflicts": conflicts(a, b),
        "mine": a.shown,
        "theirs": b.shown,
        "also_mine": [mine[place].shown["row"] for place in pair.other_a],
        "also_theirs": [_place(theirs[place].values) for place in pair.other_b],
    }


def _place(shown: Mapping[str, Any]) -> Any:
    """The row number of a detention, or the id of the detention or of its report."""
    return shown.get("row") or shown.get("detention_id") or shown["report_id"]


def lines(result: ListComparison) -> list[dict[str, Any]]:
    """The result as one table, column → value: a line for each pair and for each detention without a partner."""
    return [
        *(_table_line("both", pair["mine"], pair["theirs"], pair) for pair in result["both"]),
        *(_table_line("likely", pair["mine"], pair["theirs"], pair) for pair in result["likely"]),
        *(_table_line("mine_only", mine, {}) for mine in result["mine_only"]),
        *(_table_line("theirs_only", {}, theirs) for theirs in result["theirs_only"]),
    ]


def _table_line(
    part: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], pair: PairedShape | None = None
) -> dict[str, Any]:
    return {
        "part": part,
        "score": pair and pair["score"],
        "conflicts": [conflict["field"] for conflict in pair["conflicts"]] if pair else [],
        **{f"mine_{name}": mine.get(name) for name in (*MINE, *FIELDS)},
        **{f"theirs_{name}": theirs.get(name) for name in (*THEIRS, *FIELDS)},
    }


MINE = ("row", "source_record_id")
THEIRS = ("row", "source_record_id", "detainee_id", "detention_id", "release_id", "status", "verified_by")

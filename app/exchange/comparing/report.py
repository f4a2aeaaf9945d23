"""The result of a comparison: both, likely the same person, mine only, theirs only (pure)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from app.exchange.comparing.detentions import FIELDS, ComparedDetention, Row, conflicts, reasons_of
from app.exchange.comparing.files import ComparedList
from app.matching.align import NEVER, Deadline, Pair, align

PARTS = ("both", "likely", "mine_only", "theirs_only")
# The reason of a pair with one case number.
CASE_NUMBER: Row = {"feature": "case_number", "score": 1.0, "note": "the same case number"}


def compare(
    mine: ComparedList,
    theirs: Sequence[ComparedDetention],
    tied: Mapping[int, int] | None = None,
    asked: Collection[int] | None = None,
    deadline: Deadline = NEVER,
) -> Row:
    """`{summary, both, likely, mine_only, theirs_only, unread}`. `asked`: the indexes of theirs that count as
    theirs only where no row of mine is that person; by default all. Raises TooLong."""
    pairs = align([one.line for one in mine.detentions], [one.line for one in theirs], tied, deadline)
    both = [_pair(one, mine.detentions, theirs) for one in pairs if one.sure]
    likely = [_pair(one, mine.detentions, theirs) for one in pairs if not one.sure]
    paired_a, paired_b = {one.a for one in pairs}, {one.b for one in pairs}
    missed = [place for place in sorted(range(len(theirs)) if asked is None else asked) if place not in paired_b]
    result: Row = {
        "both": both,
        "likely": likely,
        "mine_only": [one.shown for place, one in enumerate(mine.detentions) if place not in paired_a],
        "theirs_only": [theirs[place].shown for place in missed],
        "unread": mine.unread,
    }
    summary = {
        "mine": len(mine.detentions),
        "theirs": len(theirs) if asked is None else len(asked),
        "both": len(both),
        "conflicts": sum(1 for one in both if one["conflicts"]),  # the summary reads "of them"
        **{name: len(result[name]) for name in PARTS[1:]},
        "unread": len(mine.unread),
    }
    return {"summary": summary, **result}


def _pair(pair: Pair, mine: Sequence[ComparedDetention], theirs: Sequence[ComparedDetention]) -> Row:
    a, b = mine[pair.a], theirs[pair.b]
    return {
        "score": 1.0 if pair.match is None else round(pair.match.score, 3),
        "reasons": [CASE_NUMBER] if pair.match is None else reasons_of(pair.match),
        "conflicts": conflicts(a, b),
        "mine": a.shown,
        "theirs": b.shown,
        "also_mine": [_place(mine[place].shown) for place in pair.other_a],
        "also_theirs": [_place(theirs[place].shown) for place in pair.other_b],
    }


def _place(shown: Row) -> Any:
    """The row number of a detention, or the id of the detention or report."""
    return shown.get("row") or shown.get("detention_id") or shown["report_id"]


def lines(result: Row) -> list[Row]:
    """The result as one table: a line for each pair and for each detention without a partner."""
    table = []
    for part in PARTS:
        for one in result[part]:
            pair = one if part in ("both", "likely") else {}
            mine = pair.get("mine", one if part == "mine_only" else {})
            theirs = pair.get("theirs", one if part == "theirs_only" else {})
            table.append(
                {
                    "part": part,
                    "score": pair.get("score"),
                    "conflicts": [conflict["field"] for conflict in pair.get("conflicts", [])],
                    **{f"mine_{name}": mine.get(name) for name in (*MINE, *FIELDS)},
                    **{f"theirs_{name}": theirs.get(name) for name in (*THEIRS, *FIELDS)},
                }
            )
    return table


MINE = ("row", "source_record_id")
THEIRS = ("row", "source_record_id", "detainee_id", "detention_id", "release_id", "status", "verified_by")

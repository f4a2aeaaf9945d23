"""The result of a comparison: both, likely the same person, mine only, theirs only (pure).

Compare a list with another list or with the registry, or a person with the registry.

A comparison as a workbook in the reader's language: a sheet for each of its parts (pure)."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, NotRequired

from sqlmodel import Session

from app.compare import registry
from app.compare.detentions import FIELDS, ComparedDetention, ComparedList, ListedShape, conflicts, read, reasons_of
from app.compare.registry import Scope
from app.imports import stored
from app.imports.faults import BadFile, detail
from app.imports.formats.tables import SEPARATOR, Cell, Sheet
from app.imports.formats.template import LANGUAGES, title
from app.imports.lists import open_list
from app.imports.mapping import Mapping as ListMapping
from app.log import content
from app.log.entries import head
from app.matching.alignment import NEVER, Deadline, Pair, TooLong, align
from app.registry.publication.permissions import Reader
from app.schemas.imports import (
    CandidatesOut,
    ComparisonSummary,
    MineShape,
    PairedShape,
    ReasonShape,
    RegistryList,
    SideBySide,
    TheirsShape,
    UnreadRow,
)
from app.schemas.reports import PersonSoughtIn
from app.vocabulary import Language, vocabulary

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


# Not compared with the registry: an agreement would disclose the identification number.
NOT_COMPARED = "detainee.national_id"

TAKES_TOO_LONG = (
    "Too many rows of this list are like too many others, or have too many names: part it, by country or by year, or "
    "compare it on your own machine (recuento match)."
)

List = tuple[bytes, ListMapping | None]


def two_lists(mine: List, theirs: List, now: datetime) -> ListComparison:
    """A comparison of two files. Raises BadFile."""
    their_list = read(open_list(*theirs), now)
    return {**compare(read(open_list(*mine), now), their_list.detentions), "unread_theirs": their_list.unread}


def with_registry(
    session: Session, secret: bytes, now: datetime, reader: Reader, mine: List, scope: Scope, *, seconds: float = inf
) -> ListComparison:
    """A comparison of a file with the registry as this reader may see it, within so many processor seconds in all.
    Raises BadFile, Invalid."""
    deadline = Deadline(seconds)
    source = reader.source
    saved = (lambda _: None) if source is None else partial(stored.saved_mapping, session, secret, source)
    try:
        listed = read(open_list(*mine, saved), now, registry.same_place(session), deadline)
        revision = head(session)[0]
        theirs = registry.beside(session, secret, now, reader, revision, listed, scope, deadline)
        compared = compare(listed, theirs.detentions, theirs.tied, theirs.in_scope, deadline)
    except TooLong:
        raise BadFile("takes_too_long", TAKES_TOO_LONG) from None
    return {**compared, "lists": theirs.lists, "revision": revision}


def with_person(session: Session, now: datetime, reader: Reader, sought: PersonSoughtIn) -> CandidatesOut:
    """The candidate people of a report of this person, as far as this reader may know. Nothing is stored."""
    reported = content.with_age_today(content.flatten(sought.model_dump(mode="json")), now)
    reported.pop(NOT_COMPARED, None)
    revision = head(session)[0]
    return {"candidates": registry.who_may_be(session, reader, revision, reported), "revision": revision}


WORDS: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
)
# Field whose values are codes → the list of its codes.
CODES = {"gender": "genders", "stage": "stages", "kind": "release_kinds", "status": "statuses"}
SIDES = ("mine", "theirs")


def sheets(result: ListComparison, lang: Language) -> list[Sheet]:
    """The sheets of a comparison, the summary first. Only where rows could not be read is there a sheet of them."""
    words = _Words(lang)
    made = [_summary(result, words), _pairs("both", result["both"], words), _conflicts(result["both"], words),
            _pairs("likely", result["likely"], words), _alone("mine_only", result["mine_only"], words),
            _alone("theirs_only", result["theirs_only"], words)]  # fmt: skip
    return [*made, _unread(result["unread"], words)] if result["unread"] else made


class _Words:
    """Texts and labels in one language."""

    def __init__(self, lang: Language) -> None:
        self._place = LANGUAGES.index(lang)
        self.lang = lang
        self._labels = {
            name: {term["code"]: term["label"] for term in vocabulary(lang)[codes]} for name, codes in CODES.items()
        }

    def of(self, group: str, name: str) -> str:
        return WORDS[group][name][self._place]

    def field(self, name: str) -> str:
        """The heading of a field of a detention."""
        if name == "source_record_id" or name in FIELDS:
            return title(FIELDS.get(name, name), self.lang)
        return self.of("columns", name)

    def cell(self, name: str, value: Any) -> Cell:
        """The cell of a value; a code is written as its label."""
        if isinstance(value, list):
            return SEPARATOR.join(map(str, value))
        if value is None or isinstance(value, int | float):
            return value
        return self._labels.get(name, {}).get(value, str(value))


def _summary(result: ListComparison, words: _Words) -> Sheet:
    numbers: Mapping[str, Any] = result["summary"]
    rows: list[list[Cell]] = [[words.of("summary", name), number] for name, number in numbers.items()]
    for compared in result.get("lists", []):
        rows += [[words.of("summary", name), words.cell(name, value)] for name, value in compared.items()]
    if "revision" in result:
        rows.append([words.of("summary", "revision"), result["revision"]])
    return Sheet(words.of("sheets", "summary"), ["", ""], rows)


def _pairs(part: str, pairs: Sequence[PairedShape], words: _Words) -> Sheet:
    """A row for each pair: both detentions side by side, field by field."""
    columns: dict[str, Callable[[PairedShape], Cell]] = {
        words.of("columns", "score"): lambda pair: pair["score"],
        words.of("columns", "reasons"): lambda pair: _reasons(pair, words),
        words.of("sheets", "conflicts"): lambda pair: SEPARATOR.join(
            words.field(conflict["field"]) for conflict in pair["conflicts"]
        ),
    }
    for side in SIDES:
        for name in ("row", "source_record_id") if side == "mine" else _places(pair["theirs"] for pair in pairs):
            columns[_sided(name, side, words)] = partial(_of_side, words, side, name)
    for name in FIELDS:
        for side in SIDES:
            columns[_sided(name, side, words)] = partial(_of_side, words, side, name)
    if part == "likely":
        for name in ("also_mine", "also_theirs"):
            columns[words.of("columns", name)] = partial(_plain, words, name)
    return Sheet(words.of("sheets", part), list(columns), [[read(pair) for read in columns.values()] for pair in pairs])


def _sided(name: str, side: str, words: _Words) -> str:
    return f"{words.field(name)} ({words.of('columns', side)})"


def _of_side(words: _Words, side: str, name: str, pair: Mapping[str, Any]) -> Cell:
    return words.cell(name, pair[side].get(name))


def _plain(words: _Words, name: str, row: Mapping[str, Any]) -> Cell:
    return words.cell(name, row.get(name))


def _reasons(pair: PairedShape, words: _Words) -> str:
    return SEPARATOR.join(f"{words.of('reasons', why['feature'])} {why['score']:.2f}" for why in pair["reasons"])


def _places(detentions: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns that identify their detentions: ids of a registry, or rows of a file."""
    stated = {name for detention in detentions for name in detention}
    return [name for name in (*THEIRS, "report_id") if name in stated]


def _conflicts(pairs: Sequence[PairedShape], words: _Words) -> Sheet:
    """A row for each contradiction of a pair."""
    headings = [words.field("row"), words.field("source_record_id"), words.field("name"),
                words.of("columns", "field"), *(words.of("columns", side).capitalize() for side in SIDES)]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            *(_of_side(words, "mine", name, pair) for name in ("row", "source_record_id", "name")),
            words.field(conflict["field"]),
            *(words.cell(conflict["field"], value) for value in (conflict["mine"], conflict["theirs"])),
        ]
        for pair in pairs
        for conflict in pair["conflicts"]
    ]
    return Sheet(words.of("sheets", "conflicts"), headings, rows)


def _alone(part: str, detentions: Sequence[Mapping[str, Any]], words: _Words) -> Sheet:
    names = ["row", "source_record_id"] if part == "mine_only" else _places(detentions)
    names += FIELDS
    rows = [[words.cell(name, detention.get(name)) for name in names] for detention in detentions]
    return Sheet(words.of("sheets", part), [words.field(name) for name in names], rows)


def _unread(rows: Sequence[UnreadRow], words: _Words) -> Sheet:
    headings = [words.field("row"), words.of("columns", "column"), words.of("columns", "error")]
    cells: list[list[Cell]] = [
        [row["row"], error["column"], detail(error["code"], error["detail"], words.lang, row["row"])]
        for row in rows
        for error in row["errors"]
    ]
    return Sheet(words.of("sheets", "unread"), headings, cells)

"""Compare a list with another list or with the registry, or a person with the registry; write the result as a
workbook."""

import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, NotRequired

from sqlmodel import Session

from app.compare import registry
from app.compare.detentions import (
    ACCOUNT_FIELDS,
    ComparedDetention,
    ComparedList,
    ListedShape,
    find_conflicts,
    format_reasons,
    open_compared_list,
    read_compared_list,
)
from app.compare.registry import ComparisonScope
from app.imports.faults import BadFile, translate_detail
from app.imports.filing import import_store
from app.imports.formats.template import LANGUAGES, get_field_title
from app.imports.mapping import ListMapping
from app.log import content
from app.log.entries import read_head
from app.matching.alignment import NO_DEADLINE, Deadline, Pair, TooLong, align_lists
from app.registry.publication.permissions import Reader
from app.schemas.comparison import (
    CandidatesOut,
    ComparedLists,
    ComparisonSummary,
    MineShape,
    PairedShape,
    ReasonShape,
    RegistryList,
    TheirsShape,
    UnreadRow,
)
from app.schemas.reports import PersonSoughtIn
from app.tables import LIST_SEPARATOR, CellValue, Sheet
from app.vocabulary import Language, build_vocabulary

# The reason for a pair of rows with the same case number.
CASE_NUMBER_REASON: ReasonShape = {"feature": "case_number", "score": 1.0, "note": "the same case number"}


class ListComparison(ComparedLists):
    """A list compared with the registry (`lists`, `revision`) or with another list (`unread_theirs`)."""

    lists: NotRequired[list[RegistryList]]
    revision: NotRequired[int]
    unread_theirs: NotRequired[list[UnreadRow]]


def compare_lists(
    mine: ComparedList,
    theirs: Sequence[ComparedDetention[TheirsShape]],
    case_matches: Mapping[int, int] | None = None,
    in_scope: Collection[int] | None = None,
    deadline: Deadline = NO_DEADLINE,
) -> ListComparison:
    """Compare two sides. Raises TooLong.

    `in_scope`: indexes of `theirs` that are reported as `theirs_only` without a partner; by default all.
    """
    pairs = align_lists([a.line for a in mine.detentions], [b.line for b in theirs], case_matches, deadline)
    both = [_build_pair(pair, mine.detentions, theirs) for pair in pairs if pair.is_sure]
    likely = [_build_pair(pair, mine.detentions, theirs) for pair in pairs if not pair.is_sure]
    paired_a, paired_b = {pair.a for pair in pairs}, {pair.b for pair in pairs}
    unpaired_theirs = [
        index for index in sorted(range(len(theirs)) if in_scope is None else in_scope) if index not in paired_b
    ]
    mine_only: list[MineShape] = [a.account for index, a in enumerate(mine.detentions) if index not in paired_a]
    summary: ComparisonSummary = {
        "mine": len(mine.detentions),
        "theirs": len(theirs) if in_scope is None else len(in_scope),
        "both": len(both),
        "conflicts": sum(1 for pair in both if pair["conflicts"]),  # in `both` alone
        "likely": len(likely),
        "mine_only": len(mine_only),
        "theirs_only": len(unpaired_theirs),
        "unread": len(mine.unread_rows),
    }
    return {
        "summary": summary,
        "both": both,
        "likely": likely,
        "mine_only": mine_only,
        "theirs_only": [theirs[index].account for index in unpaired_theirs],
        "unread": mine.unread_rows,
    }


def _build_pair(
    pair: Pair, mine: Sequence[ComparedDetention[ListedShape]], theirs: Sequence[ComparedDetention[TheirsShape]]
) -> PairedShape:
    a, b = mine[pair.a], theirs[pair.b]
    return {
        "score": 1.0 if pair.match is None else round(pair.match.score, 3),
        "reasons": [CASE_NUMBER_REASON] if pair.match is None else format_reasons(pair.match),
        "conflicts": find_conflicts(a, b),
        "mine": a.account,
        "theirs": b.account,
        "also_mine": [mine[index].account["row"] for index in pair.rivals_a],
        "also_theirs": [_identify_detention(theirs[index].values) for index in pair.rivals_b],
    }


def _identify_detention(account: Mapping[str, Any]) -> Any:
    """Return the row number of a detention, or the id of the detention or of its report."""
    return account.get("row") or account.get("detention_id") or account["report_id"]


def flatten_comparison(result: ListComparison) -> list[dict[str, Any]]:
    """Return the result as one table, column → value: a row for each pair and for each detention without a partner."""
    return [
        *(_build_table_row("both", pair["mine"], pair["theirs"], pair) for pair in result["both"]),
        *(_build_table_row("likely", pair["mine"], pair["theirs"], pair) for pair in result["likely"]),
        *(_build_table_row("mine_only", mine, {}) for mine in result["mine_only"]),
        *(_build_table_row("theirs_only", {}, theirs) for theirs in result["theirs_only"]),
    ]


def _build_table_row(
    part: str, mine: Mapping[str, Any], theirs: Mapping[str, Any], pair: PairedShape | None = None
) -> dict[str, Any]:
    return {
        "part": part,
        "score": pair and pair["score"],
        "conflicts": [conflict["field"] for conflict in pair["conflicts"]] if pair else [],
        **{f"mine_{name}": mine.get(name) for name in (*MINE_COLUMNS, *ACCOUNT_FIELDS)},
        **{f"theirs_{name}": theirs.get(name) for name in (*THEIRS_COLUMNS, *ACCOUNT_FIELDS)},
    }


MINE_COLUMNS = ("row", "source_record_id")
THEIRS_COLUMNS = ("row", "source_record_id", "detainee_id", "detention_id", "release_id", "status", "verified_by")


# Not compared with the registry: an agreement would disclose the identification number.
UNCOMPARED_FIELD = "detainee.national_id"

TOO_LONG_MESSAGE = (
    "Too many rows of this list are like too many others, or have too many names: part it, by country or by year, or "
    "compare it on your own machine (recuento match)."
)

ListFile = tuple[bytes, ListMapping | None]


def compare_two_lists(mine: ListFile, theirs: ListFile, now: datetime) -> ListComparison:
    """Compare two files. Raises BadFile."""
    my_opened_list, their_opened_list = open_compared_list(*mine), open_compared_list(*theirs)
    their_list = read_compared_list(their_opened_list, now)
    return {
        **compare_lists(read_compared_list(my_opened_list, now), their_list.detentions),
        "unread_theirs": their_list.unread_rows,
    }


def compare_with_registry(
    session: Session,
    secret: bytes,
    now: datetime,
    reader: Reader,
    mine: ListFile,
    scope: ComparisonScope,
    *,
    max_seconds: float = inf,
) -> ListComparison:
    """Compare a file with what the reader may see of the registry, within so many processor seconds.

    Raises BadFile, Invalid.
    """
    deadline = Deadline(max_seconds)
    source = reader.source
    find_saved_mapping = (
        (lambda _: None) if source is None else partial(import_store.find_saved_mapping, session, secret, source)
    )
    try:
        my_list = read_compared_list(
            open_compared_list(*mine, find_saved_mapping), now, registry.build_place_normalizer(session), deadline
        )
        revision = read_head(session)[0]
        theirs = registry.find_registry_detentions(session, secret, now, reader, revision, my_list, scope, deadline)
        comparison = compare_lists(my_list, theirs.detentions, theirs.case_matches, theirs.in_scope, deadline)
    except TooLong:
        raise BadFile("takes_too_long", TOO_LONG_MESSAGE) from None
    return {**comparison, "lists": theirs.lists, "revision": revision}


def match_person_in_registry(session: Session, now: datetime, reader: Reader, person: PersonSoughtIn) -> CandidatesOut:
    """Return the candidates for the person of a report, as far as the reader may see them. Nothing is stored."""
    reported_content = content.date_age_today(content.flatten_body(person.model_dump(mode="json")), now)
    reported_content.pop(UNCOMPARED_FIELD, None)
    revision = read_head(session)[0]
    return {"candidates": registry.find_candidates(session, reader, revision, reported_content), "revision": revision}


SHEET_TEXTS: dict[str, dict[str, list[str]]] = tomllib.loads(
    Path(__file__).with_name("words.toml").read_text(encoding="utf-8")
)
# Field whose values are codes → the list of its codes.
CODE_LIST_BY_FIELD = {"gender": "genders", "stage": "stages", "kind": "release_kinds", "status": "statuses"}
SIDES = ("mine", "theirs")


def build_sheets(result: ListComparison, lang: Language) -> list[Sheet]:
    """Return the sheets of a comparison, the summary first; a sheet of unread rows only if there are any."""
    texts = _SheetTexts(lang)
    sheets = [
        _build_summary_sheet(result, texts),
        _build_pairs_sheet("both", result["both"], texts),
        _build_conflicts_sheet(result["both"], texts),
        _build_pairs_sheet("likely", result["likely"], texts),
        _build_unpaired_sheet("mine_only", result["mine_only"], texts),
        _build_unpaired_sheet("theirs_only", result["theirs_only"], texts),
    ]
    return [*sheets, _build_unread_sheet(result["unread"], texts)] if result["unread"] else sheets


class _SheetTexts:
    """Texts and labels in one language."""

    def __init__(self, lang: Language) -> None:
        self._language_index = LANGUAGES.index(lang)
        self.lang = lang
        self._labels = {
            name: {term["code"]: term["label"] for term in build_vocabulary(lang)[codes]}
            for name, codes in CODE_LIST_BY_FIELD.items()
        }

    def translate(self, group: str, name: str) -> str:
        return SHEET_TEXTS[group][name][self._language_index]

    def translate_field(self, name: str) -> str:
        """Return the heading of a field of a detention."""
        if name == "source_record_id" or name in ACCOUNT_FIELDS:
            return get_field_title(ACCOUNT_FIELDS.get(name, name), self.lang)
        return self.translate("columns", name)

    def format_cell(self, name: str, value: Any) -> CellValue:
        """Return the cell of a value; a code is written as its label."""
        if isinstance(value, list):
            return LIST_SEPARATOR.join(map(str, value))
        if value is None or isinstance(value, int | float):
            return value
        return self._labels.get(name, {}).get(value, str(value))


def _build_summary_sheet(result: ListComparison, texts: _SheetTexts) -> Sheet:
    numbers: Mapping[str, Any] = result["summary"]
    rows: list[list[CellValue]] = [[texts.translate("summary", name), number] for name, number in numbers.items()]
    for registry_list in result.get("lists", []):
        rows += [
            [texts.translate("summary", name), texts.format_cell(name, value)] for name, value in registry_list.items()
        ]
    if "revision" in result:
        rows.append([texts.translate("summary", "revision"), result["revision"]])
    return Sheet(texts.translate("sheets", "summary"), ["", ""], rows)


def _build_pairs_sheet(part: str, pairs: Sequence[PairedShape], texts: _SheetTexts) -> Sheet:
    """Build a sheet with a row for each pair: both detentions side by side, field by field."""
    columns: dict[str, Callable[[PairedShape], CellValue]] = {
        texts.translate("columns", "score"): lambda pair: pair["score"],
        texts.translate("columns", "reasons"): lambda pair: _format_reasons(pair, texts),
        texts.translate("sheets", "conflicts"): lambda pair: LIST_SEPARATOR.join(
            texts.translate_field(conflict["field"]) for conflict in pair["conflicts"]
        ),
    }
    for side in SIDES:
        for name in (
            ("row", "source_record_id") if side == "mine" else _list_id_columns(pair["theirs"] for pair in pairs)
        ):
            columns[_format_side_heading(name, side, texts)] = partial(_read_side_cell, texts, side, name)
    for name in ACCOUNT_FIELDS:
        for side in SIDES:
            columns[_format_side_heading(name, side, texts)] = partial(_read_side_cell, texts, side, name)
    if part == "likely":
        for name in ("also_mine", "also_theirs"):
            columns[texts.translate("columns", name)] = partial(_read_cell, texts, name)
    return Sheet(
        texts.translate("sheets", part),
        list(columns),
        [[read_cell(pair) for read_cell in columns.values()] for pair in pairs],
    )


def _format_side_heading(name: str, side: str, texts: _SheetTexts) -> str:
    return f"{texts.translate_field(name)} ({texts.translate('columns', side)})"


def _read_side_cell(texts: _SheetTexts, side: str, name: str, pair: Mapping[str, Any]) -> CellValue:
    return texts.format_cell(name, pair[side].get(name))


def _read_cell(texts: _SheetTexts, name: str, row: Mapping[str, Any]) -> CellValue:
    return texts.format_cell(name, row.get(name))


def _format_reasons(pair: PairedShape, texts: _SheetTexts) -> str:
    return LIST_SEPARATOR.join(
        f"{texts.translate('reasons', reason['feature'])} {reason['score']:.2f}" for reason in pair["reasons"]
    )


def _list_id_columns(detentions: Iterable[Mapping[str, Any]]) -> list[str]:
    """List the columns that identify detentions: ids of a registry, or rows of a file."""
    present_columns = {name for detention in detentions for name in detention}
    return [name for name in (*THEIRS_COLUMNS, "report_id") if name in present_columns]


def _build_conflicts_sheet(pairs: Sequence[PairedShape], texts: _SheetTexts) -> Sheet:
    """Build a sheet with a row for each contradiction of a pair."""
    headings = [
        texts.translate_field("row"),
        texts.translate_field("source_record_id"),
        texts.translate_field("name"),
        texts.translate("columns", "field"),
        *(texts.translate("columns", side).capitalize() for side in SIDES),
    ]
    rows: list[list[CellValue]] = [
        [
            *(_read_side_cell(texts, "mine", name, pair) for name in ("row", "source_record_id", "name")),
            texts.translate_field(conflict["field"]),
            *(texts.format_cell(conflict["field"], value) for value in (conflict["mine"], conflict["theirs"])),
        ]
        for pair in pairs
        for conflict in pair["conflicts"]
    ]
    return Sheet(texts.translate("sheets", "conflicts"), headings, rows)


def _build_unpaired_sheet(part: str, detentions: Sequence[Mapping[str, Any]], texts: _SheetTexts) -> Sheet:
    names = ["row", "source_record_id"] if part == "mine_only" else _list_id_columns(detentions)
    names += ACCOUNT_FIELDS
    rows = [[texts.format_cell(name, detention.get(name)) for name in names] for detention in detentions]
    return Sheet(texts.translate("sheets", part), [texts.translate_field(name) for name in names], rows)


def _build_unread_sheet(rows: Sequence[UnreadRow], texts: _SheetTexts) -> Sheet:
    headings = [texts.translate_field("row"), texts.translate("columns", "column"), texts.translate("columns", "error")]
    cells: list[list[CellValue]] = [
        [row["row"], error["column"], translate_detail(error["code"], error["detail"], texts.lang, row["row"])]
        for row in rows
        for error in row["errors"]
    ]
    return Sheet(texts.translate("sheets", "unread"), headings, cells)

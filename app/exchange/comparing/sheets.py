"""A comparison as a workbook in the reader's language: a sheet for each of its parts (pure)."""

import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.exchange.comparing.detentions import FIELDS
from app.exchange.comparing.report import THEIRS, ListComparison
from app.exchange.imports.sentences import detail
from app.exchange.tables import SEPARATOR
from app.exchange.titles import LANGUAGES, title
from app.exchange.workbook_writer import Cell, Sheet
from app.schemas.imports import PairedShape, UnreadRow
from app.vocabulary import Language, vocabulary

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

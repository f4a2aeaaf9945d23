"""What `recuento import` does and prints: rows that need somebody, what is wrong by kind, and the receipt."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Engine

from app.database import reading
from app.exchange.client import Line, Stopped
from app.exchange.imports import local, remote, stored
from app.exchange.imports.faults import BadFile, place_of
from app.exchange.imports.groups import Groups, in_language
from app.exchange.imports.groups import told as groups_told
from app.exchange.imports.lists import open_list
from app.exchange.imports.mapping import Mapping, decoded
from app.exchange.imports.questions import confirmed
from app.exchange.imports.rows import MOST_SHOWN
from app.exchange.imports.sayings import detail, line
from app.exchange.imports.stored import Sent
from app.exchange.titles import titled
from app.import_codes import ImportOutcome
from app.models import ListImport
from app.vocabulary import Language

# Rows read at a time for printing.
PAGE = 1_000
# What an outcome is called, where a word of the same name says more.
OUTCOMES = {ImportOutcome.NEEDS_REVIEW: "to_review"}
GOES_ON = "What is in stays in: run the same command again, and it goes on where it stopped."


@dataclass(frozen=True)
class Telling:
    """How what became of a list is told."""

    lang: Language
    as_json: bool


def mapping_of(path: Path | None) -> Mapping | None:
    """The mapping in a file, if one is given. Raises BadFile."""
    return None if path is None else Mapping.read(decoded(path.read_bytes()))


def at_column(error: stored.Row) -> str:
    """What is wrong with a row, at its column; a line of JSON has none."""
    column = f"column {error['column']}: " if error["column"] else ""
    return f"{column}{error['detail']}"


def reader_language() -> Language:
    """The language of whoever sits at this machine, where we have it (POSIX.1-2017, section 8.2)."""
    said = next((found for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (found := os.environ.get(name))), "")
    return "es" if said.lower().startswith("es") else "en"


def import_list(
    engine: Engine, secret: bytes, clock: Callable[[], datetime], slug: str, path: Path, sent: Sent, told: Telling
) -> str | None:
    """File a list and print what became of it; a line that says what is left to do, if anything is."""
    with _bar() as bar:
        task = bar.add_task("Trying" if sent.dry_run else "Filing", total=None)

        def tell(job: ListImport) -> None:
            bar.update(task, total=job.rows, completed=stored.shape(job)["settled"])

        job = local.file_list(engine, secret, clock, slug, path.read_bytes(), sent, tell)
    return _print(_rows(engine, job), stored.shape(job), _Cells(path, sent), told)


def send_list(
    to: str, key: str | None, slug: str | None, path: Path, sent: Sent, now: datetime, told: Telling
) -> str | None:
    """Send a list to a registry elsewhere and print what became of it; a line that says what is left to do."""
    if key is None:
        raise Stopped("Set RECUENTO_KEY, or RECUENTO_KEY_FILE, to the key that your registry gave you.")
    with _bar() as bar:
        watch = _Watch(bar, "Trying" if sent.dry_run else "Sending")
        try:
            with Line(to, key, watch.say) as sender:
                receipt, rows = remote.file_list(
                    sender, _journals(), path, sent, now, watch, source=slug, every=told.as_json
                )
        except BadFile as fault:
            raise BadFile(fault.code, detail(fault.code, fault.detail, told.lang), fault.row) from None
        except Stopped as stopped:
            raise Stopped(f"{stopped} {GOES_ON}" if watch.begun else str(stopped)) from None
        except KeyboardInterrupt:
            return f"Stopped. {GOES_ON}"
    return _print(rows, receipt, _Cells(path, sent), told)


def _journals() -> Path:
    """Where programs keep what must outlast a restart (XDG Base Directory Specification)."""
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".local" / "state") / "recuento" / "uploads"


def _bar() -> Progress:
    console = Console(stderr=True)
    shown = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*shown, console=console, transient=True, disable=not console.is_terminal)


class _Watch:
    """Shows how far an upload is, and what the line does: beside the bar, or in lines where nobody watches a bar."""

    def __init__(self, bar: Progress, what: str) -> None:
        self._bar, self._what = bar, what
        self._task = bar.add_task(what, total=None)
        self.begun = False

    def say(self, text: str) -> None:
        if self._bar.disable:
            self._bar.console.print(text, soft_wrap=True)
        else:
            self._bar.update(self._task, description=text)

    def moved(self, settled: int, rows: int) -> None:
        self.begun = True
        self._bar.update(self._task, description=self._what, completed=settled, total=rows)


class _Cells:
    """What stands in the cells of the list, read once more where something is wrong with them: a registry keeps no
    names."""

    def __init__(self, path: Path, sent: Sent) -> None:
        self._path, self._mapping = path, sent.mapping

    def of(self, wanted: set[int]) -> dict[int, list[str]]:
        if not wanted:
            return {}
        with suppress(BadFile, OSError):
            opened = open_list(self._path.read_bytes(), self._mapping)
            rows = () if opened.cells is None else opened.cells()
            return {row.number: row.texts for row in rows if row.number in wanted}
        return {}


def _print(rows: Iterable[stored.Row], receipt: stored.Row, cells: _Cells, told: Telling) -> str | None:
    outcomes, groups, values = _print_rows(rows, told)
    texts = cells.of(groups.rows())

    def value_of(row: int, column: str) -> str | None:
        place, said = place_of(column), texts.get(row, [])
        return values.get((row, column)) or (said[place].strip()[:MOST_SHOWN] if place < len(said) else None)

    receipt["groups"] = groups_told(groups.kept(), receipt["columns"], told.lang, value_of)
    if told.as_json:
        _line(json.dumps(receipt, ensure_ascii=False, default=str))
    else:
        _print_groups(receipt["groups"], told.lang)
        _print_receipt(receipt, outcomes, told.lang)
    return _left_to_do(receipt, told.lang)


def _left_to_do(receipt: stored.Row, lang: Language) -> str | None:
    problem = receipt["problem"]
    if problem:
        return detail(problem["code"], problem["detail"], lang)
    if receipt["questions"]:
        asked = " ".join(detail(one["code"], one["detail"], lang) for one in receipt["questions"])
        filed = line("nothing_more_filed" if receipt["last_revision"] else "nothing_filed", lang)
        return f"{filed} {asked}{' (--confirm)' if confirmed(receipt['questions']) else ''}"
    if receipt["state"] != "done":
        return line("somebody_else", lang)
    wrong = receipt["counts"]["error"]
    return line("one_wrong" if wrong == 1 else "many_wrong", lang, count=wrong) if wrong else None


def _rows(engine: Engine, job: ListImport) -> Iterator[stored.Row]:
    after = 0
    while True:
        with reading(engine) as session:
            rows = stored.rows_of(session, job.id, after, PAGE)
        yield from rows
        if len(rows) < PAGE:
            return
        after = rows[-1]["row"]


def _print_rows(
    rows: Iterable[stored.Row], told: Telling
) -> tuple[Counter[str], Groups, dict[tuple[int, str], str | None]]:
    """Print the rows that a curator looks at, for machines all of them. How many of all had which outcome, and what is
    wrong with rows, with what stands in their cells."""
    outcomes: Counter[str] = Counter()
    groups = Groups()
    values: dict[tuple[int, str], str | None] = {}
    for row in rows:
        outcomes[row["outcome"]] += 1
        groups.add(row["row"], row["errors"])
        if row["row"] in groups.rows():
            values |= {(row["row"], error["column"]): error.get("value") for error in row["errors"]}
        if told.as_json:
            shown = row | {"errors": in_language(row["errors"], row["row"], told.lang)}
            _line(json.dumps(shown, ensure_ascii=False, default=str))
        elif row["outcome"] == ImportOutcome.NEEDS_REVIEW:
            _line(line("row", told.lang, row=row["row"], outcome=line("needs_review", told.lang)))
    return outcomes, groups, values


def _print_groups(groups: list[stored.Row], lang: Language) -> None:
    """What is asked, then what is wrong: each kind once, with the first few rows."""
    for name, questions in (("asked", True), ("wrong", False)):
        some = [group for group in groups if group["question"] is questions]
        if some:
            _line(line(name, lang))
        for group in some:
            _line(line("group", lang, count=group["count"], code=group["code"], where=_where(group, lang)))
            _line(f"    {group['detail']}")
            for example in group["examples"]:
                value = f": {example['value']}" if example["value"] else ""
                _line(line("example", lang, row=example["row"], value=value))
            more = group["count"] - len(group["examples"])
            if more > 0:
                _line(line("more", lang, count=more))


def _where(group: stored.Row, lang: Language) -> str:
    if group["column"] is None:
        return ""
    heading = f' "{group["heading"]}"' if group["heading"] else ""
    field = line("read_as", lang, field=group["field"]) if group["field"] else ""
    return line("where", lang, column=group["column"], heading=heading, field=field)


def _print_columns(receipt: stored.Row, lang: Language) -> None:
    """As what each column was read; of those without a heading only what holds something."""
    unread = {one["column"]: one["count"] for one in receipt["unread"]}
    if receipt["columns"]:
        _line(line("columns", lang))
    for column in receipt["columns"]:
        count = unread.get(column["column"], 0)
        if not (column["heading"] or column["fields"] or count):
            continue
        fields = ", ".join(f"{titled(name, lang)} [{name}]".removeprefix(f"{name} ") for name in column["fields"])
        if count:
            fields = "; ".join(filter(None, (fields, line("unread_cells", lang, count=count))))
        heading = column["heading"] or line("no_heading", lang)
        _line(line("column", lang, column=column["column"], heading=heading, fields=fields or line("unread", lang)))


def _print_receipt(receipt: stored.Row, outcomes: Counter[str], lang: Language) -> None:
    if receipt["rows"] is None:
        return  # the file could not be read: there is nothing to tell but why
    _print_columns(receipt, lang)
    if receipt["unsaid"]:
        words = ", ".join(f'{one["column"]} "{one["word"]}" × {one["count"]}' for one in receipt["unsaid"])
        _line(line("unsaid", lang, words=words))
    left_out = receipt["left_out"]
    if left_out["count"]:
        rows = ", ".join(map(str, left_out["rows"])) + (", …" if left_out["count"] > len(left_out["rows"]) else "")
        _line(line("left_out", lang, count=left_out["count"], rows=rows))
    if receipt["other_sheets"]:
        _line(line("other_sheets", lang, sheet=receipt["sheet"], others=", ".join(receipt["other_sheets"])))
    if receipt["derived_case_numbers"]:
        _line(line("derived", lang, count=receipt["derived_case_numbers"]))
    # Of a strict list that failed in its trial the receipt counts errors only. From afar only those are asked for.
    refused = receipt["state"] == "failed" and not receipt["dry_run"] and outcomes.total() > receipt["settled"]
    counted = outcomes if refused else receipt["counts"]
    counts = ", ".join(f"{counted[one]} {line(OUTCOMES.get(one, one.value), lang)}" for one in ImportOutcome)
    what = "would_have_become" if refused else "would_become" if receipt["dry_run"] else "became"
    _line(line(what, lang, told=sum(counted.values()), rows=receipt["rows"], counts=counts))
    if refused:
        _line(line("nothing_filed", lang))
    elif receipt["releases"] or receipt["held"]:
        _line(line("about", lang, releases=receipt["releases"], held=receipt["held"]))
        _print_changes(receipt, lang)
    if receipt["first_revision"] and not receipt["dry_run"]:
        first, last = receipt["first_revision"], receipt["last_revision"]
        _line(line("revisions", lang, first=first, last=last, digest=receipt["digest"]))
    if receipt["dry_run"] and receipt["state"] == "done":
        _line(line("nothing_stored", lang))


def _print_changes(receipt: stored.Row, lang: Language) -> None:
    """What is taken back and added, and who is held and not counted so."""
    for change in ("lost", "gained"):
        told = [f"{line(kind, lang)} {number}" for kind, number in receipt[change].items() if number]
        if told:
            _line(line(change, lang, told=", ".join(told)))
    if receipt["held_not_counted"]:
        reasons = ", ".join(f"{number} {line(why, lang)}" for why, number in receipt["held_not_counted"].items())
        _line(line("held_counted", lang, counted=receipt["held_counted"], held=receipt["held"], reasons=reasons))


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")

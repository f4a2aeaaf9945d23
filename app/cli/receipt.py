"""How `recuento import` prints a receipt: how columns were read, what is asked and what is wrong, and what became of
the rows."""

import sys
from collections import Counter

from app.imports.faults import line
from app.imports.formats.template import named
from app.imports.receipts import Receipt
from app.schemas.imports import ImportGroup, ImportWarning
from app.vocabulary import ImportOutcome, Language

# What an outcome is called, where a word of the same name says more.
OUTCOMES = {ImportOutcome.NEEDS_REVIEW: "to_review"}


def print_groups(groups: list[ImportGroup], lang: Language) -> None:
    """What is asked, then what is wrong: each kind once, with the first few rows."""
    for name, questions in (("asked", True), ("wrong", False)):
        some = [group for group in groups if group["question"] is questions]
        if some:
            put(line(name, lang))
        for group in some:
            put(line("group", lang, count=group["count"], code=group["code"], where=_where(group, lang)))
            put(f"    {group['detail']}")
            _print_examples(group, lang)


def _print_examples(group: ImportGroup | ImportWarning, lang: Language) -> None:
    for example in group["examples"]:
        value = f": {example['value']}" if example["value"] else ""
        put(line("example", lang, row=example["row"], value=value))
    more = group["count"] - len(group["examples"])
    if more > 0:
        put(line("more", lang, count=more))


def _where(group: ImportGroup, lang: Language) -> str:
    if group["column"] is None:
        return ""
    heading = f' "{group["heading"]}"' if group["heading"] else ""
    field = line("read_as", lang, field=named(group["field"], lang)) if group["field"] else ""
    return line("where", lang, column=group["column"], heading=heading, field=field)


def _print_columns(receipt: Receipt, lang: Language) -> None:
    """Print how each column was read; a column without a heading only where it has values."""
    unread = {column["column"]: column["count"] for column in receipt["unread"]}
    if receipt["columns"]:
        put(line("columns", lang))
    for column in receipt["columns"]:
        count = unread.get(column["column"], 0)
        if not (column["heading"] or column["fields"] or count):
            continue
        fields = ", ".join(named(name, lang) for name in column["fields"])
        if count:
            fields = "; ".join(filter(None, (fields, line("unread_cells", lang, count=count))))
        heading = column["heading"] or line("no_heading", lang)
        put(line("column", lang, column=column["column"], heading=heading, fields=fields or line("unread", lang)))


def _print_warnings(warnings: list[ImportWarning], lang: Language) -> None:
    """What was accepted and may not be what was meant."""
    if warnings:
        put(line("warned", lang))
    for warning in warnings:
        put(line("group", lang, count=warning["count"], code=warning["code"], where=""))
        put(f"    {line(warning['code'], lang)}")
        _print_examples(warning, lang)


def print_receipt(receipt: Receipt, outcomes: Counter[str], lang: Language) -> None:
    if receipt["rows"] is None:
        return  # the file could not be read: there is nothing to tell but why
    _print_columns(receipt, lang)
    _print_warnings(receipt["warnings"], lang)
    if receipt["unsaid"]:
        words = ", ".join(f'{cell["column"]} "{cell["word"]}" × {cell["count"]}' for cell in receipt["unsaid"])
        put(line("unsaid", lang, words=words))
    left_out = receipt["left_out"]
    if left_out["count"]:
        rows = ", ".join(map(str, left_out["rows"])) + (", …" if left_out["count"] > len(left_out["rows"]) else "")
        put(line("left_out", lang, count=left_out["count"], rows=rows))
    if receipt["other_sheets"]:
        put(line("other_sheets", lang, sheet=receipt["sheet"], others=", ".join(receipt["other_sheets"])))
    if receipt["derived_case_numbers"]:
        put(line("derived", lang, count=receipt["derived_case_numbers"]))
    # Of a strict list that failed in its trial the receipt counts errors only. From afar only those are asked for.
    refused = receipt["state"] == "failed" and not receipt["dry_run"] and outcomes.total() > receipt["settled"]
    counted = outcomes if refused else receipt["counts"]
    counts = ", ".join(line(OUTCOMES.get(key, key.value), lang, count=counted[key]) for key in ImportOutcome)
    what = "would_have_become" if refused else "would_become" if receipt["dry_run"] else "became"
    put(line(what, lang, told=sum(counted.values()), count=receipt["rows"], counts=counts))
    if refused:
        put(line("nothing_filed", lang))
    elif receipt["releases"] or receipt["held"]:
        about = {name: line(name, lang, count=receipt[name]) for name in ("releases", "held")}
        put(line("about", lang, **about))
        _print_changes(receipt, lang)
    if receipt["first_revision"] and not receipt["dry_run"]:
        first, last = receipt["first_revision"], receipt["last_revision"]
        put(line("revisions", lang, first=first, last=last, digest=receipt["digest"]))
    if receipt["dry_run"] and receipt["state"] == "done":
        put(line("nothing_stored", lang))


def _print_changes(receipt: Receipt, lang: Language) -> None:
    """What is taken back and added, and how many of the held count as held."""
    for change in ("lost", "gained"):
        told = [f"{line(kind, lang)} {number}" for kind, number in receipt[change].items() if number]
        if told:
            put(line(change, lang, told=", ".join(told)))
    if receipt["held"]:
        people = line("people", lang, count=receipt["held"])
        put(line("held_counted", lang, count=receipt["held_counted"], people=people))
    if receipt["held_not_counted"]:
        reasons = ", ".join(line(why, lang, count=number) for why, number in receipt["held_not_counted"].items())
        put(line("held_not_counted", lang, reasons=reasons))


def put(text: str) -> None:
    sys.stdout.write(text + "\n")

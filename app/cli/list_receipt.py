"""Print the receipt of a list: how it was read, what is asked and wrong, what becomes of its rows."""

import sys
from collections import Counter
from collections.abc import Mapping

from app.imports.faults import format_line
from app.imports.filing.receipts import Receipt, format_difference, format_noted_cells
from app.imports.formats.template import format_field_name
from app.imports.reader.list_reader import format_row_label
from app.schemas.imports import ImportColumn, ImportGroup, ImportWarning
from app.vocabulary import ImportOutcome, Language

# Outcomes whose message has another name.
OUTCOME_MESSAGES = {ImportOutcome.NEEDS_REVIEW: "to_review"}


def print_groups(groups: list[ImportGroup], sheet_names: Mapping[str, str], lang: Language) -> None:
    """Print the questions, then the errors: each kind once, with its first few rows."""
    for name, questions in (("asked", True), ("wrong", False)):
        matching_groups = [group for group in groups if group["question"] is questions]
        if matching_groups:
            print_line(format_line(name, lang))
        for group in matching_groups:
            where = _format_location(group, lang)
            print_line(format_line("group", lang, count=group["count"], code=group["code"], where=where))
            print_line(f"    {group['detail']}")
            _print_examples(group, sheet_names, lang)


def _print_examples(group: ImportGroup | ImportWarning, sheet_names: Mapping[str, str], lang: Language) -> None:
    for example in group["examples"]:
        value = f": {example['value']}" if example["value"] else ""
        print_line(format_line("example", lang, row=format_row_label(example["row"], sheet_names), value=value))
    remaining = group["count"] - len(group["examples"])
    if remaining > 0:
        print_line(format_line("more", lang, count=remaining))


def _format_location(group: ImportGroup, lang: Language) -> str:
    if group["column"] is None:
        return ""
    heading = f' "{group["heading"]}"' if group["heading"] else ""
    field = format_line("read_as", lang, field=format_field_name(group["field"], lang)) if group["field"] else ""
    return format_line("where", lang, column=group["column"], heading=heading, field=field)


def _print_columns(receipt: Receipt, lang: Language) -> None:
    """Print how each column was read; a column without a heading only if it has values."""
    unread = {column["column"]: column["count"] for column in receipt["unread"]}
    settled = [
        f"{column['heading'] or column['column']} → {format_field_name(column['fields'][0], lang)}"
        for column in receipt["columns"]
        if _is_settled(column)
    ]
    if settled:
        print_line(format_line("settled", lang, count=len(settled), columns="; ".join(settled)))
    if phones := [column["heading"] or column["column"] for column in receipt["columns"] if column.get("phones")]:
        print_line(format_line("phones", lang, columns=", ".join(phones)))
    others = [one for one in receipt["columns"] if not (_is_settled(one) or one.get("phones"))]
    if others:
        print_line(format_line("columns", lang))
    for column in others:
        count = unread.get(column["column"], 0)
        if not (column["heading"] or column["fields"] or count):
            continue
        fields = ", ".join(format_field_name(name, lang) for name in column["fields"])
        if count:
            fields = "; ".join(filter(None, (fields, format_line("unread_cells", lang, count=count))))
        heading = column["heading"] or format_line("no_heading", lang)
        print_line(
            format_line(
                "column", lang, column=column["column"], heading=heading, fields=fields or format_line("unread", lang)
            )
        )


def _is_settled(column: ImportColumn) -> bool:
    return len(column["fields"]) == 1 and column.get("sure", True)


def _print_warnings(warnings: list[ImportWarning], sheet_names: Mapping[str, str], lang: Language) -> None:
    """Print what was accepted but may not be what the sender meant."""
    if warnings:
        print_line(format_line("warned", lang))
    for warning in warnings:
        print_line(format_line("group", lang, count=warning["count"], code=warning["code"], where=""))
        print_line(f"    {format_line(warning['code'], lang)}")
        _print_examples(warning, sheet_names, lang)


def print_receipt(receipt: Receipt, outcomes: Counter[str], lang: Language) -> None:
    if receipt["rows"] is None:
        return  # the file could not be read: only the problem is printed
    _print_columns(receipt, lang)
    _print_warnings(receipt["warnings"], receipt["sheet_names"], lang)
    if receipt["unsaid"]:
        words = ", ".join(f'{cell["column"]} "{cell["word"]}" × {cell["count"]}' for cell in receipt["unsaid"])
        print_line(format_line("unsaid", lang, words=words))
    if noted := format_noted_cells(receipt, lang):
        print_line(noted)
    for name, labels in (
        ("sums", [format_row_label(row, receipt["sheet_names"]) for row in receipt["sums"]["rows"]]),
        ("kept_answers", list(receipt["kept_answers"])),
    ):
        if labels:
            print_line(format_line(name, lang, rows=", ".join(map(str, labels))))
    skipped_rows = receipt["left_out"]
    if skipped_rows["count"]:
        rows = ", ".join(str(format_row_label(row, receipt["sheet_names"])) for row in skipped_rows["rows"]) + (
            ", …" if skipped_rows["count"] > len(skipped_rows["rows"]) else ""
        )
        print_line(format_line("left_out", lang, count=skipped_rows["count"], rows=rows))
    if receipt["other_sheets"]:
        print_line(format_line("other_sheets", lang, sheet=receipt["sheet"], others=", ".join(receipt["other_sheets"])))
    if receipt["derived_case_numbers"]:
        print_line(format_line("derived", lang, count=receipt["derived_case_numbers"]))
    # The receipt of a strict list that failed in its trial counts errors only; a remote list is asked only for those.
    is_refused = receipt["state"] == "failed" and not receipt["dry_run"] and outcomes.total() > receipt["settled"]
    outcome_counts = outcomes if is_refused else receipt["counts"]
    counts = ", ".join(
        format_line(OUTCOME_MESSAGES.get(key, key.value), lang, count=outcome_counts[key]) for key in ImportOutcome
    )
    message_id = "would_have_become" if is_refused else "would_become" if receipt["dry_run"] else "became"
    print_line(format_line(message_id, lang, told=sum(outcome_counts.values()), count=receipt["rows"], counts=counts))
    if is_refused:
        print_line(format_line("nothing_filed", lang))
    elif receipt["releases"] or receipt["held"]:
        report_counts = {name: format_line(name, lang, count=receipt[name]) for name in ("releases", "held")}
        print_line(format_line("about", lang, **report_counts))
        _print_changes(receipt, lang)
    if receipt["first_revision"] and not receipt["dry_run"]:
        first, last = receipt["first_revision"], receipt["last_revision"]
        print_line(format_line("revisions", lang, first=first, last=last, digest=receipt["digest"]))
    if receipt["dry_run"] and receipt["state"] == "done":
        print_line(format_line("nothing_stored", lang))


def _print_changes(receipt: Receipt, lang: Language) -> None:
    """Print what is withdrawn and added, and how many of the people in custody count as held."""
    for change in ("lost", "gained"):
        if line := format_difference(receipt[change], change, lang):
            print_line(line)
    if receipt["held"]:
        people = format_line("people", lang, count=receipt["held"])
        print_line(format_line("held_counted", lang, count=receipt["held_counted"], people=people))
    if receipt["held_not_counted"]:
        reasons = ", ".join(
            format_line(reason, lang, count=number) for reason, number in receipt["held_not_counted"].items()
        )
        print_line(format_line("held_not_counted", lang, reasons=reasons))
    if receipt["awaiting_review"]:
        print_line(format_line("awaiting_review", lang, count=receipt["awaiting_review"]))


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")

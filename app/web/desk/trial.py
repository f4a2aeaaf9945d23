"""Build the page of a list's trial: the outcomes of rows, what they change, and why a row is not sent (pure)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.imports import faults
from app.imports.fields import STATE
from app.imports.filing.receipts import ENDS, format_difference
from app.imports.mapping import QUESTIONS
from app.imports.reader.doubts import DERIVED_PREFIX
from app.imports.reader.heading_recognition import FACILITY
from app.imports.reader.list_reader import format_row_label
from app.imports.reader.row_states import ENDED_ON, HELD_ON, RELEASED_ON
from app.imports.reader.states import DETAINED_ON
from app.registry.records import ID_CASE_PREFIX
from app.vocabulary import Publish
from app.web.desk.answers import RowIdentity
from app.web.desk.fields import format_refusal, get_code_language
from app.web.desk.list_questions import (
    ListQuestions,
    list_used_sheets,
    split_row_key,
)
from app.web.desk.list_words import build_field_titles, format_status, format_value
from app.web.rendering import Catalogue

Receipt = Mapping[str, Any]
HELD_PARTS = ("house_arrest", "transferred", "disappeared")
OTHER_STATUSES = (*HELD_PARTS, "died", "escaped", "transferred_abroad", "sentence_served", "other", "unknown")
# Outcomes of rows that are filed; other rows are unchanged, or need an answer or a correction.
ACCEPTED_OUTCOMES = ("new", "linked", "updated", "needs_review", "waiting")


@dataclass(frozen=True)
class FieldChange:
    """A field of a report that a row changes, in words. `goes_back`: an earlier version had the new value."""

    title: str
    before: str
    after: str
    goes_back: bool


@dataclass(frozen=True)
class SharedChange:
    """A change that many rows have alike. `rows`: their labels."""

    change: FieldChange
    rows: Sequence[str]


@dataclass(frozen=True)
class RowView:
    """A row with its outcome, the values that could not be parsed, the reasons, and what it changes.

    `facts`: the status, day and place of a new person. `label`: the row as an officer names it; `is_on_list`: false
    for somebody whom the list lacks; `name`, `case`: the name and the case number in it; empty if unknown.
    """

    label: str
    is_on_list: bool
    name: str
    case: str
    outcome: str
    is_waiting: bool
    unread: Sequence[str]
    reasons: Sequence[str]
    changes: Sequence[FieldChange] = ()
    facts: Sequence[str] = ()


@dataclass(frozen=True)
class ChangeList:
    """What rows change of earlier reports: first what a row changes alone, then what many rows change alike."""

    rows: Sequence[tuple[RowView, Sequence[FieldChange]]]
    shared: Sequence[SharedChange]


# Rows from which a change that they have alike is one line.
MIN_SHARED_ROWS = 5


def group_changes(rows: Sequence[RowView]) -> ChangeList:
    """Group the changes of rows, each of which is shown once."""
    labels: dict[FieldChange, list[str]] = {}
    for row in rows:
        for change in row.changes:
            labels.setdefault(change, []).append(row.label)
    changed = [(row, [change for change in row.changes if len(labels[change]) < MIN_SHARED_ROWS]) for row in rows]
    shared = [SharedChange(change, shared_rows) for change, shared_rows in labels.items()]
    return ChangeList(
        [(row, own) for row, own in changed if own], [each for each in shared if len(each.rows) >= MIN_SHARED_ROWS]
    )


@dataclass(frozen=True)
class RowShare:
    """A number of rows with the same kind of outcome. `kind`: their style in the chart."""

    kind: str
    count: int
    label: str


@dataclass(frozen=True)
class OwnCount:
    """A source's verified and reported releases in a country: now, and after the list is sent."""

    country: str
    verified: tuple[int, int]
    reported: tuple[int, int]


def build_own_count(change: Mapping[str, Any], count: Mapping[str, Any], source: str) -> OwnCount:
    """Build the counts from a change in the receipt of a trial, and the country's releases by source."""
    own: Mapping[str, int] = next((group["counts"] for group in count["groups"] if group["by"]["source"] == source), {})
    # What a government only reports counts as `official_only`.
    current = {"verified": own.get("verified", 0), "reported": own.get("reported", 0) + own.get("official_only", 0)}
    verified, reported = ((current[verdict], current[verdict] + change[verdict]) for verdict in current)
    return OwnCount(change["country"], verified, reported)


def count_accepted_rows(receipt: Receipt) -> int:
    return sum(receipt["counts"][outcome] for outcome in ACCEPTED_OUTCOMES)


def build_shares(receipt: Receipt, words: Catalogue) -> list[RowShare]:
    """Return the numbers of rows by outcome, without zeros."""
    counts, accepted = receipt["counts"], count_accepted_rows(receipt)
    unchanged, waiting, omitted = counts["unchanged"], counts["error"], receipt["left_out"]["count"]
    accepted_text = words.ngettext("%(n)s goes in", "%(n)s go in", accepted)
    filed_text = words.ngettext("%(n)s went in", "%(n)s went in", accepted)
    waiting_text = words.ngettext("%(n)s is not sent", "%(n)s are not sent", waiting)
    refused_text = words.ngettext("%(n)s did not go in", "%(n)s did not go in", waiting)
    shares = [
        ("enter", accepted, accepted_text if receipt["dry_run"] else filed_text),
        ("same", unchanged, words.ngettext("%(n)s changes nothing", "%(n)s change nothing", unchanged)),
        ("waits", waiting, waiting_text if receipt["dry_run"] else refused_text),
        ("out", omitted, words.ngettext("%(n)s is left out", "%(n)s are left out", omitted)),
    ]
    return [RowShare(kind, count, text % {"n": words.number(count)}) for kind, count, text in shares if count]


def describe_outcomes(receipt: Receipt, words: Catalogue) -> str:
    """Return the outcomes of the filed rows if there are several: "3 new, 2 linked"."""
    counts = [(outcome, receipt["counts"][outcome]) for outcome in ACCEPTED_OUTCOMES if receipt["counts"][outcome]]
    labels = [_format_outcome(outcome, count, words) % {"n": words.number(count)} for outcome, count in counts]
    return words.listed(labels) if len(counts) > 1 else ""


def _format_outcome(outcome: str, count: int, words: Catalogue) -> str:
    ngettext = words.ngettext
    return {
        "new": ngettext("%(n)s new", "%(n)s new", count),
        "linked": ngettext("%(n)s linked", "%(n)s linked", count),
        "updated": ngettext("%(n)s updated", "%(n)s updated", count),
        "needs_review": ngettext("%(n)s needs review", "%(n)s need review", count),
        "waiting": ngettext("%(n)s waits for its day", "%(n)s wait for their day", count),
    }[outcome]


def format_headline(receipt: Receipt, words: Catalogue) -> str:
    """Return the outcomes of the rows in one sentence."""
    _ = words.gettext
    if receipt["state"] == "failed":
        return _("The list could not be read")
    if receipt["state"] == "questioned":
        return _("Some things have to be settled first")
    missing = receipt["missing"]
    # `rows` includes the reports of people whom the list lacks, and does not include omitted rows.
    number = (receipt["rows"] or 0) - missing + receipt["left_out"]["count"]
    rows = words.ngettext("%(n)s row", "%(n)s rows", number) % {"n": words.number(number)}
    if missing:
        people = words.ngettext("%(n)s person whom the list lacks", "%(n)s people whom the list lacks", missing)
        rows = words.listed([rows, people % {"n": words.number(missing)}])
    labels = [share.label for share in build_shares(receipt, words)]
    return f"{rows}: {words.listed(labels)}" if labels else rows


@dataclass(frozen=True)
class FaultGroup:
    """Rows that are not sent for one reason. `rows`: the first of them, each with its cell."""

    count: int
    column: str
    reason: str
    rows: Sequence[tuple[str, str]]


def build_fault_groups(receipt: Receipt, questions: ListQuestions, words: Catalogue) -> list[FaultGroup]:
    """Return the faults of rows that no question on the page mends."""
    open_places = {question.place for question in questions.open}
    return [
        FaultGroup(
            group["count"],
            group["heading"] or "",
            describe_fault(group, words),
            [(format_row(one["row"], receipt, words), one["value"] or "") for one in group["examples"]],
        )
        for group in receipt["groups"]
        if not _has_open_question(group, open_places, receipt, words)
    ]


def _has_open_question(
    group: Mapping[str, Any], open_places: Collection[str], receipt: Receipt, words: Catalogue
) -> bool:
    if group["code"] == "country_required":
        return "/constants/detention.country" in open_places
    labels = [format_row(one["row"], receipt, words) for one in group["examples"]]
    places = {f"/rows/{name}" for name in [*labels, group["code"]]}
    return not places.isdisjoint(open_places)


def format_row(number: int, receipt: Receipt, words: Catalogue) -> str:
    """Return a row as an officer names it: 14, or Detenidos!14 in a list of several sheets."""
    return format_row_label(number, receipt["sheet_names"]) or words.gettext("not on this list")


def describe_fault(error: Mapping[str, Any], words: Catalogue) -> str:
    """Return why a row is not sent, and what to correct in the list."""
    _ = words.gettext
    own = {
        "ambiguous_date": _("This can be two different days: write the month in letters."),
        "country_required": _("No cell says in which country the person was held."),
        "two_names": _("The name and its parts in other columns differ: correct one of them."),
        "unknown_code": _("This word is not known here: write another, or correct the meaning of the column."),
        "unknown_country": _("This country is not known here: correct how it is written."),
    }
    code = error["code"]
    if code in own:
        return own[code]
    if code in QUESTIONS:
        return faults.format_bare_question(code, get_code_language(words))
    return format_refusal(error, words) if code == "age_needs_day" else str(error["detail"])


def build_row_views(
    rows: Iterable[Mapping[str, Any]], identities: Mapping[int, RowIdentity], words: Catalogue
) -> list[RowView]:
    """Return the rows with what becomes of them and why."""
    titles = build_field_titles(words)
    return [
        RowView(
            row["label"] or words.gettext("not on this list"),
            row["label"] is not None,
            (identities[row["row"]].name if row["row"] in identities else "") or row["name"] or "",
            hide_derived_case(
                row["source_record_id"] or (identities[row["row"]].case if row["row"] in identities else "")
            ),
            row["outcome"],
            row["outcome"] == "error",
            [error["value"] for error in row["errors"] if error.get("value")],
            [
                *(describe_fault(error, words) for error in row["errors"]),
                *(warning["detail"] for warning in row["warnings"]),
            ],
            [_build_field_change(change, titles, words) for change in _list_shown_changes(row)],
            _list_facts(row["changes"], words) if _is_new(row) else (),
        )
        for row in rows
    ]


def _is_new(row: Mapping[str, Any]) -> bool:
    return row["outcome"] in ("new", "linked", "needs_review")


def _list_shown_changes(row: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """Return the changes of a report. Whoever left has no last day in custody any more: that goes without saying."""
    left = any(change["field"] in ENDS and change["after"] for change in row["changes"])
    changes = () if _is_new(row) else row["changes"]
    return [change for change in changes if not (left and change["field"] == HELD_ON and change["after"] is None)]


def _list_facts(changes: Iterable[Mapping[str, Any]], words: Catalogue) -> list[str]:
    """Return the status, the day of it (or else of the arrest) and the place of a new person."""
    values = {change["field"]: change["after"] for change in changes}
    day = next((name for name in (ENDED_ON, RELEASED_ON, DETAINED_ON) if name in values), DETAINED_ON)
    texts = {name: format_value(name, values[name], words) for name in (STATE, day, FACILITY) if name in values}
    if DETAINED_ON in texts:
        texts[DETAINED_ON] = words.gettext("arrested on %(day)s") % {"day": texts[DETAINED_ON]}
    return list(texts.values())


def _build_field_change(change: Mapping[str, Any], titles: Mapping[str, str], words: Catalogue) -> FieldChange:
    name = change["field"]
    return FieldChange(
        titles.get(name, name),
        format_value(name, change["before"], words),
        format_value(name, change["after"], words),
        bool(change.get("goes_back")),
    )


def hide_derived_case(case: str) -> str:
    """Return a case number of the source; empty for a derived one, which the source does not know."""
    return "" if case.startswith((DERIVED_PREFIX, ID_CASE_PREFIX)) else case


def describe_not_held(receipt: Receipt, words: Catalogue) -> list[str]:
    """Return why people in custody do not count as held today, with the number of each reason."""
    lang = get_code_language(words)
    return [faults.format_line(reason, lang, count=count) for reason, count in receipt["held_not_counted"].items()]


def describe_reading(receipt: Receipt, words: Catalogue) -> list[str]:
    """Return what was settled without a question, each in one line: sheets, sums, phone numbers, kept answers."""
    _ = words.gettext
    rows = (receipt["rows"] or 0) - receipt["missing"]
    counted = words.ngettext("%(n)s row", "%(n)s rows", rows) % {"n": words.number(rows)}
    sheets, phones = list_used_sheets(receipt), [c["heading"] for c in receipt["columns"] if c.get("phones")]
    sums = [format_row(number, receipt, words) for number in receipt["sums"]["rows"]]
    kept = list(dict.fromkeys(split_row_key(key)[0] for key in receipt["kept_answers"]))
    lines = [
        (sheets, _("Belongs to the list: %(listed)s.")),
        (receipt["other_sheets"], _("Set aside, without people: %(listed)s.")),
        (sums, _("Sums, left out: %(listed)s.")),
        (phones, _("Phone numbers, never stored: %(listed)s.")),
        (kept, _("As in your last list, with the answer you gave then: %(listed)s.")),
    ]
    texts = [text % {"listed": words.listed(names)} for names, text in lines if names]
    return [f"{counted}. {texts[0]}", *texts[1:]] if sheets else [f"{counted}.", *texts]


def describe_statuses(receipt: Receipt, words: Catalogue) -> list[tuple[str, int]]:
    """Return how many rows say another status than held or released; of those held, which are a part of them."""
    statuses = receipt["statuses"]
    part = words.gettext("of those held: %(status)s")
    return [
        (part % {"status": label} if status in HELD_PARTS else label[:1].upper() + label[1:], statuses[status])
        for status in OTHER_STATUSES
        if statuses.get(status)
        for label in [format_status(status, words)]
    ]


def describe_differences(receipt: Receipt, words: Catalogue) -> list[str]:
    """Return what the list says that the source had not said before, and what it says no more."""
    lang = get_code_language(words)
    lines = [format_difference(receipt[name], name, lang) for name in ("gained", "lost")]
    return list(filter(None, lines)) if receipt["counts"]["updated"] else []


def has_wish(receipt: Receipt, mapping: str) -> bool:
    """Return whether a row, a column, or the answers for all rows contain the wish of the person or the family."""
    if any(count for publish, count in receipt["publish"].items() if publish != Publish.ANONYMOUS):
        return True
    return any("detainee.publish" in column["fields"] for column in receipt["columns"]) or "detainee.publish" in mapping


@dataclass(frozen=True)
class ListWarning:
    """A warning about rows that are sent all the same. `values`: what their cells have; `rows`: the first of them."""

    text: str
    values: Sequence[str]
    rows: Sequence[str]
    count: int


def build_warnings(receipt: Receipt, words: Catalogue) -> list[ListWarning]:
    """Return what was accepted of the rows and may not be what was meant."""
    own = {
        "unregistered_facility": words.gettext("Counts by place leave out prisons that are not registered here yet.")
    }
    return [
        ListWarning(
            own.get(warning["code"], warning["detail"]),
            sorted({one["value"] for one in warning["examples"] if one["value"]}),
            [format_row(one["row"], receipt, words) for one in warning["examples"]],
            warning["count"],
        )
        for warning in receipt["warnings"]
    ]

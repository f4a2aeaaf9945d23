"""Build the page of a list's trial: the outcomes of rows, the questions, and why a row waits (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.imports import faults
from app.imports.doubts import DERIVED_PREFIX
from app.imports.fields import FIELDS
from app.imports.formats.template import get_field_title
from app.imports.mapping import QUESTIONS
from app.imports.mapping import Question as RowQuestion
from app.imports.rows import MAX_SHOWN_CHARACTERS
from app.log.content import AGE as AGE_FIELD
from app.matching.scripts import fold
from app.registry.records import ID_CASE_PREFIX
from app.vocabulary import build_vocabulary
from app.web.desk import answers
from app.web.desk.answers import RowIdentity
from app.web.desk.fields import format_refusal, get_code_language
from app.web.rendering import Catalogue

Receipt = Mapping[str, Any]
# Outcomes of rows that are filed; other rows are unchanged, or need an answer or a correction.
ACCEPTED_OUTCOMES = ("new", "linked", "updated", "needs_review", "waiting")
MAX_WORDS = 20  # unknown words in questions: more of them mean that the column was misread
MAX_SINGLE_ROWS = 3  # a larger group of rows gets one question; the API returns as many examples
# A numeric date in which day and month may be swapped.
_NUMERIC_DATE = re.compile(r"(\d{1,2})\D(\d{1,2})\D(\d{4})")
RADIO, SELECT, CONFIRM, AGE = "radio", "select", "confirm", "age"


@dataclass(frozen=True)
class ListQuestion:
    """A question about a list. `name`: its form field; `options`: value and label of each answer."""

    number: int
    form: str
    name: str
    heading: str
    description: str
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class RowView:
    """A row with its outcome, the values that could not be parsed, and the reasons.

    `name`, `case`: the name and the case number in it; empty if unknown.
    """

    number: int
    name: str
    case: str
    outcome: str
    is_waiting: bool
    unread: Sequence[str]
    reasons: Sequence[str]


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
    own: Mapping[str, int] = next((group for group in count["groups"] if group["source"] == source), {})
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
    waiting_text = words.ngettext("%(n)s waits", "%(n)s wait", waiting)
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
        return _("Before the rows, the list itself is asked about")
    number = (receipt["rows"] or 0) + receipt["left_out"]["count"]  # `rows` does not include omitted ones
    rows = words.ngettext("%(n)s row", "%(n)s rows", number) % {"n": words.number(number)}
    labels = [share.label for share in build_shares(receipt, words)]
    return f"{rows}: {words.listed(labels)}" if labels else rows


def build_questions(receipt: Receipt, rows: Sequence[Mapping[str, Any]], words: Catalogue) -> list[ListQuestion]:
    """Build the API's questions about a list with their answers: the whole list first, then rows, then words."""
    withdrawn = {row["row"]: day for row in rows for error in row["errors"] if (day := error.get("withdrawn_on"))}
    age_columns = [column["column"] for column in receipt["columns"] if AGE_FIELD in column["fields"]]
    builder = _QuestionBuilder(words, withdrawn, age_columns)
    for question in receipt["questions"]:
        builder.add_list_question(question)
    for group in receipt["groups"]:
        builder.add_group_question(group)
    builder.add_word_questions(rows)
    return builder.questions


class _QuestionBuilder:
    def __init__(self, words: Catalogue, withdrawn_on: Mapping[int, str], age_columns: Sequence[str]) -> None:
        """`withdrawn_on`: the days on which reports were withdrawn, by row."""
        self.questions: list[ListQuestion] = []
        self._age_columns = age_columns
        self._withdrawn_on = withdrawn_on
        self._words = words
        self._lang = get_code_language(words)

    def _add(
        self, form: str, name: str, heading: str, description: str, options: Sequence[tuple[str, str]] = ()
    ) -> None:
        self.questions.append(ListQuestion(len(self.questions) + 1, form, name, heading, description, options))

    def add_list_question(self, question: Mapping[str, Any]) -> None:
        _ = self._words.gettext
        if question["code"] == "age_needs_day":
            self._add(
                AGE,
                answers.AGE_ON,
                _("On which day were the people as old as the list says?"),
                _(
                    "Read as of another day, an age makes a child of an adult, and two people of one. "
                    "It counts for the whole list."
                ),
                [
                    ("detained_on", _("on the day of the arrest")),
                    ("released_on", _("on the day of the release")),
                    ("filed", _("today")),
                    (answers.ON_DAY_ANSWER, _("on this day:")),
                    *((answers.build_without_answer(letter), _("leave the ages out")) for letter in self._age_columns),
                ],
            )
        elif question["answer"] == "confirm":
            self._add(CONFIRM, answers.CONFIRM, _("Is the list right as it is?"), question["detail"])
        else:
            instruction = _("Say it below, under “How the columns are read”.")
            self._add("", "", _("What is in this column?"), f"{question['detail']} {instruction}")

    def add_group_question(self, group: Mapping[str, Any]) -> None:
        if group["question"] and group["code"] in QUESTIONS:
            self._add_row_questions(group)
        elif group["code"] == "ambiguous_date" and not self._has_question(answers.DATES):
            self._add_date_question(group)
        elif group["code"] == "country_required" and not self._has_question(f"{answers.CONSTANT}:detention.country"):
            _ = self._words.gettext
            self._add(
                SELECT,
                f"{answers.CONSTANT}:detention.country",
                _("In which country are or were these people held?"),
                self._describe_rows(group),
                self._words.countries,
            )

    def _has_question(self, name: str) -> bool:
        return any(question.name == name for question in self.questions)

    def _add_date_question(self, group: Mapping[str, Any]) -> None:
        _ = self._words.gettext
        word = next((one["value"] for one in group["examples"] if one["value"]), "")
        match = _NUMERIC_DATE.search(word or "")
        first, second = _("the day"), _("the month")
        if match is not None:
            one, other, year = map(int, match.groups())
            if 1 <= one <= 12 and 1 <= other <= 12:
                first += f": {self._words.long_day(date(year, other, one).isoformat())}"
                second += f": {self._words.long_day(date(year, one, other).isoformat())}"
        scope_note = _("It counts for the whole list.")
        self._add(
            RADIO,
            answers.DATES,
            _("What comes first in “%(word)s”?") % {"word": word},
            f"{self._describe_rows(group)} {scope_note}",
            [("day_first", first), ("month_first", second)],
        )

    def _add_row_questions(self, group: Mapping[str, Any]) -> None:
        _ = self._words.gettext
        heading = faults.format_bare_question(group["code"], self._lang)
        options = [("leave_out", _("leave it out")), ("read", _("it is one person"))]
        group_options = [("leave_out", _("leave all of them out")), ("read", _("each is one person"))]
        if group["code"] == RowQuestion.WITHDRAWN:
            options = [("leave_out", _("no, it stays withdrawn")), ("stands_again", _("yes, it stands again"))]
            group_options = [("leave_out", _("no, they stay withdrawn")), ("stands_again", _("yes, they stand again"))]
        if group["count"] <= MAX_SINGLE_ROWS:
            for example in group["examples"]:
                description = self._describe_row(example["row"], group)
                if day := self._withdrawn_on.get(example["row"]):
                    description += " " + _("You withdrew it on %(day)s.") % {"day": self._words.long_day(day)}
                self._add(RADIO, f"{answers.ROW}:{example['row']}", heading, description, options)
            return
        self._add(RADIO, f"{answers.ROWS}:{group['code']}", heading, self._describe_rows(group), group_options)

    def add_word_questions(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Ask for the meaning of each word that no code list contains, once for all rows and spellings."""
        _ = self._words.gettext
        unknown_words: dict[str, tuple[str, str, int]] = {}
        for row in rows:
            for error in row["errors"]:
                field, word = error["pointer"].strip("/").replace("/", "."), error.get("value")
                definition = FIELDS.get(field)
                if error["code"] not in ("unknown_code", "unknown_country") or definition is None or not word:
                    continue
                # The API shortens longer words, which an answer could not match.
                if len(word) < MAX_SHOWN_CHARACTERS and len(unknown_words) < MAX_WORDS:
                    unknown_words.setdefault(_build_answer_name(field, word), (field, word, row["row"]))
        for name, (field, word, number) in unknown_words.items():
            place = _("Row %(row)s, %(column)s. It is remembered for your next lists.")
            self._add(
                SELECT,
                name,
                _("What does “%(word)s” mean?") % {"word": word},
                place % {"row": self._words.number(number), "column": get_field_title(field, self._lang)},
                self._list_code_options(field),
            )

    def _list_code_options(self, field: str) -> list[tuple[str, str]]:
        codes = FIELDS[field].codes
        if codes is None:
            return self._words.countries
        return [(item["code"], item["label"]) for item in build_vocabulary(self._lang)[codes]]

    def _describe_row(self, number: int, group: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        if group["heading"]:
            text = _("Row %(row)s, column %(column)s.")
            return text % {"row": self._words.number(number), "column": group["heading"]}
        return _("Row %(row)s.") % {"row": self._words.number(number)}

    def _describe_rows(self, group: Mapping[str, Any]) -> str:
        if group["count"] == 1:
            return self._describe_row(group["examples"][0]["row"], group)
        text = self._words.ngettext(
            "%(n)s row, the first is row %(row)s.", "%(n)s rows, the first is row %(row)s.", group["count"]
        )
        return text % {"n": self._words.number(group["count"]), "row": self._words.number(group["examples"][0]["row"])}


def build_row_views(
    rows: Iterable[Mapping[str, Any]],
    questions: Sequence[ListQuestion],
    row_identities: Mapping[int, RowIdentity],
    words: Catalogue,
) -> list[RowView]:
    """Return the rows, with references to the questions that they wait for."""
    by_name = {question.name: question.number for question in questions}
    return [
        RowView(
            row["row"],
            row_identities[row["row"]].name if row["row"] in row_identities else "",
            _hide_derived_case(
                row["source_record_id"] or (row_identities[row["row"]].case if row["row"] in row_identities else "")
            ),
            row["outcome"],
            row["outcome"] == "error",
            [error["value"] for error in row["errors"] if error.get("value")],
            [
                *(_describe_reason(row["row"], error, by_name, words) for error in row["errors"]),
                *(warning["detail"] for warning in row["warnings"]),
            ],
        )
        for row in rows
    ]


def _hide_derived_case(case: str) -> str:
    """Return a case number of the source; empty for a derived one, which the source does not know."""
    return "" if case.startswith((DERIVED_PREFIX, ID_CASE_PREFIX)) else case


def _describe_reason(row: int, error: Mapping[str, Any], by_name: Mapping[str, int], words: Catalogue) -> str:
    _ = words.gettext
    field = error["pointer"].strip("/").replace("/", ".")
    answer_names = (
        f"{answers.ROW}:{row}",
        f"{answers.ROWS}:{error['code']}",
        _build_answer_name(field, error.get("value") or ""),
        answers.DATES if error["code"] == "ambiguous_date" else "",
        f"{answers.CONSTANT}:detention.country" if error["code"] == "country_required" else "",
    )
    number = next((by_name[name] for name in answer_names if name in by_name), None)
    if number is not None:
        return _("Question %(number)s") % {"number": number}
    if error["code"] in QUESTIONS:
        return faults.format_bare_question(error["code"], get_code_language(words))
    return format_refusal(error, words) if error["code"] == "age_needs_day" else error["detail"]


def _build_answer_name(field: str, word: str) -> str:
    """Return the form field for the meaning of a word in a column. The word is folded, as mappings do."""
    return f"{answers.VALUE}:{field}:{fold(word)}"


def has_wish(receipt: Receipt, mapping: str) -> bool:
    """Return whether a column, or the mapping for all rows, contains the wish of the person or the family."""
    return any("detainee.publish" in column["fields"] for column in receipt["columns"]) or "detainee.publish" in mapping

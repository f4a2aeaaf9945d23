"""What the trial of a list shows: how its rows fare, what it asks, and why a row waits (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.imports import faults
from app.imports.doubts import DERIVED
from app.imports.fields import FIELDS
from app.imports.formats.template import title
from app.imports.mapping import QUESTIONS
from app.imports.mapping import Question as RowQuestion
from app.imports.rows import MOST_SHOWN
from app.log.content import AGE as AGE_FIELD
from app.matching.scripts import fold
from app.registry.records import BY_ID
from app.vocabulary import label, vocabulary
from app.web.desk import answers
from app.web.desk.answers import Told
from app.web.desk.fields import language_of, said
from app.web.rendering import Catalogue

Receipt = Mapping[str, Any]
# Outcomes of rows that go in; the others are unchanged, or wait for an answer or a correction.
GO_IN = ("new", "linked", "updated", "needs_review", "waiting")
MOST_WORDS = 20  # asked about at once: more is another column than it is read as
ALONE = 3  # rows of one kind up to which each is asked about by itself: the API shows so many
# A day in numbers of which it is open what comes first.
_NUMBERS = re.compile(r"(\d{1,2})\D(\d{1,2})\D(\d{4})")
RADIO, SELECT, CONFIRM, AGE = "radio", "select", "confirm", "age"


@dataclass(frozen=True)
class Question:
    """A question with its answers, each a value and what it is called. `name`: of the field that answers it."""

    number: int
    form: str
    name: str
    heading: str
    about: str
    options: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class RowView:
    """A row: what becomes of it, what could not be read, and why. `name`, `case`: whom it names and its case number,
    where that is known."""

    number: int
    name: str
    case: str
    outcome: str
    waits: bool
    unread: Sequence[str]
    reasons: Sequence[str]


@dataclass(frozen=True)
class Share:
    """So many rows that fare alike. `kind`: how they are drawn."""

    kind: str
    count: int
    label: str


@dataclass(frozen=True)
class OwnCount:
    """The releases in a country that a source verifies, and only reports: now, and once the list is sent."""

    country: str
    verified: tuple[int, int]
    reported: tuple[int, int]


def own_count(change: Mapping[str, Any], count: Mapping[str, Any], source: str) -> OwnCount:
    """`change`: of the receipt of a trial; `count`: the releases of its country, by source."""
    own: Mapping[str, int] = next((group for group in count["groups"] if group["source"] == source), {})
    now = {verdict: own.get(verdict, 0) for verdict in ("verified", "reported")}
    verified, reported = ((now[verdict], now[verdict] + change[verdict]) for verdict in now)
    return OwnCount(change["country"], verified, reported)


def going_in(receipt: Receipt) -> int:
    return sum(receipt["counts"][outcome] for outcome in GO_IN)


def shares_of(receipt: Receipt, words: Catalogue) -> list[Share]:
    """How the rows fare, or fared, without what none of them does."""
    counts, enter = receipt["counts"], going_in(receipt)
    same, waits, out = counts["unchanged"], counts["error"], receipt["left_out"]["count"]
    go_in = words.ngettext("%(n)s goes in", "%(n)s go in", enter)
    went_in = words.ngettext("%(n)s went in", "%(n)s went in", enter)
    wait = words.ngettext("%(n)s waits", "%(n)s wait", waits)
    stayed_out = words.ngettext("%(n)s did not go in", "%(n)s did not go in", waits)
    told = [
        ("enter", enter, go_in if receipt["dry_run"] else went_in),
        ("same", same, words.ngettext("%(n)s changes nothing", "%(n)s change nothing", same)),
        ("waits", waits, wait if receipt["dry_run"] else stayed_out),
        ("out", out, words.ngettext("%(n)s is left out", "%(n)s are left out", out)),
    ]
    return [Share(kind, count, text % {"n": words.number(count)}) for kind, count, text in told if count]


def kinds_of(receipt: Receipt, words: Catalogue) -> str:
    """What becomes of the rows that go in, where it is not the same of all: "3 new, 2 linked"."""
    lang = language_of(words)
    told = [(outcome, receipt["counts"][outcome]) for outcome in GO_IN if receipt["counts"][outcome]]
    named = [f"{words.number(count)} {label('import_outcomes', outcome, lang).lower()}" for outcome, count in told]
    return words.listed(named) if len(told) > 1 else ""


def headline(receipt: Receipt, words: Catalogue) -> str:
    """How the rows fare, in one sentence."""
    _ = words.gettext
    if receipt["state"] == "failed":
        return _("The list could not be read")
    if receipt["state"] == "questioned":
        return _("Before the rows, the list itself is asked about")
    number = (receipt["rows"] or 0) + receipt["left_out"]["count"]  # which are no rows of people
    rows = words.ngettext("%(n)s row", "%(n)s rows", number) % {"n": words.number(number)}
    told = [share.label for share in shares_of(receipt, words)]
    return f"{rows}: {words.listed(told)}" if told else rows


def questions_of(receipt: Receipt, rows: Sequence[Mapping[str, Any]], words: Catalogue) -> list[Question]:
    """What the API asks about a list, with the answers that it takes: first about the whole, then about columns, words
    and rows."""
    withdrawn = {row["row"]: day for row in rows for error in row["errors"] if (day := error.get("withdrawn_on"))}
    of_ages = [column["column"] for column in receipt["columns"] if AGE_FIELD in column["fields"]]
    asked = _Asked(words, withdrawn, of_ages)
    for question in receipt["questions"]:
        asked.about_list(question)
    for group in receipt["groups"]:
        asked.about_group(group)
    asked.about_words(rows)
    return asked.questions


class _Asked:
    def __init__(self, words: Catalogue, withdrawn_on: Mapping[int, str], columns_of_ages: Sequence[str]) -> None:
        """`withdrawn_on`: row → the day on which its report was withdrawn."""
        self.questions: list[Question] = []
        self._columns_of_ages = columns_of_ages
        self._withdrawn_on = withdrawn_on
        self._words = words
        self._lang = language_of(words)

    def _ask(self, form: str, name: str, heading: str, about: str, options: Sequence[tuple[str, str]] = ()) -> None:
        self.questions.append(Question(len(self.questions) + 1, form, name, heading, about, options))

    def about_list(self, question: Mapping[str, Any]) -> None:
        _ = self._words.gettext
        if question["code"] == "age_needs_day":
            self._ask(
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
                    (answers.ON_A_DAY, _("on this day:")),
                    *((answers.without(letter), _("leave the ages out")) for letter in self._columns_of_ages),
                ],
            )
        elif question["answer"] == "confirm":
            self._ask(CONFIRM, answers.CONFIRM, _("Is the list right as it is?"), question["detail"])
        else:
            where = _("Say it below, under “How the columns are read”.")
            self._ask("", "", _("What is in this column?"), f"{question['detail']} {where}")

    def about_group(self, group: Mapping[str, Any]) -> None:
        if group["question"] and group["code"] in QUESTIONS:
            self._about_rows(group)
        elif group["code"] == "ambiguous_date" and not self._has(answers.DATES):
            self._about_dates(group)
        elif group["code"] == "country_required" and not self._has(f"{answers.CONSTANT}:detention.country"):
            _ = self._words.gettext
            self._ask(
                SELECT,
                f"{answers.CONSTANT}:detention.country",
                _("In which country are or were these people held?"),
                self._rows_of(group),
                self._words.countries,
            )

    def _has(self, name: str) -> bool:
        return any(question.name == name for question in self.questions)

    def _about_dates(self, group: Mapping[str, Any]) -> None:
        _ = self._words.gettext
        word = next((one["value"] for one in group["examples"] if one["value"]), "")
        found = _NUMBERS.search(word or "")
        first, second = _("the day"), _("the month")
        if found is not None:
            one, other, year = map(int, found.groups())
            if 1 <= one <= 12 and 1 <= other <= 12:
                first += f": {self._words.long_day(date(year, other, one).isoformat())}"
                second += f": {self._words.long_day(date(year, one, other).isoformat())}"
        of_all = _("It counts for the whole list.")
        self._ask(
            RADIO,
            answers.DATES,
            _("What comes first in “%(word)s”?") % {"word": word},
            f"{self._rows_of(group)} {of_all}",
            [("day_first", first), ("month_first", second)],
        )

    def _about_rows(self, group: Mapping[str, Any]) -> None:
        _ = self._words.gettext
        heading = faults.bare_question(group["code"], self._lang)
        options = [("leave_out", _("leave it out")), ("read", _("it is one person"))]
        all_of_them = [("leave_out", _("leave all of them out")), ("read", _("each is one person"))]
        if group["code"] == RowQuestion.WITHDRAWN:
            options = [("leave_out", _("no, it stays withdrawn")), ("stands_again", _("yes, it stands again"))]
            all_of_them = [("leave_out", _("no, they stay withdrawn")), ("stands_again", _("yes, they stand again"))]
        if group["count"] <= ALONE:
            for example in group["examples"]:
                about = self._row(example["row"], group)
                if day := self._withdrawn_on.get(example["row"]):
                    about += " " + _("You withdrew it on %(day)s.") % {"day": self._words.long_day(day)}
                self._ask(RADIO, f"{answers.ROW}:{example['row']}", heading, about, options)
            return
        self._ask(RADIO, f"{answers.ROWS}:{group['code']}", heading, self._rows_of(group), all_of_them)

    def about_words(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Ask what each word means that no list of codes knows, once for all rows and all ways to write it."""
        _ = self._words.gettext
        asked: dict[str, tuple[str, str, int]] = {}
        for row in rows:
            for error in row["errors"]:
                field, word = error["pointer"].strip("/").replace("/", "."), error.get("value")
                known = FIELDS.get(field)
                if error["code"] not in ("unknown_code", "unknown_country") or known is None or not word:
                    continue
                if len(word) < MOST_SHOWN and len(asked) < MOST_WORDS:  # a longer one is told only by its beginning
                    asked.setdefault(_answer_about(field, word), (field, word, row["row"]))
        for name, (field, word, number) in asked.items():
            place = _("Row %(row)s, %(column)s. It is remembered for your next lists.")
            self._ask(
                SELECT,
                name,
                _("What does “%(word)s” mean?") % {"word": word},
                place % {"row": self._words.number(number), "column": title(field, self._lang)},
                self._codes(field),
            )

    def _codes(self, field: str) -> list[tuple[str, str]]:
        codes = FIELDS[field].codes
        if codes is None:
            return self._words.countries
        return [(one["code"], one["label"]) for one in vocabulary(self._lang)[codes]]

    def _row(self, number: int, group: Mapping[str, Any]) -> str:
        _ = self._words.gettext
        if group["heading"]:
            told = _("Row %(row)s, column %(column)s.")
            return told % {"row": self._words.number(number), "column": group["heading"]}
        return _("Row %(row)s.") % {"row": self._words.number(number)}

    def _rows_of(self, group: Mapping[str, Any]) -> str:
        if group["count"] == 1:
            return self._row(group["examples"][0]["row"], group)
        many = self._words.ngettext(
            "%(n)s row, the first is row %(row)s.", "%(n)s rows, the first is row %(row)s.", group["count"]
        )
        return many % {"n": self._words.number(group["count"]), "row": self._words.number(group["examples"][0]["row"])}


def rows_of(
    rows: Iterable[Mapping[str, Any]], questions: Sequence[Question], told: Mapping[int, Told], words: Catalogue
) -> list[RowView]:
    """Each row, and by which question it waits. `told`: what the list at hand says of each."""
    by_name = {question.name: question.number for question in questions}
    return [
        RowView(
            row["row"],
            told[row["row"]].name if row["row"] in told else "",
            _own_case(row["source_record_id"] or (told[row["row"]].case if row["row"] in told else "")),
            row["outcome"],
            row["outcome"] == "error",
            [error["value"] for error in row["errors"] if error.get("value")],
            [
                *(_reason(row["row"], error, by_name, words) for error in row["errors"]),
                *(warning["detail"] for warning in row["warnings"]),
            ],
        )
        for row in rows
    ]


def _own_case(case: str) -> str:
    """A case number that the source gave: it knows nothing of those that are derived."""
    return "" if case.startswith((DERIVED, BY_ID)) else case


def _reason(row: int, error: Mapping[str, Any], by_name: Mapping[str, int], words: Catalogue) -> str:
    _ = words.gettext
    field = error["pointer"].strip("/").replace("/", ".")
    answered_by = (
        f"{answers.ROW}:{row}",
        f"{answers.ROWS}:{error['code']}",
        _answer_about(field, error.get("value") or ""),
        answers.DATES if error["code"] == "ambiguous_date" else "",
        f"{answers.CONSTANT}:detention.country" if error["code"] == "country_required" else "",
    )
    number = next((by_name[name] for name in answered_by if name in by_name), None)
    if number is not None:
        return _("Question %(number)s") % {"number": number}
    if error["code"] in QUESTIONS:
        return faults.bare_question(error["code"], language_of(words))
    return said(error, words) if error["code"] == "age_needs_day" else error["detail"]


def _answer_about(field: str, word: str) -> str:
    """The name of the answer to what a word of a column means, however the word is written: as a mapping reads it."""
    return f"{answers.VALUE}:{field}:{fold(word)}"


def says_a_wish(receipt: Receipt, mapping: str) -> bool:
    """Whether any column, or the mapping for all rows, says what the person or the family wants."""
    return any("detainee.publish" in column["fields"] for column in receipt["columns"]) or "detainee.publish" in mapping

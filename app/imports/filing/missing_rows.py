"""Find the reports that a whole list does not have, and file what the source answers about them as further rows.

A person may be missing from a list because they were released, died or were moved, or by a mistake in either list. So
nothing changes until the source says what became of them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from heapq import nsmallest
from typing import Any

from rapidfuzz import fuzz, process
from sqlmodel import Session

from app.dates import parse_date
from app.imports.faults import BadFile, format_day, format_line
from app.imports.filing.own_reports import OwnReport, iterate_own_reports
from app.imports.reader.list_reader import FIRST_MISSING_ROW
from app.imports.reader.rows import Row
from app.log.content import DENIES, Content, restore_sent_content, unflatten_content
from app.matching.scripts import fold
from app.projection.statements import ASSERTIONS, DENIALS
from app.registry import records
from app.registry.reports import UNSENT_FIELDS
from app.schemas.imports import ImportMissingReport
from app.vocabulary import EndedHow, Language, Stage, Verdict

MAX_MISSING = 500  # reports that are asked about: with more missing, the list is hardly the whole
HELD, RELEASED, DIED, DENIED = "held", "released", "died", "denied"
Body = dict[str, Any]


class MissingAnswer(StrEnum):
    """What became of a person who is missing from a whole list.

    `released` and `died` may give the day, `transferred` the place, after a colon: `released:2026-01-14`."""

    KEEP = "keep"
    HELD = "held"
    RELEASED = "released"
    DIED = "died"
    TRANSFERRED = "transferred"
    MISTAKE = "mistake"
    UNKNOWN = "unknown"


# "row:14": the person is on that row of the list, under a corrected name.
ROW_ANSWER = "row"
MIN_SIMILARITY = 75  # of two names, in percent, from which they may be of one person
MAX_SIMILAR_ROWS = 3
UNCHANGED_ANSWERS = frozenset({MissingAnswer.KEEP, MissingAnswer.UNKNOWN})


@dataclass(frozen=True, slots=True)
class MissingReports:
    """The number of missing reports, and the first MAX_MISSING of them: the held first, then by name."""

    total: int
    reports: list[ImportMissingReport]


def find_missing_reports(
    session: Session, source: int, case_numbers: Collection[str], *, is_whole: bool = True
) -> MissingReports:
    """Return the standing reports that lists of the source filed and that are on no row of a whole list.

    `case_numbers`: of all rows, also of rows in error. Of additions only (`is_whole` false), nothing is missing."""
    if not is_whole:
        return MissingReports(0, [])
    counter = _Counter()
    missing = counter.count(_iterate_missing(session, source, frozenset(case_numbers)))
    reports = nsmallest(MAX_MISSING, missing, key=_build_key)
    return MissingReports(counter.total, reports)


class _Counter:
    """Counts what passes."""

    def __init__(self) -> None:
        self.total = 0

    def count(self, reports: Iterator[ImportMissingReport]) -> Iterator[ImportMissingReport]:
        for report in reports:
            self.total += 1
            yield report


def _iterate_missing(session: Session, source: int, case_numbers: Collection[str]) -> Iterator[ImportMissingReport]:
    for report in iterate_own_reports(session, source):
        names = {report.case, records.format_id_case(report.record)}
        if report.is_from_list and names.isdisjoint(case_numbers):
            yield _build_missing_report(report)


def _build_missing_report(report: OwnReport) -> ImportMissingReport:
    return {
        "report_id": report.record,
        "source_record_id": report.case,
        "name": report.content.get("detainee.full_name"),
        "state": find_state(report.content),
        "last_reported": report.last_reported,
    }


def _build_key(report: ImportMissingReport) -> tuple[bool, str, str]:
    return report["state"] != HELD, report["name"] or "", report["source_record_id"]


def find_state(report: Content) -> str:
    """Return what a report says became of the person: `held`, `released`, `denied`, or how the detention ended."""
    verdict, ended = report["verification.verdict"], report.get("detention.ended") or {}
    if "detainee.died_on" in report or ended.get("how") == EndedHow.DIED:
        return DIED
    if ended.get("how"):
        return str(ended["how"])
    stage = report.get("release.stage")
    if verdict in DENIALS:
        return DENIED if stage is None else HELD  # who denies a release says that the person is held
    return RELEASED if stage == Stage.CARRIED_OUT else HELD


def find_row_answers(answers: Mapping[str, str]) -> dict[str, str]:
    """Return label of a row → case number, for the people who are on a row under a corrected name."""
    pairs = ((answer.partition(":"), case) for case, answer in answers.items())
    return {label.strip(): case for (name, _colon, label), case in pairs if name == ROW_ANSWER}


def find_similar_rows(name: str | None, names: Mapping[str, str]) -> list[str]:
    """Return the labels of rows with a name like this one, the most similar first. `names`: label → name."""
    if not name:
        return []
    folded = {label: fold(text) for label, text in names.items()}
    found = process.extract(
        fold(name), folded, scorer=fuzz.token_sort_ratio, score_cutoff=MIN_SIMILARITY, limit=MAX_SIMILAR_ROWS
    )
    return [label for _text, _score, label in found]


def build_missing_bodies(
    session: Session,
    secret: bytes,
    source: int,
    answers: Mapping[str, str],
    list_date: str | None,
    verification: Mapping[str, Any] | None = None,
    lang: Language = "es",
) -> list[Body]:
    """Return the bodies that file the answers about missing reports, in the order of the answers.

    `answers`: case number → MissingAnswer. `list_date`: the day for which the list is true. `verification`: the
    section that the list gives all its rows; without it, an answer that is news is only reported. Raises BadFile for
    an unknown answer, and for a case number without a report."""
    parsed_answers = {case: parse_answer(answer) for case, answer in answers.items()}
    changed_cases = {case: parsed for case, parsed in parsed_answers.items() if parsed[0] not in UNCHANGED_ANSWERS}
    digests = {case: records.digest_case(secret, source, case) for case in changed_cases}
    by_digest = records.find_filed_cases(session, digests.values())
    by_id = records.find_cases_by_id(session, source, changed_cases)
    bodies = []
    for case, (answer, detail) in changed_cases.items():
        filed_case = by_digest.get(digests[case]) or by_id.get(case)
        if filed_case is None:
            raise BadFile.from_sentence("missing_case", code="unknown_answer", case=case)
        body = _restore_body(filed_case.full_content) | {"source_record_id": case}
        bodies.append(build_missing_body(body, answer, detail, list_date, verification, lang))
    return bodies


def parse_answer(text: str) -> tuple[MissingAnswer, str | None]:
    """Return an answer, and its day or place if it gives one. Raises BadFile."""
    name, _colon, detail = text.partition(":")
    try:
        answer = MissingAnswer(name.strip())
    except ValueError:
        raise BadFile.from_sentence("unknown_answer", answers=", ".join(MissingAnswer)) from None
    return answer, detail.strip() or None


def build_missing_rows(bodies: Sequence[Body]) -> list[Row]:
    """Return the bodies as rows that no sheet has."""
    return [Row(number, body, []) for number, body in enumerate(bodies, FIRST_MISSING_ROW)]


def _restore_body(report: Content) -> Body:
    """Return the body that would file the current version of a report again."""
    sent = restore_sent_content(report)
    return unflatten_content({name: value for name, value in sent.items() if name not in UNSENT_FIELDS})


def build_missing_body(
    body: Body,
    answer: MissingAnswer,
    detail: str | None,
    list_date: str | None,
    verification: Mapping[str, Any] | None = None,
    lang: Language = "es",
) -> Body:
    """Return the body of a report, corrected by the answer about it. `body`: of the current version."""
    body = {**body, "detainee": {**body.get("detainee", {})}, "detention": {**body.get("detention", {})}}
    current = body.get("verification") or {}
    if answer is MissingAnswer.MISTAKE:
        return body | {"verification": _drop(current, DENIES) | {"verdict": Verdict.RETRACTED.value}}
    if answer is MissingAnswer.HELD:
        return _say_held(body, list_date) | ({"verification": dict(verification)} if verification else {})
    if answer is MissingAnswer.TRANSFERRED:
        return _say_transferred(body, detail, list_date, lang)
    is_denial = current.get("verdict") in DENIALS
    release = {} if is_denial else body.get("release") or {}
    if answer is MissingAnswer.RELEASED:
        release = {**release, "stage": Stage.CARRIED_OUT.value} | ({"released_on": detail} if detail else {})
        return body | {"release": release, "verification": _verify_news(current, verification)}
    if verification or not release or is_denial:
        body = {**body, "verification": _verify_news(current, verification)}
    ended = {"how": EndedHow.DIED.value} | ({"on": detail} if detail else {})
    return body | {
        "detainee": body["detainee"] | ({"died_on": detail} if detail else {}),
        "detention": body["detention"] | {"ended": ended},
    }


def _verify_news(current: Mapping[str, Any], verification: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the verification of an end that is news: what was verified before is the detention."""
    if verification:
        return dict(verification)
    return _drop(current, DENIES, "verification.verified_on") | {"verdict": Verdict.REPORTED.value}


def _say_held(body: Body, list_date: str | None) -> Body:
    """Say that the person is still held: without an asserted release or another end, and seen on the list's day."""
    detainee, detention = _drop(body["detainee"], "detainee.died_on"), _drop(body["detention"], "detention.ended")
    if list_date is not None and _is_later(list_date, detention.get("held_on")):
        detention["held_on"] = list_date
    verdict = (body.get("verification") or {}).get("verdict", Verdict.REPORTED)
    kept = {name: section for name, section in body.items() if name != "release" or verdict not in ASSERTIONS}
    return kept | {"detainee": detainee, "detention": detention}


def _is_later(day: str, known_day: str | None) -> bool:
    return known_day is None or parse_date(day).hi > parse_date(known_day).hi


def _say_transferred(body: Body, place: str | None, list_date: str | None, lang: Language) -> Body:
    if place is not None:
        transfers = [*body["detention"].get("transfers", ()), {"facility": place}]
        return body | {"detention": body["detention"] | {"transfers": transfers}}
    note = _format_transferred_note(list_date, lang)
    notes = [text for text in (body.get("note"), note) if text]
    return body if body.get("note") and note in body["note"] else body | {"note": "\n".join(notes)}


def _format_transferred_note(list_date: str | None, lang: Language) -> str:
    if list_date is None:
        return format_line("transferred_without_day", lang)
    try:
        day = format_day(date.fromisoformat(list_date), lang)
    except ValueError:
        day = list_date  # a month or a year
    return format_line("transferred_note", lang, day=day)


def _drop(section: Mapping[str, Any], *paths: str) -> dict[str, Any]:
    """Return a section without the fields of these `section.field` names."""
    dropped = {path.rpartition(".")[2] for path in paths}
    return {name: value for name, value in section.items() if name not in dropped}

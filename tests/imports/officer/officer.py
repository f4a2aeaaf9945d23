"""Send a list as an officer does: answer what is asked, from the choices, until the trial is clear, then file it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.imports.answers import build_answers, merge_answers
from app.imports.fields import FIELDS
from app.matching.scripts import fold
from app.vocabulary import Role
from tests.support import Body, World

MAX_ROUNDS = 3
UNREAD = ""
IN_SPANISH = {"Accept-Language": "es"}
# A subject is a heading, a word, a row, the name of a sheet or of a person. Case, accents and points do not matter.
Answers = Mapping[str, str | Mapping[str, str]]


class NoAnswer(AssertionError):
    """A question to which the author of the list has no answer, or none of the choices is true."""


@dataclass
class Officer:
    """The author of a list, who knows the truth. `answers`: code of a question → answer, or subject → answer."""

    list_date: str
    whole: str = "false"
    checked: str = "family"
    answers: Answers = field(default_factory=dict)

    def answer(self, question: Body) -> str:
        """Return the true answer. Raises NoAnswer."""
        known = {"list_date": self.list_date, "whole_list": self.whole, "list_checked": self.checked, **self.answers}
        if question["code"] == "list_country" and "list_country" not in self.answers:
            return str(question["guess"])  # that of the office
        told = known.get(question["code"])
        answer = told if told is None or isinstance(told, str) else _find_answer(told, question)
        if answer is None:
            raise NoAnswer(f"nobody answers {question['code']}: {question['detail']} {question['value']!r}")
        if not _is_allowed(answer, question):
            raise NoAnswer(f"{answer!r} is no choice of {question['code']}: {question['detail']}")
        return answer


def _find_answer(told: Mapping[str, str], question: Body) -> str | None:
    """Return the answer for what the question is about; of several the one of the longest subject."""
    last_part = question["place"].rpartition("/")[2]
    exact = {fold(text) for text in (last_part, question["heading"], question["value"], *question["rows"]) if text}
    detail = f" {fold(question['detail'])} "
    found = [subject for subject in told if fold(subject) in exact or f" {fold(subject)} " in detail]
    return told[max(found, key=len)] if found else None


def _is_allowed(answer: str, question: Body) -> bool:
    """Whether the desk offers an answer."""
    match question["kind"]:
        case "choice":
            offered = {choice["value"] for choice in question["choices"]}
            # A day or a place may follow what became of a missing person.
            return answer in offered or (question["code"] == "missing_person" and answer.partition(":")[0] in offered)
        case "meaning":
            return answer == UNREAD or answer in FIELDS
        case "number":
            return answer.isdecimal()
        case "date":
            return date.fromisoformat(answer).isoformat() == answer
        case "country":
            return len(answer) == 2 and answer.isupper()
        case kind:
            return bool(kind == "text")


@dataclass
class FiledList:
    """A list that was filed: its receipt and that of the last trial, the rounds of answers, each question with its
    answer, and the answers as a mapping."""

    receipt: Body
    trial: Body
    rounds: int
    asked: list[tuple[Body, str]]
    mapping: str

    def list_lost_columns(self) -> list[str]:
        """Return the filled columns that were neither read, asked about, nor seen to count the rows or hold phones."""
        asked_places = {question["place"] for question, _answer in self.asked}
        return [
            f"{column['column']} {column['heading']}"
            for column in self.receipt["columns"]
            if column["filled"] and not column["fields"] and not column["counts_rows"] and not column["phones"]
            if f"/positions/{column['column']}" not in asked_places
        ]

    def count_settled_rows(self) -> int:
        """Count the rows that were filed or left out by an answer."""
        return int(sum(self.receipt["counts"].values()) + self.receipt["left_out"]["count"])


def add_source(world: World, slug: str, country: str) -> None:
    """Add an organisation of a country, and a key for it."""
    body = {"slug": slug, "name": slug.title(), "kind": "ngo", "country": country}
    response = world.post("/v1/sources", body, "admin")
    assert response.status_code == 201, response.text
    world.add_key(slug, Role.REPORTER, slug)


def send_and_answer(world: World, who: str, name: str, data: bytes, officer: Officer) -> FiledList:
    """Try a list, answer its questions and try it again until nothing is asked, then file it."""
    mapping, asked = "", []
    rounds = 0
    trial = send(world, who, name, data, mapping, is_trial=True)
    while trial["state"] == "questioned" and rounds < MAX_ROUNDS:
        rounds, answers = rounds + 1, []
        for question in trial["questions"]:
            assert question["place"], f"{question['code']} cannot be answered where it is asked"
            answer = officer.answer(question)
            asked.append((question, answer))
            answers.append((question["place"], answer))
        mapping = merge_answers(mapping, build_answers(answers))
        trial = send(world, who, name, data, mapping, is_trial=True)
    receipt = trial
    if trial["state"] == "done":
        receipt = send(world, who, name, data, mapping)
    return FiledList(receipt, trial, rounds, asked, mapping)


def send(world: World, who: str, name: str, data: bytes, mapping: str, *, is_trial: bool = False) -> Body:
    """Send a file with the answers so far; its receipt, in the form in which the desk reads it."""
    files: dict[str, Any] = {"file": (name, data)}
    if mapping:
        files["mapping"] = ("mapping.toml", mapping.encode())
    params = {"dry_run": "true"} if is_trial else {}
    response = world.client.post("/v1/imports", params=params, files=files, headers=world.headers(who, **IN_SPANISH))
    assert response.status_code == 202, response.text
    world.settle()
    address = f"/v1/imports/{response.json()['id']}"
    return dict(world.client.get(address, headers=world.headers(who, **IN_SPANISH)).json())


@dataclass(frozen=True)
class Numbers:
    """What a source says by its own reports: how many there are, people out, in custody, dead, under house arrest, and
    how many releases, deaths and escapes have a day."""

    reports: int
    releases: int
    held: int
    deaths: int = 0
    house_arrests: int = 0
    dated_ends: int = 0


def count_own(world: World, who: str, day: str) -> Numbers:
    """Count what a source says in a registry without other sources. Retracted reports are left out."""
    reports = [
        report
        for report in world.get("/v1/reports", who, limit=200).json()["data"]
        if report["verification"]["verdict"] != "retracted"
    ]
    released = world.get("/v1/counts/releases", who, source=who).json()["total"]
    held = world.get("/v1/counts/held", who, source=who, held_on=day).json()["total"]
    detentions = world.get("/v1/detentions", who, limit=200).json()["data"]
    died = [one for one in detentions if (one["ended"] or {}).get("how") == "died"]
    # The registry shows the legal status of nobody without consent; the source reads its own reports.
    at_home = [one for one in reports if one["detention"].get("legal_status") == "house_arrest"]
    days = [
        (report.get("release") or {}).get("released_on") or (report["detention"].get("ended") or {}).get("on")
        for report in reports
    ]
    dated_ends = sum(1 for day in days if day)
    return Numbers(len(reports), released["cases"], held["cases"], len(died), len(at_home), dated_ends)

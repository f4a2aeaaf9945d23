"""Five lists laid out for people, each through the whole job of whoever sends it: tried, asked about, answered, tried
again, filed, filed again, and sent once more when it says less."""

import csv
import io
from collections import Counter
from dataclasses import dataclass, field

import pytest

from app.imports.faults import parse_column_letters
from app.imports.formats.csv import detect_encoding, read_csv_rows
from app.imports.formats.workbook_reader import Workbook
from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import OpenedList, open_list
from tests.imports import messy
from tests.imports.doubts.test_nothing_slips import MAPPINGS, REAL, slipped
from tests.imports.filing.test_filing import counts
from tests.support import Body, World


@dataclass
class Job:
    """A list, what is asked of it, the answers, and what becomes of it."""

    data: bytes
    answers: str
    read: list[tuple[str | None, str | None, str | None]]  # name, day of detention, day of release
    releases: int
    emptied: str  # the column in which the next list says nothing
    gone: str  # what that was
    retaken: tuple[str, ...] = ()  # what is asked besides, of a list that takes back releases
    asked: dict[str, int] = field(default_factory=dict)  # of the list as it comes, in one round
    wrong: dict[str, int] = field(default_factory=dict)
    unsaid: dict[str, int] = field(default_factory=dict)
    children: int = 0  # of whom nothing but a count is public


JOBS = {
    "of 1976": Job(
        messy.OF_1976.encode("cp1252"),
        messy.OF_1976_ANSWERS,
        asked={"numbers_count_rows": 1, "age_needs_day": 1, "section_title": 3, "several_people": 3},
        read=[
            ("Ana María Núñez Órdenes", "1976-09-12", None),
            ("Eliseo Bravo Peña", "1976-09-15", "1976-11-03"),
            ("Hernán Ñancupil Toro", "1976-09", None),
            (None, "1976-09-20", None),
            ("Raquel Ibáñez Soto", "1976-09-02", "1976-11-17"),
            ("Ramón Leal y Cajal", "1976-09-03", None),
            ("Tomás Orrego Vidal", "1976-10-19", None),
        ],
        releases=2,
        children=1,
        unsaid={"s/i": 1, "?": 1, "N.N.": 1, "pendiente": 1},
        emptied="F",
        gone="Release date",
        retaken=("releases_gone",),
    ),
    "a marked workbook": Job(
        messy.marked(),
        messy.MARKED_ANSWERS,
        asked={"column_unsure": 2, "hidden_column": 1, "struck_out": 1, "cell_comment": 1,
               "hidden_row": 1, "remark_state": 1},
        wrong={"formula": 1},
        read=[
            ("Rosa Inés Valdivia", "2025-03-02", None),
            ("Julio Peralta Ríos", "2025-03-02", None),
            ("Carmela Iturbe Sosa", "2025-05-11", None),
            ("Ismael Otero Rey", "2025-05-12", None),
            ("Nieves Arráez Gil", "2025-06-30", None),
            ("Simón Lugo Díaz", "2025-07-01", None),
        ],
        releases=2,
        children=1,
        unsaid={"¿?": 1, "pendiente": 1},
        emptied="E",
        gone="Place of detention",
    ),
    "an open document": Job(
        messy.open_document(),
        messy.OPEN_ANSWERS,
        asked={"column_unread": 2, "column_unsure": 2, "value_unknown": 1, "section_title": 1, "repeated_headings": 1,
               "date_order": 1, "several_people": 1, "cell_comment": 1},
        read=[
            ("Olga Rey Soto", "2025-01-12", "2026-01-12"),
            ("Eva Sol Gil", "2025-01-13", None),
            ("Ana Ruz Mora", "2025-01-14", None),
            ("Iván Lugo", "2025-04-03", None),
            ("Luz Toro Vera", "2025-02-02", "2026-01-20"),
        ],
        releases=2,
        unsaid={"pendiente": 1, "?": 2},
        emptied="F",
        gone="Place of detention",
    ),
    "a weekly list": Job(
        messy.weekly(),
        messy.WEEKLY_ANSWERS,
        asked={"numbers_count_rows": 1, "column_unsure": 2},
        wrong={"formula": 1},
        read=[
            ("Leonor Ibarra Mota", "2024-08-01", "2026-01-12"),
            ("Pilar Quiroz Bello", "2024-08-01", "2026-01-13"),
            ("Delia Roca Iriarte", "2024-08-02", "2026-01-13"),
            ("Inés Tovar Luna", "2024-08-03", None),
            ("Marta Vera Osorio", "2024-08-03", None),
        ],
        releases=3,
        unsaid={"s/d": 1},
        emptied="I",
        gone="Verification",
    ),
    "a workbook in English": Job(
        messy.english(),
        messy.ENGLISH_ANSWERS,
        asked={"column_unsure": 1, "age_needs_day": 1, "several_people": 1},
        wrong={"invalid_url": 1},
        read=[
            ("Aslan Murad oglu Veli", "2013-05-06", None),
            ("Leyla Farid Nuri", "2013-08-14", None),
            ("Nigar Samir Aliyar", "2013-09-03", None),
        ],
        releases=1,
        unsaid={"unknown": 2},
        emptied="H",
        gone="Charges",
    ),
}  # fmt: skip


def asked(receipt: Body) -> dict[str, int]:
    """What is open, by kind."""
    return dict(Counter(one["code"] for one in receipt["questions"]))


def wrong(receipt: Body) -> dict[str, int]:
    return {one["code"]: one["count"] for one in receipt["groups"] if not one["question"]}


def became(world: World, receipt: Body) -> list[tuple[int, str, list[str]]]:
    return [(one["row"], one["outcome"], [error["code"] for error in one["errors"]]) for one in world.rows_of(receipt)]


def read_people(opened: OpenedList) -> list[tuple[str | None, str | None, str | None]]:
    """Name, day of detention and day of release of each row that is read."""
    bodies = [one.body for one in opened.rows() if one.body]
    return [
        (
            body.get("detainee", {}).get("full_name"),
            body.get("detention", {}).get("detained_on"),
            body.get("release", {}).get("released_on"),
        )
        for body in bodies
    ]


def as_csv(data: bytes, opened: OpenedList, without: str) -> bytes:
    """A list as it would be saved as CSV, with nothing left in the cells of a column below its headings."""
    below = {one.number for one in opened.cells()} if opened.cells else set()
    if (sheet := opened.used_sheets[0].name) is not None:
        with Workbook(data, sheet) as book:
            every = {row.number: list(row.texts) for row in book.read_rows()}
    else:
        first_line = data.partition(b"\n")[0].decode("latin-1")
        every = dict(read_csv_rows(data, detect_encoding(data), max(",;", key=first_line.count)))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    for number in range(1, max(every) + 1):
        cells = every.get(number, [])
        if number in below and parse_column_letters(without) < len(cells):
            cells[parse_column_letters(without)] = ""
        writer.writerow(cells)
    return out.getvalue().encode()


@pytest.mark.parametrize(
    "name", [next(iter(JOBS)), *(pytest.param(name, marks=pytest.mark.campaign) for name in [*JOBS][1:])]
)
def test_a_list_goes_through_the_whole_job(world: World, name: str) -> None:
    job = JOBS[name]
    assert asked(world.send_list(job.data, dry_run=True)) == job.asked

    opened = open_list(job.data, ListMapping.parse_toml(job.answers))
    assert slipped(opened) == {}
    assert read_people(opened) == job.read
    tried = world.send_list(job.data, mapping=job.answers, dry_run=True)
    assert (asked(tried), wrong(tried)) == ({}, job.wrong)
    filed = world.send_list(job.data, mapping=job.answers)
    assert became(world, filed) == became(world, tried)
    alike = ("counts", "releases", "held", "held_counted", "lost", "gained", "unsaid", "unread", "left_out")
    assert {name: tried[name] for name in alike} == {name: filed[name] for name in alike}
    unsaid: Counter[str] = Counter()
    for one in filed["unsaid"]:
        unsaid[one["word"]] += one["count"]
    assert unsaid == job.unsaid

    held = len(job.read) - job.releases
    left_wrong = {"error": sum(job.wrong.values())} if job.wrong else {}
    assert counts(filed) == {"new": len(job.read)} | left_wrong
    too_old = filed["held_not_counted"].get("day_too_old", 0)
    assert (filed["releases"], filed["held"], filed["held_counted"] + too_old) == (job.releases, held, held)
    assert opened.cells is not None
    assert sum(filed["counts"].values()) + filed["left_out"]["count"] == sum(1 for _row in opened.cells())
    assert len(world.get("/v1/detainees", "foro", limit=200).json()["data"]) == len(job.read) - job.children
    assert world.count()["total"]["cases"] == job.releases
    now = world.get(f"/v1/counts/held?held_on={world.now.date()}").json()
    assert now["total"]["cases"] == filed["held_counted"]
    assert now["caveats"]["outside_held_within"] == too_old

    revision = world.revision
    again = world.send_list(job.data, mapping=job.answers)
    assert counts(again) == {"unchanged": len(job.read)} | {
        name: n for name, n in counts(filed).items() if name != "new"
    }
    assert world.revision == revision
    assert [set(again[change].values()) for change in ("lost", "gained")] == [{0}, {0}]

    less = as_csv(job.data, opened, job.emptied)
    for dry_run in (True, False):
        receipt = world.send_list(less, mapping=job.answers, dry_run=dry_run)
        *releases, column = receipt["questions"]
        assert [one["code"] for one in (*releases, column)] == [*job.retaken, "column_gone"]
        assert f"{job.gone} (" in column["detail"]
        assert f'in column {job.emptied} "' in column["detail"]
    assert world.revision == revision


def test_a_weekly_list_saved_without_its_zeros_and_verdicts_is_asked_about_both(world: World) -> None:
    world.send_list(messy.weekly(), mapping=messy.WEEKLY_ANSWERS)
    before = world.by_source(), world.count()["total"]
    receipt = world.send_list(messy.weekly_without_zeros_and_verdicts(), mapping=messy.WEEKLY_ANSWERS)
    assert (receipt["state"], asked(receipt)) == ("questioned", {"case_numbers_alike": 1})
    assert "5 rows (rows 2, 3, 4, 6, 7) would become new people" in receipt["questions"][0]["detail"]
    receipt = world.send_list(messy.weekly_without_zeros_and_verdicts(zeros=True), mapping=messy.WEEKLY_ANSWERS)
    assert asked(receipt) == {"column_gone": 1}
    assert 'Verification (4 rows; column I "Verificación" of your last list)' in (receipt["questions"][0]["detail"])
    assert (world.by_source(), world.count()["total"]) == before


# Name → rows filed, those in error, those who died, and a column with what the next list would no longer say in it.
REAL_LISTS = {
    "azerbaijan-2014": (98, {}, 0, "F", "Place of detention (69 rows"),
    "china": (923, {"invalid_date": 2, "serial_date": 1}, 20, "F", "End of sentence (901 rows"),
}


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real lists are not here ({REAL})")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", REAL_LISTS)
def test_a_real_list_goes_through_the_whole_job(world: World, name: str) -> None:
    filed_rows, in_error, died, emptied, gone = REAL_LISTS[name]
    data, answers = (REAL / f"{name}.csv").read_bytes(), (MAPPINGS / f"{name}.toml").read_text(encoding="utf-8")
    tried = world.send_list(data, mapping=answers, dry_run=True)
    filed = world.send_list(data, mapping=answers)
    assert (asked(tried), wrong(tried), wrong(filed)) == ({}, in_error, in_error)
    left_wrong = {"error": sum(in_error.values())} if in_error else {}
    assert counts(tried) == counts(filed) == {"new": filed_rows} | left_wrong
    assert (filed["releases"], filed["held"]) == (0, filed_rows - died)
    revision = world.revision
    assert counts(world.send_list(data, mapping=answers)) == {"unchanged": filed_rows} | left_wrong
    receipt = world.send_list(as_csv(data, open_list(data, ListMapping.parse_toml(answers)), emptied), mapping=answers)
    assert asked(receipt) == {"column_gone": 1}
    assert gone in receipt["questions"][0]["detail"]
    assert world.revision == revision

"""Identification numbers are never on a disk in clear: not of a list that waits, is tried, filed, or left half-way, and
not where one was typed into the wrong cell. Nor is any other cell of a list, beyond the reports that it became."""

import json
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette import formparsers

from app.imports.filing import row_filing
from app.imports.filing.filing_queue import ImportWorker
from app.imports.filing.row_filing import Filing
from app.imports.mapping import ListMapping
from app.imports.upload.client import PermanentError
from app.lanes import Lane
from tests.imports.filing.test_remote import Sender
from tests.imports.sheets import row, xlsx
from tests.registry.publication.test_scrubbing import files
from tests.support import World

NUMBER = "87654321"  # of an identity card, in every cell that could be taken for one
HEAD = ["código", "nombre", "cédula", "fecha de detención", "edad", "país", "nota"]
MAPPING = f"""
header = 1
age_on = "detained_on"
[columns]
"código" = "source_record_id"
[constants]
"detainee.national_id" = "V-{NUMBER}"
[values]
"detainee.category" = {{ "V-{NUMBER}" = "civilian" }}
"""


def a_name() -> str:
    """A name that stands nowhere else."""
    return " ".join("".join(random.choices("bcdfghjklmnpqrstvwxz", k=9)).capitalize() for _ in range(2))


def canaries_of(name: str) -> list[bytes]:
    """What betrays a list of people of this name."""
    return [word.encode() for part in name.split() for word in (part, part.lower())] + [
        NUMBER.encode(),
        b"xl/worksheets",
    ]


def rows_of(name: str) -> list[list[str]]:
    return [
        ["P-1", name, f"V-{NUMBER}", "2025-01-02", "40", "VE", ""],
        ["P-2", f"{name} Ruz", NUMBER, f"V-{NUMBER}", "40", "VE", ""],
        ["P-3", f"{name} Sol", "", "2025-01-02", NUMBER, "VE", ""],
        ["P-4", f"{name} Paz", "", "2025-01-02", "40", f"V-{NUMBER}", ""],
        ["P-5", "Eva Sol", "", "2025-01-02", "40", "VE", ""],
    ]


def csv(name: str) -> bytes:
    return "".join(";".join(cells) + "\n" for cells in (HEAD, *rows_of(name))).encode()


def workbook(name: str) -> bytes:
    return xlsx(
        *(row(number, *cells) for number, cells in enumerate((HEAD, *rows_of(name)), 1)), name=f"Lista {NUMBER}"
    )


def jsonl(name: str) -> bytes:
    """A number among the names of fields too, which is refused as unknown."""
    people: list[dict[str, Any]] = [
        {
            "source_record_id": code,
            "detainee": {"full_name": who, "national_id": number},
            "detention": {"country": "VE"},
        }
        for code, who, number, *_ in rows_of(name)
    ]
    people[1]["detainee"][f"V-{NUMBER}"] = True
    people[2]["detention"]["detained_on"] = f"V-{NUMBER}"
    lines = [json.dumps(person) for person in people] + [f'{{"detainee": V-{NUMBER}}}']
    return "\n".join(lines).encode()


def headless(name: str) -> bytes:
    """A list whose first person stands where the headings should."""
    return "".join(";".join(cells) + "\n" for cells in (rows_of(name)[0], HEAD, *rows_of(name))).encode()


FORMS = [csv, workbook, jsonl, headless]


@pytest.fixture
def waiting(resting: World) -> World:
    """A registry that takes lists, and where nothing works on them."""
    gate = Lane(1)
    resting.app.state.imports = ImportWorker(
        resting.engine, resting.app.state.secret, lambda: resting.now, "list", gate
    )
    return resting


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of this test; none of a form is ever put there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def rolled_over(_file: object) -> None:
        raise AssertionError("a part of a form was put on disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", rolled_over)
    return folder


def on_disk(world: World, *folders: Path) -> Iterator[tuple[str, bytes]]:
    """All files of the registry, and on PostgreSQL its own log of changes too, with what is in each."""
    paths = files(world)
    if world.engine.dialect.name == "postgresql":
        data = paths[0].parent.parent.parent
        paths += [*(data / "pg_wal").iterdir(), *(data / "log").glob("*"), *data.glob("*.log")]
    for path in [*paths, *(path for folder in folders for path in folder.rglob("*"))]:
        if path.is_file():
            yield path.name, path.read_bytes()


def traces(world: World, canaries: list[bytes], *folders: Path) -> dict[str, list[bytes]]:
    """File → the canaries in it."""
    held = {name: [word for word in canaries if word in content] for name, content in on_disk(world, *folders)}
    return {name: words for name, words in held.items() if words}


def receive(world: World, data: bytes, mapping: str | None = None, **params: Any) -> str:
    parts: Any = {"file": ("list", data)} | ({} if mapping is None else {"mapping": ("m.toml", mapping.encode())})
    response = world.client.post("/v1/imports", params=params, files=parts, headers=world.headers("foro"))
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


@pytest.mark.parametrize("form", FORMS)
def test_nothing_of_a_list_that_waits_can_be_read(waiting: World, temporary: Path, form: Any) -> None:
    name = a_name()
    receive(waiting, form(name), MAPPING)
    assert waiting.rows("SELECT count(*) FROM import_file") == [(1,)]
    assert traces(waiting, canaries_of(name), temporary) == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dry_run", [False, True])
def test_no_identification_number_of_a_list_is_ever_on_disk(
    world: World, temporary: Path, form: Any, dry_run: bool
) -> None:
    receipt = world.send_list(form(a_name()), mapping=None if form is jsonl else MAPPING, dry_run=dry_run, confirm=True)
    assert receipt["state"] in ("done", "failed", "questioned")
    assert world.rows_of(receipt) or receipt["state"] != "done"
    world.client.post("/v1/match/list", files={"file": ("list", form(a_name()))}, headers=world.headers("foro"))
    assert traces(world, [NUMBER.encode()], temporary) == {}


def test_a_list_that_was_only_tried_leaves_nothing(world: World) -> None:
    """PostgreSQL keeps rows that were rolled back until it tidies up: docs/operators.md."""
    name = a_name()
    assert (
        world.send_list(csv(name), mapping='age_on = "detained_on"', dry_run=True, confirm=True)["counts"]["new"] == 2
    )
    if world.engine.dialect.name == "sqlite":
        assert traces(world, canaries_of(name)) == {}


def test_the_sender_is_told_the_wrong_cells_all_the_same(world: World) -> None:
    receipt = world.send_list(csv(a_name()), mapping='age_on = "detained_on"', confirm=True)
    assert receipt["counts"]["new"] == 2, receipt
    told = {example["value"] for group in receipt["groups"] for example in group["examples"]}
    assert {NUMBER, f"V-{NUMBER}"} <= told
    assert NUMBER in str(world.rows_of(receipt, outcome="error"))
    assert traces(world, [NUMBER.encode()]) == {}


def test_a_list_left_half_way_keeps_no_cell_beyond_the_rows_that_are_filed(
    waiting: World, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 1)
    monkeypatch.setattr(row_filing, "TRIAL_BATCH_ROWS", 1)
    name = a_name()
    rows = [["P-1", "Ana Ruz", "", "2025-01-02", "40", "VE", ""], *rows_of(name)]
    data = "".join(";".join(cells) + "\n" for cells in (HEAD, *rows)).encode()
    receive(waiting, data, 'age_on = "detained_on"', confirm="true")
    worker = waiting.app.state.imports
    half = worker._take_next_import()
    assert isinstance(half, Filing)
    assert half.step()
    assert half.step()
    assert waiting.rows("SELECT done, state FROM list_import") == [(2, "running")]
    assert traces(waiting, canaries_of(name), temporary) == {}
    while half.step():
        pass
    assert waiting.rows("SELECT state FROM list_import") == [("done",)]
    assert traces(waiting, [NUMBER.encode()], temporary) == {}


def test_a_large_form_is_put_on_no_disk(waiting: World, temporary: Path) -> None:
    """Above a megabyte a form is put into a temporary file unless that is prevented."""
    more = "".join(f"Q-{number};Persona;;;;;{'x' * 200}\n" for number in range(9_000)).encode()
    name = a_name()
    assert len(more) > formparsers.MultiPartParser.spool_max_size
    receive(waiting, csv(name) + more)
    assert traces(waiting, canaries_of(name), temporary) == {}


def test_no_report_leaves_its_identification_number(world: World, temporary: Path) -> None:
    once = {"Idempotency-Key": f"once V-{NUMBER}"}
    person = {"detainee": {"full_name": "Ana Ruz", "national_id": f"V-{NUMBER}"}, "detention": {"country": "VE"}}
    for body in (person, person, {**person, "note": "again"}, {**person, f"V-{NUMBER}": 1}):
        world.post("/v1/detentions", body, "foro", **once)
    person["detainee"]["national_id"] = f"V-{NUMBER}!"
    world.post("/v1/detentions", person, "foro")
    assert traces(world, [NUMBER.encode()], temporary) == {}


def test_the_sending_machine_keeps_no_cell_of_a_list_left_half_way(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(world, tmp_path / "sending", monkeypatch)
    sender.folder.mkdir()
    name = a_name()

    def stop(request: Any, answer: Any) -> Any:
        if request.method != "POST" and sender.posts:
            raise PermanentError("a power cut, once it was in")
        return answer()

    sender.whim = stop
    with pytest.raises(PermanentError):
        sender.send(csv(name).decode(), confirmed=True, mapping=ListMapping(age_on="detained_on"))
    (journal,) = (sender.folder / "state").iterdir()
    assert journal.stat().st_mode & 0o077 == 0
    assert not [word for word in canaries_of(name) if word in journal.read_bytes()]
    world.settle()
    assert traces(world, [NUMBER.encode()]) == {}

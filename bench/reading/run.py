"""`make bench`: what reading a registry costs, beside the obvious service, Datasette and bare uvicorn.

    python -m bench.reading.run FOLDER [PEOPLE …] [--datasette PROGRAM]

Prints tables, and writes the figures beside the registries, as FOLDER/figures.json. What is compared is asked in turns
of the same minutes, so that whatever else the machine does hits all alike: trust the ratios of one run.
"""

import argparse
import asyncio
import hashlib
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from app.db.engine import MIGRATIONS
from app.models import OPEN
from app.projection import RULES
from bench import invented
from bench.reading import build, history, people, plain, servers, telling
from bench.reading.load import Told, again_and_again, answer_to, one_by_one, request
from bench.reading.questions import WARM, Row, cold, ids_of, of_people
from bench.reading.servers import Server
from bench.reading.tables import machine, tables

SIZES = [1_000, 20_000, 100_000]
TURNS, TURN = 3, 2.0  # of each server, seconds each
LONGEST = 8.0  # seconds for the questions of one row, after which no more of them are asked
PAGES = 4  # of ids
SAVED_FROM = 50_000  # people
OBVIOUS = "/counts/releases"
OF_DATASETTE = f"/plain.json?{urlencode({'sql': plain.BY_SOURCE, '_shape': 'array'})}"


def registry_of(folder: Path, number: int) -> Path:
    """The registry of so many people, made where it is not there yet, or was made by other code."""
    made_by = b"".join(Path(str(one.__file__)).read_bytes() for one in (invented, telling, people, history, build))
    made_for = ",".join([str(RULES), *sorted(script.name for script in (MIGRATIONS / "versions").glob("*.py"))])
    file = folder / f"registry-{number}-{hashlib.sha256(made_by + made_for.encode()).hexdigest()[:8]}.db"
    if not file.exists():
        for old in folder.glob(f"registry-{number}-*"):
            if old.is_dir():
                shutil.rmtree(old)
            else:
                old.unlink()
        draft, begun = file.with_suffix(".draft"), time.monotonic()
        entries = build.build(f"sqlite:///{draft}", number)
        for beside in folder.glob(f"{draft.name}-*"):
            beside.unlink()
        draft.rename(file)
        seconds = time.monotonic() - begun
        say(f"Made {number:,} people in {seconds:.0f} s: {entries:,} entries, {file.stat().st_size / 2**20:,.0f} MiB")
    return file


def columns_of(registry: Path, number: int) -> Path | None:
    """The folder where columns of a registry of so many people are saved, as operators of so many are told to."""
    if number < SAVED_FROM:
        return None
    folder = registry.with_suffix(".columns")
    if not folder.exists():
        say("Saving its columns …")
        folder.mkdir(mode=0o700)
        servers.ours(registry, WARM, folder).stop()
    return folder


async def warm(started: list[Server], asked: dict[str, bytes], ours: Server, tag: str) -> dict[str, Told]:
    """One question again and again, of each server in turn, and of ours once more by who has the answer."""
    told = {server.name: Told() for server in started} | {"Recuento, 304": Told()}
    for server in started:  # whatever they make at the first question
        await again_and_again(server, asked[server.name], TURN / 4)
    for _turn in range(TURNS):
        for server in started:
            told[server.name].add(await again_and_again(server, asked[server.name], TURN))
        known = request(WARM, if_none_match=tag)
        told["Recuento, 304"].add(await again_and_again(ours, known, TURN, status=304))
    return told


async def once_each(server: Server, rows: list[Row], **headers: str) -> dict[str, Told]:
    """Of each row one question, then of each the next."""
    told = {row.name: Told() for row in rows}
    left = list(rows)
    while left:
        for row in [*left]:
            path = next(row.paths, None)
            if path is not None:
                told[row.name].add(await one_by_one(server, [path], **headers))
            so_far = told[row.name]
            if path is None or so_far.number == row.most or so_far.lasted > LONGEST:
                left.remove(row)
    return told


async def measured(folder: Path, number: int, program: Path | None) -> dict[str, Any]:
    """All figures of one size."""
    registry = registry_of(folder, number)
    say(f"Asking the registry of {number:,} people …")
    flat, answer = folder / "plain.db", folder / "answer.json"
    flat.unlink(missing_ok=True)
    plain.copy(registry, flat, OPEN)
    started: list[Server] = []

    def start(make: Callable[[], Server]) -> Server:
        started.append(make())
        return started[-1]

    try:
        ours = start(lambda: servers.ours(registry, WARM, columns_of(registry, number)))
        headers, body = await answer_to(ours, WARM)
        answer.write_bytes(body)
        obvious = start(lambda: servers.obvious(flat, OBVIOUS))
        _require_same(json.loads(body), json.loads((await answer_to(obvious, OBVIOUS))[1]))
        if program is not None:
            start(lambda: servers.datasette(program, flat, OF_DATASETTE))
        start(lambda: servers.bare(answer))
        asked = {"Recuento": WARM, obvious.name: OBVIOUS, "Datasette": OF_DATASETTE}
        requests = {server.name: request(asked.get(server.name, "/")) for server in started}
        same = await warm(started, requests, ours, headers["etag"])
        others = {server.name: server.memory() for server in started}
        revision = int(headers["recuento-revision"])
        told = await once_each(ours, cold(revision))
        pages = [json.loads((await answer_to(ours, path))[1]) for path in ids_of(PAGES)]
        ids = [one["id"] for page in pages for one in page["data"]]
        told |= await once_each(ours, of_people(number, ids))
        return {
            "people": number,
            "entries": revision,
            "mebibytes": registry.stat().st_size / 2**20,
            "ready": {server.name: server.ready for server in started},
            "memory": {**others, "Recuento": ours.memory()},
            "warm": {name: figures(one) for name, one in same.items()},
            "cold": {name: figures(one) for name, one in told.items() if one.number},
        }
    finally:
        for server in started:
            server.stop()


def figures(told: Told) -> dict[str, float]:
    return {
        "number": told.number,
        "a_second": told.number / told.lasted,
        "p50": told.late(0.5),
        "p99": told.late(0.99),
        "processor": told.processor / told.number,
    }


def _require_same(ours: dict[str, Any], theirs: list[dict[str, Any]]) -> None:
    """Raises RuntimeError where the services that are compared count differently."""
    counted = {(one["source"], one["verdict"]): one["number"] for one in theirs}
    for group in ours["groups"]:
        source = group["by"]["source"]
        if group["counts"]["verified"] != counted.get((source, "verified"), 0):
            raise RuntimeError(f"The services do not count the same of {source}.")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    read = argparse.ArgumentParser(prog="python -m bench.reading.run")
    read.add_argument("folder", type=Path)
    read.add_argument("people", type=int, nargs="*", default=SIZES)
    read.add_argument("--datasette", type=Path)
    given = read.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    program = given.datasette if given.datasette and given.datasette.exists() else None
    if program is None:
        say("Datasette is not installed, and is left out.")
    told = [asyncio.run(measured(given.folder, number, program)) for number in given.people]
    (given.folder / "figures.json").write_text(json.dumps({"machine": machine(), "sizes": told}, indent=1))
    say(tables(machine(), told))


if __name__ == "__main__":
    main()

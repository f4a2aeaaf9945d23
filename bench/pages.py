"""`make bench-pages`: what each kind of page takes of a server, and of a line.

    python -m bench.pages FOLDER [PEOPLE …]

Of the January replay, and of registries of so many people with published figures. FOLDER keeps them. "Warm": the same
address was asked before; "cold": other revisions and windows, which nothing was kept for; "first": the first request
after the start of a server, of each kind another server. The first row is the count behind the pages as JSON: what
machines have in common is how many times as long as that a page takes.
"""

import argparse
import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from app.db.engine import make_engine, open_write_session
from app.moments import format_revision
from app.registry.claims import ClaimIn, file_claim
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.vocabulary import Measure, Qualifier, Role, Series
from app.web.rendering import LANGUAGES
from bench.crowd import replay
from bench.drill_import import SECRET, now
from bench.reading import servers
from bench.reading.load import Told, answer_to, one_by_one
from bench.reading.questions import LARGE, Row
from bench.reading.run import columns_of, once_each, registry_of, say
from bench.reading.servers import Server
from bench.reading.tables import machine, table

SIZES = [100_000]
COUNT = "/v1/counts/releases"
READY = "/readyz"
BROWSER = {"accept_encoding": "gzip, deflate, br, zstd"}
PACKED = ("br", "gzip")  # as browsers take it, and as old ones do
ASKED = 10  # of each kind
FIRST = ("home", "counts", "releases", "a person")  # kinds of which a server is started for each
REST = 5.0  # seconds after a start in which a server that is left alone has prepared itself
WINDOWS = 40  # days on which a cold window may begin
OPENS = date(2026, 1, 1)
REFERENCE = "the count, as JSON"
ASSET = re.compile(rb'(?:href|src)="(/static/[^"]+)"')
# Published figures of a registry of people who are all invented: as many as two years of a figure a fortnight have.
FIGURES, FORTNIGHT, COUNTED_FROM = 50, timedelta(days=14), date(2024, 1, 1)
AUTHORITY, VERIFIED, CLAIMED = "interior-office", 20, 45  # of a figure, a day


@dataclass(frozen=True)
class Kind:
    """A kind of page. `path`: behind the language; `past`: the same at other moments, none asked twice."""

    name: str
    path: str
    past: Iterator[str]


def demo_of(folder: Path) -> Path:
    """The January replay, made where it is not there yet."""
    file = folder / "demo.db"
    if not file.exists():
        say("Replaying January …")
        replay(file)
    return file


def with_figures(folder: Path, number: int) -> Path:
    """A registry of so many people in which sources and an authority published figures."""
    made = registry_of(folder, number)
    file = made.with_name(f"pages-{made.name}")
    if not file.exists():
        draft = file.with_suffix(".draft")
        shutil.copyfile(made, draft)
        publish(f"sqlite:///{draft}")
        draft.rename(file)
    return file


def publish(url: str) -> None:
    """File a figure of each large source and one of the authority for every fortnight."""
    engine = make_engine(url)
    with open_write_session(engine) as session:
        context = WriteContext(session, Reader(Role.CURATOR), now(), SECRET)
        for turn in range(1, FIGURES + 1):
            day = COUNTED_FROM + FORTNIGHT * turn
            for slug in [*LARGE, AUTHORITY]:
                days = (day - COUNTED_FROM).days
                body: dict[str, Any] = {"claimant": slug, "measure": Measure.RELEASED, "series": Series.CUMULATIVE}
                body |= {"country": "VE", "stated_at": day.isoformat(), "window_from": COUNTED_FROM.isoformat()}
                ours = slug != AUTHORITY
                body["qualifier"] = Qualifier.EXACTLY if ours else Qualifier.MORE_THAN
                body["said"] = days * (VERIFIED if ours else CLAIMED)
                file_claim(context, ClaimIn.model_validate(body))
    engine.dispose()


async def kinds_of(server: Server) -> list[Kind]:
    """The kinds of pages that a registry has."""
    _headers, body = await answer_to(server, COUNT)
    head = int(json.loads(body)["at"]["revision"])
    revisions = [head - step * max(1, head // (2 * ASKED)) for step in range(1, ASKED + 1)]
    country = {"country": "VE"}

    def at(path: str, **terms: str) -> Iterator[str]:
        """The page at each revision."""
        return (_address(path, as_of=format_revision(revision), **terms) for revision in revisions)

    def windows(path: str) -> Iterator[str]:
        days = (OPENS + timedelta(days=number) for number in range(WINDOWS))
        return (_address(path, **country, released_from=day.isoformat()) for day in days)

    async def first(path: str) -> dict[str, Any] | None:
        """The last of a list: what somebody reads is seldom at its top."""
        rows = json.loads((await answer_to(server, f"{path}?limit=20"))[1])["data"]
        return rows[-1] if rows else None

    cited = []
    for revision in [*revisions, head]:
        answer = json.loads((await answer_to(server, _address(COUNT, as_of=format_revision(revision), **country)))[1])
        cited.append("/c/" + answer["links"]["cite"].rpartition("/")[2])
    plain = {"claims": "/claims", "people": "/people", "releases": "/releases", "sources": "/sources"}
    plain |= {"corrections": "/corrections", "data": "/data"}
    kinds = [
        Kind("home", "/", at("/")),
        Kind("home, another window", _address("/", **country), windows("/")),
        Kind("counts", _address("/counts", **country), at("/counts", **country)),
        Kind("counts, another window", _address("/counts", **country, stage="carried_out"), windows("/counts")),
        Kind("citation", cited.pop(), iter(cited)),
        *(Kind(name, path, at(path)) for name, path in plain.items()),
        Kind("releases, another window", _address("/releases", **country), windows("/releases")),
    ]
    late = [head - step for step in range(1, ASKED + 1)]  # what is read is there at each of them
    single = {"a claim": ("/claims", "id"), "a person": ("/detainees", "id"), "a source": ("/sources", "slug")}
    for name, (path, key) in single.items():
        if (row := await first(f"/v1{path}")) is not None:
            page = f"{path.replace('/detainees', '/people')}/{row[key]}"
            kinds.append(Kind(name, page, iter([_address(page, as_of=format_revision(revision)) for revision in late])))
    kinds.append(Kind("the desk, signing in", "/desk", iter(())))
    return kinds


async def measured(registry: Path, columns: Path | None) -> str:
    """The table of one registry."""
    server = servers.ours(registry, COUNT, columns)
    try:
        kinds = await kinds_of(server)
        head = int(json.loads((await answer_to(server, COUNT))[1])["at"]["revision"])
        counts = (
            _address(COUNT, as_of=format_revision(head - number), group_by="status") for number in range(1, ASKED + 1)
        )
        cold = await once_each(server, [Row(REFERENCE, counts, ASKED), *map(_cold, kinds)], **BROWSER)
        again = {kind.name: [_in(language, kind.path) for language in LANGUAGES] for kind in kinds} | {
            REFERENCE: [COUNT]
        }
        await one_by_one(server, [path for paths in again.values() for path in paths], **BROWSER)
        warm = await once_each(server, [Row(name, cycle(paths), ASKED) for name, paths in again.items()], **BROWSER)
        sizes = {name: await bytes_of(server, paths[0]) for name, paths in again.items()}
    finally:
        server.stop()
    first = {name: await _first(registry, columns, again[name][0]) for name in FIRST}
    rows = [
        [name, *_cells(warm[name], warm[REFERENCE]), *_cells(cold[name], cold[REFERENCE]), first.get(name, ""),
         *(f"{number / 1000:,.1f}" for number in sizes[name])]
        for name in (REFERENCE, *(kind.name for kind in kinds))
    ]  # fmt: skip
    heads = ["page", "warm p50 / p95 ms", "of the count", "CPU ms", "cold p50 / p95 ms", "of the count", "CPU ms",
             f"first, at once / after {REST:.0f} s, ms", "kB br", "kB gzip", "kB br with assets"]  # fmt: skip
    return table(heads, rows)


def _cold(kind: Kind) -> Row:
    """Its cold addresses, in one language after the other."""
    paths = (_in(language, path) for language, path in zip(cycle(LANGUAGES), kind.past, strict=False))
    return Row(kind.name, islice(paths, ASKED), ASKED)


def _cells(told: Told, reference: Told) -> list[str]:
    if not told.number:
        return ["", "", ""]
    ratio = told.late(0.5) / reference.late(0.5)
    spread = f"{told.late(0.5) * 1000:,.1f} / {told.late(0.95) * 1000:,.1f}"
    return [spread, f"{ratio:,.1f}", f"{told.processor / told.number * 1000:,.0f}"]


async def bytes_of(server: Server, path: str) -> list[int]:
    """Bytes of a page in each coding, and with its assets in the first of them."""
    packed = [len((await answer_to(server, path, accept_encoding=coding))[1]) for coding in PACKED]
    _headers, plain = await answer_to(server, path)
    assets = {address.decode() for address in ASSET.findall(plain)}
    beside = [len((await answer_to(server, one, accept_encoding=PACKED[0]))[1]) for one in sorted(assets)]
    return [*packed, packed[0] + sum(beside)]


async def _first(registry: Path, columns: Path | None, path: str) -> str:
    """Milliseconds of the first request after a start: at once, and REST seconds later."""
    told = []
    for rest in (0.0, REST):
        server = servers.ours(registry, READY, columns)
        try:
            await asyncio.sleep(rest)
            told.append((await one_by_one(server, [path], **BROWSER)).seconds[0] * 1000)
        finally:
            server.stop()
    return " / ".join(f"{one:,.0f}" for one in told)


def _address(path: str, **terms: str) -> str:
    return f"{path}?{'&'.join(f'{name}={value}' for name, value in terms.items())}" if terms else path


def _in(language: str, path: str) -> str:
    return f"/{language}{path}"


def main() -> None:
    read = argparse.ArgumentParser(prog="python -m bench.pages")
    read.add_argument("folder", type=Path)
    read.add_argument("people", type=int, nargs="*", default=SIZES)
    given = read.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    say(f"Measured on: {machine()}.")
    demo = demo_of(given.folder)
    say(f"\nThe January replay:\n\n{asyncio.run(measured(demo, None))}")
    for number in given.people:
        registry = with_figures(given.folder, number)
        say(f"\n{number:,} people:\n\n{asyncio.run(measured(registry, columns_of(registry, number)))}")


if __name__ == "__main__":
    main()

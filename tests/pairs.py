"""Pairs of registries drawn by seed, equal but for what may not be seen: `python -m tests.pairs --pairs 200`.

Who is filed, by whom, in which class, and what is done about them is drawn once; every hidden value is drawn for each
of the two. Then both are asked the same sample of everything that the routes document.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from httpx2 import Response

from tests.databases import Templates
from tests.support import GOVERNMENT, Body, World
from tests.two_registries import Difference, Names, differences, twins

# A key sees its source's own reports: what `pud` files is equal in both, and the ministry files nothing.
READERS = (None, GOVERNMENT, "pud")
OTHER_GOVERNMENT = "interior"
SOURCES = ("foro", "jep", OTHER_GOVERNMENT)
KINDS = ("named", "anonymous", "counted", "child", "withdrawn", "erased", "objected", "upheld", "dismissed", "waiting",
         "unreviewed")  # fmt: skip
SHOWN = ("named", "dismissed")
NEW_SOURCE = "colectivo"  # all that it files waits for a curator
# Classes of whose names nobody may learn who searches or compares: the public sees none, and no match knows them.
CLOSED = ("anonymous", "counted", "child", "withdrawn", "erased", "objected", "upheld", "waiting", "unreviewed")
SAMPLE = 60  # questions that each reader asks of each pair
# No two of them alike, so that neither registry takes one person for another.
NAMES = (
    "Zoraida Montilla Paz", "Ulises Barrios Coy", "Fermín Castro Lugo", "Delia Arteaga Mora", "Hugo Lares Brito",
    "Olga Pinto Reyes", "Wenceslao Iturbe Khan", "Xiomara Quevedo Jara", "Baltasar Ñáñez Villar", "Ingrid Yépez Egui",
    "Tobías Guaicaipuro Sosa", "Ruperto Drago Anzola", "Perla Fajardo Uzcátegui", "Nabor Schmitt Ojeda",
    "Leandro Bock Ferrer", "Yubirí Cádiz Omaña", "Cruz Vielma Thorne", "Abdón Esser Pirela",
)  # fmt: skip
WORDS = ("his mother called", "a", "nobody could be asked, and the neighbours are afraid to say anything at all", "ñ")


@dataclass
class Person:
    """`open`: what both registries say; `names`: in the one and in the other."""

    kind: str
    source: str
    held: bool
    open: Body
    names: tuple[str, str]
    seed: int


class Pair:
    """What is drawn of a seed."""

    def __init__(self, seed: int, people: int = 6) -> None:
        self.random = Random(seed)
        names = [*NAMES]
        self.random.shuffle(names)
        kinds = [*KINDS]
        self.random.shuffle(kinds)
        # Some sources may file only a few reports before their others wait for a curator.
        self.limits = {source: self.random.choice((0, 1, 2, 1_000)) for source in SOURCES}
        self.reviews: tuple[list[str | None], list[str | None]] = ([], [])
        self.people = [
            self._person(kind, (names.pop(), names.pop() if kind not in SHOWN else "")) for kind in kinds[:people]
        ]

    def _person(self, kind: str, names: tuple[str, str]) -> Person:
        draw = self.random
        said: Body = {
            "release__released_on": f"2026-01-{draw.randint(8, 28):02}",
            "release__kind": draw.choice(("pardon", "amnesty", "release_with_measures")),
            "detainee__designation": draw.choice(("political", "unstated")),
            "detention__country": draw.choice(("VE", "VE", "AR")),
        }
        names = (names[0], names[1] or names[0])  # who is shown is called the same in both
        source = draw.choice(SOURCES)
        return Person(
            kind,
            NEW_SOURCE if kind == "unreviewed" else source,
            draw.random() < 0.3,
            said,
            names,
            draw.randrange(2**32),
        )

    def fill(self, world: World, which: int) -> None:
        """Fill one of the two registries."""
        world.add_source(OTHER_GOVERNMENT, "government")
        world.add_facility()
        world.add_facility("yare", "Yare", area="Caracas")
        world.add_source(NEW_SOURCE, "ngo")
        for source, number in {**self.limits, NEW_SOURCE: 0}.items():
            world.trust(source, number)
        world.file("pud", detainee__full_name="Ana Paz Rivero", source_record_id="1")
        for number, person in enumerate(self.people):
            self._file(world, which, number, person)
        claim = {"claimant": "jep", "measure": "released", "qualifier": "at_least", "low": 3, "country": "VE",
                 "window_from": "2026-01-08", "stated_at": "2026-01-14T20:00:00Z", "note": WORDS[which],
                 "definition": {"terms": {"gender": "female"}}}  # fmt: skip
        assert world.post("/v1/claims", claim, "foro").status_code == 201

    def _file(self, world: World, which: int, number: int, person: Person) -> None:
        own = Random(person.seed + which)
        case = f"{number}-{'x' * own.randint(0, 30)}"
        said = {**person.open, **hidden(person.kind, person.names[which], own), "source_record_id": case}
        report = world.file_detention if person.held else world.file
        if person.kind == "waiting":  # under an embargo in the one, and nowhere in the other
            if which:
                world.wait("2026-03-20", person.source, **said)
            return
        if person.held:
            said = {name: value for name, value in said.items() if not name.startswith("release__")}
        filed = report(person.source, **said)
        self.reviews[which].append(filed["review"])
        about = filed["detainee"]["id"]
        if person.kind in ("objected", "upheld", "dismissed") and filed["review"] != "awaiting_review":
            world.object_to(f"/v1/detainees/{about}", words=own.choice(WORDS), contact=own.choice(WORDS))
            world.beat()
            if person.kind != "objected":
                queue = world.get("/v1/objections", "curator").json()["data"]
                waiting = next(row["id"] for row in queue if row["detainee"]["id"] == about)
                world.decide(waiting, person.kind, "counted" if person.kind == "upheld" else None)
        elif person.kind == "withdrawn":
            world.consent(about, "counted", given_by=own.choice(("her sister", "herself", "a lawyer in another town")))
        elif person.kind == "erased":
            world.redact(about)
        if person.kind != "erased":  # a next version, which changes something hidden
            again = report(person.source, **{**said, "note": f"{said['note']}, {own.choice(WORDS)}"})
            self.reviews[which].append(again["review"])


def hidden(kind: str, name: str, own: Random) -> Body:
    """What may not be seen of somebody of that kind, as one registry has it."""
    month = own.randint(1, 28)
    said: Body = {
        "detainee__birth_date": f"1971-02-{month:02}", "detainee__father_name": own.choice(("Luis", "Juan Alfonzo")),
        "detainee__national_id": f"V-{own.randint(10**6, 10**8)}", "note": own.choice(WORDS),
        "detention__place": own.choice(WORDS), "detention__case": own.choice(WORDS),
        "detention__transfers": [{"on": "2025-02", "facility": own.choice(("Yare", "a farm"))}],
    }  # fmt: skip
    if kind in SHOWN:  # shown with the name, and all that goes with it
        return said | {"detainee__full_name": name, "detainee__publish": "named"}
    said |= {
        "detainee__full_name": name, "detainee__aliases": [own.choice(("La Profe", "Gatico"))],
        "detainee__gender": own.choice(("female", "male")), "detainee__category": own.choice(("civilian", "police")),
        "detention__legal_status": own.choice(("pretrial", "convicted")), "detention__charges": [own.choice(WORDS)],
        "release__conditions": [own.choice(("travel_ban", "gag_order"))],
        "release__destination": own.choice(("AR", "CL")),
        "verification__evidence": [{"url": f"https://{own.choice(('a', 'bbbb'))}.example/{own.randint(1, 10**9)}"}],
        "detainee__publish": kind if kind in ("anonymous", "counted") else "named",
    }  # fmt: skip
    if kind == "anonymous":
        return said
    return said | {
        "detainee__birth_date": f"2010-{own.randint(1, 12):02}" if kind == "child" else f"{own.randint(1930, 1990)}",
        "detainee__nationalities": [own.choice(("VE", "AR", "CO"))],
        "detention__facility": own.choice(("El Rodeo I", "Yare", "a cellar")),
    } | (_days(own) if kind in ("counted", "child") else {})  # fmt: skip


def _days(own: Random) -> Body:
    """Days within a month, and first-hand methods: sealed of whoever is only counted from the first."""
    return {
        "detention__detained_on": f"2024-10-{own.randint(1, 31):02}",
        "detention__held_on": f"2025-12-{own.randint(1, 31):02}",
        "verification__method": own.choice(("family", "lawyer", "detainee")),
    }


def find(templates: Templates, kind: str, seed: int, sample: int = SAMPLE) -> Iterator[tuple[str, Difference]]:
    """`(reader, difference)` of all that two registries of a seed tell differently."""
    pair = Pair(seed)
    with twins(templates, kind) as two:
        for which, world in enumerate(two):
            pair.fill(world, which)
        if pair.reviews[0] != pair.reviews[1]:
            yield "filing", ("which reports wait", str(pair.reviews[0]), str(pair.reviews[1]))
        for who in READERS:
            for found in differences(*two, who, chosen=Random(f"{seed} {who}"), sample=sample):
                yield str(who), found
            for found in _probes(two, pair, who):
                yield str(who), found


def _probes(two: tuple[World, World], pair: Pair, who: str | None) -> Iterator[Difference]:
    """What searches, look-ups and reports answer that name whom the one registry hides, and the other has not."""
    names = Names(two[0]), Names(two[1])
    closed = [one for one in pair.people if one.kind in CLOSED]
    for name in [name for person in closed for name in person.names]:
        asked = f"{who} asks for {name}"
        told = [_probe(world, who, name) for world in two]
        for one, other in zip(*told, strict=True):
            texts = names[0].told(one), names[1].told(other)
            if texts[0] != texts[1]:
                yield asked, *texts


def _probe(world: World, who: str | None, name: str) -> list[Response]:
    found = [world.get(path, who, q=name) for path in ("/v1/detainees", "/v1/releases", "/v1/detentions")]
    if who is not None:
        found.append(world.post("/v1/match", {"detainee": {"full_name": name}}, who))
        files = {"file": ("list.csv", f"name,country,released on\n{name},VE,2026-01-12\n")}
        found.append(world.client.post("/v1/match/list", files=files, headers=world.headers(who)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="of the first pair")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="questions of each reader to each pair")
    parser.add_argument("--examples", type=int, default=5, help="differences that are printed whole")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no pair after as many")
    asked = parser.parse_args()
    begun, differing, done = monotonic(), Counter[int](), 0
    with tempfile.TemporaryDirectory() as folder, closing(Templates(Path(folder))) as templates:
        for seed in range(asked.seed, asked.seed + asked.pairs):
            if monotonic() - begun > asked.seconds:
                break
            done += 1
            for who, found in find(templates, "sqlite", seed, asked.sample):
                differing[seed] += 1
                if differing.total() <= asked.examples:
                    _say(f"seed {seed}, {who}: {found[0]}", found[1], found[2], "")
    _say(f"{done} pairs in {monotonic() - begun:.0f} s: {len(differing)} differ {json.dumps(differing)}")
    return int(bool(differing))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

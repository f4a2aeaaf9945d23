"""What a clock tells of whom a registry hides: `python -m tests.attack.timing --tries 20000`.

Starts a real `recuento serve` on loopback, over a registry of invented people, some of whom are hidden from who asks
(counted, or shown without a name), and asks as one client on one connection, about somebody hidden and about somebody
unknown, in pairs. Names are drawn alike and by lot made hidden or left unknown, with as many words, letters and keys as
any other, a given name that dozens of named people have, and surnames of their own: what differs on average is whether
the person is there. `lists` asks by a trait of people shown without a name, for a right value and for a wrong one.

Each name is used once, and for each somebody is hidden beforehand: a write or an import leaves a row that the next try
about the same name would meet, and a server that remembers whose names it read is quicker about them from the second
time on. Lists are asked for by the traits of a few again and again. The tries' own reports ask to be shown without a
name, under names that share no key.

Printed for each kind: milliseconds at the median, and how surely a clock tells hidden from unknown, as the area under
the ROC curve (0.5: not at all, 1: always), from a single try and from the mean of 1,000 tries, slow outliers cut. The
latter is estimated; in brackets what chance alone makes of it 19 times in 20 with so many tries.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import product
from pathlib import Path
from random import Random
from statistics import NormalDist, mean, median, variance
from typing import Any
from urllib.parse import urlencode

from app.matching.blocking import build_name_blocking_keys, build_word_keys

KINDS = ("match", "comparisons", "search", "lists", "dry_runs", "imports", "writes")
# Asked by an organisation: filing ties what it sends to people shown without a name, and no other question may tell it.
OF_AN_NGO = ("match", "comparisons", "dry_runs")
TARGETS = 50  # people whose traits are asked for again and again, of each sort
TOGETHER = 1_000  # tries whose mean an attacker compares
CUT = 0.95  # slower tries are taken for as slow as this quantile: the machine had something else to do
PATIENCE = 60.0  # seconds for the server to come up, for a list to be through
GIVEN = ("Celso", "Berta", "Delia", "Fermín", "Gladys", "Hernán", "Ismael", "Juana", "Lucía", "Marcos")
# Their surnames are as many as 100,000 names of nobody else need, also those thrown away for having other keys.
SYLLABLES = (
    *("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "tu", "ca", "do", "mi", "sa", "ve"),
    *("bra", "dre", "gro", "pla", "tri", "cle", "fro", "gra", "tru", "bli", "cro", "dra", "fle", "pre", "tla"),
)
COMMON = 800  # surnames that named people share
JSON = {"Content-Type": "application/json"}
# Bounds of one client and one key, set to none: an attacker who has days and many addresses is not held by them.
RATES = ("RECUENTO_RATE_BY_CLIENT", "RECUENTO_RATE_BY_KEY", "RECUENTO_RATE_OF_SEARCHES")


class Names:
    """Invented names of one shape, with as many keys each."""

    def __init__(self, random: Random) -> None:
        surnames = ["".join(syllables).title() for syllables in product(SYLLABLES, repeat=4)]
        random.shuffle(surnames)
        self._random = random
        self._common, self._rare = surnames[:COMMON], iter(surnames[COMMON:])
        self._keys: int | None = None

    def common(self) -> str:
        """A name whose words others have too."""
        return " ".join([self._random.choice(GIVEN), *self._random.sample(self._common, 2)])

    def rare(self) -> str:
        """A name with surnames that nobody else has."""
        while True:
            name = f"{self._random.choice(GIVEN)} {next(self._rare)} {next(self._rare)}"
            keys = len(build_name_blocking_keys(name, ()) | build_word_keys(name, ()))
            self._keys = self._keys or keys
            if keys == self._keys:
                return name


@dataclass
class Person:
    """Somebody invented. `publish`: the class; None of somebody whom nobody has reported."""

    name: str
    publish: str | None
    born: int
    day: str
    category: str

    def body(self, case: str, publish: str | None = None) -> dict[str, Any]:
        return {
            "source_record_id": case,
            "detainee": {
                "full_name": self.name, "birth_date": str(self.born), "category": self.category,
                "publish": publish or self.publish,
            },
            "detention": {"country": "VE", "detained_on": self.day},
        }  # fmt: skip


@dataclass
class Times:
    """Nanoseconds of each try."""

    hidden: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)


class Server:
    """A served registry, the keys of a government and of an organisation, and one connection kept open."""

    def __init__(self, port: int, keys: dict[str, str]) -> None:
        self._keys = {who: {"Authorization": f"Bearer {key}"} for who, key in keys.items()}
        self.who = "ministry"
        self._connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.close = self._connection.close
        self._connection.connect()
        assert self._connection.sock is not None
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, int]:
        """`(status, answer, nanoseconds)`, with the key; without one where `anonymous` is among the headers."""
        sent = headers if headers.pop("anonymous", None) else self._keys[self.who] | headers
        begun = time.perf_counter_ns()
        self._connection.request(method, path, body, sent)
        answer = self._connection.getresponse()
        text = answer.read()
        took = time.perf_counter_ns() - begun
        return answer.status, json.loads(text), took


def match(server: Server, person: Person, _case: str) -> int:
    sought = {"detainee": {"full_name": person.name, "birth_date": str(person.born)}}
    status, answer, took = server.ask("POST", "/v1/match", json.dumps(sought).encode(), **JSON)
    assert (status, answer["candidates"]) == (200, [])
    return took


def search(server: Server, person: Person, _case: str) -> int:
    status, answer, took = server.ask("GET", f"/v1/detainees?{urlencode({'q': person.name})}", anonymous="yes")
    assert (status, answer["data"]) == (200, [])
    return took


def filtered(server: Server, person: Person, _case: str) -> int:
    terms = {"detained_from": person.day, "detained_to": person.day, "category": person.category}
    status, answer, took = server.ask("GET", f"/v1/detentions?{urlencode(terms)}", anonymous="yes")
    assert (status, answer["data"]) == (200, [])
    return took


def write(server: Server, person: Person, case: str) -> int:
    body = json.dumps(person.body(case, "anonymous")).encode()
    status, answer, took = server.ask("POST", "/v1/detentions", body, **JSON)
    assert (status, answer["match"]["outcome"]) == (201, "new")
    return took


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def form(person: Person, case: str) -> bytes:
    """A list of one row."""
    row = json.dumps(person.body(case, "anonymous"))
    return (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="l.jsonl"\r\n\r\n{row}\n\r\n--b--\r\n'.encode()
    )


def compare(server: Server, person: Person, case: str) -> int:
    path = "/v1/match/list?held_on=2000-01-01"  # a day of which the registry has nobody to lay beside the list
    status, answer, took = server.ask("POST", path, form(person, case), **FORM)
    assert (status, answer["summary"]["mine_only"]) == (200, 1)
    return took


def send_list(server: Server, person: Person, case: str, *, dry_run: bool = False) -> int:
    """Send a list of one row, and ask until it is through."""
    sent = form(person, case)
    begun = time.perf_counter_ns()
    path = "/v1/imports?dry_run=true" if dry_run else "/v1/imports"
    status, receipt, _took = server.ask("POST", path, sent, **FORM)
    assert status == 202, receipt
    until = time.monotonic() + PATIENCE
    while receipt["finished_at"] is None:
        assert time.monotonic() < until, "a list is not through"
        _status, receipt, _took = server.ask("GET", f"/v1/imports/{receipt['id']}")
    assert receipt["counts"]["new"] == 1, receipt
    return time.perf_counter_ns() - begun


def try_list(server: Server, person: Person, case: str) -> int:
    return send_list(server, person, case, dry_run=True)


ACTS: dict[str, Callable[[Server, Person, str], int]] = {
    "match": match, "comparisons": compare, "search": search, "lists": filtered, "dry_runs": try_list,
    "imports": send_list, "writes": write,
}  # fmt: skip
AGAIN = "lists"


class Population:
    """Invented people: many named, some hidden, and names of nobody."""

    def __init__(self, random: Random, named: int) -> None:
        self._random, self._names = random, Names(random)
        self.filed: list[Person] = [self._person("named") for _number in range(named)]

    def _person(self, publish: str | None) -> Person:
        first = 2015 if publish == "named" else 2005  # nobody named stands in the lists that are asked for
        year, month, day = (self._random.randrange(*of) for of in ((first, first + 10), (1, 13), (1, 29)))
        category = self._random.choice(("police", "military"))
        return Person(
            self._names.common() if publish == "named" else self._names.rare(),
            publish,
            self._random.randrange(1950, 1990),
            f"{year}-{month:02}-{day:02}",
            category,
        )

    def targets(
        self, number: int, publish: Sequence[str] = ("anonymous", "counted")
    ) -> tuple[list[Person], list[Person]]:
        """So many hidden people, and so many unknown ones."""
        hidden = [self._person(publish[place % len(publish)]) for place in range(number)]
        self.filed += hidden
        return hidden, [self._person(None) for _number in range(number)]

    def rows(self) -> str:
        people = self._random.sample(self.filed, len(self.filed))
        return "".join(json.dumps(person.body(f"P-{place}")) + "\n" for place, person in enumerate(people))


def wrong(person: Person) -> Person:
    """The same person as a wrong guess has it."""
    other = "police" if person.category == "military" else "military"
    return Person(person.name, person.publish, person.born, person.day, other)


@contextmanager
def served(recuento: str, folder: Path, rows: str) -> Iterator[Server]:
    """A server over a registry in which these rows were filed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECUENTO_")}
    environment |= {
        "RECUENTO_DATABASE_URL": f"sqlite:///{folder / 'registry.db'}",
        "RECUENTO_SECRET": "a secret of an invented registry",
        "NO_COLOR": "1",
        **dict.fromkeys(RATES, "0"),
    }

    def run(*arguments: str) -> str:
        done = subprocess.run([recuento, *arguments], env=environment, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    run("source", "add", "foro", "--name", "Foro", "--kind", "ngo", "--country", "VE")
    run("source", "add", "ministry", "--name", "Ministry", "--kind", "government", "--country", "VE")
    (folder / "people.jsonl").write_text(rows)
    run("import", "people.jsonl", "--source", "foro", "--confirm")
    run("source", "add", "jep", "--name", "JEP", "--kind", "ngo", "--country", "VE")
    keys = {who: run("key", "create", who, "--holder", "Ana Pérez") for who in ("ministry", "jep")}
    serve = [recuento, "serve", "--port", str(port)]
    process = subprocess.Popen(serve, env=environment, cwd=folder, stdout=subprocess.DEVNULL)
    try:
        with closing(_connected(port, keys)) as server:
            yield server
    finally:
        process.terminate()
        process.wait()


def _connected(port: int, keys: dict[str, str]) -> Server:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return Server(port, keys)
        except ConnectionRefusedError:
            assert time.monotonic() < until, "the server does not come up"
            time.sleep(0.05)


def measure(
    server: Server, kind: str, hidden: Sequence[Person], unknown: Sequence[Person], tries: int, random: Random
) -> Times:
    """The times of so many tries, half of each sort, in pairs; without the first tries, which fill caches. By lot one
    or the other comes first: what a server does at every second write must not look like a difference."""
    server.who = "jep" if kind in OF_AN_NGO else "ministry"
    act, times, warm = ACTS[kind], Times(), min(100, tries) if kind == AGAIN else 0
    for number in range(-warm // 2, tries // 2):
        for people, kept in random.sample([(hidden, times.hidden), (unknown, times.unknown)], 2):
            person = people[number % len(people)]
            took = act(server, person, f"{kind}-{number}-{person.publish is None}")
            if number >= 0:
                kept.append(took)
    return times


def single_auc(hidden: Sequence[float], unknown: Sequence[float]) -> float:
    """How often a hidden try is slower than an unknown one, of all pairs of them (Mann and Whitney)."""
    ranked = sorted([(took, True) for took in hidden] + [(took, False) for took in unknown])
    ranks = sum(rank for rank, (_took, is_hidden) in enumerate(ranked, 1) if is_hidden)
    number = len(hidden)
    return (ranks - number * (number + 1) / 2) / (number * len(unknown))


def means_auc(hidden: Sequence[float], unknown: Sequence[float]) -> tuple[float, float]:
    """`(estimate, half of the range)` of the same for means of TOGETHER tries, which are as good as normal."""
    every = sorted([*hidden, *unknown])
    most = every[int(CUT * (len(every) - 1))]
    cut = [[min(took, most) for took in times] for times in (hidden, unknown)]
    spread = ((variance(cut[0]) + variance(cut[1])) / TOGETHER) ** 0.5 or 1.0
    by_chance = 1.96 * (TOGETHER / len(hidden)) ** 0.5
    normal = NormalDist()
    return normal.cdf((mean(cut[0]) - mean(cut[1])) / spread), normal.cdf(by_chance) - 0.5


def report(kind: str, times: Times) -> str:
    estimate, chance = means_auc(times.hidden, times.unknown)
    took = " / ".join(f"{median(some) / 1e6:.2f}" for some in (times.hidden, times.unknown))
    return (
        f"{kind:<9}{len(times.hidden) + len(times.unknown):>7} tries, median ms hidden / unknown {took}, "
        f"AUC of one try {single_auc(times.hidden, times.unknown):.3f}, "
        f"of {TOGETHER:,} {estimate:.3f} (by chance {0.5 - chance:.2f} to {0.5 + chance:.2f})"
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tries", type=int, default=20_000, help="of each kind, half of them about somebody hidden")
    parser.add_argument("--people", type=int, default=3_000, help="named people in the registry")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument(
        "--recuento", default=str(Path(sys.executable).with_name("recuento")), help="the program to attack"
    )
    asked = parser.parse_args(given)
    random = Random(asked.seed)
    population = Population(random, asked.people)
    targets = {
        kind: population.targets(TARGETS, ["anonymous"]) if kind == AGAIN else population.targets(asked.tries // 2)
        for kind in asked.kinds
    }
    with (
        tempfile.TemporaryDirectory(prefix="recuento-attack-") as folder,
        served(asked.recuento, Path(folder), population.rows()) as server,
    ):
        for kind, (hidden, unknown) in targets.items():
            others = [wrong(person) for person in hidden] if kind == "lists" else unknown
            sys.stdout.write(report(kind, measure(server, kind, hidden, others, asked.tries, random)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""A small invented registry of three organisations and a ministry, and what the public reads of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy.engine import make_url

from tests.databases import USUAL, Templates, settings_of
from tests.drills.abuse import names
from tests.drills.abuse.attacks import FIRST_HAND, build_invented_releases, build_lines, invent_names
from tests.drills.abuse.measures import read_country, read_headline
from tests.support import GOVERNMENT, NOW, World

Body = dict[str, Any]

TRUSTED = ("foro", "jep")
STOLEN = "pud"  # an organisation whose key a government has; small enough that nothing of it waits
NEWCOMER = "newcomer"  # whose first list waits for a curator
HOSTILE = ("hostile-1", "hostile-2", "hostile-3")
THIEF = "thief"  # who has a second curator's key

PEOPLE = 60
LISTED = 65  # further people, in a list of one organisation: so that more can be hidden than one source may
NEWCOMERS = 60
SMALL_SOURCES = {STOLEN: 6, GOVERNMENT: 6}  # people whom each of them reports
OBJECTIONS = 5
JOINED = 4  # pairs that a curator joined
BEGUN = NOW + timedelta(hours=2)  # of an attempt: after the registry was filled, before anything waited for a day

COUNTED: tuple[tuple[str, str, Body], ...] = (
    ("released", "releases", {}),
    ("released net", "releases", {"net": "true"}),
    ("announced", "releases", {"stage": "announced"}),
    ("released, two sources", "releases", {"min_sources": 2}),
    ("released in VE", "releases", {"country": "VE"}),
    ("released in CO", "releases", {"country": "CO"}),
    ("released in January", "releases", {"released_from": "2026-01-08", "released_to": "2026-01-31"}),
    ("held in December", "held", {"held_on": "2025-12-31"}),
    ("held in February", "held", {"held_on": "2026-02-20"}),
    ("held, two sources", "held", {"held_on": "2025-12-31", "min_sources": 2}),
)


@dataclass(frozen=True)
class Page:
    """What a partner and the public read of a person."""

    publish: str
    public: str | None
    name: str | None


@dataclass(frozen=True)
class State:
    """What the registry tells. `confirmed`: claimants of figures that stand in headlines and charts, by id."""

    numbers: dict[str, int]
    headline: str
    country: str
    pages: dict[str, Page]
    confirmed: dict[str, str]


@dataclass(frozen=True)
class Targets:
    """Ids to act on. `own_reports`: by the source whose key is stolen; `decisions`: of curators."""

    people: tuple[str, ...]
    releases: tuple[str, ...]
    detentions: tuple[str, ...]
    own_reports: dict[str, tuple[str, ...]]
    decisions: tuple[str, ...]


@dataclass(frozen=True)
class SmallRegistry:
    """A template of the registry: its database, its keys, and what it tells before an attempt."""

    database: Path
    keys: dict[str, str]
    state: State
    targets: Targets

    @contextmanager
    def open_copy(self, number: str) -> Iterator[World]:
        """Open a copy of the registry."""
        path = self.database.with_name(f"attempt-{number}.db")
        shutil.copy(self.database, path)
        with World(settings_of(f"sqlite:///{path}"), begun=BEGUN, keys=self.keys) as world:
            yield world
        world.engine.dispose()
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()


def create_registry(folder: Path) -> SmallRegistry:
    """Fill a registry in good faith, before anybody turns hostile."""
    templates = Templates(folder)
    template, keys = templates.world("sqlite")
    with templates.copy("sqlite", template) as url:
        database = Path(str(make_url(url).database))
        for slug in TRUSTED:  # a checkout without numbers does not know the command, and counts everything
            _run_command(database, *names.build_trust_command(slug, names.ENOUGH))
        keys = {
            **keys,
            THIEF: _run_command(database, "key", "create", "--role", "curator", "--holder", "Holder of a key"),
        }
        assert keys[THIEF], "no key was created"
        with World(settings_of(url), keys=keys) as world:
            for slug in (NEWCOMER, *HOSTILE):
                world.add_source(slug)
            decisions = _fill(world)
            state = read_state(world)
            targets = _read_targets(world, decisions)
        world.engine.dispose()
        return SmallRegistry(database, world.keys, state, targets)


def _run_command(database: Path, *words: str) -> str:
    """Run a command of the checkout under test, and return what it prints."""
    environment = {
        **os.environ,
        "RECUENTO_DATABASE_URL": f"sqlite:///{database}",
        "RECUENTO_SECRET": str(USUAL["secret"]),
    }
    command = [sys.executable, "-m", "app.cli", *words]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _fill(world: World) -> tuple[str, ...]:
    random = Random("a small registry")
    world.add_facility()
    left = dict(SMALL_SOURCES)
    people: list[str] = []
    for index, name in enumerate(islice(invent_names(), PEOPLE)):
        body = _build_person(index, name, random)
        sources = [*random.sample(TRUSTED, k=random.choice((1, 2, 2)))]
        sources += [slug for slug, number in left.items() if number and random.random() < 0.4]
        for slug in sources:
            left |= {slug: left[slug] - 1} if slug in left else {}
            people.append(_file(world, slug, body, index))
    world.send_list(build_lines(build_invented_releases(LISTED + PEOPLE, "LISTED")[PEOPLE:]), "foro", confirm="true")
    newcomers = build_invented_releases(NEWCOMERS + LISTED + PEOPLE, "NEW")[LISTED + PEOPLE :]
    world.send_list(build_lines(newcomers), NEWCOMER, confirm="true")
    for number, slug in ((401, GOVERNMENT), (20, "foro"), (18, "jep")):
        world.post("/v1/claims", _build_claim(slug, number), slug)
    distinct = [*dict.fromkeys(people)]
    for index, detainee in enumerate(distinct[:OBJECTIONS]):
        world.object_to(f"/v1/detainees/{detainee}", host=f"203.0.{index}.7")
    world.beat()
    answers = [
        world.post(
            "/v1/identity",
            {
                "a": distinct[-1 - index],
                "b": distinct[-11 - index],
                "judgement": "same",
                "reason": "One man, two names.",
            },
            "curator",
        )
        for index in range(JOINED)
    ]
    return tuple(str(answer.json()["id"]) for answer in answers if answer.is_success and "id" in answer.json())


def _build_person(index: int, name: str, random: Random) -> Body:
    publish = random.choice(("named", "named", "anonymous", "anonymous", "counted"))
    body: Body = {
        "detainee": {
            "full_name": name,
            "birth_date": str(1950 + index % 45),
            "publish": publish,
            "nationalities": ["VE"],
        },
        "detention": {"detained_on": f"2025-{1 + index % 6:02}-{1 + index % 27:02}", "country": "VE"},
        "verification": FIRST_HAND if random.random() < 0.8 else {"verdict": "reported"},
    }
    if random.random() < 0.6:
        body["release"] = {"released_on": f"2026-01-{8 + index % 20:02}"}
    else:
        body["detention"] |= {"held_on": "2026-02-18", "facility": "El Rodeo I"}
    return body


def _file(world: World, slug: str, body: Body, index: int) -> str:
    path = "/v1/releases" if "release" in body else "/v1/detentions"
    answer = world.post(path, {**body, "source_record_id": f"{slug}-{index}"}, slug)
    assert answer.is_success, answer.text
    return str(answer.json()["detainee"]["id"])


def _build_claim(claimant: str, number: int) -> Body:
    body: Body = {"claimant": claimant, "measure": "released", "qualifier": "at_least", "said": number, "country": "VE"}
    return body | {"window_from": "2026-01-08", "stated_at": NOW.date().isoformat(), "series": "cumulative"}


def read_state(world: World) -> State:
    """Read the numbers, the front page, all people and the figures that stand."""
    page = world.client.get("/en/").text
    claims = read_list(world, "/v1/claims")
    return State(
        numbers=read_numbers(world),
        headline=read_headline(page),
        country=read_country(page),
        pages=read_pages(world),
        confirmed={claim["id"]: str(claim["claimant"]) for claim in claims if claim.get("confirmed", True)},
    )


def _read_targets(world: World, decisions: tuple[str, ...]) -> Targets:
    """Read ids in an order that is the same in each registry, whatever the ids are."""
    people = sorted(read_list(world, "/v1/detainees", "reader"), key=_describe)
    places = {person["id"]: place for place, person in enumerate(people)}

    def read_ids(path: str) -> tuple[str, ...]:
        rows = sorted(read_list(world, path), key=lambda row: places.get(row["detainee_id"], len(places)))
        return tuple(row["id"] for row in rows)

    own = {
        slug: tuple(report["id"] for report in sorted(read_list(world, "/v1/reports", slug), key=_get_case))
        for slug in SMALL_SOURCES
    }
    return Targets(tuple(places), read_ids("/v1/releases"), read_ids("/v1/detentions"), own, decisions)


def _describe(person: Body) -> str:
    reported = [detention["reported_by"] + detention["verified_by"] for detention in person["detentions"]]
    return f"{person['name']} {reported}"


def _get_case(report: Body) -> str:
    return str(report["source_record_id"])


def read_numbers(world: World) -> dict[str, int]:
    """Read the numbers of combined records, and the rows of the organisations that are honest."""
    numbers: dict[str, int] = {}
    for name, kind, terms in COUNTED:
        count = world.get(f"/v1/counts/{kind}", **terms).json()
        total, denied = count["total"], count["caveats"]["denied_by_some"]
        numbers |= {f"{name}: {part}": value for part, value in total.items() if isinstance(value, int)}
        numbers |= {f"{name}: denied by some": denied}
        numbers |= {f"{name}: {least} sources": value for least, value in total["by_min_sources"].items()}
    for group in world.get("/v1/counts/releases", group_by="source").json()["groups"]:
        source, counts = group["by"]["source"], group["counts"]
        if source in TRUSTED:
            numbers |= {f"row of {source}: {part}": counts[part] for part in ("verified", "reported", "people")}
    return numbers


def read_pages(world: World) -> dict[str, Page]:
    """Read all people as a partner and as the public."""
    public = {person["id"]: person for person in read_list(world, "/v1/detainees")}
    return {
        person["id"]: Page(
            person["publish"],
            json.dumps(public[person["id"]], sort_keys=True) if person["id"] in public else None,
            public.get(person["id"], {}).get("name"),
        )
        for person in read_list(world, "/v1/detainees", "reader")
    }


def read_list(world: World, path: str, who: str | None = None) -> list[Body]:
    """Return all pages of a list."""
    page = world.get(path, who, limit=200).json()
    rows: list[Body] = page["data"]
    while page["next"]:
        page = world.client.get(page["next"], headers=world.headers(who)).json()
        rows += page["data"]
    return rows

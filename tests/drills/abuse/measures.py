"""What the public reads of a registry before and after an attack, and how far it moved."""

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.drills.abuse import names
from tests.drills.abuse.registry import Server

CLASSES = ("withheld", "counted", "anonymous", "named")  # from closed to open
STATUSES = ("verified", "contested", "reported", "refuted")
HELD_ON = "2026-01-20"  # most people of the replay are in custody that day
LAST_DAYS = "2026-03-20"  # and one or two that day, which a rearrest changes


@dataclass(frozen=True)
class State:
    """`combined`: numbers of combined records by name; `classes`: by person, as a partner reads them; `shown`: whom the
    public may open; `named`: whom the public reads by name."""

    headline: str
    country: str
    combined: dict[str, int]
    waiting: dict[str, int]
    classes: dict[str, str]
    shown: frozenset[str]
    named: frozenset[str]


def read_state(server: Server) -> State:
    """Return the state that the public and a partner read."""
    page = server.ask("GET", "/en/").text
    releases = server.get("/v1/counts/releases")
    combined = read_total("released", releases)
    combined |= read_total("released, two sources", server.get("/v1/counts/releases", min_sources=2))
    for day in (HELD_ON, LAST_DAYS, datetime.now(UTC).date().isoformat()):
        name = "held today" if day > LAST_DAYS else f"held on {day}"
        combined |= read_total(name, server.get("/v1/counts/held", held_on=day))
    public = server.read_list("/v1/detainees")
    return State(
        headline=read_headline(page),
        country=read_country(page),
        combined=combined,
        waiting=names.read_waiting(releases),
        classes={person["id"]: person["publish"] for person in server.read_list("/v1/detainees", "reader")},
        shown=frozenset(person["id"] for person in public),
        named=frozenset(person["id"] for person in public if person["name"]),
    )


def read_total(name: str, count: dict[str, dict[str, int]]) -> dict[str, int]:
    """Return the numbers of a count's total by their full names."""
    total = count["total"]
    numbers = {name: total["cases"]}
    return numbers | {f"{name}: {part}": total[part] for part in STATUSES}


def read_headline(page: str) -> str:
    """Return the text of the first heading of a page."""
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", found.group(1))).split()) if found else ""


def is_same_headline(before: str, after: str, limit: int = 0) -> bool:
    """Whether two headlines say the same, with numbers that differ by a limit at most."""
    if re.sub(r"[\d,]+", "#", before) != re.sub(r"[\d,]+", "#", after):
        return False
    numbers = [[int(text) for text in re.findall(r"\d+", line.replace(",", ""))] for line in (before, after)]
    return all(abs(one - other) <= limit for one, other in zip(*numbers, strict=True))


def read_country(page: str) -> str:
    """Return the country that the figures of a page are about."""
    found = re.search(r"[?;&]country=([A-Z]{2})", page)
    return found.group(1) if found else ""


def find_moved(before: State, after: State) -> dict[str, int]:
    """Return by how much each combined number moved, without those that stayed."""
    moved = {name: after.combined[name] - number for name, number in before.combined.items()}
    return {name: number for name, number in moved.items() if number}


def find_hidden(server: Server, before: State, after: State) -> set[str]:
    """Return the people whom the public could open before the attack, and cannot open after it.

    Joined people are in the list once, and open under both ids."""
    return {person for person in before.shown - after.shown if not _is_open(server, person)}


def _is_open(server: Server, person: str) -> bool:
    return server.ask("GET", f"/v1/detainees/{person}", follow_redirects=True).is_success


def is_further_open(before: str, after: str) -> bool:
    """Whether a class opens more than another."""
    return CLASSES.index(after) > CLASSES.index(before)


def find_opened(before: State, after: State) -> set[str]:
    """Return the people whose class is further open than before, or whose name the public reads only now."""
    further = {
        person
        for person, publish in before.classes.items()
        if person in after.classes and is_further_open(publish, after.classes[person])
    }
    return further | ((after.named - before.named) & set(before.classes))

"""The attacks, each with one key, over HTTP as an attacker sends them."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from tests.drills.abuse.registry import ATTACKER, GOVERNMENT, HONEST, Body, Server

OTHER_COUNTRY = "CU"
CLAIMS = 200  # of a government about another country
PEOPLE = 302  # whom a reporter rearrests, denies or invents
LISTED_NAMES = 5_100
COMPARED_ROWS = 2_550  # in one request: two requests for all names
FILED_NAMES = 400
JOINED_PAIRS = 60
COPIED_FIELDS = ("measure", "qualifier", "window_from", "window_to", "stated_at", "zone", "country", "series")
WINDOW = {"country": "VE", "released_from": "2025-12-01", "released_to": "2026-03-31"}
FIRST_HAND: Body = {"verdict": "verified", "method": "family"}

GIVEN_NAMES = ("Amaranta", "Blas", "Casilda", "Donato", "Eulalia", "Fermín", "Gala", "Hipólito", "Inés", "Jacobo")
SYLLABLES = ("ba", "cer", "di", "fon", "gu", "lar", "me", "nis", "po", "run", "sa", "tel", "vi", "zo")
SURNAMES = len(SYLLABLES) ** 4  # of four syllables


def invent_names() -> Iterator[str]:
    """Yield names of invented people, who are in no registry, and have no surname in common."""
    for number in range(SURNAMES // 2):
        father, mother = (_build_surname(half * 2_741 % SURNAMES) for half in (2 * number, 2 * number + 1))
        yield f"{GIVEN_NAMES[number % len(GIVEN_NAMES)]} {father} {mother}"


def _build_surname(number: int) -> str:
    syllables = []
    for _ in range(4):
        number, syllable = divmod(number, len(SYLLABLES))
        syllables.append(SYLLABLES[syllable])
    return "".join(syllables).capitalize()


def build_lines(rows: Iterable[Body]) -> bytes:
    """Return rows as JSON Lines."""
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def build_invented_releases(number: int, prefix: str) -> list[Body]:
    """Return reports of releases of invented people, verified first-hand."""
    return [
        {
            "source_record_id": f"{prefix}-{index}",
            "detainee": {"full_name": name, "birth_date": f"{1950 + index * 7 % 50}", "publish": "anonymous"},
            "detention": {"detained_on": f"2025-{1 + index % 9:02}-{1 + index % 28:02}", "country": "VE"},
            "release": {"released_on": f"2026-01-{8 + index % 20:02}"},
            "verification": FIRST_HAND,
        }
        for index, name in enumerate(islice(invent_names(), number))
    ]


def file_own_claims(server: Server) -> None:
    """Let a government file its own figures about another country."""
    for number in range(CLAIMS):
        body = {"claimant": GOVERNMENT, "measure": "released", "qualifier": "more_than", "said": 1_000 + number}
        body |= {"country": OTHER_COUNTRY, "window_from": "2026-01-08", "stated_at": f"2026-03-{1 + number % 20:02}"}
        server.post("/v1/claims", body | {"series": "cumulative"}, GOVERNMENT)


def file_claims_of_others(server: Server) -> None:
    """Let a reporter file figures in the name of a ministry and of an organisation, like those that are filed."""
    claims = server.read_list("/v1/claims")
    for claimant, said in ((GOVERNMENT, 9_000), (HONEST, 2)):
        own = [claim for claim in claims if claim["claimant"] == claimant and claim["measure"] == "released"]
        for claim in own[-3:]:
            body = {field: claim[field] for field in COPIED_FIELDS if claim[field] is not None}
            body |= {"claimant": claimant, "said": said, "citation": {"url": "https://news.example/invented"}}
            server.post("/v1/claims", body, ATTACKER)


def hide_as_counted(server: Server) -> None:
    """Ask for everybody that they may only be counted."""
    _speak_of_everybody(server, {"publish": "counted"})


def hide_as_children(server: Server) -> None:
    """Give everybody the birth date of a child."""
    _speak_of_everybody(server, {"birth_date": "2012-03-04"})


def _speak_of_everybody(server: Server, person: Body) -> None:
    for shown in server.read_list("/v1/detainees"):
        body = {"detainee_id": shown["id"], "detainee": person, "verification": {"verdict": "reported"}}
        server.post("/v1/detentions", body, ATTACKER)


def rearrest(server: Server) -> None:
    """Report that released people are held again."""
    for release in _list_verified(server):
        detention = {"detained_on": "2026-03-10", "held_on": "2026-03-20", "country": "VE"}
        body = {"detainee_id": release["detainee_id"], "detention": detention, "verification": FIRST_HAND}
        server.post("/v1/detentions", body, ATTACKER)


def deny(server: Server) -> None:
    """Deny releases first-hand."""
    for release in _list_verified(server):
        path = f"/v1/releases/{release['id']}/verifications"
        server.post(path, {"verdict": "refuted", "method": "family"}, ATTACKER)


def deny_custody(server: Server) -> None:
    """Deny first-hand that people are held."""
    for detention in server.read_list("/v1/held", held_on="2026-01-20")[:PEOPLE]:
        body = {"detention_id": detention["id"], "verification": {"verdict": "refuted", "method": "family"}}
        server.post("/v1/detentions", body, ATTACKER)


def invent(server: Server) -> None:
    """Report releases of invented people in one list."""
    server.send_list(build_lines(build_invented_releases(PEOPLE, "INVENTED")), ATTACKER)


def _list_verified(server: Server) -> list[Body]:
    return server.read_list("/v1/releases", status="verified", released_from="2026-01-08")[:PEOPLE]


def identify(server: Server) -> dict[str, int]:
    """Look for anonymous people with a list of names, and return how many each way of asking identifies."""
    known = {
        person["id"]: person
        for person in server.read_list("/v1/detainees", "reader")
        if person["publish"] == "anonymous"
    }
    true_names = {person["name"]: person for person in known.values() if person["name"]}
    sought = [*true_names, *islice(invent_names(), LISTED_NAMES - len(true_names))]
    found: set[str] = set()
    for start in range(0, len(sought), COMPARED_ROWS):
        rows = [_build_sought(name, true_names.get(name)) for name in sought[start : start + COMPARED_ROWS]]
        files = {"file": ("list", build_lines(rows))}
        answer = server.ask("POST", "/v1/match/list", ATTACKER, params=WINDOW, files=files)
        found |= _read_identified(answer.json(), true_names)
    single = {
        name
        for name, person in true_names.items()
        if _is_candidate(server.post("/v1/match", _build_sought(name, person), ATTACKER).json(), person["id"])
    }
    filed = [
        {**_build_sought(name, true_names.get(name)), "source_record_id": f"LIST-{number}"}
        for number, name in enumerate(sought[:FILED_NAMES])
    ]
    trial = server.send_list(build_lines(filed), ATTACKER, dry_run="true")
    sent = server.send_list(build_lines(filed), ATTACKER, confirm="true")
    return {
        "people": len(true_names),
        "match/list": len(found),
        "match": len(single),
        "trial": trial["counts"]["linked"] + trial["counts"]["needs_review"],
        "filing": sent["counts"]["linked"] + sent["counts"]["needs_review"],
    }


def _build_sought(name: str, person: Body | None) -> Body:
    """Return what a state's register knows of a person: the name, the birth and, of prisoners, the day of arrest."""
    born = str(person["birth_year"]) if person and person["birth_year"] else "1980"
    body: Body = {"detainee": {"full_name": name, "birth_date": born}, "detention": {"country": "VE"}}
    days = (
        [detention["detained_on"] for detention in person["detentions"] if detention["detained_on"]] if person else []
    )
    if days:
        body["detention"]["detained_on"] = days[0]
    return body


def _read_identified(answer: dict[str, Any], true_names: dict[str, Body]) -> set[str]:
    pairs = [*answer.get("both", []), *answer.get("likely", [])]
    return {
        pair["mine"]["name"]
        for pair in pairs
        if pair["mine"]["name"] in true_names
        and pair["theirs"]["detainee_id"] == true_names[pair["mine"]["name"]]["id"]
    }


def _is_candidate(answer: dict[str, Any], detainee_id: str) -> bool:
    return any(candidate["detainee_id"] == detainee_id for candidate in answer.get("candidates", []))


def open_and_join(server: Server) -> None:
    """Let whoever stole a curator's key open everybody, and join people who are not the same."""
    people = server.read_list("/v1/detainees", "curator")
    closed_first = sorted(people, key=lambda person: str(person["publish"] != "counted"))
    for person in closed_first:
        body = {"publish": "named", "given_by": "the person", "given_on": "2026-03-20"}
        server.post(f"/v1/detainees/{person['id']}/consent", body, "curator")
    shown = [person["id"] for person in people if person["publish"] != "counted"]
    for one, other in islice(zip(shown[::2], shown[1::2], strict=False), JOINED_PAIRS):
        body = {"a": one, "b": other, "judgement": "same", "reason": "The same mother told both."}
        server.post("/v1/identity", body, "curator")

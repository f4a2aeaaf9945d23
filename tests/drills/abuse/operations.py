"""All that a hostile source or curator may write, drawn by seed."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Any

from tests.drills.abuse import names
from tests.drills.abuse.attacks import FIRST_HAND, build_lines, invent_names
from tests.drills.abuse.small_registry import HOSTILE, STOLEN, THIEF, Targets
from tests.support import GOVERNMENT, World

Body = dict[str, Any]

LIST_FROM = 8  # reports from which on most writes are one list
NUMBERS = (1, 1, 3, 8, 25, 25, 60, 130)  # people whom one write is about
MAX_STEPS = 6
OBJECTION = "objects for"
DENIALS = ("refuted", "disputed")
MAX_CLAIMS = 12
CORRECTIONS: tuple[Body, ...] = (
    {"release": {"released_on": "2026-02-11"}},
    {"detention": {"country": "CO"}},
    {"detention": {"held_on": "2026-02-25"}},
    {"detainee": {"publish": "named"}},
    {"detainee": {"publish": "counted"}},
    {"detainee": {"aliases": ["El Invento"]}},
    {"verification": {"verdict": "refuted", "method": "family"}},
    {"verification": {"verdict": "verified", "method": "lawyer"}},
)


@dataclass(frozen=True)
class Step:
    """One write, of a source or with a curator's key, about a number of people. `salt`: which ones."""

    operation: str
    who: str
    number: int
    salt: int

    def __str__(self) -> str:
        return f"{self.who} {self.operation} {self.number} (salt {self.salt})"


@dataclass(frozen=True)
class Attempt:
    """What one attacker does. `sources`: those whose keys it has, none for a curator's key."""

    role: str
    seed: int
    sources: tuple[str, ...]
    steps: tuple[Step, ...]


def draw_attempt(role: str, seed: int) -> Attempt:
    """Draw what a role does, the same for the same seed."""
    random = Random(f"{role} {seed}")
    if role == "curator":
        sources: tuple[str, ...] = ()
    elif role == "government":
        sources = (GOVERNMENT, STOLEN)
    else:
        sources = HOSTILE[: random.choice((1, 1, 2, 3))]
    operations = list(OF_CURATORS if role == "curator" else OF_SOURCES)
    steps = tuple(
        Step(
            random.choice(operations),
            random.choice(sources or (THIEF,)),
            random.choice(NUMBERS),
            random.randrange(10**6),
        )
        for _ in range(random.randint(1, MAX_STEPS))
    )
    return Attempt(role, seed, sources, steps)


class Hand:
    """Does steps in a copy of the registry. What is refused changes nothing."""

    def __init__(self, world: World, targets: Targets) -> None:
        self.world, self.targets = world, targets
        self.reports = {slug: list(own) for slug, own in targets.own_reports.items()}
        self.written = 0

    def take(self, step: Step) -> None:
        """Do one step."""
        operations = OF_CURATORS if step.who == THIEF else OF_SOURCES
        operations[step.operation](self, step, Random(step.salt))

    def pick(self, things: Sequence[Any], step: Step, random: Random) -> list[Any]:
        """Return as many things as the step is about."""
        return random.sample(things, k=min(step.number, len(things)))

    def post(self, path: str, body: Body, who: str) -> Body:
        """Send a body; the answer, empty if it was refused."""
        answer = self.world.post(path, body, who)
        assert answer.status_code < 500, answer.text
        self.written += answer.is_success
        return dict(answer.json()) if answer.is_success else {}

    def file(self, step: Step, random: Random, bodies: list[Body]) -> None:
        """File reports one by one or as one list."""
        if len(bodies) >= LIST_FROM and random.random() < 0.75:
            self.world.send_list(build_lines(bodies), step.who, confirm="true")
            self.written += 1
            return
        for body in bodies:
            answer = self.post("/v1/releases" if "release" in body else "/v1/detentions", body, step.who)
            if "report" in answer:
                self.reports.setdefault(step.who, []).append(answer["report"]["id"])


def _invent(hand: Hand, step: Step, random: Random) -> None:
    start = random.randrange(2_000, 6_000)
    bodies: list[Body] = [
        {
            "source_record_id": f"{step.salt}-{index}",
            "detainee": {
                "full_name": name,
                "birth_date": str(random.randint(1950, 2012)),
                "publish": _draw_class(random),
            },
            "detention": {
                "detained_on": f"2025-0{random.randint(1, 9)}-11",
                "country": random.choice(("VE", "VE", "CO")),
            },
            "verification": _draw_verification(random),
        }
        for index, name in enumerate(islice(invent_names(), start, start + step.number))
    ]
    for body in bodies:
        if random.random() < 0.6:
            body["release"] = {"released_on": f"2026-01-{random.randint(8, 28):02}"}
        else:
            body["detention"]["held_on"] = "2026-02-21"
    hand.file(step, random, bodies)


def _rearrest(hand: Hand, step: Step, random: Random) -> None:
    detention = {"detained_on": random.choice(("2026-02-01", "2025-02-01")), "held_on": "2026-02-21", "country": "VE"}
    hand.file(step, random, [
        {"detainee_id": detainee, "detention": detention, "verification": _draw_verification(random)}
        for detainee in hand.pick(hand.targets.people, step, random)
    ])  # fmt: skip


def _deny_releases(hand: Hand, step: Step, random: Random) -> None:
    verdict = {"verdict": random.choice(DENIALS), "method": "family"}
    for release in hand.pick(hand.targets.releases, step, random):
        hand.post(f"/v1/releases/{release}/verifications", verdict, step.who)


def _deny_custody(hand: Hand, step: Step, random: Random) -> None:
    verdict = {"verdict": random.choice(DENIALS), "method": "family"}
    hand.file(step, random, [
        {"detention_id": detention, "verification": verdict}
        for detention in hand.pick(hand.targets.detentions, step, random)
    ])  # fmt: skip


def _verify_releases(hand: Hand, step: Step, random: Random) -> None:
    for release in hand.pick(hand.targets.releases, step, random):
        body: Body = {**_draw_verification(random)}
        body |= {"released_on": "2026-02-14"} if random.random() < 0.5 else {}
        hand.post(f"/v1/releases/{release}/verifications", body, step.who)


def _release_the_held(hand: Hand, step: Step, random: Random) -> None:
    release = {
        "released_on": random.choice(("2026-01-09", "2026-02-14")),
        "stage": random.choice(("carried_out", "announced")),
    }
    hand.file(step, random, [
        {"detainee_id": detainee, "release": release, "verification": _draw_verification(random)}
        for detainee in hand.pick(hand.targets.people, step, random)
    ])  # fmt: skip


def _end_otherwise(hand: Hand, step: Step, random: Random) -> None:
    ended = random.choice(({"how": "died", "on": "2026-02-01"}, {"how": "escaped", "on": "2025-12-02"}))
    hand.file(step, random, [
        {"detainee_id": detainee, "detention": {"ended": ended}, "verification": _draw_verification(random)}
        for detainee in hand.pick(hand.targets.people, step, random)
    ])  # fmt: skip


def _speak_of_people(hand: Hand, step: Step, random: Random) -> None:
    """Ask for another class, or give a child's birth, another name, another country or a death."""
    said = random.choice((
        {"detainee": {"publish": _draw_class(random)}},
        {"detainee": {"birth_date": "2012-03-04"}},
        {"detainee": {"aliases": ["El Invento", "Otro Nombre Inventado"]}},
        {"detainee": {"full_name": "Otro Nombre Inventado"}},
        {"detainee": {"died_on": "2026-01-10"}},
        {"detention": {"country": "CO"}},
        {"detention": {"facility": "El Rodeo I", "held_on": "2026-02-21"}},
    ))  # fmt: skip
    hand.file(step, random, [
        {"detainee_id": detainee, "verification": _draw_verification(random), **said}
        for detainee in hand.pick(hand.targets.people, step, random)
    ])  # fmt: skip


def _correct(hand: Hand, step: Step, random: Random) -> None:
    patch = random.choice(CORRECTIONS)
    headers = hand.world.headers(step.who)
    for report in hand.pick(hand.reports.get(step.who, []), step, random):
        answer = hand.world.client.patch(f"/v1/reports/{report}", json=patch, headers=headers)
        assert answer.status_code < 500, answer.text
        hand.written += answer.is_success


def _retract(hand: Hand, step: Step, random: Random) -> None:
    for report in hand.pick(hand.reports.get(step.who, []), step, random):
        hand.post(f"/v1/reports/{report}/retract", {"reason": "withdrawn"}, step.who)


def _claim(hand: Hand, step: Step, random: Random) -> None:
    for _ in range(min(step.number, MAX_CLAIMS)):
        claimant = random.choice((step.who, step.who, GOVERNMENT, "foro"))
        body: Body = {"claimant": claimant, "measure": random.choice(("released", "released", "held")), "said": 5_000}
        body |= {"qualifier": random.choice(("at_least", "exactly")), "country": random.choice(("VE", "CO"))}
        body |= {"window_from": "2026-01-08", "stated_at": "2026-02-20", "series": "cumulative"}
        hand.post("/v1/claims", body, step.who)


def _object(hand: Hand, step: Step, random: Random) -> None:
    """Object without a key, as anybody may, from one network."""
    for detainee in hand.pick(hand.targets.people, step, random):
        hand.world.object_to(f"/v1/detainees/{detainee}", host=f"198.51.100.{step.salt % 250}")
    hand.world.beat()


def _consent(hand: Hand, step: Step, random: Random) -> None:
    publish = random.choice(("named", "named", "anonymous"))
    for detainee in hand.pick(hand.targets.people, step, random):
        body = {"publish": publish, "given_by": random.choice(("the person", "guardian")), "given_on": "2026-02-26"}
        hand.post(f"/v1/detainees/{detainee}/consent", body, step.who)


def _close(hand: Hand, step: Step, random: Random) -> None:
    for detainee in hand.pick(hand.targets.people, step, random):
        body = {"publish": "counted", "given_by": "the person", "given_on": "2026-02-26"}
        hand.post(f"/v1/detainees/{detainee}/consent", body, step.who)


def _judge(hand: Hand, step: Step, random: Random) -> None:
    judgement = random.choice(("same", "same", "different"))
    people = hand.pick(hand.targets.people, Step(step.operation, step.who, 2 * step.number, step.salt), random)
    for one, other in zip(people[::2], people[1::2], strict=False):
        body = {"a": one, "b": other, "judgement": judgement, "reason": "The same mother told both."}
        hand.post("/v1/identity", body, step.who)


def _undo_decisions(hand: Hand, step: Step, random: Random) -> None:
    for decision in hand.pick(hand.targets.decisions, step, random):
        answer = hand.world.client.delete(f"/v1/identity/{decision}", headers=hand.world.headers(step.who))
        assert answer.status_code < 500, answer.text
        hand.written += answer.is_success


def _decide_objections(hand: Hand, step: Step, random: Random) -> None:
    rows = hand.world.get("/v1/objections", step.who).json()["data"]
    for row in hand.pick(rows, step, random):
        objections = [one["id"] for one in row.get("objections", [row])]
        body = {"decision": "dismissed", "reason": "Nobody can say who wrote this.", "objections": objections}
        hand.post(f"/v1/objections/{objections[0]}/decision", body, step.who)


def _approve(hand: Hand, step: Step, random: Random) -> None:
    answer = hand.world.get(names.BATCHES_PATH, step.who)
    batches = answer.json()["data"] if answer.is_success else []
    for batch in hand.pick(batches, step, random):
        hand.post(names.BATCHES_PATH, names.build_approval(batch), step.who)


def _confirm_claims(hand: Hand, step: Step, random: Random) -> None:
    """File figures in the name of others, and confirm whatever waits for it."""
    _claim(hand, step, random)
    for claim in hand.world.get("/v1/claims", step.who, limit=200).json()["data"]:
        if not claim.get("confirmed", True):
            answer = hand.world.client.post(
                f"/v1/claims/{claim['id']}/confirmation", headers=hand.world.headers(step.who)
            )
            assert answer.status_code < 500, answer.text


def _move_facility(hand: Hand, step: Step, random: Random) -> None:
    patch = {"country": random.choice(("CO", "VE")), "area": "Inventada"}
    hand.world.client.patch("/v1/facilities/el-rodeo-i", content=json.dumps(patch), headers={
        **hand.world.headers(step.who), "Content-Type": "application/json"})  # fmt: skip


def _draw_class(random: Random) -> str:
    return random.choice(("named", "anonymous", "counted", "counted"))


def _draw_verification(random: Random) -> Body:
    return random.choice((FIRST_HAND, FIRST_HAND, {"verdict": "reported"}, {"verdict": "refuted", "method": "family"}))


OF_SOURCES: dict[str, Callable[[Hand, Step, Random], None]] = {
    "invents": _invent,
    "rearrests": _rearrest,
    "denies the releases of": _deny_releases,
    "denies the custody of": _deny_custody,
    "verifies the releases of": _verify_releases,
    "releases": _release_the_held,
    "ends the detention of": _end_otherwise,
    "speaks of": _speak_of_people,
    "speaks also of": _speak_of_people,  # a second time: it has seven forms
    "corrects": _correct,
    "withdraws": _retract,
    "claims": _claim,
    OBJECTION: _object,
}
OF_CURATORS: dict[str, Callable[[Hand, Step, Random], None]] = {
    "consents for": _consent,
    "closes": _close,
    "judges": _judge,
    "undoes": _undo_decisions,
    "decides objections of": _decide_objections,
    "approves": _approve,
    "confirms": _confirm_claims,
    "moves a facility": _move_facility,
    OBJECTION: _object,
}

"""Random histories of two registries that differ only in what a reader may not see: both tell it the same.

A trial is played twice, with the same ids. In each some of the others' reports are of people who may only be counted,
with names, births, places and the like of that registry alone; whom one registry could recognise, the other may not.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from random import Random
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from app.models import Entry
from app.queries.dimensions import RELEASES as COUNTED
from app.queries.dimensions import list_dimensions
from tests.properties.steps import Body, Clerk, Consent, File, Registry, Step, Verify
from tests.support import GOVERNMENT, make_report
from tests.trials.drawing import Trial
from tests.trials.steps import Hand
from tests.two_registries import DIGESTS, without_leaves

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Told = list[tuple[str, str]]  # what was asked, and the answer

SIDES = 2
ASKED = 22  # of the questions below, in one trial: all of them would take longer than the trial
# People of whom nobody speaks but to have them counted. (Who asks that somebody named be counted hides a person whom
# everybody saw, and that is seen.) Grown-ups all: a child is of that class without being asked for. No day of birth is
# whole: a curator is refused to join two of these that differ.
NAMES = ("Delia Arteaga Mora", "Delia Arteaga", "Fermín Castro Lugo", "Fermin Castro")
HIDDEN: dict[str, tuple[Any, ...]] = {
    "full_name": NAMES,
    "birth_date": ("1971", "1971-05", "1940-05", "1989"),
    "gender": ("male", "female"),
    "nationalities": (["VE"], ["AR", "CO"]),
    "category": ("civilian", "military", "police"),
    "groups": (["student"], ["gravely_ill", "student"]),
    "father_name": ("Luis Alfonzo", "Pedro Quintana"),
}
HIDDEN_OF_THE_DETENTION: dict[str, tuple[Any, ...]] = {
    "facility": ("El Rodeo I", "Helicoide", "a house nobody registered"),
    "legal_status": ("pretrial", "convicted"),
}
HIDDEN_OF_THE_RELEASE: dict[str, tuple[Any, ...]] = {"conditions": (["travel_ban"], ["gag_order", "reporting_duty"])}
# On which of these days somebody was arrested is sealed; the month is not.
HIDDEN_ARRESTS = ("2024-10-13", "2024-10-02", "2024-10-31")
CHECKED_ITSELF = ("family", "lawyer")  # which of these it was is sealed; that it was one of them is not
OPEN_STILL = 0.5  # of the reports of other organisations
APART = 10  # case numbers of people who may only be counted are others than those of the named

RELEASES, DETENTIONS, HELD, OVERLAP, SERIES = (
    f"/v1/counts/{name}" for name in ("releases", "detentions", "held", "overlap", "series")
)
GROUPS = list_dimensions(COUNTED)
FILTERS: tuple[Body, ...] = (
    {"gender": "female"}, {"nationality": "VE"}, {"not_nationality": "VE"}, {"facility": "el-rodeo-i"},
    {"age_group": "18_to_69"}, {"group": "student"}, {"condition": "travel_ban"}, {"category": "military"},
    {"legal_status": "pretrial"}, {"detained_from": "2024-10-05"}, {"net": "true"}, {"min_sources": 1},
    {"rearrested": "true"}, {"source": "jep"}, {"released_from": "2026-01-08", "released_to": "2026-01-12"},
)  # fmt: skip
LISTS = ("/v1/releases", "/v1/detainees", "/v1/detentions", "/v1/held")
QUESTIONS: tuple[tuple[str, Body], ...] = (
    *((RELEASES, {"group_by": name}) for name in GROUPS),
    *((HELD, {"held_on": "2026-01-11", "group_by": name}) for name in ("source", "facility", "gender")),
    *((HELD, {"held_on": "2025-12-31", **some}) for some in FILTERS[:4]),
    *((DETENTIONS, {"group_by": name}) for name in ("source", "ended", "month")),
    *((path, some) for path in (RELEASES, OVERLAP, *LISTS[:2]) for some in FILTERS),
    *((path, {"q": name}) for path in LISTS for name in ("Delia Arteaga", "Quintana")),
    *((f"{path}.csv", {}) for path in LISTS),
    *((SERIES, {"interval": "month", **some}) for some in ({}, {"by": "event"}, {"gender": "male"})),
    ("/v1/review", {}), ("/v1/claims", {}), ("/v1/corrections.atom", {}), ("/v1/sources/jep/balance", {}),
    ("/v1/estimates/releases", {"lists": ["foro", "jep"]}), ("/v1/proposals", {}), ("/v1/objections", {}),
)  # fmt: skip
# Asked in every trial, at the head and of revisions before it.
ALWAYS = (RELEASES, OVERLAP, *LISTS, "/v1/corrections")

_ENTRIES = select(col(Entry.revision), col(Entry.body)).order_by(col(Entry.revision))


def tell_apart(registry: Registry, trial: Trial, who: str | None = None) -> list[str]:
    """What the two registries of a trial answer this reader differently; nothing where no byte differs."""
    one, other = (_told(registry, trial, side, who) for side in range(SIDES))
    return [
        f"{asked}\n    one   {first}\n    other {second}"
        for (asked, first), (_asked, second) in zip_longest(one, other, fillvalue=("nothing", "nothing"))
        if first != second
    ]


def _told(registry: Registry, trial: Trial, side: int, who: str | None) -> Told:
    told: Told = []
    with registry.after([]) as clerk:
        hand = Hand(clerk, trial.seed)
        for step in (*trial.honest, *trial.attack, *probes(trial)):
            made = of_side(step, trial, side)
            if made is not None:
                hand.take_as(made, step)
                told.append((f"after {step}", f"{clerk.refused} refused, {len(clerk.records)} records"))
        told += _log(clerk)
        kinds = ("release", "detention", "detainee")
        known = {str(clerk.thing(kind, number)) for kind in kinds for number in range(len(clerk.records))}
        told += [
            (f"{path} {terms}", _answer(clerk, who, path, terms, known)) for path, terms in _questions(clerk, trial)
        ]
    return told


def probes(trial: Trial) -> list[Step]:
    """The hostile source reports people, named, whom one of the registries may know and the other not."""
    return [File(trial.hostile, make_report(detainee__full_name=name)) for name in (NAMES[1], NAMES[2])]


def of_side(step: Step, trial: Trial, side: int) -> Step | None:
    """A step as it is taken in one of the registries; None where it would show what is hidden. A report by another
    organisation is made one of somebody who may only be counted now and then."""
    if isinstance(step, Consent):
        return None
    # A state hides nobody whom others name, so that what it says of them may be seen.
    if not isinstance(step, File) or step.source in (trial.hostile, GOVERNMENT):
        return step
    drawn = Random(f"{trial.seed} {step}")
    if drawn.random() < OPEN_STILL:
        return step
    person = f"{step.source} {step.case}" if step.case is not None else str(step)
    values = Random(f"{trial.seed} {side} {person}")

    def hidden(among: dict[str, tuple[Any, ...]]) -> Body:
        return {name: values.choice(some) for name, some in among.items()}

    body = {section: dict(said) for section, said in step.body.items()}
    detainee = hidden(HIDDEN) if step.points is None else {"gender": values.choice(HIDDEN["gender"])}
    body["detainee"] = {**detainee, "publish": "counted"}
    body["detention"] |= hidden(HIDDEN_OF_THE_DETENTION)
    if body["detention"].get("detained_on") in HIDDEN_ARRESTS:
        body["detention"]["detained_on"] = values.choice(HIDDEN_ARRESTS)
    if "release" in body:
        body["release"] |= hidden(HIDDEN_OF_THE_RELEASE)
    # Who verifies again says the method openly: the same one as the hidden one would be a repeat, another a correction.
    verifies_again = any(isinstance(one, Verify) and one.source == step.source for one in trial.honest)
    if body["verification"]["method"] in CHECKED_ITSELF and not verifies_again:
        body["verification"]["method"] = Random(f"{trial.seed} {side} {person} method").choice(CHECKED_ITSELF)
    return replace(step, body=body, case=None if step.case is None else step.case + APART)


def _log(clerk: Clerk) -> Iterator[tuple[str, str]]:
    """What stands readable in the log. Of what is sealed it has digests."""
    with clerk.session() as session:
        for revision, text in session.execute(_ENTRIES):
            body = json.loads(text)
            body.pop("_sd", None)
            yield f"entry {revision}", json.dumps(body, sort_keys=True)


def _questions(clerk: Clerk, trial: Trial) -> Iterator[tuple[str, Body]]:
    with clerk.session() as session:
        head = max(session.scalars(select(col(Entry.revision))))
    for path in ALWAYS:
        yield path, {}
        yield path, {"as_of": head * 2 // 3}
    for path in LISTS:
        yield path, {"changed_since": head // 2}
    yield from Random(trial.seed).sample(QUESTIONS, ASKED)
    for number in range(len(clerk.records)):
        yield f"/v1/releases/{clerk.thing('release', number)}", {}
        yield f"/v1/detentions/{clerk.thing('detention', number)}", {}
        yield f"/v1/detainees/{clerk.thing('detainee', number)}/history", {}


def _answer(clerk: Clerk, who: str | None, path: str, terms: Body, known: set[str]) -> str:
    """An answer without what is a digest over the log: tags, and the ids of corrections."""
    world = clerk.world
    answer = world.client.get(path, params=terms, headers=world.headers(who), follow_redirects=False)
    headers = {name: value for name, value in answer.headers.items() if name not in DIGESTS}
    text = f"{answer.status_code} {sorted(headers.items())} {answer.text}"
    return _UUID.sub(lambda found: found[0] if found[0] in known else "a digest", without_leaves(text))

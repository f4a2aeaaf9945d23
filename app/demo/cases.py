"""Hard cases of the field, told with invented people: reports besides the verified lists of `plan.py`.

None of them touches a published figure: what is added is reported, refuted, ordered or held, or comes from a
body whose list is not replayed, or is a new version of a record that keeps the release's day and verdict.

 1. One man, two arrest dates, two nationalities, an NGO one day and a foreign ministry the next: `bodies.py`
    (`ARGENTINE_ISRAELI`), the ministry here; no government's key is matched with who is unnamed, so that a curator
    joins the two: `JOINED`.
 2. Two men "handed over" according to a government; days later nobody has seen them; one is really out seven
    weeks later, among the 303: `_handed_over`.
 3. Out, taken again within hours, then house arrest: `_taken_again`.
 4. Ordered on 19 January, still held on 23 March: `_ordered_only`.
 5. Released, detained again at the border, released: `_at_the_border`.
 6. Amnesty refused, then acquitted: `_acquitted`.
 7. Already out, measures lifted by the amnesty: `_measures_lifted`.
 8. Taken across a border, refuses, turned back into prison: `_turned_back`.
 9. The same person twice in one list of sixteen, and "Roberto (surname not confirmed)": `_press_workers`. The
    matcher lets the two rows wait for a curator, who joins them the same evening: `JOINED`.
10. A page that dates itself seventeen months too early: `bodies.py` (`MISDATED`).
11. One source, one day: 41, 48, 49, 56; 80 made 104 the same evening: `plan.py`.
12. A past fact revised, 50/37/23 become 53/24/26/6/1 two months later: `outcomes` and `_outcomes_revised`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from app.demo.people import (
    ACQUITTED,
    ARGENTINE_ISRAELI,
    AT_THE_BORDER,
    HANDED_OVER,
    NAMES,
    NEVER_SEEN,
    ORDERED_ONLY,
    TAKEN_AGAIN,
    TURNED_BACK,
    Body,
    Person,
    held_body,
    people,
    release_body,
)
from app.demo.plan import DECEMBER, caracas, local_day, places, shuffled

Kind = Literal["release", "detention"]
Filed = Mapping[tuple[str, int], datetime]

MEASURES_LIFTED = (150, 233, 301)
TWICE_IN_THE_LIST = 212


@dataclass(frozen=True, slots=True)
class Joined:
    """A curator's judgement that two records, each a source and its case number, are one person."""

    at: datetime
    records: tuple[tuple[str, str], tuple[str, str]]
    reason: str


JOINED = (
    Joined(
        at=caracas("2026-01-13T10:30"),
        records=(("foro-penal", "FP-2026-0054"), ("cancilleria-argentina", "MRE-2026-0001")),
        reason="The ministry speaks of its own citizen, and names the same prison and day.",
    ),
    Joined(
        at=caracas("2026-01-14T20:00"),
        records=(("sntp", "SNTP-2026-0005"), ("sntp", "SNTP-2026-0016")),
        reason="The list of sixteen names him twice, with the same facts.",
    ),
)

# Foro Penal's outcomes of 110 of the December releases, as known then and as revised. The thirteen that
# change were all unknown: three more under measures, three more in full freedom, six at home, one on parole.
BEFORE = {"release_with_measures": 50, "unspecified": 37, "full_release": 23}
AFTER = {
    "release_with_measures": 53,
    "unspecified": 24,
    "full_release": 26,
    "house_arrest": 6,
    "conditional_release": 1,
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A report without its case number; the same `record` of a source again is its next version."""

    at: datetime
    source: str
    record: str
    kind: Kind
    body: Body


def record_of(person: int) -> str:
    """The record that a source's list keeps of a person's release."""
    return f"person {person}"


@cache
def outcomes() -> dict[int, tuple[str, str]]:
    """Kind of release before and after the revision, of 110 of those released in December."""
    before = [kind for kind, count in BEFORE.items() for _ in range(count)]
    gains = {kind: count - BEFORE.get(kind, 0) for kind, count in AFTER.items()}
    new = iter([kind for kind, count in gains.items() for _ in range(max(count, 0))])
    after = [next(new, kind) if kind == "unspecified" else kind for kind in before]
    known = [person for person in shuffled(DECEMBER, "outcome") if person != TAKEN_AGAIN]
    return dict(zip(known, zip(before, after, strict=True), strict=False))


def as_first_known(person: Person) -> Person:
    """The person with the outcome that Foro Penal had of the release before the revision."""
    before, _ = outcomes().get(person.id, (person.kind, ""))
    return with_outcome(person, before)


def with_outcome(person: Person, kind: str) -> Person:
    """The person with another outcome; only who is under measures has conditions."""
    measures = person.conditions or ("reporting_duty",)
    return replace(person, kind=kind, conditions=measures if kind == "release_with_measures" else ())


def cases(filed: Filed) -> Iterator[Draft]:
    """Every report beside the lists, in no order; `filed` says when each source filed each person."""
    yield from _foreign_ministry()
    yield from _handed_over()
    yield from _taken_again()
    yield from _ordered_only()
    yield from _at_the_border()
    yield from _acquitted()
    yield from _measures_lifted(filed)
    yield from _turned_back()
    yield from _press_workers()
    yield from _outcomes_revised(filed)


def _draft(at: str, source: str, record: str, body: Body) -> Draft:
    return Draft(caracas(at), source, record, "release" if "release" in body else "detention", body)


def _said(number: int, source: str, verdict: str, method: str, release: Body | None = None, **held: str) -> Body:
    """What a source says of a person: a verdict, how it knows, and a release or a detail of the detention."""
    body = held_body(people()[number], source)
    body["detention"] |= held
    body["verification"] = {"verdict": verdict, "method": method}
    return body if release is None else body | {"release": release}


def _foreign_ministry() -> Iterator[Draft]:
    out = {"released_on": "2026-01-12"}
    body = _said(ARGENTINE_ISRAELI, "cancilleria-argentina", "verified", "diplomatic", out)
    yield _draft("2026-01-13T10:12", "cancilleria-argentina", record_of(ARGENTINE_ISRAELI), body)


def _handed_over() -> Iterator[Draft]:
    out = {"released_on": "2025-11-24"}
    for minute, number in enumerate((HANDED_OVER, NEVER_SEEN)):
        body = _said(number, "ministerio-penitenciario", "reported", "official_statement", out)
        yield _draft(f"2025-11-24T18:0{minute}", "ministerio-penitenciario", record_of(number), body)
        body = _said(number, "clippve", "refuted", "family", out)
        yield _draft(f"2025-11-28T11:0{minute}", "clippve", record_of(number), body)


def _taken_again() -> Iterator[Draft]:
    record = f"{record_of(TAKEN_AGAIN)}, again"
    body = _said(TAKEN_AGAIN, "foro-penal", "verified", "lawyer", detained_on="2025-12-25")
    body["detention"]["facility"] = NAMES["zona-7"]
    yield _draft("2025-12-26T20:25", "foro-penal", record, body)
    home = {"released_on": "2026-01-02", "kind": "house_arrest", "conditions": ["police_custody"]}
    body = body | {"release": home, "verification": {"verdict": "reported", "method": "press"}}
    yield _draft("2026-01-03T10:40", "foro-penal", record, body)


def _ordered_only() -> Iterator[Draft]:
    order = {"stage": "ordered", "ordered_on": "2026-01-19"}
    for at, held_on in (("2026-01-20T15:30", "2026-01-20"), ("2026-03-23T12:00", "2026-03-23")):
        body = _said(ORDERED_ONLY, "foro-penal", "verified", "release_order", order, held_on=held_on)
        yield _draft(at, "foro-penal", record_of(ORDERED_ONLY), body)


def _at_the_border() -> Iterator[Draft]:
    record = f"{record_of(AT_THE_BORDER)}, again"
    body = _said(AT_THE_BORDER, "foro-penal", "verified", "fellow_prisoner", detained_on="2026-01-22")
    del body["detention"]["facility"]
    body["detention"]["place"] = "at the border, San Antonio del Táchira"
    yield _draft("2026-01-23T09:35", "foro-penal", record, body)
    out = {"released_on": "2026-02-03"}
    body = body | {"release": out, "verification": {"verdict": "reported", "method": "press"}}
    yield _draft("2026-02-04T14:20", "foro-penal", record, body)


def _acquitted() -> Iterator[Draft]:
    amnesty = {"stage": "announced", "announced_on": "2026-02-20", "kind": "amnesty"}
    body = _said(ACQUITTED, "comision-amnistia", "reported", "official_list", amnesty)
    yield _draft("2026-02-20T19:00", "comision-amnistia", record_of(ACQUITTED), body)
    refused = {"stage": "ordered", "kind": "amnesty"}
    body = _said(ACQUITTED, "foro-penal", "refuted", "court_record", refused, held_on="2026-02-26")
    yield _draft("2026-02-26T16:10", "foro-penal", record_of(ACQUITTED), body)
    out = {"released_on": "2026-03-09", "kind": "acquittal"}
    body = _said(ACQUITTED, "foro-penal", "reported", "press", out)
    yield _draft("2026-03-10T11:45", "foro-penal", record_of(ACQUITTED), body)


def _measures_lifted(filed: Filed) -> Iterator[Draft]:
    for minute, number in enumerate(MEASURES_LIFTED):
        body = release_body(people()[number], "foro-penal", local_day(filed["foro-penal", number]))
        body["release"] |= {"conditions": [], "measures_lifted_on": "2026-02-25"}
        yield _draft(f"2026-02-27T10:1{minute}", "foro-penal", record_of(number), body)


def _turned_back() -> Iterator[Draft]:
    abroad = {"released_on": "2026-01-24", "kind": "banishment", "destination": "CO"}
    body = _said(TURNED_BACK, "ministerio-interior", "reported", "official_statement", abroad)
    yield _draft("2026-01-24T15:15", "ministerio-interior", record_of(TURNED_BACK), body)
    body = _said(TURNED_BACK, "foro-penal", "refuted", "fellow_prisoner", abroad)
    yield _draft("2026-01-27T13:05", "foro-penal", record_of(TURNED_BACK), body)


def _press_workers() -> Iterator[Draft]:
    """A list that says sixteen and holds fifteen; and a man of whom the families have half a name."""
    listed = [place.id for place in places() if place.group == "journalist"]
    first = caracas("2026-01-14T18:20")
    for number, person in enumerate([*listed, TWICE_IN_THE_LIST]):
        body = release_body(people()[person], "sntp", local_day(first))
        record = record_of(person) if number < len(listed) else f"{record_of(person)}, twice"
        yield Draft(first + timedelta(minutes=number), "sntp", record, "release", body)
    roberto: Body = {
        "detainee": {"full_name": "Roberto", "gender": "male", "nationalities": ["VE"]},
        "detention": {"detained_on": "2024-08", "facility": NAMES["el-rodeo-ii"], "country": "VE"},
        "release": {"released_on": "2026-01-10"},
        "verification": {"verdict": "reported", "method": "fellow_prisoner"},
        "note": "Roberto (surname not confirmed)",
    }
    yield _draft("2026-01-10T21:50", "families", "roberto", roberto)


def _outcomes_revised(filed: Filed) -> Iterator[Draft]:
    changed = [(number, after) for number, (before, after) in outcomes().items() if before != after]
    for minute, (number, after) in enumerate(changed):
        person = with_outcome(people()[number], after)
        body = release_body(person, "foro-penal", local_day(filed["foro-penal", number]))
        yield _draft(f"2026-03-04T15:{minute:02}", "foro-penal", record_of(number), body)

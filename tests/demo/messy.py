"""Make a messy January 2026 from the reports of the demo, the same in each run.

Some days of release move by a day, some years slip, and some dates are only a month. The press copies lists, and
organisations send lists of the held late, correct reports and deny releases. In the end one organisation sends its list
twice more: with the same case numbers in reverse, and with new ones in another order.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID

from app.dates import parse_date
from app.demo.people import Body
from app.demo.run import REPLAYED_SOURCES, ReplayEvent, build_events, build_source_bodies
from tests.model.past import Person, coarsen
from tests.model.rules import Report, find_detentions
from tests.model.statements import DATE_FIELDS, SECOND_HAND

SEED = 2026
# When the added reports begin: each kind has a day of its own, after all releases and before the later demo cases.
COPIES, CORRECTIONS, DENIALS = (datetime(2026, 2, day, 12, tzinfo=UTC) for day in (5, 6, 8))
SENT_AGAIN = datetime(2026, 4, 2, 12, tzinfo=UTC)
LISTING_SOURCE = "clippve"  # sends its list again; it denies and corrects nothing that the list says
DENYING_SOURCES = [source for source in REPLAYED_SOURCES if source != LISTING_SOURCE]
METHODS = ("family", "lawyer", "fellow_prisoner")
ORGANISATIONS = {body["slug"] for body in build_source_bodies() if body["independent"]}
DATED = ("detention", "release")  # the parts of a report that have dates


@dataclass
class MessyJanuary:
    """The reports, and what was changed about each person of the plan."""

    events: list[ReplayEvent]
    changes: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def build_messy_january() -> MessyJanuary:
    """Return the messy reports in the order of filing."""
    random, messy = Random(SEED), MessyJanuary([])
    messy.events = [_change_date(event, random, messy) for event in build_events()]
    by_person: dict[str, list[ReplayEvent]] = defaultdict(list)
    for event in messy.events:
        is_hidden = event.body["detainee"].get("publish") == "counted"  # other sources may not point at them
        if is_listed_release(event) and event.filed_at < COPIES and not is_hidden:
            by_person[event.person].append(event)
    additions = {
        COPIES: (_copy_in_the_press, _list_as_held),
        CORRECTIONS: (_correct,),
        DENIALS: (_deny,),
    }
    for first, makers in additions.items():
        added = [event for own in by_person.values() for make in makers for event in make(own, random, messy)]
        messy.events += _file_from(first, added)
    listed = [event for event in messy.events if event.source == LISTING_SOURCE and is_listed_release(event)]
    renamed = [_point(_replace_body(event, source_record_id=f"otra-{number}")) for number, event in enumerate(listed)]
    random.shuffle(renamed)
    messy.events += _file_from(SENT_AGAIN, [*reversed(listed), *renamed])
    messy.events.sort(key=lambda event: event.filed_at)
    return messy


def is_listed_release(event: ReplayEvent) -> bool:
    """Return whether the report is on one of the replayed lists, with a day of release since December."""
    day = event.body.get("release", {}).get("released_on", "")
    is_verified = event.body["verification"]["verdict"] == "verified"
    return event.source in REPLAYED_SOURCES and is_verified and "2024" < day < "2026-02"


def _file_from(first: datetime, events: Iterable[ReplayEvent]) -> Iterator[ReplayEvent]:
    for number, event in enumerate(events):
        yield replace(event, filed_at=first + timedelta(seconds=number))


def _replace_body(event: ReplayEvent, **changes: object) -> ReplayEvent:
    return replace(event, body={**deepcopy(event.body), **changes})


def _point(event: ReplayEvent) -> ReplayEvent:
    """Return the report without who the person is: it is filed by the id of the person."""
    return replace(event, body={name: value for name, value in event.body.items() if name != "detainee"})


def _move(event: ReplayEvent, day: str) -> ReplayEvent:
    return _replace_body(event, release=event.body["release"] | {"released_on": day})


def _change_date(event: ReplayEvent, random: Random, messy: MessyJanuary) -> ReplayEvent:
    """Return the report with another date of release, or as it is."""
    chance = random.random()
    if not is_listed_release(event):
        return event
    day = date.fromisoformat(event.body["release"]["released_on"])
    if chance < 0.06:
        text = (day - timedelta(days=1)).isoformat()
    elif chance < 0.10:
        text = day.replace(year=day.year - 1).isoformat()
    elif chance < 0.15:
        text = day.isoformat()[:7]
    else:
        return event
    if text < event.body["detention"].get("detained_on", ""):  # the server refuses a release before the arrest
        return event
    messy.changes[event.person].append(f"{event.source} dates it {text}, not {day}")
    return _move(event, text)


def _copy_in_the_press(own: Sequence[ReplayEvent], random: Random, messy: MessyJanuary) -> Iterator[ReplayEvent]:
    if random.random() < 0.1:
        copied = random.choice(own)
        check = {"verdict": "reported", "method": "press", "citing": [copied.source]}
        number = f"prensa-{copied.body['source_record_id']}"
        messy.changes[copied.person].append(f"the press copies {copied.source}")
        yield replace(_point(_replace_body(copied, source_record_id=number, verification=check)), source="press")


def _list_as_held(own: Sequence[ReplayEvent], random: Random, messy: MessyJanuary) -> Iterator[ReplayEvent]:
    if random.random() < 0.1:
        listing = random.choice(own)
        day = parse_date(listing.body["release"]["released_on"]).first + timedelta(days=random.randint(-5, 6))
        check = {"verdict": random.choice(("verified", "reported")), "method": random.choice(METHODS)}
        body: Body = {
            "source_record_id": f"lista-{listing.body['source_record_id']}",
            "detention": listing.body["detention"] | {"held_on": day.isoformat()},
            "verification": check,
        }
        arrest = listing.body["detention"].get("detained_on")
        if arrest is None or arrest < day.isoformat():
            messy.changes[listing.person].append(f"{listing.source} lists the person as held on {day}")
            yield replace(listing, body=body, kind="detention")


def _correct(own: Sequence[ReplayEvent], random: Random, messy: MessyJanuary) -> Iterator[ReplayEvent]:
    """Yield a newer version of a report: the day after the one that it gave."""
    corrected = random.choice(own)
    day = corrected.body["release"]["released_on"]
    if random.random() < 0.05 and corrected.source != LISTING_SOURCE and len(day) == len("2026-01-08"):
        text = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
        check = {name: value for name, value in corrected.body["verification"].items() if name != "verified_on"}
        messy.changes[corrected.person].append(f"{corrected.source} corrects {day} to {text}")
        yield _replace_body(_move(corrected, text), verification=check)


def _deny(own: Sequence[ReplayEvent], random: Random, messy: MessyJanuary) -> Iterator[ReplayEvent]:
    """Yield a first-hand denial of the release, carried out or announced, with its date or without."""
    if random.random() < 0.12:
        denied, source = random.choice(own), random.choice(DENYING_SOURCES)
        stage, verdict = random.choice(("carried_out", "announced")), random.choice(("disputed", "refuted"))
        release = {"stage": stage}
        if stage == "carried_out" and random.random() < 0.5:
            release["released_on"] = denied.body["release"]["released_on"]
        body = {
            "source_record_id": f"niega-{denied.body['source_record_id']}",
            "detention": denied.body["detention"],
            "release": release,
            "verification": {"verdict": verdict, "method": random.choice(METHODS)},
        }
        day = release.get("released_on")
        messy.changes[denied.person].append(f"{source}: {verdict} {stage}{f' on {day}' if day else ''}")
        yield replace(denied, source=source, body=body)


# The same reports for the second model


def read_people(events: Iterable[ReplayEvent]) -> dict[str, Person]:
    """Return the people of the plan by name, with their reports as the second model reads them.

    The person of each report is the one of the plan, whatever the registry matches.
    """
    newest: dict[tuple[str, str], tuple[int, ReplayEvent]] = {}
    for request, event in enumerate(events, start=1):
        key = event.source, event.body["source_record_id"]
        if key not in newest or newest[key][1].body != event.body:
            newest[key] = request, event
    by_person: dict[str, list[tuple[int, ReplayEvent]]] = defaultdict(list)
    for request, event in newest.values():
        by_person[event.person.partition(",")[0]].append((request, event))  # the rest of the name is of the record
    return {name: _read_person(UUID(int=number), own) for number, (name, own) in enumerate(by_person.items())}


def _read_person(record: UUID, own: Sequence[tuple[int, ReplayEvent]]) -> Person:
    reports = [_read_report(request, event, dict) for request, event in own]
    detentions = find_detentions(reports)
    if any(event.body.get("detainee", {}).get("publish") == "counted" for _request, event in own):
        reports = [_read_report(request, event, coarsen) for request, event in own]
        by_id = {report.id: report for report in reports}
        detentions = [replace(one, content=tuple(by_id[report.id] for report in one.content)) for one in detentions]
        return Person(frozenset({record}), "counted", reports, detentions)
    return Person(frozenset({record}), "anonymous", reports, detentions)


def _read_report(request: int, event: ReplayEvent, show: Callable[[Body], Body]) -> Report:
    """Return a report. `show`: what counts of its fields."""
    body, check = event.body, event.body["verification"]
    is_organisation = event.source in ORGANISATIONS
    filed = {
        f"{part}.{name}": text for part, section in body.items() if part in DATED for name, text in section.items()
    }
    fields = show({name: text for name, text in filed.items() if name in DATE_FIELDS.values()})
    return Report(
        id=f"{event.source} {body['source_record_id']}",
        source=event.source,
        is_organisation=is_organisation,
        is_first_hand=is_organisation and check["method"] not in SECOND_HAND and not check.get("citing"),
        request=request,
        verdict=check["verdict"],
        stage=body["release"].get("stage", "carried_out") if "release" in body else None,
        dates={stage: parse_date(fields[name]) for stage, name in DATE_FIELDS.items() if name in fields},
        taken_over={},
    )

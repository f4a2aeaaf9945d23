"""Draft reports of hard cases of the field, with invented people, in addition to the verified lists of `plan.py`.

No case changes a published figure: the added reports are reported, refuted, ordered or held, or come from a source
whose list is not replayed, or are new versions of a record with the same day of release and verdict.

 1. One man, two arrest dates, two nationalities, an NGO one day and a foreign ministry the next: `people.py`
    (`ARGENTINE_ISRAELI_PERSON`), the ministry here. Reports of a government's key are not matched with unnamed people,
    so a curator joins the two: `CURATOR_MERGES`.
 2. Two men "handed over" according to a government; days later nobody has seen them; one is really released seven
    weeks later, among the 303: `_draft_handed_over`.
 3. Released, taken again within hours, then house arrest: `_draft_taken_again`.
 4. Ordered on 19 January, still held on 23 March: `_draft_ordered_only`.
 5. Released, detained again at the border, released: `_draft_at_the_border`.
 6. Amnesty refused, then acquitted: `_draft_acquitted`.
 7. Already released, measures lifted by the amnesty: `_draft_measures_lifted`.
 8. Taken across a border, refuses, turned back into prison: `_draft_turned_back`.
 9. The same person twice in one list of sixteen, and "Roberto (surname not confirmed)": `_draft_press_workers`. The
    matcher leaves the two rows to a curator, who joins them the same evening: `CURATOR_MERGES`.
10. A page that dates itself seventeen months too early: `people.py` (`MISDATED_PERSON`).
11. One source, one day: 41, 48, 49, 56; 80 became 104 the same evening: `plan.py`.
12. A past fact revised, 50/37/23 become 53/24/26/6/1 two months later: `assign_outcomes` and `_draft_outcomes_revised`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Literal

from app.demo.people import (
    ACQUITTED_PERSON,
    ARGENTINE_ISRAELI_PERSON,
    BORDER_PERSON,
    FACILITY_NAMES,
    HANDED_OVER_PERSON,
    NEVER_SEEN_PERSON,
    ORDERED_ONLY_PERSON,
    TAKEN_AGAIN_PERSON,
    TURNED_BACK_PERSON,
    Body,
    Person,
    build_detention_body,
    build_people,
    build_release_body,
)
from app.demo.plan import DECEMBER_IDS, build_release_slots, parse_caracas_time, shuffle_items, to_local_day

ReportKind = Literal["release", "detention"]
FilingTimes = Mapping[tuple[str, int], datetime]

MEASURES_LIFTED_PEOPLE = (150, 233, 301)
LISTED_TWICE_PERSON = 212


@dataclass(frozen=True, slots=True)
class CuratorMerge:
    """A curator's judgement that two records, each a source and its case number, are one person."""

    decided_at: datetime
    records: tuple[tuple[str, str], tuple[str, str]]
    reason: str


CURATOR_MERGES = (
    CuratorMerge(
        decided_at=parse_caracas_time("2026-01-13T10:30"),
        records=(("foro-penal", "FP-2026-0054"), ("cancilleria-argentina", "MRE-2026-0001")),
        reason="The ministry speaks of its own citizen, and names the same prison and day.",
    ),
    CuratorMerge(
        decided_at=parse_caracas_time("2026-01-14T20:00"),
        records=(("sntp", "SNTP-2026-0005"), ("sntp", "SNTP-2026-0016")),
        reason="The list of sixteen names him twice, with the same facts.",
    ),
)

# Foro Penal's outcomes of 110 of the December releases, as first known and as revised. The thirteen that change were
# all unknown: three more under measures, three more in full freedom, six at home, one on parole.
OUTCOMES_BEFORE = {"release_with_measures": 50, "unspecified": 37, "full_release": 23}
OUTCOMES_AFTER = {
    "release_with_measures": 53,
    "unspecified": 24,
    "full_release": 26,
    "house_arrest": 6,
    "conditional_release": 1,
}


@dataclass(frozen=True, slots=True)
class ReportDraft:
    """A report without its case number. The same `record` of a source again is its next version."""

    filed_at: datetime
    source: str
    record: str
    kind: ReportKind
    body: Body


def format_record_name(person: int) -> str:
    """Return the name of the record of a person's release in a source's list."""
    return f"person {person}"


@cache
def assign_outcomes() -> dict[int, tuple[str, str]]:
    """Return the kinds of release before and after the revision, of 110 of the people released in December."""
    kinds_before = [kind for kind, count in OUTCOMES_BEFORE.items() for _ in range(count)]
    count_changes = {kind: count - OUTCOMES_BEFORE.get(kind, 0) for kind, count in OUTCOMES_AFTER.items()}
    new_kinds = iter([kind for kind, count in count_changes.items() for _ in range(max(count, 0))])
    kinds_after = [next(new_kinds, kind) if kind == "unspecified" else kind for kind in kinds_before]
    known_people = [person for person in shuffle_items(DECEMBER_IDS, "outcome") if person != TAKEN_AGAIN_PERSON]
    return dict(zip(known_people, zip(kinds_before, kinds_after, strict=True), strict=False))


def apply_first_known_outcome(person: Person) -> Person:
    """Return the person with Foro Penal's outcome before the revision."""
    first_kind, _ = assign_outcomes().get(person.id, (person.kind, ""))
    return apply_outcome(person, first_kind)


def apply_outcome(person: Person, kind: str) -> Person:
    """Return the person with another outcome. Only releases under measures have conditions."""
    measures = person.conditions or ("reporting_duty",)
    return replace(person, kind=kind, conditions=measures if kind == "release_with_measures" else ())


def build_case_drafts(filing_times: FilingTimes) -> Iterator[ReportDraft]:
    """Return every report in addition to the lists, unordered. `filing_times`: when each source filed each person."""
    yield from _draft_foreign_ministry()
    yield from _draft_handed_over()
    yield from _draft_taken_again()
    yield from _draft_ordered_only()
    yield from _draft_at_the_border()
    yield from _draft_acquitted()
    yield from _draft_measures_lifted(filing_times)
    yield from _draft_turned_back()
    yield from _draft_press_workers()
    yield from _draft_outcomes_revised(filing_times)


def _build_draft(local_time: str, source: str, record: str, body: Body) -> ReportDraft:
    return ReportDraft(
        parse_caracas_time(local_time), source, record, "release" if "release" in body else "detention", body
    )


def _build_statement(
    number: int, source: str, verdict: str, method: str, release: Body | None = None, **detention_details: str
) -> Body:
    """Return a source's report: a verdict, its method, and a release or a detail of the detention."""
    body = build_detention_body(build_people()[number], source)
    body["detention"] |= detention_details
    body["verification"] = {"verdict": verdict, "method": method}
    return body if release is None else body | {"release": release}


def _draft_foreign_ministry() -> Iterator[ReportDraft]:
    release = {"released_on": "2026-01-12"}
    body = _build_statement(ARGENTINE_ISRAELI_PERSON, "cancilleria-argentina", "verified", "diplomatic", release)
    yield _build_draft("2026-01-13T10:12", "cancilleria-argentina", format_record_name(ARGENTINE_ISRAELI_PERSON), body)


def _draft_handed_over() -> Iterator[ReportDraft]:
    release = {"released_on": "2025-11-24"}
    for minute, number in enumerate((HANDED_OVER_PERSON, NEVER_SEEN_PERSON)):
        body = _build_statement(number, "ministerio-penitenciario", "reported", "official_statement", release)
        yield _build_draft(f"2025-11-24T18:0{minute}", "ministerio-penitenciario", format_record_name(number), body)
        body = _build_statement(number, "clippve", "refuted", "family", release)
        yield _build_draft(f"2025-11-28T11:0{minute}", "clippve", format_record_name(number), body)


def _draft_taken_again() -> Iterator[ReportDraft]:
    record = f"{format_record_name(TAKEN_AGAIN_PERSON)}, again"
    body = _build_statement(TAKEN_AGAIN_PERSON, "foro-penal", "verified", "lawyer", detained_on="2025-12-25")
    body["detention"]["facility"] = FACILITY_NAMES["zona-7"]
    yield _build_draft("2025-12-26T20:25", "foro-penal", record, body)
    house_arrest = {"released_on": "2026-01-02", "kind": "house_arrest", "conditions": ["police_custody"]}
    body = body | {"release": house_arrest, "verification": {"verdict": "reported", "method": "press"}}
    yield _build_draft("2026-01-03T10:40", "foro-penal", record, body)


def _draft_ordered_only() -> Iterator[ReportDraft]:
    order = {"stage": "ordered", "ordered_on": "2026-01-19"}
    for filed_at, held_on in (("2026-01-20T15:30", "2026-01-20"), ("2026-03-23T12:00", "2026-03-23")):
        body = _build_statement(ORDERED_ONLY_PERSON, "foro-penal", "verified", "release_order", order, held_on=held_on)
        yield _build_draft(filed_at, "foro-penal", format_record_name(ORDERED_ONLY_PERSON), body)


def _draft_at_the_border() -> Iterator[ReportDraft]:
    record = f"{format_record_name(BORDER_PERSON)}, again"
    body = _build_statement(BORDER_PERSON, "foro-penal", "verified", "fellow_prisoner", detained_on="2026-01-22")
    del body["detention"]["facility"]
    body["detention"]["place"] = "at the border, San Antonio del Táchira"
    yield _build_draft("2026-01-23T09:35", "foro-penal", record, body)
    release = {"released_on": "2026-02-03"}
    body = body | {"release": release, "verification": {"verdict": "reported", "method": "press"}}
    yield _build_draft("2026-02-04T14:20", "foro-penal", record, body)


def _draft_acquitted() -> Iterator[ReportDraft]:
    amnesty = {"stage": "announced", "announced_on": "2026-02-20", "kind": "amnesty"}
    body = _build_statement(ACQUITTED_PERSON, "comision-amnistia", "reported", "official_list", amnesty)
    yield _build_draft("2026-02-20T19:00", "comision-amnistia", format_record_name(ACQUITTED_PERSON), body)
    refused_amnesty = {"stage": "ordered", "kind": "amnesty"}
    body = _build_statement(
        ACQUITTED_PERSON, "foro-penal", "refuted", "court_record", refused_amnesty, held_on="2026-02-26"
    )
    yield _build_draft("2026-02-26T16:10", "foro-penal", format_record_name(ACQUITTED_PERSON), body)
    release = {"released_on": "2026-03-09", "kind": "acquittal"}
    body = _build_statement(ACQUITTED_PERSON, "foro-penal", "reported", "press", release)
    yield _build_draft("2026-03-10T11:45", "foro-penal", format_record_name(ACQUITTED_PERSON), body)


def _draft_measures_lifted(filing_times: FilingTimes) -> Iterator[ReportDraft]:
    for minute, number in enumerate(MEASURES_LIFTED_PEOPLE):
        body = build_release_body(
            build_people()[number], "foro-penal", to_local_day(filing_times["foro-penal", number])
        )
        body["release"] |= {"conditions": [], "measures_lifted_on": "2026-02-25"}
        yield _build_draft(f"2026-02-27T10:1{minute}", "foro-penal", format_record_name(number), body)


def _draft_turned_back() -> Iterator[ReportDraft]:
    banishment = {"released_on": "2026-01-24", "kind": "banishment", "destination": "CO"}
    body = _build_statement(TURNED_BACK_PERSON, "ministerio-interior", "reported", "official_statement", banishment)
    yield _build_draft("2026-01-24T15:15", "ministerio-interior", format_record_name(TURNED_BACK_PERSON), body)
    body = _build_statement(TURNED_BACK_PERSON, "foro-penal", "refuted", "fellow_prisoner", banishment)
    yield _build_draft("2026-01-27T13:05", "foro-penal", format_record_name(TURNED_BACK_PERSON), body)


def _draft_press_workers() -> Iterator[ReportDraft]:
    """A list that claims sixteen and has fifteen; and a man with only half a name."""
    journalist_ids = [place.id for place in build_release_slots() if place.group == "journalist"]
    first = parse_caracas_time("2026-01-14T18:20")
    for number, person in enumerate([*journalist_ids, LISTED_TWICE_PERSON]):
        body = build_release_body(build_people()[person], "sntp", to_local_day(first))
        record = format_record_name(person) if number < len(journalist_ids) else f"{format_record_name(person)}, twice"
        yield ReportDraft(first + timedelta(minutes=number), "sntp", record, "release", body)
    roberto: Body = {
        "detainee": {"full_name": "Roberto", "gender": "male", "nationalities": ["VE"]},
        "detention": {"detained_on": "2024-08", "facility": FACILITY_NAMES["el-rodeo-ii"], "country": "VE"},
        "release": {"released_on": "2026-01-10"},
        "verification": {"verdict": "reported", "method": "fellow_prisoner"},
        "note": "Roberto (surname not confirmed)",
    }
    yield _build_draft("2026-01-10T21:50", "families", "roberto", roberto)


def _draft_outcomes_revised(filing_times: FilingTimes) -> Iterator[ReportDraft]:
    revisions = [
        (number, new_kind) for number, (old_kind, new_kind) in assign_outcomes().items() if old_kind != new_kind
    ]
    for minute, (number, new_kind) in enumerate(revisions):
        person = apply_outcome(build_people()[number], new_kind)
        body = build_release_body(person, "foro-penal", to_local_day(filing_times["foro-penal", number]))
        yield _build_draft(f"2026-03-04T15:{minute:02}", "foro-penal", format_record_name(number), body)

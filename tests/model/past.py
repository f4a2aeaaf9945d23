"""What the registry shows at a revision, by plain loops over the log's entries: reports, people and their detentions.

Nothing projected is read, and no SQL but that of the log. The detentions are those of the model.
"""

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.dates import PartialDate, compute_age_bounds, compute_birth_bounds_from_age, parse_date
from app.log.entries import LogEntry
from app.projection import SourceView, Statement
from app.vocabulary import Review
from tests.model.review import find_combined_detentions, find_own_detentions, find_states, withdraw
from tests.model.rules import Detention, Report
from tests.model.statements import SECOND_HAND, read_report

CLASSES = ("named", "anonymous", "counted")
# Of people who may only be counted these are months, in the log and wherever it counts; of the method is told whether
# the source knows it itself.
MONTHS = ("detention.detained_on", "detention.held_on")
FACILITY = "detention.facility"
METHOD, OF_ITSELF = "verification.method", "verification.first_hand"


def fold(name: str) -> str:
    """Return the name of a facility without case and punctuation."""
    return re.sub(r"[\W_]+", " ", name.casefold())


def strictest(classes: Iterable[str]) -> str:
    return max(classes, key=CLASSES.index)


def coarsen(content: dict[str, Any]) -> dict[str, Any]:
    """Return what counts of a report on a count-only person."""
    shown = {name: _months(text) if name in MONTHS else text for name, text in content.items() if name != METHOD}
    return {**shown, OF_ITSELF: content[METHOD] not in SECOND_HAND} if METHOD in content else shown


def _months(text: str) -> str:
    if re.fullmatch("[0-9]{4}", text):
        return text
    days = parse_date(text)
    first, last = days.first.strftime("%Y-%m"), days.last.strftime("%Y-%m")
    return first if first == last else f"{first}/{last}"


def waits_for_agreement(entries: Sequence[LogEntry], revision: int) -> bool:
    """Return whether the last entry opens somebody and the next one agrees: in between, people are as before."""
    return revision < len(entries) and entries[revision].body.get("opens") == revision


@dataclass(frozen=True)
class Person:
    """One person: its records, its class of publication then, its reports and its detentions.

    `reviews`: source → state, of the sources whose reports count in their own row alone; `own_detentions`: source →
    the detentions of that row (rule 21)."""

    records: frozenset[uuid.UUID]
    publish: str
    reports: list[Report]
    detentions: list[Detention]
    own_detentions: dict[str, list[Detention]] = field(default_factory=dict)
    reviews: dict[str, str] = field(default_factory=dict)


class Past:
    """The registry after `entries[:revision]`; of what was erased at any time nothing personal is left."""

    def __init__(self, entries: Sequence[LogEntry], revision: int) -> None:
        self.sources: dict[str, SourceView] = {}
        self.facilities: dict[str, dict[str, Any]] = {}
        self.reports: dict[uuid.UUID, LogEntry] = {}  # those that stand
        self.versions: dict[uuid.UUID, list[LogEntry]] = {}
        self.reviews: dict[int, str | None] = {}  # entry of a report → its state
        self.recalled: dict[int, set[int]] = {}  # entry → the recalls of it that stand
        self.keys: dict[uuid.UUID, int] = {}
        self.wishes: dict[uuid.UUID, list[tuple[str, int]]] = {}
        self.wished: dict[int, tuple[str, int]] = {}  # entry → what it asked for, and since when
        self.decisions: dict[str, dict[str, Any]] = {}
        self.void: dict[uuid.UUID, set[str]] = {}  # what tied a record by being filed, when it was recalled
        self.consents: list[tuple[int, uuid.UUID, str]] = []
        self.redacted: set[uuid.UUID] = set()
        self.erased = {
            uuid.UUID(one) for entry in entries if entry.kind == "redaction" for one in entry.body["records"]
        }
        for entry in entries[:revision]:
            getattr(self, f"_read_{entry.kind}")(entry)
        self.filed = {record: {**one.body["said"], **one.personal} for record, one in self.reports.items()}
        self.statements = {record: self._statement(record, entry) for record, entry in self.reports.items()}
        self._entries, self._revision = entries, revision
        self.people: list[Person] = []
        self.holder: dict[uuid.UUID, Person] = {}  # also of records that were recalled and are tied to somebody
        for cluster in self._clusters():
            if cluster & self.reports.keys():
                self.people.append(self._person(cluster))
                self.holder |= dict.fromkeys(cluster, self.people[-1])

    def _read_source(self, entry: LogEntry) -> None:
        said = entry.body
        key = self.sources[said["slug"]].key if said["slug"] in self.sources else entry.revision
        self.sources[said["slug"]] = SourceView(key, said["slug"], said["independent"] and not said["quarantined"])

    def _read_facility(self, entry: LogEntry) -> None:
        self.facilities[entry.body["slug"]] = entry.body

    def _find_facility(self, name: str, country: str | None) -> str | None:
        """Return the slug of the registered facility with this slug, or with this name in the country."""
        slugs = [
            slug
            for slug, one in self.facilities.items()
            if fold(name) == fold(slug) or (country in (None, one["country"]) and fold(name) in map(fold, one["names"]))
        ]
        return slugs[0] if len(slugs) == 1 else None

    def _read_report(self, entry: LogEntry) -> None:
        record = uuid.UUID(entry.body["record"])
        asked = entry.body["said"].get("detainee.publish")
        before = self.reports.get(record)
        if asked is not None:
            made = self.wishes.setdefault(record, [])
            if before is not None and before.body["said"].get("detainee.publish") == asked:
                since = made[-1][1]
            else:
                mine = [one for own in self._own_of_person(record, entry.body["source"]) for one in self.wishes[own]]
                as_closed = [day for one, day in mine if CLASSES.index(one) >= CLASSES.index(asked)]
                since = max(as_closed, default=entry.revision)
            made.append((asked, since))
            self.wished[entry.revision] = (asked, since)
        if record in self.keys and "supersedes" not in entry.body:  # recalled, and filed again: tied by what is new
            self.decisions = {one: body for one, body in self.decisions.items() if one not in self.void[record]}
        self.keys.setdefault(record, entry.revision)
        self.versions.setdefault(record, []).append(entry)
        self.reviews[entry.revision] = entry.body.get("review")
        self.reports[record] = entry

    def _read_review(self, entry: LogEntry) -> None:
        for versions in self.versions.values():
            for one in versions:
                named = any(first <= one.revision <= last for first, last in entry.body["entries"])
                if named and one.body["source"] == entry.body["source"]:
                    self.reviews[one.revision] = None if entry.body["decision"] == "approved" else "rejected"

    def _read_recall(self, entry: LogEntry) -> None:
        """What is named stands no more, or again; of each report the newest version that stands counts."""
        stood = set(self.reports)
        for record, versions in self.versions.items():
            for one in versions:
                named = any(first <= one.revision <= last for first, last in entry.body["entries"])
                if named and one.body["source"] == entry.body["source"]:
                    recalls = self.recalled.setdefault(one.revision, set())
                    if "undoes" in entry.body:
                        recalls.discard(entry.body["undoes"])
                    else:
                        recalls.add(entry.revision)
            stand = [one for one in versions if not self.recalled.get(one.revision)]
            self.reports.pop(record, None)
            if stand:
                self.reports[record] = stand[-1]
            elif record in stood:
                self.void[record] = {
                    one for one, body in self.decisions.items()
                    if body["b"] == str(record) and body["by"] != "curator"
                }  # fmt: skip
            self.wishes[record] = [self.wished[one.revision] for one in stand if one.revision in self.wished]

    def _own_of_person(self, record: uuid.UUID, source: str) -> list[uuid.UUID]:
        """The records that this source has asked something of, of the person that a report is about to be added to."""
        ties = [one["a"] for one in self.decisions.values() if one["judgement"] == "same" and one["b"] == str(record)]
        known = record if record in self.keys else next(map(uuid.UUID, ties), None)
        cluster: set[uuid.UUID] = next((one for one in self._clusters() if known in one), set())
        mine = [one for one in cluster if one in self.reports and self.reports[one].body["source"] == source]
        return [one for one in mine if one in self.wishes]

    def _read_identity(self, entry: LogEntry) -> None:
        if "undoes" in entry.body:
            del self.decisions[entry.body["undoes"]]
        else:
            self.decisions[entry.body["id"]] = entry.body

    def _read_consent(self, entry: LogEntry) -> None:
        if "opens" in entry.body:  # from then on the opening of an earlier entry holds (`waits_for_agreement`)
            return
        self.consents.append((entry.revision, uuid.UUID(entry.body["record"]), entry.body["publish"]))

    def _read_redaction(self, entry: LogEntry) -> None:
        self.redacted |= {uuid.UUID(record) for record in entry.body["records"]}

    def _read_claim(self, entry: LogEntry) -> None:
        pass

    def _statement(self, record: uuid.UUID, entry: LogEntry) -> Statement:
        pointer = entry.body.get("pointer")
        content = {**self.filed[record], **entry.body["said"]}
        if OF_ITSELF in content:
            content.pop(METHOD, None)
        if FACILITY in content:
            content[FACILITY] = self._find_facility(content[FACILITY], content.get("detention.country"))
        return Statement(
            record=self.keys[record],
            id=record.hex,
            source=self.sources[entry.body["source"]],
            revision=entry.revision,
            content=content,
            request=entry.body.get("request", 0),
            pointer=self.keys[uuid.UUID(pointer)] if pointer and uuid.UUID(pointer) in self.reports else None,
            is_filed_by_pointer=pointer is not None or "person" in entry.body,
            review=None if (review := self.reviews[entry.revision]) is None else Review(review),
        )

    def _clusters(self) -> list[set[uuid.UUID]]:
        """Rule 12: curators first, then what is surest, and nothing against a judgement that two are different."""
        known = [one for one in self.decisions.values() if {uuid.UUID(one["a"]), uuid.UUID(one["b"])} <= set(self.keys)]
        pairs = [(one, uuid.UUID(one["a"]), uuid.UUID(one["b"])) for one in known]
        apart = [{a, b} for one, a, b in pairs if one["judgement"] == "different"]
        ties = [(one["by"] != "curator", -one["score"], sorted((a.hex, b.hex)), a, b)
                for one, a, b in pairs
                if one["judgement"] == "same" and (one["by"] == "curator" or b in self.reports)]  # fmt: skip
        clusters = [{record} for record in self.keys]
        for automatic, _score, _ids, a, b in sorted(ties, key=lambda tie: tie[:3]):
            one, two = (next(c for c in clusters if record in c) for record in (a, b))
            torn = any(len(pair & one) == 1 and len(pair & two) == 1 for pair in apart)
            if one is not two and not (automatic and torn):
                clusters = [c for c in clusters if c is not one and c is not two] + [one | two]
        return clusters

    def _person(self, tied: set[uuid.UUID]) -> Person:
        """`tied`: its records, recalled ones too, whose consents hold."""
        cluster = tied & self.reports.keys()
        statements = [self.statements[record] for record in cluster]
        ids = {statement.record: statement.id for statement in statements}
        filed = [read_report(statement, ids) for statement in statements]
        reviews = find_states(filed)
        detentions = find_combined_detentions(filed)
        own_detentions = {source: find_own_detentions(filed, source, is_asserted=False) for source in reviews}
        if self._class(tied) == "counted":
            statements = [replace(statement, content=coarsen(statement.content)) for statement in statements]
        reports = [read_report(statement, ids) for statement in statements]
        publish = "counted" if cluster & self.redacted else self._class(tied)
        return Person(
            frozenset(cluster),
            publish,
            reports,
            _show(detentions, withdraw(reports, reviews)),
            {
                source: _show(own, withdraw(reports, reviews.keys() - {source}))
                for source, own in own_detentions.items()
            },
            reviews,
        )

    def _class(self, cluster: set[uuid.UUID]) -> str:
        """Consent answers for what was asked before it, also where a later version asks the same again; of several
        answers the most closed holds. An erasure changes nothing here."""
        given = [consent for consent in self.consents if consent[1] in cluster]
        latest = {record: publish for _revision, record, publish in given}
        last = max((revision for revision, _record, _publish in given), default=0)
        said = [self.statements[record] for record in cluster & self.reports.keys()]
        heard = [one for one in said if one.source.independent] or said
        wished = {self.keys[record]: made[-1][1] for record, made in self.wishes.items() if made}
        asked = [
            one.content["detainee.publish"]
            for one in heard
            if "detainee.publish" in one.content and wished[one.record] > last
        ]
        unasked = any("detainee.publish" not in one.content and not one.is_filed_by_pointer for one in heard)
        if not given and (unasked or not asked):
            asked.append("anonymous")
        return strictest([*latest.values(), *asked])

    def class_of(self, record: uuid.UUID) -> str:
        """The class of who holds a record: closed too where several reports together may show a child. Of a recalled
        record that is tied to nobody, as long as it is not erased, the class of when it last was somebody's."""
        person = self.holder.get(record)
        if person is None and record in self.redacted:
            return "counted"
        if person is None:
            return Past(self._entries, self._revision - 1).class_of(record)
        tied = {one for one, holder in self.holder.items() if holder is person}
        consented = any(one in tied for _revision, one, _publish in self.consents)
        told = {one: _own(self.filed[one]) for one in person.records}
        heard = [told[one] for one in told if self.statements[one].source.independent] or list(told.values())
        rest = [content for content in told.values() if content not in heard]
        born = [birth for content in heard if (birth := _birth(content))]
        days = [parse_date(content["detention.detained_on"]) for content in heard if "detention.detained_on" in content]
        if not born:
            born = [birth for content in rest if (birth := _birth(content))]
            days = days or [parse_date(one["detention.detained_on"]) for one in rest if "detention.detained_on" in one]
        child = any(compute_age_bounds(birth, day)[0] < 18 for birth in born for day in days)
        return "counted" if child and not consented else person.publish

    def unresolved(self, counted: Iterable[frozenset[uuid.UUID]]) -> int:
        """Pairs of people in `counted` that wait for a curator."""
        person = {record: one.records for one in self.people for record in one.records}
        pairs: dict[str, set[frozenset[frozenset[uuid.UUID]]]] = {"unsure": set(), "different": set()}
        for one in self.decisions.values():
            ends = [person.get(uuid.UUID(one[end])) for end in ("a", "b")]
            if one["judgement"] in pairs and all(ends):
                pairs[one["judgement"]].add(frozenset(end for end in ends if end))
        waiting = {pair for pair in pairs["unsure"] - pairs["different"] if len(pair) == 2}
        return sum(1 for pair in waiting if pair <= set(counted))


def _show(detentions: Iterable[Detention], reports: Iterable[Report]) -> list[Detention]:
    """Return the detentions with these reports in place of those that divided them."""
    by_id = {report.id: report for report in reports}
    return [replace(one, content=tuple(by_id[report.id] for report in one.content)) for one in detentions]


def _own(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a report says itself."""
    taken_over = content.get("taken_over", {}).get("fields", ())
    return {name: value for name, value in content.items() if name not in taken_over}


def _birth(content: dict[str, Any]) -> PartialDate | None:
    if "detainee.birth_date" in content:
        return parse_date(content["detainee.birth_date"])
    on = content.get("detainee.age_on") or content.get("detainee.age_span")
    if "detainee.age" in content and on is not None:
        return PartialDate("", *compute_birth_bounds_from_age(content["detainee.age"], parse_date(on)))
    return None

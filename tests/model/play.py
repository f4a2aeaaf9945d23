"""Play a history against an app, and note what was accepted as the model's registry of each revision."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from httpx2 import Response

from app.dates import PartialDate, parse_date
from tests.databases import Templates, settings_of
from tests.model.histories import PEOPLE, Body, Step
from tests.model.model import Choices, Pointer, Registry, Report, Source
from tests.model.pointers import in_one_spell, kept_for, stage_meant, target_of
from tests.model.spells import spells_of
from tests.support import GOVERNMENT, INDEPENDENT, World, on_purpose

FACILITY = ("El Rodeo I", "el-rodeo-i")
DATED = {"announced": "announced_on", "ordered": "ordered_on", "carried_out": "released_on"}


class IdentityDiffers(Exception):
    """The registry knows other people than the history's answers told of: this model cannot follow."""


@dataclass
class Snapshot:
    revision: int
    registry: Registry


def _date(text: str | None) -> PartialDate | None:
    return None if text is None else parse_date(text)


def _dates(body: Body) -> dict[str, PartialDate | None]:
    detention, release = body.get("detention") or {}, body.get("release") or {}
    found = {stage: _date(release.get(name)) for stage, name in DATED.items()}
    return found | {name: _date(detention.get(name)) for name in ("detained_on", "held_on")}


@dataclass
class Played:
    """A history as it was played: the registry of the model at each revision, and why steps were refused."""

    world: World
    choices: Choices
    snapshots: list[Snapshot] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    sources: dict[str, Source] = field(
        default_factory=lambda: {slug: Source(slug, slug != GOVERNMENT) for slug in (*INDEPENDENT, GOVERNMENT)}
    )
    facilities: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)  # report → what it says now, as it was sent
    reports: dict[str, Report] = field(default_factory=dict)
    founder_of: dict[str, str] = field(default_factory=dict)  # report → report that founded the person it was tied to
    founded: dict[str, str] = field(default_factory=dict)  # detainee id → founding report
    joined: dict[str, tuple[str, str]] = field(default_factory=dict)  # decision → founding reports
    bases: dict[str, str] = field(default_factory=dict)  # id of a detention or a release → the report it derives from
    erased: set[str] = field(default_factory=set)
    before: dict[str, str] = field(default_factory=dict)  # erased report → the class of its person before
    closed: tuple[str, bool] | None = (
        None  # the report just filed of somebody only counted, and whether it is the first
    )
    answers: dict[int, Body] = field(default_factory=dict)  # step → answer
    last_person: dict[int, str] = field(default_factory=dict)  # person of the history → a detainee id

    # --- what the model sees -----------------------------------------------------------------------------------------

    def person_of(self) -> dict[str, str]:
        """Report → person, by the standing ties."""
        parent: dict[str, str] = {one: one for one in self.founder_of.values()}

        def root(one: str) -> str:
            while parent[one] != one:
                one = parent[one]
            return one

        for a, b in self.joined.values():
            a, b = sorted((root(a), root(b)), key=lambda one: self.reports[one].arrival)
            parent[b] = a
        names = {report: detainee for detainee, report in self.founded.items()}
        return {report: names[root(founder)] for report, founder in self.founder_of.items()}

    def registry(self, publish: dict[str, str]) -> Registry:
        placed = {one.id: self._placed(one) for one in self.reports.values()}
        whose = self.person_of()
        before = {whose[report]: publish_then for report, publish_then in self.before.items()}
        return Registry(placed, dict(self.sources), whose, publish, self.choices, before=before)

    def _placed(self, report: Report) -> Report:
        """With the place that is registered. One that is not is the source's own word all the same, so that the place
        kept with the report is none."""
        said = report.facts.get("facility")
        kept = {name: value for name, value in report.kept.items() if name != "facility" or not said}
        return replace(report, facts=report.facts | {"facility": self.facilities.get(said or "")}, kept=kept)

    def _look(self) -> None:
        """Note the registry as it stands now; people and their classes are taken from the registry's own list."""
        answer = self.world.get("/v1/detainees", "reader", limit=200).json()
        publish = {one["id"]: one["publish"] for one in answer["data"]}
        self._seal(publish)
        registry = self.registry(publish)
        if set(registry.person_of.values()) != set(publish):
            self._tie_in_silence(set(registry.person_of.values()) - set(publish))
            registry = self.registry(publish)
        if set(registry.person_of.values()) != set(publish):
            raise IdentityDiffers
        self.snapshots.append(Snapshot(answer["revision"], registry))

    def _seal(self, publish: dict[str, str]) -> None:
        """The log says months in a report that asks to have its person only counted, and in one on somebody who was
        only counted before, and with it still is."""
        if self.closed is not None:
            report, first = self.closed
            if first or publish.get(self.person_of()[report]) == "counted":
                self.reports[report] = self.reports[report].told_in_months()
        self.closed = None

    def _name(self, answer: Body) -> None:
        """An id of a spell names whatever spell holds the report that was its earliest. A source that is answered as if
        the person were new is given the report's own ids."""
        registry, report = self.snapshots[-1].registry, answer.get("report", {}).get("id")
        for spell in spells_of(registry, registry.people()[registry.person_of[report]]) if report else ():
            if any(one.id == report for one in spell.reports):
                earliest = min(spell.reports, key=lambda one: one.arrival).id
                if answer["detainee"]["id"] != registry.person_of[report]:
                    earliest = report
                for what in ("detention", "release"):
                    if answer.get(what):
                        self.bases.setdefault(answer[what]["id"], earliest)

    def _tie_in_silence(self, missing: set[str]) -> None:
        """A report that its source was told is of somebody new may yet be tied: its id answers 308 to the person."""
        for detainee in missing:
            answer = self.world.get(f"/v1/detainees/{detainee}", "reader")
            if answer.status_code == 200 and answer.json()["id"] in self.founded:
                self.joined[f"silent {detainee}"] = self.founded[detainee], self.founded[answer.json()["id"]]

    # --- steps -------------------------------------------------------------------------------------------------------

    def step(self, number: int, step: Step) -> None:
        response: Response | None = getattr(self, f"_{step.kind}")(number, step)
        if response is None:
            self.refused.append(f"{number} names what is not there")
        elif response.status_code >= 300:
            code = response.json().get("code", "")
            assert response.status_code < 500, response.text
            self.refused.append(f"{number} {response.status_code} {code} {response.text[:300]}")
        else:
            self._look()
            self._name(self.answers.get(number, {}))

    def _report(self, number: int, step: Step) -> Response | None:
        body = {name: value for name, value in step.body.items() if name not in ("publish", "designation")}
        head = self.snapshots[-1].registry if self.snapshots else self.registry({})
        known = [one for one in self.reports.values() if one.source == step.by
                 and self.bodies[one.id]["person"] == step.person]  # fmt: skip
        again = next((one for one in known if self.bodies[one.id].get("source_record_id")
                      and self.bodies[one.id]["source_record_id"] == body.get("source_record_id")), None)  # fmt: skip
        pointing, at = "", ""
        person = {name: step.body[name] for name in ("publish", "designation") if name in step.body}
        if step.way == "name" and (not known or again):
            body["detainee"] = PEOPLE[step.person] | person
        elif step.way == "name":
            if step.person not in self.last_person:
                return None
            body["detainee_id"], body["detainee"] = self.last_person[step.person], person
            pointing, at = self.founded[self.last_person[step.person]], "detainee"
        else:
            target = self.answers.get(step.target)
            if target is None or not target.get(step.way):
                return None
            body[f"{step.way}_id"] = target[step.way]["id"]
            pointing, at = self.bases.get(body[f"{step.way}_id"], target["report"]["id"]), step.way
        path = "/v1/releases" if "release" in body else "/v1/detentions"
        response = self.world.post(path, body, step.by, **on_purpose(body))
        if response.status_code >= 300:
            return response
        answer = response.json()
        if answer["receipt"]["revision"] <= (self.snapshots[-1].revision if self.snapshots else 0):
            return response
        self._accept(number, step, answer, body, pointing)
        if pointing and at != "detainee":
            self._point(answer, head, pointing, at, head, again=False)
        return response

    def _accept(self, number: int, step: Step, answer: Body, body: Body, pointed: str = "") -> None:
        """Take a report as it says now into the model; one that points is of the person of the report it `pointed` at,
        even where its source is answered as if it were new."""
        report, revision = answer["report"]["id"], answer["receipt"]["revision"]
        before = self.reports.get(report)
        release, verification = body.get("release"), body.get("verification") or {}
        self.bodies[report] = body | {"person": step.person}
        self.reports[report] = Report(
            id=report,
            source=step.by,
            arrival=before.arrival if before else revision,
            revision=revision,
            verdict=verification.get("verdict", "reported"),
            method=verification.get("method"),
            citing=tuple(verification.get("citing") or ()),
            stage=release.get("stage", "carried_out") if release is not None else None,
            dates=_dates(body),
            facts={
                "kind": None if (release or {}).get("kind") in (None, "unspecified") else (release or {})["kind"],
                "country": (body.get("detention") or {}).get("country"),
                "facility": (body.get("detention") or {}).get("facility"),
                "designation": (body.get("detainee") or {}).get("designation"),
            },
            pointer=before.pointer if before else None,
            kept=before.kept if before else {},
        )
        self.answers[number] = answer
        asks = (body.get("detainee") or {}).get("publish") == "counted"
        known = self.person_of().get(report if before else pointed)
        was = bool(self.snapshots) and self.snapshots[-1].registry.publish.get(known or "") == "counted"
        self.closed = (report, asks or before is None) if asks or was else None
        detainee = answer["detainee"]["id"]
        if report not in self.founder_of and pointed:
            self.founder_of[report] = self.founder_of[pointed]
        elif report not in self.founder_of:
            self.founded.setdefault(detainee, report)
            self.founder_of[report] = self.founded[detainee]
        if detainee in self.founded:
            self.last_person[step.person] = detainee

    def _point(self, answer: Body, head: Registry, held_by: str, at: str, seen: Registry, again: bool) -> None:
        """Keep what the pointer follows, and what stood there; `again`: a verification takes what stands there now."""
        report = self.reports[answer["report"]["id"]]
        pointer, kept = report.pointer, report.kept
        if again or pointer is None:
            counted = (self.bodies[report.id].get("detainee") or {}).get("publish") == "counted"
            there = {} if counted else kept_for(seen, held_by, report.id, head)
            kept = kept if there is None else there
        if pointer is None or not in_one_spell(head, held_by, pointer.target):
            target = target_of(head, held_by, at, report.source)
            pointer = pointer if target in (None, report.id) else Pointer(target, at)
        self.reports[report.id] = replace(report, pointer=pointer, kept=kept)

    def _verify(self, number: int, step: Step) -> Response | None:
        target = self.answers.get(step.target)
        if target is None or not target.get("release"):
            return None
        body = dict(step.body)
        head = self.snapshots[-1]
        seen = head
        back = body.pop("seen", None)
        if back is not None:
            seen = self.snapshots[max(0, len(self.snapshots) - 1 - back)]
            body["seen"] = seen.revision
        response = self.world.post(f"/v1/releases/{target['release']['id']}/verifications", body, step.by)
        if response.status_code >= 300:
            return response
        answer = response.json()
        if answer["receipt"]["revision"] <= head.revision:
            return response
        held_by = self.bases.get(target["release"]["id"], target["report"]["id"])
        said = self.bodies.get(answer["report"]["id"], {})
        stage = "carried_out" if "released_on" in body else stage_meant(head.registry, held_by)
        release = dict(said.get("release") or {"stage": stage})
        release |= {name: body[name] for name in ("stage", "released_on", "kind") if name in body}
        verification = dict(said.get("verification") or {})
        verification |= {name: body[name] for name in ("verdict", "method", "citing") if name in body}
        whole = {name: value for name, value in said.items() if name != "person"}
        said = whole | {"release": release, "verification": verification}
        self._accept(number, step, answer, said, held_by)
        self._point(answer, head.registry, held_by, "release", seen.registry, again=True)
        return response

    def _retract(self, number: int, step: Step) -> Response | None:
        target = self.answers.get(step.target)
        if target is None:
            return None
        report = target["report"]["id"]
        response = self.world.post(f"/v1/reports/{report}/retract", {}, step.by)
        if response.status_code < 300:
            revision = response.json()["receipt"]["revision"]
            self.reports[report] = replace(self.reports[report], verdict="retracted", revision=revision)
            self.bodies[report]["verification"] = self.bodies[report].get("verification", {}) | {"verdict": "retracted"}
        return response

    def _judge(self, number: int, step: Step) -> Response | None:
        a, b = self.last_person.get(step.person), self.last_person.get(step.body["other"])
        if a is None or b is None or a not in self.founded or b not in self.founded:
            return None
        body = {"a": a, "b": b, "judgement": step.body["judgement"], "reason": "an invented reason"}
        response = self.world.post("/v1/identity", body, "curator")
        if response.status_code == 201:
            self.answers[number] = response.json() | {"report": {"id": ""}, "tied": len(self.reports)}
            if step.body["judgement"] == "same":
                self.joined[response.json()["id"]] = self.founded[a], self.founded[b]
        return response

    def _undo(self, number: int, step: Step) -> Response | None:
        """Not after more was reported: to whom of the two it was tied is not told."""
        target = self.answers.get(step.target)
        if target is None or target.get("tied") != len(self.reports):
            return None
        response = self.world.client.delete(f"/v1/identity/{target['id']}", headers=self.world.headers("curator"))
        if response.status_code < 300:
            self.joined.pop(target["id"], None)
        return response

    def _consent(self, number: int, step: Step) -> Response | None:
        person = self.last_person.get(step.person)
        if person is None:
            return None
        body = {"publish": step.body["publish"], "given_by": "the person", "given_on": "2026-02-01"}
        return self.world.post(f"/v1/detainees/{person}/consent", body, "curator")

    def _source(self, number: int, step: Step) -> Response:
        response = self.world.client.patch(
            f"/v1/sources/{step.by}", json=step.body, headers=self.world.headers("admin")
        )
        if response.status_code < 300:
            self.sources[step.by] = replace(self.sources[step.by], **step.body)
        return response

    def _redact(self, number: int, step: Step) -> Response | None:
        person = self.last_person.get(step.person)
        if person is None:
            return None
        answer = self.world.post(f"/v1/detainees/{person}/redaction", {"reason": "asked for"}, "admin")
        if answer.status_code < 300:
            whose = self.person_of()
            mine = whose.get(self.founded.get(person, ""), person)
            gone = {report for report, one in whose.items() if one == mine}
            publish = self.snapshots[-1].registry.publish[mine]
            self.before |= dict.fromkeys(gone - self.erased, publish)
            self.erased |= gone
        return answer

    def _facility(self, number: int, step: Step) -> Response:
        body = step.body | {"kind": "prison", "country": "VE", "area": "Miranda"}
        response = self.world.post("/v1/facilities", body, "curator")
        if response.status_code < 300:
            self.facilities[step.body["name"]] = step.body["slug"]
        return response


@cache
def _folder() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory(prefix="recuento-model-")
    atexit.register(folder.cleanup)
    return folder


@cache
def _templates() -> Templates:
    return Templates(Path(_folder().name))


@contextmanager
def played(steps: list[Step], choices: Choices | None = None) -> Iterator[Played]:
    """A history on a registry of its own, which is a copy of one with sources and keys."""
    address, keys = _templates().world("sqlite")
    with _templates().copy("sqlite", address) as url:
        path = Path(url.removeprefix("sqlite:///"))
        with World(settings_of(url), keys=keys) as world:
            world.add_facility(FACILITY[1], FACILITY[0])
            made = Played(world, choices or Choices(), facilities={FACILITY[0]: FACILITY[1]})
            for number, step in enumerate(steps):
                made.step(number, step)
            yield made
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()

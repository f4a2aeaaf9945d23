"""What sources, curators, administrators and strangers do to one registry over months, each step beside the model."""

import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from app.database import writing
from app.registry.objections import MOST_VOICES
from app.registry.rebuild import rebuild
from tests.databases import Templates, settings_of
from tests.machine.model import CHILD, OPENNESS, STATE, Account, Cluster, Consent, Model, Objection
from tests.support import INDEPENDENT, Body, World, make_report

SOURCES = (*INDEPENDENT, STATE)
RESTRICTED = ("reader", "curator")
READERS = (None, *SOURCES, "admin", *RESTRICTED)
# No word, no sound and no letter at the beginning in common, so that nobody is taken for another.
NAMES = (
    "Zoraida Montilla Paz", "Ulises Barrios Coy", "Fermín Castro Lugo", "Delia Arteaga Mora", "Hugo Lares Brito",
    "Olga Pinto Reyes", "Wenceslao Iturbe Khan", "Xiomara Quevedo Jara", "Baltasar Ñáñez Villar", "Ingrid Yépez Egui",
    "Tobías Guaicaipuro Sosa", "Ruperto Drago Anzola", "Perla Fajardo Uzcátegui", "Nabor Schmitt Ojeda",
)  # fmt: skip
GENDER = "male"
STANDING = ["verified", "contested", "reported"]  # of a release that counts; one that was withdrawn stays visible

number = st.integers(0, 1_000)
classes = st.sampled_from((*OPENNESS, "named", None))
births = st.sampled_from((None, None, None, "1971", CHILD))


class Machine(RuleBasedStateMachine):
    """`thorough`: every reader is asked after every step, and not only at the end."""

    templates: Templates
    kind: str
    thorough = False

    @initialize()
    def begin(self) -> None:
        self.open = ExitStack()
        template, keys = self.templates.world(self.kind)
        url = self.open.enter_context(self.templates.copy(self.kind, template))
        self.world = self.open.enter_context(World(settings_of(url), keys=keys))
        self.model = Model(self.world.now, self.world.revision)
        self.steps, self.agrees = 0, True
        self.ids: list[tuple[str, str]] = []  # of each account: its report, and the person that derives from it
        self.merges: list[tuple[str, tuple[int, int]]] = []
        self.roots: set[int] = set()  # whose ids of a person stood once

    def teardown(self) -> None:
        if not hasattr(self, "open"):
            return
        with self.open:
            if self.agrees:
                self.agree_about_all()
                with writing(self.world.engine) as session:
                    rebuild(session)
                self.agree_about_all()

    # --- what is done ------------------------------------------------------------------------------------------------

    @property
    def steadfast(self) -> list[Cluster]:
        """The people of today of whom nothing was erased."""
        return [person for person in self.model.head.people() if not person & self.model.redacted]

    def later(self, by: timedelta = timedelta(0)) -> None:
        """Let time pass: a second and a bit at least, no bit twice, so that no two steps are of one instant."""
        self.steps, self.agrees = self.steps + 1, False
        self.model.now += by + timedelta(seconds=1, microseconds=self.steps)
        self.world.now = self.model.now

    def tick(self) -> None:
        self.later()

    def of(self, which: int, people: list[Cluster] | None = None) -> Cluster:
        people = self.model.head.people() if people is None else people
        return people[which % len(people)]

    def body(self, name: str, publish: str | None, born: str | None, **more: Any) -> Body:
        said = {"detainee__publish": publish, "detainee__birth_date": born, "detainee__gender": GENDER}
        return make_report(detainee__full_name=name, **said, **more)

    def remember(self, account: Account) -> None:
        (row,) = self.world.rows(f"SELECT id, detainee_id FROM record ORDER BY key LIMIT 1 OFFSET {account.number}")
        self.ids.append((str(uuid.UUID(str(row[0]))), str(uuid.UUID(str(row[1])))))
        self.model.note_wish(account)

    @precondition(lambda self: len(self.ids) < len(NAMES))
    @rule(source=st.sampled_from(SOURCES), publish=classes, born=births)
    def report(self, source: str, publish: str | None, born: str | None) -> None:
        """Somebody new."""
        self.tick()
        model, mine = self.model, len(self.ids)
        account = Account(mine, source, NAMES[mine], publish, born, points=False, wished=model.revision + 1)
        self.world.file(source, **self._said(account))
        model.write(1, accounts={**model.head.accounts, mine: account})
        self.remember(account)
        self.roots.add(mine)
        self.agree()

    @precondition(lambda self: self.ids and len(self.ids) < len(NAMES))
    @rule(source=st.sampled_from(SOURCES), which=number, publish=classes, born=births)
    def point(self, source: str, which: int, publish: str | None, born: str | None) -> None:
        """A report of somebody known, if the person is shown, or the source's own."""
        self.tick()
        model, mine, person = self.model, len(self.ids), self.of(which)
        name = model.head.accounts[min(person)].name
        account = Account(mine, source, name, publish, born, points=True, wished=0)
        body = {**self.body(name, publish, born), "source_record_id": f"case {mine}",
                "detainee_id": self.ids[min(person)][1]}  # fmt: skip
        answer = self.world.post("/v1/releases", body, source)
        if not model.may_point_at(source, person):
            assert answer.status_code == 404, answer.text
        else:
            assert answer.status_code == 201, answer.text
            account = replace(account, wished=model.wish(account, person, account.asked, model.revision + 2))
            ties = model.head.ties | {(min(person), mine)}
            model.write(2, only_last=True, accounts={**model.head.accounts, mine: account}, ties=ties)
            self.remember(account)
        self.agree()

    def _said(self, account: Account) -> Body:
        return {
            "detainee__full_name": account.name, "detainee__publish": account.publish,
            "detainee__birth_date": account.born, "detainee__gender": GENDER,
            "source_record_id": f"case {account.number}",
        }  # fmt: skip

    @precondition(lambda self: self.ids)
    @rule(which=number, publish=classes, born=births)
    def correct(self, which: int, publish: str | None, born: str | None) -> None:
        """The next version of a report; of somebody erased none is taken."""
        self.tick()
        model, mine = self.model, which % len(self.ids)
        before = model.head.accounts[mine]
        after = replace(before, publish=publish, born=born, retracted=False)
        answer = self.world.post("/v1/releases", make_report(**self._said(after)), before.source)
        if mine in model.redacted:
            assert (answer.status_code, answer.json()["code"]) == (409, "redacted")
        else:
            assert answer.status_code == 200, answer.text
            if after != before:
                if after.asked != before.asked:
                    person = model.head.person(mine)
                    after = replace(after, wished=model.wish(after, person, after.asked, model.revision + 1))
                model.write(1, accounts={**model.head.accounts, mine: after})
                model.note_wish(after)
        self.agree()

    @precondition(lambda self: self.ids)
    @rule(which=number)
    def retract(self, which: int) -> None:
        model, mine = self.model, which % len(self.ids)
        account = model.head.accounts[mine]
        if account.retracted or mine in model.redacted:
            return
        self.tick()
        answer = self.world.post(f"/v1/reports/{self.ids[mine][0]}/retract", {"reason": "in error"}, account.source)
        assert answer.status_code == 200, answer.text
        model.write(1, accounts={**model.head.accounts, mine: replace(account, retracted=True)})
        self.agree()

    @precondition(lambda self: len(self.model.head.people()) > 1)
    @rule(one=number, other=number)
    def merge(self, one: int, other: int) -> None:
        model = self.model
        a, b = self.of(one), self.of(other)
        if a == b:
            return
        self.tick()
        body = {"a": self.ids[min(a)][1], "b": self.ids[min(b)][1], "judgement": "same", "reason": "one person"}
        answer = self.world.post("/v1/identity", body, "curator")
        if {min(a), min(b)} & model.redacted:
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 201, answer.text
            tie = min(a), min(b)
            self.merges.append((answer.json()["id"], tie))
            model.write(1, ties=model.head.ties | {tie})
        self.agree()

    @precondition(lambda self: self.merges)
    @rule(which=number)
    def undo(self, which: int) -> None:
        self.tick()
        decision, tie = self.merges.pop(which % len(self.merges))
        answer = self.world.client.delete(f"/v1/identity/{decision}", headers=self.world.headers("curator"))
        assert answer.status_code == 200, answer.text
        before = self.model.head
        self.model.write(1, ties=before.ties - {tie})
        self.model.part(before)
        self.roots |= {min(person) for person in self.model.head.people()}
        self.agree()

    @precondition(lambda self: self.ids)
    @rule(which=number, publish=st.sampled_from(OPENNESS), by=st.sampled_from(("guardian", "her sister")))
    def consent(self, which: int, publish: str, by: str) -> None:
        self.tick()
        model, person = self.model, self.of(which)
        body = {"publish": publish, "given_by": by, "given_on": "2026-02-01"}
        answer = self.world.post(f"/v1/detainees/{self.ids[min(person)][1]}/consent", body, "curator")
        if min(person) in model.redacted:
            assert answer.status_code == 409, answer.text
        elif publish != "counted" and by != "guardian" and model.head.perhaps_a_child(person):
            assert answer.status_code == 422, answer.text
        else:
            assert answer.status_code == 201, answer.text
            model.write(1, consents=(*model.head.consents, Consent(model.revision + 1, min(person), publish)))
        self.agree()

    @precondition(lambda self: self.steadfast)
    @rule(which=number)
    def erase(self, which: int) -> None:
        self.tick()
        model, person = self.model, self.of(which, self.steadfast)
        self.world.redact(self.ids[min(person)][1])
        model.write(1, erased=model.head.erased | person)
        model.redacted |= person
        for one in model.objections:
            if one.account in person:
                one.state = "over"
        self.agree()

    @precondition(lambda self: self.roots and len(self.model.objections) < MOST_VOICES)
    @rule(which=number)
    def object_to(self, which: int) -> None:
        """From a network of its own; what it is about stands, or stood once."""
        self.tick()
        roots = sorted(self.roots)
        about = roots[which % len(roots)]
        host = f"2001:db8:{len(self.model.objections):x}::1"
        self.world.object_to(f"/v1/detainees/{self.ids[about][1]}", host)
        self.model.objections.append(Objection(about, self.model.now))
        self.agree()

    @precondition(lambda self: self.model.objections)
    @rule()
    def beat(self) -> None:
        self.tick()
        self.world.beat()
        self.model.beat()
        self.agree()

    @precondition(lambda self: any(self.model.undecided(person) for person in self.model.head.people()))
    @rule(which=number, to=st.sampled_from(("dismissed", "dismissed", "counted", "anonymous", "correction", "erasure")))
    def decide(self, which: int, to: str) -> None:
        self.tick()
        model = self.model
        queue = self.world.get("/v1/objections", "curator").json()["data"]
        person = self.of(which, [person for person in model.head.people() if model.undecided(person)])
        (row,) = [row for row in queue if row["detainee"]["id"] == self.ids[min(person)][1]]
        ((about,),) = self.world.rows(
            "SELECT count(*) FROM record WHERE key < "
            f"(SELECT r.record FROM objection r WHERE r.id = '{self._as_stored(row['id'])}')"
        )
        decision, upheld_to = ("dismissed", None) if to == "dismissed" else ("upheld", to)
        opens = model.head.class_in_log(person) == "counted" or model.head.perhaps_a_child(person)
        if to == "anonymous" and opens:
            body = {"decision": decision, "to": to, "reason": "it is she"}
            answer = self.world.post(f"/v1/objections/{row['id']}/decision", body, "curator")
            assert answer.status_code == 422, answer.text
        else:
            self.world.decide(row["id"], decision, upheld_to)
            model.decide(about, to)
        self.agree()

    def _as_stored(self, thing: str) -> str:
        return uuid.UUID(thing).hex if self.kind == "sqlite" else thing

    @rule(source=st.sampled_from(INDEPENDENT), low=st.integers(1, 99))
    def claim(self, source: str, low: int) -> None:
        self.tick()
        body = {"claimant": source, "measure": "released", "qualifier": "at_least", "low": low, "country": "VE",
                "window_from": "2026-01-08", "stated_at": "2026-01-14T20:00:00Z", "source_record_id": str(self.steps),
                "definition": {"terms": {}}}  # fmt: skip
        answer = self.world.post("/v1/claims", body, source)
        assert answer.status_code == 201, answer.text
        self.model.write(1, claims=self.model.head.claims + 1)
        self.agree()

    @rule(by=st.sampled_from((timedelta(hours=25), timedelta(days=8), timedelta(days=31), timedelta(seconds=-30))))
    def wait(self, by: timedelta) -> None:
        """The clock goes on, or is set back a little: nothing changes by the passing of time alone."""
        self.later(by)
        self.agree()

    # --- what is asked -----------------------------------------------------------------------------------------------

    def agree(self) -> None:
        """At the head for several readers, and at an earlier revision, which moves with every step."""
        model, self.agrees = self.model, False
        assert self.world.revision == model.revision
        readers = READERS if self.thorough else (None, STATE, READERS[1 + self.steps % len(READERS[1:])])
        revisions = range(model.begun, model.revision)
        past = [revisions[self.steps * 7919 % len(revisions)]] if revisions else []
        for revision in (model.revision, *(revisions if self.thorough else past)):
            self.agree_at(revision, readers)
        self.agrees = True

    def agree_about_all(self) -> None:
        for revision in range(self.model.begun, self.model.revision + 1):
            self.agree_at(revision, READERS)

    def agree_at(self, revision: int, readers: tuple[str | None, ...]) -> None:
        """The same counts, lists, records and names."""
        model, past = self.model, self.model.pasts[revision]
        when = {} if revision == model.revision else {"as_of": revision}
        by_id = {self.ids[min(person)][1]: person for person in past.people()}
        counted = [person for person in past.people() if past.is_counted(person)]
        self._counts(revision, when)
        for who in dict.fromkeys(readers):
            where = f"{who or 'the public'} at {revision} of {model.revision}"
            listed = list(model.listed(past, who in RESTRICTED))
            expected = {self.ids[min(person)][1]: (seen, name) for person, seen, name in listed}
            rows = self.world.get("/v1/detainees", who, limit=200, **when).json()["data"]
            told = {row["id"]: (row["publish"], row["name"] is not None) for row in rows}
            assert told == expected, f"{where}: {told}, not {expected}"
            releases = self.world.get("/v1/releases", who, status=STANDING, limit=200, **when).json()
            shown = {self.ids[min(person)][1] for person, _seen, _name in listed if person in counted}
            released = {row["detainee_id"] for row in releases["data"]}
            assert released == shown, f"{where}: {released}, not {shown}"
            withheld = len(counted) - len(shown)
            assert releases["withheld"] == withheld, f"{where}: {releases['withheld']}, not {withheld}"
            sought = list(by_id)[self.steps % len(by_id)] if by_id else str(uuid.UUID(int=0))
            answer = self.world.get(f"/v1/detainees/{sought}", who, **when)
            assert answer.status_code == (200 if sought in expected else 404), where
            named = expected.get(sought, ("", False))[1]
            names = {past.accounts[number].name for number in by_id.get(sought, ())}
            for name in names if not named or len(names) == 1 else ():
                found = self.world.get("/v1/detainees", who, q=name, **when).json()["data"]
                assert (sought in [row["id"] for row in found]) == named, where

    def _counts(self, revision: int, when: Body) -> None:
        model, past = self.model, self.model.pasts[revision]
        count = self.world.count(**when, group_by="gender")
        total = count["total"]
        told = {
            "releases": total["releases"], "verified": total["verified"], "reported": total["reported"],
            "by two": total["by_min_sources"].get("2", 0), "counted apart": total["counted_apart"],
        }  # fmt: skip
        assert told == past.counts(), f"at {revision} of {model.revision}: {told}, not {past.counts()}"
        assert count["withheld"] == past.counts()["counted apart"], f"at {revision} of {model.revision}"
        named = [p for p in past.people() if past.is_counted(p) and model.seen_class(p) == "named"]
        groups = {group["gender"]: group["releases"] for group in count["groups"]}
        assert groups.get(GENDER, 0) == len(named), f"at {revision} of {model.revision}"
        assert groups.get("withheld", 0) == total["releases"] - len(named), f"at {revision} of {model.revision}"
        by_source = self.world.count(**when, group_by="source")["groups"]
        assert {g["source"]: g["verified"] for g in by_source if g["verified"]} == past.by_source(), (
            f"at {revision} of {model.revision}"
        )
        claims = self.world.get("/v1/claims", limit=200, **when).json()["data"]
        assert len(claims) == past.claims


def machine(templates: Templates, kind: str, *, thorough: bool = False) -> type[Machine]:
    """A class of machines, each with a registry of its own on an engine."""
    return type("Machine", (Machine,), {"templates": templates, "kind": kind, "thorough": thorough})

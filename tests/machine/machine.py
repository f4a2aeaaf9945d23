"""What sources, curators, administrators and strangers do to one registry over months, each step beside the model."""

import uuid
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from app.columns import store
from tests.databases import Templates
from tests.machine.answers import GENDER, SOURCES, Answers
from tests.machine.model import Model, Objection
from tests.machine.past import CHILD, NAMES, OPENNESS, STATE, Account, Cluster
from tests.machine.registry import opened
from tests.support import INDEPENDENT, NOW, Body, make_report

MAX_OBJECTIONS = 8
KEYS_LAST = timedelta(days=365)  # the keys of a world
BEGINNING = (("foro", "named"), ("jep", "named"), (STATE, "anonymous"))  # whom each history begins with
WAITS = (timedelta(seconds=-30), timedelta(hours=25), timedelta(days=8), timedelta(days=31))

number = st.integers(0, 1_000)
classes = st.sampled_from((*OPENNESS, "named", None))
births = st.sampled_from((None, None, None, "1971", CHILD))


class Machine(RuleBasedStateMachine):
    """`done`: histories, steps and compared answers of all machines of a class."""

    templates: ClassVar[Templates]
    kind: ClassVar[str]
    done: ClassVar[Counter[str]]

    @initialize()
    def begin(self) -> None:
        self.open = ExitStack()
        self.world = self.open.enter_context(opened(self.templates, self.kind))
        self.model = Model(self.world.now, self.world.revision)
        self.steps, self.agrees = 0, True
        self.ids: list[tuple[str, str]] = []  # of each account: its report, and the person that derives from it
        self.answers = Answers(self.world, self.model, self.ids)
        self.merges: list[tuple[str, tuple[int, int]]] = []
        self.roots: set[int] = set()  # whose ids of a person stood once
        for source, publish in BEGINNING:
            self._file(source, publish, None)

    def teardown(self) -> None:
        if not hasattr(self, "open"):
            return
        with self.open:
            if self.agrees:
                self.answers.agree_about_all()
            self.done.update(histories=1, steps=self.steps, answers=self.answers.compared)

    def later(self, by: timedelta = timedelta(0)) -> None:
        """Let time pass: a second and a bit at least, no bit twice, so that no two steps are of one instant."""
        self.steps, self.agrees = self.steps + 1, False
        self.model.later(by + timedelta(seconds=1, microseconds=self.steps))
        self.world.now = self.model.now

    def agree(self) -> None:
        self.answers.agree(self.steps)
        self.agrees = True

    @property
    def steadfast(self) -> list[Cluster]:
        """The people of whom nothing was erased."""
        return [person for person in self.model.head.people if not person & self.model.redacted]

    def of(self, which: int, people: list[Cluster] | None = None) -> Cluster:
        chosen = self.model.head.people if people is None else people
        return chosen[which % len(chosen)]

    def person_id(self, person: Cluster) -> str:
        return self.ids[min(person)][1]

    # --- what sources do ---------------------------------------------------------------------------------------------

    def _said(self, account: Account) -> Body:
        said = {"detainee__publish": account.publish, "detainee__birth_date": account.born, "detainee__gender": GENDER}
        return {"detainee__full_name": account.name, "source_record_id": f"case {account.number}", **said}

    def _remember(self, account: Account) -> None:
        (row,) = self.world.rows(f"SELECT id, detainee_id FROM record ORDER BY key LIMIT 1 OFFSET {account.number}")
        self.ids.append((str(uuid.UUID(str(row[0]))), str(uuid.UUID(str(row[1])))))
        self.model.note_wish(account)

    @precondition(lambda self: len(self.ids) < len(NAMES))
    @rule(source=st.sampled_from(SOURCES), publish=classes, born=births)
    def report(self, source: str, publish: str | None, born: str | None) -> None:
        """Somebody new."""
        self.later()
        self._file(source, publish, born)
        self.agree()

    def _file(self, source: str, publish: str | None, born: str | None) -> None:
        model, mine = self.model, len(self.ids)
        account = Account(mine, source, NAMES[mine], publish, born, points=False, wished=model.revision + 1)
        self.world.file(source, **self._said(account))
        model.put(account)
        self._remember(account)
        self.roots.add(mine)

    @precondition(lambda self: self.ids and len(self.ids) < len(NAMES))
    @rule(source=st.sampled_from(SOURCES), which=number, publish=classes, born=births)
    def point(self, source: str, which: int, publish: str | None, born: str | None) -> None:
        """A report of somebody known, if the person is shown, or the source's own."""
        self.later()
        model, mine, person = self.model, len(self.ids), self.of(which)
        name = model.head.accounts[min(person)].name
        account = Account(mine, source, name, publish, born, points=True, wished=0)
        body = make_report(**self._said(account), detainee_id=self.person_id(person))
        answer = self.world.post("/v1/releases", body, source)
        if not model.may_point_at(source, person):
            assert answer.status_code == 404, answer.text
        else:
            assert answer.status_code == 201, answer.text
            account = replace(account, wished=model.wish(account, person, model.revision + 2))
            model.put(account, entries=2, tied_to=min(person))
            self._remember(account)
        self.agree()

    @precondition(lambda self: self.ids)
    @rule(which=number, publish=classes, born=births)
    def correct(self, which: int, publish: str | None, born: str | None) -> None:
        """The next version of a report; of somebody erased none is taken."""
        self.later()
        model, mine = self.model, which % len(self.ids)
        before = model.head.accounts[mine]
        after = replace(before, publish=publish, born=born, retracted=False)
        answer = self.world.post("/v1/releases", make_report(**self._said(after)), before.source)
        if mine in model.redacted:
            assert (answer.status_code, answer.json()["code"]) == (409, "redacted")
        else:
            assert answer.status_code == 200, answer.text
            if after.asked != before.asked:
                after = replace(after, wished=model.wish(after, model.head.person(mine), model.revision + 1))
            if after != before:
                model.put(after)
                model.note_wish(after)
        self.agree()

    @precondition(lambda self: self._withdrawable())
    @rule(which=number)
    def retract(self, which: int) -> None:
        self.later()
        mine = self._withdrawable()[which % len(self._withdrawable())]
        account = self.model.head.accounts[mine]
        answer = self.world.post(f"/v1/reports/{self.ids[mine][0]}/retract", {"reason": "in error"}, account.source)
        assert answer.status_code == 200, answer.text
        self.model.put(replace(account, retracted=True))
        self.agree()

    def _withdrawable(self) -> list[int]:
        return [n for n, a in self.model.head.accounts.items() if not a.retracted and n not in self.model.redacted]

    @rule(source=st.sampled_from(INDEPENDENT), low=st.integers(1, 99))
    def claim(self, source: str, low: int) -> None:
        self.later()
        body = {"claimant": source, "measure": "released", "qualifier": "at_least", "low": low, "country": "VE",
                "window_from": "2026-01-08", "stated_at": "2026-01-14T20:00:00Z", "source_record_id": str(self.steps),
                "definition": {"terms": {}}}  # fmt: skip
        answer = self.world.post("/v1/claims", body, source)
        assert answer.status_code == 201, answer.text
        self.model.write(replace(self.model.head, claims=self.model.head.claims + 1))
        self.agree()

    # --- what curators and administrators do -------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.head.people) > 1)
    @rule(one=number, other=number)
    def merge(self, one: int, other: int) -> None:
        self.later()
        model, a = self.model, self.of(one)
        b = self.of(other, [person for person in model.head.people if person != a])
        body = {"a": self.person_id(a), "b": self.person_id(b), "judgement": "same", "reason": "one person"}
        answer = self.world.post("/v1/identity", body, "curator")
        if {min(a), min(b)} & model.redacted:
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 201, answer.text
            tie = min(a), min(b)
            self.merges.append((answer.json()["id"], tie))
            model.write(replace(model.head, ties=model.head.ties | {tie}))
        self.agree()

    @precondition(lambda self: self.merges)
    @rule(which=number)
    def undo(self, which: int) -> None:
        self.later()
        decision, tie = self.merges.pop(which % len(self.merges))
        answer = self.world.client.delete(f"/v1/identity/{decision}", headers=self.world.headers("curator"))
        assert answer.status_code == 200, answer.text
        before = self.model.head
        self.model.write(replace(before, ties=before.ties - {tie}))
        self.model.part(before)
        self.roots |= {min(person) for person in self.model.head.people}
        self.agree()

    @precondition(lambda self: self.ids)
    @rule(which=number, publish=st.sampled_from(OPENNESS), by=st.sampled_from(("guardian", "her sister")))
    def consent(self, which: int, publish: str, by: str) -> None:
        self.later()
        model, person = self.model, self.of(which)
        body = {"publish": publish, "given_by": by, "given_on": "2026-02-01"}
        answer = self.world.post(f"/v1/detainees/{self.person_id(person)}/consent", body, "curator")
        if min(person) in model.redacted:
            assert answer.status_code == 409, answer.text
        elif publish != "counted" and by != "guardian" and model.head.needs_a_guardian(person):
            assert answer.status_code == 422, answer.text
        else:
            assert answer.status_code == 200, answer.text
            model.consent(min(person), publish)
        self.agree()

    @precondition(lambda self: self.steadfast)
    @rule(which=number)
    def erase(self, which: int) -> None:
        self.later()
        person = self.of(which, self.steadfast)
        self.world.redact(self.person_id(person))
        self.model.erase(person)
        self.agree()

    @rule(source=st.sampled_from(SOURCES))
    def quarantine(self, source: str) -> None:
        """Set a source in quarantine, or take it out."""
        self.later()
        head = self.model.head
        body = {"quarantined": source not in head.quarantined}
        answer = self.world.client.patch(f"/v1/sources/{source}", json=body, headers=self.world.headers("admin"))
        assert answer.status_code == 200, answer.text
        self.model.write(replace(head, quarantined=head.quarantined ^ {source}))
        self.agree()

    # --- what strangers do, what follows from it, and what time does ------------------------------------------------

    @precondition(lambda self: self.roots and len(self.model.objections) < MAX_OBJECTIONS)
    @rule(which=number, looked_at=st.booleans())
    def object_to(self, which: int, *, looked_at: bool) -> None:
        """From a network of its own; what it is about stands, or stood once. `looked_at`: by the next beat."""
        self.later()
        roots = sorted(self.roots)
        about = roots[which % len(roots)]
        host = f"2001:db8:{len(self.model.objections) + 1:x}::1"
        self.world.object_to(f"/v1/detainees/{self.ids[about][1]}", host)
        self.model.objections.append(Objection(about, self.model.now))
        if looked_at:
            self.beat()
        else:
            self.agree()

    @precondition(lambda self: self.model.objections)
    @rule()
    def beat(self) -> None:
        self.later()
        self.world.beat()
        self.model.beat()
        self.answers.queue()
        self.agree()

    @precondition(lambda self: self._objected())
    @rule(which=number, to=st.sampled_from(("dismissed", "dismissed", "counted", "anonymous", "correction", "erasure")))
    def decide(self, which: int, to: str) -> None:
        self.later()
        model, person = self.model, self.of(which, self._objected())
        queue = self.world.get("/v1/objections", "curator").json()["data"]
        (row,) = [row for row in queue if row["detainee"]["id"] == self.person_id(person)]
        of_account = "(SELECT count(*) FROM record r WHERE r.key < o.record)"
        places = {
            str(uuid.UUID(str(one))): n for one, n in self.world.rows(f"SELECT o.id, {of_account} FROM objection o")
        }
        decision, upheld_to = ("dismissed", None) if to == "dismissed" else ("upheld", to)
        if to == "anonymous" and model.head.class_by_reports(person) == "counted":  # an objection opens nobody
            body = {"decision": decision, "to": to, "reason": "it is she"}
            answer = self.world.post(f"/v1/objections/{row['id']}/decision", body, "curator")
            assert answer.status_code == 422, answer.text
        else:
            self.world.decide(row["id"], decision, upheld_to)
            model.decide(places[row["id"]], to)
        self.agree()

    def _objected(self) -> list[Cluster]:
        return [person for person in self.model.head.people if self.model.undecided(person)]

    @rule(by=st.sampled_from(WAITS))
    def wait(self, by: timedelta) -> None:
        """The clock goes on, or is set back a little, and the server is started anew: nothing changes by either."""
        self.later(by if self.model.now + by < NOW + KEYS_LAST else timedelta(0))
        store.refresh_columns(self.world.engine)
        store.release_columns(self.world.engine)  # whoever counts next maps what was saved
        self.agree()


def machine(templates: Templates, kind: str) -> type[Machine]:
    """A class of machines, each with a registry of its own on an engine."""
    return type("Machine", (Machine,), {"templates": templates, "kind": kind, "done": Counter[str]()})

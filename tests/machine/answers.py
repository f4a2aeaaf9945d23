"""What the registry answers, held against the model: the same counts, lists and names for every reader."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.dates import format_instant
from app.db.engine import open_read_session, open_write_session
from app.models import PROJECTED_TABLES
from app.registry.apply import BASE_TABLES, rebuild_tables
from tests.machine.model import Model
from tests.machine.past import STATE
from tests.support import INDEPENDENT, Body, World

SOURCES = (*INDEPENDENT, STATE)
RESTRICTED = ("reader", "curator")  # who sees everybody and every name
READERS = (None, *SOURCES, "admin", *RESTRICTED)
GENDER = "male"  # of everybody: a dimension that a name opens
STANDING = ["verified", "contested", "reported", "official_only"]  # of a release that is asserted; others stay visible
TABLES = dict.fromkeys((*BASE_TABLES, *PROJECTED_TABLES))
REVISIONS_AT_THE_END = 5  # or a few more, of a history, besides its head
LISTS = ("/v1/detainees", "/v1/releases")


class Copy:
    """A list as a reader keeps it, who ever asks for what changed alone."""

    def __init__(self, path: str, who: str | None, revision: int) -> None:
        self.path, self.who, self.revision = path, who, revision
        self.rows: dict[str, Body] = {}


class Answers:
    """`ids`: of each account its report, and the person that derives from it; `compared`: answers so far."""

    def __init__(self, world: World, model: Model, ids: list[tuple[str, str]]) -> None:
        self.world, self.model, self.ids = world, model, ids
        self.compared = 0
        self.copies = [Copy(path, who, model.revision) for who in (None, "reader", "foro") for path in LISTS]
        self.further = (self._of_reader, self._past_lists, self._follow, self._past_count, self._record)

    def agree(self, turn: int) -> None:
        """How many there are at the head, whom everybody can see there, and a further question, another each turn."""
        head = self.model.revision
        self.count(head, "gender" if turn % 3 else "source")
        self.people(head, None)
        self.further[turn % len(self.further)](turn)

    def agree_about_all(self) -> None:
        """For every reader, at the head and at some revisions; and a rebuild gives the same rows."""
        model = self.model
        for revision in range(
            model.begun, model.revision, max(1, (model.revision - model.begun) // REVISIONS_AT_THE_END)
        ):
            self.count(revision, "source")
            self.people(revision, None)
        for who in READERS:
            self.people(model.revision, who)
            self.releases(model.revision, who)
        for copy in self.copies:
            self.follow(copy)
        self.queue()
        before = self._rows()
        with open_write_session(self.world.engine) as session:
            rebuild_tables(session)
        after = self._rows()
        for table in before:
            assert after[table] == before[table], f"a rebuild gives other rows of {table}"

    # --- the further questions, of which each turn asks others -------------------------------------------------------

    def _of_reader(self, turn: int) -> None:
        who = self._reader(turn)
        self.people(self.model.revision, who)
        self.releases(self.model.revision, who)
        if who in SOURCES:
            self.reports(self.model.revision, str(who))

    def _past_lists(self, turn: int) -> None:
        revision, who = self._past(turn), self._reader(turn)
        self.people(revision, who, self._instant(turn, revision))
        self.releases(revision, who)

    def _past_count(self, turn: int) -> None:
        revision = self._past(turn)
        self.count(revision, "source" if turn % 3 else "gender", self._instant(turn, revision))
        self.claims(revision)

    def _follow(self, turn: int) -> None:
        self.follow(self.copies[turn // len(self.further) % len(self.copies)])

    def _record(self, turn: int) -> None:
        """One person of the head by id and by name: only whose name is shown is found by it."""
        model, past, who = self.model, self.model.head, self._reader(turn)
        if not past.people:
            return
        person = past.people[turn // len(self.further) % len(past.people)]
        where = f"{set(person)} for {who or 'the public'} at {model.revision}"
        shown = {p: name for p, _seen, name in model.listed(past, who in RESTRICTED)}
        self.compared += 1
        answer = self.world.get(f"/v1/detainees/{self._person(person)}", who)
        assert answer.status_code == (200 if person in shown else 404), where
        names = {past.accounts[number].name for number in person}
        if not shown.get(person) or len(names) == 1:
            for name in names:
                found = {row["id"] for row in self._ask("/v1/detainees", who, q=name)["data"]}
                assert (self._person(person) in found) == shown.get(person, False), where

    def _reader(self, turn: int) -> str | None:
        return READERS[turn // len(self.further) % len(READERS)]

    def _past(self, turn: int) -> int:
        """A revision, which moves with the turns through the whole log."""
        return self.model.begun + turn * 7919 % (self.model.revision - self.model.begun + 1)

    def _instant(self, turn: int, revision: int) -> datetime | None:
        return self.model.instant(revision) if turn // len(self.further) % 2 else None

    # --- one question, for one reader at one revision ----------------------------------------------------------------

    def _ask(self, path: str, who: str | None, **params: Any) -> Body:
        self.compared += 1
        answer = self.world.get(path, who, limit=200, **params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def _where(self, revision: int, who: str | None) -> str:
        return f"{who or 'the public'} at {revision} of {self.model.revision}"

    def _when(self, revision: int, instant: datetime | None = None) -> Body:
        """The head is asked for without saying so, an earlier revision by its number or its instant."""
        if instant is not None:
            return {"as_of": format_instant(instant)}
        return {} if revision == self.model.revision else {"as_of": revision}

    def _person(self, person: frozenset[int]) -> str:
        return self.ids[min(person)][1]

    def people(self, revision: int, who: str | None, instant: datetime | None = None) -> None:
        where, past = self._where(revision, who), self.model.pasts[revision]
        answer = self._ask("/v1/detainees", who, **self._when(revision, instant))
        assert answer["at"]["revision"] == revision, where
        told = {row["id"]: (row["publish"], row["name"] is not None) for row in answer["data"]}
        listed = self.model.listed(past, who in RESTRICTED)
        expected = {self._person(person): (seen, named) for person, seen, named in listed}
        assert told == expected, f"{where}: {told}, not {expected}"

    def releases(self, revision: int, who: str | None) -> None:
        where, past = self._where(revision, who), self.model.pasts[revision]
        answer = self._ask("/v1/releases", who, status=STANDING, **self._when(revision))
        listed = [person for person, _seen, _named in self.model.listed(past, who in RESTRICTED)]
        told = {row["detainee_id"] for row in answer["data"]}
        expected = {self._person(person) for person in listed if past.is_asserted(person)}
        assert told == expected, f"{where}: {told}, not {expected}"
        withheld = sum(map(past.is_asserted, past.people)) - len(expected)
        told_withheld = answer["caveats"]["withheld"]
        assert told_withheld == withheld, f"{where}: {told_withheld}, not {withheld}"

    def reports(self, revision: int, source: str) -> None:
        """A source's own, as it sent them."""
        accounts = self.model.pasts[revision].accounts.values()
        filed = [one for one in accounts if one.source == source and one.number not in self.model.redacted]
        answer = self._ask("/v1/reports", source, **self._when(revision))
        told = {row["id"]: row["detainee"].get("publish") for row in answer["data"]}
        expected = {self.ids[account.number][0]: account.publish for account in filed}
        assert told == expected, f"{self._where(revision, source)}: {told}, not {expected}"

    def count(self, revision: int, by: str, instant: datetime | None = None) -> None:
        """By gender, which a name opens, or by source; and in all."""
        model, past, where = self.model, self.model.pasts[revision], self._where(revision, None)
        self.compared += 1
        answer = self.world.count(group_by=by, **self._when(revision, instant))
        total = answer["total"]
        groups = [(group["by"][by], group["counts"]) for group in answer["groups"]]
        assert answer["at"]["revision"] == revision, where
        told = {
            "cases": total["cases"], "verified": total["verified"], "official only": total["official_only"],
            "by two": total["by_min_sources"].get("2", 0), "unlinkable": answer["caveats"]["unlinkable"],
        }  # fmt: skip
        assert told == past.counts(), f"{where}: {told}, not {past.counts()}"
        assert answer["caveats"]["withheld"] == told["unlinkable"], where
        if by == "source":
            verified = {source: counts["verified"] for source, counts in groups if counts["verified"]}
            assert verified == past.by_source(), f"{where}: {verified}, not {past.by_source()}"
            return
        named = sum(past.is_in_totals(person) and model.seen_class(person) == "named" for person in past.people)
        by_gender = {gender: counts["cases"] for gender, counts in groups if counts["cases"]}
        expected = {GENDER: named, "withheld": total["cases"] - named}
        assert by_gender == {gender: n for gender, n in expected.items() if n}, f"{where}: {by_gender}, not {expected}"

    def claims(self, revision: int) -> None:
        told, expected = (
            len(self._ask("/v1/claims", None, **self._when(revision))["data"]),
            self.model.pasts[revision].claims,
        )
        assert told == expected, f"{self._where(revision, None)}: {told} claims, not {expected}"

    def follow(self, copy: Copy) -> None:
        """Whoever asks for what changed since the last time has the list as it is."""
        where = f"{copy.path} copied by {copy.who or 'the public'}, from {copy.revision} to {self.model.revision}"
        for row in self._ask(copy.path, copy.who, changed_since=copy.revision)["data"]:
            copy.rows.pop(row["id"], None)
            if "gone" not in row:
                copy.rows[row["id"]] = row
        whole = {row["id"]: row for row in self._ask(copy.path, copy.who)["data"]}
        missing, other = whole.keys() - copy.rows.keys(), copy.rows.keys() - whole.keys()
        assert not missing, f"{where}: {missing} missing"
        assert not other, f"{where}: {other} left over"
        changed = [row for row in whole.values() if copy.rows[row["id"]] != row]
        assert not changed, f"{where}: {changed} changed"
        copy.revision = self.model.revision

    def queue(self) -> None:
        """Curators see the objections that nobody decided, person by person."""
        model = self.model
        told = {row["detainee"]["id"]: len(row["objections"]) for row in self._ask_queue()}
        expected = {self._person(p): len(model.undecided(p)) for p in model.head.people if model.undecided(p)}
        assert told == expected, f"objections at {model.revision}: {told}, not {expected}"

    def _ask_queue(self) -> list[Body]:
        self.compared += 1
        return list(self.world.get("/v1/objections", "curator").json()["data"])

    def _rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows that a rebuild makes anew, those of the past too."""
        with open_read_session(self.world.engine) as session:
            return {
                table.__tablename__: [
                    tuple(row)
                    for row in session.execute(select(*table.__table__.c).order_by(*table.__table__.primary_key))
                ]
                for table in TABLES
            }

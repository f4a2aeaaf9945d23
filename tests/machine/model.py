"""Who counts, who is listed and who is named, in plain Python: written from the rules alone, without the app.

Everybody here was in custody once and has names of their own, so that nothing hangs on spells or on matching. A `Past`
is what the log said at one revision; `Model` keeps all of them, and beside them what is judged by today alone: who is
erased, and whom an objection hides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

OPENNESS = ("named", "anonymous", "counted")
STATE = "ministry"  # the one source that is not independent
CHILD = "2010"  # the birth of whoever was a child when taken; any other birth is a grown-up's
QUIET = timedelta(days=30)  # after a decision an objection hides nobody for so long
KEPT = timedelta(days=30)  # an objection that hides nobody is forgotten after so long

Cluster = frozenset[int]


def strictest(classes: Iterable[str]) -> str:
    return max(classes, key=OPENNESS.index)


@dataclass(frozen=True)
class Account:
    """The standing version of a source's report, the `number`-th. `wished`: since when it asks for its class."""

    number: int
    source: str
    name: str
    publish: str | None
    born: str | None
    points: bool
    wished: int
    retracted: bool = False

    @property
    def independent(self) -> bool:
        return self.source != STATE

    @property
    def asked(self) -> str | None:
        """A child is only counted, whatever is asked."""
        return "counted" if self.born == CHILD else self.publish


@dataclass(frozen=True)
class Consent:
    revision: int
    account: int
    publish: str


@dataclass(frozen=True)
class Past:
    """What the log said: accounts, which of them are tied, what was consented to, and who was
    erased by then, and so may only be counted from then on."""

    accounts: dict[int, Account] = field(default_factory=dict)
    ties: frozenset[tuple[int, int]] = frozenset()
    consents: tuple[Consent, ...] = ()
    claims: int = 0
    erased: frozenset[int] = frozenset()

    def people(self) -> list[Cluster]:
        people = [{number} for number in sorted(self.accounts)]
        for a, b in self.ties:
            one = next(person for person in people if a in person)
            other = next(person for person in people if b in person)
            if one is not other:
                people.remove(other)
                one |= other
        return sorted(map(frozenset, people), key=min)

    def person(self, number: int) -> Cluster:
        return next(person for person in self.people() if number in person)

    def _heard(self, person: Cluster) -> list[Account]:
        """A state is asked only where no other speaks."""
        accounts = [self.accounts[number] for number in person]
        return [one for one in accounts if one.independent] or accounts

    def consents_of(self, person: Cluster) -> list[Consent]:
        return [consent for consent in self.consents if consent.account in person]

    def class_in_log(self, person: Cluster) -> str:
        """Where sources differ the strictest class holds; a consent answers what was asked before it, and what is
        asked later closes further. Who says nothing asks for no name, unless by pointing at somebody known."""
        heard, consents = self._heard(person), self.consents_of(person)
        if consents:
            standing = strictest({one.account: one.publish for one in consents}.values())
            last = max(one.revision for one in consents)
            return strictest([standing, *(one.asked for one in heard if one.asked is not None and one.wished > last)])
        asked = [one.asked or (None if one.points else "anonymous") for one in heard]
        return strictest([one for one in asked if one is not None] or ["anonymous"])

    def perhaps_a_child(self, person: Cluster) -> bool:
        """By the births that independent sources give, or, where they give none, by a state's."""
        born = [self.accounts[number] for number in person if self.accounts[number].born is not None]
        return CHILD in {one.born for one in [one for one in born if one.independent] or born}

    def counts(self) -> dict[str, int]:
        """The releases: in all, by independent verifying sources, and of people who may only be counted."""
        numbers = dict.fromkeys(("releases", "verified", "reported", "by two", "counted apart"), 0)
        for person in self.people():
            sources = self._speaking(person)
            verifying = sources - {STATE}
            numbers["releases"] += bool(sources)
            numbers["verified"] += bool(verifying)
            numbers["reported"] += sources == {STATE}
            numbers["by two"] += len(verifying) > 1
            numbers["counted apart"] += bool(sources) and (
                bool(person & self.erased) or self.class_in_log(person) == "counted"
            )
        return numbers

    def by_source(self) -> dict[str, int]:
        """Whom each source says it verified; a source speaks of a person once, however often it wrote."""
        told: dict[str, int] = {}
        for person in self.people():
            for source in self._speaking(person):
                told[source] = told.get(source, 0) + 1
        return told

    def is_counted(self, person: Cluster) -> bool:
        return bool(self._speaking(person))

    def _speaking(self, person: Cluster) -> set[str]:
        return {self.accounts[number].source for number in person if not self.accounts[number].retracted}


@dataclass
class Objection:
    """`state`: received, waiting, open (before curators alone), hiding, upheld (hides until decided again), over."""

    account: int
    at: datetime
    state: str = "received"


@dataclass
class Hiding:
    """An account whose person an objection hides, until it was answered."""

    account: int
    answered: tuple[int, datetime] | None = None


@dataclass
class Model:
    now: datetime
    revision: int
    pasts: dict[int, Past] = field(default_factory=dict)
    redacted: set[int] = field(default_factory=set)
    objections: list[Objection] = field(default_factory=list)
    hidings: list[Hiding] = field(default_factory=list)
    wishes: dict[tuple[int, str], int] = field(default_factory=dict)  # (account, class) → since when it was asked for

    def __post_init__(self) -> None:
        self.begun, self.recorded = self.revision, self.now
        self.pasts[self.revision] = Past()

    @property
    def head(self) -> Past:
        return self.pasts[self.revision]

    def write(self, entries: int, *, only_last: bool = False, **changes: object) -> None:
        """So many entries, after which the log says something else; `only_last`: those before the last change
        nothing."""
        before, self.revision = self.head, self.revision + entries
        self.recorded = max(self.now, self.recorded)  # a clock set back moves no past
        after = replace(before, **changes)  # type: ignore[arg-type]  # of whatever field is named
        for revision in range(self.revision - entries + 1, self.revision + 1):
            self.pasts[revision] = before if only_last and revision < self.revision else after

    # --- who may be seen ---------------------------------------------------------------------------------------------

    def hides(self, person: Cluster) -> list[Hiding]:
        return [hiding for hiding in self.hidings if hiding.account in person and hiding.answered is None]

    def class_of_today(self, person: Cluster) -> str:
        """Of a person as the head has it."""
        head = self.head
        if person & self.redacted or self.hides(person):
            return "counted"
        if head.perhaps_a_child(person) and not head.consents_of(person):
            return "counted"
        return head.class_in_log(person)

    def seen_class(self, person: Cluster) -> str:
        """Of a person of any revision: the strictest class of today among those who hold its reports today."""
        return strictest(self.class_of_today(self.head.person(number)) for number in person)

    def listed(self, past: Past, restricted: bool) -> Iterator[tuple[Cluster, str, bool]]:
        """`(person, class, whether the name is shown)` of everybody in a list of people. `restricted`: for partners
        and curators. Nobody goes on naming somebody whom every report withdrew."""
        for person in past.people():
            seen = self.seen_class(person)
            if restricted or seen != "counted":
                shown = not person & self.redacted and past.is_counted(person) and (restricted or seen == "named")
                yield person, seen, shown

    def may_point_at(self, source: str, person: Cluster) -> bool:
        """Whether a source's key may name the person in a report: whomever lists show it, or it reported. A
        state is answered as if the report of somebody unnamed stood alone, and yet it is tied."""
        own = any(self.head.accounts[number].source == source for number in person)
        return own or self.class_of_today(person) != "counted"

    # --- what is done ------------------------------------------------------------------------------------------------

    def wish(self, account: Account, person: Cluster, asked: str | None, revision: int) -> int:
        """Since when a source asks for this class of the person: asking again, or under another number, is no new
        wish."""
        if asked not in OPENNESS[1:]:
            return revision
        of_source = {number for number in person if self.head.accounts[number].source == account.source}
        strict = OPENNESS[OPENNESS.index(asked) :]
        made = [at for (number, asks), at in self.wishes.items() if number in of_source and asks in strict]
        return max(made, default=revision)

    def note_wish(self, account: Account) -> None:
        if account.asked in OPENNESS[1:]:
            place = account.number, str(account.asked)
            self.wishes[place] = min(self.wishes.get(place, account.wished), account.wished)

    def beat(self) -> None:
        """Objections are looked at: of whom the public can read the person is hidden; all others go to curators."""
        for one in self.objections:
            if one.state in ("received", "waiting", "open") and one.at < self.now - KEPT:
                one.state = "over"
            elif one.state == "received":
                one.state = "over" if one.account in self.redacted else "waiting"
        waiting = sorted((one for one in self.objections if one.state == "waiting"), key=lambda one: one.at)
        for person in dict.fromkeys(self.head.person(one.account) for one in waiting):
            theirs = [one for one in waiting if one.account in person]
            hiding = [one for one in self.objections if one.state == "hiding" and one.account in person]
            if not hiding and (self.class_of_today(person) == "counted" or self._answered_lately(person)):
                for one in theirs:
                    one.state = "open"
                continue
            if not hiding:
                self._hide(theirs)
            for one in theirs:
                one.state = "hiding"

    def _hide(self, objections: list[Objection]) -> None:
        """By an entry about whom the first of them is about."""
        self.write(1)
        self.hidings.append(Hiding(min(objections, key=lambda one: one.at).account))

    def part(self, before: Past) -> None:
        """People were hidden together, and are two now: each of them stays hidden on the objections of their own. Whom
        two curators decided to hide stays so whatever their class."""
        for person in self.head.people():
            theirs = [one for one in self.undecided(person) if self.hides(before.person(one.account))]
            if not theirs or self.hides(person):
                continue
            if any(one.state == "upheld" for one in theirs):
                self._hide(theirs)
                continue
            counted = self.class_of_today(person) == "counted"
            if not counted and (any(one.state == "hiding" for one in theirs) or not self._answered_lately(person)):
                self._hide(theirs)
            elif not counted:
                continue
            for one in theirs:
                one.state = "open" if counted else "hiding"

    def _answered_lately(self, person: Cluster) -> bool:
        """Two curators decided about the person, and nothing that is shown was changed by a consent since."""
        answered = [one.answered for one in self.hidings if one.account in person and one.answered is not None]
        consents = self.head.consents_of(person)
        return any(
            at > self.now - QUIET and not any(consent.revision > revision for consent in consents)
            for revision, at in answered
        )

    def undecided(self, person: Cluster) -> list[Objection]:
        states = ("waiting", "open", "hiding", "upheld")
        return [one for one in self.objections if one.account in person and one.state in states]

    def decide(self, account: int, to: str) -> None:
        """Two curators decide all objections of a person; `account`: whom the one at hand is about."""
        person = self.head.person(account)
        hidden_anyway = self.class_of_today(person) == "counted" and to in ("dismissed", "counted")
        if to in ("counted", "anonymous"):
            self.write(1, consents=(*self.head.consents, Consent(self.revision + 1, account, to)))
        hides, stays = self.hides(person), to in ("correction", "erasure")
        for hiding in hides or ([] if hidden_anyway else [Hiding(account)]):
            self.write(1)
            hiding.answered = None if stays else (self.revision, self.recorded)
            if hiding not in self.hidings:
                self.hidings.append(hiding)
        for one in self.undecided(person):
            one.state = "upheld" if stays else "over"

"""What the registry must answer, in plain Python: written from the rules alone, without the app.

`Model` keeps what the log said at each revision (`past.py`), and beside it what is judged by today alone: who is
erased, and whom an objection hides.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tests.machine.past import OPENNESS, Account, Cluster, Consent, Past, strictest

QUIET = timedelta(days=30)  # after a decision an objection hides nobody for so long
MOMENT = timedelta(microseconds=1)  # after the last entry the next is recorded, where the clock was set back
KEPT = timedelta(days=30)  # an objection that hides nobody is forgotten after so long


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
    instants: dict[int, datetime] = field(default_factory=dict)  # at which each revision was recorded
    wishes: dict[tuple[int, str], int] = field(default_factory=dict)  # (account, class) → since when it was asked for

    def __post_init__(self) -> None:
        self.begun, self.recorded, self.dated = self.revision, self.now, False
        self.pasts[self.revision] = Past()

    @property
    def head(self) -> Past:
        return self.pasts[self.revision]

    def later(self, by: timedelta) -> None:
        """Let the clock go on, or back, before something is done. All entries of one request are of one instant."""
        self.now, self.dated = self.now + by, False

    def write(self, after: Past, entries: int = 1) -> None:
        """So many entries, of which the last makes the log say something else."""
        if not self.dated:  # a clock set back moves no past
            self.recorded = self.now if self.now >= self.recorded else self.recorded + MOMENT
            self.dated = True
        for _ in range(entries):
            self.pasts[self.revision + 1] = self.head
            self.revision += 1
            self.instants[self.revision] = self.recorded
        self.pasts[self.revision] = after

    def instant(self, revision: int) -> datetime | None:
        """An instant that means this earlier revision, where it has one of its own that is past by any clock."""
        instant = self.instants.get(revision)
        later = self.instants.get(revision + 1)
        return instant if instant is not None and later is not None and instant < min(later, self.now) else None

    # --- who may be seen ---------------------------------------------------------------------------------------------

    def hides(self, person: Cluster) -> list[Hiding]:
        return [hiding for hiding in self.hidings if hiding.account in person and hiding.answered is None]

    def class_of_today(self, person: Cluster) -> str:
        """Of a person as the head has it."""
        if person & self.redacted or self.hides(person):
            return "counted"
        return self.head.class_by_reports(person)

    def seen_class(self, person: Cluster) -> str:
        """Of a person of any revision: the strictest class of today among those who hold its reports today."""
        return strictest(self.class_of_today(self.head.person(number)) for number in person)

    def listed(self, past: Past, restricted: bool) -> Iterator[tuple[Cluster, str, bool]]:
        """`(person, class, whether the name is shown)` of everybody in a list of people. `restricted`: for partners
        and curators. Nobody goes on naming somebody whom every report withdrew."""
        for person in past.people:
            seen = self.seen_class(person)
            if restricted or seen != "counted":
                shown = not person & self.redacted and past.is_asserted(person) and (restricted or seen == "named")
                yield person, seen, shown

    def may_point_at(self, source: str, person: Cluster) -> bool:
        """Whether a source's key may name the person in a report, by the id of the earliest one: whomever lists show
        it, or whose earliest report is its own, unless erased. Whoever is not independent is answered as if the report
        of somebody unnamed stood alone, and yet it is tied."""
        own = self.head.accounts[min(person)].source == source
        return min(person) not in self.redacted and (own or self.class_of_today(person) != "counted")

    # --- what is done ------------------------------------------------------------------------------------------------

    def wish(self, account: Account, person: Cluster, revision: int) -> int:
        """Since when a source asks for the class of its report: asking again, or under another number, is no new
        wish."""
        asked = account.asked
        if asked is None or asked == "named":
            return revision
        of_source = {number for number in person if self.head.accounts[number].source == account.source}
        strict = OPENNESS[OPENNESS.index(asked) :]
        made = [at for (number, asks), at in self.wishes.items() if number in of_source and asks in strict]
        return max(made, default=revision)

    def note_wish(self, account: Account) -> None:
        if account.asked in OPENNESS[1:]:
            place = account.number, str(account.asked)
            self.wishes[place] = min(self.wishes.get(place, account.wished), account.wished)

    def put(self, account: Account, entries: int = 1, tied_to: int | None = None) -> None:
        """File or change a report."""
        head = self.head
        ties = head.ties if tied_to is None else head.ties | {(tied_to, account.number)}
        self.write(replace(head, accounts={**head.accounts, account.number: account}, ties=ties), entries)

    def consent(self, account: int, publish: str) -> None:
        given = Consent(self.revision + 1, account, publish)
        self.write(replace(self.head, consents=(*self.head.consents, given)))

    def erase(self, person: Cluster) -> None:
        self.write(replace(self.head, erased=self.head.erased | person))
        self.redacted |= person
        for one in self.objections:
            if one.account in person:
                one.state = "over"

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
                one.state = "open" if hiding or one is not theirs[0] else "hiding"

    def _hide(self, objections: list[Objection]) -> None:
        """By an entry about whom the first of them is about."""
        self.write(self.head)
        self.hidings.append(Hiding(min(objections, key=lambda one: one.at).account))

    def part(self, before: Past) -> None:
        """People were hidden together, and are two now: each of them stays hidden on the objections of their own. Whom
        two curators decided to hide stays so whatever their class."""
        for person in self.head.people:
            theirs = [one for one in self.undecided(person) if self.hides(before.person(one.account))]
            if not theirs or self.hides(person):
                continue
            if any(one.state == "upheld" for one in theirs):
                self._hide(theirs)
                continue
            if self.class_of_today(person) == "counted":
                for one in theirs:
                    one.state = "open"
            elif any(one.state == "hiding" for one in theirs):
                self._hide(theirs)
            elif not self._answered_lately(person):
                self._hide(theirs)
                min(theirs, key=lambda one: one.at).state = "hiding"

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
            self.consent(account, to)
        hides, stays = self.hides(person), to in ("correction", "erasure")
        for hiding in hides or ([] if hidden_anyway else [Hiding(account)]):
            self.write(self.head)
            hiding.answered = None if stays else (self.revision, self.recorded)
            if hiding not in self.hidings:
                self.hidings.append(hiding)
        for one in self.undecided(person):
            one.state = "upheld" if stays else "over"

"""What the log said at one revision, in plain Python: who is whom, who counts, and who may be named (design 3).

Everybody here was in custody once and has names of their own, so that nothing hangs on spells or on matching.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

OPENNESS = ("named", "anonymous", "counted")
STATE = "ministry"  # the one source that is never independent
CHILD = "2010"  # the birth of whoever was a child when taken; any other birth is a grown-up's
# No word, no sound and no letter at the beginning in common, so that nobody is taken for another.
NAMES = (
    "Zoraida Montilla Paz", "Ulises Barrios Coy", "Fermín Castro Lugo", "Delia Arteaga Mora", "Hugo Lares Brito",
    "Olga Pinto Reyes", "Wenceslao Iturbe Khan", "Xiomara Quevedo Jara", "Baltasar Ñáñez Villar", "Ingrid Yépez Egui",
    "Tobías Guaicaipuro Sosa", "Ruperto Drago Anzola", "Perla Fajardo Uzcátegui", "Nabor Schmitt Ojeda",
)  # fmt: skip

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
    """Accounts, which of them are tied, what was consented to, which sources were in quarantine, and who was erased by
    then, and so may only be counted from then on."""

    accounts: dict[int, Account] = field(default_factory=dict)
    ties: frozenset[tuple[int, int]] = frozenset()
    consents: tuple[Consent, ...] = ()
    claims: int = 0
    erased: frozenset[int] = frozenset()
    quarantined: frozenset[str] = frozenset()

    @cached_property
    def people(self) -> tuple[Cluster, ...]:
        people = [{number} for number in sorted(self.accounts)]
        for a, b in self.ties:
            one = next(person for person in people if a in person)
            other = next(person for person in people if b in person)
            if one is not other:
                people.remove(other)
                one |= other
        return tuple(sorted(map(frozenset, people), key=min))

    @cached_property
    def _person(self) -> dict[int, Cluster]:
        return {number: person for person in self.people for number in person}

    def person(self, number: int) -> Cluster:
        return self._person[number]

    def is_independent(self, source: str) -> bool:
        return source != STATE and source not in self.quarantined

    def _independent(self, person: Cluster) -> list[Account]:
        accounts = [self.accounts[number] for number in sorted(person)]
        return [one for one in accounts if self.is_independent(one.source)]

    def _heard(self, person: Cluster) -> list[Account]:
        """A source that is not independent is asked only where no other speaks."""
        return self._independent(person) or [self.accounts[number] for number in sorted(person)]

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

    def class_by_reports(self, person: Cluster) -> str:
        """Whoever may be a child is only counted, until a consent answers that. Births that only others than
        independent sources give hide as well."""
        births = {one.born for one in self._independent(person)} - {None}
        if CHILD in (births or {self.accounts[number].born for number in person}) and not self.consents_of(person):
            return "counted"
        return self.class_in_log(person)

    def needs_a_guardian(self, person: Cluster) -> bool:
        """For a consent that opens a child. A birth from others is no matter once a curator looks."""
        return CHILD in {one.born for one in self._heard(person)}

    def counts(self) -> dict[str, int]:
        """The releases: in all, by independent verifying sources, and of people who may only be counted. What only
        others than independent sources say is told beside."""
        numbers = dict.fromkeys(("cases", "verified", "official only", "by two", "unlinkable"), 0)
        for person in self.people:
            sources = self._speaking(person)
            verifying = {source for source in sources if self.is_independent(source)}
            numbers["cases"] += bool(verifying)
            numbers["verified"] += bool(verifying)
            numbers["official only"] += bool(sources) and not verifying
            numbers["by two"] += len(verifying) > 1
            numbers["unlinkable"] += bool(verifying) and (
                bool(person & self.erased) or self.class_in_log(person) == "counted"
            )
        return numbers

    def by_source(self) -> dict[str, int]:
        """Whom each independent source says it verified; it speaks of a person once, however often it wrote."""
        told: dict[str, int] = {}
        for person in self.people:
            for source in filter(self.is_independent, self._speaking(person)):
                told[source] = told.get(source, 0) + 1
        return told

    def is_asserted(self, person: Cluster) -> bool:
        return bool(self._speaking(person))

    def is_in_totals(self, person: Cluster) -> bool:
        return any(map(self.is_independent, self._speaking(person)))

    def _speaking(self, person: Cluster) -> set[str]:
        return {self.accounts[number].source for number in person if not self.accounts[number].retracted}

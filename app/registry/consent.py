"""Which class of publication a person has: consent, what sources ask for, and the young (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.dates import PartialDate, age_bounds_at
from app.registry.content import ADULT, Content, as_sent, birth_of
from app.registry.projection.accounts import Account, parse
from app.vocabulary import Publish

CLASS = "detainee.publish"  # as filed: `counted` already stands there for who may be a minor
# From the most open to the most closed; when sources differ the most closed holds.
OPENNESS = (Publish.NAMED, Publish.ANONYMOUS, Publish.COUNTED)


# What a possible child is told by; without these a report says nothing of anybody's age.
BIRTH = frozenset({"detainee.birth_date", "detainee.age", "detainee.age_on"})
# Independent sources other than the one that hides somebody, from which on its word alone is not enough.
OTHERS = 2

Given = tuple[int, int, str]  # revision, record, class


@dataclass(frozen=True, slots=True)
class Hiding:
    """A report that closes a person, to `publish`, against what stands, until a curator has looked: `consent`, or the
    `reports` of two other independent sources. `stopped`: it does not close anything meanwhile."""

    record: int
    source: int
    publish: str
    against: str
    stopped: bool


def stricter(one: str, other: str) -> bool:
    return OPENNESS.index(one) > OPENNESS.index(other)


def strictest(classes: Iterable[str]) -> str:
    return max(classes, key=OPENNESS.index)


def person_class(accounts: Sequence[Account], consents: Sequence[Given]) -> str:
    """The class of a person.

    Without consent the strictest of what the reports ask for, `anonymous` where one does not say; a report that only
    points at somebody asks for nothing by saying nothing. Sources that are not independent are asked where no other
    speaks: a state must not hide whom others name. A consent answers for all that was asked before it; who asks for a
    class later can only close it further. Where people with several consents turn out to be one, the strictest of
    the latest ones holds.
    """
    if any(account.redacted for account in accounts):
        return Publish.COUNTED
    waiting = {hiding.record for hiding in _hidings(accounts, consents) if hiding.stopped}
    heard = [account for account in _heard(accounts) if account.record not in waiting]
    if not consents:
        return strictest(list(filter(None, map(_asked, heard))) or [Publish.ANONYMOUS])
    standing, last = _consented(consents)
    return strictest([standing, *filter(None, (a.content.get(CLASS) for a in heard if _since(a) > last))])


def provisional(accounts: Sequence[Account], consents: Sequence[Given]) -> list[Hiding]:
    """The reports that hide the person against what stands, each until a curator's consent answers it: no one key hides
    anybody for good. A name that is closed again after a consent waits like all else that a consent opened. Of somebody
    erased nothing is left for a curator to answer."""
    if any(account.redacted or account.erased for account in accounts):
        return []
    return _hidings(accounts, consents)


def _hidings(accounts: Sequence[Account], consents: Sequence[Given]) -> list[Hiding]:
    """Those reports, also of somebody who was erased later: a replay must find the class that the person had before."""
    heard = _heard(accounts)
    if consents:
        standing, last = _consented(consents)
        closing = [a for a in heard if _since(a) > last and stricter(a.content.get(CLASS, standing), standing)]
        return [Hiding(a.record, a.source.key, a.content[CLASS], "consent", a.stopped) for a in closing]
    if len({account.source.key for account in heard}) <= OTHERS:
        return []
    hiding = [a for a in heard if _asked(a) == Publish.COUNTED] or _making_a_child(heard, accounts)
    against = [account for account in hiding if _others_show(account, heard)]
    return [Hiding(a.record, a.source.key, Publish.COUNTED, "reports", a.stopped) for a in against]


def _heard(accounts: Sequence[Account]) -> list[Account]:
    return [account for account in accounts if account.source.independent] or list(accounts)


def _asked(account: Account) -> str | None:
    """The class that a report asks for, by saying nothing too."""
    asked: str | None = account.content.get(CLASS, None if account.points else Publish.ANONYMOUS)
    return asked


def _since(account: Account) -> int:
    return account.revision if account.wished is None else account.wished


def _consented(consents: Sequence[Given]) -> tuple[str, int]:
    """The class that the latest consents give, and the revision of the last."""
    latest = {record: asked for _revision, record, asked in sorted(consents)}
    return strictest(latest.values()), max(revision for revision, _record, _asked in consents)


def _others_show(account: Account, heard: Sequence[Account]) -> bool:
    """Whether two other independent sources' standing reports ask for more than to be counted."""
    showing = {
        other.source.key
        for other in heard
        if other.independent and not other.retracted and _asked(other) in (Publish.NAMED, Publish.ANONYMOUS)
    }
    return len(showing - {account.source.key}) >= OTHERS


def _making_a_child(heard: Sequence[Account], accounts: Sequence[Account]) -> list[Account]:
    """The reports of one source whose birth alone, beside the days of others, makes the person a possible child."""
    if not may_be_minor(*parted(accounts)):
        return []
    giving = [account for account in heard if not BIRTH.isdisjoint(account.content)]
    return [one for one in giving if not may_be_minor(*parted(_without_births_of(one.source.key, accounts)))]


def _without_births_of(source: int, accounts: Sequence[Account]) -> list[Account]:
    """The reports, those of one source without what they say of a birth."""
    return [replace(a, content=without_birth(a.content)) if a.source.key == source else a for a in accounts]


def without_birth(said: Content) -> Content:
    """A report without what it says of a birth, and without the class that follows from that."""
    return {name: value for name, value in as_sent(said).items() if name not in BIRTH}


def may_be_minor(reports: Sequence[Content], others: Sequence[Content] = ()) -> bool:
    """Whether the birth that one report gives and the detention that another gives leave somebody under 18.

    Each report was judged alone when it was filed; this is what they say together. `others` are reports of sources that
    are not independent, beside those of sources that are: their days are heard only where no independent source gives a
    birth, or a state could hide whom it likes by one invented day.
    """
    births = _births(reports)
    days = _detentions(reports) if births else _detentions(reports) or _detentions(others)
    return any(age_bounds_at(birth, day)[0] < ADULT for birth in births or _births(others) for day in days)


def parted(accounts: Sequence[Account]) -> tuple[list[Content], list[Content]]:
    """What independent sources say and what the others say; all of it first where no source is independent."""
    heard = [account.content for account in accounts if account.source.independent]
    others = [account.content for account in accounts if not account.source.independent]
    return (heard, others) if heard else (others, [])


def _births(reports: Sequence[Content]) -> list[PartialDate]:
    return [birth for said in reports if (birth := birth_of(said)) is not None]


def _detentions(reports: Sequence[Content]) -> list[PartialDate]:
    return [parse(said["detention.detained_on"]) for said in reports if "detention.detained_on" in said]

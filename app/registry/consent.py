"""Which class of publication a person has: consent, what sources ask for, and the young (pure)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.dates import PartialDate, age_bounds_at
from app.registry.content import ADULT, Content, as_sent, birth_of
from app.registry.projection.statements import Statement, parse
from app.vocabulary import Publish

CLASS = "detainee.publish"  # as filed: `counted` already stands there for who may be a minor
# From the most open to the most closed; when sources differ the most closed holds.
OPENNESS = (Publish.NAMED, Publish.ANONYMOUS, Publish.COUNTED)


# The fields from which a report tells that the person may be a child; without them it tells nothing of an age.
BIRTH = frozenset({"detainee.birth_date", "detainee.age", "detainee.age_on"})
# With so many other independent sources that show a person, the word of one that hides the person is provisional.
OTHERS = 2

Given = tuple[int, int, str]  # revision, record, class


@dataclass(frozen=True, slots=True)
class Hiding:
    """A report that closes a person to the class `publish`, provisionally, until a curator has looked. `against`: what
    it closes the person against, a curator's `consent` or the `reports` of two other independent sources. `stopped`:
    the report closes nothing meanwhile."""

    record: int
    source: int
    publish: str
    against: str
    stopped: bool


def stricter(one: str, other: str) -> bool:
    return OPENNESS.index(one) > OPENNESS.index(other)


def strictest(classes: Iterable[str]) -> str:
    return max(classes, key=OPENNESS.index)


def person_class(statements: Sequence[Statement], consents: Sequence[Given]) -> str:
    """The class of a person.

    Without a consent, the strictest class that a report asks for. A report that says none asks for `anonymous`, unless
    it was filed by pointing at somebody: then it asks for nothing. Sources that are not independent are heard only
    where no independent one reports the person: a state must not hide whom others name. A consent answers all that was
    asked before it, and a report that asks later can only close the person further. Where people with several consents
    turn out to be one, the strictest of each one's latest consent holds.
    """
    if any(statement.redacted for statement in statements):
        return Publish.COUNTED
    waiting = {hiding.record for hiding in _hidings(statements, consents) if hiding.stopped}
    heard = [statement for statement in _heard(statements) if statement.record not in waiting]
    if not consents:
        return strictest(list(filter(None, map(_asked, heard))) or [Publish.ANONYMOUS])
    standing, last = _consented(consents)
    return strictest([standing, *filter(None, (a.content.get(CLASS) for a in heard if _since(a) > last))])


def provisional(statements: Sequence[Statement], consents: Sequence[Given]) -> list[Hiding]:
    """The reports that close the person provisionally, each until a curator's consent answers it: no one key hides
    anybody for good. A report that asks for `anonymous` after a consent opened the name is one of them. Of an erased
    person nothing is left for a curator to answer."""
    if any(statement.redacted or statement.erased for statement in statements):
        return []
    return _hidings(statements, consents)


def _hidings(statements: Sequence[Statement], consents: Sequence[Given]) -> list[Hiding]:
    """Those reports, also of a person who was erased later: a replay must find the class from before the erasure."""
    heard = _heard(statements)
    if consents:
        standing, last = _consented(consents)
        closing = [a for a in heard if _since(a) > last and stricter(a.content.get(CLASS, standing), standing)]
        return [Hiding(a.record, a.source.key, a.content[CLASS], "consent", a.stopped) for a in closing]
    if len({statement.source.key for statement in statements}) == 1:  # nobody else shows the person
        return []
    hiding = [a for a in heard if _asked(a) == Publish.COUNTED] or _making_a_child(statements)
    against = [statement for statement in hiding if _others_show(statement, heard)]
    return [Hiding(a.record, a.source.key, Publish.COUNTED, "reports", a.stopped) for a in against]


def _heard(statements: Sequence[Statement]) -> list[Statement]:
    return [statement for statement in statements if statement.source.independent] or list(statements)


def _asked(statement: Statement) -> str | None:
    """The class that a report asks for: by saying none for `anonymous`, or where it points at somebody for nothing."""
    asked: str | None = statement.content.get(CLASS, None if statement.points else Publish.ANONYMOUS)
    return asked


def _since(statement: Statement) -> int:
    return statement.revision if statement.wished is None else statement.wished


def _consented(consents: Sequence[Given]) -> tuple[str, int]:
    """The class that the latest consents give, and the revision of the last of them."""
    latest = {record: asked for _revision, record, asked in sorted(consents)}
    return strictest(latest.values()), max(revision for revision, _record, _asked in consents)


def _others_show(statement: Statement, heard: Sequence[Statement]) -> bool:
    """Whether the standing reports of two other independent sources ask for a class that shows the person; against a
    source that is not independent those of one do."""
    showing = {
        other.source.key
        for other in heard
        if other.independent and not other.retracted and _asked(other) in (Publish.NAMED, Publish.ANONYMOUS)
    }
    return len(showing - {statement.source.key}) >= (OTHERS if statement.source.independent else 1)


def _making_a_child(statements: Sequence[Statement]) -> list[Statement]:
    """The reports of a source without whose births the person could be no child."""
    giving = [statement for statement in statements if not BIRTH.isdisjoint(statement.content)]
    if not giving or not may_be_minor(*parted(statements)):
        return []
    return [one for one in giving if not may_be_minor(*parted(_without_births_of(one.source.key, statements)))]


def _without_births_of(source: int, statements: Sequence[Statement]) -> list[Statement]:
    """The reports of a person, with those of one source telling no birth."""
    return [replace(a, content=without_birth(a.content)) if a.source.key == source else a for a in statements]


def without_birth(said: Content) -> Content:
    """A report's content without what it tells of a birth, and without the class that follows from that."""
    return {name: value for name, value in as_sent(said).items() if name not in BIRTH}


def may_be_minor(reports: Sequence[Content], others: Sequence[Content] = ()) -> bool:
    """Whether the birth that one report gives and the detention that another gives leave the person under 18.

    Each report was judged alone when it was filed; this judges them together. `others`: the reports of sources that are
    not independent, where some source is. Their detentions are heard only where no independent source gives a birth, or
    a state could hide whom it likes by one invented day.
    """
    births = _births(reports)
    days = _detentions(reports) if births else _detentions(reports) or _detentions(others)
    return any(age_bounds_at(birth, day)[0] < ADULT for birth in births or _births(others) for day in days)


def parted(statements: Sequence[Statement]) -> tuple[list[Content], list[Content]]:
    """The contents of independent sources' reports, and those of the others'; where no source is independent, all of
    them and none."""
    heard = [statement.content for statement in statements if statement.source.independent]
    others = [statement.content for statement in statements if not statement.source.independent]
    return (heard, others) if heard else (others, [])


def _births(reports: Sequence[Content]) -> list[PartialDate]:
    return [birth for said in reports if (birth := birth_of(said)) is not None]


def _detentions(reports: Sequence[Content]) -> list[PartialDate]:
    return [parse(said["detention.detained_on"]) for said in reports if "detention.detained_on" in said]

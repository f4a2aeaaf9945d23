"""The class of publication of a person: named, shown without a name, or only counted (pure).

It follows from curators' consents, from the classes that reports ask for, and from minority. What each class opens to
which reader is decided in `read_permissions.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from app.models import CLASSES_OF_TODAY, NAMED_BY_REPORTS
from app.registry.minority import BIRTH_FIELDS, may_be_minor, parted, without_birth
from app.registry.projection.statements import Statement
from app.vocabulary import Publish

CLASS = "detainee.publish"  # as filed: for a possible minor it is `counted` already
# A source that hides a person whom this many other independent sources show hides provisionally.
OTHERS = 2

GivenConsent = tuple[int, int, str]  # revision, record, class


@dataclass(frozen=True, slots=True)
class Hiding:
    """A report that closes a person to the class `publish`, provisionally, until a curator has looked, against a
    curator's `consent` or the `reports` of two other independent sources. `stopped`: it closes nothing meanwhile."""

    record: int
    source: int
    publish: str
    against: str
    stopped: bool


def stricter(publish: str, other: str) -> bool:
    return CLASSES_OF_TODAY.index(publish) > CLASSES_OF_TODAY.index(other)


def strictest(classes: Iterable[str]) -> str:
    """Where sources differ, the most closed class holds."""
    return max(classes, key=CLASSES_OF_TODAY.index)


def person_class(statements: Sequence[Statement], consents: Sequence[GivenConsent]) -> str:
    """The class of a person as the log tells it, whether erased or not.

    Without a consent, the strictest class that a report asks for. A report without a class asks for `anonymous`, or for
    none where it was filed by pointing at a known person. Sources that are not independent count only where no
    independent source reports the person: a state must not hide whom others name. A consent answers all earlier
    requests; later ones can only close the person further. Where people with a consent each turn out to be one person,
    the strictest of their latest consents holds.
    """
    waiting = {hiding.record for hiding in _hidings(statements, consents) if hiding.stopped}
    relevant = [statement for statement in _relevant(statements) if statement.record not in waiting]
    if not consents:
        return strictest(list(filter(None, map(_requested, relevant))) or [Publish.ANONYMOUS])
    standing, last = _consented(consents)
    return strictest([standing, *filter(None, (a.content.get(CLASS) for a in relevant if _since(a) > last))])


def class_of_today(
    publish: str, statements: Sequence[Statement], consents: Sequence[GivenConsent], *, objected: bool = False
) -> str:
    """Today's class of a person of the class `publish`: `counted` once erased, where the reports together leave it
    possible that the person was a child, and no consent answers that, or where an objection hides the person; and
    NAMED_BY_REPORTS where no consent opens the name. The class in the rows stays `publish`, which follows from the
    reports as filed: a replay must give it again after births are erased, and what anybody sends without a key must
    move no count."""
    if objected or any(statement.redacted for statement in statements):
        return Publish.COUNTED
    if not consents and may_be_minor(*parted(statements)):
        return Publish.COUNTED
    return in_name_of(publish, bool(consents))


def in_name_of(publish: str, consented: bool) -> str:
    """The class `publish` of a person, by whether it rests on a recorded consent."""
    return NAMED_BY_REPORTS if publish == Publish.NAMED and not consented else publish


def provisional(statements: Sequence[Statement], consents: Sequence[GivenConsent]) -> list[Hiding]:
    """The reports that close the person provisionally, each until a curator's consent answers it, so that no one key
    hides a person for good; among them a request for `anonymous` after a consent opened the name. None of an erased
    person: nothing is left to answer."""
    if any(statement.redacted or statement.erased for statement in statements):
        return []
    return _hidings(statements, consents)


def _hidings(statements: Sequence[Statement], consents: Sequence[GivenConsent]) -> list[Hiding]:
    """`provisional`, also of a person erased later: a replay must find the class from before the erasure."""
    relevant = _relevant(statements)
    if consents:
        standing, last = _consented(consents)
        closing = [a for a in relevant if _since(a) > last and stricter(a.content.get(CLASS, standing), standing)]
        return [Hiding(a.record, a.source.key, a.content[CLASS], "consent", a.stopped) for a in closing]
    if len({statement.source.key for statement in statements}) == 1:  # no other source shows the person
        return []
    hiding = [a for a in relevant if _requested(a) == Publish.COUNTED] or _making_a_child(statements)
    against = [statement for statement in hiding if _others_show(statement, relevant)]
    return [Hiding(a.record, a.source.key, Publish.COUNTED, "reports", a.stopped) for a in against]


def _relevant(statements: Sequence[Statement]) -> list[Statement]:
    return [statement for statement in statements if statement.source.independent] or list(statements)


def _requested(statement: Statement) -> str | None:
    """The class that a report asks for; without one `anonymous`, or none where it points at a known person."""
    requested: str | None = statement.content.get(CLASS, None if statement.points else Publish.ANONYMOUS)
    return requested


def _since(statement: Statement) -> int:
    return statement.revision if statement.wished is None else statement.wished


def _consented(consents: Sequence[GivenConsent]) -> tuple[str, int]:
    """The class that the latest consents give, and the revision of the last of them."""
    latest = {record: publish for _revision, record, publish in sorted(consents)}
    return strictest(latest.values()), max(revision for revision, _record, _publish in consents)


def _others_show(statement: Statement, relevant: Sequence[Statement]) -> bool:
    """Whether standing reports of two other independent sources ask to show the person; one source is enough against a
    source that is not independent."""
    showing = {
        other.source.key
        for other in relevant
        if other.independent and not other.retracted and _requested(other) in (Publish.NAMED, Publish.ANONYMOUS)
    }
    return len(showing - {statement.source.key}) >= (OTHERS if statement.source.independent else 1)


def _making_a_child(statements: Sequence[Statement]) -> list[Statement]:
    """The reports of each source without whose births the person could not be a child."""
    giving = [statement for statement in statements if not BIRTH_FIELDS.isdisjoint(statement.content)]
    if not giving or not may_be_minor(*parted(statements)):
        return []
    return [s for s in giving if not may_be_minor(*parted(_without_births_of(s.source.key, statements)))]


def _without_births_of(source: int, statements: Sequence[Statement]) -> list[Statement]:
    """The statements, those of one source without their births."""
    return [replace(a, content=without_birth(a.content)) if a.source.key == source else a for a in statements]

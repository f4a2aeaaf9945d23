"""Which class of publication a person has: consent, what sources ask for, and the young (pure)."""

from collections.abc import Iterable, Sequence

from app.dates import PartialDate, age_bounds_at
from app.registry.content import ADULT, Content, birth_of
from app.registry.projection.accounts import Account, parse
from app.vocabulary import Publish

CLASS = "detainee.publish"  # as filed: `counted` already stands there for who may be a minor
# From the most open to the most closed; when sources differ the most closed holds.
OPENNESS = (Publish.NAMED, Publish.ANONYMOUS, Publish.COUNTED)


def strictest(classes: Iterable[str]) -> str:
    return max(classes, key=OPENNESS.index)


def person_class(accounts: Sequence[Account], consents: Sequence[tuple[int, int, str]]) -> str:
    """The class of a person. `consents` are `(revision, record, class)`.

    Without consent the strictest of what the reports ask for, `anonymous` where one does not say; a report that only
    points at somebody asks for nothing by saying nothing. Sources that are not independent are asked where no other
    speaks: a state must not hide whom others name. A consent answers for all that was said before it; who asks for a
    class later can only close it further. Where people with several consents turn out to be one, the strictest of
    the latest ones holds.
    """
    if any(account.redacted for account in accounts):
        return Publish.COUNTED
    heard = [account for account in accounts if account.source.independent] or accounts
    if not consents:
        asked = [account.content.get(CLASS, None if account.points else Publish.ANONYMOUS) for account in heard]
        return strictest(list(filter(None, asked)) or [Publish.ANONYMOUS])
    latest = {record: asked for _revision, record, asked in sorted(consents)}
    last = max(revision for revision, _record, _asked in consents)
    later = [account.content.get(CLASS) for account in heard if account.revision > last]
    return strictest([*latest.values(), *filter(None, later)])


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

"""Which class of publication a person has: consent, what sources ask for, and the young (pure)."""

from collections.abc import Iterable, Sequence

from app.registry.projection.accounts import Account
from app.vocabulary import Publish

CLASS = "detainee.publish"  # as filed: `counted` already stands there for who may be a minor
# From the most open to the most closed; when sources differ the most closed holds.
OPENNESS = (Publish.NAMED, Publish.ANONYMOUS, Publish.COUNTED)


def strictest(classes: Iterable[str]) -> str:
    return max(classes, key=OPENNESS.index)


def person_class(accounts: Sequence[Account], consents: Sequence[tuple[int, int, str]]) -> str:
    """The class of a person. `consents` are `(revision, record, class)`.

    Without consent the strictest of what the reports ask for, `anonymous` where one does not say. A consent
    answers for all that was said before it; a source that asks for a class later can only close it further. Where
    people with several consents turn out to be one, the strictest of the latest ones holds.
    """
    if any(account.redacted for account in accounts):
        return Publish.COUNTED
    if not consents:
        return strictest(account.content.get(CLASS, Publish.ANONYMOUS) for account in accounts)
    latest = {record: asked for _revision, record, asked in sorted(consents)}
    last = max(revision for revision, _record, _asked in consents)
    later = [account.content.get(CLASS) for account in accounts if account.revision > last]
    return strictest([*latest.values(), *filter(None, later)])

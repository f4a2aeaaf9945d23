"""Rule 4: one value out of what several sources say, and who says what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.registry.projection.accounts import Account, parse
from app.registry.projection.voices import by_source
from app.vocabulary import Verdict

Fact = dict[str, Any]


# How each field of a section is made one fact out of what the sources say.
Combined = Mapping[str, Callable[[Sequence["Said"]], Fact | None]]


@dataclass(frozen=True, slots=True)
class Said:
    """One source's value of one fact."""

    value: Any
    source: str
    independent: bool
    verified: bool


def said_by(accounts: Iterable[Account], read: Callable[[Account], Any]) -> list[Said]:
    """Each source's value: that of its newest account that has one."""
    return _said(_newest_first(accounts), read)


def _newest_first(accounts: Iterable[Account]) -> list[list[Account]]:
    """The accounts of each source that may speak."""
    accounts = list(accounts)
    if len(accounts) == 1:  # as most often
        return [accounts]
    grouped = by_source(accounts).values()
    return [said if len(said) == 1 else sorted(said, key=lambda account: -account.revision) for said in grouped]


def _said(sources: Iterable[Iterable[Account]], read: Callable[[Account], Any]) -> list[Said]:
    found = []
    for accounts in sources:
        for account in accounts:
            value = read(account)
            if value is not None:
                verified = account.verdict is Verdict.VERIFIED
                found.append(Said(value, account.source.slug, account.independent, verified))
                break
    return found


def field(name: str) -> Callable[[Account], Any]:
    return lambda account: account.content.get(name)


def plain_fact(said: Sequence[Said]) -> Fact | None:
    """The value most independent sources say; ties: verified, then smallest. `{value, said: [{value, by}]}`."""
    return _fact(said, supports=lambda a, b: a == b, coarseness=lambda _value: 0)


def date_fact(said: Sequence[Said]) -> Fact | None:
    """The same for partial dates: a coarser one supports every finer one inside it."""
    return _fact(
        said,
        supports=lambda a, b: parse(b).within(parse(a)),
        coarseness=lambda value: parse(value).hi - parse(value).lo,
    )


def latest_fact(said: Sequence[Said]) -> Fact | None:
    """The latest date anyone says, not the most frequent."""
    if not said:
        return None
    value = max((one.value for one in said), key=last_day)
    return {"value": value, "said": _listed(said, value)}


def last_day(text: str) -> tuple[int, str]:
    """Sorts partial dates by the last day they may mean."""
    return parse(text).hi, text


def union_fact(said: Sequence[Said]) -> Fact | None:
    """All values of the independent sources together; of all sources when none is independent."""
    if not said:
        return None
    voting = [one for one in said if one.independent] or said
    value = sorted({item for one in voting for item in one.value}, key=_bytes)
    return {"value": value, "said": _listed(said, value)}


def _fact(said: Sequence[Said], supports: Callable[[Any, Any], bool], coarseness: Callable[[Any], int]) -> Fact | None:
    if not said:
        return None

    voting = [one for one in said if one.independent] or said

    def rank(value: Any) -> tuple[int, bool, int, bytes]:
        votes = sum(1 for one in voting if one.independent and supports(one.value, value))
        verified = any(one.verified for one in voting if one.value == value)
        return -votes, not verified, coarseness(value), _bytes(value)

    agreed = said[0].value  # as nearly always: then there is nothing to rank
    best = agreed if all(one.value == agreed for one in said) else min((one.value for one in said), key=rank)
    return {"value": best, "said": _listed(said, best)}


def _listed(said: Sequence[Said], first: Any) -> list[dict[str, Any]]:
    """Who says what: the chosen value first, the others in byte order."""
    if len(said) == 1:  # as most often
        return [{"value": said[0].value, "by": [said[0].source]}]
    groups: dict[bytes, tuple[Any, list[str]]] = {}
    for one in said:
        groups.setdefault(_bytes(one.value), (one.value, []))[1].append(one.source)
    ordered = sorted(groups.items(), key=lambda item: (item[0] != _bytes(first), item[0]))
    return [{"value": value, "by": sorted(sources)} for _key, (value, sources) in ordered]


def _bytes(value: Any) -> bytes:
    return str(value).encode()


def value_of(facts: dict[str, Fact], name: str) -> Any:
    """The consolidated value of a fact, or None."""
    fact = facts.get(name)
    return None if fact is None else fact["value"]


def collect(accounts: Sequence[Account], names: Combined, section: str) -> dict[str, Fact]:
    """The facts of a section, by field name, leaving out what nobody said."""
    facts = {}
    sources = _newest_first(accounts)
    for name, combine in names.items():
        path = f"{section}.{name}"
        if any(path in account.content for account in accounts):  # most fields nobody fills in
            fact = combine(_said(sources, field(path)))
            if fact is not None:
                facts[name] = fact
    return facts

"""Rule 4: one value out of what several sources say, and who says what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.registry.projection.statements import Statement, parse
from app.registry.projection.voices import by_source
from app.vocabulary import Verdict

Fact = dict[str, Any]
ReadValue = Callable[[Statement], Any]


# Field of a section → how what the sources say of it becomes one fact.
Combined = Mapping[str, Callable[[Sequence["Said"]], Fact | None]]


@dataclass(frozen=True, slots=True)
class Said:
    """One source's value of one fact. `kept`: the value is not the source's own word; it stood where its report
    points."""

    value: Any
    source: str
    independent: bool
    verified: bool
    kept: bool = False


def said_by(statements: Iterable[Statement], read: ReadValue, kept: ReadValue | None = None) -> list[Said]:
    """Each source's value, by `read` from its newest statement that says one; else by `kept` from what stood where the
    source's report points."""
    return _said(_newest_first(statements), read, kept)


def _newest_first(statements: Iterable[Statement]) -> list[list[Statement]]:
    """For each source its statements that may speak, the newest first."""
    statements = list(statements)
    if len(statements) == 1:  # as most often
        return [statements]
    return [newest_first(said) for said in by_source(statements).values()]


def newest_first(said: Sequence[Statement]) -> list[Statement]:
    return list(said) if len(said) == 1 else sorted(said, key=lambda statement: -statement.revision)


def _said(sources: Iterable[Sequence[Statement]], read: ReadValue, kept: ReadValue | None) -> list[Said]:
    found = []
    for statements in sources:
        one = _word(statements, read, kept=False) or (_word(statements, kept, kept=True) if kept else None)
        if one is not None:
            found.append(one)
    return found


def _word(statements: Sequence[Statement], read: ReadValue, *, kept: bool) -> Said | None:
    for statement in statements:
        value = read(statement)
        if value is not None:
            # A source that repeats as reported what it verified has verified it still.
            saying = (one for one in statements if one.verdict is Verdict.VERIFIED and read(one) == value)
            speaker = next(saying, statement)
            verified = speaker.verdict is Verdict.VERIFIED
            return Said(value, speaker.source.slug, speaker.independent, verified, kept)
    return None


def own_word(statements: Sequence[Statement], read: ReadValue, kept: ReadValue) -> Any:
    """The value of one source from its statements, newest first: its own word, else what stood where its report points,
    else None."""
    word = _word(statements, read, kept=False) or _word(statements, kept, kept=True)
    return None if word is None else word.value


def field(name: str) -> ReadValue:
    return lambda statement: statement.content.get(name)


def kept(name: str) -> ReadValue:
    """Reads the value of `name` kept with a report: what stood where the report points when it was filed."""
    return field(f"kept.{name}")


def voting(said: Sequence[Said]) -> list[Said]:
    """The values that decide: those of the independent sources that verified, else those of the independent ones, else
    all. A kept value has no vote beside an independent source's own word."""
    independent = [one for one in said if one.independent]
    independent = [one for one in independent if not one.kept] or independent
    return [one for one in independent if one.verified] or independent or list(said)


def plain_fact(said: Sequence[Said]) -> Fact | None:
    """The value that most deciding sources say; None where several values tie. `{value, said: [{value, by}]}`."""
    return _fact(said, _same, lambda tied: tied[0] if len(tied) == 1 else None)


def shown_fact(said: Sequence[Said]) -> Fact | None:
    """`plain_fact` for what is shown and never counted: of several spellings of a name that tie one must stand in a
    list, the first in byte order."""
    return _fact(said, _same, lambda tied: min(tied, key=_bytes))


def date_fact(said: Sequence[Said]) -> Fact | None:
    """`plain_fact` for partial dates: a coarser date supports every finer one inside it, and dates that tie become the
    interval that holds them all."""
    return _fact(said, lambda a, b: parse(b).within(parse(a)), _hull)


def day_fact(statements: Sequence[Statement], name: str, among: str) -> Fact | None:
    """The date that statements give under `among`.`name`."""
    return _beside_verifying(statements, field(f"{among}.{name}"), kept(name), date_fact)


def kind_fact(statements: Sequence[Statement]) -> Fact | None:
    """The kind of release that statements state."""
    return _beside_verifying(statements, lambda statement: statement.kind, kept("kind"), plain_fact)


def _beside_verifying(
    statements: Sequence[Statement], read: ReadValue, kept_: ReadValue, fact_of: Callable[[Sequence[Said]], Fact | None]
) -> Fact | None:
    """The fact whose value is None where an independent source verifies and only others state one (`dating`): a state
    neither dates what others verified nor makes house arrest of it. All that is said is listed."""
    said = said_by(statements, read, kept_)
    if not said:
        return None
    fact = fact_of(said_by(dating(statements), read, kept_))
    value = None if fact is None else fact["value"]
    return {"value": value, "said": _listed(said, value)}


def dating(statements: Sequence[Statement]) -> list[Statement]:
    """The statements whose days and kinds count: where an independent one verifies, the independent ones alone, so that
    no other source dates an independent verification or changes its kind."""
    checked = any(statement.independent and statement.verdict is Verdict.VERIFIED for statement in statements)
    return [statement for statement in statements if statement.independent or not checked]


def latest_fact(said: Sequence[Said]) -> Fact | None:
    """The fact whose value is the latest date that a source says, not the most frequent."""
    if not said:
        return None
    value = max((one.value for one in said), key=last_day)
    return {"value": value, "said": _listed(said, value)}


def last_day(text: str) -> tuple[int, str]:
    """What partial dates are sorted by: the last day they may mean."""
    return parse(text).hi, text


def union_fact(said: Sequence[Said]) -> Fact | None:
    """The fact that holds all values of the independent sources together; of all sources where none is independent."""
    if not said:
        return None
    independent = [one for one in said if one.independent] or said
    value = sorted({item for one in independent for item in one.value}, key=_bytes)
    return {"value": value, "said": _listed(said, value)}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other)


def _hull(tied: Sequence[str]) -> str:
    """The interval that holds all these dates; where one of the dates holds them all, that one as it is written."""
    days = [parse(text) for text in tied]
    lo, hi = min(day.lo for day in days), max(day.hi for day in days)
    whole = [day.text for day in days if (day.lo, day.hi) == (lo, hi)]
    return min(whole) if whole else f"{date.fromordinal(lo).isoformat()}/{date.fromordinal(hi).isoformat()}"


def _fact(
    said: Sequence[Said], supports: Callable[[Any, Any], bool], settle: Callable[[Sequence[Any]], Any]
) -> Fact | None:
    """The fact whose value `settle` chooses or makes from the values that most deciding sources support."""
    if not said:
        return None
    values = [one.value for one in voting(said)]
    value = values[0]  # as nearly always all agree, and there is nothing to count
    if any(other != value for other in values):
        votes = [sum(supports(other, one) for other in values) for one in values]
        tied: list[Any] = []
        for one, number in zip(values, votes, strict=True):
            if number == max(votes) and one not in tied:
                tied.append(one)
        value = settle(tied)
    return {"value": value, "said": _listed(said, value)}


def _listed(said: Sequence[Said], first: Any) -> list[dict[str, Any]]:
    """`[{value, by}]`: each value that sources say in their own words, and who says it; the chosen value first, the
    others in byte order."""
    said = [one for one in said if not one.kept]
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


def collect(statements: Sequence[Statement], names: Combined, section: str) -> dict[str, Fact]:
    """Field name → fact, for the fields of a section that somebody said."""
    facts = {}
    sources = _newest_first(statements)
    for name, combine in names.items():
        path = f"{section}.{name}"
        if any(path in statement.content for statement in statements):  # most fields nobody fills in
            fact = combine(_said(sources, field(path), None))
            if fact is not None:
                facts[name] = fact
    return facts

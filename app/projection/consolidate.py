"""Rule 4: one value out of what several sources say, and who says what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from operator import eq
from typing import Any, NamedTuple

from app.projection.statements import Statement, by_source, parse
from app.schemas.base import Fact, Facts, Said
from app.vocabulary import Verdict

ReadValue = Callable[[Statement], Any]


# Field of a section → how the values of several sources become one fact.
Combined = Mapping[str, Callable[[Sequence["SourceValue"]], Fact | None]]


class SourceValue(NamedTuple):
    """One source's value of one fact. `kept`: the value stood where the source's report points, and is not the source's
    own word."""

    value: Any
    source: str
    independent: bool
    verified: bool
    kept: bool = False


def source_values(statements: Iterable[Statement], read: ReadValue, kept: ReadValue | None = None) -> list[SourceValue]:
    """Each source's value: read by `read` from its newest statement with one, else by `kept` from the values kept with
    its reports. Sources without a value are left out."""
    return _source_values(_newest_first(statements), read, kept)


def _newest_first(statements: Iterable[Statement]) -> list[list[Statement]]:
    """For each source the statements that may speak for it, the newest first."""
    statements = list(statements)
    if len(statements) == 1:  # as most often
        return [statements]
    return [newest_first(of_source) for of_source in by_source(statements).values()]


def newest_first(statements: Sequence[Statement]) -> list[Statement]:
    return sorted(statements, key=lambda statement: -statement.revision)


def _source_values(
    sources: Iterable[Sequence[Statement]], read: ReadValue, kept: ReadValue | None
) -> list[SourceValue]:
    values = (_word(of_source, read, kept) for of_source in sources)
    return [value for value in values if value is not None]


def _word(of_source: Sequence[Statement], read: ReadValue, kept: ReadValue | None) -> SourceValue | None:
    """The value of one source from its statements, newest first."""
    for reading, is_kept in ((read, False), (kept, True)) if kept else ((read, False),):
        for statement in of_source:
            value = reading(statement)
            if value is not None:
                if statement.verdict is Verdict.VERIFIED or len(of_source) == 1:  # as most often
                    speaker = statement
                else:  # a source that repeats as reported what it verified has verified it still
                    same = (s for s in of_source if s.verdict is Verdict.VERIFIED and reading(s) == value)
                    speaker = next(same, statement)
                verified = speaker.verdict is Verdict.VERIFIED
                return SourceValue(value, speaker.source.slug, speaker.independent, verified, is_kept)
    return None


def own_word(statements: Sequence[Statement], read: ReadValue, kept: ReadValue) -> Any:
    """The value of one source from its statements, newest first: its own word, else the value kept with its reports,
    else None."""
    word = _word(statements, read, kept)
    return None if word is None else word.value


def field(name: str) -> ReadValue:
    return lambda statement: statement.content.get(name)


def kept(name: str) -> ReadValue:
    """Reads the value of `name` kept with a report: the one that stood, at its filing, where the report points."""
    return field(f"kept.{name}")


def deciding(values: Sequence[SourceValue]) -> list[SourceValue]:
    """The values that decide: those of independent verifying sources, else of independent sources, else all. A kept
    value does not decide beside an independent source's own word."""
    if len(values) == 1:  # as most often
        return list(values)
    independent = [value for value in values if value.independent]
    independent = [value for value in independent if not value.kept] or independent
    return [value for value in independent if value.verified] or independent or list(values)


def plain_fact(values: Sequence[SourceValue]) -> Fact | None:
    """The value that most deciding sources say; None where several values tie. `{value, said: [{value, by}]}`."""
    return _fact(values, eq, lambda tied: tied[0] if len(tied) == 1 else None)


def shown_fact(values: Sequence[SourceValue]) -> Fact | None:
    """`plain_fact` for values that are shown and never counted: of spellings that tie, the first in byte order, since a
    list must show one."""
    return _fact(values, eq, lambda tied: min(tied, key=_bytes))


def date_fact(values: Sequence[SourceValue]) -> Fact | None:
    """`plain_fact` for partial dates: a coarser date supports every finer one inside it, and dates that tie become the
    interval that holds them all."""
    return _fact(values, lambda a, b: parse(b).within(parse(a)), _hull)


def day_fact(statements: Sequence[Statement], name: str, among: str) -> Fact | None:
    """The fact of the date that statements give under `among`.`name`."""
    return _beside_verifying(statements, field(f"{among}.{name}"), kept(name), date_fact)


def kind_fact(statements: Sequence[Statement]) -> Fact | None:
    """The fact of the kind of release that statements name."""
    return _beside_verifying(statements, lambda statement: statement.kind, kept("kind"), plain_fact)


def _beside_verifying(
    statements: Sequence[Statement],
    read: ReadValue,
    kept_: ReadValue,
    fact_of: Callable[[Sequence[SourceValue]], Fact | None],
) -> Fact | None:
    """The fact by the statements that date and name the kind (`dating`), with every source's value listed: where an
    independent source verifies and only others give a value, the value is None, so that a state neither dates a
    verified release nor makes house arrest of it."""
    values = source_values(statements, read, kept_)
    if not values:
        return None
    telling = dating(statements)
    if len(telling) == len(statements):  # as most often
        return fact_of(values)
    fact = fact_of(source_values(telling, read, kept_))
    value = None if fact is None else fact["value"]
    return {"value": value, "said": _listed(values, value)}


def dating(statements: Sequence[Statement]) -> list[Statement]:
    """The statements whose days and kinds count: the independent ones alone where one of them verifies, else all. So no
    other source dates an independent verification or changes its kind."""
    checked = any(statement.independent and statement.verdict is Verdict.VERIFIED for statement in statements)
    return [statement for statement in statements if statement.independent or not checked]


def latest_fact(values: Sequence[SourceValue]) -> Fact | None:
    """The fact whose value is the latest date that any source gives, not the most frequent."""
    if not values:
        return None
    value = max((each.value for each in values), key=last_day)
    return {"value": value, "said": _listed(values, value)}


def last_day(text: str) -> tuple[int, str]:
    """The sort key of a partial date: the last day it may mean."""
    return parse(text).hi, text


def union_fact(values: Sequence[SourceValue]) -> Fact | None:
    """The fact of the union of all independent sources' values; of all sources' where none is independent."""
    if not values:
        return None
    independent = [each for each in values if each.independent] or values
    value = sorted({item for each in independent for item in each.value})
    return {"value": value, "said": _listed(values, value)}


def _hull(tied: Sequence[str]) -> str:
    """The interval that spans all these dates; where one of the dates spans them all, that one as it is written."""
    days = [parse(text) for text in tied]
    lo, hi = min(day.lo for day in days), max(day.hi for day in days)
    whole = [day.text for day in days if (day.lo, day.hi) == (lo, hi)]
    return min(whole) if whole else f"{date.fromordinal(lo).isoformat()}/{date.fromordinal(hi).isoformat()}"


def _fact(
    values: Sequence[SourceValue], supports: Callable[[Any, Any], bool], settle: Callable[[Sequence[Any]], Any]
) -> Fact | None:
    """The fact whose value `settle` chooses or makes from the values that most deciding sources support."""
    if not values:
        return None
    choices = [each.value for each in deciding(values)]
    value = choices[0]  # as nearly always all agree, and there is nothing to count
    if len(choices) > 1 and any(other != value for other in choices):
        votes = [sum(supports(other, choice) for other in choices) for choice in choices]
        most = max(votes)
        tied: list[Any] = []
        for choice, number in zip(choices, votes, strict=True):
            if number == most and choice not in tied:
                tied.append(choice)
        value = settle(tied)
    return {"value": value, "said": _listed(values, value)}


def _listed(values: Sequence[SourceValue], first: Any) -> list[Said]:
    """`[{value, by}]`: each value that is a source's own word, with the slugs of its sources; the chosen value first,
    the others in byte order."""
    values = [each for each in values if not each.kept]
    if len(values) == 1:  # as most often
        return [{"value": values[0].value, "by": [values[0].source]}]
    groups: dict[bytes, tuple[Any, list[str]]] = {}
    for each in values:
        groups.setdefault(_bytes(each.value), (each.value, []))[1].append(each.source)
    ordered = sorted(groups.items(), key=lambda item: (item[0] != _bytes(first), item[0]))
    return [{"value": value, "by": sorted(sources)} for _key, (value, sources) in ordered]


def _bytes(value: Any) -> bytes:
    return str(value).encode()


def value_of(facts: Facts, name: str) -> Any:
    """The consolidated value of a fact, or None."""
    fact = facts.get(name)
    return None if fact is None else fact["value"]


def said_of(facts: Facts, name: str) -> list[Said]:
    """What sources say of a fact: each value with its sources."""
    fact = facts.get(name)
    return [] if fact is None else fact["said"]


def value_by(slug: str, facts: Facts, name: str) -> Any:
    """The value of a fact as one source states it, or None."""
    return next((group["value"] for group in said_of(facts, name) if slug in group["by"]), None)


def collect(statements: Sequence[Statement], names: Combined, section: str) -> Facts:
    """Field name → fact, for the fields of a section that some statement has."""
    facts = {}
    sources = _newest_first(statements)
    filled = set().union(*(statement.content for statement in statements))
    for name, combine in names.items():
        path = f"{section}.{name}"
        if path in filled:  # most fields nobody fills in
            fact = combine(_source_values(sources, field(path), None))
            if fact is not None:
                facts[name] = fact
    return facts

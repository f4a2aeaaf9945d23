"""Derive one value from those of several sources (rule 15), and list which source states which value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import eq
from typing import Any, NamedTuple

from app.projection.event_dates import GOVERNMENT, rank_voice
from app.projection.statements import Statement, parse_cached_date
from app.projection.status import group_by_source
from app.schemas.base import Fact, Facts, Said

ReadValue = Callable[[Statement], Any]
# Field of a section → how the values of several sources become one fact.
Combiners = Mapping[str, Callable[[Sequence["SourceValue"]], Fact | None]]


class SourceValue(NamedTuple):
    """One source's value of one fact. `rank`: the group of the source. `is_taken_over`: the source took the value over
    from the registry."""

    value: Any
    source: str
    rank: int
    is_taken_over: bool = False


def read_source_values(
    statements: Iterable[Statement], read_value: ReadValue, field: str | None = None
) -> list[SourceValue]:
    """Return each source's value: from its first statement with one of its own, otherwise with one taken over.

    `field`: the field that `read_value` reads, if its value can be taken over. Sources without a value are omitted."""
    return _collect_values(_group_in_order(statements), read_value, field)


def _group_in_order(statements: Iterable[Statement]) -> list[list[Statement]]:
    """Return for each source the statements that may speak for it, in their order."""
    statements = list(statements)
    if len(statements) == 1:  # the most frequent case
        return [statements]
    return [sort_by_precedence(group) for group in group_by_source(statements).values()]


def sort_by_precedence(statements: Sequence[Statement]) -> list[Statement]:
    """Sort one source's statements: first-hand ones first, the newest of them first (rule 5)."""
    return sorted(statements, key=lambda statement: (not statement.independent, -statement.revision))


def _collect_values(
    sources: Iterable[Sequence[Statement]], read_value: ReadValue, field: str | None
) -> list[SourceValue]:
    values = (_read_source_value(statements, read_value, field) for statements in sources)
    return [value for value in values if value is not None]


def _read_source_value(statements: Sequence[Statement], read_value: ReadValue, field: str | None) -> SourceValue | None:
    """Return the value of one source from its statements in their order; its own goes before one taken over.

    The source stands in the best group that one of the statements reaches, whichever of them gives the value (rule 5).
    """
    found = [(statement, value) for statement in statements if (value := read_value(statement)) is not None]
    if not found:
        return None
    own = [item for item in found if field is None or not item[0].is_taken_over(field)]
    statement, value = (own or found)[0]
    return SourceValue(value, statement.source.slug, min(map(rank_voice, statements)), is_taken_over=not own)


def read_value_of_source(statements: Sequence[Statement], read_value: ReadValue, field: str) -> Any:
    """Return one source's value from its statements in their order: its own, otherwise the one taken over."""
    source_value = _read_source_value(statements, read_value, field)
    return None if source_value is None else source_value.value


def read_field(name: str) -> ReadValue:
    return lambda statement: statement.content.get(name)


def select_deciding(values: Sequence[SourceValue]) -> list[SourceValue]:
    """Return the values that decide: those of the first group of sources with one; own ones before those taken over."""
    rank = min(value.rank for value in values)
    group = [value for value in values if value.rank == rank]
    return [value for value in group if not value.is_taken_over] or group


def plain_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return the value that most deciding sources state; None for a tie. `{value, said: [{value, by}]}`."""
    return _build_fact(values, eq, lambda tied: tied[0] if len(tied) == 1 else None)


def shown_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return `plain_fact` for values that are shown and never counted: a tie is resolved by byte order, since a list
    must show one spelling."""
    return _build_fact(values, eq, lambda tied: min(tied, key=_bytes))


def date_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return `plain_fact` for partial dates: a coarser date supports every finer one inside it, and a tie goes to the
    later date."""
    return _build_fact(values, _supports_date, lambda tied: max(tied, key=get_last_day_key))


def birth_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return `date_fact`, but None for a tie: a birth is no event, and a tie leaves the value unspecified (rule 15)."""
    return _build_fact(values, _supports_date, lambda tied: tied[0] if len(tied) == 1 else None)


def date_range_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return `date_fact`, but the interval of all tied dates for a tie: which of them is right stays open (rule 15)."""
    return _build_fact(values, _supports_date, _join_dates)


def _join_dates(tied: Sequence[str]) -> str:
    dates = [parse_cached_date(text) for text in tied]
    if len(dates) == 1:
        return tied[0]
    return f"{min(date.first for date in dates)}/{max(date.last for date in dates)}"


def _supports_date(coarse: str, fine: str) -> bool:
    return parse_cached_date(fine).is_within(parse_cached_date(coarse))


def kind_fact(statements: Sequence[Statement]) -> Fact | None:
    """Return the kind of a release. A government's kind counts only if no organisation asserts the release."""
    values = read_source_values(statements, lambda statement: statement.kind, "release.kind")
    fact = plain_fact(values)
    is_asserted = any(statement.source.independent for statement in statements)
    if fact is not None and is_asserted and min(value.rank for value in values) == GOVERNMENT:
        return {**fact, "value": None}
    return fact


def latest_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return the fact with the latest date that any source gives, instead of the most frequent."""
    if not values:
        return None
    value = max((source_value.value for source_value in values), key=get_last_day_key)
    return {"value": value, "said": list_values(values, value)}


def get_last_day_key(text: str) -> tuple[int, str]:
    """Return the sort key of a partial date: the last day it may mean."""
    return parse_cached_date(text).hi, text


def union_fact(values: Sequence[SourceValue]) -> Fact | None:
    """Return the union of the values of organisations, or of all sources if no organisation gives one."""
    if not values:
        return None
    deciding = [value for value in values if value.rank < GOVERNMENT] or values
    value = sorted({item for source_value in deciding for item in source_value.value})
    return {"value": value, "said": list_values(values, value)}


def _build_fact(
    values: Sequence[SourceValue], supports: Callable[[Any, Any], bool], settle: Callable[[Sequence[Any]], Any]
) -> Fact | None:
    """Return the fact whose value `settle` picks from the values with the most support."""
    if not values:
        return None
    choices = [source_value.value for source_value in select_deciding(values)]
    value = choices[0]  # nearly always all agree and counting is unnecessary
    if len(choices) > 1 and any(other != value for other in choices):
        votes = [sum(supports(other, choice) for other in choices) for choice in choices]
        max_votes = max(votes)
        tied: list[Any] = []
        for choice, number in zip(choices, votes, strict=True):
            if number == max_votes and choice not in tied:
                tied.append(choice)
        value = settle(tied)
    return {"value": value, "said": list_values(values, value)}


def list_values(values: Sequence[SourceValue], first: Any) -> list[Said]:
    """Return `[{value, by}]` for each source's own value: the chosen value first, the others in byte order."""
    values = [source_value for source_value in values if not source_value.is_taken_over]
    if len(values) == 1:  # the most frequent case
        return [{"value": values[0].value, "by": [values[0].source]}]
    groups: dict[bytes, tuple[Any, list[str]]] = {}
    for source_value in values:
        groups.setdefault(_bytes(source_value.value), (source_value.value, []))[1].append(source_value.source)
    sorted_groups = sorted(groups.items(), key=lambda item: (item[0] != _bytes(first), item[0]))
    return [{"value": value, "by": sorted(sources)} for _key, (value, sources) in sorted_groups]


def _bytes(value: Any) -> bytes:
    return str(value).encode()


def get_fact_value(facts: Facts, name: str) -> Any:
    """Return the consolidated value of a fact, or None."""
    fact = facts.get(name)
    return None if fact is None else fact["value"]


def get_reported_values(facts: Facts, name: str) -> list[Said]:
    """Return the values that sources state for a fact, each with its sources."""
    fact = facts.get(name)
    return [] if fact is None else fact["said"]


def get_value_by_source(slug: str, facts: Facts, name: str) -> Any:
    """Return the value of a fact as one source states it, or None."""
    return next((group["value"] for group in get_reported_values(facts, name) if slug in group["by"]), None)


def collect_facts(statements: Sequence[Statement], names: Combiners, section: str) -> Facts:
    """Return a dict of field name → fact, for the fields of a section that some statement has."""
    facts = {}
    sources = _group_in_order(statements)
    present_fields = set().union(*(statement.content for statement in statements))
    for name, combine in names.items():
        path = f"{section}.{name}"
        if path in present_fields:  # most fields are empty
            fact = combine(_collect_values(sources, read_field(path), None))
            if fact is not None:
                facts[name] = fact
    return facts

"""Convert reports for the matcher: build blocking keys and persons, and drop hits with an incompatible birth (pure)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from app.dates import PartialDate
from app.log.content import AGE_ON, AGE_SPAN, NATIONAL_ID, Content, remove_taken_over
from app.matching.blocking import (
    BlockingHit,
    BlockingQuery,
    build_name_blocking_keys,
    build_word_keys,
    count_min_shared_keys,
)
from app.matching.score import CONFLICTING_BIRTH_YEARS, MAX_BIRTH_SPAN_DAYS, Person, find_birth_bounds
from app.matching.scripts import fold
from app.projection.statements import parse_cached_date

# No query uses these keys: a facility gives no candidates. They find records when a facility changes.
_FACILITY_PREFIX = "f:"
_NATIONAL_ID_PREFIX = "i:"
# Two births contradict each other if one begins this many years before the other: a stored birth spans at most three
# years, and conflicting births are more than CONFLICTING_BIRTH_YEARS apart.
MAX_BIRTH_GAP_YEARS = 3 + CONFLICTING_BIRTH_YEARS


def format_facility_key(folded_name: str) -> str:
    return f"{_FACILITY_PREFIX}{folded_name}"


def build_blocking_keys(content: Content) -> frozenset[str]:
    """Return the stored keys of a report.

    They are built from its names, its facility, own or taken over, its identification number, and combinations that
    find nameless reports."""
    keys = {
        *build_query_keys(remove_taken_over(content)),
        *build_word_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ())),
    }
    facility = content.get("detention.facility")
    if facility is not None:
        keys.add(format_facility_key(fold(facility)))
    return frozenset(keys)


def _build_nameless_keys(content: Content) -> set[str]:
    """Return keys of facility and foreign nationality: few people share both, and a nameless report has little else."""
    facility, country = content.get("detention.facility"), content.get("detention.country")
    if facility is None:
        return set()
    return {f"x:{fold(facility)}|{nation}" for nation in content.get("detainee.nationalities", ()) if nation != country}


def build_query_keys(content: Content) -> frozenset[str]:
    """Return the keys of a query, without facilities and single words, which would hit a whole prison."""
    keys = {*build_name_blocking_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ()))}
    digest = content.get(NATIONAL_ID)
    if digest is not None:
        keys.add(f"{_NATIONAL_ID_PREFIX}{digest}")
    return frozenset(keys | _build_nameless_keys(content))


def build_blocking_rows(content: Content, record: int, source: int, publish: str) -> list[dict[str, Any]]:
    """Return the rows of a record's blocking keys. `publish`: today's class of its person."""
    shared_columns = {
        "record": record,
        "born": find_report_birth_year(remove_taken_over(content)),
        "source": source,
        "publish_now": publish,
    }
    return [{"key": key, **shared_columns} for key in sorted(build_blocking_keys(content))]


def build_blocking_query(content: Content) -> BlockingQuery:
    """Return the query for a report's candidates."""
    fewest = count_min_shared_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ()))
    first, last = _find_birth_years(_build_birth_person(content))
    return BlockingQuery(build_query_keys(content), first, fewest, last)


def find_birth_year(person: Person) -> int | None:
    """Return the first possible year of birth; None if it is unknown or spans more than MAX_BIRTH_SPAN_DAYS."""
    return _find_birth_years(person)[0]


def _find_birth_years(person: Person) -> tuple[int | None, int | None]:
    """Return the first and the last possible year of birth; `(None, None)` if `find_birth_year` returns None."""
    bounds = find_birth_bounds(person)
    if bounds is None or bounds[1] - bounds[0] > MAX_BIRTH_SPAN_DAYS:
        return None, None
    return date.fromordinal(bounds[0]).year, date.fromordinal(bounds[1]).year


def find_report_birth_year(content: Content) -> int | None:
    """Return the first possible year of birth of a report's person, like `find_birth_year`."""
    return find_birth_year(_build_birth_person(content))


def _build_birth_person(content: Content) -> Person:
    """Return the person of a report with only those fields that bound the birth."""
    return Person(
        birth=_parse_field(content, "detainee.birth_date"),
        age=content.get("detainee.age"),
        age_on=_parse_field(content, AGE_ON) or _parse_field(content, AGE_SPAN),
        released_on=_parse_field(content, "release.released_on"),
    )


def is_namesake(query: BlockingQuery, hit: BlockingHit) -> bool:
    """Return whether a hit may have the same name, word for word."""
    return hit.max_shared_keys >= query.min_shared_keys


def filter_possible_hits(query: BlockingQuery, hits: Sequence[BlockingHit]) -> Sequence[BlockingHit]:
    """Return the hits without those whose birth shows that they are of another person.

    A hit that may have the same name or identification number stays: a curator should see it."""
    first_year, last_year, fewest = query.first_birth_year, query.last_birth_year, query.min_shared_keys
    if first_year is None or last_year is None or any(key.startswith(_NATIONAL_ID_PREFIX) for key in query.keys):
        return hits
    earliest, latest = first_year - MAX_BIRTH_GAP_YEARS, last_year + CONFLICTING_BIRTH_YEARS
    return [
        hit
        for hit in hits
        if hit.first_birth_year is None or earliest <= hit.first_birth_year <= latest or hit.max_shared_keys >= fewest
    ]


def build_person(content: Content) -> Person:
    """Return the person of a report."""
    return Person(
        name=content.get("detainee.full_name"),
        aliases=tuple(content.get("detainee.aliases", ())),
        birth=_parse_field(content, "detainee.birth_date"),
        age=content.get("detainee.age"),
        age_on=_parse_field(content, AGE_ON) or _parse_field(content, AGE_SPAN),
        gender=content.get("detainee.gender"),
        nationalities=frozenset(content.get("detainee.nationalities", ())),
        facility=fold(content["detention.facility"]) if "detention.facility" in content else None,
        detained_on=_parse_field(content, "detention.detained_on"),
        released_on=_parse_field(content, "release.released_on"),
        national_id=content.get(NATIONAL_ID),
        country=content.get("detention.country"),
    )


def _parse_field(content: Content, name: str) -> PartialDate | None:
    return parse_cached_date(content[name]) if name in content else None

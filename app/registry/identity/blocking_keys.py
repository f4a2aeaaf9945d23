"""A report in the matcher's terms: its blocking keys, its person, and which hits may be of that person (pure)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from app.dates import PartialDate
from app.log.content import AGE_ON, AGE_SPAN, KEPT_FACILITY, NATIONAL_ID, Content
from app.matching.blocking import BlockingHit, BlockingQuery, blocking_keys, fewest_keys, word_keys
from app.matching.score import BIRTH_CONFLICT, BIRTH_SPAN, Person, birth_bounds
from app.matching.scripts import fold
from app.projection.statements import parse

_FACILITY = "f:"
# No query uses it: a facility kept with a report makes no candidates.
_KEPT_FACILITY = "s:"
_IDENTITY = "i:"
# Two births contradict each other where one begins so many years before the other, however vague it is: a birth that is
# stored spans three years at most, and conflicting births are more than BIRTH_CONFLICT apart.
BORN_APART = 3 + BIRTH_CONFLICT


def facility_key(folded_name: str) -> str:
    return f"{_FACILITY}{folded_name}"


def kept_facility_key(slug: str) -> str:
    return f"{_KEPT_FACILITY}{slug}"


def keys_of(content: Content) -> frozenset[str]:
    """The stored keys of a report: of its names, of the facility that it gives and of the one kept with it, of its
    identification number, and of combinations by which nameless reports are found."""
    keys = {*searched_keys(content), *word_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ()))}
    place = content.get("detention.facility")
    if place is not None:
        keys.add(facility_key(fold(place)))
    kept = content.get(KEPT_FACILITY)
    if kept is not None:
        keys.add(kept_facility_key(kept))
    return frozenset(keys)


def _nameless_keys(content: Content) -> set[str]:
    """Facility with a foreign nationality: few people share both, and a nameless report has little else."""
    place, country = content.get("detention.facility"), content.get("detention.country")
    if place is None:
        return set()
    return {f"x:{fold(place)}|{nation}" for nation in content.get("detainee.nationalities", ()) if nation != country}


def searched_keys(content: Content) -> frozenset[str]:
    """The keys of a query: not facilities or single words, either of which would hit a whole prison."""
    keys = {*blocking_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ()))}
    digest = content.get(NATIONAL_ID)
    if digest is not None:
        keys.add(f"{_IDENTITY}{digest}")
    return frozenset(keys | _nameless_keys(content))


def rows_of(content: Content, record: int, source: int, publish: str) -> list[dict[str, Any]]:
    """The rows of a record's blocking keys, under today's class of its person."""
    of_record = {"record": record, "born": born_of(content), "source": source, "publish_now": publish}
    return [{"key": key, **of_record} for key in sorted(keys_of(content))]


def query_of(content: Content) -> BlockingQuery:
    """The blocking query for a report's candidates."""
    fewest = fewest_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ()))
    first, last = _years(_birth_of(content))
    return BlockingQuery(searched_keys(content), first, fewest, last)


def born(person: Person) -> int | None:
    """The first possible year of birth; None where the birth is unknown or spans more than BIRTH_SPAN."""
    return _years(person)[0]


def _years(person: Person) -> tuple[int | None, int | None]:
    """The first and the last possible year of birth; None where `born` is."""
    bounds = birth_bounds(person)
    if bounds is None or bounds[1] - bounds[0] > BIRTH_SPAN:
        return None, None
    return date.fromordinal(bounds[0]).year, date.fromordinal(bounds[1]).year


def born_of(content: Content) -> int | None:
    """`born`, of the person of a report."""
    return born(_birth_of(content))


def _birth_of(content: Content) -> Person:
    """The person of a report, by what says something of a birth alone."""
    return Person(
        birth=_when(content, "detainee.birth_date"),
        age=content.get("detainee.age"),
        age_on=_when(content, AGE_ON) or _when(content, AGE_SPAN),
        released_on=_when(content, "release.released_on"),
    )


def namesake(query: BlockingQuery, hit: BlockingHit) -> bool:
    """Whether a hit may have the very same name, word for word."""
    return hit.most >= query.fewest


def possible(query: BlockingQuery, hits: Sequence[BlockingHit]) -> Sequence[BlockingHit]:
    """The hits without those whose birth shows that they are of another person, and need not be read. A hit that may
    have the very same name or the same identification number is read all the same: a curator should see it."""
    born, last, fewest = query.born, query.born_last, query.fewest
    if born is None or last is None or any(key.startswith(_IDENTITY) for key in query.keys):
        return hits
    from_, to = born - BORN_APART, last + BIRTH_CONFLICT
    return [hit for hit in hits if hit.born is None or from_ <= hit.born <= to or hit.most >= fewest]


def person_of(content: Content) -> Person:
    """The person of a report."""
    return Person(
        name=content.get("detainee.full_name"),
        aliases=tuple(content.get("detainee.aliases", ())),
        birth=_when(content, "detainee.birth_date"),
        age=content.get("detainee.age"),
        age_on=_when(content, AGE_ON) or _when(content, AGE_SPAN),
        gender=content.get("detainee.gender"),
        nationalities=frozenset(content.get("detainee.nationalities", ())),
        facility=fold(content["detention.facility"]) if "detention.facility" in content else None,
        detained_on=_when(content, "detention.detained_on"),
        released_on=_when(content, "release.released_on"),
        national_id=content.get(NATIONAL_ID),
        country=content.get("detention.country"),
    )


def _when(content: Content, name: str) -> PartialDate | None:
    return parse(content[name]) if name in content else None

"""Compute counts: totals, groups, verification patterns and caveats.

A count is a pure function of terms, reader and revision over the rows of that revision in columns."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import NO_PLACE, Array, Mask, Places, Rows, count_cells, flag_keys, index_places
from app.columns.table import NULL_CODE
from app.counts.groups import WITHHELD, GroupedRows, ListAddresses, build_groups, refuse_too_many_cells
from app.counts.shapes import Count, CountGroup, CountTotal, SourceCount
from app.counts.short_address import build_short_address
from app.db.engine import Key
from app.log.entries import Pin, count_redactions_since, pin_revision
from app.models import PendingPair, Source
from app.queries import addresses
from app.queries.addresses import EchoedTerms
from app.queries.countables import Countable, get_countable
from app.queries.dimensions import DIMENSIONS, DayUnit, DimensionValue
from app.queries.selection.build import Selection, build_selection
from app.queries.selection.rows import (
    COUNTABLE_STATUSES,
    has_reports_under_review,
    load_source_rows,
    match_approved,
    match_verified,
)
from app.queries.selection.visibility import match_partly_hidden
from app.queries.shapes import build_revision_out
from app.queries.term_names import find_unknown_values, resolve_places
from app.queries.terms import CountTerms, SourcedTerms, is_personal
from app.registry.publication.permissions import Reader
from app.vocabulary import ReleaseStatus, Review, Verdict

_REVISION_PARAM = bindparam("revision", type_=Key)
_PENDING_PAIRS_STATEMENT = (
    select_rows(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    .where(col(PendingPair.since) <= _REVISION_PARAM, col(PendingPair.until) > _REVISION_PARAM)
    .distinct()
)
_CACHE_KEY = "pending pairs at the last revision read"


def count_possible_duplicates(session: Session, selection: Selection) -> int:
    """Return how many pairs of counted people wait for a curator to decide whether they are one person.

    Each such pair may make the count one too high."""
    pairs = _load_pending_pairs(session, selection.columns, selection.revision)
    if not len(pairs):
        return 0
    is_counted = flag_keys(selection.columns.key_count, selection.person[selection.is_inside & selection.is_countable])
    return int(np.count_nonzero(is_counted[pairs].all(axis=1)))


def _load_pending_pairs(session: Session, columns: Columns, revision: int) -> Array:
    """Return the pending pairs of people at a revision, in two columns."""
    cached: tuple[int, Array] | None = columns.shared_values.get(_CACHE_KEY)
    if cached is None or cached[0] != revision:
        rows = session.connection().execute(_PENDING_PAIRS_STATEMENT, {"revision": revision}).all()
        pairs = np.array([tuple(row) for row in rows], np.intp).reshape(-1, 2)
        cached = columns.shared_values[_CACHE_KEY] = revision, pairs
    return cached[1]


Pattern = frozenset[str]
# Bits per word: sums of one bit per source must be exact in floats.
SOURCES_PER_NUMBER = 52
_SLUGS_STATEMENT = select_rows(col(Source.key), col(Source.slug))


@dataclass(frozen=True)
class Patterns:
    """The releases of a count by the set of their verifying sources.

    `spell`: key of each release. `pattern`: index of its pattern in `sources`. `source_rows`: the verifications.
    `place`: the index of the release of each verification."""

    spell: Array
    pattern: Array
    sources: list[Pattern]
    source_rows: Rows
    place: Places

    def count_by_pattern(self) -> Counter[Pattern]:
        """Return the number of releases of each pattern; the empty pattern is of unverified releases."""
        numbers = np.bincount(self.pattern, minlength=len(self.sources)).tolist()
        return Counter({pattern: number for pattern, number in zip(self.sources, numbers, strict=True) if number})


def build_patterns(session: Session, selection: Selection, terms: CountTerms) -> Patterns:
    """Group the counted releases of a selection by the sources that verify them first-hand."""
    columns = selection.columns
    spell = selection.rows["spell"][selection.is_inside & selection.is_countable]
    source_rows = load_source_rows(columns, terms, selection.revision)
    source_rows = source_rows.where(match_verified(columns, source_rows))
    place = index_places(columns.key_count, spell)[source_rows["spell"]]
    source_rows, place = source_rows.where(place != NO_PLACE), place[place != NO_PLACE]
    source = source_rows["source"]
    keys = np.flatnonzero(np.bincount(source))
    slugs = load_slugs_by_key(session)
    words = []
    for first in range(0, len(keys), SOURCES_PER_NUMBER):
        chunk = keys[first : first + SOURCES_PER_NUMBER]
        bit = np.zeros(int(keys[-1]) + 1)
        bit[chunk] = 2.0 ** np.arange(len(chunk))
        # A source has one verdict per release, so the sum contains each bit once.
        words.append(np.bincount(place, bit[source], len(spell)).astype(np.int64))
    pattern_cells = count_cells(words or [np.zeros(len(spell), np.int64)])
    sources = []
    for pattern_words in zip(*(word.tolist() for word in pattern_cells.values), strict=True):
        bits = [divmod(number, SOURCES_PER_NUMBER) for number in range(len(keys))]
        sources.append(frozenset(slugs[int(keys[n])] for n, (w, bit) in enumerate(bits) if pattern_words[w] >> bit & 1))
    return Patterns(spell, pattern_cells.cell_numbers, sources, source_rows, place)


def load_slugs_by_key(session: Session) -> dict[int, str]:
    """Return a dict of key → slug of every source."""
    slugs: dict[int, str] = dict(session.connection().execute(_SLUGS_STATEMENT).all())
    return slugs


# Replace the key of the only verifying source where there is none, or more than one.
NO_SOURCE, SEVERAL_SOURCES = 0, -1
MULTI_VALUED_DIMENSIONS = frozenset(name for name, dimension in DIMENSIONS.items() if dimension.is_multivalued)
# The columns that divide a group: status and number of first-hand verifications; and a total also: whether the person
# is unlinkable, and whether a source denies it.
GROUP_COLUMNS = ("status", "independent_verified")
TOTAL_COLUMNS = (*GROUP_COLUMNS, "withheld", "is_denied")


@dataclass(frozen=True)
class CountRequest:
    """A count being computed: its terms, the terms as echoed, its reader and its revision."""

    countable: Countable
    terms: SourcedTerms
    echoed_terms: EchoedTerms
    reader: Reader
    as_of: Pin

    @property
    def revision(self) -> int:
        return self.as_of.revision

    def select(self, session: Session, *, by_source: bool = False, units: Sequence[DayUnit] = ()) -> Selection:
        return build_selection(session, self.terms, self.reader, self.revision, by_source=by_source, units=units)

    def build_list_addresses(self, dimensions: Sequence[str] = ()) -> ListAddresses:
        """Return the addresses of the lists behind the groups; without dimensions, of the list behind the total."""
        return ListAddresses(self.countable, self.echoed_terms, dimensions, self.as_of)


def compute_count(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> Count:
    """Return a count as in `GET /v1/counts/…`, without the coverage; its address to cite is relative.

    Terms of people held must name a day, except at revision 0, where nobody is held."""
    countable, terms = get_countable(terms), resolve_places(session, terms, revision)
    request = CountRequest(countable, terms, addresses.echo_terms(terms), reader, pin_revision(session, revision))
    dimensions = addresses.get_term_values(request.echoed_terms, "group_by")
    refuse_too_many_cells(terms, dimensions)
    selection = request.select(session)
    summary = _summarize(selection, terms)
    awaiting_review, rejected = _count_under_review(session, request, selection.columns)
    return {
        "terms": request.echoed_terms,
        "at": build_revision_out(session, revision),
        "total": summary.total,
        "groups": _compute_groups(session, request, selection, dimensions) if dimensions else [],
        "caveats": {
            "not_visible": count_not_visible(session, terms, reader, revision),
            "unknown_values": find_unknown_values(session, terms, reader, revision),
            "unlinkable": summary.unlinkable_count,
            "uncertain_date": int(np.count_nonzero(selection.is_in_doubt)),
            "possible_duplicates": count_possible_duplicates(session, selection),
            "withheld": selection.count_people(selection.match_listed(terms) & selection.consolidated_rows["withheld"]),
            "denied_by_some": summary.denied_count,
            "awaiting_review": awaiting_review,
            "rejected": rejected,
            "outside_held_within": int(np.count_nonzero(selection.is_outside_held_within & selection.is_countable)),
            "groups_overlap": not MULTI_VALUED_DIMENSIONS.isdisjoint(dimensions),
            "redactions_since": count_redactions_since(session, revision) if is_personal(terms) else 0,
            "coverage": None,
        },
        "links": {
            "permalink": addresses.build_query_url(countable.counts_path, request.echoed_terms, request.as_of),
            "cite": build_short_address(request.echoed_terms, request.as_of, countable),
            "list": request.build_list_addresses().build_address(()),
        },
    }


def compute_total_number(
    session: Session, terms: SourcedTerms, reader: Reader, revision: int, *, possible: bool = False
) -> int:
    """Return only the number of releases or detentions that `compute_count` counts. `possible`: with those whose value
    of a personal term is unknown or hidden from the reader (rule 11)."""
    return build_selection(session, terms, reader, revision, possible=possible).count_rows()


def count_not_visible(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> int:
    """Count the rows that match all other terms but whose personal values are hidden from the reader.

    0 without a personal term. The function reads neither a hidden value nor whether one exists."""
    if not is_personal(terms):
        return 0
    selection = build_selection(session, terms.drop_personal(), reader, revision)
    is_hidden = match_partly_hidden(
        selection.columns, selection.rows, terms, reader, revision, uses_source_rows=selection.uses_source_rows
    )
    return 0 if is_hidden is None else selection.count_rows(is_hidden)


def _count_under_review(session: Session, request: CountRequest, columns: Columns) -> tuple[int, int]:
    """Count the rows of sources that match the terms and await review, and those that were rejected.

    They are in the count of their source, and in no other total (rule 21)."""
    if not has_reports_under_review(columns, request.terms, request.revision):
        return 0, 0
    selection = request.select(session, by_source=True)
    codes = columns.codes
    reviews = Counter(selection.rows["review"][_match_stated(selection)].tolist())
    return reviews[codes.find_code(Review.AWAITING_REVIEW)], reviews[codes.find_code(Review.REJECTED)]


def _match_stated(selection: Selection) -> Mask:
    """Return the rows inside in which a source asserts or denies."""
    retracted = selection.columns.codes.find_code(Verdict.RETRACTED)
    is_stated: Mask = selection.is_inside & (selection.rows["verdict"] != retracted)
    return is_stated


class _Summary(NamedTuple):
    """A total, and how many of its cases are of unlinkable people, and how many of the verified are denied."""

    total: CountTotal
    unlinkable_count: int
    denied_count: int


def _summarize(selection: Selection, terms: SourcedTerms) -> _Summary:
    inside, statuses = selection.is_inside, terms.status or COUNTABLE_STATUSES
    inside_rows = selection.consolidated_rows.where(inside)
    total_cells = count_cells([inside_rows[name] for name in TOTAL_COLUMNS])
    status, *others = (column.tolist() for column in (*total_cells.values, total_cells.sizes()))
    rows = [*zip(map(selection.columns.codes.text, status), *others, strict=True)]
    return _Summary(
        build_total(rows, selection.count_people(selection.match_listed(terms)), statuses),
        sum(number for status, _sources, is_unlinkable, _denied, number in rows
            if is_unlinkable and status in statuses),
        sum(number for status, _sources, _unlinkable, is_denied, number in rows
            if is_denied and status == ReleaseStatus.VERIFIED),
    )  # fmt: skip


def build_total(
    rows: Sequence[tuple[Any, ...]], people: int, statuses: Collection[str] = COUNTABLE_STATUSES
) -> CountTotal:
    """Build a total from rows that begin with a status and a number of sources, and end with how many they are.

    `statuses`: of the cases."""
    by_status: dict[str | None, int] = defaultdict(int)
    by_sources: dict[int, int] = defaultdict(int)
    for status, sources, *_others, number in rows:
        by_status[status] += number
        if status in statuses:
            by_sources[sources] += number
    max_sources = max(by_sources, default=0)
    return {
        "cases": sum(by_status[status] for status in statuses),
        "people": people,
        "verified": by_status[ReleaseStatus.VERIFIED],
        "contested": by_status[ReleaseStatus.CONTESTED],
        "reported": by_status[ReleaseStatus.REPORTED],
        "refuted": by_status[ReleaseStatus.REFUTED],
        "official_only": by_status[ReleaseStatus.OFFICIAL_ONLY],
        "by_min_sources": {
            str(k): sum(number for sources, number in by_sources.items() if sources >= k)
            for k in range(1, max_sources + 1)
        },
    }


def _compute_groups(
    session: Session, request: CountRequest, selection: Selection, names: Sequence[str]
) -> list[CountGroup]:
    """Return the groups with their numbers. `selection`: the selection of the total."""
    by_source = "source" in names
    units = [unit for name in names if (unit := DIMENSIONS[name].unit) is not None]
    if by_source or units:
        selection = request.select(session, by_source=by_source, units=units)
    groups = build_groups(selection, names, request.reader)
    counts: Mapping[int, SourceCount | CountTotal] = (
        _compute_source_groups(groups, request) if by_source else _compute_total_groups(groups, request.terms)
    )
    keys, addresses = groups.format_keys(load_slugs_by_key(session)), request.build_list_addresses(names)
    ranks = [_rank_values(values) for values in zip(*keys, strict=True)]
    sorted_groups = sorted(counts, key=lambda group: [ranks[place][value] for place, value in enumerate(keys[group])])
    return [
        {
            "by": dict(zip(names, keys[group], strict=True)),
            "counts": counts[group],
            "list": addresses.build_address(keys[group]),
        }
        for group in sorted_groups
    ]


def _rank_values(values: Iterable[DimensionValue]) -> dict[DimensionValue, int]:
    """Return the rank of each distinct value."""
    return {value: rank for rank, value in enumerate(sorted(set(values), key=_value_sort_key))}


def _value_sort_key(value: DimensionValue) -> tuple[int, str | int]:
    """Sort by value, then withheld, then unknown."""
    return (2, "") if value is None else (1, "") if value == WITHHELD else (0, value)


def _compute_total_groups(groups: GroupedRows, terms: SourcedTerms) -> dict[int, CountTotal]:
    """Compute the same numbers as in a total for each group."""
    selection, codes = groups.selection, groups.selection.columns.codes
    total_rows = selection.consolidated_rows
    rows: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    # A row without a status is in no total and creates no group.
    inside = selection.is_inside & (total_rows["status"] != NULL_CODE)
    for (group, status, *others), number in groups.count_rows(
        inside, *(total_rows[name] for name in GROUP_COLUMNS)
    ).items():
        rows[group].append((codes.text(status), *others, number))
    people, statuses = groups.count_people(selection.match_listed(terms)), terms.status or COUNTABLE_STATUSES
    return {group: build_total(group_rows, people.get(group, 0), statuses) for group, group_rows in rows.items()}


def _compute_source_groups(groups: GroupedRows, request: CountRequest) -> dict[int, SourceCount]:
    """Compute the numbers of each source's group from the source's own status, dates and kinds."""
    selection = groups.selection
    is_verified = selection.is_inside & match_verified(selection.columns, selection.rows)
    counters: dict[int, Counter[str | None]] = defaultdict(Counter)
    for (group, code), number in groups.count_rows(selection.is_inside, read_own_statuses(selection.rows)).items():
        counters[group][selection.columns.codes.text(code)] = number
    for (group, code), number in groups.count_rows(_match_stated(selection), selection.rows["review"]).items():
        counters[group][selection.columns.codes.text(code) or "reviewed"] = number
    for (group,), number in groups.count_rows(selection.is_uncertain & selection.is_countable).items():
        counters[group]["uncertain_date"] = number
    for (group,), number in groups.count_rows(is_verified & _is_only_source(selection, request.terms)).items():
        counters[group]["only_this_source"] = number
    for (group,), number in groups.count_rows(
        selection.is_inside & match_approved(selection.columns, selection.rows)
    ).items():
        counters[group]["verified_combined"] = number
    for group, number in groups.count_people(is_verified).items():
        counters[group]["people"] = number
    return {
        group: {
            "verified": numbers["verified"],
            "verified_combined": numbers["verified_combined"],
            "reported": numbers["reported"],
            "disputed": numbers["disputed"],
            "refuted": numbers["refuted"],
            "retracted": numbers["retracted"],
            "only_this_source": numbers["only_this_source"],
            "people": numbers["people"],
            "official_only": numbers["official_only"],
            "uncertain_date": numbers["uncertain_date"],
            "awaiting_review": numbers[Review.AWAITING_REVIEW],
            "rejected": numbers[Review.REJECTED],
        }
        for group, numbers in counters.items()
    }


def read_own_statuses(rows: Rows) -> Array:
    """Return the code of the status in each source's own row; of a row without one, the code of the verdict."""
    return np.where(rows["status"] == NULL_CODE, rows["verdict"], rows["status"])


def _is_only_source(selection: Selection, terms: SourcedTerms) -> Mask:
    """Return whether no other source verified the row first-hand."""
    columns = selection.columns
    source_rows = load_source_rows(columns, terms, selection.revision)
    own = source_rows.where(match_verified(columns, source_rows))
    spell, source = own["spell"], own["source"]
    only_source = np.full(columns.key_count, NO_SOURCE, np.int32)
    only_source[spell] = source
    only_source[spell[np.flatnonzero(only_source[spell] != source)]] = SEVERAL_SOURCES
    row_source = only_source[selection.rows["spell"]]
    is_only: Mask = (row_source == NO_SOURCE) | (row_source == selection.rows["source"])
    is_only |= selection.rows["review"] != NULL_CODE
    return is_only

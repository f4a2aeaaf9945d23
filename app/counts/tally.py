"""The pairs of people in a count who may be one person, since no curator has decided yet: each may be one too many.

Which sources verified a release, and no others: the pattern of its verifying sources.

Counts: a pure function of terms, reader and revision, over the rows of that revision in columns."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from sqlalchemy import bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import NO_PLACE, Array, Mask, Places, Rows, count_cells, flag_keys, index_places, is_any_of
from app.columns.table import NULL_CODE
from app.counts.groups import WITHHELD, GroupedRows, ListAddresses, build_groups, refuse_too_many_cells
from app.counts.shapes import Group, TalliedCount
from app.counts.shapes import Groups as ToldGroups
from app.db.engine import Key
from app.log.entries import Pin, count_redactions_since, pin_revision
from app.models import PendingPair, Source
from app.queries import terms as wording
from app.queries.countables import Countable, get_countable, match_silent
from app.queries.selection import (
    ASSERTING_VERDICTS,
    COUNTABLE_STATUSES,
    Selection,
    build_selection,
    load_source_rows,
    resolve_facility_slug,
)
from app.queries.terms import (
    DIMENSIONS,
    RELEASES,
    CountTerms,
    DimensionValue,
    EchoedTerms,
    HeldTerms,
    SourcedTerms,
    is_personal,
)
from app.queries.visibility import match_partly_hidden
from app.registry.publication.permissions import Reader
from app.schemas.counts import (
    CountCaveats,
    HeldTotal,
    NotVisibleCount,
    Numbers,
    SourceNumbers,
    StaleDetentionsCount,
    Total,
)
from app.vocabulary import ReleaseStatus, Verdict

_REVISION_PARAM = bindparam("revision", type_=Key)
_PAIRS = (
    select_rows(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    .where(col(PendingPair.since) <= _REVISION_PARAM, col(PendingPair.until) > _REVISION_PARAM)
    .distinct()
)
_CACHE_KEY = "pairs that wait for a curator, of the revision that was asked for last"


def count_unresolved_duplicates(session: Session, selection: Selection) -> int:
    """The pairs of counted people that may be one person and wait for a curator: each may be one too many."""
    pairs = _load_pending_pairs(session, selection.columns, selection.revision)
    if not len(pairs):
        return 0
    is_counted = flag_keys(selection.columns.key_count, selection.person[selection.inside & selection.counting])
    return int(np.count_nonzero(is_counted[pairs].all(axis=1)))


def _load_pending_pairs(session: Session, columns: Columns, revision: int) -> Array:
    """The pairs that wait at a revision: a person of each in the first column, and one in the second."""
    cached: tuple[int, Array] | None = columns.shared_values.get(_CACHE_KEY)
    if cached is None or cached[0] != revision:
        rows = session.connection().execute(_PAIRS, {"revision": revision}).all()
        pairs = np.array([tuple(row) for row in rows], np.intp).reshape(-1, 2)
        cached = columns.shared_values[_CACHE_KEY] = revision, pairs
    return cached[1]


Pattern = frozenset[str]
# Sources of which one whole number says who verified: one bit each, in sums that floats hold exactly.
SOURCES_PER_NUMBER = 52
_SLUGS = select_rows(col(Source.key), col(Source.slug))


@dataclass(frozen=True)
class Patterns:
    """The releases of a count by their verifying sources. `spell`: of each release; `pattern`: the place of its pattern
    in `sources`; `source_rows`: what each of these sources says, and `place`: of which release."""

    spell: Array
    pattern: Array
    sources: list[Pattern]
    source_rows: Rows
    place: Places

    def count_by_pattern(self) -> Counter[Pattern]:
        """How many releases each pattern has; one whose sources are none is of those that nobody verified."""
        numbers = np.bincount(self.pattern, minlength=len(self.sources)).tolist()
        return Counter({pattern: number for pattern, number in zip(self.sources, numbers, strict=True) if number})


def build_patterns(session: Session, selection: Selection, terms: CountTerms, *, independent: bool = False) -> Patterns:
    """The patterns of the releases of a selection that count; `independent`: of sources whose verification is
    independent."""
    columns = selection.columns
    spell = selection.rows["spell"][selection.inside & selection.counting]
    source_rows = load_source_rows(columns, terms, selection.revision)
    is_verified = source_rows["verdict"] == columns.codes.find_code(Verdict.VERIFIED)
    source_rows = source_rows.where(is_verified & source_rows["independent"] if independent else is_verified)
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
        # A source says one thing of a release, so that the sum has each bit once.
        words.append(np.bincount(place, bit[source], len(spell)).astype(np.int64))
    pattern_cells = count_cells(words or [np.zeros(len(spell), np.int64)])
    sources = []
    for pattern_words in zip(*(word.tolist() for word in pattern_cells.values), strict=True):
        bits = [divmod(number, SOURCES_PER_NUMBER) for number in range(len(keys))]
        sources.append(frozenset(slugs[int(keys[n])] for n, (w, bit) in enumerate(bits) if pattern_words[w] >> bit & 1))
    return Patterns(spell, pattern_cells.cell_numbers, sources, source_rows, place)


def load_slugs_by_key(session: Session) -> dict[int, str]:
    """The slug of each source by its key."""
    slugs: dict[int, str] = dict(session.connection().execute(_SLUGS).all())
    return slugs


# In place of the key of the one source that verified something.
NO_SOURCE, SEVERAL_SOURCES = 0, -1
MULTI_VALUED_DIMENSIONS = frozenset(name for name, dimension in DIMENSIONS.items() if dimension.is_multivalued)
# The columns that divide a total: status, number of independent verifications, and whether the person may only be
# counted.
TOTAL_COLUMNS = ("status", "independent_verified", "withheld")


@dataclass(frozen=True)
class CountRequest:
    """A count under way: its terms, the terms as they are echoed, its reader, and its revision."""

    countable: Countable
    terms: SourcedTerms
    echoed_terms: EchoedTerms
    reader: Reader
    as_of: Pin

    @property
    def revision(self) -> int:
        return self.as_of.revision

    def select(self, session: Session, *, by_source: bool = False) -> Selection:
        return build_selection(session, self.terms, self.reader, self.revision, by_source=by_source)

    def build_list_addresses(self, dimensions: Sequence[str] = ()) -> ListAddresses:
        """The addresses of the lists behind the groups; without dimensions, of the list behind the total."""
        return ListAddresses(self.countable, self.echoed_terms, dimensions, self.as_of)


def compute_count(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> TalliedCount:
    """Totals and groups in the shape of `GET /v1/counts/…`, before they are cited. Terms of the held name a day, unless
    at revision 0, where there is nobody."""
    countable, terms = get_countable(terms), resolve_facility_slug(session, terms)
    request = CountRequest(countable, terms, wording.echo_terms(terms), reader, pin_revision(session, revision))
    dimensions = wording.get_term_values(request.echoed_terms, "group_by")
    refuse_too_many_cells(terms, dimensions)
    selection = request.select(session)
    groups: ToldGroups = {}
    if dimensions:
        groups["groups"] = _compute_groups(session, request, selection, dimensions)
    silence: StaleDetentionsCount = {}
    if isinstance(terms, HeldTerms):
        silence["not_heard_since"] = selection.count_rows(match_silent(selection.consolidated, terms))
    return {
        "terms": request.echoed_terms,
        "total": _compute_total(selection, countable.noun),
        **groups,
        **_build_asides(session, request, dimensions),
        "uncertain_date": int(np.count_nonzero(selection.uncertain & selection.counting)),
        "unresolved_duplicates": count_unresolved_duplicates(session, selection),
        "withheld": selection.count_people(selection.inside & selection.counting & selection.consolidated["withheld"]),
        "list": request.build_list_addresses().build_address(()),
        **silence,
        "permalink": wording.build_query_url(countable.counts_path, request.echoed_terms, request.as_of),
    }


def compute_total_number(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> int:
    """How many releases or detentions `compute_count` counts, without the rest of its answer."""
    countable, terms = get_countable(terms), resolve_facility_slug(session, terms)
    return sum_counted_statuses(_compute_total(build_selection(session, terms, reader, revision), countable.noun))


def _build_asides(session: Session, request: CountRequest, dimensions: Sequence[str]) -> CountCaveats:
    """Whether groups overlap, and what bears on a count with a personal term: later erasures, and hidden values."""
    asides: CountCaveats = {}
    if MULTI_VALUED_DIMENSIONS & set(dimensions):
        asides["adds_up"] = False
    hidden_part = count_not_visible(session, request.terms, request.reader, request.revision)
    if hidden_part and (redactions := count_redactions_since(session, request.revision)):
        asides["redactions_since"] = redactions
    return {**asides, **hidden_part}


def count_not_visible(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> NotVisibleCount:
    """How many more match the terms as far as their class opens them, while a personal term may not be asked of them;
    nothing for an answer without a personal term. Neither a hidden value nor whether there is one is read."""
    if not is_personal(terms):
        return {}
    selection = build_selection(session, terms.drop_personal(), reader, revision)
    is_hidden = match_partly_hidden(
        selection.columns, selection.rows, terms, reader, revision, uses_source_rows=selection.uses_source_rows
    )
    return {"not_visible": 0 if is_hidden is None else selection.count_rows(is_hidden)}


def _compute_total(selection: Selection, noun: str) -> Total | HeldTotal:
    inside = selection.inside
    inside_rows = selection.consolidated.where(inside)
    total_cells = count_cells([inside_rows[name] for name in TOTAL_COLUMNS])
    status, sources, unlinkable, numbers = (column.tolist() for column in (*total_cells.values, total_cells.sizes()))
    rows = [*zip(map(selection.columns.codes.text, status), sources, unlinkable, numbers, strict=True)]
    return _build_total(rows, selection.count_people(inside & selection.counting), noun)


def _build_total(rows: Sequence[tuple[str | None, int, int, int]], people: int, noun: str) -> Total | HeldTotal:
    """A total from rows of status, number of sources, whether the person may only be counted, and number of rows."""
    by_status: dict[str | None, int] = defaultdict(int)
    by_sources: dict[int, int] = defaultdict(int)
    unlinkable_count = 0
    for status, sources, is_unlinkable, number in rows:
        by_status[status] += number
        if status in COUNTABLE_STATUSES:
            by_sources[sources] += number
            unlinkable_count += number if is_unlinkable else 0
    max_sources = max(by_sources, default=0)
    by_min_sources = {str(k): sum(n for s, n in by_sources.items() if s >= k) for k in range(1, max_sources + 1)}
    numbers: Numbers = {
        "people": people,
        "verified": by_status[ReleaseStatus.VERIFIED],
        "contested": by_status[ReleaseStatus.CONTESTED],
        "reported": by_status[ReleaseStatus.REPORTED],
        "refuted": by_status[ReleaseStatus.REFUTED],
        "by_min_sources": by_min_sources,
        "counted_apart": unlinkable_count,
    }
    if noun == RELEASES:
        return {"releases": sum_counted_statuses(numbers), **numbers}
    return {"detentions": sum_counted_statuses(numbers), **numbers}


def sum_counted_statuses(numbers: Numbers) -> int:
    """What a total counts: releases or detentions of every status that counts."""
    return numbers["verified"] + numbers["contested"] + numbers["reported"]


def _compute_groups(session: Session, request: CountRequest, selection: Selection, names: Sequence[str]) -> list[Group]:
    """Groups with their numbers. `selection`: of the total."""
    by_source = "source" in names
    if by_source:
        selection = request.select(session, by_source=True)
    groups = build_groups(selection, names, request.reader)
    numbers: Mapping[int, SourceNumbers | Total | HeldTotal] = (
        _compute_source_groups(groups, request) if by_source else _compute_total_groups(groups, request.countable.noun)
    )
    keys, addresses = groups.format_keys(load_slugs_by_key(session)), request.build_list_addresses(names)
    ranks = [_rank_values(values) for values in zip(*keys, strict=True)]
    in_order = sorted(numbers, key=lambda group: [ranks[place][value] for place, value in enumerate(keys[group])])
    # The names of the dimensions are data (DIMENSIONS), so that no type checker knows which of them a group has.
    return [
        cast(
            Group,
            {
                **dict(zip(names, keys[group], strict=True)),
                **numbers[group],
                "list": addresses.build_address(keys[group]),
            },
        )
        for group in in_order
    ]


def _rank_values(values: Iterable[DimensionValue]) -> dict[DimensionValue, int]:
    """The place of each value of a dimension in their order."""
    return {value: rank for rank, value in enumerate(sorted(set(values), key=_value_sort_key))}


def _value_sort_key(value: DimensionValue) -> tuple[int, str | int]:
    """By value, the withheld and the unknown last."""
    return (2, "") if value is None else (1, "") if value == WITHHELD else (0, value)


def _compute_total_groups(groups: GroupedRows, noun: str) -> dict[int, Total | HeldTotal]:
    """Groups with the keys of a total."""
    selection, codes = groups.selection, groups.selection.columns.codes
    total_rows = selection.consolidated
    rows: dict[int, list[tuple[str | None, int, int, int]]] = defaultdict(list)
    # A row without a status stands in no total, and makes no group.
    inside = selection.inside & (total_rows["status"] != NULL_CODE)
    for (group, status, sources, unlinkable), number in groups.count_rows(
        inside, *(total_rows[name] for name in TOTAL_COLUMNS)
    ).items():
        rows[group].append((codes.text(status), sources, unlinkable, number))
    people = groups.count_people(selection.inside & selection.counting)
    return {group: _build_total(group_rows, people.get(group, 0), noun) for group, group_rows in rows.items()}


def _compute_source_groups(groups: GroupedRows, request: CountRequest) -> dict[int, SourceNumbers]:
    """Groups by source: that source's own verdicts, dates and kinds."""
    selection = groups.selection
    codes, verdict = selection.columns.codes, selection.rows["verdict"]
    is_verified = selection.inside & (verdict == codes.find_code(Verdict.VERIFIED))
    is_uncertain = selection.uncertain & is_any_of(verdict, codes.find_codes(ASSERTING_VERDICTS))
    counters: dict[int, Counter[str | None]] = defaultdict(Counter)
    for (group, code), number in groups.count_rows(selection.inside, verdict).items():
        counters[group][codes.text(code)] = number
    for (group,), number in groups.count_rows(is_uncertain).items():
        counters[group]["uncertain_date"] = number
    for (group,), number in groups.count_rows(is_verified & _is_only_source(selection, request.terms)).items():
        counters[group]["only_this_source"] = number
    for group, number in groups.count_people(is_verified).items():
        counters[group]["people"] = number
    return {
        group: {
            "verified": numbers["verified"],
            "reported": numbers["reported"],
            "disputed": numbers["disputed"],
            "refuted": numbers["refuted"],
            "retracted": numbers["retracted"],
            "uncertain_date": numbers["uncertain_date"],
            "only_this_source": numbers["only_this_source"],
            "people": numbers["people"],
        }
        for group, numbers in counters.items()
    }


def _is_only_source(selection: Selection, terms: SourcedTerms) -> Mask:
    """Whether no other source verified the same of its own knowledge: copies confirm nothing."""
    columns = selection.columns
    source_rows = load_source_rows(columns, terms, selection.revision)
    own = source_rows.where(
        (source_rows["verdict"] == columns.codes.find_code(Verdict.VERIFIED)) & source_rows["independent"]
    )
    spell, source = own["spell"], own["source"]
    only_source = np.full(columns.key_count, NO_SOURCE, np.int32)
    only_source[spell] = source
    only_source[spell[np.flatnonzero(only_source[spell] != source)]] = SEVERAL_SOURCES
    row_source = only_source[selection.rows["spell"]]
    is_only: Mask = (row_source == NO_SOURCE) | (row_source == selection.rows["source"])
    return is_only

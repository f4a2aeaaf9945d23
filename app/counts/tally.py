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
from app.columns.rows import NO_PLACE, Array, Mask, Places, Rows, among, cells, flags, places_by
from app.columns.table import NOTHING
from app.counts.groups import WITHHELD, Groups, ListAddresses, grouped, refuse_too_many
from app.counts.shapes import Group, TalliedCount
from app.counts.shapes import Groups as ToldGroups
from app.db.engine import Key
from app.log.entries import Pin, pin, redactions_since
from app.models import PendingPair, Source
from app.queries import terms as wording
from app.queries.countables import Countable, countable_of, silent
from app.queries.selection import ASSERTED, COUNTING, Selection, select, voices_of, with_facility_slug
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
from app.queries.visibility import partly_hidden
from app.registry.publication.permissions import Reader
from app.schemas.counts import Asides, HeldTotal, NotHeard, Numbers, PartlyHidden, SourceNumbers, Total
from app.vocabulary import ReleaseStatus, Verdict

_AT = bindparam("revision", type_=Key)
_PAIRS = (
    select_rows(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    .where(col(PendingPair.since) <= _AT, col(PendingPair.until) > _AT)
    .distinct()
)
_WAITING = "pairs that wait for a curator, of the revision that was asked for last"


def unresolved_duplicates(session: Session, selection: Selection) -> int:
    """The pairs of counted people that may be one person and wait for a curator: each may be one too many."""
    pairs = _waiting(session, selection.columns, selection.revision)
    if not len(pairs):
        return 0
    counted = flags(selection.columns.keys, selection.person[selection.inside & selection.counting])
    return int(np.count_nonzero(counted[pairs].all(axis=1)))


def _waiting(session: Session, columns: Columns, revision: int) -> Array:
    """The pairs that wait at a revision: a person of each in the first column, and one in the second."""
    made: tuple[int, Array] | None = columns.made.get(_WAITING)
    if made is None or made[0] != revision:
        rows = session.connection().execute(_PAIRS, {"revision": revision}).all()
        pairs = np.array([tuple(row) for row in rows], np.intp).reshape(-1, 2)
        made = columns.made[_WAITING] = revision, pairs
    return made[1]


Pattern = frozenset[str]
# Sources of which one whole number says who verified: one bit each, in sums that floats hold exactly.
SOURCES_OF_NUMBER = 52
_SLUGS = select_rows(col(Source.key), col(Source.slug))


@dataclass(frozen=True)
class Patterns:
    """The releases of a count by their verifying sources. `spell`: of each release; `pattern`: the place of its pattern
    in `sources`; `voices`: what each of these sources says, and `place`: of which release."""

    spell: Array
    pattern: Array
    sources: list[Pattern]
    voices: Rows
    place: Places

    def sizes(self) -> Counter[Pattern]:
        """How many releases each pattern has; one whose sources are none is of those that nobody verified."""
        numbers = np.bincount(self.pattern, minlength=len(self.sources)).tolist()
        return Counter({pattern: number for pattern, number in zip(self.sources, numbers, strict=True) if number})


def patterns_of(session: Session, selection: Selection, terms: CountTerms, *, independent: bool = False) -> Patterns:
    """The patterns of the releases of a selection that count; `independent`: of sources whose verification is
    independent."""
    columns = selection.columns
    spell = selection.rows["spell"][selection.inside & selection.counting]
    voices = voices_of(columns, terms, selection.revision)
    verified = voices["verdict"] == columns.codes.of(Verdict.VERIFIED)
    voices = voices.where(verified & voices["independent"] if independent else verified)
    place = places_by(columns.keys, spell)[voices["spell"]]
    voices, place = voices.where(place != NO_PLACE), place[place != NO_PLACE]
    source = voices["source"]
    keys = np.flatnonzero(np.bincount(source))
    slugs = slugs_by_key(session)
    words = []
    for first in range(0, len(keys), SOURCES_OF_NUMBER):
        some = keys[first : first + SOURCES_OF_NUMBER]
        bit = np.zeros(int(keys[-1]) + 1)
        bit[some] = 2.0 ** np.arange(len(some))
        # A source says one thing of a release, so that the sum has each bit once.
        words.append(np.bincount(place, bit[source], len(spell)).astype(np.int64))
    found = cells(words or [np.zeros(len(spell), np.int64)])
    sources = []
    for of_pattern in zip(*(word.tolist() for word in found.values), strict=True):
        bits = [divmod(number, SOURCES_OF_NUMBER) for number in range(len(keys))]
        sources.append(frozenset(slugs[int(keys[n])] for n, (w, bit) in enumerate(bits) if of_pattern[w] >> bit & 1))
    return Patterns(spell, found.number, sources, voices, place)


def slugs_by_key(session: Session) -> dict[int, str]:
    """The slug of each source by its key."""
    slugs: dict[int, str] = dict(session.connection().execute(_SLUGS).all())
    return slugs


# In place of the key of the one source that verified something.
NO_SOURCE, SEVERAL = 0, -1
MULTIPLE = frozenset(name for name, of in DIMENSIONS.items() if of.several)
# The columns that divide a total: status, number of independent verifications, and whether the person may only be
# counted.
BY = ("status", "independent_verified", "withheld")


@dataclass(frozen=True)
class Counting:
    """A count under way: its terms, the terms as they are echoed, its reader, and its revision."""

    countable: Countable
    terms: SourcedTerms
    echoed: EchoedTerms
    reader: Reader
    as_of: Pin

    @property
    def revision(self) -> int:
        return self.as_of.revision

    def select(self, session: Session, *, by_source: bool = False) -> Selection:
        return select(session, self.terms, self.reader, self.revision, by_source=by_source)

    def lists(self, dimensions: Sequence[str] = ()) -> ListAddresses:
        """The addresses of the lists behind the groups; without dimensions, of the list behind the total."""
        return ListAddresses(self.countable, self.echoed, dimensions, self.as_of)


def count(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> TalliedCount:
    """Totals and groups in the shape of `GET /v1/counts/…`, before they are cited. Terms of the held name a day, unless
    at revision 0, where there is nobody."""
    countable, terms = countable_of(terms), with_facility_slug(session, terms)
    counting = Counting(countable, terms, wording.echo(terms), reader, pin(session, revision))
    dimensions = wording.values_of(counting.echoed, "group_by")
    refuse_too_many(terms, dimensions)
    selection = counting.select(session)
    groups: ToldGroups = {}
    if dimensions:
        groups["groups"] = _groups(session, counting, selection, dimensions)
    not_heard: NotHeard = {}
    if isinstance(terms, HeldTerms):
        not_heard["not_heard_since"] = selection.number(silent(selection.together, terms))
    return {
        "terms": counting.echoed,
        "total": _total(selection, countable.noun),
        **groups,
        **_asides(session, counting, dimensions),
        "uncertain_date": int(np.count_nonzero(selection.uncertain & selection.counting)),
        "unresolved_duplicates": unresolved_duplicates(session, selection),
        "withheld": selection.people(selection.inside & selection.counting & selection.together["withheld"]),
        "list": counting.lists().of(()),
        **not_heard,
        "permalink": wording.link(countable.counted, counting.echoed, counting.as_of),
    }


def number(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> int:
    """How many releases or detentions `count` counts, without the rest of its answer."""
    countable, terms = countable_of(terms), with_facility_slug(session, terms)
    return number_of(_total(select(session, terms, reader, revision), countable.noun))


def _asides(session: Session, counting: Counting, dimensions: Sequence[str]) -> Asides:
    """Whether groups overlap, and what bears on a count with a personal term: later erasures, and hidden values."""
    asides: Asides = {}
    if MULTIPLE & set(dimensions):
        asides["adds_up"] = False
    hidden = not_visible(session, counting.terms, counting.reader, counting.revision)
    if hidden and (redactions := redactions_since(session, counting.revision)):
        asides["redactions_since"] = redactions
    return {**asides, **hidden}


def not_visible(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> PartlyHidden:
    """How many more match the terms as far as their class opens them, while a personal term may not be asked of them;
    nothing for an answer without a personal term. Neither a hidden value nor whether there is one is read."""
    if not is_personal(terms):
        return {}
    selection = select(session, terms.public(), reader, revision)
    unseen = partly_hidden(selection.columns, selection.rows, terms, reader, revision, own=selection.own)
    return {"not_visible": 0 if unseen is None else selection.number(unseen)}


def _total(selection: Selection, noun: str) -> Total | HeldTotal:
    inside = selection.inside
    chosen = selection.together.where(inside)
    found = cells([chosen[name] for name in BY])
    status, sources, apart, numbers = (column.tolist() for column in (*found.values, found.sizes()))
    rows = [*zip(map(selection.columns.codes.text, status), sources, apart, numbers, strict=True)]
    return _totals(rows, selection.people(inside & selection.counting), noun)


def _totals(rows: Sequence[tuple[str | None, int, int, int]], people: int, noun: str) -> Total | HeldTotal:
    """A total from rows of status, number of sources, whether the person may only be counted, and number of rows."""
    by_status: dict[str | None, int] = defaultdict(int)
    by_sources: dict[int, int] = defaultdict(int)
    counted_apart = 0
    for status, sources, apart, number in rows:
        by_status[status] += number
        if status in COUNTING:
            by_sources[sources] += number
            counted_apart += number if apart else 0
    most = max(by_sources, default=0)
    at_least = {str(k): sum(n for s, n in by_sources.items() if s >= k) for k in range(1, most + 1)}
    numbers: Numbers = {
        "people": people,
        "verified": by_status[ReleaseStatus.VERIFIED],
        "contested": by_status[ReleaseStatus.CONTESTED],
        "reported": by_status[ReleaseStatus.REPORTED],
        "refuted": by_status[ReleaseStatus.REFUTED],
        "by_min_sources": at_least,
        "counted_apart": counted_apart,
    }
    if noun == RELEASES:
        return {"releases": number_of(numbers), **numbers}
    return {"detentions": number_of(numbers), **numbers}


def number_of(numbers: Numbers) -> int:
    """What a total counts: releases or detentions of every status that counts."""
    return numbers["verified"] + numbers["contested"] + numbers["reported"]


def _groups(session: Session, counting: Counting, selection: Selection, names: Sequence[str]) -> list[Group]:
    """Groups with their numbers. `selection`: of the total."""
    by_source = "source" in names
    if by_source:
        selection = counting.select(session, by_source=True)
    groups = grouped(selection, names, counting.reader)
    numbers: Mapping[int, SourceNumbers | Total | HeldTotal] = (
        _source_groups(groups, counting) if by_source else _total_groups(groups, counting.countable.noun)
    )
    told, lists = groups.told(slugs_by_key(session)), counting.lists(names)
    ranks = [_ranks(values) for values in zip(*told, strict=True)]
    in_order = sorted(numbers, key=lambda group: [ranks[place][value] for place, value in enumerate(told[group])])
    # The names of the dimensions are data (DIMENSIONS), so that no type checker knows which of them a group has.
    return [
        cast(Group, {**dict(zip(names, told[group], strict=True)), **numbers[group], "list": lists.of(told[group])})
        for group in in_order
    ]


def _ranks(values: Iterable[DimensionValue]) -> dict[DimensionValue, int]:
    """The place of each value of a dimension in their order."""
    return {value: rank for rank, value in enumerate(sorted(set(values), key=_order))}


def _order(value: DimensionValue) -> tuple[int, str | int]:
    """By value, the withheld and the unknown last."""
    return (2, "") if value is None else (1, "") if value == WITHHELD else (0, value)


def _total_groups(groups: Groups, noun: str) -> dict[int, Total | HeldTotal]:
    """Groups with the keys of a total."""
    selection, codes = groups.selection, groups.selection.columns.codes
    together = selection.together
    rows: dict[int, list[tuple[str | None, int, int, int]]] = defaultdict(list)
    # A row without a status stands in no total, and makes no group.
    inside = selection.inside & (together["status"] != NOTHING)
    for (group, status, sources, apart), number in groups.numbers(inside, *(together[name] for name in BY)).items():
        rows[group].append((codes.text(status), sources, apart, number))
    people = groups.people(selection.inside & selection.counting)
    return {group: _totals(of_group, people.get(group, 0), noun) for group, of_group in rows.items()}


def _source_groups(groups: Groups, counting: Counting) -> dict[int, SourceNumbers]:
    """Groups by source: that source's own verdicts, dates and kinds."""
    selection = groups.selection
    codes, verdict = selection.columns.codes, selection.rows["verdict"]
    verified = selection.inside & (verdict == codes.of(Verdict.VERIFIED))
    asserted = selection.uncertain & among(verdict, codes.each(ASSERTED))
    found: dict[int, Counter[str | None]] = defaultdict(Counter)
    for (group, code), number in groups.numbers(selection.inside, verdict).items():
        found[group][codes.text(code)] = number
    for (group,), number in groups.numbers(asserted).items():
        found[group]["uncertain_date"] = number
    for (group,), number in groups.numbers(verified & _alone(selection, counting.terms)).items():
        found[group]["only_this_source"] = number
    for group, number in groups.people(verified).items():
        found[group]["people"] = number
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
        for group, numbers in found.items()
    }


def _alone(selection: Selection, terms: SourcedTerms) -> Mask:
    """Whether no other source verified the same of its own knowledge: copies confirm nothing."""
    columns = selection.columns
    voices = voices_of(columns, terms, selection.revision)
    own = voices.where((voices["verdict"] == columns.codes.of(Verdict.VERIFIED)) & voices["independent"])
    spell, source = own["spell"], own["source"]
    only = np.full(columns.keys, NO_SOURCE, np.int32)
    only[spell] = source
    only[spell[np.flatnonzero(only[spell] != source)]] = SEVERAL
    of_row = only[selection.rows["spell"]]
    alone: Mask = (of_row == NO_SOURCE) | (of_row == selection.rows["source"])
    return alone

"""Select the releases or detentions that terms mean at a revision, for counts and lists alike, so that they agree.

A date has a first (`lo`) and a last possible day (`hi`). Inside the window it counts. Across its edge, or without a
day, it is uncertain and reported next to the count. Outside it does neither."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from sqlmodel import Session

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NO_PLACE, NULL, Array, Mask, Rows, count_cells, flag_keys, index_places, is_any_of
from app.columns.store import get_columns
from app.columns.table import NULL_CODE
from app.db.engine import require_time
from app.errors import NotInFiles
from app.queries.countables import get_held_day
from app.queries.dimensions import HELD, RELEASES, DayUnit
from app.queries.selection import visibility
from app.queries.selection.rows import (
    COUNTABLE_STATUSES,
    drop_unlinkable,
    load_all_consolidated_rows,
    load_all_source_rows,
    load_confirmations,
    load_consolidated_rows,
    load_source_rows,
    match_apart,
    match_verified,
)
from app.queries.selection.windows import (
    WindowMatch,
    compute_bucket_numbers,
    intersect_matches,
    match_all_rows,
    match_ended,
    match_held_on_day,
    match_held_within,
    match_still_free,
    match_window,
)
from app.queries.term_names import check_source_counts, load_keys_of_kinds, load_source_keys, resolve_places
from app.queries.terms import DetentionTerms, HeldTerms, PersonTerms, ReleaseTerms, SourcedTerms, is_personal
from app.registry.publication.permissions import Reader
from app.vocabulary import ReleaseStatus, Stage


@dataclass(frozen=True)
class Selection:
    """Releases at one stage and revision, or detentions.

    `rows`: the rows that the filters read, consolidated or each source's own (`uses_source_rows`). `consolidated_rows`:
    for each of them the row of all sources together, with the status of `rows` (rule 9). `window_match`: which are
    within the requested days. `is_outside_held_within`: which would be, had a report shown the person inside within the
    requested years. `noun`: what is counted."""

    columns: Columns
    revision: int
    rows: Rows
    consolidated_rows: Rows
    uses_source_rows: bool
    window_match: WindowMatch
    is_outside_held_within: Mask
    noun: str

    @property
    def is_inside(self) -> Mask:
        return self.window_match.is_inside

    @property
    def is_uncertain(self) -> Mask:
        return self.window_match.is_uncertain

    @property
    def person(self) -> Array:
        return self.rows[table.PERSON_COLUMN]

    @property
    def day_columns(self) -> tuple[str, str]:
        """The columns with the first and last possible day of the counted event: a release, or an arrest."""
        return ("lo", "hi") if self.noun == RELEASES else ("detained_lo", "detained_hi")

    @cached_property
    def is_countable(self) -> Mask:
        """Whether a row has a status that counts."""
        return is_any_of(self.consolidated_rows["status"], self.columns.codes.find_codes(COUNTABLE_STATUSES))

    @cached_property
    def is_apart(self) -> Mask:
        """Whether a row is that of a source that does not verify, about a count-only person (rule 13)."""
        return match_apart(self.columns, self.rows, self.consolidated_rows, uses_source_rows=self.uses_source_rows)

    @cached_property
    def is_in_doubt(self) -> Mask:
        """Whether a row counts in `uncertain_date`: also a refuted detention (rule 7)."""
        is_possible = self.is_countable
        if self.noun == HELD:
            is_possible = is_possible | (
                self.consolidated_rows["status"] == self.columns.codes.find_code(ReleaseStatus.REFUTED)
            )
        return self.is_uncertain & is_possible

    def where(self, mask: Mask) -> "Selection":
        """Return the selection restricted to a mask."""
        if mask.all():
            return self
        window_match = WindowMatch(self.is_inside[mask], self.is_uncertain[mask])
        return replace(
            self,
            rows=self.rows.where(mask),
            consolidated_rows=self.consolidated_rows.where(mask),
            window_match=window_match,
            is_outside_held_within=self.is_outside_held_within[mask],
        )

    def match_listed(self, terms: SourcedTerms) -> Mask:
        """Return which rows a list with the terms of the selection shows: those that count, or those with the requested
        statuses."""
        return self.is_inside if terms.status else self.is_inside & self.is_countable

    def count_rows(self, *masks: Mask) -> int:
        """Return how many rows are inside, count, and match all masks."""
        return int(np.count_nonzero(np.logical_and.reduce([self.is_inside, self.is_countable, *masks])))

    def count_people(self, mask: Mask) -> int:
        """Return the number of distinct people in the rows that match a mask."""
        return int(np.count_nonzero(flag_keys(self.columns.key_count, self.person[mask])))


def build_selection(
    session: Session,
    terms: SourcedTerms,
    reader: Reader,
    revision: int,
    *,
    by_source: bool = False,
    possible: bool = False,
    units: Sequence[DayUnit] = (),
    columns: Columns | None = None,
) -> Selection:
    """Return the selection of the terms.

    `by_source`: one row per source, with its own values. `possible`: with the rows whose value of a personal term is
    unknown or hidden. `units`: each release is confirmed as in the window of its day, week or month. `columns`: columns
    at several revisions. Raise Invalid, and OperationalError if the time for the request is over."""
    keys = load_source_keys(session, terms, revision)
    check_source_counts(session, terms)
    terms = resolve_places(session, terms, revision)
    columns = columns or get_columns(session)
    require_time(session.connection())
    if is_personal(terms) and not columns.are_personal:
        raise NotInFiles
    uses_source_rows = by_source or terms.source is not None
    load = load_all_consolidated_rows if uses_source_rows else load_consolidated_rows
    rows = consolidated = load(columns, terms, revision)
    if uses_source_rows:
        rows = drop_unlinkable(columns, load_all_source_rows(columns, terms, revision))
        if terms.source is not None:
            is_named = rows["source"] == keys[terms.source]
            rows = rows.where(is_named if by_source else is_named & (rows["status"] != NULL_CODE))
        places = index_places(columns.key_count, consolidated["spell"])[rows["spell"]]
        has_place = places != NO_PLACE
        rows, consolidated = rows.where(has_place), consolidated.take(places if has_place.all() else places[has_place])
        is_approved = rows["review"] == NULL_CODE
        consolidated = consolidated.with_columns(
            {
                "status": rows["status"],
                # A row under review stands alone: no other source counts in it (rule 21).
                "independent_verified": np.where(is_approved, consolidated["independent_verified"], 0),
                "is_denied": consolidated["is_denied"] & is_approved,
            }
        )
    event_match = _match_event_day(columns, rows, terms)
    if isinstance(terms, ReleaseTerms):
        if not uses_source_rows:
            other_dates = _match_other_dates(columns, terms, consolidated, revision)
            event_match = event_match._replace(is_uncertain=event_match.is_uncertain | other_dates)
        if units or terms.window != (None, None):
            is_apart = match_apart(columns, rows, consolidated, uses_source_rows=uses_source_rows)
            is_confirmed_inside = event_match.is_inside & ~is_apart
            if uses_source_rows:  # a source's own report confirms its own row, approved or not
                is_confirmed_inside &= rows["review"] == NULL_CODE
            numbers = _count_confirmations(columns, terms, rows.where(is_confirmed_inside), revision, units)
            consolidated = _confirm_in_window(columns, consolidated, is_confirmed_inside, numbers)
    elif isinstance(terms, HeldTerms):
        is_refuted = consolidated["status"] == columns.codes.find_code(ReleaseStatus.REFUTED)
        event_match = event_match._replace(is_uncertain=event_match.is_uncertain | (event_match.is_inside & is_refuted))
    mask = np.ones(len(rows), bool)
    if terms.status:
        mask &= is_any_of(consolidated["status"], columns.codes.find_codes(terms.status))
    if isinstance(terms, ReleaseTerms):
        if terms.release_kind:
            mask &= is_any_of(rows["kind"], columns.codes.find_codes(terms.release_kind))
        if terms.net:
            mask &= match_still_free(rows["next_hi"], terms.window[1])
        if terms.rearrested_after is not None:
            mask &= match_still_free(rows["next_hi"], None) != terms.rearrested_after
        if terms.carried_out is not None:
            is_carried_out = _match_carried_out(columns, rows, revision, uses_source_rows=uses_source_rows)
            mask &= is_carried_out == terms.carried_out
    mask &= _match_verifying_sources(columns, terms, keys, rows, revision, uses_source_rows=uses_source_rows)
    for condition in _iter_kind_conditions(
        session, columns, terms, rows, consolidated, revision, uses_source_rows=uses_source_rows
    ):
        mask &= condition
    if terms.min_sources is not None:
        mask &= consolidated["independent_verified"] >= terms.min_sources
    if terms.max_sources is not None:
        mask &= consolidated["independent_verified"] <= terms.max_sources
    for condition in visibility.iter_conditions(
        columns, rows, terms, reader, revision, uses_source_rows=uses_source_rows, possible=possible
    ):
        mask &= condition
    event_match = WindowMatch(*(part[mask] for part in event_match))
    rows, consolidated = rows.where(mask), consolidated.where(mask)
    require_time(session.connection())
    window_match = intersect_matches(
        event_match, _match_arrest(columns, rows, terms, revision, uses_source_rows=uses_source_rows)
    )
    is_outside_held_within = np.zeros(len(rows), bool)
    if isinstance(terms, HeldTerms):
        is_within_years = match_held_within(rows, terms)
        is_outside_held_within = window_match.is_inside & ~is_within_years
        window_match = WindowMatch(*(part & is_within_years for part in window_match))
    return Selection(
        columns,
        revision,
        rows,
        consolidated,
        uses_source_rows,
        window_match,
        is_outside_held_within,
        noun=terms.noun,
    )


def _count_confirmations(
    columns: Columns, terms: ReleaseTerms, rows: Rows, revision: int, units: Sequence[DayUnit]
) -> Array:
    """Return how many sources confirm the release of each row in the window.

    `units`: and in the day, week or month of the row, if its date lies in one."""
    confirmations = load_confirmations(columns, terms, revision)
    counts: Array = np.bincount(confirmations["spell"], minlength=columns.key_count)[rows["spell"]]
    if not units:
        return counts
    buckets = [[compute_bucket_numbers(one["lo"], one["hi"], unit) for unit in units] for one in (rows, confirmations)]
    keys = [(rows["spell"], *buckets[0]), (confirmations["spell"], *buckets[1])]
    numbers = count_cells([np.concatenate(key) for key in zip(*keys, strict=True)]).cell_numbers
    own, others = numbers[: len(rows)], numbers[len(rows) :]
    has_bucket = np.logical_and.reduce([bucket != NULL for bucket in buckets[0]])
    return np.where(has_bucket, np.bincount(others, minlength=len(numbers))[own], counts)


def _confirm_in_window(columns: Columns, consolidated: Rows, is_inside: Mask, numbers: Array) -> Rows:
    """Return the releases with the number of sources that confirm those inside the window.

    A verified release that no source confirms there counts as reported. `numbers`: of the releases inside."""
    status, count = consolidated["status"].copy(), consolidated["independent_verified"].copy()
    verified, reported = (columns.codes.find_code(one) for one in (ReleaseStatus.VERIFIED, ReleaseStatus.REPORTED))
    status[is_inside] = np.where((status[is_inside] == verified) & (numbers == 0), reported, status[is_inside])
    count[is_inside] = np.where(count[is_inside] > 0, numbers, 0)
    return consolidated.with_columns({"status": status, "independent_verified": count})


def _match_other_dates(columns: Columns, terms: ReleaseTerms, consolidated: Rows, revision: int) -> Mask:
    """Return which releases a first-hand source dates otherwise: in the window, if the release is outside; on days that
    do not overlap its date, if it is inside (rules 5 and 6).

    Releases of count-only people only by sources that verify them: the total must not tell that a curator joined a
    report, which may be planted, to one that nobody verifies (rule 13)."""
    source_rows = drop_unlinkable(columns, load_source_rows(columns, terms, revision))
    places = index_places(columns.key_count, consolidated["spell"])[source_rows["spell"]]
    asserts = source_rows["status"] != NULL_CODE
    has_date = asserts & source_rows["independent"] & (places != NO_PLACE) & (source_rows["said_lo"] != NULL)
    source_rows, places = source_rows.where(has_date), places[has_date]
    is_linked = ~consolidated["withheld"][places] | match_verified(columns, source_rows)
    source_rows, places = source_rows.where(is_linked), places[is_linked]
    lo, hi = source_rows["said_lo"], source_rows["said_hi"]
    is_other = (hi < consolidated["lo"][places]) | (lo > consolidated["hi"][places])
    release_match = match_window(consolidated["lo"], consolidated["hi"], terms.window)
    counts_here = match_window(lo, hi, terms.window).is_inside | release_match.is_inside[places]
    return flag_keys(len(consolidated), places[is_other & counts_here])


def _match_verifying_sources(
    columns: Columns, terms: SourcedTerms, keys: dict[str, int], rows: Rows, revision: int, *, uses_source_rows: bool
) -> Mask:
    """Return which rows match the terms on the sources that verify first-hand.

    No source of the terms verifies a row under review, which stands alone (rule 21)."""
    named, excluded = ([keys[slug] for slug in slugs] for slugs in (terms.verified_by, terms.not_verified_by))
    if not named and not excluded:
        return np.ones(len(rows), bool)
    source_rows = load_source_rows(columns, terms, revision)
    source_rows = source_rows.where(match_verified(columns, source_rows))
    is_linked = rows["review"] == NULL_CODE if uses_source_rows else np.ones(len(rows), bool)

    def match_rows(is_source: Mask) -> Mask:
        is_verified: Mask = flag_keys(columns.key_count, source_rows["spell"][is_source])[rows["spell"]] & is_linked
        return is_verified

    groups = [named] if named and terms.verified_by_match == "any" else [[key] for key in named]
    masks = [match_rows(is_any_of(source_rows["source"], group)) for group in groups]
    if terms.verified_by_match == "only":
        masks.append(~match_rows(~is_any_of(source_rows["source"], named)))
    if excluded:
        masks.append(~match_rows(is_any_of(source_rows["source"], excluded)))
    matches: Mask = np.logical_and.reduce(masks)
    return matches


def _iter_kind_conditions(
    session: Session,
    columns: Columns,
    terms: SourcedTerms,
    rows: Rows,
    consolidated: Rows,
    revision: int,
    *,
    uses_source_rows: bool,
) -> Iterator[Mask]:
    """Yield the conditions on the kinds of the sources that report or verify a row, and on first-hand reports.

    As for named sources, nobody else reports a row under review (rule 21). Other sources' reports on count-only people
    match only where they verify (rule 13)."""
    if not terms.reported_by_kind and not terms.verified_by_kind and terms.first_hand is None:
        return
    source_rows = load_source_rows(columns, terms, revision)
    is_verified = match_verified(columns, source_rows)
    is_approved = rows["review"] == NULL_CODE if uses_source_rows else np.ones(len(rows), bool)

    def match_rows(mask: Mask) -> Mask:
        """Return which rows one of these rows of sources is about."""
        is_matched: Mask = flag_keys(columns.key_count, source_rows["spell"][mask])[rows["spell"]] & is_approved
        return is_matched

    if terms.reported_by_kind:
        keys = load_keys_of_kinds(session, terms.reported_by_kind, revision)
        is_of_kind = np.isin(source_rows["source"], keys)
        verifies = match_rows(is_of_kind & is_verified)
        reports = match_rows(is_of_kind & (source_rows["status"] != NULL_CODE)) & ~consolidated["withheld"]
        if uses_source_rows:  # the source of a row knows its own report
            reports |= np.isin(rows["source"], keys) & (rows["status"] != NULL_CODE) & is_approved
        yield verifies | reports
    if terms.verified_by_kind:
        keys = load_keys_of_kinds(session, terms.verified_by_kind, revision)
        yield match_rows(np.isin(source_rows["source"], keys) & is_verified)
    if terms.first_hand is not None:
        yield match_rows(is_verified) == terms.first_hand


def _match_carried_out(columns: Columns, rows: Rows, revision: int, *, uses_source_rows: bool) -> Mask:
    """Return which releases also count as carried out; in the row of a source, which it reports as carried out."""
    at_stage = ("stage", Stage.CARRIED_OUT)
    if uses_source_rows:
        own = columns.rows(table.SOURCE_RELEASES, revision, at_stage)
        return visibility.match_statements(columns, rows, own, own["status"] != NULL_CODE, by_source=True)
    others = columns.rows(table.RELEASES, revision, at_stage)
    is_countable = is_any_of(others["status"], columns.codes.find_codes(COUNTABLE_STATUSES))
    return visibility.match_statements(columns, rows, others, is_countable, by_source=False)


def _match_event_day(columns: Columns, rows: Rows, terms: SourcedTerms) -> WindowMatch:
    if isinstance(terms, DetentionTerms):
        return match_ended(rows, terms, columns.codes)
    if isinstance(terms, HeldTerms):
        return match_held_on_day(rows, get_held_day(terms), house_arrest=terms.house_arrest)
    assert isinstance(terms, ReleaseTerms)
    return match_window(rows["lo"], rows["hi"], terms.window)


def _match_arrest(
    columns: Columns, rows: Rows, terms: PersonTerms, revision: int, *, uses_source_rows: bool
) -> WindowMatch:
    """Match the day of arrest against the window of the terms. `uses_source_rows`: according to the source of each
    row."""
    if terms.arrest_window == (None, None):
        return match_all_rows(len(rows))
    arrests = columns.rows(table.SOURCE_DETENTIONS if uses_source_rows else table.ARRESTS, revision)
    window_match = match_window(arrests["detained_lo"], arrests["detained_hi"], terms.arrest_window)
    return WindowMatch(
        *(
            visibility.match_statements(columns, rows, arrests, mask, by_source=uses_source_rows)
            for mask in window_match
        )
    )

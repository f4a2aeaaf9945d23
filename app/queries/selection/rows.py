"""Load the rows of a revision that terms mean, before they are filtered: consolidated, or each source's own."""

import numpy as np

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import OPEN_UNTIL, Mask, Rows, is_any_of
from app.columns.store import TableRead
from app.columns.table import NULL_CODE, TableSpec
from app.projection.person import AGE_TRAIT
from app.queries.selection import visibility
from app.queries.selection.windows import match_window
from app.queries.terms import CountTerms, ReleaseTerms, SourcedTerms, is_personal
from app.vocabulary import ReleaseStatus, Stage

COUNTABLE_STATUSES = (ReleaseStatus.VERIFIED.value, ReleaseStatus.CONTESTED.value, ReleaseStatus.REPORTED.value)
_FURTHEST_STAGE_KEY = "at the furthest stage"


def load_consolidated_rows(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """Return the consolidated rows before the terms filter them."""
    rows = load_all_consolidated_rows(columns, terms, revision)
    return (
        rows
        if columns.first_unlinkable_spell == OPEN_UNTIL
        else rows.where(rows["spell"] < columns.first_unlinkable_spell)
    )


def load_all_consolidated_rows(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """Return the same including rows that count for single sources only (`Columns.first_unlinkable_spell`)."""
    version_table = table.RELEASES if isinstance(terms, ReleaseTerms) else table.DETENTION_STATES
    return _load_rows_at_stage(columns, version_table, terms, revision)


def load_source_rows(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """Return each source's own rows that count in combined records, before the terms filter them."""
    rows = load_all_source_rows(columns, terms, revision)
    return rows.where(rows["review"] == NULL_CODE)


def load_all_source_rows(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """Return the same including rows that await review or were rejected (rule 21)."""
    version_table = table.SOURCE_RELEASES if isinstance(terms, ReleaseTerms) else table.SOURCE_DETENTIONS
    return _load_rows_at_stage(columns, version_table, terms, revision)


def has_reports_under_review(columns: Columns, terms: SourcedTerms, revision: int) -> bool:
    """Return whether any report of what the terms count awaits review or was rejected."""
    return bool((load_all_source_rows(columns, terms, revision)["review"] != NULL_CODE).any())


def drop_unlinkable(columns: Columns, rows: Rows) -> Rows:
    """Return the rows of sources without other sources' verdicts on rows that count for the verifying source only."""
    if columns.first_unlinkable_spell == OPEN_UNTIL:
        return rows
    is_own = ~match_verified(columns, rows) | (rows["review"] != NULL_CODE)
    return rows.where((rows["spell"] < columns.first_unlinkable_spell) | is_own)


def match_verified(columns: Columns, rows: Rows) -> Mask:
    """Return which rows have the status `verified`; of a source's own rows, those that it verifies first-hand."""
    return is_any_of(rows["status"], columns.codes.find_codes([ReleaseStatus.VERIFIED]))


def match_approved(columns: Columns, rows: Rows) -> Mask:
    """Return which of the sources' own rows are verified in combined records too (rule 21)."""
    is_approved: Mask = match_verified(columns, rows) & (rows["review"] == NULL_CODE)
    return is_approved


def match_apart(columns: Columns, rows: Rows, consolidated: Rows, *, uses_source_rows: bool) -> Mask:
    """Return which rows of sources are about count-only people and do not verify (rule 13).

    Other sources' days must not show in their numbers: a source would learn on which day others say that somebody whom
    it planted was released."""
    if not uses_source_rows:
        return np.zeros(len(rows), bool)
    is_apart: Mask = consolidated["withheld"] & ~match_verified(columns, rows)
    return is_apart


def _load_rows_at_stage(columns: Columns, version_table: TableSpec, terms: SourcedTerms, revision: int) -> Rows:
    """Return the rows of a table at the stage of the terms, if they have one; without a stage, each release at the
    furthest stage at which it counts."""
    if not isinstance(terms, ReleaseTerms):
        return columns.rows(version_table, revision)
    if terms.stage is not None:
        return columns.rows(version_table, revision, ("stage", terms.stage))
    return columns.get_recent(
        (_FURTHEST_STAGE_KEY, version_table.name, revision),
        lambda: _load_rows_at_furthest_stage(columns, version_table, revision),
    )


def _load_rows_at_furthest_stage(columns: Columns, version_table: TableSpec, revision: int) -> Rows:
    furthest = columns.rows(table.FURTHEST_STAGES, revision)
    stages = np.full(columns.key_count, NULL_CODE, np.int16)
    stages[furthest["spell"]] = furthest["stage"]
    rows = columns.rows(version_table, revision)
    return rows.where(rows["stage"] == stages[rows["spell"]])


def list_reads(terms: CountTerms) -> list[TableRead]:
    """Return the table reads of selections with these terms, by source and consolidated."""
    at_stage = ("stage", terms.stage)
    reads: list[TableRead] = [(table.RELEASES, at_stage), (table.SOURCE_RELEASES, at_stage)]
    if terms.arrest_window != (None, None):
        reads += [(table.ARRESTS, None), (table.SOURCE_DETENTIONS, None)]
    if terms.state is not None or terms.rearrested is not None:
        reads += [(table.PEOPLE, None)]
    if terms.carried_out is not None:
        reads += [(one, ("stage", Stage.CARRIED_OUT)) for one in (table.RELEASES, table.SOURCE_RELEASES)]
    if terms.ages is not None:
        reads += [(table.TRAITS, ("name", AGE_TRAIT))]
    for name in terms.trait_values() | terms.excluded_values():
        trait_tables = (
            [table.TRAITS, table.SOURCE_TRAITS]
            if visibility.rests_on_source(name, uses_source_rows=True)
            else [table.TRAITS]
        )
        reads += [(version_table, ("name", name)) for version_table in trait_tables]
    return [*reads, (table.PLACEMENTS, None)] if is_personal(terms) else reads


def load_confirmations(columns: Columns, terms: ReleaseTerms, revision: int) -> Rows:
    """Return the first-hand rows of sources that confirm a release in the window (rule 6)."""
    rows = drop_unlinkable(columns, load_source_rows(columns, terms, revision))
    is_inside = match_window(rows["lo"], rows["hi"], terms.window).is_inside
    return rows.where(is_inside & match_verified(columns, rows))

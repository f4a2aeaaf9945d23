"""Build the receipt of an import and the outcomes of its rows, as the source reads them.

The receipt counts the values that reports lose and gain; what the source's own count of releases loses and gains, by
the class in which people are shown; and why people reported in custody do not count as held on the day of filing. These
follow from the source's own statements alone: other sources' reports and hidden people have no influence (decision
0079).
"""

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant, parse_date, subtract_years
from app.db.engine import split_into_chunks
from app.imports import faults
from app.imports.fault_groups import load_row_faults, translate_errors
from app.imports.faults import WISH_WITHDRAWN, format_line, translate_question
from app.imports.fields import PUBLISH
from app.imports.filing.import_store import (
    CHANGES,
    GOING_BACK_KEY,
    UNDONE_AT_KEY,
    UNREGISTERED_KEY,
    WISHES_WITHDRAWN_KEY,
    load_undone_at,
    read_sealed_column,
)
from app.imports.reader.list_reader import format_row_label
from app.imports.reader.tally import RowsCounted
from app.log.content import Content, flatten_body, has_release_section, restore_sent_content
from app.log.entries import load_entry, load_values
from app.log.sealing import unseal_json
from app.models import OPEN, ImportRow, ListImport, Record, Report, Sealed
from app.projection.statements import ASSERTIONS, is_first_hand
from app.queries.terms import DEFAULT_HELD_WITHIN
from app.registry.checks import PAST_DATE_FIELDS
from app.registry.directory_snapshot import find_unregistered_place
from app.registry.publication.classes import is_stricter
from app.schemas.imports import (
    ImportChange,
    ImportGroup,
    ImportOut,
    ImportOwnChange,
    ImportReceipt,
    ImportRowShape,
    ImportSummary,
    ImportWarning,
    ListForm,
    NotHeldReason,
    OwnVerdict,
)
from app.vocabulary import (
    Designation,
    ImportOutcome,
    ImportState,
    Language,
    Publish,
    ReleaseKind,
    Review,
    Stage,
    Verdict,
)

OWN_VERDICTS: tuple[OwnVerdict, ...] = get_args(OwnVerdict)
_CHANGE_PREFIX, _PUBLISH_PREFIX, CHANGED_PREFIX = "own", "publish", "changed"  # how the names of the numbers begin
RELEASE_TAKEN_BACK = "release_taken_back"


def count_own_changes(previous: Content, current: Content) -> Counter[str]:
    """Return `{"own_VE_verified_gained": 1, "publish_anonymous": 1}` for a filed row.

    `previous`: the former content under its case number, empty if there was none.
    """
    tally = Counter({f"{_PUBLISH_PREFIX}_{current.get('detainee.publish', Publish.ANONYMOUS)}": 1})
    for content, change in ((previous, "lost"), (current, "gained")):
        if (release := _find_counted_release(content)) is not None:
            tally[f"{_CHANGE_PREFIX}_{release}_{change}"] += 1
    return tally


def _find_counted_release(content: Content) -> str | None:
    """Return the country and the status (rule 9) of a release in the source's own count; None if it is in none."""
    if not content or not has_release_section(content):
        return None
    if content.get("release.stage", Stage.CARRIED_OUT) != Stage.CARRIED_OUT:
        return None
    verdict, country = content.get("verification.verdict", Verdict.REPORTED), content.get("detention.country")
    if verdict == Verdict.VERIFIED and not is_first_hand(content):
        verdict = Verdict.REPORTED
    return f"{country}_{verdict}" if country and verdict in OWN_VERDICTS else None


def build_own_changes(tally: Mapping[str, int]) -> list[ImportOwnChange]:
    """The changes by country, from the sums of `count_own_changes` over all rows."""
    countries = sorted({name.split("_")[1] for name in tally if name.startswith(f"{_CHANGE_PREFIX}_")})
    return [
        {"country": country, "verified": _sum_net_change(tally, country, "verified"),
         "reported": _sum_net_change(tally, country, "reported")}
        for country in countries
    ]  # fmt: skip


def _sum_net_change(tally: Mapping[str, int], country: str, verdict: OwnVerdict) -> int:
    prefix = f"{_CHANGE_PREFIX}_{country}_{verdict}"
    return tally.get(f"{prefix}_gained", 0) - tally.get(f"{prefix}_lost", 0)


def count_changed_fields(tally: Mapping[str, int]) -> dict[str, int]:
    """How many rows change each field, from the sums over all rows."""
    prefix = f"{CHANGED_PREFIX}_"
    return {name.removeprefix(prefix): count for name, count in sorted(tally.items()) if name.startswith(prefix)}


def count_statuses(tally: Mapping[str, int]) -> dict[str, int]:
    """How many rows say each status, from the sums over all rows."""
    return {name.removeprefix("status_"): count for name, count in tally.items() if name.startswith("status_")}


def count_publication_classes(tally: Mapping[str, int]) -> dict[Publish, int]:
    """How many of the rows that go in ask for each class of publication."""
    return {publish: tally.get(f"{_PUBLISH_PREFIX}_{publish}", 0) for publish in Publish}


StatedValues = Content
# Field → the value that a report has if it leaves the field out.
DEFAULT_VALUES = {
    "verification.verdict": Verdict.REPORTED,
    "release.stage": Stage.CARRIED_OUT,
    "release.kind": ReleaseKind.UNSPECIFIED,
    "detainee.designation": Designation.UNSTATED,
}
# Fields that a next version retains without repeating them (`report_versions`), and the case number.
RETAINED_FIELDS = frozenset(
    {"detainee.national_id", "detainee.national_id_digest", "retraction.reason", "source_record_id"}
)
# The day of an age or of a wish comes and goes with the age or the wish, and is not counted as a date.
DEPENDENT_DATES = ("detainee.age_on", "detainee.publish_given_on")
ENDS = frozenset({"release.released_on", "detention.ended", "detainee.died_on"})
DATES = tuple(name for name in PAST_DATE_FIELDS if name not in DEPENDENT_DATES)
# Kinds of loss and gain in a receipt → their fields.
CHANGE_KINDS = {"verdicts": ("verification.verdict",), "dates": DATES, "wishes": (PUBLISH,)}


def extract_stated_values(report: Content | dict[str, Any]) -> StatedValues:
    """The values of a body or of a stored content, without defaults."""
    content = restore_sent_content(report) if any("." in name for name in report) else flatten_body(report)
    return {
        name: value
        for name, value in content.items()
        if name not in RETAINED_FIELDS and DEFAULT_VALUES.get(name) != value
    }


def is_wish_withdrawn(previous: StatedValues, current: StatedValues) -> bool:
    """Whether a version takes back a stricter wish about publication: it asks for a class that shows more, or for none,
    which shows people without their names."""
    wish = previous.get(PUBLISH)
    return wish is not None and is_stricter(wish, current.get(PUBLISH, Publish.ANONYMOUS))


def count_changes(previous: StatedValues, current: StatedValues) -> Counter[str]:
    """`{"verdicts_lost": 1, "dates_gained": 2}`: the values lost and gained from one version to the next."""
    return Counter(
        f"{kind}_{change}"
        for kind, names in CHANGE_KINDS.items()
        for name in names
        for change, having, lacking in (("lost", previous, current), ("gained", current, previous))
        if name in having and name not in lacking
        # Whoever left has no last day in custody any more.
        if not (name == "detention.held_on" and change == "lost" and ENDS & lacking.keys())
    )


NOT_HELD: tuple[NotHeldReason, ...] = get_args(NotHeldReason)


def find_not_held_reason(values: StatedValues, today: int) -> NotHeldReason | None:
    """Why a report of custody does not count on the day of filing (`today`, an ordinal); None if it counts."""
    if values.get("verification.verdict", Verdict.REPORTED) not in ASSERTIONS:
        return "not_asserted"
    days = [parse_date(values[name]).hi for name in ("detention.detained_on", "detention.held_on") if name in values]
    if not days:
        return "no_day_of_arrest"
    if min(days) > today:
        return "day_not_past"
    return "day_too_old" if max(days) < subtract_years(today, DEFAULT_HELD_WITHIN) else None


# The code has the same name in the answer to a single report.
UNREGISTERED_FACILITY: Literal["unregistered_facility"] = "unregistered_facility"
LOOKS_OLDER: Literal["looks_older"] = "looks_older"
WarningCode = Literal["unregistered_facility", "wish_withdrawn", "looks_older"]
# Code of a warning → the pointer to what it is about, and the name under which its rows are counted.
WARNINGS: dict[WarningCode, tuple[str, str]] = {
    UNREGISTERED_FACILITY: ("/detention/facility", UNREGISTERED_KEY),
    WISH_WITHDRAWN: ("/detainee/publish", WISHES_WITHDRAWN_KEY),
    LOOKS_OLDER: ("", GOING_BACK_KEY),
}
# One row that goes back may be a correction of a correction.
MIN_OLDER_ROWS = 2


def looks_older(going_back: int, updated: int) -> bool:
    """Return whether a list looks older than the reports: more changed rows go back than say something new."""
    return going_back >= MIN_OLDER_ROWS and 2 * going_back > updated


class SentReceipt(ImportReceipt):
    """The receipt of a list sent part by part, and the ids of its imports."""

    rows: int
    form: ListForm
    imports: list[uuid.UUID]


Receipt = ImportOut | SentReceipt


def list_row_outcomes(
    session: Session,
    secret: bytes,
    job: ListImport,
    after_row: int,
    limit: int,
    outcome: str | None = None,
    lang: Language = "en",
) -> list[ImportRowShape]:
    """The outcomes of at most `limit` rows after the row `after_row`."""
    query = select(ImportRow, col(Sealed.disclosures)).where(col(ImportRow.list_import) == job.id)
    # The import stores no case number and no name: an erased report has none any more.
    query = query.outerjoin(Sealed, col(Sealed.revision) == col(ImportRow.revision)).where(
        col(ImportRow.row) > after_row
    )
    if outcome is not None:
        query = query.where(col(ImportRow.outcome) == outcome)
    rows = session.execute(query.order_by(col(ImportRow.row)).limit(limit)).all()
    sheet_names = load_sheet_names(secret, job)
    # A trial has no revisions: the report that a row would change has the name.
    unfiled = [row.report for row, disclosures in rows if disclosures is None and row.report is not None]
    current = load_current_values(session, unfiled, job.source)
    values = [load_values(disclosures) or current.get(row.report, {}) for row, disclosures in rows]
    faults = {row.row: translate_errors(load_row_faults(secret, row), row.row, lang) for row, _disclosures in rows}
    return [
        {
            "row": row.row,
            "label": format_row_label(row.row, sheet_names),
            "name": personal.get("detainee.full_name"),
            "source_record_id": personal.get("source_record_id"),
            "outcome": ImportOutcome(row.outcome),
            "report_id": row.report,
            "revision": row.revision,
            "errors": [fault for fault in faults[row.row] if fault["code"] not in WARNINGS],
            "warnings": [fault for fault in faults[row.row] if fault["code"] in WARNINGS],
            "changes": unseal_json(secret, row.changes, job.id, row.row, CHANGES) if row.changes else [],
        }
        for (row, _disclosures), personal in zip(rows, values, strict=True)
    ]


def load_sheet_names(secret: bytes, job: ListImport) -> dict[str, str]:
    """Return number → name of the sheets of a list; empty for a list of one sheet."""
    names: dict[str, str] = read_sealed_column(secret, job, "told").get("sheet_names", {})
    return names


def load_current_values(
    session: Session, report_ids: Iterable[uuid.UUID], source: int
) -> dict[uuid.UUID, dict[str, Any]]:
    """Return the personal values of the current versions of a source's own reports."""
    query = select(col(Record.id), col(Sealed.disclosures)).join(
        Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN)
    )
    query = query.join(Sealed, col(Sealed.revision) == col(Report.stated)).where(col(Record.source) == source)
    return {
        report_id: load_values(disclosures)
        for chunk in split_into_chunks({*report_ids})
        for report_id, disclosures in session.execute(query.where(col(Record.id).in_(chunk)))
    }


def build_change(numbers: Mapping[str, int], suffix: str = "") -> ImportChange:
    """The numbers of values lost or gained, by kind. `numbers`: kind and suffix → number."""
    verdicts, dates, wishes = (numbers.get(f"{kind}{suffix}", 0) for kind in CHANGE_KINDS)
    return {"verdicts": verdicts, "dates": dates, "wishes": wishes}


def find_unregistered_places(session: Session, secret: bytes, job: ListImport) -> dict[int, str]:
    """Row → its place that is still unregistered, for the rows named in a receipt. Places are read from the reports,
    since an import stores no names; a trial has no reports."""
    rows = RowsCounted(**read_sealed_column(secret, job, "told").get(UNREGISTERED_KEY, {})).rows
    query = select(col(ImportRow.row), col(ImportRow.revision)).where(
        col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(rows), col(ImportRow.revision).is_not(None)
    )
    places = {
        row: find_unregistered_place(session, load_entry(session, revision)) for row, revision in session.execute(query)
    }
    return {row: place for row, place in places.items() if place is not None}


def format_noted_cells(receipt: Mapping[str, Any], lang: Language) -> str:
    """Return the line about cells whose words are in notes; empty without such cells."""
    headings = {column["column"]: column["heading"] or column["column"] for column in receipt["columns"]}
    counts: Counter[str] = Counter()
    for one in receipt["noted"]:
        counts[headings.get(one["column"], one["column"])] += one["count"]
    cells = ", ".join(f"{heading} × {count}" for heading, count in counts.items())
    return format_line("noted", lang, cells=cells) if cells else ""


def format_difference(change: Mapping[str, Any], name: str, lang: Language) -> str:
    """Return the line about values that are lost or gained; empty without any."""
    parts = [format_line(kind, lang, count=number) for kind, number in change.items() if number]
    return format_line(name, lang, told=", ".join(parts)) if parts else ""


def build_warnings(
    rows_by_code: Mapping[WarningCode, RowsCounted], lang: Language, places: Mapping[int, str]
) -> list[ImportWarning]:
    """The warnings about accepted rows. `rows_by_code`: the number of rows by code, and the first of them."""
    return [
        {
            "pointer": WARNINGS[code][0],
            "code": code,
            "detail": format_line(code, lang),
            "count": rows.count,
            "examples": [
                {"row": row, "value": places.get(row) if code == UNREGISTERED_FACILITY else None} for row in rows.rows
            ],
        }
        for code, rows in rows_by_code.items()
        if rows.count
    ]


def build_receipt(
    job: ListImport,
    secret: bytes,
    lang: Language = "en",
    groups: Sequence[ImportGroup] = (),
    places: Mapping[int, str] | None = None,
) -> ImportOut:
    """Return an import as its source reads it; a receipt, once all rows are settled.

    `groups`: from `load_import_groups`; `places`: from `find_unregistered_places`.
    """
    summary, problem = read_sealed_column(secret, job, "told"), read_sealed_column(secret, job, "fault")
    tally, counts = summary.get("tally", {}), dict.fromkeys(ImportOutcome, 0) | json.loads(job.counts)
    warned_rows = {code: RowsCounted(**summary.get(name, {})) for code, (_pointer, name) in WARNINGS.items()}
    is_older = looks_older(warned_rows[LOOKS_OLDER].count, counts[ImportOutcome.UPDATED])
    return {
        "id": job.id,
        "state": ImportState(job.state),
        "dry_run": job.dry_run,
        "strict": job.strict,
        "created_at": format_instant(job.created_at),
        "finished_at": None if job.finished_at is None else format_instant(job.finished_at),
        "undone_at": summary.get(UNDONE_AT_KEY),
        "digest": summary["digest"],
        "rows": job.rows,
        "whole": job.whole,
        "settled": sum(json.loads(job.counts).values()),
        "missing": summary.get("missing", 0),
        "counts": counts,
        "releases": summary.get("releases", 0),
        "held": summary.get("held", 0),
        "lost": build_change(tally, "_lost"),
        "gained": build_change(tally, "_gained"),
        "held_counted": tally.get("held_counted", 0),
        "awaiting_review": tally.get(Review.AWAITING_REVIEW, 0),
        "held_not_counted": {reason: tally[f"held_{reason}"] for reason in NOT_HELD if f"held_{reason}" in tally},
        "changed_fields": count_changed_fields(tally),
        "going_back": warned_rows[LOOKS_OLDER].count,
        "releases_taken_back": tally.get(RELEASE_TAKEN_BACK, 0),
        "first_revision": job.first_revision,
        "last_revision": job.last_revision,
        "form": summary.get("form"),
        "sheet": summary.get("sheet"),
        "sheet_names": summary.get("sheet_names", {}),
        "other_sheets": summary.get("other_sheets", []),
        "columns": summary.get("columns", []),
        "saved_mapping": summary.get("saved_mapping", False),
        "remembered": summary.get("remembered"),
        "derived_case_numbers": summary.get("derived_case_numbers", 0),
        "unsaid": summary.get("unsaid", []),
        "unread": summary.get("unread", []),
        "noted": summary.get("noted", []),
        "left_out": summary.get("left_out", {"count": 0, "rows": []}),
        "sums": summary.get("sums", {"count": 0, "rows": []}),
        "statuses": count_statuses(tally),
        "kept_answers": summary.get("kept_answers", {}),
        "groups": list(groups),
        "own_releases": build_own_changes(tally),
        "publish": count_publication_classes(tally),
        "warnings": build_warnings(
            {code: rows for code, rows in warned_rows.items() if is_older or code != LOOKS_OLDER},
            lang,
            places or {},
        ),
        "questions": [translate_question(question, lang) for question in read_sealed_column(secret, job, "questions")],
        "problem": None if problem is None else faults.translate_problem(problem, lang),
    }


def build_import_summary(job: ListImport, secret: bytes) -> ImportSummary:
    """Return an import in short, as a list of imports shows it."""
    return {
        "id": job.id,
        "state": ImportState(job.state),
        "created_at": format_instant(job.created_at),
        "finished_at": None if job.finished_at is None else format_instant(job.finished_at),
        "undone_at": load_undone_at(secret, job),
        "rows": job.rows,
        "counts": dict.fromkeys(ImportOutcome, 0) | json.loads(job.counts),
    }

"""What a source's own count of releases gains and loses by a row, and by which class its people are shown (pure).

It follows from the source's own words alone, before and after: whom others report, and whom nobody may see, has no part
in it (decision 0079).

The values of a report, and which of them its next version loses and gains (pure).

Why a person reported in custody does not count as held on the day of filing, by this source alone (pure).

The receipt of an import and the outcomes of its rows, as its source reads them."""

import json
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant, parse
from app.imports import faults
from app.imports.faults import WISH_WITHDRAWN, line, translated
from app.imports.fields import PUBLISH
from app.imports.mapping import faults_of, in_language
from app.imports.rows import RowsCounted
from app.imports.stored import UNREGISTERED, WISHES_WITHDRAWN, read
from app.log import entries
from app.log.content import Content, as_sent, flatten, has_release
from app.log.entries import entry_at
from app.models import ImportRow, ListImport, Sealed
from app.projection.statements import ASSERTIONS
from app.registry.checks import PAST_DATES
from app.registry.directory_snapshot import unregistered_place
from app.registry.publication.classes import stricter
from app.schemas.imports import (
    ImportChange,
    ImportGroup,
    ImportOut,
    ImportOwnChange,
    ImportReceipt,
    ImportRowShape,
    ImportWarning,
    ListForm,
    NotHeld,
    OwnVerdict,
)
from app.vocabulary import Designation, ImportOutcome, ImportState, Language, Publish, ReleaseKind, Stage, Verdict

OWN_VERDICTS: tuple[OwnVerdict, ...] = get_args(OwnVerdict)
_CHANGE, _PUBLISH = "own", "publish"  # how the names of the numbers begin


def changed(before: Content, after: Content) -> Counter[str]:
    """`{"own_VE_verified_gained": 1, "publish_anonymous": 1}`: of a row that is filed. `before`: the content that stood
    under its case number, empty where none did."""
    tally = Counter({f"{_PUBLISH}_{after.get('detainee.publish', Publish.ANONYMOUS)}": 1})
    for content, change in ((before, "lost"), (after, "gained")):
        if (release := _counted(content)) is not None:
            tally[f"{_CHANGE}_{release}_{change}"] += 1
    return tally


def _counted(content: Content) -> str | None:
    """Country and verdict of a release that the source's own count has; None where it has none."""
    if not content or not has_release(content):
        return None
    if content.get("release.stage", Stage.CARRIED_OUT) != Stage.CARRIED_OUT:
        return None
    verdict, country = content.get("verification.verdict", Verdict.REPORTED), content.get("detention.country")
    return f"{country}_{verdict}" if country and verdict in OWN_VERDICTS else None


def changes(tally: Mapping[str, int]) -> list[ImportOwnChange]:
    """The changes by country, from the sums of `changed` over all rows."""
    countries = sorted({name.split("_")[1] for name in tally if name.startswith(f"{_CHANGE}_")})
    return [
        {"country": country, "verified": _change(tally, country, "verified"),
         "reported": _change(tally, country, "reported")}
        for country in countries
    ]  # fmt: skip


def _change(tally: Mapping[str, int], country: str, verdict: OwnVerdict) -> int:
    of = f"{_CHANGE}_{country}_{verdict}"
    return tally.get(f"{of}_gained", 0) - tally.get(f"{of}_lost", 0)


def classes(tally: Mapping[str, int]) -> dict[Publish, int]:
    """How many of the rows that go in ask for each class of publication."""
    return {publish: tally.get(f"{_PUBLISH}_{publish}", 0) for publish in Publish}


Says = Content
# Field → the value that a report has if it leaves the field out.
UNSAID = {
    "verification.verdict": Verdict.REPORTED,
    "release.stage": Stage.CARRIED_OUT,
    "release.kind": ReleaseKind.UNSPECIFIED,
    "detainee.designation": Designation.UNSTATED,
}
# Fields that a next version keeps without repeating them (`reports.with_kept`), and the case number.
KEPT = frozenset({"detainee.national_id", "detainee.national_id_digest", "retraction.reason", "source_record_id"})
# The day of an age or of a wish comes and goes with the age or the wish, and is not counted as a date.
OF_OTHERS = ("detainee.age_on", "detainee.publish_given_on")
DATES = tuple(name for name in PAST_DATES if name not in OF_OTHERS)
# Kinds of loss and gain in a receipt → their fields.
KINDS = {"verdicts": ("verification.verdict",), "dates": DATES, "wishes": (PUBLISH,)}


def says(report: Content | dict[str, Any]) -> Says:
    """The values of a body or of a stored content, without defaults."""
    content = as_sent(report) if any("." in name for name in report) else flatten(report)
    return {name: value for name, value in content.items() if name not in KEPT and UNSAID.get(name) != value}


def withdraws_wish(before: Says, after: Says) -> bool:
    """Whether a version takes back a stricter wish about publication: it asks for a class that shows more, or for none,
    which shows people without their names."""
    wish = before.get(PUBLISH)
    return wish is not None and stricter(wish, after.get(PUBLISH, Publish.ANONYMOUS))


def changed_values(before: Says, after: Says) -> Counter[str]:
    """`{"verdicts_lost": 1, "dates_gained": 2}`: the values lost and gained from one version to the next."""
    return Counter(
        f"{kind}_{change}"
        for kind, names in KINDS.items()
        for name in names
        for change, having, lacking in (("lost", before, after), ("gained", after, before))
        if name in having and name not in lacking
    )


NOT_HELD: tuple[NotHeld, ...] = get_args(NotHeld)


def why_not_held(values: Says, today: int) -> NotHeld | None:
    """Why a report of custody does not count on the day of filing (`today`, an ordinal); None if it counts."""
    if values.get("verification.verdict", Verdict.REPORTED) not in ASSERTIONS:
        return "not_asserted"
    days = [parse(values[name]).hi for name in ("detention.detained_on", "detention.held_on") if name in values]
    if not days:
        return "no_day_of_arrest"
    return None if min(days) <= today else "day_not_past"


# The code has the same name in the answer to a single report.
UNREGISTERED_FACILITY: Literal["unregistered_facility"] = "unregistered_facility"
WarningCode = Literal["unregistered_facility", "wish_withdrawn"]
# Code of a warning → the pointer to what it is about, and the name under which its rows are counted.
WARNINGS: dict[WarningCode, tuple[str, str]] = {
    UNREGISTERED_FACILITY: ("/detention/facility", UNREGISTERED),
    WISH_WITHDRAWN: ("/detainee/publish", WISHES_WITHDRAWN),
}


class SentReceipt(ImportReceipt):
    """The receipt of a list sent part by part, and the ids of its imports."""

    rows: int
    form: ListForm
    imports: list[uuid.UUID]


Receipt = ImportOut | SentReceipt


def rows_of(
    session: Session,
    secret: bytes,
    job: uuid.UUID,
    after: int,
    limit: int,
    outcome: str | None = None,
    lang: Language = "en",
) -> list[ImportRowShape]:
    """The outcomes of at most `limit` rows after the row `after`."""
    query = select(ImportRow, col(Sealed.disclosures)).where(col(ImportRow.list_import) == job)
    # Of the case number the import keeps nothing: an erased report has none any more.
    query = query.outerjoin(Sealed, col(Sealed.revision) == col(ImportRow.revision)).where(col(ImportRow.row) > after)
    if outcome is not None:
        query = query.where(col(ImportRow.outcome) == outcome)
    rows = session.execute(query.order_by(col(ImportRow.row)).limit(limit)).all()
    faults = {row.row: in_language(faults_of(secret, row), row.row, lang) for row, _disclosures in rows}
    return [
        {
            "row": row.row,
            "source_record_id": entries.values(disclosures).get("source_record_id"),
            "outcome": ImportOutcome(row.outcome),
            "report_id": row.report,
            "revision": row.revision,
            "errors": [fault for fault in faults[row.row] if fault["code"] not in WARNINGS],
            "warnings": [fault for fault in faults[row.row] if fault["code"] in WARNINGS],
        }
        for row, disclosures in rows
    ]


def change_of(numbers: Mapping[str, int], suffix: str = "") -> ImportChange:
    """The numbers of values lost or gained, by kind. `numbers`: kind and suffix → number."""
    verdicts, dates, wishes = (numbers.get(f"{kind}{suffix}", 0) for kind in KINDS)
    return {"verdicts": verdicts, "dates": dates, "wishes": wishes}


def places_of(session: Session, secret: bytes, job: ListImport) -> dict[int, str]:
    """Row → its place that is still unregistered, for the rows named in a receipt. Places are read from the reports,
    since an import stores no names; a trial has no reports."""
    rows = RowsCounted(**read(secret, job, "told").get(UNREGISTERED, {})).rows
    query = select(col(ImportRow.row), col(ImportRow.revision)).where(
        col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(rows), col(ImportRow.revision).is_not(None)
    )
    places = {row: unregistered_place(session, entry_at(session, revision)) for row, revision in session.execute(query)}
    return {row: place for row, place in places.items() if place is not None}


def warnings(
    counted: Mapping[WarningCode, RowsCounted], lang: Language, places: Mapping[int, str]
) -> list[ImportWarning]:
    """The warnings about accepted rows. `counted`: the number of rows by code, and the first of them."""
    return [
        {
            "pointer": WARNINGS[code][0],
            "code": code,
            "detail": line(code, lang),
            "count": rows.count,
            "examples": [
                {"row": row, "value": places.get(row) if code == UNREGISTERED_FACILITY else None} for row in rows.rows
            ],
        }
        for code, rows in counted.items()
        if rows.count
    ]


def shape(
    job: ListImport,
    secret: bytes,
    lang: Language = "en",
    groups: Sequence[ImportGroup] = (),
    places: Mapping[int, str] | None = None,
) -> ImportOut:
    """An import as its source reads it; a receipt, once all rows are settled. `groups`: from `fault_groups.of_import`;
    `places`: from `places_of`."""
    told, problem = read(secret, job, "told"), read(secret, job, "fault")
    tally = told.get("tally", {})
    return {
        "id": job.id,
        "state": ImportState(job.state),
        "dry_run": job.dry_run,
        "strict": job.strict,
        "created_at": format_instant(job.created_at),
        "finished_at": None if job.finished_at is None else format_instant(job.finished_at),
        "digest": told["digest"],
        "rows": job.rows,
        "whole": job.whole,
        "settled": sum(json.loads(job.counts).values()),
        "counts": dict.fromkeys(ImportOutcome, 0) | json.loads(job.counts),
        "releases": told.get("releases", 0),
        "held": told.get("held", 0),
        "lost": change_of(tally, "_lost"),
        "gained": change_of(tally, "_gained"),
        "held_counted": tally.get("held_counted", 0),
        "held_not_counted": {why: tally[f"held_{why}"] for why in NOT_HELD if f"held_{why}" in tally},
        "first_revision": job.first_revision,
        "last_revision": job.last_revision,
        "form": told.get("form"),
        "sheet": told.get("sheet"),
        "other_sheets": told.get("other_sheets", []),
        "columns": told.get("columns", []),
        "saved_mapping": told.get("saved_mapping", False),
        "derived_case_numbers": told.get("derived_case_numbers", 0),
        "unsaid": told.get("unsaid", []),
        "unread": told.get("unread", []),
        "left_out": told.get("left_out", {"count": 0, "rows": []}),
        "groups": list(groups),
        "own_releases": changes(tally),
        "publish": classes(tally),
        "warnings": warnings(
            {code: RowsCounted(**told.get(name, {})) for code, (_pointer, name) in WARNINGS.items()}, lang, places or {}
        ),
        "questions": [translated(question, lang) for question in read(secret, job, "questions")],
        "problem": None if problem is None else faults.problem(problem, lang),
    }

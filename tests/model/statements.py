"""Convert the model's reports to the application's statements, and back."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.dates import PartialDate, parse_date
from app.projection import SourceView, Statement
from app.vocabulary import Review
from tests.model.rules import Report

DATE_FIELDS = {
    "announced": "release.announced_on",
    "ordered": "release.ordered_on",
    "carried_out": "release.released_on",
    "arrest": "detention.detained_on",
    "sighting": "detention.held_on",
}
NOT_STATED = ("unspecified", "unstated")
SECOND_HAND = (None, "press", "other_organisation", "official_statement", "official_list")


def make_statements(reports: Sequence[Report]) -> list[Statement]:
    """Return the reports as statements, with record keys from 1 in the order of the reports."""
    keys = {report.id: key for key, report in enumerate(reports, start=1)}
    slugs = sorted({report.source for report in reports})
    return [
        Statement(
            record=keys[report.id],
            id=report.id,
            source=SourceView(slugs.index(report.source) + 1, report.source, report.is_organisation),
            revision=keys[report.id] + 100,
            content=_make_content(report),
            pointer=keys.get(report.pointer or ""),
            request=report.request,
            review=Review(report.review) if report.review in (Review.AWAITING_REVIEW, Review.REJECTED) else None,
        )
        for report in reports
    ]


def _make_content(report: Report) -> dict[str, Any]:
    content: dict[str, Any] = {"verification.verdict": report.verdict}
    if report.denies != "event":
        content["verification.denies"] = report.denies
    content["verification.method"] = "family" if report.is_first_hand else "press"
    if report.stage:
        content["release.stage"] = report.stage
    if report.ended:
        content["detention.ended"] = {"on": report.ended.text, "how": "other"}
    own = {DATE_FIELDS[name]: date.text for name, date in report.dates.items() if date}
    taken_over = {DATE_FIELDS[name]: date.text for name, date in report.taken_over.items() if date}
    return content | own | taken_over | {"taken_over": {"fields": sorted(taken_over), "revision": 1}}


def read_report(statement: Statement, ids: Mapping[int, str]) -> Report:
    """Return a statement as a report of the model. `ids`: record key → id of the person's statements."""
    content = statement.content
    ended = content.get("detention.ended") or {}
    dates = {name: _parse(content.get(field)) for name, field in DATE_FIELDS.items()}
    marked_fields = content.get("taken_over", {}).get("fields", ())
    marked = {name for name, field in DATE_FIELDS.items() if field in marked_fields}
    values = {field: value for field, value in content.items() if value not in (None, *NOT_STATED)}
    is_checked = content.get("verification.method") not in SECOND_HAND or content.get("verification.first_hand", False)
    return Report(
        id=statement.id,
        source=statement.source.slug,
        is_organisation=statement.source.independent,
        is_first_hand=statement.source.independent and is_checked and not content.get("verification.citing"),
        request=statement.request or statement.revision,
        verdict=content["verification.verdict"],
        stage=content.get("release.stage"),
        dates={name: None if name in marked else date for name, date in dates.items()},
        taken_over={name: date if name in marked else None for name, date in dates.items()},
        ended=_parse(ended.get("on")),
        pointer=ids.get(statement.pointer or 0),
        denies=content.get("verification.denies", "event"),
        revision=statement.revision,
        review=statement.review,
        values={field: value for field, value in values.items() if field not in marked_fields},
        taken_over_values={field: value for field, value in values.items() if field in marked_fields},
    )


def _parse(text: str | None) -> PartialDate | None:
    return None if text is None else parse_date(text)

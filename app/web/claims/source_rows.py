"""The figure of source rows: how each independent source defines its count, and what it verified then and now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup

from app import dates
from app.api.routes.counts import count_releases
from app.api.routes.directory import read_claim
from app.errors import Invalid, NotFound
from app.moments import format_revision, parse_revision
from app.queries.addresses import list_values
from app.queries.dimensions import get_window_start_name
from app.vocabulary import Measure, SourceKind
from app.web.api_client import Terms, gather
from app.web.charts.bars import NARROW, WIDE, ClaimRow, RowsLayout, SourceRow, lay_out_source_rows
from app.web.claims.text import (
    describe_claim_terms,
    format_since,
    format_source_tag,
    format_starts,
    format_window,
    is_independent,
    is_same_count,
)
from app.web.count_text import describe_narrower_count
from app.web.figure import Figure, render_drawing
from app.web.page import Page
from app.web.rendering import Catalogue, format_claim_figure

SOURCE_ROWS = "source-rows"
OTHER_MEASURE_MESSAGE = "This claim does not count releases: only a figure of people released stands above these rows."
PRINTING_FIELDS = ("claimant", "low", "high", "qualifier", "series")  # equal in all printings of a figure
AFTER_AS_OF_MESSAGE = "This is after `as_of` (%s): give an earlier moment, or leave `as_of` out."
MAX_PRINTINGS = 8  # of one claim in an address: each is a request, and no claim had more


async def build_source_rows_figure(
    page: Page, terms: Terms, earlier_moment: str | None = None, claims: Sequence[Mapping[str, Any]] = ()
) -> Figure:
    """Build the rows of a count: what each independent source verified now and at `earlier_moment`, a day or a
    revision.

    `claims`: all printings of one claim, as in `/v1/claims`; its row comes first. In addresses, `earlier_moment` and
    the claims' ids are terms.
    """
    terms = dict(terms)
    earlier_moment, ids = terms.pop("then", earlier_moment), list_values(terms.pop("claim", []))[:MAX_PRINTINGS]
    if not claims and ids:
        claims = _select_printings(
            await gather(*(page.api.read(read_claim, claim_id=_parse_uuid(claim_id)) for claim_id in ids))
        )
    claims = [claim for claim in claims if claim["confirmed"]]
    query = {**terms, "group_by": "source"}
    counts = [page.api.read(count_releases, query)]
    if earlier_moment is not None:
        counts.append(page.api.read(count_releases, query, as_of=earlier_moment))
    current_count, *earlier_counts = await gather(*counts)
    if earlier_counts and earlier_counts[0]["at"]["revision"] > current_count["at"]["revision"]:
        as_of = format_revision(current_count["at"]["revision"])
        raise Invalid.at_pointer("/then", "after_as_of", AFTER_AS_OF_MESSAGE % as_of)
    if (
        earlier_counts and earlier_counts[0]["at"]["recorded_at"] is None
    ):  # there were no reports yet, so there is no hour
        earlier_counts = []
    words, _ = page.catalogue, page.catalogue.gettext
    is_past = "as_of" in page.terms and current_count["at"]["recorded_at"] is not None
    current_label = words.short_moment(current_count["at"]["recorded_at"], page.zone) if is_past else _("today")
    earlier_label = _format_earlier_day(page, earlier_moment, earlier_counts[0]) if earlier_counts else ""
    groups = sorted(
        current_count["groups"],
        key=lambda group: (-group["counts"]["verified"], page.get_source_name(group["by"]["source"])),
    )
    independent = [
        group for group in groups if group["counts"]["verified"] and is_independent(page, group["by"]["source"])
    ]
    earlier_numbers = (
        {group["by"]["source"]: group["counts"]["verified"] for group in earlier_counts[0]["groups"]}
        if earlier_counts
        else None
    )
    rows = [_build_source_row(page, group, earlier_numbers, earlier_label) for group in independent]
    claim_row = _build_claim_row(page, current_count["terms"], claims) if claims else None
    empty_text = _("No independent source has verified anything in this count.")
    finding = _describe_finding(words, rows, claim_row) or empty_text

    def draw(form: RowsLayout, prefix: str) -> Markup:
        layout = lay_out_source_rows(rows, claim_row, current_label, empty_text, form)
        return render_drawing(SOURCE_ROWS, words, rows=layout, finding=finding, prefix=prefix)

    columns = [
        _("Source"),
        _("Whom it counts"),
        *([_("On %(day)s") % {"day": earlier_label}] if earlier_counts else []),
        current_label,
    ]
    table = [_build_cells(words, row, has_earlier=bool(earlier_counts)) for row in rows]
    if claim_row is not None:
        table.insert(
            0,
            [
                claim_row.name,
                claim_row.sentence,
                *([claim_row.figure_text] if earlier_counts else []),
                claim_row.figure_text,
            ],
        )
    return Figure(
        name=SOURCE_ROWS,
        heading=_build_heading(words, rows),
        finding=finding,
        wide=draw(WIDE, f"{SOURCE_ROWS}-wide"),
        narrow=draw(NARROW, f"{SOURCE_ROWS}-narrow"),
        caption=_build_source_rows_caption(page, groups, earlier_label if rows else ""),
        columns=columns,
        rows=table,
        terms={
            **terms,
            "then": earlier_moment,
            "claim": [str(claim["id"]) for claim in claims][:MAX_PRINTINGS] or None,
        },
        count_scope=describe_narrower_count(page, current_count["terms"]),
    )


def _parse_uuid(text: Any) -> UUID:
    """Parse an id. Raises NotFound."""
    try:
        return UUID(str(text))
    except ValueError:
        raise NotFound("No claim has this id.") from None


def _select_printings(claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the claims with the same figure as the first one: an address may name any."""

    def figure(claim: Mapping[str, Any]) -> list[Any]:
        return [claim[name] for name in PRINTING_FIELDS] + [(claim["stated_at"] or "")[: dates.DAY_LENGTH]]

    return [claim for claim in claims if figure(claim) == figure(claims[0])]


def _format_earlier_day(page: Page, earlier_moment: str | None, count: Mapping[str, Any]) -> str:
    """Format the moment of the earlier numbers."""
    if earlier_moment is not None and dates.is_day(earlier_moment) and parse_revision(earlier_moment) is None:
        return page.catalogue.short_day(earlier_moment)
    return page.catalogue.short_moment(count["at"]["recorded_at"], page.zone)


def _build_source_row(
    page: Page, group: Mapping[str, Any], earlier_numbers: Mapping[str, int] | None, day: str
) -> SourceRow:
    words, _ = page.catalogue, page.catalogue.gettext
    slug, verified_number = group["by"]["source"], group["counts"]["verified"]
    name, formatted = page.get_source_name(slug), words.number(verified_number)
    earlier_number = None if earlier_numbers is None else earlier_numbers.get(slug, 0)
    earlier_text = ""
    if earlier_number is not None:
        values = {"number": words.number(earlier_number), "day": day}
        earlier_text = _("%(number)s on %(day)s") % values if earlier_number else _("none on %(day)s") % values
    return SourceRow(
        name=name,
        definition=describe_source(page, slug),
        now_count=verified_number,
        now_text=formatted,
        address=f"/{page.language}{group['list'].removeprefix('/v1')}" if group["list"] else None,
        link_name=_("%(number)s, %(source)s: see the list") % {"number": formatted, "source": name},
        then_count=earlier_number,
        then_text=earlier_text,
    )


def describe_source(page: Page, slug: str) -> str:
    """Describe the kind of a source, and its own definition of its count."""
    source = page.sources.get(slug)
    if source is None:  # beyond the first page of sources
        return ""
    kind = "" if source["kind"] == SourceKind.OTHER else page.catalogue.label("source_kinds", source["kind"])
    return ". ".join(part.rstrip(".") for part in (kind, source["definition"]) if part) + "."


def _build_claim_row(page: Page, terms: Terms, claims: Sequence[Mapping[str, Any]]) -> ClaimRow:
    """Build a claim's row from its printings, with a sentence saying that it is a different count."""
    words, _ = page.catalogue, page.catalogue.gettext
    claim, formatted = claims[0], format_claim_figure(claims[0], words)
    if claim["measure"] != Measure.RELEASED:
        raise Invalid.at_pointer("/claim", "other_measure", OTHER_MEASURE_MESSAGE)
    starts = sorted({str(printing["window_from"]) for printing in claims if printing["window_from"]})
    if not is_same_count(claim, terms):  # first, because the drawing truncates long sentences
        days = (
            format_starts(starts, words)
            if len(starts) > 1
            else format_window(words, starts[0] if starts else None, claim["window_to"])
        )
        other_count = _("This is not the count of the rows below. It counts: %(counted)s.")
        sentence = other_count % {"counted": describe_claim_terms(page, claim, days)}
    elif not starts:
        sentence = _("It does not say since when it counts: this is not the count of the rows below.")
    elif len(starts) > 1:
        printed_starts = _("It was %(printed)s: this is not the count of the rows below.")
        sentence = printed_starts % {"printed": format_starts(starts, words)}
    elif starts != [terms.get(get_window_start_name(terms))]:
        other_start = _("It counts %(since)s: this is not the count of the rows below.")
        sentence = other_start % {"since": format_since(words, starts[0])}
    else:
        sentence = ""
    return ClaimRow(
        name=page.get_source_name(claim["claimant"]) if claim["claimant"] else claim["reported_by"] or "",
        tag=format_source_tag(page, claim["claimant"]),
        sentence=sentence,
        figure_text=formatted,
        address=page.address(f"/claims/{claim['id']}"),
        low=claim["low"],
        high=claim["high"],
        no_top_text=words.gettext("no upper bound"),
    )


def _build_cells(words: Catalogue, row: SourceRow, *, has_earlier: bool) -> list[str | int | Markup]:
    """Build a row of the table, with the complete definition."""
    current_cell = (
        Markup('<a class="number" href="{}">{}</a>').format(row.address, row.now_text) if row.address else row.now_text
    )
    return [row.name, row.definition, *([words.number(row.then_count or 0)] if has_earlier else []), current_cell]


def _build_heading(words: Catalogue, rows: Sequence[SourceRow]) -> str:
    """Summarise the finding."""
    _ = words.gettext
    if not rows:
        return _("What each source verified")
    if len(rows) == 1:
        return _("%(source)s verified %(number)s") % {"source": rows[0].name, "number": rows[0].now_text}
    values = {"sources": words.number(len(rows)), "least": rows[-1].now_text, "most": rows[0].now_text}
    return _("%(sources)s sources, each on its own, verified between %(least)s and %(most)s") % values


def _describe_finding(words: Catalogue, rows: Sequence[SourceRow], claim: ClaimRow | None) -> str:
    """Describe the finding with all its numbers, which must not be added up."""
    _ = words.gettext
    if not rows:
        return ""
    verified_numbers = words.listed([f"{row.name} {row.now_text}" for row in rows])
    finding = _("Verified: %(numbers)s. The numbers overlap and are no sum.") % {"numbers": verified_numbers}
    if claim is not None:
        claim_text = _("%(name)s said %(figure)s.") % {"name": claim.name, "figure": claim.figure_text}
        finding = f"{claim_text} {claim.sentence} {finding}".replace("  ", " ")
    return finding


def _build_source_rows_caption(page: Page, groups: Sequence[Mapping[str, Any]], day: str) -> str:
    """Explain how to read the bars, and name sources without one."""
    _ = page.catalogue.gettext
    sentences = []
    if day:
        sentences.append(_("Dark: verified by %(day)s. Lighter: verified since.") % {"day": day})
    sentences.append(_("Each source decides whom it counts; the numbers overlap and are no sum."))
    by_authorities = [group for group in groups if group["counts"]["official_only"]]
    if by_authorities:
        values = {"sources": _format_source_numbers(page, by_authorities, "official_only")}
        sentences.append(_("Without a bar, because they do not count as independent: %(sources)s.") % values)
    reporting = [group for group in groups if group["counts"]["reported"] and not group["counts"]["verified"]]
    if reporting:
        sentences.append(
            _("Only reported, and not verified: %(sources)s.")
            % {"sources": _format_source_numbers(page, reporting, "reported")}
        )
    under_review = [group for group in groups if group["counts"]["awaiting_review"]]
    if under_review:
        values = {"sources": _format_source_numbers(page, under_review, "awaiting_review")}
        sentences.append(_("Reports awaiting review, each in its own source's numbers alone: %(sources)s.") % values)
    return " ".join(sentences)


def _format_source_numbers(page: Page, groups: Sequence[Mapping[str, Any]], verdict: str) -> str:
    """List sources, each with its number in brackets."""
    words = page.catalogue
    return words.listed(
        [
            f"{page.get_source_name(group['by']['source'])} ({words.number(group['counts'][verdict])})"
            for group in groups
        ]
    )

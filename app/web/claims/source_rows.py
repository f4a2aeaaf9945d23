"""The figure of source rows: whom each independent source counts, and what it verified, then and by now."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup

from app import dates
from app.errors import Invalid, NotFound
from app.queries.terms import each as values_of_one
from app.vocabulary import Measure, SourceKind
from app.web.asking import Terms, together
from app.web.charts.bars import NARROW, WIDE, ClaimRow, Form, SourceRow, source_rows
from app.web.claims.words import beginnings_of, counted_by, counts_alike, is_independent, of_days, since_when, tag_of
from app.web.count_text import narrower
from app.web.figure import Figure, drawing
from app.web.page import Page
from app.web.rendering import Catalogue, figure_of

NAME = "source-rows"
OTHER_MEASURE = "This claim does not count releases: only a figure of people released stands above these rows."
PRINTED_ALIKE = ("claimant", "low", "high", "qualifier", "series")  # by all printings of a figure
AFTER_AS_OF = "This is after `as_of` (revision %s): give an earlier moment, or leave `as_of` out."
MOST_PRINTINGS = 8  # of one claim in an address: each is a question, and none was printed in more ways


async def source_rows_figure(
    page: Page, terms: Terms, then: str | int | None = None, claims: Sequence[Mapping[str, Any]] = ()
) -> Figure:
    """What each independent source verified on the terms of a count, by now and by `then`, a day or a revision.
    `claims`: every printing of a claim, as `/v1/claims` tells it, which stands first. An address has `then` and their
    ids among its terms."""
    terms = dict(terms)
    then, ids = terms.pop("then", then), values_of_one(terms.pop("claim", []))[:MOST_PRINTINGS]
    if not claims and ids:
        claims = _of_one_figure(await together(*(page.api.get(f"/v1/claims/{_id(each)}") for each in ids)))
    asked = {**terms, "group_by": "source"}
    counts = [page.api.get("/v1/counts/releases", asked)]
    if then is not None:
        counts.append(page.api.get("/v1/counts/releases", asked, as_of=then))
    now, *earlier = await together(*counts)
    if earlier and earlier[0]["revision"] > now["revision"]:
        raise Invalid.at("/then", "after_as_of", AFTER_AS_OF % now["revision"])
    if earlier and earlier[0]["recorded_at"] is None:  # nobody had reported anything yet, so that there is no hour
        earlier = []
    words, _ = page.catalogue, page.catalogue.gettext
    dated = "as_of" in page.terms and now["recorded_at"] is not None
    today = words.short_moment(now["recorded_at"], page.zone) if dated else _("today")
    day = _day_of(page, then, earlier[0]) if earlier else ""
    groups = sorted(now["groups"], key=lambda group: (-group["verified"], page.name_of(group["source"])))
    independent = [group for group in groups if group["verified"] and is_independent(page, group["source"])]
    before = {group["source"]: group["verified"] for group in earlier[0]["groups"]} if earlier else None
    rows = [_row(page, group, before, day) for group in independent]
    claimed = _claimed(page, now["terms"], claims) if claims else None
    nobody = _("No independent source has verified anything in this count.")
    finding = _finding(words, rows, claimed) or nobody

    def drawn(form: Form, prefix: str) -> Markup:
        placed = source_rows(rows, claimed, today, nobody, form)
        return drawing(NAME, words, rows=placed, finding=finding, prefix=prefix)

    columns = [_("Source"), _("Whom it counts"), *([_("On %(day)s") % {"day": day}] if earlier else []), today]
    table = [_cells(words, row, with_then=bool(earlier)) for row in rows]
    if claimed is not None:
        table.insert(0, [claimed.name, claimed.sentence, *([claimed.told] if earlier else []), claimed.told])
    return Figure(
        name=NAME,
        heading=_heading(words, rows),
        finding=finding,
        wide=drawn(WIDE, f"{NAME}-wide"),
        narrow=drawn(NARROW, f"{NAME}-narrow"),
        caption=_caption(page, groups, day if rows else ""),
        columns=columns,
        rows=table,
        terms={**terms, "then": then, "claim": [claim["id"] for claim in claims][:MOST_PRINTINGS] or None},
        counted=narrower(page, now["terms"]),
    )


def _id(text: Any) -> UUID:
    """Raises NotFound."""
    try:
        return UUID(str(text))
    except ValueError:
        raise NotFound("No claim has this id.") from None


def _of_one_figure(claims: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The claims that print the same figure as the first: an address may name any."""

    def figure(claim: Mapping[str, Any]) -> list[Any]:
        return [claim[name] for name in PRINTED_ALIKE] + [(claim["stated_at"] or "")[: dates.DAY_LENGTH]]

    return [claim for claim in claims if figure(claim) == figure(claims[0])]


def _day_of(page: Page, then: str | int | None, count: Mapping[str, Any]) -> str:
    """When the earlier numbers are of, in words."""
    if isinstance(then, str) and dates.is_day(then) and not then.isdigit():  # a revision may have as many digits
        return page.catalogue.short_day(then)
    return page.catalogue.short_moment(count["recorded_at"], page.zone)


def _row(page: Page, group: Mapping[str, Any], before: Mapping[str, int] | None, day: str) -> SourceRow:
    words, _ = page.catalogue, page.catalogue.gettext
    slug, verified = group["source"], group["verified"]
    name, told = page.name_of(slug), words.number(verified)
    then = None if before is None else before.get(slug, 0)
    told_then = ""
    if then is not None:
        on = {"number": words.number(then), "day": day}
        told_then = _("%(number)s on %(day)s") % on if then else _("none on %(day)s") % on
    return SourceRow(
        name=name,
        definition=definition_of(page, slug),
        now=verified,
        told_now=told,
        address=f"/{page.language}{group['list'].removeprefix('/v1')}" if group["list"] else None,
        link_name=_("%(number)s, %(source)s: see the list") % {"number": told, "source": name},
        then=then,
        told_then=told_then,
    )


def definition_of(page: Page, slug: str) -> str:
    """Of what kind a source is, and whom it counts in its own words."""
    source = page.sources.get(slug)
    if source is None:  # a registry with more sources than one page of their list holds
        return ""
    kind = "" if source["kind"] == SourceKind.OTHER else page.catalogue.label("source_kinds", source["kind"])
    return ". ".join(part.rstrip(".") for part in (kind, source["definition"]) if part) + "."


def _claimed(page: Page, terms: Terms, claims: Sequence[Mapping[str, Any]]) -> ClaimRow:
    """The row of a claim by its printings, with the sentence that it is no count of those below."""
    words, _ = page.catalogue, page.catalogue.gettext
    claim, told = claims[0], figure_of(claims[0], words)
    if claim["measure"] != Measure.RELEASED:
        raise Invalid.at("/claim", "other_measure", OTHER_MEASURE)
    starts = sorted({str(printing["window_from"]) for printing in claims if printing["window_from"]})
    if not counts_alike(claim, terms):  # first of all that it is another count: a long sentence is drawn cut
        days = (
            beginnings_of(starts, words)
            if len(starts) > 1
            else of_days(words, starts[0] if starts else None, claim["window_to"])
        )
        other = _("This is not the count of the rows below. It counts: %(counted)s.")
        sentence = other % {"counted": counted_by(page, claim, days)}
    elif not starts:
        sentence = _("It does not say since when it counts: this is not the count of the rows below.")
    elif len(starts) > 1:
        printed = _("It was %(printed)s: this is not the count of the rows below.")
        sentence = printed % {"printed": beginnings_of(starts, words)}
    elif starts != [terms.get("released_from")]:
        since = _("It counts %(since)s: this is not the count of the rows below.")
        sentence = since % {"since": since_when(words, starts[0])}
    else:
        sentence = ""
    return ClaimRow(
        name=page.name_of(claim["claimant"]) if claim["claimant"] else claim["reported_by"] or "",
        tag=tag_of(page, claim["claimant"]),
        sentence=sentence,
        told=told,
        address=page.address(f"/claims/{claim['id']}"),
        low=claim["low"],
        high=claim["high"],
        no_top=words.gettext("no upper bound"),
    )


def _cells(words: Catalogue, row: SourceRow, *, with_then: bool) -> list[str | int | Markup]:
    """A row of the table: what the drawing shows, and the definition whole."""
    now = (
        Markup('<a class="number" href="{}">{}</a>').format(row.address, row.told_now) if row.address else row.told_now
    )
    return [row.name, row.definition, *([words.number(row.then or 0)] if with_then else []), now]


def _heading(words: Catalogue, rows: Sequence[SourceRow]) -> str:
    """The finding in short."""
    _ = words.gettext
    if not rows:
        return _("What each source verified")
    if len(rows) == 1:
        return _("%(source)s verified %(number)s") % {"source": rows[0].name, "number": rows[0].told_now}
    given = {"sources": words.number(len(rows)), "least": rows[-1].told_now, "most": rows[0].told_now}
    return _("%(sources)s sources, each on its own, verified between %(least)s and %(most)s") % given


def _finding(words: Catalogue, rows: Sequence[SourceRow], claim: ClaimRow | None) -> str:
    """The finding with all its numbers, and that they are no sum."""
    _ = words.gettext
    if not rows:
        return ""
    verified = words.listed([f"{row.name} {row.told_now}" for row in rows])
    finding = _("Verified: %(numbers)s. The numbers overlap and are no sum.") % {"numbers": verified}
    if claim is not None:
        said = _("%(name)s said %(figure)s.") % {"name": claim.name, "figure": claim.told}
        finding = f"{said} {claim.sentence} {finding}".replace("  ", " ")
    return finding


def _caption(page: Page, groups: Sequence[Mapping[str, Any]], day: str) -> str:
    """How to read the bars, and who has none."""
    _ = page.catalogue.gettext
    said = []
    if day:
        said.append(_("Dark: verified by %(day)s. Lighter: verified since.") % {"day": day})
    said.append(_("Each source decides whom it counts; the numbers overlap and are no sum."))
    by_authorities = [group for group in groups if group["verified"] and not is_independent(page, group["source"])]
    if by_authorities:
        given = {"sources": _numbered(page, by_authorities, "verified")}
        said.append(_("Without a bar, because they do not count as independent: %(sources)s.") % given)
    reporting = [group for group in groups if group["reported"] and not group["verified"]]
    if reporting:
        said.append(
            _("Only reported, and not verified: %(sources)s.") % {"sources": _numbered(page, reporting, "reported")}
        )
    return " ".join(said)


def _numbered(page: Page, groups: Sequence[Mapping[str, Any]], verdict: str) -> str:
    """Sources, each with its number in brackets."""
    words = page.catalogue
    return words.listed([f"{page.name_of(group['source'])} ({words.number(group[verdict])})" for group in groups])

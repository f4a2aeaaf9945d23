"""Compare a published figure with the registry's own count for its window, measure, terms and time.

A figure of releases is compared with a count of releases, one of people held with a count of people held on its day.
There are two counts: *then*, what was known when the figure was stated, and *now*. The response adds other claimants'
figures published by then and every named reason for a difference; it does not decide who is right. Remarks flag a fall
or a jump within a claimant's running total: questions to ask before the number is printed."""

import uuid
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import Literal, TypeVar

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session, col

from app.claims.figures import (
    Figure,
    Figures,
    check_arithmetic,
    group_parts_by_partition,
    load_figures,
    order_by_instant,
    subtract_bounds,
)
from app.claims.reasons import (
    BEYOND_TERMS,
    TWO_SOURCE_LISTS,
    ClaimContext,
    build_message,
    find_differences,
    find_obstacles,
    find_reasons,
)
from app.claims.series import find_event_days
from app.claims.shapes import ClaimCount, MessageArgument, PublishedFigure, Reconciliation, RemarkOut
from app.claims.valid_time import KnownCount, count_known_on
from app.counts import tally
from app.counts.citation import get_verified_by_source
from app.counts.shapes import Count
from app.dates import parse_window_end
from app.errors import Invalid, NotFound
from app.log.entries import find_revision_at, pin_revision
from app.models import Entry, Source
from app.queries.addresses import build_query_url
from app.queries.dimensions import STAGES_BY_EVENT, get_stage_event
from app.queries.selection.visibility import valid_at
from app.queries.shapes import build_revision_out
from app.queries.term_names import find_unknown_values
from app.queries.terms import CountTerms, HeldCountTerms, SourcedTerms, is_personal
from app.registry.publication.permissions import Reader
from app.schemas.directory import Bounds
from app.vocabulary import Measure, Series, Stage

# A jump is growth by more than this factor between two figures of one running total. Foro Penal's totals of January
# 2026 never grew by more than 2.5 times (from 17 to 41 in a night). A wrong digit multiplies by ten, an unannounced
# change of window or definition often by three or more.
JUMP_FACTOR = 3


def find_remarks(figure: Figure, own: Sequence[Figure]) -> list[RemarkOut]:
    """Return at most one remark.

    `own`: the same claimant's other figures of the same thing, without those that a third figure corrected."""
    if not _is_running_total(figure):
        return []
    earlier = [other for other in own if _is_earlier_total(figure, other)]
    if not earlier:
        return []
    previous = max(earlier, key=order_by_instant)
    (low, high), (lowest, highest) = figure.bounds, previous.bounds
    if high is not None and lowest is not None and high < lowest:
        return [_build_remark("fall", previous)]
    if low is not None and highest and low > JUMP_FACTOR * highest:
        return [_build_remark("jump", previous, times=JUMP_FACTOR)]
    return []


def _is_earlier_total(figure: Figure, other: Figure) -> bool:
    """Return whether another figure is an earlier figure of the same running total."""
    is_same_total = _is_running_total(other) and other.run_key == figure.run_key
    return is_same_total and order_by_instant(other) < order_by_instant(figure)


def _is_running_total(figure: Figure) -> bool:
    """Return whether a figure is cumulative, whole and no repeat, names the start of its window, and has an instant."""
    is_original = figure.is_whole and "same_as" not in figure.fields
    begins = figure.fields.get("window_from") is not None and figure.instant is not None
    return is_original and begins and figure.fields.get("series") == Series.CUMULATIVE


def _build_remark(code: Literal["fall", "jump"], previous: Figure, **arguments: MessageArgument) -> RemarkOut:
    return {"code": code, **build_message(code, arguments), "before": previous.build_figure_out()}


ResultT = TypeVar("ResultT")
# A source states when it verified a release, but not again and again that somebody is still held. So no data tells who
# was known to be held on a day before the log begins.
NO_LOG_THEN = "The log begins later, and what sources say of when they knew (basis `said`) is of releases only."


def build_reconciliation(session: Session, claim_id: uuid.UUID, reader: Reader, revision: int) -> Reconciliation:
    """Return a claim with the registry's counts then and now; its address to cite is relative. Raise NotFound."""
    figures = load_figures(session, revision)
    if str(claim_id) not in figures.by_id:
        raise NotFound("There is no claim with this id.")
    figure = figures[str(claim_id)]
    peer_figures, sums = figures.find_peer_figures(figure), check_arithmetic(figures, figure)
    counts = _RegistryCounts(session, reader, figure, revision)
    current_count, past_count = counts.current_count, counts.count_when_stated()
    parts = [part for parts in group_parts_by_partition(figures, figure.id).values() for part in parts]
    own_figures = figures.find_own_figures(figure)
    context = ClaimContext(
        figure=figure,
        peer_figures=peer_figures,
        own_figures=own_figures,
        parts=parts,
        corrections=_find_corrections(figures, figure),
        cited_figures=[figures[other] for name in ("derived_from", "same_as") for other in figure.get_references(name)],
        inconsistent_claimants=figures.find_inconsistent_claimants(figure),
        arithmetic=sums,
        net=counts.count_variant("net", True),
        gross=counts.count_variant("net", False),
        without_house_arrest=counts.count_variant("house_arrest", False),
        with_house_arrest=counts.count_variant("house_arrest", True),
        definitions=_load_definitions(session, revision) if figure.is_held_count else {},
        withheld=current_count["caveats"]["withheld"] if current_count else 0,
        refusal_codes=counts.refusal_codes,
        sees_everybody=reader.can_see_restricted,
        learned_count=_count_learned(past_count, current_count),
        has_reports=counts.has_reports(current_count),
        had_reports=counts.has_reports(past_count),
        reports_begin=counts.find_first_day(),
    )
    comparable = not find_obstacles(context)
    permalink = build_query_url(f"/v1/claims/{claim_id}/reconciliation", {}, pin_revision(session, revision))
    return {
        "terms": None if current_count is None else current_count["terms"],
        "at": build_revision_out(session, revision),
        "claim": figure.build_figure_out(),
        "comparable": comparable,
        "reasons": [reason.build_reason_out() for reason in find_reasons(context)],
        "remarks": find_remarks(figure, [other for other in own_figures if _is_uncorrected(figures, figure, other)]),
        "then": counts.build_claim_count(past_count, comparable=comparable and context.had_reports),
        "then_unknown": NO_LOG_THEN if current_count and not past_count and figure.instant is not None else None,
        "now": counts.build_claim_count(current_count, comparable=comparable and context.has_reports),
        "published": [compare_figures(figure, other) for other in peer_figures],
        "arithmetic": sums,
        "links": {
            "permalink": permalink,
            "cite": permalink,
            "list": None if current_count is None else current_count["links"]["list"],
        },
    }


def _count_learned(past_count: Count | KnownCount | None, current_count: Count | None) -> int | None:
    """Return how many more the registry counts now than then.

    By the days that sources state, this is not the difference of the two counts: a source without a day may have known
    then."""
    if past_count is None or current_count is None:
        return None
    if isinstance(past_count, KnownCount):
        return past_count.learned_since
    return current_count["total"]["cases"] - past_count["total"]["cases"]


def _find_corrections(figures: Figures, figure: Figure) -> list[Figure]:
    return [
        *(figures[old] for old in figure.get_references("supersedes")),
        *figures.find_referring("supersedes", figure.id),
    ]


def _is_uncorrected(figures: Figures, figure: Figure, other: Figure) -> bool:
    """Return whether another figure was corrected by no figure, or only by this one."""
    return {newer.id for newer in figures.find_referring("supersedes", other.id)} <= {figure.id}


def compare_figures(figure: Figure, other: Figure) -> PublishedFigure:
    """Return another claimant's figure, the claim's distance from it, and the possible reasons.

    Figures of two populations, or that differ in more than one term, have no distance."""
    terms = figure.find_differing_terms(other)
    is_compared = figure.population == other.population and len(terms) <= 1
    return {
        **other.build_figure_out(),
        "distance": subtract_bounds(figure.bounds, other.bounds) if is_compared else None,
        "except_for": terms[0] if is_compared and terms else None,
        "reasons": [reason.code for reason in find_differences(figure, other)],
    }


def build_count_terms(figure: Figure) -> CountTerms:
    """Return the terms of a count that match the definition of a figure of releases."""
    start, end = figure.window
    event = get_stage_event(figure.stage)
    values = {**figure.terms, "country": figure.fields.get("country"), f"{event}_from": start, f"{event}_to": end}
    terms = {name: value for name, value in values.items() if value is not None}
    net = bool(figure.definition.get("net"))
    return CountTerms.model_validate({**terms, "stage": Stage(figure.stage), "net": net, "group_by": ["source"]})


def build_held_count_terms(figure: Figure) -> HeldCountTerms | None:
    """Return the terms of a count that match the definition of a figure of people held.

    None without a day, for a day in the future when it was filed, or for terms of releases."""
    end = figure.window[1]
    values = {**figure.terms, "country": figure.fields.get("country"), "held_on": end}
    if end is None or figure.is_of_future_day or values.keys() - HeldCountTerms.model_fields.keys():
        return None
    day = date.fromordinal(parse_window_end(end)).isoformat()
    terms = {name: value for name, value in values.items() if value is not None}
    return HeldCountTerms.model_validate({**terms, "held_on": day, "group_by": ["source"]})


def _build_terms(figure: Figure) -> SourcedTerms | None:
    if figure.is_held_count:
        return build_held_count_terms(figure)
    return build_count_terms(figure) if figure.fields["measure"] == Measure.RELEASED else None


def _load_definitions(session: Session, revision: int) -> dict[str, str]:
    """Return a dict of slug → the source's own definition of who is listed."""
    rows = session.execute(select(col(Source.slug), col(Source.definition)).where(valid_at(Source, revision)))
    return {slug: definition for slug, definition in rows if definition}


def _has_anybody(count: Count) -> bool:
    caveats, total = count["caveats"], count["total"]
    return bool(total["cases"] or total["refuted"] or caveats["uncertain_date"] or caveats["outside_held_within"])


class _RegistryCounts:
    """The registry's counts on a figure's own terms."""

    def __init__(self, session: Session, reader: Reader, figure: Figure, revision: int) -> None:
        self._session = session
        self._reader = reader
        self._figure = figure
        self._head = revision
        self.refusal_codes: list[str] = []
        self._terms = self._read_terms()

    def _read_terms(self) -> SourcedTerms | None:
        # Either was filed before such terms were refused.
        if self._figure.has_two_source_lists:
            self.refusal_codes = [TWO_SOURCE_LISTS]
            return None
        try:
            return _build_terms(self._figure)
        except ValidationError:
            self.refusal_codes = [BEYOND_TERMS]
            return None

    @cached_property
    def current_count(self) -> Count | None:
        return self._count_at(self._head)

    def count_when_stated(self) -> Count | KnownCount | None:
        """Return what was known when the figure was stated; None if that time or that knowledge is unknown."""
        instant = self._figure.instant
        if instant is None or self._terms is None:
            return None
        revision = min(find_revision_at(self._session, instant), self._head)
        if revision >= self._find_first_report():
            return self._count_at(revision)
        if not isinstance(self._terms, CountTerms):
            return None
        return self._count_unless_refused(self._count_known)

    def count_variant(self, name: Literal["net", "house_arrest"], value: bool) -> int | None:
        """Return the number with another value of a term, to see whether the difference matters.

        None if the figure states the value itself, or counts something that has no such term."""
        if (
            self._terms is None
            or name not in type(self._terms).model_fields
            or self._figure.compared_terms.get(name) is not None
        ):
            return None
        if getattr(self._terms, name) == value:
            return None if self.current_count is None else self.current_count["total"]["cases"]
        terms = self._terms.model_copy(update={name: value, "group_by": []})
        return self._count_unless_refused(
            lambda: tally.compute_total_number(self._session, terms, self._reader, self._head)
        )

    def has_reports(self, count: Count | KnownCount | None) -> bool:
        """Return whether any report in a count may concern the claim's country and days, for any person."""
        if count is None or self._terms is None or isinstance(count, KnownCount) or _has_anybody(count):
            return True
        windows = {f"{event}_{edge}" for event in STAGES_BY_EVENT for edge in ("from", "to")}
        days = {"country", "held_on", "house_arrest", "stage", *windows}
        bare = type(self._terms)(**self._terms.model_dump(include=days, exclude_none=True))
        return _has_anybody(self._count(count["at"]["revision"], bare))

    def find_first_day(self) -> date | None:
        """Return the day of the first release that the registry knows of in the claim's country."""
        if not isinstance(self._terms, CountTerms):
            return None
        terms = CountTerms(country=self._terms.country)
        days = find_event_days(self._session, terms, self._reader, self._head)
        return days[0] if days else None

    def build_claim_count(self, count: Count | KnownCount | None, *, comparable: bool) -> ClaimCount | None:
        """Return a count for the response, with its distance from the figure, low to high, if the two are
        comparable."""
        if count is None or self._terms is None:
            return None
        total = count.total if isinstance(count, KnownCount) else count["total"]
        possible = self._find_possible(count)
        gap: Bounds | None = None
        if comparable:
            highest = total["cases"] if possible is None else possible["high"]
            gap = subtract_bounds(self._figure.bounds, (total["by_min_sources"].get("1", 0), highest))
        if isinstance(count, KnownCount):
            return {
                "basis": "said",
                "at": build_revision_out(self._session, self._head),
                "total": total,
                "by_source": count.by_source,
                "possible": possible,
                "gap": gap,
                "undated": count.undated,
                "learned_since": count.learned_since,
                "caveats": {
                    "not_visible": tally.count_not_visible(self._session, self._terms, self._reader, self._head),
                    "unknown_values": find_unknown_values(self._session, self._terms, self._reader, self._head),
                    "unlinkable": count.unlinkable_count,
                },
                "permalink": None,
            }
        return {
            "basis": "log",
            "at": count["at"],
            "total": total,
            "by_source": get_verified_by_source(count["groups"]),
            "possible": possible,
            "gap": gap,
            "undated": None,
            "learned_since": None,
            "caveats": count["caveats"],
            "permalink": count["links"]["permalink"],
        }

    def _find_possible(self, count: Count | KnownCount) -> Bounds | None:
        """Return the lowest and highest number that a count with a personal term may be; None without one."""
        terms = self._terms
        if terms is None or not is_personal(terms):
            return None
        if isinstance(count, KnownCount):
            return {"low": count.total["cases"], "high": self._count_known(possible=True).total["cases"]}
        highest = tally.compute_total_number(self._session, terms, self._reader, count["at"]["revision"], possible=True)
        return {"low": count["total"]["cases"], "high": highest}

    def _count(self, revision: int, terms: SourcedTerms) -> Count:
        return tally.compute_count(self._session, terms, self._reader, revision)

    def _count_at(self, revision: int) -> Count | None:
        terms = self._terms
        return None if terms is None else self._count_unless_refused(lambda: self._count(revision, terms))

    def _count_known(self, *, possible: bool = False) -> KnownCount:
        """Count what sources say that they knew on the day of a figure of releases."""
        assert isinstance(self._terms, CountTerms)
        assert self._figure.day is not None  # it has an instant
        day = self._figure.day.toordinal()
        return count_known_on(self._session, self._terms, self._reader, self._head, day, possible=possible)

    def _count_unless_refused(self, count: Callable[[], ResultT]) -> ResultT | None:
        """Return a count, or None if it refuses the claim's terms, such as an unknown facility."""
        if self._terms is None:
            return None
        try:
            return count()
        except Invalid as refusal:
            self.refusal_codes = [error["code"] for error in refusal.extra["errors"]]
            return None

    def _find_first_report(self) -> int:
        """Return the revision of the first report in the log."""
        first = select(col(Entry.revision)).where(col(Entry.kind) == "report").order_by(col(Entry.revision)).limit(1)
        return self._session.scalars(first).first() or self._head + 1

"""Find the published figures of what a count counts, to show how much of it the registry knows."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.claims.figures import COUNT_TERM_NAMES, VERIFICATION_TERMS, Figure, Figures, load_figures, order_by_publication
from app.columns.store import get_columns
from app.counts.shapes import Coverage
from app.queries.addresses import echo_terms
from app.queries.countables import get_countable
from app.queries.terms import DetentionTerms, EventTerms, HeldTerms, SourcedTerms
from app.registry.claims import ClaimTermsIn
from app.vocabulary import CustodyEnd, Designation, Measure

MAX_FIGURES = 5
_CACHE_KEY = "figures at the last revision read"


def find_coverage(session: Session, terms: SourcedTerms, revision: int) -> Coverage | None:
    """Return the newest published figure of each claimant of what the terms count, newest first, at most MAX_FIGURES.

    None without a country or without figures. For people held, the figures are those stated by their day."""
    if terms.country is None:
        return None
    latest: dict[str, Figure] = {}
    for figure in sorted(_list_figures(session, terms, revision), key=order_by_publication, reverse=True):
        latest.setdefault(str(figure.claimant), figure)
    published = [figure.build_figure_out() for figure in latest.values()]
    return {"published": published[:MAX_FIGURES]} if published else None


def _list_figures(session: Session, terms: SourcedTerms, revision: int) -> list[Figure]:
    day = terms.day if isinstance(terms, HeldTerms) else None
    return [
        figure
        for figure in select_figures(_load_cached_figures(session, revision), terms)
        if figure.is_whole
        and figure.claimant is not None
        and (day is None or (figure.day is not None and figure.day.toordinal() <= day))
    ]


def select_figures(figures: Figures, terms: SourcedTerms) -> list[Figure]:
    """Return the confirmed and current figures of what the terms count, in any window and by whomever verified."""
    if terms.not_nationality:
        return []  # no claim can be defined by this term
    echoed_terms, measure = echo_terms(terms), _find_measure(terms)
    claim_terms = {COUNT_TERM_NAMES.get(name, name) for name in ClaimTermsIn.model_fields}
    names = claim_terms & echoed_terms.keys() - VERIFICATION_TERMS - {"stage", "house_arrest"}
    population_terms = {name: echoed_terms[name] for name in names}
    if len(terms.nationality) == 1:
        population_terms |= {"nationality": terms.nationality[0]}  # a claim's definition holds a single nationality
    return [
        figure
        for figure in figures.by_id.values()
        if figure.is_confirmed
        and figure.fields["measure"] == measure
        and not (figure.is_misprint or figure.bounds == (None, None))
        and (not isinstance(terms, EventTerms) or figure.stage == terms.stage)
        and _drop_political(figure.population_terms) == _drop_political(population_terms)
        and figure.id not in figures.superseded_ids
        and terms.country in (None, figure.fields.get("country"))
    ]


def _drop_political(population_terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return terms without the designation that every published figure means, said or not."""
    return {name: value for name, value in population_terms.items() if value != Designation.POLITICAL}


def _find_measure(terms: SourcedTerms) -> Measure:
    """Return the measure of published figures of what the terms count."""
    if isinstance(terms, DetentionTerms) and terms.ended == [CustodyEnd.DIED]:
        return Measure.DIED
    return get_countable(terms).measure


def _load_cached_figures(session: Session, revision: int) -> Figures:
    """Return the figures at a revision; those of the last revision read are kept."""
    shared_values = get_columns(session).shared_values
    cached: tuple[int, Figures] | None = shared_values.get(_CACHE_KEY)
    if cached is None or cached[0] != revision:
        cached = shared_values[_CACHE_KEY] = revision, load_figures(session, revision)
    return cached[1]

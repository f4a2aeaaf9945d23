"""Who was held on a day, counted like releases: a pure function of terms, reader and revision."""

from sqlalchemy import and_, func
from sqlmodel import Session, col

from app.counts import list_addresses
from app.counts.tally import Asked, Row, of_selection, scalar, tallied
from app.models import Held
from app.reading import terms as wording
from app.reading.held import day_of, select_held
from app.reading.selection import Selection, with_facility_slug
from app.reading.terms import HeldCountTerms, is_personal
from app.registry.policy import Reader

# Organisations list who is held until they hear that somebody left. Half a year without a word (families visit, courts
# sit, lists are revised within it) is when a list may be out of date rather than the person in prison.
SILENCE = 180  # days


def count_detentions(session: Session, terms: HeldCountTerms, reader: Reader, revision: int) -> Row:
    """Totals and groups in the shape of `GET /v1/counts/detentions`, without `recorded_at`. The terms name a day,
    unless at revision 0, where there is nobody."""
    terms = with_facility_slug(session, terms)
    said = wording.echo(terms)

    def select_(by_source: bool) -> Selection:
        return select_held(session, terms, reader, revision, by_source=by_source)

    def listed(named: Row) -> str | None:
        return list_addresses.of_detentions(said, named, revision)

    beside: Row = {}
    if is_personal(terms):
        open_to_all = select_held(session, terms.public(), reader, revision)
        beside = of_selection(session, open_to_all, terms, reader, revision)
    asked = Asked(said, select_, reader, revision, "detentions", listed, beside)
    silent = and_(select_(False).inside, col(Held.heard_hi) < day_of(terms) - SILENCE)
    return {
        **tallied(session, asked),
        "not_heard_since": scalar(session, select_(False), func.count(), silent),
        "permalink": wording.link("/v1/counts/detentions", said, revision),
    }

"""Which releases or detentions the terms of a count mean at a revision, over columns."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sqlmodel import Session

from app.columns import tables
from app.columns.held import Columns, columns_of
from app.columns.joins import NO_PLACE, flags, places_by
from app.columns.rows import NONE, Array, Mask, Rows, among
from app.columns.tables import Kept
from app.counts import days, people
from app.counts.days import Placed
from app.database import require_time
from app.reading.held import SILENCE, day_of
from app.reading.selection import ASSERTED, COUNTING, require_so_many, source_keys, with_facility_slug
from app.reading.terms import CountTerms, HeldTerms, SourcedTerms
from app.registry.read_permissions import Reader
from app.vocabulary import Verdict

_TOGETHER: dict[bool, Kept] = {False: tables.RELEASES, True: tables.HELD}
_BY_SOURCE: dict[bool, Kept] = {False: tables.SOURCE_RELEASES, True: tables.SOURCE_HELD}


@dataclass(frozen=True)
class Selection:
    """Releases at one stage and revision, or detentions. `rows`: those that the filters read, of consolidated values or
    of each source's own (`own`); `together`: for each of them the row of all sources together; `placed`: which are
    within the days asked for."""

    columns: Columns
    revision: int
    rows: Rows
    together: Rows
    own: bool
    placed: Placed

    @property
    def inside(self) -> Mask:
        return self.placed.inside

    @property
    def uncertain(self) -> Mask:
        return self.placed.uncertain

    @property
    def person(self) -> Array:
        return self.rows[tables.PERSON]

    @cached_property
    def counting(self) -> Mask:
        """Whether a row has a status that counts."""
        return among(self.together["status"], self.columns.codes.each(COUNTING))

    def number(self, *where: Mask) -> int:
        """How many rows inside count, of those for which the conditions hold."""
        return int(np.count_nonzero(np.logical_and.reduce([self.inside, self.counting, *where])))

    def people(self, where: Mask) -> int:
        """How many people the rows are of for which a condition holds."""
        return int(np.count_nonzero(flags(self.columns.keys, self.person[where])))


def voices_of(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """What each source says of the things in question, at the stage of the terms, if they have one."""
    return columns.rows(_BY_SOURCE[isinstance(terms, HeldTerms)], revision, _stage(terms))


def standing(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """The things in question, as all sources together say them, before the terms choose among them."""
    return columns.rows(_TOGETHER[isinstance(terms, HeldTerms)], revision, _stage(terms))


def _stage(terms: SourcedTerms) -> tuple[str, str] | None:
    return ("stage", terms.stage) if isinstance(terms, CountTerms) else None


def select(
    session: Session, terms: SourcedTerms, reader: Reader, revision: int, *, by_source: bool = False
) -> Selection:
    """The selection that terms mean. `by_source`: one row for each source, by its own values. Raises Invalid, and
    OperationalError where the time for the answer is over."""
    keys = source_keys(session, terms)
    require_so_many(session, terms)
    terms = with_facility_slug(session, terms)
    columns = columns_of(session)
    require_time(session.connection())
    own = by_source or terms.source is not None
    together = rows = standing(columns, terms, revision)
    if own:
        rows = voices_of(columns, terms, revision)
        if terms.source is not None:
            mask = rows["source"] == keys[terms.source]
            if not by_source:
                mask &= among(rows["verdict"], columns.codes.each(ASSERTED))
            rows = rows.where(mask)
        places = places_by(columns.keys, together["spell"])[rows["spell"]]
        rows = rows.where(places != NO_PLACE)
        together = together.at(places[places != NO_PLACE])
    mask = np.ones(len(rows), bool)
    if terms.status:
        mask &= among(together["status"], columns.codes.each(terms.status))
    if isinstance(terms, CountTerms):
        if terms.kind:
            mask &= among(rows["kind"], columns.codes.each(terms.kind))
        if terms.net:
            mask &= days.still_free(rows["next_hi"], terms.window[1])
    for spells in _verified(columns, terms, keys, revision):
        mask &= spells[rows["spell"]]
    if terms.min_sources is not None:
        mask &= together["independent_verified"] >= terms.min_sources
    if terms.sources is not None:
        mask &= together["independent_verified"] == terms.sources
    for condition in people.meant(columns, rows, terms, reader, revision, own=own):
        mask &= condition
    rows, together = rows.where(mask), together.where(mask)
    require_time(session.connection())
    placed = days.both(_placed(rows, terms), _arrested(columns, rows, terms, revision, own=own))
    return Selection(columns, revision, rows, together, own, placed)


def _verified(columns: Columns, terms: SourcedTerms, keys: dict[str, int], revision: int) -> list[Mask]:
    """By spell, the conditions on which sources verified a thing."""
    only = [keys[slug] for slug in getattr(terms, "only_by", ())]
    each = [[keys[slug]] for slug in dict.fromkeys([*terms.verified_by, *terms.all_of])]
    if terms.any_of:
        each.append([keys[slug] for slug in terms.any_of])
    if not only and not each:
        return []
    voices = voices_of(columns, terms, revision)
    voices = voices.where(voices["verdict"] == columns.codes.of(Verdict.VERIFIED))

    def by(sources: Mask) -> Mask:
        return flags(columns.keys, voices["spell"][sources])

    found = [by(among(voices["source"], some)) for some in each]
    if only:
        independent = voices["independent"]
        found += [by(independent & (voices["source"] == key)) for key in only]
        found.append(~by(independent & ~among(voices["source"], only)))
    return found


def _placed(rows: Rows, terms: SourcedTerms) -> Placed:
    if isinstance(terms, HeldTerms):
        return days.on_day(rows, day_of(terms), house_arrest=terms.house_arrest)
    assert isinstance(terms, CountTerms)
    return days.in_window(rows["lo"], rows["hi"], terms.window)


def _arrested(columns: Columns, rows: Rows, terms: SourcedTerms, revision: int, *, own: bool) -> Placed:
    """Whether the person was taken within the days asked for; `own`: by the source whose row it is."""
    if terms.arrested == (None, None):
        return days.everywhere(len(rows))
    if own:
        arrests, lo, hi = columns.rows(tables.SOURCE_HELD, revision), "lo", "hi"
    else:
        arrests, lo, hi = columns.rows(tables.ARRESTS, revision), "detained_lo", "detained_hi"
    within = days.in_window(arrests[lo], arrests[hi], terms.arrested)
    keys = people.keys_of(columns, rows, by_source=own)
    of = people.keys_of(columns, arrests, by_source=own)
    if own:
        return Placed(np.isin(keys, of[within.inside]), np.isin(keys, of[within.uncertain]))
    return Placed(*(flags(columns.keys, of[mask])[keys] for mask in within))


def silent(selection: Selection, terms: HeldTerms) -> Mask:
    """Of whom nobody has heard that they are held since long before the day."""
    heard = selection.together["heard_hi"]
    long_since: Mask = (heard != NONE) & (heard < day_of(terms) - SILENCE)
    return long_since

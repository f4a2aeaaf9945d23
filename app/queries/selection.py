"""Whether a day lies where the terms ask: surely, perhaps, or not (pure, over columns).

A day is as precise as known, from its first possible day (`lo`) to its last (`hi`). Wholly inside a window: counted.
Straddling its edge, or without a day: uncertain, which is told beside the count. Wholly outside: neither.

What terms name: the sources and the facility they ask about.

Which releases or detentions the terms mean at a revision: what counts and lists share, so that they cannot
disagree."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from sqlalchemy import bindparam, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NO_PLACE, NONE, STANDS, Array, Mask, Rows, among, flags, places_by
from app.columns.store import Read, columns_of
from app.columns.table import NOTHING, Kept
from app.db.engine import require_time
from app.errors import Invalid, NotInFiles, pointed
from app.models import OPEN, Facility, Source
from app.queries import visibility
from app.queries.countables import day_of
from app.queries.parameters import EstimateQuery
from app.queries.terms import CountTerms, HeldTerms, PersonTerms, ReleaseTerms, SourcedTerms, is_personal
from app.queries.visibility import at
from app.registry.directory_snapshot import Views
from app.registry.publication.permissions import Reader
from app.vocabulary import ReleaseStatus, Verdict


class Placed(NamedTuple):
    """For each row: whether it is surely within what is asked for; whether it is perhaps."""

    inside: Mask
    uncertain: Mask


def everywhere(number: int) -> Placed:
    """Rows of which nothing is asked."""
    return Placed(np.ones(number, bool), np.zeros(number, bool))


def in_window(lo: Array, hi: Array, window: tuple[int | None, int | None]) -> Placed:
    """Wholly inside the window; straddling its edge or undated."""
    start, end = window
    if start is None and end is None:
        return everywhere(len(lo))
    known = lo != NONE
    inside, outside = known.copy(), ~known
    if start is not None:
        inside &= lo >= start
        outside |= hi < start
    if end is not None:
        inside &= hi <= end
        outside |= lo > end
    return Placed(inside, ~known | ~(inside | outside))


def both(a: Placed, b: Placed) -> Placed:
    """Inside two windows at once; uncertain where neither rules it out and not both are sure."""
    inside = a.inside & b.inside
    return Placed(inside, (a.inside | a.uncertain) & (b.inside | b.uncertain) & ~inside)


def on_day(rows: Rows, day: int, *, house_arrest: bool) -> Placed:
    """Surely held on the day; perhaps, since a date is missing or too coarse.

    A person was held on a day if taken by then and not gone before it; whoever leaves on the day was held on it. A
    later detention that had begun by then ends an earlier detention without a known end."""
    left_lo, left_hi = (rows["free_lo"], rows["free_hi"]) if house_arrest else (rows["out_lo"], rows["out_hi"])
    lo, hi, next_hi = rows["lo"], rows["hi"], rows["next_hi"]
    begun = (hi != NONE) & (hi <= day)
    to_come = ~begun & (lo != NONE) & (lo > day)
    not_gone = left_hi >= day
    sure = begun & not_gone & (left_lo >= day)
    not_taken_again = (next_hi == NONE) | (next_hi > day)
    return Placed(sure & not_taken_again, not_gone & not_taken_again & ~to_come & ~sure)


def still_free(next_hi: Array, end: int | None) -> Mask:
    """Whether no detention that an independent source states, or in a row of one source that source itself, followed
    the release of a row by the day `end`; by the revision where the window is open (rule 8)."""
    never: Mask = next_hi == NONE
    return never if end is None else never | (next_hi > end)


# Made once: building a statement costs more than running it.
_SOME = col(Source.slug).in_(bindparam("some", expanding=True))
_KEYS = sql_select(col(Source.slug), col(Source.key)).where(_SOME, col(Source.until) == OPEN)
_NAMES = sql_select(col(Source.slug), col(Source.name)).where(
    _SOME, col(Source.since) <= bindparam("at"), col(Source.until) > bindparam("at")
)


def source_keys(session: Session, terms: SourcedTerms | EstimateQuery) -> dict[str, int]:
    """Slug → key of the sources the terms name. Raises Invalid for those that do not exist."""
    named = terms.sources_named()
    if not named:
        return {}
    slugs = sorted({slug for _pointer, slug in named})
    keys: dict[str, int] = dict(session.connection().execute(_KEYS, {"some": slugs}).all())
    detail = "No source has this slug: see /v1/sources."
    unknown = [pointed(pointer, "unknown_source", detail) for pointer, slug in named if slug not in keys]
    if unknown:
        raise Invalid(detail, *unknown)
    return keys


def source_names(session: Session, slugs: Collection[str], revision: int) -> dict[str, str]:
    """Slug → name of sources, as they were called at a revision."""
    if not slugs:
        return {}
    return dict(session.connection().execute(_NAMES, {"some": sorted(slugs), "at": revision}).all())


def facility_name(session: Session, slug: str, revision: int) -> str:
    """What a facility was called at a revision; its slug where it was registered later."""
    named = session.scalars(sql_select(col(Facility.names)).where(col(Facility.slug) == slug, at(Facility, revision)))
    names = named.one_or_none()
    return slug if names is None else str(json.loads(names)[0])


def require_so_many(session: Session, terms: SourcedTerms) -> None:
    """Raises Invalid for more sources than there are: the count would be nought, and look like an answer."""
    for name, least in (("min_sources", 1), ("sources", 0)):
        number = getattr(terms, name)
        if number is None:
            continue
        there = session.scalars(sql_select(func.count()).select_from(Source).where(col(Source.until) == OPEN)).one()
        if number > there:
            detail = f"There are {there} sources: ask for {least} to {there}." if there else "There are no sources yet."
            raise Invalid.at(f"/{name}", "too_many_sources", detail)


def facility_slug(session: Session, name: str, country: str | None) -> str:
    """The slug of the facility a term names by slug or name. Raises Invalid for one nobody registered."""
    facility = Views(session).facility(name, country)
    if facility is None:
        raise Invalid.at(
            "/facility",
            "unknown_facility",
            "No facility, or more than one, goes by this: give a slug of /v1/facilities.",
        )
    return facility.slug


Terms = TypeVar("Terms", bound=PersonTerms)


def with_facility_slug(session: Session, terms: Terms) -> Terms:
    """The terms with the facility by its slug: a name may be another's tomorrow, and the permalink stays."""
    if terms.facility is None:
        return terms
    return terms.model_copy(update={"facility": facility_slug(session, terms.facility, terms.country)})


COUNTING = (ReleaseStatus.VERIFIED.value, ReleaseStatus.CONTESTED.value, ReleaseStatus.REPORTED.value)
_FURTHEST = "at the furthest stage"
ASSERTED = (Verdict.VERIFIED.value, Verdict.REPORTED.value)


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
        return self.rows[table.PERSON]

    @cached_property
    def counting(self) -> Mask:
        """Whether a row has a status that counts."""
        return among(self.together["status"], self.columns.codes.each(COUNTING))

    def where(self, mask: Mask) -> "Selection":
        """The rows for which a condition holds."""
        if mask.all():
            return self
        placed = Placed(self.inside[mask], self.uncertain[mask])
        return replace(self, rows=self.rows.where(mask), together=self.together.where(mask), placed=placed)

    def number(self, *where: Mask) -> int:
        """How many rows inside count, of those for which the conditions hold."""
        return int(np.count_nonzero(np.logical_and.reduce([self.inside, self.counting, *where])))

    def people(self, where: Mask) -> int:
        """How many people the rows are of for which a condition holds."""
        return int(np.count_nonzero(flags(self.columns.keys, self.person[where])))


def standing(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """The things in question, as all sources together say them, before the terms choose among them."""
    rows = _together(columns, terms, revision)
    return rows if columns.first_apart == STANDS else rows.where(rows["spell"] < columns.first_apart)


def _together(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """The same with what stands apart for a count by one source (`Columns.first_apart`)."""
    return _at_stage(columns, table.HELD if isinstance(terms, HeldTerms) else table.RELEASES, terms, revision)


def voices_of(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """What each source says of the things in question."""
    kept = table.SOURCE_HELD if isinstance(terms, HeldTerms) else table.SOURCE_RELEASES
    return _at_stage(columns, kept, terms, revision)


def _own_voices(columns: Columns, terms: SourcedTerms, revision: int) -> Rows:
    """The same without what stands apart of others beside the word of one source."""
    rows = voices_of(columns, terms, revision)
    if columns.first_apart == STANDS:
        return rows
    verified = columns.codes.of(Verdict.VERIFIED)
    return rows.where((rows["spell"] < columns.first_apart) | (rows["verdict"] != verified))


def _at_stage(columns: Columns, kept: Kept, terms: SourcedTerms, revision: int) -> Rows:
    """The rows of a table at the stage of the terms, if they have one; of releases, where they name none, each at the
    furthest stage at which it counts."""
    if not isinstance(terms, ReleaseTerms):
        return columns.rows(kept, revision)
    if terms.stage is not None:
        return columns.rows(kept, revision, ("stage", terms.stage))
    return columns.recent((_FURTHEST, kept.name, revision), lambda: _at_furthest_stage(columns, kept, revision))


def _at_furthest_stage(columns: Columns, kept: Kept, revision: int) -> Rows:
    furthest = columns.rows(table.FURTHEST_STAGES, revision)
    stages = np.full(columns.keys, NOTHING, np.int16)
    stages[furthest["spell"]] = furthest["stage"]
    rows = columns.rows(kept, revision)
    return rows.where(rows["stage"] == stages[rows["spell"]])


def read_by(terms: CountTerms) -> list[Read]:
    """What selections of these terms read, by source and together."""
    at_stage = ("stage", terms.stage)
    read: list[Read] = [(table.RELEASES, at_stage), (table.SOURCE_RELEASES, at_stage)]
    if terms.arrested != (None, None):
        read += [(table.ARRESTS, None), (table.SOURCE_HELD, None)]
    if terms.state is not None or terms.rearrested is not None:
        read += [(table.PEOPLE, None)]
    for name in terms.traits() | terms.excluded():
        tables_of_it = (
            [table.TRAITS, table.SOURCE_TRAITS] if visibility.rests_on_source(name, own=True) else [table.TRAITS]
        )
        read += [(kept, ("name", name)) for kept in tables_of_it]
    return [*read, (table.PLACEMENTS, None)] if is_personal(terms) else read


def select(
    session: Session,
    terms: SourcedTerms,
    reader: Reader,
    revision: int,
    *,
    by_source: bool = False,
    columns: Columns | None = None,
) -> Selection:
    """The selection that terms mean. `by_source`: one row for each source, by its own values; `columns`: of several
    revisions at once. Raises Invalid, and OperationalError where the time for the answer is over."""
    keys = source_keys(session, terms)
    require_so_many(session, terms)
    terms = with_facility_slug(session, terms)
    columns = columns or columns_of(session)
    require_time(session.connection())
    if is_personal(terms) and not columns.are_personal:
        raise NotInFiles
    own = by_source or terms.source is not None
    together = rows = standing(columns, terms, revision)
    if own:
        together, rows = _together(columns, terms, revision), _own_voices(columns, terms, revision)
        if terms.source is not None:
            mask = rows["source"] == keys[terms.source]
            if not by_source:
                mask &= among(rows["verdict"], columns.codes.each(ASSERTED))
            rows = rows.where(mask)
        places = places_by(columns.keys, together["spell"])[rows["spell"]]
        known = places != NO_PLACE
        rows, together = rows.where(known), together.at(places if known.all() else places[known])
    mask = np.ones(len(rows), bool)
    if terms.status:
        mask &= among(together["status"], columns.codes.each(terms.status))
    if isinstance(terms, ReleaseTerms):
        if terms.kind:
            mask &= among(rows["kind"], columns.codes.each(terms.kind))
        if terms.net:
            mask &= still_free(rows["next_hi"], terms.window[1])
    for spells in _verified(columns, terms, keys, revision):
        mask &= spells[rows["spell"]]
    if terms.min_sources is not None:
        mask &= together["independent_verified"] >= terms.min_sources
    if terms.sources is not None:
        mask &= together["independent_verified"] == terms.sources
    for condition in visibility.meant(columns, rows, terms, reader, revision, own=own):
        mask &= condition
    rows, together = rows.where(mask), together.where(mask)
    require_time(session.connection())
    placed = both(_placed(rows, terms), _arrested(columns, rows, terms, revision, own=own))
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
        return on_day(rows, day_of(terms), house_arrest=terms.house_arrest)
    assert isinstance(terms, ReleaseTerms)
    return in_window(rows["lo"], rows["hi"], terms.window)


def _arrested(columns: Columns, rows: Rows, terms: PersonTerms, revision: int, *, own: bool) -> Placed:
    """Whether the person was taken within the days asked for; `own`: by the source whose row it is."""
    if terms.arrested == (None, None):
        return everywhere(len(rows))
    if own:
        arrests, lo, hi = columns.rows(table.SOURCE_HELD, revision), "lo", "hi"
    else:
        arrests, lo, hi = columns.rows(table.ARRESTS, revision), "detained_lo", "detained_hi"
    within = in_window(arrests[lo], arrests[hi], terms.arrested)
    return Placed(*(visibility.said_of(columns, rows, arrests, mask, by_source=own) for mask in within))


def detentions(session: Session, terms: PersonTerms, reader: Reader, revision: int) -> Rows:
    """The detentions of any day of which all terms on the person and the detention hold. Raises as `select` does."""
    terms = with_facility_slug(session, terms)
    columns = columns_of(session)
    rows = columns.rows(table.ARRESTS, revision)
    mask = in_window(rows["detained_lo"], rows["detained_hi"], terms.arrested).inside
    for condition in visibility.meant(columns, rows, terms, reader, revision, own=False):
        mask &= condition
    require_time(session.connection())
    return rows.where(mask)

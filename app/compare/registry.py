"""The registry's side of a comparison: the detentions to compare with a list."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from app.compare.detentions import (
    Compared,
    ComparedDetention,
    ComparedList,
    SamePlace,
    conflicts,
    of_content,
    reasons_of,
    with_account,
)
from app.dates import parse
from app.db.engine import chunks
from app.errors import Invalid
from app.log.content import Content
from app.log.entries import pin
from app.matching import score
from app.matching.alignment import Deadline, Line
from app.matching.score import Match, Witness, judged
from app.matching.scripts import fold
from app.queries import registry_snapshot, terms
from app.queries.countables import countable_of, refuse_future
from app.queries.parameters import DetentionQuery, ReleaseQuery
from app.queries.selection import COUNTING
from app.queries.terms import Several
from app.registry.directory_snapshot import Views
from app.registry.identity import blocking_keys
from app.registry.publication.permissions import Reader
from app.schemas.imports import AccountShape, CandidateOut, RegistryList, TheirsShape
from app.schemas.reports import Country, Date
from app.vocabulary import ReleaseStatus, Role

# Statuses to look for in a list: a refuted or withdrawn detention is not missing from it.
STANDING = [ReleaseStatus(status) for status in COUNTING]
TOGETHER = 50  # rows looked up between two checks of the deadline: a third of a second at worst
MOST_COUNTRIES = 5  # of one comparison: with a list of more countries the sender names those to compare


class Scope(BaseModel):
    """The detentions of the registry to compare with a list; by default the countries and days of the list itself."""

    model_config = ConfigDict(extra="forbid")

    country: Several[Country] = []
    released_from: Date | None = None
    released_to: Date | None = None
    held_on: Date | None = None


@dataclass
class Theirs:
    """The registry's side. `detentions`: those in scope, and those of other people who may be on the list. `in_scope`:
    indexes of the detentions in scope; `tied`: index of a row → index of the detention with its case number; `lists`:
    addresses of the lists that were read."""

    lists: list[RegistryList] = field(default_factory=list)
    detentions: list[ComparedDetention[TheirsShape]] = field(default_factory=list)
    in_scope: set[int] = field(default_factory=set)
    tied: dict[int, int] = field(default_factory=dict)


def same_place(session: Session) -> SamePlace:
    """Compare places by the slug of a registered place, and by the folded name of any other."""
    views = Views.of(session)

    def text_of(name: str, country: str | None) -> str:
        facility = views.facility(name, country)
        return fold(name) if facility is None else facility.slug

    return text_of


def beside(
    session: Session,
    secret: bytes,
    now: datetime,
    reader: Reader,
    revision: int,
    listed: ComparedList,
    scope: Scope,
    deadline: Deadline,
) -> Theirs:
    """The registry's detentions to compare with a list. Raises Invalid for a list without a country or a scope of too
    many detentions; TooLong."""
    theirs = Theirs()
    in_scope: dict[int, int] = {}
    for query in _queries(listed.detentions, scope, now):
        of_list, withheld = registry_snapshot.within(session, query, reader, revision)
        address = terms.link(countable_of(query).listed, terms.echo(query), pin(session, revision))
        theirs.lists.append({"list": address, "listed": len(of_list), "withheld": withheld})
        in_scope |= of_list
    own = {}
    if reader.role is Role.REPORTER and reader.source is not None:
        own = registry_snapshot.own(session, secret, reader.source, listed.cases, revision)
    people = {*in_scope.values(), *(report.detainee for report in own.values())}
    for rows in chunks(listed.detentions, TOGETHER):
        deadline.check()
        lines = [(row.line.keys, blocking_keys.born(row.person)) for row in rows]
        people |= registry_snapshot.alike(session, reader, lines, revision)
    same = same_place(session)
    places: dict[int, int] = {}
    for spell, detention, witnesses in _compared(
        registry_snapshot.spells(session, sorted(people), reader, revision), same
    ):
        deadline.check()
        if spell.names is None:  # the reader may not recognise the person
            detention = replace(detention, line=Line(detention.person))
        else:
            # A person reported only by sources that are not independent is no rival, as when a report is linked.
            whose = str(spell.ids["detainee_id"])
            line = replace(detention.line, planted=not spell.independent, whose=whose, witnesses=witnesses)
            detention = replace(detention, line=line)
            places[spell.key] = len(theirs.detentions)
        if spell.key in in_scope:
            theirs.in_scope.add(len(theirs.detentions))
        theirs.detentions.append(detention)
    for row, case in enumerate(listed.cases):
        if case not in own:
            continue
        place = places.pop(own[case].spell, None)
        if place is None:  # the reader may not recognise the person, or another row has the detention
            place = len(theirs.detentions)
            shown: TheirsShape = with_account({"report_id": own[case].report}, own[case].content)
            theirs.detentions.append(of_content(own[case].content, shown, same))
        theirs.tied[row] = place
    return theirs


def who_may_be(session: Session, reader: Reader, revision: int, content: Content) -> list[CandidateOut]:
    """The candidate people of a report with this content whom the reader may see and recognise, most similar first,
    each with the best fitting detention. At most one is `sure`: between two, a curator decides."""
    same = same_place(session)
    account: AccountShape = with_account({}, content)
    mine = of_content(content, account, same)
    people = registry_snapshot.alike(session, reader, [(mine.line.keys, blocking_keys.born(mine.person))], revision)
    matches: dict[uuid.UUID, list[tuple[Match, ComparedDetention[TheirsShape]]]] = defaultdict(list)
    independent: set[uuid.UUID] = set()
    witnesses: dict[uuid.UUID, tuple[Witness, ...]] = {}
    spells = registry_snapshot.spells(session, sorted(people), reader, revision)
    for spell, detention, of_person in _compared(spells, same, all_days=True):
        if spell.names is None:
            continue
        person = spell.ids["detainee_id"]
        witnesses[person] = of_person
        # The look-up uses stored values that the reader may not see. A hit without a key of a visible value is dropped:
        # with such hits an unregistered place could be probed.
        if not mine.line.keys.isdisjoint(detention.line.keys):
            matches[person].append((score.compare(mine.person, detention.person), detention))
            if spell.independent:
                independent.add(person)
    best: list[tuple[uuid.UUID, Match, ComparedDetention[TheirsShape]]] = []
    for person, pairs in matches.items():
        match, detention = max(pairs, key=lambda pair: (pair[0].sure, pair[0].score))
        best.append((person, judged(mine.person, match, witnesses[person]), detention))
    sure = [person for person, match, _ in best if match.sure]
    # As when a report is linked: a namesake filed by a state leaves the other person sure.
    sure = [person for person in sure if person in independent] or sure
    best.sort(key=lambda candidate: (-candidate[1].sure, -candidate[1].score, candidate[0]))
    return [
        {
            "detainee_id": person,
            "score": round(match.score, 3),
            "sure": sure == [person],
            "reasons": reasons_of(match),
            "conflicts": conflicts(mine, detention),
            "theirs": detention.shown,
        }
        for person, match, detention in best
        if match.sure or match.score >= score.REVIEW
    ]


def _compared(
    spells: Iterable[registry_snapshot.Spell], same: SamePlace, *, all_days: bool = False
) -> Iterator[tuple[registry_snapshot.Spell, ComparedDetention[TheirsShape], tuple[Witness, ...]]]:
    """`(spell, detention, witnesses)`, with a witness for each statement about the person. Days of a person's other
    detentions count against a line only with `all_days`: a list is of detentions, a report of a person."""
    for _person, group in groupby(spells, key=lambda spell: spell.ids["detainee_id"]):
        of_person = [(spell, _detention(spell, same)) for spell in group]
        statements = [(spell, statement, there) for spell, there in of_person for statement in spell.statements]
        for spell, detention in of_person:
            witnesses = (
                _witness(statement, there, dated=all_days or its_spell is spell)
                for its_spell, statement, there in statements
            )
            # A single witness is the detention itself.
            yield spell, detention, tuple(witnesses) if len(statements) > 1 else ()


def _detention(spell: registry_snapshot.Spell, same: SamePlace) -> ComparedDetention[TheirsShape]:
    shown: TheirsShape = with_account(spell.ids, spell.content)
    return of_content(spell.content, shown, same, spell.names)


def _witness(statement: registry_snapshot.VisibleStatement, detention: Compared, *, dated: bool) -> Witness:
    known = detention.person
    person = blocking_keys.person_of(statement.content)
    person = person._replace(name=known.name, aliases=known.aliases, facility=known.facility)
    if not dated:
        person = person._replace(detained_on=None, released_on=None)
    return Witness(statement.source, statement.states, person)


def _queries(detentions: Sequence[Compared], scope: Scope, now: datetime) -> list[ReleaseQuery | DetentionQuery]:
    """The registry's lists to read, for each country of a list. If the list has releases: the releases from its first
    day to its last. If it has people in custody: the people in custody on the last day that it gives, else today."""
    countries = scope.country or sorted({row.person.country for row in detentions if row.person.country})
    if not 0 < len(countries) <= MOST_COUNTRIES:
        detail = f"Say of which countries the list is: it names none, or more than {MOST_COUNTRIES}."
        raise Invalid.at("/country", "country_required", detail)
    queries: list[ReleaseQuery | DetentionQuery] = []
    for country in countries:
        if any(row.shown["stage"] for row in detentions):
            first, last = _window(detentions, scope)
            queries.append(ReleaseQuery(country=country, released_from=first, released_to=last, status=STANDING))
        if any(not row.shown["stage"] for row in detentions):
            day = scope.held_on or _last_held(detentions, now)
            held = DetentionQuery(country=country, held_on=day, status=STANDING)
            refuse_future(held, now)
            queries.append(held)
    return queries


def _window(detentions: Sequence[Compared], scope: Scope) -> tuple[str | None, str | None]:
    if scope.released_from or scope.released_to:
        return scope.released_from, scope.released_to
    days = [row.person.released_on for row in detentions if row.person.released_on]
    if not days:
        return None, None
    return _day(min(day.lo for day in days)), _day(max(day.hi for day in days))


def _last_held(detentions: Sequence[Compared], now: datetime) -> str:
    today = now.date().toordinal()
    days = [parse(row.shown["held_on"]).hi for row in detentions if row.shown["held_on"] and not row.shown["stage"]]
    return _day(min(max(days, default=today), today))


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()

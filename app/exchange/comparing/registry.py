"""The registry's side of a comparison: the detentions to compare with a list."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from app import dates
from app.database import chunks
from app.errors import Invalid
from app.exchange.comparing.detentions import (
    Compared,
    ComparedDetention,
    SamePlace,
    conflicts,
    of_content,
    reasons_of,
    with_account,
)
from app.exchange.comparing.files import ComparedList
from app.matching import score
from app.matching.align import Deadline, Line
from app.matching.fold import fold
from app.matching.score import Match
from app.matching.weighing import Witness, judged
from app.reading import registry_side, terms
from app.reading.countables import countable_of
from app.reading.held import refuse_future
from app.reading.questions import DetentionQuery, ReleaseQuery
from app.reading.selection import COUNTING
from app.reading.terms import Several
from app.registry import blocking
from app.registry.content import Content
from app.registry.policy import Reader
from app.registry.schemas import Country, Date
from app.registry.views import Views
from app.vocabulary import ReleaseStatus, Role
from app.wire.matching import AccountShape, AskedList, CandidateOut, TheirsShape

# Refuted and withdrawn detentions are missing from no list.
STANDING = [ReleaseStatus(status) for status in COUNTING]
TOGETHER = 50  # rows looked up between two looks at the clock: a third of a second at worst
MOST_COUNTRIES = 5  # of one list: a list of more must name the countries to compare


class Scope(BaseModel):
    """The detentions of the registry to compare with a list; by default the countries and days of the list itself."""

    model_config = ConfigDict(extra="forbid")

    country: Several[Country] = []
    released_from: Date | None = None
    released_to: Date | None = None
    held_on: Date | None = None


@dataclass
class Theirs:
    """`detentions`: in scope, and of other people who may be on the list. `asked`: indexes of those in scope; `tied`:
    index of a row → index of the report with its case number; `lists`: the addresses that were read."""

    lists: list[AskedList] = field(default_factory=list)
    detentions: list[ComparedDetention[TheirsShape]] = field(default_factory=list)
    asked: set[int] = field(default_factory=set)
    tied: dict[int, int] = field(default_factory=dict)


def same_place(session: Session) -> SamePlace:
    """The text by which a place is compared: its slug where it is registered, else its folded name."""
    views = Views.of(session)

    def found(said: str, country: str | None) -> str:
        facility = views.facility(said, country)
        return fold(said) if facility is None else facility.slug

    return found


def beside(
    session: Session,
    secret: bytes,
    now: datetime,
    reader: Reader,
    revision: int,
    listed: ComparedList,
    asked: Scope,
    deadline: Deadline,
) -> Theirs:
    """The registry's detentions to compare with a list. Raises Invalid for a list without a country or a scope of too
    many detentions; TooLong."""
    found = Theirs()
    inside: dict[int, int] = {}
    for question in _questions(listed.detentions, asked, now):
        of_list, withheld = registry_side.within(session, question, reader, revision)
        address = terms.link(countable_of(question).listed, terms.echo(question), revision)
        found.lists.append({"list": address, "listed": len(of_list), "withheld": withheld})
        inside |= of_list
    own = {}
    if reader.role is Role.REPORTER and reader.source is not None:
        own = registry_side.own(session, secret, reader.source, listed.cases, revision)
    people = {*inside.values(), *(one.detainee for one in own.values())}
    for some in chunks(listed.detentions, TOGETHER):
        deadline.check()
        people |= registry_side.alike(session, [(one.line.keys, blocking.born(one.person)) for one in some], revision)
    same = same_place(session)
    places: dict[int, int] = {}
    for spell, detention, witnesses in _compared(registry_side.spells(session, sorted(people), reader, revision), same):
        deadline.check()
        if spell.names is None:  # the reader may not recognise the person
            detention = replace(detention, line=Line(detention.person))
        else:
            # A person reported only by sources that are not independent is no rival, as when a report is linked.
            whose = str(spell.ids["detainee_id"])
            line = replace(detention.line, planted=not spell.independent, whose=whose, witnesses=witnesses)
            detention = replace(detention, line=line)
            places[spell.key] = len(found.detentions)
        if spell.key in inside:
            found.asked.add(len(found.detentions))
        found.detentions.append(detention)
    for row, case in enumerate(listed.cases):
        if case not in own:
            continue
        place = places.pop(own[case].spell, None)
        if place is None:  # not recognisable for the key, or paired with another row of the list
            place = len(found.detentions)
            shown: TheirsShape = with_account({"report_id": own[case].report}, own[case].content)
            found.detentions.append(of_content(own[case].content, shown, same))
        found.tied[row] = place
    return found


def who_may_be(session: Session, reader: Reader, revision: int, said: Content) -> list[CandidateOut]:
    """The candidate people of a report with this content whom the reader may see and recognise, most similar first,
    each with the best fitting detention. At most one is `sure`: between two, a curator decides."""
    same = same_place(session)
    account: AccountShape = with_account({}, said)
    mine = of_content(said, account, same)
    people = registry_side.alike(session, [(mine.line.keys, blocking.born(mine.person))], revision)
    found: dict[uuid.UUID, list[tuple[Match, ComparedDetention[TheirsShape]]]] = defaultdict(list)
    independent: set[uuid.UUID] = set()
    witnesses: dict[uuid.UUID, list[Witness]] = defaultdict(list)
    for spell, detention, said_there in _compared(
        registry_side.spells(session, sorted(people), reader, revision), same, all_days=True
    ):
        if spell.names is None:
            continue
        person = spell.ids["detainee_id"]
        witnesses[person] = list(said_there)
        # The look-up uses stored values that the reader may not see: without a key in common with the visible ones a
        # hit is dropped, or an unregistered place could be probed.
        if not mine.line.keys.isdisjoint(detention.line.keys):
            found[person].append((score.compare(mine.person, detention.person), detention))
            if spell.independent:
                independent.add(person)
    best = {person: max(pairs, key=lambda pair: (pair[0].sure, pair[0].score)) for person, pairs in found.items()}
    best = {person: (judged(mine.person, match, witnesses[person]), a) for person, (match, a) in best.items()}
    sure = [person for person, (match, _) in best.items() if match.sure]
    # As when a report is linked: a namesake filed by a state leaves the other person sure.
    sure = [person for person in sure if person in independent] or sure
    alike = [one for one in best.items() if one[1][0].sure or one[1][0].score >= score.REVIEW]
    alike.sort(key=lambda one: (-one[1][0].sure, -one[1][0].score, one[0]))
    return [
        {
            "detainee_id": person,
            "score": round(match.score, 3),
            "sure": sure == [person],
            "reasons": reasons_of(match),
            "conflicts": conflicts(mine, detention),
            "theirs": detention.shown,
        }
        for person, (match, detention) in alike
    ]


def _compared(
    spells: Iterable[registry_side.Spell], same: SamePlace, *, all_days: bool = False
) -> Iterator[tuple[registry_side.Spell, ComparedDetention[TheirsShape], tuple[Witness, ...]]]:
    """`(spell, detention, witnesses)`: with a witness for each source of the person. Days of a person's other
    detentions count against a line only with `all_days`: a list is of detentions, a report of a person."""
    for _person, group in groupby(spells, key=lambda spell: spell.ids["detainee_id"]):
        of_one = [(spell, _detention(spell, same)) for spell in group]
        said = [(spell, said, detention) for spell, detention in of_one for said in spell.statements]
        for spell, detention in of_one:
            witnesses = [_witness(one, there, dated=all_days or other is spell) for other, one, there in said]
            yield (
                spell,
                detention,
                tuple(witnesses) if len(said) > 1 else (),
            )  # a single witness is the detention itself


def _detention(spell: registry_side.Spell, same: SamePlace) -> ComparedDetention[TheirsShape]:
    shown: TheirsShape = with_account(spell.ids, spell.content)
    return of_content(spell.content, shown, same, spell.names)


def _witness(said: registry_side.VisibleStatement, detention: Compared, *, dated: bool) -> Witness:
    person = replace(blocking.person_of(said.content), name=detention.person.name, aliases=detention.person.aliases)
    person = replace(person, facility=detention.person.facility)
    return Witness(said.source, said.states, person if dated else replace(person, detained_on=None, released_on=None))


def _questions(detentions: Sequence[Compared], asked: Scope, now: datetime) -> list[ReleaseQuery | DetentionQuery]:
    """The registry's lists to read, for each country of this list: where it has releases, those from its first day to
    its last; where it has people in custody, those in custody on the last day it gives, else today."""
    countries = asked.country or sorted({one.person.country for one in detentions if one.person.country})
    if not 0 < len(countries) <= MOST_COUNTRIES:
        detail = f"Say of which countries the list is: it names none, or more than {MOST_COUNTRIES}."
        raise Invalid.at("/country", "country_required", detail)
    found: list[ReleaseQuery | DetentionQuery] = []
    for country in countries:
        if any(one.shown["stage"] for one in detentions):
            first, last = _window(detentions, asked)
            found.append(ReleaseQuery(country=country, released_from=first, released_to=last, status=STANDING))
        if any(not one.shown["stage"] for one in detentions):
            held = DetentionQuery(
                country=country, held_on=asked.held_on or _last_held(detentions, now), status=STANDING
            )
            refuse_future(held, now)
            found.append(held)
    return found


def _window(detentions: Sequence[Compared], asked: Scope) -> tuple[str | None, str | None]:
    if asked.released_from or asked.released_to:
        return asked.released_from, asked.released_to
    days = [one.person.released_on for one in detentions if one.person.released_on]
    if not days:
        return None, None
    return _day(min(day.lo for day in days)), _day(max(day.hi for day in days))


def _last_held(detentions: Sequence[Compared], now: datetime) -> str:
    today = now.date().toordinal()
    said = [
        dates.parse(one.shown["held_on"]).hi for one in detentions if one.shown["held_on"] and not one.shown["stage"]
    ]
    return _day(min(max(said, default=today), today))


def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()

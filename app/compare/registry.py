"""Read the registry's side of a comparison: the detentions to compare with a list."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import groupby

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from app.compare.detentions import (
    AnyComparedDetention,
    ComparedDetention,
    ComparedList,
    PlaceNormalizer,
    build_account,
    build_detention,
    find_conflicts,
    format_reasons,
)
from app.dates import parse_date
from app.db.engine import split_into_chunks
from app.errors import Invalid
from app.log.content import Content
from app.log.entries import pin_revision
from app.matching import score
from app.matching.alignment import Deadline, Line
from app.matching.blocking import BlockingQuery
from app.matching.score import Match, Witness, judge_match
from app.matching.scripts import fold
from app.queries import addresses, registry_snapshot
from app.queries.countables import get_countable, refuse_future
from app.queries.parameters import HeldQuery, ReleaseQuery
from app.queries.registry_snapshot import OwnReport
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.queries.terms import UniqueValues
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity import blocking_keys
from app.registry.publication.permissions import Reader
from app.schemas.comparison import AccountShape, CandidateOut, RegistryList, TheirsShape
from app.schemas.reports import Country, Date
from app.translations import Message
from app.vocabulary import ReleaseStatus, Role

# Statuses to look for in a list: a refuted or withdrawn detention is not missing from it.
COUNTING_STATUSES = [ReleaseStatus(status) for status in COUNTABLE_STATUSES]
LOOKUP_BATCH_ROWS = 50  # rows looked up between two checks of the deadline: a third of a second at worst
MAX_COUNTRIES = 5  # for a list of more countries, the sender names those to compare


class ComparisonScope(BaseModel):
    """The detentions of the registry to compare with a list; by default the countries and days of the list itself."""

    model_config = ConfigDict(extra="forbid")

    country: UniqueValues[Country] = []
    released_from: Date | None = None
    released_to: Date | None = None
    held_on: Date | None = None


@dataclass
class RegistryDetentions:
    """The registry's side of a comparison.

    `detentions`: those in scope, and those of other people who may be on the list. `in_scope`: indexes of the
    detentions in scope; `case_matches`: index of a row → index of the detention with its case number; `lists`:
    addresses of the lists that were read.
    """

    lists: list[RegistryList] = field(default_factory=list)
    detentions: list[ComparedDetention[TheirsShape]] = field(default_factory=list)
    in_scope: set[int] = field(default_factory=set)
    case_matches: dict[int, int] = field(default_factory=dict)


def build_place_normalizer(session: Session) -> PlaceNormalizer:
    """Return a function that maps a place to the slug of a registered place, or to the folded name of any other."""
    views = DirectorySnapshot.for_session(session)

    def normalize_place(name: str, country: str | None) -> str:
        facility = views.find_facility(name, country)
        return fold(name) if facility is None else facility.slug

    return normalize_place


def find_registry_detentions(
    session: Session,
    secret: bytes,
    now: datetime,
    reader: Reader,
    revision: int,
    compared_list: ComparedList,
    scope: ComparisonScope,
    deadline: Deadline,
) -> RegistryDetentions:
    """Return the registry's detentions to compare with a list.

    Raises Invalid for a list without a country or a scope of too many detentions; TooLong.
    """
    result = RegistryDetentions()
    people_in_scope: dict[int, int] = {}
    for query in _build_queries(compared_list.detentions, scope, now):
        listed_people, withheld = registry_snapshot.find_selected_spells(session, query, reader, revision)
        address = addresses.build_query_url(
            get_countable(query).list_path, addresses.echo_terms(query), pin_revision(session, revision)
        )
        result.lists.append({"list": address, "listed": len(listed_people), "withheld": withheld})
        people_in_scope |= listed_people
    source = _get_own_source(reader)
    cases = compared_list.case_numbers
    own_by_case = {} if source is None else registry_snapshot.load_own_reports(session, secret, source, cases, revision)
    people = set(people_in_scope.values())
    own_reports: dict[uuid.UUID, OwnReport] = {}
    for rows in split_into_chunks(compared_list.detentions, LOOKUP_BATCH_ROWS):
        deadline.check()
        queries = [_build_query(row) for row in rows]
        people |= registry_snapshot.find_candidate_people(session, reader, queries, revision)
        if source is not None:
            own_reports |= registry_snapshot.find_own_reports(session, source, queries, revision)
    own_reports |= {report.report: report for report in own_by_case.values()}
    own_by_spell = {report.spell: report for report in own_reports.values()}
    people |= {report.detainee for report in own_reports.values() if reader.can_recognise(report.publish)}
    normalize_place = build_place_normalizer(session)
    index_by_spell: dict[int, int] = {}
    for spell, detention, witnesses in _iter_compared(
        registry_snapshot.load_visible_spells(session, sorted(people), reader, revision), normalize_place
    ):
        deadline.check()
        own_report = own_by_spell.get(spell.key) if spell.is_recognised else None
        if spell.names is not None:
            # A person reported only by sources that are not independent is no rival, as when a report is linked.
            person_id = str(spell.ids["detainee_id"])
            line = replace(
                detention.line, is_dependent=not spell.is_independent, person_id=person_id, witnesses=witnesses
            )
            detention = replace(detention, line=line)
        elif own_report is not None:
            detention = _build_own_detention(own_report, normalize_place)
        elif spell.key in people_in_scope:
            detention = replace(detention, line=Line(detention.person))  # without keys: compared with nobody
        else:
            continue
        if spell.names is not None or own_report is not None:
            index_by_spell[spell.key] = len(result.detentions)
        if spell.key in people_in_scope:
            result.in_scope.add(len(result.detentions))
        result.detentions.append(detention)
    visible_spells = set(index_by_spell)
    for row, case_number in enumerate(cases):
        if case_number not in own_by_case:
            continue
        own_report = own_by_case[case_number]
        own_reports.pop(own_report.report, None)
        index = index_by_spell.pop(own_report.spell, None)
        if index is None:  # the person is not listed by name, or another row has the detention
            index = len(result.detentions)
            result.detentions.append(_build_own_detention(own_report, normalize_place))
        result.case_matches[row] = index
    result.detentions += [
        _build_own_detention(report, normalize_place)
        for report in own_reports.values()
        if report.spell not in visible_spells
    ]
    return result


def find_candidates(session: Session, reader: Reader, revision: int, content: Content) -> list[CandidateOut]:
    """Return the candidates for the person of a report, most similar first: people listed by name to the reader, and
    those of the source's own reports.

    Each has its best fitting detention. At most one is `sure`: between two, a curator decides.
    """
    normalize_place = build_place_normalizer(session)
    account: AccountShape = build_account({}, content)
    mine = build_detention(content, account, normalize_place)
    query = _build_query(mine)
    people = registry_snapshot.find_candidate_people(session, reader, [query], revision)
    matches: dict[uuid.UUID, list[tuple[Match, ComparedDetention[TheirsShape]]]] = defaultdict(list)
    independent: set[uuid.UUID] = set()
    witnesses: dict[uuid.UUID, tuple[Witness, ...]] = {}
    spells = registry_snapshot.load_visible_spells(session, sorted(people), reader, revision)
    for spell, detention, person_witnesses in _iter_compared(spells, normalize_place, all_days=True):
        if spell.names is None:
            continue
        person = spell.ids["detainee_id"]
        witnesses[person] = person_witnesses
        # The look-up uses stored values that the reader may not see. A hit without a key of a visible value is dropped:
        # with such hits an unregistered place could be probed.
        if not mine.line.keys.isdisjoint(detention.line.keys):
            matches[person].append((score.compare_people(mine.person, detention.person), detention))
            if spell.is_independent:
                independent.add(person)
    source = _get_own_source(reader)
    if source is not None:
        own_reports = registry_snapshot.find_own_reports(session, source, [query], revision)
        own_ids: dict[int, uuid.UUID] = {}
        for own_report in own_reports.values():
            if reader.can_see_fact(own_report.publish, "full_name"):
                continue  # found among the people listed by name
            person = own_report.detainee_id
            if reader.can_recognise(own_report.publish):
                person = own_ids.setdefault(own_report.detainee, person)
            own_detention = _build_own_detention(own_report, normalize_place)
            witnesses[person] = ()
            independent.add(person)
            matches[person].append((score.compare_people(mine.person, own_detention.person), own_detention))
    best_matches: list[tuple[uuid.UUID, Match, ComparedDetention[TheirsShape]]] = []
    for person, pairs in matches.items():
        match, detention = max(pairs, key=lambda pair: (pair[0].is_sure, pair[0].score))
        best_matches.append((person, judge_match(mine.person, match, witnesses[person]), detention))
    sure_people = [person for person, match, _ in best_matches if match.is_sure]
    # As when a report is linked: a namesake filed by a state leaves the other person sure.
    sure_people = [person for person in sure_people if person in independent] or sure_people
    best_matches.sort(key=lambda candidate: (-candidate[1].is_sure, -candidate[1].score, candidate[0]))
    return [
        {
            "detainee_id": person,
            "score": round(match.score, 3),
            "sure": sure_people == [person],
            "reasons": format_reasons(match),
            "conflicts": find_conflicts(mine, detention),
            "theirs": detention.account,
        }
        for person, match, detention in best_matches
        if match.is_sure or match.score >= score.REVIEW_SCORE
    ]


def _get_own_source(reader: Reader) -> int | None:
    return reader.source if reader.role is Role.REPORTER else None


def _build_query(detention: AnyComparedDetention) -> BlockingQuery:
    return BlockingQuery(detention.line.keys, blocking_keys.find_birth_year(detention.person))


def _build_own_detention(report: OwnReport, normalize_place: PlaceNormalizer) -> ComparedDetention[TheirsShape]:
    """Return the detention as the source's own report states it, whoever else reports the person."""
    account: TheirsShape = build_account({"report_id": report.report}, report.content)
    return build_detention(report.content, account, normalize_place)


def _iter_compared(
    spells: Iterable[registry_snapshot.VisibleSpell], normalize_place: PlaceNormalizer, *, all_days: bool = False
) -> Iterator[tuple[registry_snapshot.VisibleSpell, ComparedDetention[TheirsShape], tuple[Witness, ...]]]:
    """Yield `(spell, detention, witnesses)`, with a witness for each statement about the person.

    Days of a person's other detentions count against a line only with `all_days`: a list is of detentions, a report of
    a person.
    """
    for _person, group in groupby(spells, key=lambda spell: spell.ids["detainee_id"]):
        person_detentions = [(spell, _build_registry_detention(spell, normalize_place)) for spell in group]
        statements = [
            (spell, statement, stated_detention)
            for spell, stated_detention in person_detentions
            for statement in spell.statements
        ]
        for spell, detention in person_detentions:
            witnesses = (
                _build_witness(statement, stated_detention, has_days=all_days or statement_spell is spell)
                for statement_spell, statement, stated_detention in statements
            )
            # A single witness is the detention itself.
            yield spell, detention, tuple(witnesses) if len(statements) > 1 else ()


def _build_registry_detention(
    spell: registry_snapshot.VisibleSpell, normalize_place: PlaceNormalizer
) -> ComparedDetention[TheirsShape]:
    account: TheirsShape = build_account(spell.ids, spell.content)
    return build_detention(spell.content, account, normalize_place, spell.names)


def _build_witness(
    statement: registry_snapshot.VisibleStatement, detention: AnyComparedDetention, *, has_days: bool
) -> Witness:
    known_person = detention.person
    person = blocking_keys.build_person(statement.content)
    person = person._replace(name=known_person.name, aliases=known_person.aliases, facility=known_person.facility)
    if not has_days:
        person = person._replace(detained_on=None, released_on=None)
    return Witness(statement.source, statement.is_first_hand, person)


def _build_queries(
    detentions: Sequence[AnyComparedDetention], scope: ComparisonScope, now: datetime
) -> list[ReleaseQuery | HeldQuery]:
    """Return the queries of the registry's lists to read, for each country of a list.

    If the list has releases: the releases from its first day to its last. If it has people in custody: the people in
    custody on its last day, or today.
    """
    countries = scope.country or sorted({row.person.country for row in detentions if row.person.country})
    if not 0 < len(countries) <= MAX_COUNTRIES:
        detail = Message(
            "Say of which countries the list is: it names none, or more than {highest}.", highest=MAX_COUNTRIES
        )
        raise Invalid.at_pointer("/country", "country_required", detail)
    queries: list[ReleaseQuery | HeldQuery] = []
    for country in countries:
        if any(row.account["stage"] for row in detentions):
            first, last = _find_release_window(detentions, scope)
            queries.append(
                ReleaseQuery(country=country, released_from=first, released_to=last, status=COUNTING_STATUSES)
            )
        if any(not row.account["stage"] for row in detentions):
            day = scope.held_on or _find_last_held_day(detentions, now)
            held_query = HeldQuery(country=country, held_on=day, status=COUNTING_STATUSES)
            refuse_future(held_query, now)
            queries.append(held_query)
    return queries


def _find_release_window(
    detentions: Sequence[AnyComparedDetention], scope: ComparisonScope
) -> tuple[str | None, str | None]:
    if scope.released_from or scope.released_to:
        return scope.released_from, scope.released_to
    days = [row.person.released_on for row in detentions if row.person.released_on]
    if not days:
        return None, None
    return _format_day(min(day.lo for day in days)), _format_day(max(day.hi for day in days))


def _find_last_held_day(detentions: Sequence[AnyComparedDetention], now: datetime) -> str:
    today = now.date().toordinal()
    days = [
        parse_date(row.account["held_on"]).hi
        for row in detentions
        if row.account["held_on"] and not row.account["stage"]
    ]
    return _format_day(min(max(days, default=today), today))


def _format_day(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()

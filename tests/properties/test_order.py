"""The order in which sources file their reports tells nobody apart and counts nobody twice.

Arrival decides which of a source's reports on one detention is its newest (rule 3), and which values a report takes
over from the detention at which it points (rule 9). So the orders tried here keep those reports in their order, and a
report that points at a detention after all that came before it. The matcher, which sees only what came before, is left
out: the decisions on who is one person are the same each time.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from app.counts.tally import compute_count
from app.queries.terms import CountTerms
from app.registry import report_versions, reports
from app.registry.identity import judgements, record_linkage
from app.schemas.reports import DetentionReportIn, IdentityIn, ReleaseReportIn
from app.vocabulary import Judgement, MatchOutcome
from tests.drawn import examples
from tests.model.past import Past
from tests.properties.histories import JUDGED, SOURCES, SPELLS, bodies, count_terms, weighted
from tests.properties.steps import SLUGS, Body, ChangeSource, Clerk, Registry
from tests.support import ANYONE

NAMED = {"full_name": "Tomás Aurelio Quintana Ribas", "publish": "named"}
NUMBERS = st.integers(0, 7)
QUARANTINES = st.sampled_from([None, *SLUGS])


@dataclass(frozen=True)
class Filing:
    """A report of one man; `at` points at an earlier filing, by its person or by its detention."""

    source: str
    body: Body
    at: tuple[str, int] | None


@dataclass(frozen=True)
class Judged:
    """Two filings that a curator judges once all are in."""

    a: int
    b: int
    judgement: Judgement


POINTERS = st.tuples(st.sampled_from((*("detainee",) * 5, "detention")), st.sampled_from((0, 0, 0, 1, 2, 3, 4)))
FILINGS = st.lists(
    st.builds(Filing, SOURCES, bodies(SPELLS, pointing=True), weighted((st.none(), 1), (POINTERS, 4))),
    min_size=3,
    max_size=8,
)
JUDGEMENTS = st.lists(st.builds(Judged, NUMBERS, NUMBERS, st.sampled_from(JUDGED)), max_size=5)
TERMS = st.lists(count_terms(personal=False), min_size=3, max_size=6)
Told = tuple[set[frozenset[str]], set[frozenset[str]], list[Any]]


@examples(12)
@given(FILINGS, JUDGEMENTS, QUARANTINES, TERMS, st.integers(0, 2**32))
def test_no_order_of_the_same_reports_changes_who_is_one_person_or_any_count(
    registry: Registry,
    filings: list[Filing],
    judged: list[Judged],
    quarantined: str | None,
    asked: list[CountTerms],
    seed: int,
) -> None:
    as_filed = list(range(len(filings)))
    people, spells, counts = _told(registry, filings, as_filed, judged, quarantined, asked)
    again = _order(filings, spells, Random(seed))
    assert _told(registry, filings, again, judged, quarantined, asked) == (people, spells, counts), again


def _id(what: str, number: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{what} {number}")


def _points(filing: Filing, number: int) -> int | None:
    """The number of the filing pointed at: an earlier one."""
    return None if filing.at is None or number == 0 else filing.at[1] % number


def _told(
    registry: Registry,
    filings: Sequence[Filing],
    order: Sequence[int],
    judged: Sequence[Judged],
    quarantined: str | None,
    asked: Sequence[CountTerms],
) -> Told:
    """Who is one person, which reports are one spell, and the counts, after filing in that order."""
    steps = [] if quarantined is None else [ChangeSource(quarantined, {"quarantined": True})]
    with registry.after([*steps]) as clerk:
        for number in order:
            _file(clerk, filings[number], number)
        for one in judged:
            a, b = _id("subject", one.a % len(filings)), _id("subject", one.b % len(filings))
            body = IdentityIn(a=a, b=b, judgement=one.judgement, reason="judged")
            clerk.act("curator", lambda context, body=body: judgements.judge_identity(context, body))
        entries = clerk.entries()
        past = Past(entries, len(entries))
        with clerk.session() as session:
            counts = [compute_count(session, terms, ANYONE, len(entries)) for terms in asked]
    people = {frozenset(record.hex for record in person.records) for person in past.people}
    spells = {detention.reports for person in past.people for detention in person.detentions}
    return people, spells, [_numbers(count) for count in counts]


def _file(clerk: Clerk, filing: Filing, number: int) -> None:
    """File under ids of the filing's own; nobody is guessed to be somebody."""
    body = {**filing.body, "detainee": NAMED, "source_record_id": f"case {number}"}
    body["detention"] = {"country": "VE", **filing.body["detention"]}
    target = _points(filing, number)
    if filing.at is not None and target is not None:
        kind = filing.at[0]
        body[f"{kind}_id"] = _id("subject", target) if kind == "detainee" else uuid.uuid5(_id("record", target), kind)
    shape = ReleaseReportIn if "release" in body else DetentionReportIn
    ids = [_id("record", number), _id("subject", number)]
    unmatched = record_linkage.LinkResult(MatchOutcome.NEW)
    with (
        mock.patch.object(report_versions, "new_id", side_effect=ids),
        mock.patch.object(record_linkage, "link_by_match", return_value=unmatched),
    ):
        clerk.act(filing.source, lambda context: reports.write_report(context, shape.model_validate(body)))


def _kind(filing: Filing) -> str | None:
    return None if filing.at is None else filing.at[0]


def _order(filings: Sequence[Filing], spells: set[frozenset[str]], random: Random) -> list[int]:
    """Another order in which a source's reports on one detention, and what a report takes over, stay the same."""
    spell_of = {record: spell for spell in spells for record in spell}
    before: dict[int, set[int]] = {}
    for number, filing in enumerate(filings):
        spell = spell_of.get(_id("record", number).hex)
        before[number] = {
            n
            for n in range(number)
            if n == _points(filing, number)
            or "detention" in (_kind(filing), _kind(filings[n]))
            or (filings[n].source == filing.source and spell_of.get(_id("record", n).hex) == spell)
        }
    order: list[int] = []
    while len(order) < len(filings):
        free = [number for number in before if number not in order and before[number] <= set(order)]
        order.append(random.choice(free))
    return order


def _numbers(count: Mapping[str, Any]) -> Any:
    """What is counted, without the revision and the links that name it."""
    caveats = {name: count["caveats"][name] for name in ("uncertain_date", "withheld", "unlinkable", "denied_by_some")}
    groups = [{"by": group["by"], "counts": group["counts"]} for group in count["groups"]]
    return {"total": count["total"], "caveats": caveats, "groups": groups}

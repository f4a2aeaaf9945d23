"""What waits for a curator changes no combined number, and no order or splitting of reports changes what counts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.counts.tally import compute_count
from app.queries.terms import CountTerms, HeldCountTerms, SourcedTerms
from app.registry.list_rows import file_rows
from app.registry.review import limits
from app.registry.write import Outcome
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from tests.drawn import examples
from tests.model.past import Past
from tests.properties.steps import SLUGS, Body, Clerk, Registry, Trust
from tests.properties.test_recalls import NAMES
from tests.support import ANYONE, INDEPENDENT

LIMIT = 2
OF_OTHERS = ("by_min_sources", "denied_by_some")
CAVEATS = ("uncertain_date", "unlinkable", "denied_by_some")
STAGES = ("carried_out", "announced")
QUESTIONS: tuple[SourcedTerms, ...] = (
    *(CountTerms.model_validate({"stage": stage, "group_by": ["source"]}) for stage in STAGES),
    *(CountTerms.model_validate({"stage": stage, "source": slug}) for stage in STAGES for slug in SLUGS),
    HeldCountTerms.model_validate({"held_on": "2026-01-12", "group_by": ["source"]}),
)
COMBINED: tuple[SourcedTerms, ...] = (
    *(CountTerms.model_validate({"stage": stage, "group_by": ["month"]}) for stage in STAGES),
    HeldCountTerms.model_validate({"held_on": "2026-01-12"}),
)


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", LIMIT)


@dataclass(frozen=True)
class Sent:
    """A report of one person by one source. All say the same of who it is: the matcher sees only what came before, so
    that who is surely one person must not depend on the order here."""

    source: str
    person: int
    verdict: str
    day: int
    has_release: bool

    def body(self) -> Body:
        detention = {"country": "VE", "detained_on": "2024-10-13"}
        release = {"release": {"released_on": f"2026-01-{self.day:02}"}} if self.has_release else {}
        return {
            "source_record_id": str(self.person),
            "detainee": {"full_name": NAMES[self.person], "birth_date": "1971-05-02", "publish": "named"},
            "detention": detention,
            "verification": {"verdict": self.verdict, "method": "family"},
            **release,
        }

    def validated(self) -> DetentionReportIn:
        shape = ReleaseReportIn if self.has_release else DetentionReportIn
        return shape.model_validate(self.body())


SENT = st.lists(
    st.builds(
        Sent,
        st.sampled_from(INDEPENDENT),
        st.integers(0, len(NAMES) - 1),
        st.sampled_from(("verified", "verified", "reported", "refuted")),
        st.integers(8, 28),
        st.sampled_from((True, True, True, False)),
    ),
    min_size=4,
    max_size=12,
    unique_by=lambda sent: (sent.source, sent.person),
)


def send(clerk: Clerk, parts: Iterable[Sequence[Sent]]) -> None:
    """File each part as one list of a source."""
    for part in parts:

        def file(context: Any, part: Sequence[Sent] = part) -> Outcome | None:
            results = file_rows(context, [sent.validated() for sent in part])
            assert all(isinstance(result.outcome, Outcome) for result in results), results
            return None

        clerk.act(part[0].source, file)


def split(sent: Sequence[Sent], random: Random) -> Iterator[list[Sent]]:
    """Yield the reports in another order, in parts of one source."""
    rest = random.sample(sent, len(sent))
    while rest:
        part = [one for one in rest if one.source == rest[0].source][: random.randint(1, 4)]
        rest = [one for one in rest if one not in part]
        yield part


def ask(clerk: Clerk, asked: Iterable[SourcedTerms]) -> list[Any]:
    head = len(clerk.entries())
    with clerk.session() as session:
        counts: list[Any] = [compute_count(session, terms, ANYONE, head) for terms in asked]
    return [
        {"total": count["total"] | {name: count["caveats"][name] for name in CAVEATS}}
        | {"groups": [strip(group) for group in count["groups"]]}
        for count in counts
    ]


def strip(group: Body) -> Body:
    """A group without what tells which of its reports wait, and who else counts."""
    without = ("verified_combined", "awaiting_review", "rejected", "only_this_source")
    return {"by": group["by"]} | {name: value for name, value in group["counts"].items() if name not in without}


def read_source_rows(clerk: Clerk) -> list[Any]:
    """The numbers of each source's own row, without the numbers of other sources there."""
    found = ask(clerk, QUESTIONS)
    for one in found:
        if not one["groups"]:
            one["total"] = {name: one["total"][name] for name in one["total"] if name not in OF_OTHERS}
    return [one["groups"] or one for one in found]


def read_people(clerk: Clerk) -> set[frozenset[str]]:
    """Who is one person, by source and case number."""
    entries = clerk.entries()
    past = Past(entries, len(entries))
    return {
        frozenset(f"{one.source} {one.values['source_record_id']}" for one in person.reports) for person in past.people
    }


@examples(15)
@given(SENT, st.lists(st.integers(0, 3), min_size=len(SLUGS), max_size=len(SLUGS)), st.integers(0, 2**32))
def test_no_order_and_no_splitting_changes_a_source_s_row_at_once_or_any_number_once_all_is_approved(
    registry: Registry, sent: list[Sent], numbers: list[int], seed: int
) -> None:
    trusted = [Trust(slug, 1_000) for slug in SLUGS]
    limited = [Trust(slug, number) for slug, number in zip(SLUGS, numbers, strict=True)]
    told = []
    for steps, parts in (
        (trusted, [[one] for one in sent]),
        (limited, [[one] for one in sent]),
        (limited, [*split(sent, Random(seed))]),
    ):
        with registry.after([*steps]) as clerk:
            send(clerk, parts)
            at_once = read_source_rows(clerk)
            clerk.approve_all()
            told.append((at_once, read_source_rows(clerk), ask(clerk, COMBINED), read_people(clerk)))
    first, *others = told
    for other in others:
        assert other == first


@examples(15)
@given(SENT, SENT, st.lists(st.integers(0, 2), min_size=2, max_size=2))
def test_sources_move_combined_numbers_by_at_most_the_reports_that_each_may_file(
    registry: Registry, known: list[Sent], sent: list[Sent], numbers: list[int]
) -> None:
    attackers = INDEPENDENT[:2]
    known = [one for one in known if one.source not in attackers]
    sent = [one for one in sent if one.source in attackers]
    with registry.after([Trust(slug, 1_000) for slug in SLUGS]) as clerk:
        send(clerk, [[one] for one in known])
        clerk.approve_all()
        for slug, number in zip(attackers, numbers, strict=True):
            Trust(slug, number).take(clerk)
        before = ask(clerk, COMBINED)
        send(clerk, [[one] for one in sent])
        after = ask(clerk, COMBINED)
    for one, other in zip(before, after, strict=True):
        for name in ("verified", "contested", "reported", "refuted", "official_only", "people"):
            assert abs(other["total"][name] - one["total"][name]) <= sum(numbers), (name, one, other)

"""What a key wrote counts no more once it is recalled, as if it had never been sent; and again once that is undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.counts.tally import compute_count
from app.dates import format_instant
from app.models import OPEN, PROJECTED_TABLES, ApiKey, BlockingKey, Claim, Report, RequestedClass
from app.queries.terms import CountTerms
from app.registry import recalls, reports
from app.registry.apply import rebuild_tables
from app.registry.publication.permissions import Reader
from app.registry.recalls import RecallIn
from app.schemas.reports import ReleaseReportIn
from app.vocabulary import Role
from tests.drawn import examples
from tests.model.past import Past, waits_for_agreement
from tests.model.recount import count_releases, read_numbers
from tests.properties.histories import count_terms, model_terms, recalling
from tests.properties.steps import Body, Clerk, Registry, Review, Step, Trust
from tests.properties.test_counts import numbers_of
from tests.properties.test_rebuild import TABLES, rows
from tests.support import ANYONE

STANDING: tuple[type[Any], ...] = (*PROJECTED_TABLES, Report, Claim, BlockingKey, RequestedClass)
STOLEN = "STOLEN00"  # a second key of one source
NAMES = ("Tomás Aurelio Quintana Ribas", "Lucía Belén Arrieta Montes", "Berta Solano Ugas", "Ismael Otero Invento")


@dataclass(frozen=True)
class Send:
    """A report under a case number, by a source or by whoever stole its key. The thief says other days than anybody."""

    source: str
    person: int
    case: int
    day: int
    verdict: str
    publish: str
    stolen: bool = False

    def take(self, clerk: Clerk) -> None:
        body: Body = {
            "source_record_id": f"{self.person} {self.case}",
            "detainee": {"full_name": NAMES[self.person], "publish": self.publish},
            "detention": {"detained_on": f"2024-0{self.person + 1}-01", "country": "VE"},
            "release": {"released_on": f"2026-01-{self.day + (15 if self.stolen else 1):02}"},
            "verification": {"verdict": self.verdict, "method": "family"},
        }
        clerk.stolen = STOLEN if self.stolen else None
        clerk.act(self.source, lambda context: reports.write_report(context, ReleaseReportIn.model_validate(body)))
        clerk.stolen = None


VERDICTS = st.sampled_from(("verified", "verified", "reported", "refuted", "retracted"))
CLASSES = st.sampled_from(("named", "named", "anonymous", "counted"))
# Who is one person is decided as reports come in, by what stands then: so all honest sources know these people before.
HONEST = st.builds(
    Send, st.sampled_from(("foro", "jep")), st.sampled_from((0, 1)), st.just(0), st.integers(0, 9), VERDICTS, CLASSES
)
# The thief changes what the source filed, and invents people, of whom another source may speak too.
THEFTS = st.builds(
    Send, st.just("foro"), st.sampled_from((0, 1)), st.just(0), st.integers(0, 9), VERDICTS, CLASSES, st.just(True)
)
INVENTED = st.builds(
    Send, st.just("foro"), st.sampled_from((2, 3)), st.just(2), st.integers(0, 9), VERDICTS, CLASSES, st.just(True)
)
ECHOED = st.builds(Send, st.just("jep"), st.sampled_from((2, 3)), st.just(3), st.integers(0, 9), VERDICTS, CLASSES)
BEFORE = [Send(source, person, 0, 5, "verified", "named") for person in (0, 1) for source in ("foro", "jep")]
MIXED = st.lists(st.one_of(HONEST, THEFTS, THEFTS, INVENTED, ECHOED), min_size=3, max_size=10)


def know_of_the_stolen_key(clerk: Clerk) -> None:
    with clerk.session() as session:
        mine = session.get_one(ApiKey, clerk.key_of("foro"))
        session.add(ApiKey(**(mine.model_dump() | {"id": STOLEN})))
        session.commit()


def recalled(clerk: Clerk, body: RecallIn) -> Any:
    return clerk.act("admin", lambda context: recalls.execute_recall(context, body))


def stands(clerk: Clerk) -> dict[str, list[dict[str, Any]]]:
    """Every row that stands, without the revisions from which on it does."""
    with clerk.session() as session:
        found = {}
        for table in STANDING:
            columns = [column for column in table.__table__.c if column.name not in ("since", "until")]
            whole = (
                select(*columns)
                if table in (BlockingKey, RequestedClass)
                else select(*columns).where(table.__table__.c.until == OPEN)
            )
            found[table.__name__] = sorted((dict(row) for row in session.execute(whole).mappings()), key=repr)
        return found


def counted(clerk: Clerk, asked: Sequence[CountTerms]) -> list[Any]:
    head = len(clerk.entries())
    with clerk.session() as session:
        return [
            numbers_of(compute_count(session, terms, reader, head))
            for terms in asked
            for reader in (ANYONE, Reader(Role.READER))
        ]


@examples(12)
@given(MIXED, st.lists(count_terms(), min_size=3, max_size=6))
def test_what_is_recalled_counts_as_if_it_had_never_been_sent_and_as_before_once_that_is_undone(
    registry: Registry, history: list[Send], asked: list[CountTerms]
) -> None:
    steps: list[Step] = [*BEFORE, *history]
    with registry.after([step for step in steps if not (isinstance(step, Send) and step.stolen)]) as clerk:
        never_sent = counted(clerk, asked)
    with registry.after(steps) as clerk:
        before, stood = counted(clerk, asked), stands(clerk)
        first = format_instant(clerk.entries()[0].recorded_at)
        know_of_the_stolen_key(clerk)
        outcome = recalled(clerk, RecallIn(key_id=STOLEN, since=first))
        if not outcome.ids["entries"]:  # the thief's every word was refused
            assert before == never_sent
            return
        assert counted(clerk, asked) == never_sent
        assert recalled(clerk, RecallIn(undoes=outcome.revision)) is not None
        assert stands(clerk) == stood
        assert counted(clerk, asked) == before


LIMITED = st.lists(st.integers(0, 3), min_size=2, max_size=2)
REVIEWED = st.lists(
    st.one_of(
        HONEST,
        THEFTS,
        INVENTED,
        st.builds(
            Review, st.sampled_from(("foro", "jep")), st.integers(0, 3), st.sampled_from(("approved", "rejected"))
        ),
    ),
    min_size=4,
    max_size=10,
)


@examples(12)
@given(LIMITED, REVIEWED, st.lists(count_terms(), min_size=2, max_size=4))
def test_a_recall_of_waiting_approved_and_rejected_reports_is_undone_as_if_it_had_not_been(
    registry: Registry, limits: list[int], history: list[Step], asked: list[CountTerms]
) -> None:
    trusted = [Trust(source, number) for source, number in zip(("foro", "jep"), limits, strict=True)]
    with registry.after([*trusted, *BEFORE, *history]) as clerk:
        before, stood = counted(clerk, asked), stands(clerk)
        know_of_the_stolen_key(clerk)
        outcome = recalled(clerk, RecallIn(key_id=STOLEN, since=format_instant(clerk.entries()[0].recorded_at)))
        if outcome.ids["entries"]:
            assert recalled(clerk, RecallIn(undoes=outcome.revision)) is not None
        assert stands(clerk) == stood
        assert counted(clerk, asked) == before


@examples(10)
@given(recalling())
def test_a_rebuild_gives_the_rows_that_recalls_left(registry: Registry, history: list[Step]) -> None:
    with registry.after(history) as clerk:
        with clerk.session() as session:
            before = {table.__name__: rows(session, table) for table in TABLES}
        with clerk.session() as session:
            assert rebuild_tables(session) == len(clerk.entries())
            session.commit()
        with clerk.session() as session:
            for table in TABLES:
                assert rows(session, table) == before[table.__name__], table.__name__


@examples(8)
@given(recalling(), st.lists(model_terms(), min_size=2, max_size=4))
def test_a_count_is_the_recount_of_the_reports_that_no_recall_withdraws(
    registry: Registry, history: list[Step], asked: list[CountTerms]
) -> None:
    with registry.after(history) as clerk:
        entries = clerk.entries()
        for revision in sorted({*clerk.recalls, len(entries)}):
            if waits_for_agreement(entries, revision):
                continue
            past = Past(entries, revision)
            with clerk.session() as session:
                for terms in asked:
                    model = count_releases(past, terms)
                    answer = compute_count(session, terms, ANYONE, revision)
                    assert read_numbers(answer, model) == model, (revision, terms)

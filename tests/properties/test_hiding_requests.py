"""Hiding never waits, opening by any route does, and what hides somebody is nothing that a reader can tell."""

import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import parse_date
from app.log.entries import LogEntry, load_entry
from app.models import OPEN, Placement, ProvisionalHiding, Record, Report
from app.registry import report_versions
from app.registry.apply import rebuild_tables
from app.registry.curation import agreements
from app.registry.publication import classes
from app.registry.publication.classes import EarlierWishes
from app.vocabulary import Judgement
from tests.drawn import examples
from tests.properties.steps import (
    SLUGS,
    Amend,
    Body,
    ChangeSource,
    Clerk,
    Consent,
    Decide,
    File,
    Recall,
    Redact,
    Registry,
    Retract,
    Step,
    Undo,
    UndoRecall,
)
from tests.properties.test_rebuild import TABLES, rows
from tests.support import GOVERNMENT, NOW, make_report, openings_wait
from tests.two_registries import without_leaves

PATHS = (
    "/v1/detainees", "/v1/detentions", "/v1/releases", "/v1/sources", "/v1/corrections", "/v1/counts/releases",
    "/v1/counts/releases?group_by=gender", "/v1/counts/releases?group_by=source", "/v1/counts/overlap", "/readyz",
    "/v1/counts/series?interval=month", "/v1/detainees?q=quintana",
)  # fmt: skip
DAYS = (None, None, None, "2026-01-20", "2026-02-10", "2026-02-20")
CLASSES = ("named", "anonymous", "counted", "counted", "counted", None)


# Shown by two, whatever a third does.
SHOWN: list[Step] = [File("foro", make_report()), File("jep", make_report(), points=("detainee", 0))]


def wished(publish: str | None, day: str | None, born: str | None) -> Body:
    said = {"publish": publish, "publish_given_on": day, "birth_date": born}
    return {"detainee": said}


PATCHES = st.builds(wished, st.sampled_from(CLASSES), st.sampled_from(DAYS), st.sampled_from((None, "1971", "2010")))
FIRST = st.builds(
    lambda publish, case: File("pud", make_report(detainee__publish=publish), case, ("detainee", 0)),
    st.sampled_from(CLASSES),
    st.sampled_from((0, 1, 2)),
)
LATER = st.one_of(
    FIRST,
    st.builds(Amend, st.just(2), PATCHES),
    st.builds(Consent, st.just(0), st.sampled_from(("named", "named", "anonymous", "counted")), st.just("guardian")),
)
HISTORIES = st.builds(lambda first, later: [*SHOWN, first, *later], FIRST, st.lists(LATER, min_size=2, max_size=8))


def hidden(clerk: Clerk) -> bool:
    """Whether the person whom two sources show is only counted today."""
    with clerk.session() as session:
        first = session.scalars(select(col(Record.publish_now)).order_by(col(Record.key))).first()
    return first == "counted"


def waiting(clerk: Clerk) -> int:
    """The reports of that person that hide it and wait for a curator."""
    with clerk.session() as session:
        person = select(col(Placement.detainee)).order_by(col(Placement.record)).limit(1).scalar_subquery()
        of = (col(ProvisionalHiding.detainee) == person, col(ProvisionalHiding.until) == OPEN)
        return len(
            session.scalars(select(ProvisionalHiding).where(*of, col(ProvisionalHiding.stopped).is_(False))).all()
        )


@examples(25)
@given(HISTORIES, st.sampled_from((1, 10)))
def test_whom_one_key_hides_against_what_stands_waits_for_a_curator_and_is_shown_once_one_spoke(
    registry: Registry, history: list[Step], most: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", most)
        with registry.after(history) as clerk:
            consents = [step for step in history if isinstance(step, Consent)]
            if hidden(clerk) and not (consents and consents[-1].publish == "counted"):
                assert waiting(clerk)
            Consent(0, "named", "guardian").take(clerk)
            assert (hidden(clerk), waiting(clerk)) == (False, 0)
            for number in range(len(SHOWN), len(clerk.records)):
                Amend(number, {"release": {"kind": "pardon"}}).take(clerk)
                assert not hidden(clerk), "a curator's answer stands over later versions"


@examples(10)
@given(HISTORIES, st.sampled_from((1, 10)))
def test_a_rebuild_lets_the_same_wishes_wait(registry: Registry, history: list[Step], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", most)
        with registry.after(history) as clerk:
            with clerk.session() as session:
                before = {table.__name__: rows(session, table) for table in TABLES}
            with clerk.session() as session:
                rebuild_tables(session)
                session.commit()
            with clerk.session() as session:
                assert {table.__name__: rows(session, table) for table in TABLES} == before


def public(registry: Registry, history: list[Step]) -> list[str]:
    """Everything that anybody reads after a history, random ids by the order in which they come."""
    with registry.after(history):
        texts = [without_leaves(registry.world.client.get(path).text) for path in PATHS]
    ids: dict[str, str] = {}
    uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    return [uuid.sub(lambda found: ids.setdefault(found[0], str(len(ids))), text) for text in texts]


def test_why_somebody_is_hidden_is_nothing_that_a_reader_can_tell(registry: Registry) -> None:
    """By a wish, by one with its day, by a birth: of these three registries the public sees the same bytes."""
    hiding: list[Body] = [
        make_report(detainee__publish="counted"),
        make_report(detainee__publish="counted", detainee__publish_given_on="2026-02-10"),
        make_report(detainee__publish=None, detainee__birth_date="2010"),
    ]
    seen = [public(registry, [*SHOWN, File("pud", body, 0, ("detainee", 0))]) for body in hiding]
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] != public(registry, SHOWN)[0]


AROUND = st.one_of(
    LATER,
    LATER,
    st.builds(Amend, st.sampled_from((0, 1, 2, 3, 4)), PATCHES),
    st.builds(Decide, st.sampled_from((0, 1, 2, 3)), st.sampled_from((1, 2, 3, 4)), st.sampled_from(Judgement)),
    st.builds(Undo, st.sampled_from((0, 1, 2)), st.booleans()),
    st.builds(Retract, st.sampled_from((2, 3))),
    st.builds(Redact, st.sampled_from((0, 2, 3))),
)
ALL_AROUND = st.builds(lambda first, later: [*SHOWN, first, *later], FIRST, st.lists(AROUND, min_size=3, max_size=14))


def since(version: LogEntry) -> int:
    made: int = version.body.get("wish", {}).get("since", version.revision)
    return made


def by_reading_all(session: Session, record: uuid.UUID, source: int | None, as_strict: list[str]) -> EarlierWishes:
    """What a source asked for of the person that holds a record, from every version of each of its reports there."""
    theirs, named = aliased(Placement), aliased(Record)
    versions = session.execute(
        select(col(Report.since))
        .join(Record, col(Record.key) == col(Report.record))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .join(theirs, (col(theirs.detainee) == col(Placement.detainee)) & (col(theirs.until) == OPEN))
        .join(named, col(named.key) == col(theirs.record))
        .where(col(named.id) == record, col(Record.source) == source)
        .order_by(col(Record.key), col(Report.version))
    ).scalars()
    entries = [load_entry(session, revision) for revision in versions]
    days = [parse_date(e.personal[classes.WISH_DAY_FIELD]).hi for e in entries if classes.WISH_DAY_FIELD in e.personal]
    strict = [entry for entry in entries if entry.body["said"].get("detainee.publish") in as_strict]
    last = max(strict, key=since, default=None)
    if last is None:
        return EarlierWishes(max(days, default=None), None, False)
    return EarlierWishes(max(days, default=None), since(last), bool(last.body.get("wish", {}).get("name_only")))


@examples(40)
@given(ALL_AROUND, st.sampled_from((1, 10)))
def test_what_a_source_asked_for_is_what_every_version_of_its_reports_says(
    registry: Registry, history: list[Step], most: int
) -> None:
    """Through corrections, judgements, withdrawals and erasures, and after a rebuild."""
    asked_of: list[Any] = []

    def compared(session: Session, *of: Any) -> EarlierWishes:
        found = looked_up(session, *of)
        assert found == by_reading_all(session, *of)
        asked_of.append(of)
        return found

    looked_up = classes.load_earlier_wishes
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", most)
        patch.setattr(classes, "load_earlier_wishes", compared)
        with registry.after(history) as clerk, clerk.session() as session:
            rebuild_tables(session)
            for of in tuple(asked_of):
                compared(session, *of)


ROUTES = st.one_of(
    st.builds(Amend, st.integers(0, 4), PATCHES),
    st.builds(Retract, st.integers(0, 4)),
    st.builds(Decide, st.integers(0, 4), st.integers(0, 4), st.sampled_from(Judgement)),
    st.builds(Undo, st.integers(0, 2), st.booleans()),
    st.builds(Consent, st.integers(0, 4), st.sampled_from(("named", "anonymous", "counted")), st.just("guardian")),
    st.builds(ChangeSource, st.sampled_from(SLUGS), st.sampled_from(({"quarantined": True}, {"quarantined": False}))),
    st.builds(Recall, st.sampled_from(SLUGS[:3]), st.integers(4, 30)),
    st.builds(UndoRecall, st.integers(0, 1)),
    st.builds(Redact, st.just(4)),
)
OTHER = {"detainee__full_name": "Ulises Barrios Mata", "detainee__birth_date": None}
FIVE: list[Step] = [
    File("foro", make_report(detainee__publish="counted")),
    File("jep", make_report(), points=("detainee", 0)),
    File("pud", make_report(**OTHER, detainee__publish="anonymous")),
    File("jep", make_report(**OTHER, detainee__publish="counted"), 9),
    File(GOVERNMENT, make_report(**OTHER, detainee__publish="counted")),
]


def classes_of_today(clerk: Clerk) -> dict[int, str]:
    """Of each record that stands, the class of its person, objections apart."""
    with clerk.session() as session:
        placed = select(col(Record.key), col(Record.publish_decided)).join(
            Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN)
        )
        return dict(map(tuple, session.execute(placed.order_by(col(Record.key)))))


def agree_to_all(clerk: Clerk) -> None:
    """As second holders do, or a day that goes by."""
    with clerk.session() as session:
        now = NOW + timedelta(days=30)
        while agreements.carry_out_due(session, now, clerk.world.app.state.secret, "list"):
            pass
        session.commit()


@examples(60)
@given(st.lists(ROUTES, min_size=1, max_size=8))
def test_hiding_never_waits_and_opening_by_any_route_does(registry: Registry, steps: list[Step]) -> None:
    with registry.after([*FIVE, *steps]) as clerk:  # a second holder agrees to each opening in the same moment
        agreed = list(classes_of_today(clerk).values())
    with openings_wait(), registry.after(FIVE) as clerk:
        for step in steps:
            before = classes_of_today(clerk)
            step.take(clerk)
            after = classes_of_today(clerk)
            for record in before.keys() & after.keys():
                assert not classes.is_stricter(before[record], after[record]), "nothing is opened by one alone"
        held = list(classes_of_today(clerk).values())
        assert len(held) == len(agreed)
        assert not [one for one, other in zip(agreed, held, strict=True) if classes.is_stricter(one, other)], (
            "all hides"
        )
        agree_to_all(clerk)
        assert list(classes_of_today(clerk).values()) == agreed


@examples(20)
@given(st.lists(ROUTES, min_size=1, max_size=8))
def test_a_rebuild_lets_the_same_openings_wait(registry: Registry, steps: list[Step]) -> None:
    with openings_wait(), registry.after([*FIVE, *steps]) as clerk, clerk.session() as session:
        before = {table.__name__: rows(session, table) for table in TABLES}
        rebuild_tables(session)
        assert {table.__name__: rows(session, table) for table in TABLES} == before

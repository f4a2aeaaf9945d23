"""Loading the replay: once, at its own hours, and all of it or nothing.

The published figures as bodies: each reads as its qualifier says, and points only at what came before."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app import vocabulary
from app.db.engine import open_read_session, open_write_session
from app.demo import run
from app.demo.plan import parse_caracas_time
from app.demo.run import (
    REFERENCE_COLUMNS,
    Body,
    build_claim_body,
    build_claim_filings,
    build_events,
    build_source_bodies,
    parse_stated_instant,
    read_figure_rows,
    resolve_references,
)
from app.errors import Unauthenticated
from app.log.entries import read_head
from app.log.head import is_demo
from app.models import ApiKey, Entry
from app.registry import api_keys
from app.registry.claims import ClaimIn
from app.registry.write import WriteContext
from tests.demo.conftest import Replayed
from tests.support import World

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def session(replayed: Replayed) -> Iterator[Session]:
    """A session on the loaded replay, of which nothing stays."""
    with Session(replayed.engine, autoflush=False, expire_on_commit=False) as made:
        yield made
        made.rollback()


def test_loading_again_changes_nothing(replayed: Replayed, session: Session) -> None:
    before = read_head(session)
    assert run.load_replay(session, replayed.secret) == before[0]
    assert read_head(session) == before


def test_every_report_and_every_figure_is_an_entry_of_the_hour_it_was_made(session: Session) -> None:
    recorded = session.execute(select(col(Entry.kind), col(Entry.recorded_at)).order_by(col(Entry.revision))).all()
    instants = {kind: [row.recorded_at for row in recorded if row.kind == kind] for kind in ("report", "claim")}
    assert instants["report"] == [event.filed_at for event in build_events()]
    assert instants["claim"] == [claim.filed_at for claim in build_claim_filings()]
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(recorded))


def test_the_database_says_of_itself_that_it_is_a_demo(session: Session) -> None:
    assert is_demo(session)


def test_the_guests_key_writes_as_an_invented_organisation(session: Session) -> None:
    reader, _key = api_keys.authenticate_key(session, run.create_guest_key(session, NOW), NOW, "list")
    assert (reader.role, reader.slug) == ("reporter", run.GUEST_SOURCE["slug"])


def test_a_new_guests_key_ends_the_one_before_and_all_end_by_themselves(session: Session) -> None:
    first, second = run.create_guest_key(session, NOW), run.create_guest_key(session, NOW)
    with pytest.raises(Unauthenticated):
        api_keys.authenticate_key(session, first, NOW, "list")
    made = api_keys.get_key_time(session, NOW)  # later, where a later moment was asked about
    api_keys.authenticate_key(session, second, made + timedelta(days=run.GUEST_KEY_DAYS - 1), "list")
    with pytest.raises(Unauthenticated):
        api_keys.authenticate_key(session, second, made + timedelta(days=run.GUEST_KEY_DAYS), "list")
    assert len(session.scalars(select(col(ApiKey.id)).where(col(ApiKey.revoked_at).is_(None))).all()) == 1


def test_a_registry_that_is_in_use_is_no_place_for_a_demo(world: World) -> None:
    world.file()
    with world.storing_nothing(), open_write_session(world.engine) as session, pytest.raises(run.NotADemo):
        run.load_replay(session, world.settings.secret_key())


def test_a_replay_that_fails_half_way_leaves_nothing_behind(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(Exception):
        """Half-way: directories and the first reports are written."""

    def cut(context: WriteContext, _body: ClaimIn, *, is_confirmed: bool) -> None:
        assert is_confirmed
        assert read_head(context.session)[0] > 0
        raise Cut

    monkeypatch.setattr(run, "file_claim", cut)
    with pytest.raises(Cut), open_write_session(engine) as session:
        run.load_replay(session, b"a secret of the tests")
    with open_read_session(engine) as session:
        assert read_head(session)[0] == 0
        assert not is_demo(session)
        assert session.execute(select(func.count()).select_from(Entry)).scalar_one() == 0


CLAIMS = list(build_claim_filings())
BODIES = {claim.key: claim.body for claim in CLAIMS}


def references(body: Body) -> list[str]:
    definition = body.get("definition", {})
    one = [body.get("derived_from"), body.get("same_as"), definition.get("subset_of")]
    parts = [part["claim"] for part in body.get("part_of", [])]
    return [key for key in [*one, *body.get("supersedes", []), *parts] if key]


def test_all_ninety_figures_come_with_a_number_of_their_own() -> None:
    assert len(CLAIMS) == len(BODIES) == len(read_figure_rows()) == 90
    assert all(claim.body["source_record_id"] == claim.key for claim in CLAIMS)


@pytest.mark.parametrize("key", BODIES)
def test_bounds_are_what_the_qualifier_allows(key: str) -> None:
    body = BODIES[key]
    low, high = body.get("low"), body.get("high")
    match body["qualifier"]:
        case "exactly":
            assert low == high is not None
        case "about" | "between":
            assert low is not None
            assert high is not None
            assert low <= high
        case "at_least" | "more_than":
            assert low is not None
            assert high is None
        case "fewer_than" | "at_most":
            assert low is None
            assert high is not None
        case qualifier:
            assert qualifier == "unquantified"
            assert (low, high) == (None, None)


@pytest.mark.parametrize("key, low", [("cl021", 401), ("v16", 1001), ("cl042", 401), ("v25", 601), ("cl010", 41)])
def test_more_than_four_hundred_begins_at_401(key: str, low: int) -> None:
    assert BODIES[key]["qualifier"] == "more_than"
    assert BODIES[key]["low"] == low


@pytest.mark.parametrize("key", BODIES)
def test_codes_and_claimants_are_known(key: str) -> None:
    body = BODIES[key]
    assert body["measure"] in set(vocabulary.Measure)
    assert body["qualifier"] in set(vocabulary.Qualifier)
    assert body.get("series") in {None, *vocabulary.Series}
    assert body["claimant"] in {source["slug"] for source in build_source_bodies()}
    terms = body.get("definition", {}).get("terms", {})
    assert terms.get("stage") in {None, *vocabulary.Stage}
    assert terms.get("group") in {None, *vocabulary.Group}
    assert (body["measure"] == "released") == ("stage" in terms)


def test_every_body_is_one_the_api_accepts() -> None:
    ids = {key: str(uuid.uuid4()) for key in BODIES}
    for body in BODIES.values():
        ClaimIn.model_validate(resolve_references(body, ids))


def test_the_kinds_of_claimants_are_those_of_the_sources() -> None:
    kinds = {source["slug"]: source["kind"] for source in build_source_bodies()}
    assert all(kinds[row["claimant"]] == row["claimant_kind"] for row in read_figure_rows())


def test_a_day_carries_its_zone_and_an_hour_its_seconds() -> None:
    assert BODIES["v10"]["stated_at"] == "2026-01-10"
    assert BODIES["v10"]["zone"] == "-04:00"
    assert BODIES["v07"]["stated_at"] == "2026-01-09T10:00:00-04:00"
    assert "zone" not in BODIES["v07"]


def test_a_figure_is_filed_once_stated_printed_and_after_what_it_refers_to() -> None:
    assert all(earlier.filed_at <= later.filed_at for earlier, later in pairwise(CLAIMS))
    table = {row["claim_id"]: row for row in read_figure_rows()}
    seen: set[str] = set()
    for claim in CLAIMS:
        assert claim.filed_at >= parse_stated_instant(table[claim.key])
        assert claim.body.get("citation", {}).get("published_on", "") <= claim.filed_at.date().isoformat()
        assert seen.issuperset(references(claim.body))
        seen.add(claim.key)
    assert next(claim.filed_at for claim in CLAIMS if claim.key == "v07") == parse_caracas_time("2026-01-09T10:00")


def test_the_parts_of_a_partition_add_up_to_the_whole_but_for_the_406() -> None:
    partitions: defaultdict[tuple[str, str], int] = defaultdict(int)
    for body in BODIES.values():
        for part in body.get("part_of", []):
            partitions[part["claim"], part["partition"]] += body["low"]
    assert partitions == {
        ("cl016", "batches"): 99 + 88,
        ("cl028", "batches"): 99 + 88 + 116,
        ("v11", "batches"): 99 + 88 + 116,
        ("v11", "periods"): 187 + 116,
        ("f05", "outcomes"): 217 + 3934,
    }
    apart = {key: BODIES[key]["low"] for (key, _), total in partitions.items() if total != BODIES[key]["low"]}
    assert apart == {"cl028": 406}


def test_references_are_replaced_by_the_ids_given_on_filing() -> None:
    ids = {key: f"id-{key}" for key in BODIES}
    for body in BODIES.values():
        found = resolve_references(body, ids)
        assert references(found) == [ids[key] for key in references(body)]
    everything = dict.fromkeys(read_figure_rows()[0], "") | {
        "claim_id": "x",
        "stated_at": "2026-01-12",
        "supersedes": "a b",
        "part_of": "c:days",
        **{name: name[0] for name in REFERENCE_COLUMNS[2:]},
    }
    body = build_claim_body(everything)
    ids = {key: key.upper() for key in "abcds"}
    assert references(resolve_references(body, ids)) == ["D", "S", "S", "A", "B", "C"]
    assert references(body) == ["d", "s", "s", "a", "b", "c"]

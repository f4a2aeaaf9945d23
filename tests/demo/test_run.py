"""Loading the replay: once, at its own hours, and all of it or nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import Session, col

from app.db.engine import reading, writing
from app.demo import run
from app.demo.claims import claims
from app.demo.replay import events
from app.errors import Unauthenticated
from app.log.entries import head
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
    before = head(session)
    assert run.load(session, replayed.secret) == before[0]
    assert head(session) == before


def test_every_report_and_every_figure_is_an_entry_of_the_hour_it_was_made(session: Session) -> None:
    recorded = session.execute(select(col(Entry.kind), col(Entry.recorded_at)).order_by(col(Entry.revision))).all()
    instants = {kind: [row.recorded_at for row in recorded if row.kind == kind] for kind in ("report", "claim")}
    assert instants["report"] == [event.at for event in events()]
    assert instants["claim"] == [claim.at for claim in claims()]
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(recorded))


def test_the_database_says_of_itself_that_it_is_a_demo(session: Session) -> None:
    assert is_demo(session)


def test_the_guests_key_writes_as_an_invented_organisation(session: Session) -> None:
    reader, _key = api_keys.authenticate(session, run.guest_key(session, NOW), NOW, "list")
    assert (reader.role, reader.slug) == ("reporter", run.GUEST["slug"])


def test_a_new_guests_key_ends_the_one_before_and_all_end_by_themselves(session: Session) -> None:
    first, second = run.guest_key(session, NOW), run.guest_key(session, NOW)
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(session, first, NOW, "list")
    made = api_keys.moment_of(session, NOW)  # later, where a later moment was asked about
    api_keys.authenticate(session, second, made + timedelta(days=run.KEY_DAYS - 1), "list")
    with pytest.raises(Unauthenticated):
        api_keys.authenticate(session, second, made + timedelta(days=run.KEY_DAYS), "list")
    assert len(session.scalars(select(col(ApiKey.id)).where(col(ApiKey.revoked_at).is_(None))).all()) == 1


def test_a_registry_that_is_in_use_is_no_place_for_a_demo(world: World) -> None:
    world.file()
    with world.storing_nothing(), writing(world.engine) as session, pytest.raises(run.NotADemo):
        run.load(session, world.settings.secret_key())


def test_a_replay_that_fails_half_way_leaves_nothing_behind(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut(Exception):
        """Half-way: directories and the first reports are written."""

    def cut(context: WriteContext, _body: ClaimIn) -> None:
        assert head(context.session)[0] > 0
        raise Cut

    monkeypatch.setattr(run, "file_claim", cut)
    with pytest.raises(Cut), writing(engine) as session:
        run.load(session, b"a secret of the tests")
    with reading(engine) as session:
        assert head(session)[0] == 0
        assert not is_demo(session)
        assert session.execute(select(func.count()).select_from(Entry)).scalar_one() == 0

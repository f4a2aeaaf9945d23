"""A day without a zone ends in the registry's own zone."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from app.config import Settings
from app.dates import parse_zone
from app.projection import RULES
from tests.support import Body, World

EVENING = datetime(2026, 1, 14, 2, tzinfo=UTC)  # ten in the evening of the 13th in Caracas
CLAIM: Body = {"claimant": "foro", "measure": "released", "qualifier": "exactly", "said": 56, "country": "VE",
               "window_from": "2026-01-08", "stated_at": "2026-01-13"}  # fmt: skip


@pytest.fixture
def caracas(settings: Settings) -> Iterator[World]:
    """A registry of Caracas, to which somebody reported a release in the evening of 13 January."""
    zoned = settings.model_copy(update={"zone": "America/Caracas"})
    with World(zoned, EVENING.replace(day=12)) as world:
        world.now = EVENING
        world.file(release__released_on="2026-01-13")
        world.now = EVENING.replace(day=20)
        yield world


def test_a_day_alone_ends_in_the_registrys_zone(caracas: World) -> None:
    assert caracas.count(as_of="2026-01-13")["total"]["cases"] == 1
    assert caracas.count(as_of="2026-01-13", zone="Z")["total"]["cases"] == 0


@pytest.mark.parametrize(
    "path", [*(f"/v1/counts/{one}" for one in ("releases", "detentions", "held", "series", "overlap"))]
)
def test_an_instant_or_a_day_in_a_zone_leaves_the_terms_as_asked_and_the_answer_names_the_revision(
    caracas: World, path: str
) -> None:
    revision, zone = caracas.revision, "America/Caracas"
    asked = {"country": "VE", "zone": zone}
    before = caracas.get(path, as_of=f"r{revision}", **asked).json()
    caracas.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    for moment in ("2026-01-13", "2026-01-13T23:00:00-04:00", "2026-01-14T03:59:59Z"):
        answer = caracas.get(path, as_of=moment, **asked).json()
        assert answer == before, moment
        assert (answer["terms"]["country"], answer["at"]["revision"]) == ("VE", revision)
        assert caracas.client.get(answer["links"]["permalink"]).json() == answer


def test_every_answer_says_which_revision_it_is_of(caracas: World) -> None:
    for path in ("/v1/releases", "/v1/claims", "/v1/sources/foro", "/v1/counts/overlap", "/v1/vocabulary", "/v1/me"):
        at = caracas.get(path, "foro", as_of="2026-01-13").json()["at"]
        assert at == {"revision": caracas.revision, "recorded_at": "2026-01-14T02:00:00Z", "rules": RULES}, path


def test_a_series_by_days_and_the_day_of_the_held_are_the_registrys(caracas: World) -> None:
    series = caracas.get("/v1/counts/series", interval="day", released_from="2026-01-13").json()
    assert [(point["on"], point["cases"]) for point in series["points"]] == [("2026-01-13", 1)]
    assert series["terms"]["zone"] == "America/Caracas"
    assert "zone=America%2FCaracas" in series["links"]["permalink"]
    assert caracas.get("/v1/counts/held").json()["terms"]["held_on"] == "2026-01-13"
    assert caracas.get("/v1/counts/held", zone="Z").json()["terms"]["held_on"] == "2026-01-14"


def test_what_changed_since_a_day_is_asked_in_the_registrys_zone(caracas: World) -> None:
    assert caracas.get("/v1/releases", changed_since="2026-01-13").json()["data"]
    assert not caracas.get("/v1/releases", changed_since="2026-01-14").json()["data"]
    assert caracas.get("/v1/releases", changed_since="2026-01-14", zone="Z").json()["data"]


def test_the_day_of_a_claim_ends_in_the_registrys_zone_and_the_claim_says_so(caracas: World) -> None:
    filed = caracas.post("/v1/claims", {**CLAIM, "source_record_id": "C-1"}, "foro").json()
    assert (filed["stated_at"], filed["zone"]) == ("2026-01-13", "America/Caracas")
    beside = caracas.get(f"/v1/claims/{filed['id']}/reconciliation").json()
    assert beside["then"]["total"]["cases"] == 1, "reported in the evening of that day"
    again = caracas.post("/v1/claims", {**CLAIM, "source_record_id": "C-1"}, "foro")
    assert (again.status_code, again.json()["receipt"]) == (200, filed["receipt"])
    named = caracas.post("/v1/claims", {**CLAIM, "zone": "Europe/Madrid"}, "foro").json()
    assert named["zone"] == "Europe/Madrid"


def test_numbers_that_a_setting_moves_are_not_kept_for_ever(caracas: World) -> None:
    head = caracas.revision
    for path in ("/v1/counts/series", "/v1/counts/held"):
        assert "immutable" not in caracas.get(path, rules=RULES, as_of=head).headers["Cache-Control"]
        assert (
            "immutable" in caracas.get(path, rules=RULES, as_of=head, zone="America/Caracas").headers["Cache-Control"]
        )
    assert (
        "immutable"
        in caracas.get("/v1/counts/held", rules=RULES, as_of=head, held_on="2026-01-13").headers["Cache-Control"]
    )
    tag = caracas.get("/v1/counts/series").headers["ETag"]
    caracas.restart_with(zone=parse_zone("Z"))
    assert caracas.get("/v1/counts/series").headers["ETag"] != tag


def test_an_unknown_zone_is_refused_with_what_to_write(world: World) -> None:
    answer = world.get("/v1/releases", as_of="2026-02-01", zone="America/Nowhere")
    problem = world.refuse(answer, 422, "invalid_zone", "/zone")
    assert "-04:00" in problem["errors"][0]["detail"]
    assert "America/Caracas" in problem["errors"][0]["detail"]


def test_without_a_setting_the_zone_is_utc(world: World) -> None:
    world.now = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    world.file()
    world.now = datetime(2026, 3, 3, tzinfo=UTC)
    assert world.count(as_of="2026-03-01")["total"]["cases"] == 1
    assert world.count(as_of="2026-03-01", zone="+01:00")["total"]["cases"] == 0

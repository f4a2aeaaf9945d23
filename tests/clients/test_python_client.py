"""The Python client asks the real app."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from typing import Any

import httpx2
import pytest

import recuento_client.client
from app.api.middleware.rate_limits import RateLimiter
from recuento_client import Recuento, RecuentoError, as_dataframe
from tests.support import World

RELEASES = 7


class Recorder(httpx2.BaseTransport):
    """Pass requests on to the app, and record them with the status of the response."""

    def __init__(self, world: World) -> None:
        self._client = world.client
        self.requests: list[httpx2.Request] = []
        self.statuses: list[int] = []
        self.responses: list[httpx2.Response] = []  # what to answer instead of the app, first to last
        self.failures = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self.failures:
            self.failures -= 1
            raise httpx2.ConnectError("refused")
        if self.responses:
            return self.responses.pop(0)
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "accept-encoding")}
        response = self._client.request("GET", request.url.raw_path.decode(), headers=headers)
        self.statuses.append(response.status_code)
        return httpx2.Response(response.status_code, headers=response.headers, content=response.content)


@pytest.fixture
def recorder(world: World) -> Recorder:
    for number in range(RELEASES):
        day = (date(2026, 1, 8) + timedelta(days=number)).isoformat()
        name = f"Tomás Aurelio Quintana {'ABCDEFG'[number] * 6}"
        world.file(("foro", "jep")[number % 2], detainee__full_name=name, release__released_on=day)
    return Recorder(world)


@pytest.fixture
def registry(recorder: Recorder) -> Iterator[Recuento]:
    with Recuento("http://registry.test", transport=recorder) as client:
        yield client


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the client slept."""
    slept: list[float] = []
    monkeypatch.setattr(recuento_client.client, "sleep", slept.append)
    return slept


def test_a_count_is_that_of_the_api(world: World, registry: Recuento) -> None:
    terms: dict[str, Any] = {"country": "VE", "released_from": "2026-01-08", "group_by": ["source", "month"]}
    counted = registry.count("releases", **terms)
    assert counted == world.get("/v1/counts/releases", **terms).json()
    assert counted["total"]["cases"] == RELEASES
    assert registry.count("held", country="VE")["total"]["cases"] == 0


def test_terms_pass_through_as_they_are_named(registry: Recuento, recorder: Recorder) -> None:
    registry.count(
        "releases", released_from=date(2026, 1, 8), net=False, group_by=None, status=["verified", "reported"]
    )
    query = recorder.requests[-1].url.query.decode()
    assert query == "released_from=2026-01-08&net=false&status=verified&status=reported"


def test_a_list_is_read_over_all_its_pages_at_one_revision(
    registry: Recuento, recorder: Recorder, world: World
) -> None:
    rows = registry.rows("releases", country="VE", limit=3, total=True, include="detainee", sort="released_on")
    read = []
    for page in rows.pages():
        read += page["data"]
        world.file("pud", detainee__full_name="Baltasar Ismael Orihuela Cantos", release__released_on="2026-01-20")
    assert [row["released_on"] for row in read] == [f"2026-01-{day:02}" for day in range(8, 15)]
    assert rows.total == RELEASES
    assert rows.caveats == {"withheld": 0, "not_visible": 0} | rows.caveats
    assert read[0]["detainee"]["name"].startswith("Tomás")
    assert len(recorder.requests) == 3
    assert len(list(registry.rows("releases", country="VE"))) == RELEASES + 3


@pytest.mark.parametrize("name", ["detentions", "held", "detainees", "claims", "sources", "facilities", "corrections"])
def test_every_list_is_read_by_its_name(registry: Recuento, world: World, name: str) -> None:
    assert list(registry.rows(name)) == world.get(f"/v1/{name}", limit=200).json()["data"]


def test_the_index_names_no_list_that_the_client_cannot_read(registry: Recuento) -> None:
    index = registry.get("/v1")
    for name in index["lists"]:
        assert isinstance(list(registry.rows(name)), list)
    for link in (*index["counts"].values(), *index["estimates"].values()):
        if "estimates" not in link:
            assert "at" in registry.get(link)


def test_an_answer_that_did_not_change_costs_a_304(registry: Recuento, recorder: Recorder, world: World) -> None:
    first = registry.count("releases", country="VE")
    assert registry.count("releases", country="VE") == first
    world.file("pud", detainee__full_name="Baltasar Ismael Orihuela Cantos")
    assert registry.count("releases", country="VE")["total"]["cases"] == RELEASES + 1
    assert recorder.statuses == [200, 304, 200]


def test_a_poll_yields_answers_that_changed(
    registry: Recuento, recorder: Recorder, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(seconds: float) -> None:
        assert seconds == 60
        if len(recorder.statuses) == 3:
            world.file("pud", detainee__full_name="Baltasar Ismael Orihuela Cantos")

    monkeypatch.setattr(recuento_client.client, "sleep", wait)
    answers = list(islice(registry.poll("counts/releases", every=60, country="VE"), 2))
    assert [one["total"]["cases"] for one in answers] == [RELEASES, RELEASES + 1]
    assert recorder.statuses == [200, 304, 304, 200]


def test_changes_since_a_visit_are_rows_to_store_and_ids_to_delete(registry: Recuento, world: World) -> None:
    seen = registry.rows("releases", country="VE")
    hidden = next(iter(seen))
    assert registry.changes("releases", seen.at, country="VE").rows == []
    world.file("pud", detainee__full_name="Baltasar Ismael Orihuela Cantos")
    world.consent(hidden["detainee_id"], "counted")
    changes = registry.changes("releases", seen.at, country="VE")
    assert (len(changes.rows), changes.gone, changes.is_whole) == (1, [hidden["id"]], False)
    assert registry.changes("releases", changes.at, country="VE").rows == []


def test_under_other_counting_rules_the_list_is_read_whole(registry: Recuento) -> None:
    at = registry.rows("releases").at
    changes = registry.changes("releases", {**at, "rules": at["rules"] - 1})
    assert changes.is_whole
    assert len(changes.rows) == RELEASES


def test_a_citation_has_its_texts_and_the_count_then_and_now(registry: Recuento, world: World) -> None:
    counted = registry.count("releases", country="VE")
    world.file("pud", detainee__full_name="Baltasar Ismael Orihuela Cantos")
    cited = registry.cite(counted)
    assert "7 releases" in cited["citation"]["en"]
    assert (cited["cited"]["total"]["cases"], cited["today"]["total"]["cases"]) == (RELEASES, RELEASES + 1)
    assert registry.get(counted["links"]["permalink"])["total"] == counted["total"]


def test_the_past_is_asked_for_by_a_revision(registry: Recuento, world: World) -> None:
    at = registry.get("/v1")["at"]
    world.file("pud", detainee__full_name="Baltasar Ismael Orihuela Cantos")
    assert registry.count("releases", as_of=f"r{at['revision']}")["total"]["cases"] == RELEASES


def test_series_and_overlap_have_addresses_of_their_own(registry: Recuento) -> None:
    series = registry.series(country="VE", released_from="2026-01-08", interval="month", by="event")
    assert series["points"][-1]["cases"] == RELEASES
    assert registry.overlap(country="VE", released_from="2026-01-08")["cases"] == RELEASES


def test_a_refused_request_is_one_exception(registry: Recuento, recorder: Recorder) -> None:
    with pytest.raises(RecuentoError, match=r"422 invalid: .*contry") as caught:
        registry.count("releases", contry="VE")
    assert (caught.value.status, caught.value.code) == (422, "invalid")
    assert caught.value.errors[0]["pointer"] == "/contry"
    assert caught.value.title
    assert len(recorder.requests) == 1


def test_an_error_is_in_spanish_on_request(recorder: Recorder) -> None:
    titles = []
    for language in ("en", "es"):
        registry = Recuento("http://registry.test", transport=recorder, language=language)
        with pytest.raises(RecuentoError) as caught:
            registry.count("releases", contry="VE")
        titles.append(caught.value.title)
    assert titles[0] != titles[1]


def test_an_error_of_a_proxy_is_the_same_exception(registry: Recuento, recorder: Recorder) -> None:
    recorder.responses = [httpx2.Response(403, text="<h1>Forbidden</h1>")]
    with pytest.raises(RecuentoError) as caught:
        registry.get("/v1")
    assert caught.value.code == "http_403"


def test_a_busy_registry_is_asked_again_after_the_time_that_it_names(
    registry: Recuento, recorder: Recorder, waits: list[float]
) -> None:
    recorder.responses = [httpx2.Response(429, headers={"Retry-After": "7"}), httpx2.Response(503)]
    recorder.failures = 1
    assert registry.get("/v1")["at"]
    assert waits == [1.0, 7.0, 4.0]


def test_a_request_is_given_up_after_bounded_retries(
    registry: Recuento, recorder: Recorder, waits: list[float]
) -> None:
    recorder.responses = [httpx2.Response(503, headers={"Retry-After": "5"}) for _ in range(9)]
    with pytest.raises(RecuentoError):
        registry.get("/v1")
    assert waits == [5.0, 5.0, 5.0]
    recorder.responses = [httpx2.Response(429, headers={"Retry-After": "3600"})]
    with pytest.raises(RecuentoError):
        registry.get("/v1")
    recorder.failures = 9
    with pytest.raises(httpx2.ConnectError):
        registry.get("/v1")


def test_a_spent_rate_limit_is_waited_for_before_the_next_request(
    registry: Recuento, recorder: Recorder, waits: list[float]
) -> None:
    recorder.responses = [httpx2.Response(200, headers={"RateLimit": '"client";r=0;t=30'}, json={})]
    registry.get("/v1")
    registry.get("/v1")
    assert [round(wait) for wait in waits] == [30]


def test_a_client_that_asks_too_often_waits_as_long_as_the_registry_says(
    registry: Recuento, recorder: Recorder, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, world.app.state.rates = world.app.state.rates, RateLimiter(2, 0)
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        world.app.state.rates = former

    monkeypatch.setattr(recuento_client.client, "sleep", wait)
    for _ in range(3):
        registry.get("sources")
    assert recorder.statuses == [200, 304, 429, 304]
    assert all(1 <= seconds <= 60 for seconds in waits)
    assert waits


def test_a_deprecated_address_is_warned_of(registry: Recuento, recorder: Recorder) -> None:
    recorder.responses = [httpx2.Response(200, headers={"Deprecation": "@1803859200", "Sunset": "soon"}, json={})]
    with pytest.warns(DeprecationWarning, match="ends on soon"):
        registry.get("/v1")


def test_tables_of_pandas_have_a_row_for_each_row_and_each_group(registry: Recuento) -> None:
    pytest.importorskip("pandas")
    rows = as_dataframe(registry.rows("releases", include="detainee", fields="released_on,detainee.name"))
    assert list(rows.columns) == ["released_on", "detainee.name"]
    assert len(rows) == RELEASES
    groups = as_dataframe(registry.count("releases", group_by="day"))
    assert list(groups["cases"]) == [1] * RELEASES
    assert as_dataframe(registry.count("releases"))["cases"][0] == RELEASES
    assert len(as_dataframe(registry.series(released_from="2026-01-08", by="event", interval="day"))) >= RELEASES
    assert list(as_dataframe(registry.overlap())["a"]) == ["foro"]

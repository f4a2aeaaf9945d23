"""A reader of count files answers the January replay as the registry does, while the registry is away."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.config import Settings
from app.demo.plan import CARACAS_ZONE_NAME
from app.exports.count_files.files import Licence
from app.exports.count_files.write import WriteOptions, write_count_files
from app.reader import create_reader
from tests.demo.conftest import Replayed

# A revision in each fifth of the replay.
FIFTHS = range(1, 6)
QUESTIONS = (
    "/v1/counts/releases?country=VE&released_from=2026-01-08&group_by=source",
    "/v1/counts/releases?released_from=2026-01-08&group_by=month&group_by=release_kind&group_by=status",
    "/v1/counts/releases?released_from=2026-01-08&released_to=2026-01-14&net=true&min_sources=2",
    "/v1/counts/releases.csv?verified_by_match=only&verified_by=foro-penal",
    "/v1/counts/releases?detained_from=2025&group_by=source_count&stage=announced",
    "/v1/counts/held?country=VE&held_on=2026-01-05&group_by=source",
    "/v1/counts/held?country=VE",
    "/v1/counts/series?country=VE&interval=week&released_from=2026-01-08&claims=true",
    "/v1/counts/series?country=VE&interval=hour&told_from=2026-01-12&released_from=2026-01-08",
    "/v1/timemaps/releases?country=VE&released_from=2026-01-08",
    "/v1/counts/series?country=VE&interval=day&by=event&released_from=2026-01-08&released_to=2026-01-31",
    "/v1/counts/overlap?country=VE&released_from=2026-01-08",
    "/v1/estimates/releases?lists=foro-penal&lists=jep&released_from=2026-01-08",
)
OF_THE_REQUEST = {"date", "ratelimit", "request-id"}


@pytest.fixture(scope="module")
def files(replayed: Replayed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    address = replayed.client.app.state.public_url  # type: ignore[attr-defined]
    write_count_files(replayed.engine, WriteOptions(folder, Licence.CC_BY, address, CARACAS_ZONE_NAME, "list"))
    return folder


@pytest.fixture(scope="module")
def reader(files: Path) -> Iterator[TestClient]:
    with TestClient(create_reader(files, Settings(database_url="sqlite:////nowhere/registry.db"))) as client:
        yield client


def told(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_THE_REQUEST}


@pytest.mark.parametrize("question", QUESTIONS)
def test_answers_are_the_same_bytes_with_the_same_tags_at_five_revisions(
    replayed: Replayed, reader: TestClient, question: str
) -> None:
    newest = replayed.get("/v1/counts/releases")["at"]["revision"]
    for fifth in FIFTHS:
        asked = f"{question}&as_of=r{newest * fifth // len(FIFTHS)}"
        wanted = replayed.client.get(asked)
        given = reader.get(asked)
        assert (given.status_code, given.content) == (wanted.status_code, wanted.content), asked
        assert told(given) == told(wanted), asked


@pytest.mark.parametrize("question", QUESTIONS)
def test_so_are_answers_of_today(replayed: Replayed, reader: TestClient, question: str) -> None:
    wanted, given = replayed.client.get(question), reader.get(question)
    assert (given.status_code, given.content) == (wanted.status_code, wanted.content)
    assert told(given) == told(wanted)


@pytest.mark.parametrize(
    "question",
    [
        "/v1/counts/releases?country=VE&as_of=2026-01-12",
        "/v1/counts/releases?country=VE&as_of=2026-01-12&zone=Asia/Tokyo",
        "/v1/counts/releases?country=VE&as_of=2026-01-12T15:00:00Z",
        "/v1/counts/held?country=VE&held_on=2026-06-01",
    ],
)
def test_so_are_those_of_a_moment_that_the_files_reach_and_of_any_day_of_custody(
    replayed: Replayed, reader: TestClient, question: str
) -> None:
    wanted, given = replayed.client.get(question), reader.get(question)
    assert wanted.status_code == 200
    assert (given.status_code, given.content) == (wanted.status_code, wanted.content)
    assert told(given) == told(wanted)


def test_it_leads_to_the_past_as_the_registry_does(replayed: Replayed, reader: TestClient) -> None:
    question, asked = "/v1/counts/releases?country=VE", {"Accept-Datetime": "Tue, 13 Jan 2026 18:00:00 GMT"}
    wanted = replayed.client.get(question, headers=asked, follow_redirects=False)
    given = reader.get(question, headers=asked, follow_redirects=False)
    assert (given.status_code, given.headers["location"]) == (302, wanted.headers["location"])


def test_of_personal_terms_it_says_whom_to_ask(reader: TestClient) -> None:
    for question in ("group_by=gender", "facility=el-rodeo-i", "age_group=over_70", "group_by=area"):
        answer = reader.get(f"/v1/counts/releases?{question}")
        assert (answer.status_code, answer.json()["code"]) in ((404, "not_in_files"), (422, "invalid")), question


def test_what_the_files_do_not_reach_has_not_come(replayed: Replayed, reader: TestClient) -> None:
    """The registry knows of later entries: an answer of before would be another number under the same address."""
    newest = replayed.get("/v1/counts/releases")["at"]["revision"]
    last_day = reader.get("/v1/counts/releases").json()["at"]["recorded_at"][:10]
    for moment in (f"r{newest + 1}", "2026-06-01", "2026-06-01T12:00:00Z", last_day):
        answer = reader.get("/v1/counts/releases", params={"as_of": moment})
        assert (answer.status_code, answer.json()["code"]) == (422, "ahead_of_head"), moment


def test_it_serves_counts_and_nothing_else(reader: TestClient) -> None:
    for address in ("/v1/releases", "/v1/detainees", "/v1/sources", "/v1/match", "/v1/review", "/v1/imports"):
        assert reader.get(address).status_code == 404, address
    assert reader.post("/v1/releases", json={}).status_code in (404, 405)
    described = reader.get("/openapi.json").json()
    assert all(path.startswith(("/v1/counts/", "/v1/estimates/", "/v1/timemaps/")) for path in described["paths"])

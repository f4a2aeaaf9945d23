"""Tags, 304, how long an answer may be kept and by whom, and what a page of another site may read."""

import uuid
from typing import Any

import httpx2
import pytest
from httpx2 import Response

from app.api.table_routes import TABLE_ENDING
from app.projection import RULES
from tests.support import GOVERNMENT, Body, World

PINNED = "public, max-age=31536000, immutable"
LIVE = "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"
KEYED = "private, no-store"


def every_get(world: World, filed: Body) -> dict[str, str | None]:
    """An address of every GET of data, and a key that may read it."""
    claim = world.post("/v1/claims", {"claimant": "jep", "measure": "held", "qualifier": "unquantified"}, "foro").json()
    known = {f"{{{thing}_id}}": filed[thing]["id"] for thing in ("release", "detention", "detainee", "report")}
    known |= {"{claim_id}": claim["id"], "{slug}": "el-rodeo-i"}
    known["{import_id}"] = world.send_list("nombre,país\nRosa,VE\n", dry_run=True)["id"]
    known["{extension}"] = "csv"
    known["{code}"] = world.count()["links"]["cite"].removeprefix("/c/")
    keyed = {"/v1/me": "foro", "/v1/reports": "foro", "/v1/reports/{report_id}": "foro", "/v1/review": "curator",
             "/v1/proposals": "curator", "/v1/objections": "curator", "/v1/waiting": "foro",
             "/v1/review/batches": "curator", "/v1/review/batches/reports": "curator"}  # fmt: skip
    keyed |= dict.fromkeys(("/v1/imports", "/v1/imports/{import_id}", "/v1/imports/{import_id}/rows"), "foro")
    found: dict[str, str | None] = {}
    for path, operations in world.app.openapi()["paths"].items():
        if "get" in operations and path.startswith(("/v1", "/c/")):
            address = path.replace("sources/{slug}", "sources/foro")
            for name, value in known.items():
                address = address.replace(name, value)
            address += "?source=foro&batch_kind=releases" if path.startswith("/v1/review/batches/reports") else ""
            found[address] = keyed.get(path.removesuffix(TABLE_ENDING))
    return found


@pytest.fixture
def filed(world: World) -> Body:
    world.add_facility()
    return world.file()


def revalidate(world: World, path: str, who: str | None, tag: str, **headers: str) -> Response:
    return world.client.get(path, headers=world.headers(who, **{"If-None-Match": tag}, **headers))


def test_every_get_has_a_tag_and_answers_304_to_it(world: World, filed: Body, subtests: pytest.Subtests) -> None:
    addresses = every_get(world, filed)
    assert len(addresses) >= 23
    for path, who in addresses.items():
        with subtests.test(path):
            first = world.client.get(path, headers=world.headers(who))
            assert first.status_code == 200
            tag = first.headers["etag"]
            assert tag.startswith('"')
            again = revalidate(world, path, who, tag)
            assert (again.status_code, again.content) == (304, b"")
            # A 304 carries what the 200 would (RFC 9110 section 15.4.5).
            for name in ("etag", "vary", "cache-control", "recuento-revision"):
                assert again.headers[name] == first.headers[name]
            for known in (f'"other", {tag}', f"W/{tag}"):
                assert revalidate(world, path, who, known).status_code == 304
            assert revalidate(world, path, who, '"other"').content == first.content
        assert revalidate(world, path, who, "*").status_code == 304


def test_what_is_not_there_is_not_there_unchanged_either(world: World) -> None:
    for path, status in ((f"/v1/releases/{uuid.uuid4()}", 404), ("/v1/counts/releases?source=none", 422)):
        assert revalidate(world, path, None, "*").status_code == status


def test_a_tag_holds_for_one_address_one_form_and_one_reader(world: World, filed: Body) -> None:
    tags = [world.get("/v1/releases", who).headers["etag"] for who in (None, *world.keys)]
    tags.append(world.get("/v1/releases", limit=5).headers["etag"])
    others = ("/v1/releases.csv", "/v1/releases.jsonl", "/v1/detentions")
    tags += [world.get(path).headers["etag"] for path in others]
    assert len(set(tags)) == len(tags)


def test_a_tag_ends_with_the_revision_it_was_made_of(world: World, filed: Body) -> None:
    address = f"/v1/releases/{filed['release']['id']}"
    tag = world.get(address).headers["etag"]
    assert revalidate(world, address, None, tag).status_code == 304
    world.file("jep", detainee__full_name="Ulises Barrios")
    assert revalidate(world, address, None, tag).status_code == 200


def test_a_tag_does_not_outlive_a_consent_even_of_a_pinned_answer(world: World, filed: Body) -> None:
    address = f"/v1/detainees/{filed['detainee']['id']}?as_of=r{world.revision}"
    tag = world.client.get(address).headers["etag"]
    world.consent(filed["detainee"]["id"], "anonymous")
    answer = revalidate(world, address, None, tag)
    assert (answer.status_code, answer.json()["name"]) == (200, None)


def test_the_tag_of_a_report_changes_only_when_the_report_does(world: World, filed: Body) -> None:
    address = f"/v1/reports/{filed['report']['id']}"
    tag = world.get(address, "foro").headers["etag"]
    world.file("jep", detainee__full_name="Ulises Barrios")
    assert revalidate(world, address, "foro", tag).status_code == 304
    world.refuse(revalidate(world, address, "jep", tag), 404, "not_found")


def test_counts_of_nothing_personal_are_kept_by_anyone(world: World, filed: Body, subtests: pytest.Subtests) -> None:
    path, now = "/v1/counts/releases", world.revision
    cases: list[tuple[str, str]] = [
        (f"rules={RULES}&as_of=r{now}", PINNED),
        (f"rules={RULES}&as_of=r{now}&group_by=source", PINNED),
        (f"rules={RULES}&as_of=r{now}&group_by=month&country=VE&net=true&designation=unstated", PINNED),
        ("", LIVE),
        ("group_by=source", LIVE),
        (f"as_of=r{now}", LIVE),  # other rules may give another number
        ("as_of=2026-03-01", LIVE),  # today's end may still bring something
        ("as_of=2026-03-01T12:00:00Z", LIVE),
        # What depends on today's consent may be withdrawn tomorrow, pinned or not.
        (f"as_of=r{now}&group_by=facility", "no-cache"),
        (f"as_of=r{now}&group_by=source&group_by=gender", "no-cache"),
        (f"as_of=r{now}&nationality=VE", "no-cache"),
        ("group_by=age_group", "no-cache"),
        ("facility=el-rodeo-i", "no-cache"),
    ]
    for query, expected in cases:
        with subtests.test(query):
            assert world.client.get(f"{path}?{query}").headers["cache-control"] == expected


def test_every_other_public_answer_is_asked_for_again(world: World, filed: Body, subtests: pytest.Subtests) -> None:
    for path, who in every_get(world, filed).items():
        if who is None and not any(number in path for number in ("counts", "estimates", "timemaps")):
            for query in ("", f"?as_of=r{world.revision}"):
                with subtests.test(path + query):
                    assert world.client.get(path + query).headers["cache-control"] == "no-cache"


def test_what_is_read_with_a_key_is_kept_by_nobody(world: World, filed: Body, subtests: pytest.Subtests) -> None:
    for path, who in every_get(world, filed).items():
        for reader in [who] if who else ["foro", "jep", GOVERNMENT, "reader", "curator", "admin"]:
            with subtests.test(f"{path} for {reader}"):
                pinned = httpx2.URL(path).copy_merge_params({"as_of": f"r{world.revision}"})
                headers = world.client.get(pinned, headers=world.headers(reader)).headers
                assert headers["cache-control"] == KEYED
                assert "Authorization" in headers["vary"].split(", ")


def test_answers_to_writes_and_refusals_are_kept_by_nobody(world: World, filed: Body) -> None:
    answer = world.post("/v1/releases", {}, "foro")
    assert answer.headers["cache-control"] == "no-store"
    assert world.get("/v1/nothing").headers["cache-control"] == "no-store"
    verdict = {"verdict": "verified", "method": "lawyer"}
    answer = world.post(f"/v1/releases/{filed['release']['id']}/verifications", verdict, "jep")
    assert answer.headers["cache-control"] == KEYED
    assert answer.headers["recuento-revision"] == str(answer.json()["receipt"]["revision"])


def test_every_public_answer_varies_by_key(world: World, filed: Body, subtests: pytest.Subtests) -> None:
    for path, who in every_get(world, filed).items():
        if who is None:
            with subtests.test(path):
                vary = world.get(path).headers["vary"].split(", ")
                assert "Authorization" in vary


def cross_origin(world: World, method: str, path: str, **headers: str) -> Response:
    return world.client.request(method, path, headers={"Origin": "https://news.example", **headers})


def test_a_page_of_any_site_may_read_what_is_public(world: World, filed: Body, subtests: pytest.Subtests) -> None:
    for path, who in every_get(world, filed).items():
        if who is None:
            with subtests.test(path):
                answer = cross_origin(world, "GET", path)
                assert answer.headers["access-control-allow-origin"] == "*"
                assert "access-control-allow-credentials" not in answer.headers
                exposed = set(answer.headers["access-control-expose-headers"].split(", "))
                assert {"ETag", "Link", "Retry-After", "Recuento-Revision", "Idempotency-Replayed"} <= exposed


def test_refusals_can_be_read_by_other_sites_too(world: World) -> None:
    for path in ("/v1/releases?limit=0", "/v1/nothing", "/v1/releases/17"):
        assert cross_origin(world, "GET", path).headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method,status", [("GET", 200), ("POST", 400), ("PATCH", 400), ("DELETE", 400)])
def test_a_page_of_another_site_may_read_and_not_write(world: World, method: str, status: int) -> None:
    asked: dict[str, Any] = {"Access-Control-Request-Method": method}
    answer = cross_origin(world, "OPTIONS", "/v1/releases", **asked)
    assert answer.status_code == status
    assert "access-control-allow-credentials" not in answer.headers
    if status != 200:
        world.refuse(answer, 400, "cors_refused")


def test_every_answer_forbids_sniffing_framing_and_referrers(world: World, filed: Body) -> None:
    for path in ("/v1/releases", "/v1/nothing", "/healthz", "/openapi.json"):
        headers = world.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]

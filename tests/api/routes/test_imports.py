"""Lists sent to /v1/imports: who may, in which envelopes, and what is told of them."""

import gzip
import hashlib
import tracemalloc
import zlib
from datetime import timedelta

import pytest

from app.db.engine import open_write_session
from app.imports.filing import import_store
from app.registry.directory_snapshot import DirectorySnapshot
from tests.imports.sheets import row, xlsx
from tests.support import NOW, Body, World

LIST = "nombre;fecha de nacimiento;país\nRosa Inés Valdivia;1971;Venezuela\nJulio Peralta Ríos;treinta;VE\n"
MAPPING = '[constants]\n"detainee.designation" = "political"\n'


def send(world: World, data: bytes, kind: str | None = None, path: str = "/v1/imports", **headers: str) -> Body:
    given = {} if kind is None else {"Content-Type": kind}
    response = world.client.post(path, content=data, headers=world.headers("foro", **given, **headers))
    assert response.status_code == 202, response.text
    world.settle()
    return dict(world.get(f"/v1/imports/{response.json()['id']}", "foro").json())


@pytest.mark.parametrize("kind", ["text/csv", "application/octet-stream", "text/csv; charset=utf-8", None])
def test_a_list_may_be_the_body_itself_of_whatever_type(world: World, kind: str | None) -> None:
    receipt = send(world, LIST.encode(), kind)
    assert (receipt["form"], receipt["counts"]["new"], receipt["counts"]["error"]) == ("csv", 1, 1)


def test_a_list_is_answered_at_once_and_read_where_the_answer_says(world: World) -> None:
    response = world.client.post("/v1/imports", content=LIST.encode(), headers=world.headers("foro"))
    assert (response.status_code, response.json()["state"]) == (202, "waiting")
    assert response.headers["location"] == f"/v1/imports/{response.json()['id']}"
    world.settle()
    assert world.get(response.headers["location"], "foro").json()["state"] == "done"


def test_a_form_carries_the_list_and_its_mapping(world: World) -> None:
    receipt = world.send_list(xlsx(row(1, "Nombre", "País"), row(2, "Rosa Inés Valdivia", "VE")), mapping=MAPPING)
    assert (receipt["form"], receipt["counts"]["new"]) == ("xlsx", 1)
    assert world.get("/v1/reports", "foro").json()["data"][0]["detainee"]["designation"] == "political"


@pytest.mark.parametrize(
    "parts, pointer, code",
    [
        ({"list": ("x", b"y")}, "", "unknown_field"),
        ({"mapping": ("x", b"")}, "/file", "required"),
        ({"file": ("x", b"y"), "mapping": ("m", b"no toml")}, "/mapping", "bad_mapping"),
    ],
)
def test_another_form_is_refused(world: World, parts: Body, pointer: str, code: str) -> None:
    with world.storing_nothing():
        response = world.client.post("/v1/imports", files=parts, headers=world.headers("foro"))
        world.refuse(response, 422, code, pointer)


def test_a_form_that_is_none_is_refused(world: World) -> None:
    headers = world.headers("foro", **{"Content-Type": "multipart/form-data"})
    world.refuse(world.client.post("/v1/imports", content=b"x", headers=headers), 422, "malformed_form")


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna", "latin-1", "nobody"])
def test_a_form_in_another_encoding_is_refused_before_it_is_read(world: World, charset: str) -> None:
    """Punycode takes hours for a list, and "undefined" fails in a way that nobody expects."""
    headers = world.headers("foro", **{"Content-Type": f"multipart/form-data; boundary=b; charset={charset}"})
    form = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx-' + b"a" * 100_000 + b"\r\n--b--\r\n"
    with world.storing_nothing():
        response = world.client.post("/v1/imports", content=form, headers=headers)
        assert "UTF-8" in world.refuse(response, 422, "malformed_form")["detail"]


@pytest.mark.parametrize("asked", ["dryrun=true", "dry_run=perhaps", "dry_run=true&x=1", "dry_run=true&dry_run=false"])
def test_a_misspelt_wish_stores_nothing(world: World, asked: str) -> None:
    with world.storing_nothing():
        response = world.client.post(f"/v1/imports?{asked}", content=LIST.encode(), headers=world.headers("foro"))
        assert response.status_code == 422, response.text


def test_the_same_list_under_one_idempotency_key_is_one_import_whatever_its_envelope(world: World) -> None:
    once = {"Idempotency-Key": "monday"}
    first = send(world, LIST.encode(), **once)
    part = {"file": ("list.csv", LIST.encode())}
    again = world.client.post("/v1/imports", files=part, headers=world.headers("foro", **once))
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (first["id"], "true")
    other = world.client.post("/v1/imports", content=b"{}", headers=world.headers("foro", **once))
    world.refuse(other, 422, "idempotency_mismatch")


def test_a_list_beyond_the_bound_is_refused_and_one_beyond_that_of_other_bodies_is_not(world: World) -> None:
    large = LIST.encode() + (b";" * 99 + b"\n") * 20_000
    assert send(world, large)["state"] == "done"
    huge = b"\n" * (world.settings.max_import_bytes + 1)
    response = world.client.post("/v1/imports", content=huge, headers=world.headers("foro"))
    world.refuse(response, 413, "payload_too_large")


def test_a_packed_list_is_the_list_and_the_same_request(world: World) -> None:
    once = {"Idempotency-Key": "monday"}
    receipt = send(world, gzip.compress(LIST.encode()), **once, **{"Content-Encoding": "gzip"})
    assert (receipt["digest"], receipt["counts"]["new"]) == (hashlib.sha256(LIST.encode()).hexdigest(), 1)
    assert send(world, LIST.encode(), **once)["id"] == receipt["id"]


PACKED = gzip.compress(LIST.encode())


@pytest.mark.parametrize(
    "packing, body, status, code",
    [
        ("gzip", PACKED[:-9], 422, "malformed_gzip"),
        ("gzip", PACKED + b"x", 422, "malformed_gzip"),
        ("gzip", PACKED + PACKED, 422, "malformed_gzip"),
        ("gzip", LIST.encode(), 422, "malformed_gzip"),
        ("gzip", zlib.compress(LIST.encode()), 422, "malformed_gzip"),
        ("gzip", b"", 422, "malformed_gzip"),
        ("br", PACKED, 415, "unsupported_media_type"),
        ("gzip, gzip", PACKED, 415, "unsupported_media_type"),
    ],
)
def test_a_packed_list_that_is_damaged_or_packed_otherwise_is_refused(
    world: World, packing: str, body: bytes, status: int, code: str
) -> None:
    headers = world.headers("foro", **{"Content-Encoding": packing})
    with world.storing_nothing():
        world.refuse(world.client.post("/v1/imports", content=body, headers=headers), status, code)


def test_a_small_body_that_unpacks_to_more_than_a_list_is_refused_before_it_is_whole(world: World) -> None:
    bomb = gzip.compress(b"\n" * 200 * 1024 * 1024, 1)
    tracemalloc.start()
    headers = world.headers("foro", **{"Content-Encoding": "gzip"})
    response = world.client.post("/v1/imports", content=bomb, headers=headers)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    world.refuse(response, 413, "payload_too_large")
    assert most < 4 * world.settings.max_import_bytes


def test_parts_of_a_list_are_asked_about_as_the_whole_that_they_are_of(world: World) -> None:
    long = "nombre;fecha de nacimiento;país\n" + "".join(
        f"Inés {chr(65 + n)}aldivia;{1950 + n};VE\n" for n in range(20)
    )
    assert world.send_list(long, whole=100)["whole"] == 100
    world.now += timedelta(minutes=1)
    assert world.send_list(LIST, whole=60)["state"] == "done"
    assert world.send_list(LIST, whole=20)["questions"][0]["detail"].startswith(
        "This list has 20 rows, your last one had 60"
    )
    assert world.send_list(LIST)["state"] == "questioned"


@pytest.mark.parametrize("whole", ["0", "-1", "all", "99999999"])
def test_a_whole_that_cannot_be_is_refused(world: World, whole: str) -> None:
    response = world.client.post(f"/v1/imports?whole={whole}", content=LIST.encode(), headers=world.headers("foro"))
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/whole")


def test_rows_are_paged_and_chosen_by_outcome(world: World) -> None:
    receipt = world.send_list(LIST)
    first = world.get(f"/v1/imports/{receipt['id']}/rows", "foro", limit=1).json()
    assert [one["row"] for one in first["data"]] == [2]
    second = world.client.get(first["next"], headers=world.headers("foro")).json()
    assert ([one["row"] for one in second["data"]], second["next"]) == ([3], None)
    assert [one["outcome"] for one in world.rows_of(receipt, outcome="error")] == ["error"]
    report = first["data"][0]["report_id"]
    assert world.get(f"/v1/reports/{report}", "foro").json()["detainee"]["full_name"] == "Rosa Inés Valdivia"


def test_progress_has_tags_of_its_own_though_the_registry_stands_still(world: World) -> None:
    receipt = world.send_list(LIST, dry_run=True)
    path = f"/v1/imports/{receipt['id']}"
    tag = world.get(path, "foro").headers["etag"]
    headers = world.headers("foro", **{"If-None-Match": tag})
    assert world.client.get(path, headers=headers).status_code == 304
    assert world.client.get(f"{path}/rows", headers=headers).status_code == 200


def test_a_page_of_rows_names_the_registrys_revision_and_is_new_when_that_moves(world: World) -> None:
    path = f"/v1/imports/{world.send_list(LIST)['id']}/rows"
    first = world.get(path, "foro")
    world.file("jep", detainee__full_name="Otro Invento")
    headers = world.headers("foro", **{"If-None-Match": first.headers["etag"]})
    again = world.client.get(path, headers=headers)
    assert (again.status_code, again.json()["at"]["revision"]) == (200, first.json()["at"]["revision"] + 1)


def test_of_a_row_only_what_is_no_number_is_told_to_its_sender_and_never_a_name(world: World) -> None:
    marked = LIST.replace("treinta", "UNREAD treinta").replace("Julio Peralta", "MARKED Julio")
    receipt = world.send_list(marked)
    assert [one["examples"][0]["value"] for one in receipt["groups"]] == ["UNREAD treinta"]
    assert "MARKED" not in str(receipt)
    assert "MARKED" not in str(world.rows_of(receipt))
    assert "MARKED" not in world.kept_of_lists()
    assert world.kept_of_lists().count("UNREAD") == 1


def test_a_source_may_have_a_few_lists_on_their_way_and_no_more(world: World) -> None:
    with open_write_session(world.engine) as session:
        source = DirectorySnapshot(session).sources_by_slug["foro"].key
        for _ in range(import_store.MAX_WAITING_LISTS):  # without their files, so that nobody works on them
            import_store.begin_import(
                session, world.app.state.secret, source, None, "0" * 64, import_store.ImportOptions(), NOW
            )
    response = world.client.post("/v1/imports", content=LIST.encode(), headers=world.headers("foro"))
    world.refuse(response, 409, "lists_waiting")
    assert response.headers["retry-after"] == "5"
    assert world.client.post("/v1/imports", content=LIST.encode(), headers=world.headers("jep")).status_code == 202


def test_a_list_of_another_source_is_not_found(world: World) -> None:
    receipt = world.send_list(LIST)
    for path in (f"/v1/imports/{receipt['id']}", f"/v1/imports/{receipt['id']}/rows"):
        world.refuse(world.get(path, "jep"), 404, "not_found")


def test_a_mapping_in_other_letters_is_refused_and_a_byte_order_mark_is_none(world: World) -> None:
    mapping = '[columns]\n"Quién" = "detainee.full_name"\n'
    for encoding, status in (("windows-1252", 422), ("utf-8-sig", 202)):
        files = {"file": ("list.csv", LIST.encode()), "mapping": ("map.toml", mapping.encode(encoding))}
        answer = world.client.post("/v1/imports?dry_run=true", files=files, headers=world.headers("foro"))
        assert answer.status_code == status, answer.text

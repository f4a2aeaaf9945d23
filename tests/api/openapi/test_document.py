"""The document says what each thing is, in one place, and is made once."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep
from typing import Any

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.api.openapi import DESK_OPENAPI_PATH, DESK_TAGS, OPENAPI_PATH, complete_document, divide_document
from app.api.table_routes import TABLE_SUFFIX
from app.cli import load_command
from app.config import Settings
from app.descriptions import load_descriptions
from app.main import ROUTERS, create_app
from tests.described import describe
from tests.docs.reading import ROOT
from tests.support import A_WHILE, PATIENCE, World

Node = dict[str, Any]
MAX_CHARACTERS = 400_000  # of the document of reading and reporting


addresses = pytest.mark.parametrize("path", [OPENAPI_PATH, DESK_OPENAPI_PATH])


@pytest.fixture(scope="module")
def document() -> Node:
    return describe(create_app(Settings(database_url="sqlite://")))


def operations(document: Node) -> list[Node]:
    return [one for methods in document["paths"].values() for one in methods.values()]


def fields_of(schema: Node) -> Node:
    """The fields that a schema declares itself, also as an extension of another."""
    return {
        name: said for part in (schema, *schema.get("allOf", [])) for name, said in part.get("properties", {}).items()
    }


def all_fields_of(schemas: Node, name: str) -> Node:
    """The fields of a schema, with those of the one that it extends."""
    schema = schemas.get(name, {})
    bases = [part["$ref"].rpartition("/")[2] for part in schema.get("allOf", []) if "$ref" in part]
    return fields_of(schema) | {field: said for base in bases for field, said in all_fields_of(schemas, base).items()}


def test_every_parameter_and_every_field_is_described(document: Node) -> None:
    parameters = [(o["operationId"], p) for o in operations(document) for p in o.get("parameters", [])]
    assert [(name, p["name"]) for name, p in parameters if not p.get("description")] == []
    schemas = document["components"]["schemas"]
    fields = [(name, field, said) for name, s in schemas.items() for field, said in fields_of(s).items()]
    assert [(name, field) for name, field, said in fields if not said.get("description")] == []


def test_every_description_is_used_by_something(document: Node) -> None:
    """One that nobody reads is a text that somebody forgot to move."""
    parameters = {p["name"] for o in operations(document) for p in o.get("parameters", [])}
    named = {(o["operationId"], p["name"]) for o in operations(document) for p in o.get("parameters", [])}
    own = {tuple(key.split(".")) for key in load_descriptions()["parameters"] if "." in key}
    assert own - named == set()
    assert {key for key in load_descriptions()["parameters"] if "." not in key} - parameters - {"mapping"} == set()
    schemas = document["components"]["schemas"]
    fields = {field for s in schemas.values() for field in fields_of(s)} | {"file", "mapping"}
    for part in ("bodies", "answers"):
        plain = {key for key in load_descriptions()[part] if "." not in key}
        assert plain - fields == set(), part
        told = {tuple(key.split(".")) for key in load_descriptions()[part] if "." in key}
        assert {(s, f) for s, f in told if f not in all_fields_of(schemas, s)} == set(), part


def test_a_text_is_a_sentence() -> None:
    for part in ("parameters", "bodies", "answers"):
        for name, text in load_descriptions()[part].items():
            assert text.strip() == text, name
            assert text.endswith((".", "…")), name


def test_an_operation_is_called_as_its_function_is(document: Node) -> None:
    functions = {
        route.endpoint.__name__
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema and router.include_in_schema
    }
    names = {operation["operationId"] for operation in operations(document)}
    assert {name.removesuffix(TABLE_SUFFIX) for name in names} == functions


def test_the_tags_have_texts_and_are_those_of_the_operations(document: Node) -> None:
    for part in (document, *divide_document(document).values()):
        assert {tag["name"] for tag in part["tags"]} == {tag for one in operations(part) for tag in one["tags"]}
        assert all(tag["description"] for tag in part["tags"])


def test_the_server_is_where_readers_find_the_registry() -> None:
    def servers(**given: str) -> list[str]:
        settings = Settings(database_url="sqlite://", **given)  # type: ignore[arg-type]
        return [server["url"] for server in create_app(settings).openapi()["servers"]]

    assert servers() == ["/"]
    assert servers(public_url="https://registry.example") == ["https://registry.example"]


def test_the_headers_that_a_client_sends_are_declared(document: Node) -> None:
    sent = {
        (o["operationId"], p["name"])
        for o in operations(document)
        for p in o.get("parameters", [])
        if p["in"] == "header"
    }
    posts = {path["post"]["operationId"] for path in document["paths"].values() if "post" in path}
    without = {"match_person", "match_list", "match_list_table", "receive_objection"}
    assert {name for name, header in sent if header == "Idempotency-Key"} == posts - without
    assert {name for name, header in sent if header == "If-Match"} == {"amend_report", "retract_report"}
    gets = {path["get"]["operationId"] for path in document["paths"].values() if "get" in path}
    assert {name for name, header in sent if header == "If-None-Match"} == gets - {"is_alive", "is_ready"}


def test_terms_and_groups_have_types(document: Node) -> None:
    schemas = document["components"]["schemas"]
    count = all_fields_of(schemas, "ReleaseCount")
    assert count["terms"]["$ref"].endswith("/CountedTerms")
    assert count["groups"]["items"]["$ref"].endswith("/CountGroup")
    kinds = all_fields_of(schemas, "CountGroup")["counts"]["anyOf"]
    assert {kind["$ref"].rpartition("/")[2] for kind in kinds} == {"CountTotal", "SourceCount"}


def test_every_schema_and_parameter_has_one_plain_name(document: Node) -> None:
    """Generators make classes of them: no name of a module, and no `-Input` beside an `-Output`."""
    assert [name for name in document["components"]["schemas"] if not name.isalnum()] == []


def test_dates_countries_zones_slugs_and_revisions_have_formats(document: Node) -> None:
    schemas = document["components"]["schemas"]
    release = all_fields_of(schemas, "ReleaseShape")
    assert "/PartialDate" in json.dumps(release["released_on"])
    parameters = {p["name"]: p["schema"] for p in document["paths"]["/v1/releases"]["get"]["parameters"]}
    for name, kind in {"country": "Country", "zone": "Zone", "released_from": "PartialDate", "source": "Slug"}.items():
        assert parameters[name]["$ref"].endswith(f"/{kind}"), name


def test_what_operations_share_is_written_once(document: Node, world: World) -> None:
    served = world.app.openapi()
    inline = [json.dumps(p) for o in operations(served) for p in o.get("parameters", []) if "$ref" not in p]
    assert len(inline) == len(set(inline))


def test_the_document_for_readers_is_short(world: World) -> None:
    assert len(world.get(OPENAPI_PATH).text) < MAX_CHARACTERS


def test_each_operation_is_in_one_document(document: Node, world: World) -> None:
    parts = divide_document(world.app.openapi())
    names = {path: [one["operationId"] for one in operations(part)] for path, part in parts.items()}
    assert sorted(names[OPENAPI_PATH] + names[DESK_OPENAPI_PATH]) == sorted(
        o["operationId"] for o in operations(document)
    )
    assert {tag for one in operations(parts[DESK_OPENAPI_PATH]) for tag in one["tags"]} == DESK_TAGS
    assert {"receive_objection", "file_release", "count_releases"} <= {*names[OPENAPI_PATH]}


@addresses
def test_a_checked_in_document_is_current(world: World, path: str) -> None:
    stored = json.loads((ROOT / path.strip("/")).read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps(divide_document(world.app.openapi())[path])), "run make openapi"


@addresses
def test_a_document_is_made_once_and_sent_as_it_is(world: World, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    first = world.get(path)
    assert first.json() == json.loads(json.dumps(divide_document(world.app.openapi())[path]))
    monkeypatch.setattr(json, "dumps", None)  # whoever made it again would need this
    again = world.client.get(path)
    assert again.content == first.content
    tagged = world.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (tagged.status_code, tagged.content) == (304, b"")
    assert tagged.headers["etag"] == first.headers["etag"]


def test_who_asks_while_the_document_is_made_gets_the_whole_of_it(
    document: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, begun = create_app(Settings(database_url="sqlite://")), Event()

    def slowly(half: Node) -> Node:
        begun.set()
        sleep(A_WHILE)
        return complete_document(half)

    monkeypatch.setattr("app.main.complete_document", slowly)
    with ThreadPoolExecutor(1) as others:
        first = others.submit(app.openapi)
        assert begun.wait(PATIENCE)
        assert app.openapi()["paths"].keys() == document["paths"].keys()
    assert first.result()["paths"].keys() == document["paths"].keys()


def test_the_document_is_sent_packed_to_whoever_can_unpack_it() -> None:
    client = TestClient(create_app(Settings(database_url="sqlite://")))
    with client.stream("GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        body = b"".join(packed.iter_raw())
    plain = client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(body) == plain.content
    assert "Accept-Encoding" in packed.headers["vary"]


def test_the_help_of_a_command_says_what_the_document_says(document: Node) -> None:
    by_id = {one["operationId"]: one for one in operations(document)}
    told = {(name, p["name"]): p["description"] for name, one in by_id.items() for p in one.get("parameters", [])}
    fields = document["components"]["schemas"]["SourceIn"]["properties"]
    helps = {option.name: option.help for name in ("match", "import") for option in load_command(name).params}
    for name in ("country", "held_on", "released_from", "released_to"):
        assert helps[name] == told["match_list", name]
    for name in ("dry_run", "strict", "confirm"):
        assert helps[name] == told["send_list", name]
    added = {option.name: option.help for option in load_command("source").commands["add"].params}
    for name in ("name", "kind", "country", "independent", "definition"):
        assert added[name] == fields[name]["description"]


def test_a_shape_and_an_answer_say_what_they_are(document: Node) -> None:
    assert [name for name, schema in document["components"]["schemas"].items() if not schema.get("description")] == []
    said = {answer["description"] for one in operations(document) for answer in one["responses"].values()}
    assert "Successful Response" not in said
    assert all(said)


def test_a_key_may_be_left_out_where_everybody_may_read(document: Node) -> None:
    public = {one["operationId"] for one in operations(document) if {} in one["security"] or not one["security"]}
    assert {"count_releases", "list_releases", "read_citation", "is_alive", "read_claim"} <= public
    keyed = {one["operationId"].removesuffix(TABLE_SUFFIX) for one in operations(document)} - public
    methods = [each for path in document["paths"].values() for each in path.items()]
    writes = {one["operationId"].removesuffix(TABLE_SUFFIX) for method, one in methods if method != "get"}
    assert keyed == writes - {"receive_objection"} | {
        "read_me", "list_review", "list_proposals", "list_reports", "read_report", "read_import",
        "list_imports", "list_import_rows",
        "list_objections", "list_waiting", "list_batches", "list_batch_reports",
    }  # fmt: skip

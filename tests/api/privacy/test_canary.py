"""Marked values of people who must not be seen: they stand in no public answer, form, header or log line.

Every value a source can send about a person carries a mark of its own. Whoever adds a way to read will be walked
over by this: the addresses come from the OpenAPI document.
"""

import json
import logging
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.api import responses
from app.api.table_routes import TABLE_ENDING
from app.db.engine import open_read_session, open_write_session
from app.db.files import back_up_database
from app.exports import package
from app.models import metadata
from app.queries.dimensions import RELEASES, list_dimensions
from app.vocabulary import Role
from tests.api.serving import serving
from tests.support import ANYONE, GOVERNMENT, Body, World, make_report

# The last two await review, or were rejected: nobody but their source reports them.
HIDDEN = ("counted", "minor", "withdrawn", "anonymous", "retracted", "erased", "unreviewed", "rejected")
WAITING = "waiting"  # under an embargo: nowhere but in the list that its source asks for
EVERYBODY = (*HIDDEN, "named", WAITING)
# The class that a report asks for, where that is not what the person is.
ASKED = {"minor": None, "withdrawn": "named", "retracted": "counted"}
ASKED |= dict.fromkeys(("erased", "unreviewed", "rejected", WAITING), "named")
DIMENSIONS = list_dimensions(RELEASES)
# What is read with a key only.
KEYED = {"/v1/me", "/v1/reports", "/v1/reports/{report_id}", "/v1/review", "/v1/proposals", "/v1/imports/{import_id}"}
KEYED |= {"/v1/imports", "/v1/imports/{import_id}/rows", "/v1/objections", "/v1/waiting"}
KEYED |= {"/v1/review/batches", "/v1/review/batches/reports"}
# Twelve digits: seven of them stand in some random id of some run.
NATIONAL_IDS = {who: f"V-{731_004_000_040 + number}" for number, who in enumerate(EVERYBODY)}


def mark(who: str, what: str) -> str:
    return f"zq{who}{what}qz"


def birthday(who: str) -> str:
    return f"{'2008' if who == 'minor' else '1931'}-07-{10 + EVERYBODY.index(who)}"


def report_of(who: str, source_record: str = "case") -> Body:
    """A report that says everything, each value marked with who and what it is."""
    return make_report(
        source_record_id=mark(who, source_record),
        detainee={
            "full_name": f"{mark(who, 'first')} {mark(who, 'last')}", "aliases": [mark(who, "alias")], "gender": "male",
            "birth_date": birthday(who), "nationalities": ["VE"],
            "father_name": mark(who, "father"), "national_id": NATIONAL_IDS[who], "category": "military",
            "groups": ["gravely_ill", "student"],
            "publish": ASKED.get(who, who),
        },
        detention={
            "detained_on": "2025-07-01", "facility": mark(who, "facility"), "place": mark(who, "place"),
            "country": "VE", "legal_status": "incommunicado",
            "transfers": [{"on": "2025-08", "facility": mark(who, "transfer")}],
            "charges": [mark(who, "charge")], "case": mark(who, "court"), "sentence": {"term": mark(who, "term")},
        },
        release__destination=mark(who, "destination"),
        release__conditions=["gag_order"],
        verification__evidence=[{"url": f"https://{mark(who, 'evidence')}.example/"}],
        note=mark(who, "note"),
    )  # fmt: skip


@dataclass
class Scene:
    """People of every hidden class and one who is named, and where each can be asked for."""

    world: World
    ids: dict[str, dict[str, str]] = field(default_factory=dict)

    def addresses(self) -> Iterator[str]:
        """Every public GET there is, with the ids of everyone, and counts by every dimension."""
        claim = self.world.get("/v1/claims").json()["data"][0]["id"]
        code = self.world.count(as_of=20)["links"]["cite"].removeprefix("/c/")
        for path, operations in self.world.app.openapi()["paths"].items():
            if "get" not in operations or path.removesuffix(TABLE_ENDING) in KEYED:
                continue
            path = (
                path.replace("sources/{slug}", "sources/foro")
                .replace("{slug}", "yare")
                .replace("{claim_id}", claim)
                .replace("{code}", code)
                .replace("{extension}", "csv")
            )
            for ids in self.ids.values() if "{" in path else [{}]:
                yield path.format(**ids)
        yield from (f"/v1/counts/releases?group_by={name}" for name in DIMENSIONS)

    @property
    def forbidden(self) -> list[str]:
        out = (*HIDDEN, WAITING)
        dates = [birthday(who) for who in out] + ["birth_date", '"birth_year":2008']
        return [f"zq{who}" for who in out] + dates + [number[2:] for number in NATIONAL_IDS.values()]


@pytest.fixture(scope="module")
def scene(shared: World) -> Scene:
    """A scene to be read alone."""
    return set_scene(shared)


@pytest.fixture
def own_scene(world: World) -> Scene:
    """A scene of a test that changes it, or looks at its files."""
    return set_scene(world)


def file_person(found: Scene, who: str) -> None:
    """File two versions, and what a second source says if it may know of the person."""
    world = found.world
    world.trust("foro", 0 if who in ("rejected", "unreviewed") else 1_000)
    filed = world.post("/v1/releases", report_of(who), "foro")
    assert filed.status_code == 201
    found.ids[who] = {f"{t}_id": filed.json()[t]["id"] for t in ("detainee", "detention", "release", "report")}
    body = report_of(who) | {"note": mark(who, "newnote")}  # a second version, a correction, and a second source
    body["release"]["released_on"] = "2026-01-11"
    assert world.post("/v1/releases", body, "foro").status_code == 200
    verdict = {
        "verdict": "verified",
        "method": "lawyer",
        "evidence": [{"url": f"https://{mark(who, 'theirs')}.org"}],
    }
    path = f"/v1/releases/{found.ids[who]['release_id']}/verifications"
    answer = world.post(path, verdict, "jep")
    is_unknown = who in ("counted", "retracted", "minor", "rejected", "unreviewed")
    assert answer.status_code == (404 if is_unknown else 201)
    if who == "rejected":
        world.review("foro", "rejected")


def set_scene(world: World) -> Scene:
    found = Scene(world)
    world.add_facility("yare", "Yare")
    for who in ("rejected", *(one for one in HIDDEN if one not in ("rejected", "unreviewed")), "named"):
        file_person(found, who)
    waits = report_of(WAITING) | {"publish_not_before": "2026-03-20"}
    assert world.post("/v1/releases", waits, "foro").status_code == 202
    twin = world.post("/v1/releases", report_of("anonymous", "twin"), "foro").json()  # waits for review, with reasons
    world.consent(found.ids["withdrawn"]["detainee_id"], "counted", given_by=mark("withdrawn", "givenby"))
    world.judge(found.ids["anonymous"]["detainee_id"], twin["detainee"]["id"], "different")
    world.post(
        f"/v1/reports/{found.ids['retracted']['report_id']}/retract", {"reason": mark("retracted", "why")}, "foro"
    )
    world.redact(found.ids["erased"]["detainee_id"])
    claim = {"claimant": "jep", "measure": "held", "qualifier": "unquantified", "note": mark("counted", "claimnote")}
    world.post("/v1/claims", claim, "foro")
    file_person(found, "unreviewed")  # all that its source files now waits
    return found


def leaks(scene: Scene, text: str) -> list[str]:
    return [value for value in scene.forbidden if value in text]


def everything_of(answer: httpx2.Response) -> str:
    return f"{answer.headers} {answer.url} {answer.text}"


def test_the_marks_are_seen_where_they_may_be_seen(scene: Scene) -> None:
    """The test would pass on an empty registry: partners see what the public must not, and the named are named."""
    seen = scene.world.get("/v1/detainees", "reader").text
    for who in ("counted", "minor", "withdrawn", "anonymous", "named"):
        for what in ("first", "alias", "father"):
            assert mark(who, what) in seen
    public = scene.world.get("/v1/detainees").text + scene.world.get("/v1/releases").text
    assert mark("named", "first") in scene.world.get("/v1/detainees", "reader").text
    assert '"publish":"anonymous"' in public
    assert scene.world.count()["caveats"]["withheld"] >= 3


def test_no_public_answer_of_any_time_and_form_holds_a_mark(scene: Scene) -> None:
    head = scene.world.revision
    questions: list[Body] = [{}, *({"as_of": f"r{at}"} for at in (head, head - 1, head - 4, head // 2))]
    walked = 0
    for address in scene.addresses():
        for asked in questions if address.startswith("/v1") else questions[:1]:
            answer = scene.world.client.get(httpx2.URL(address).copy_merge_params(asked))
            assert answer.status_code in (200, 404)
            assert leaks(scene, everything_of(answer)) == [], answer.url
            walked += 1
    assert walked > 400


def test_no_count_by_several_dimensions_holds_a_mark(scene: Scene) -> None:
    for names in [*combinations(DIMENSIONS, 2), ("facility", "gender", "age_group")]:
        answer = scene.world.get("/v1/counts/releases", group_by=list(names))
        assert answer.status_code == 200
        assert leaks(scene, everything_of(answer)) == [], names


def test_no_other_key_sees_more_than_the_public(scene: Scene) -> None:
    for address in scene.addresses():
        for who in ("pud", GOVERNMENT, "admin"):
            answer = scene.world.client.get(address, headers=scene.world.headers(who))
            assert leaks(scene, everything_of(answer)) == [], (who, address)


@pytest.mark.parametrize("who", ["pud", GOVERNMENT, "admin"])
def test_no_match_comparison_or_trial_finds_whoever_is_not_listed_by_name(scene: Scene, who: str) -> None:
    """The marks that are asked for come back as the list's own; ids, counts and reasons would be the registry's."""
    world = scene.world
    for hidden in (*HIDDEN, WAITING):
        body = report_of(hidden, "guessed")
        row, ids = json.dumps(body), scene.ids.get(hidden, {}).values()
        files = {"file": ("list.jsonl", row)}
        answers = [world.post("/v1/match", body, who), world.client.post("/v1/match/list", files=files,
                   headers=world.headers(who))]  # fmt: skip
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json()["candidates"] == []
        compared = answers[1].json()
        assert (compared["both"], compared["likely"], len(compared["mine_only"])) == ([], [], 1)
        assert leaks(scene, json.dumps(compared["theirs_only"])) == []
        if hidden != "anonymous":  # the only one of them whom a list shows
            assert not [thing for thing in ids if thing in answers[1].text]
        if who != "admin":
            receipt = world.send_list(row, who, dry_run=True)
            assert [one["outcome"] for one in world.rows_of(receipt, who)] == ["new"]


def test_no_correction_names_anybody_whom_no_list_shows(scene: Scene) -> None:
    """Everyone here was corrected; the ids of whoever is shown are there, those of all others are not."""
    out = [who for who in HIDDEN if who != "anonymous"]
    for who in (None, "pud", GOVERNMENT, "admin"):
        for path in ("/v1/corrections", "/v1/corrections.atom"):
            text = scene.world.get(path, who).text
            for person, ids in scene.ids.items():
                named = [thing for thing in ids.values() if thing in text]
                assert bool(named) == (person not in out), person
        # What awaits review or was rejected is no correction for others.
        corrected = [one for one in out if one not in ("unreviewed", "rejected")]
        assert scene.world.get("/v1/corrections", who).json()["caveats"]["withheld"] >= len(corrected)


def test_nobody_hidden_is_found_by_what_is_hidden(scene: Scene, subtests: pytest.Subtests) -> None:
    for who in HIDDEN:
        questions: list[Body] = [{"q": mark(who, what)} for what in ("first", "last", "alias", "father", "note")]
        questions.append({"destination": mark(who, "destination")})
        for asked in questions:
            for path in ("/v1/releases", "/v1/detainees"):
                with subtests.test(f"{path} {asked}"):
                    assert scene.world.get(path, **asked).json()["data"] == []
                    assert scene.world.get(path, **asked, as_of=scene.world.revision - 4).json()["data"] == []
        with subtests.test(f"{who} by place"):
            scene.world.refuse(scene.world.get("/v1/releases", area=mark(who, "place")), 422, "invalid")
        with subtests.test(f"{who} counted by destination"):
            assert scene.world.count(destination=mark(who, "destination"))["total"]["cases"] == 0
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions"):
        for asked in ({"group": "gravely_ill"}, {"legal_status": "incommunicado"}, {"category": "military"}):
            with subtests.test(f"{path} {asked}"):
                rows = scene.world.get(path, **asked).json()["data"]
                assert {row.get("publish", "named") for row in rows} <= {"named"}


def test_no_refusal_holds_a_mark(scene: Scene) -> None:
    world = scene.world
    for who in HIDDEN:
        ids = scene.ids[who]
        verdict = {"verdict": "refuted", "method": "family"}
        tried = [
            world.post(f"/v1/releases/{ids['release_id']}/verifications", verdict | {"verdict": "maybe"}, "pud"),
            world.get(f"/v1/reports/{ids['report_id']}", "jep"),
            world.post("/v1/releases", {"detainee_id": ids["detainee_id"], "release": {"released_on": "2027"}}, "pud"),
            world.post("/v1/identity", {"a": ids["detainee_id"], "b": ids["detainee_id"]}, "curator"),
            world.post(f"/v1/detainees/{ids['detainee_id']}/consent", {"publish": "x"}, "curator"),
        ]
        for answer in tried:
            assert answer.status_code >= 400
            assert leaks(scene, everything_of(answer)) == []


def test_what_the_log_shows_everyone_holds_no_mark_of_anyone(scene: Scene) -> None:
    """The named too: what is personal enters the readable log as a digest only."""
    bodies = [row[0] for row in scene.world.rows("SELECT body FROM entry")]
    assert len(bodies) > 20
    for body in bodies:
        assert "zqnamed" not in body
        assert leaks(scene, body) == []
        assert "rodeo" not in body.lower()


def dump(world: World) -> str:
    """Every row of every table, as text."""
    with open_read_session(world.engine) as session:
        tables = [session.execute(select(*table.columns)).all() for table in metadata.sorted_tables]
    return str(tables)


def test_identification_numbers_are_nowhere_in_the_database(own_scene: Scene, tmp_path: Path) -> None:
    rows = dump(own_scene.world)
    own_scene.world.engine.dispose()
    files = [path.read_bytes() for path in tmp_path.glob("*.db*")]  # SQLite's, with its write-ahead log
    assert mark("named", "first") in rows
    assert not [kept for kept in (rows.encode(), *files) if mark(WAITING, "first").encode() in kept]
    for number in NATIONAL_IDS.values():
        for written in (number, number[2:], number.replace("-", "")):
            assert written not in rows
            assert not any(written.encode() in file for file in files)


def test_nothing_of_the_erased_is_left_in_any_table(scene: Scene) -> None:
    rows = dump(scene.world)
    assert "zqerased" not in rows
    assert birthday("erased") not in rows
    assert birthday("counted") in rows
    assert "zqcounted" in rows


def test_no_log_line_holds_a_mark_or_anything_of_a_client(own_scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Of a real server, with every logger as talkative as it gets."""
    world = own_scene.world
    with caplog.at_level(logging.DEBUG), serving(world.settings, log_level="trace") as server:
        agent = mark("counted", "agent")
        with httpx2.Client(base_url=server, headers={"User-Agent": agent}) as client:
            sent = len(caplog.records)
            answers_ = [
                client.get("/v1/releases", params={"q": mark("named", "first")}),
                client.get(f"/v1/detainees/{own_scene.ids['counted']['detainee_id']}"),
                client.get("/v1/detainees", headers=world.headers("reader")),
                client.post("/v1/releases", json=report_of("counted", "another"), headers=world.headers("foro")),
                client.post("/v1/releases", json=report_of("anonymous"), headers=world.headers("jep")),
                client.post("/v1/releases", json={"detainee": mark("counted", "bad")}, headers=world.headers("foro")),
                client.get("/v1/detainees", headers={"Authorization": f"Bearer {mark('counted', 'key')}"}),
            ]
            with pytest.MonkeyPatch.context() as patched:

                def fails(*_args: Any, **_named: Any) -> None:
                    raise RuntimeError(mark("counted", "exception"))

                patched.setattr(responses, "build_response", fails)
                answers_.append(client.get("/v1/detainees", params={"q": mark("named", "first")}))
    assert [answer.status_code for answer in answers_] == [200, 404, 200, 201, 201, 422, 401, 500]
    ours = [record for record in caplog.records[sent:] if not record.name.startswith(("httpx2", "httpcore2"))]
    logged = "\n".join(logging.Formatter().format(record) for record in ours)
    assert "unforeseen RuntimeError" in logged
    assert "zqnamed" not in logged
    assert leaks(own_scene, logged) == []
    for of_a_client in ("127.0.0.1", "rcn_", "?q=", "Bearer"):
        assert of_a_client not in logged.replace(server, "")


# What a mark stands in, of whoever is hidden: who may read it. Nobody reads any other, such as an evidence's address of
# the withdrawn, the name of a key's holder or who gave a consent.
PERSONAL = {"first", "last", "alias", "father", "facility", "place", "transfer", "charge", "court", "term",
            "destination", "evidence", "theirs", "note", "newnote", "case", "twin"}  # fmt: skip
ALLOWED = {
    **dict.fromkeys((None, "pud", GOVERNMENT, "admin"), frozenset[str]()),
    "foro": PERSONAL | {"why", "claimnote"}, "jep": {"theirs"}, "reader": PERSONAL | {"claimnote"},
    "curator": PERSONAL | {"claimnote", "words", "contact", "why"},
}  # fmt: skip
MARK = re.compile(rf"zq(?:{'|'.join(HIDDEN)})([a-z]+)qz")


@pytest.fixture
def objected(own_scene: Scene) -> Scene:
    """The scene, with an objection's words, and a key whose holder's name is marked."""
    world = own_scene.world
    about = f"/v1/detainees/{own_scene.ids['anonymous']['detainee_id']}"
    world.object_to(about, words=mark("anonymous", "words"), contact=mark("anonymous", "contact"))
    with open_write_session(world.engine) as session:
        world.keys["marked"] = world._key(session, Role.READER, None, mark("anonymous", "holder"))
    world.beat()
    return own_scene


@pytest.mark.campaign
def test_every_role_reads_only_what_it_may_of_whoever_is_hidden(objected: Scene) -> None:
    """Every GET with and without a key's own routes, in every form, for every role."""
    world, asked = objected.world, 0
    forms: tuple[Body, ...] = ({}, {"as_of": f"r{world.revision // 2}"})
    if world.engine.dialect.name == "sqlite":  # what an answer is printed as is no engine's
        forms += ({"nonsense": "1"},)
    world.get("/v1/me", "marked")
    keyed = sorted(path for path in KEYED if "{" not in path)
    keyed += [f"/v1/reports/{ids['report_id']}" for ids in objected.ids.values()]
    for who, allowed in ALLOWED.items():
        seen = set()
        for address in (*objected.addresses(), *keyed):
            for terms in forms if address.startswith("/v1") else forms[:1]:
                url = httpx2.URL(address).copy_merge_params(terms)
                answer = world.client.get(url, headers=world.headers(who), follow_redirects=False)
                assert answer.status_code < 500, answer.url
                text, asked = f"{answer.headers} {answer.text}", asked + 1
                seen |= set(MARK.findall(text))
                assert not [number for number in NATIONAL_IDS.values() if number[2:] in text], (who, answer.url)
                assert "zqerased" not in text, (who, answer.url)
                assert f"zq{WAITING}" not in text or (who, answer.url.path) == ("foro", "/v1/waiting")
        assert seen <= allowed, (who, seen - allowed)
        assert bool(seen) == bool(allowed), who
    assert asked > 600 * len(forms)


def test_no_file_that_the_registry_writes_holds_an_identification_number(objected: Scene, tmp_path: Path) -> None:
    """The database in clear holds names; what is exported holds nothing of whoever is hidden, the temporary folder
    nothing of anybody, and no file an identification number or anything of the erased."""
    world = objected.world
    listed = report_of("counted", "listed")["detainee"]
    receipt = world.send_list(
        f"name,id number,released on\n{mark('counted', 'listed')} Paz,{listed['national_id']},x\n"
    )
    assert receipt["state"]
    exported = tmp_path / "machine-export"
    exported.mkdir()
    with open_read_session(world.engine) as session:
        package.write_package(session, exported, ANYONE, world.revision)
    if world.engine.dialect.name == "sqlite":
        back_up_database(Path(str(world.engine.url.database)), tmp_path / "machine-backup.db")
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(mark("named", "first").encode() in content for content in files.values())
    for path, content in files.items():
        for number in NATIONAL_IDS.values():
            assert number.encode() not in content, path
            assert number[2:].encode() not in content, path
        assert mark("counted", "listed").encode() not in content, path
        assert f"zq{WAITING}".encode() not in content, path
        if path.parent == exported:
            assert set(leaks(objected, content.decode())) <= {"birth_date"}, path  # the heading of a column
        if "backup" in path.name:
            assert b"zqerased" not in content, path
    assert not [path for path in Path(tempfile.gettempdir()).glob("recuento*") if path.is_file()]

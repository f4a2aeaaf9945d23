"""The command line: what it prints where, its exit status, and one clear line for each refusal."""

import codecs
import csv
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import Engine, func, select, update
from sqlmodel import col

from app import cli
from app.cli import serve
from app.cli.database import format_database_address
from app.config import Settings
from app.dates import format_instant
from app.db.engine import CommitUnanswered, open_read_session, open_write_session
from app.demo import run as replay
from app.demo.run import build_events
from app.imports.upload import remote
from app.imports.upload.client import PermanentError
from app.models import ApiKey, Entry, Head
from app.projection import RULES
from app.registry import report_versions
from app.registry.api_keys import KEY_PATTERN
from app.registry.publication import erasure
from tests.api.serving import serving
from tests.databases import Templates
from tests.support import World

SECRET = "a secret of the tests"  # that of the `settings` fixture
ROOT = Path(__file__).parent.parent.parent


class Ran(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def recuento(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """`recuento("key", "list")` runs that command on the test's database, as the installed one would."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECUENTO_DATABASE_URL", settings.database_url)
    monkeypatch.setenv("RECUENTO_SECRET", SECRET)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["recuento", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Ran(int(ended.value.code or 0), *capsys.readouterr())

    return run


def refused(ran: Ran) -> str:
    """Expect status 1, nothing on stdout and one line on stderr; the line."""
    assert (ran.status, ran.out) == (1, "")
    lines = ran.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("recuento: ")
    return lines[0]


def add_source(recuento: Run, slug: str = "example-watch", kind: str = "ngo") -> Ran:
    return recuento("source", "add", slug, "--name", "Example Watch", "--kind", kind, "--country", "VE")


@pytest.mark.parametrize(
    "typed",
    [["key", "create", "--role", "boss"], ["source", "add"], ["serve", "--port", "x"], ["--wrong"], ["nothing"]],
)
def test_a_command_typed_wrongly_is_one_line_too(recuento: Run, typed: list[str]) -> None:
    ran = recuento(*typed)
    assert (ran.status, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert ran.err.startswith("recuento: ")


def test_a_source_is_trusted_when_it_is_added_or_later(recuento: Run, world: World) -> None:
    recuento("source", "add", "known-watch", "--name", "Known Watch", "--kind", "ngo", "--trust", "500")
    recuento("source", "trust", "foro", "60")
    assert {row[0] for row in world.rows("SELECT unreviewed_limit FROM source_trust")} == {500, 60}
    assert "no source" in refused(recuento("source", "trust", "nobody", "1"))


def test_a_source_is_added_and_listed(recuento: Run) -> None:
    assert add_source(recuento).status == 0
    assert add_source(recuento, "a-ministry", "government").status == 0
    listed = recuento("source", "list", "--json")
    both = {"name": "Example Watch", "quarantined": False}
    assert json.loads(listed.out) == [
        {"slug": "a-ministry", "kind": "government", "independent": False, **both},
        {"slug": "example-watch", "kind": "ngo", "independent": True, **both},
    ]
    assert "example-watch" in recuento("source", "list").out


def test_an_empty_list_says_so(recuento: Run) -> None:
    assert recuento("source", "list", "--json").out == "[]\n"
    assert "nothing yet" in recuento("key", "list").out


def test_the_same_source_twice_is_refused(recuento: Run) -> None:
    add_source(recuento)
    assert "slug" in refused(add_source(recuento))


def test_a_source_with_an_impossible_slug_is_refused_and_nothing_is_written(recuento: Run) -> None:
    assert "slug" in refused(add_source(recuento, "Not A Slug"))
    assert json.loads(recuento("source", "list", "--json").out) == []


def test_a_source_may_start_in_quarantine(recuento: Run) -> None:
    add_source(recuento)
    recuento("source", "add", "new-watch", "--name", "New Watch", "--kind", "ngo", "--quarantined")
    rows = {row["slug"]: row["quarantined"] for row in json.loads(recuento("source", "list", "--json").out)}
    assert rows == {"example-watch": False, "new-watch": True}


def test_a_key_stands_alone_on_stdout(recuento: Run) -> None:
    add_source(recuento)
    made = recuento("key", "create", "--holder", "Ana Pérez", "example-watch")
    assert (made.status, made.err) == (0, "")
    assert KEY_PATTERN.fullmatch(made.out.removesuffix("\n"))


def test_a_key_is_listed_without_its_secret_and_revoked_by_its_id(recuento: Run) -> None:
    key = recuento("key", "create", "--holder", "Ana Pérez", "--role", "curator", "--days", "30").out.strip()
    identifier = key.removeprefix("rcn_")[:8]
    listed = recuento("key", "list", "--json").out
    (shown,) = json.loads(listed)
    assert (shown["id"], shown["role"], shown["source"], shown["revoked"]) == (identifier, "curator", None, False)
    assert key[12:44] not in listed
    assert recuento("key", "revoke", identifier).status == 0
    assert json.loads(recuento("key", "list", "--json").out)[0]["revoked"] is True


def test_what_a_stolen_key_wrote_is_recalled_once_it_was_shown_what_that_changes(world: World, recuento: Run) -> None:
    world.file("foro")
    stolen = ("key", "recall", world.keys["foro"][4:12], "--since", "2026-01-01T00:00:00Z")
    with world.storing_nothing():
        told = recuento(*stolen)
    assert (told.status, "reports withdrawn" in told.out) == (0, True)
    assert "give --yes" in told.err
    assert world.count()["total"]["cases"] == 1
    done = recuento(*stolen, "--yes")
    assert (done.status, world.count()["total"]["cases"]) == (0, 0)
    assert f"revision {world.revision}" in done.err
    assert recuento("key", "recall", "--undo", str(world.revision), "--yes").status == 0
    assert world.count()["total"]["cases"] == 1
    assert refused(recuento("key", "recall", "--yes")).startswith("recuento: Give `key_id` and `since`")
    assert "no report and no claim" in refused(recuento(*stolen[:3], "--since", "2027-01-01T00:00:00Z", "--yes"))


def test_a_recall_that_moves_nothing_says_that_the_key_has_ended(world: World, recuento: Run) -> None:
    ran = recuento("key", "recall", world.keys["foro"][4:12], "--since", "2026-01-01T00:00:00Z", "--yes")
    assert (ran.status, "key has ended" in ran.err) == (0, True)
    world.refuse(world.get("/v1/me", "foro"), 401, "unauthenticated")


def test_what_must_work_at_once_first_finishes_no_erasure(recuento: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    finished: list[Engine] = []
    key = recuento("key", "create", "--holder", "Ana Pérez", "--role", "curator").out[4:12]
    monkeypatch.setattr(erasure, "finish_erasures", finished.append)
    for command in (["key", "revoke", key], ["clock"], ["restore", "--accept-loss"]):
        assert recuento(*command).status == 0
    assert finished == []
    assert recuento("status").status == 0
    assert len(finished) == 1


def test_a_reporters_key_needs_a_source_that_is_there(recuento: Run) -> None:
    assert "name it" in refused(recuento("key", "create", "--holder", "Ana Pérez"))
    assert "source add" in refused(recuento("key", "create", "--holder", "Ana Pérez", "nobody"))


def test_a_third_live_key_is_refused_and_says_what_to_do(recuento: Run) -> None:
    add_source(recuento)
    for _ in range(2):
        assert recuento("key", "create", "--holder", "Ana Pérez", "example-watch").status == 0
    assert "recuento key revoke" in refused(recuento("key", "create", "--holder", "Ana Pérez", "example-watch"))


def test_a_key_names_its_holder_and_what_it_is_limited_to(recuento: Run) -> None:
    recuento("source", "add", "example-watch", "--name", "Example Watch", "--kind", "ngo")
    may = ("--may", "post  /v1/releases", "--may", "GET /v1/me")
    assert recuento("key", "create", "--holder", "Ana Pérez", "example-watch", *may).status == 0
    (listed,) = json.loads(recuento("key", "list", "--json").out)
    assert (listed["holder"], listed["scopes"]) == ("Ana Pérez", ["POST /v1/releases", "GET /v1/me"])
    assert (listed["last_used_on"], listed["revoked"]) == (None, False)
    assert recuento("key", "create", "example-watch").status == 2
    assert "no route POST /v1/release:" in refused(
        recuento("key", "create", "--holder", "Ana", "example-watch", "--may", "POST /v1/release")
    )


def test_a_key_without_a_holder_is_told_and_named_when_it_is_rotated(recuento: Run, engine: Engine) -> None:
    recuento("key", "create", "--holder", "Ana Pérez", "--role", "curator")
    with engine.begin() as connection:
        connection.execute(update(ApiKey).values(holder=None))
    ran = recuento("key", "list")
    (old,) = json.loads(recuento("key", "list", "--json").out)
    assert f"{old['id']}. Name who has them: recuento key rotate ID --holder NAME" in ran.err
    assert "--holder" in refused(recuento("key", "rotate", old["id"]))
    made = recuento("key", "rotate", old["id"], "--holder", "Ana Pérez", "--ends-in", "3")
    assert KEY_PATTERN.fullmatch(made.out.removesuffix("\n"))
    assert "ends in 3 days" in made.err
    assert [row["holder"] for row in json.loads(recuento("key", "list", "--json").out)] == ["Ana Pérez"] * 2


def test_a_key_is_rotated_at_once_when_it_is_said(recuento: Run) -> None:
    recuento("key", "create", "--holder", "Ana Pérez", "--role", "admin")
    (old,) = json.loads(recuento("key", "list", "--json").out)
    ran = recuento("key", "rotate", old["id"], "--at-once")
    assert f"{old['id']} has ended" in ran.err
    rows = {row["id"]: row for row in json.loads(recuento("key", "list", "--json").out)}
    assert rows.keys() == {old["id"], ran.out[4:12]}
    assert rows[old["id"]]["expires_at"] < old["expires_at"]
    assert "key create" in refused(recuento("key", "rotate", old["id"]))


def test_a_key_that_is_not_there_cannot_be_revoked(recuento: Run) -> None:
    assert "no key" in refused(recuento("key", "revoke", "abcdefgh"))


def test_another_secret_is_refused_before_anything_is_written(recuento: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    add_source(recuento)
    monkeypatch.setenv("RECUENTO_SECRET", "another secret altogether")
    assert "RECUENTO_SECRET" in refused(add_source(recuento, "second"))
    monkeypatch.setenv("RECUENTO_SECRET", SECRET)
    assert len(json.loads(recuento("source", "list", "--json").out)) == 1


def test_a_short_secret_is_refused_without_being_printed(recuento: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECUENTO_SECRET", "xyzzy")
    line = refused(recuento("source", "list"))
    assert "secret" in line.casefold()
    assert "xyzzy" not in line


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://nobody@127.0.0.1:1/none"])
def test_a_database_that_cannot_be_opened_is_one_line(recuento: Run, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", url)
    assert "RECUENTO_DATABASE_URL" in refused(recuento("source", "list"))


def test_a_commit_without_an_answer_says_to_look_before_the_command_is_run_again(
    recuento: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_given: object) -> None:
        raise CommitUnanswered

    monkeypatch.setattr("app.cli.directory.directory.add_source", cut)
    assert "see what stands there" in refused(add_source(recuento))


def test_an_export_holds_every_public_release_in_both_forms(recuento: Run, world: World) -> None:
    world.file(detainee__full_name="Rosa Inés Valdivia", release__released_on="2026-01-10", detainee__gender="female")
    world.file(detainee__full_name="Julio Andrés Peralta", release__released_on="2026-01-12")
    world.file(detainee__full_name="Ernesto Luis Cardozo", detainee__publish="counted")
    lines = recuento("export").out.splitlines()
    assert [json.loads(line)["released_on"] for line in lines] == ["2026-01-10", "2026-01-12"]
    rows = list(csv.DictReader(io.StringIO(recuento("export", "--format", "csv").out)))
    assert [row["id"] for row in rows] == [json.loads(line)["id"] for line in lines]


def test_an_export_as_of_a_revision_is_what_was_known_then(recuento: Run, world: World) -> None:
    first = world.file(detainee__full_name="Rosa Inés Valdivia")["receipt"]["revision"]
    then = recuento("export", "--as-of", str(first)).out
    world.file(detainee__full_name="Julio Andrés Peralta", release__released_on="2026-01-20")
    assert recuento("export", "--as-of", str(first)).out == then
    assert len(recuento("export").out.splitlines()) == 2


def test_an_exported_file_is_described_beside_it(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file(detainee__full_name="Rosa Inés Valdivia")
    plain = recuento("export", "--format", "csv").out
    ran = recuento("export", "--format", "excel.csv", "--output", "releases.csv")
    assert (ran.status, ran.out) == (0, "")
    data = (tmp_path / "releases.csv").read_bytes()
    assert data == codecs.BOM_UTF8 + plain.encode()
    described = json.loads((tmp_path / "releases.csv.json").read_text("utf-8"))
    assert (described["recuento"]["revision"], described["recuento"]["rules"]) == (world.revision, RULES)
    assert described["recuento"]["terms"]["list"] == "releases"
    assert described["created"] == world.get("/v1/counts/releases").json()["at"]["recorded_at"]
    (resource,) = described["resources"]
    assert (resource["path"], resource["bytes"]) == ("releases.csv", len(data))
    assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
    assert "another name" in refused(recuento("export", "--output", "releases.csv"))


def test_an_export_ahead_of_the_registry_is_refused(recuento: Run, world: World) -> None:
    assert str(world.revision) in refused(recuento("export", "--as-of", f"r{world.revision + 1}"))


def test_a_copy_fills_an_empty_registry_with_the_same_counts(
    recuento: Run, world: World, templates: Templates, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed = world.file(detainee__full_name="Rosa Inés Valdivia")
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
    world.file(detainee__full_name="Ernesto Luis Cardozo", detainee__publish="counted")
    told = recuento("export", "--to", "copy")
    assert (told.out, "1 releases" in told.err) == ("", True)
    assert "a new one" in refused(recuento("export", "--to", "copy"))
    assert "empty registry only" in refused(recuento("import", "copy"))
    with templates.copy("sqlite", templates.empty("sqlite")) as url:
        monkeypatch.setenv("RECUENTO_DATABASE_URL", url)
        for option in (["--dry-run"], ["--source", "foro"]):
            assert (recuento("import", "copy", *option).status, recuento("export").out) == (2, "")
        said = recuento("import", "copy").err
        assert "Filed 2 reports" in said
        assert "foro (independent)" in said
        (row,) = (json.loads(line) for line in recuento("export").out.splitlines())
    assert row["verified_by"] == ["foro", "jep"]


def test_a_source_exports_its_own_reports_and_imports_them_unchanged(recuento: Run, world: World) -> None:
    world.file(source_record_id="F-1", detainee__national_id="V-12345678", detainee__publish="counted")
    filed = world.file("jep", detainee__full_name="Rosa Inés Valdivia")
    world.verify(filed["release"]["id"], "foro", verdict="verified", method="lawyer")
    ran = recuento("export", "--source", "foro")
    assert (len(ran.out.splitlines()), ran.status) == (2, 0)
    assert "1 reports only point" in ran.err
    Path("own.jsonl").write_text(ran.out, encoding="utf-8")
    assert "2 unchanged" in recuento("import", "own.jsonl", "--source", "foro").out
    assert "source list" in refused(recuento("export", "--source", "nobody"))
    assert "--to" in refused(recuento("export", "--source", "foro", "--to", "copy"))
    assert "jsonl or csv" in refused(recuento("export", "--source", "foro", "--format", "ftm"))


def test_a_csv_that_cannot_carry_everything_is_written_and_says_so(recuento: Run, world: World) -> None:
    world.file(detention__transfers=[{"facility": "Zona 7"}])
    ran = recuento("export", "--source", "foro", "--format", "csv")
    assert (ran.status, len(list(csv.reader(io.StringIO(ran.out))))) == (1, 2)
    assert "detention.transfers (1)" in ran.err


def test_entities_are_of_people_with_names(recuento: Run, world: World) -> None:
    world.file()
    world.file(detainee__full_name="Ernesto Luis Cardozo", detainee__publish="anonymous", detainee__birth_date="1950")
    ran = recuento("export", "--format", "ftm")
    assert [json.loads(line)["schema"] for line in ran.out.splitlines()].count("Person") == 1
    assert "1 people who are listed without a name" in ran.err


def test_a_rebuild_replays_every_entry_and_changes_no_answer(recuento: Run, world: World) -> None:
    world.file("foro")
    world.file("jep")
    before = world.count(group_by="source")
    ran = recuento("rebuild")
    assert (ran.status, ran.out) == (0, "")
    with open_read_session(world.engine) as session:
        entries = session.execute(select(func.count()).select_from(Entry)).scalar_one()
    assert f"Replayed {entries} entries." in ran.err
    assert world.count(group_by="source") == before


def test_status_says_where_the_registry_is(
    recuento: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, world: World
) -> None:
    assert recuento("status").out.splitlines()[0] == f"In {format_database_address(world.settings.database_url)}"
    monkeypatch.setenv("RECUENTO_DATABASE_URL", "sqlite:///elsewhere.db")
    assert recuento("status").out.splitlines()[0] == f"In sqlite:///{tmp_path / 'elsewhere.db'}"


def test_the_clocks_are_told_and_an_entry_that_was_dated_ahead_is_gone_on_after(recuento: Run, world: World) -> None:
    ahead = datetime.now(UTC) + timedelta(days=21)
    with open_write_session(world.engine) as session:
        session.execute(update(Head).values(recorded_at=ahead))
    assert "run recuento clock --pin" in refused(add_source(recuento))
    assert "run recuento clock --pin" in recuento("status").out
    assert json.loads(recuento("status", "--json").out)["warnings"] == ["clock_jumped"]
    told = recuento("clock", "--pin").out.splitlines()
    assert told[0].startswith("This machine: ")
    assert f"What follows is dated after {format_instant(ahead)} until the clock is there." in told
    assert add_source(recuento).status == 0
    assert json.loads(recuento("status", "--json").out)["clock"] is None


def test_a_public_registry_says_who_runs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(public_url="https://registry.example")
    with pytest.raises(SystemExit):
        serve._require_operator(settings)
    assert "RECUENTO_ABOUT_FILE" in capsys.readouterr().err
    about = tmp_path / "about.toml"
    about.write_text('name = "A"\n')
    with pytest.raises(SystemExit):
        serve._require_operator(settings.model_copy(update={"about_file": about}))
    assert "contact" in capsys.readouterr().err


def test_whoever_starts_a_server_is_told_how_old_the_last_entry_is(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for days, told in ((0, ""), (21, "The last entry is 21 days old by this machine's clock")):
        last = datetime.now(UTC) - timedelta(days=days)
        monkeypatch.setattr(serve, "read_head", lambda _session, last=last: (1, last))
        with open_read_session(world.engine) as session:
            serve._warn_if_stale(session)
        assert capsys.readouterr().err.startswith(told)


def test_whoever_starts_an_empty_registry_is_asked_what_the_first_page_is_about(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(answers: str, *, has_terminal: bool = True) -> tuple[str | None, str | None, str]:
        for name in serve.FIRST_PAGE_QUESTIONS:
            monkeypatch.setenv(name, "")  # so that what an answer sets is undone
            monkeypatch.delenv(name)
        typed = io.StringIO(answers)
        monkeypatch.setattr(typed, "isatty", lambda: has_terminal)
        monkeypatch.setattr(sys, "stdin", typed)
        with open_read_session(world.engine) as session:
            settings = serve._ask_about_first_page(session, Settings())
        return settings.country, settings.released_from, "".join(capsys.readouterr())

    assert ask("VE\n2026-01-08\n") == (None, None, ""), "a registry with entries is asked nothing"
    monkeypatch.setattr(serve, "read_head", lambda _session: (0, None))
    country, first_day, told = ask("VE\n2026-01-08\n")
    assert (country, first_day, os.environ["RECUENTO_COUNTRY"]) == ("VE", "2026-01-08", "VE")
    assert "set RECUENTO_RELEASED_FROM=2026-01-08" in told
    assert ask("\n\n")[:2] == (None, None)
    assert "Set RECUENTO_COUNTRY" in ask("", has_terminal=False)[2]


def test_a_database_is_told_by_its_whole_path_and_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert format_database_address("sqlite:///registry.db") == f"sqlite:///{tmp_path / 'registry.db'}"
    assert format_database_address("sqlite://") == "sqlite://"
    assert (
        format_database_address("postgresql+psycopg://recuento:hidden@db/recuento")
        == "postgresql+psycopg://recuento:***@db/recuento"
    )


def test_status_says_what_waits_and_whose_wishes_are_stopped_and_names_nobody(
    recuento: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_versions, "MAX_UNREVIEWED_HIDINGS", 1)
    known = world.file("foro")["detainee"]["id"]
    world.file("jep", detainee_id=known)
    before = json.loads(recuento("status", "--json").out)
    assert (before["revision"], before["hidden_provisionally"], before["warnings"]) == (world.revision, 0, [])
    world.file("pud", detainee_id=known, detainee__publish="counted")
    found = json.loads(recuento("status", "--json").out)
    assert (found["hidden_by_source"], found["stopped_sources"]) == ({"pud": 1}, ["pud"])
    assert found["warnings"] == ["hiding_limit"]
    ran = recuento("status")
    assert ran.status == 0
    assert "WARNING pud" in ran.out
    assert "Quintana" not in ran.out


@pytest.mark.parametrize(
    "command", [("status",), ("export",), ("key", "list"), ("facility", "import", "venezuela")], ids=" ".join
)
def test_rows_of_other_rules_are_told_of_and_not_read(recuento: Run, world: World, command: tuple[str, ...]) -> None:
    world.file()
    with open_write_session(world.engine) as session:
        session.execute(update(Head).values(rules=RULES - 1))
    assert "run: recuento rebuild" in refused(recuento(*command))


@pytest.mark.parametrize(
    "options, path, other_path",
    [((), "/v1/counts/releases", "/v1/imports"), (("--desk",), "/v1/imports", "/v1/counts/releases")],
)
def test_an_openapi_document_is_printed_without_a_database(
    recuento: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: tuple[str, ...],
    path: str,
    other_path: str,
) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    document: dict[str, Any] = json.loads(recuento("openapi", *options).out)
    assert document["openapi"].startswith("3.")
    assert path in document["paths"]
    assert other_path not in document["paths"]
    assert not (tmp_path / "none.db").exists()


def test_a_demo_refuses_a_database_that_holds_something_else(recuento: Run, world: World) -> None:
    before = world.stored()
    assert "RECUENTO_DATABASE_URL" in refused(recuento("demo", "--no-serve"))
    assert world.stored() == before


def test_a_demo_fills_the_database_once_and_prints_a_fresh_key_each_time(
    recuento: Run, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the replay its first reports: the whole of it, which takes many seconds, is loaded by tests/demo."""
    few = build_events()[:5]
    monkeypatch.setattr(replay, "build_events", lambda: few)
    monkeypatch.setattr(replay, "build_claim_filings", list)
    monkeypatch.setattr(replay, "CURATOR_MERGES", ())
    first, second = recuento("demo", "--no-serve"), recuento("demo", "--no-serve")
    assert first.status == second.status == 0
    keys = [ran.out.removesuffix("\n") for ran in (first, second)]
    assert all(KEY_PATTERN.fullmatch(key) for key in keys)
    assert keys[0] != keys[1]
    assert "invented people" in first.err
    assert first.err == second.err  # the same revision: nothing was filed again
    with open_read_session(engine) as session:
        live = session.scalars(select(col(ApiKey.id)).where(col(ApiKey.revoked_at).is_(None))).all()
        reports = session.scalars(select(func.count()).where(col(Entry.kind) == "report")).one()
    assert live == [keys[1].removeprefix("rcn_")[:8]]
    assert reports == len(few)


LIST = "código;nombre;país\nA-1;Rosa Inés Valdivia;VE\nA-2;Julio Peralta Ríos;VE\n"


def test_a_list_is_tried_filed_and_filed_again(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text(LIST)
    tried = recuento("import", "list.csv", "--source", "example-watch", "--dry-run")
    assert (tried.status, tried.err) == (0, "")
    assert "2 of 2 rows would become: 2 new" in tried.out
    assert "Nothing was stored" in tried.out
    filed = recuento("import", "list.csv", "--source", "example-watch", "--json")
    *rows, receipt = map(json.loads, filed.out.splitlines())
    assert [row["outcome"] for row in rows] == ["new", "new"]
    assert (receipt["first_revision"], receipt["last_revision"], receipt["state"]) == (2, 3, "done")
    again = recuento("import", "list.csv", "--source", "example-watch")
    assert "2 of 2 rows became: 0 new, 0 updated, 2 unchanged" in again.out


def test_a_list_that_needs_somebody_says_where_and_ends_with_status_1(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text(LIST.replace("país", "edad;x").replace("Ríos;VE", "Ríos;treinta"))
    (tmp_path / "map.toml").write_text('[constants]\n"detention.country" = "VE"\n')
    asked = ("import", "list.csv", "--source", "example-watch", "--mapping", "map.toml", "--confirm")
    ran = recuento(*asked)
    assert ran.status == 1
    assert '2 × invalid_number, column C "edad" read as Age [detainee.age]' in ran.out
    assert "Write the age in completed years" in ran.out
    assert "row 2: VE\n    row 3: treinta\n" in ran.out
    assert "C (edad): Age [detainee.age]" in ran.out
    assert "D (x): not read" in ran.out
    assert ran.err.splitlines() == ["recuento: 2 rows are in error: correct them and import the file again."]
    strict = recuento(*asked, "--strict")
    assert (strict.status, "Row 2 is in error" in strict.err) == (1, True)


def test_a_list_is_told_in_spanish_too(recuento: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text(LIST.replace("A-2;Julio Peralta Ríos", "A-2;Familia Ríos") + "Total: 2;;\n")
    asked = ("import", "list.csv", "--source", "example-watch")
    questioned = recuento(*asked, "--lang", "es")
    assert questioned.err.startswith(
        "recuento: No se registró nada. Fila 3: Familia Ríos. Esta celda puede nombrar a varias personas"
    )
    ran = recuento(*asked, "--confirm", "--lang", "es")
    assert '1 × several_people, columna B "nombre" leída como Nombre y apellidos [detainee.full_name]' in ran.out
    assert "fila 3: Familia Ríos" in ran.out  # read from the file: the registry keeps no name that it did not file
    assert '3 = "leave_out"' in ran.out
    assert "3 columnas leídas así: código → Número de caso [source_record_id]; nombre → " in ran.out
    assert "Son sumas y quedan fuera: 4." in ran.out
    assert "2 filas quedaron así: 1 nueva, 0 actualizadas, 0 sin cambios, 0 vinculadas, 0 por revisar" in ran.out
    assert "De ellas 0 son excarcelaciones, y 1 dice que alguien sigue detenido." in ran.out
    assert "0 de 1 persona detenida cuentan hoy como detenidas según usted." in ran.out
    assert "Las demás no: 1 no tiene día de detención" in ran.out
    assert ran.err == "recuento: 1 fila tiene un error: corríjala y envíe el archivo otra vez.\n"
    monkeypatch.setenv("LC_ALL", "es_VE.UTF-8")
    assert "quedaron así" in recuento(*asked, "--confirm").out
    monkeypatch.setenv("LC_ALL", "C")
    (tmp_path / "map.toml").write_text('[rows]\nnot_a_person = "leave_out"\n3 = "leave_out"\n')
    ran = recuento(*asked, "--mapping", "map.toml")
    assert (ran.status, ran.err) == (0, "")
    assert "2 rows were left out (rows 3, 4)." in ran.out


def test_a_receipt_tells_the_places_that_nobody_registered_as_the_file_has_them(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    asked = ("import", "list.csv", "--source", "example-watch")
    (tmp_path / "list.csv").write_text(
        LIST.replace("país", "centro de reclusión;país").replace(";VE", ";El Rodeo I;VE")
    )
    for options in ((), ("--dry-run",)):
        ran = recuento(*asked, *options)
        assert "2 × unregistered_facility" in ran.out
        assert "    row 2: El Rodeo I\n    row 3: El Rodeo I\n" in ran.out
        assert (ran.status, ran.err) == (0, "")
    assert "la curaduría que lo registre" in recuento(*asked, "--lang", "es").out
    (tmp_path / "list.csv").write_text(LIST)
    (tmp_path / "map.toml").write_text('[constants]\n"detention.facility" = "Ramo Verde"\n')
    assert "row 3: Ramo Verde\n" in recuento(*asked, "--mapping", "map.toml").out
    recuento("facility", "import", "venezuela")
    assert "unregistered_facility" not in recuento(*asked, "--mapping", "map.toml").out


def test_a_strict_list_with_one_row_in_error_says_what_would_have_become_of_all(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text(LIST + "A-3;S/I;VE\n")
    strict = recuento("import", "list.csv", "--source", "example-watch", "--strict")
    assert (strict.status, "Row 4 is in error" in strict.err) == (1, True)
    assert "3 of 3 rows would have become: 2 new, 0 updated" in strict.out
    assert "Nothing was filed." in strict.out
    lenient = recuento("import", "list.csv", "--source", "example-watch")
    assert "1 row is in error: correct it and" in lenient.err


def test_a_row_for_a_curator_is_nothing_to_worry_about(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text("nombre;nacido el;país\n" + 2 * "Rosa Inés Valdivia;1971;VE\n" + "Eva Sol;;VE\n")
    (tmp_path / "map.toml").write_text('[rows]\nrepeated_person = "read"\n')
    ran = recuento("import", "list.csv", "--source", "example-watch", "--mapping", "map.toml")
    assert "row 3 (Rosa Inés Valdivia): needs review (nothing for you to do: a curator" in ran.out
    assert (ran.status, ran.err) == (0, "")


def test_a_file_that_is_no_list_or_a_source_that_is_none_is_one_line(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "page.csv").write_text("<html>")
    ran = recuento("import", "page.csv", "--source", "example-watch")
    assert (ran.status, ran.out, "web page" in ran.err, ran.err.count("\n")) == (1, "", True, 1)
    assert "source add" in refused(recuento("import", "page.csv", "--source", "nobody"))
    (tmp_path / "map.toml").write_text("nonsense")
    wrong = recuento("import", "page.csv", "--source", "example-watch", "--mapping", "map.toml")
    assert "not TOML" in refused(wrong)


def test_why_a_list_is_not_filed_is_told_in_spanish_by_column_and_row(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    asked = ("import", "list.csv", "--source", "example-watch", "--lang", "es")
    (tmp_path / "list.csv").write_text("nombre;estado;situación;país\nRosa Inés Valdivia;Miranda;detenida;VE\n")
    (tmp_path / "map.toml").write_text('[columns]\nestado = "state"\n"situación" = "state"\n')
    twice = "Las columnas B y C se leen las dos como Estado de la persona [state]"
    assert twice in recuento(*asked, "--mapping", "map.toml").err
    (tmp_path / "map.toml").write_text('[columns]\n"Quién" = "detainee.full_name"\n')
    assert 'no tiene: "Quién".' in recuento(*asked, "--mapping", "map.toml").err
    (tmp_path / "list.csv").write_text(LIST + "A-3;Elsa Mora;Nirgendwo\n")
    assert "La fila 4 tiene un error: no se registró nada" in recuento(*asked, "--strict", "--confirm").err


def test_a_list_is_questioned_until_confirmed(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text("id;nombre;país\n1;Rosa Inés Valdivia;VE\n2;Julio Peralta Ríos;VE\n")
    ran = recuento("import", "list.csv", "--source", "example-watch")
    assert (ran.status, "--confirm" in ran.err) == (1, True)
    assert recuento("import", "list.csv", "--source", "example-watch", "--confirm").status == 0


GONE = (
    ("en", 'Verification (2 rows; column E "verificación" of your last list)'),
    ("en", 'Place of detention (2 rows; in column C "centro de reclusión" no cell says it)'),
    ("es", "Verificación (2 filas; columna E «verificación» de su última lista)"),
    ("es", "Centro de reclusión (2 filas; en la columna C «centro de reclusión» ninguna celda lo dice)"),
)


def test_a_list_that_says_less_is_told_by_field_and_column_in_either_language(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text(
        "código;nombre;centro de reclusión;detenido el;verificación;método;país\n"
        "A-1;Rosa Inés Valdivia;Yare;2024;verificado;familia;VE\nA-2;Julio Peralta;Yare;2024;verificado;familia;VE\n"
    )
    asked = ("import", "list.csv", "--source", "example-watch")
    assert "2 of 2 people held count as held by your word today." in recuento(*asked).out
    (tmp_path / "list.csv").write_text(
        "código;nombre;centro de reclusión;detenido el;país\n"
        "A-1;Rosa Inés Valdivia;;2024;VE\nA-2;Julio Peralta;;2024;VE\n"
    )
    for lang, said in GONE:
        ran = recuento(*asked, "--lang", lang)
        assert (ran.status, said in ran.err) == (1, True), ran.err


def test_a_receipt_of_one_row_is_told_in_the_singular(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text("nombre;detenido el;país;x\nRosa Inés Valdivia;2024;VE;y\nTotal: 1;;;\n")
    (tmp_path / "map.toml").write_text('[rows]\nnot_a_person = "leave_out"\n')
    asked = ("import", "list.csv", "--source", "example-watch", "--mapping", "map.toml", "--confirm")
    told = recuento(*asked, "--dry-run", "--lang", "es").out
    for said in (
        "1 de 1 fila quedaría así: 1 nueva",
        "Se dejó fuera 1 fila (fila 3).",
        "1 de las filas no tiene número de caso",
        "1 de sus celdas dice algo",
        "1 dice que alguien sigue detenido",
        "1 de 1 persona detenida cuenta hoy como detenida según usted.",
    ):
        assert said in told, told
    told = recuento(*asked).out
    for said in (
        "1 of 1 row became: 1 new",
        "1 row was left out (row 3).",
        "1 of the rows has no case number",
        "1 says that somebody is held",
        "1 of 1 person held counts as held by your word today.",
    ):
        assert said in told, told


def test_ages_without_a_day_are_asked_about_until_a_mapping_answers(recuento: Run, tmp_path: Path) -> None:
    add_source(recuento)
    (tmp_path / "list.csv").write_text("código;nombre;edad;detenido el;país\nA-1;Rosa Inés Valdivia;19;2024-03-02;VE\n")
    typed = ("import", "list.csv", "--source", "example-watch")
    for option in ([], ["--dry-run"], ["--confirm"]):
        ran = recuento(*typed, *option)
        assert (ran.status, "On which day were the people as old" in ran.err) == (1, True)
    (tmp_path / "map.toml").write_text('age_on = "detained_on"')
    filed = recuento(*typed, "--mapping", "map.toml")
    assert (filed.status, "New against what you said before: 1 date." in filed.out) == (0, True)


@pytest.fixture
def key(recuento: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A reporter's key, where a command that sends lists looks for it."""
    add_source(recuento)
    made = recuento("key", "create", "--holder", "Ana Pérez", "example-watch").out.strip()
    monkeypatch.setenv("RECUENTO_KEY", made)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "list.csv").write_text(LIST)
    return made


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_is_sent_to_a_registry_elsewhere_which_knows_the_source_by_the_key(
    recuento: Run, settings: Settings, key: str, tmp_path: Path
) -> None:
    with serving(settings, at=None) as address:
        tried = recuento("import", "list.csv", "--to", address, "--dry-run", "--source", "example-watch")
        sent = recuento("import", "list.csv", "--to", address, "--json")
        again = recuento("import", "list.csv", "--to", f"{address}/")
        other = recuento("import", "list.csv", "--to", address, "--source", "another")
    assert (tried.status, tried.err) == (0, "")
    assert "2 of 2 rows would become: 2 new" in tried.out
    *rows, receipt = map(json.loads, sent.out.splitlines())
    assert [(row["row"], row["outcome"]) for row in rows] == [(2, "new"), (3, "new")]
    assert (receipt["state"], receipt["settled"], len(receipt["imports"])) == ("done", 2, 1)
    assert "2 of 2 rows became: 0 new, 0 updated, 2 unchanged" in again.out
    assert "not of another" in refused(other)
    assert list((tmp_path / "state" / "recuento" / "uploads").iterdir()) == []
    assert key not in "".join(ran.out + ran.err for ran in (tried, sent, again, other))


def test_without_a_key_or_over_an_open_line_nothing_is_sent(
    recuento: Run, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "can read the names" in refused(recuento("import", "list.csv", "--to", "http://registry.example"))
    monkeypatch.delenv("RECUENTO_KEY")
    assert "Set RECUENTO_KEY" in refused(recuento("import", "list.csv", "--to", "https://registry.example"))
    ran = recuento("import", "list.csv")
    assert (ran.status, "--source" in ran.err, "--to" in ran.err) == (2, True, True)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), PermanentError("The disk is full.")])
def test_whatever_stops_an_upload_says_how_to_go_on(
    recuento: Run, key: str, monkeypatch: pytest.MonkeyPatch, stopped: BaseException
) -> None:
    def begin(*given: Any, **_named: Any) -> None:
        given[5].show_status("The line dropped; trying again in 8 s.")
        given[5].show_progress(1, 2)
        raise stopped

    monkeypatch.setattr(remote, "file_remote_list", begin)
    ran = recuento("import", "list.csv", "--to", "https://registry.example")
    assert ran.status == 1
    dropped, last = ran.err.splitlines()
    assert dropped == "The line dropped; trying again in 8 s."
    assert last.endswith("run the same command again, and it goes on where it stopped.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_started_by_the_command_answers_and_ends_well_when_told_whatever_is_half_sent(
    settings: Settings, tmp_path: Path, recuento: Run, workers: str
) -> None:
    add_source(recuento)
    key = recuento("key", "create", "example-watch").out.strip()
    port = free_port()
    environment = {
        **os.environ,
        "RECUENTO_DATABASE_URL": settings.database_url,
        "RECUENTO_SECRET": SECRET,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "app.cli", "serve", "--port", str(port), "--workers", workers]
    lines = ["POST /v1/imports HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", "Content-Length: 99", "", "half"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        half_sent = []
        try:
            assert answered(f"http://127.0.0.1:{port}/readyz", server) == {"status": "ok"}
            for sent in ("GET /v1/sour", "\r\n".join(lines)):
                half_sent.append(socket.create_connection(("127.0.0.1", port)))
                half_sent[-1].sendall(sent.encode())
            answered(f"http://127.0.0.1:{port}/readyz", server)
        finally:
            server.terminate()
        out, err = server.communicate(timeout=60)
        for connection in half_sent:
            connection.close()
    assert (server.returncode, out) == (0, "")
    told = [line for line in err.splitlines() if "slow request" not in line]  # as on a machine with much else to do
    assert told == [f"Recuento serves http://127.0.0.1:{port} (addresses: /openapi.json; stop with Ctrl-C)"]


def test_where_another_program_has_the_port_no_key_is_made_and_nobody_is_sent_there(
    recuento: Run,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("serve", "demo"):
            line = refused(recuento(command, "--port", port))
            assert port in line
            assert "--port" in line


def answered(url: str, server: "subprocess.Popen[str]") -> Any:
    """What the server answers once it listens; fails as soon as its process has ended."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response)
        except OSError:
            with suppress(subprocess.TimeoutExpired):
                raise AssertionError(f"ended with {server.wait(timeout=0.1)}: {server.communicate()}") from None


def test_help_lists_every_command_with_its_own_words_and_imports_none_of_them() -> None:
    asked = "import sys; from app.cli import cli; cli.main(['--help'], standalone_mode=False); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    for name, (_module, text) in cli.COMMANDS.items():
        assert f" {name} " in told
        assert " ".join(cli.load_command(name).help.split("\n\n")[0].split()) == text
    assert {"sqlalchemy", "fastapi", "pydantic", "numpy"} & set(told.split()) == set()

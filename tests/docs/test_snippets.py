"""Every snippet of the documentation, run as a reader would run it, against the demo on a real port."""

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app import cli
from app.main import create_app
from tests.docs.matching import Learnt, compare, text, translate
from tests.docs.reading import PAGES, ROOT, Block, blocks, title
from tests.docs.server import served
from tests.replay import replayed_once, settings_for

DEMO = "http://127.0.0.1:8000"  # as the pages write it
# Commands of ours that end by themselves; `serve` and `demo` do not.
ENDS = re.compile(r"^recuento (?!serve|demo|files serve|files write .* --every)", re.MULTILINE)
GIVEN_KEY = re.compile(r"^\w+=rcn_….*$", re.MULTILINE)
ENTRY = '"v": 3'  # the one JSON that is no answer: how the log keeps a report
TYPESCRIPT_EXAMPLE = ROOT / "clients" / "typescript" / "examples" / "count.ts"
CURL = """
set -eu
curl() { command curl --silent --show-error --max-time 60 --dump-header "$ANSWERED" "$@"; }
"""


@dataclass
class Answer:
    """What a request led to."""

    status: int
    headers: dict[str, str]
    body: str
    line: int
    expected: bool = False  # the page says which status to expect


@dataclass
class Session:
    """A reader who works through one page, from top to bottom."""

    address: str
    keys: dict[str, str]
    folder: Path
    learnt: Learnt = field(default_factory=dict)
    answer: Answer | None = None
    names: dict[str, Any] = field(default_factory=dict)  # of the Python of the page

    def follow(self, block: Block) -> None:
        if block.language == "bash":
            self._settle()
            if "curl" in block.text:
                self._request(block)
            elif ENDS.search(block.text):
                self._command(block)
        elif block.language == "json":
            self._expect_json(block)
        elif block.language == "http":
            self._expect_head(block)
        elif block.language == "python":
            self._settle()
            self._program(block)
        elif block.language == "csv" or (block.language == "text" and self.answer is not None):
            self._expect_lines(block)
        elif block.language == "typescript":  # make client-typescript compiles the file
            assert block.text == TYPESCRIPT_EXAMPLE.read_text(encoding="utf-8")
        elif block.language not in ("mermaid", "text"):  # a drawing, or lines of no program
            assert not block.language, f"nobody runs a block of {block.language}"

    def finish(self) -> None:
        self._settle()

    def _settle(self) -> None:
        """An answer of which the page says nothing is one that worked."""
        answer, self.answer = self.answer, None
        if answer is not None and not answer.expected:
            assert 200 <= answer.status < 300, f"the request of line {answer.line}: {answer.status} {answer.body}"

    def _request(self, block: Block) -> None:
        assert block.text.count("curl ") == 1, "one request a block, so that its answer can be shown after it"
        command = translate(GIVEN_KEY.sub("", block.text).replace(DEMO, self.address), self.learnt)
        answered = self.folder / "headers"
        said = self._run(CURL + command, ANSWERED=str(answered), **self.keys)
        first, *lines = answered.read_text().strip().splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = said.split("\n\n", 1)[-1] if said.startswith("HTTP/") else said
        self.answer = Answer(int(first.split()[1]), headers, body, block.line)

    def _command(self, block: Block) -> None:
        """Our own commands: on a registry of their own, or sending lists to the one that is served."""
        for line in block.text.splitlines():
            if ENDS.match(line):
                typed, _, into = line.replace(DEMO, self.address).partition(" > ")
                said = self._ours(shlex.split(typed, comments=True))
                if into:
                    (self.folder / into.strip()).write_text(said)

    def _program(self, block: Block) -> None:
        """Python, as in one session of an interpreter. What it prints is shown after it."""
        said = io.StringIO()
        with redirect_stdout(said):
            exec(compile(block.text.replace(DEMO, self.address), "page", "exec"), self.names)
        self.answer = Answer(200, {}, said.getvalue(), block.line)

    def _ours(self, typed: list[str]) -> str:
        """What a command prints: here, as a process of its own takes a second to begin."""
        said, warned, mask = io.StringIO(), io.StringIO(), os.umask(0)
        os.umask(mask)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(warned):
            patch.chdir(self.folder)
            patch.setenv("RECUENTO_KEY", self.keys["KEY"])
            patch.setattr(sys, "argv", typed)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        os.umask(mask)  # commands make their process private
        assert not ended.value.code, warned.getvalue()
        return said.getvalue()

    def _run(self, script: str, **more: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **more}
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _expect_json(self, block: Block) -> None:
        shown: Any = json.loads(block.text)
        if ENTRY in block.text:
            return
        assert self.answer is not None, "this JSON follows no request"
        status = shown.get("status") if isinstance(shown, dict) and "code" in shown else None
        assert status is None or self.answer.status == status
        self.answer.expected |= status is not None
        self.learnt = compare(shown, json.loads(self.answer.body), self.learnt)

    def _expect_head(self, block: Block) -> None:
        assert self.answer is not None, "these headers follow no request"
        first, *lines = block.text.strip().splitlines()
        assert self.answer.status == int(first.split()[1]), self.answer.body
        self.answer.expected = True
        for line in lines:
            name, _, shown = line.partition(": ")
            said = self.answer.headers[name.lower()]
            if name == "Recuento-Revision":
                self.learnt = compare(int(shown), int(said), self.learnt, "/revision")
            else:
                self.learnt = text(shown, said, self.learnt, name)

    def _expect_lines(self, block: Block) -> None:
        assert self.answer is not None, "these lines follow no request"
        said = self.answer.body.splitlines()
        for line in block.text.splitlines():
            pattern = ".*".join(map(re.escape, line.split("…")))
            assert any(re.fullmatch(pattern, one) for one in said), f"no line of the answer is {line}"


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed_once(tmp_path_factory)


def test_a_script_on_another_page_may_poll_with_the_tag(tmp_path: Path) -> None:
    """As dashboards are told: a browser asks first whether it may send the header."""
    asks = {
        "Origin": "https://dashboard.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match",
    }
    app = create_app(settings_for(f"sqlite:///{tmp_path / 'empty.db'}"))
    with TestClient(app) as client:
        allowed = client.options("/v1/counts/releases", headers=asks)
    assert allowed.status_code == 200
    assert "If-None-Match" in allowed.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in allowed.headers


@pytest.mark.usefixtures("every_list_questions")
@pytest.mark.parametrize("page", PAGES, ids=title)
def test_every_snippet_of_a_page_does_what_the_page_says(page: Path, replayed: Path, tmp_path: Path) -> None:
    database = tmp_path / "registry.db"
    shutil.copy(replayed, database)
    with served(database) as (address, keys):
        session = Session(address, keys, tmp_path)
        for block in blocks(page):
            try:
                session.follow(block)
            except Exception as error:
                error.add_note(f"{title(page)}, line {block.line}")
                raise
        session.finish()

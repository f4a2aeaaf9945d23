"""A list sent from afar: in parts, over a line that breaks, and in the end as if it had been filed where it lies."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.config import Settings
from app.db.engine import open_write_session
from app.imports.filing.import_store import ImportOptions
from app.imports.filing.receipts import Receipt
from app.imports.mapping import ListMapping
from app.imports.upload import client, remote, uploads
from app.imports.upload.client import PermanentError, RegistryClient
from app.registry import api_keys
from app.vocabulary import Language, Role
from bench.bad_line import BadLine
from bench.invented import csv_of
from tests.api.serving import serving
from tests.support import NOW, Body, World

HEAD = "código;nombre;fecha de nacimiento;país;fecha de excarcelación\n"
ROWS = [
    "A-1;Rosa Inés Valdivia;1971;VE;12 de enero de 2026",
    "A-2;Julio Peralta Ríos;1964;VE;13 de enero de 2026",
    "A-3;Elsa Mora;treinta;VE;",
    "A-4;Bernardo Quiñones;1958;VE;",
    "A-5;Carmela Iturbe Sosa;1990;VE;2026-01-14",
]
LIST = HEAD + "\n".join(ROWS) + "\n"
# The server finds it: here nobody knows which records there are.
KNOWN = LIST.replace("treinta", "1980").replace("A-5", "OLD")

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Watcher:
    def __init__(self) -> None:
        self.told: list[str] = []
        self.settled: list[tuple[int, int]] = []

    def show_status(self, text: str) -> None:
        self.told.append(text)

    def show_progress(self, settled_rows: int, rows: int) -> None:
        self.settled.append((settled_rows, rows))


class Sender:
    """An officer's machine: a list, the journals, and a line that does `whim` with each request and its answer."""

    def __init__(self, world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.folder = world, folder
        self.requests: list[httpx2.Request] = []
        self.whim: Callable[[httpx2.Request, Callable[[], httpx2.Response]], httpx2.Response] = lambda _r, answer: (
            answer()
        )
        self.watch = Watcher()
        carry = world.client._transport.handle_request

        def handle(request: httpx2.Request) -> httpx2.Response:
            self.requests.append(request)
            return self.whim(request, lambda: carry(request))

        monkeypatch.setattr(client, "sleep", lambda _seconds: None)
        monkeypatch.setattr(remote, "INITIAL_POLL_SECONDS", 0.01)
        monkeypatch.setattr(uploads, "MAX_PART_BYTES", 400)  # two rows
        monkeypatch.setattr(remote, "PAGE_ROWS", 1)
        self._client = partial(httpx2.Client, transport=httpx2.MockTransport(handle))
        self._patch = monkeypatch

    def send(
        self,
        text: str,
        who: str = "foro",
        *,
        source: str | None = None,
        every: bool = True,
        lang: Language = "en",
        **sent: Any,
    ) -> Any:
        path = self.folder / "list.csv"
        path.write_text(text, encoding="utf-8")
        self.watch = Watcher()
        self._patch.setattr(httpx2, "Client", self._client)
        try:
            with RegistryClient("http://127.0.0.1", self.world.keys[who], self.watch.show_status, lang) as line:
                return remote.file_remote_list(
                    line,
                    self.folder / "state",
                    path,
                    ImportOptions(**sent),
                    NOW,
                    self.watch,
                    source=source,
                    all_rows=every,
                )
        finally:
            self._patch.setattr(httpx2, "Client", self._client.func)

    @property
    def posts(self) -> int:
        return sum(request.method == "POST" for request in self.requests)

    @property
    def journals(self) -> int:
        return len(list((self.folder / "state").glob("*")))


@pytest.fixture
def sender(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sender:
    return Sender(world, tmp_path, monkeypatch)


def counts(receipt: Body | Receipt) -> dict[str, int]:
    return {outcome: number for outcome, number in receipt["counts"].items() if number}


def test_a_list_sent_in_parts_is_told_as_one(sender: Sender) -> None:
    receipt, rows = sender.send(LIST)
    assert (receipt["state"], receipt["rows"], receipt["settled"], counts(receipt)) == (
        "done",
        5,
        5,
        {"new": 4, "error": 1},
    )
    assert [(row["row"], row["outcome"]) for row in rows] == [
        (2, "new"),
        (3, "new"),
        (4, "error"),
        (5, "new"),
        (6, "new"),
    ]
    assert (rows[2]["errors"][0]["column"], rows[2]["errors"][0]["code"]) == ("C", "invalid_date")
    assert [one["column"] for one in receipt["columns"]] == ["A", "B", "C", "D", "E"]
    assert receipt["last_revision"] - receipt["first_revision"] == 3
    assert (sender.posts, len(receipt["imports"]), sender.journals) == (2, 2, 0)
    assert sender.watch.settled[0] == (1, 5)
    assert sender.watch.settled[-1] == (5, 5)
    again, _rows = sender.send(LIST)
    assert counts(again) == {"unchanged": 4, "error": 1}


def test_places_that_nobody_registered_are_told_by_their_rows_in_the_file(sender: Sender) -> None:
    placed = "\n".join(row + ";Ramo Verde" for row in ROWS)
    receipt, _rows = sender.send(f"{HEAD.strip()};centro de reclusión\n{placed}\n")
    assert sender.posts > 1
    (warning,) = receipt["warnings"]
    assert (warning["count"], [one["row"] for one in warning["examples"]]) == (4, [2, 3, 5])


def test_what_a_registry_asks_is_told_in_the_language_of_whoever_sends(sender: Sender) -> None:
    placed = HEAD.strip() + ";centro de reclusión\n" + "".join(f"{row};Ramo Verde\n" for row in ROWS)
    sender.send(placed)
    field: dict[Language, str] = {
        "en": "Place of detention (2 rows",
        "es": "Centro de reclusión (",
    }
    for lang, told in field.items():
        receipt, _rows = sender.send(placed.replace("Ramo Verde", ""), lang=lang)
        (question,) = receipt["questions"]
        assert (question["code"], question["answer"], told in question["detail"]) == ("column_gone", "confirm", True)
    undated = placed.replace("fecha de nacimiento", "edad").replace("1971", "55")
    receipt, _rows = sender.send(undated, lang="es")
    assert "¿En qué día tenían las personas la edad" in receipt["questions"][0]["detail"]


def test_what_arrives_is_what_the_same_file_would_be_where_it_is_filed(sender: Sender) -> None:
    nameless = LIST.replace("código;", "").replace("treinta", "1980")
    for number in range(1, 6):
        nameless = nameless.replace(f"A-{number};", "")
    receipt, _rows = sender.send(nameless)
    assert (counts(receipt), receipt["derived_case_numbers"]) == ({"new": 5}, 5)
    assert counts(sender.world.send_list(nameless)) == {"unchanged": 5}


def test_an_answer_lost_after_its_effect_is_given_again(sender: Sender) -> None:
    lost: set[tuple[str, str]] = set()

    def lose_each_once(request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        answered, what = answer(), (request.method, str(request.url) + request.headers.get("idempotency-key", ""))
        if what not in lost:
            lost.add(what)
            raise httpx2.ReadError("cut")
        return answered

    sender.whim = lose_each_once
    receipt, _rows = sender.send(LIST)
    assert counts(receipt) == {"new": 4, "error": 1}
    assert sender.world.rows("SELECT count(*) FROM list_import") == [(2,)]
    assert any("The line dropped" in told for told in sender.watch.told)


@pytest.mark.parametrize("after", [2, 3, 5])
def test_stopped_after_any_request_it_goes_on_and_each_part_is_filed_once(sender: Sender, after: int) -> None:
    def stop(_request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        answered = answer()
        sender.world.settle()
        if len(sender.requests) == after:
            raise KeyboardInterrupt
        return answered

    sender.whim = stop
    with pytest.raises(KeyboardInterrupt):
        sender.send(LIST)
    before = len(sender.requests)
    receipt, rows = sender.send(LIST)
    assert (counts(receipt), len(rows)) == ({"new": 4, "error": 1}, 5)
    asked = [request.url.path for request in sender.requests[before:]]
    # A part that is through is not sent or followed again; one whose receipt had not come is.
    assert asked.count("/v1/imports") == {2: 2, 3: 2, 5: 1}[after]
    assert asked.count(f"/v1/imports/{receipt['imports'][0]}") == {2: 1, 3: 1, 5: 0}[after]
    assert sender.world.rows("SELECT count(*), count(DISTINCT report) FROM import_row") == [(4, 4)]
    assert sender.watch.told == (["Going on where it stopped."] if after > 2 else [])


def stopped_once_it_was_in(sender: Sender, **asked: Any) -> None:
    """Send the list, and stop when its first part has been accepted and nobody has noted so."""

    def stop(_request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        answered = answer()
        if sender.posts == 1:
            raise KeyboardInterrupt
        return answered

    sender.whim = stop
    with pytest.raises(KeyboardInterrupt):
        sender.send(LIST, **asked)
    sender.whim = lambda _request, answer: answer()


def test_a_part_sent_before_a_question_was_answered_is_another_request_after(sender: Sender) -> None:
    stopped_once_it_was_in(sender)
    sender.world.settle()
    assert sender.send(LIST, confirmed=True)[0]["state"] == "done"


def test_an_upload_begun_with_an_answer_goes_on_with_it_though_the_next_run_gives_none(sender: Sender) -> None:
    stopped_once_it_was_in(sender, confirmed=True)
    assert counts(sender.send(LIST)[0]) == {"new": 4, "error": 1}
    assert sender.world.rows("SELECT count(*) FROM list_import") == [(2,)]


def test_a_file_that_was_changed_meanwhile_is_another_upload_and_says_so(sender: Sender) -> None:
    def stop(_request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        if sender.posts == 2:
            raise KeyboardInterrupt
        return answer()

    sender.whim = stop
    with pytest.raises(KeyboardInterrupt):
        sender.send(LIST)
    sender.whim = lambda _request, answer: answer()
    receipt, _rows = sender.send(LIST.replace("treinta", "1980"))
    assert counts(receipt) == {"new": 3, "unchanged": 2}
    assert "has changed" in sender.watch.told[0]


def test_the_number_of_rows_is_asked_about_the_whole_list_and_not_about_each_part(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = HEAD + "".join(f"B-{n};Persona {chr(65 + n)}x Inventada;{1940 + n};VE;\n" for n in range(24))
    sender.world.send_list(long)
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", 1_000)
    assert sender.send(long)[0]["state"] == "done"
    assert sender.posts > 2
    requests = sender.posts
    receipt, rows = sender.send(LIST)
    assert (receipt["state"], counts(receipt), [row["row"] for row in rows]) == ("questioned", {"error": 1}, [4])
    assert "This list has 5 rows, your last one had 24" in receipt["questions"][0]["detail"]
    assert sender.posts == requests + 1  # none of the other parts was sent
    assert sender.send(LIST)[0]["state"] == "questioned"
    assert counts(sender.send(LIST, confirmed=True)[0]) == {"new": 4, "error": 1}


def test_what_a_registry_asks_is_answered_by_its_place_and_nothing_else_is(sender: Sender) -> None:
    sender.world.send_list(
        HEAD + "".join(f"B-{n};Persona {chr(65 + n)}x Inventada;{1940 + n};VE;\n" for n in range(24))
    )
    (question,) = sender.send(LIST)[0]["questions"]
    assert question["place"] == "/confirmed/row_count"
    for code, state in (("column_gone", "questioned"), ("row_count", "done")):
        assert sender.send(LIST, mapping=ListMapping(confirmed={code: True}))[0]["state"] == state


def test_ages_without_a_day_are_asked_about_before_anything_is_sent(sender: Sender) -> None:
    said = "código;nombre;edad;fecha de detención;país\nA-1;Rosa Inés Valdivia;19;2024-03-02;VE\n"
    for confirmed in (False, True):
        receipt, _rows = sender.send(said, confirmed=confirmed)
        assert [(one["code"], one["place"]) for one in receipt["questions"]] == [("age_needs_day", "/age_on")]
    assert sender.posts == 0
    sent, _rows = sender.send(said, mapping=ListMapping.parse_toml('age_on = "detained_on"'))
    assert (counts(sent), sent["gained"], sent["held_counted"]) == (
        {"new": 1},
        {"verdicts": 0, "dates": 1, "wishes": 0},
        1,
    )


def test_numbers_that_only_count_the_rows_are_asked_about_before_anything_is_sent(sender: Sender) -> None:
    counting = "id;nombre;país\n1;Rosa Inés Valdivia;VE\n2;Julio Peralta Ríos;VE\n"
    receipt, _rows = sender.send(counting)
    assert (receipt["questions"][0]["code"], sender.posts) == ("numbers_count_rows", 0)
    assert counts(sender.send(counting, confirmed=True)[0]) == {"new": 2}


def test_a_trial_stores_nothing_and_says_what_would_become_of_each_row(sender: Sender) -> None:
    revision = sender.world.revision
    receipt, rows = sender.send(LIST, dry_run=True)
    assert (counts(receipt), receipt["dry_run"], len(rows)) == ({"new": 4, "error": 1}, True, 5)
    assert (sender.world.revision, sender.journals) == (revision, 0)


def test_strict_sends_nothing_of_a_list_with_a_row_that_cannot_be_read(sender: Sender) -> None:
    receipt, rows = sender.send(LIST, strict=True)
    assert (receipt["problem"]["row"], [row["row"] for row in rows], sender.posts) == (4, [4], 0)


def test_strict_tries_every_part_before_it_files_one(sender: Sender) -> None:
    sender.world.file(source_record_id="OLD", detainee__full_name="Carmela Iturbe Sosa", detainee__birth_date="1990")
    revision = sender.world.revision
    bad = KNOWN.replace("Carmela Iturbe Sosa", "Zulma Paz")  # the case number of somebody else
    receipt, rows = sender.send(bad, strict=True)
    assert (receipt["state"], receipt["problem"]["code"], receipt["problem"]["row"]) == ("failed", "strict", 6)
    assert ([row["row"] for row in rows], rows[0]["errors"][0]["code"]) == ([6], "another_person")
    assert sender.world.revision == revision
    assert counts(sender.send(bad)[0]) == {"new": 4, "error": 1}


def test_strict_files_a_list_without_errors_and_stops_where_one_comes_between(sender: Sender) -> None:
    good = LIST.replace("treinta", "1980")

    def between(request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        if request.method == "POST" and sender.posts == 4:  # two parts were tried, and one is in
            sender.world.file_detention(source_record_id="A-4", detainee__full_name="Zulma Paz")
        return answer()

    sender.whim = between
    receipt, _rows = sender.send(good, strict=True)
    assert (receipt["state"], receipt["problem"]["row"], counts(receipt)["new"]) == ("failed", 5, 2)
    assert "nothing from row 4 on" in receipt["problem"]["detail"]
    sender.whim = lambda _request, answer: answer()
    mended = good.replace("A-4", "A-9")
    assert sender.send(mended, strict=True)[0]["state"] == "done"


@pytest.mark.parametrize(
    "who, source, said", [("reader", None, "a reader's"), ("jep", "foro", "of jep, and not of foro")]
)
def test_a_key_that_cannot_send_this_list_is_told_before_anything_is_sent(
    sender: Sender, who: str, source: str | None, said: str
) -> None:
    with pytest.raises(PermanentError, match=said):
        sender.send(LIST, who, source=source)
    assert sender.posts == 0


def test_a_key_that_ends_half_way_stops_it_and_the_next_key_goes_on(sender: Sender) -> None:
    def revoke(request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        if sender.posts == 2:
            with open_write_session(sender.world.engine) as session:
                api_keys.revoke_key(session, sender.world.keys["foro"][4:12], NOW)
        return answer()

    sender.whim = revoke
    with pytest.raises(PermanentError, match=r"refuses \(401\).* ask the administrator"):
        sender.send(LIST)
    sender.whim = lambda _request, answer: answer()
    with open_write_session(sender.world.engine) as session:
        sender.world.keys["foro"] = api_keys.create_key(session, Role.REPORTER, "foro", 1, NOW)
    receipt, _rows = sender.send(LIST)
    assert counts(receipt) == {"new": 4, "error": 1}
    assert sender.world.rows("SELECT count(*) FROM list_import") == [(2,)]


def test_a_list_that_failed_at_the_registry_is_another_request_the_next_time(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.imports.filing.row_filing.file_rows", lambda *_: 1 / 0)
    receipt, _rows = sender.send(LIST)
    assert (receipt["state"], receipt["problem"]["code"], receipt["problem"]["row"]) == ("failed", "internal_error", 2)
    monkeypatch.undo()
    retry = Sender(sender.world, sender.folder, monkeypatch)
    assert counts(retry.send(LIST)[0]) == {"new": 4, "error": 1}


def test_a_registry_that_forgot_what_was_sent_says_what_to_delete(sender: Sender) -> None:
    def forget(request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        if "/imports/" in request.url.path:
            return httpx2.Response(404, json={"code": "not_found", "detail": "Not found."})
        return answer()

    sender.whim = forget
    with pytest.raises(PermanentError, match=r"backup\?\): delete .*jsonl"):
        sender.send(LIST)


@pytest.mark.parametrize(
    "row, more",
    [(10**9, None), (0, None), (1, "/v1/imports?cursor=x"), (1, "/v1/imports?cursor=" + "x" * 3_000)],
    ids=["beyond the last", "before the first", "for ever", "a long address"],
)
def test_rows_that_were_not_sent_are_not_believed(sender: Sender, row: int, more: str | None) -> None:
    def invent(request: httpx2.Request, answer: Callable[[], httpx2.Response]) -> httpx2.Response:
        if not request.url.path.endswith("/rows"):
            return answer()
        shown = {"row": row, "outcome": "error", "report_id": None, "revision": None, "errors": []}
        return httpx2.Response(200, json={"data": [shown], "next": more})

    sender.whim = invent
    with pytest.raises(PermanentError, match=r"rows that were not sent|does not speak"):
        sender.send(LIST)
    assert len(sender.requests) < 20


def test_only_rows_that_need_somebody_are_fetched_unless_all_are_asked_for(sender: Sender) -> None:
    _receipt, rows = sender.send(LIST, every=False)
    assert [row["row"] for row in rows] == [4]
    assert not [request for request in sender.requests if "/rows" in request.url.path]


def test_of_a_list_of_nobody_and_of_a_web_page_nothing_is_sent(sender: Sender) -> None:
    with pytest.raises(Exception, match="web page"):
        sender.send("<html>")
    with pytest.raises(Exception, match="no rows below"):
        sender.send(HEAD)
    assert sender.posts == 0


def test_an_upload_through_a_line_that_cuts_resets_and_stalls_comes_to_every_row_once(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    rows = 60
    for name, value in {"TIMEOUT_SECONDS": 0.2, "INITIAL_RETRY_SECONDS": 0.01, "MAX_RETRY_SECONDS": 0.1}.items():
        monkeypatch.setattr(client, name, value)
    monkeypatch.setattr(remote, "INITIAL_POLL_SECONDS", 0.02)
    monkeypatch.setattr(remote, "PAGE_ROWS", 4)
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", 5_000)  # some fourteen rows
    path, watch = tmp_path / "list.csv", Watcher()
    path.write_bytes(csv_of(rows))
    with (
        serving(settings) as address,
        BadLine(int(address.rpartition(":")[2]), seed=6, up=4_000, down=4_000) as bad,
        RegistryClient(bad.address, world.keys["foro"], watch.show_status) as line,
    ):
        receipt, told = remote.file_remote_list(
            line, tmp_path / "state", path, ImportOptions(), NOW, watch, source=None, all_rows=True
        )
    assert {"cut", "reset", "stall", "refused"} <= set(bad.met)
    assert [row["row"] for row in told] == list(range(2, rows + 2))
    assert (receipt["settled"], counts(receipt).get("error")) == (rows, None)
    assert world.rows("SELECT count(*) FROM record") == [(rows,)]
    sent = len(receipt["imports"])
    assert sent > 3
    assert world.rows("SELECT count(*), count(DISTINCT report), count(DISTINCT list_import) FROM import_row") == [
        (rows, rows, sent)
    ]


def test_a_withdrawn_report_is_asked_about_by_its_row_in_the_file_and_answered(sender: Sender) -> None:
    _receipt, rows = sender.send(LIST)
    report = rows[-1]["report_id"]
    assert rows[-1]["source_record_id"] == "A-5"
    sender.world.post(f"/v1/reports/{report}/retract", {}, "foro")
    receipt, rows = sender.send(LIST, lang="es")
    assert counts(receipt) == {"unchanged": 3, "error": 2}
    (error,) = rows[-1]["errors"]
    assert (rows[-1]["row"], error["column"], error["code"]) == (6, "A", "withdrawn_report")
    assert '6 = "stands_again"' in error["detail"]
    receipt, _rows = sender.send(LIST, mapping=ListMapping.parse_toml('[rows]\n6 = "stands_again"\n'))
    assert counts(receipt) == {"unchanged": 3, "updated": 1, "error": 1}

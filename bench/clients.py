"""Clients of a drill: each sends one request after another, sends again what was not acknowledged, and writes down what
it was answered."""

import hashlib
import http.client
import json
import time
import uuid
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Any

from bench.invented import Crowd, csv_of
from bench.linear import Pinned, Seen, Written

ANSWER_SECONDS = 45.0  # longer than a writer waits for its turn
AGAIN_SECONDS = 120.0  # within which whatever was sent must be acknowledged
PAUSE = 0.05
AGAIN = (429, 503)  # the declared answers to send the same again
LIST_ROWS = 12
LISTED = 0.3  # of the times when a list could be sent: each is followed to its end


@dataclass(frozen=True)
class Sent:
    """A request, sent the same however often."""

    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    loose: bool = False  # sent again it is stored again


@dataclass
class Book:
    """What all clients of a drill were answered."""

    history: list[Written | Seen | Pinned] = field(default_factory=list)
    spare: int = 0  # how often something was sent again that is then stored again
    again: int = 0  # how often anything was
    people: list[str] = field(default_factory=list)
    lists: int = 0
    spare_lists: int = 0  # how often one without an Idempotency-Key was sent again: another list, whose rows are known
    faults: list[str] = field(default_factory=list)

    def receipts(self) -> list[int]:
        return [one.revision for one in self.history if isinstance(one, Written)]

    def newest(self) -> int:
        return max((one.revision for one in self.history if not isinstance(one, Pinned)), default=0)


def ask(port: int, key: str, sent: Sent) -> tuple[int, dict[str, str], bytes] | None:
    """`(status, headers, body)`; None where no answer came whole."""
    headers = {**sent.headers, "Authorization": f"Bearer {key}"} if key else sent.headers
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request(sent.method, sent.path, sent.body or None, headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


class Client:
    """One client with a key. `kinds`: what it does."""

    def __init__(self, name: str, key: str, port: int, pick: Random, book: Book, kinds: str) -> None:
        self._name, self._key, self._port, self._pick, self._book = name, key, port, pick, book
        self._kinds = kinds.split()
        self._people = Crowd(pick.randrange(2**31)).people(100_000)
        self._own: list[str] = []  # its reports that stand
        self._cases: list[dict[str, Any]] = []  # bodies with case numbers, to be sent again changed
        self._number = 0
        self._again = 0

    def work(self, over: Event) -> None:
        """Go on until it is over, and then until the last write is acknowledged."""
        try:
            while not over.is_set():
                getattr(self, self._pick.choice(self._kinds))()
        except Exception as error:
            self._book.faults.append(f"{self._name}: {type(error).__name__} {error}")

    def read(self) -> None:
        begun = time.monotonic()
        answer = self._ask(Sent("GET", f"/v1/releases?limit={self._pick.randint(1, 20)}"))
        if answer is not None and answer[0] == 200:
            self._book.history.append(Seen(self._name, begun, time.monotonic(), int(answer[1]["recuento-revision"])))

    def pinned(self) -> None:
        """A count at a revision that was seen before: its bytes are the same for ever."""
        newest = self._book.newest()
        if newest:
            revision = self._pick.choice([newest, self._pick.randint(1, newest)])
            address = f"/v1/counts/releases?group_by=source&as_of=r{revision}"
            answer = self._ask(Sent("GET", address))
            if answer is not None and answer[0] == 200:
                self._book.history.append(Pinned(address, hashlib.sha256(answer[2]).hexdigest()))

    def report(self) -> None:
        name, born = next(self._people)
        body: dict[str, Any] = {
            "detainee": {"full_name": name, "birth_date": str(born or 1980), "publish": "anonymous"},
            "detention": {"detained_on": f"2025-0{self._pick.randint(1, 9)}-03", "country": "VE"},
            "note": self._new("report"),
        }
        if self._pick.random() < 0.7:
            body["release"] = {"released_on": f"2026-01-{self._pick.randint(10, 28)}"}
        if self._pick.random() < 0.5:
            body["source_record_id"] = body["note"]
            self._cases.append(body)
        self._file(body)

    def resend(self) -> None:
        """The same case with something changed."""
        if self._cases:
            self._file({**self._pick.choice(self._cases), "note": self._new("version")})

    def _file(self, body: dict[str, Any]) -> None:
        path = "/v1/releases" if "release" in body else "/v1/detentions"
        answer = self._write(self._request("POST", path, body, maybe=True), body["note"])
        if answer["report"]["id"] not in self._own:
            self._own.append(answer["report"]["id"])
        self._book.people.append(answer["detainee"]["id"])

    def correct(self) -> None:
        if self._own:
            note = self._new("correction")
            self._write(self._request("PATCH", f"/v1/reports/{self._pick.choice(self._own)}", {"note": note}), note)

    def retract(self) -> None:
        if len(self._own) > 3:
            report = self._own.pop(self._pick.randrange(len(self._own)))
            self._cases = []  # one of them may be this report, and sent again it would stand again
            reason = self._new("retraction")
            request = self._request("POST", f"/v1/reports/{report}/retract", {"reason": reason}, maybe=True)
            self._write(request, reason)

    def claim(self) -> None:
        text = self._new("claim")
        low = self._pick.randint(1, 400)
        body: dict[str, Any] = {"measure": "released", "qualifier": "exactly", "low": low, "high": low, "note": text}
        body["reported_by"] = "An invented paper"
        if self._pick.random() < 0.5:
            body["source_record_id"] = text
        self._write(self._request("POST", "/v1/claims", body, maybe=True), text)

    def consent(self) -> None:
        if self._book.people:
            text = self._new("consent")
            publish = self._pick.choice(["named", "anonymous", "counted"])
            body = {"publish": publish, "given_by": "the person", "given_on": "2026-02-01", "reason": text}
            request = self._request(
                "POST", f"/v1/detainees/{self._pick.choice(self._book.people)}/consent", body, maybe=True
            )
            loose = "Idempotency-Key" not in request.headers
            self._write(Sent(request.method, request.path, request.body, request.headers, loose), text)

    def send_list(self) -> None:
        """Seldom."""
        if self._pick.random() > LISTED:
            return
        self._number += 1
        mark = uuid.uuid4().hex
        data = csv_of(LIST_ROWS, seed=self._pick.randrange(10**6))
        head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="l.csv"\r\n\r\n'.encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        headers |= {"Idempotency-Key": uuid.uuid4().hex} if self._pick.random() < 0.5 else {}
        body = head + data + f"\r\n--{mark}--\r\n".encode()
        before = self._again
        self._acknowledged(Sent("POST", "/v1/imports?confirm=true", body, headers))
        self._book.lists += 1
        self._book.spare_lists += 0 if "Idempotency-Key" in headers else self._again - before

    def _new(self, kind: str) -> str:
        self._number += 1
        return f"{self._name} {kind} {self._number}"

    def _request(self, method: str, path: str, body: dict[str, Any], *, maybe: bool = False) -> Sent:
        """`maybe`: with an Idempotency-Key or without one."""
        headers = {"Content-Type": "application/json"}
        if maybe and self._pick.random() < 0.5:
            headers["Idempotency-Key"] = uuid.uuid4().hex
        return Sent(method, path, json.dumps(body).encode(), headers)

    def _write(self, request: Sent, what: str) -> Any:
        begun = time.monotonic()
        answer = self._acknowledged(request)
        receipt = answer["receipt"]
        self._book.history.append(
            Written(self._name, what, begun, time.monotonic(), receipt["revision"], receipt["leaf_hash"])
        )
        return answer

    def _acknowledged(self, request: Sent) -> Any:
        """Send it until it is acknowledged; the answer."""
        until = time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < until:
            answer = self._ask(request)
            if answer is not None and answer[0] not in AGAIN:
                assert answer[0] in (200, 201, 202), f"{request.method} {request.path}: {answer[0]} {answer[2]!r}"
                return json.loads(answer[2])
            self._again += 1
            self._book.again += 1
            self._book.spare += request.loose
            time.sleep(PAUSE)
        raise AssertionError(f"{request.method} {request.path} was never acknowledged: {answer}")

    def _ask(self, sent: Sent) -> tuple[int, dict[str, str], bytes] | None:
        answer = ask(self._port, self._key, sent)
        if answer is None:
            time.sleep(PAUSE)
        return answer

"""The client of a remote registry over an unreliable line: the only module that uses an HTTP client.

Each request is repeated, at growing intervals, until it is answered: so all are reads, or have an Idempotency-Key. A
refusal by the registry ends the run, with a message that says what to do.
"""

import gzip
import ipaddress
import random
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from app.errors import Problem
from app.imports.formats.json_reader import parse_json
from app.queries.parameters import MEDIA
from app.registry.api_keys import PATTERN
from app.vocabulary import Language

# Seconds without a byte after which a connection counts as dead: a round trip by satellite takes 5 to 10.
STALLED = 20.0
# Seconds between tries: a line that drops every few seconds is tried at once, a line that is down each minute.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
# Each wait is drawn between this fraction of it and the whole: after a power cut clients must not all return at once.
LEAST_OF_WAIT = 0.5
# The longest Retry-After that is honoured.
LONGEST_ASKED = 3600.0
# A page of rows with all their errors has a few hundred kilobytes. A far longer answer is not a registry's, and would
# fill this machine's memory.
MOST_ANSWER = 8 * 1024 * 1024
# Seconds without an answer, as in a long power cut, after which a person should look. Going on later costs nothing.
GIVES_UP_AFTER = 6 * 3600.0

# Statuses of a registry or proxy that cannot answer now: timeout, too early, too many requests.
_NOT_NOW = frozenset({408, 425, 429})
# TLS errors of a broken line; all others are permanent.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

T = TypeVar("T", bound=BaseModel)
_dice = random.SystemRandom()


class Stopped(Exception):
    """Repeating the request would not help; the message says what to do."""


class Gone(Stopped):
    """The registry has nothing at this address."""


def origin(address: str) -> str:
    """The registry's address, checked before a key is sent there. Raises Stopped.

    Without TLS every carrier could read names and key, so `http://` is for this machine only, where a tunnel may begin.
    No flag allows more: somebody in a hurry would copy it.
    """
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.path not in ("", "/"):
        raise Stopped("Give the registry's address as https://registry.example, with nothing before or behind it.")
    if url.query or url.fragment:
        raise Stopped("Give the registry's address as https://registry.example, with nothing before or behind it.")
    if url.scheme == "http" and not _is_here(url.host):
        raise Stopped("Over http:// everybody on the way can read the names and the key: give the https:// address.")
    return str(url.copy_with(path=""))


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Line:
    """The connection to one registry; use as a context manager. `tell` prints a message; `lang` is the language of the
    registry's questions."""

    def __init__(self, address: str, key: str, tell: Callable[[str], None], lang: Language = "en") -> None:
        self.address = origin(address)
        if PATTERN.fullmatch(key) is None:
            raise Stopped(
                "RECUENTO_KEY, or the file that RECUENTO_KEY_FILE names, does not hold a whole key (rcn_…): check that "
                "it was copied to its end."
            )
        self._tell = tell
        self.lang: Language = lang
        self._client = httpx2.Client(
            base_url=self.address,
            headers={
                "Authorization": f"Bearer {key}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "Accept-Language": lang,
                "User-Agent": "recuento",
            },
            timeout=STALLED,
            follow_redirects=False,  # the key goes to the given address alone
            trust_env=self.address.startswith("https:"),  # a proxy would read plain HTTP
            limits=httpx2.Limits(max_connections=1),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, shape: type[T], **params: Any) -> T:
        """The answer to a GET. Raises Stopped, Gone."""
        return self._read(self._answer("GET", path, params=params), shape)

    def post(self, path: str, data: bytes, once: str, shape: type[T], **params: Any) -> T:
        """The answer to a POST of `data`, which is packed, sent as often as needed, and acted on once; `once` is its
        Idempotency-Key. Raises Stopped, Gone."""
        headers = {"Content-Type": MEDIA["jsonl"], "Content-Encoding": "gzip", "Idempotency-Key": once}
        packed = gzip.compress(data, mtime=0)
        return self._read(self._answer("POST", path, params=params, content=packed, headers=headers), shape)

    def _send(self, method: str, path: str, **request: Any) -> "_Answer":
        """Send a request once. Raises RequestError; Stopped for an answer that is packed or endless."""
        with self._client.stream(method, path, **request) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise self._no_registry(response.status_code)
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MOST_ANSWER:
                    raise self._no_registry(response.status_code)
            return _Answer(method, response.status_code, response.headers, bytes(body))

    def _no_registry(self, status: int) -> Stopped:
        return Stopped(
            f"What answers at {self.address} ({status}) does not speak as a registry does: is the address right, and "
            "does this network first want you to log in?"
        )

    def _answer(self, method: str, path: str, **request: Any) -> "_Answer":
        """Send a request until it is answered. Raises Stopped, Gone."""
        since, waited = monotonic(), False
        for wait in _waits():
            retry_after = 0.0
            try:
                answer = self._send(method, path, **request)
            except httpx2.RequestError as error:
                trouble = self._why(error)
            else:
                if not _is_later(answer):
                    if waited:
                        self._tell("It goes on.")
                    return self._accepted(answer)
                retry_after = min(_retry_after(answer), LONGEST_ASKED)
                trouble = "Other lists of yours are not through yet" if answer.status == 409 else "The registry is busy"
            if monotonic() - since > GIVES_UP_AFTER:
                raise Stopped(f"{trouble}, and so it has been for {GIVES_UP_AFTER / 3600:.0f} hours.")
            pause = max(wait, retry_after)
            self._tell(f"{trouble}; trying again in {pause:.0f} s.")
            sleep(pause)
            waited = True
        raise AssertionError("the waits do not end")

    def _why(self, error: httpx2.RequestError) -> str:
        """The trouble with the line, in words. Raises Stopped where the line was not the cause."""
        cause: BaseException | None = error
        while isinstance(error, httpx2.ConnectError) and cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise Stopped(
                    f"The certificate of {self.address} cannot be trusted, so nothing was sent: somebody may stand "
                    "between. Check the address and the date of this machine, or try another line."
                ) from None
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, _CUT):
                raise Stopped(
                    f"{self.address} cannot be spoken to in private, so nothing was sent: check the address, or try "
                    "another line."
                ) from None
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            return "The registry cannot be reached"
        return "The line stalled" if isinstance(error, httpx2.TimeoutException) else "The line dropped"

    def _accepted(self, answer: "_Answer") -> "_Answer":
        """The answer, unless it is a refusal. Raises Stopped, Gone."""
        if 200 <= answer.status < 300:
            return answer
        if 300 <= answer.status < 400:
            raise Stopped(
                f"{self.address} sends elsewhere, and the key goes nowhere else: ask whoever runs the registry for the "
                "address that it has now."
            )
        refusal = self._read(answer, _Refusal)
        details = dict.fromkeys([refusal.detail, *(error.get("detail", "") for error in refusal.errors)])
        sentences = " ".join(filter(None, details))
        raise (Gone if answer.status == 404 else Stopped)(f"The registry refuses ({answer.status}): {sentences}")

    def _read(self, answer: "_Answer", shape: type[T]) -> T:
        """The body of an answer, validated as strictly as a request: it is printed, and its ids become addresses."""
        try:
            return shape.model_validate(parse_json(answer.body))
        except (Problem, ValidationError):
            raise self._no_registry(answer.status) from None


@dataclass(frozen=True, slots=True)
class _Answer:
    """A whole response."""

    method: str
    status: int
    headers: httpx2.Headers
    body: bytes


class _Refusal(BaseModel):
    code: str
    detail: str
    errors: list[dict[str, str]] = []


def _waits() -> Iterator[float]:
    """The seconds to wait before each try: twice as long each time up to the longest, and drawn."""
    wait = FIRST_WAIT
    while True:
        yield wait * _dice.uniform(LEAST_OF_WAIT, 1)
        wait = min(2 * wait, LONGEST_WAIT)


def _is_later(answer: _Answer) -> bool:
    """Whether the same request may be accepted later. A conflict says that an earlier list is not filed yet."""
    later = answer.status in _NOT_NOW or answer.status >= 500
    return later or (answer.status == 409 and answer.method == "POST")


def _retry_after(answer: _Answer) -> float:
    """Seconds of Retry-After, given as a number or a date (RFC 9110 section 10.2.3)."""
    header = answer.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdecimal():
        return float(header)
    try:
        until = parsedate_to_datetime(header)
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, or a date beyond all calendars
        return 0.0

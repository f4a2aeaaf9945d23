"""A registry asked from afar, over a line that may break at any moment: the one module that knows an HTTP client.

What the line does is waited out: each request is sent again, later and later, until it is answered. What the registry
says is not: a refusal ends it, in words that say what to do. So only what may be repeated is asked here: what reads,
and what carries an Idempotency-Key.
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
from app.exchange.strict_json import parse_json
from app.registry.api_keys import PATTERN
from app.vocabulary import Language

# Seconds without a byte after which a connection is taken for dead: satellites and busy cells take 5 to 10 for a turn.
STALLED = 20.0
# Seconds between tries. A line that drops every few seconds is back at once; one that is down is tried each minute.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
# The wait is drawn between this part of it and the whole, so that a city whose power is back does not knock as one.
LEAST_OF_WAIT = 0.5
# What a server may ask for with Retry-After; asked for longer, it is asked again all the same.
LONGEST_ASKED = 3600.0
# A page of rows with all their errors has a few hundred kilobytes. What is far longer is no answer of a registry, and
# packed as it may be it would fill the memory of the machine that asks.
MOST_ANSWER = 8 * 1024 * 1024
# Without one answer for as long as a power cut lasts, somebody should look. Going on later costs nothing.
GIVES_UP_AFTER = 6 * 3600.0

# The registry, or what stands before it, cannot answer now: too early, too many, or broken for the moment.
_NOT_NOW = frozenset({408, 425, 429})
# Errors of TLS that a line makes by breaking; all others are somebody's doing and stay.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

T = TypeVar("T", bound=BaseModel)
_dice = random.SystemRandom()


class Stopped(Exception):
    """To try again would not help; the message says what to do."""


class Gone(Stopped):
    """There is nothing at this address of the registry."""


def origin(address: str) -> str:
    """The registry's address, checked before a key is sent there. Raises Stopped.

    Without TLS whoever carries the line reads names and key, so `http://` is for this machine only, where a tunnel may
    begin. There is no flag to say otherwise: somebody in a hurry would copy it.
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
    """The line to one registry; use as a context manager. `tell` is called with what a person should see. `lang`: in
    which a registry is to tell what it asks."""

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
            follow_redirects=False,  # the key goes to the address that was given, and to no other
            trust_env=self.address.startswith("https:"),  # a proxy would read what is not encrypted
            limits=httpx2.Limits(max_connections=1),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, shape: type[T], **asked: Any) -> T:
        """What a registry answers. Raises Stopped, Gone."""
        return self._read(self._answer(lambda: self._ask("GET", path, params=asked)), shape)

    def post(self, path: str, data: bytes, once: str, shape: type[T], **asked: Any) -> T:
        """What a registry answers to `data`, sent packed, as often as needed and done once. Raises Stopped, Gone."""
        headers = {"Content-Type": "application/jsonl", "Content-Encoding": "gzip", "Idempotency-Key": once}
        packed = gzip.compress(data, mtime=0)
        return self._read(
            self._answer(lambda: self._ask("POST", path, params=asked, content=packed, headers=headers)), shape
        )

    def _ask(self, method: str, path: str, **asked: Any) -> "_Answer":
        """One answer, read as it comes. Raises RequestError; Stopped where it is packed, or has no end."""
        with self._client.stream(method, path, **asked) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise self._no_registry(response.status_code)
            body = bytearray()
            for some in response.iter_bytes():
                body += some
                if len(body) > MOST_ANSWER:
                    raise self._no_registry(response.status_code)
            return _Answer(method, response.status_code, response.headers, bytes(body))

    def _no_registry(self, status: int) -> Stopped:
        return Stopped(
            f"What answers at {self.address} ({status}) does not speak as a registry does: is the address right, and "
            "does this network first want you to log in?"
        )

    def _answer(self, ask: Callable[[], "_Answer"]) -> "_Answer":
        """Ask until there is an answer."""
        since, waited = monotonic(), False
        for wait in _waits():
            asked_for = 0.0
            try:
                answer = ask()
            except httpx2.RequestError as error:
                what = self._why(error)
            else:
                if not _is_later(answer):
                    if waited:
                        self._tell("It goes on.")
                    return self._accepted(answer)
                asked_for = min(_retry_after(answer), LONGEST_ASKED)
                what = "Other lists of yours are not through yet" if answer.status == 409 else "The registry is busy"
            if monotonic() - since > GIVES_UP_AFTER:
                raise Stopped(f"{what}, and so it has been for {GIVES_UP_AFTER / 3600:.0f} hours.")
            pause = max(wait, asked_for)
            self._tell(f"{what}; trying again in {pause:.0f} s.")
            sleep(pause)
            waited = True
        raise AssertionError("the waits do not end")

    def _why(self, error: httpx2.RequestError) -> str:
        """What the line did. Raises Stopped where it was not the line."""
        below: BaseException | None = error
        while isinstance(error, httpx2.ConnectError) and below is not None:
            if isinstance(below, ssl.SSLCertVerificationError):
                raise Stopped(
                    f"The certificate of {self.address} cannot be trusted, so nothing was sent: somebody may stand "
                    "between. Check the address and the date of this machine, or try another line."
                ) from None
            if isinstance(below, ssl.SSLError) and not isinstance(below, _CUT):
                raise Stopped(
                    f"{self.address} cannot be spoken to in private, so nothing was sent: check the address, or try "
                    "another line."
                ) from None
            below = below.__cause__ or below.__context__
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            return "The registry cannot be reached"
        return "The line stalled" if isinstance(error, httpx2.TimeoutException) else "The line dropped"

    def _accepted(self, answer: "_Answer") -> "_Answer":
        """The answer itself, if it is none of the refusals. Raises Stopped, Gone."""
        if 200 <= answer.status < 300:
            return answer
        if 300 <= answer.status < 400:
            raise Stopped(
                f"{self.address} sends elsewhere, and the key goes nowhere else: ask whoever runs the registry for the "
                "address that it has now."
            )
        refusal = self._read(answer, _Refusal)
        details = dict.fromkeys([refusal.detail, *(one.get("detail", "") for one in refusal.errors)])
        said = " ".join(detail for detail in details if detail)
        raise (Gone if answer.status == 404 else Stopped)(f"The registry refuses ({answer.status}): {said}")

    def _read(self, answer: "_Answer", shape: type[T]) -> T:
        """An answer, read as strictly as a request is: it is printed, and its ids become addresses."""
        try:
            return shape.model_validate(parse_json(answer.body))
        except (Problem, ValidationError):
            raise self._no_registry(answer.status) from None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back to a request, whole."""

    method: str
    status: int
    headers: httpx2.Headers
    body: bytes


class _Refusal(BaseModel):
    code: str
    detail: str
    errors: list[dict[str, str]] = []


def _waits() -> Iterator[float]:
    """Seconds to wait: twice as long each time up to the longest, each drawn."""
    longest = FIRST_WAIT
    while True:
        yield longest * _dice.uniform(LEAST_OF_WAIT, 1)
        longest = min(2 * longest, LONGEST_WAIT)


def _is_later(answer: _Answer) -> bool:
    """Whether the same request may be accepted later. A conflict is a list before this one that is not through."""
    later = answer.status in _NOT_NOW or answer.status >= 500
    return later or (answer.status == 409 and answer.method == "POST")


def _retry_after(answer: _Answer) -> float:
    """Seconds that the server asks to wait, said in seconds or as a date (RFC 9110 section 10.2.3)."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal():
        return float(said)
    try:
        until = parsedate_to_datetime(said)
        return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, or one beyond all calendars
        return 0.0

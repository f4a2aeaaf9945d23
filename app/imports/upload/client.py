"""Send requests to a remote registry over an unreliable line; only this module uses an HTTP client.

Each request is repeated, at growing intervals, until it is answered. So all are reads, or have an Idempotency-Key. A
refusal by the registry ends the run, with a message that says what to do.
"""

import gzip
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

from app.config import is_loopback
from app.errors import Problem
from app.queries.parameters import TABLE_MEDIA_TYPES, TableFormat
from app.registry.api_keys import KEY_PATTERN
from app.strict_json import parse_json
from app.vocabulary import Language

# Seconds without a byte after which a connection counts as dead: a round trip by satellite takes 5 to 10.
TIMEOUT_SECONDS = 20.0
# Seconds between tries: a line that drops every few seconds is tried at once, a line that is down each minute.
INITIAL_RETRY_SECONDS, MAX_RETRY_SECONDS = 1.0, 60.0
# Each wait is drawn between this fraction of it and the whole: after a power cut clients must not all return at once.
MIN_JITTER_FACTOR = 0.5
# The longest Retry-After that is honoured.
MAX_RETRY_AFTER_SECONDS = 3600.0
# A page of rows with all their errors has a few hundred kilobytes. A far longer response is not a registry's, and would
# fill this machine's memory.
MAX_RESPONSE_BYTES = 8 * 1024 * 1024
# Seconds without a response, as in a long power cut, after which a person should look. Going on later costs nothing.
GIVE_UP_SECONDS = 6 * 3600.0

# Statuses of a registry or proxy that cannot answer now: timeout, too early, too many requests.
_RETRYABLE_STATUSES = frozenset({408, 425, 429})
# TLS errors of a broken line; all others are permanent.
_CONNECTION_LOST_ERRORS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

T = TypeVar("T", bound=BaseModel)
_jitter_random = random.SystemRandom()


class PermanentError(Exception):
    """Repeating the request would not help; the message says what to do."""


class RemoteNotFound(PermanentError):
    """The registry has nothing at this address."""


def parse_registry_origin(address: str) -> str:
    """Check the registry's address before a key is sent there. Raises PermanentError.

    Without TLS every carrier could read names and key, so `http://` is for this machine only, where a tunnel may begin.
    No flag allows more: somebody in a hurry would copy it.
    """
    try:
        url = httpx2.URL(address)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.path not in ("", "/"):
        raise PermanentError(
            "Give the registry's address as https://registry.example, with nothing before or behind it."
        )
    if url.query or url.fragment:
        raise PermanentError(
            "Give the registry's address as https://registry.example, with nothing before or behind it."
        )
    if url.scheme == "http" and not is_loopback(url.host):
        raise PermanentError(
            "Over http:// everybody on the way can read the names and the key: give the https:// address."
        )
    return str(url.copy_with(path=""))


class RegistryClient:
    """The connection to one registry; use as a context manager.

    `print_message` gets messages about the line; `lang` is the language of the registry's questions.
    """

    def __init__(self, address: str, key: str, print_message: Callable[[str], None], lang: Language = "en") -> None:
        self.address = parse_registry_origin(address)
        if KEY_PATTERN.fullmatch(key) is None:
            raise PermanentError(
                "RECUENTO_KEY, or the file that RECUENTO_KEY_FILE names, does not hold a whole key (rcn_…): check that "
                "it was copied to its end."
            )
        self._print_message = print_message
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
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,  # the key is sent to this address alone
            trust_env=self.address.startswith("https:"),  # a proxy would read plain HTTP
            limits=httpx2.Limits(max_connections=1),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, model: type[T], **params: Any) -> T:
        """Return the response to a GET. Raises PermanentError, RemoteNotFound."""
        return self._parse_body(self._send_until_answered("GET", path, params=params), model)

    def post(self, path: str, data: bytes, idempotency_key: str, model: type[T], **params: Any) -> T:
        """Return the response to a POST of `data`, which is compressed, sent as often as needed, and acted on once.

        `idempotency_key`: its Idempotency-Key. Raises PermanentError, RemoteNotFound.
        """
        headers = {
            "Content-Type": TABLE_MEDIA_TYPES[TableFormat.JSONL],
            "Content-Encoding": "gzip",
            "Idempotency-Key": idempotency_key,
        }
        compressed_data = gzip.compress(data, mtime=0)
        return self._parse_body(
            self._send_until_answered("POST", path, params=params, content=compressed_data, headers=headers), model
        )

    def post_without_body(self, path: str, idempotency_key: str, model: type[T], **params: Any) -> T:
        """Return the response to a POST that says everything in its address, sent as `post` does.

        Raises PermanentError, RemoteNotFound."""
        headers = {"Idempotency-Key": idempotency_key}
        return self._parse_body(self._send_until_answered("POST", path, params=params, headers=headers), model)

    def _send(self, method: str, path: str, **request: Any) -> "_Response":
        """Send a request once. Raises RequestError; PermanentError for a compressed or endless response."""
        with self._client.stream(method, path, **request) as response:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise self._build_not_registry_error(response.status_code)
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    raise self._build_not_registry_error(response.status_code)
            return _Response(method, response.status_code, response.headers, bytes(body))

    def _build_not_registry_error(self, status: int) -> PermanentError:
        return PermanentError(
            f"What answers at {self.address} ({status}) does not speak as a registry does: is the address right, and "
            "does this network first want you to log in?"
        )

    def _send_until_answered(self, method: str, path: str, **request: Any) -> "_Response":
        """Send a request until it is answered. Raises PermanentError, RemoteNotFound."""
        start, has_waited = monotonic(), False
        for wait in _iter_retry_delays():
            retry_after = 0.0
            try:
                response = self._send(method, path, **request)
            except httpx2.RequestError as error:
                problem = self._describe_connection_error(error)
            else:
                if not _is_retryable(response):
                    if has_waited:
                        self._print_message("It goes on.")
                    return self._require_success(response)
                retry_after = min(_parse_retry_after(response), MAX_RETRY_AFTER_SECONDS)
                problem = (
                    "Other lists of yours are not through yet" if response.status == 409 else "The registry is busy"
                )
            if monotonic() - start > GIVE_UP_SECONDS:
                raise PermanentError(f"{problem}, and so it has been for {GIVE_UP_SECONDS / 3600:.0f} hours.")
            pause = max(wait, retry_after)
            self._print_message(f"{problem}; trying again in {pause:.0f} s.")
            sleep(pause)
            has_waited = True
        raise AssertionError("the waits do not end")

    def _describe_connection_error(self, error: httpx2.RequestError) -> str:
        """Describe a failure of the line. Raises PermanentError if the line was not the cause."""
        cause: BaseException | None = error
        while isinstance(error, httpx2.ConnectError) and cause is not None:
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise PermanentError(
                    f"The certificate of {self.address} cannot be trusted, so nothing was sent: somebody may stand "
                    "between. Check the address and the date of this machine, or try another line."
                ) from None
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, _CONNECTION_LOST_ERRORS):
                raise PermanentError(
                    f"{self.address} cannot be spoken to in private, so nothing was sent: check the address, or try "
                    "another line."
                ) from None
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            return "The registry cannot be reached"
        return "The line stalled" if isinstance(error, httpx2.TimeoutException) else "The line dropped"

    def _require_success(self, response: "_Response") -> "_Response":
        """Return the response, unless it is a refusal. Raises PermanentError, RemoteNotFound."""
        if 200 <= response.status < 300:
            return response
        if 300 <= response.status < 400:
            raise PermanentError(
                f"{self.address} sends elsewhere, and the key goes nowhere else: ask whoever runs the registry for the "
                "address that it has now."
            )
        problem = self._parse_body(response, _ProblemBody)
        details = dict.fromkeys([problem.detail, *(error.get("detail", "") for error in problem.errors)])
        sentences = " ".join(filter(None, details))
        raise (RemoteNotFound if response.status == 404 else PermanentError)(
            f"The registry refuses ({response.status}): {sentences}"
        )

    def _parse_body(self, response: "_Response", model: type[T]) -> T:
        """Parse the body of a response as strictly as a request: it is printed, and its ids become addresses."""
        try:
            return model.model_validate(parse_json(response.body))
        except (Problem, ValidationError):
            raise self._build_not_registry_error(response.status) from None


@dataclass(frozen=True, slots=True)
class _Response:
    """A whole response."""

    method: str
    status: int
    headers: httpx2.Headers
    body: bytes


class _ProblemBody(BaseModel):
    code: str
    detail: str
    errors: list[dict[str, str]] = []


def _iter_retry_delays() -> Iterator[float]:
    """Yield the seconds to wait before each try: a random part of a delay that doubles up to the maximum."""
    delay = INITIAL_RETRY_SECONDS
    while True:
        yield delay * _jitter_random.uniform(MIN_JITTER_FACTOR, 1)
        delay = min(2 * delay, MAX_RETRY_SECONDS)


def _is_retryable(response: _Response) -> bool:
    """Return whether the same request may be accepted later. A conflict means that an earlier list is not filed yet."""
    is_temporary = response.status in _RETRYABLE_STATUSES or response.status >= 500
    return is_temporary or (response.status == 409 and response.method == "POST")


def _parse_retry_after(response: _Response) -> float:
    """Return the seconds of Retry-After, which is a number or a date (RFC 9110 section 10.2.3)."""
    header = response.headers.get("retry-after", "").strip()
    if header.isascii() and header.isdecimal():
        return float(header)
    try:
        retry_at = parsedate_to_datetime(header)
        return max(0.0, (retry_at.replace(tzinfo=retry_at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):  # no date, or a date beyond all calendars
        return 0.0

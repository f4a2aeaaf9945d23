"""Middleware: identify the sender of each request, for its turns, and limit the rate of requests per client or key.

Addresses of clients are never stored: each is reduced in memory to one of many buckets, which does not lead back to it.
"""

import secrets
from collections.abc import Sequence
from hashlib import blake2b
from math import ceil
from time import time
from typing import NamedTuple

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import MutableHeaders, QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from app.api import problems
from app.api.authentication import parse_bearer_token
from app.api.middleware.response_headers import is_public
from app.errors import TooManyRequests, Unauthenticated
from app.fair_queue import Client
from app.lanes import Sender, current_sender
from app.queries.terms import SEARCH_TERM
from app.registry.publication.objection_queue import TOR_CIRCUITS, find_network
from app.translations import Message

UNLIMITED_PATH = "/healthz"  # uses no database
# Prefix lengths in bits, of IPv4 and of IPv6, of the networks that share turns, each within the one before. The last is
# a client: a whole IPv4 address, or the IPv6 network of a household.
NETWORK_PREFIXES = ((24, 48), (32, 56), (32, 64))
# Anyone has any number of Tor circuits, so all are one network, and each is a client.
TOR_NETWORK = str(TOR_CIRCUITS)
SCOPE_CONNECTION = "recuento.connection"  # scope key of the protocol of the connection
# The number of buckets that clients share: so many that two busy clients rarely share one, so few that counting stays
# cheap however many addresses a client has. The assignment is keyed, so that an outsider cannot compute it.
BUCKETS = 16_384
WINDOW_SECONDS = RateLimitItemPerMinute(1).get_expiry()


class RateWindow(NamedTuple):
    """A minute of one client or key in which its requests are counted. `limit`: 0 for none."""

    policy: str
    limit: int
    client_kind: str
    bucket: str

    @property
    def keys(self) -> tuple[RateLimitItemPerMinute, str, str, str]:
        """The arguments by which the limiter finds the window."""
        return RateLimitItemPerMinute(self.limit), self.policy, self.client_kind, self.bucket


class WindowState(NamedTuple):
    """The requests that are left of a window, and the seconds until it ends."""

    window: RateWindow
    remaining: int
    seconds: int


def build_rate_headers(states: Sequence[WindowState]) -> dict[str, str]:
    """Return the RateLimit headers (draft-ietf-httpapi-ratelimit-headers)."""
    return {
        "RateLimit-Policy": ", ".join(f'"{w.policy}";q={w.limit};w={WINDOW_SECONDS}' for w, _left, _seconds in states),
        "RateLimit": ", ".join(f'"{window.policy}";r={left};t={seconds}' for window, left, seconds in states),
    }


class RateLimiter:
    """Counts requests per minute for each valid key, or else for each client.

    `searches` limits the searches by name among them. A limit of 0 means no limit.
    """

    def __init__(self, by_client: int, by_key: int, searches: int = 0) -> None:
        self._limits = {"client": by_client, "key": by_key}
        self._searches = searches
        self._window_limiter = FixedWindowRateLimiter(MemoryStorage())
        self._secret = secrets.token_bytes(32)
        self._senders: dict[str, str] = {}  # of valid keys, by their digest

    def learn(self, token: str, sender: str | None) -> None:
        """Record the sender of a key, None if it is not valid. Only valid keys have counters and turns of their own:
        invented keys would be endless."""
        digest = self._digest(token)
        if sender is not None:
            self._senders[digest] = sender
        else:
            self._senders.pop(digest, None)

    def identify(self, token: str | None, host: str) -> Client:
        """Return the client that shares turns: the sender of a valid key, or else the networks of an address."""
        sender = None if token is None else self._senders.get(self._digest(token))
        if sender is not None:
            return (sender,)
        networks = _list_networks(host)
        return tuple((len(networks), self._bucket(network)) for network in networks)

    def count(self, token: str | None, client: str, *, search: bool = False, cost: int = 1) -> list[RateWindow]:
        """Count a request as `cost` requests, and return the windows that it counts in. Raises TooManyRequests."""
        digest = None if token is None else self._digest(token)
        is_key = digest in self._senders
        client_kind, bucket = ("key", digest) if is_key else ("client", self._bucket(_find_smallest_network(client)))
        client_window = RateWindow(client_kind, self._limits[client_kind], client_kind, str(bucket))
        self._hit(client_window, "requests", cost)
        windows = [client_window]
        if search:
            windows.append(RateWindow("searches", self._searches, client_kind, str(bucket)))
            self._hit(windows[-1], "searches by name")
        return [window for window in windows if window.limit]

    def measure(self, windows: Sequence[RateWindow]) -> list[WindowState]:
        """Return how much of each window is left."""
        states = []
        for window in windows:
            stats = self._window_limiter.get_window_stats(*window.keys)
            states.append(WindowState(window, stats.remaining, max(1, ceil(stats.reset_time - time()))))
        return states

    def _hit(self, window: RateWindow, unit: str, cost: int = 1) -> None:
        if not window.limit or self._window_limiter.hit(*window.keys, cost=cost):
            return
        (state,) = self.measure([window])
        headers = {"Retry-After": str(state.seconds), **build_rate_headers([state])}
        detail = Message(
            "At most {limit} {unit} a minute are answered for one {client_kind}: go on in {seconds} s, and more "
            "slowly.",
            limit=window.limit,
            unit=Message(unit),
            client_kind=Message(window.client_kind),
            seconds=state.seconds,
        )
        raise TooManyRequests(detail, headers=headers)

    def _digest(self, text: str) -> str:
        return blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()

    def _bucket(self, network: str) -> int:
        return int(self._digest(network), 16) % BUCKETS


def _find_smallest_network(host: str) -> str:
    """Return the last of `_list_networks`."""
    network = find_network(host, *NETWORK_PREFIXES[-1]) or host
    return host if network == TOR_NETWORK else network


def _list_networks(host: str) -> list[str]:
    """Return the networks of an address, the widest first; for other text, which a trusted proxy sent, the text."""
    networks = [find_network(host, *prefixes) or host for prefixes in NETWORK_PREFIXES]
    return [TOR_NETWORK, host] if networks[-1] == TOR_NETWORK else [*dict.fromkeys(networks)]


class RateLimitMiddleware:
    """Middleware that identifies the sender of each request, counts it, and refuses those above the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != UNLIMITED_PATH:
            rates: RateLimiter = scope["app"].state.rates
            token, host = _parse_token_or_none(scope), (scope.get("client") or ("",))[0]
            client = rates.identify(token, host)
            current_sender.set(Sender(client))
            if SCOPE_CONNECTION in scope:
                scope[SCOPE_CONNECTION].note_client(client)
            try:
                windows = rates.count(token, host, search=_is_name_search(scope["query_string"]))
            except TooManyRequests as refusal:
                await problems.build_problem_response(refusal.body(), refusal.headers)(scope, receive, send)
                return
            if windows:
                send = _add_rate_headers(send, scope, rates, windows)
        await self._app(scope, receive, send)


def _add_rate_headers(send: Send, scope: Scope, rates: RateLimiter, windows: Sequence[RateWindow]) -> Send:
    """Add the RateLimit headers to an answer that no shared cache sends to another client."""

    async def send_with_headers(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start" and not is_public(scope, message["headers"]):
            headers = MutableHeaders(raw=message["headers"])
            for name, value in build_rate_headers(rates.measure(windows)).items():
                headers.setdefault(name, value)  # a refusal of the limit names it itself
        await send(message)

    return send_with_headers


def _parse_token_or_none(scope: Scope) -> str | None:
    """Return the key that was sent; None for a malformed header, which is refused later."""
    if not any(name == b"authorization" for name, _value in scope["headers"]):
        return None
    try:
        return parse_bearer_token(Request(scope))
    except Unauthenticated:
        return None


def _is_name_search(query: bytes) -> bool:
    """Return whether a query searches by name. The first test is a fast path for most queries."""
    return (b"q" in query or b"%" in query) and SEARCH_TERM in QueryParams(query)

"""Middleware: identify the sender of each request, for its turns, and limit the rate of requests per client or key.

Addresses of clients are never stored: each is reduced in memory to one of many buckets, which does not lead back to it.
"""

import secrets
from hashlib import blake2b
from math import ceil
from time import time

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import QueryParams
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api import problems
from app.api.requests import parse_bearer_token
from app.errors import TooManyRequests, Unauthenticated
from app.fair_queue import Client
from app.lanes import Sender, current_sender
from app.queries.terms import SEARCH_TERM
from app.registry.publication.objection_queue import TOR_CIRCUITS, find_network

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

    def count(self, token: str | None, client: str, *, search: bool = False, cost: int = 1) -> None:
        """Count a request as `cost` requests. Raises TooManyRequests."""
        digest = None if token is None else self._digest(token)
        is_key = digest in self._senders
        client_kind, bucket = ("key", digest) if is_key else ("client", self._bucket(_find_smallest_network(client)))
        self._hit(client_kind, self._limits[client_kind], "requests", client_kind, str(bucket), cost)
        if search:
            self._hit("searches", self._searches, "searches by name", client_kind, str(bucket))

    def _hit(self, policy: str, limit: int, unit: str, client_kind: str, bucket: str, cost: int = 1) -> None:
        if not limit:
            return
        rate = RateLimitItemPerMinute(limit)
        if self._window_limiter.hit(rate, policy, client_kind, bucket, cost=cost):
            return
        seconds = max(
            1, ceil(self._window_limiter.get_window_stats(rate, policy, client_kind, bucket).reset_time - time())
        )
        headers = {
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{policy}";q={limit};w={rate.get_expiry()}',
            "RateLimit": f'"{policy}";r=0;t={seconds}',
        }
        detail = (
            f"At most {limit} {unit} a minute are answered for one {client_kind}: "
            f"go on in {seconds} s, and more slowly."
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
                rates.count(token, host, search=_is_name_search(scope["query_string"]))
            except TooManyRequests as refusal:
                await problems.build_problem_response(refusal.body(), refusal.headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


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

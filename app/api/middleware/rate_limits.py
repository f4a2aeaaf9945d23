"""How often a client or a key may ask.

Addresses of clients stay in memory, and there only as one of many buckets: nothing that is kept leads back to them.
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
from app.networks import find_network
from app.queries.terms import SEARCH_TERM

UNLIMITED_PATH = "/healthz"  # asks nothing of anybody
# Of an address, what tells a client from others: an IPv4 address whole, and of IPv6 what a household has.
CLIENT_V4, CLIENT_V6 = 32, 64
# Clients share these: so many that two who ask much hardly meet in one, so few that counting them stays cheap however
# many addresses somebody has. Which clients share one nobody outside can tell, for the draw is secret.
BUCKETS = 16_384


class RateLimiter:
    """Counts requests by the minute, of a key where it has been found valid, else of a client, and `searches` by name
    among them. 0: as many as come."""

    def __init__(self, by_client: int, by_key: int, searches: int = 0) -> None:
        self._limits = {"client": by_client, "key": by_key}
        self._searches = searches
        self._window_limiter = FixedWindowRateLimiter(MemoryStorage())
        self._secret = secrets.token_bytes(32)
        self._valid: set[str] = set()

    def learn(self, token: str, *, valid: bool) -> None:
        """Whether a key has been found valid. Only these are counted by themselves: keys made up would have no end, and
        whoever knows the beginning of a key must not use its rate up."""
        digest = self._digest(token)
        if valid:
            self._valid.add(digest)
        else:
            self._valid.discard(digest)

    def count(self, token: str | None, client: str, *, search: bool = False, cost: int = 1) -> None:
        """Count one request, or as many as one costs. Raises TooManyRequests."""
        digest = None if token is None else self._digest(token)
        client_kind, bucket = ("key", digest) if digest in self._valid else ("client", self._bucket(client))
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

    def _bucket(self, client: str) -> int:
        """Of a client without an address, by whatever else a trusted proxy calls it."""
        return int(self._digest(find_network(client, CLIENT_V4, CLIENT_V6) or client), 16) % BUCKETS


class RateLimitMiddleware:
    """Count each request, and refuse those that come too often."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != UNLIMITED_PATH:
            try:
                client = (scope.get("client") or ("",))[0]
                scope["app"].state.rates.count(
                    _parse_token_or_none(scope), client, search=_is_name_search(scope["query_string"])
                )
            except TooManyRequests as refusal:
                await problems.build_problem_response(refusal.body(), refusal.headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _parse_token_or_none(scope: Scope) -> str | None:
    """The key sent, if one can be read; what is wrong with it is told later."""
    if not any(name == b"authorization" for name, _value in scope["headers"]):
        return None
    try:
        return parse_bearer_token(Request(scope))
    except Unauthenticated:
        return None


def _is_name_search(query: bytes) -> bool:
    """Whether somebody is sought by name. Most queries have no letter that could begin with it."""
    return (b"q" in query or b"%" in query) and SEARCH_TERM in QueryParams(query)

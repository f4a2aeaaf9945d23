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
from app.api.requests import token_of
from app.errors import TooManyRequests, Unauthenticated
from app.networks import network_of
from app.queries.terms import SOUGHT

UNCOUNTED = "/healthz"  # asks nothing of anybody
# Of an address, what tells a client from others: an IPv4 address whole, and of IPv6 what a household has.
CLIENT_V4, CLIENT_V6 = 32, 64
# Clients share these: so many that two who ask much hardly meet in one, so few that counting them stays cheap however
# many addresses somebody has. Which clients share one nobody outside can tell, for the draw is secret.
BUCKETS = 16_384


class Rates:
    """Counts requests by the minute, of a key where it has been found valid, else of a client, and `searches` by name
    among them. 0: as many as come."""

    def __init__(self, by_client: int, by_key: int, searches: int = 0) -> None:
        self._by = {"client": by_client, "key": by_key}
        self._searches = searches
        self._counts = FixedWindowRateLimiter(MemoryStorage())
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
        by, bucket = ("key", digest) if digest in self._valid else ("client", self._bucket(client))
        self._hit(by, self._by[by], "requests", by, str(bucket), cost)
        if search:
            self._hit("searches", self._searches, "searches by name", by, str(bucket))

    def _hit(self, policy: str, most: int, what: str, by: str, bucket: str, cost: int = 1) -> None:
        if not most:
            return
        rate = RateLimitItemPerMinute(most)
        if self._counts.hit(rate, policy, by, bucket, cost=cost):
            return
        seconds = max(1, ceil(self._counts.get_window_stats(rate, policy, by, bucket).reset_time - time()))
        headers = {
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{policy}";q={most};w={rate.get_expiry()}',
            "RateLimit": f'"{policy}";r=0;t={seconds}',
        }
        detail = f"At most {most} {what} a minute are answered for one {by}: go on in {seconds} s, and more slowly."
        raise TooManyRequests(detail, headers=headers)

    def _digest(self, text: str) -> str:
        return blake2b(text.encode(), key=self._secret, digest_size=16).hexdigest()

    def _bucket(self, client: str) -> int:
        """Of a client without an address, by whatever else a trusted proxy calls it."""
        return int(self._digest(network_of(client, CLIENT_V4, CLIENT_V6) or client), 16) % BUCKETS


class Counted:
    """Count each request, and refuse those that come too often."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != UNCOUNTED:
            try:
                client = (scope.get("client") or ("",))[0]
                scope["app"].state.rates.count(_token(scope), client, search=_seeks(scope["query_string"]))
            except TooManyRequests as refusal:
                await problems.respond(refusal.body(), refusal.headers)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _token(scope: Scope) -> str | None:
    """The key sent, if one can be read; what is wrong with it is told later."""
    if not any(name == b"authorization" for name, _value in scope["headers"]):
        return None
    try:
        return token_of(Request(scope))
    except Unauthenticated:
        return None


def _seeks(query: bytes) -> bool:
    """Whether somebody is sought by name. Most queries have no letter that could begin with it."""
    return (b"q" in query or b"%" in query) and SOUGHT in QueryParams(query)

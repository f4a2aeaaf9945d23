"""Announce the end of a route or a parameter: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and a link to the policy.

A route declares it in one line below its own:

    @router.get("/prisoners")
    @deprecate(since=date(2027, 3, 1), sunset=date(2028, 3, 1))

`docs/versioning.md` says how long a deprecated route lives.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Any, TypeVar

from starlette.datastructures import MutableHeaders

POLICY_PATH = "/docs/versioning.md"
_ATTRIBUTE = "_deprecation"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True)
class Deprecation:
    """The deprecation of a route, or of one of its query parameters. `sunset`: the first day without it."""

    since: date
    sunset: date
    parameter: str | None

    def announce(self, headers: MutableHeaders, query_names: Collection[str]) -> None:
        """Add the headers to an answer, if the request uses what is deprecated."""
        if self.parameter is not None and self.parameter not in query_names:
            return
        since, sunset = (datetime.combine(day, time(), UTC) for day in (self.since, self.sunset))
        headers["Deprecation"] = f"@{int(since.timestamp())}"
        headers["Sunset"] = format_datetime(sunset, usegmt=True)
        link = f'<{POLICY_PATH}>; rel="deprecation"'
        headers["Link"] = f"{headers['Link']}, {link}" if "Link" in headers else link


def deprecate(*, since: date, sunset: date, parameter: str | None = None) -> Callable[[Endpoint], Endpoint]:
    """Declare that a route, or one of its query parameters, ends. Returns a decorator for the function of the route."""

    def mark_endpoint(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _ATTRIBUTE, Deprecation(since, sunset, parameter))
        return endpoint

    return mark_endpoint


def find_deprecation(endpoint: Callable[..., Any]) -> Deprecation | None:
    """Return the deprecation that the function of a route declares."""
    return getattr(endpoint, _ATTRIBUTE, None)

"""When an embargo ends: what `publish_not_before` may say (pure)."""

from datetime import datetime, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from app import dates
from app.errors import Invalid

# A family asks for days, a way out of a country takes weeks. After a season what was sent is no longer what is known,
# and nobody remembers that it was: who is never to be shown is `counted`.
LONGEST_EMBARGO = timedelta(days=90)
# Where a day begins last: an embargo that ends hours late harms nobody.
LAST_ZONE = timezone(timedelta(hours=-12))
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


def ends_at(text: str) -> datetime:
    """The instant given, or that at which the given day has begun everywhere. Raises DateError."""
    instant = dates.parse_instant(text, LAST_ZONE)
    return instant - DAY + MOMENT if dates.is_day(text) else instant


def _readable(text: str) -> str:
    try:
        ends_at(text)
    except dates.DateError as error:
        raise PydanticCustomError("invalid_instant", "{reason}", {"reason": str(error)}) from error
    return text


NotBefore = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=dates.MAX_TEXT), AfterValidator(_readable)
]


def waits_until(text: str | None, now: datetime) -> datetime | None:
    """The end of an embargo that is not over; None where there is none. Raises Invalid beyond LONGEST_EMBARGO."""
    end = None if text is None else ends_at(text)
    if end is None or end <= now:
        return None
    if end - now > LONGEST_EMBARGO:
        most = LONGEST_EMBARGO.days
        detail = f"Nothing waits for more than {most} days: give an earlier day, or send the report later."
        raise Invalid.at("/publish_not_before", "too_far_ahead", detail)
    return end

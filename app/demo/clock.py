"""Hours of Caracas, in which the figures of January 2026 were stated."""

from datetime import date, datetime, timedelta, timezone

from app import dates

ZONE = "America/Caracas"  # in which a day of the demo ends
CARACAS = timezone(timedelta(hours=-4))


def caracas(text: str) -> datetime:
    """`2026-01-12T09:00` is that minute in Caracas, `2026-01-12` the end of that day; both aware, in UTC."""
    return dates.parse_instant(f"{text}:00-04:00" if "T" in text else text, CARACAS)


def local_day(at: datetime) -> date:
    """The day it was in Caracas."""
    return at.astimezone(CARACAS).date()

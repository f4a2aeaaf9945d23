"""How a count grew, in the finest steps that the API tells at once."""

from collections.abc import Mapping
from typing import Any

from app.web.asking import Refused
from app.web.page import Page

INTERVALS = ("day", "week", "month")


async def finest(page: Page, terms: Mapping[str, Any]) -> Any:
    """A series in the finest intervals of which it is not too many points."""
    for interval in INTERVALS[:-1]:
        try:
            return await page.api.get("/v1/counts/series", terms, interval=interval)
        except Refused as refusal:
            if not any(error["code"] == "too_many_points" for error in refusal.body.get("errors", ())):
                raise
    return await page.api.get("/v1/counts/series", terms, interval=INTERVALS[-1])

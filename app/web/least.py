"""Numbers that are the least they can be."""

from collections.abc import Mapping
from typing import Any

from app.queries.terms import PERSONAL_FILTERS


def is_least(count: Mapping[str, Any]) -> bool:
    """Whether a personal term could not be asked of some people, so that the number is the least it can be."""
    return bool(count.get("not_visible")) and not set(PERSONAL_FILTERS).isdisjoint(count["terms"])

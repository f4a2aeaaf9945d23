"""Terms as an answer says them back, and the dimensions that a group names: the words that a question was asked in."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, create_model

from app.reading.dimensions import DIMENSIONS, FILTER_ALONE
from app.reading.terms import CountTerms, EventTerms, HeldCountTerms, Interval, ReleaseTerms


class CountedTerms(CountTerms):
    """The terms of a count of releases as they were understood: those asked for, and the defaults that say what the
    number means."""


class HeldCountedTerms(HeldCountTerms):
    """The terms of a count of the held as they were understood: those asked for, and the defaults that say what the
    number means."""


class EstimatedTerms(EventTerms):
    """The terms of an estimate as they were understood."""


class SeriesTerms(ReleaseTerms):
    """The terms of a series as they were understood, with the zone in which its days end."""

    interval: Interval
    by: Literal["known", "event"]
    zone: str


if TYPE_CHECKING:

    class Dimensions(BaseModel):
        """The values that make a group."""

else:
    # A number where the dimension is one; else a code, a slug, a day or a place, null where there is none, or
    # `withheld` where it may not be shown.
    _VALUES: Any = {"sources": int}
    Dimensions = create_model(
        "Dimensions",
        **{
            name: (_VALUES.get(name, str | None), None)
            for name, dimension in DIMENSIONS.items()
            if dimension.counts != FILTER_ALONE
        },
    )

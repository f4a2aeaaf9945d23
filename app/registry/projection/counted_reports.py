"""What the log says of a report on a person who may only be counted (pure, decision 0042).

A release and a day of arrest together find nearly everyone, and the method tells who talked. So of such people the log
and every counted row say the month of the arrest and of the last sighting, and of the method only whether the source
knows of the release itself; the days and the method are sealed with the personal values, under their own names.
"""

from app.dates import parse
from app.registry.content import IS_FIRST_HAND, KEPT_PUBLIC, METHOD, PUBLIC, Content
from app.registry.projection.independence import FIRST_HAND

# The days of which the log says the month; days of a release and of other ends stay days: that a source reported
# somebody released on a day is public.
DAYS = ("detention.detained_on", "detention.held_on", "kept.detained_on", "kept.held_on")
SEALED = frozenset({*DAYS, METHOD})
OF_A_YEAR, OF_A_MONTH = len("YYYY"), len("YYYY-MM")


def month_of(text: str) -> str:
    """The month of a partial date, or the interval of its months; a year stays a year."""
    if len(text) == OF_A_YEAR:
        return text
    day = parse(text)
    first, last = (end.isoformat()[:OF_A_MONTH] for end in (day.first, day.last))
    return first if first == last else f"{first}/{last}"


def as_counted(content: Content) -> Content:
    """The content with months for the days, and with IS_FIRST_HAND for the method."""
    told = {name: month_of(value) if name in DAYS else value for name, value in content.items() if name != METHOD}
    return {**told, IS_FIRST_HAND: content[METHOD] in FIRST_HAND} if METHOD in content else told


def split(content: Content, *, counted: bool) -> tuple[Content, Content]:
    """`(public, personal)`: what the log says, and what is sealed. `counted`: the person may only be counted."""
    readable = PUBLIC | KEPT_PUBLIC | {IS_FIRST_HAND}
    told = as_counted(content) if counted else content
    public = {name: value for name, value in told.items() if name in readable}
    return public, {name: value for name, value in content.items() if public.get(name) != value}


def parted(public: Content, personal: Content) -> tuple[Content, Content]:
    """`(content, hidden)`: what the log says with the personal values beside, and what these say otherwise of days and
    method: an erasure deletes it, and so it must change no count."""
    hidden = {name: value for name, value in personal.items() if name in SEALED}
    beside = {name: value for name, value in personal.items() if name not in SEALED}
    return {**beside, **public}, hidden


def whole(public: Content, personal: Content) -> Content:
    """The inverse of `split`: the content that was filed; after an erasure what the log says of it."""
    content = {**public, **personal}
    if METHOD in content:
        content.pop(IS_FIRST_HAND, None)
    return content

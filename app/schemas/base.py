"""Schemas used by the other schema modules: facts, pages, tombstones and receipts."""

import uuid
from typing import Annotated, Any, Literal

from pydantic import Field
from typing_extensions import TypedDict


class Said(TypedDict):
    """A value and the sources that say it."""

    value: Any
    by: list[str]


class Fact(TypedDict):
    """A consolidated value and who says what."""

    value: Any
    said: list[Said]


Facts = dict[str, Fact]


class RevisionOut(TypedDict):
    """The revision that an answer is of: ask again with `as_of` for the same answer."""

    revision: Annotated[int, Field(description="Its number.")]
    recorded_at: str | None
    rules: int


class Links(TypedDict):
    """Where an answer is found again, is cited by, and has its list."""

    permalink: Annotated[
        str,
        Field(
            description="The address of these numbers. It gives the same until the counting rules change; then it "
            "answers 410 with today's address and the file that keeps the old number checkable. Numbers with a "
            "personal term follow today's consent."
        ),
    ]
    cite: Annotated[
        str,
        Field(
            description="The address to cite. Of a count it is short, and shows the count then and now with the texts "
            "of the citation; of other answers it is the permalink with the registry's name."
        ),
    ]
    list: Annotated[
        str | None,
        Field(description="The address of the list behind the number; null where no list can say which they are."),
    ]


class ReadAnswer(TypedDict):
    """A response read at a revision."""

    at: Annotated[RevisionOut, Field(description="The revision that was read.")]


class UnknownValue(TypedDict):
    """A value of a parameter that is on no public list and in no list that you may read."""

    code: Annotated[str, Field(description="Always `unknown_value`.")]
    parameter: Annotated[str, Field(description="The query parameter with the value.")]
    detail: Annotated[str, Field(description="What to do about it.")]


UnknownValues = Annotated[
    list[UnknownValue],
    Field(
        description="Values asked for that are on no public list and in no list that you may read: a 0 may be a "
        "misspelling. Empty otherwise."
    ),
]


class ListCaveats(TypedDict):
    """What a list leaves out; null where no count tells it either."""

    withheld: Annotated[
        int | None,
        Field(
            description="How many more rows match, of people whom no list may show; of corrections, how many of this "
            "page. Null where no count tells it either: in lists of people, searches and changes."
        ),
    ]
    not_visible: Annotated[
        int | None,
        Field(
            description="With a personal term: how many rows match every other term, while a value asked about may not "
            "be shown. Without one 0. Null in searches and changes."
        ),
    ]
    unknown_values: UnknownValues


class Page(ReadAnswer):
    """A page of a list, in `data`. `next`: the address of the next page. `total`: the number of rows of the whole
    list, if it was asked for."""

    next: str | None
    total: Annotated[
        int | None, Field(description="With `total=true`: how many rows the whole list has for you. Otherwise null.")
    ]
    caveats: Annotated[ListCaveats, Field(description="What the list leaves out.")]


class Recorded(TypedDict):
    """When a row as shown was recorded: the newest revision that changed anything shown in it."""

    revision: Annotated[int, Field(description="The newest revision that changed what you see of it.")]
    recorded_at: Annotated[str, Field(description="When that revision was recorded, RFC 3339.")]


class Tombstone(TypedDict):
    """What was listed at `changed_since` and is not any more at `revision`. Nothing else of it is told."""

    id: uuid.UUID
    revision: int
    gone: Literal[True]


class Receipt(TypedDict):
    """Proof that a write was accepted: its revision and its leaf in the log (RFC 9162, hex)."""

    revision: int
    leaf_hash: str

"""Schemas used by the other schema modules: facts, pages, tombstones and receipts."""

import uuid
from typing import Annotated, Any, Literal, NotRequired

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


class MomentOut(TypedDict):
    """What an `as_of` that is a day alone means: its end in that zone."""

    instant: str
    zone: str


class RevisionedAnswer(TypedDict):
    """A response read at a revision. `rules`: the number of the rules under which its rows were projected."""

    revision: int
    rules: int
    as_of: NotRequired[MomentOut | None]


class RevisionOut(TypedDict):
    """The revision that an answer is of: ask again with `as_of` for the same answer."""

    revision: int
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


NotVisible = int | None


class Page(RevisionedAnswer):
    """A page of a list, in `data`. `next`: the address of the next page."""

    next: str | None


class PersonalPage(Page):
    """A page of people, or of facts about them."""

    not_visible: NotRequired[NotVisible]


class CountedPage(PersonalPage):
    """A page of a list that can be counted: releases, or people held on a day."""

    withheld: NotRequired[int | None]


class Tombstone(TypedDict):
    """What was listed at `changed_since` and is not any more at `revision`. Nothing else of it is told."""

    id: uuid.UUID
    revision: int
    gone: Literal[True]


class Receipt(TypedDict):
    """Proof that a write was accepted: its revision and its leaf in the log (RFC 9162, hex)."""

    revision: int
    leaf_hash: str

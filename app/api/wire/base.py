"""Shapes that the others are made of."""

import uuid
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class Said(BaseModel):
    """A value and the sources that say it."""

    value: Any
    by: list[str]


class Fact(BaseModel):
    """A consolidated value and who says what."""

    value: Any
    said: list[Said]


Facts = dict[str, Fact]


class MomentOut(BaseModel):
    """What an `as_of` that is a day alone means: its end in that zone."""

    instant: str
    zone: str


class Answered(BaseModel):
    """An answer read at a revision; `rules`: the number of the rules that its rows were projected under."""

    revision: int
    rules: int
    as_of: MomentOut | None = None


NotVisible = int | None


class Page(Answered, Generic[T]):
    """A page of a list; `next` is the address of the following one."""

    data: list[T]
    next: str | None


class PersonalPage(Page[T]):
    """A page of people, or of what is known of them."""

    not_visible: NotVisible = None


class CountedPage(PersonalPage[T]):
    """A page of what can be counted: releases, or who is held on a day."""

    withheld: int | None = None


class Tombstone(BaseModel):
    """What was listed at `changed_since` and is not any more at `revision`. Nothing else of it is told."""

    id: uuid.UUID
    revision: int
    gone: Literal[True]


class Receipt(BaseModel):
    """Proof that a write was accepted: its revision and its leaf in the log (RFC 9162, hex)."""

    revision: int
    leaf_hash: str

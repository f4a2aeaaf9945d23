"""Lists, page by page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from recuento_client.answers import At, ListCaveats, Page, Row


class Rows:
    """The rows of a list at one revision. Pages are read while you iterate.

    `read`: returns the page of an address; its second argument says whether that is the first page.
    """

    def __init__(self, read: Callable[[str, bool], Any], address: str) -> None:
        self._read = read
        self._address = address

    def __iter__(self) -> Iterator[Row]:
        for page in self.pages():
            yield from page["data"]

    def pages(self) -> Iterator[Page]:
        """Yield the pages. All are of the revision of the first."""
        page = self.first
        yield page
        while page["next"] is not None:
            page = self._read(page["next"], False)
            yield page

    @cached_property
    def first(self) -> Page:
        """The first page."""
        page: Page = self._read(self._address, True)
        return page

    @property
    def at(self) -> At:
        """The revision of the list. Pass it to `Recuento.changes` at your next visit."""
        return self.first["at"]

    @property
    def caveats(self) -> ListCaveats:
        """What the list does not show."""
        return self.first["caveats"]

    @property
    def total(self) -> int | None:
        """The number of rows in all pages, with the term `total=True`."""
        return self.first["total"]


@dataclass(frozen=True)
class Changes:
    """What changed in a list: rows to store in your copy, and ids to delete from it.

    `is_whole`: `rows` are the whole list, because the counting rules changed. Replace your copy.
    """

    at: At
    rows: list[Row]
    gone: list[str]
    is_whole: bool

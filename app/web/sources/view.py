"""What pages of sources show of the API's answers (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.web.catalogue import Catalogue
from app.web.charts.funnel import declared

Sources = Mapping[str, Mapping[str, Any]]
Address = Callable[[str], str]
SILENT: Mapping[str, Any] = {
    "verified": 0, "reported": 0, "disputed": 0, "refuted": 0, "retracted": 0, "uncertain_date": 0, "list": None,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A source with its own word on what is counted. `alone`: how many no other independent source verified, None of a
    source whose verifications are not independent."""

    source: Mapping[str, Any]
    said: Mapping[str, Any]
    alone: int | None
    page: str | None
    page_alone: str | None

    @property
    def statements(self) -> int:
        return declared(self.said)


@dataclass(frozen=True)
class Together:
    """What a source and another both verified. `days`: of how many of these they say the same day, in words."""

    other: str
    both: int
    only_this: int
    only_other: int
    days: str
    page: str | None


def rows_of(count: Mapping[str, Any], overlap: Mapping[str, Any], sources: Sources, behind: Address) -> list[Row]:
    """Every source, by how many it verified, how many it speaks of, and its name. `count`: by source."""
    said = {group["source"]: group for group in count["groups"]}
    overlaps = {source["source"]: source for source in overlap["sources"]}
    unknown = {slug: nameless(slug) for slug in said if slug not in sources}
    rows = [
        row_of(source, said.get(slug, SILENT), overlaps.get(slug), behind)
        for slug, source in {**sources, **unknown}.items()
    ]
    return sorted(rows, key=lambda row: (-row.said["verified"], -row.statements, row.source["name"].casefold()))


def nameless(slug: str) -> Mapping[str, Any]:
    """What is shown of a source beyond the longest page of their list."""
    return {
        "slug": slug, "name": slug, "kind": "other", "country": None, "independent": True, "quarantined": False,
        "definition": None,
    }  # fmt: skip


def row_of(
    source: Mapping[str, Any], said: Mapping[str, Any], overlap: Mapping[str, Any] | None, behind: Address
) -> Row:
    return Row(
        source=source,
        said=said,
        alone=None if overlap is None else overlap["only_this_source"],
        page=_page(said["list"], behind),
        page_alone=_page(None if overlap is None else overlap["only_list"], behind),
    )


def together_of(
    overlap: Mapping[str, Any], slug: str, name_of: Callable[[str], str], words: Catalogue, behind: Address
) -> list[Together]:
    """The pairs that a source is in, those that share most first."""
    found = []
    for pair in overlap["pairs"]:
        if slug in (pair["a"], pair["b"]):
            is_first = pair["a"] == slug
            found.append(
                Together(
                    other=pair["b"] if is_first else pair["a"],
                    both=pair["both"],
                    only_this=pair["only_a"] if is_first else pair["only_b"],
                    only_other=pair["only_b"] if is_first else pair["only_a"],
                    days=agreed(pair["dates"], words),
                    page=_page(pair["list"], behind),
                )
            )
    return sorted(found, key=lambda pair: (-pair.both, name_of(pair.other).casefold()))


def agreed(dates: Mapping[str, int], words: Catalogue) -> str:
    """Of how many releases two sources say the same day, and of how many they do not."""
    _ = words.gettext
    told = {
        "same": _("%(num)s the same"),
        "compatible": _("%(num)s one finer than the other"),
        "different": _("%(num)s another"),
        "unsaid": _("%(num)s not said by both"),
    }
    parts = [sentence % {"num": words.number(dates[name])} for name, sentence in told.items() if dates[name]]
    return ", ".join(parts) or _("none")


def _page(address: str | None, behind: Address) -> str | None:
    return None if address is None else behind(address)

"""Reads the documentation as its readers do: fenced blocks in order, links, and names in running text."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The pages of a stranger, and the decisions behind them.
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
GUIDES = [ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")]
EVERY_PAGE = [*PAGES, *GUIDES, ROOT / "CHANGELOG.md", *DECISIONS]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, text and the line it begins on."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]


def links(page: Path) -> list[str]:
    """Where a page points, code left out."""
    return _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


def named(pattern: str, page: Path) -> set[str]:
    """The first group of every match anywhere on a page."""
    return {match[1] for match in re.finditer(pattern, page.read_text(encoding="utf-8"))}


def title(page: Path) -> str:
    return str(page.relative_to(ROOT))

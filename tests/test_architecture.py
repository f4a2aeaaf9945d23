"""What the layers contract cannot see: read off the syntax tree of every file under app/."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "app").rglob("*.py"))
MAX_LINES = 450  # lines: what can be read in one sitting

every_file = pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(ROOT)) for path in FILES])


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of every import anywhere under `tree`; a relative one begins with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def local_first_party(source: str) -> list[int]:
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = [found for function in functions for found in imported(function)]
    return [line for line, name in inside if within(name, "app") or name.startswith(".")]


def dialects(source: str) -> list[int]:
    tree = ast.parse(source)
    asked = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "dialect"]
    return asked + [line for line, name in imported(tree) if within(name, "sqlalchemy.dialects")]


@every_file
def test_our_own_modules_are_imported_at_the_top(path: Path) -> None:
    assert local_first_party(path.read_text()) == []


@every_file
def test_only_the_database_package_knows_a_dialect(path: Path) -> None:
    if path.parent != ROOT / "app" / "db":
        assert dialects(path.read_text()) == []


@every_file
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    lines = path.read_text().count("\n")
    assert lines <= MAX_LINES


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    import app.log",
        "async def f():\n    from app import log",
        "class C:\n    def f(self):\n        if self:\n            from . import log",
    ],
)
def test_a_hidden_import_is_found(source: str) -> None:
    assert local_first_party(source) == [source.count("\n") + 1]


@pytest.mark.parametrize(
    "source",
    [
        "import sqlalchemy.dialects.sqlite as lite",
        "from sqlalchemy import dialects",
        "from sqlalchemy.dialects.postgresql import insert",
    ],
)
def test_a_dialect_is_found(source: str) -> None:
    assert dialects(source) == [1]


def test_other_imports_are_left_alone() -> None:
    assert local_first_party("import app.log\ndef f():\n    import apple, sqlalchemy") == []
    assert dialects("import sqlalchemy\nfrom sqlalchemy.orm import Session") == []

"""What the documentation names exists: targets, commands, settings, terms, errors, tables, files and pages."""

import json
import re
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import SQLModel

from app import errors
from app.api.openapi import DESK_OPENAPI_PATH, OPENAPI_PATH
from app.cli import COMMANDS, load_command
from app.config import Settings
from app.log.content import PUBLIC_FIELDS
from app.main import create_app
from app.queries.dimensions import RELEASES, list_dimensions
from app.queries.terms import CountTerms
from app.registry.publication.permissions import ANONYMOUS_FACTS, NAMED_FACTS
from tests.docs.reading import DECISIONS, EVERY_PAGE, PAGES, ROOT, blocks, links, named, title

MAX_DECISION_LINES = 40  # a page that is read before a change, not instead of it
MAX_ARCHITECTURE_LINES = 200
ARCHITECTURE = ROOT / "docs" / "architecture.md"
# Names of files that are no files of this repository.
OTHER_FILES = frozenset({
    "FILE.json",  # beside any exported file
    "datapackage.json",  # in a package
    "excel.csv",  # an ending
    "figures.json",  # the benchmark of reading writes it
    "moved.json",  # in an archive of count files
    "releases.csv",  # a file that somebody exported
    "reports.csv",  # in a package
})  # fmt: skip

# Settings that the list of changes names because they are gone.
REMOVED_SETTINGS = frozenset({"RECUENTO_MAX_BYTES_IN_FLIGHT", "RECUENTO_PATIENCE_SECONDS", "RECUENTO_TWO_PERSON"})

every_page = pytest.mark.parametrize("page", EVERY_PAGE, ids=title)


@every_page
def test_every_make_target_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named(r"(?:`|^)make ([\w-]+)", page) - targets == set()
    assert {line.split()[1] for line in _commands(page, "make")} - targets == set()


@every_page
def test_every_command_and_option_named_exists(page: Path) -> None:
    for line in _commands(page, "recuento"):
        words = line.replace("\\", " ").split()[1:]
        assert words, line
        assert words[0] in COMMANDS, line
        named_one: Any = load_command(words.pop(0))
        while hasattr(named_one, "commands"):
            if not words and named_one.invoke_without_command:
                break
            assert words, line
            assert words[0] in named_one.commands, line
            named_one = named_one.commands[words.pop(0)]
        known = {option for parameter in named_one.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in words if word.startswith("--")} - known == set(), line


def _commands(page: Path, program: str) -> list[str]:
    """Lines of shell snippets, and code in running text, that call a program."""
    shell = [line for block in blocks(page) if block.language == "bash" for line in block.text.splitlines()]
    shell = [re.sub(r"^docker exec \w+ ", "", line).split(" #")[0] for line in shell]
    text = re.findall(rf"`({program} [^`\n]+)`", page.read_text(encoding="utf-8"))
    return [line for line in (*shell, *text) if line.startswith(f"{program} ")]


@every_page
def test_every_setting_named_exists(page: Path) -> None:
    settings = {f"RECUENTO_{name.upper()}" for name in Settings.model_fields}
    if page.name == "CHANGELOG.md":
        settings |= REMOVED_SETTINGS
    assert named(r"\b(RECUENTO_[A-Z_]+)\b", page) - settings == set()


def test_operators_find_every_setting_with_its_default() -> None:
    page = (ROOT / "docs" / "operators.md").read_text()
    for name, setting in Settings.model_fields.items():
        row = re.search(rf"^\| `RECUENTO_{name.upper()}` \| (.*?) \|", page, re.MULTILINE)
        assert row is not None, name
        assert setting.default in (None, frozenset()) or row[1] == f"`{setting.default}`", name


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        assert not link.startswith(("http:", "https:")), "the project speaks of itself alone"
        assert (page.parent / link.partition("#")[0]).exists(), link


@every_page
def test_every_file_named_exists(page: Path) -> None:
    for name in named(r"`([\w./]+/[\w.]*\w\.(?:py|md|toml|json)|app/\w+|migrations|tests)`", page):
        assert any((base / name).exists() for base in (ROOT, ROOT / "app")), name


@pytest.fixture(scope="module")
def file_names() -> frozenset[str]:
    folders = ("app", "bench", "deploy", "docs", "migrations", "tests", ".ci")
    inside = {path.name for folder in folders for path in (ROOT / folder).rglob("*.*")}
    return frozenset(inside | {path.name for path in ROOT.iterdir()})


@every_page
def test_every_file_named_without_its_folder_exists(page: Path, file_names: frozenset[str]) -> None:
    assert named(r"`([\w-]+\.(?:py|md|toml|csv|json))`", page) - file_names - OTHER_FILES == set()


@every_page
def test_every_address_named_is_served(page: Path, routes: list[re.Pattern[str]]) -> None:
    for address in named(r"(?:127\.0\.0\.1:8000|[`\s])(/(?:v1/|healthz|readyz|openapi)[^\s`\"'?,)]*)", page):
        assert any(route.fullmatch(address) for route in routes), address


@pytest.fixture(scope="module")
def routes() -> list[re.Pattern[str]]:
    app = create_app(Settings(database_url="sqlite://"))
    app.state.engine.dispose()
    paths = (*app.openapi()["paths"], OPENAPI_PATH, DESK_OPENAPI_PATH)
    return [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in paths]


def test_every_refusal_that_reporters_are_told_of_exists_with_its_status() -> None:
    page = (ROOT / "docs" / "reporters.md").read_text()
    told = re.findall(r"(\d{3}) `(\w+)`", page)
    known = {(str(refusal.status), refusal.code) for refusal in _refusals(errors.Problem)}
    assert told
    assert set(told) - known - {("413", "payload_too_large")} == set()


def _refusals(of: type[errors.Problem]) -> set[type[errors.Problem]]:
    return {of} | {found for one in of.__subclasses__() for found in _refusals(one)}


def test_journalists_are_told_of_terms_that_exist() -> None:
    page = (ROOT / "docs" / "journalists.md").read_text()
    table = page[page.index("| term |") : page.index("A term that does not exist")]
    rows = [line.split("|")[1:3] for line in table.splitlines()[2:] if line]
    terms = {name for first, _rest in rows for name in re.findall(r"`(\w+)", first)}
    assert terms - set(CountTerms.model_fields) - {"as_of", "zone", "rules", "leaf"} == set()
    dimensions = next(rest for first, rest in rows if "group_by" in first)
    assert set(re.findall(r"`(\w+)`", dimensions)) - set(list_dimensions(RELEASES)) == set()


def test_reporters_are_told_everything_that_a_class_makes_public() -> None:
    page = (ROOT / "docs" / "reporters.md").read_text()
    named_row = next(line for line in page.splitlines() if line.startswith("| `named` |"))
    anonymous_row = next(line for line in page.splitlines() if line.startswith("| `anonymous` "))
    spoken = {"full_name": "name", "citing_unlisted": "whom you cite"}
    for fact in NAMED_FACTS - ANONYMOUS_FACTS:
        assert spoken.get(fact, fact).replace("_", " ") in named_row, fact
    for fact in ANONYMOUS_FACTS:
        assert fact in anonymous_row, fact


def test_the_architecture_is_read_in_one_sitting() -> None:
    assert len(ARCHITECTURE.read_text().splitlines()) <= MAX_ARCHITECTURE_LINES


def test_the_tree_of_the_architecture_names_every_package_and_module() -> None:
    page = ARCHITECTURE.read_text()
    tree = page[page.index("## The tree") : page.index("## One report")]
    for path in sorted((ROOT / "app").iterdir()):
        if path.suffix == ".py" and path.name != "__init__.py":
            assert f"`{path.name}`" in tree or f"`app/{path.name}`" in tree, path.name
        elif (path / "__init__.py").exists():
            assert f"`app/{path.name}`" in tree, path.name


def test_every_function_that_the_architecture_names_exists() -> None:
    pairs = re.findall(r"`(?:app/)?([\w/]+)\.py` `([\w.]+)`", ARCHITECTURE.read_text())
    assert pairs
    for module, name in pairs:
        attrgetter(name)(import_module(f"app.{module.replace('/', '.')}"))


def test_engineers_find_every_table() -> None:
    page = ARCHITECTURE.read_text()
    section = page[page.index("## Tables") : page.index("## The log")]
    table = section[: section.index("\n\n", section.index("| housekeeping"))]
    assert set(re.findall(r"`(\w+)`", table)) == set(SQLModel.metadata.tables)


def test_the_entry_shown_to_engineers_is_one_that_the_log_could_hold() -> None:
    (block,) = [one for one in blocks(ARCHITECTURE) if one.language == "json"]
    entry = json.loads(block.text)
    assert entry.keys() == {"v", "kind", "recorded_at", "record", "subject", "version", "source", "said", "_sd"}
    assert set(entry["said"]) - PUBLIC_FIELDS == set()


def test_the_index_of_decisions_names_all_of_them_and_nothing_else() -> None:
    index = ROOT / "docs" / "decisions" / "README.md"
    assert sorted(links(index)) == [page.name for page in DECISIONS if page != index]


@pytest.mark.parametrize("page", DECISIONS, ids=title)
def test_a_decision_is_short_and_says_context_decision_and_consequence(page: Path) -> None:
    lines = page.read_text().splitlines()
    if page.name != "README.md":  # which lists them all
        assert len(lines) <= MAX_DECISION_LINES
        assert lines[0].startswith(f"# {page.name[:4]} ")
        assert [line for line in lines if line.startswith("## ")] == ["## Context", "## Decision", "## Consequence"]


def test_every_page_is_reached_from_the_readme() -> None:
    reached = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    pages = {*PAGES[1:], ROOT / "CHANGELOG.md", ROOT / "LICENSE", DECISIONS[-1]}
    assert {page.resolve() for page in pages} - reached == set()

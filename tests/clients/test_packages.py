"""The packages of both clients: versions, dependencies and locks."""

import json
import tomllib
from importlib.metadata import version
from typing import Any

from packaging.requirements import Requirement

import recuento_client.client
from app import __version__
from tests.docs.reading import ROOT

PYTHON = ROOT / "clients" / "python"
TYPESCRIPT = ROOT / "clients" / "typescript"


def read_json(name: str) -> Any:
    return json.loads((TYPESCRIPT / name).read_text())


def test_clients_have_the_version_of_the_registry() -> None:
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
    versions = {project["version"], recuento_client.client.VERSION, read_json("package.json")["version"]}
    assert versions == {__version__}


def test_the_python_client_needs_only_what_the_tests_have() -> None:
    project = tomllib.loads((PYTHON / "pyproject.toml").read_text())["project"]
    (needed,) = map(Requirement, project["dependencies"])
    assert needed.name == "httpx2"
    assert version(needed.name) in needed.specifier
    assert (PYTHON / "src" / "recuento_client" / "py.typed").exists()


def test_packages_of_npm_are_pinned_by_digest_and_name_no_host() -> None:
    package, lock = read_json("package.json"), read_json("package-lock.json")
    for name, wanted in {**package["dependencies"], **package["devDependencies"]}.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == wanted
    for path, locked in lock["packages"].items():
        assert not path or locked["integrity"].startswith("sha512-")
        assert "resolved" not in locked

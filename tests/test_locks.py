"""What the locks pin is all that installing them asks for, on every platform: what installs today installs in a year.

pip takes `coverage[toml]` for another requirement than `coverage`, and refuses a lock that pins only the second. What a
package requires is read from its own metadata, which the environment of the tests has for all but other platforms' own.
"""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires
from itertools import product
from pathlib import Path

import pytest
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.txt", "requirements-dev.txt")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt"))
# Packages of other platforms and Pythons alone, whose metadata no environment of these tests has.
ELSEWHERE = {"colorama", "httpx2-jsfetch"}

PINNED = re.compile(r"^(?P<requirement>[A-Za-z0-9][^\\\n]*==[^\\\n]*?)\s*\\?$", re.MULTILINE)
Environment = dict[str, str]


@dataclass(frozen=True)
class Pin:
    """One line of a lock: a package with the extras it is installed with, its version, and where it is wanted."""

    name: str
    extras: frozenset[str]
    version: str
    marker: Marker | None

    def wanted(self, environment: Environment) -> bool:
        return self.marker is None or self.marker.evaluate(environment)


def pins(text: str) -> list[Pin]:
    """The lines of a lock that pin a package."""
    found = [Requirement(line) for line in PINNED.findall(text)]
    return [
        Pin(canonicalize_name(r.name), frozenset(r.extras), str(r.specifier).removeprefix("=="), r.marker)
        for r in found
    ]


def environments() -> list[Environment]:
    """Every supported Python on every platform, as markers see it."""
    here = {name: str(value) for name, value in default_environment().items()}
    return [
        here
        | {"python_version": python, "python_full_version": f"{python}.1"}
        | {"sys_platform": platform, "platform_system": system, "os_name": os}
        for python, (platform, system, os) in product(PYTHONS, PLATFORMS)
    ]


def unsatisfied(text: str, environment: Environment) -> set[str]:
    """What locked packages require in an environment and the lock does not hold there, with the package."""
    locked = {pin.name: pin for pin in pins(text) if pin.wanted(environment)}
    missing = set()
    for pin in locked.values():
        for line in _requirements(pin.name):
            wanted = Requirement(line)
            applies = wanted.marker is None or any(
                wanted.marker.evaluate(environment | {"extra": extra}) for extra in ("", *pin.extras)
            )
            if applies and not _satisfies(locked.get(canonicalize_name(wanted.name)), wanted):
                missing.add(f"{pin.name}: {line}")
    return missing


def _requirements(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        assert name in ELSEWHERE, f"{name} is locked and not installed here"
        return []


def _satisfies(pin: Pin | None, wanted: Requirement) -> bool:
    return pin is not None and pin.version in wanted.specifier and set(wanted.extras) <= pin.extras


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_every_requirement_of_the_packages_it_pins(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert len(pins(text)) > 20
    assert [found for environment in environments() for found in sorted(unsatisfied(text, environment))] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_a_hash_for_every_package(lock: str) -> None:
    text = (ROOT / lock).read_text()
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert [block for block in blocks if PINNED.match(block) and "--hash=sha256:" not in block] == []


def test_an_extra_that_the_lock_leaves_out_is_missed() -> None:
    text = (ROOT / "requirements-dev.txt").read_text().replace("coverage[toml]==", "coverage==")
    assert any(found.startswith("pytest-cov: coverage[toml]") for found in unsatisfied(text, environments()[0]))


def test_a_package_that_the_lock_leaves_out_is_missed() -> None:
    text = (ROOT / "requirements.txt").read_text().replace("\nh11==", "\n# h11==")
    assert any(": h11" in found for found in unsatisfied(text, environments()[0]))

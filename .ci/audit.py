"""What comes into the project from elsewhere, and what must not leave it. Each part runs even if one before it fails.

Usage: audit.py TOOLS PYTHON, the folder of the tools' commands and the interpreter of an environment that holds what
`requirements.txt` locks, and nothing else.
"""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    *("requirements.txt", "requirements-dev.txt", "requirements-audit.txt", "requirements-mutation.txt"),
    "bench/requirements-reading.txt",
)
SBOM = ROOT / "dist" / "recuento.cdx.json"
LICENCES = ROOT / "dist" / "licences.txt"
# Licences under which a library may be used by a program under Apache-2.0. Of the LGPL, as a library that is imported.
FITTING = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LGPL-3.0-only", "LGPL-3.0-or-later",
        "MIT", "MIT-0", "MPL-2.0", "OFL-1.1", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib",
    }
)  # fmt: skip
# What packages that name no SPDX licence say of themselves, as SPDX says it.
SPELT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# Packages whose metadata say nothing, by what stands in their LICENSE.
READ = {"pysqlite3": "Zlib", "resvg_py": "MIT"}
# A key of a registry, whole.
KEY = re.compile(r"rcn_[0-9A-Za-z]{46}")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, check=False)


def weaknesses(tools: Path) -> bool:
    """Known weaknesses of what the locks pin, where the service that knows them answers."""
    fine = True
    for lock in LOCKS:
        told = run(tools / "pip-audit", "--require-hashes", "--disable-pip", "--format", "json", "-r", lock)
        try:
            pinned = json.loads(told.stdout)["dependencies"]
        except ValueError:
            print(f"{lock}: the service that knows weaknesses does not answer: NOTHING was looked up")
            fine = False
            continue
        looked_up = [each for each in pinned if "skip_reason" not in each]
        weak = [each for each in looked_up if each["vulns"]]
        if not looked_up:
            print(f"{lock}: the service that knows weaknesses does not answer: NOTHING was looked up")
            fine = False
            continue
        print(f"{lock}: {len(looked_up)} of {len(pinned)} packages looked up, {len(weak)} with known weaknesses")
        for each in weak:
            print(f"  {each['name']} {each['version']}: {', '.join(weakness['id'] for weakness in each['vulns'])}")
        fine &= not weak
    return fine


def secrets(tools: Path) -> bool:
    """Secrets in tracked files. The baseline holds what was looked at and is none."""
    tracked = run("git", "ls-files").stdout.splitlines()
    told = run(tools / "detect-secrets-hook", "--baseline", ".secrets.baseline", *tracked)
    keys = [name for name in tracked if KEY.search((ROOT / name).read_text(errors="replace"))]
    print(f"{len(tracked)} files looked through for secrets")
    if told.returncode:
        print(told.stdout)
    if keys:
        print(f"keys of a registry stand in {', '.join(keys)}")
    return not told.returncode and not keys


def bill_of_materials(tools: Path, python: Path) -> bool:
    """The SBOM (CycloneDX) of what runs, and its licences."""
    SBOM.parent.mkdir(exist_ok=True)
    told = run(tools / "cyclonedx-py", "environment", "--pyproject", "pyproject.toml", "--output-reproducible",
               "--output-file", SBOM, python)  # fmt: skip
    if told.returncode:
        print(told.stderr)
        return False
    # What a new environment brings by itself is not ours.
    parts = [part for part in json.loads(SBOM.read_text())["components"] if part["name"] != "pip"]
    rows = sorted((part["name"], part["version"], licences_of(part)) for part in parts)
    LICENCES.write_text(
        "".join(f"{name} {version}: {', '.join(licences) or 'none said'}\n" for name, version, licences in rows)
    )
    unfitting = [row for row in rows if not fits(row[2])]
    print(f"{len(rows)} packages run: {SBOM.relative_to(ROOT)}, {LICENCES.relative_to(ROOT)}")
    for name, version, licences in unfitting:
        print(f"  {name} {version}: {', '.join(licences) or 'no licence said'} (does it fit Apache-2.0?)")
    return not unfitting


def licences_of(part: dict[str, Any]) -> tuple[str, ...]:
    said = [
        each.get("expression") or each["license"].get("id") or each["license"].get("name") or ""
        for each in part.get("licenses", [])
    ]
    short = [licence.rpartition(" :: ")[2] for licence in said if licence and "declared license" not in licence]
    named = {SPELT.get(licence, licence) for licence in short} or {
        READ[name] for name in [part["name"]] if name in READ
    }
    return tuple(sorted(named))


def fits(licences: tuple[str, ...]) -> bool:
    """Whether any one of the licences, or all parts of an expression joined by AND, may be used."""
    return any(all(each.strip("() ") in FITTING for each in re.split(r" AND | OR ", licence)) for licence in licences)


def dockerfile(tools: Path) -> bool:
    told = run(tools / "hadolint", "--no-color", "Dockerfile")
    print(told.stdout.strip() or "Dockerfile: nothing to say")
    return not told.returncode


def main() -> None:
    tools, python = Path(sys.argv[1]), Path(sys.argv[2])
    parts: dict[str, Callable[[], bool]] = {
        "weaknesses": lambda: weaknesses(tools),
        "secrets": lambda: secrets(tools),
        "bill of materials": lambda: bill_of_materials(tools, python),
        "Dockerfile": lambda: dockerfile(tools),
    }
    failed = []
    for name, part in parts.items():
        print(f"==> {name}")
        if not part():
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

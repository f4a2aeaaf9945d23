"""Mutation testing: change the code in one place, and see whether a test fails. A change that no test sees survives.

Usage: mutation.py SAMPLE SEED [FILE …]. SAMPLE: a share of the mutants (0.1; 1 is all), or a number of them (600),
spread evenly over the groups below; FILE: some of their files alone. Works on copies under build/mutation, where
`mutmut browse` shows the mutants of a group afterwards.
"""

import ast
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parent.parent
COPIES = ROOT / "build" / "mutation"
NEEDED = ("app", "migrations", "tests", "alembic.ini", "pyproject.toml")
MUTMUT = Path(sys.executable).with_name("mutmut")


@dataclass(frozen=True)
class Group:
    """Files that are changed, and the tests of them that take seconds: of a mutant those run that reach its function,
    the quickest first."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


GROUPS = {
    "policy": Group(
        (
            "app/registry/publication/classes.py",
            "app/registry/publication/permissions.py",
            "app/queries/selection/visibility.py",
        ),
        (
            "tests/log/test_content.py",
            "tests/registry/publication/test_classes.py",
            "tests/registry/publication/test_permissions.py",
            "tests/registry/rules/test_rule_18_minority.py",
            "tests/registry/rules/test_rule_11_personal_dimensions.py",
            "tests/registry/rules/test_no_probing.py",
            "tests/queries/selection/test_visibility.py",
            "tests/api/privacy/test_consent.py",
            "tests/api/privacy/test_wishes.py",
        ),
    ),
    "tally": Group(
        ("app/counts/tally.py", "app/counts/groups.py"),
        (
            "tests/counts/test_groups.py",
            "tests/counts/test_held.py",
            "tests/counts/test_tally.py",
            "tests/estimates/test_estimate_of_a_count.py",
            "tests/registry/rules/test_rule_17_net.py",
            "tests/registry/rules/test_rule_11_personal_dimensions.py",
        ),
    ),
    "projection": Group(
        tuple(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("app/projection/*.py"))),
        (
            "tests/projection",
            "tests/registry/rules/test_rule_02_status.py",
            "tests/registry/rules/test_rule_03_voices.py",
            "tests/registry/rules/test_rule_04_detentions.py",
            "tests/registry/rules/test_rule_05_dates.py",
            "tests/registry/rules/test_rule_09_own_row.py",
            "tests/registry/rules/test_rule_10_placement.py",
            "tests/registry/rules/test_rule_15_values.py",
            "tests/registry/rules/test_rule_17_net.py",
            "tests/registry/rules/test_twelve_cases.py",
            "tests/model",
        ),
    ),
}
CONFIG = """
[tool.mutmut]
source_paths = ["app"]
only_mutate = {files}
also_copy = ["migrations", "alembic.ini"]
pytest_add_cli_args = ["-m", "not postgresql", "-p", "no:xdist", "-p", "no:cov", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
# A mutant hangs that takes this many times as long as its tests took, and some seconds more: the machine is busy.
timeout_multiplier = 5.0
timeout_constant = 5.0
use_git_change_detection = false
track_dependencies = false
"""
# mutmut leaves every decorated function alone. These two decorate as well from the line below.
DECORATORS = ("property", "cached_property")
# How much of the code is known to be tested: a mutant that ran into its time limit was seen too.
KILLED = ("killed", "timeout")


def undecorated(source: str) -> str:
    """The source with `name = property(name)` below each property, in place of the decorator above it."""
    lines = source.splitlines()
    methods = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for method in sorted(methods, key=lambda method: -method.lineno):
        for decorator in method.decorator_list:
            if isinstance(decorator, ast.Name) and decorator.id in DECORATORS and len(method.decorator_list) == 1:
                indent = " " * method.col_offset
                lines.insert(method.end_lineno or 0, f"{indent}{method.name} = {decorator.id}({method.name})")
                lines[decorator.lineno - 1] = ""
    return "\n".join(lines) + "\n"


def copied(group: Group, copy: Path) -> None:
    """Make a copy of what the tests need, mutmut's settings, and the group's files with no decorated property."""
    shutil.rmtree(copy, ignore_errors=True)
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    for name in group.files:
        (copy / name).write_text(undecorated((copy / name).read_text()))
    settings = CONFIG.format(files=json.dumps(group.files), tests=json.dumps(group.tests))
    (copy / "pyproject.toml").write_text((copy / "pyproject.toml").read_text() + settings)


def mutants_of(path: str) -> list[str]:
    return [
        get_mutant_name(Path(path), name) for name in mutate_file_contents(path, Path(path).read_text()).mutant_names
    ]


def told(files: list[str], sample: list[str]) -> Counter[str]:
    """Print the survivors; what came of all."""
    exits: dict[str, int | None] = {}
    for path in files:
        data = SourceFileMutationData(path=Path(path))
        data.load()
        exits |= {name: code for name, code in data.exit_code_by_key.items() if name in sample}
    for name, code in exits.items():
        if status_by_exit_code[code] not in KILLED:
            subprocess.run([MUTMUT, "show", name], check=False)
    return Counter(status_by_exit_code[code] for code in exits.values())


def main(sample: str, seed: int, *only: str) -> None:
    unknown = set(only) - {path for group in GROUPS.values() for path in group.files}
    if unknown:
        sys.exit(f"{', '.join(sorted(unknown))}: not among the files of GROUPS in .ci/mutation.py")
    results = []
    groups = {name: [path for path in group.files if not only or path in only] for name, group in GROUPS.items()}
    groups = {name: files for name, files in groups.items() if files}
    for name, files in groups.items():
        copy, started, draw = COPIES / name, time.monotonic(), random.Random(seed)  # noqa: S311 - a draw to repeat
        copied(GROUPS[name], copy)
        os.chdir(copy)
        mutants = {path: mutants_of(path) for path in files}
        number = sum(map(len, mutants.values()))
        share = float(sample) if float(sample) <= 1 else min(1, int(sample) / len(groups) / number)
        drawn = [each for names in mutants.values() for each in draw.sample(names, round(share * len(names)))]
        if not drawn:  # to mutmut, no name means all names
            drawn = [draw.choice([each for names in mutants.values() for each in names])]
        print(f"{name}: {len(drawn)} of {number} mutants, drawn with SEED={seed}", flush=True)
        command = [MUTMUT, "run", "--max-children", "1", *drawn]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        statuses = told(files, drawn)
        killed, took = sum(statuses[status] for status in KILLED), time.monotonic() - started
        results.append(
            f"{name}: {killed} of {len(drawn)} killed, {killed / len(drawn):.1%}; {dict(statuses)}; {took:.0f} s"
        )
        print(results[-1], flush=True)
    print(f"SEED={seed}", *results, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])

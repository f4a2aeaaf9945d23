"""Mutation testing: change the code in one place, and see whether a test fails. A change that no test sees survives.

Usage: mutation.py SAMPLE SEED [FILE …]. SAMPLE: a share of the mutants (0.1; 1 is all), or a number of them (600),
spread evenly over the groups; FILE: of those that `[tool.mutmut]` in pyproject.toml names, which also says the tests.
Works on a copy in build/mutation, where `mutmut browse` shows the mutants afterwards.
"""

import ast
import fnmatch
import os
import random
import shutil
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutation"
NEEDED = ("app", "migrations", "tests", "alembic.ini", "pyproject.toml")
GROUPS = {"app/registry/projection/": "projection", "app/counts/": "tally", "app/": "policy"}
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


def copied(patterns: list[str]) -> list[Path]:
    """Make the copy anew; the files to mutate, relative to it."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, COPY / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, COPY / name)
    names = sorted(str(path.relative_to(COPY)) for path in (COPY / "app").rglob("*.py"))
    files = [Path(name) for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]
    for path in files:
        (COPY / path).write_text(undecorated((COPY / path).read_text()))
    return files


def group_of(path: Path) -> str:
    return next(group for start, group in GROUPS.items() if str(path).startswith(start))


def drawn(mutants: dict[Path, list[str]], sample: str, seed: int) -> list[str]:
    """The sample: of each group as many, and of each of its files the same share."""
    sizes = Counter[str]()
    for path, names in mutants.items():
        sizes[group_of(path)] += len(names)
    chosen = random.Random(seed)  # noqa: S311 - a draw to repeat, not to guard
    names_drawn: list[str] = []
    for path, names in mutants.items():
        share = float(sample)
        if share > 1:
            share /= len(sizes) * sizes[group_of(path)]
        names_drawn += chosen.sample(names, min(len(names), round(share * len(names))))
    return names_drawn


def told(files: list[Path], sample: list[str]) -> None:
    """Print the survivors, and for each group what came of its mutants."""
    in_sample, by_group, survivors = set(sample), dict[str, Counter[str]](), list[str]()
    for path in files:
        data = SourceFileMutationData(path=path)
        data.load()
        for name in sorted(in_sample & data.exit_code_by_key.keys()):
            status = status_by_exit_code[data.exit_code_by_key[name]]
            by_group.setdefault(group_of(path), Counter())[status] += 1
            survivors += [name] * (status not in KILLED)
    for name in survivors:
        subprocess.run([Path(sys.executable).with_name("mutmut"), "show", name], check=False)
    for group, statuses in by_group.items():
        tried, killed = statuses.total(), sum(statuses[status] for status in KILLED)
        print(f"{group}: {killed} of {tried} killed ({killed / tried:.1%}); {dict(statuses)}")


def main(sample: str, seed: int, *only: str) -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    files = copied(config["only_mutate"])
    os.chdir(COPY)
    mutants = {
        path: [get_mutant_name(path, name) for name in mutate_file_contents(str(path), path.read_text()).mutant_names]
        for path in files
        if not only or str(path) in only
    }
    names = drawn(mutants, sample, seed)
    number, started = sum(map(len, mutants.values())), time.monotonic()
    print(f"{len(names)} of {number} mutants of {len(mutants)} files, drawn with SEED={seed}", flush=True)
    command = [Path(sys.executable).with_name("mutmut"), "run", "--max-children", "1", *names]
    ended = subprocess.run(command, check=False, env={**os.environ, "PYTHONHASHSEED": "0"})
    told(files, names)
    print(f"{time.monotonic() - started:.0f} s, SEED={seed}")
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])

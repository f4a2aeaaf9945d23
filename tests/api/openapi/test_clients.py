"""Clients that generators make of `openapi.json`, used against the demo.

The generators are no part of the project: `openapi-python-client` comes from PyPI, `openapi-typescript` and
`typescript` from npm. Where they are not on the PATH, these tests are skipped.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.openapi.play import RELEASE
from tests.docs.server import served
from tests.replay import replayed_once

EXAMPLE = json.dumps(RELEASE)
NO_JSON = {"/v1/corrections.atom", *(f"/v1/timemaps/{noun}" for noun in ("releases", "detentions", "held"))}
MOST_SECONDS = 300  # for a generator on a busy machine
PYTHON = """
import json, sys
from recuento_client import AuthenticatedClient, Client
from recuento_client.api.counts import count_releases
from recuento_client.api.releases import file_release, list_releases
from recuento_client.api.directory import read_me
from recuento_client.models import CountReleasesGroupByItem, ProblemOut, ReleaseReportIn, SourceCount

address, key, body = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
anyone = Client(base_url=address, raise_on_unexpected_status=True)
window = {"country": "VE", "released_from": "2026-01-08", "as_of": "2026-01-13"}
count = count_releases.sync(client=anyone, group_by=[CountReleasesGroupByItem.SOURCE], **window)
assert count.total.cases == 91, count
assert count.terms.country == "VE" and count.terms.stage == "carried_out"
assert all(isinstance(group.counts, SourceCount) for group in count.groups)
assert {group.by.source: group.counts.verified for group in count.groups}["foro-penal"] == 56
refused = read_me.sync(client=anyone)
assert isinstance(refused, ProblemOut) and refused.code == "unauthenticated"
mine = AuthenticatedClient(base_url=address, token=key, raise_on_unexpected_status=True)
filed = file_release.sync_detailed(client=mine, body=ReleaseReportIn.from_dict(body), idempotency_key="once")
assert filed.status_code == 201 and filed.parsed.release.status == "verified", filed
page = list_releases.sync(client=anyone, country="VE", limit=2)
assert len(page.data) == 2 and page.next_
"""
TYPESCRIPT = """
import type { components, paths } from "./recuento";

type Asked = NonNullable<paths["/v1/counts/releases"]["get"]["parameters"]["query"]>;
type Count = paths["/v1/counts/releases"]["get"]["responses"]["200"]["content"]["application/json"];
type Report = paths["/v1/releases"]["post"]["requestBody"]["content"]["application/json"];
type Filed = components["schemas"]["Filed"];

// @ts-expect-error: a misspelt term is refused by the compiler too
const misspelt: Asked = { countri: "VE" };

const [address, key, body] = process.argv.slice(2);
const asked: Asked = { country: "VE", released_from: "2026-01-08", as_of: "2026-01-13", group_by: ["source"] };

async function main(): Promise<void> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) for (const one of [value].flat()) query.append(name, String(one));
  const count = (await (await fetch(`${address}/v1/counts/releases?${query}`)).json()) as Count;
  if (count.total.cases !== 91 || count.terms.stage !== "carried_out") throw new Error(JSON.stringify(count.total));
  const group = count.groups.find((one) => one.by.source === "foro-penal");
  if (group?.counts.verified !== 56) throw new Error(JSON.stringify(count.groups));
  const report: Report = JSON.parse(body);
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const answer = await fetch(`${address}/v1/releases`, { method: "POST", headers, body: JSON.stringify(report) });
  const filed = (await answer.json()) as Filed;
  if (filed.release?.status !== "verified") throw new Error(JSON.stringify(filed));
  if (misspelt === undefined) throw new Error();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
"""
NODE_TYPES = "declare const process: { argv: string[]; exit(code: number): never };\n"


def tool(name: str) -> str:
    """Where a program is; skips the test where it is not."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def run(*command: object, folder: Path) -> str:
    """What a program says, in both streams; it must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def demo(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the demo's registry, and a reporter's key."""
    database = tmp_path / "registry.db"
    shutil.copy(replayed_once(tmp_path_factory), database)
    with served(database) as (address, keys):
        yield address, keys["KEY"]


def test_a_client_in_python_is_made_without_a_warning_and_works(demo: tuple[str, str], tmp_path: Path) -> None:
    generator = tool("openapi-python-client")
    address, key = demo
    package = tmp_path / "recuento_client"
    made = ("generate", "--url", f"{address}/openapi.json", "--output-path", package, "--meta", "none")
    said = run(generator, *made, folder=tmp_path)
    # Only what is no JSON and no text is left to its caller.
    assert set(re.findall(r"WARNING parsing GET (\S+)", said)) == NO_JSON
    (tmp_path / "use.py").write_text(PYTHON)
    # The interpreter that has what the client needs is the one that the generator runs on.
    python = Path(generator).read_text().splitlines()[0].removeprefix("#!")
    run(python, "use.py", address, key, EXAMPLE, folder=tmp_path)


def test_types_for_typescript_are_made_without_a_warning_and_hold(demo: tuple[str, str], tmp_path: Path) -> None:
    generator, compiler, node = tool("openapi-typescript"), tool("tsc"), tool("node")
    address, key = demo
    said = run(generator, f"{address}/openapi.json", "--output", tmp_path / "recuento.d.ts", folder=tmp_path)
    assert "warn" not in said.lower()
    (tmp_path / "use.ts").write_text(NODE_TYPES + TYPESCRIPT)
    options = (
        "--strict",
        "--lib",
        "es2022,dom,dom.iterable",
        "--target",
        "es2022",
        "--module",
        "commonjs",
    )
    run(compiler, *options, "use.ts", folder=tmp_path)
    run(node, "use.js", address, key, EXAMPLE, folder=tmp_path)

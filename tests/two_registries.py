"""Two registries that differ only in what a reader may not see give that reader equal bytes, on every route (rule 14).

`twins` makes two worlds with equal keys; whoever uses them fills both, each with its own hidden values; `differences`
asks both everything that the routes document, and tells what they answer differently. Random ids are mapped by what
they name, and digests over them are left out.

A new route is asked by itself, since routes come from the app's own OpenAPI document. A new term needs values in VALUES
and, if it means something only beside others, a place in BESIDE; an unknown one fails rather than being skipped.
"""

import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any
from urllib.parse import urlencode

from httpx2 import Response

from app.api.table_routes import TABLE_ENDING
from app.counts.short_address import CITATION_PATH, BadCode, parse_short_code
from app.projection import RULES
from app.queries.dimensions import DIMENSIONS, FILTER_ONLY
from app.queries.parameters import write_cursor
from tests.databases import Templates, settings_of
from tests.described import describe
from tests.support import Body, World

Terms = dict[str, Any]
Difference = tuple[str, str, str]  # what was asked, and the two answers

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# A leaf hash is over random ids and salts: what else an address holds must be the same.
_LEAF = re.compile(r"leaf=[0-9a-f]{16}")
_SHORT = re.compile(rf"{CITATION_PATH}([A-Za-z0-9_-]+)")
_KEY_OF_ENTRY = re.compile(r"(?<=@misc{recuento-)\d+-[A-Za-z0-9_-]{6}")
# Headers that are random, or digests of bytes or addresses in which random ids stand.
DIGESTS = frozenset({"etag", "repr-digest", "request-id"})

CURSORS = [
    write_cursor(of, [2])
    for of in (
        "counted releases by default", "detentions by default", "counted detentions by default", "detainees by default",
        "claims by default", "sources", "facilities", "corrections",
    )
]  # fmt: skip

# Term → the values it is asked with. `{head}`, `{middle}` and `{early}` are revisions.
VALUES: dict[str, list[Any]] = {
    "rules": [RULES],
    # The leaves of two registries differ, and 16 digits are all that a question without an answer can have in common.
    "leaf": ["0123456789abcdef"],
    "age_group": ["under_18", "18_to_69", "over_70"], "age_from": [0, 18, 40], "age_to": [17, 53, 120],
    "reported_by_kind": [["ngo"], ["government", "media"]], "verified_by_kind": [["ngo"], ["media"]],
    "first_hand": ["true", "false"], "rearrested_after": ["true", "false"], "carried_out": ["true", "false"],
    "announced_from": ["2026-01"], "announced_to": ["2026-01-11"],
    "ordered_from": ["2026-01-10"], "ordered_to": ["2026-01"], "verified_by_match": ["any", "only"],
    "batch_kind": ["releases"], "correction_kind": ["retracted"],
    "area": ["Miranda", "Caracas"], "as_of": ["{early}", "{middle}", "{head}"], "by": ["event"], "claims": ["true"],
    "category": ["civilian", "military", "police"], "changed_since": ["{early}", "{middle}", "{head}"],
    "claimant": ["jep"], "filed_by": ["jep", "ministry"], "compare": ["false"], "confirmed": ["true", "false"],
    "condition": ["travel_ban", "gag_order"], "country": ["VE", "AR"], "cursor": CURSORS,
    "dependent": [["foro:jep"]], "designation": ["political", "unstated"],
    "destination": ["AR", "Mendoza", "Arica"],
    "detained_from": ["2024-10-06", "2025"], "detained_to": ["2024-10-05", "2024-10-20", "2025-06-15"],
    "ended": ["released", ["died", "escaped"]], "ended_from": ["2026-01-10"], "ended_to": ["2026-01-12"],
    "facility": ["el-rodeo-i", "yare"], "gender": ["female", "male"],
    "group": ["student", "gravely_ill"],
    "group_by": [*(name for name, dimension in DIMENSIONS.items() if dimension.groupable_nouns != FILTER_ONLY),
                 ["gender", "facility"], ["source", "nationality"]],
    "held_on": ["2025-12-20", "2026-01-12", "2026-02-10"], "house_arrest": ["true"], "held_within": [1, 100],
    "interval": ["month", "hour"],
    "release_kind": ["pardon", ["pardon", "release_with_measures"]], "lang": ["es"],
    "legal_status": ["pretrial", "convicted", "incommunicado"], "limit": [1, 2], "list": [0],
    "lists": [["foro", "jep"]],
    "measure": ["released"], "min_sources": [1, 2], "nationality": ["VE", "AR", "CO"], "net": ["true"],
    "not_verified_by": [["foro"], ["jep", "pud"]], "max_sources": [0, 1, 2], "outcome": ["new"],
    "q": ["Ana", "Zoraida", "Paz", "Zoraida Montilla"],
    "rearrested": ["true", "false"], "review": ["unreviewed", "awaiting_review"],
    "released_from": ["2026-01-10"], "released_to": ["2026-01-12"], "since": ["{early}", "{middle}"],
    "told_from": ["2026-01-11"],
    "source": ["foro", "jep", "ministry"], "source_record_id": ["1"],
    "stage": ["announced", "ordered", "carried_out"], "state": ["held", "released", "unknown"],
    "status": ["verified", ["reported", "contested"], "retracted"], "verified_by": [["foro"], ["foro", "jep"]],
    "not_nationality": ["VE", "CO"], "sort": ["added", "-added", "released_on", "-detained_on"],
    "zone": ["-04:00"], "include": ["detainee"], "total": ["true"],
    "fields": ["revision,recorded_at,detainee.name", "id,facts,detainee", "slug,revision"],
}  # fmt: skip
# Terms beside which every other one of a route is asked too: those that change what all the others mean.
BESIDE: dict[str, list[Terms]] = {
    "/v1/releases": [{"changed_since": "{middle}"}, {"include": "detainee", "total": "true"}],
    "/v1/detainees": [{"changed_since": "{middle}"}],
    "/v1/detentions": [{"changed_since": "{middle}"}, {"ended": "released"}],
    "/v1/held": [{"held_on": "2025-12-31"}],
}
# Terms that are refused without others.
NEEDED: dict[str, Terms] = {
    "carried_out": {"stage": "announced"},
    "verified_by_match": {"verified_by": ["foro", "jep"]},
}
# What is asked of one thing, of which there are many.
OF_ONE = ("as_of",)


@dataclass
class Names:
    """The random ids of one registry, by what they name."""

    world: World
    known: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table, columns in (
            ("record", ("id", "detainee_id", "detention_id", "release_id")), ("claim", ("id",)), ("decision", ("id",)),
        ):  # fmt: skip
            for column in columns:
                for key, thing in self.world.rows(f"SELECT key, {column} FROM {table} ORDER BY key"):
                    self.known[str(uuid.UUID(str(thing)))] = f"{table}-{column}-{key}"

    def ids(self, column: str) -> list[str]:
        """The ids of one kind, in the order in which they came."""
        return [thing for thing, name in self.known.items() if name.rpartition("-")[0] == column]

    def mapped(self, text: str) -> str:
        """The text with each id by its name, and without leaves; one that is no row's by the order in which it was
        first told."""
        return _UUID.sub(lambda found: self.known.setdefault(found[0], f"told-{len(self.known)}"), without_leaves(text))

    def told(self, answer: Response) -> str:
        headers = {name: value for name, value in answer.headers.items() if name not in DIGESTS}
        return self.mapped(f"{answer.status_code} {sorted(headers.items())}\n{answer.text}")


def without_leaves(text: str) -> str:
    """A text whose addresses say no leaf, which is a digest."""
    return _SHORT.sub(lambda found: _unpacked(found[1]), _KEY_OF_ENTRY.sub("", _LEAF.sub("leaf", text)))


def _unpacked(code: str) -> str:
    """What a short address says, without its leaf."""
    try:
        noun, pairs = parse_short_code(code)
    except BadCode:
        return code
    return f"{noun}?{urlencode([pair for pair in pairs if pair[0] != 'leaf'])}"


@contextmanager
def twins(templates: Templates, kind: str, **settings: object) -> Iterator[tuple[World, World]]:
    """Two worlds with equal sources, keys and settings, and nobody in them."""
    template, keys = templates.world(kind)
    with ExitStack() as opened:
        urls = [opened.enter_context(templates.copy(kind, template)) for _world in range(2)]
        first, second = (opened.enter_context(World(settings_of(url, **settings), keys=keys)) for url in urls)
        yield first, second


def differences(
    first: World,
    second: World,
    who: str | None = None,
    among: Collection[str] | None = None,
    chosen: Random | None = None,
    sample: int = 0,
) -> Iterator[Difference]:
    """What the two answer differently to this reader, of everything that the routes document; `among`: these paths;
    `chosen`: of so many questions as `sample`, which it draws."""
    assert first.revision == second.revision, "the two must have as many entries: the log is public"
    names = Names(first), Names(second)
    asked = list(zip(questions(first, names[0], among), questions(second, names[1], among), strict=True))
    if chosen is not None:
        asked = chosen.sample(asked, min(sample, len(asked)))
    for (path, terms), (other_path, other_terms) in asked:
        one = names[0].told(_get(first, path, terms, who))
        other = names[1].told(_get(second, other_path, other_terms, who))
        if one != other:
            yield names[0].mapped(f"{path}?{urlencode(terms, doseq=True)}"), one, other


def _get(world: World, path: str, terms: Terms, who: str | None) -> Response:
    return world.client.get(path, params=terms, headers=world.headers(who), follow_redirects=False)


def questions(world: World, names: Names, among: Collection[str] | None = None) -> Iterator[tuple[str, Terms]]:
    """Every GET, for every id, with every term that it takes in every value."""
    head = world.revision
    revisions = {"head": head, "middle": head * 2 // 3, "early": head // 3}
    for path, operations in describe(world.app)["paths"].items():
        if "get" not in operations or (among is not None and path not in among):
            continue
        taken = [p["name"] for p in operations["get"].get("parameters", []) if p["in"] == "query"]
        unknown = set(taken) - VALUES.keys()
        assert not unknown, f"{path} takes {unknown}: say with which values it is to be asked (VALUES)"
        for address in _addresses(world, names, path):
            for terms in _terms(path, taken):
                yield address, {name: _filled(value, revisions) for name, value in terms.items()}


def _terms(path: str, taken: list[str]) -> Iterator[Terms]:
    names = [name for name in taken if name in OF_ONE] if "{" in path else taken
    told = [{}, *({**NEEDED.get(name, {}), name: value} for name in names for value in VALUES[name])]
    for beside in [{}, *BESIDE.get(path.removesuffix(TABLE_ENDING), [])]:
        yield from ({**beside, **terms} for terms in told)


def _filled(value: Any, revisions: dict[str, int]) -> Any:
    return value.format(**revisions) if isinstance(value, str) else value


def _addresses(world: World, names: Names, path: str) -> Iterator[str]:
    """The path with every id that may stand in it."""
    places: Body = {
        "release_id": names.ids("record-release_id"),
        "detention_id": names.ids("record-detention_id"),
        "detainee_id": names.ids("record-detainee_id"),
        "report_id": names.ids("record-id")[:1],
        "claim_id": names.ids("claim-id"),
        "import_id": names.ids("record-id")[:1],
        "slug": ["foro", "ministry", "el-rodeo-i", "yare"],
        "extension": ["csv", "jsonl"],
        "code": [
            world.count(**terms)["links"]["cite"].removeprefix("/c/")
            for terms in ({}, {"gender": "female"}, {"group_by": "facility"}, {"source": "foro", "as_of": 9})
        ]
        if "{code}" in path
        else [],
    }
    wanted = re.findall(r"{(\w+)}", path)
    assert set(wanted) <= places.keys(), f"{path}: say what stands in its place"
    for things in product(*(places[name] for name in wanted)):
        yield path.format(**dict(zip(wanted, things, strict=True)))

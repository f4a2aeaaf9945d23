"""Names of query parameters that clients try."""

import json
import re

import pytest

from app.api.parameter_names import ALTERNATIVES, find_parameters
from tests.support import World

RELEASES, CORRECTIONS = "/v1/counts/releases", "/v1/corrections"


@pytest.mark.parametrize(
    "path, name, hint",
    [
        (RELEASES, "kind", "Did you mean `release_kind`?"),
        (RELEASES, "type", "Did you mean `release_kind`?"),
        (RELEASES, "any_of", "Did you mean `verified_by=…&verified_by_match=any`?"),
        (RELEASES, "all_of", "Did you mean `verified_by`?"),
        (RELEASES, "only_by", "Did you mean `verified_by=…&verified_by_match=only`?"),
        (RELEASES, "sources", "Did you mean `min_sources=…&max_sources=…`?"),
        (RELEASES, "prison", "Did you mean `facility`?"),
        (RELEASES, "sex", "Did you mean `gender`?"),
        (RELEASES, "from", "Did you mean `released_from`, `detained_from`?"),
        (RELEASES, "contry", "Did you mean `country`?"),
        (RELEASES, "page", "/openapi.json and /openapi-desk.json list the parameters of each address."),
        (CORRECTIONS, "kind", "Did you mean `correction_kind`?"),
        (CORRECTIONS, "from", "Did you mean `since`?"),
        (CORRECTIONS, "per_page", "Did you mean `limit`?"),
        (CORRECTIONS, "page", "Did you mean `cursor`?"),
    ],
)
def test_an_unknown_parameter_leads_to_the_one_that_means_it(world: World, path: str, name: str, hint: str) -> None:
    answer = world.get(path, **{name: "1"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")
    assert answer.json()["errors"][0]["detail"] == f"This address has no such parameter. {hint}"


def test_every_alternative_is_a_parameter_of_some_address(world: World) -> None:
    known = {*re.findall(r'"name": "([a-z_]+)", "in": "query"', json.dumps(world.app.openapi()))}
    named = {name for texts in ALTERNATIVES.values() for text in texts for name in find_parameters(text)}
    assert named - known == set()

"""Whoever found a weakness is told where to write."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from app.config import Settings
from tests.support import NOW, World

PATH = "/.well-known/security.txt"


def test_the_contact_stands_where_rfc_9116_looks_for_it(settings: Settings) -> None:
    given = {"security_contact": "mailto:desk@registry.example", "public_url": "https://registry.example"}
    with World(settings.model_copy(update=given)) as world:
        answer = world.client.get(PATH)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert lines["Contact"] == "mailto:desk@registry.example"
    assert lines["Canonical"] == f"https://registry.example{PATH}"
    expires = datetime.strptime(lines["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert 0 < (expires - NOW).days < 365


def test_a_registry_without_a_contact_says_so(world: World) -> None:
    answer = world.client.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "contact", ["desk@registry.example", "http://registry.example", "mailto:a b", "mailto:a\nX: b"]
)
def test_a_contact_is_an_address_that_can_be_written_to_in_private(contact: str) -> None:
    with pytest.raises(ValidationError):
        Settings(security_contact=contact)

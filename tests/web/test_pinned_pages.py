"""A page, a file and an embed of a pinned address are of the rules, the leaf and the revision that it names, or refused
as the API refuses it."""

from datetime import timedelta
from html import unescape

import pytest

from app.projection import RULES
from tests.support import World

HERE = "https://registry.example"
NO_CLAIM = "00000000-0000-4000-8000-000000000000"
LOST = "leaf=0000000000000000"
PATHS = [
    "",
    "sources",
    "corrections",
    f"claims/{NO_CLAIM}",
    *(f"embed/{name}" for name in ("number", "people", "contested", "hours")),
    f"embed/reconciliation?claim={NO_CLAIM}",
    f"embed/claim-then-and-now?claim={NO_CLAIM}",
    "figures/then-and-now.svg?code=x",
    f"figures/life.svg?person={NO_CLAIM}",
    "figures/contested.csv",
    "figures/source-line.png?source=foro",
]


def pinned(path: str, pins: str) -> str:
    return f"/en/{path}{'&' if '?' in path else '?'}{pins}"


@pytest.mark.parametrize("path", PATHS)
def test_earlier_rules_and_a_lost_revision_are_refused_wherever_they_are_named(world: World, path: str) -> None:
    revision = world.file("foro")["receipt"]["revision"]
    for pins in (f"rules={RULES - 1}", f"as_of=r{revision}&{LOST}", f"as_of=r{revision + 9}&{LOST}"):
        answer = world.client.get(pinned(path, pins))
        assert answer.status_code == 410, pins
    assert world.client.get(pinned(path, f"as_of=r{revision}&leaf=x")).status_code == 422


def test_the_pins_of_today_change_nothing(world: World) -> None:
    world.file("foro")
    permalink = world.client.get("/v1/counts/releases?country=VE").json()["links"]["permalink"]
    query = permalink.partition("?")[2].replace("&net=false", "").replace("stage=carried_out&", "")
    assert "leaf=" in query
    for path in ("", "embed/people", "figures/contested.svg", "counts"):
        assert world.client.get(f"/en/{path}?{query}").status_code == 200, path


def test_whoever_is_refused_is_led_to_the_same_page_of_today(world: World) -> None:
    revision = world.file("foro")["receipt"]["revision"]
    old = unescape(world.client.get(f"/en/embed/contested?country=VE&as_of=r{revision}&rules={RULES - 1}").text)
    assert f'href="/en/embed/contested?country=VE&as_of=r{revision}&rules={RULES}"' in old
    lost = unescape(world.client.get(f"/en/counts?country=VE&as_of=r{revision}&{LOST}").text)
    assert 'href="/en/counts?country=VE"' in lost


def test_the_code_of_an_embed_is_refused_for_a_pinned_address_too(world: World) -> None:
    world.file("foro")
    world.restart_with(public_url=HERE)
    for name in ("contested", "people", "number"):
        answer = world.client.get("/oembed", params={"url": f"{HERE}/en/embed/{name}?country=VE&rules={RULES - 1}"})
        assert answer.status_code == 410
        assert answer.json()["address"] == f"/en/embed/{name}?country=VE&rules={RULES}"


def test_a_pin_that_cannot_be_read_is_pointed_at_once_in_the_form(world: World) -> None:
    page = world.client.get("/en/counts?country=VE&rules=x")
    assert page.status_code == 422


def test_the_code_of_an_embed_is_of_the_hour_in_the_zone_of_its_address(world: World) -> None:
    """The instant at which a day ends is not the same everywhere: so neither is the revision."""
    world.restart_with(public_url=HERE)
    world.now = (world.now + timedelta(days=1)).replace(hour=12)
    day = world.now.date().isoformat()
    world.file("foro")  # when that day has ended in Kiritimati, and not in Greenwich
    world.now += timedelta(days=1)
    titles = []
    for zone in ("UTC", "Pacific/Kiritimati"):
        address = f"/en/embed/number?country=VE&as_of={day}&zone={zone}"
        titles.append(world.client.get("/oembed", params={"url": f"{HERE}{address}"}).json()["title"])
        assert f"<p>{titles[-1]}</p>" in world.client.get(address).text
    assert ["1 release" in title for title in titles] == [True, False]

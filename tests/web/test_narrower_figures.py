"""A figure that is narrower than those of the first page says what it counts, wherever it stands without its page."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from app.web.figure_files import FIGURE_KINDS
from tests.support import World

HERE = "https://registry.example"
WINDOW = {"country": "VE", "released_from": "2026-01-08"}
COUNTED = ("funnel", "groups", "overlap", "people", "source-line", "source-rows")
NEEDED = {"groups": {"group_by": "status"}, "source-line": {"source": "foro"}}
NARROWER = {
    "status=verified": "what all sources together say: verified",
    "detained_to=2020": "detained until 2020",
    "released_to=2026-01-12": "from 8 January 2026 to 12 January 2026",
    "min_sources=1": "independent sources, at least: 1",
    "ordered_from=2026-01-08": "releases ordered in Venezuela since 8 January 2026",
    "release_kind=release_with_measures": "kind of release: ",
    "net=true": "since 8 January 2026, net",
}


def window_of(stage: str) -> str:
    """The window of the days of a stage."""
    return urlencode(WINDOW).replace("released", {"carried_out": "released"}.get(stage, stage))


def file(world: World) -> None:
    world.file("foro", detention__detained_on="2019-05-01", release__ordered_on="2026-01-10")


def address(name: str, further: str) -> str:
    window = {"country": "VE"} if further.startswith("ordered") else WINDOW
    query = urlencode({**window, **NEEDED.get(name, {})})
    return f"{name}?{query}&{further}"


def test_every_figure_that_takes_terms_of_a_count_is_tried() -> None:
    assert sorted(name for name, kind in FIGURE_KINDS.items() if kind.narrowing_terms is None) == sorted(COUNTED)


@pytest.mark.parametrize("further", NARROWER)
@pytest.mark.parametrize("name", COUNTED)
def test_a_file_and_an_embed_say_by_which_terms_they_are_narrower(world: World, name: str, further: str) -> None:
    file(world)
    world.restart_with(public_url=HERE)
    words = NARROWER[further]
    path = address(name, further)
    drawing = world.client.get(f"/en/figures/{path.replace('?', '.svg?')}")
    assert drawing.status_code == 200, drawing.text
    title = unescape(drawing.text.partition('<title id="file-title">')[2].partition("</title>")[0])
    assert words in title
    assert words in " ".join(re.findall(r'class="file-heading"[^>]*>([^<]*)<', unescape(drawing.text)))
    embed = unescape(world.client.get(f"/en/embed/{path}").text)
    assert words in embed.partition("<title>")[2].partition("</title>")[0]
    assert words in embed.partition('<h1 class="finding">')[2].partition("</h1>")[0]
    code = world.client.get("/oembed", params={"url": f"{HERE}/en/embed/{path}"}).json()
    assert words in code["title"]


@pytest.mark.parametrize("name", ["funnel", "groups", "overlap", "people", "source-rows"])
def test_a_figure_of_the_terms_of_the_first_page_is_called_as_there(world: World, name: str) -> None:
    file(world)
    embed = world.client.get(f"/en/embed/{address(name, 'stage=carried_out&net=false')}").text
    assert "(" not in embed.partition('<h1 class="finding">')[2].partition("</h1>")[0]


def test_the_frame_of_a_narrower_figure_is_as_high_as_its_longer_heading_needs(world: World) -> None:
    file(world)
    world.restart_with(public_url=HERE)

    def height(further: str) -> int:
        asked = {"url": f"{HERE}/en/embed/{address('people', further)}", "maxwidth": "320"}
        return int(world.client.get("/oembed", params=asked).json()["height"])

    assert height("min_sources=1") > height("net=false") + 50


@pytest.mark.parametrize(
    "stage,said",
    [("announced", "announced release"), ("ordered", "ordered release"), ("carried_out", "verified release")],
)
def test_a_number_at_another_stage_is_labelled_as_one(world: World, stage: str, said: str) -> None:
    world.file("foro", release__ordered_on="2026-01-10", release__announced_on="2026-01-09")
    answer = world.client.get(f"/en/embed/number?{window_of(stage)}&stage={stage}").text
    label = answer.partition('<h1 class="alone">')[2].partition("</h1>")[0]
    assert label.endswith(said if stage == "carried_out" else f"{said}, verified")


@pytest.mark.parametrize("stage", ["announced", "ordered"])
def test_squares_and_bars_of_another_stage_are_called_by_it(world: World, stage: str) -> None:
    world.file("foro", release__ordered_on="2026-01-10", release__announced_on="2026-01-09")
    squares = unescape(world.client.get(f"/en/figures/people.svg?{window_of(stage)}&stage={stage}").text)
    assert f"1 {stage} release, of which 1 verified" in squares
    assert f"Each square is somebody's {stage} release, carried out or not." in squares
    table = world.client.get(f"/en/figures/people.csv?{window_of(stage)}&stage={stage}").text
    assert table.startswith(f"\ufeff{stage.title()} releases,")
    funnel = world.client.get(f"/es/figures/funnel.csv?{window_of(stage)}&stage={stage}").text
    assert ("excarcelación ordenada,1" if stage == "ordered" else "excarcelación anunciada,1") in funnel

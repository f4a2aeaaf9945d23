"""Pictures are drawn apart, one at a time, each once, within bounds of pixels, time and memory."""

import asyncio
from threading import Event

import pytest

from app.errors import Busy
from app.lanes import Lane
from app.web import pictures
from app.web.pictures import PictureRenderer, StandaloneDrawing, render_in_subprocess

MANY = 8  # pictures that wait for their turn
PAPER = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">{2}</svg>'


def drawing(width: int = 40, height: int = 20, inside: str = "") -> StandaloneDrawing:
    return StandaloneDrawing(PAPER.format(width, height, inside), "", width, height)


def size_of(picture: bytes) -> tuple[int, int]:
    return int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])


def test_a_picture_is_larger_than_its_drawing_as_long_as_these_are_not_too_many() -> None:
    small, large = render_in_subprocess(drawing()), render_in_subprocess(drawing(60_000, 40_000))
    assert small is not None
    assert large is not None
    assert size_of(small) == (60, 30)
    width, height = size_of(large)
    assert width * height <= pictures.MAX_PIXELS * 1.01


def test_text_is_drawn_with_letters_of_its_own() -> None:
    empty, full = render_in_subprocess(drawing()), render_in_subprocess(drawing(inside='<text x="2" y="15">ñ</text>'))
    assert empty != full


def test_what_is_no_drawing_is_no_picture() -> None:
    assert render_in_subprocess(drawing(inside="<g>")) is None


def test_a_file_of_the_machine_is_no_part_of_a_picture(tmp_path_factory: pytest.TempPathFactory) -> None:
    black = render_in_subprocess(drawing(inside='<rect width="40" height="20"/>'))
    assert black is not None
    path = tmp_path_factory.mktemp("machine") / "black.png"
    path.write_bytes(black)
    assert render_in_subprocess(drawing(inside=f'<image href="{path}" width="40" height="20"/>')) is None


class Slow:
    """Draws when it is let."""

    def __init__(self) -> None:
        self.drawn: list[StandaloneDrawing] = []
        self.let = Event()
        self.at_work = False

    def __call__(self, drawing: StandaloneDrawing) -> bytes:
        assert not self.at_work, "one at a time"
        self.at_work = True
        self.drawn.append(drawing)
        self.let.wait(60)
        self.at_work = False
        return b"x" * 40


def test_however_many_ask_for_a_picture_it_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(pictures, "render_in_subprocess", slow)

    async def asked_by_three() -> list[bytes]:
        kept = PictureRenderer(Lane(1, MANY))
        asking = [asyncio.create_task(kept.render(drawing())) for _each in range(3)]
        await asyncio.sleep(0)
        slow.let.set()
        return [await kept.render(drawing()), *await asyncio.gather(*asking)]

    assert asyncio.run(asked_by_three()) == [b"x" * 40] * 4
    assert len(slow.drawn) == 1


def test_whoever_comes_after_too_many_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    monkeypatch.setattr(pictures, "render_in_subprocess", slow)

    async def asked_by_many() -> list[bytes | BaseException]:
        kept = PictureRenderer(Lane(1, MANY))
        asking = [asyncio.create_task(kept.render(drawing(width))) for width in range(1, MANY + 3)]
        while not slow.drawn:
            await asyncio.sleep(0.001)
        slow.let.set()
        return await asyncio.gather(*asking, return_exceptions=True)

    *drawn, refused = asyncio.run(asked_by_many())
    assert drawn == [b"x" * 40] * (MANY + 1)
    assert isinstance(refused, Busy)


def test_the_oldest_pictures_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    slow.let.set()
    monkeypatch.setattr(pictures, "render_in_subprocess", slow)
    monkeypatch.setattr(pictures, "MAX_CACHE_BYTES", 100)

    async def asked_in_turn() -> None:
        kept = PictureRenderer(Lane(1, MANY))
        for width in (1, 2, 1, 3, 1, 2):
            await kept.render(drawing(width))

    asyncio.run(asked_in_turn())
    assert [one.width for one in slow.drawn] == [1, 2, 3, 2]

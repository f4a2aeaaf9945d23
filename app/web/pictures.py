"""PNGs of figures, drawn one at a time by a process apart, and kept by what they are drawn from."""

import asyncio
import hashlib
import subprocess
import sys
from collections import OrderedDict
from math import sqrt
from pathlib import Path

from fastapi.concurrency import run_in_threadpool

from app.errors import Busy, Unavailable
from app.web.standalone import StandAlone

RENDERER = Path(__file__).with_name("raster.py")
ZOOM = 1.5  # sharp on most screens, and light enough for sites that show links: 200 kB, where twice the pixels have 320
MOST_PIXELS = 8_000_000  # of a picture, 32 megabytes while it is drawn: a chart as long as it is wide has six
MOST_SECONDS = 30.0  # that a picture may take, where all others come first on a busy machine
PATIENCE = 8.0  # seconds that somebody waits for one; it is drawn all the same, for whoever asks again
MOST_WAITING = 8  # pictures to be drawn: those are through before a client loses its patience
MOST_KEPT = 16 * 1024 * 1024  # bytes of pictures that are kept: a hundred
RETRY = {"Retry-After": "5"}


class Pictures:
    """Those of one process."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._being_drawn: dict[bytes, asyncio.Task[bytes | None]] = {}
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._room = MOST_KEPT

    async def of(self, drawing: StandAlone) -> bytes:
        """The picture of a drawing, however many ask for it drawn once. Raises Busy where it takes long."""
        key = hashlib.sha256(drawing.text.encode()).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._being_drawn:
            if len(self._being_drawn) >= MOST_WAITING:
                raise Busy("Too many pictures are being drawn: ask for this one again in a moment.", headers=RETRY)
            self._being_drawn[key] = asyncio.create_task(self._draw(key, drawing))
        try:
            async with asyncio.timeout(PATIENCE):
                picture = await asyncio.shield(self._being_drawn[key])
        except TimeoutError:
            raise Busy("This picture is being drawn: ask for it again in a moment.", headers=RETRY) from None
        if picture is None:
            raise Unavailable("This figure cannot be drawn as a picture: take its SVG.", headers=RETRY)
        return picture

    async def _draw(self, key: bytes, drawing: StandAlone) -> bytes | None:
        try:
            async with self._turn:
                picture = await run_in_threadpool(drawn_apart, drawing)
        finally:
            del self._being_drawn[key]
        if picture is not None:
            self._keep(key, picture)
        return picture

    def _keep(self, key: bytes, picture: bytes) -> None:
        self._kept[key] = picture
        self._room -= len(picture)
        while self._room < 0:
            _key, oldest = self._kept.popitem(last=False)
            self._room += len(oldest)


def drawn_apart(drawing: StandAlone) -> bytes | None:
    """The picture as another process draws it, which is told nothing else; None where it fails or takes too long."""
    zoom = min(ZOOM, sqrt(MOST_PIXELS / (drawing.width * drawing.height)))
    command = [sys.executable, "-I", str(RENDERER), f"{zoom:.3f}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=drawing.text.encode(), capture_output=True, timeout=MOST_SECONDS, check=False, env={}
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None

"""uvicorn with nothing behind it: all requests get the same bytes, which is the most that a service on it can do."""

import os
from pathlib import Path
from typing import Any

from bench.reading.plain import FILE

BODY = Path(os.environ[FILE]).read_bytes()
START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())],
}


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send(START)
        await send({"type": "http.response.body", "body": BODY})

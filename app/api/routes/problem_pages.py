"""Serve a short page for each code of a refusal: the address in its `type` (RFC 9457 section 3.1.1)."""

import tomllib
from functools import cache
from html import escape
from pathlib import Path
from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from app.api.problems import list_titles
from app.api.requests import find_preferred_language
from app.api.responses import CACHE_SHORT
from app.errors import PROBLEMS_PATH, NotFound
from app.translations import translate
from app.vocabulary import Language

MEANINGS_FILE = Path(__file__).with_name("problem_meanings.toml")
_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: {code}</title>
</head>
<body>
<main>
<h1>{title}</h1>
<p><code>{code}</code></p>
<p>{meaning}</p>
<p><a href="/openapi.json">openapi.json</a>, <a href="/openapi-desk.json">openapi-desk.json</a></p>
</main>
</body>
</html>
"""

problem_pages_router = APIRouter(include_in_schema=False)


@problem_pages_router.get(f"{PROBLEMS_PATH}/{{code}}")
async def read_problem_page(request: Request, code: str) -> HTMLResponse:
    """Return the page of a code, in the language that the reader prefers. Raises NotFound."""
    meanings = load_meanings()
    if code not in meanings:
        raise NotFound(
            "No refusal of this registry has this code: /openapi.json and /openapi-desk.json list all of them."
        )
    language = find_preferred_language(request)
    title, meaning = translate(list_titles()[code], language), meanings[code][language]
    page = _PAGE.format(language=language, code=code, title=escape(title), meaning=escape(meaning))
    headers = {"Cache-Control": CACHE_SHORT, "Vary": "Accept-Language", "Content-Language": language}
    return HTMLResponse(page, headers=headers)


@cache
def load_meanings() -> dict[str, dict[Language, str]]:
    """Return what each code means, by language."""
    texts = tomllib.loads(MEANINGS_FILE.read_text(encoding="utf-8"))
    return {code: dict(zip(get_args(Language), pair, strict=True)) for code, pair in texts.items()}

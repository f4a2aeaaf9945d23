"""An officer at the desk, as a browser would have it: follows links, fills in the forms of pages, and keeps cookies."""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

from httpx2 import Response

from tests.support import World

HERE = "http://localhost"
FROM_HERE = {"origin": HERE}
Fields = dict[str, list[str]]


class Forms(HTMLParser):
    """What stands in the forms of a page when nobody has touched them, by the address that each is sent to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.by_action: dict[str, Fields] = {}
        self._fields: Fields = {}
        self._named: str | None = None
        self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in given}
        if tag == "form":
            self._fields = self.by_action.setdefault(has["action"], {})
        elif tag == "input" and "name" in has:
            if has.get("type") not in ("radio", "checkbox", "file") or "checked" in has:
                self._fields.setdefault(has["name"], []).append(has.get("value", ""))
        elif tag in ("select", "textarea"):
            self._named, self._text = has["name"], ""
        elif tag == "option" and "selected" in has and self._named:
            self._fields.setdefault(self._named, []).append(has["value"])

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._named:
            self._fields.setdefault(self._named, []).append(self._text)
        if tag in ("select", "textarea"):
            self._named = None


class Officer:
    """`language`: of the pages."""

    def __init__(self, world: World, language: str = "en") -> None:
        self.world = world
        self.language = language
        self.client = world.client
        self.client.cookies.clear()
        self.page: Response | None = None

    def address(self, path: str) -> str:
        return f"{HERE}/{self.language}{path}"

    def open(self, path: str = "/desk", **params: Any) -> Response:
        self.page = self.client.get(self.address(path), params=params, follow_redirects=False)
        return self.page

    def post(
        self, path: str, fields: Mapping[str, Any], *, files: Any = None, headers: Mapping[str, str] = FROM_HERE
    ) -> Response:
        self.page = self.client.post(
            self.address(path), data=dict(fields), files=files, headers=dict(headers), follow_redirects=False
        )
        return self.page

    def sign_in(self, who: str = "foro", **more: str) -> Response:
        return self.post("/desk/session", {"key": self.world.keys[who], "back": "/desk", **more})

    def filled(self, path: str) -> Fields:
        """The form on the page that is open, as it would be sent."""
        assert self.page is not None
        return Forms(self.page.text).by_action[f"/{self.language}{path}"]

    def fill(self, path: str, changes: Mapping[str, str | Sequence[str]], *, files: Any = None) -> Response:
        """Send the form on the page that is open, with some fields filled in."""
        return self.post(path, self.filled(path) | dict(changes), files=files)

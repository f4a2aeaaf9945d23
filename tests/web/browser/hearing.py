"""What a screen reader says of a page: Chromium's own accessibility tree, walked by keys that NVDA and JAWS share."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

TEXT, OPENS_IN_PLACE = "StaticText", "DisclosureTriangle"
# Which key leads to the next of which roles.
KEYS: dict[str, tuple[str, ...]] = {
    "H": ("heading",),
    "P": ("paragraph",),
    "K": ("link",),
    "F": ("textbox", "searchbox", "combobox", "checkbox", "radio", "Date"),
    "B": ("button", OPENS_IN_PLACE),
    "G": ("figure", "group"),
    "T": ("table",),
    "L": ("list",),
    "D": ("banner", "navigation", "main", "contentinfo", "region"),
}
SPOKEN = {OPENS_IN_PLACE: "button", "Date": "date", "contentinfo": "content info", "group": "drawing"}


# Whether what is to have the focus of a new page has it: a browser gives it a moment after the page has come. A link to
# a place within the page takes it elsewhere.
FOCUSED = """() => location.hash || [null, document.activeElement].includes(document.querySelector('[autofocus]'))"""


@dataclass(frozen=True)
class Heard:
    """A place where the reading stands: what is said of it, and the element."""

    role: str
    said: str
    element: int


def _states(node: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each["value"].get("value") for each in node.get("properties", [])}


class Hearing:
    """Somebody who hears a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._chromium = page.context.new_cdp_session(page)
        self._begin()

    def _begin(self) -> None:
        nodes = self._chromium.send("Accessibility.getFullAXTree")["nodes"]
        self._nodes = {node["nodeId"]: node for node in nodes}
        self._places = self._places_in(nodes[0])
        # Reading begins where the focus stands, which an error takes to itself.
        focused = next((node for node in nodes[1:] if _states(node).get("focused")), None)
        self._at = -1 if focused is None else self._places.index(self._places_in(focused)[0]) - 1

    def _places_in(self, node: dict[str, Any]) -> list[Heard]:
        return [place for place in map(self._place, self._in_order(node)) if place is not None]

    def _in_order(self, node: dict[str, Any]) -> list[dict[str, Any]]:
        children = [self._nodes[child] for child in node.get("childIds", []) if child in self._nodes]
        return [node, *(deeper for child in children for deeper in self._in_order(child))]

    def _place(self, node: dict[str, Any]) -> Heard | None:
        role = node.get("role", {}).get("value", "")
        if node.get("ignored") or not any(role in roles for roles in KEYS.values()):
            return None
        name = node.get("name", {}).get("value", "") or (self._size(node) if role == "table" else self._text(node))
        states = _states(node)
        kind = f"heading {states['level']}" if role == "heading" else SPOKEN.get(role, role)
        if "expanded" in states:
            name += ", expanded" if states["expanded"] else ", collapsed"
        description = node.get("description", {}).get("value", "")
        further = [description] if description not in ("", name) else []
        if states.get("invalid") == "true":
            further.insert(0, "invalid")
        said = name if role == "paragraph" else ", ".join(part for part in (kind, name, *further) if part)
        return Heard(role, " ".join(said.split()), node["backendDOMNodeId"])

    def _text(self, node: dict[str, Any]) -> str:
        texts = [each for each in self._in_order(node) if each.get("role", {}).get("value") == TEXT]
        return "".join(each.get("name", {}).get("value", "") for each in texts)

    def _size(self, table: dict[str, Any]) -> str:
        roles = [each.get("role", {}).get("value") for each in self._in_order(table)]
        return f"{roles.count('row')} rows, {roles.count('columnheader')} columns"

    def opens(self, address: str) -> str:
        """Open a page; its title is said first."""
        self._page.goto(address)
        return self._arrives()

    def _arrives(self) -> str:
        self._page.wait_for_function(FOCUSED)
        self._begin()
        return self._page.title()

    def presses(self, keys: str) -> str:
        """Press keys, "H" or "K K" or "Enter" or what is typed in quotes, and hear what is said last."""
        if keys.startswith('"'):
            return self._types(keys.strip('"'))
        said = ""
        for key in keys.split():
            said = self._enters() if key == "Enter" else self._goes_on(KEYS[key])
        return said

    def _goes_on(self, roles: tuple[str, ...]) -> str:
        self._at = next(at for at in range(self._at + 1, len(self._places)) if self._places[at].role in roles)
        return self._places[self._at].said

    def _types(self, text: str) -> str:
        self._focus()
        self._page.keyboard.press("Control+A")  # what stands there already is written over
        self._page.keyboard.type(text)
        return text

    def _enters(self) -> str:
        place = self._places[self._at]
        self._focus()
        if place.role != OPENS_IN_PLACE:
            with self._page.expect_navigation():
                self._page.keyboard.press("Enter")
            return self._arrives()
        self._page.keyboard.press("Enter")
        self._begin()  # what has opened is read on from where it opened
        self._at = next(at for at, other in enumerate(self._places) if other.element == place.element)
        return self._places[self._at].said

    def _focus(self) -> None:
        self._chromium.send("DOM.focus", {"backendNodeId": self._places[self._at].element})

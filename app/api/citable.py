"""Link answers that can be cited to the address to cite them by (RFC 8574)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.api.mementos import MAX_LINKED_LENGTH
from app.api.requests import ReadContext
from app.api.responses import Answer
from app.schemas.base import Links


def build_citable_answer(
    context: ReadContext, body: Mapping[str, Any], rows: Callable[[], Sequence[Mapping[str, Any]]]
) -> Answer:
    """Return an answer with links, whose address to cite is still relative."""
    add_public_url(context, body["links"])
    return Answer(body, rows, links=build_cite_as_links(body["links"]["cite"]))


def add_public_url(context: ReadContext, links: Links) -> None:
    """Make the address to cite absolute, in place."""
    links["cite"] = f"{context.request.app.state.public_url}{links['cite']}"


def build_cite_as_links(address: str) -> list[str]:
    """Return the `cite-as` link (RFC 8574); none for an address that is too long for a header."""
    return [f'<{address}>; rel="cite-as"'] if len(address) <= MAX_LINKED_LENGTH else []


def build_link_header(links: Sequence[str]) -> dict[str, str]:
    """Return the Link header with these values, if there are any."""
    return {"Link": ", ".join(links)} if links else {}

"""Forms of pages: none is taken from another site, which would write in its visitors' names."""

from urllib.parse import urlsplit

from fastapi import Request

# A browser that tells its own site nothing of where a form was sent from could not be told from another site.
SAME_ORIGIN = {"Referrer-Policy": "same-origin"}


def from_here(request: Request) -> bool:
    """Whether a form was sent from a page of this registry. Every browser since 2020 says from where."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    if not origin:
        return False
    try:
        sent_from = urlsplit(origin)
        here = sent_from.scheme in ("http", "https") and sent_from.netloc == request.headers.get("host")
        return here or origin == request.app.state.public_url
    except ValueError:  # no browser has such an address
        return False

"""Where to write about a weakness (RFC 9116)."""

from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from app.errors import NotFound

# RFC 9116 section 2.5.5 asks for less than a year. Whoever reads a copy older than this asks again.
STANDS_FOR = timedelta(days=180)

well_known = APIRouter(include_in_schema=False)


@well_known.get("/.well-known/security.txt")
async def read_security_contact(request: Request) -> PlainTextResponse:
    """The contact that whoever runs the registry has set, if any."""
    state = request.app.state
    if state.security_contact is None:
        raise NotFound("Whoever runs this registry has not said where to write about a weakness.")
    expires = (state.clock() + STANDS_FOR).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {state.security_contact}", f"Expires: {expires}", "Preferred-Languages: en, es"]
    if state.public_url:
        lines.append(f"Canonical: {state.public_url}{request.url.path}")
    return PlainTextResponse("".join(f"{line}\n" for line in lines))

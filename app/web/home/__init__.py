"""The first page: what was claimed, by whom, against what each source verified, in a country and a window."""

from fastapi import APIRouter, Response

from app.web.home.view import show_home
from app.web.page import Opened, PageRoute

home = APIRouter(include_in_schema=False, route_class=PageRoute)


@home.get("/")
async def read_home(page: Opened) -> Response:
    """The first page."""
    return await show_home(page)

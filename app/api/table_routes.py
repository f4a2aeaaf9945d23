"""Give lists and counts the addresses of their tables: CSV, JSON Lines, and workbooks of a comparison.

`/v1/releases` has the tables `/v1/releases.csv`, `/v1/releases.excel.csv` (with a byte order mark) and
`/v1/releases.jsonl`. A table route shares the function, the parameters and the errors of its JSON route. The path alone
says which table is requested.
"""

import re
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor, register_url_convertor

from app.queries.parameters import TABLE_MEDIA_TYPES
from app.tables import XLSX_MEDIA_TYPE

WORKBOOK_EXTENSION = "xlsx"
COUNTS_TAG = "counts"
# Names of routes with tables that are neither lists nor counts.
_TABLE_ROUTES = frozenset({"reconcile_claim", "read_vocabulary"})
_WORKBOOK_ROUTES = frozenset({"match_list"})
_TABLE_PATH = re.compile(r"(/v1/.+?)\.(csv|excel\.csv|jsonl|xlsx)")
EXTENSION = "extension"  # the path parameter of a table route
TABLE_ENDING = f".{{{EXTENSION}}}"  # of a table route's path, as the document prints it
TABLE_SUFFIX = "_table"  # of a table route's name
# Extension → media type.
TABLE_CONTENT_TYPES = TABLE_MEDIA_TYPES | {WORKBOOK_EXTENSION: XLSX_MEDIA_TYPE}
TABLE_DESCRIPTION = "The whole table"


class _TableConvertor(StringConvertor):
    regex = r"csv|excel\.csv|jsonl"


class _WorkbookConvertor(StringConvertor):
    regex = r"csv|excel\.csv|jsonl|xlsx"


register_url_convertor("table", _TableConvertor())
register_url_convertor("workbook", _WorkbookConvertor())


def split_table_path(path: str) -> tuple[str, str | None]:
    """Return the path of the JSON answer, and the extension of the table that a path requests, if any."""
    match = _TABLE_PATH.fullmatch(path)
    return (path, None) if match is None else (match[1], match[2])


def build_table_address(address: str, extension: str) -> str:
    """Return the address of the table of a list or count, with the same query."""
    path, mark, query = address.partition("?")
    return f"{path}.{extension}{mark}{query}"


def build_table_template(json_template: str) -> str:
    """Return the path of the table route of a JSON route, as the document prints it."""
    return json_template + TABLE_ENDING


def get_json_template(route: APIRoute) -> str:
    """Return the path of a route; of a table route the path of its JSON route."""
    return route.path_format.removesuffix(TABLE_ENDING)


def is_table_route(route: APIRoute) -> bool:
    return route.path_format.endswith(TABLE_ENDING)


def is_list_route(route: Any) -> bool:
    """Return whether a route answers with a list, as JSON or as a table."""
    return "data" in getattr(getattr(route, "response_model", None), "__annotations__", ())


def list_extensions(route: APIRoute) -> list[str]:
    """Return the extensions of the tables of a route: of lists, counts and comparisons."""
    function = route.endpoint.__name__
    if function in _WORKBOOK_ROUTES:
        return [*TABLE_MEDIA_TYPES, WORKBOOK_EXTENSION]
    is_count = COUNTS_TAG in route.tags and route.response_model is not None
    is_read = "GET" in (route.methods or ())
    return [*TABLE_MEDIA_TYPES] if is_read and (is_list_route(route) or is_count or function in _TABLE_ROUTES) else []


class TableRouter(APIRouter):
    """A router that adds the table route of each list and count."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().add_api_route(path, endpoint, **options)
        route = self.routes[-1]
        assert isinstance(route, APIRoute)
        extensions = list_extensions(route)
        if not extensions:
            return
        kind = "workbook" if WORKBOOK_EXTENSION in extensions else "table"
        table_options = {
            "name": route.name + TABLE_SUFFIX,
            "response_class": Response,
            "responses": {**options["responses"], 200: _document_table(extensions)},
        }
        super().add_api_route(f"{path}.{{{EXTENSION}:{kind}}}", endpoint, **options | table_options)


def _document_table(extensions: list[str]) -> dict[str, Any]:
    """Return the OpenAPI response of a table route."""
    content = {
        TABLE_CONTENT_TYPES[extension]: {
            "schema": {"type": "string", **({"format": "binary"} if extension == WORKBOOK_EXTENSION else {})}
        }
        for extension in extensions
    }
    return {"description": TABLE_DESCRIPTION, "content": content}

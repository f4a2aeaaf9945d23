"""Tables for pandas, which is an optional dependency: `pip install recuento-client[pandas]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from recuento_client.answers import Count, Overlap, Series
from recuento_client.lists import Rows

if TYPE_CHECKING:
    import pandas  # type: ignore[import-untyped]


def as_dataframe(answer: Count | Series | Overlap | Rows) -> pandas.DataFrame:
    """Return a table: the rows of a list, the groups of a count or its total, points of a series, pairs of an overlap.

    Nested fields are columns with dots, such as `detainee.name`.
    """
    import pandas

    return pandas.json_normalize(_list_records(answer))


def _list_records(answer: Count | Series | Overlap | Rows) -> list[dict[str, Any]]:
    if isinstance(answer, Rows):
        return list(answer)
    body = cast("dict[str, Any]", answer)
    if "points" in body:
        return cast("list[dict[str, Any]]", body["points"])
    if "pairs" in body:
        return cast("list[dict[str, Any]]", body["pairs"])
    if not body["groups"]:
        return [body["total"]]
    return [{**group["by"], **group["counts"], "list": group["list"]} for group in body["groups"]]

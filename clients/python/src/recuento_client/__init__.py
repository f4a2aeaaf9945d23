"""Read counts and lists of a Recuento registry."""

from recuento_client.answers import (
    At,
    Caveats,
    Citation,
    CitedCount,
    Count,
    CountTotal,
    Group,
    Links,
    ListCaveats,
    Overlap,
    Page,
    Row,
    Series,
    SourceCount,
    UnknownValue,
)
from recuento_client.client import Recuento
from recuento_client.errors import Fault, RecuentoError
from recuento_client.frames import as_dataframe
from recuento_client.lists import Changes, Rows

__all__ = [
    "At",
    "Caveats",
    "Changes",
    "Citation",
    "CitedCount",
    "Count",
    "CountTotal",
    "Fault",
    "Group",
    "Links",
    "ListCaveats",
    "Overlap",
    "Page",
    "Recuento",
    "RecuentoError",
    "Row",
    "Rows",
    "Series",
    "SourceCount",
    "UnknownValue",
    "as_dataframe",
]

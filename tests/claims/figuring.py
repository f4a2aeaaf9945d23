"""Published figures as `app.claims.figures` reads them, without a database."""

from typing import Any

from app import dates
from app.claims.figures import Figure, Figures
from app.registry.claims import LoggedPart


def figure(name: str, number: int | tuple[int | None, int | None] | None, **said: Any) -> Figure:
    """A figure whose id is its name: a number, `(low, high)`, or None for a figure without one. `terms__kind=…` puts
    a term into its definition."""
    low, high = number if isinstance(number, tuple) else (number, number)
    terms = {key.removeprefix("terms__"): said.pop(key) for key in [*said] if key.startswith("terms__")}
    definition = {**({"terms": terms} if terms else {}), **said.pop("definition", {})}
    filed: Any = {
        "claimant": "foro",
        "measure": "released",
        "qualifier": "exactly",
        "low": low,
        "high": high,
        "country": "VE",
        **said,
    }
    if definition:
        filed["definition"] = definition
    if filed.get("stated_at"):
        filed["stated_at_instant"] = dates.format_instant(dates.parse_moment(filed["stated_at"]))
    filed = {key: value for key, value in filed.items() if value is not None}
    return Figure(name, 0, filed)


def part(whole: str, partition: str = "batches") -> list[LoggedPart]:
    return [{"claim": whole, "partition": partition}]


def all_of(*figures: Figure) -> Figures:
    """The figures as filed one after the other."""
    return Figures({one.id: Figure(one.id, since, one.fields) for since, one in enumerate(figures, 1)})

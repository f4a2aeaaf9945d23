"""Who went out when and from where, as far as nobody's name matters: 418 places to be filled with people.

Each batch is a group let out together. Its hour is the earliest at which anyone outside could know of it, and
shapes what each source can have filed by a stated instant (`plan.py`): the 24 of the small hours of
12 January are on Foro Penal's list at nine, the three of that evening are not.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from app.demo.clock import CARACAS
from app.demo.draw import pick

FIRST_OF_THE_CYCLE = date(2026, 1, 8)
PEOPLE = 418
DECEMBER = range(115)  # out between Christmas and 7 January
JANUARY = range(115, PEOPLE)  # out from 8 January: the 303 the opposition alliance had listed by the 28th

MIXED = (
    "el-rodeo-i",
    "el-rodeo-ii",
    "yare",
    "el-helicoide",
    "inof",
    "fuerte-guaicaipuro",
    "zona-7",
    "tocoron",
    "tocuyito",
    "ramo-verde",
    "dgcim-boleita",
    "26-de-julio",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """`count` people out on `day` (YYYY-MM-DD) from `hour` o'clock, from one of the facilities."""

    day: str
    hour: int
    count: int
    facilities: tuple[str, ...] = MIXED
    group: str | None = None


@dataclass(frozen=True, slots=True)
class WayOut:
    """One person's way out: nobody can have known before `out_at` (aware, in UTC)."""

    id: int
    released_on: date
    out_at: datetime
    facility: str
    group: str | None


BATCHES = (
    # Christmas and New Year: 115 whom Foro Penal had by 23 January (269 less the 154 of its January window).
    Batch("2025-12-25", 7, 74, ("tocoron", "tocuyito", "el-rodeo-ii", "yare", "la-crisalida")),
    Batch("2025-12-26", 10, 3),
    Batch("2025-12-29", 9, 2),
    Batch("2025-12-31", 15, 2),
    Batch("2026-01-01", 6, 29, ("tocoron", "tocuyito", "el-rodeo-ii", "inof")),
    Batch("2026-01-03", 11, 2),
    Batch("2026-01-05", 12, 2),
    Batch("2026-01-07", 14, 1),
    # The cycle announced on 8 January.
    Batch("2026-01-08", 14, 12, ("el-helicoide", "el-rodeo-i", "zona-7")),
    Batch("2026-01-09", 0, 14),
    Batch("2026-01-10", 9, 13),
    Batch("2026-01-11", 10, 13),
    Batch("2026-01-12", 2, 15, ("el-rodeo-i",)),
    Batch("2026-01-12", 2, 9, ("la-crisalida",)),
    Batch("2026-01-12", 18, 3, ("el-rodeo-ii",)),
    Batch("2026-01-13", 3, 14),
    Batch("2026-01-14", 11, 15, ("zona-7", "el-helicoide", "el-rodeo-i"), group="journalist"),
    Batch("2026-01-14", 15, 9),
    Batch("2026-01-15", 8, 10),
    Batch("2026-01-16", 6, 13),
    Batch("2026-01-17", 4, 9),
    Batch("2026-01-17", 18, 13),
    Batch("2026-01-18", 9, 4),
    Batch("2026-01-19", 9, 4),
    Batch("2026-01-20", 9, 5),
    Batch("2026-01-21", 9, 2),
    Batch("2026-01-22", 9, 2),
    Batch("2026-01-23", 9, 2),
    Batch("2026-01-24", 7, 4),
    # 80 by six in the evening, 104 by eight.
    Batch("2026-01-25", 5, 80, ("el-rodeo-i", "el-rodeo-ii", "yare", "tocoron", "fuerte-guaicaipuro")),
    Batch("2026-01-25", 18, 24, ("el-rodeo-i", "zona-7", "ramo-verde")),
    Batch("2026-01-26", 9, 4),
    Batch("2026-01-27", 9, 5),
    Batch("2026-01-28", 8, 5),
)


@cache
def places() -> tuple[WayOut, ...]:
    """All 418 in order of release; a place's position is its id."""
    ways_out: list[WayOut] = []
    for batch in BATCHES:
        midnight = datetime.fromisoformat(batch.day).replace(tzinfo=CARACAS)
        for _ in range(batch.count):
            number = len(ways_out)
            facility = pick(batch.facilities, "facility", number)
            out_at = midnight + timedelta(hours=batch.hour)
            ways_out.append(WayOut(number, midnight.date(), out_at.astimezone(UTC), facility, batch.group))
    return tuple(ways_out)

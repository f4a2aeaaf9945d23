"""Places of detention of `facilities.csv`, as bodies of `POST /v1/facilities`: public, real, placed to a tenth of a
degree where they are placed at all.

The file is a list to begin a registry of Venezuela with (`recuento facility import`). The demo registers those of it
that its invented people are held in.
"""

from pathlib import Path
from typing import Any

from app.exports import facilities as files

FILE = Path(__file__).with_name("facilities.csv")
FOR_WOMEN = ("la-crisalida", "inof")
FOR_THE_MILITARY = ("ramo-verde", "dgcim-boleita")
REPLAYED = (
    "el-rodeo-i",
    "el-rodeo-ii",
    "yare",
    *FOR_WOMEN,
    "fuerte-guaicaipuro",
    "ramo-verde",
    "el-helicoide",
    "dgcim-boleita",
    "zona-7",
    "tocoron",
    "tocuyito",
    "26-de-julio",
)
_BY_SLUG = {body.slug: body for body in files.read(FILE.read_bytes()).bodies.values()}
NAMES = {slug: _BY_SLUG[slug].name for slug in REPLAYED}


def facilities() -> list[dict[str, Any]]:
    """Bodies `{slug, name, names, kind, area, country, point: {lat, lon}}`."""
    return [_BY_SLUG[slug].model_dump(mode="json") for slug in REPLAYED]

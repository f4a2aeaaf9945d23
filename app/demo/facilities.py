"""Places of detention, as bodies of `POST /v1/facilities`: public, real, placed to a tenth of a degree."""

from typing import Any

# slug, name, another name, kind, area, latitude, longitude
_FACILITIES = (
    ("el-rodeo-i", "El Rodeo I", "Rodeo 1", "prison", "Miranda", 10.5, -66.5),
    ("el-rodeo-ii", "El Rodeo II", "Rodeo 2", "prison", "Miranda", 10.5, -66.5),
    ("yare", "Yare", "Centro Penitenciario Yare", "prison", "Miranda", 10.2, -66.7),
    ("la-crisalida", "La Crisálida", "Centro Femenino La Crisálida", "prison", "Miranda", 10.3, -67.0),
    ("inof", "INOF", "Orientación Femenina", "prison", "Miranda", 10.3, -67.0),
    ("fuerte-guaicaipuro", "Fuerte Guaicaipuro", "Guaicaipuro", "military", "Miranda", 10.2, -66.8),
    ("ramo-verde", "Ramo Verde", "Cenapromil", "military", "Miranda", 10.3, -67.0),
    ("el-helicoide", "El Helicoide", "Helicoide", "intelligence", "Caracas", 10.5, -66.9),
    ("dgcim-boleita", "DGCIM Boleíta", "Boleíta", "intelligence", "Caracas", 10.5, -66.8),
    ("zona-7", "Zona 7", "Zona 7 de Boleíta", "police_station", "Caracas", 10.5, -66.8),
    ("tocoron", "Tocorón", "Centro Penitenciario de Aragua", "prison", "Aragua", 10.1, -67.6),
    ("tocuyito", "Tocuyito", "Internado Judicial de Carabobo", "prison", "Carabobo", 10.1, -68.1),
    ("26-de-julio", "26 de Julio", "San Juan de los Morros", "prison", "Guárico", 9.9, -67.4),
)

FOR_WOMEN = ("la-crisalida", "inof")
FOR_THE_MILITARY = ("ramo-verde", "dgcim-boleita")
NAMES = {slug: name for slug, name, *_ in _FACILITIES}


def facilities() -> list[dict[str, Any]]:
    """Bodies `{slug, name, names, kind, area, country, point: {lat, lon}}`."""
    return [
        {
            "slug": slug,
            "name": name,
            "names": [also],
            "kind": kind,
            "area": area,
            "country": "VE",
            "point": {"lat": lat, "lon": lon},
        }
        for slug, name, also, kind, area, lat, lon in _FACILITIES
    ]

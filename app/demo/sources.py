"""Who reports and who claims, as bodies of `POST /v1/sources`.

The bodies are real, and so are the figures they published. The lists of people filed under their names in the
demo are invented.
"""

from typing import Any

# Their lists are replayed person by person.
REPLAYED = ("foro-penal", "jep", "pud", "clippve")

# slug, name, kind, country, what its list or its figure is of. They speak Spanish: so do their names and definitions.
_SOURCES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    (
        "foro-penal",
        "Foro Penal",
        "ngo",
        "VE",
        "Personas privadas de libertad por motivos políticos, según tres condiciones publicadas; cuenta una "
        "excarcelación cuando sus abogados o la familia la confirman.",
    ),
    (
        "jep",
        "Justicia, Encuentro y Perdón",
        "ngo",
        "VE",
        "Presos políticos según criterios propios, más amplios que los de Foro Penal; publica listas con nombres.",
    ),
    (
        "pud",
        "Plataforma Unitaria Democrática",
        "opposition",
        "VE",
        "Presos políticos según las listas de los partidos de la alianza opositora y de las familias.",
    ),
    (
        "clippve",
        "CLIPPVE",
        "ngo",
        "VE",
        "Comité por la libertad de los presos políticos: personas con cuyas familias habla.",
    ),
    ("sntp", "SNTP", "union", "VE", "Periodistas y otras personas que trabajan en la prensa."),
    ("families", "Familias y organizaciones, a las puertas", "families", "VE", None),
    ("press", "Observación de la prensa", "media", None, None),
    ("rights-groups", "Organizaciones que el medio no nombra", "ngo", None, None),
    ("machado", "María Corina Machado", "opposition", "VE", None),
    ("un-ffm", "Misión de la ONU sobre Venezuela", "intergovernmental", None, None),
    (
        "ministerio-penitenciario",
        "Ministerio Penitenciario",
        "government",
        "VE",
        "Excarcelaciones que anunció; no se publicó ninguna lista de nombres.",
    ),
    ("ministerio-interior", "Ministerio del Interior", "government", "VE", None),
    ("asamblea-nacional", "Asamblea Nacional", "government", "VE", None),
    ("presidencia", "Presidencia de Venezuela", "government", "VE", None),
    ("fiscalia", "Fiscalía General", "government", "VE", "Excarcelaciones que pidió a los tribunales."),
    ("comision-amnistia", "Comisión de Amnistía", "government", "VE", None),
    ("cancilleria-argentina", "Cancillería argentina", "government", "AR", "Sus nacionales."),
)


def sources() -> list[dict[str, Any]]:
    """Bodies `{slug, name, kind, country?, independent, definition?}`, those that report first."""
    bodies = []
    for slug, name, kind, country, definition in _SOURCES:
        body = {
            "slug": slug,
            "name": name,
            "kind": kind,
            "country": country,
            "independent": kind != "government",
            "definition": definition,
        }
        bodies.append({field: value for field, value in body.items() if value is not None})
    return bodies

"""Who reports and who claims, as bodies of `POST /v1/sources`.

The bodies are real, and so are the figures they published. The lists of people filed under their names in the
demo are invented.
"""

from typing import Any

# Their lists are replayed person by person.
REPLAYED = ("foro-penal", "jep", "pud", "clippve")

# slug, name, kind, country, what its list or its figure is of
_SOURCES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    (
        "foro-penal",
        "Foro Penal",
        "ngo",
        "VE",
        "People deprived of liberty for political reasons, under three published conditions; releases are "
        "counted once its lawyers or the families have confirmed them.",
    ),
    (
        "jep",
        "Justicia, Encuentro y Perdón",
        "ngo",
        "VE",
        "Political prisoners under criteria of its own, wider than Foro Penal's; publishes lists of names.",
    ),
    (
        "pud",
        "Plataforma Unitaria Democrática",
        "opposition",
        "VE",
        "Political prisoners as the parties of the opposition alliance and the families list them.",
    ),
    (
        "clippve",
        "CLIPPVE",
        "ngo",
        "VE",
        "Committee for the freedom of political prisoners: people whose families it speaks with.",
    ),
    ("sntp", "SNTP (press workers union)", "union", "VE", "Journalists and other press workers."),
    ("families", "Families and organisations, at the gates", "families", "VE", None),
    ("press", "Press observation", "media", None, None),
    ("rights-groups", "Rights groups, not named by the outlet", "ngo", None, None),
    ("machado", "María Corina Machado", "opposition", "VE", None),
    ("un-ffm", "UN fact-finding mission on Venezuela", "intergovernmental", None, None),
    (
        "ministerio-penitenciario",
        "Penitentiary ministry of Venezuela",
        "government",
        "VE",
        "Releases it announced; no list of names was published.",
    ),
    ("ministerio-interior", "Interior ministry of Venezuela", "government", "VE", None),
    ("asamblea-nacional", "National Assembly of Venezuela", "government", "VE", None),
    ("presidencia", "Presidency of Venezuela", "government", "VE", None),
    ("fiscalia", "Attorney general of Venezuela", "government", "VE", "Releases it asked the courts for."),
    ("comision-amnistia", "Amnesty commission of Venezuela", "government", "VE", None),
    ("cancilleria-argentina", "Foreign ministry of Argentina", "government", "AR", "Its nationals."),
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

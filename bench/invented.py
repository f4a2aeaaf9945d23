"""Invented lists of released people, as large as one likes: the same list for the same seed."""

import csv
import io
import random

from app.demo.names import FEMALE, MALE, SURNAMES

HEADINGS = (
    "Código", "Nombre y apellidos", "Sexo", "Fecha de nacimiento", "Nacionalidad", "País", "Fecha de detención",
    "Centro de reclusión", "Fecha de excarcelación", "Tipo de excarcelación", "Verificación", "Método",
)  # fmt: skip
PLACES = ("El Rodeo I", "El Helicoide", "Yare III", "Tocorón", "INOF", "Ramo Verde", "Tocuyito", "El Rodeo II")
KINDS = ("con medidas cautelares", "libertad plena", "casa por cárcel", "")
METHODS = ("familia", "abogada", "en la puerta", "boleta de excarcelación")


def csv_of(rows: int, seed: int = 1, *, delimiter: str = ";") -> bytes:
    """A list of so many rows, with case numbers."""
    pick = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(HEADINGS)
    for number in range(1, rows + 1):
        woman = pick.random() < 0.15
        name = " ".join([*pick.sample(FEMALE if woman else MALE, 2), *pick.sample(SURNAMES, 2)])
        writer.writerow(
            (
                f"INV-{seed}-{number:06}",
                name,
                "mujer" if woman else "hombre",
                pick.randint(1948, 2003),
                "venezolana" if woman else "venezolano",
                "Venezuela",
                f"{pick.randint(13, 28)}/{pick.randint(1, 12)}/{pick.randint(2018, 2025)}",
                pick.choice(PLACES),
                f"{pick.randint(1, 28)} de enero de 2026",
                pick.choice(KINDS),
                "verificada",
                pick.choice(METHODS),
            )
        )
    return out.getvalue().encode()

"""Invented lists of released people, as large as one likes: the same list for the same seed."""

import csv
import io
from collections.abc import Iterator
from functools import cache
from random import Random

from app.demo.people import FEMALE, MALE, SURNAMES

HEADINGS = (
    "Código", "Nombre y apellidos", "Sexo", "Fecha de nacimiento", "Nacionalidad", "País", "Fecha de detención",
    "Centro de reclusión", "Fecha de excarcelación", "Tipo de excarcelación", "Verificación", "Método",
)  # fmt: skip
PLACES = ("El Rodeo I", "El Helicoide", "Yare III", "Tocorón", "INOF", "Ramo Verde", "Tocuyito", "El Rodeo II")
KINDS = ("con medidas cautelares", "libertad plena", "casa por cárcel", "")
METHODS = ("familia", "abogada", "en la puerta", "boleta de excarcelación")


FAMILIES = 8_000
GIVEN = """
    José Luis Carlos Juan Jesús Pedro Rafael Miguel Antonio Manuel Ángel Francisco Alberto Eduardo Ramón Daniel
    Alejandro Víctor Jorge Héctor Gustavo Andrés David Gabriel Enrique Alexander Roberto Freddy Ricardo Julio Oscar
    Richard Edgar Fernando César Henry Nelson Orlando Wilmer Franklin Argenis Yorman Darwin Kleiver Yeferson Leonel
    Ulises Baltasar María Carmen Ana Rosa Luz Yolanda Gladys Milagros Yajaira Maritza Zuleima Nairobi Yusmary Keila
"""
HEADS = """
    ba be bo ca ce co da de fa fe ga go he la le lo ma me mo na ne pa pe pi ra re ri ro sa so ta te to va ve vi za zu
"""
TAILS = "rado lera nez les llo rrez ro ra na no ldo nte gas das ños chea guren zaga naldi ques tiel nzo mpos rgo vela"


@cache
def surnames() -> tuple[str, ...]:
    """Every invented surname, the commonest first."""
    draw = Random(0)
    heads, tails = HEADS.split(), TAILS.split()
    made = {(draw.choice(heads) + draw.choice(("", *heads)) + draw.choice(tails)).title() for _ in range(3 * FAMILIES)}
    shuffled = sorted(made)
    draw.shuffle(shuffled)
    return tuple(shuffled)


class Crowd:
    """People drawn as a population is: a few surnames are everywhere, most are rare."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._surnames = surnames()
        self._weights = [1 / (rank + 12) for rank in range(len(self._surnames))]  # the commonest has two in a hundred
        self._names = GIVEN.split()
        self._given = [1 / (rank + 4) for rank in range(len(self._names))]

    def people(self, number: int) -> Iterator[tuple[str, int | None]]:
        """Names with years of birth; three in ten are not known."""
        chance = self._random
        given = iter(chance.choices(self._names, self._given, k=2 * number))
        surnames = iter(chance.choices(self._surnames, self._weights, k=2 * number))
        for _ in range(number):
            first, second, father, mother = next(given), next(given), next(surnames), next(surnames)
            words = [first] + [second] * (chance.random() < 0.7) + [father] + [mother] * (chance.random() < 0.8)
            yield " ".join(words), chance.randrange(1950, 2007) if chance.random() < 0.7 else None


def csv_of(rows: int, seed: int = 1, *, delimiter: str = ";", crowd: bool = False) -> bytes:
    """A list of so many rows, with case numbers; `crowd`: with names as common and as rare as in a population, where
    otherwise a hundred surnames make everybody a namesake of many."""
    pick = Random(seed)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(HEADINGS)
    people = Crowd(seed).people(rows)
    for number in range(1, rows + 1):
        woman = pick.random() < 0.15
        name = next(people)[0]
        if not crowd:
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

"""Whether an M in the column of genders means a man or a woman."""

from collections.abc import Iterable, Sequence

from app.exchange.imports.cells import Cells
from app.exchange.imports.headings import Column
from app.matching.scripts import fold

GENDER = "detainee.gender"
LETTER = 3  # characters of a cell with a letter, a point and a space
M_BESIDE = {"f": "male", "h": "female"}  # *masculino* beside F, *mujer* beside H


def meaning_of_m(columns: Sequence[Column], rows: Iterable[Cells]) -> dict[str, str]:
    """The meaning of M in a list, by its whole column of genders; none if the column has neither F nor H, or both."""
    place = next((column.place for column in columns if GENDER in column.fields), None)
    if place is None:
        return {}
    texts = (row.texts[place] for row in rows if place < len(row.texts))
    beside = {fold(text) for text in texts if len(text) <= LETTER} & M_BESIDE.keys()
    return {"m": M_BESIDE[beside.pop()]} if len(beside) == 1 else {}

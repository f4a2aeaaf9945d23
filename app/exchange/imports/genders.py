"""The meaning of M in a list: *masculino* beside F, *mujer* beside H; alone it may be either (pure)."""

from collections.abc import Iterable, Sequence

from app.exchange.imports.headings import Column
from app.matching.fold import fold

GENDER = "detainee.gender"
_LETTER = 3  # characters of a cell that holds one, with the point and the space after it
_BESIDE = {"f": "male", "h": "female"}


def place_of(columns: Sequence[Column]) -> int | None:
    """The column of the gender, if any."""
    return next((column.place for column in columns if GENDER in column.fields), None)


def of_m(letters: Iterable[str]) -> dict[str, str]:
    """The meaning of M by the whole column; none where the column has neither F nor H, or both."""
    beside = {fold(one) for one in letters if len(one) <= _LETTER} & _BESIDE.keys()
    return {"m": _BESIDE[beside.pop()]} if len(beside) == 1 else {}

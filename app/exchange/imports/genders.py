"""What M means in a list: *masculino* where others are F, *mujer* where others are H; alone it may be either (pure)."""

from collections.abc import Iterable, Sequence

from app.exchange.imports.headings import Column
from app.matching.fold import fold

GENDER = "detainee.gender"
_LETTER = 3  # characters of a cell that holds one, with the point and the space after it
_BESIDE = {"f": "male", "h": "female"}


def place_of(columns: Sequence[Column]) -> int | None:
    """The column that is read for the gender, if there is one."""
    return next((column.place for column in columns if GENDER in column.fields), None)


def of_m(letters: Iterable[str]) -> dict[str, str]:
    """What M stands for, by the whole column: nothing where that has neither F nor H, or both."""
    beside = {fold(one) for one in letters if len(one) <= _LETTER} & _BESIDE.keys()
    return {"m": _BESIDE[beside.pop()]} if len(beside) == 1 else {}

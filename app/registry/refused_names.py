"""What is refused as a name: words for "unknown", texts with lost letters, numbers (pure).

Taken for a name, "S/I" would make one person of all nameless ones. The same words say "unknown" in any cell of a list.
"""

import re
from typing import LiteralString

from app.matching.fold import fold, words

Fault = tuple[LiteralString, LiteralString]  # code and detail

# Words for "unknown" in sheets, folded, of a name or of anything else. Not "si", which is "sí" without its accent.
_UNSAID = frozenset(
    {
        "anonima", "anonimo", "anonymous", "desconocida", "desconocido", "identidad desconocida",
        "identidad protegida", "identidad reservada", "n a", "n c", "n d", "n i", "n n", "na", "name unknown",
        "name withheld", "nd", "nn", "no aplica", "no consta", "no data", "no disponible", "no especificado",
        "no identificada", "no identificado", "no informado", "no name", "no se conoce", "no se conoce el nombre",
        "no se sabe", "no se sabe el nombre", "no se tiene", "nombre desconocido", "nombre no disponible",
        "nombre por confirmar", "nombre protegido", "nombre reservado", "none", "not available", "not known",
        "not reported", "null", "pendiente", "por confirmar", "por definir", "por determinar", "por identificar",
        "por verificar", "reservado", "s d", "s i", "s inf", "s info", "s n", "sd", "se desconoce", "se ignora",
        "sin dato", "sin datos", "sin especificar", "sin identificar", "sin info", "sin informacion", "sin nombre",
        "tba", "tbc", "tbd", "to be confirmed", "unidentified", "unknown", "unknown name", "unnamed", "withheld",
    }
)  # fmt: skip
_CROSSES = re.compile(r"x[x ]*x")  # "XXX", "xx xx"; one alone is a tick
# A program that could not encode a letter wrote "?" for it: beside letters, or for all letters of several words; one
# that could not decode it wrote U+FFFD. The pattern asks for two of a word only, since thousands in a row would be
# searched again from each of them.
_LOST = re.compile(r"\w\?|\?\w|\?\?\s+\?\?|\ufffd")
# A telephone or identification number or a date: seven digits, however separated.
_NUMBER = re.compile(r"(?:\d[ ./-]?){7}")
NOBODY_KNEW: Fault = (
    "placeholder_name",
    "This says that nobody knew the name: leave it out, and say what tells the person apart.",
)
LOST: Fault = (
    "garbled_text",
    "Letters of this name were lost on the way here (there is a question mark in their place): send the list they "
    "stand in. If it is a doubt, leave the mark out and write the doubt into the note.",
)
NUMBER: Fault = (
    "number_in_name",
    "There is a long number in this name, which is not part of a name: put an identification number into a column "
    "of its own (detainee.national_id), and leave a telephone number out.",
)


def is_unsaid(text: str) -> bool:
    """Whether a text says "unknown": a dash, "S/I", "n/a", "sin datos"."""
    folded = fold(text)
    return not folded or folded in _UNSAID or _CROSSES.fullmatch(folded) is not None


def damage(name: str) -> Fault | None:
    """Code and detail of damage in a name or a part of one; None without damage."""
    if _LOST.search(name):
        return LOST
    return NUMBER if any(letter.isalpha() for letter in name) and _NUMBER.search(name) else None


def fault(name: str) -> Fault | None:
    """Code and detail of why a text is no name; None of a name."""
    damaged = damage(name)
    if damaged is not None:
        return damaged
    if not any(letter.isalpha() for letter in name):
        return "no_name", "There is no letter in this name: leave it out when you do not know it."
    if is_unsaid(name) or is_unsaid(" ".join(words(name))):
        return NOBODY_KNEW
    return None

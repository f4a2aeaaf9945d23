"""Texts of columns as small whole numbers."""

from collections.abc import Collection, Iterable, Sequence

NOTHING = 0  # the code of null
UNKNOWN = -1  # the code of a text that no row has


class Codes:
    """Text ↔ code. A text keeps its code for as long as the columns are held; null is NOTHING."""

    def __init__(self, texts: Sequence[str | None] = (None,)) -> None:
        """`texts`: by code, None where a code is no text's any more."""
        self._texts = [*texts]
        self._codes = {text: code for code, text in enumerate(texts) if text is not None} | {None: NOTHING}

    def add(self, text: str | None) -> int:
        """The code of a text, a new one where it has none."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self._texts)
            self._texts.append(text)
        return code

    def of(self, text: str) -> int:
        """The code of a text, UNKNOWN where no row has it."""
        return self._codes.get(text, UNKNOWN)

    def each(self, texts: Iterable[str]) -> list[int]:
        return [self.of(text) for text in texts]

    def text(self, code: int) -> str | None:
        return self._texts[code]

    def texts(self) -> list[str | None]:
        """All texts by their codes."""
        return [*self._texts]

    def copy(self) -> "Codes":
        return Codes(self._texts)

    def without_others(self, codes: Collection[int]) -> "Codes":
        """The same codes without the texts of all but these: no row has those any more."""
        return Codes([text if code in codes else None for code, text in enumerate(self._texts)])

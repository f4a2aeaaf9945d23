"""Texts of columns as small whole numbers."""

from collections.abc import Collection, Iterable

NOTHING = 0  # the code of null
UNKNOWN = -1  # the code of a text that no row has


class Codes:
    """Text ↔ code. A text keeps its code for as long as the columns are held; null is NOTHING."""

    def __init__(self) -> None:
        self._texts: list[str | None] = [None]
        self._codes: dict[str | None, int] = {None: NOTHING}

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

    def without_others(self, codes: Collection[int]) -> "Codes":
        """The same codes without the texts of all but these: no row has those any more."""
        kept = Codes()
        kept._texts = [text if code in codes else None for code, text in enumerate(self._texts)]
        kept._codes |= {text: code for code, text in enumerate(kept._texts) if text is not None}
        return kept

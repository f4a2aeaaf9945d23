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

    def keep(self, codes: Collection[int]) -> None:
        """Forget all texts but those of these codes: no row has them any more."""
        for text, code in [*self._codes.items()]:
            if code not in codes and text is not None:
                del self._codes[text]
                self._texts[code] = None

"""A language that nobody speaks: every sentence of pages, two fifths longer, between brackets, with accents on its
letters. What does not change on a page was never given to translators; what breaks has no room for other languages."""

import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

LONGER = 0.4  # of its length: what German or Finnish needs more than English
ACCENTED = str.maketrans("aeioucnysAEIOUCNYS", "åéîöûçñýšÅÉÎÖÛÇÑÝŠ")
KEPT = re.compile(r"(%\(\w+\)[sd]|%%|<[^>]+>|&\w+;)")  # placeholders, tags and entities


def pseudo(text: str) -> str:
    """A sentence in that language, with what is put into it and around it."""
    parts = [part if KEPT.fullmatch(part) else part.translate(ACCENTED) for part in KEPT.split(text)]
    letters = sum(len(part) for part in parts if not KEPT.fullmatch(part))
    words = " ".join(["~~~~~"] * max(1, round(letters * LONGER / 6)))
    return f"[{''.join(parts)} {words}]"


def pseudo_localised(locales: Path, language: str, into: Path) -> None:
    """Write the catalogues of a language as if it were this one."""
    (into / language).mkdir(parents=True)
    for path in sorted((locales / language).glob("*.po")):
        with path.open("rb") as file:
            read = read_po(file, locale=language)
        made = Catalog(locale=language)
        for message in read:
            if message.id:
                several = isinstance(message.id, tuple | list)
                string = tuple(map(pseudo, message.id)) if several else pseudo(str(message.id))
                made.add(message.id, string, flags=message.flags, context=message.context)
        with (into / language / path.name).open("wb") as file:
            write_po(file, made)

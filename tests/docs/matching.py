"""Does an answer say what the page shows?

A page shows as much of an answer as its reader needs: a JSON object may leave out fields, `"…"` stands for anything,
and in a list for any further items. Ids, tags and revisions differ from registry to registry: the first time a page
shows one, the one in the answer is learnt for it, and stands in for it in the commands that follow.
"""

import re
from typing import Any

ANY = "…"
# What differs between registries: UUIDs, leaf hashes, entity tags.
_TOKEN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{32}\b")
_AS_OF = re.compile(r"\bas_of=r(\d+)\b")

Learnt = dict[str, str]


class Different(AssertionError):
    """The answer does not say what the page shows."""


def translate(text: str, learnt: Learnt) -> str:
    """A command of a page with the ids, tags and revisions of this registry."""
    text = _TOKEN.sub(lambda match: learnt.get(match[0], match[0]), text)
    return _AS_OF.sub(lambda match: f"as_of=r{learnt.get(match[1], match[1])}", text)


def compare(shown: Any, said: Any, learnt: Learnt, at: str = "") -> Learnt:
    """What is known after the comparison. Raises Different."""
    if shown == ANY:
        return learnt
    if isinstance(shown, dict):
        return _objects(shown, said, learnt, at)
    if isinstance(shown, list):
        return _lists(shown, said, learnt, at)
    if at.endswith("/revision") and type(shown) is int and type(said) is int:
        return _learn(str(shown), str(said), learnt, at)
    if isinstance(shown, str) and isinstance(said, str):
        return text(shown, said, learnt, at)
    if shown != said:
        raise Different(f"{at}: the page shows {shown!r}, the answer says {said!r}")
    return learnt


def text(shown: str, said: str, learnt: Learnt, at: str) -> Learnt:
    """Compare two strings: `…` stands for anything, ids and revisions for what they are here."""
    parts = re.split(rf"({_TOKEN.pattern}|\bas_of=r\d+\b|{ANY})", shown)
    names, pattern = [], ""
    for part in parts:
        if part == ANY:
            pattern += ".*"
        elif _TOKEN.fullmatch(part) or _AS_OF.fullmatch(part):
            names.append(part.removeprefix("as_of=r"))
            pattern += r"as_of=r(\d+)" if part.startswith("as_of=") else r"([0-9a-f-]+)"
        else:
            pattern += re.escape(part)
    match = re.fullmatch(pattern, said, re.DOTALL)
    if match is None:
        raise Different(f"{at}: the page shows {shown!r}, the answer says {said!r}")
    for name, found in zip(names, match.groups(), strict=True):
        learnt = _learn(name, found, learnt, at)
    return learnt


def _learn(shown: str, said: str, learnt: Learnt, at: str) -> Learnt:
    if learnt.get(shown, said) != said:
        raise Different(f"{at}: {shown} was {learnt[shown]} before and is {said} here")
    if shown not in learnt and said in learnt.values():
        raise Different(f"{at}: {shown} is what the page calls by another name before")
    return {**learnt, shown: said}


def _objects(shown: dict[str, Any], said: Any, learnt: Learnt, at: str) -> Learnt:
    if not isinstance(said, dict) or shown.keys() - said.keys():
        raise Different(f"{at}: the page shows {sorted(shown)}, the answer has {said!r:.300}")
    for name, value in shown.items():
        learnt = compare(value, said[name], learnt, f"{at}/{name}")
    return learnt


def _lists(shown: list[Any], said: Any, learnt: Learnt, at: str) -> Learnt:
    if not isinstance(said, list) or (ANY not in shown and len(shown) != len(said)):
        raise Different(f"{at}: the page shows {len(shown)} items, the answer has {said!r:.300}")
    place, gap = 0, False
    for number, item in enumerate(shown):
        if item == ANY:
            gap = True
            continue
        learnt, place = _find(item, said, place, learnt, f"{at}/{number}", gap=gap)
        gap = False
    if place < len(said) and not gap:
        raise Different(f"{at}: the answer goes on after what the page shows")
    return learnt


def _find(item: Any, said: list[Any], place: int, learnt: Learnt, at: str, *, gap: bool) -> tuple[Learnt, int]:
    """The item at `place`, or after a gap the first one from there that fits; what is known then, and what follows."""
    candidates = range(place, len(said)) if gap else range(place, min(place + 1, len(said)))
    for number in candidates:
        try:
            return compare(item, said[number], learnt, at), number + 1
        except Different:
            if not gap:
                raise
    raise Different(f"{at}: nothing in the answer is {item!r:.300}")

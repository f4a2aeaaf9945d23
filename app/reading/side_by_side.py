"""Two people side by side, field by field, for whoever must judge whether they are one (pure)."""

from collections.abc import Callable, Container, Iterable
from typing import Any

from app.dates import parse
from app.matching.fold import fold
from app.reading import shapes
from app.reading.shapes import Person
from app.registry.policy import Facts, Reader

Row = dict[str, Any]
Agree = Callable[[Any, Any], bool]


def _dates(one: str, other: str) -> bool:
    """Whether both may mean one day."""
    a, b = parse(one), parse(other)
    return a.lo <= b.hi and b.lo <= a.hi


def _words(one: Any, other: Any) -> bool:
    return fold(str(one)) == fold(str(other))


def _some(one: Iterable[Any], other: Iterable[Any]) -> bool:
    """Whether two lists share a value."""
    return bool({fold(str(value)) for value in one} & {fold(str(value)) for value in other})


# In the order in which a person reads them: who it is, where and when held, how it ended.
OF_THE_PERSON: dict[str, Agree] = {
    "full_name": _words,
    "aliases": _some,
    "father_name": _words,
    "birth_date": _dates,
    "age": _words,
    "gender": _words,
    "nationalities": _some,
    "category": _words,
    "groups": _some,
    "died_on": _dates,
}
OF_A_DETENTION: dict[str, Agree] = {
    "detained_on": _dates,
    "facility": _words,
    "legal_status": _words,
    "held_on": _dates,
}
OF_A_RELEASE: dict[str, Agree] = {"released_on": _dates, "kind": _words, "conditions": _some}
# A place nobody registered stands under a name of its own among the facts, and is a place all the same.
AS_SAID = {"facility_as_said": "facility"}


def side_by_side(a: Person, b: Person, reader: Reader) -> list[Row]:
    """`[{field, a: [{value, by}], b: [{value, by}], agrees}]` for every field that one of the two has.

    `agrees`: whether some value of one fits some value of the other; null where only one says anything.
    """
    mine, theirs = _said(a, reader), _said(b, reader)
    rows = []
    for field, agree in (OF_THE_PERSON | OF_A_DETENTION | OF_A_RELEASE).items():
        one, other = mine.get(field, []), theirs.get(field, [])
        if one or other:
            fits = any(agree(x["value"], y["value"]) for x in one for y in other)
            rows.append({"field": field, "a": one, "b": other, "agrees": fits if one and other else None})
    return rows


def _said(person: Person, reader: Reader) -> dict[str, list[Row]]:
    """Field → what the sources say of it, over all detentions of the person."""
    shown = shapes.detainee(person, reader)
    found = _of(shown["facts"], OF_THE_PERSON)
    for detention in shown["detentions"]:
        _add(found, _of(detention["facts"], OF_A_DETENTION))
    for row in person.releases.values():
        _add(found, _of(shapes.release(person, row, reader)["facts"], OF_A_RELEASE))
    return found


def _of(facts: Facts, fields: Container[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for name, fact in facts.items():
        field = AS_SAID.get(name, name)
        if field in fields:
            found.setdefault(field, []).extend(fact["said"])
    return found


def _add(found: dict[str, list[Row]], more: dict[str, list[Row]]) -> None:
    for field, said in more.items():
        found.setdefault(field, []).extend(said)

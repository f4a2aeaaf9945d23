"""The rows of the held say of any day what a patient reader of the same reports would: pure, without a database."""

from typing import Any

from hypothesis import given

from app.dates import parse_window_end
from app.models import Detainee, DetentionState, SourceDetention
from app.projection import Statement, project
from app.projection.spells import divide_into_spells
from app.queries.terms import HeldCountTerms
from tests.drawn import examples
from tests.projection.histories import reports
from tests.properties.recount.held import Detention
from tests.properties.recount.past import Person
from tests.properties.recount.saying import Spell, death_of, last_of, rearrested, spells_of, state_of
from tests.properties.recount.words import INSIDE, MAYBE, OUTSIDE, Word
from tests.registry.statements import SOURCES

DAYS = ("2024-10-13", "2025-05-31", "2025-06-01", "2025-06-02", "2025-12-01", "2026-01-12", "2026-01-20", "2026-03-01")


def place(row: dict[str, Any], day: int, ends: str) -> str:
    """Where a row says that somebody was on a day."""
    begun = row["hi"] is not None and row["hi"] <= day
    to_come = not begun and row["lo"] is not None and row["lo"] > day
    taken_again = row["next_hi"] is not None and row["next_hi"] <= day
    if to_come or taken_again or row[f"{ends}_hi"] < day:
        return OUTSIDE
    return INSIDE if begun and row[f"{ends}_lo"] >= day else MAYBE


def read_person(said: list[Statement]) -> Person:
    found = spells_of(divide_into_spells(said))
    last = last_of(found)
    state, death = state_of(said, found[last]), death_of(said, found[last])
    return Person(frozenset(), "named", found, last, state, rearrested(found), death)


def words_of(person: Person, spell: Spell) -> list[Word]:
    slugs = sorted({one.source.slug for one in spell.statements})
    return [Word(spell, person, slug, [one for one in spell.statements if one.source.slug == slug]) for slug in slugs]


@examples(60)
@given(reports())
def test_who_was_inside_on_a_day_is_what_the_reports_say_together_and_one_by_one(said: list[Statement]) -> None:
    rows = project(said, "named")
    together = {row["spell"]: row for row in rows[DetentionState]}
    by_source = {(row["spell"], row["source"]): row for row in rows[SourceDetention]}
    person = read_person(said)
    assert (rows[Detainee][0]["state"], rows[Detainee][0]["rearrested"]) == (person.state, person.rearrested)
    for spell in person.spells:
        key, words = min(one.record for one in spell.statements), words_of(person, spell)
        told = [(together[key], None), *((by_source[key, SOURCES[word.slug].key], word) for word in words)]
        for day in DAYS:
            for house_arrest, ends in ((False, "out"), (True, "free")):
                terms = HeldCountTerms(held_on=day, house_arrest=house_arrest)
                for row, word in told:
                    by_hand = Detention(person, "named", spell, words, word).place(terms)
                    assert place(row, parse_window_end(day), ends) == by_hand, (day, house_arrest, word and word.slug)

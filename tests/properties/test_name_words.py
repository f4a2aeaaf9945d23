"""The indexes of words, brought from head to head, find whom a look at every name finds, and have no name of anybody
else."""

from collections.abc import Iterator
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from app.columns import store
from app.columns.loader import Columns
from app.models import CURRENT_CLASSES
from app.queries.search import WHOLE_WORD, find_people_by_words
from tests.drawn import examples
from tests.properties.histories import histories, recalling
from tests.properties.steps import Registry, Step
from tests.properties.test_columns import read_by_another

# Those whose name the public may see, where only a consent opens names and where reports do; a partner sees all.
READERS = (CURRENT_CLASSES[:1], CURRENT_CLASSES[:2], CURRENT_CLASSES)
SOUGHT = (
    ["a"],
    ["lucia"],
    ["arr", "bel"],
    ["quintana", "t"],
    [WHOLE_WORD.format("tomas")],
    [WHOLE_WORD.format("toma")],
    ["x"],
)


class Named(NamedTuple):
    """What a person was called in a span of revisions. `classes`: today's of the records that the person had."""

    person: int
    since: int
    until: int
    words: set[str]
    classes: list[tuple[int, int, str]]

    def of(self, publish: tuple[str, ...], since: int, until: int) -> bool:
        """Whether all records that the person had in that span are of these classes."""
        return all(own in publish for first, end, own in self.classes if first < until and end > since)

    def holds(self, sought: str) -> bool:
        return any(sought in (WHOLE_WORD.format(word) if "\n" in sought else word) for word in self.words)


def names(session: Session) -> list[Named]:
    run = session.connection().execute
    placed = run(
        text("SELECT detainee, since, until, publish_now FROM placement JOIN record ON record.key = placement.record")
    ).all()
    return [
        Named(row[0], row[1], row[2], set(row[3].split()), [(a, b, own) for who, a, b, own in placed if who == row[0]])
        for row in run(text("SELECT detainee, since, until, folded_name FROM detainee_personal"))
    ]


def called(every: list[Named], sought: list[str], publish: tuple[str, ...], revision: int) -> list[int]:
    """The same by a look at every name."""
    return sorted(
        one.person
        for one in every
        if one.since <= revision < one.until
        and one.of(publish, revision, revision + 1)
        and all(one.holds(part) for part in sought)
    )


def words_of(columns: Columns, publish: tuple[str, ...]) -> Iterator[str]:
    """The words of the indexes that are kept for a head."""
    made = columns.shared_values[f"names of {publish}"]
    for index in (made.main, made.recent):
        yield from index.text.split()


@examples(12)
@given(st.one_of(histories(), recalling()), st.lists(st.booleans(), min_size=20, max_size=20))
def test_indexes_find_whom_a_look_at_every_name_finds_and_have_nobody_elses(
    registry: Registry, history: list[Step], looks: list[bool]
) -> None:
    store._CACHES.clear()  # the history before was rolled back: its log began as this one does
    with registry.after([]) as clerk:
        for number, step in enumerate(history):
            step.take(clerk)
            if not looks[number % len(looks)] and step is not history[-1]:
                continue
            columns = read_by_another(clerk)
            with clerk.session() as session:
                every = names(session)
            for publish in READERS:
                for revision in range(1, columns.head + 1):
                    for sought in SOUGHT:
                        found = find_people_by_words(columns, sought, publish, revision).tolist()
                        assert found == called(every, sought, publish, revision), (sought, publish, revision)
                own = set().union(*(one.words for one in every if one.of(publish, one.since, one.until)))
                assert set(words_of(columns, publish)) <= own

"""The memory of a dry run: what earlier rows of a list would have left behind for later ones.

The rows of a real run stand for all rows that follow; those of a dry run are undone batch by batch. So a trial
remembers whom a later row would meet: the people to whom earlier rows would have been tied.
"""

from app.matching.score import Person

# The first number of a trial's records: far below those of standing records, which are revisions and so above 0.
FIRST = -1_000_000_000


class Trial:
    """The rows tried so far, all of one source. `tied`: person → whom the rows describe that would be tied there."""

    def __init__(self) -> None:
        self.tied: dict[int, list[Person]] = {}
        self.counted: set[int] = set()  # people whom a tied row would close to `counted`
        self._next = FIRST

    def number(self) -> int:
        """A new number for a record that a real run would have made."""
        self._next += 1
        return self._next

    def tie(self, detainee: int, person: Person, *, counted: bool) -> None:
        self.tied.setdefault(detainee, []).append(person)
        if counted:
            self.counted.add(detainee)

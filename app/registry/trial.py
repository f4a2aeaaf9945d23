"""What the rows of a list that is only tried would have left behind for the rows after them.

A trial is undone batch by batch, while the rows of a run stand for all that follow. So a trial remembers what decides
whom a later row is like: the people to whom earlier rows would have been tied.
"""

from app.matching.score import Person

# Records of a trial are numbered below all that stand, whose numbers are revisions.
FIRST = -1_000_000_000


class Trial:
    """The rows tried so far, all of one source. `tied`: person → what the rows say of them that would be tied there."""

    def __init__(self) -> None:
        self.tied: dict[int, list[Person]] = {}
        self.counted: set[int] = set()  # people of whom a row would leave nothing but a count
        self._next = FIRST

    def number(self) -> int:
        """The number of a record that would have been made."""
        self._next += 1
        return self._next

    def tie(self, detainee: int, person: Person, *, counted: bool) -> None:
        self.tied.setdefault(detainee, []).append(person)
        if counted:
            self.counted.add(detainee)

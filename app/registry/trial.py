"""The memory of a trial (a dry run of a list): the people to whom earlier rows would have been linked.

Later rows of a real run meet the rows before them; those of a trial are undone batch by batch and have to be
remembered.
"""

from app.matching.score import Person

# The first number of a trial's records: far below the keys of standing records, which are revisions and so above 0.
FIRST = -1_000_000_000


class Trial:
    """The rows tried so far, all of one source. `tied`: person → the people described by the rows linked to it."""

    def __init__(self) -> None:
        self.tied: dict[int, list[Person]] = {}
        self.counted: set[int] = set()  # people whom a linked row would close to `counted`
        self._next = FIRST

    def number(self) -> int:
        """A new number for a record that a real run would make."""
        self._next += 1
        return self._next

    def tie(self, detainee: int, person: Person, *, counted: bool) -> None:
        self.tied.setdefault(detainee, []).append(person)
        if counted:
            self.counted.add(detainee)

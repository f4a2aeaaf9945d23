"""Which people an entry touched, for whoever keeps their rows elsewhere (`app/columns`)."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from app.write_buffer import WriteBuffer

# One row for each person: whoever missed many entries reads the person once.
_MARK = text(
    "INSERT INTO changed_person (detainee, revision) VALUES (:detainee, :revision) "
    "ON CONFLICT (detainee) DO UPDATE SET revision = excluded.revision"
)


def mark(writes: WriteBuffer, people: Collection[int], revision: int) -> None:
    """Add to the buffer that the entry of a revision touched these people."""
    writes.add(_MARK, [{"detainee": person, "revision": revision} for person in sorted(people)])


def mark_now(run: Connection, people: Collection[int], revision: int) -> None:
    """As `mark`, at once."""
    buffer = WriteBuffer(run)
    mark(buffer, people, revision)
    buffer.flush()

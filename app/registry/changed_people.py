"""Which people an entry touched, for whoever keeps their rows elsewhere (`app/columns`)."""

from collections.abc import Collection

from sqlalchemy import Connection, text

# One row for each person: whoever missed many entries reads the person once.
_MARK = text(
    "INSERT INTO changed_person (detainee, revision) VALUES (:detainee, :revision) "
    "ON CONFLICT (detainee) DO UPDATE SET revision = excluded.revision"
)


def mark(run: Connection, people: Collection[int], revision: int) -> None:
    """Remember that the entry of a revision touched these people. Whose first report it is needs no mark: a person's
    key is that revision."""
    rows = [{"detainee": person, "revision": revision} for person in sorted(people) if person != revision]
    if rows:
        run.execute(_MARK, rows)

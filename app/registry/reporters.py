"""The reader that reports as a source: made here alone, so that no way of filing forgets what the operator opens of
people whom only reports name (decision 0054)."""

from sqlalchemy import select
from sqlmodel import Session, col

from app.config import Names
from app.errors import NotFound
from app.models import OPEN, Source
from app.registry.read_permissions import Reader
from app.vocabulary import Role

_STANDING = select(Source).where(col(Source.until) == OPEN)


def reporter(session: Session, source: int, names: Names, role: Role = Role.REPORTER) -> Reader:
    """The reader that acts for a source, as the source stands now. `names`: the operator's choice."""
    return acting(session.scalars(_STANDING.where(col(Source.key) == source)).one(), names, role)


def reporter_by_slug(session: Session, slug: str, names: Names) -> Reader:
    """The reader that reports as the source of that slug. Raises NotFound."""
    source = session.scalars(_STANDING.where(col(Source.slug) == slug)).one_or_none()
    if source is None:
        raise NotFound("There is no source with this slug: see recuento source list, or add it (source add).")
    return acting(source, names, Role.REPORTER)


def acting(source: Source, names: Names, role: Role) -> Reader:
    """The reader that acts for a source."""
    return Reader(role, source.key, source.slug, source.independent and not source.quarantined, names)

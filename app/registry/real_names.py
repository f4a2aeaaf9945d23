"""The real name of a source that is registered under a pseudonym: sealed with the operator's secret, and beside the
log, so that no entry tells that there is one, and null deletes it."""

from sqlalchemy import delete
from sqlmodel import Session, col

from app.log import vault
from app.models import SourceRealName

PLACE = "real name"  # for which it is sealed, with the source's key


def keep(session: Session, secret: bytes, source: int, real_name: str | None) -> None:
    """Keep the real name of a source in place of the one before; None: delete that."""
    session.connection().execute(delete(SourceRealName).where(col(SourceRealName.source) == source))
    if real_name is not None:
        sealed = vault.seal(secret, real_name.encode(), source, PLACE)
        session.add(SourceRealName(source=source, real_name=sealed))
        session.flush()


def kept(session: Session, secret: bytes, source: int) -> str | None:
    """The real name of a source, if one is kept."""
    row = session.get(SourceRealName, source)
    return None if row is None else vault.unseal(secret, row.real_name, source, PLACE).decode()

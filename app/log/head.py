"""The head row beyond its revision: which key the digests were made with, under which rules the rows stand, and whether
the data is a demo's."""

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.log.sealed import keyed_digest
from app.models import Head


class WrongSecret(RuntimeError):
    """The secret is not the one this database was written with."""


class OtherRules(RuntimeError):
    """The rows were projected under other rules than those of this version."""


def is_bound(session: Session) -> bool:
    """Whether the database has a secret already."""
    return bool(session.scalars(select(col(Head.secret_check))).one())


def bind_secret(session: Session, secret: bytes) -> None:
    """Remember the secret's fingerprint at the first start; refuse another secret later.

    With another secret every case number would look new, and the next spreadsheet would double everyone.
    """
    check = keyed_digest(secret, "check")
    stored = session.scalars(select(col(Head.secret_check))).one()
    if not stored:
        session.connection().execute(update(Head).values(secret_check=check))
    elif stored != check:
        raise WrongSecret(
            "This database was written with another secret: set RECUENTO_SECRET or RECUENTO_SECRET_FILE to it."
        )


def require_rules(session: Session, rules: int) -> None:
    """Raises OtherRules unless the rows were projected under these rules: rows of two rules must never stand side by
    side. An empty registry takes them."""
    stored, revision = session.execute(select(col(Head.rules), col(Head.revision))).one()
    if stored == rules:
        return
    if revision:
        raise OtherRules(
            f"The rows of this database were made under rules {stored}, and this version counts by rules {rules}: "
            "stop every server on it, then run: recuento rebuild"
        )
    set_rules(session, rules)


def set_rules(session: Session, rules: int) -> None:
    """Remember under which rules all rows stand now."""
    session.connection().execute(update(Head).values(rules=rules))


def mark_demo(session: Session) -> None:
    """Mark the data as a demo's, so that nobody mistakes it for a registry."""
    session.connection().execute(update(Head).values(demo=True))


def is_demo(session: Session) -> bool:
    return session.scalars(select(col(Head.demo))).one()

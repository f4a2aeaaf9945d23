"""The head row beyond its revision: the secret of the digests, the rules of the projected rows, and the mark of a
demo."""

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.errors import Problem
from app.log.sealed import keyed_digest
from app.models import Entry, Head

# The rules of the rows, the number of entries, and the leaf hash of the last one: what answers are made from.
HEAD_ROW = select(col(Head.rules), col(Head.revision), col(Entry.leaf_hash)).outerjoin(
    Entry, col(Entry.revision) == col(Head.revision)
)

_DEMO = select(col(Head.demo))


class WrongSecret(RuntimeError):
    """The secret is not the one this database was written with."""


class OtherRules(Problem):
    """The rows were projected under other rules than this version's: raised at the start, or, after another version's
    rebuild beside a running server, by the server's next request."""

    status, code, title = 503, "other_rules", "Rows of other rules"

    def __init__(self, stored: int, rules: int) -> None:
        super().__init__(
            f"The rows of this database were made under rules {stored}, and this version counts by rules {rules}. "
            "Whoever runs the registry: stop every server on it, then run: recuento rebuild (or start the version that "
            "made these rows)"
        )


def is_bound(session: Session) -> bool:
    """Whether the database has a secret already."""
    return bool(session.scalars(select(col(Head.secret_check))).one())


def bind_secret(session: Session, secret: bytes) -> None:
    """Remember the secret's fingerprint at the first start; refuse another secret later.

    With another secret every case number would look new, and the next spreadsheet would double everyone.
    """
    stored = session.scalars(select(col(Head.secret_check))).one()
    if stored:
        require_secret(stored, secret)
    else:
        session.connection().execute(update(Head).values(secret_check=_check(secret)))


def require_secret(check: str, secret: bytes) -> None:
    """Raises WrongSecret unless a database's fingerprint is that of this secret."""
    if check != _check(secret):
        raise WrongSecret(
            "This database was written with another secret: set RECUENTO_SECRET or RECUENTO_SECRET_FILE to it."
        )


def _check(secret: bytes) -> str:
    return keyed_digest(secret, "check")


def require_rules(session: Session, rules: int) -> None:
    """Raises OtherRules unless the rows were projected under these rules: rows of two rules must never stand side by
    side. An empty registry takes them."""
    stored, revision = session.execute(select(col(Head.rules), col(Head.revision))).one()
    if stored == rules:
        return
    if revision:
        raise OtherRules(stored, rules)
    set_rules(session, rules)


def needs_rebuild(session: Session, rules: int) -> bool:
    """Whether the rows were projected under other rules than these."""
    return session.scalars(select(col(Head.rules))).one() != rules


def head_under(session: Session, rules: int) -> tuple[int, str]:
    """The number of entries and the leaf hash of the last one, in hexadecimal; empty before the first. Raises
    OtherRules where the rows no longer are those of these rules: a server that another version's rebuild left running
    must not tell its numbers under the name of the old rules."""
    stored, revision, leaf = session.connection().execute(HEAD_ROW).one()
    if stored != rules:
        raise OtherRules(stored, rules)
    return int(revision), bytes(leaf or b"").hex()


def set_rules(session: Session, rules: int) -> None:
    """Remember under which rules all rows stand now."""
    session.connection().execute(update(Head).values(rules=rules))


def mark_demo(session: Session) -> None:
    """Mark the data as a demo's, so that nobody mistakes it for a registry."""
    session.connection().execute(update(Head).values(demo=True))


def is_demo(session: Session) -> bool:
    return bool(session.connection().execute(_DEMO).scalar_one())

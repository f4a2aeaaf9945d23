"""Check the head row's secret, rules and demo flag, and encrypt private values stored outside the log.

Encrypted are cells stored by imports, real names of sources, reports under an embargo, and texts of objections. A copy
of the database without the operator's secret does not reveal them. The cipher is AES-256-GCM (NIST SP 800-38D), with a
random nonce before each ciphertext and a key derived from the secret by HKDF (RFC 5869). The place of a value (its
import, and its role there) is authenticated with it, so that no ciphertext can be swapped for another."""

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.errors import Problem
from app.log.entries import compute_keyed_digest
from app.models import Entry, Head
from app.translations import Message

# The rules of the rows, the number of entries, and the leaf hash of the last one: every response depends on them.
HEAD_ROW_QUERY = select(col(Head.rules), col(Head.revision), col(Entry.leaf_hash)).outerjoin(
    Entry, col(Entry.revision) == col(Head.revision)
)

_DEMO_QUERY = select(col(Head.demo))


class WrongSecret(RuntimeError):
    """The secret is not the one this database was written with."""


class RulesMismatch(Problem):
    """The rows were projected under other rules than this version's.

    Raised at the start, or by the next request after another version rebuilt the rows while the server was running."""

    status, code, title = 503, "other_rules", "Rows of other rules"

    def __init__(self, stored_rules: int, rules: int) -> None:
        super().__init__(
            Message(
                "The rows of this database were made under rules {stored}, and this version counts by rules {rules}. "
                "Stop every server of this database, then run: recuento rebuild. To go back to the earlier version, "
                "restore the backup made before the upgrade",
                stored=stored_rules,
                rules=rules,
            )
        )


def is_secret_bound(session: Session) -> bool:
    """Return whether a secret was already bound to the database."""
    return bool(session.scalars(select(col(Head.secret_check))).one())


def bind_secret(session: Session, secret: bytes) -> None:
    """Store the secret's fingerprint at the first start, and refuse another secret later.

    With another secret every case number would look new, and the next spreadsheet would double everyone.
    """
    stored_check = session.scalars(select(col(Head.secret_check))).one()
    if stored_check:
        require_secret(stored_check, secret)
    else:
        session.connection().execute(update(Head).values(secret_check=_compute_secret_check(secret)))


def require_secret(secret_check: str, secret: bytes) -> None:
    """Raise WrongSecret unless a database's fingerprint is that of this secret."""
    if secret_check != _compute_secret_check(secret):
        raise WrongSecret(
            "This database was written with another secret: set RECUENTO_SECRET or RECUENTO_SECRET_FILE to it."
        )


def _compute_secret_check(secret: bytes) -> str:
    return compute_keyed_digest(secret, "check")


def require_rules(session: Session, rules: int) -> None:
    """Raise RulesMismatch unless the rows were projected under these rules; an empty registry adopts them.

    Rows of two rules must never be mixed."""
    stored_rules, revision = session.execute(select(col(Head.rules), col(Head.revision))).one()
    if stored_rules == rules:
        return
    if revision:
        raise RulesMismatch(stored_rules, rules)
    set_rules(session, rules)


def needs_rebuild(session: Session, rules: int) -> bool:
    """Return whether the rows were projected under other rules than these."""
    return read_rules(session) != rules


def read_rules(session: Session) -> int:
    """Return the rules under which the rows were projected."""
    return session.scalars(select(col(Head.rules))).one()


def read_head_under_rules(session: Session, rules: int) -> tuple[int, str]:
    """Return the number of entries and the leaf hash of the last one, in hexadecimal; empty before the first.

    Raises RulesMismatch if another version rebuilt the rows meanwhile: a server that is still running must not serve
    the new numbers under the old rules."""
    stored_rules, revision, leaf = session.connection().execute(HEAD_ROW_QUERY).one()
    if stored_rules != rules:
        raise RulesMismatch(stored_rules, rules)
    return int(revision), bytes(leaf or b"").hex()


def set_rules(session: Session, rules: int) -> None:
    """Store the rules under which all rows were projected."""
    session.connection().execute(update(Head).values(rules=rules))


def mark_demo(session: Session) -> None:
    """Mark the data as demo data, so that nobody mistakes it for a real registry."""
    session.connection().execute(update(Head).values(demo=True))


def is_demo(session: Session) -> bool:
    return bool(session.connection().execute(_DEMO_QUERY).scalar_one())

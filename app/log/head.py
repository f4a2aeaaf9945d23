"""Check the head row's secret, version of rows and demo flag, and encrypt private values stored outside the log.

Encrypted are cells stored by imports, real names of sources, reports under an embargo, and texts of objections. A copy
of the database without the operator's secret does not reveal them. The cipher is AES-256-GCM (NIST SP 800-38D), with a
random nonce before each ciphertext and a key derived from the secret by HKDF (RFC 5869). The place of a value (its
import, and its role there) is authenticated with it, so that no ciphertext can be swapped for another."""

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.errors import Problem
from app.log.entries import compute_keyed_digest
from app.models import Entry, Head
from app.models.log import RowsVersion
from app.translations import Message

_VERSION_COLUMNS = (col(Head.rules), col(Head.projection))
# The version of the rows, the number of entries, and the leaf hash of the last one: every response depends on them.
HEAD_ROW_QUERY = select(*_VERSION_COLUMNS, col(Head.revision), col(Entry.leaf_hash)).outerjoin(
    Entry, col(Entry.revision) == col(Head.revision)
)

_DEMO_QUERY = select(col(Head.demo))


class WrongSecret(RuntimeError):
    """The secret is not the one this database was written with."""


class RowsMismatch(Problem):
    """The rows were projected by a version of Recuento with other rules, or with other columns or traits.

    Raised at the start, or by the next request after another version rebuilt the rows while the server was running."""

    status, code, title = 503, "other_rows", "Rows of another version"

    def __init__(self, stored: RowsVersion, current: RowsVersion) -> None:
        super().__init__(
            Message(
                "The rows of this database were made by another version of Recuento (rules {stored_rules}, projection "
                "{stored_projection}). This version needs rows of rules {rules}, projection {projection}. Stop every "
                "server of this database, then run: recuento rebuild. To go back to the earlier version, restore the "
                "backup made before the upgrade",
                stored_rules=stored.rules,
                stored_projection=stored.projection,
                rules=current.rules,
                projection=current.projection,
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


def require_rows_version(session: Session, version: RowsVersion) -> None:
    """Raise RowsMismatch unless the rows were projected by this version; an empty registry adopts it.

    Rows of two versions must never be mixed."""
    stored_version = read_rows_version(session)
    if stored_version == version:
        return
    if session.scalars(select(col(Head.revision))).one():
        raise RowsMismatch(stored_version, version)
    set_rows_version(session, version)


def read_rows_version(session: Session) -> RowsVersion:
    """Return the version of the projected rows."""
    return RowsVersion(*session.connection().execute(select(*_VERSION_COLUMNS)).one())


def read_head_of_version(session: Session, version: RowsVersion) -> tuple[int, str]:
    """Return the number of entries and the leaf hash of the last one, in hexadecimal; empty before the first.

    Raises RowsMismatch if another version rebuilt the rows meanwhile: a server that is still running must not serve
    the new numbers under the old rules."""
    *stored_version, revision, leaf = session.connection().execute(HEAD_ROW_QUERY).one()
    if (*stored_version,) != version:
        raise RowsMismatch(RowsVersion(*stored_version), version)
    return int(revision), bytes(leaf or b"").hex()


def set_rows_version(session: Session, version: RowsVersion) -> None:
    """Store the version of all projected rows."""
    session.connection().execute(update(Head).values(version._asdict()))


def mark_demo(session: Session) -> None:
    """Mark the data as demo data, so that nobody mistakes it for a real registry."""
    session.connection().execute(update(Head).values(demo=True))


def is_demo(session: Session) -> bool:
    return bool(session.connection().execute(_DEMO_QUERY).scalar_one())

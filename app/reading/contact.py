"""Whether researchers may contact a person, as consents say it: for readers who see restricted fields alone."""

from collections.abc import Collection

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.log import entries
from app.models import Consent, Record, Sealed
from app.registry.identity.clusters import recalled_with
from app.registry.publication.permissions import Reader
from app.schemas.records import ContactOut

# Made once: building a statement costs more than running it.
_CONSENTS = (
    select(col(Consent.key), col(Consent.record), col(Sealed.disclosures))
    .join(Sealed, col(Sealed.revision) == col(Consent.key))
    .where(col(Consent.record).in_(bindparam("records", expanding=True)))
    .order_by(col(Consent.key))
)


def contact(session: Session, records: Collection[int], reader: Reader) -> ContactOut | None:
    """What the consents of a person's records say; None where nobody was asked, and for whom it is nothing.

    Like a class of publication it is judged by today: of each record the latest consent that says it holds, and where
    people with one each turn out to be one person, the strictest of these.
    """
    if not reader.restricted:
        return None
    ids = session.scalars(select(col(Record.id)).where(col(Record.key).in_(records))).all()
    every = {*records, *recalled_with(session, ids)}  # what was said by a recalled report holds
    latest: dict[int, ContactOut] = {}
    for _key, record, disclosures in session.execute(_CONSENTS, {"records": list(every)}):
        said = entries.values(disclosures)
        if said.get("contact") is not None:
            latest.pop(record, None)  # so that the newest answer stands last
            latest[record] = {"allowed": said["contact"], "given_by": said["given_by"], "given_on": said["given_on"]}
    return min(reversed(latest.values()), key=lambda one: one["allowed"], default=None)

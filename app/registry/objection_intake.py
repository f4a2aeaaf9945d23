"""What a request does with an objection: it stores one row, by the same statements whatever the row is about."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from sqlalchemy import bindparam, delete, insert
from sqlmodel import Session, col

from app.log import vault
from app.models import Objection
from app.models.log import ObjectionWish
from app.registry.schemas import Line, Shape
from app.registry.text_checks import prose
from app.registry.write import new_id

# Half a page says who somebody is and what is wrong; what proves it is asked for by curators, elsewhere.
MOST_WORDS = 1_000

_FREE_SLOT = delete(Objection).where(col(Objection.slot) == bindparam("at"))
_INSERT = insert(Objection)


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_WORDS), AfterValidator(prose)
]


class ObjectionIn(Shape):
    about: Line
    wish: ObjectionWish
    words: Words | None = None
    contact: Line | None = None


def receive(session: Session, secret: bytes, sent: ObjectionIn, network: str, slot: int, now: datetime) -> None:
    """Store an objection at a place of its network, in place of what still waits there. Its words and the contact,
    which can name the family of somebody in danger, are sealed."""
    run, objection = session.connection().execute, new_id()
    run(_FREE_SLOT, {"at": slot})
    row = {"id": objection, "slot": slot, "network": network, "received_at": now, "state": "received"}
    texts = {"words": sent.words, "contact": sent.contact}
    sealed = {name: text and vault.seal(secret, text.encode(), objection, name) for name, text in texts.items()}
    run(_INSERT, {**row, "about": sent.about, "wish": sent.wish, **sealed})

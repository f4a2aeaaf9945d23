"""Prepare and send notices in the background: never in a request, and at most one digest for a holder and hour.

`prepare` reads and writes the database; `send` talks to the mail server, with no session open. A notice stays in the
database until it is sent. A failure is logged without addresses, and the notice is sent again with what is new by then.
"""

import json
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, update
from sqlmodel import Session, col

from app.config import Names
from app.db.engine import open_read_session, open_write_session
from app.log.entries import open_writer_session
from app.log.sealing import DamagedCiphertext
from app.models import NoticeHolder
from app.notices.delivery import DESK_PATH, Mailer
from app.notices.holders import (
    NOTICE_INTERVAL,
    RETRY_INTERVAL,
    add_digest,
    list_due_holders,
    load_live_keys,
    unseal_email,
)
from app.notices.news import count_news
from app.registry.alerts import WithdrawalsByDay

NOTHING = "{}"  # the numbers of a holder to whom nothing is to be mailed

log = logging.getLogger("recuento")


@dataclass(frozen=True)
class _Mail:
    """A notice to be mailed. `holder`: folded. `unsent`: its numbers, as the row has them."""

    holder: str
    address: str
    unsent: str


class NoticeJob:
    """Prepares and sends notices, in each process: the first one to get the lock prepares those of a holder."""

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        clock: Callable[[], datetime],
        names: Names,
        mailer: Mailer | None,
        public_url: str,
    ) -> None:
        self._engine, self._secret, self._clock, self._names = engine, secret, clock, names
        self._mailer, self._link = mailer, public_url + DESK_PATH
        self._outbox: deque[_Mail] = deque()
        self._in_delivery: set[str] = set()  # holders with a mail in the outbox, or on its way
        self._sent: deque[_Mail] = deque()
        self._withdrawals_by_day: WithdrawalsByDay = {}

    def prepare(self) -> None:
        """Record which notices were sent, and write the digests of holders for whom something is new."""
        now = self._clock()
        self._record_sent(now)
        with open_read_session(self._engine) as session:
            due = [
                holder
                for holder in list_due_holders(session, now)
                if holder not in self._in_delivery and self._has_news(session, holder, now)
            ]
        for holder in due:
            with open_writer_session(self._engine) as session:
                mail = self._take_notice(session, holder, now)
            if mail is not None:
                self._in_delivery.add(holder)
                self._outbox.append(mail)

    def send(self) -> None:
        """Send the notices that were prepared."""
        while self._outbox and self._mailer is not None:
            mail = self._outbox.popleft()
            try:
                self._mailer.send(mail.address, json.loads(mail.unsent), self._link)
            except (OSError, ValueError) as error:  # the former includes SMTPException
                log.error("a notice could not be sent: %s", _describe_failure(error))
            else:
                self._sent.append(mail)
            self._in_delivery.discard(mail.holder)

    def _has_news(self, session: Session, holder: str, now: datetime) -> bool:
        """Return whether `_take_notice` has anything to do, without the lock and without changing the row."""
        row = session.get_one(NoticeHolder, holder)
        session.expunge(row)
        keys, known_alerts = load_live_keys(session, holder, now, self._names), row.alerts
        is_unsent = row.email is not None and row.unsent != NOTHING and self._mailer is not None
        has_news = bool(count_news(session, row, keys, now, self._withdrawals_by_day))
        return not keys or is_unsent or has_news or row.alerts != known_alerts

    def _take_notice(self, session: Session, holder: str, now: datetime) -> _Mail | None:
        """Write the digest of a holder, and return the mail to send. Deletes a holder without a live key."""
        row = session.get(NoticeHolder, holder)
        if row is None or row.due_at > now:  # another process was first
            return None
        keys = load_live_keys(session, holder, now, self._names)
        if not keys:
            session.delete(row)
            return None
        counts = count_news(session, row, keys, now, self._withdrawals_by_day)
        if counts:
            add_digest(row, counts, now)
        try:
            address = unseal_email(self._secret, row)
        except DamagedCiphertext:
            address = None
        is_mailed = address is not None and row.unsent != NOTHING and self._mailer is not None
        if is_mailed or counts:
            row.due_at = now + (RETRY_INTERVAL if is_mailed else NOTICE_INTERVAL)
        session.add(row)
        return _Mail(holder, address, row.unsent) if is_mailed and address is not None else None

    def _record_sent(self, now: datetime) -> None:
        for _ in range(len(self._sent)):
            mail = self._sent.popleft()
            # What another process added meanwhile stays, and is sent with it again.
            is_as_sent = col(NoticeHolder.holder) == mail.holder, col(NoticeHolder.unsent) == mail.unsent
            change = update(NoticeHolder).where(*is_as_sent).values(unsent=NOTHING, due_at=now + NOTICE_INTERVAL)
            with open_write_session(self._engine) as session:
                session.connection().execute(change)


def _describe_failure(error: Exception) -> str:
    """Return the type of an error, and the code of the mail server. Its text may contain an address."""
    code = getattr(error, "smtp_code", None)
    return type(error).__name__ if code is None else f"{type(error).__name__} {code}"

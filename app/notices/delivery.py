"""Write a notice as an e-mail or as an Atom feed. Neither has a name: only numbers by kind, and a link to the desk."""

import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as Xml

from app.config import Settings, is_loopback
from app.notices.news import NOTICE_LABELS

SUBJECT = "Aviso / Notice"
DESK_PATH = "/en/desk"
SMTP_TIMEOUT_SECONDS = 20.0
SMTP_PORT, SMTPS_PORT = 587, 465
EMPTY_FEED_DATE = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Mailer:
    """The connection to the operator's mail server. `password`: of the user in the address, if it names one."""

    url: str
    sender: str
    password: str | None

    def send(self, address: str, counts: Mapping[str, int], link: str) -> None:
        """Send a notice. Raises OSError, which includes SMTPException."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, address, SUBJECT
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self.sender.rpartition("@")[2])  # not the name of this machine
        message["Auto-Submitted"] = "auto-generated"  # so that no holiday reply answers it (RFC 3834)
        message.set_content(format_notice(counts, link), cte="quoted-printable")  # also for a server of 7 bits
        with self._connect() as server:
            server.send_message(message)

    def _connect(self) -> smtplib.SMTP:
        """Connect with TLS, except to this machine, and sign in."""
        parts, context = urlsplit(self.url), ssl.create_default_context()
        host = str(parts.hostname)
        server = (
            smtplib.SMTP_SSL(host, parts.port or SMTPS_PORT, timeout=SMTP_TIMEOUT_SECONDS, context=context)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, parts.port or SMTP_PORT, timeout=SMTP_TIMEOUT_SECONDS)
        )
        try:
            if parts.scheme == "smtp" and not is_loopback(host):
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), self.password or "")
        except BaseException:
            server.close()
            raise
        return server


def build_mailer(settings: Settings) -> Mailer | None:
    """Return the connection that the settings describe, if they do. Raises UnreadableSecret."""
    if settings.smtp_url is None:
        return None
    return Mailer(settings.smtp_url, str(settings.smtp_sender), settings.smtp_password())


def format_notice(counts: Mapping[str, int], link: str) -> str:
    """Return the text of a notice in both languages."""
    return "\n".join([*_format_counts(counts), "", link, ""]).lstrip("\n")


def _format_counts(counts: Mapping[str, int]) -> Iterator[str]:
    return (f"{' / '.join(labels)}: {counts[kind]}" for kind, labels in NOTICE_LABELS.items() if counts.get(kind))


def render_feed(digests: Sequence[Mapping[str, Any]], feed_id: str, base_url: str) -> str:
    """Return the Atom document (RFC 4287) of digests, newest first."""
    feed = Xml.Element("feed", {"xmlns": "http://www.w3.org/2005/Atom"})
    link = base_url + DESK_PATH
    for name, text in (("id", feed_id), ("title", SUBJECT)):
        Xml.SubElement(feed, name).text = text
    Xml.SubElement(feed, "updated").text = digests[0]["at"] if digests else EMPTY_FEED_DATE
    Xml.SubElement(Xml.SubElement(feed, "author"), "name").text = "Recuento"
    for digest in digests:
        entry = Xml.SubElement(feed, "entry")
        for name, text in (("id", f"urn:uuid:{digest['id']}"), ("title", SUBJECT), ("updated", digest["at"])):
            Xml.SubElement(entry, name).text = text
        Xml.SubElement(entry, "link", {"rel": "alternate", "href": link})
        Xml.SubElement(entry, "content", {"type": "text"}).text = "\n".join(_format_counts(digest["counts"]))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(feed, encoding="unicode")

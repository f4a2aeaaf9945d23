"""A mail server for tests: it speaks SMTP on this machine, and keeps what it is sent."""

import socketserver
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_string
from email.message import Message
from threading import Thread


class MailSink(socketserver.ThreadingTCPServer):
    """`refusal`: the answer to each recipient in place of 250. `envelopes`: sender and recipients of each mail.
    `logins`: what was sent to sign in."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.mails: list[Message] = []
        self.envelopes: list[list[str]] = []
        self.refusal: str | None = None
        self.logins: list[bytes] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class _Conversation(socketserver.StreamRequestHandler):
    server: MailSink

    def handle(self) -> None:
        self._say("220 sink.example ESMTP")
        envelope: list[str] = []
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            verb = line.upper().partition(" ")[0]
            if verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "DATA":
                self._say("354 go on")
                self.server.mails.append(message_from_string(self._read_mail()))
                self.server.envelopes.append(envelope)
                envelope = []
            elif verb in ("MAIL", "RCPT"):
                envelope.append(line)
            if verb == "EHLO":
                self._say("250-sink.example\r\n250 AUTH PLAIN")
                continue
            if verb == "AUTH":
                self.server.logins.append(b64decode(line.rpartition(" ")[2]))
                self._say("235 welcome")
                continue
            self._say(self.server.refusal if verb == "RCPT" and self.server.refusal else "250 ok")

    def _read_mail(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def sinking_mail() -> Iterator[MailSink]:
    """A mail server that runs during the block."""
    with MailSink() as sink:
        thread = Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield sink
        finally:
            sink.shutdown()
            thread.join()

"""Settings, read once from `RECUENTO_*` and passed to `create_app`; nothing reads the environment later."""

import os
import secrets
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url

from app import dates

# How people without recorded consent are shown, whose sources ask for their names: listed by name, found only by their
# whole name, or anonymous.
Names = Literal["list", "search", "off"]
MEBIBYTE = 1024 * 1024
SECRET_BYTES = 32  # a full HMAC-SHA-256 key
OTHER_USERS_MASK = 0o077  # mode bits of the group and of everyone else
MIN_SECRET = 16  # characters: a shorter secret can be guessed


class UnreadableSecret(RuntimeError):
    """The secret file cannot be read or created, or its content is not a secret."""


def _split_commas(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _normalize_zone(text: str) -> str:
    return dates.format_zone(dates.parse_zone(text))


def _check_day(text: str) -> str:
    dates.parse_window_start(text)
    return text


def _check_networks(text: str) -> str:
    """Check addresses and networks, separated by commas. A host name, or `*`, would let clients state a false
    address."""
    for network in filter(None, map(str.strip, text.split(","))):
        ip_network(network)
    return text


def _is_postgresql(url: str) -> bool:
    return make_url(url).get_backend_name() == "postgresql"


class Settings(BaseSettings):
    """The operator's settings; each default is safe on one machine."""

    model_config = SettingsConfigDict(env_prefix="RECUENTO_", extra="ignore")

    database_url: str = "sqlite:///recuento.db"
    # The address of the PostgreSQL server itself, without a pooler, where each process listens for commits of others.
    # Cached responses then need no database query, and are at most a second old.
    database_listen_url: str | None = None
    # A streaming replica of the PostgreSQL database: it serves anonymous reads while it is not behind.
    database_read_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    # Whether to run one count worker for each worker, for counts that are not in the cache (decision 0071).
    counting_apart: bool = True
    # The sockets of the count workers, separated by commas: `recuento serve` sets it for the workers that it starts.
    counting_sockets: Annotated[list[str] | None, NoDecode, BeforeValidator(_split_commas)] = None
    # The port on 127.0.0.1 that serves metrics; without it they are not served (decision 0060).
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    # The folder of `recuento files write`, to be served at /data/.
    count_files: Path | None = None
    # One number bounds sessions, threads and pooled connections, so that they cannot wait for each other in a circle.
    concurrency: int = Field(default=8, ge=1, le=200)
    # Of each process. Many systems allow a process 1,024 files, and the database needs some.
    connections: int = Field(default=800, ge=16, le=100_000)
    # How long a query may take.
    question_seconds: float = Field(default=10, gt=0)
    # Requests a minute that each process answers, 0 for any number. Twenty a second allow a page of many charts, or a
    # whole office behind one address. Fifty a second allow a list that is sent in parts over a good line.
    rate_by_client: int = Field(default=1_200, ge=0)
    rate_by_key: int = Field(default=3_000, ge=0)
    # Searches by name among these, for a client as for a key: enough to look for somebody, too few to try a list of
    # names.
    rate_of_searches: int = Field(default=30, ge=0)
    # Whether people without recorded consent, whose sources ask for their names, are listed by name, found only by
    # their whole name, or anonymous.
    names: Names = "list"
    # The proxies whose `X-Forwarded-For` is trusted, and who alone are answered if `host` is not this machine.
    trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = "127.0.0.1,::1"
    # The registry's public address, without a slash at the end. Citations contain it, and must still lead there from
    # print. Without it citations contain addresses without a host; a demo's citations contain its own address.
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s@]+$")] | None = None
    # A TOML file in which the operator says who it is (`app/operator.py`), for the about page. A registry with a public
    # address needs one.
    about_file: Path | None = None
    # Where to report a vulnerability in private: served in /.well-known/security.txt.
    security_contact: Annotated[str, Field(pattern=r"^(mailto:\S+|https://[^\s/@]+(/\S*)?)$")] | None = None
    # The mail server for notices: smtps://user@mail.example.org, or smtp://… with STARTTLS, which only a server on this
    # machine may do without. Without it no notice is mailed.
    smtp_url: Annotated[str, Field(pattern=r"^smtps?://([^\s/@:]+@)?[^\s/@]+$")] | None = None
    smtp_password_file: Path | None = None
    smtp_sender: Annotated[str, Field(pattern=r"^[^\s@<>]+@[^\s@<>]+$")] | None = None
    # The time zone in which a day without a zone ends, as an offset or an IANA name: the zone of the people who are
    # counted. The default is UTC; a demo uses the zone of its figures.
    zone: Annotated[str, AfterValidator(_normalize_zone)] | None = None
    # What the first page is about where its address does not say: a country (ISO 3166-1 alpha-2), and the first day of
    # the releases that it counts. A demo's are those of its figures.
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    released_from: Annotated[str, AfterValidator(_check_day)] | None = None
    max_body_bytes: int = Field(default=MEBIBYTE, ge=1024)
    max_import_bytes: int = Field(default=10 * MEBIBYTE, ge=1024)
    # The key of digests of case numbers and identification numbers. It is stored outside the database: a person who
    # seizes only the database cannot try eight-digit numbers against the digests.
    secret: Annotated[SecretStr, Field(min_length=MIN_SECRET)] | None = None
    secret_file: Path | None = None
    # The high-water mark: the highest revision that this machine has served. It is stored outside the database, and so
    # reveals that an earlier copy was restored.
    head_file: Path | None = None
    # Where this machine saves the columns for counting, so that a large registry starts at once and its workers share
    # memory; without it they are not saved (decision 0068).
    columns_dir: Path | None = None
    # The key for sending lists to a remote registry. Never an argument: everyone on the machine can see arguments.
    key: SecretStr | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _require_postgresql(self) -> Self:
        """Refuse replicas and listening for other databases, which have neither."""
        other_urls = [url for url in (self.database_read_url, self.database_listen_url) if url is not None]
        if other_urls and not all(map(_is_postgresql, [self.database_url, *other_urls])):
            raise ValueError(
                "RECUENTO_DATABASE_READ_URL and RECUENTO_DATABASE_LISTEN_URL are for PostgreSQL, and so must "
                "RECUENTO_DATABASE_URL be: postgresql://…"
            )
        return self

    @model_validator(mode="after")
    def _require_mail_sender(self) -> Self:
        if self.smtp_url is not None and (self.smtp_sender is None or self.public_url is None):
            raise ValueError("RECUENTO_SMTP_URL needs RECUENTO_SMTP_SENDER, and RECUENTO_PUBLIC_URL to link to.")
        return self

    def address(self) -> str:
        """Return the registry's address on its own machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not listened on
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def secret_key(self, *, make: bool = True) -> bytes:
        """Return the key of every keyed digest: `RECUENTO_SECRET`, or a file that is created on first use (mode 0400).

        `make`: False for a database that has its secret already. A new file beside it would be mistaken for the lost
        one.
        """
        if self.secret is not None:
            return self.secret.get_secret_value().encode()
        path = self.secret_file or self._default_secret_file()
        if path is None:
            return secrets.token_bytes(SECRET_BYTES)
        try:
            if not path.exists():
                if not make:
                    raise UnreadableSecret(
                        f"This database was written with another secret, and there is no {path}: set RECUENTO_SECRET "
                        "or RECUENTO_SECRET_FILE to it."
                    )
                _create_secret(path)
            return _check_secret_length(bytes.fromhex(path.read_text().strip()))
        except (OSError, ValueError) as error:
            raise UnreadableSecret(
                f"The secret file {path} cannot be read or made: check RECUENTO_SECRET_FILE and its folder."
            ) from error

    def smtp_password(self) -> str | None:
        """Return the password for the mail server, if there is one."""
        path = self.smtp_password_file
        return None if path is None else _read_private_file(path, "RECUENTO_SMTP_PASSWORD_FILE")

    def sending_key(self) -> str | None:
        """Return the key to send lists with: `RECUENTO_KEY`, or the content of `RECUENTO_KEY_FILE`."""
        if self.key is not None:
            return _strip_key(self.key.get_secret_value())
        return None if self.key_file is None else _read_private_file(self.key_file, "RECUENTO_KEY_FILE")

    def mark_file(self) -> Path | None:
        """Return the file of the high-water mark; None for a database in memory, which nobody restores."""
        url = make_url(self.database_url)
        if url.get_backend_name() != "sqlite":
            return self.head_file or Path(f"{url.database}.head")
        if not url.database or url.database == ":memory:":
            return None
        return self.head_file or Path(url.database + ".head")

    def _default_secret_file(self) -> Path | None:
        url = make_url(self.database_url)
        if url.get_backend_name() != "sqlite":
            return Path("recuento.secret")
        if not url.database or url.database == ":memory:":
            return None
        return Path(url.database + ".secret")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_private_file(path: Path, setting: str) -> str:
    """Return the content of a file that only its owner can read. `setting`: the setting that names it."""
    try:
        if path.stat().st_mode & OTHER_USERS_MASK:
            raise UnreadableSecret(f"Others can read {path}: chmod 600 it, and replace what is in it.")
        return _strip_key(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnreadableSecret(f"The file {path} cannot be read: check {setting}.") from error


def _strip_key(text: str) -> str:
    """Strip what some editors add to a key: a byte order mark before it, the end of a line after it."""
    return text.removeprefix("\ufeff").strip()


def _check_secret_length(secret: bytes) -> bytes:
    if len(secret) < MIN_SECRET:
        raise ValueError("too short")
    return secret


def _create_secret(path: Path) -> None:
    """Write a new key whole or not at all. If two workers start at once, link() fails for the second."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(SECRET_BYTES))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

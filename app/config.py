"""Settings, read once from `RECUENTO_*` and handed to `create_app`; nothing reads the environment later."""

import os
import secrets
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url

from app import dates

# What an operator may ask two people for: joining people, deciding about the dead and about minors, erasing, and
# recalling what a key wrote.
TwoPerson = Literal["merges", "deaths", "minors", "redactions", "recalls"]
# How people whose names only reports ask for are met: in lists, by their whole name alone, or as anonymous.
Names = Literal["list", "search", "off"]
MEBIBYTE = 1024 * 1024
SECRET_BYTES = 32  # a full HMAC-SHA-256 key
OTHER_USERS_MASK = 0o077  # what the group and everyone else may do with a file
MIN_SECRET = 16  # characters: a shorter one can be tried out


class UnreadableSecret(RuntimeError):
    """The secret file cannot be read or made, or holds something else."""


def _split_commas(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _normalize_zone(text: str) -> str:
    return dates.format_zone(dates.parse_zone(text))


def _check_networks(text: str) -> str:
    """Addresses and networks with commas. A name, or `*` for everybody, would let clients say who they are."""
    for network in filter(None, map(str.strip, text.split(","))):
        ip_network(network)
    return text


def _is_postgresql(url: str) -> bool:
    return make_url(url).get_backend_name() == "postgresql"


class Settings(BaseSettings):
    """Everything an operator may set; each has a default that is safe on one machine."""

    model_config = SettingsConfigDict(env_prefix="RECUENTO_", extra="ignore")

    database_url: str = "sqlite:///recuento.db"
    # The address of a PostgreSQL server itself, with no pooler between, at which each process listens for what others
    # commit: kept answers then need no question to the database, and are at most a second old.
    database_listen_url: str | None = None
    # A replica that streams from a PostgreSQL database: questions of anybody are read there while it is not behind.
    database_read_url: str | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    # Whether as many processes beside the workers count what nobody asked before (decision 0071).
    counting_apart: bool = True
    # Where these answer, with commas: `recuento serve` sets it for the workers that it starts.
    counting_sockets: Annotated[list[str] | None, NoDecode, BeforeValidator(_split_commas)] = None
    # Where 127.0.0.1, and nobody else, is told counts and times of requests; nowhere unless said (decision 0060).
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    # The folder into which `recuento files write` writes count files, if they are to be read at /data/.
    count_files: Path | None = None
    # One number bounds sessions, threads and pooled connections, so that none can wait for another in a ring.
    concurrency: int = Field(default=8, ge=1, le=200)
    # Of each process. Many systems let one have 1,024 files, and the database needs some.
    connections: int = Field(default=800, ge=16, le=100_000)
    # How long a costly question or a long body waits for its turn, and how long a question may then take.
    patience_seconds: float = Field(default=20, gt=0)
    question_seconds: float = Field(default=10, gt=0)
    # Requests a minute that each process answers, 0 for any number. Twenty a second: a page of many charts, or a whole
    # office behind one address. Fifty a second: a list that is sent in parts over a good line.
    rate_by_client: int = Field(default=1_200, ge=0)
    rate_by_key: int = Field(default=3_000, ge=0)
    # Of these, searches by name, of a client as of a key: enough for whoever looks for somebody, too few for whoever
    # tries a list of names.
    rate_of_searches: int = Field(default=30, ge=0)
    # People whose name is public only since sources asked for it, without a recorded consent: listed by name, named to
    # whoever searches for the whole name, or shown without a name.
    names: Names = "list"
    # Whose word is taken for which client they pass on.
    trusted_proxies: Annotated[str, AfterValidator(_check_networks)] = "127.0.0.1,::1"
    # Where readers find the registry, without a slash at the end: it stands in citations, which must lead there from
    # print. Without it, citations hold addresses without a host, and those of a demo its own address.
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+$")] | None = None
    # Where somebody who found a weakness writes to, in private: it stands in /.well-known/security.txt.
    security_contact: Annotated[str, Field(pattern=r"^(mailto:|https://)[^\s]+$")] | None = None
    # The zone in which a day without a zone ends, an offset or a name of the IANA database: that of the people whose
    # numbers these are. UTC unless said; a demo's is that of its figures.
    zone: Annotated[str, AfterValidator(_normalize_zone)] | None = None
    # Decisions that wait until a second holder of a key makes them too, as a list with commas.
    two_person: Annotated[frozenset[TwoPerson], NoDecode, BeforeValidator(_split_commas)] = frozenset()
    max_body_bytes: int = Field(default=MEBIBYTE, ge=1024)
    max_import_bytes: int = Field(default=10 * MEBIBYTE, ge=1024)
    # Of all long bodies that are on their way at once: six lists of the largest size.
    max_bytes_in_flight: int = Field(default=64 * MEBIBYTE, ge=1024)
    # Keys digests of case numbers and identification numbers. It lives outside the database: who seizes the
    # database alone cannot try eight-digit numbers against the digests.
    secret: Annotated[SecretStr, Field(min_length=MIN_SECRET)] | None = None
    secret_file: Path | None = None
    # Where this machine remembers up to which revision it has answered, outside the database: what is put back from an
    # earlier copy is known by it.
    head_file: Path | None = None
    # Where this machine saves what it counts from, so that a server of many people starts at once and its workers share
    # memory; nowhere unless said (decision 0068).
    columns_dir: Path | None = None
    # With which lists are sent to a registry elsewhere. Never an argument: everyone on the machine can see those.
    key: SecretStr | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _require_postgresql(self) -> Self:
        """No other database has a replica, or can be listened to."""
        other_urls = [url for url in (self.database_read_url, self.database_listen_url) if url is not None]
        if other_urls and not all(map(_is_postgresql, [self.database_url, *other_urls])):
            raise ValueError(
                "RECUENTO_DATABASE_READ_URL and RECUENTO_DATABASE_LISTEN_URL are for PostgreSQL, and so must "
                "RECUENTO_DATABASE_URL be: postgresql://…"
            )
        return self

    @model_validator(mode="after")
    def _require_room_for_largest_body(self) -> Self:
        """One list of the largest size has room, or it would wait for ever."""
        if self.max_bytes_in_flight < max(self.max_body_bytes, self.max_import_bytes):
            raise ValueError("RECUENTO_MAX_BYTES_IN_FLIGHT must be as large as the largest body: raise it.")
        return self

    def address(self) -> str:
        """Where the registry is reached from its own machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not listened on
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    def secret_key(self, *, make: bool = True) -> bytes:
        """The key of every keyed digest: `RECUENTO_SECRET`, or a file made on first use (mode 0400). `make`: not for a
        database that has its secret already; a new file beside it would only be taken for the lost one."""
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

    def sending_key(self) -> str | None:
        """The key to send lists with: `RECUENTO_KEY`, or what stands in `RECUENTO_KEY_FILE`."""
        if self.key is not None:
            return _strip_key(self.key.get_secret_value())
        if self.key_file is None:
            return None
        try:
            if self.key_file.stat().st_mode & OTHER_USERS_MASK:
                raise UnreadableSecret(f"Others can read {self.key_file}: chmod 600 it, and ask for a new key.")
            return _strip_key(self.key_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UnreadableSecret(f"The key file {self.key_file} cannot be read: check RECUENTO_KEY_FILE.") from error

    def mark_file(self) -> Path | None:
        """Where the high-water mark is kept; nowhere for a database in memory, which nobody puts back."""
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


def _strip_key(text: str) -> str:
    """A key as it was given out: some editors put a byte order mark before it and the end of a line after it."""
    return text.removeprefix("\ufeff").strip()


def _check_secret_length(secret: bytes) -> bytes:
    if len(secret) < MIN_SECRET:
        raise ValueError("too short")
    return secret


def _create_secret(path: Path) -> None:
    """Write a new key whole or not at all, even when two workers start at once: link() fails if one was first."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(SECRET_BYTES))
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()

"""File a list on the registry's own machine."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine

from app.config import Names
from app.db.engine import reading, writing
from app.exchange.imports import stored
from app.exchange.imports.faults import BadFile
from app.exchange.imports.filing import Filing
from app.exchange.imports.opened_list import digest_of
from app.exchange.imports.stored import Sent
from app.models import ListImport
from app.registry.publication.permissions import reporter_by_slug

# Twice the largest list imagined, 200,000 rows in 30 MB; a run takes less than 500 MB of memory. A trial remembers its
# rows, and takes more (decision 0039).
MOST_BYTES = 64 * 1024 * 1024

Tell = Callable[[ListImport], None]


def bounded(data: bytes) -> None:
    """Raises BadFile for a file larger than any list imagined."""
    if len(data) > MOST_BYTES:
        raise BadFile("too_large", f"A list has at most {MOST_BYTES // 1024 // 1024} MB: part it into several files.")


def file_list(
    engine: Engine,
    secret: bytes,
    clock: Callable[[], datetime],
    names: Names,
    slug: str,
    data: bytes,
    sent: Sent,
    tell: Tell,
) -> ListImport:
    """File a list of a source, and return the ended import. A killed run of the same file goes on where it stopped;
    `tell` gets the progress after each batch. Raises BadFile, NotFound."""
    bounded(data)
    with writing(engine) as session:
        source = reporter_by_slug(session, slug, names).source
        assert source is not None
        digest = digest_of(data)
        job = None if sent.dry_run else stored.unfinished(session, secret, source, digest, sent.mapping)
        job = job or stored.begin(session, secret, source, None, digest, sent, clock())
        stored.lease(session, job.id, clock())
        job_id = job.id
    filing = Filing(engine, secret, clock, names, job_id, data)
    while filing.step():
        with reading(engine) as session:
            tell(stored.load(session, job_id))
    with reading(engine) as session:
        return stored.load(session, job_id)

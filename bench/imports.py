"""How fast a list is filed: invented reports with case numbers, matched as always; then the same file again.

Prints rows a second of wall time and of processor time, and the largest memory this process took. On a machine that
does other things the processor time is the one to compare.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from app.database import make_engine
from app.exchange.imports import local, receipts
from app.exchange.imports.stored import Sent
from app.models import ListImport
from bench.drill_import import SECRET, SOURCE, now, prepare
from bench.invented import csv_of


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    data = csv_of(rows, crowd=True)
    with tempfile.TemporaryDirectory(prefix="recuento-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        prepare(url)
        engine = make_engine(url)
        for what in ("new", "again"):
            wall, spent = time.perf_counter(), time.process_time()
            job = local.file_list(engine, SECRET, now, SOURCE, data, Sent(), _nothing)
            wall, spent = time.perf_counter() - wall, time.process_time() - spent
            became = receipts.shape(job)["counts"]
            sys.stdout.write(f"{what}: {rows / wall:,.0f} rows/s, {rows / spent:,.0f} by processor; {became}\n")
        engine.dispose()
    # Linux gives kibibytes.
    sys.stdout.write(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB at most\n")


def _nothing(_job: ListImport) -> None:
    pass


if __name__ == "__main__":
    main()

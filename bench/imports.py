"""How fast a list is filed: invented reports with case numbers, matched as always; then the same file again. With
--dry-run it is only tried, which remembers its rows, and the memory is that of the trial.

Prints rows a second of wall time and of processor time, and the largest memory this process took. On a machine that
does other things the processor time is the one to compare.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

from app.db.engine import make_engine
from app.imports.filing import receipts, row_filing
from app.imports.filing.import_store import ImportOptions
from app.models import ListImport
from bench.drill_import import SECRET, SOURCE, now, prepare
from bench.invented import csv_of


def main() -> None:
    numbers = [one for one in sys.argv[1:] if one.isdecimal()]
    rows, dry_run = int(numbers[0]) if numbers else 100_000, "--dry-run" in sys.argv
    data = csv_of(rows, crowd=True)
    with tempfile.TemporaryDirectory(prefix="recuento-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        prepare(url)
        engine = make_engine(url)
        for what in ("tried",) if dry_run else ("new", "again"):
            wall, spent = time.perf_counter(), time.process_time()
            options = ImportOptions(dry_run=dry_run, confirmed=True)
            job = row_filing.file_local_list(engine, SECRET, now, "list", SOURCE, data, options, _nothing)
            wall, spent = time.perf_counter() - wall, time.process_time() - spent
            became = receipts.build_receipt(job, SECRET)["counts"]
            sys.stdout.write(f"{what}: {rows / wall:,.0f} rows/s, {rows / spent:,.0f} by processor; {became}\n")
        engine.dispose()
    # Linux gives kibibytes.
    sys.stdout.write(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB at most\n")


def _nothing(_job: ListImport) -> None:
    pass


if __name__ == "__main__":
    main()

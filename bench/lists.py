"""Try lists with their mappings on an empty registry: how many rows are read, and which are not and why.

Each argument is `list:mapping`. Prints places and reasons, and nothing that stands in the list.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from app.db.engine import make_engine, open_read_session
from app.imports.filing import receipts, row_filing
from app.imports.filing.import_store import ImportOptions
from app.imports.mapping import ListMapping
from bench.drill_import import SECRET, SOURCE, now, prepare


def main() -> None:
    for pair in sys.argv[1:]:
        path, _colon, mapping = pair.partition(":")
        with tempfile.TemporaryDirectory(prefix="recuento-lists-") as folder:
            url = f"sqlite:///{Path(folder) / 'lists.db'}"
            prepare(url)
            engine = make_engine(url)
            answers = ListMapping.parse_toml(Path(mapping).read_text(encoding="utf-8"))
            sent = ImportOptions(dry_run=True, confirmed=True, mapping=answers)
            job = row_filing.file_local_list(
                engine, SECRET, now, "list", SOURCE, Path(path).read_bytes(), sent, lambda _job: None
            )
            with open_read_session(engine) as session:
                wrong = receipts.list_row_outcomes(session, SECRET, job.id, 0, job.rows or 1, "error")
            engine.dispose()
        sys.stdout.write(f"{Path(path).name}: {job.rows} rows, {receipts.build_receipt(job, SECRET)['counts']}\n")
        for row in wrong:
            told = Counter((error["column"], error["code"]) for error in row["errors"])
            sys.stdout.write(f"  row {row['row']}: {', '.join(f'{code} in {column}' for column, code in told)}\n")


if __name__ == "__main__":
    main()

"""Lay two invented lists of so many rows side by side: half the people of each are on the other, written otherwise."""

import csv
import io
import random
import resource
import sys
from datetime import UTC, datetime
from time import perf_counter

from app.compare.comparison import compare_two_lists
from app.imports.mapping import ListMapping
from bench.invented import HEADINGS, csv_of

DAYS = ListMapping.parse_toml('dates = "day_first"')


def otherwise(data: bytes, rows: int, seed: int = 3) -> bytes:
    """The first half of a list as somebody else keeps it: a word of the name left out, often no birth; and others."""
    pick = random.Random(seed)
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerow(HEADINGS)
    for number, row in enumerate(csv.reader(io.StringIO(data.decode()), delimiter=";")):
        if not 0 < number <= rows // 2:
            continue
        words = row[1].split()
        words.pop(pick.choice((1, 3)))
        birth = row[3] if pick.random() < 0.8 else ""
        writer.writerow([f"OTHER-{number}", " ".join(words), row[2], birth, *row[4:]])
    for row in list(csv.reader(io.StringIO(csv_of(rows, seed=2).decode()), delimiter=";"))[1 : rows - rows // 2 + 1]:
        writer.writerow(row)
    return out.getvalue().encode()


def main() -> None:
    rows = int(sys.argv[1])
    mine = csv_of(rows)
    theirs = otherwise(mine, rows)
    begun = perf_counter()
    found = compare_two_lists((mine, DAYS), (theirs, DAYS), datetime.now(UTC))
    seconds = perf_counter() - begun
    right = sum(
        pair["theirs"]["source_record_id"] == f"OTHER-{int(pair['mine']['source_record_id'][-6:])}"
        for pair in found["both"]
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(found["summary"])  # noqa: T201 - this is the output
    print(f"{right} of {rows // 2} surely found, {len(found['both']) - right} wrongly")  # noqa: T201
    print(f"{seconds:.1f} s, {memory:.0f} MiB")  # noqa: T201


if __name__ == "__main__":
    main()

"""Describe an exported file in a second file, so that a saved table can be cited: `releases.csv`, `releases.csv.json`.

The description is a Data Package (2.0) of one resource, like the descriptor of a copy.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlmodel import Session

from app.dates import format_instant
from app.exports.count_files.files import digest_file
from app.exports.package import PROFILE_URL
from app.imports.faults import BadFile
from app.log.entries import load_recorded_at, pin_revision
from app.projection import RULES

SIDECAR_SUFFIX = ".json"


def write_described_file(
    session: Session, path: Path, texts: Iterable[str], media_type: str, revision: int, terms: Mapping[str, Any]
) -> Path:
    """Write an export and its description into two new files; return the path of the description. Raises BadFile.

    `terms`: what was exported.
    """
    sidecar = path.with_name(path.name + SIDECAR_SUFFIX)
    for file in (path, sidecar):
        if file.exists():
            raise BadFile("exists", f"{file} is there already, and nothing is written over it: give another name.")
    try:
        with path.open("x", encoding="utf-8", newline="") as export:
            export.writelines(texts)
        description = json.dumps(
            _describe_file(session, path, media_type, revision, terms), ensure_ascii=False, indent=1
        )
        with sidecar.open("x", encoding="utf-8") as text:
            text.write(description + "\n")
    except OSError as error:
        raise BadFile("unwritable", f"Cannot write {path}: {error.strerror}.") from None
    return sidecar


def _describe_file(
    session: Session, path: Path, media_type: str, revision: int, terms: Mapping[str, Any]
) -> dict[str, Any]:
    created = {"created": format_instant(load_recorded_at(session, revision))} if revision else {}
    return {
        "$schema": PROFILE_URL,
        "version": str(revision),
        **created,
        "recuento": {
            "revision": revision,
            "leaf": pin_revision(session, revision).leaf,
            "rules": RULES,
            "terms": terms,
        },
        "resources": [
            {
                "name": path.name,
                "path": path.name,
                "mediatype": media_type,
                "encoding": "utf-8",
                "bytes": path.stat().st_size,
                "hash": digest_file(path),
            }
        ],
    }

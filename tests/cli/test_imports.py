"""`recuento import`: the mapping it is given, and how it tells what is wrong with a row."""

from pathlib import Path

import pytest

from app.cli.imports import format_row_error
from app.cli.list_answers import load_answers
from app.imports.faults import BadFile
from app.schemas.imports import RowError

MAPPING = '[columns]\n"Quién" = "detainee.full_name"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_mapping_is_read_as_editors_write_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(MAPPING.encode(encoding))
    mapping = load_answers(path)
    assert mapping is not None
    assert mapping.columns == {"Quién": "detainee.full_name"}


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_mapping_in_other_letters_is_refused_with_what_to_do(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "map.toml"
    path.write_bytes(MAPPING.encode(encoding))
    with pytest.raises(BadFile, match="save it as UTF-8") as refused:
        load_answers(path)
    assert refused.value.code == "bad_mapping"


def test_what_is_wrong_with_a_row_is_told_at_its_column_where_it_has_one() -> None:
    detail = "Write the age in completed years, as a number."
    error: RowError = {"column": "C", "pointer": "/detainee/age", "code": "invalid_number", "detail": detail}
    assert format_row_error(error) == f"column C: {detail}"
    assert format_row_error({**error, "column": None}) == detail

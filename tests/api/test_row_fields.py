"""Only some fields of rows."""

import pytest

from app.api.row_fields import build_field_tree, parse_fields, select_fields
from app.errors import Invalid
from app.schemas.records import ReleaseRow

ROW = {
    "id": 1,
    "facility": {"slug": None, "said": "a farm"},
    "stages": {"ordered": {"status": "verified", "independent": 1}},
    "facts": {"kind": {"value": "pardon", "said": []}},
    "detainee": {"name": "Ana", "detentions": [{"country": "VE", "area": None}, {"country": "AR", "area": "x"}]},
}


@pytest.mark.parametrize(
    "asked, kept",
    [
        ("id", {"id": 1}),
        ("detainee.name, id", {"detainee": {"name": "Ana"}, "id": 1}),
        ("stages.ordered.status", {"stages": {"ordered": {"status": "verified"}}}),
        ("facts.kind.value", {"facts": {"kind": {"value": "pardon"}}}),
        ("detainee.detentions.country", {"detainee": {"detentions": [{"country": "VE"}, {"country": "AR"}]}}),
        ("facility.said,facility", {"facility": ROW["facility"]}),
    ],
)
def test_what_was_asked_for_is_kept_in_its_place(asked: str, kept: object) -> None:
    assert select_fields(ROW, build_field_tree(parse_fields(asked, [ReleaseRow]))) == kept


@pytest.mark.parametrize(
    "asked, detail",
    [
        ("relased_on", "did you mean released_on?"),
        ("detainee.nam", "did you mean detainee.name?"),
        ("status.text", "`status` has no fields"),
        ("", "there are announced_on, conditions,"),
    ],
)
def test_a_field_that_no_row_has_is_refused_with_the_nearest(asked: str, detail: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_fields(f"id,{asked}", [ReleaseRow])
    assert detail in refused.value.extra["errors"][0]["detail"]

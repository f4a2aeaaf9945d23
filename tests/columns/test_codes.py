"""A text keeps its code, and a text that no row has is equal to none."""

import pytest

from app.columns.codes import NOTHING, UNKNOWN, Codes


def test_a_text_has_one_code_and_is_told_by_it() -> None:
    codes = Codes()
    first, second = codes.add("verified"), codes.add("reported")
    assert codes.add("verified") == first != second
    assert [codes.text(code) for code in (first, second)] == ["verified", "reported"]


@pytest.mark.parametrize("more", [(), ("verified",)])
def test_null_is_nothing_whatever_else_there_is(more: tuple[str, ...]) -> None:
    codes = Codes()
    for text in more:
        codes.add(text)
    assert codes.add(None) == NOTHING
    assert codes.text(NOTHING) is None
    assert NOTHING not in codes.each(more)


def test_who_asks_for_a_text_gives_it_no_code() -> None:
    codes = Codes()
    assert codes.of("amnesty") == UNKNOWN
    assert codes.each(["amnesty", "pardon"]) == [UNKNOWN, UNKNOWN]
    assert codes.add("pardon") == codes.of("pardon") != UNKNOWN


def test_texts_that_no_row_has_any_more_are_forgotten_and_the_others_keep_their_codes() -> None:
    codes = Codes()
    kept, erased = codes.add("el-rodeo-i"), codes.add("la-invento")
    left = codes.without_others({kept})
    assert (left.text(kept), left.of("el-rodeo-i")) == ("el-rodeo-i", kept)
    assert (left.text(erased), left.of("la-invento")) == (None, UNKNOWN)
    assert left.add("otra-invento") not in (NOTHING, kept, erased)
    assert codes.text(erased) == "la-invento"  # of whoever still reads

"""Tables of list patterns from CSV files, as spreadsheets write them."""

import pytest

from app.estimates.estimator import BadTable, read_pattern_csv

PLAIN = "A,B,count\n1,0,30\n0,1,20\n1,1,9\n"
READ = (("A", "B"), {frozenset("A"): 30, frozenset("B"): 20, frozenset("AB"): 9})


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";").encode("utf-8-sig"),
        PLAIN.replace(",", "\t").encode("utf-16"),
        b'"A","B","Count"\n"1","0","30"\n"0","1","20"\n"1","1","9"',
        b"\n A , B , count \n 1 , 0 , 30 \n\n0,1,20\n1,1,9\n,,\n",
    ],
    ids=["plain", "crlf", "semicolons and a mark", "tabs in UTF-16", "quoted", "spaces and empty lines"],
)
def test_a_table_is_read_as_spreadsheets_write_it(data: bytes) -> None:
    assert read_pattern_csv(data) == READ


def test_the_count_may_stand_anywhere() -> None:
    assert read_pattern_csv(b"count,A,B\n30,1,0\n20,0,1\n9,1,1\n") == READ


def test_names_of_lists_keep_their_accents_whatever_the_encoding() -> None:
    for encoding in ("utf-8", "cp1252"):
        assert read_pattern_csv("Comité;Vigía;count\n1;0;3\n".encode(encoding))[0] == ("Comité", "Vigía")


def test_a_comma_inside_a_quoted_name_is_not_a_delimiter() -> None:
    assert read_pattern_csv(b'"Watch, north";B;count\n1;0;3\n')[0] == ("Watch, north", "B")


def test_rows_with_the_same_pattern_are_added_up() -> None:
    assert read_pattern_csv(b"A,B,count\n1,0,1\n1,0,1\n1,1,1\n")[1] == {frozenset("A"): 2, frozenset("AB"): 1}


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "empty"),
        ("A,B,count\n", "no rows"),
        ("A,B,number\n1,0,3\n", "one column `count`"),
        ("A,count,count\n1,0,3\n", "one column `count`"),
        ("A,count\n1,3\n", "at least two lists"),
        ("A,A,count\n1,0,3\n", "Two lists are called 'A'"),
        (",".join("ABCDEFGHIJKLM") + ",count\n", "13 lists are too many, 12"),
        (",A,B,count\n1,1,0,3\n", "Column 1 has no name"),
        ('"A\nx",B,count\n1,0,3\n', "name of column 1 has a line break"),
        ("A,B,count\n1,0,3\n0,0,9\n", "Line 3 is on no list"),
        ("A,B,count\n1,2,3\n", "Line 2: B is '2'"),
        ("A,B,count\n1,,3\n", "Line 2: B is ''"),
        ("A,B,count\n1,0,-3\n", "Line 2: count is '-3'"),
        ("A,B,count\n1,0,2.5\n", "Line 2: count is '2.5'"),
        ("A,B,count\n1,0,\n", "Line 2: count is ''"),
        ("A,B,count\n1,0,²\n", "Line 2: count is '²'"),
        ("A,B,count\n1,0," + "9" * 5000 + "\n", "Line 2: count is '9999"),
        ("A,B,count\n1,0\n", "Line 2 has 2 columns, the header 3"),
        ("A,B,count\n1,0," + "x" * 200_000 + "\n", "not a CSV file"),
        ("x" * 200_000, "not a CSV file"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, says: str) -> None:
    with pytest.raises(BadTable, match=says.replace("²", ".").replace("'", ".")) as error:
        read_pattern_csv(text.encode())
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_text_is_an_error() -> None:
    with pytest.raises(BadTable, match="not text"):
        read_pattern_csv(b"\x89PNG\x81\x00")

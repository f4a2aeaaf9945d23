"""Colours of rows that seem to carry a meaning, and those that only decorate."""

from app.imports.formats.csv import Cells
from app.imports.reader.doubts import ColourGroup, find_colour_groups

GREEN, YELLOW, BLUE = "00B050", "FFFF00", "4472C4"
COLUMNS = (0, 1, 2)


def person(number: int, colour: str | None = None, state: str = "Detenido", width: int = 3) -> Cells:
    """A row whose first `width` cells are filled with the colour."""
    colours = dict.fromkeys(range(width), colour) if colour else {}
    return Cells(number, [f"Rosa {number}", "VE", state], (), {}, colours)


def colours_of(rows: list[Cells], **more: object) -> list[str]:
    return [group.colour for group in find_colour_groups(rows, COLUMNS, **more)]  # type: ignore[arg-type]


def test_each_colour_is_told_with_its_rows_and_what_the_status_column_says_there() -> None:
    rows = [
        person(2, GREEN, "Libre"),
        person(3, GREEN, "Libre"),
        person(4),
        person(5, YELLOW),
        person(6, GREEN, "Libre"),
        person(7, GREEN, "Detenido"),
        person(8, YELLOW),
    ]
    assert find_colour_groups(rows, COLUMNS, status_column=2) == [
        ColourGroup(GREEN, 4, (2, 3, 6), {"Libre": 0.75, "Detenido": 0.25}),
        ColourGroup(YELLOW, 2, (5, 8), {"Detenido": 1.0}),
    ]


def test_one_coloured_row_and_one_coloured_cell_of_three_tell_nothing() -> None:
    assert colours_of([person(2, GREEN), person(3), person(4)]) == []
    assert colours_of([person(2, GREEN, width=1), person(3, GREEN, width=1), person(4)]) == []


def test_names_that_alone_are_coloured_tell_something() -> None:
    rows = [person(2, GREEN, width=1), person(3, GREEN, width=1), person(4)]
    assert colours_of(rows, name_columns=(0,)) == [GREEN]


def test_a_colour_of_every_row_and_that_of_the_headings_decorate() -> None:
    assert colours_of([person(number, GREEN) for number in range(2, 9)]) == []
    rows = [person(2, BLUE), person(3, BLUE), person(4)]
    assert colours_of(rows) == [BLUE]
    assert colours_of(rows, heading=person(1, BLUE)) == []


def test_every_second_row_is_a_stripe_also_with_a_few_rows_in_another_colour() -> None:
    stripes = [person(number, BLUE if number % 2 else None) for number in range(2, 60)]
    assert colours_of(stripes) == []
    stripes[9], stripes[10] = person(11, GREEN), person(12, GREEN)
    assert colours_of(stripes) == [GREEN]


def test_stripes_of_two_colours_and_stripes_of_rows_with_gaps_between_them_are_stripes() -> None:
    assert colours_of([person(number, BLUE if number % 2 else YELLOW) for number in range(2, 20)]) == []
    spaced = [person(3 * number, BLUE if number % 2 else None) for number in range(1, 20)]
    assert colours_of(spaced) == []


def test_rows_of_one_colour_below_one_another_are_no_stripes() -> None:
    assert colours_of([person(number, GREEN if number < 10 else None) for number in range(2, 20)]) == [GREEN]


def test_titles_of_sections_and_sums_are_no_people() -> None:
    titles = [Cells(number, ["Región Norte", "", ""], (), {}, dict.fromkeys(COLUMNS, BLUE)) for number in (2, 8)]
    assert colours_of([*titles, person(3), person(4)]) == []

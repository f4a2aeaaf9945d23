"""Survey a whole list before anything of it is filed, and ask about ages without a day and about case numbers that only
count rows (pure)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from app.exchange.imports.case_numbers import Keys
from app.exchange.imports.headings import day_of_ages
from app.exchange.imports.lost_and_gained import says
from app.exchange.imports.opened_list import Opened, about_column
from app.exchange.imports.row_checks import body_of, numbered
from app.exchange.imports.rows import Row
from app.exchange.imports.sentences import StoredQuestion, about_list, rows
from app.log.content import AGE, AGE_ON, BIRTH

AGE_NAME, DAY_NAME, BIRTH_NAME = (name.removeprefix("detainee.") for name in (AGE, AGE_ON, BIRTH))


@dataclass
class ListFacts:
    """The facts of a list that questions need. `ages`: number of rows with an age of an unknown day and no birth;
    `filled`: case number → the fields that its row fills, and the number of the row."""

    ages: int = 0
    filled: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)


def survey(listed: Iterable[Row], *, fields: bool) -> ListFacts:
    """Read a list to its end. Rows in error have no fields. `fields`: whether these are asked for: to know them takes
    as long as reading the rows."""
    facts, keys = ListFacts(), Keys()
    alike: dict[frozenset[str], frozenset[str]] = {}  # rows fill few different sets of fields
    for row in listed:
        checked = numbered(row, keys)
        facts.ages += has_undated_age(checked)
        body = body_of(checked) if fields else []
        if not isinstance(body, list) and body.source_record_id is not None:
            names = frozenset(says(body.model_dump(mode="json")))
            facts.filled[body.source_record_id] = alike.setdefault(names, names), row.number
    return facts


def has_undated_age(row: Row) -> bool:
    detainee = (row.body or {}).get("detainee")
    return isinstance(detainee, dict) and AGE_NAME in detainee and not {DAY_NAME, BIRTH_NAME} & detainee.keys()


def about_ages(opened: Opened, undated: int) -> list[StoredQuestion]:
    """The question about a column of ages without a day, which only a mapping answers: an age at the arrest that is
    taken for today's makes two people of one, and children of adults."""
    column = next((column for column in opened.columns if AGE in column.fields), None)
    dated = AGE_ON in opened.mapping.constants or any(AGE_ON in column.fields for column in opened.columns)
    if not undated or column is None or dated or opened.mapping.age_on or day_of_ages(opened.columns):
        return []
    return [about_column("age_needs_day", column, rows=rows(undated))]


def about_counting(counting: bool) -> list[StoredQuestion]:
    """The question about case numbers that only count the rows."""
    return [about_list("numbers_count_rows")] if counting else []

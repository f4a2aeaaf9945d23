"""Columns, names and limits that every table shares."""

from typing import Any

from sqlalchemy import CheckConstraint, LargeBinary, MetaData, Text
from sqlmodel import Field, SQLModel

from app.db.engine import Key
from app.vocabulary import Publish

# Open end of a row's life: beyond any revision, and still an exact number in JSON (2**53 - 1).
OPEN = 9_007_199_254_740_991

# Today's class of somebody whose name reports ask for, and no recorded consent: the operator says what it opens.
NAMED_BY_REPORTS = "named_by_reports"
# What a person's class of today may be, from the most open to the most closed.
CLASSES_OF_TODAY = (Publish.NAMED.value, NAMED_BY_REPORTS, Publish.ANONYMOUS.value, Publish.COUNTED.value)

TableRow = dict[str, Any]  # column → value

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING
metadata: MetaData = SQLModel.metadata


def one_of(column: str, codes: type[Any] | tuple[str, ...]) -> CheckConstraint:
    """Enumerations are text with a named CHECK: portable, and readable in any database tool."""
    values = ", ".join(f"'{code!s}'" for code in codes)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def key_column(**options: Any) -> Any:
    return Field(sa_type=Key, sa_column_kwargs={"autoincrement": False}, **options)


def sealed_column(**options: Any) -> Any:
    """Encrypted bytes."""
    return Field(sa_type=LargeBinary, **options)


def text_column(**options: Any) -> Any:
    return Field(sa_type=Text, **options)

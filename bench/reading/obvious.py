"""The obvious service: FastAPI and SQLModel on a table of releases and one of verifications, counted anew each time."""

import os
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sqlalchemy import func
from sqlmodel import Field, Session, SQLModel, create_engine, select

from bench.reading.plain import FILE

engine = create_engine(f"sqlite:///{os.environ[FILE]}")
app = FastAPI()


class Verification(SQLModel, table=True):
    id: int = Field(primary_key=True)
    release_id: int
    source: str
    verdict: str
    first_day: int | None


class BySource(SQLModel):
    source: str
    verdict: str
    number: int


def session() -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


@app.get("/counts/releases", response_model=list[BySource])
def count_releases(session: Annotated[Session, Depends(session)]) -> list[dict[str, Any]]:
    """Of each source, how often it says what."""
    asked = select(Verification.source, Verification.verdict, func.count()).group_by(
        Verification.source, Verification.verdict
    )
    return [{"source": source, "verdict": verdict, "number": n} for source, verdict, n in session.exec(asked)]

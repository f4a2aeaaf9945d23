"""Is the server there, and can it answer?"""

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from app.database import reading
from app.errors import Unavailable
from app.models import Head

health = APIRouter(tags=["health"])


@health.get("/healthz")
async def is_alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz")
def is_ready(request: Request) -> dict[str, str]:
    """The database answers too."""
    try:
        with reading(request.app.state.engine) as session:
            session.execute(select(col(Head.revision))).one()
    except SQLAlchemyError:
        raise Unavailable("The database does not answer.") from None
    return {"status": "ok"}

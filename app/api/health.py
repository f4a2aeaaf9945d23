"""Is the server there, and can it answer?"""

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from app.api.routes import refusals
from app.database import reading
from app.errors import Unavailable
from app.models import Head
from app.registry import hiding_requests, objections
from app.wire.directory import Health

health = APIRouter(tags=["health"])


@health.get("/healthz", response_model=Health, response_model_exclude_unset=True)
async def is_alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get("/readyz", response_model=Health, response_model_exclude_unset=True, responses=refusals(Unavailable))
def is_ready(request: Request) -> dict[str, str | list[str]]:
    """The database answers too. `warnings`, where there are any: what whoever runs the registry should look at. It
    stays ready all the same, or a key that writes too much could take it out of service."""
    try:
        with reading(request.app.state.engine) as session:
            session.execute(select(col(Head.revision))).one()
            warnings = [*hiding_requests.warnings(session), *objections.warnings(session)]
    except SQLAlchemyError:
        raise Unavailable("The database does not answer.") from None
    return {"status": "ok", "warnings": warnings} if warnings else {"status": "ok"}

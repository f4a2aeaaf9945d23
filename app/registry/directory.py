"""The real name of a source that is registered under a pseudonym: sealed with the operator's secret, and beside the
log, so that no entry tells that there is one, and null deletes it.

Sources and facilities: who speaks, and where people are held."""

import json
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.errors import AlreadyExists, Invalid, NotFound
from app.log import head
from app.matching.scripts import fold
from app.models import OPEN, Facility, Source, SourceRealName
from app.registry.directory_snapshot import standing
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import FacilityIn, FacilityPatch, SourceIn, SourcePatch
from app.vocabulary import SourceKind

PLACE = "real name"  # for which it is sealed, with the source's key


def keep(session: Session, secret: bytes, source: int, real_name: str | None) -> None:
    """Keep the real name of a source in place of the one before; None: delete that."""
    session.connection().execute(delete(SourceRealName).where(col(SourceRealName.source) == source))
    if real_name is not None:
        sealed = head.seal(secret, real_name.encode(), source, PLACE)
        session.add(SourceRealName(source=source, real_name=sealed))
        session.flush()


def kept(session: Session, secret: bytes, source: int) -> str | None:
    """The real name of a source, if one is kept."""
    row = session.get(SourceRealName, source)
    return None if row is None else head.unseal(secret, row.real_name, source, PLACE).decode()


def add_source(context: WriteContext, body: SourceIn) -> Outcome:
    """Add a source. A government is not independent unless said otherwise. Raises AlreadyExists."""
    if standing(context.session, Source, body.slug) is not None:
        raise AlreadyExists("There is a source with this slug: PATCH it, or choose another slug.")
    values = body.model_dump(mode="json", exclude={"real_name"})
    if values["independent"] is None:
        values["independent"] = body.kind != SourceKind.GOVERNMENT
    outcome = _write(context, "source", values, 201)
    keep(context.session, context.secret, outcome.revision, body.real_name)
    return outcome


def change_source(context: WriteContext, slug: str, body: SourcePatch) -> Outcome:
    """Change a source. The people whom it reports are projected again from this revision on. Its real name is no part
    of the log, and changes at no revision."""
    source = standing(context.session, Source, slug)
    if source is None:
        raise NotFound("There is no source with this slug.")
    names = ("slug", "name", "kind", "country", "independent", "quarantined", "definition")
    before = {name: getattr(source, name) for name in names}
    if "real_name" in body.model_fields_set:
        keep(context.session, context.secret, source.key, body.real_name)
    patch = body.model_dump(mode="json", exclude_unset=True, exclude={"real_name"})
    _refuse_emptied(patch, "name", "kind", "independent", "quarantined")
    return _change(context, "source", before, patch, source.since)


def add_facility(context: WriteContext, body: FacilityIn) -> Outcome:
    """Register a facility. Reports that name it are placed there from this revision on. Raises AlreadyExists."""
    if standing(context.session, Facility, body.slug) is not None:
        raise AlreadyExists("There is a facility with this slug: PATCH it, or choose another slug.")
    values = body.model_dump(mode="json")
    values["names"] = _names(values.pop("name"), values["names"])
    _refuse_taken(context, values)
    return _write(context, "facility", values, 201)


def change_facility(context: WriteContext, slug: str, body: FacilityPatch) -> Outcome:
    """Change a facility: its names, kind, area or point."""
    facility = standing(context.session, Facility, slug)
    if facility is None:
        raise NotFound("There is no facility with this slug.")
    before: dict[str, Any] = {name: getattr(facility, name) for name in ("slug", "kind", "area", "country")}
    before["names"] = json.loads(facility.names)
    before["point"] = json.loads(facility.point) if facility.point else None
    patch = body.model_dump(mode="json", exclude_unset=True)
    _refuse_emptied(patch, "name", "kind", "country")
    if "name" in patch or "names" in patch:
        first = patch.pop("name", before["names"][0])
        patch["names"] = _names(first, patch.get("names", before["names"]) or [])
        country = patch.get("country", before["country"])
        _refuse_taken(context, {"slug": slug, "names": patch["names"], "country": country})
    return _change(context, "facility", before, patch, facility.since)


def put_facility(context: WriteContext, body: FacilityIn) -> Outcome:
    """Register a facility, or update the standing one of that slug. Names are added and never removed: reports that use
    one of them would lose their facility. Raises AlreadyExists."""
    facility = standing(context.session, Facility, body.slug)
    if facility is None:
        return add_facility(context, body)
    values = {name: value for name, value in body.model_dump(exclude_unset=True).items() if name != "slug"}
    values["names"] = _names(body.name, [*json.loads(facility.names), *body.names])
    return change_facility(context, body.slug, FacilityPatch.model_validate(values))


def _refuse_emptied(patch: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in patch and patch[name] is None:
            raise Invalid.at(f"/{name}", "required", "This field cannot be emptied.")


def _change(context: WriteContext, kind: str, before: dict[str, Any], patch: dict[str, Any], since: int) -> Outcome:
    after = {**before, **patch}
    if after == before:
        return Outcome(kind, 200, since, {"slug": before["slug"]})
    return _write(context, kind, after, 200)


def _write(context: WriteContext, kind: str, values: dict[str, Any], status: int) -> Outcome:
    entry = context.write(kind, values)
    return Outcome(kind, status, entry.revision, {"slug": values["slug"]})


def _names(first: str, others: list[str]) -> list[str]:
    """All names, the shown one first, without repeats."""
    return list(dict.fromkeys([first, *others]))


def _refuse_taken(context: WriteContext, values: dict[str, Any]) -> None:
    """Raises AlreadyExists where another facility has one of the names: a report that gives it would be ambiguous."""
    mine = {fold(name) for name in (values["slug"], *values["names"])}
    rows = context.session.scalars(select(Facility).where(col(Facility.until) == OPEN))
    for other in rows:
        theirs = {fold(name) for name in (other.slug, *json.loads(other.names))}
        if other.slug != values["slug"] and other.country == values["country"] and mine & theirs:
            raise AlreadyExists(f"Another facility ({other.slug}) has this name: tell them apart, or PATCH that one.")

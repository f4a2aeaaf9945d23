"""Add and change sources and facilities, and store the real names of sources under a pseudonym.

A facility is one decision about everybody whose reports name it, so a curator's day has a limit for it.

A real name is sealed with the operator's secret and stored outside the log: no entry reveals that there is one, and
null deletes it.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.errors import AlreadyExists, Forbidden, Invalid, NotFound
from app.log import sealing
from app.matching.scripts import fold
from app.models import OPEN, Facility, Source, SourceRealName
from app.registry.curation import proposals
from app.registry.directory_snapshot import find_current_row
from app.registry.review.judge import set_unreviewed_limit
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import FacilityIn, FacilityPatch, SourceIn, SourcePatch
from app.translations import Message
from app.vocabulary import SourceKind

REAL_NAME_SEAL_CONTEXT = "real name"  # authenticated with the ciphertext, like the source's key


def store_real_name(session: Session, secret: bytes, source: int, real_name: str | None) -> None:
    """Replace the real name of a source; None deletes it."""
    session.connection().execute(delete(SourceRealName).where(col(SourceRealName.source) == source))
    if real_name is not None:
        sealed_name = sealing.seal_bytes(secret, real_name.encode(), source, REAL_NAME_SEAL_CONTEXT)
        session.add(SourceRealName(source=source, real_name=sealed_name))
        session.flush()


def load_real_name(session: Session, secret: bytes, source: int) -> str | None:
    """Return the real name of a source, if it has one."""
    row = session.get(SourceRealName, source)
    return None if row is None else sealing.unseal_bytes(secret, row.real_name, source, REAL_NAME_SEAL_CONTEXT).decode()


def add_source(context: WriteContext, body: SourceIn) -> Outcome:
    """Add a source. A government is not independent by default. Raises AlreadyExists."""
    if find_current_row(context.session, Source, body.slug) is not None:
        raise AlreadyExists("There is a source with this slug: PATCH it, or choose another slug.")
    values = body.model_dump(mode="json", exclude={"real_name"})
    if values["independent"] is None:
        values["independent"] = body.kind != SourceKind.GOVERNMENT
    outcome = _write_directory_entry(context, "source", values, 201)
    store_real_name(context.session, context.secret, outcome.revision, body.real_name)
    return outcome


def trust_source(session: Session, slug: str, number: int) -> None:
    """Set how many reports of a source may count in combined records before a review. Raises NotFound."""
    source = find_current_row(session, Source, slug)
    if source is None:
        raise NotFound("There is no source with this slug.")
    set_unreviewed_limit(session, source.key, number)


def change_source(context: WriteContext, slug: str, body: SourcePatch) -> Outcome:
    """Change a source, and reproject the people it reports. Raises NotFound and Invalid.

    Its real name is not in the log, so changing it makes no revision."""
    source = find_current_row(context.session, Source, slug)
    if source is None:
        raise NotFound("There is no source with this slug.")
    names = ("slug", "name", "kind", "country", "independent", "quarantined", "definition")
    previous = {name: getattr(source, name) for name in names}
    if "real_name" in body.model_fields_set:
        store_real_name(context.session, context.secret, source.key, body.real_name)
    patch = body.model_dump(mode="json", exclude_unset=True, exclude={"real_name"})
    _refuse_emptied_fields(patch, "name", "kind", "independent", "quarantined")
    updated = {**previous, **patch}
    if updated == previous:
        return Outcome("source", 200, source.since, {"slug": slug})
    return _write_directory_entry(context, "source", updated, 200)


def add_facility(context: WriteContext, body: FacilityIn) -> Outcome:
    """Add a facility. Reports that name it refer to it from this revision on. Raises AlreadyExists and Forbidden."""
    if find_current_row(context.session, Facility, body.slug) is not None:
        raise AlreadyExists("There is a facility with this slug: PATCH it, or choose another slug.")
    values = body.model_dump(mode="json")
    values["names"] = _merge_names(values.pop("name"), values["names"])
    _refuse_taken_names(context, values)
    return _write_facility(context, values, 201)


def change_facility(context: WriteContext, slug: str, body: FacilityPatch) -> Outcome:
    """Change a facility's names, kind, area, country or point.

    Raises NotFound, Invalid, AlreadyExists and Forbidden."""
    facility = find_current_row(context.session, Facility, slug)
    if facility is None:
        raise NotFound("There is no facility with this slug.")
    previous: dict[str, Any] = {name: getattr(facility, name) for name in ("slug", "kind", "area", "country")}
    previous["names"] = json.loads(facility.names)
    previous["point"] = json.loads(facility.point) if facility.point else None
    patch = body.model_dump(mode="json", exclude_unset=True)
    _refuse_emptied_fields(patch, "name", "kind", "country")
    if "name" in patch or "names" in patch:
        main_name = patch.pop("name", previous["names"][0])
        patch["names"] = _merge_names(main_name, patch.get("names", previous["names"]) or [])
        country = patch.get("country", previous["country"])
        _refuse_taken_names(context, {"slug": slug, "names": patch["names"], "country": country})
    updated = {**previous, **patch}
    if updated == previous:
        return Outcome("facility", 200, facility.since, {"slug": slug})
    return _write_facility(context, updated, 200, also_named=previous["names"])


def put_facility(context: WriteContext, body: FacilityIn) -> Outcome:
    """Add a facility, or update the one with that slug. Raises AlreadyExists.

    Names are added and never removed: reports that use one of them would lose their facility."""
    facility = find_current_row(context.session, Facility, body.slug)
    if facility is None:
        return add_facility(context, body)
    values = {name: value for name, value in body.model_dump(exclude_unset=True).items() if name != "slug"}
    values["names"] = _merge_names(body.name, [*json.loads(facility.names), *body.names])
    return change_facility(context, body.slug, FacilityPatch.model_validate(values))


def _refuse_emptied_fields(patch: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in patch and patch[name] is None:
            raise Invalid.at_pointer(f"/{name}", "required", "This field cannot be emptied.")


def _write_facility(
    context: WriteContext, values: dict[str, Any], status: int, *, also_named: Sequence[str] = ()
) -> Outcome:
    """Write a facility. `also_named`: names that it loses. Raises Forbidden beyond a curator's day."""
    people = proposals.count_people_at(context.session, [values["slug"], *values["names"], *also_named])
    if people and proposals.exceeds_limit(context, people):
        raise Forbidden(
            Message(
                "The reports of {people} people name this facility, and a curator decides about at most "
                "{highest} people a day. Ask whoever runs the registry: recuento facility import FILE",
                people=people,
                highest=proposals.MAX_PEOPLE_A_DAY,
            )
        )
    return _write_directory_entry(context, "facility", values, status)


def _write_directory_entry(context: WriteContext, kind: str, values: dict[str, Any], status: int) -> Outcome:
    entry = context.write_entry(kind, values)
    return Outcome(kind, status, entry.revision, {"slug": values["slug"]})


def _merge_names(main_name: str, other_names: list[str]) -> list[str]:
    """Return all names without repeats, the displayed one first."""
    return list(dict.fromkeys([main_name, *other_names]))


def _refuse_taken_names(context: WriteContext, values: dict[str, Any]) -> None:
    """Raise AlreadyExists if another facility has one of the names: a report that uses it would be ambiguous."""
    own_names = {fold(name) for name in (values["slug"], *values["names"])}
    rows = context.session.scalars(select(Facility).where(col(Facility.until) == OPEN))
    for facility in rows:
        taken_names = {fold(name) for name in (facility.slug, *json.loads(facility.names))}
        if facility.slug != values["slug"] and facility.country == values["country"] and own_names & taken_names:
            raise AlreadyExists(
                Message(
                    "Another facility ({slug}) has this name: tell them apart, or PATCH that one.", slug=facility.slug
                )
            )

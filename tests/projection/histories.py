"""Random reports of one person: few days and few sources, so that they meet, contradict and point at each other."""

from typing import Any

from hypothesis import strategies as st

from app.errors import Invalid
from app.projection import Statement
from app.registry.checks import check_report
from app.vocabulary import Stage, Verdict
from tests.registry.statements import HELICOIDE, RODEO, SOURCES, statement
from tests.support import NOW

DATES = (
    "2024", "2024-10", "2024-10-13", "2025", "2025-06", "2025-06-01", "2025-05-31/2025-06-01", "2025-09-01", "2026-01",
    "2026-01-12", "2026-01-13", "2026-02-01", "2025-06/2026-01",
)  # fmt: skip
METHODS = ("family", "family", "press")
maybe_date = st.one_of(st.none(), st.sampled_from(DATES))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "detention__detained_on": maybe_date,
    "detention__held_on": maybe_date,
    "detention__country": st.sampled_from(["VE", "CO"]),
    "detention__legal_status": st.sampled_from(["pretrial", "convicted"]),
    "detention__ended": st.builds(dict, on=maybe_date, how=st.sampled_from(["died", "escaped", "other"])),
    "detainee__full_name": st.sampled_from(["Berta Solano", "Berta Solano Ugas", None]),
    "detainee__birth_date": st.sampled_from(["1953", "1953-04-02"]),
    "detainee__age": st.integers(10, 90),
    "detainee__age_on": st.sampled_from(["2024", "2026-01-12"]),
    "detainee__nationalities": st.lists(st.sampled_from(["AR", "IL", "VE"]), min_size=1, max_size=2, unique=True),
    "detainee__gender": st.sampled_from(["female", "male"]),
    "detainee__designation": st.sampled_from(["political", "not_political", "unstated"]),
    "detainee__died_on": maybe_date,
}
RELEASE: dict[str, st.SearchStrategy[Any]] = {
    "release__stage": st.sampled_from([*Stage, "carried_out", "carried_out"]),
    "release__released_on": maybe_date,
    "release__ordered_on": maybe_date,
    "release__announced_on": maybe_date,
    "release__kind": st.sampled_from(["unspecified", "pardon", "house_arrest"]),
    "release__conditions": st.lists(st.sampled_from(["travel_ban", "gag_order"]), min_size=1, max_size=2, unique=True),
}

# What stood where a report points, kept with it.
KEPT: dict[str, st.SearchStrategy[Any]] = {
    "taken__detention__detained_on": st.sampled_from(DATES),
    "taken__detention__held_on": st.sampled_from(DATES),
    "taken__release__released_on": st.sampled_from(DATES),
    "taken__detention__country": st.sampled_from(["VE", "CO"]),
    "taken__detainee__designation": st.sampled_from(["political", "not_political"]),
    "taken__release__kind": st.sampled_from(["pardon", "house_arrest"]),
}


def acceptable(*place: Any, **said: Any) -> Statement:
    """The report without the dates for which the registry would refuse it, such as a release before the detention."""
    made = statement(*place, **said)
    try:
        check_report(made.own_content, NOW, has_pointer=True)
    except Invalid as refused:
        for error in refused.extra["errors"]:
            said["__".join(error["pointer"].split("/")[1:3])] = None
        return acceptable(*place, **said)
    return made


@st.composite
def reports(draw: st.DrawFn, most: int = 7) -> list[Statement]:
    """The current reports of one person, in the order of their first versions."""
    number = draw(st.integers(1, most))
    records = range(1, number + 1)
    revisions = draw(st.permutations([record + shift for record in records for shift in (0, 100)]))
    found = []
    for record in records:
        said = draw(st.fixed_dictionaries({}, optional={**FIELDS, **(RELEASE if draw(st.booleans()) else {})}))
        pointer = draw(st.sampled_from([None, None, None, *records, 99]))
        if pointer is not None:
            said |= draw(st.fixed_dictionaries({}, optional=KEPT))
        verdict = draw(st.sampled_from(["reported", "verified", *Verdict]))
        found.append(
            acceptable(
                record,
                draw(st.sampled_from(sorted(SOURCES))),
                revision=revisions[record - 1],
                id=f"{draw(st.integers(0, 9))}{record:031x}",
                pointer=pointer,
                facility=draw(st.sampled_from([None, RODEO, HELICOIDE])),
                verification__verdict=verdict,
                verification__method=draw(st.sampled_from(METHODS if verdict == "verified" else [*METHODS, None])),
                verification__citing=draw(st.sampled_from([None, None, ["foro"]])),
                **said,
            )
        )
    return found

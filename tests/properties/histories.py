"""Random histories of a registry. Few people, places and days, so that things meet."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from app.queries.dimensions import DETENTIONS, DIMENSIONS, HELD, RELEASES, list_dimensions
from app.queries.terms import CountTerms, DetentionCountTerms, HeldCountTerms
from app.vocabulary import Judgement
from tests.model.recount import name_window
from tests.properties.steps import (
    SLUGS,
    Amend,
    Body,
    ChangeSource,
    Consent,
    Decide,
    File,
    Place,
    Recall,
    Redact,
    Retract,
    Review,
    Step,
    Trust,
    Undo,
    UndoRecall,
    Verify,
)

# Invented people: each fact as several sources might write it.
PEOPLE: tuple[dict[str, tuple[Any, ...]], ...] = (
    {
        "full_name": ("Tomás Aurelio Quintana Ribas", "Tomas Quintana Ribas"),
        "birth_date": ("1971", "1971-05"),
        "gender": ("male", None),
        "nationalities": (["VE"], ["VE", "CO"], []),
        "category": ("civilian", "military", None),
    },
    {
        "full_name": ("Lucía Belén Arrieta Montes", "LUCIA BELEN ARRIETA"),
        "birth_date": ("2008-03", "2008", None),
        "gender": ("female", "other", None),
        "nationalities": (["AR"], []),
        "groups": (["student"], ["student", "gravely_ill"], []),
    },
    {
        "full_name": (None,),
        "age": (72, 71),
        "age_on": ("2026-01", "2024-10", None),
        "nationalities": (["AR", "IL"], ["AR"]),
    },
)
PLACES = ("El Rodeo I", "el rodeo i", "Helicoide", "a house nobody registered", None)
# When detained and when released, vague and precise, in two spells that some tell apart and some do not.
EARLY: tuple[tuple[str | None, str | None], ...] = (
    ("2024-10-13", "2026-01-12"),
    ("2024-10-13", "2026-01-09"),
    ("2024-10-13", "2026-01-14"),
    ("2024-10", "2026-01-08/2026-01-09"),
    ("2024", "2026-01"),
    (None, "2026-01-12"),
    (None, "2026"),
    ("2024-10-13", None),
    (None, None),
)
LATE: tuple[tuple[str | None, str | None], ...] = (
    ("2026-01-20", "2026-02-10"),
    ("2026-01-20", "2026-01-31"),
    ("2026-01-20", None),
    ("2026-01-12", "2026-01-31"),
    ("2026-01-10/2026-01-12", "2026-02-10"),
    ("2026-01-13", "2026-02"),
    ("2026-01", "2026-02"),
    (None, "2026-02-10"),
    ("2026-02", None),
    ("2026-02-12", None),
)
SPELLS = EARLY + LATE
DETAINED = sorted({detained for detained, _released in SPELLS if detained})
RELEASED = sorted({released for _detained, released in SPELLS if released})
FACILITIES = ("el-rodeo-i", "el-helicoide")

# Whom a step is about: mostly one of the first, so that one person gathers several reports.
NUMBERS = st.sampled_from((0, 0, 0, 1, 1, 2, 3, 4, 5, 6))
KINDS = (None, "release_with_measures", "house_arrest", "full_release")
METHODS = ("family", "family", "lawyer", "press", "official_statement")
PUBLISH = (None, *("named",) * 6, "anonymous", "counted")


def weighted(*choices: tuple[st.SearchStrategy[Any], int]) -> st.SearchStrategy[Any]:
    """One of the strategies, each as often as its weight: `build_enum_check` would drop repetitions."""
    return st.sampled_from([one for one, weight in choices for _ in range(weight)]).flatmap(lambda one: one)


def _said(**choices: Any) -> st.SearchStrategy[Body]:
    """A section of a body: a value of each choice, unsaid ones left out."""
    drawn = {name: one if isinstance(one, st.SearchStrategy) else st.sampled_from(one) for name, one in choices.items()}
    return st.fixed_dictionaries(drawn).map(lambda body: {k: v for k, v in body.items() if v is not None})


def _rarely(*values: Any) -> tuple[Any, ...]:
    """One of the values once in a while, mostly nothing."""
    return (*(None,) * 8 * len(values), *values)


def _person(number: int) -> st.SearchStrategy[Body]:
    designation = ("political", "not_political", "unstated")
    return _said(**PEOPLE[number], publish=PUBLISH, designation=designation, died_on=_rarely("2026-02", "2026-01-10"))


DETAINEES = weighted((_person(0), 5), (_person(1), 1), (_person(2), 2))
DETENTION: dict[str, Any] = {
    "facility": PLACES,
    "legal_status": (None, "pretrial"),
    "held_on": (*(None,) * 9, "2026-01-05", "2026-01-11", "2026-01-25"),
    "ended": _rarely({"how": "escaped", "on": "2026-01-15"}, {"how": "died", "on": None}),
}
RELEASE: dict[str, Any] = {
    "stage": (*("carried_out",) * 5, "ordered", "announced"),
    "ordered_on": _rarely("2026-01-08", "2026-01"),
    "announced_on": _rarely("2026-01-08"),
    "kind": KINDS,
    "conditions": (None, ["travel_ban"], ["travel_ban", "gag_order"]),
}
VERIFICATIONS = _said(
    verdict=(*("verified", "reported") * 4, "disputed", "refuted", "retracted"),
    method=METHODS,
    denies=_rarely("date"),
    verified_on=_rarely("2025-06", "2025-12-20"),
    citing=_rarely(["foro"]),
).map(lambda said: said if said["verdict"] in ("disputed", "refuted") else {**said, "denies": "event"})


def bodies(spells: Sequence[tuple[str | None, str | None]], *, pointing: bool = False) -> st.SearchStrategy[Body]:
    """Of a release, or once in a while of a detention; who points leaves out who that is."""

    def body(spell: tuple[str | None, str | None]) -> st.SearchStrategy[Body]:
        country = ("VE", "CO", None) if pointing else ("VE", "VE", "VE", "CO")
        held = {"detention": _said(detained_on=[spell[0]], country=country, **DETENTION), "verification": VERIFICATIONS}
        person = {} if pointing else {"detainee": DETAINEES}
        release = {"release": _said(released_on=[spell[1]], **RELEASE)}
        return weighted(
            (st.fixed_dictionaries({**held, **person, **release}), 4), (st.fixed_dictionaries(held | person), 1)
        )

    return st.sampled_from(spells).flatmap(body)


SOURCES = st.sampled_from(SLUGS)
CASES = st.sampled_from((None, None, 0, 1, 2))
POINTERS = st.tuples(st.sampled_from(("release", "detention", "detainee", "detainee", "detainee")), NUMBERS)
FIRST = st.builds(File, SOURCES, bodies(EARLY), CASES)
FILES = st.builds(File, SOURCES, bodies(SPELLS), CASES)
POINTED = st.builds(File, SOURCES, bodies(SPELLS, pointing=True), CASES, POINTERS)
AGAIN = st.builds(File, SOURCES, bodies(LATE, pointing=True), st.none(), st.just(("detainee", 0)))
PATCHES = st.one_of(
    _said(release=_said(released_on=RELEASED, kind=KINDS)),
    _said(detention=_said(detained_on=DETAINED, facility=PLACES)),
    _said(verification=VERIFICATIONS),
    _said(detainee=_said(publish=PUBLISH, gender=("male", "female"))),
)
VERDICTS = _said(
    verdict=("verified", "verified", "reported", "disputed", "refuted", "retracted"),
    method=METHODS,
    stage=_rarely("ordered", "announced"),
    released_on=(None, *RELEASED),
    kind=KINDS,
)
VERIFIES = st.builds(Verify, SOURCES, NUMBERS, VERDICTS)
AMENDS = st.builds(Amend, NUMBERS, PATCHES)
CHANGES = _said(quarantined=(True, False, None), independent=(True, False, None), name=_rarely("Another Name"))
NAMES = st.sampled_from((("El Rodeo I",), ("Helicoide",), ("Helicoide", "El Rodeo I")))
AREAS = st.sampled_from(("Miranda", "Caracas", None))
PLACED = st.builds(Place, st.sampled_from(FACILITIES), NAMES, AREAS, st.sampled_from(("VE", "VE", "CO")))
# Most are ties: they make the histories that are hard to get right.
JUDGED = (Judgement.SAME, Judgement.SAME, Judgement.SAME, Judgement.DIFFERENT, Judgement.UNSURE)
DECISIONS = st.builds(Decide, NUMBERS, NUMBERS, st.sampled_from(JUDGED))
CLASSES = st.sampled_from(("named", "anonymous", "counted"))
REVIEWS = st.builds(Review, SOURCES, NUMBERS, st.sampled_from(("approved", "approved", "rejected")))
# In every second history some sources may file only a few reports before the others wait.
LIMITS = weighted((st.just([]), 1), (st.lists(st.builds(Trust, SOURCES, st.integers(0, 2)), min_size=1, max_size=3), 1))
ANYTHING = weighted(
    (FILES, 4),
    (POINTED, 3),
    (AGAIN, 2),
    (VERIFIES, 4),
    (AMENDS, 3),
    (st.builds(Retract, NUMBERS), 1),
    (st.builds(ChangeSource, SOURCES, CHANGES), 2),
    (PLACED, 2),
    (DECISIONS, 3),
    (st.builds(Undo, NUMBERS, st.booleans()), 2),
    (st.builds(Consent, NUMBERS, CLASSES, st.sampled_from(("guardian", "I"))), 1),
    (st.builds(Redact, NUMBERS), 1),
    (REVIEWS, 3),
)
RECALLS = weighted((st.builds(Recall, SOURCES, st.integers(0, 20)), 2), (st.builds(UndoRecall, NUMBERS), 1))


def histories(most: int = 12, anything: st.SearchStrategy[Step] = ANYTHING) -> st.SearchStrategy[list[Step]]:
    """Some reports first, so that the rest has something to act on."""
    return st.builds(
        lambda limits, first, more, rest: [*limits, first, *more, *rest],
        LIMITS,
        FIRST,
        st.lists(weighted((FILES, 2), (POINTED, 2), (AGAIN, 1)), min_size=2, max_size=4),
        st.lists(anything, min_size=most // 2, max_size=most),
    )


def recalling() -> st.SearchStrategy[list[Step]]:
    """Histories in which what keys wrote is recalled, and recalled no more."""
    return histories(anything=weighted((ANYTHING, 4), (RECALLS, 1)))


WINDOWS = st.sampled_from(
    (
        {},
        {"released_from": "2026-01-08", "released_to": "2026-01-14"},
        {"released_from": "2026-01-09", "released_to": "2026-01-12"},
        {"released_from": "2026-01", "released_to": "2026-01"},
        {"released_from": "2026-01-12"},
        {"released_to": "2026-01-31"},
        {"released_from": "2026", "released_to": "2026-02-09"},
    )
)
SOURCE_RANGES: tuple[dict[str, int], ...] = (
    *({"min_sources": number} for number in (1, 2, 3)),
    *({"max_sources": number} for number in (0, 1)),
    {"min_sources": 1, "max_sources": 2},
    {"min_sources": 2, "max_sources": 2},
)
WHO_VERIFIES = st.builds(
    lambda slugs, match: (
        {"not_verified_by": slugs} if match is None else {"verified_by": slugs, "verified_by_match": match}
    ),
    st.lists(st.sampled_from(SLUGS), min_size=1, max_size=2, unique=True),
    st.sampled_from(("all", "any", "only", None)),
)
SOURCE_KIND_LISTS = st.sampled_from((["ngo"], ["government"], ["media", "government"]))
SOURCE_FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "who verifies": WHO_VERIFIES,
    "how many verify": st.sampled_from(SOURCE_RANGES),
    "of which kind": st.one_of(
        SOURCE_KIND_LISTS.map(lambda kinds: {"reported_by_kind": kinds}),
        SOURCE_KIND_LISTS.map(lambda kinds: {"verified_by_kind": kinds}),
        st.booleans().map(lambda is_first_hand: {"first_hand": is_first_hand}),
    ),
}
# Terms of releases on what came afterwards.
LATER_FILTERS: dict[str, st.SearchStrategy[Any]] = {
    "carried_out": st.booleans(),
    "rearrested_after": st.booleans(),
}


def flatten_filters(chosen: dict[str, Any]) -> dict[str, Any]:
    """The terms of chosen filters, some of which are several terms."""
    terms: dict[str, Any] = {}
    for name, value in chosen.items():
        terms |= value if name in SOURCE_FILTERS else {name: value}
    return terms


def build_stage_terms(window: dict[str, str], stage: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """The terms of a stage, of a window of its days, and of chosen filters."""
    if stage == "carried_out":
        chosen = {name: value for name, value in chosen.items() if name != "carried_out"}
    return {**name_window(window, stage), "stage": stage, **flatten_filters(chosen)}


PUBLIC_DIMENSIONS = tuple(name for name in list_dimensions(RELEASES) if not DIMENSIONS[name].is_personal)
PRIVATE_DIMENSIONS = tuple(name for name in list_dimensions(RELEASES) if DIMENSIONS[name].is_personal)


def count_terms(*, personal: bool = True, grouped: bool = False) -> st.SearchStrategy[CountTerms]:
    """Terms of counts, as a query would carry them; without `personal`, of counts that depend on nobody's consent."""
    source = st.sampled_from(SLUGS)
    filters: dict[str, Any] = {
        "country": st.sampled_from(("VE", "CO")),
        "release_kind": st.lists(
            st.sampled_from(("house_arrest", "unspecified", "full_release")), min_size=1, unique=True
        ),
        "status": st.lists(st.sampled_from(("verified", "contested", "refuted")), min_size=1, unique=True),
        "source": source,
        **SOURCE_FILTERS,
        **LATER_FILTERS,
        "net": st.just(True),
        "designation": st.sampled_from(("political", "unstated")),
        "state": st.sampled_from(("held", "released", "house_arrest", "unknown")),
        "rearrested": st.booleans(),
        "detained_from": st.sampled_from(("2024-10", "2026-01-12")),
    }
    if personal:
        filters |= {
            "nationality": st.lists(st.sampled_from(("VE", "AR", "CO")), min_size=1, max_size=2, unique=True),
            "not_nationality": st.lists(st.sampled_from(("VE", "AR")), min_size=1, unique=True),
            "gender": st.just("male"),
            "group": st.sampled_from(("student", "gravely_ill")),
            "age_group": st.sampled_from(("under_18", "18_to_69", "over_70")),
            "age_from": st.sampled_from((0, 16, 53)),
            "area": st.just("Miranda"),
            "condition": st.just("travel_ban"),
            "legal_status": st.just("pretrial"),
        }
    names = st.sets(st.sampled_from(sorted(filters)), max_size=2)
    chosen = names.flatmap(lambda some: st.fixed_dictionaries({name: filters[name] for name in sorted(some)}))
    dimensions = st.sampled_from(PUBLIC_DIMENSIONS + (PRIVATE_DIMENSIONS if personal else ()))
    groups = st.lists(dimensions, min_size=1, max_size=2, unique=True)
    stages = st.sampled_from(("carried_out", "carried_out", "ordered", "announced"))
    return st.builds(
        lambda window, stage, group_by, chosen: CountTerms.model_validate(
            {**build_stage_terms(window, stage, chosen), "group_by": group_by}
        ),
        WINDOWS,
        stages,
        groups if grouped else weighted((st.just(["source"]), 1), (st.just([]), 1), (groups, 2)),
        chosen,
    )


def model_terms() -> st.SearchStrategy[CountTerms]:
    """Terms of counts that the model answers too: the stage, the window, the status, the sources and net."""
    filters: dict[str, st.SearchStrategy[Any]] = {
        "status": st.lists(st.sampled_from(("verified", "contested", "reported", "refuted")), min_size=1, unique=True),
        "source": st.sampled_from(SLUGS),
        **SOURCE_FILTERS,
        **LATER_FILTERS,
        "net": st.just(True),
    }
    names = st.sets(st.sampled_from(sorted(filters)), max_size=2)
    chosen = names.flatmap(lambda some: st.fixed_dictionaries({name: filters[name] for name in sorted(some)}))
    stages = st.sampled_from(("carried_out", "carried_out", "ordered", "announced"))
    return st.builds(
        lambda window, stage, chosen: CountTerms.model_validate(build_stage_terms(window, stage, chosen)),
        WINDOWS,
        stages,
        chosen,
    )


HELD_ON = (
    "2025-12-31", "2026-01-05", "2026-01-09", "2026-01-11", "2026-01-12", "2026-01-13", "2026-01-15", "2026-01-20",
    "2026-01-31", "2026-02", "2027-01",
)  # fmt: skip


def held_terms(*, grouped: bool = False) -> st.SearchStrategy[HeldCountTerms]:
    """Terms of counts of the held, on a day of the histories or around them."""
    own = {"house_arrest": st.just(True), "held_within": st.sampled_from((1, 3, 100))}
    return st.builds(
        lambda day, terms: HeldCountTerms.model_validate({"held_on": day, **terms}),
        st.sampled_from(HELD_ON),
        _custody_terms(HELD, own, grouped=grouped),
    )


def detention_terms(*, grouped: bool = False) -> st.SearchStrategy[DetentionCountTerms]:
    """Terms of counts of detentions of any time."""
    ends = st.sampled_from(("released", "died", "escaped"))
    own = {
        "ended": st.lists(ends, min_size=1, max_size=2, unique=True),
        "ended_from": st.sampled_from(("2025-12", "2026-01-10")),
        "ended_to": st.sampled_from(("2026-01-12", "2026-01")),
        "detained_to": st.sampled_from(("2026-01-12", "2026")),
    }
    return _custody_terms(DETENTIONS, own, grouped=grouped).map(DetentionCountTerms.model_validate)


def _custody_terms(
    noun: str, own: dict[str, st.SearchStrategy[Any]], *, grouped: bool
) -> st.SearchStrategy[dict[str, Any]]:
    """Terms that counts of the held and of detentions share, and some of their own."""
    filters: dict[str, Any] = {
        "country": st.sampled_from(("VE", "CO")),
        "status": st.lists(st.sampled_from(("verified", "contested", "reported", "refuted")), min_size=1, unique=True),
        "source": st.sampled_from(SLUGS),
        **SOURCE_FILTERS,
        "designation": st.sampled_from(("political", "unstated")),
        "state": st.sampled_from(("held", "released", "house_arrest", "unknown")),
        "rearrested": st.booleans(),
        "detained_from": st.sampled_from(("2024-10", "2026-01-12")),
        "nationality": st.lists(st.sampled_from(("VE", "AR", "CO")), min_size=1, max_size=2, unique=True),
        "not_nationality": st.lists(st.sampled_from(("VE", "AR")), min_size=1, unique=True),
        "gender": st.just("male"),
        "age_group": st.sampled_from(("under_18", "18_to_69", "over_70")),
        "age_to": st.sampled_from((17, 54, 120)),
        "legal_status": st.just("pretrial"),
        **own,
    }
    names = st.sets(st.sampled_from(sorted(filters)), max_size=3)
    chosen = names.flatmap(lambda some: st.fixed_dictionaries({name: filters[name] for name in sorted(some)}))
    groups = st.lists(st.sampled_from(list_dimensions(noun)), min_size=1, max_size=2, unique=True)
    return st.builds(
        lambda group_by, chosen: {"group_by": group_by, **flatten_filters(chosen)},
        groups if grouped else weighted((st.just(["source"]), 2), (st.just([]), 1), (groups, 2)),
        chosen,
    )

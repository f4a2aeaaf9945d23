"""Which columns of which tables are kept, and as what."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from app.models import (
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SourceTrait,
    Trait,
)

NUMBER, SMALL, CODE, VALUE, FLAG = "number", "small number", "code", "value of a personal dimension", "flag"
WORD = "word"  # of a text about a person: each of its words makes a row of its own
TYPES: dict[str, DTypeLike] = {
    NUMBER: np.int32, SMALL: np.int16, CODE: np.int16, VALUE: np.int32, FLAG: np.bool_, WORD: np.int32,
}  # fmt: skip
# Beside its own columns every table keeps these.
SINCE, UNTIL, PERSON = "since", "until", "detainee"
NAME = "folded_name"


@dataclass(frozen=True, eq=False)  # each is itself alone
class Kept:
    """The columns that are kept of one table. `key`: those by which, with `since`, a row is known; `columns`: all but
    `since` and `until`, and as what each is kept; numbers can be null. A column of words is the last."""

    table: type[Any]
    key: tuple[str, ...]
    columns: dict[str, str]

    @property
    def name(self) -> str:
        return str(self.table.__tablename__)

    @property
    def personal(self) -> str:
        """The column with texts about a person."""
        return next(name for name, kind in self.columns.items() if kind in (VALUE, WORD))


_SPELL = {PERSON: NUMBER, "spell": NUMBER}
_DAYS = {"lo": NUMBER, "hi": NUMBER}
_ENDS = dict.fromkeys(("out_lo", "out_hi", "free_lo", "free_hi"), NUMBER) | {"next_hi": NUMBER}
_TERMS = {"country": CODE, "designation": CODE}
_TOGETHER = {"status": CODE, "independent_verified": SMALL, "withheld": FLAG}
_OWN = {"source": NUMBER, "verdict": CODE, "independent": FLAG}
_RELEASED = {"stage": CODE, "kind": CODE, **_DAYS, "next_hi": NUMBER}

RELEASES = Kept(ReleaseAtStage, ("spell", "stage"), {**_SPELL, **_RELEASED, **_TERMS, **_TOGETHER})
_SAID = {"said_lo": NUMBER, "said_hi": NUMBER, "said_kind": CODE}
SOURCE_RELEASES = Kept(SourceRelease, ("spell", "stage", "source"), {**_SPELL, **_RELEASED, **_TERMS, **_OWN, **_SAID})
HELD = Kept(DetentionState, ("spell",), {**_SPELL, **_DAYS, **_ENDS, "heard_hi": NUMBER, **_TERMS, **_TOGETHER})
SOURCE_HELD = Kept(SourceDetention, ("spell", "source"), {**_SPELL, **_DAYS, **_ENDS, **_TERMS, **_OWN})
FURTHEST_STAGES = Kept(Release, ("spell",), {**_SPELL, "stage": CODE})
ARRESTS = Kept(Detention, ("spell",), {**_SPELL, "detained_lo": NUMBER, "detained_hi": NUMBER, **_TERMS})
PEOPLE = Kept(Detainee, (PERSON,), {PERSON: NUMBER, "state": CODE, "rearrested": FLAG})
PLACEMENTS = Kept(Placement, ("record",), {PERSON: NUMBER, "record": NUMBER})
# Personal: rows of an erased person leave these.
TRAITS = Kept(Trait, ("spell", "name", "value"), {**_SPELL, "name": CODE, "value": VALUE})
SOURCE_TRAITS = Kept(
    SourceTrait, ("spell", "source", "name", "value"), {**_SPELL, "source": NUMBER, "name": CODE, "value": VALUE}
)
NAMES = Kept(DetaineePersonal, (PERSON, NAME), {PERSON: NUMBER, NAME: WORD})
PERSONAL = (TRAITS, SOURCE_TRAITS, NAMES)
EVERY = (
    RELEASES, SOURCE_RELEASES, FURTHEST_STAGES, HELD, SOURCE_HELD, ARRESTS, PEOPLE, PLACEMENTS, TRAITS, SOURCE_TRAITS,
    NAMES,
)  # fmt: skip

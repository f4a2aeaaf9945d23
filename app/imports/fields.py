"""The fields of a report that a column can fill, and their kinds (pure)."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "line", "lines", "date", "code", "codes", "country", "countries", "number", "links", "text", "state", "mark"
]


@dataclass(frozen=True, slots=True)
class Field:
    """The kind of a field. `codes`: its code list in the vocabulary."""

    kind: Kind
    codes: str | None = None


LINE, LINES, DATE, LINKS = Field("line"), Field("lines"), Field("date"), Field("links")

NAME = "detainee.full_name"
# Two columns with the parts of a name, which become the full name.
GIVEN_NAMES, SURNAMES = "detainee.given_names", "detainee.surnames"
# The state of a person in a sheet ("excarcelado", "detenido"), which becomes a release, a legal status or an end.
STATE = "state"
# The day of the state, where one column of days serves several states.
STATE_DAY = "state_on"
# Columns of crosses, one for each state: "state:released" is crossed where the person was released.
STATE_MARKS = tuple(
    f"{STATE}:{state}"
    for state in ("held", "released", "exiled", "house_arrest", "died", "transferred", "escaped", "disappeared")
)
BIRTH = "detainee.birth_date"
GROUPS = "detainee.groups"
EMBARGO = "publish_not_before"
SENTENCE_UNTIL, SENTENCE_TERM = "detention.sentence.until", "detention.sentence.term"
PUBLISH, PUBLISH_GIVEN_ON = "detainee.publish", "detainee.publish_given_on"
# The import reports an error if a cell of these fields says "unknown": treated as empty, it would show somebody, or too
# early.
UNKNOWN_IS_ERROR = frozenset({EMBARGO, PUBLISH})

FIELDS: dict[str, Field] = {
    "source_record_id": LINE,
    "detainee_id": LINE,
    "detention_id": LINE,
    "release_id": LINE,
    STATE: Field("state"),
    STATE_DAY: DATE,
    **dict.fromkeys(STATE_MARKS, Field("mark")),
    NAME: LINE,
    GIVEN_NAMES: LINE,
    SURNAMES: LINE,
    "detainee.aliases": LINES,
    "detainee.gender": Field("code", "genders"),
    BIRTH: DATE,
    "detainee.age": Field("number"),
    "detainee.age_on": DATE,
    "detainee.nationalities": Field("countries"),
    "detainee.category": Field("code", "categories"),
    GROUPS: Field("codes", "groups"),
    "detainee.designation": Field("code", "designations"),
    "detainee.father_name": LINE,
    "detainee.national_id": LINE,
    "detainee.died_on": DATE,
    PUBLISH: Field("code", "publish"),
    PUBLISH_GIVEN_ON: DATE,
    "detention.detained_on": DATE,
    "detention.facility": LINE,
    "detention.place": LINE,
    "detention.country": Field("country"),
    "detention.legal_status": Field("code", "legal_statuses"),
    "detention.held_on": DATE,
    "detention.ended.on": DATE,
    "detention.ended.how": Field("code", "ended"),
    "detention.charges": LINES,
    SENTENCE_UNTIL: DATE,
    SENTENCE_TERM: LINE,
    "detention.case": LINE,
    "release.stage": Field("code", "stages"),
    "release.released_on": DATE,
    "release.announced_on": DATE,
    "release.ordered_on": DATE,
    "release.kind": Field("code", "release_kinds"),
    "release.conditions": Field("codes", "conditions"),
    "release.destination": LINE,
    "release.measures_lifted_on": DATE,
    "verification.verdict": Field("code", "verdicts"),
    "verification.denies": Field("code", "denies"),
    "verification.method": Field("code", "methods"),
    "verification.verified_on": DATE,
    "verification.citing": LINES,
    "verification.evidence": LINKS,
    EMBARGO: DATE,
    "note": Field("text"),
}

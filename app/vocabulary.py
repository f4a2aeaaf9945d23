"""The code lists of the registry, and the texts of descriptions and the glossary, in English and Spanish.

The codes are part of the wire contract and are stored in the database. Labels and definitions are in `vocabulary.toml`
and are served at `/v1/vocabulary`, with the glossary (`glossary.toml`). The OpenAPI documents and `--help` share the
descriptions of parameters and fields (`descriptions.toml`)."""

import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal


class ImportState(StrEnum):
    """How far a list has got."""

    WAITING = "waiting"
    CHECKING = "checking"
    RUNNING = "running"
    DONE = "done"
    QUESTIONED = "questioned"
    FAILED = "failed"


class ImportOutcome(StrEnum):
    """What became of a row of a list."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    LINKED = "linked"
    NEEDS_REVIEW = "needs_review"
    WAITING = "waiting"
    ERROR = "error"


Language = Literal["en", "es"]


class Stage(StrEnum):
    """How far a release has got."""

    ANNOUNCED = "announced"
    ORDERED = "ordered"
    CARRIED_OUT = "carried_out"


class ReleaseKind(StrEnum):
    """The legal outcome with which someone left custody."""

    FULL_RELEASE = "full_release"
    RELEASE_WITH_MEASURES = "release_with_measures"
    CONDITIONAL_RELEASE = "conditional_release"
    HOUSE_ARREST = "house_arrest"
    HUMANITARIAN = "humanitarian"
    BANISHMENT = "banishment"
    PRISONER_EXCHANGE = "prisoner_exchange"
    AMNESTY = "amnesty"
    PARDON = "pardon"
    DISMISSAL = "dismissal"
    ACQUITTAL = "acquittal"
    SENTENCE_SERVED = "sentence_served"
    SENTENCE_ANNULLED = "sentence_annulled"
    UNSPECIFIED = "unspecified"


class Condition(StrEnum):
    """What someone released must still obey."""

    REPORTING_DUTY = "reporting_duty"
    TRAVEL_BAN = "travel_ban"
    GAG_ORDER = "gag_order"
    ELECTRONIC_TAG = "electronic_tag"
    POLICE_CUSTODY = "police_custody"
    POLITICAL_BAN = "political_ban"
    OTHER = "other"


class ReleaseStatus(StrEnum):
    """What the verdicts on a release say together, derived."""

    VERIFIED = "verified"
    CONTESTED = "contested"
    REPORTED = "reported"
    OFFICIAL_ONLY = "official_only"
    REFUTED = "refuted"
    RETRACTED = "retracted"


class Review(StrEnum):
    """The state of a report that a curator has not approved."""

    UNREVIEWED = "unreviewed"
    AWAITING_REVIEW = "awaiting_review"
    REJECTED = "rejected"


class Verdict(StrEnum):
    """What one source says of a release, or of a detention."""

    REPORTED = "reported"
    VERIFIED = "verified"
    DISPUTED = "disputed"
    REFUTED = "refuted"
    RETRACTED = "retracted"


class Denies(StrEnum):
    """What a denial denies: that the event took place, or a detail of it."""

    EVENT = "event"
    IDENTITY = "identity"
    DATE = "date"
    KIND = "kind"


class Method(StrEnum):
    """How a source knows."""

    FAMILY = "family"
    LAWYER = "lawyer"
    DETAINEE = "detainee"
    AT_THE_GATE = "at_the_gate"
    RELEASE_ORDER = "release_order"
    COURT_RECORD = "court_record"
    OFFICIAL_LIST = "official_list"
    OFFICIAL_STATEMENT = "official_statement"
    DIPLOMATIC = "diplomatic"
    OTHER_ORGANISATION = "other_organisation"
    PRESS = "press"
    PHOTO_VIDEO = "photo_video"
    FELLOW_PRISONER = "fellow_prisoner"


class Designation(StrEnum):
    """Whether a source calls someone a political prisoner; the registry has no word of its own."""

    POLITICAL = "political"
    NOT_POLITICAL = "not_political"
    UNSTATED = "unstated"


class State(StrEnum):
    """Where a person stands now, derived."""

    HELD = "held"
    RELEASED = "released"
    HOUSE_ARREST = "house_arrest"
    DIED = "died"
    UNKNOWN = "unknown"


class LegalStatus(StrEnum):
    """On what footing someone is held."""

    PRETRIAL = "pretrial"
    CONVICTED = "convicted"
    ADMINISTRATIVE = "administrative"
    INCOMMUNICADO = "incommunicado"
    ENFORCED_DISAPPEARANCE = "enforced_disappearance"
    WHEREABOUTS_UNKNOWN = "whereabouts_unknown"
    HOUSE_ARREST = "house_arrest"


class EndedHow(StrEnum):
    """How a detention ended that did not end in a release."""

    DIED = "died"
    ESCAPED = "escaped"
    TRANSFERRED_ABROAD = "transferred_abroad"
    SENTENCE_SERVED = "sentence_served"
    OTHER = "other"


class CustodyEnd(StrEnum):
    """How a detention ended: in a release, or otherwise."""

    RELEASED = "released"
    DIED = EndedHow.DIED.value
    ESCAPED = EndedHow.ESCAPED.value
    TRANSFERRED_ABROAD = EndedHow.TRANSFERRED_ABROAD.value
    SENTENCE_SERVED = EndedHow.SENTENCE_SERVED.value
    OTHER = EndedHow.OTHER.value


class Category(StrEnum):
    """Civilian, or which uniform."""

    CIVILIAN = "civilian"
    MILITARY = "military"
    POLICE = "police"


class Group(StrEnum):
    """Groups that bodies of the field count apart; adolescents and the over-70s follow from age."""

    JOURNALIST = "journalist"
    STUDENT = "student"
    UNION_MEMBER = "union_member"
    PARTY_MEMBER = "party_member"
    LAWYER = "lawyer"
    HUMANITARIAN = "humanitarian"
    RELATIVE_OF_TARGET = "relative_of_target"
    INDIGENOUS = "indigenous"
    GRAVELY_ILL = "gravely_ill"


class Gender(StrEnum):
    """As the source states it."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"


class AgeGroup(StrEnum):
    """Age at the detention; ``over_70`` holds those of exactly 70 too."""

    UNDER_18 = "under_18"
    FROM_18_TO_69 = "18_to_69"
    OVER_70 = "over_70"


class Publish(StrEnum):
    """What consent allows to be shown, from most to least."""

    NAMED = "named"
    ANONYMOUS = "anonymous"
    COUNTED = "counted"


class FacilityKind(StrEnum):
    """What kind of place holds people."""

    PRISON = "prison"
    POLICE_STATION = "police_station"
    MILITARY = "military"
    INTELLIGENCE = "intelligence"
    HOSPITAL = "hospital"
    HOUSE = "house"
    OTHER = "other"


class SourceKind(StrEnum):
    """Who reports or claims."""

    NGO = "ngo"
    GOVERNMENT = "government"
    INTERGOVERNMENTAL = "intergovernmental"
    MEDIA = "media"
    OPPOSITION = "opposition"
    UNION = "union"
    FAMILIES = "families"
    CHURCH = "church"
    OTHER = "other"


class Measure(StrEnum):
    """What a claimed figure is a number of."""

    RELEASED = "released"
    RELEASE_REQUESTED = "release_requested"
    MEASURES_LIFTED = "measures_lifted"
    HELD = "held"
    DETAINED = "detained"
    REARRESTED = "rearrested"
    REPORTED_LATE = "reported_late"
    DELISTED = "delisted"
    MISSING = "missing"
    DIED = "died"


class Qualifier(StrEnum):
    """How a claimed figure is to be read."""

    EXACTLY = "exactly"
    AT_LEAST = "at_least"
    MORE_THAN = "more_than"
    AT_MOST = "at_most"
    FEWER_THAN = "fewer_than"
    ABOUT = "about"
    BETWEEN = "between"
    UNQUANTIFIED = "unquantified"


class Series(StrEnum):
    """Whether figures of a claimant add up or replace each other."""

    CUMULATIVE = "cumulative"
    BATCH = "batch"


class Reason(StrEnum):
    """Why two numbers differ."""

    WINDOW = "window"
    POPULATION = "population"
    DEFINITION = "definition"
    STAGE = "stage"
    GROSS_NET = "gross_net"
    REPORTING_DELAY = "reporting_delay"
    CONSENT = "consent"
    HOUR = "hour"
    ARITHMETIC = "arithmetic"
    SECONDARY_CITATION = "secondary_citation"
    UNDATED = "undated"
    NO_REPORTS = "no_reports"
    BEFORE_FIRST_REPORT = "before_first_report"


class CorrectionKind(StrEnum):
    """How something said before was taken back or changed."""

    RETRACTED = "retracted"
    REFUTED = "refuted"
    DISPUTED = "disputed"
    RESTATED = "restated"
    MERGED = "merged"
    PARTED = "parted"
    CLAIM_RESTATED = "claim_restated"
    CLAIM_SUPERSEDED = "claim_superseded"
    CLAIM_RETRACTED = "claim_retracted"
    RECALLED = "recalled"


class Role(StrEnum):
    """What a key may do; one each, not cumulative."""

    REPORTER = "reporter"
    READER = "reader"
    CURATOR = "curator"
    ADMIN = "admin"


class Judgement(StrEnum):
    """Whether two records are one person."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


class MatchOutcome(StrEnum):
    """What became of a new report's person."""

    NEW = "new"
    LINKED = "linked"
    NEEDS_REVIEW = "needs_review"


STAGES: tuple[Stage, ...] = (Stage.ANNOUNCED, Stage.ORDERED, Stage.CARRIED_OUT)
"""The stages of a release, earliest first."""

CODE_LISTS: dict[str, type[StrEnum]] = {
    "stages": Stage,
    "release_kinds": ReleaseKind,
    "conditions": Condition,
    "statuses": ReleaseStatus,
    "verdicts": Verdict,
    "denies": Denies,
    "methods": Method,
    "designations": Designation,
    "states": State,
    "legal_statuses": LegalStatus,
    "ended": EndedHow,
    "custody_ends": CustodyEnd,
    "categories": Category,
    "groups": Group,
    "genders": Gender,
    "age_groups": AgeGroup,
    "publish": Publish,
    "facility_kinds": FacilityKind,
    "source_kinds": SourceKind,
    "measures": Measure,
    "qualifiers": Qualifier,
    "series": Series,
    "reasons": Reason,
    "correction_kinds": CorrectionKind,
    "roles": Role,
    "judgements": Judgement,
    "match_outcomes": MatchOutcome,
    "import_states": ImportState,
    "import_outcomes": ImportOutcome,
    "reviews": Review,
}
"""Every code list by the name under which it is served."""

_TEXTS: dict[str, dict[str, dict[str, list[str]]]] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)


def find_label(name: str, code: str, lang: Language) -> str:
    """Return the label of a code of a list."""
    return _TEXTS[name][code][lang][0]


def build_vocabulary(lang: Language) -> dict[str, list[dict[str, str]]]:
    """Return every code list by name, in order: `{"stages": [{"code", "label", "definition"}, …], …}`."""
    names = ("code", "label", "definition")
    return {
        name: [dict(zip(names, (code.value, *_TEXTS[name][code.value][lang]), strict=True)) for code in codes]
        for name, codes in CODE_LISTS.items()
    }


@cache
def _load_glossary() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8"))


def build_glossary(lang: Language) -> list[dict[str, str]]:
    """Return the glossary in order, in the form of a code list: `[{"code", "label", "definition"}, …]`."""
    names = ("code", "label", "definition")
    return [dict(zip(names, (code, *texts[lang]), strict=True)) for code, texts in _load_glossary().items()]

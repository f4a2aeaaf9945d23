"""Request models of reports, sources and facilities, with the checks that need only the body."""

import re
import uuid
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from app import dates
from app.formats import COUNTRIES
from app.log.content import AGE_ON_FILING_DAY
from app.schemas import text
from app.schemas.text import EmbargoEnd, remove_invisible, validate_line, validate_prose
from app.vocabulary import (
    Category,
    Condition,
    Denies,
    Designation,
    EndedHow,
    FacilityKind,
    Gender,
    Group,
    Judgement,
    LegalStatus,
    Method,
    Publish,
    ReleaseKind,
    SourceKind,
    Stage,
    Verdict,
)

# The longest real full name in the public lists read has 61 characters; three times that leaves room for scripts
# that need more, and keeps an entry far below the log's 65,535 bytes.
MAX_NAME_LENGTH = 200
MAX_CODE_LENGTH = 100  # case numbers and slugs
MAX_NOTE_LENGTH = 4_000  # a page of text; more belongs in a document
MAX_URL_LENGTH = 2_000  # browsers and archives support addresses of this length
MAX_LIST_LENGTH = 20  # aliases, nationalities, evidence …: more is an error in the spreadsheet
MAX_SOURCES = 12  # in one union or intersection: with more, a table is clearer than a count
# Above the number of sources of any registry. Far larger numbers would overflow the database's integers.
MAX_COUNTED_SOURCES = 1_000
MAX_AGE = 120  # in a report; nobody older was ever documented in custody

T = TypeVar("T")

_SLUG_PATTERN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _validate_partial_date(value: str) -> str:
    try:
        return dates.parse_date(value).text
    except dates.DateError as error:
        raise PydanticCustomError("invalid_date", "{reason}", {"reason": error.detail}) from error


def _validate_country(value: str) -> str:
    if value not in COUNTRIES:
        raise PydanticCustomError("unknown_country", "Use an ISO 3166-1 alpha-2 code in capitals, such as VE.")
    return value


def _validate_link(value: str) -> str:
    """Check an address, and return it as written: a normalized address would cite another page."""
    try:
        url = AnyHttpUrl(value)
    except ValueError as error:
        raise PydanticCustomError("invalid_url", "Give a full http or https address.") from error
    if url.username or url.password:
        detail = "This address has a user name or password before the @, and would be published: send it without."
        raise PydanticCustomError("url_with_password", detail)
    return value


def _validate_slug(value: str) -> str:
    if not _SLUG_PATTERN.fullmatch(value):
        detail = "This is a slug, in small letters, digits and hyphens: take it from /v1/sources or /v1/facilities."
        raise PydanticCustomError("invalid_format", detail)
    return value


def _validate_name(value: str) -> str:
    fault = text.find_name_fault(value)
    if fault is not None:
        raise PydanticCustomError(*fault)
    return value


def _validate_alias(value: str) -> str:
    """Refuse words for "unknown": aliases identify people, and two people with the alias "S/I" share nothing."""
    if text.is_unknown_text(value):
        raise PydanticCustomError(*text.PLACEHOLDER_FAULT)
    return value


def _validate_age(value: int) -> int:
    if value == 0:
        detail = "0 is what an empty cell becomes: leave it out, or give the birth date of a child under one."
        raise PydanticCustomError("no_age", detail)
    return value


def _validate_denies(value: Denies, info: ValidationInfo) -> Denies:
    if value is not Denies.EVENT and info.data.get("verdict") not in (None, Verdict.DISPUTED, Verdict.REFUTED):
        detail = "This says what a denial denies: leave it out, or send the verdict `disputed` or `refuted`."
        raise PydanticCustomError("no_denial", detail)
    return value


def _build_line_constraints(length: int) -> Any:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=length)


Line = Annotated[
    str, _build_line_constraints(MAX_NAME_LENGTH), BeforeValidator(remove_invisible), AfterValidator(validate_line)
]
Code = Annotated[str, _build_line_constraints(MAX_CODE_LENGTH), AfterValidator(validate_line)]
Slug = Annotated[str, StringConstraints(max_length=MAX_CODE_LENGTH), AfterValidator(_validate_slug)]
LongLine = Annotated[str, _build_line_constraints(MAX_NOTE_LENGTH), AfterValidator(validate_line)]
Note = Annotated[str, _build_line_constraints(MAX_NOTE_LENGTH), AfterValidator(validate_prose)]
_Day = Annotated[str, StringConstraints(strip_whitespace=True, max_length=dates.MAX_TEXT)]
Date = Annotated[_Day, AfterValidator(_validate_partial_date)]
DayOfAge = Annotated[
    _Day, AfterValidator(lambda text: text if text == AGE_ON_FILING_DAY else _validate_partial_date(text))
]
Country = Annotated[str, AfterValidator(_validate_country)]
Link = Annotated[
    str,
    StringConstraints(max_length=MAX_URL_LENGTH),
    AfterValidator(validate_line),
    AfterValidator(_validate_link),
    Field(json_schema_extra={"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}),
]
DenialTarget = Annotated[Denies, AfterValidator(_validate_denies)]
Flag = Annotated[bool, Field(strict=True)]  # "no" and 0 are refused, not read as false
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def remove_repeats(values: list[T]) -> list[T]:
    """Return the values in their order, without repeats."""
    return list(dict.fromkeys(values))


def wrap_single_value(value: Any) -> Any:
    """Return a list for a single string: a claim's definition may have one value of a repeatable term."""
    return [value] if isinstance(value, str) else value


UniqueList = Annotated[list[T], Field(max_length=MAX_LIST_LENGTH), AfterValidator(remove_repeats)]
Sources = Annotated[list[Slug], Field(max_length=MAX_SOURCES), AfterValidator(remove_repeats)]


class StrictModel(BaseModel):
    """A model that refuses unknown fields: a misspelt field that is silently dropped is a lost fact."""

    model_config = ConfigDict(extra="forbid")


# Lists use `default_factory`: a default list would be deep-copied for each report.
class DetaineeIn(StrictModel):
    full_name: Annotated[Line, AfterValidator(_validate_name)] | None = None
    aliases: UniqueList[Annotated[Line, AfterValidator(_validate_alias)]] = Field(default_factory=list)
    gender: Gender | None = None
    birth_date: Date | None = None
    age: Annotated[int, Field(ge=0, le=MAX_AGE, strict=True), AfterValidator(_validate_age)] | None = None
    age_on: DayOfAge | None = None
    nationalities: UniqueList[Country] = Field(default_factory=list)
    category: Category | None = None
    groups: UniqueList[Group] = Field(default_factory=list)
    designation: Designation = Designation.UNSTATED
    father_name: Line | None = None
    national_id: Code | None = None
    died_on: Date | None = None
    publish: Publish | None = None
    publish_given_on: Date | None = None


class TransferIn(StrictModel):
    on: Date | None = None
    facility: Line


class EndedIn(StrictModel):
    on: Date | None = None
    how: EndedHow


class SentenceIn(StrictModel):
    until: Date | None = None
    term: Line | None = None


class DetentionIn(StrictModel):
    detained_on: Date | None = None
    facility: Line | None = None
    place: Line | None = None
    country: Country | None = None
    legal_status: LegalStatus | None = None
    held_on: Date | None = None
    transfers: Annotated[list[TransferIn], Field(max_length=MAX_LIST_LENGTH)] = Field(default_factory=list)
    ended: EndedIn | None = None
    # The longest charge of the public lists read, articles of a criminal code copied out, has 3,187 characters.
    charges: UniqueList[LongLine] = Field(default_factory=list)
    sentence: SentenceIn | None = None
    case: Line | None = None


class ReleaseIn(StrictModel):
    stage: Stage = Stage.CARRIED_OUT
    released_on: Date | None = None
    announced_on: Date | None = None
    ordered_on: Date | None = None
    kind: ReleaseKind = ReleaseKind.UNSPECIFIED
    conditions: UniqueList[Condition] = Field(default_factory=list)
    destination: Line | None = None
    measures_lifted_on: Date | None = None


class EvidenceIn(StrictModel):
    url: Link
    sha256: Sha256 | None = None
    published_on: Date | None = None


class VerificationIn(StrictModel):
    verdict: Verdict = Verdict.REPORTED
    denies: DenialTarget = Denies.EVENT
    method: Method | None = None
    verified_on: Date | None = None
    citing: UniqueList[Line] = Field(default_factory=list)
    evidence: Annotated[list[EvidenceIn], Field(max_length=MAX_LIST_LENGTH)] = Field(default_factory=list)


class DetentionReportIn(StrictModel):
    """One source's account of one detention of one person."""

    source_record_id: Code | None = None
    detainee_id: uuid.UUID | None = None
    detention_id: uuid.UUID | None = None
    release_id: uuid.UUID | None = None
    detainee: DetaineeIn | None = None
    detention: DetentionIn | None = None
    verification: VerificationIn = VerificationIn()
    note: Note | None = None
    publish_not_before: EmbargoEnd | None = None


class ReleaseReportIn(DetentionReportIn):
    """One source's account of one release: who went out, of which detention, how, and how the source knows."""

    release: ReleaseIn = ReleaseIn()


class PersonSoughtIn(DetentionReportIn):
    """Somebody to look for: a report, with or without a release, of which only that is read which says who it is."""

    release: ReleaseIn | None = None


class VerificationOfReleaseIn(StrictModel):
    """One source's verdict on a known release; fields left out keep what the source said before."""

    verdict: Verdict
    denies: DenialTarget = Denies.EVENT
    stage: Stage | None = None
    method: Method | None = None
    verified_on: Date | None = None
    released_on: Date | None = None
    kind: ReleaseKind | None = None
    conditions: UniqueList[Condition] | None = None
    citing: UniqueList[Line] | None = None
    evidence: Annotated[list[EvidenceIn], Field(max_length=MAX_LIST_LENGTH)] | None = None
    source_record_id: Code | None = None
    seen: Annotated[int, Field(ge=1, strict=True)] | None = None  # the revision at which the client read it


class RetractIn(StrictModel):
    reason: Note | None = None


class SourceIn(StrictModel):
    slug: Slug
    name: Line
    kind: SourceKind
    country: Country | None = None
    independent: Flag | None = None
    quarantined: Flag = False
    definition: Note | None = None
    real_name: Line | None = None


class SourcePatch(StrictModel):
    name: Line | None = None
    kind: SourceKind | None = None
    country: Country | None = None
    independent: Flag | None = None
    quarantined: Flag | None = None
    definition: Note | None = None
    real_name: Line | None = None


class PointIn(StrictModel):
    """Where a facility lies, to a tenth of a degree (about 11 km): never the door."""

    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False, strict=True)]
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False, strict=True)]

    @field_validator("lat", "lon")
    @classmethod
    def round_coordinate(cls, value: float) -> float:
        return round(value, 1)


class FacilityIn(StrictModel):
    slug: Slug
    name: Line
    names: UniqueList[Line] = Field(default_factory=list)
    kind: FacilityKind
    area: Line | None = None
    country: Country
    point: PointIn | None = None


class FacilityPatch(StrictModel):
    name: Line | None = None
    names: UniqueList[Line] | None = None
    kind: FacilityKind | None = None
    area: Line | None = None
    country: Country | None = None
    point: PointIn | None = None


class IdentityIn(StrictModel):
    a: uuid.UUID
    b: uuid.UUID
    judgement: Judgement
    reason: Note


class RedactionIn(StrictModel):
    reason: Note | None = None

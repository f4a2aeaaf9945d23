"""Run the replay: sources, facilities, claims and reports through the write path, each at its hour, all or nothing.

At every stated instant, the number of people that a source has filed as verified released equals the figure that it
published; a test compares the two. Sources and figures are real. The lists of people under the sources' names are
invented.

The 90 published figures are in `figures.csv`. Its columns are fields of the body of `POST /v1/claims` with the same
name, except:

- `claim_id` is the `source_record_id`, and how figures refer to each other;
- `stage` and `terms` (`name=value`, separated by blanks) are `definition.terms`; `subset_of`, `population` and `net`
  (yes, no) belong to the definition too;
- `supersedes` and `part_of` may have several values, separated by blanks; a part names its partition: `v11:batches`;
- `published_on` and `url` are the citation; `claimant_name` and `claimant_kind` are not filed.

In a built body every reference (`supersedes`, `part_of`, `derived_from`, `same_as`, `definition.subset_of`) is still a
`claim_id`. A figure is filed after all that it refers to: `resolve_references` then replaces each `claim_id` by the id
of the filed figure.
"""

import csv
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlmodel import Session, col

from app.demo.cases import (
    CURATOR_MERGES,
    CuratorMerge,
    ReportDraft,
    ReportKind,
    apply_first_known_outcome,
    build_case_drafts,
    format_record_name,
)
from app.demo.people import build_facility_bodies, build_people, build_release_body
from app.demo.plan import index_filing_times, parse_caracas_time, plan_filings, to_local_day
from app.log.entries import read_head
from app.log.head import is_demo, mark_demo
from app.models import OPEN, ApiKey, Placement, Record, Source
from app.registry import api_keys, directory, records, reports
from app.registry.claims import ClaimIn, file_claim
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity import judgements
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import DetentionReportIn, FacilityIn, IdentityIn, ReleaseReportIn, SourceIn
from app.vocabulary import Judgement, Publish, Role

# How each source's case numbers begin; then follow the year and a number, in order of filing.
PREFIXES = {
    "foro-penal": "FP",
    "jep": "JEP",
    "pud": "PUD",
    "clippve": "CLP",
    "sntp": "SNTP",
    "families": "FAM",
    "ministerio-penitenciario": "MPSP",
    "ministerio-interior": "MIJ",
    "comision-amnistia": "AMN",
    "cancilleria-argentina": "MRE",
}


@dataclass(frozen=True, slots=True)
class ReplayEvent:
    """One request: `source` posts `body` at the instant `filed_at` (aware, UTC).

    `kind` is the route: `release` to `/v1/releases`, `detention` to `/v1/detentions`. A body with a known
    `source_record_id` is the next version of that record. `person`: the plan's name of the person.
    """

    filed_at: datetime
    source: str
    person: str
    body: dict[str, Any]
    kind: ReportKind


def build_events() -> list[ReplayEvent]:
    """Return every report, earliest first; no two share an instant."""
    drafts = sorted([*_draft_lists(), *build_case_drafts(index_filing_times())], key=lambda draft: draft.filed_at)
    return list(_assign_case_numbers(drafts))


def _draft_lists() -> Iterator[ReportDraft]:
    for filing in plan_filings():
        person = build_people()[filing.person]
        person_as_known = apply_first_known_outcome(person) if filing.source == "foro-penal" else person
        body = build_release_body(person_as_known, filing.source, to_local_day(filing.filed_at))
        yield ReportDraft(filing.filed_at, filing.source, format_record_name(person.id), "release", body)


def _assign_case_numbers(drafts: Iterable[ReportDraft]) -> Iterator[ReplayEvent]:
    """Give each record its case number: `FP-2026-0001` is the first that Foro Penal opened in 2026."""
    numbers: dict[tuple[str, str], str] = {}
    opened_counts: dict[str, int] = {}
    for draft in drafts:
        if (draft.source, draft.record) not in numbers:
            series = f"{PREFIXES[draft.source]}-{to_local_day(draft.filed_at).year}"
            opened_counts[series] = opened_counts.get(series, 0) + 1
            numbers[draft.source, draft.record] = f"{series}-{opened_counts[series]:04}"
        body = {"source_record_id": numbers[draft.source, draft.record], **draft.body}
        yield ReplayEvent(draft.filed_at, draft.source, draft.record, body, draft.kind)


# Their lists are replayed person by person.
REPLAYED_SOURCES = ("foro-penal", "jep", "pud", "clippve")

# Slug, name, kind, country, and what the source's list or figure counts. Spanish-speaking sources have Spanish names
# and definitions.
_SOURCES: tuple[tuple[str, str, str, str | None, str | None], ...] = (
    (
        "foro-penal",
        "Foro Penal",
        "ngo",
        "VE",
        "Personas privadas de libertad por motivos políticos, según tres condiciones publicadas; cuenta una "
        "excarcelación cuando sus abogados o la familia la confirman.",
    ),
    (
        "jep",
        "Justicia, Encuentro y Perdón",
        "ngo",
        "VE",
        "Presos políticos según criterios propios, más amplios que los de Foro Penal; publica listas con nombres.",
    ),
    (
        "pud",
        "Plataforma Unitaria Democrática",
        "opposition",
        "VE",
        "Presos políticos según las listas de los partidos de la alianza opositora y de las familias.",
    ),
    (
        "clippve",
        "CLIPPVE",
        "ngo",
        "VE",
        "Comité por la libertad de los presos políticos: personas con cuyas familias habla.",
    ),
    ("sntp", "SNTP", "union", "VE", "Periodistas y otras personas que trabajan en la prensa."),
    ("families", "Familias y organizaciones, a las puertas", "families", "VE", None),
    ("press", "Observación de la prensa", "media", None, None),
    ("rights-groups", "Organizaciones que el medio no nombra", "ngo", None, None),
    ("machado", "María Corina Machado", "opposition", "VE", None),
    ("un-ffm", "Misión de la ONU sobre Venezuela", "intergovernmental", None, None),
    (
        "ministerio-penitenciario",
        "Ministerio Penitenciario",
        "government",
        "VE",
        "Excarcelaciones que anunció; no se publicó ninguna lista de nombres.",
    ),
    ("ministerio-interior", "Ministerio del Interior", "government", "VE", None),
    ("asamblea-nacional", "Asamblea Nacional", "government", "VE", None),
    ("presidencia", "Presidencia de Venezuela", "government", "VE", None),
    ("fiscalia", "Fiscalía General", "government", "VE", "Excarcelaciones que pidió a los tribunales."),
    ("comision-amnistia", "Comisión de Amnistía", "government", "VE", None),
    ("cancilleria-argentina", "Cancillería argentina", "government", "AR", "Sus nacionales."),
)


def build_source_bodies() -> list[dict[str, Any]]:
    """Return bodies `{slug, name, kind, country?, independent, definition?}`, reporting sources first."""
    bodies = []
    for slug, name, kind, country, definition in _SOURCES:
        body = {
            "slug": slug,
            "name": name,
            "kind": kind,
            "country": country,
            "independent": kind != "government",
            "definition": definition,
        }
        bodies.append({field: value for field, value in body.items() if value is not None})
    return bodies


Body = dict[str, Any]
Row = Mapping[str, str]

FIGURES_FILE = Path(__file__).with_name("figures.csv")
UTC_OFFSET = "-04:00"
PLAIN_COLUMNS = (
    "claimant",
    "measure",
    "qualifier",
    "window_from",
    "window_said",
    "country",
    "series",
    "derived_from",
    "same_as",
    "reported_by",
    "note",
)
REFERENCE_COLUMNS = ("supersedes", "part_of", "derived_from", "same_as", "subset_of")


class ClaimFiling(NamedTuple):
    """A figure to be filed at `filed_at` (aware, in UTC); `key` is its `claim_id`."""

    filed_at: datetime
    body: Body
    key: str


def read_figure_rows() -> list[dict[str, str]]:
    """Return the rows of the file; every value is a string, which may be empty."""
    with FIGURES_FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def build_claim_filings() -> Iterator[ClaimFiling]:
    """Return every figure in the order of filing."""
    table = {row["claim_id"]: row for row in read_figure_rows()}
    turns = {key: _find_filing_turn(key, table) for key in table}
    for key in sorted(table, key=lambda key: turns[key]):
        yield ClaimFiling(turns[key][0], build_claim_body(table[key]), key)


def build_claim_body(row: Row) -> Body:
    """Return one row as a body, without its empty values."""
    body: Body = {"source_record_id": row["claim_id"]} | {name: row[name] for name in PLAIN_COLUMNS if row[name]}
    body |= {name: int(row[name]) for name in ("low", "high") if row[name]}
    body |= _build_stated_fields(row["stated_at"])
    if row["supersedes"]:
        body["supersedes"] = row["supersedes"].split()
    if row["part_of"]:
        wholes = (part.split(":") for part in row["part_of"].split())
        body["part_of"] = [{"claim": claim, "partition": partition} for claim, partition in wholes]
    if row["named"]:
        body["named"] = row["named"] == "yes"
    citation = {name: row[name] for name in ("url", "published_on") if row[name]}
    optional = {"definition": _build_definition(row), "citation": citation}
    return body | {name: value for name, value in optional.items() if value}


def resolve_references(body: Body, ids: Mapping[str, str]) -> Body:
    """Replace every `claim_id` in a body by the id of the filed figure."""
    resolved_body = dict(body)
    for name in ("derived_from", "same_as"):
        if name in resolved_body:
            resolved_body[name] = ids[resolved_body[name]]
    if "supersedes" in resolved_body:
        resolved_body["supersedes"] = [ids[key] for key in resolved_body["supersedes"]]
    if "part_of" in resolved_body:
        resolved_body["part_of"] = [part | {"claim": ids[part["claim"]]} for part in resolved_body["part_of"]]
    if "subset_of" in resolved_body.get("definition", {}):
        resolved_body["definition"] = resolved_body["definition"] | {
            "subset_of": ids[resolved_body["definition"]["subset_of"]]
        }
    return resolved_body


def parse_stated_instant(row: Row) -> datetime:
    """Return the instant of a figure: its hour, or the end of its day in Caracas."""
    return parse_caracas_time(row["stated_at"].removesuffix(UTC_OFFSET))


def _build_stated_fields(text: str) -> Body:
    """Return the stated time: a minute gets the seconds that RFC 3339 requires; a day needs its zone."""
    if "T" in text:
        return {"stated_at": text.replace(UTC_OFFSET, f":00{UTC_OFFSET}")}
    return {"stated_at": text, "zone": UTC_OFFSET}


def _build_definition(row: Row) -> Body:
    terms: Body = dict(term.split("=") for term in row["terms"].split())
    if "kind" in terms:  # the only term with several values
        terms["kind"] = [terms["kind"]]
    if row["stage"]:
        terms["stage"] = row["stage"]
    definition: Body = {"terms": terms} if terms else {}
    definition |= {name: row[name] for name in ("population", "subset_of") if row[name]}
    return definition | ({"net": row["net"] == "yes"} if row["net"] else {})


def _find_filing_turn(key: str, table: Mapping[str, Row]) -> tuple[datetime, int]:
    """Return when a figure is filed: once it is stated, printed (noon of its day), and after all that it refers to.

    The second number orders figures of one instant.
    """
    row = table[key]
    printed_at = [parse_caracas_time(f"{row['published_on']}T12:00")] if row["published_on"] else []
    referenced_ids = (part.partition(":")[0] for column in REFERENCE_COLUMNS for part in row[column].split())
    referenced_turns = [_find_filing_turn(referenced_id, table) for referenced_id in referenced_ids]
    filed_at = max([parse_stated_instant(row), *printed_at, *(filed_at for filed_at, _ in referenced_turns)])
    return filed_at, 1 + max((depth for _, depth in referenced_turns), default=0)


# A source for experiments: its reports change no published figure.
GUEST_SOURCE = {
    "slug": "example-ngo",
    "name": "Example NGO (invented)",
    "kind": "ngo",
    "country": "VE",
    "definition": "An invented organisation, for trying the registry out.",
}
GUEST_KEY_DAYS = 30
GUEST_HOLDER = "Whoever tries the demo"


class NotADemo(RuntimeError):
    """The database has other data than the demo."""


def load_replay(session: Session, secret: bytes) -> int:
    """Fill an empty database with the replay, or leave one that has it unchanged. Returns the revision.

    Raises NotADemo for a database that is neither empty nor marked as a demo.
    """
    revision, _recorded_at = read_head(session)
    if is_demo(session):
        return revision
    if revision:
        raise NotADemo("This database is neither empty nor a demo: name another one (RECUENTO_DATABASE_URL).")
    mark_demo(session)
    Replay(session, secret).run()
    return read_head(session)[0]


def create_guest_key(session: Session, now: datetime) -> str:
    """Create a reporter's key of the invented source, and revoke the earlier one."""
    source_query = select(col(Source.key)).where(col(Source.slug) == GUEST_SOURCE["slug"], col(Source.until) == OPEN)
    source = session.scalars(source_query).one()
    active_keys_query = select(ApiKey).where(col(ApiKey.source) == source, col(ApiKey.revoked_at).is_(None))
    for key in session.scalars(active_keys_query).all():
        api_keys.revoke_key(session, key.id, now)
    return api_keys.create_key(session, Role.REPORTER, str(GUEST_SOURCE["slug"]), GUEST_KEY_DAYS, now, GUEST_HOLDER)


class Replay:
    """The replay within one transaction."""

    def __init__(self, session: Session, secret: bytes) -> None:
        self._session = session
        self._secret = secret
        self._claim_ids: dict[str, str] = {}
        self._first_cases: dict[str, tuple[str, str]] = {}  # person → source and case number of the first report

    def run(self) -> None:
        """Add sources and facilities first, then everything in order of time."""
        steps: list[tuple[datetime, Callable[[], None]]] = [
            *((event.filed_at, self._prepare_filing(event)) for event in build_events()),
            *((claim.filed_at, self._prepare_claim(claim)) for claim in build_claim_filings()),
            *((merge.decided_at, self._prepare_merge(merge)) for merge in CURATOR_MERGES),
        ]
        steps.sort(key=lambda step: step[0])
        self._add_directories(steps[0][0])
        self._sources = DirectorySnapshot(self._session).sources_by_slug
        for _instant, run_step in steps:
            run_step()

    def _context(self, actor: Reader, instant: datetime) -> WriteContext:
        return WriteContext(self._session, actor, instant, self._secret)

    def _add_directories(self, instant: datetime) -> None:
        for source in (*build_source_bodies(), GUEST_SOURCE):
            directory.add_source(self._context(Reader(Role.ADMIN), instant), SourceIn.model_validate(source))
        for facility in build_facility_bodies():
            directory.add_facility(self._context(Reader(Role.CURATOR), instant), FacilityIn.model_validate(facility))

    def _prepare_filing(self, event: ReplayEvent) -> Callable[[], None]:
        schema: Any = ReleaseReportIn if event.kind == "release" else DetentionReportIn

        def file() -> None:
            source = self._sources[event.source]
            # The people are invented, and matched alike whatever RECUENTO_NAMES is: the counts must be those published.
            actor = Reader(Role.REPORTER, source.key, source.slug, source.independent, "list")
            reports.write_report(self._context(actor, event.filed_at), schema.model_validate(event.body))
            self._merge_count_only(event)

        return file

    def _merge_count_only(self, event: ReplayEvent) -> None:
        """Merge records of a count-only person. The matcher links these to nobody; here a curator decides at once."""
        case = event.source, str(event.body["source_record_id"])
        first = self._first_cases.setdefault(event.person, case)
        a, b = self._load_record(*first), self._load_record(*case)
        if a.key == b.key or {a.publish_now, b.publish_now} != {Publish.COUNTED}:
            return
        detainee_query = select(col(Placement.detainee)).where(
            col(Placement.record).in_([a.key, b.key]), col(Placement.until) == OPEN
        )
        if len(set(self._session.scalars(detainee_query))) > 1:
            self._apply_merge(CuratorMerge(event.filed_at, (first, case), "the same mother told both organisations"))

    def _load_record(self, source: str, case: str) -> Record:
        record = records.find_case_record(self._session, self._secret, self._sources[source].key, case)
        assert record is not None
        return record

    def _prepare_merge(self, merge: CuratorMerge) -> Callable[[], None]:
        return lambda: self._apply_merge(merge)

    def _apply_merge(self, merge: CuratorMerge) -> None:
        a, b = (self._load_record(*case).detainee_id for case in merge.records)
        body = IdentityIn(a=a, b=b, judgement=Judgement.SAME, reason=merge.reason)
        judgements.judge_identity(self._context(Reader(Role.CURATOR), merge.decided_at), body)

    def _prepare_claim(self, claim: ClaimFiling) -> Callable[[], None]:
        def file() -> None:
            body = ClaimIn.model_validate(resolve_references(claim.body, self._claim_ids))
            outcome = file_claim(self._context(Reader(Role.CURATOR), claim.filed_at), body, is_confirmed=True)
            self._claim_ids[claim.key] = str(uuid.UUID(outcome.ids["id"]))

        return file

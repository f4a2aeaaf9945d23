"""Pages for a list of figures: show each figure found, and file the chosen ones as claims of the officer's source."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from app import dates
from app.api.operations import FileClaims
from app.errors import Problem, build_pointed_error
from app.imports.reader.figure_files import read_figures
from app.imports.reader.figures import Figure
from app.registry.claims import ClaimIn
from app.vocabulary import Measure, Qualifier, build_vocabulary
from app.web.api_client import encode_body, parse_body
from app.web.desk import answers
from app.web.desk.fields import UnreadDate, format_unread_date, get_code_language, parse_written_date
from app.web.desk.page import (
    IDEMPOTENCY_FIELD,
    Desk,
    DeskForm,
    DeskRoute,
    FormValues,
    WriteTarget,
    first_value,
    read_desk_form,
    read_without_carrying,
)
from app.web.desk.reports import FIELD_REFUSALS, FaultyField, collect_field_faults, create_idempotency_key
from app.web.rendering import Catalogue

figures = APIRouter(route_class=DeskRoute)
FIGURES_PATH, LIST_PATH = "/desk/figures", "/desk/list"
FIGURES_FIELD, MEASURE_FIELD, POPULATION_FIELD = "figures", "measure", "population"
COUNTRY_FIELD, DAY_FIELD, SINCE_FIELD, URL_FIELD = "country", "day", "since", "url"
SHARED_FIELDS = (COUNTRY_FIELD, DAY_FIELD, SINCE_FIELD, URL_FIELD)
# Pointers of a claim → the fields that fill them.
_FIELDS_BY_POINTER = {
    "/country": COUNTRY_FIELD,
    "/stated_at": DAY_FIELD,
    "/window_to": DAY_FIELD,
    "/window_from": SINCE_FIELD,
    "/citation/url": URL_FIELD,
}
# Answers about a list, none yet: with them it is read as a list of people, whatever it looks like.
PEOPLE_MAPPING = "# people"
NO_PROBLEM: Mapping[str, Any] = {}
CASE_PREFIX = "figure-"
CASE_DIGITS = 20  # of a digest, which never meets another of the same source


async def _require_figures_form(request: Request) -> DeskForm:
    return await read_without_carrying(request, read_desk_form(request), LIST_PATH)


SubmittedFigures = Annotated[DeskForm, Depends(_require_figures_form)]


async def show_figures_of_list(desk: Desk, data: bytes) -> Response:
    """Show the figures of a list that has no people."""
    found = await run_in_threadpool(read_figures, data)
    country = desk.sources.get(desk.officer.source or "", {}).get("country") or ""
    held = answers.seal_list(desk.request.app.state.secret, data, desk.officer.source or "")
    return await _show_figures(desk, found, {COUNTRY_FIELD: [country]}, held=held)


@figures.post(FIGURES_PATH)
async def file_figures(form: SubmittedFigures) -> Response:
    """File the chosen figures, all or none; repeated submissions have no further effect."""
    desk, words = form.desk, form.desk.catalogue
    found = _unseal_figures(form)
    chosen = _list_chosen(found, form.form_values)
    errors = _check_shared_fields(form.form_values, words)
    if found and not chosen:
        errors.append(
            build_pointed_error("", "no_figure", words.gettext("Choose for one figure at least what it counts."))
        )
    if errors or not chosen:
        return await _show_figures(desk, found, form.form_values, {"status": 422, "errors": errors})
    bodies = build_claims(chosen, form.form_values, desk.officer.source or "")
    try:
        answer = await desk.officer_client.write(
            FileClaims([parse_body(ClaimIn, body) for body in bodies]),
            WriteTarget("POST", "/v1/claims"),
            encode_body({"claims": bodies}),
            idempotency_key=form.get_first(IDEMPOTENCY_FIELD) or create_idempotency_key(),
        )
    except Problem as refusal:
        if refusal.status not in FIELD_REFUSALS:
            raise
        return await _show_figures(desk, found, form.form_values, refusal.body())
    labels = [choice.figure.label for choice in chosen]
    return await desk.show("desk/lists/figures_filed.html", filed=list(zip(labels, answer["claims"], strict=True)))


@dataclass(frozen=True)
class ChosenFigure:
    """A figure that the officer sends: what it counts, and whom, in the officer's words."""

    figure: Figure
    measure: Measure
    population: str


def _list_chosen(found: Sequence[Figure], form_values: FormValues) -> list[ChosenFigure]:
    choices = [
        (figure, first_value(form_values, f"{MEASURE_FIELD}:{place}"), f"{POPULATION_FIELD}:{place}")
        for place, figure in enumerate(found)
    ]
    measures: set[str] = {measure.value for measure in Measure}
    return [
        ChosenFigure(figure, Measure(measure), first_value(form_values, population).strip())
        for figure, measure, population in choices
        if measure in measures
    ]


def build_claims(chosen: Iterable[ChosenFigure], form_values: FormValues, source: str) -> list[dict[str, Any]]:
    """Return the bodies of claims.

    The case number follows from country, day, label and measure: the same figure sent again with another number is a
    correction of it."""
    values = {name: first_value(form_values, name).strip() for name in SHARED_FIELDS}
    day, since = (_parse_day(values[name]) for name in (DAY_FIELD, SINCE_FIELD))
    bodies, cases = [], Counter[str]()
    for choice in chosen:
        figure = choice.figure
        definition: dict[str, Any] = {"terms": dict(figure.terms)} if figure.terms else {}
        definition |= {"population": choice.population} if choice.population else {}
        key = json.dumps([values[COUNTRY_FIELD], day, figure.label, choice.measure])
        case = f"{CASE_PREFIX}{hashlib.sha256(key.encode()).hexdigest()[:CASE_DIGITS]}"
        cases[case] += 1
        body = {
            "claimant": source,
            "measure": choice.measure,
            "qualifier": figure.qualifier,
            "said": figure.number,
            **_build_window(figure.window, choice.measure, day, since),
            "stated_at": day,
            "country": values[COUNTRY_FIELD],
            "definition": definition or None,
            "citation": {"url": values[URL_FIELD]} if values[URL_FIELD] else None,
            "source_record_id": case if cases[case] == 1 else f"{case}-{cases[case]}",
        }
        bodies.append({name: value for name, value in body.items() if value is not None})
    return bodies


def _build_window(window: str, measure: Measure, day: str, since: str) -> dict[str, str]:
    """Return the window of a figure. People are held on a day; all other measures count what happened in a time."""
    if not window:
        begin = {"window_from": since} if since and measure is not Measure.HELD else {}
        return {**begin, "window_to": day}
    end = day if dates.parse_window_end(window) > dates.parse_window_end(day) else window
    return {"window_to": end} if measure is Measure.HELD else {"window_from": window, "window_to": end}


def _parse_day(text: str) -> str:
    return str(parse_written_date("release.released_on", text)) if text else ""


def _check_shared_fields(form_values: FormValues, words: Catalogue) -> list[dict[str, str]]:
    """Return the errors of the country and the days."""
    _ = words.gettext
    errors = []
    if not first_value(form_values, COUNTRY_FIELD):
        errors.append(build_pointed_error("/country", "figures_country", _("Choose the country of these figures.")))
    for name in (DAY_FIELD, SINCE_FIELD):
        text = first_value(form_values, name).strip()
        if name == DAY_FIELD and not text:
            errors.append(build_pointed_error("/stated_at", "figures_day", _("Give the day of these figures.")))
        try:
            _parse_day(text)
        except UnreadDate as unread:
            pointer = "/stated_at" if name == DAY_FIELD else "/window_from"
            errors.append(build_pointed_error(pointer, "figures_day", format_unread_date(unread, words)))
    return errors


async def _show_figures(
    desk: Desk,
    found: Sequence[Figure],
    form_values: FormValues,
    problem: Mapping[str, Any] = NO_PROBLEM,
    *,
    held: str | None = None,
) -> Response:
    """Show the figures with what each counts, and what is asked once for all of them.

    `held`: the sealed list, which may have people all the same."""
    _ = desk.catalogue.gettext
    titles = {
        COUNTRY_FIELD: _("Country of the figures"),
        DAY_FIELD: _("Day on which they are true"),
        SINCE_FIELD: _("Counted since"),
        URL_FIELD: _("Address where they were published"),
    }
    faulty, others = _collect_faults(problem, titles, found, form_values, desk.catalogue)
    measures = build_vocabulary(get_code_language(desk.catalogue))["measures"]
    is_submitted = IDEMPOTENCY_FIELD in form_values
    rows = [
        {
            "figure": figure,
            "measure": first_value(form_values, f"{MEASURE_FIELD}:{place}")
            if is_submitted
            else ("" if figure.measure is None else figure.measure.value),
            "population": first_value(form_values, f"{POPULATION_FIELD}:{place}")
            if is_submitted
            else figure.population,
            "terms": [_format_term(name, value, desk.catalogue) for name, value in figure.terms.items()],
        }
        for place, figure in enumerate(found)
    ]
    return await desk.show(
        "desk/lists/figures.html",
        status=problem.get("status", 200),
        rows=rows,
        sealed=_seal_figures(desk, found),
        measures=measures,
        countries=desk.catalogue.countries,
        titles=titles,
        values={name: first_value(form_values, name) for name in SHARED_FIELDS},
        faulty=faulty,
        faults={field.id: field.faults for field in faulty},
        others=others,
        held=held,
        people_mapping=PEOPLE_MAPPING,
        once=first_value(form_values, IDEMPOTENCY_FIELD) or create_idempotency_key(),
    )


def _collect_faults(
    problem: Mapping[str, Any],
    titles: Mapping[str, str],
    found: Sequence[Figure],
    form_values: FormValues,
    words: Catalogue,
) -> tuple[list[FaultyField], list[str]]:
    """Return the errors by field. An error of all figures is shown once; one of a figure names its label."""
    labels = [choice.figure.label for choice in _list_chosen(found, form_values)]
    errors: dict[tuple[str, str], dict[str, Any]] = {}
    for error in problem.get("errors") or ([problem] if problem.get("code") else []):
        number, _slash, rest = str(error.get("pointer", "")).lstrip("/").partition("/")
        pointer = f"/{rest}" if number.isdecimal() else str(error.get("pointer", ""))
        field = _FIELDS_BY_POINTER.get(pointer)
        detail = str(error.get("detail", ""))
        if field is None and number.isdecimal() and int(number) < len(labels):
            detail = f"{labels[int(number)]}: {detail}"
        errors.setdefault((field or pointer, detail), {**error, "pointer": f"/{field or ''}", "detail": detail})
    return collect_field_faults({"errors": list(errors.values())} if errors else {}, titles, words)


def _format_term(name: str, value: str, words: Catalogue) -> str:
    lists = {"gender": "genders", "category": "categories", "group": "groups", "legal_status": "legal_statuses",
             "kind": "release_kinds", "age_group": "age_groups"}  # fmt: skip
    return words.label(lists[name], value) if name in lists else value


def _seal_figures(desk: Desk, found: Sequence[Figure]) -> str:
    """Encrypt the figures for a form of this source: they need not be read again, and nobody else can change them."""
    data = json.dumps([asdict(figure) for figure in found]).encode()
    return answers.seal_list(desk.request.app.state.secret, data, desk.officer.source or "") or ""


def _unseal_figures(form: DeskForm) -> list[Figure]:
    desk = form.desk
    text, source = form.get_first(FIGURES_FIELD), desk.officer.source or ""
    data = answers.unseal_list(desk.request.app.state.secret, text, source)
    return [_build_figure(values) for values in json.loads(data)] if data else []


def _build_figure(values: dict[str, Any]) -> Figure:
    measure = None if values["measure"] is None else Measure(values["measure"])
    return Figure(**{**values, "measure": measure, "qualifier": Qualifier(values["qualifier"])})

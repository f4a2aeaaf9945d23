"""A messy January 2026 gives the numbers of the second model, and no report changes more than it says."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from app.dates import parse_date
from app.demo.run import REPLAYED_SOURCES, Replay, ReplayEvent, build_events
from app.main import create_app
from app.queries.terms import CountTerms
from tests.demo.messy import MessyJanuary, build_messy_january, read_people
from tests.model.past import Person
from tests.model.recount import STATUSES, CountedRelease, count_releases_of, list_releases, name_window, read_numbers
from tests.model.rules import Detention, find_arrest_date, is_assertion, is_held
from tests.replay import load, settings_for

Get = Callable[..., dict[str, Any]]
People = dict[str, Person]

JANUARY = {"released_from": "2026-01-01", "released_to": "2026-01-31"}
WINDOWS = (
    ("2026-01-01", "2026-01-31"), ("2026-01-01", "2026-01-15"), ("2026-01-16", "2026-01-31"),
    ("2026-01-05", "2026-01-11"), ("2026-01-12", "2026-01-18"), ("2026-01-19", "2026-01-25"),
    ("2026-01-26", "2026-02-01"), ("2025-12", "2025-12"), ("2025-01", "2025-12"), ("2025-12", "2026-01"), (None, None),
)  # fmt: skip
DAYS = ("2025-01-20", "2025-12-31", *(f"2026-01-{day:02}" for day in (8, 12, 15, 20, 25, 26, 31)), "2026-02-02")
SOURCES = (*REPLAYED_SOURCES, "press", "sntp", "families")


@pytest.fixture(scope="module")
def january() -> MessyJanuary:
    return build_messy_january()


@pytest.fixture(scope="module")
def people(january: MessyJanuary) -> People:
    return read_people(january.events)


def read_with(client: TestClient) -> Get:
    def get(noun: str, **terms: Any) -> dict[str, Any]:
        response = client.get(f"/v1/counts/{noun}", params={name: one for name, one in terms.items() if one})
        assert response.status_code == 200, response.text
        return dict(response.json())

    return get


class MessyReplay(Replay):
    """The replay, in which the added reports point at their person, if possible by a record of the same source."""

    def __init__(self, session: Session, secret: bytes) -> None:
        super().__init__(session, secret)
        self._cases_by_person: dict[str, dict[str, tuple[str, str]]] = {}

    def _prepare_filing(self, event: ReplayEvent) -> Callable[[], None]:
        prepare_filing = super()._prepare_filing

        def file() -> None:
            cases, body = self._cases_by_person.setdefault(event.person, {}), dict(event.body)
            if "detainee" not in body:
                case = cases.get(event.source, next(iter(cases.values())))
                body["detainee_id"] = self._load_record(*case).detainee_id
            cases.setdefault(event.source, (event.source, str(body["source_record_id"])))
            prepare_filing(replace(event, body=body))()

        return file


@pytest.fixture(scope="module")
def count(january: MessyJanuary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Get]:
    """The messy January, filed as the demo files its reports and read over HTTP."""
    settings = settings_for(f"sqlite:///{tmp_path_factory.mktemp('messy') / 'messy.db'}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.demo.run.build_events", lambda: january.events)
        patch.setattr("app.demo.run.build_claim_filings", lambda: ())
        patch.setattr("app.demo.run.Replay", MessyReplay)
        load(settings)
    with TestClient(create_app(settings)) as client:
        yield read_with(client)


def test_totals_are_those_of_the_second_model(count: Get, people: People) -> None:
    asked: list[dict[str, Any]] = [{"released_from": first, "released_to": last} for first, last in WINDOWS]
    asked += [
        JANUARY | {"min_sources": 2},
        *(name_window(terms, "announced") | {"stage": "announced"} for terms in asked[:3]),
    ]
    for terms in asked:
        model = count_releases_of(people.values(), CountTerms.model_validate(terms))
        answer = count("releases", **terms)
        assert read_numbers(answer, model) == model, terms


def test_the_rows_of_sources_are_those_of_the_second_model(count: Get, people: People) -> None:
    for first, last in WINDOWS:
        answer = count("releases", released_from=first, released_to=last, group_by="source")
        rows = {group["by"]["source"]: group["counts"] for group in answer["groups"]}
        window = CountTerms.model_validate({"released_from": first, "released_to": last}).window
        for source in SOURCES:
            model, row = count_own_releases(people, source, window), rows.get(source, {})
            assert {name: row.get(name, 0) for name in model} == model, (source, first, last)


def count_own_releases(people: People, source: str, window: tuple[int | None, int | None]) -> dict[str, int]:
    """Return how many releases the reports of one source alone assert in a window, by status."""
    releases = list_releases(people.values(), "carried_out", window, source)
    return {
        status: sum(one.is_inside and one.status == status for one in releases)
        for status in ("verified", "reported", "official_only")
    }


def test_people_held_are_those_of_the_second_model(count: Get, people: People) -> None:
    for day in DAYS:
        answer = count("held", held_on=day, group_by="source")
        detentions = [[one for one in person.detentions if not one.is_official] for person in people.values()]
        numbers = answer["total"]["cases"], answer["caveats"]["uncertain_date"]
        assert numbers == count_held(detentions, day), day
        rows = {group["by"]["source"]: group["counts"] for group in answer["groups"]}
        for source in SOURCES:
            row = rows.get(source, {})
            own = [[keep_source(one, source) for one in known] for known in detentions]
            assert row.get("verified", 0) + row.get("reported", 0) == count_held(own, day)[0], (day, source)


def keep_source(detention: Detention, source: str) -> Detention:
    return replace(detention, content=tuple(report for report in detention.content if report.source == source))


def count_held(detentions: Iterable[Sequence[Detention]], text: str) -> tuple[int, int]:
    """Return the number of detentions that count on a day, and of those that are uncertain then."""
    day, numbers = date.fromisoformat(text).toordinal(), Counter[str]()
    for known in detentions:
        arrests = [find_arrest_date(one) for one in known]
        for number, detention in enumerate(known):
            is_replaced = any(arrest and arrest.hi <= day for arrest in arrests[number + 1 :])
            if not is_replaced and any(map(is_assertion, detention.content)):
                numbers[is_held(detention, day)] += 1
    uncertain = numbers["held_uncertain"] + numbers["not_held_uncertain"]
    return numbers["held"] + numbers["held_uncertain"], uncertain


def test_only_releases_whose_own_reports_say_so_leave_the_verified_total(
    count: Get, january: MessyJanuary, people: People
) -> None:
    plain = count_verified(read_people(build_events()))
    verified = count_verified(people)
    moved = [name for name in people if plain[name] != verified[name]]
    lines = [f"{name}: {'; '.join(january.changes[name])} → {explain(people[name])}\n" for name in moved]
    sys.stdout.writelines(lines)
    lost = [name for name in moved if verified[name] < plain[name]]
    assert lost
    assert all(january.changes[name] and says_so(people[name]) for name in lost)
    total = count("releases", **JANUARY)["total"]["verified"]
    assert total >= plain.total() - sum(says_so(people[name]) for name in people if plain[name])


def count_verified(people: People) -> Counter[str]:
    """Return how many verified releases each person has in January."""
    return Counter({name: sum(one.status == "verified" for one in list_january([one])) for name, one in people.items()})


def list_january(people: Iterable[Person]) -> list[CountedRelease]:
    releases = list_releases(people, "carried_out", CountTerms.model_validate(JANUARY).window)
    return [one for one in releases if one.is_inside]


def says_so(person: Person) -> bool:
    """Return whether a first-hand report of the person denies a release, or dates one outside January."""
    days = parse_date("2026-01")
    return any(
        report.is_first_hand and report.stage and (not is_assertion(report) or not (date_ and date_.is_within(days)))
        for report in person.reports
        for date_ in [report.dates.get("carried_out")]
    )


def explain(person: Person) -> str:
    """Return the releases of a person after the changes, and the rule that decides each."""
    texts = []
    for one in list_releases([person], "carried_out", CountTerms.model_validate(JANUARY).window):
        date_, status = one.release.date, one.release.status
        if status in ("contested", "refuted"):
            texts.append(
                f"rule 2: {status}, {len(one.release.verified_by)} verify, {sorted(one.release.denied_by)} deny"
            )
        elif not one.is_inside:
            texts.append(f"rules 5 and 6: dated {date_.text if date_ else 'nowhere'}, which is not inside January")
        elif one.status == "verified":
            texts.append(f"rules 5 and 6: dated {date_.text if date_ else 'nowhere'}, which is inside January")
        else:
            texts.append(f"rule 6: dated inside January, {sorted(one.window.confirming)} confirm")
    return "; ".join(texts)


def test_a_list_sent_again_in_another_order_changes_no_number(count: Get) -> None:
    before, after = "2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"
    assert count("releases", as_of=before)["at"]["revision"] < count("releases", as_of=after)["at"]["revision"]
    for first, last in WINDOWS:
        terms = {"released_from": first, "released_to": last, "group_by": "source"}
        assert select_numbers(count("releases", **terms, as_of=before)) == select_numbers(count("releases", **terms))
    for day in DAYS:
        terms = {"held_on": day, "group_by": "source"}
        assert select_numbers(count("held", **terms, as_of=before)) == select_numbers(count("held", **terms))


def select_numbers(answer: dict[str, Any]) -> list[Any]:
    caveats = {name: answer["caveats"][name] for name in ("uncertain_date", "withheld", "unlinkable", "denied_by_some")}
    return [answer["total"], caveats, [(group["by"], group["counts"]) for group in answer["groups"]]]


def test_a_denial_makes_no_release_appear_or_vanish(count: Get) -> None:
    for stage in ("announced", "ordered", "carried_out"):
        totals = [
            count("releases", stage=stage, as_of=instant)["total"]
            for instant in ("2026-02-07T00:00:00Z", "2026-02-10T00:00:00Z")
        ]
        before, after = [sum(total[status] for status in STATUSES) for total in totals]
        assert before == after
        assert totals[0]["verified"] > totals[1]["verified"]

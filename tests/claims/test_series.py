"""A series is the count asked again at the end of each interval: of what was known by then, or of what had happened.

What was counted at several revisions, asked of all together, is what is counted at each."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session

from app.claims.series import MAX_POINTS, MAX_REVISIONS, PointCounts, count_at_revisions
from app.config import Settings
from app.counts.tally import compute_count, load_slugs_by_key
from app.db.engine import open_read_session
from app.main import create_app
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.columns.lives import life
from tests.docs.reading import ROOT
from tests.support import ANYONE, JANUARY, NOW, Body, World
from tests.working import statements

SERIES = "/v1/counts/series"
CARACAS = "-04:00"
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 2, 20)
FIGURES: dict[str, Body] = {
    "56 by the afternoon": {"low": 56, "high": 56, "qualifier": "exactly", "stated_at": "2026-01-13T14:00:00-04:00"},
    "60 to 70": {"low": 60, "high": 70, "qualifier": "between", "claimant": None, "reported_by": "an agency",
                 "stated_at": "2026-01-13", "zone": CARACAS},
    "more than 400": {"low": 401, "qualifier": "more_than", "claimant": "ministry", "stated_at": "2026-01-14"},
    "fewer than 57": {"high": 57, "qualifier": "at_most", "claimant": "pud", "stated_at": "2026-01-15"},
    "announced": {"low": 116, "high": 116, "definition": {"terms": {"stage": "announced"}}},
    "no number": {"qualifier": "unquantified", "low": None, "high": None},
    "held": {"measure": "held", "low": 806, "high": 806},
    "elsewhere": {"country": "NI", "low": 222, "high": 222},
    "journalists": {"low": 18, "high": 18, "definition": {"terms": {"group": "journalist"}}},
    "by two at least": {"low": 12, "high": 12, "definition": {"terms": {"min_sources": 2}}},
    "a misprint": {"low": 560, "high": 560, "misprint": True},
    "before": {"low": 187, "high": 187, "stated_at": "2025-12-31T23:00:00Z"},
    "after": {"low": 700, "high": 700, "stated_at": "2026-02-21T01:00:00Z"},
}  # fmt: skip


@pytest.fixture(scope="module")
def grown(lasting: World) -> World:
    """Reports of seven weeks, each at its hour; the last entry is of the evening of 20 February in Caracas."""
    taken_again = _file(lasting, "2026-01-08T15:00:00Z", "foro", "Abelardo Quintero", "2026-01-08")
    first = _file(lasting, "2026-01-09T02:00:00Z", "foro", "Berenice Urdaneta", "2026-01-08")
    _file(
        lasting,
        "2026-01-12T12:00:00Z",
        "jep",
        "Casimiro Lozada",
        "2026-01-10/2026-01-12",
        "2025-03",
        kind="amnesty",
        publish="counted",
    )
    lasting.verify(first["release"]["id"], "jep", verdict="verified", method="lawyer", released_on="2026-01-09")
    _file(lasting, "2026-01-18T23:59:59Z", "pud", "Dorotea Bracho", "2026-01-18", "2025-03/2025-06", verdict="reported")
    lost = _file(lasting, "2026-01-31T12:00:00Z", "foro", "Evaristo Marcano", "2026-01-31")
    official = _file(lasting, "2026-02-02T12:00:00Z", "ministry", "Fidelina Yánez", "2026-02")
    lasting.verify(official["release"]["id"], "pud", verdict="reported", method="press")
    _take_again(lasting, "2026-02-05T12:00:00Z", "foro", taken_again, "2026-01-25")
    _take_again(lasting, "2026-02-05T12:00:00Z", "jep", first, "2026-01-20/2026-01-31")
    _at(lasting, "2026-02-10T12:00:00Z")
    answer = lasting.post(f"/v1/reports/{lost['report']['id']}/retract", {}, "foro")
    assert answer.status_code == 200, answer.text
    lasting.verify(first["release"]["id"], "pud", verdict="disputed", method="family")
    _file(lasting, "2026-02-21T02:30:00Z", "pud", "Gumersindo Olivo", "2026-02-14", publish="counted")
    ids = {}
    for name, said in FIGURES.items():
        figure = {"claimant": "foro", "measure": "released", "qualifier": "exactly", "window_from": "2026-01-08",
                  "country": "VE", "stated_at": "2026-01-20", **said}  # fmt: skip
        ids[name] = _claim(lasting, figure)
    _claim(lasting, {**FIGURES["56 by the afternoon"], "claimant": "jep", "measure": "released", "country": "VE",
                     "low": 53, "high": 53, "window_from": "2026-01-08"}, late=ids)  # fmt: skip
    lasting.now = NOW
    return lasting


def _at(world: World, moment: str) -> None:
    world.now = dt.datetime.fromisoformat(moment)


def _take_again(world: World, moment: str, who: str, filed: Body, on: str) -> None:
    """The person of a report is detained again."""
    _at(world, moment)
    body = {"detainee_id": filed["detainee"]["id"], "detention": {"detained_on": on, "country": "VE"}}
    answer = world.post("/v1/detentions", body, who)
    assert answer.status_code == 201, answer.text


def _file(
    world: World, moment: str, who: str, name: str, released: str, detained: str = "2024-10-13",
    verdict: str = "verified", publish: str = "named", **said: Any,
) -> Body:  # fmt: skip
    _at(world, moment)
    born = str(1940 + 3 * (ord(name[0]) - ord("A")))
    verification = {"verdict": verdict, "method": "family"}
    release = {"released_on": released, **said}
    return world.file(
        who,
        detainee__full_name=name,
        detainee__birth_date=born,
        detainee__publish=publish,
        detention__detained_on=detained,
        release=release,
        verification=verification,
    )


def _claim(world: World, body: Body, late: dict[str, str] | None = None) -> str:
    """A figure; `late`: one that a second figure then corrects."""
    claim_id = world.claim(body)
    if late is not None:
        _claim(world, {**body, "low": 54, "high": 54, "supersedes": [claim_id]})
    return claim_id


def series(world: World, **asked: Any) -> Body:
    answer = world.get(SERIES, **asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ends(first: dt.date, last: dt.date, interval: str) -> list[str]:
    """The days from the first to the last on which an interval ends, and the last."""
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    tomorrow = dt.timedelta(days=1)
    closing = {
        "day": days,
        "week": [day for day in days if day.isoweekday() == 7],
        "month": [day for day in days if (day + tomorrow).month != day.month],
    }[interval]
    return [day.isoformat() for day in days if day in closing or day == last]


def lines(answer: Body) -> dict[str, dict[str, int]]:
    return {line["source"]: {one["on"]: one["verified"] for one in line["points"]} for line in answer["series"]}


def agrees(world: World, answer: Body, point: Body, **asked: Any) -> None:
    """One point, and each source's beside it, is the count that is asked for."""
    count = world.count(group_by="source", **asked)
    names = ("cases", "verified", "contested", "reported")
    assert {name: point[name] for name in names} == {name: count["total"][name] for name in names}
    assert point["unlinkable"] == count["caveats"]["unlinkable"]
    by_source = {group["by"]["source"]: group["counts"]["verified"] for group in count["groups"]}
    told = lines(answer)
    assert {slug: line[point["on"]] for slug, line in told.items()} == {slug: by_source.get(slug, 0) for slug in told}
    assert {slug for slug, number in by_source.items() if number} <= told.keys()


TERMS: list[Body] = [{}, {"released_from": "2026-01-09"}, {"released_to": "2026-01-31"}, {"release_kind": "amnesty"},
                     {"min_sources": 1, "country": "VE"}, {"source": "jep"},
                     {"verified_by": ["jep", "ministry"], "verified_by_match": "any"},
                     {"stage": "ordered"}, {"nationality": "VE"}, {"net": True}, {"net": True, "source": "foro"},
                     {"detained_from": "2025-01"}, {"detained_to": "2025-04", "source": "pud"},
                     {"net": True, "detained_to": "2024", "released_from": "2026-01-05"}]  # fmt: skip


@pytest.mark.parametrize(
    "interval, zone", [("day", CARACAS), ("week", "Z"), ("week", "+14:00"), ("month", CARACAS), ("month", "Z")]
)
def test_by_known_a_point_is_the_count_as_of_the_end_of_its_interval(grown: World, interval: str, zone: str) -> None:
    answer = series(grown, interval=interval, zone=zone)
    first = JANUARY.astimezone(dt.timezone(dt.timedelta(hours={"Z": 0, CARACAS: -4, "+14:00": 14}[zone]))).date()
    last = LAST if zone == CARACAS else LAST + dt.timedelta(days=1)
    assert [point["on"] for point in answer["points"]] == ends(first, last, interval)
    for point in answer["points"][:: 6 if interval == "day" else 1]:
        agrees(grown, answer, point, as_of=point["on"], zone=zone)
        assert point["revision"] == grown.count(as_of=point["on"], zone=zone)["at"]["revision"]
    assert answer["points"][-1]["revision"] == answer["at"]["revision"] == grown.revision


def test_by_known_hours_are_told_from_the_day_that_is_asked_for(grown: World) -> None:
    answer = series(grown, interval="hour", zone=CARACAS, told_from="2026-01-11", as_of="2026-01-13T02:30:00Z")
    assert answer["terms"]["told_from"] == "2026-01-11"
    on = [point["on"] for point in answer["points"]]
    assert (on[0], on[-1], len(on)) == ("2026-01-11T04:00:00Z", "2026-01-12T12:00:00Z", 33)
    assert answer["points"][-2]["revision"] < answer["points"][-1]["revision"] == answer["at"]["revision"]
    for point in answer["points"][::8]:
        agrees(grown, answer, point, as_of=point["on"])


@pytest.mark.uncounted
@pytest.mark.parametrize("by", ["known", "event"])
def test_a_series_follows_the_terms_of_a_count(grown: World, by: str, subtests: pytest.Subtests) -> None:
    for terms in TERMS:
        with subtests.test(str(terms)):
            answer = series(grown, interval="week", by=by, **terms)
            for point in answer["points"][1::2]:
                when = {"as_of": point["on"]} if by == "known" else {"released_to": point["on"]}
                agrees(grown, answer, point, **{**terms, **when})


@pytest.mark.parametrize("interval", ["day", "week", "month"])
def test_by_event_a_point_is_todays_count_of_what_had_happened(grown: World, interval: str) -> None:
    answer = series(grown, interval=interval, by="event", released_from="2026-01-05")
    dated = dt.date(2026, 2, 28)  # somebody was released in February, which ends on its last day
    assert [point["on"] for point in answer["points"]] == ends(dt.date(2026, 1, 5), dated, interval)
    for point in answer["points"][:: 5 if interval == "day" else 1]:
        agrees(grown, answer, point, released_from="2026-01-05", released_to=point["on"])
        assert point["revision"] == answer["at"]["revision"]
    whole = grown.count(released_from="2026-01-05")["total"]["cases"]
    assert (answer["points"][-1]["cases"], answer["points"][-1]["unlinkable"]) == (whole, 2)


CONFIRMED: list[Body] = [
    {}, {"min_sources": 2}, {"min_sources": 3}, {"min_sources": 2, "max_sources": 2}, {"max_sources": 0},
    {"status": "verified"},
    {"status": "reported"}, {"status": ["verified", "reported"], "net": True, "min_sources": 1},
]  # fmt: skip


@pytest.mark.parametrize("terms", CONFIRMED, ids=str)
def test_by_event_a_source_confirms_a_release_from_its_own_day_on(world: World, terms: Body) -> None:
    """One release has three verifying sources and two days. Of the other, nobody who verified it gives a day."""
    release = world.file("foro", release__released_on="2026-01-08")["release"]["id"]
    for source, day in (("jep", "2026-01-08"), ("pud", "2026-01-14")):
        world.verify(release, source, verdict="verified", method="lawyer", released_on=day)
    other = {"detainee__full_name": "Berenice Urdaneta", "detainee__birth_date": "1951"}
    world.file("foro", **other, verification__verdict="reported")
    world.file("jep", **other, release__released_on=None)
    days = {"released_from": "2026-01-06", "released_to": "2026-01-16"}
    answer = series(world, by="event", **days, **terms)
    assert len(answer["points"]) == 11
    for point in answer["points"]:
        agrees(world, answer, point, **{**days, **terms, "released_to": point["on"]})


def test_by_event_the_window_is_the_span_and_without_one_the_first_and_last_release(grown: World) -> None:
    points = series(grown, by="event", released_from="2026-01-01", released_to="2026-01-20")["points"]
    assert (points[0]["on"], points[-1]["on"], len(points)) == ("2026-01-01", "2026-01-20", 20)
    assert series(grown, by="event")["points"][0]["on"] == "2026-01-08"
    assert series(grown, by="event", country="NI")["points"] == []


def test_by_known_a_report_at_ten_in_the_evening_is_of_that_day_where_it_was_evening(grown: World) -> None:
    for zone, told in (("Z", 1), (CARACAS, 2)):
        on = {point["on"]: point["cases"] for point in series(grown, zone=zone)["points"]}
        assert on["2026-01-08"] == told


def test_days_on_which_nothing_came_ask_nothing_again(grown: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted(session: Session, terms: CountTerms, reader: Reader, revisions: Sequence[int]) -> Iterator[PointCounts]:
        asked.extend(revisions)
        return count_at_revisions(session, terms, reader, revisions)

    monkeypatch.setattr("app.claims.series.count_at_revisions", counted)
    points = series(grown, interval="day", released_to="2026-01-13")["points"]
    assert len(points) > len(asked)
    assert asked == sorted({point["revision"] for point in points})


def test_by_event_net_falls_on_the_day_by_which_somebody_was_surely_taken_again(grown: World) -> None:
    asked = {"by": "event", "released_from": "2026-01-05", "released_to": "2026-02-28"}
    gross, net = (series(grown, net=net, **asked) for net in (False, True))
    less = {one["on"]: all_["cases"] - one["cases"] for one, all_ in zip(net["points"], gross["points"], strict=True)}
    days = ["2026-01-24", "2026-01-25", "2026-01-30", "2026-01-31", "2026-02-28"]
    assert [less[day] for day in days] == [0, 1, 1, 2, 2]
    for point in net["points"]:
        agrees(grown, net, point, net=True, released_from="2026-01-05", released_to=point["on"])


def test_by_event_net_the_days_before_everybody_was_taken_again_are_shown(grown: World) -> None:
    answer = series(grown, by="event", net=True, interval="week", released_to="2026-01-31")
    assert answer["points"][0]["on"] == "2026-01-11"  # of the week of the 8th, when both were out
    for point in answer["points"]:
        agrees(grown, answer, point, net=True, released_to=point["on"])


@pytest.mark.parametrize("terms", [{}, {"net": True, "detained_from": "2024", "nationality": "VE", "source": "foro"}])
def test_by_event_more_points_ask_no_more_of_the_database(grown: World, terms: Body) -> None:
    def cost(first: str) -> tuple[int, int]:
        """The number of points since a day, and of the statements that they took."""
        asked = {"by": "event", "released_from": first, "released_to": "2026-01-31", **terms}
        with statements(grown.engine) as run:
            points = len(series(grown, **asked)["points"])
        # Without what is looked for in between.
        return points, sum(said.startswith("SELECT") and "list_import" not in said for said in run)

    few, many = cost("2026-01-05"), cost("2025-01-01")
    assert (few[0], many[0]) == (27, 396)
    assert few[1] == many[1]


def test_more_revisions_than_can_be_counted_at_once_are_refused_and_weeks_are_not(
    grown: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.claims.series.MAX_REVISIONS", 5)
    problem = grown.refuse(grown.get(SERIES, released_from="2026"), 422, "too_many_points", "/interval")
    assert "weeks or months" in problem["errors"][0]["detail"]
    assert len({point["revision"] for point in series(grown, interval="month")["points"]}) <= 5
    assert len(series(grown, as_of="2026-01-10")["points"]) == 9  # nothing was recorded on most of these days
    assert len(series(grown, by="event", released_from="2026-01-01", released_to="2026-01-31")["points"]) == 31


def test_by_known_what_is_withdrawn_falls(grown: World) -> None:
    on = {point["on"]: point["cases"] for point in series(grown)["points"]}
    assert (on["2026-02-09"], on["2026-02-10"]) == (6, 5)
    by_event = {point["on"]: point["cases"] for point in series(grown, by="event")["points"]}
    assert sorted(by_event.values()) == list(by_event.values())


def test_by_known_a_series_begins_with_its_window(grown: World) -> None:
    assert series(grown, released_from="2026-01-08")["points"][0]["on"] == "2026-01-08"
    late = series(grown, released_from="2026-02", released_to="2026-02-14")["points"]
    assert (late[0]["on"], late[-1]["on"]) == ("2026-02-01", "2026-02-21")  # learned after the window closed


def figures(answer: Body) -> list[tuple[str | None, int | None, int | None]]:
    return [(one["claimant"], one["low"], one["high"]) for one in answer["claims"]]


def test_published_figures_are_points_or_bars_with_open_ends_in_the_order_of_their_hours(grown: World) -> None:
    answer = series(grown, country="VE")
    assert figures(answer) == [
        ("foro", 56, 56),
        ("jep", 54, 54),
        (None, 60, 70),
        ("ministry", 401, None),
        ("pud", None, 57),
        ("foro", 12, 12),
        ("foro", 700, 700),
    ]
    assert answer["claims"][0]["at"] == "2026-01-13T18:00:00Z"
    assert answer["claims"][2]["at"].startswith("2026-01-14T03:59:59")  # the end of a day in Caracas


@pytest.mark.parametrize(
    "terms, expected",
    [
        ({"stage": "announced"}, [("foro", 116, 116)]),
        ({"country": "NI"}, [("foro", 222, 222)]),
        ({"group": "journalist"}, [("foro", 18, 18)]),
        ({"release_kind": "amnesty"}, []),
        ({"zone": CARACAS, "country": "VE", "released_from": "2026-01-20"}, [("foro", 12, 12), ("foro", 700, 700)]),
        ({"as_of": "2026-02-10"}, []),
    ],
)
def test_figures_are_of_the_same_releases_and_stated_within_the_series(
    grown: World, terms: Body, expected: list[tuple[str, int, int]]
) -> None:
    assert figures(series(grown, **terms)) == expected


def test_figures_stated_before_the_first_day_or_after_the_last_are_left_out(grown: World) -> None:
    assert ("foro", 700, 700) not in figures(series(grown, by="event", released_to="2026-02-20"))
    assert ("foro", 187, 187) not in figures(series(grown, by="event", released_from="2026-01-01"))
    assert ("foro", 187, 187) in figures(series(grown, by="event", released_from="2026-01-01", zone="+14:00"))


def test_a_series_has_a_permalink_and_is_a_table_with_a_column_for_each_source(grown: World) -> None:
    answer = series(grown, interval="month", zone=CARACAS, released_from="2026-01")
    assert grown.client.get(answer["links"]["permalink"]).json() == answer
    table = grown.get(f"{SERIES}.csv", interval="month", zone=CARACAS, released_from="2026-01").text.splitlines()
    assert table[0] == "on,revision,cases,verified,contested,reported,unlinkable,foro,jep,pud,not_visible_in_all"
    assert [row.split(",")[0] for row in table[1:]] == ["2026-01-31", "2026-02-20"]
    assert all(cell for row in table for cell in row.split(","))


def test_the_published_figures_stand_in_a_table_of_a_series_where_they_are_asked_for(grown: World) -> None:
    terms = {"interval": "month", "zone": CARACAS, "released_from": "2026-01"}
    table = grown.get(f"{SERIES}.csv", **terms, claims=True).text.splitlines()
    columns = "on,revision,cases,verified,contested,reported,unlinkable,foro,jep,pud,not_visible_in_all,claim,claimant,"
    assert table[0].startswith(columns)
    assert len(table[3:]) == len(series(grown, **terms)["claims"]) > 0


def test_more_points_than_fit_are_refused_and_wider_intervals_are_not(grown: World) -> None:
    last = dt.date(2026, 1, 20)
    exactly = {"by": "event", "released_to": last.isoformat()}
    first = last - dt.timedelta(days=MAX_POINTS - 1)
    assert len(ends(first, last, "day")) == MAX_POINTS
    too_early = (first - dt.timedelta(days=1)).isoformat()
    problem = grown.refuse(grown.get(SERIES, released_from=too_early, **exactly), 422, "too_many_points", "/interval")
    assert str(MAX_POINTS) in problem["errors"][0]["detail"]
    assert len(series(grown, released_from=too_early, interval="week", **exactly)["points"]) == 58
    grown.refuse(grown.get(SERIES, released_from="0001", by="event", interval="month"), 422, "too_many_points")


@pytest.mark.parametrize("by", ["known", "event"])
def test_a_registry_without_an_entry_has_no_points(settings: Settings, by: str) -> None:
    with TestClient(create_app(settings)) as client:
        answer = client.get(SERIES, params={"by": by})
        assert (answer.status_code, answer.json()["points"], answer.json()["claims"]) == (200, [], [])


def test_before_the_first_entry_there_are_no_points(grown: World) -> None:
    assert series(grown, as_of=0)["points"] == []


@pytest.mark.parametrize(
    "asked, code, pointer",
    [
        ({"interval": "year"}, "unknown_code", "/interval"),
        ({"by": "week"}, "unknown_code", "/by"),
        ({"zone": "Caracas"}, "invalid_zone", "/zone"),
        ({"group_by": "source"}, "unknown_field", "/group_by"),
        ({"interval": "hour", "by": "event"}, "no_hours", "/interval"),
        ({"interval": "hour"}, "too_many_points", "/interval"),
        ({"told_from": "soon"}, "invalid_date", "/told_from"),
    ],
)
def test_questions_out_of_shape_are_refused(grown: World, asked: Body, code: str, pointer: str) -> None:
    grown.refuse(grown.get(SERIES, **asked), 422, code, pointer)


def test_dashboards_are_told_how_many_points_there_may_be() -> None:
    page = (ROOT / "docs" / "dashboards.md").read_text()
    assert f"at most {MAX_POINTS} points" in page
    assert f"most {MAX_REVISIONS} of them" in page


PARTNER = Reader(role=Role.READER)
ASKED: list[dict[str, Any]] = [
    {},
    {"stage": "ordered"},
    {"release_kind": ["pardon"]},
    {"net": True},
    {"net": True, "released_from": "2026-01", "released_to": "2026-02-05"},
    {"detained_from": "2025", "detained_to": "2026-01-10"},
    {"detained_from": "2025", "source": "foro"},
    {"source": "jep"},
    {"verified_by": ["foro"]},
    {"verified_by": ["foro", "pud"], "verified_by_match": "any"},
    {"verified_by": ["jep"], "verified_by_match": "only"},
    {"min_sources": 1, "max_sources": 1},
    {"min_sources": 2},
    {"status": ["verified"]},
    {"state": "released"},
    {"rearrested": True},
    {"gender": "male"},
    {"nationality": ["AR"]},
    {"not_nationality": ["AR"]},
    {"facility": "el-rodeo-i"},
    {"area": "Guarenas"},
    {"area": "Guarenas", "source": "jep"},
    {"country": "VE", "designation": "political"},
]


@pytest.fixture(scope="module")
def lived(lasting: World) -> World:
    lasting.now = NOW
    for _happened in life(lasting):
        pass
    return lasting


@pytest.mark.parametrize("reader", [ANYONE, PARTNER], ids=["anyone", "partner"])
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_at_each_revision_the_same_is_counted(lived: World, asked: dict[str, Any], reader: Reader) -> None:
    terms = CountTerms(**asked)
    with open_read_session(lived.engine) as session:
        slugs = load_slugs_by_key(session)
        for revisions in ([*range(lived.revision + 1)][-MAX_REVISIONS:], [lived.revision // 2], [0, lived.revision]):
            for revision, numbers in zip(revisions, count_at_revisions(session, terms, reader, revisions), strict=True):
                counted = compute_count(session, terms.model_copy(update={"group_by": ["source"]}), reader, revision)
                total: Any = counted["total"]
                by_status = {status: numbers.by_status.get(status, 0) for status in COUNTABLE_STATUSES}
                assert by_status == {status: total[status] for status in COUNTABLE_STATUSES}, revision
                assert numbers.unlinkable == counted["caveats"]["unlinkable"], revision
                by_source = {slugs[key]: number for key, number in numbers.by_source.items() if number}
                assert by_source == verified_by(counted["groups"]), revision


def verified_by(groups: Any) -> dict[str, int]:
    return {group["by"]["source"]: group["counts"]["verified"] for group in groups if group["counts"]["verified"]}

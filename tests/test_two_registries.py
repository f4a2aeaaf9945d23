"""Rule 14: two registries that differ only in what an anonymous reader may not see give equal bytes."""

import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from app.api.middleware.metrics import StatusCollector
from tests.databases import ENGINES, Templates
from tests.support import GOVERNMENT, Body, World, make_report
from tests.two_registries import Names, differences, twins

# A field's value in the one registry and in the other.
HIDDEN_OF_THE_NAMED: dict[str, tuple[Any, Any]] = {
    "detainee__birth_date": ("1971-02-03", "1971-02-19"),
    "detainee__father_name": ("Luis Alfonzo", None),
    "detainee__national_id": ("V-7310040", "V-7310077"),
    "detainee__groups": (["student", "gravely_ill"], ["student"]),
    "detention__transfers": ([{"on": "2025-02", "facility": "Yare"}], None),
    "note": ("his mother called", "nobody called"),
}
HIDDEN_OF_THE_UNNAMED: dict[str, tuple[Any, Any]] = {
    "detainee__full_name": ("Zoraida Montilla Paz", "Ulises Barrios Coy"),
    "detainee__aliases": (["La Profe"], ["El Gato", "Gatico"]),
    "detainee__gender": ("female", "male"),
    "detainee__category": ("civilian", "military"),
    "detainee__birth_date": ("1953-02-03", "1953-02-19"),
    "detention__legal_status": ("pretrial", "incommunicado"),
    "detention__charges": (["treason"], ["incitement", "terrorism"]),
    "release__conditions": (["travel_ban"], ["gag_order", "reporting_duty"]),
    "release__destination": ("Mendoza", "Arica"),
    "verification__evidence": ([{"url": "https://a.example/z"}], [{"url": "https://b.example/u"}]),
}
# What a nameless report says in the one registry only.
SAID_AT_ALL: dict[str, tuple[Any, Any]] = {
    "detainee__full_name": ("Abelardo Ruiz Soto", None),
    "detainee__gender": ("female", None),
    "detainee__category": ("police", None),
    "detainee__groups": (["student"], None),
    "release__conditions": (["travel_ban"], None),
    "release__destination": ("Mendoza", None),
    "detention__legal_status": ("convicted", None),
    "verification__evidence": ([{"url": "https://a.example/a"}], None),
    "note": ("a note", None),
}
# Hidden of people who may only be counted, and still where a curator opens them later.
HIDDEN_DAYS: dict[str, tuple[Any, Any]] = {
    "verification__method": ("family", "lawyer"),
    "detention__detained_on": ("2024-10-05", "2024-10-19"),
    "detention__held_on": ("2025-12-14", "2025-12-31"),
}
HIDDEN_OF_THE_COUNTED: dict[str, tuple[Any, Any]] = {
    **HIDDEN_DAYS,
    "detainee__full_name": ("Delia Arteaga Mora", "Fermín Castro Lugo"),
    "detainee__gender": ("female", "male"),
    "detainee__category": ("civilian", "police"),
    "detainee__birth_date": ("1940-05-05", "1989-09-09"),
    "detainee__nationalities": (["VE"], ["AR", "CO"]),
    "detention__facility": ("El Rodeo I", "Yare"),
    "detention__legal_status": ("pretrial", "convicted"),
    "release__conditions": (["travel_ban"], None),
    "release__destination": ("Mendoza", None),
}
# Of several, and of two months.
OTHER_HIDDEN_DAYS: dict[str, tuple[Any, Any]] = {
    "verification__method": ("detainee", "court_record"),
    "detention__detained_on": ("2026-02-03/2026-02-04", "2026-02-11/2026-02-27"),
    "detention__held_on": ("2026-02-05/2026-03-01", "2026-02-28/2026-03-01"),
}
SECOND_HAND: dict[str, tuple[Any, Any]] = {
    "verification__method": ("press", "official_statement"),
    "detention__detained_on": ("2025-06-07", "2025-06-30"),
}

# Campaigns ask all 1,900 questions on SQLite; `make pairs` asks other registries. Elsewhere so many questions are drawn
# by seed: each takes a hundredth of a second in both, and the engines differ in `app/db/engine.py` alone.
SAMPLE, DRAWN = 200, 20260108


class Filler:
    """Fills one of two registries: what is open is equal, what is hidden is that registry's own."""

    def __init__(self, world: World, which: int, unnamed: str = "anonymous") -> None:
        """`unnamed`: the class that reports ask for of people whose name the public may not see."""
        self.world, self.which, self.unnamed = world, which, unnamed

    def own(self, hidden: dict[str, tuple[Any, Any]], *without: str) -> Body:
        return {name: values[self.which] for name, values in hidden.items() if name.split("__")[0] not in without}

    def fill(self) -> None:
        world = self.world
        world.add_facility()
        world.add_facility("yare", "Yare", area="Caracas")
        named = {"detainee__full_name": "Ana Paz Rivero", "source_record_id": "1"}
        world.file(**named, **self.own(HIDDEN_OF_THE_NAMED))
        unnamed: Body = {"detainee__publish": self.unnamed, "source_record_id": "2"}
        first = world.file(**unnamed, **self.own(HIDDEN_OF_THE_UNNAMED))
        name = self.own(HIDDEN_OF_THE_UNNAMED)["detainee__full_name"]
        birth = self.own(HIDDEN_OF_THE_UNNAMED)["detainee__birth_date"]
        second = {"detainee__full_name": name, "detainee__birth_date": birth, "detainee__publish": self.unnamed}
        world.file("jep", **second, detainee__gender=None)
        nameless: Body = {"detainee__publish": self.unnamed, "detainee__birth_date": None, "detainee__age": 41}
        nameless |= {"detainee__age_on": "2026-01-12", "release__released_on": "2026-01-11", "source_record_id": "3"}
        world.file("pud", **nameless, **self.own(SAID_AT_ALL))
        counted: Body = {"detainee__publish": "counted", "source_record_id": "4"}
        world.file("foro", **counted, **self.own(HIDDEN_OF_THE_COUNTED))
        world.file(GOVERNMENT, **{**counted, **self.own(HIDDEN_OF_THE_COUNTED)}, verification__verdict="reported")
        world.file_detention("jep", **counted, **self.own(HIDDEN_OF_THE_COUNTED, "release"))
        withdrawn: Body = {"detainee__full_name": "Berta Solano Ugas", "source_record_id": "5"}
        left = world.file("pud", **withdrawn, detainee__gender="female", release__released_on="2026-01-10")
        held: Body = {"detainee__publish": self.unnamed, "source_record_id": "6", "detention__held_on": "2026-02-20"}
        own = self.own(HIDDEN_OF_THE_UNNAMED, "release")
        world.file_detention("foro", **held, **own | {"detainee__full_name": f"{own['detainee__full_name']} Ibarra"})
        erased = world.file("jep", **self.own(HIDDEN_OF_THE_UNNAMED) | {
            "detainee__full_name": ("Celso Arias Oria", "Noelia Vega Ochoa")[self.which], "source_record_id": "7",
            "detainee__birth_date": ("1930", "1966")[self.which], "detainee__publish": "named"})  # fmt: skip
        self.claim("a note", "another note")
        world.verify(first["release"]["id"], "pud", verdict="verified", method="lawyer", kind="amnesty")
        world.consent(left["detainee"]["id"], "counted", given_by=("her sister", "herself")[self.which])
        world.redact(erased["detainee"]["id"])
        self.hidden_days(left["release"]["id"])
        self.correct(unnamed, named, counted)

    def hidden_days(self, release: str) -> None:
        """Days and methods of people who may only be counted, or could only be counted once: by a report, by a birth,
        by a curator's consent; with a later detention, erased, and opened again."""
        world, own = self.world, self.own
        told: Body = {"detainee__full_name": "Berta Solano Ugas", "source_record_id": "5"}
        world.file("pud", **told, release__released_on="2026-01-10", **own(HIDDEN_DAYS))
        world.verify(release, "pud", verdict="verified", method=("lawyer", "photo_video")[self.which])
        child: Body = {"detainee__full_name": "Iván Robles Tovar", "detainee__birth_date": "2009-04"}
        world.file("foro", **child, source_record_id="8", **own(SECOND_HAND))
        world.file("jep", **child, source_record_id="8", **own(HIDDEN_DAYS))
        for name, case in (("Olga Pinto Reyes", "9"), ("Hugo Lares Brito", "10")):
            closed: Body = {"detainee__full_name": name, "detainee__publish": "counted"}
            out = world.file("jep", **closed, source_record_id=case, release__released_on="2026-01-15",
                             **own(HIDDEN_DAYS))  # fmt: skip
            again = world.file_detention("jep", **closed, source_record_id=f"{case}-2", **own(OTHER_HIDDEN_DAYS))
            world.judge(out["detainee"]["id"], again["detainee"]["id"], "same")
            if case == "9":
                world.consent(out["detainee"]["id"], "named", given_by=("her sister", "herself")[self.which])
            else:
                world.redact(out["detainee"]["id"])

    def correct(self, unnamed: Body, named: Body, counted: Body) -> None:
        """New versions that change in each registry something else that is hidden."""
        other: Body = {"detainee__father_name": "Luis"} if self.which else {"detention__place": "a farm"}
        self.world.file(**named, **{**self.own(HIDDEN_OF_THE_NAMED), **other})
        other = {"detainee__gender": "other"} if self.which else {"note": "asked again"}
        self.world.file(**unnamed, **{**self.own(HIDDEN_OF_THE_UNNAMED), **other})
        other = {"detainee__nationalities": ["CO"]} if self.which else {"detention__place": "a cellar"}
        self.world.file("foro", **counted, **{**self.own(HIDDEN_OF_THE_COUNTED), **other})

    def claim(self, *notes: str) -> None:
        claim = {"claimant": "jep", "measure": "released", "qualifier": "at_least", "low": 3, "country": "VE",
                 "window_from": "2026-01-08", "stated_at": "2026-01-14T20:00:00Z", "note": notes[self.which],
                 "definition": {"terms": {"gender": "female"}}}  # fmt: skip
        assert self.world.post("/v1/claims", claim, "foro").status_code == 201


@pytest.fixture(scope="module", params=ENGINES)
def two(request: pytest.FixtureRequest, templates: Templates) -> Iterator[tuple[World, World]]:
    with twins(templates, request.param) as worlds:
        for which, world in enumerate(worlds):
            Filler(world, which).fill()
        yield worlds


@pytest.mark.parametrize("is_whole", [pytest.param(True, marks=pytest.mark.campaign), False])
def test_what_a_reader_may_not_see_changes_no_byte_of_any_public_answer(
    two: tuple[World, World], *, is_whole: bool
) -> None:
    asks_all = is_whole and two[0].engine.dialect.name == "sqlite"
    found = list(
        differences(*two) if asks_all else differences(*two, chosen=Random(DRAWN + 2 * is_whole), sample=SAMPLE)
    )
    assert not found, "\n\n".join("\n".join(one) for one in found[:3]) + f"\n{[asked for asked, *_rest in found]}"


@pytest.mark.parametrize("kind", ENGINES)
def test_names_that_only_reports_ask_for_change_no_public_byte_where_the_operator_shows_none(
    kind: str, templates: Templates
) -> None:
    with twins(templates, kind, names="off") as worlds:
        for which, world in enumerate(worlds):
            Filler(world, which, unnamed="named").fill()
        found = list(differences(*worlds, chosen=Random(DRAWN + 1), sample=SAMPLE))
        for world in worlds:
            world.app.state.names = "list"
        assert next(differences(*worlds, among=["/v1/detainees"]), None), "the two are not equal by being empty"
    assert not found, "\n\n".join("\n".join(one) for one in found[:3]) + f"\n{[asked for asked, *_rest in found]}"


def test_what_is_hidden_changes_no_byte_of_a_match_a_comparison_or_a_trial(two: tuple[World, World]) -> None:
    for world in two:
        world.add_source("later")
    names = Names(two[0]), Names(two[1])
    for hidden in (HIDDEN_OF_THE_UNNAMED, HIDDEN_OF_THE_COUNTED):
        for guessed in (0, 1):
            person = {name: values[guessed] for name, values in hidden.items()}
            body = make_report(**person, source_record_id="L-1")
            first, second = (
                [name.mapped(text) for text in match(world, body)] for world, name in zip(two, names, strict=True)
            )
            assert first == second
            assert json.loads(first[0])["candidates"] == []
            seen = [names[which].told(two[which].post("/v1/match", body, "reader")) for which in (0, 1)]
            assert seen[0] != seen[1], "the two are not equal by being empty"


def match(world: World, body: Body) -> list[str]:
    """What a source that has reported nobody is told of the person, by each way to ask without filing."""
    row = json.dumps(body)
    compared = world.client.post("/v1/match/list", files={"file": ("list.jsonl", row)}, headers=world.headers("later"))
    tried = world.send_list(row, "later", dry_run=True)
    answers = [world.post("/v1/match", body, "later"), compared]
    assert [answer.status_code for answer in answers] == [200, 200]
    return [*(answer.text for answer in answers), json.dumps([tried, world.rows_of(tried, "later")])]


def test_what_the_public_may_not_see_of_somebody_changes_no_public_byte_of_the_log(two: tuple[World, World]) -> None:
    def log(world: World) -> list[str]:
        bodies = [
            json.loads(body) for (body,) in world.rows("SELECT body FROM entry WHERE kind = 'report' ORDER BY revision")
        ]
        return [json.dumps(body["said"], sort_keys=True) for body in bodies]

    first, second = map(log, two)
    assert first == second


def test_what_a_reader_may_not_see_changes_nothing_that_metrics_tell_but_times(two: tuple[World, World]) -> None:
    """Whoever scrapes is a reader like others. Both were filled, and are asked, by the same requests."""

    def told(world: World) -> list[str]:
        registry = CollectorRegistry()
        registry.register(StatusCollector(world.app.state))
        lines = (generate_latest(world.app.state.metrics.registry) + generate_latest(registry)).decode().splitlines()
        return [line for line in lines if not re.match(r"\w+_seconds(_sum|_bucket|_total)\b", line)]

    for world in two:
        for path in (
            "/v1/detainees",
            "/v1/releases?q=Zoraida",
            "/v1/counts/releases?gender=female",
            "/v1/sources/foro",
        ):
            assert world.get(path).status_code == world.get(path, "jep").status_code == 200
    first, second = map(told, two)
    assert 'recuento_requests_total{method="POST",route="/v1/releases",status="2xx"}' in "\n".join(first)
    assert first == second


def test_the_test_would_notice(two: tuple[World, World]) -> None:
    """A partner sees the difference: the two are not equal by being empty."""
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions", "/v1/counts/releases"):
        assert next(differences(*two, who="reader", among=[path]), None), path

"""A figure that somebody files in another's name is hearsay until a curator, or a second source, confirms it."""

from typing import Any

import pytest

from app.db.engine import open_write_session
from app.registry import claims
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.vocabulary import Role
from tests.support import Body, World

SAID: Body = {
    "claimant": "ministry", "measure": "released", "qualifier": "more_than", "said": 400, "series": "cumulative",
    "window_from": "2026-01-08", "stated_at": "2026-01-13", "country": "VE", "source_record_id": "F-1",
}  # fmt: skip


def cited(host: str) -> Body:
    return {"citation": {"url": f"https://{host}/cuatrocientos"}}


def claim(world: World, who: str = "foro", **more: Any) -> str:
    answer = world.post("/v1/claims", {**SAID, **more}, who)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def confirm(world: World, claim_id: str, who: str = "curator") -> int:
    return world.post(f"/v1/claims/{claim_id}/confirmation", None, who).status_code


def shown(world: World, claim_id: str, **params: Any) -> Body:
    return dict(world.get(f"/v1/claims/{claim_id}", None, **params).json())


def is_confirmed(world: World, claim_id: str) -> bool:
    return bool(shown(world, claim_id)["confirmed"])


def drawn(world: World) -> list[str]:
    """The figures of the chart."""
    world.file("foro", release__released_on="2026-01-09")
    days = {"by": "event", "released_from": "2026-01-01", "released_to": "2026-01-31"}
    series = world.get("/v1/counts/series", None, interval="month", country="VE", **days).json()
    return [figure["id"] for figure in series["claims"]]


def test_a_figure_filed_by_its_claimant_is_confirmed(world: World) -> None:
    own = claim(world, "ministry")
    assert is_confirmed(world, own)
    assert own in drawn(world)


def test_a_figure_in_the_name_of_another_is_listed_as_hearsay_until_a_curator_confirms_it(world: World) -> None:
    hearsay = claim(world)
    assert [row["confirmed"] for row in world.get("/v1/claims", None).json()["data"]] == [False]
    assert drawn(world) == []
    before = shown(world, hearsay)["at"]["revision"]
    assert confirm(world, hearsay) == 201
    assert is_confirmed(world, hearsay)
    assert drawn(world) == [hearsay]
    assert confirm(world, hearsay) == 200
    assert not shown(world, hearsay, as_of=before)["confirmed"]


def test_a_figure_together_with_another_source_is_hearsay(world: World) -> None:
    assert not is_confirmed(world, claim(world, claimant="foro", joint_with=["ministry"]))


def test_neither_its_filer_nor_a_reporter_confirms_a_figure(world: World) -> None:
    world.add_second_curator()
    hearsay = claim(world, "curator")
    assert confirm(world, hearsay) == 403
    assert confirm(world, hearsay, "foro") == 403
    assert not is_confirmed(world, hearsay)
    assert confirm(world, hearsay, "second curator") == 201
    assert confirm(world, "00000000-0000-4000-8000-000000000000", "curator") == 404


@pytest.mark.parametrize(
    "host, change, is_same",
    [
        ("prensa.example", {}, True),
        ("www.diario.example", {}, False),  # the same publisher
        ("prensa.example", {"said": 500}, False),
        ("prensa.example", {"window_from": "2025-12"}, False),
        ("prensa.example", {"country": "NI"}, False),
    ],
)
def test_two_sources_confirm_the_same_figure_from_two_publishers(
    world: World, host: str, change: Body, is_same: bool
) -> None:
    first = claim(world, "foro", **cited("diario.example"))
    second = claim(world, "jep", **cited(host), **change)
    assert [is_confirmed(world, one) for one in (first, second)] == [is_same, is_same]


def test_one_source_does_not_confirm_itself_with_two_publishers(world: World) -> None:
    first = claim(world, **cited("diario.example"))
    claim(world, **cited("prensa.example"), source_record_id="F-2")
    assert not is_confirmed(world, first)


def test_a_changed_figure_is_hearsay_while_the_confirmed_one_stands(world: World) -> None:
    hearsay = claim(world)
    confirm(world, hearsay)
    claim(world, said=900)
    now = shown(world, hearsay)
    assert (now["low"], now["confirmed"]) == (401, True)
    assert {"field": "low", "before": 401, "after": 901} in now["waiting_changes"]
    assert world.get(f"/v1/claims/{hearsay}/reconciliation", None).json()["claim"]["low"] == 401
    assert world.get("/v1/corrections", None).json()["data"] == []
    assert confirm(world, hearsay) == 201
    assert (shown(world, hearsay)["low"], shown(world, hearsay)["waiting_since"]) == (901, None)
    (correction,) = world.get("/v1/corrections", None).json()["data"]
    assert correction["kind"] == "claim_restated"


def test_two_sources_confirm_a_waiting_change_from_two_publishers(world: World) -> None:
    changed = claim(world)
    confirm(world, changed)
    claim(world, said=900, **cited("diario.example"))
    assert shown(world, changed)["low"] == 401
    before = world.revision
    claim(world, "jep", said=900, **cited("prensa.example"))
    assert (shown(world, changed)["low"], shown(world, changed)["waiting_since"]) == (901, None)
    (correction,) = world.get("/v1/corrections", None).json()["data"]
    assert correction["kind"] == "claim_restated"
    assert changed in [row["id"] for row in world.get("/v1/claims", None, changed_since=before).json()["data"]]


def test_a_figure_that_two_sources_confirmed_stands_while_one_of_them_changes_its_own(world: World) -> None:
    first, second = claim(world, **cited("diario.example")), claim(world, "jep", **cited("prensa.example"))
    claim(world, said=900, **cited("diario.example"))
    assert [(shown(world, one)["low"], shown(world, one)["confirmed"]) for one in (first, second)] == [(401, True)] * 2


@pytest.mark.parametrize("slug", ["foro", "jep"])
def test_a_figure_of_two_sources_is_hearsay_while_one_of_them_is_in_quarantine(world: World, slug: str) -> None:
    both = claim(world, **cited("diario.example")), claim(world, "jep", **cited("prensa.example"))
    world.client.patch(f"/v1/sources/{slug}", json={"quarantined": True}, headers=world.headers("admin"))
    assert not any(is_confirmed(world, one) for one in both)


def test_confirmed_figures_are_listed_alone_by_what_was_confirmed(world: World) -> None:
    confirmed = claim(world)
    confirm(world, confirmed)
    claim(world, country="NI")
    hearsay = claim(world, source_record_id="F-2")

    def listed(**terms: Any) -> list[str]:
        return [row["id"] for row in world.get("/v1/claims", None, **terms).json()["data"]]

    assert listed(confirmed="true", country="VE", limit=1, sort="-added") == [confirmed]
    assert listed(confirmed="true", country="NI") == []
    assert listed(confirmed="false") == [hearsay]
    answer = world.get("/v1/claims", None, confirmed="true", changed_since=1)
    world.refuse(answer, 422, "not_with_changed_since", "/confirmed")


def test_hearsay_waits_in_the_review_after_all_else(world: World) -> None:
    filed = world.file("foro")
    world.verify(filed["release"]["id"], "jep", verdict="disputed", method="family", denies="identity")
    waiting = claim(world)

    def review() -> list[Body]:
        return list(world.get("/v1/review", "curator").json()["data"])

    assert [row["kind"] for row in review()] == ["denied_details", "claim"]
    assert (review()[1]["claim"]["id"], review()[1]["changes"]) == (waiting, [])
    confirm(world, waiting)
    claim(world, said=900)
    assert {"field": "low", "before": 401, "after": 901} in review()[1]["changes"]
    assert review()[1]["claim"]["low"] == 901
    confirm(world, waiting)
    assert [row["kind"] for row in review()] == ["denied_details"]


def test_hearsay_replaces_no_confirmed_figure(world: World) -> None:
    first = claim(world)
    confirm(world, first)
    claim(world, said=900, source_record_id="F-2", supersedes=[first])
    assert drawn(world) == [first]
    assert shown(world, first)["superseded_by"] == []


def test_figures_of_a_source_in_quarantine_are_not_shown_as_confirmed(world: World) -> None:
    filed = claim(world)
    confirm(world, filed)
    own = claim(world, "ministry")
    for slug in ("foro", "ministry"):
        world.client.patch(f"/v1/sources/{slug}", json={"quarantined": True}, headers=world.headers("admin"))
    assert [is_confirmed(world, one) for one in (filed, own)] == [False, False]
    assert drawn(world) == []
    world.client.patch("/v1/sources/foro", json={"quarantined": False}, headers=world.headers("admin"))
    assert is_confirmed(world, filed)


def test_figures_filed_before_there_was_hearsay_are_confirmed(world: World) -> None:
    with open_write_session(world.engine) as session:
        context = WriteContext(session, Reader(Role.CURATOR), world.now, world.app.state.secret)
        outcome = claims.file_claim(context, claims.ClaimIn.model_validate(SAID), is_confirmed=True)
    assert is_confirmed(world, outcome.ids["id"])

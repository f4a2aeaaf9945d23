"""The second model against the rules it is written from, and against the app over a few histories."""

from typing import Any

from app.dates import parse_date
from tests.model.compare import differences, tell
from tests.model.counting import count_overlap, count_releases
from tests.model.held import count_held, state_of
from tests.model.histories import draw
from tests.model.model import Pointer, Registry, Report, Source
from tests.model.spells import spells_of

HISTORIES = range(1, 9)
DATED = {"announced_on": "announced", "ordered_on": "ordered", "released_on": "carried_out"}


def report(name: str, source: str, **said: Any) -> Report:
    """A report: dates by their names on the wire; one with a stage or a day of release is about a release."""
    dates = {DATED.get(key, key): parse_date(value) for key, value in said.items() if key.endswith("_on")}
    about = said.get("stage") or ("carried_out" if "carried_out" in dates else None)
    verdict = said.get("verdict", "verified")
    return Report(
        id=name,
        source=source,
        arrival=said.get("at", 1),
        revision=said.get("at", 1),
        verdict=verdict,
        method=said.get("method", "family"),
        citing=said.get("citing", ()),
        stage=about,
        dates=dict.fromkeys(("announced", "ordered", "carried_out", "detained_on", "held_on")) | dates,
        facts={"kind": said.get("kind"), "country": "VE", "facility": None, "designation": None},
        pointer=Pointer(said["at_release"], "release") if "at_release" in said else None,
    )


def registry(*reports: Report, quarantined: str = "", publish: str = "named") -> Registry:
    """All of one person."""
    sources = {
        name: Source(name, name != "ministry", name == quarantined) for name in ("foro", "jep", "pud", "ministry")
    }
    return Registry({one.id: one for one in reports}, sources, {one.id: "p" for one in reports}, {"p": publish})


def spelled(*reports: Report) -> list[set[str]]:
    return [{one.id for one in spell.reports} for spell in spells_of(registry(*reports), reports)]


def test_a_detention_after_a_release_is_a_spell_of_its_own() -> None:
    first = report("a", "foro", detained_on="2024-01-01", released_on="2025-01-01")
    assert spelled(first, report("b", "jep", detained_on="2025-06-01")) == [{"a"}, {"b"}]
    assert spelled(first, report("b", "jep", detained_on="2025-01-01")) == [{"a"}, {"b"}]
    assert spelled(first, report("b", "jep", detained_on="2024-12-31")) == [{"a", "b"}]


def test_a_release_after_a_later_detention_began_does_not_fit_an_earlier_spell() -> None:
    first = report("a", "foro", detained_on="2024-01-01", released_on="2025-01-01")
    later = report("b", "jep", detained_on="2025-06-01")
    assert spelled(first, later, report("c", "pud", released_on="2025-09-01")) == [{"a"}, {"b", "c"}]
    assert spelled(first, later, report("c", "pud", stage="carried_out")) == [{"a", "c"}, {"b"}]


def test_the_same_day_cuts_only_if_the_one_that_ended_was_detained_earlier() -> None:
    again = report("b", "jep", detained_on="2025-01-01")
    assert spelled(report("a", "foro", released_on="2025-01-01"), again) == [{"a", "b"}]


def test_a_pointer_beats_days_until_they_contradict() -> None:
    first = report("a", "foro", detained_on="2024-01-01", released_on="2025-01-01")
    later = report("b", "jep", detained_on="2025-06-01")
    assert spelled(first, later, report("c", "pud", stage="carried_out", at_release="b")) == [{"a"}, {"b", "c"}]
    apart = report("c", "pud", released_on="2024-12", at_release="b")
    assert spelled(first, later, apart) == [{"a", "c"}, {"b"}]


def test_what_stands_alone_ends_before_the_next_begins() -> None:
    first = report("a", "foro", detained_on="2024-01-01", released_on="2025-01-01")
    later = report("b", "jep", detained_on="2025-06-01")
    for out, spells in (("2025-05-31", [{"a"}, {"m"}, {"b"}]), ("2025-06-01", [{"a"}, {"b", "m"}])):
        assert spelled(first, later, report("m", "ministry", detained_on="2025-03-01", released_on=out)) == spells


def test_a_verification_that_its_source_disputes_since_holds_back_no_end() -> None:
    out = report("a", "jep", detained_on="2024-01-01", released_on="2025-01-01", method="official_statement")
    seen = report("b", "pud", detained_on="2024-01-01")
    since = report("c", "pud", detained_on="2024-01-01", verdict="disputed", at=2)
    assert state_of(registry(out, seen), "p")["state"] == "held"
    assert state_of(registry(out, seen, since), "p")["state"] == "released"


def test_others_never_split_a_spell_nor_end_it() -> None:
    held = report("a", "foro", detained_on="2024-01-01")
    out = report("m", "ministry", released_on="2025-01-01")
    again = report("n", "ministry", detained_on="2025-06-01")
    assert spelled(held, out, again) == [{"a", "m", "n"}]
    assert state_of(registry(held, out), "p")["state"] == "held"
    assert spelled(held, report("m", "ministry", released_on="2023-01-01")) == [{"m"}, {"a"}]


def test_disjoint_releases_with_no_detention_between_are_one_dated_by_an_interval() -> None:
    known = registry(report("a", "foro", released_on="2026-01-08"), report("b", "jep", released_on="2026-01-12"))
    assert count_releases(known, {})["total"]["releases"] == 1
    assert count_releases(known, {"released_from": "2026-01-08"})["total"]["releases"] == 1
    assert count_releases(known, {"released_from": "2026-01-09"})["uncertain_date"] == 1
    by_source = count_releases(known, {"released_from": "2026-01-09", "group_by": ["source"]})["groups"]
    assert {key[0]: group["verified"] for key, group in by_source.items()} == {"jep": 1}


def test_days_that_only_others_give_date_no_independent_verification() -> None:
    ours = report("a", "foro", stage="carried_out")
    known = registry(ours, report("m", "ministry", released_on="2026-01-08"))
    assert count_releases(known, {"released_from": "2026"})["uncertain_date"] == 1
    alone = registry(report("m", "ministry", released_on="2026-01-08"))
    assert count_releases(alone, {"released_from": "2026"})["total"]["reported"] == 1


def test_status_follows_from_independent_verdicts() -> None:
    def status(*reports: Report, **more: Any) -> dict[str, int]:
        total = count_releases(registry(*reports, **more), {})["total"]
        return {name: total[name] for name in ("verified", "contested", "reported", "refuted") if total[name]}

    verified = report("a", "foro", released_on="2026-01-08")
    refuted = report("b", "jep", released_on="2026-01-08", verdict="refuted")
    assert status(verified) == {"verified": 1}
    assert status(verified, quarantined="foro") == {"reported": 1}
    assert status(verified, refuted) == {"contested": 1}
    assert status(report("a", "foro", released_on="2026-01-08", method="press"), refuted) == {"refuted": 1}
    assert status(report("m", "ministry", released_on="2026-01-08", verdict="refuted")) == {}
    assert status(report("a", "foro", released_on="2026-01-08", verdict="retracted")) == {}


def test_net_drops_a_release_that_an_independent_source_says_was_followed_by_a_detention() -> None:
    out = report("a", "foro", detained_on="2024-01-01", released_on="2025-01-01")
    for who, left in (("jep", 0), ("ministry", 1)):
        known = registry(out, report("b", who, detained_on="2025-06-01"))
        assert count_releases(known, {"net": True})["total"]["releases"] == left
        assert count_releases(known, {"net": True, "released_to": "2025-05"})["total"]["releases"] == 1


def test_what_others_verified_is_ended_by_an_independent_verification_only() -> None:
    held = report("a", "foro", detained_on="2024-01-01")
    said = report("b", "jep", released_on="2025-01-01", verdict="reported", method="press")
    assert state_of(registry(held, said), "p")["state"] == "held"
    assert count_held(registry(held, said), {"held_on": "2025-06-01"})["total"]["detentions"] == 1
    assert state_of(registry(held, report("b", "jep", released_on="2025-01-01")), "p")["state"] == "released"


def test_people_who_may_only_be_counted_are_told_apart() -> None:
    known = registry(report("a", "foro", released_on="2026-01-08"), publish="counted")
    assert count_releases(known, {})["total"]["counted_apart"] == 1
    assert count_releases(known, {"facility": "el-rodeo-i"})["not_visible"] == 1
    assert count_overlap(known, {})["patterns"] == {("foro",): 1}


def test_the_app_and_the_model_give_the_same_answers() -> None:
    found = [(draw(seed), one) for seed in HISTORIES for one in differences(seed, 1)]
    assert not found, "\n".join(tell(steps, one) for steps, one in found[:3])

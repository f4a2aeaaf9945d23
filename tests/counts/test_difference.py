"""A cited count then and now: each kind of change happens once, is told once, and then + changes = now on any terms."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from app.counts.difference import CHANGE_LABELS, MAX_CASES, Case, _select_round_robin, format_change_summary
from tests.support import NOW, Body, World

JANUARY = {"released_from": "2026-01-08", "released_to": "2026-01-31"}
PRESS: Body = {"verification": {"verdict": "reported", "method": "press"}}
LATER: Body = {"release__released_on": "2026-02-10"}
# Invented people: no two share a word of their name, so that nobody is tied to anybody unasked.
NAMES = (
    "Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada", "Dorotea Bracho", "Evaristo Marcano", "Fidelina Yánez",
    "Gumersindo Olivo", "Herminia Tovar", "Isidoro Cedeño", "Jacinta Perozo", "Leocadio Rangel", "Macaria Sifontes",
    "Nicanor Villasmil", "Obdulia Guanipa", "Policarpo Ferrer", "Quiteria Azuaje", "Remigio Colmenares",
    "Sinforosa Natera", "Teodoro Insausti", "Ursulina Parra", "Venancio Rojas",
)  # fmt: skip


@dataclass
class Then:
    """A registry in which everything changed after one revision, and what was asked at that revision."""

    world: World
    revision: int
    filed: dict[str, Body]
    served: dict[str, bytes]
    parted: str
    between: int = 0

    def file(self, name: str, who: str = "foro", **said: Any) -> None:
        number = len(self.filed)
        person = {"detainee__full_name": NAMES[number], "detainee__birth_date": str(1940 + 3 * number)}
        self.filed[name] = self.world.file(who, **person, **said)

    def judge(self, one: str, other: str) -> str:
        a, b = (self.filed[name]["detainee"]["id"] for name in (one, other))
        return str(self.world.judge(a, b, "same")["id"])

    def verify(self, name: str, who: str, verdict: str, **more: Any) -> None:
        self.world.verify(self.filed[name]["release"]["id"], who, verdict=verdict, method="lawyer", **more)

    def amend(self, name: str, **release: Any) -> None:
        report = f"/v1/reports/{self.filed[name]['report']['id']}"
        answer = self.world.client.patch(report, json={"release": release}, headers=self.world.headers("foro"))
        assert answer.status_code == 200, answer.text

    def retract(self, name: str) -> None:
        answer = self.world.post(f"/v1/reports/{self.filed[name]['report']['id']}/retract", {}, "foro")
        assert answer.status_code == 200, answer.text

    def cited(self, who: str | None = None, **terms: Any) -> Body:
        """What the short address of a count at the revision shows today."""
        address = self.world.count(who, as_of=self.revision, **terms)["links"]["cite"]
        answer = self.world.get(address, who)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def changes_of(self, name: str, **terms: Any) -> list[str]:
        release = self.filed[name]["release"]["id"]
        return [case["change"] for case in self.cited(**terms)["difference"]["cases"] if case["id"] == release]


# Terms → how the count is asked for. Each is compared then and now.
TERMS: list[Body] = [
    {},
    JANUARY,
    {"group_by": "source", **JANUARY},
    {"group_by": "release_kind", **JANUARY},
    {"group_by": ["source", "month"]},
    {"release_kind": "release_with_measures", **JANUARY},
    {"release_kind": ["amnesty", "unspecified"]},
    {"net": "true", **JANUARY},
    {"stage": "ordered"},
    {"status": "verified", **JANUARY},
    {"status": ["reported", "contested"]},
    {"status": "refuted"},
    {"source": "foro", **JANUARY},
    {"source": "jep"},
    {"source": "jep", "status": "verified"},
    {"source": "foro", "group_by": "source"},
    {"verified_by": "foro"},
    {"verified_by": ["foro", "jep"], "verified_by_match": "any", **JANUARY},
    {"verified_by": ["foro", "jep"]},
    {"verified_by": "foro", "verified_by_match": "only"},
    {"min_sources": 1, **JANUARY},
    {"min_sources": 2},
    {"max_sources": 0},
    {"min_sources": 1, "max_sources": 1, "group_by": "source_count"},
    {"released_from": "2026-02"},
    {"rearrested": "true"},
    {"state": "released"},
    {"nationality": "VE"},
    {"age_group": "over_70", **JANUARY},
    {"group_by": "gender"},
    {"country": "NI"},
]
PINNED = (
    "/v1/counts/releases?released_from=2026-01-08&group_by=source&as_of=",
    "/v1/counts/releases.csv?group_by=release_kind&group_by=source_count&as_of=",
    "/v1/counts/overlap?released_from=2026-01-08&as_of=",
    "/v1/counts/series?by=event&interval=week&as_of=",
    "/v1/counts/series.csv?by=known&zone=-04:00&as_of=",
    "/v1/estimates/releases?as_of=",
)


@pytest.fixture(scope="module")
def then(lasting: World) -> Then:
    lasting.now = NOW
    made = Then(lasting, 0, {}, {}, "")
    made.file("stays")
    made.file("to be verified", **PRESS)
    made.file("to be retracted")
    made.file("to be refuted", **PRESS)
    made.file("one")
    made.file("the same", "jep")
    made.file("first")
    made.file("second", "jep")
    made.parted = made.judge("first", "second")
    made.file("to be dated later")
    made.file("to be dated earlier", **LATER)
    made.file("to be of another kind")
    made.file("to be withheld")
    made.file("to be contested")
    made.file("to be verified no longer")
    made.file("to be agreed on", **PRESS)
    made.verify("to be agreed on", "jep", "disputed")
    made.file("to be taken again")
    made.file("to be recalled", "pud")
    made.file("to be retracted by one of two")
    made.verify("to be retracted by one of two", "jep", "verified", released_on="2026-01-12")
    made.revision = lasting.revision
    for address in PINNED:
        made.served[address] = lasting.client.get(f"{address}{made.revision}").content
    _everything_changes(made)
    return made


def _everything_changes(made: Then) -> None:
    world, filed = made.world, made.filed
    made.verify("to be verified", "jep", "verified")
    made.retract("to be retracted")
    made.between = world.revision
    made.verify("to be refuted", "jep", "refuted")
    made.judge("one", "the same")
    answer = world.client.delete(f"/v1/identity/{made.parted}", headers=world.headers("curator"))
    assert answer.status_code == 200, answer.text
    made.amend("to be dated later", released_on="2026-02-10")
    made.amend("to be dated earlier", released_on="2026-01-20")
    made.amend("to be of another kind", kind="amnesty")
    world.consent(filed["to be withheld"]["detainee"]["id"], "counted")
    made.verify("to be contested", "jep", "disputed")
    made.verify("to be verified no longer", "foro", "reported")
    made.verify("to be agreed on", "jep", "reported")
    taken = {"detainee_id": filed["to be taken again"]["detainee"]["id"], "detainee": None}
    world.file_detention("foro", **taken, detention__detained_on="2026-01-25")
    made.retract("to be retracted by one of two")
    stolen = {"key_id": world.keys["pud"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", stolen, "admin").status_code == 200
    made.file("newly verified", "jep")
    made.file("newly reported", **PRESS)
    made.file("new and withheld", "jep", detainee__publish="counted")


def test_every_kind_of_change_is_told_once(then: Then) -> None:
    shown = then.cited(**JANUARY)
    once = dict.fromkeys(CHANGE_LABELS.keys() - {"official_only"}, 1)  # no organisation took its report back
    assert shown["difference"]["changes"] == once | {
        "newly_verified": 3
    }  # one that was reported, one new, and one withheld
    assert (shown["cited"]["total"]["cases"], shown["difference"]["added"], shown["difference"]["removed"]) == (
        16,
        5,
        5,
    )
    assert shown["today"]["total"]["cases"] == 16
    assert shown["difference"]["summary"]["en"].startswith(
        "3 newly verified, 1 newly reported, 1 newly contested, 1 no longer verified"
    )
    assert shown["difference"]["summary"]["es"].startswith(
        "3 verificadas después, 1 reportada después, 1 controvertida después"
    )


def test_each_release_is_told_by_what_happened_to_it(then: Then) -> None:
    told = {
        "to be verified": "newly_verified",
        "to be retracted": "retracted",
        "to be recalled": "recalled",
        "to be refuted": "refuted",
        "the same": "merged",
        "second": "separated",
        "to be dated later": "moved_out",
        "to be dated earlier": "moved_in",
        "to be contested": "newly_contested",
        "to be verified no longer": "no_longer_verified",
        "to be agreed on": "no_longer_contested",
        "newly verified": "newly_verified",
        "newly reported": "newly_reported",
    }
    assert {name: then.changes_of(name, **JANUARY) for name in then.filed} == {
        name: [told[name]] if name in told else [] for name in then.filed
    }


@pytest.mark.parametrize(
    "name, change, terms",
    [
        ("to be of another kind", "moved_out", {"release_kind": "release_with_measures"}),
        ("to be of another kind", "moved_in", {"release_kind": "amnesty"}),
        ("to be taken again", "moved_out", {"net": "true"}),
        ("to be retracted by one of two", "retracted", {"source": "foro"}),
        ("to be verified", "newly_verified", {"source": "jep"}),
        ("to be verified no longer", "no_longer_verified", {"source": "foro"}),
        ("to be agreed on", "newly_reported", {"source": "jep"}),
        ("to be contested", "newly_contested", {"status": "verified"}),
        ("to be verified no longer", "no_longer_verified", {"status": "verified"}),
        ("to be verified", "newly_verified", {"status": "verified"}),
        ("to be verified", "moved_in", {"verified_by": "jep"}),
        ("to be retracted by one of two", "moved_out", {"min_sources": 2}),
    ],
)
def test_what_happened_is_told_by_the_terms(then: Then, name: str, change: str, terms: Body) -> None:
    assert then.changes_of(name, **terms) == [change]


def test_a_denial_by_another_source_changes_nothing_in_the_row_of_a_source(then: Then) -> None:
    assert then.changes_of("to be refuted", source="foro") == []


@pytest.mark.uncounted
@pytest.mark.parametrize("who", [None, "reader"])
def test_then_and_the_changes_make_now_on_any_terms(then: Then, who: str | None, subtests: pytest.Subtests) -> None:
    for terms in TERMS:
        with subtests.test(str(terms)):
            shown = then.cited(who, **terms)
            before, today = shown["cited"]["total"], shown["today"]["total"]
            assert before["cases"] + shown["difference"]["added"] - shown["difference"]["removed"] == today["cases"]
            assert (
                sum(shown["difference"]["changes"].values())
                == len(shown["difference"]["cases"]) + shown["difference"]["withheld_cases"]
            )
            assert shown["cited"] == then.world.count(who, as_of=then.revision, **terms)
            assert shown["today"] == then.world.count(who, **terms)
            told = Counter(case["change"] for case in shown["difference"]["cases"])
            assert all(number <= shown["difference"]["changes"][change] for change, number in told.items())


def test_a_partner_sees_every_case_and_the_public_a_number_in_place_of_the_withheld(then: Then) -> None:
    public, partner = then.cited(**JANUARY), then.cited("reader", **JANUARY)
    assert public["difference"]["changes"] == partner["difference"]["changes"]
    assert (public["difference"]["withheld_cases"], partner["difference"]["withheld_cases"]) == (1, 0)
    withheld = then.filed["new and withheld"]["release"]["id"]
    assert [case["id"] for case in partner["difference"]["cases"] if case not in public["difference"]["cases"]] == [
        withheld
    ]


def test_withdrawing_consent_is_no_change_of_a_count_and_hides_the_case(then: Then) -> None:
    assert then.changes_of("to be withheld") == []
    assert then.cited(**JANUARY)["today"]["caveats"]["withheld"] == 2
    assert then.cited(**JANUARY)["cited"]["caveats"]["withheld"] == 0


def test_as_of_its_own_revision_nothing_has_changed(then: Then) -> None:
    address = then.world.count(as_of=then.revision)["links"]["cite"]
    shown = then.world.get(address, as_of=then.revision).json()
    assert shown["cited"] == shown["today"]
    assert (
        shown["difference"]["added"],
        shown["difference"]["removed"],
        shown["difference"]["changes"],
        shown["difference"]["cases"],
    ) == (0, 0, {}, [])
    assert shown["difference"]["summary"] == {"en": "nothing has changed", "es": "nada ha cambiado"}


def test_at_a_revision_between_the_changes_until_then_are_told(then: Then) -> None:
    address = then.world.count(as_of=then.revision, **JANUARY)["links"]["cite"]
    shown = then.world.get(address, as_of=then.between).json()
    assert shown["difference"]["changes"] == {"newly_verified": 1, "retracted": 1}
    assert shown["today"]["at"]["revision"] == shown["at"]["revision"] == then.between


def test_what_was_pinned_is_the_same_bytes_after_everything_changed(then: Then) -> None:
    for address, content in then.served.items():
        assert then.world.client.get(f"{address}{then.revision}").content == content, address


def test_of_many_cases_some_of_each_change_are_listed() -> None:
    many = [Case(spell, "newly_verified") for spell in range(MAX_CASES + 5)]
    rare = [Case(spell, "retracted") for spell in range(3)]
    listed = _select_round_robin([*many, *rare])
    assert (len(listed), listed[-3:]) == (MAX_CASES, rare)
    assert listed[:-3] == many[: MAX_CASES - 3]
    assert _select_round_robin(rare) == rare


@pytest.mark.parametrize("number", [1, 2])
def test_every_change_has_words_in_both_languages_for_one_and_for_several(number: int) -> None:
    for change in CHANGE_LABELS:
        for lang in ("en", "es"):
            assert format_change_summary({change: number}, lang).startswith(f"{number} ")
    assert format_change_summary({"newly_verified": 3, "retracted": 1, "merged": 2}, "en") == (
        "3 newly verified, 1 retracted, 2 merged with others"
    )

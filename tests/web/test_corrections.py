"""The page of corrections, and how each is told in words."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from app.queries.correction_candidates import CLAIM_KINDS
from app.vocabulary import CorrectionKind
from app.web.corrections import Change, CorrectionFormatter
from app.web.rendering import load_catalogue
from tests.support import GOVERNMENT, World

PAGE = {"accept": "text/html"}
CARACAS = ZoneInfo("America/Caracas")
NAMES = {"foro": "Foro Penal", "evil": '<img src=x onerror="1">\u202e' + "x" * 300}
CLAIM = "6b123fd0-09f7-439a-bd25-d57ed726b5f6"


def correction(kind: str, *changes: tuple[str, Any, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "revision": 7,
        "recorded_at": "2026-01-13T20:00:00Z",
        "source": "foro",
        "release_id": "r",
        "detention_id": "d",
        "detainee_ids": ["p"],
        "claim_ids": [],
        "claimant": None,
        "changes": [{"field": field, "before": before, "after": after} for field, before, after in changes],
    } | more


def of_figure(kind: str, *changes: tuple[str, Any, Any], claimant: str | None = "foro") -> dict[str, Any]:
    nobody: dict[str, Any] = {"release_id": None, "detainee_ids": [], "source": None}
    return correction(kind, *changes, claim_ids=[CLAIM], claimant=claimant, **nobody)


def teller(language: str = "es", claim: dict[str, Any] | None = None) -> CorrectionFormatter:
    claims = {} if claim is None else {CLAIM: claim}
    return CorrectionFormatter(
        load_catalogue(language), CARACAS, lambda slug: NAMES.get(slug, slug), lambda path: f"/es{path}", claims
    )


def words(sentence: str) -> str:
    return Markup(sentence).striptags()


@pytest.mark.parametrize(
    "kind,spanish,english",
    [
        ("retracted", "retiró lo que había dicho de una excarcelación", "took back what it had said of a release"),
        ("refuted", "desmintió una excarcelación", "refuted a release"),
        ("disputed", "cuestionó lo que se dice de una excarcelación", "disputed what is said of a release"),
        ("restated", "rectificó lo que dice de una excarcelación", "changed what it says of a release"),
    ],
)
def test_who_did_what_is_one_sentence(kind: str, spanish: str, english: str) -> None:
    assert words(teller("es").format_correction(correction(kind)).sentence) == f"Foro Penal {spanish}"
    assert words(teller("en").format_correction(correction(kind)).sentence) == f"Foro Penal {english}"
    of_detention = correction(kind, release_id=None)
    assert words(teller("es").format_correction(of_detention).sentence).endswith("detención")


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", CorrectionKind)
def test_every_kind_has_its_sentence(language: str, kind: CorrectionKind) -> None:
    of_claims = kind in CLAIM_KINDS | {CorrectionKind.CLAIM_RETRACTED}
    row = of_figure(kind) if of_claims else correction(kind, ("entries", 3, 0))
    told = teller(language).format_correction(row)
    assert "Foro Penal" in told.sentence
    assert "%(" not in told.sentence


def test_curators_join_and_part_people() -> None:
    joined = teller().format_correction(correction("merged", source=None, release_id=None, detainee_ids=["a", "b"]))
    assert words(joined.sentence) == "La curaduría unió dos fichas: son de una misma persona"
    assert joined.page == "/es/people/a"


def test_a_recall_says_how_many_entries_and_whether_they_count_again() -> None:
    gone, back = (
        teller().format_correction(correction("recalled", ("entries", *pair), detainee_ids=[]))
        for pair in ((412, 0), (0, 3))
    )
    assert words(gone.sentence) == "Se retiró de una vez lo que escribió una clave de Foro Penal: 412 entradas"
    assert words(back.sentence) == "Vuelve a valer lo que escribió una clave de Foro Penal: 3 entradas"
    assert (gone.changes, gone.page) == ([], None)


def test_values_are_told_in_words() -> None:
    told = teller().format_correction(
        correction(
            "restated",
            ("verdict", "refuted", "reported"),
            ("kind", "amnesty", "acquittal"),
            ("released_on", None, "2026-01-08/2026-01-09"),
            ("held_on", "2026-01", None),
            ("citing", [], ["foro"]),
            ("country", "VE", "AR"),
        )
    )
    assert told.changes == [
        Change("lo que dice", "desmiente", "reporta"),
        Change("tipo de excarcelación", "amnistía", "absolución"),
        Change("fecha de excarcelación", None, "entre el 8 ene 2026 y el 9 ene 2026"),
        Change("última vez que constaba en prisión", "ene 2026", None),
        Change("según", None, "Foro Penal"),
        Change("país", "Venezuela", "Argentina"),
    ]


def test_a_figure_is_told_as_it_was_said() -> None:
    row = of_figure("claim_superseded", ("low", 401, 501), ("stated_at", "2026-01-13", "2026-01-14T16:00:00-04:00"))
    claim = {"id": CLAIM, "qualifier": "more_than", "low": 501, "high": None}
    told = teller(claim=claim).format_correction(row)
    assert words(told.sentence) == "Foro Penal sustituyó su cifra"
    assert told.changes[0] == Change("", "más\xa0de\xa0400", "más\xa0de\xa0500")
    assert told.changes[1] == Change("fecha en que se dijo", "13 ene 2026", "14 ene 2026, 16:00")
    assert (told.page, told.is_of_figure) == (f"/es/claims/{CLAIM}", True)


def test_a_figure_that_is_not_known_is_told_by_its_numbers() -> None:
    exact = of_figure("claim_superseded", ("low", 897, 896), ("high", 897, 896))
    assert teller().format_correction(exact).changes == [Change("", "897", "896")]
    open_ended = of_figure("claim_superseded", ("low", 401, 501))
    assert teller().format_correction(open_ended).changes == [Change("mínimo", "401", "501")]
    # It was corrected once more since, so that what it says today is not what it said then.
    since = {"id": CLAIM, "qualifier": "exactly", "low": 600, "high": 600}
    assert teller(claim=since).format_correction(open_ended).changes == [Change("mínimo", "401", "501")]


def test_a_figure_of_nobody_known_is_told_without_a_name() -> None:
    told = teller("en").format_correction(of_figure("claim_restated", ("measure", "held", "released"), claimant=None))
    assert words(told.sentence) == "The record of a published figure was corrected"


def test_a_hostile_name_is_text() -> None:
    sentence = teller().format_correction(correction("refuted", source="evil")).sentence
    assert "<img" not in sentence
    assert "<bdi>&lt;img" in sentence


def test_the_page_tells_what_stood_before_and_leads_to_the_case(world: World) -> None:
    filed = world.file(source_record_id="1")
    world.file(source_record_id="1", release__released_on="2026-01-20")
    page = world.client.get("/es/corrections", headers=PAGE)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    assert re.search(r"<del>.*12 ene 2026</del>.*<strong>.*20 ene 2026</strong>", page.text)
    assert f'href="/es/people/{filed["detainee"]["id"]}"' in page.text
    assert 'rel="alternate" type="application/atom+xml" href="/v1/corrections.atom?lang=es"' in page.text
    assert "Marzo de 2026".casefold() in page.text.casefold()


def test_the_page_is_filtered_as_the_api_is(world: World) -> None:
    filed = world.file(source_record_id="1")
    world.file(source_record_id="1", release__released_on="2026-01-20")
    world.verify(filed["release"]["id"], "jep", verdict="refuted", method="family")
    page = world.client.get(
        "/en/corrections?correction_kind=refuted&source=jep&country=&since=2026-01-01", headers=PAGE
    ).text
    assert "refuted a release" in page
    assert "changed what it says" not in page
    assert '<option value="refuted" selected>' in page
    assert '<option value="jep" selected>' in page
    assert 'value="2026-01-01"' in page
    assert "/v1/corrections.atom?correction_kind=refuted&amp;source=jep&amp;lang=en" in page
    none = world.client.get("/en/corrections?correction_kind=merged", headers=PAGE).text
    assert "There is no such correction." in none


def test_older_corrections_are_a_page_further(world: World) -> None:
    filed = world.file(source_record_id="1")
    for source in ("jep", GOVERNMENT):
        world.verify(filed["release"]["id"], source, verdict="refuted")
    page = world.client.get("/en/corrections?limit=1", headers=PAGE).text
    older = re.search(r'<a href="(/en/corrections\?[^"]+)" rel="next">', page)
    assert older is not None
    following = world.client.get(older[1].replace("&amp;", "&"), headers=PAGE).text
    assert '<a href="/en/corrections">Newest</a>' in following
    assert following.count("refuted a release") == 1


def test_whoever_is_shown_in_no_list_is_only_counted(world: World) -> None:
    filed = world.file(source_record_id="1")
    world.file(source_record_id="1", release__released_on="2026-01-20")
    world.consent(filed["detainee"]["id"], "counted")
    page = world.client.get("/es/corrections", headers=PAGE).text
    assert filed["detainee"]["id"] not in page
    assert "Una corrección es de alguien que ninguna lista puede mostrar." in page


def test_a_filter_that_is_none_is_refused_in_words(world: World) -> None:
    assert world.client.get("/es/corrections?correction_kind=nothing", headers=PAGE).status_code == 422

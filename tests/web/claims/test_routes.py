"""The list of published figures, day by day."""

from typing import Any

import pytest

from app.web.claims import routes
from tests.support import World
from tests.web.claims.pages import html_of, text_of

SAID = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "country": "VE"}


def claim(world: World, number: int, **said: Any) -> str:
    return world.claim({**SAID, "said": number, **said})


def test_figures_stand_day_by_day_with_who_said_them_and_since_when_they_count(world: World) -> None:
    old = claim(world, 897, window_from="2025-12", stated_at="2026-02-09T16:00:00Z", reported_by="La Hoja")
    claim(world, 896, window_from="2025-12", stated_at="2026-02-10", supersedes=[old])
    claim(world, 83, claimant="foro", stated_at="2026-01-14", citation={"url": "https://example.org/a/b?c"})
    page = text_of(world, "/es/claims")
    days = ["10 de febrero de 2026", "9 de febrero de 2026", "14 de enero de 2026"]
    places = [page.index(day) for day in days]
    assert places == sorted(places)
    assert "897 Ministry gobierno" in page
    assert "excarcelaciones, desde diciembre de 2025" in page
    assert "Citada por La Hoja" in page
    assert "corregida después" in page
    assert "excarcelaciones, no dice desde cuándo" in page
    assert "Publicada en example.org" in page
    oldest = text_of(world, "/es/claims?sort=added")
    assert [oldest.index(day) for day in days] == sorted((oldest.index(day) for day in days), reverse=True)


def test_the_list_is_narrowed_without_a_script(world: World) -> None:
    claim(world, 11, stated_at="2026-01-12")
    claim(world, 22, claimant="foro", measure="held", stated_at="2026-01-12", country="NI")
    page = html_of(world, "/en/claims?claimant=foro&measure=held&country=NI")
    assert ">22</a>" in page
    assert ">11</a>" not in page
    assert '<option value="foro" selected>' in page
    assert '<option value="held" selected>' in page
    assert '<option value="NI" selected>Nicaragua</option>' in page
    assert "Nicaragua: held" not in page, "the country is told where there are several"
    assert "Venezuela: releases" in html_of(world, "/en/claims")


def test_a_list_of_nothing_is_a_sentence(world: World) -> None:
    page = html_of(world, "/es/claims?claimant=foro")
    assert "Nadie ha publicado una cifra así." in page
    assert 'href="/es/claims">Todas las cifras publicadas' in page


def test_a_longer_list_goes_on_at_the_same_revision(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "PER_PAGE", 2)
    for number in (31, 32, 33):
        claim(world, number, stated_at=f"2026-01-{number - 20}")
    page = html_of(world, "/es/claims?country=VE")
    assert ">31</a>" not in page
    following = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    claim(world, 34, stated_at="2026-01-20")
    further = html_of(world, following)
    assert f"as_of=r{world.revision - 2}" in following
    assert ">31</a>" in further
    assert ">34</a>" not in further
    assert 'rel="next"' not in further


def test_what_nobody_may_ask_is_refused_in_words(world: World) -> None:
    assert "Esto no se puede mostrar" in html_of(world, "/es/claims?measure=nada", 422)
    assert "Esto no se puede mostrar" in html_of(world, "/es/claims?sort=nada", 422)

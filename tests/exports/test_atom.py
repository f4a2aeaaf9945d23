"""A feed that readers of feeds can read: RFC 4287, and RFC 5005 section 3 for its pages."""

import uuid
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from app.exports.lists import AtomFeed
from app.queries.correction_candidates import CLAIM_FIELDS, CORRECTION_FIELDS
from app.vocabulary import CorrectionKind, Language

ATOM = "{http://www.w3.org/2005/Atom}"
ONE, TWO, THREE, FOUR = (uuid.UUID(int=number) for number in range(1, 5))


def row(**changes: Any) -> Any:
    return {
        "id": ONE, "kind": CorrectionKind.RESTATED, "revision": 17, "recorded_at": "2026-01-14T19:00:00Z",
        "source": "foro-penal", "release_id": TWO, "detention_id": THREE, "detainee_ids": [FOUR], "claim_ids": [],
        "claimant": None,
        "changes": [{"field": "released_on", "before": "2026-01-12", "after": None}],
    } | changes  # fmt: skip


def feed(*rows: Any, base: str = "https://recuento.example", lang: Language = "en", **more: Any) -> Xml.Element:
    page = {"next_path": "/v1/corrections.atom?cursor=x&as_of=r17", "updated_at": "2026-01-14T19:00:00Z"} | more
    text = AtomFeed(FOUR, base, "/v1/corrections.atom?correction_kind=restated", lang=lang, **page).render(list(rows))
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>')
    return Xml.fromstring(text)


def text(parent: Xml.Element, tag: str) -> str | None:
    return parent.findtext("/".join(ATOM + name for name in tag.split("/")))


def links(parent: Xml.Element) -> list[tuple[str | None, str | None]]:
    return [(link.get("rel"), link.get("href")) for link in parent.findall(f"{ATOM}link")]


def test_a_feed_has_what_every_feed_must_have() -> None:
    """RFC 4287 sections 4.1.1 and 4.1.2."""
    found = feed(row())
    entry = found.find(f"{ATOM}entry")
    assert entry is not None
    assert found.tag == f"{ATOM}feed"
    for parent in (found, entry):
        for tag in ("id", "title", "updated", "author/name"):
            assert text(parent, tag), tag
    assert (text(found, "id"), text(entry, "id")) == (FOUR.urn, ONE.urn)
    assert text(entry, "updated") == text(entry, "published") == "2026-01-14T19:00:00Z"
    assert text(entry, "title") == "Restated: foro-penal"
    category = entry.find(f"{ATOM}category")
    assert category is not None
    assert category.get("term") == "restated"


def test_a_figure_is_named_by_whose_it_is_and_in_spanish_what_changed_is_spanish() -> None:
    changes = [
        {"field": name, "before": 897, "after": 896}
        for name in (*CLAIM_FIELDS, *CORRECTION_FIELDS, "ended_on", "status")
    ]
    found = feed(row(claimant="ministry", source=None, changes=changes), lang="es")
    assert text(found, "entry/title") == "Rectificado: ministry"
    said = (text(found, "entry/content") or "").splitlines()
    assert said[CLAIM_FIELDS.index("low")] == "mínimo: 897 → 896"
    assert not {line.partition(":")[0] for line in said} & {change["field"] for change in changes}


def test_a_page_names_itself_and_the_next_one() -> None:
    base = "https://recuento.example"
    assert links(feed()) == [
        ("self", f"{base}/v1/corrections.atom?correction_kind=restated"),
        ("next", f"{base}/v1/corrections.atom?cursor=x&as_of=r17"),
    ]
    assert links(feed(base="", next_path=None)) == [("self", "/v1/corrections.atom?correction_kind=restated")]


def test_an_entry_leads_to_what_it_is_about() -> None:
    entry = feed(row(claim_ids=[ONE])).find(f"{ATOM}entry")
    assert entry is not None
    assert [(rel, href and href.removeprefix("https://recuento.example")) for rel, href in links(entry)] == [
        ("alternate", f"/v1/releases/{TWO}"),
        ("related", f"/v1/detentions/{THREE}"),
        ("related", f"/v1/detainees/{FOUR}"),
        ("related", f"/v1/claims/{ONE}"),
    ]


@pytest.mark.parametrize(
    "lang,title,content",
    [
        ("en", "Merged: curators", "released_on: 2026-01-12 → nothing\nciting: nothing → jep, pud"),
        ("es", "Unificado: curaduría", "excarcelación: 2026-01-12 → nada\ncita a: nada → jep, pud"),
    ],
)
def test_a_feed_speaks_the_language_asked_for(lang: Language, title: str, content: str) -> None:
    changes = [*row()["changes"], {"field": "citing", "before": [], "after": ["jep", "pud"]}]
    found = feed(row(kind=CorrectionKind.MERGED, source=None, changes=changes), lang=lang)
    assert found.get("{http://www.w3.org/XML/1998/namespace}lang") == lang
    assert (text(found, "entry/title"), text(found, "entry/content")) == (title, content)


def test_a_correction_without_changes_says_its_kind() -> None:
    assert text(feed(row(kind=CorrectionKind.PARTED, changes=[])), "entry/content") == "Parted"


def test_what_would_break_the_document_is_written_so_that_it_does_not() -> None:
    change = {"field": "claimant", "before": "a<b>&\"'", "after": "]]>"}
    assert text(feed(row(changes=[change])), "entry/content") == "claimant: a<b>&\"' → ]]>"


def test_a_feed_of_an_empty_registry_is_a_feed() -> None:
    assert text(feed(updated_at=None), "updated") == "1970-01-01T00:00:00Z"

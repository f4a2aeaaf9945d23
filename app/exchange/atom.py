"""A list of corrections as a feed: Atom 1.0 (RFC 4287), its pages linked as RFC 5005 section 3 says (pure)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as Xml

from app.schemas.records import ChangeOut, CorrectionShape
from app.vocabulary import Language, label

MEDIA = "application/atom+xml"
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ATOM = "http://www.w3.org/2005/Atom"
EPOCH = "1970-01-01T00:00:00Z"  # an empty registry has changed nothing yet
TITLE: dict[Language, str] = {"en": "Recuento: corrections", "es": "Recuento: rectificaciones"}
CURATORS: dict[Language, str] = {"en": "curators", "es": "curaduría"}
FIELDS_ES = {
    "verdict": "veredicto", "stage": "etapa", "released_on": "excarcelación", "ordered_on": "orden",
    "announced_on": "anuncio", "kind": "tipo", "measures_lifted_on": "medidas levantadas", "detained_on": "detención",
    "held_on": "visto en prisión", "country": "país", "designation": "designación", "died_on": "fallecimiento",
    "method": "método", "citing": "cita a", "ended_on": "fin de la detención", "ended_how": "cómo terminó",
    "status": "verificación", "claimant": "de quién es la cifra", "measure": "qué cuenta", "qualifier": "cómo se dijo",
    "low": "mínimo", "high": "máximo", "window_from": "desde", "window_to": "hasta", "stated_at": "dicha",
    "zone": "huso horario", "series": "serie", "misprint": "errata", "entries": "entradas",
}  # fmt: skip
NOTHING: dict[Language, str] = {"en": "nothing", "es": "nada"}


@dataclass(frozen=True)
class Feed:
    """One page of a feed. Its addresses are relative to `base`, the registry's public address, which may be empty."""

    id: uuid.UUID
    base: str
    address: str
    following: str | None
    updated: str | None
    lang: Language

    def write(self, rows: Sequence[CorrectionShape]) -> str:
        """The XML document: an entry for each correction, in the order of `rows`."""
        feed = Xml.Element("feed", {"xmlns": ATOM, "xml:lang": self.lang})
        _text(feed, "id", self.id.urn)
        _text(feed, "title", TITLE[self.lang])
        # Each page has its own: the time of its newest entry, or of the revision at which it was read.
        _text(feed, "updated", self.updated or EPOCH)
        _text(_child(feed, "author"), "name", "Recuento")
        self._link(feed, "self", self.address, MEDIA)
        if self.following is not None:
            self._link(feed, "next", self.following, MEDIA)
        for row in rows:
            self._entry(feed, row)
        return DECLARATION + Xml.tostring(feed, encoding="unicode")

    def _entry(self, feed: Xml.Element, row: CorrectionShape) -> None:
        kind = label("correction_kinds", row["kind"], self.lang)
        entry = _child(feed, "entry")
        author = row["source"] or CURATORS[self.lang]
        _text(entry, "id", row["id"].urn)
        _text(entry, "title", f"{kind}: {row['claimant'] or author}")
        _text(entry, "updated", row["recorded_at"])
        _text(entry, "published", row["recorded_at"])
        _text(_child(entry, "author"), "name", author)
        _child(entry, "category", term=str(row["kind"]), label=kind)
        for number, path in enumerate(_paths(row)):
            self._link(entry, "related" if number else "alternate", path, "application/json")
        _child(entry, "content", type="text").text = "\n".join(map(self._change, row["changes"])) or kind

    def _change(self, change: ChangeOut) -> str:
        field = FIELDS_ES.get(change["field"], change["field"]) if self.lang == "es" else change["field"]
        return f"{field}: {self._value(change['before'])} → {self._value(change['after'])}"

    def _value(self, value: Any) -> str:
        if value is None or value == []:
            return NOTHING[self.lang]
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def _link(self, parent: Xml.Element, rel: str, path: str, media: str) -> None:
        _child(parent, "link", rel=rel, href=self.base + path, type=media)


def _paths(row: CorrectionShape) -> list[str]:
    """The addresses of the records that a correction is about, the nearest first."""
    ids = [("releases", row["release_id"]), ("detentions", row["detention_id"])]
    ids += [("detainees", person) for person in row["detainee_ids"]] + [("claims", claim) for claim in row["claim_ids"]]
    return [f"/v1/{collection}/{id}" for collection, id in ids if id is not None]


def _child(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, tag, attributes)


def _text(parent: Xml.Element, tag: str, text: str) -> None:
    _child(parent, tag).text = text

"""Every number on a page stands in the API's answers to that page, all of one revision."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from app.web.api_client import ApiClient
from tests.demo.conftest import Replayed

JANUARY = "country=VE&released_from=2026-01-08&released_to=2026-12-31"
MOMENTS = ("2026-01-13", "2026-02-10")  # the day of "more than 400", and that of 896
PAGES = {
    "home": "/?country=VE&released_from=2026-01-08",
    "claims": "/claims",
    "claim": "/claims/{claim}",
    "people": f"/people?{JANUARY}",
    "person": "/people/{person}",
    "releases": f"/releases?{JANUARY}",
    "count by source": f"/counts?{JANUARY}&group_by=source",
    "count by day and kind": f"/counts?{JANUARY}&group_by=day&group_by=release_kind",
    "count of the held": "/counts/held?country=VE&group_by=source",
    "series": f"/counts/series?{JANUARY}",
    "overlap": f"/counts/overlap?{JANUARY}",
    "estimate": "/estimates/releases?country=VE",
    "sources": f"/sources?{JANUARY}",
    "source": f"/sources/foro-penal?{JANUARY}",
    "corrections": "/corrections",
    "data": "/data",
    "about": "/about",
}
OF_PEOPLE = ("people", "person", "releases")  # which follow consent, and name no revision
OF_ONE = {"claim": "/v1/claims?sort=-added&limit=1", "person": f"/v1/detainees?{JANUARY}&sort=-added&limit=1"}
NUMBER = re.compile(r"\d+")
# Addresses, ids and hashes: their digits count nothing.
NAMED = re.compile(r"\S*/\S*|\b[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b")
SEPARATED = re.compile(r"(?<=\d)[.,](?=\d{3}\b)")
# Moments, which answers have in UTC and pages in the registry's zone.
MOMENT = re.compile(r"\b\d{1,2} (?:de )?(?:ene|feb|mar|abr|may|jun|jul|ago|sept?|oct|nov|dic)[a-z]*|\b\d{1,2}:\d{2}\b")
# What no answer tells: the choices of a form, the code for other sites, and the numbers along an axis.
APART = ("script", "style", "head", "option", "pre")
AXIS = "axis"
# "More than 400" is a claim whose low is 401, "fewer than 58" one whose high is 57.
BEYOND = (("low", -1), ("high", 1))
# What pages work out of answers, which tests of those pages prove: how long somebody was held, how far a source's own
# series lies from its records, and the level of an interval.
WORKED_OUT = {
    "person": re.compile(r"(?:entre \d+ y )?\d+ días"),
    "source": re.compile(r"\N{MINUS SIGN}\d+"),
    "estimate": re.compile(r"95\s%"),
}


class Texts(HTMLParser):
    """The texts of a page that tell something counted."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._apart: list[str] = []
        self._axis = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in APART:
            self._apart.append(tag)
        self._axis = self._axis or AXIS in (dict(attrs).get("class") or "").split()

    def handle_endtag(self, tag: str) -> None:
        if tag in APART:
            self._apart.remove(tag)
        self._axis = self._axis and tag != "text"

    def handle_data(self, data: str) -> None:
        tick = self._axis and SEPARATED.sub("", data).strip().isdigit()
        if not self._apart and not tick:
            self.texts.append(data)


def numbers_in(page: str, worked_out: re.Pattern[str] | None) -> set[int]:
    texts = Texts()
    texts.feed(page)
    told = MOMENT.sub(" ", SEPARATED.sub("", NAMED.sub(" ", " ".join(texts.texts))))
    return set(map(int, NUMBER.findall(worked_out.sub(" ", told) if worked_out else told)))


def numbers_told(answers: list[dict[str, Any]]) -> set[int]:
    """Every number in the answers, how many parts each of their lists has, what claims are bounds of, and three sums of
    them: sources' standing words, where a funnel begins; what large lists share; what others verified."""
    told: set[int] = set()
    _collect(answers, told)
    for answer in answers:
        groups = answer.get("groups", [])
        if groups and "source" in groups[0]["by"]:
            words = ("verified", "reported", "official_only", "disputed", "refuted")
            told.add(sum(group["counts"].get(word, 0) for group in groups for word in words))
        if "patterns" in answer:
            told.add(shared_by_large(answer))
        if "then" in answer:
            told |= verified_by_others(answer["then"]) | verified_by_others(answer["now"])
    return told


def shared_by_large(overlap: dict[str, Any]) -> int:
    """How many releases the large lists share, which the heading of an overlap says: those of at least half as many as
    the largest has."""
    verified = {source["source"]: source["verified"] for source in overlap["sources"]}
    large = {source for source, number in verified.items() if number * 2 >= max(verified.values())}
    return sum(pattern["cases"] for pattern in overlap["patterns"] if large <= set(pattern["sources"]))


def verified_by_others(known: dict[str, Any]) -> set[int]:
    """How many of what is laid beside a claim were verified by other sources than one, for each source."""
    return {known["total"]["by_min_sources"].get("1", 0) - verified for verified in known["by_source"].values()}


def _collect(value: Any, told: set[int]) -> None:
    if isinstance(value, dict):
        told.update(value[bound] + step for bound, step in BEYOND if isinstance(value.get(bound), int))
        for name, part in value.items():
            _collect(name, told)
            _collect(part, told)
    elif isinstance(value, list):
        told.add(len(value))
        for part in value:
            _collect(part, told)
    elif isinstance(value, str):
        told.update(map(int, NUMBER.findall(NAMED.sub(" ", value))))
    elif isinstance(value, float):
        _collect(f"{value:.1f}", told)
    elif isinstance(value, int):
        told.add(value)


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The bodies that pages read, as a client of the API would get them."""
    bodies: list[dict[str, Any]] = []
    ask = ApiClient._call_route

    async def record_body(self: ApiClient, route: Any, values: Any, run: Any) -> Any:
        body = await ask(self, route, values, run)
        bodies.append(body)
        return body

    monkeypatch.setattr(ApiClient, "_call_route", record_body)
    return bodies


def address_of(replayed: Replayed, name: str, moment: str) -> str:
    """The address of a page as of a moment; of a claim or a person, that of the newest there was."""
    path, _mark, query = PAGES[name].partition("?")
    for kind, listed in OF_ONE.items():
        if f"{{{kind}}}" in path:
            path = path.format_map({kind: replayed.get(listed, as_of=moment)["data"][0]["id"]})
    return f"/es{path}?{query}&as_of={moment}"


@pytest.mark.parametrize("replayed", ["sqlite"], indirect=True)  # pages know no engine, and the API is the same on both
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_number_on_a_page_is_told_by_the_api(
    replayed: Replayed, answers: list[dict[str, Any]], name: str, moment: str
) -> None:
    address = address_of(replayed, name, moment)
    page = replayed.client.get(address)
    assert page.status_code == 200, page.text
    revision = replayed.get("/v1/sources", as_of=moment)["at"]["revision"]
    assert max(answer["at"]["revision"] for answer in answers) == revision, "what was known earlier is asked beside it"
    shown = numbers_in(page.text, WORKED_OUT.get(name))
    assert revision in shown or name in OF_PEOPLE
    assert sorted(shown - numbers_told(answers)) == []

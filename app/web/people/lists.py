"""The lists of people and of releases, and how many they are by the count of the same terms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.formats import lowered
from app.vocabulary import Stage
from app.web.asking import together
from app.web.page import Page
from app.web.people.filters import PAGING, PINS, Form, form_of
from app.web.people.telling import Json, Telling, read_facilities

PEOPLE, RELEASES = "/people", "/releases"
API = {PEOPLE: "/v1/detainees", RELEASES: "/v1/releases"}
# Terms of lists that no count has.
OF_LISTS = ("q", "id", "changed_since", "sort")
MOST_AT_ONCE = 200  # people that the API reads at once: as many as the longest page has rows


@dataclass(frozen=True)
class Row:
    """A row of either list. `person`: the name, or what is told instead of it; `named`: it is the name."""

    address: str
    person: str
    named: bool
    day: str
    place: str
    what: str
    status: str
    sources: Sequence[str]


@dataclass(frozen=True)
class ListView:
    """A list as it is shown. `count`: the answer to the count of the same terms, where there is one.
    `today`: the same list as it stands today, where this one is of the past."""

    path: str
    form: Form
    rows: Sequence[Row]
    count: Json | None
    withheld: int
    not_visible: int
    following: str | None
    first: str | None
    files: Sequence[tuple[str, str]]
    leaves_stage_open: bool
    today: str | None


async def read_list(path: str, page: Page) -> ListView:
    """A page of a list. Three questions, and a fourth for the people of releases."""
    asked = {name: value for name, value in page.terms.items() if name not in ("as_of", "zone", "format")}
    answer, count, facilities = await together(
        page.api.get(API[path], asked), _count(page, asked), read_facilities(page)
    )
    telling = Telling(page, facilities)
    data = [record for record in answer["data"] if not record.get("gone")]
    if path == RELEASES:
        people = await _people_of(page, data)
        rows = [_release(release, people.get(release["detainee_id"]), telling) for release in data]
    else:
        rows = [_person(person, telling) for person in data]
    here = {name: value for name, value in page.terms.items() if name not in PAGING}
    unpinned = {name: value for name, value in here.items() if name not in PINS}
    whole = unpinned | {"as_of": page.revision}
    return ListView(
        path=path,
        form=form_of(path, page, facilities, telling),
        rows=rows,
        count=count,
        withheld=(count or {}).get("withheld") or 0,
        not_visible=answer.get("not_visible") or 0,
        following=answer["next"] and page.behind(answer["next"]),
        first=page.address(path, here) if "cursor" in page.terms else None,
        files=[
            (name, f"{API[path]}?{urlencode({**whole, 'format': form}, doseq=True)}")
            for name, form in (("CSV", "csv"), ("JSON Lines", "jsonl"))
        ],
        leaves_stage_open=path == RELEASES and "stage" not in page.terms,
        today=page.address(path, unpinned) if "as_of" in page.terms else None,
    )


async def _count(page: Page, asked: Mapping[str, Any]) -> Json | None:
    """The count of the same terms; none of a search, which no count has."""
    if any(name in asked for name in ("q", "id", "changed_since")):
        return None
    terms = {name: value for name, value in asked.items() if name not in (*OF_LISTS, *PAGING)}
    counted: Json = await page.api.get("/v1/counts/releases", terms)
    return counted


async def _people_of(page: Page, releases: Sequence[Json]) -> dict[str, Json]:
    """The people of a page of releases, by id."""
    ids = list(dict.fromkeys(release["detainee_id"] for release in releases))
    if not ids:
        return {}
    answer = await page.api.get("/v1/detainees", id=ids, limit=MOST_AT_ONCE)
    return {person["id"]: person for person in answer["data"]}


def _release(release: Json, person: Json | None, telling: Telling) -> Row:
    """A release: the day of the stage that it reached."""
    stage = Stage(release["stage"])
    day = {Stage.CARRIED_OUT: "released_on", Stage.ORDERED: "ordered_on", Stage.ANNOUNCED: "announced_on"}[stage]
    told = telling.words.day(release[day]) if release[day] else telling.words.gettext("no day")
    if stage != Stage.CARRIED_OUT:
        told = f"{telling.label('stages', stage)}, {told}"
    status = telling.label("statuses", release["status"]) if release["status"] else ""
    return Row(
        address=telling.page.address(f"/people/{release['detainee_id']}", _pin(telling)),
        person=_who(person, telling),
        named=bool(person and person["name"]),
        day=told,
        place=telling.facility(release["facility"]) or "",
        what=telling.label("release_kinds", release["kind"]),
        status=status,
        sources=telling.names(release["verified_by"] or release["reported_by"]),
    )


def _person(person: Json, telling: Telling) -> Row:
    """A person, with the last detention."""
    last = person["detentions"][-1] if person["detentions"] else None
    arrested = last and last["detained_on"]
    return Row(
        address=telling.page.address(f"/people/{person['id']}", _pin(telling)),
        person=_who(person, telling),
        named=bool(person["name"]),
        day=telling.words.day(arrested) if arrested else telling.words.gettext("no day"),
        place=(telling.facility(last["facility"]) if last else None) or "",
        what=telling.label("states", person["state"]),
        status=telling.label("statuses", last["status"]) if last and last["status"] else "",
        sources=telling.names(last["verified_by"] or last["reported_by"]) if last else [],
    )


def _pin(telling: Telling) -> dict[str, Any]:
    """A list of the past leads to people as they were known then."""
    given = telling.page.terms.get("as_of")
    return {} if given is None else {"as_of": telling.page.revision}


def _who(person: Json | None, telling: Telling) -> str:
    """The name; else that there is none, and what is known instead."""
    _, words = telling.words.gettext, telling.words
    if person is not None and person["name"]:
        return str(person["name"])
    parts = [_("Without a name")]
    if person is not None and person["age"] is not None:
        parts.append(telling.value("age", person["age"]))
    abroad = set(person["nationalities"] or ()) if person else set()
    countries = {detention["country"] for detention in person["detentions"]} if person else set()
    if abroad - countries:
        parts.append(lowered(_("Nationality")) + " " + words.listed([words.country(one) for one in sorted(abroad)]))
    return ", ".join(parts)

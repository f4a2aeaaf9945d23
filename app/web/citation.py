"""What the page of a citation shows, made of the API's answer (pure).

The figures of the page of a citation.

The page of a citation: what was cited, what is known today, and what changed between, case by case."""

from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from app.api.responses import LONGEST_LINKED, UNCACHED
from app.counts.difference import WORDS
from app.queries.countables import countable_counted
from app.web.asking import together
from app.web.charts import bars
from app.web.charts import then_and_now as pairs
from app.web.claims.words import tag_of
from app.web.count_text import Told, places_of, question_of, told_of
from app.web.figure import PHONE, WHOLE, Figure, drawing
from app.web.page import Opened, Page, PageRoute, no_such_page
from app.web.rendering import Catalogue

MOST_ROWS = 200  # of groups: more are read in the file
SHOWN = 8  # cases beneath the figure; the others stand behind a summary
LEAST = (1, 2, 3)  # by how many independent sources at least
# Changes that bring something into a count.
GAINED = ("newly_verified", "newly_contested", "newly_reported", "separated", "moved_in")


@dataclass(frozen=True)
class Case:
    """A release or a detention that came, went or is said otherwise. `record`: None where no list shows it any more, or
    where the answer that was asked for does not hold it."""

    change: str
    told: str
    path: str
    record: Mapping[str, Any] | None


@dataclass(frozen=True)
class Cited:
    """A count as it was cited and as it is known at the page's revision."""

    noun: str
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    number_then: int
    number_now: int
    added: int
    removed: int
    changes: Sequence[tuple[str, int]]
    cases: Sequence[Case]
    unlisted: int
    left_out: int

    @property
    def kept(self) -> int:
        """What counted then and still counts."""
        return self.number_then - self.removed

    @property
    def gains(self) -> list[tuple[str, int]]:
        """What was added, by how it came in; nothing where an answer does not part what came from what changed."""
        gains = [(change, number) for change, number in self.changes if change in GAINED]
        return gains if sum(number for _change, number in gains) == self.added else []

    @property
    def stands_as_file(self) -> bool:
        """Whether its figure is a file too: not where it follows today's consent, for files are kept elsewhere."""
        return "not_visible" not in self.then

    @property
    def first_cases(self) -> Sequence[Case]:
        return self.cases[:SHOWN]

    @property
    def other_cases(self) -> Sequence[Case]:
        return self.cases[SHOWN:]

    @property
    def is_open(self) -> bool:
        """Whether the window goes on to the day on which somebody asks."""
        terms = self.then["terms"]
        return "held_on" not in terms and "released_to" not in terms


@dataclass(frozen=True)
class Voices:
    """How many a source verified then and today, and where the lists are."""

    slug: str
    then: int
    now: int
    then_list: str | None
    now_list: str | None


def cited(answer: Mapping[str, Any], words: Catalogue, records: Mapping[str, Mapping[str, Any]]) -> Cited:
    """`answer`: of `/c/…`; `records`: of releases or detentions, by id."""
    then, now = answer["cited"], answer["today"]
    countable = countable_counted(then["total"])
    noun, key = countable.noun, f"{countable.record}_id"
    cases = [
        Case(case["change"], change_in_words(case["change"], 1, words), f"/{noun}/{case[key]}", records.get(case[key]))
        for case in answer["cases"]
    ]
    return Cited(
        noun=noun,
        then=then,
        now=now,
        number_then=then["total"][noun],
        number_now=now["total"][noun],
        added=answer["added"],
        removed=answer["removed"],
        changes=list(answer["changes"].items()),
        cases=_in_turn(cases),
        unlisted=answer["withheld_cases"],
        left_out=answer["cases_left_out"],
    )


def _in_turn(cases: Sequence[Case]) -> list[Case]:
    """Cases of every kind of change in turn, so that the first few show each; of what came, those first of which
    something can be told."""
    turns: dict[str, int] = defaultdict(int)
    ranked = []
    for place, case in enumerate(cases):
        untold = case.record is None and case.change in GAINED
        ranked.append((untold, turns[case.change], place))
        turns[case.change] += 1
    return [cases[place] for _untold, _turn, place in sorted(ranked)]


def change_in_words(change: str, number: int, words: Catalogue) -> str:
    """What happened to one or to several: "newly verified"."""
    return WORDS[change][2 * (words.language == "es") + (number != 1)]


@dataclass(frozen=True)
class GroupPair:
    """A group of a citation: the names of its values, and its number then and today."""

    names: Sequence[str]
    then: int
    now: int


def groups(then: Mapping[str, Any], now: Mapping[str, Any], noun: str, told: Told) -> list[GroupPair]:
    """The groups of a citation, and those that there are today; of sources what they verified."""
    names = then["terms"].get("group_by", [])
    key = "verified" if "source" in names else noun
    before, after = (
        {tuple(group[name] for name in names): group[key] for group in count.get("groups", ())} for count in (then, now)
    )
    return [
        GroupPair(
            [told.value(name, value) for name, value in zip(names, values, strict=True)],
            before.get(values, 0),
            after.get(values, 0),
        )
        for values in {**after, **before}
    ][:MOST_ROWS]


def voices(then: Mapping[str, Any], now: Mapping[str, Any], names: Mapping[str, str]) -> list[Voices]:
    """The sources that verified something then or today, by two counts in groups by source: by number, ties by name."""
    before, after = ({group["source"]: group for group in count.get("groups", ())} for count in (then, now))
    found = []
    for slug in {**after, **before}:
        was, became = before.get(slug, {}), after.get(slug, {})
        numbers = was.get("verified", 0), became.get("verified", 0)
        if any(numbers):
            found.append(Voices(slug, *numbers, was.get("list"), became.get("list")))
    return sorted(found, key=lambda voice: (-voice.now, -voice.then, names.get(voice.slug, voice.slug)))


LOOKS = {"newly_verified": "is-2", "newly_reported": "is-open", "newly_contested": "is-3"}


def day_then(page: Page, view: Cited) -> str:
    """The day of the citation as a chart has it."""
    recorded = view.then["recorded_at"]
    return page.catalogue.gettext("before the first report") if recorded is None else _short(page, recorded)


def day_now(page: Page, view: Cited) -> str:
    """ "today", or the day that the reader asked about."""
    recorded = view.now["recorded_at"]
    asked = "as_of" in page.terms and recorded is not None
    return _short(page, recorded) if asked else page.catalogue.gettext("today")


def _short(page: Page, moment: str) -> str:
    return page.catalogue.short_moment(moment, page.zone).rpartition(",")[0]


def grown(page: Page, view: Cited) -> Figure:
    """What came into the count and what left it."""
    words = page.catalogue
    _ = words.gettext
    kept, lost = bars.Part(view.kept, "is-1"), _lost(page, view)
    parts = [*([kept, lost] if lost.value else [lost, kept]), *_gained(page, view)]
    then = {"number": words.number(view.number_then), "day": _("on %(day)s") % {"day": day_then(page, view)}}
    now = {"number": words.number(view.number_now), "day": day_now(page, view)}
    finding = more_and_fewer(page, view)
    wide, narrow = (
        drawing(
            "grown", words, chart=bars.lay_out(parts, width, worded=width == WHOLE), finding=finding, then=then, now=now
        )
        for width in (WHOLE, PHONE)
    )
    caption = "; ".join(f"{part.number} {part.text}" for part in parts if part.number)
    return Figure(
        name="grown",
        heading=finding,
        finding=finding,
        wide=wide,
        narrow=narrow + Markup('<p class="small">{}</p>').format(caption),
        caption="",
        columns=[_("What changed"), _("How many")],
        rows=[[change_in_words(change, number, words), number] for change, number in view.changes],
        terms=None,
    )


def _lost(page: Page, view: Cited) -> bars.Part:
    words = page.catalogue
    number = f"\N{MINUS SIGN}{words.number(view.removed)}"
    if not view.removed:
        return bars.Part(0, "", number, words.gettext("none has left the count"))
    left = words.ngettext("has left the count", "have left the count", view.removed)
    return bars.Part(view.removed, "is-lost", number, left, "#cases")


def _gained(page: Page, view: Cited) -> list[bars.Part]:
    words = page.catalogue
    if not view.gains and view.added:
        came = words.ngettext("has come into it", "have come into it", view.added)
        return [bars.Part(view.added, "is-2", f"+{words.number(view.added)}", came, "#cases")]
    return [
        bars.Part(number, LOOKS.get(change, "is-3"), f"+{words.number(number)}",
                  change_in_words(change, number, words), "#cases")
        for change, number in view.gains
    ]  # fmt: skip


def more_and_fewer(page: Page, view: Cited) -> str:
    """ "126 more, none fewer"."""
    words = page.catalogue
    _ = words.gettext
    more = words.ngettext("%(number)s more", "%(number)s more", view.added) % {"number": words.number(view.added)}
    fewer = words.ngettext("%(number)s fewer", "%(number)s fewer", view.removed) % {
        "number": words.number(view.removed)
    }
    more, fewer = (more if view.added else _("none more")), (fewer if view.removed else _("none fewer"))
    return _("%(more)s, %(fewer)s") % {"more": more, "fewer": fewer}


def then_and_now(page: Page, view: Cited, voices: Sequence[Voices], code: str) -> Figure:
    """Who had verified it, then and today."""
    words = page.catalogue
    _ = words.gettext
    rows = [*_least(page, view), *_sources(page, voices)]
    told = pairs.Words(day_then(page, view), day_now(page, view), words.number)
    finding = _("Verified by at least one source: %(then)s as cited, %(now)s today; the sources overlap") % {
        "then": words.number(rows[0].then), "now": words.number(rows[0].now)}  # fmt: skip
    wide, narrow = (
        drawing("then-and-now", words, chart=pairs.lay_out(rows, told, width), finding=finding, heads=told)
        for width in (WHOLE, PHONE)
    )
    return Figure(
        name="then-and-now",
        heading=_("Who had verified it, then and today"),
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=_("Hollow dot: what was known on %(day)s. Filled dot: what is known today of the same question. "
                  "Sources overlap: they do not add up.") % {"day": told.then},
        columns=[_("Verified by"), told.then, told.now],
        rows=[[row.label, row.then, row.now] for row in rows],
        terms={"code": code} if view.stands_as_file else None,
    )  # fmt: skip


def _least(page: Page, view: Cited) -> list[pairs.Counted]:
    _ = page.catalogue.gettext
    names = dict(zip(LEAST, (_("At least one source"), _("At least two"), _("At least three")), strict=True))
    return [
        pairs.Counted(
            names[least],
            view.then["total"]["by_min_sources"].get(str(least), 0),
            view.now["total"]["by_min_sources"].get(str(least), 0),
            derived=True,
            then_list=page.narrowed(view.then["list"], min_sources=str(least)),
            now_list=page.narrowed(view.now["list"], min_sources=str(least)),
        )
        for least in LEAST
    ]


def _sources(page: Page, voices: Sequence[Voices]) -> list[pairs.Counted]:
    return [
        pairs.Counted(
            page.name_of(voice.slug),
            voice.then,
            voice.now,
            then_list=page.narrowed(voice.then_list),
            now_list=page.narrowed(voice.now_list),
            tag=tag_of(page, voice.slug),
        )
        for voice in voices
    ]


# Of today's list as many are read as a page shows of them, and of the rest the address alone.
MOST_RECORDS = 100

citation = APIRouter(include_in_schema=False, route_class=PageRoute)


@citation.get("/c/{code}")
async def read_citation(page: Opened, code: str) -> Response:
    """A citation then and now."""
    answer = await page.api.get(f"/c/{code}")
    places, records, then, now = await together(places_of(page), _records(page, answer), *_by_source(page, answer))
    told, view = told_of(page, places), cited(answer, page.catalogue, records)
    sources = voices(then, now, told.sources)
    page.shared = then_and_now(page, view, sources, code)
    return await page.show(
        "citation.html",
        caching=UNCACHED,
        headers=cited_as(view.then),
        view=view,
        code=code,
        told=told,
        question=told.counted(view.noun, view.then["terms"]),
        groups=groups(view.then, view.now, view.noun, told),
        days=(day_then(page, view), day_now(page, view)),
        bar=grown(page, view) if view.added or view.removed else None,
        verified=page.shared,
    )


async def then_and_now_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """Who had verified what a citation (`code`) counts, then and today."""
    code = str(terms.get("code"))
    answer = await page.api.get(f"/c/{code}")
    view = cited(answer, page.catalogue, {})
    if not view.stands_as_file:
        raise no_such_page()
    then, now = await together(*_by_source(page, answer))
    names = {slug: str(source["name"]) for slug, source in page.sources.items()}
    return then_and_now(page, view, voices(then, now, names), code)


def _by_source(page: Page, answer: Mapping[str, Any]) -> list[Coroutine[Any, Any, Any]]:
    """What was cited and what is known of it, each in groups by source."""
    return [
        page.api.get(
            urlsplit(count["permalink"]).path,
            question_of(count["permalink"]) | {"group_by": "source", "as_of": str(count["revision"])},
        )
        for count in (answer["cited"], answer["today"])
    ]


def cited_as(count: Mapping[str, Any]) -> dict[str, str]:
    """By which address to cite what a page shows (RFC 8574)."""
    link = f'<{count["citation"]["address"]}>; rel="cite-as"'
    return {"Link": link} if len(link) <= LONGEST_LINKED else {}


async def _records(page: Page, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Of what the question counts today the records that changed since it was cited, by id."""
    address = answer["today"]["list"]
    if address is None or not answer["cases"]:
        return {}
    terms = question_of(address) | {"changed_since": str(answer["cited"]["revision"]), "limit": MOST_RECORDS}
    listed = await page.api.get(urlsplit(address).path, terms)
    return {record["id"]: record for record in listed["data"] if "facts" in record}


@citation.get("/releases/{release_id}")
async def lead_to_released(page: Opened, release_id: str) -> Response:
    """The page of the person whose release it is."""
    return _to_person(page, await page.api.get(f"/v1/releases/{release_id}"))


@citation.get("/detentions/{detention_id}")
async def lead_to_detained(page: Opened, detention_id: str) -> Response:
    """The page of the person whose detention it is."""
    return _to_person(page, await page.api.get(f"/v1/detentions/{detention_id}"))


def _to_person(page: Page, record: Mapping[str, Any]) -> Response:
    address = page.address(f"/people/{record['detainee_id']}", page.terms)
    return RedirectResponse(address, 307, headers={"Cache-Control": UNCACHED})

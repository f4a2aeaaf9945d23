"""The figures of the page of a citation."""

from collections.abc import Sequence

from markupsafe import Markup

from app.web.charts import grown as bars
from app.web.charts import then_and_now as pairs
from app.web.citation.view import LEAST, Cited, Voices, change_in_words
from app.web.claims.words import tag_of
from app.web.figure import PHONE, WHOLE, Figure, drawing
from app.web.page import Page

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

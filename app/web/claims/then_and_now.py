"""The figure of a claim's own count then and today: at the claim's hour, and by now."""

from markupsafe import Markup

from app.web.asking import Terms
from app.web.charts.then_and_now import ClaimLine, Counted, Words, lay_out
from app.web.claimed import figure_of
from app.web.claims.asked import Asked, ask, not_compared, verified_in
from app.web.claims.words import tag_of
from app.web.figure import PHONE, WHOLE, Figure, drawing
from app.web.page import Page

NAME = "claim-then-and-now"
MOST_AGREEING = 3  # "at least three" is the largest number of sources that has a row


async def claim_then_and_now_figure(page: Page, terms: Terms) -> Figure:
    """Who had verified what a claim (`claim`: its id) counts, then and today. Raises NotFound."""
    figure = then_and_now_of(page, await ask(page, str(terms.get("claim"))))
    if figure is None:
        raise not_compared()
    return figure


def then_and_now_of(page: Page, asked: Asked) -> Figure | None:
    """Who had verified what a claim counts, then and today; None where then is not known."""
    then, now = asked.reconciliation["then"], asked.reconciliation["now"]
    if not asked.comparable or then is None or now is None or not verified_in(now):
        return None
    words, _ = page.catalogue, page.catalogue.gettext
    figure = figure_of(asked.claim, words)
    told = Words(
        words.short_day(asked.claim["stated_at"][:10]), page.catalogue.gettext("today"), words.number
    )  # fmt: skip
    rows = [*_agreeing(page, asked), *_by_source(page, asked)]
    line = ClaimLine(figure, asked.claim["low"], asked.claim["high"])
    given = {
        "day": told.then,
        "then": words.number(verified_in(then)),
        "now": words.number(verified_in(now)),
        "figure": figure,
    }
    finding = _("Verified by at least one source: %(then)s on %(day)s, %(now)s today. The claim: %(figure)s.") % given

    def drawn(width: int) -> Markup:
        return drawing("then-and-now", words, chart=lay_out(rows, told, width, line), finding=finding, heads=told)

    return Figure(
        name=NAME,
        heading=_("Who had verified it on this count, then and today"),
        finding=finding,
        wide=drawn(WHOLE),
        narrow=drawn(PHONE),
        caption=_("Hollow dot: what was known on %(day)s. Filled dot: what is known today of the same days. The line "
                  "is the claim. Sources overlap: they do not add up.") % given,
        columns=[_("Verified by"), told.then, told.now],
        rows=[[row.label, words.number(row.then), words.number(row.now)] for row in rows],
        terms={"claim": asked.claim["id"]},
    )  # fmt: skip


def _agreeing(page: Page, asked: Asked) -> list[Counted]:
    """At least one source, at least two, at least three."""
    words = page.catalogue
    then, now = (asked.reconciliation[name]["by_min_sources"] for name in ("then", "now"))
    return [
        Counted(
            words.ngettext("At least %(number)s source", "At least %(number)s sources", least)
            % {"number": words.number(least)},
            then.get(str(least), 0),
            now.get(str(least), 0),
            derived=True,
        )
        for least in range(1, MOST_AGREEING + 1)
        if now.get(str(least), 0)
    ]


def _by_source(page: Page, asked: Asked) -> list[Counted]:
    """Each source on its own dates, the largest first."""
    then, now = (asked.reconciliation[name]["by_source"] for name in ("then", "now"))
    slugs = sorted({**then, **now}, key=lambda slug: (-now.get(slug, 0), page.name_of(slug)))
    return [Counted(page.name_of(slug), then.get(slug, 0), now.get(slug, 0), tag=tag_of(page, slug)) for slug in slugs]

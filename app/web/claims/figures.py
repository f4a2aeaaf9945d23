"""The figure of a reconciliation: a claim beside what was verified on its own count.

The figure of a claim's own count then and today: at the claim's hour, and by now."""

from typing import Any

from markupsafe import Markup

from app.formats import capital
from app.vocabulary import Qualifier
from app.web.asking import Terms
from app.web.charts.reconciliation import Compared, Kind, Segment, lying, standing
from app.web.charts.then_and_now import ClaimLine, Counted, Words, lay_out
from app.web.claims.data import Asked, ask, not_compared, verified_in
from app.web.claims.words import by_organisation, claimant_of, since_when, tag_of, told_number
from app.web.figure import PHONE, WHOLE, Figure, drawing
from app.web.page import Page
from app.web.rendering import Catalogue, figure_of

NAME = "reconciliation"


async def reconciliation_figure(page: Page, terms: Terms) -> Figure:
    """A claim (`claim`: its id) beside what was verified on its own count. Raises NotFound."""
    figure = figure_of_reconciliation(page, await ask(page, str(terms.get("claim"))))
    if figure is None:
        raise not_compared()
    return figure


def figure_of_reconciliation(page: Page, asked: Asked) -> Figure | None:
    """The same of what was asked already; None where the two cannot be compared."""
    if not asked.comparable:
        return None
    words, _ = page.catalogue, page.catalogue.gettext
    compared = compare(page, asked)
    name, figure = claimant_of(page, asked.claim), figure_of(asked.claim, words)
    said = {"name": name, "figure": figure, "number": compared.verified.told}
    finding = _("%(name)s said %(figure)s; on the same count, %(number)s verified by at least one source.") % said
    if compared.remainder is not None:
        finding += f" {compared.remainder.told} {compared.remainder.text}."

    def drawn(template: str, how: Any) -> Markup:
        prefix = f"{template}-{asked.claim['id'][:8]}"
        return drawing(template, words, drawn=how(compared), compared=compared, finding=finding, prefix=prefix)

    rows: list[list[str | int | Markup]] = [[capital(compared.text), figure]]
    rows += [[segment.text, _linked(segment)] for segment in compared.segments]
    rows.append([compared.verified.text, _linked(compared.verified)])
    if compared.remainder is not None:
        rows.append([compared.remainder.text, compared.remainder.told])
    return Figure(
        name=NAME,
        heading=capital(_("%(figure)s, beside what was verified on the same count") % {"figure": figure}),
        finding=finding,
        wide=drawn("reconciliation-lying", lying),
        narrow=drawn("reconciliation-standing", standing),
        caption=_caption(words, asked, compared),
        columns=[_("Part"), _("Number")],
        rows=rows,
        terms={"claim": asked.claim["id"]},
    )


def _linked(segment: Segment) -> str | Markup:
    if segment.address is None:
        return segment.told
    return Markup('<a class="number" href="{}" aria-label="{}">{}</a>').format(
        segment.address, segment.link_name, segment.told
    )


def compare(page: Page, asked: Asked) -> Compared:
    """What the drawing shows."""
    words, _ = page.catalogue, page.catalogue.gettext
    claim = asked.claim
    text = _("according to %(name)s") % {"name": claimant_of(page, claim)}
    if claim["stated_at"]:
        text += f", {words.short_day(claim['stated_at'][:10])}"
    if claim["window_from"]:
        text += ", " + _("counted %(since)s") % {"since": since_when(words, claim["window_from"])}
    by_one = _list_of(page, asked, min_sources=1)
    return Compared(
        told=figure_of(claim, words),
        text=text,
        low=claim["low"],
        high=claim["high"],
        about=claim["qualifier"] == Qualifier.ABOUT,
        segments=_segments(page, asked),
        remainder=_remainder(page, asked),
        verified=_segment(page, "main", asked.verified, _verified_by_one(words, asked), by_one),
        by_authority=not by_organisation(page, claim),
    )


def _verified_by_one(words: Catalogue, asked: Asked) -> str:
    ngettext, number = words.ngettext, asked.verified
    if not asked.then:
        return ngettext(
            "verified by at least one independent source, on the same count, as known today",
            "verified by at least one independent source, on the same count, as known today",
            number,
        )
    if "T" in (asked.claim["stated_at"] or ""):
        return ngettext(
            "verified by at least one independent source, on the same count, as known at that hour",
            "verified by at least one independent source, on the same count, as known at that hour",
            number,
        )
    return ngettext(
        "verified by at least one independent source, on the same count, as known that day",
        "verified by at least one independent source, on the same count, as known that day",
        number,
    )


def _segments(page: Page, asked: Asked) -> list[Segment]:
    """The registry's count in parts, none of which holds anybody of another."""
    ngettext = page.catalogue.ngettext
    reported = asked.counted - asked.verified
    only_reported = ngettext("only reported", "only reported", reported)
    last = _segment(page, "reported", reported, only_reported, _list_of(page, asked, status="reported"))
    if asked.main is None:
        by_one = ngettext("verified by at least one source", "verified by at least one source", asked.verified)
        all_of_them = _segment(page, "main", asked.verified, by_one, _list_of(page, asked, min_sources=1))
        return [segment for segment in (all_of_them, last) if segment.number]
    others = asked.verified - asked.by_main
    only_others = ngettext("verified only by other sources", "verified only by other sources", others)
    segments = [*_of_main(page, asked), _segment(page, "others", others, only_others, None), last]
    return [segment for segment in segments if segment.number]


def _of_main(page: Page, asked: Asked) -> list[Segment]:
    """What the main source verified: in the days that it counts itself, and in the others."""
    words, ngettext = page.catalogue, page.catalogue.ngettext
    source = {"source": page.name_of(asked.main or "")}
    if asked.usual_from is None:
        text = ngettext("verified by %(source)s", "verified by %(source)s", asked.by_main) % source
        return [_segment(page, "main", asked.by_main, text, _list_of(page, asked, any_of=asked.main))]
    usual, rest = asked.by_main_usually, asked.by_main - asked.by_main_usually
    since = {**source, "since": since_when(words, asked.usual_from)}
    text = ngettext("verified by %(source)s, %(since)s", "verified by %(source)s, %(since)s", usual) % since
    address = _list_of(page, asked, any_of=asked.main, released_from=asked.usual_from)
    before = ngettext(
        "verified by %(source)s, of the days before that", "verified by %(source)s, of the days before that", rest
    )
    return [_segment(page, "main", usual, text, address), _segment(page, "rest", rest, before % source, None)]


def _segment(page: Page, kind: Kind, number: int, text: str, address: str | None) -> Segment:
    told = page.catalogue.number(number)
    name = page.catalogue.gettext("%(number)s %(what)s: see the list") % {"number": told, "what": text}
    return Segment(kind, number, told, text, address=address, link_name=name)


def _list_of(page: Page, asked: Asked, **further: Any) -> str | None:
    """The page that lists a part of the count; there is none of people held on a day."""
    if asked.terms is None or asked.base is None or "/releases" not in (asked.path or ""):
        return None
    return page.address("/releases", {**asked.terms, **further, "as_of": asked.base["revision"]})


def _remainder(page: Page, asked: Asked) -> Segment | None:
    """What is left of the claim: at least, at most, or from a number to another."""
    words, _ = page.catalogue, page.catalogue.gettext
    told = told_remainder(words, asked)
    if told is None:
        return None
    number = max(0, (asked.claim["low"] or 0) - asked.counted)
    if by_organisation(page, asked.claim):
        return Segment("remainder", number, told, _("that do not stand here one by one"))
    note = "" if _of_held(asked) else _("It does not mean that they did not happen")
    return Segment("remainder", number, told, _("that no independent source has verified"), note=note)


def told_remainder(words: Catalogue, asked: Asked) -> str | None:
    """How many of a claim no source has spoken of, as far as the claim says; None where it may be none."""
    gap = (asked.base or {}).get("gap") or {}
    left = {name: gap[name] if gap.get(name) and gap[name] > 0 else None for name in ("low", "high")}
    if left["low"] is not None and asked.claim["low"] == asked.claim["high"]:
        return words.number(left["low"])
    return told_number(words, left) if any(left.values()) else None


def _of_held(asked: Asked) -> bool:
    return bool(asked.claim["measure"] == "held")


def _caption(words: Catalogue, asked: Asked, compared: Compared) -> str:
    """How to read the bar."""
    _ = words.gettext
    said = []
    if compared.remainder is None:
        said.append(_("The bar is as long as the registry's count, which holds more than the claim."))
    given = {"number": compared.verified.told, "figure": compared.told}
    if not compared.by_authority:
        said.append(
            _("An organisation counts whom its own definition means: what only others verified need not be in it.")
        )
    elif asked.claim["named"]:
        said.append(_("The claim counts people it names; whom it leaves out of the %(number)s is not drawn.") % given)
    else:
        unknown = _("The registry does not know whether %(figure)s includes all of them: there is no list to compare.")
        said.append(unknown % given)
    if asked.then and asked.base is not None and asked.base["basis"] == "said":
        said.append(_("What was known then is told by the days that sources give: the registry began later."))
    return " ".join(said)


THEN_AND_NOW = "claim-then-and-now"
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
        name=THEN_AND_NOW,
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

"""Words that the pages of claims share: who a source is, and of which days a figure is."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from app import dates
from app.vocabulary import SourceKind
from app.web.catalogue import Catalogue
from app.web.page import Page


def is_independent(page: Page, slug: str) -> bool:
    """Whether a source counts as independent; one that is not known does not."""
    return slug in page.sources and bool(page.sources[slug]["independent"])


def tag_of(page: Page, slug: str | None) -> str:
    """The tag of a source that does not count as independent."""
    _ = page.catalogue.gettext
    if slug is None or slug not in page.sources or page.sources[slug]["independent"]:
        return ""
    return _("government") if page.sources[slug]["kind"] == SourceKind.GOVERNMENT else _("not independent")


def since_when(words: Catalogue, day: str, *, short: bool = False) -> str:
    """Since when a figure counts, from a day, a month or a year: "since 8 January 2026", "since December 2025"."""
    _, told = words.gettext, words.day(day) if short else words.long_day(day)
    if len(day) == dates.DAY_LENGTH:
        return _("since %(day)s") % {"day": told}
    return _("since %(month)s") % {"month": told}


def beginnings_of(starts: Sequence[str], words: Catalogue, *, short: bool = False) -> str:
    """Since when a figure counts, with every beginning that was printed with it."""
    told = [words.day(start) if short else words.long_day(start) for start in starts]
    if not told:
        return words.gettext("does not say since when")
    if len(told) == 1:
        return since_when(words, starts[0], short=short)
    if short:
        return words.listed(told)
    return words.ngettext(
        "printed with %(number)s beginning: %(days)s", "printed with %(number)s beginnings: %(days)s", len(told)
    ) % {"number": in_words(len(told), words), "days": words.listed(told)}


def in_words(number: int, words: Catalogue) -> str:
    """A small number as a word; nothing that is counted is told so in a table."""
    _ = words.gettext
    small = [_("two"), _("three"), _("four"), _("five"), _("six"), _("seven"), _("eight"), _("nine")]
    return small[number - 2] if 2 <= number < 2 + len(small) else words.number(number)


def until_when(words: Catalogue, day: str) -> str:
    """Until a day, or until a month or a year."""
    _ = words.gettext
    if len(day) == dates.DAY_LENGTH:
        return _("until %(day)s") % {"day": words.long_day(day)}
    return _("until %(month)s") % {"month": words.long_day(day)}


def of_days(words: Catalogue, start: str | None, end: str | None) -> str:
    """Since when and until when, where they are said: "since December 2025 until 9 February 2026", "on 8 January"."""
    if start and start == end:
        return words.gettext("on %(start)s") % {"start": words.day_in_sentence(start)}
    days = [since_when(words, start) if start else "", until_when(words, end) if end else ""]
    return " ".join(filter(None, days))


def claimant_of(page: Page, claim: Mapping[str, Any]) -> str:
    """Whoever a claim is credited to; else whoever printed it."""
    _ = page.catalogue.gettext
    names = [page.name_of(slug) for slug in (claim["claimant"], *claim.get("joint_with", ())) if slug]
    if names:
        return page.catalogue.listed(names)
    return _("Somebody not named")


def said_when(page: Page, claim: Mapping[str, Any]) -> str:
    """When a figure was stated, with its hour if it has one."""
    stated = claim["stated_at"]
    return page.catalogue.said_at(stated, page.zone) if stated else page.catalogue.gettext("without a date")


def by_organisation(page: Page, claim: Mapping[str, Any]) -> bool:
    """Whether whoever gives a figure counts as independent, and so is no authority whose word is put beside others."""
    return claim["claimant"] is not None and is_independent(page, claim["claimant"])


def quoted(words: Catalogue, text: str) -> Markup:
    """What somebody else wrote, in a language that nobody has told the registry."""
    return Markup('<span lang="">{}</span>').format(words.gettext("“%(text)s”") % {"text": text})


def of_day(words: Catalogue, day: str) -> str:
    """Of a day, or of a month or a year."""
    _ = words.gettext
    if len(day) == dates.DAY_LENGTH:
        return _("of %(day)s") % {"day": words.long_day(day)}
    return _("of %(month)s") % {"month": words.long_day(day)}


def told_number(words: Catalogue, bounds: Mapping[str, Any]) -> str:
    """A number, or what is known of one: the lowest and the highest that it may be."""
    _ = words.gettext
    low, high = bounds["low"], bounds["high"]
    if low == high:
        return _("no number") if low is None else words.number(low)
    given = {name: words.number(each) for name, each in (("low", low), ("high", high)) if each is not None}
    if high is None:
        return _("at least %(low)s") % given
    return (_("at most %(high)s") if low is None else _("between %(low)s and %(high)s")) % given

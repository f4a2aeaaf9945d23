"""The sentences of the first page: what was said, what had been verified that day, and what does not match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.web.claims.words import since_when
from app.web.home.data import (
    Gathered,
    at_the_start,
    filled,
    linked,
    listed,
    named,
    numbers,
    page_of,
    quoted,
    speaker,
    verified_beside,
)
from app.web.home.statements import Statement
from app.web.page import Page


@dataclass(frozen=True)
class Told:
    """What stands above the first chart."""

    title: str
    headline: Markup
    lead: Markup
    hours: Markup


def told(page: Page, gathered: Gathered) -> Told:
    headline = _headline(page, gathered)
    return Told(headline.striptags(), headline, _lead(page, gathered), _hours(page, gathered))


def _groups(answer: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    return {group["source"]: group for group in answer["groups"]} if answer else {}


def then_and_now(gathered: Gathered) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The sources that are drawn, as they stood at the end of the contested day and as they stand; each largest
    first."""
    before = _groups(gathered.then)
    then = [before[group["source"]] for group in gathered.lines if group["source"] in before]
    return sorted((group for group in then if group["verified"]), key=lambda group: -group["verified"]), [
        *gathered.lines
    ]


def _verified(groups: Sequence[Mapping[str, Any]], page: Page) -> Markup:
    text = numbers((group["verified"] for group in groups), page.catalogue)
    return Markup('<span class="is-verified">{}</span>').format(text)


def _headline(page: Page, gathered: Gathered) -> Markup:
    words = page.catalogue
    _, statement = words.gettext, gathered.contested
    if statement is None:
        return _headline_without_claims(page, gathered)
    first = what_was_said(page, gathered, statement)
    then, now = then_and_now(gathered)
    if not now:
        return first + " " + _("No independent source has verified any.")
    told_now = _verified(now, page)
    today = _("today")
    if "as_of" in page.terms:
        today = _("by %(moment)s") % {"moment": words.short_moment(gathered.now["recorded_at"], page.zone)}
    if not then:
        second = filled(
            _("That day no organisation had verified any; %(today)s, %(now)s"), {"now": told_now, "today": today}
        )
    elif gathered.then and gathered.then["revision"] == gathered.now["revision"]:
        values: dict[str, Any] = {"then": _verified(then, page), "who": named(page, then[0]["source"])}
        several, one_alone = _("The organisations have verified %(then)s"), _("%(who)s has verified %(then)s")
        second = filled(several if len(then) > 1 else one_alone, values)
    else:
        values = {"then": _verified(then, page), "now": told_now, "today": today, "who": named(page, then[0]["source"])}
        several = _("That day the organisations had verified %(then)s; %(today)s, %(now)s")
        one_alone = _("That day %(who)s had verified %(then)s; %(today)s, %(now)s")
        second = filled(several if len(now) > 1 else one_alone, values)
    return first + " " + second


def what_was_said(page: Page, gathered: Gathered, statement: Statement) -> Markup:
    """Who said what, and when: with the year, unless it is that of what is known."""
    words, ngettext = page.catalogue, page.catalogue.ngettext
    is_this_year = words.local_day(gathered.now["recorded_at"], page.zone)[:4] == statement.day[:4]
    values: dict[str, Any] = {
        "figure": Markup('<span class="is-claimed">{}</span>').format(quoted(statement.claim, words)),
        "day": words.day_and_month(statement.day) if is_this_year else words.long_day(statement.day),
    }
    who = speaker(statement, gathered.question.country, page.sources)
    if who is None:
        sentence = ngettext(
            "On %(day)s the government said that %(figure)s person had left prison.",
            "On %(day)s the government said that %(figure)s people had left prison.",
            statement.size,
        )
        return filled(sentence, values)
    values["who"] = Markup("<bdi>{}</bdi>").format(who)
    sentence = ngettext(
        "On %(day)s %(who)s said that %(figure)s person had left prison.",
        "On %(day)s %(who)s said that %(figure)s people had left prison.",
        statement.size,
    )
    return filled(sentence, values)


def _headline_without_claims(page: Page, gathered: Gathered) -> Markup:
    words, now = page.catalogue, gathered.lines
    if not now:
        reported = gathered.now["total"]["reported"]
        if not reported:
            return escape(words.gettext("No release has been recorded here"))
        sentence = words.ngettext(
            "%(number)s release has been reported, and verified by no independent source",
            "%(number)s releases have been reported, and verified by no independent source",
            reported,
        )
        return filled(sentence, {"number": words.number(reported)})
    most = now[0]["verified"]
    values = {"number": _verified(now, page), "who": named(page, now[0]["source"])}
    if len(now) == 1:
        sentence = words.ngettext(
            "%(who)s has verified %(number)s release", "%(who)s has verified %(number)s releases", most
        )
    else:
        sentence = words.gettext("The organisations have verified %(number)s releases")
    return filled(sentence, values)


def _lead(page: Page, gathered: Gathered) -> Markup:
    parts = [*_windows(page, gathered), *_on_its_own_count(page, gathered)]
    if not parts:
        _ = page.catalogue.gettext
        parts = [escape(_("No authority has published a figure that can be set beside them."))]
    return Markup(" ").join(parts)


def _windows(page: Page, gathered: Gathered) -> list[Markup]:
    """Since when each side counts, where that is not the same."""
    words = page.catalogue
    _, ours = words.gettext, gathered.question.released_from
    told = [statement for statement in gathered.told if statement.is_cumulative]
    silent = any(not claim["window_from"] for statement in told for claim in statement.claims)
    if not told or (not silent and gathered.claims_from == ours):
        return []
    government = speaker(gathered.contested or told[0], gathered.question.country, page.sources) is None
    side = _("the government") if government else _("the authorities")
    values = {
        "ours": since_when(words, ours) if ours else _("without a beginning"),
        "side": side,
        "theirs": since_when(words, gathered.claims_from) if gathered.claims_from else "",
    }
    if gathered.claims_from and gathered.claims_from == ours:
        sentence = _("The organisations count %(ours)s; %(side)s too, when it says since when.")
        return [filled(sentence, values)]
    if not gathered.claims_from:
        sentence = _("The organisations count %(ours)s; %(side)s does not say since when.")
    elif silent:
        sentence = _("The organisations count %(ours)s; %(side)s, %(theirs)s, when it says since when.")
    else:
        sentence = _("The organisations count %(ours)s; %(side)s, %(theirs)s.")
    return [escape(_("They do not count the same.")), filled(sentence, values)]


def _on_its_own_count(page: Page, gathered: Gathered) -> list[Markup]:
    """The last figure that can be compared, on its own window and hour."""
    statement = gathered.last
    beside = gathered.beside.get(statement.id) if statement else None
    verified = verified_beside(beside)
    if statement is None or beside is None or verified is None:
        return []
    words = page.catalogue
    _ = words.gettext
    count = linked(
        words.ngettext("%(number)s release verified", "%(number)s releases verified", verified)
        % {"number": words.number(verified)},
        page_of(page, beside["then"].get("permalink")),
        words.ngettext("%(number)s release verified: see the count", "%(number)s releases verified: see the count",
                       verified) % {"number": words.number(verified)},
        "told",
    )  # fmt: skip
    values = {"figure": quoted(statement.claim, words), "day": words.long_day(statement.day), "verified": count}
    if speaker(statement, gathered.question.country, page.sources) is None:
        sentence = _(
            "In the government's own count, its %(figure)s of %(day)s stood beside %(verified)s by some independent "
            "source."
        )
    else:
        values["who"] = named(page, statement.claim["claimant"])
        sentence = _(
            "On its own window, what %(who)s stated on %(day)s, %(figure)s, stood beside %(verified)s by some "
            "independent source."
        )
    first = filled(sentence, values)
    number, is_open = unverified(beside)
    if number is None or number <= 0:
        return [first]
    address = page.address(f"/claims/{statement.id}", pinned(page))
    text = linked(words.number(number), address, remainder(number, page), "told")
    sentence = words.ngettext(
        "The other %(number)s none had verified.", "The other %(number)s none had verified.", number
    )
    if is_open:
        sentence = words.ngettext(
            "The other, at least %(number)s, none had verified.",
            "The others, at least %(number)s, none had verified.",
            number,
        )
    return [first, filled(sentence, {"number": text}), escape(_("That does not mean that they did not happen."))]


def remainder(number: int, page: Page) -> str:
    """What the number of those whom nobody verified is called where only the number stands."""
    words = page.catalogue
    return words.ngettext(
        "%(number)s that no independent source had verified: see the claim",
        "%(number)s that no independent source had verified: see the claim", number,
    ) % {"number": words.number(number)}  # fmt: skip


def unverified(beside: Mapping[str, Any]) -> tuple[int | None, bool]:
    """How many of a claim nobody had verified, and whether that is a least."""
    gap = beside["then"]["gap"]
    if gap is None:
        return None, False
    return (gap["low"], True) if gap["high"] is None else (gap["high"], False)


def pinned(page: Page) -> dict[str, Any]:
    """The moment that the address of a page names, which its links keep."""
    return {"as_of": page.terms.get("as_of")}


def _hours(page: Page, gathered: Gathered) -> Markup:
    """Whose each number is, and of which hour."""
    words = page.catalogue
    _, parts = words.gettext, []
    then, now = then_and_now(gathered)
    if gathered.contested is not None:
        parts.append(_said(page, gathered.contested))
        if then and gathered.then:
            sentence = _("%(numbers)s (%(names)s): at the end of %(day)s.")
            parts.append(_whose(page, then, sentence, words.day(gathered.contested.day), names=True))
    if now:
        day = words.moment(gathered.now["recorded_at"], page.zone)
        sentence = _("%(numbers)s (%(names)s): %(day)s.") if not then else _("%(numbers)s: %(day)s.")
        parts.append(_whose(page, now, sentence, day, names=not then))
    revision = str(gathered.now["revision"])
    parts.append(filled(_("Revision %(number)s."), {"number": revision}))
    return Markup(" ").join(parts)


def _said(page: Page, statement: Statement) -> Markup:
    words = page.catalogue
    _ = words.gettext
    address = page.address(f"/claims/{statement.id}", pinned(page))
    figure = quoted(statement.claim, words)
    values = {
        "figure": linked(at_the_start(figure), address, _("%(figure)s: see the claim") % {"figure": figure}, "told"),
        "who": named(page, statement.claim["claimant"]),
        "when": words.said_at(statement.claim["stated_at"], page.zone),
    }
    if statement.has_hour:
        return filled(_("%(figure)s: %(who)s, %(when)s."), values)
    return filled(_("%(figure)s: %(who)s, %(when)s, without an hour."), values)


def _whose(page: Page, groups: Sequence[Mapping[str, Any]], sentence: str, day: str, *, names: bool) -> Markup:
    words = page.catalogue
    _ = words.gettext
    figures = [
        linked(
            words.number(group["verified"]), page_of(page, group["list"]),
            _("%(number)s, %(source)s: see the list")
            % {"number": words.number(group["verified"]), "source": page.name_of(group["source"])},
            "told",
        )
        for group in groups
    ]  # fmt: skip
    values = {"numbers": listed(figures, words), "day": day}
    if names:
        values["names"] = listed([named(page, group["source"]) for group in groups], words)
    return filled(sentence, values)

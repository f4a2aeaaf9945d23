"""Sentences of the first page: what was claimed, what had been verified that day, and how they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from app.web.claims.text import format_since
from app.web.home.data import (
    HomeData,
    build_page_address,
    capitalize_first_letter,
    fill_sentence,
    find_speaker_name,
    format_numbers,
    format_source_name,
    get_verified_count,
    join_markup,
    link_number,
    quote_figure,
)
from app.web.home.statements import Statement
from app.web.page import Page
from app.web.rendering import describe_under_review


@dataclass(frozen=True)
class HomeTexts:
    """The text above the first chart."""

    title: str
    headline: Markup
    lead: Markup
    hours: Markup


def build_home_texts(page: Page, data: HomeData) -> HomeTexts:
    headline = _build_headline(page, data)
    return HomeTexts(headline.striptags(), headline, _build_lead(page, data), _build_hours_text(page, data))


def _index_by_source(answer: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    return {group["by"]["source"]: group for group in answer["groups"]} if answer else {}


def list_groups_then_and_now(data: HomeData) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the drawn sources at the end of the contested day and now, each list sorted by size."""
    groups_by_source = _index_by_source(data.count_then)
    then_groups = [
        groups_by_source[group["by"]["source"]]
        for group in data.drawn_groups
        if group["by"]["source"] in groups_by_source
    ]
    return sorted(
        (group for group in then_groups if group["counts"]["verified"]), key=lambda group: -group["counts"]["verified"]
    ), [*data.drawn_groups]


def _format_verified_numbers(groups: Sequence[Mapping[str, Any]], page: Page) -> Markup:
    text = format_numbers((group["counts"]["verified"] for group in groups), page.catalogue)
    return Markup('<span class="is-verified">{}</span>').format(text)


def _build_headline(page: Page, data: HomeData) -> Markup:
    words = page.catalogue
    _, statement = words.gettext, data.contested_statement
    if statement is None:
        return _build_headline_without_claims(page, data)
    first = format_statement(page, data, statement)
    then_groups, now_groups = list_groups_then_and_now(data)
    if not now_groups:
        return first + " " + _("No independent source has verified any.")
    now_text = _format_verified_numbers(now_groups, page)
    today = _("today")
    if "as_of" in page.terms:
        today = _("by %(moment)s") % {"moment": words.short_moment(data.count_now["at"]["recorded_at"], page.zone)}
    if not then_groups:
        second = fill_sentence(
            _("That day no organisation had verified any; %(today)s, %(now)s"), {"now": now_text, "today": today}
        )
    elif data.count_then and data.count_then["at"] == data.count_now["at"]:
        values: dict[str, Any] = {
            "then": _format_verified_numbers(then_groups, page),
            "who": format_source_name(page, then_groups[0]["by"]["source"]),
        }
        plural_sentence, singular_sentence = (
            _("The organisations have verified %(then)s"),
            _("%(who)s has verified %(then)s"),
        )
        second = fill_sentence(plural_sentence if len(then_groups) > 1 else singular_sentence, values)
    else:
        values = {
            "then": _format_verified_numbers(then_groups, page),
            "now": now_text,
            "today": today,
            "who": format_source_name(page, then_groups[0]["by"]["source"]),
        }
        plural_sentence = _("That day the organisations had verified %(then)s; %(today)s, %(now)s")
        singular_sentence = _("That day %(who)s had verified %(then)s; %(today)s, %(now)s")
        second = fill_sentence(plural_sentence if len(now_groups) > 1 else singular_sentence, values)
    return first + " " + second


def format_statement(page: Page, data: HomeData, statement: Statement) -> Markup:
    """Format who stated which figure when. The year is omitted if it is that of the newest data."""
    words, ngettext = page.catalogue, page.catalogue.ngettext
    is_this_year = words.local_day(data.count_now["at"]["recorded_at"], page.zone)[:4] == statement.day[:4]
    values: dict[str, Any] = {
        "figure": Markup('<span class="is-claimed">{}</span>').format(quote_figure(statement.claim, words)),
        "day": words.day_and_month(statement.day) if is_this_year else words.long_day(statement.day),
    }
    speaker_name = find_speaker_name(statement, data.question.country, page.sources)
    if speaker_name is None:
        sentence = ngettext(
            "On %(day)s the government said that %(figure)s person had left prison.",
            "On %(day)s the government said that %(figure)s people had left prison.",
            statement.size,
        )
        return fill_sentence(sentence, values)
    values["who"] = Markup("<bdi>{}</bdi>").format(speaker_name)
    sentence = ngettext(
        "On %(day)s %(who)s said that %(figure)s person had left prison.",
        "On %(day)s %(who)s said that %(figure)s people had left prison.",
        statement.size,
    )
    return fill_sentence(sentence, values)


def _build_headline_without_claims(page: Page, data: HomeData) -> Markup:
    words, now_groups = page.catalogue, data.drawn_groups
    if not now_groups:
        reported_count = data.count_now["total"]["reported"]
        if not reported_count:
            return escape(words.gettext("No release has been recorded here"))
        sentence = words.ngettext(
            "%(number)s release has been reported, and verified by no independent source",
            "%(number)s releases have been reported, and verified by no independent source",
            reported_count,
        )
        return fill_sentence(sentence, {"number": words.number(reported_count)})
    verified_count = now_groups[0]["counts"]["verified"]
    values = {
        "number": _format_verified_numbers(now_groups, page),
        "who": format_source_name(page, now_groups[0]["by"]["source"]),
    }
    if len(now_groups) == 1:
        sentence = words.ngettext(
            "%(who)s has verified %(number)s release", "%(who)s has verified %(number)s releases", verified_count
        )
    else:
        sentence = words.gettext("The organisations have verified %(number)s releases")
    return fill_sentence(sentence, values)


def _build_lead(page: Page, data: HomeData) -> Markup:
    parts = [*_build_window_sentences(page, data), *_build_comparison_sentences(page, data)]
    if not parts:
        _ = page.catalogue.gettext
        parts = [escape(_("No authority has published a figure that can be set beside them."))]
    under_review = describe_under_review({**data.count_now["caveats"], "rejected": 0}, page.catalogue)
    return Markup(" ").join([*parts, escape(under_review)]).strip()


def _build_window_sentences(page: Page, data: HomeData) -> list[Markup]:
    """State the beginnings of both counts if they differ."""
    words = page.catalogue
    _, released_from = words.gettext, data.question.released_from
    cumulative_statements = [statement for statement in data.statements if statement.is_cumulative]
    has_missing_window = any(
        not claim["window_from"] for statement in cumulative_statements for claim in statement.claims
    )
    if not cumulative_statements or (not has_missing_window and data.claims_released_from == released_from):
        return []
    is_government = (
        find_speaker_name(data.contested_statement or cumulative_statements[0], data.question.country, page.sources)
        is None
    )
    side = _("the government") if is_government else _("the authorities")
    values = {
        "ours": format_since(words, released_from) if released_from else _("without a beginning"),
        "side": side,
        "theirs": format_since(words, data.claims_released_from) if data.claims_released_from else "",
    }
    if data.claims_released_from and data.claims_released_from == released_from:
        sentence = _("The organisations count %(ours)s; %(side)s too, when it says since when.")
        return [fill_sentence(sentence, values)]
    if not data.claims_released_from:
        sentence = _("The organisations count %(ours)s; %(side)s does not say since when.")
    elif has_missing_window:
        sentence = _("The organisations count %(ours)s; %(side)s, %(theirs)s, when it says since when.")
    else:
        sentence = _("The organisations count %(ours)s; %(side)s, %(theirs)s.")
    return [escape(_("They do not count the same.")), fill_sentence(sentence, values)]


def _build_comparison_sentences(page: Page, data: HomeData) -> list[Markup]:
    """Compare the last comparable figure, on its own window and hour."""
    statement = data.last_comparable
    reconciliation = data.reconciliations.get(statement.id) if statement else None
    verified_count = get_verified_count(reconciliation)
    if statement is None or reconciliation is None or verified_count is None:
        return []
    words = page.catalogue
    _ = words.gettext
    count_link = link_number(
        words.ngettext("%(number)s release verified", "%(number)s releases verified", verified_count)
        % {"number": words.number(verified_count)},
        build_page_address(page, reconciliation["then"]["permalink"]),
        words.ngettext("%(number)s release verified: see the count", "%(number)s releases verified: see the count",
                       verified_count) % {"number": words.number(verified_count)},
        "told",
    )  # fmt: skip
    values = {
        "figure": quote_figure(statement.claim, words),
        "day": words.long_day(statement.day),
        "verified": count_link,
    }
    if find_speaker_name(statement, data.question.country, page.sources) is None:
        sentence = _(
            "In the government's own count, its %(figure)s of %(day)s stood beside %(verified)s by some independent "
            "source."
        )
    else:
        values["who"] = format_source_name(page, statement.claim["claimant"])
        sentence = _(
            "On its own window, what %(who)s stated on %(day)s, %(figure)s, stood beside %(verified)s by some "
            "independent source."
        )
    first = fill_sentence(sentence, values)
    number, is_open = compute_unverified(reconciliation)
    if number is None or number <= 0:
        return [first]
    address = page.address(f"/claims/{statement.id}", get_pinned_terms(page))
    text = link_number(words.number(number), address, format_remainder_name(number, page), "told")
    sentence = words.ngettext(
        "The other %(number)s none had verified.", "The other %(number)s none had verified.", number
    )
    if is_open:
        sentence = words.ngettext(
            "The other, at least %(number)s, none had verified.",
            "The others, at least %(number)s, none had verified.",
            number,
        )
    return [first, fill_sentence(sentence, {"number": text}), escape(_("That does not mean that they did not happen."))]


def format_remainder_name(number: int, page: Page) -> str:
    """Return the label for the number of unverified people."""
    words = page.catalogue
    return words.ngettext(
        "%(number)s that no independent source had verified: see the claim",
        "%(number)s that no independent source had verified: see the claim", number,
    ) % {"number": words.number(number)}  # fmt: skip


def compute_unverified(reconciliation: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Return how many people of a claim nobody had verified, and whether that is a lower bound."""
    gap = reconciliation["then"]["gap"]
    if gap is None or reconciliation["then"]["possible"] is not None:
        return None, False
    return (gap["low"], True) if gap["high"] is None else (gap["high"], False)


def get_pinned_terms(page: Page) -> dict[str, Any]:
    """Return the moment named in the page's address, for its links."""
    return {"as_of": page.terms.get("as_of")}


def _build_hours_text(page: Page, data: HomeData) -> Markup:
    """State the source and hour of each number."""
    words = page.catalogue
    _, parts = words.gettext, []
    then_groups, now_groups = list_groups_then_and_now(data)
    if data.contested_statement is not None:
        parts.append(_format_statement_source(page, data.contested_statement))
        if then_groups and data.count_then:
            sentence = _("%(numbers)s (%(names)s): at the end of %(day)s.")
            parts.append(
                _format_group_numbers(
                    page, then_groups, sentence, words.day(data.contested_statement.day), with_names=True
                )
            )
    if now_groups:
        day = words.moment(data.count_now["at"]["recorded_at"], page.zone)
        sentence = _("%(numbers)s (%(names)s): %(day)s.") if not then_groups else _("%(numbers)s: %(day)s.")
        parts.append(_format_group_numbers(page, now_groups, sentence, day, with_names=not then_groups))
    revision = str(data.count_now["at"]["revision"])
    parts.append(fill_sentence(_("Revision %(number)s."), {"number": revision}))
    return Markup(" ").join(parts)


def _format_statement_source(page: Page, statement: Statement) -> Markup:
    words = page.catalogue
    _ = words.gettext
    address = page.address(f"/claims/{statement.id}", get_pinned_terms(page))
    figure = quote_figure(statement.claim, words)
    values = {
        "figure": link_number(
            capitalize_first_letter(figure), address, _("%(figure)s: see the claim") % {"figure": figure}, "told"
        ),
        "who": format_source_name(page, statement.claim["claimant"]),
        "when": words.statement_date(statement.claim["stated_at"], page.zone),
    }
    if statement.has_hour:
        return fill_sentence(_("%(figure)s: %(who)s, %(when)s."), values)
    return fill_sentence(_("%(figure)s: %(who)s, %(when)s, without an hour."), values)


def _format_group_numbers(
    page: Page, groups: Sequence[Mapping[str, Any]], sentence: str, day: str, *, with_names: bool
) -> Markup:
    words = page.catalogue
    _ = words.gettext
    figures = [
        link_number(
            words.number(group["counts"]["verified"]), build_page_address(page, group["list"]),
            _("%(number)s, %(source)s: see the list")
            % {
                "number": words.number(group["counts"]["verified"]),
                "source": page.get_source_name(group["by"]["source"]),
            },
            "told",
        )
        for group in groups
    ]  # fmt: skip
    values = {"numbers": join_markup(figures, words), "day": day}
    if with_names:
        values["names"] = join_markup([format_source_name(page, group["by"]["source"]) for group in groups], words)
    return fill_sentence(sentence, values)

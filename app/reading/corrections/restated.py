"""What a new version takes back of what the one before it said (pure).

To say more is no correction: a value where there was none, a finer date inside a coarser one, a later stage, a check of
what was only passed on. To say something else is one, and so is to say less.
"""

from collections.abc import Mapping
from typing import Any

from app.log.content import IS_FIRST_HAND, Content, has_release
from app.projection.statements import DENIALS, RANK, as_counted, parse
from app.registry.publication.classes import CLASS
from app.schemas.records import ChangeOut
from app.vocabulary import CorrectionKind, Designation, Publish, ReleaseKind, Stage, Verdict

# What is compared, by name: the values of a report that are shown, or of a claim.
Values = Mapping[str, Any]

VERDICT = "verification.verdict"
ENDED = "detention.ended"
# What is shown of a change: public values only (`PUBLIC` in log/content.py), by their names in records. Whom a
# person's class of publication hides is nobody's business, and the day of a check is no value of a release.
SHOWN = {
    "verdict": VERDICT,
    "stage": "release.stage",
    "released_on": "release.released_on",
    "ordered_on": "release.ordered_on",
    "announced_on": "release.announced_on",
    "kind": "release.kind",
    "measures_lifted_on": "release.measures_lifted_on",
    "detained_on": "detention.detained_on",
    "held_on": "detention.held_on",
    "country": "detention.country",
    "designation": "detainee.designation",
    "died_on": "detainee.died_on",
    "method": "verification.method",
    "citing": "verification.citing",
}
# A claim's figure and what it is a figure of; its prose may name people.
FIGURES = (
    "claimant", "measure", "qualifier", "low", "high", "window_from", "window_to", "stated_at", "zone", "country",
    "series", "misprint",
)  # fmt: skip

UNSAID = (None, ReleaseKind.UNSPECIFIED.value, Designation.UNSTATED.value)
# What a verdict that was not there before makes of a report.
WITHDRAWN = {
    Verdict.RETRACTED: CorrectionKind.RETRACTED,
    Verdict.REFUTED: CorrectionKind.REFUTED,
    Verdict.DISPUTED: CorrectionKind.DISPUTED,
}


def of_report(before: Content | None, after: Content) -> tuple[CorrectionKind | None, list[ChangeOut]]:
    """The kind of correction that a version of a report is, None for no correction, and its changes.

    `before` is the version it supersedes; a first version corrects others by a denial, and nothing of its own.
    """
    verdict = Verdict(after[VERDICT])
    if before is None:
        return (WITHDRAWN[verdict] if verdict in DENIALS else None), []
    if _says_months(before) or _says_months(after):  # that the log says less, or more, is no word of the source
        before, after = as_counted(before), as_counted(after)
    changes = _changes(_shown(before), _shown(after))
    if verdict in WITHDRAWN and verdict != before[VERDICT]:
        return WITHDRAWN[verdict], changes
    # A verdict on a detention says nothing of the release that a record grows by.
    about_another = {"verdict", "method"} if has_release(after) and not has_release(before) else set()
    # Whoever checks what it had only passed on does so in another way.
    checked = {"method"} if (before[VERDICT], verdict) == (Verdict.REPORTED, Verdict.VERIFIED) else set()
    taken_back = any(_takes_back(change) for change in changes if change["field"] not in about_another | checked)
    return (CorrectionKind.RESTATED if taken_back else None), changes


def _says_months(content: Content) -> bool:
    return content.get(CLASS) == Publish.COUNTED or IS_FIRST_HAND in content


def of_claim(before: Values, after: Values) -> list[ChangeOut]:
    """What differs between two figures."""
    return _changes(*({name: claim.get(name) for name in FIGURES} for claim in (before, after)))


def _shown(content: Content) -> Values:
    ended = content.get(ENDED, {})
    shown = {name: content.get(path) for name, path in SHOWN.items()}
    return {**shown, "ended_on": ended.get("on"), "ended_how": ended.get("how"), "citing": shown["citing"] or []}


def _changes(before: Values, after: Values) -> list[ChangeOut]:
    return [
        {"field": name, "before": before[name], "after": after[name]} for name in after if before[name] != after[name]
    ]


def _takes_back(change: ChangeOut) -> bool:
    name, before, after = change["field"], change["before"], change["after"]
    if name == "citing":
        return True  # whoever cites checked nothing itself: a count of verifications may fall
    if before in UNSAID:
        return False
    if after is None:
        return True
    if name == "verdict":
        return (before, after) != (Verdict.REPORTED, Verdict.VERIFIED)
    if name == "stage":
        return RANK[Stage(after)] < RANK[Stage(before)]
    if name == "held_on":
        return parse(after).hi < parse(before).hi  # the last day known: it moves on
    if name.endswith("_on"):
        return not parse(after).within(parse(before))
    return True

"""The values of a report, and which of them its next version loses and gains (pure)."""

from collections import Counter
from typing import Any

from app.exchange.imports.fields import PUBLISH
from app.log.content import Content, as_sent, flatten
from app.registry.checks import PAST_DATES
from app.registry.publication.classes import stricter
from app.vocabulary import Designation, Publish, ReleaseKind, Stage, Verdict

Says = Content
# Field → the value that a report has if it leaves the field out.
UNSAID = {
    "verification.verdict": Verdict.REPORTED,
    "release.stage": Stage.CARRIED_OUT,
    "release.kind": ReleaseKind.UNSPECIFIED,
    "detainee.designation": Designation.UNSTATED,
}
# Fields that a next version keeps without repeating them (`reports.with_kept`), and the case number.
KEPT = frozenset({"detainee.national_id", "detainee.national_id_digest", "retraction.reason", "source_record_id"})
# The day of an age or of a wish comes and goes with the age or the wish, and is not counted as a date.
OF_OTHERS = ("detainee.age_on", "detainee.publish_given_on")
DATES = tuple(name for name in PAST_DATES if name not in OF_OTHERS)
# Kinds of loss and gain in a receipt → their fields.
KINDS = {"verdicts": ("verification.verdict",), "dates": DATES, "wishes": (PUBLISH,)}


def says(report: Content | dict[str, Any]) -> Says:
    """The values of a body or of a stored content, without defaults."""
    content = as_sent(report) if any("." in name for name in report) else flatten(report)
    return {name: value for name, value in content.items() if name not in KEPT and UNSAID.get(name) != value}


def withdraws_wish(before: Says, after: Says) -> bool:
    """Whether a version takes back a stricter wish about publication: it asks for a class that shows more, or for none,
    which shows people without their names."""
    wish = before.get(PUBLISH)
    return wish is not None and stricter(wish, after.get(PUBLISH, Publish.ANONYMOUS))


def changed(before: Says, after: Says) -> Counter[str]:
    """`{"verdicts_lost": 1, "dates_gained": 2}`: the values lost and gained from one version to the next."""
    return Counter(
        f"{kind}_{change}"
        for kind, names in KINDS.items()
        for name in names
        for change, having, lacking in (("lost", before, after), ("gained", after, before))
        if name in having and name not in lacking
    )

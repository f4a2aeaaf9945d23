"""What an estimate assumes, and why there is none, in the reader's words (pure).

The API says both in English: an assumption by its sentence alone, and a refusal also by its code.
"""

from collections.abc import Mapping
from typing import Any

from app.web.catalogue import Catalogue

APART = " of the releases observed are of people who may only be counted"  # after a number


def assumed(text: str, words: Catalogue) -> str:
    """An assumption of an answer, which is one of `SENTENCES`, or how many people may only be counted."""
    number, apart, _rest = text.partition(APART)
    if not apart:
        return words.gettext(text)
    return words.gettext(
        "%(number)s of the releases observed are of people who may only be counted: whoever several sources reported "
        "apart stands once for each, on lists that seem to share nobody, and the estimate is then too high."
    ) % {"number": words.number(int(number))}


def refused(refusal: Mapping[str, Any], words: Catalogue) -> str:
    """Why there is no estimate; a reason that is not known here stands as the API says it."""
    _ = words.gettext
    reasons = {
        "too_few_lists": _("Fewer than two independent sources verified a release here: nothing can be estimated."),
        "empty_list": _("On one of the lists there is nobody: leave it out."),
        "dependent_lists": _(
            "Some lists are declared dependent: what they share says nothing of whom both miss. Leave one out."
        ),
        "citing_lists": _("One list takes from another: what they share is copied. Leave the citing one out."),
        "too_few_shared": _("Too few people are on two lists or more to carry an estimate."),
        "not_estimable": _(
            "No finite estimate fits this table: too little is shared between some of the lists, or everything is."
        ),
        "models_disagree": _("The models that fit the data disagree too far to choose one of them."),
    }
    return reasons.get(refusal["code"], str(refusal["reason"]))


def _(text: str) -> str:
    """Marks a sentence to be translated where it is told."""
    return text


SENTENCES = (
    _("The group is closed: within the window nobody joined it or left it, and all lists speak of the same people."),
    _("People are matched rightly across lists: a match that was missed raises the estimate, a false one lowers it."),
    _("Everyone could have come onto some list. Whoever none could ever reach is not in the estimate."),
    _(
        "Within one list everyone had about the same chance to be on it. Where some people are harder to reach for "
        "every list, the estimate is too low."
    ),
    _(
        "The two lists came about independently, which two lists cannot show. If being on one makes being on the other "
        "likelier, the estimate is too low; if less likely, too high."
    ),
    _(
        "Beyond the terms of the model the lists are independent. A dependence that runs through all of them at once "
        "cannot be seen in any table."
    ),
    _("A pattern of lists that nobody has was looked for and found empty."),
    _("The model was chosen on the same data: its interval leaves out the doubt about the choice."),
    _(
        "The lower bound allows for people that are harder to reach and for lists that follow each other. Where lists "
        "avoid each other's people it can be too high."
    ),
)

"""How many releases no source has seen: the registry's own table of who verified what, handed to the estimators."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sqlalchemy import BindParameter, bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.counts.estimates import MOST_LISTS, BadTable, estimate
from app.counts.patterns import Patterns, patterns_of
from app.counts.shapes import ReleaseEstimate
from app.counts.tally import not_visible
from app.db.engine import chunks
from app.errors import Invalid
from app.log.entries import pin
from app.models import Source, Verification
from app.reading import terms as wording
from app.reading.named import with_facility_slug
from app.reading.selection import Selection, select
from app.reading.terms import CountTerms
from app.reading.visibility import at
from app.registry.publication.permissions import Reader
from app.schemas.counts import EstimateNumbers
from app.vocabulary import Verdict

# Where the assumption that people are matched across lists may fail, and which way: of these nobody may be recognised.
APART = (
    "{} of the releases observed are of people who may only be counted: whoever several sources reported apart stands"
    " once for each, on lists that seem to share nobody, and the estimate is then too high."
)
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


def estimate_releases(
    session: Session,
    terms: CountTerms,
    lists: Sequence[str],
    dependent: Sequence[frozenset[str]],
    reader: Reader,
    revision: int,
) -> ReleaseEstimate:
    """The estimate from the overlap of independent sources' verified releases; `lists`: only these sources'.

    Sources of which one cites the other in verifying one of these releases are no two lists: the estimate is refused.
    Raises Invalid where one list is named, or there are more than MOST_LISTS.
    """
    terms = with_facility_slug(session, terms)
    selection = select(session, terms, reader, revision)
    by_release = patterns_of(session, selection, terms, independent=True)
    seen = sorted(frozenset[str]().union(*by_release.sizes()))
    used = sorted(set(lists)) if lists else seen
    if len(used) > MOST_LISTS or len(lists) == 1:
        detail = f"Name 2 to {MOST_LISTS} sources under `lists`: "
        detail += f"here {len(used)} verified releases." if len(used) > 1 else "one list alone overlaps with none."
        raise Invalid.at("/lists", "lists_out_of_range", detail)
    patterns: Counter[frozenset[str]] = Counter()
    for pattern, number in by_release.sizes().items():
        if among := pattern.intersection(used):
            patterns[among] += number
    try:
        numbers = estimate(
            used, patterns, dependent, _citing(session, used, by_release.spell.tolist(), revision)
        ).answer()
    except BadTable as error:
        if len(used) > 1:
            raise Invalid.at("/lists", "bad_table", str(error)) from error
        numbers = _nothing(used, sum(patterns.values()))
    apart = _counted_apart(selection, by_release, used)
    if apart:
        numbers["assumptions"] = [*numbers["assumptions"], APART.format(apart)]
    echoed = {name: value for name, value in wording.echo(terms).items() if name != "group_by"}
    # Where fewer than two lists are found, the same question is one that names none.
    pairs = [":".join(sorted(pair)) for pair in dependent]
    question = echoed | {"lists": used if len(used) > 1 else [], "dependent": pairs}
    return {
        "terms": echoed,
        **numbers,
        "counted_apart": apart,
        **not_visible(session, terms, reader, revision),
        "permalink": wording.link("/v1/estimates/releases", question, pin(session, revision)),
    }


def _counted_apart(selection: Selection, by_release: Patterns, used: Sequence[str]) -> int:
    """How many of the releases observed are of people who may only be counted, and so stand once for each source."""
    observed = np.array([not pattern.isdisjoint(used) for pattern in by_release.sources], bool)
    apart = selection.together["withheld"][selection.inside & selection.counting]
    return int(np.count_nonzero(apart & observed[by_release.pattern]))


def _nothing(used: Sequence[str], observed: int) -> EstimateNumbers:
    """The answer where there are not two lists to compare."""
    reason = f"{len(used)} independent sources verified a release here: from fewer than two nothing can be estimated."
    return {
        "observed": observed,
        "on_two_or_more": 0,
        "lists": list(used),
        "models": [],
        "left_out": [],
        "assumptions": [],
        "range": None,
        "chosen": None,
        "chosen_by": None,
        "lower_bound": None,
        "refused": {"code": "too_few_lists", "reason": reason},
    }


def _citing(session: Session, lists: Sequence[str], releases: Collection[int], revision: int) -> list[frozenset[str]]:
    """Pairs of sources of which one cites the other in verifying one of the releases."""
    pairs = {frozenset(pair) for pair in combinations(lists, 2)}
    cited = select_rows(col(Source.slug), col(Verification.said)).where(
        col(Verification.source) == col(Source.key),
        at(Source, revision),
        at(Verification, revision),
        col(Verification.object) == "release",
        col(Verification.verdict) == Verdict.VERIFIED,
        col(Verification.spell).in_(_AMONG),
        col(Source.slug).in_(lists),
        ~col(Verification.said).contains('"citing":[]'),
    )
    citing = {
        frozenset((slug, other))
        for some in chunks(releases)
        for slug, text in session.execute(cited, {"among": some})
        for other in json.loads(text)["citing"]
    }
    return sorted(pairs & citing, key=sorted)

"""What a source's own count of releases gains and loses by a row, and by which class its people are shown (pure).

It follows from the source's own words alone, before and after: whom others report, and whom nobody may see, has no part
in it (decision 0079).
"""

from collections import Counter
from collections.abc import Mapping
from typing import get_args

from app.log.content import Content, has_release
from app.schemas.imports import ImportOwnChange, OwnVerdict
from app.vocabulary import Publish, Stage, Verdict

OWN_VERDICTS: tuple[OwnVerdict, ...] = get_args(OwnVerdict)
_CHANGE, _PUBLISH = "own", "publish"  # how the names of the numbers begin


def changed(before: Content, after: Content) -> Counter[str]:
    """`{"own_VE_verified_gained": 1, "publish_anonymous": 1}`: of a row that is filed. `before`: the content that stood
    under its case number, empty where none did."""
    tally = Counter({f"{_PUBLISH}_{after.get('detainee.publish', Publish.ANONYMOUS)}": 1})
    for content, change in ((before, "lost"), (after, "gained")):
        if (release := _counted(content)) is not None:
            tally[f"{_CHANGE}_{release}_{change}"] += 1
    return tally


def _counted(content: Content) -> str | None:
    """Country and verdict of a release that the source's own count has; None where it has none."""
    if not content or not has_release(content):
        return None
    if content.get("release.stage", Stage.CARRIED_OUT) != Stage.CARRIED_OUT:
        return None
    verdict, country = content.get("verification.verdict", Verdict.REPORTED), content.get("detention.country")
    return f"{country}_{verdict}" if country and verdict in OWN_VERDICTS else None


def changes(tally: Mapping[str, int]) -> list[ImportOwnChange]:
    """The changes by country, from the sums of `changed` over all rows."""
    countries = sorted({name.split("_")[1] for name in tally if name.startswith(f"{_CHANGE}_")})
    return [
        {"country": country, "verified": _change(tally, country, "verified"),
         "reported": _change(tally, country, "reported")}
        for country in countries
    ]  # fmt: skip


def _change(tally: Mapping[str, int], country: str, verdict: OwnVerdict) -> int:
    of = f"{_CHANGE}_{country}_{verdict}"
    return tally.get(f"{of}_gained", 0) - tally.get(f"{of}_lost", 0)


def classes(tally: Mapping[str, int]) -> dict[Publish, int]:
    """How many of the rows that go in ask for each class of publication."""
    return {publish: tally.get(f"{_PUBLISH}_{publish}", 0) for publish in Publish}

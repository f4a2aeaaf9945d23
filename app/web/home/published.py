"""The figures that the drawn sources published themselves, and which look each of them has."""

from collections import Counter
from datetime import date, tzinfo

from app.web.catalogue import Catalogue
from app.web.charts.contest import Published
from app.web.home.gathered import Gathered
from app.web.home.own_figures import own_figures, placed, when_of


def styles(gathered: Gathered) -> dict[str, int]:
    """Which look a source has: the one that publishes most figures the first, the others by what they verified."""
    published = Counter(claim["claimant"] for claim in gathered.series["claims"])
    slugs = [group["source"] for group in gathered.lines]
    main = max(slugs, key=lambda slug: published[slug], default=None)
    return {slug: number for number, slug in enumerate(sorted(slugs, key=lambda slug: slug != main), 1)}


def of_line(gathered: Gathered, slug: str, style: int, zone: tzinfo, words: Catalogue) -> list[Published]:
    """A source's figures as they stand in the chart: with their number where they are not what the line says."""
    points = next(line["points"] for line in gathered.series["series"] if line["source"] == slug)
    ends = {point["on"]: point["verified"] for point in points}
    told = []
    for claim in own_figures(gathered.series["claims"], slug, gathered.question.released_from):
        local, value = when_of(claim, zone), int(str(claim["low"]))
        begins, ends_at = placed(claim, local)
        day = local.date().isoformat()
        before = date.fromordinal(local.toordinal() - 1).isoformat()
        span = [ends[each] for each in (before, day) if each in ends]
        is_off = bool(span) and day in ends and not min(span) <= value <= max(span)
        told.append(Published(style, value, begins, ends_at, words.number(value) if is_off else None))
    return told

"""Count the reports of a source that no curator has reviewed, and decide whether one more counts at once (pure)."""

from dataclasses import dataclass

from app.log.content import Content, has_release_section
from app.projection.statements import DENIALS
from app.vocabulary import Review

# Of a new source; and for every source, the limit of denials and of reports of custody without a release.
DEFAULT_UNREVIEWED_LIMIT = 20


@dataclass
class UnreviewedReports:
    """The numbers of a source's reports that no curator has reviewed, as of the next report.

    `limit`: how many may count in combined records. `limited`: how many of `total` are denials or of custody alone.
    `is_limited_waiting`: whether any of these awaits review; `is_release_waiting`: whether any other report does."""

    limit: int
    total: int
    limited: int
    is_limited_waiting: bool
    is_release_waiting: bool

    @property
    def is_any_waiting(self) -> bool:
        return self.is_limited_waiting or self.is_release_waiting

    def judge(self, *, is_limited: bool, is_repeated: bool = False) -> Review:
        """Return whether one more report counts at once.

        `is_repeated`: it says again what counted at once before, and needs only room. Reports of custody that wait hold
        back no release: a first list of custody is longer than its limit."""
        limits = (self.limited >= DEFAULT_UNREVIEWED_LIMIT) if is_limited else False
        is_full = limits or self.total >= self.limit
        is_behind = self.is_release_waiting or (is_limited and self.is_limited_waiting)
        return Review.AWAITING_REVIEW if is_full or (is_behind and not is_repeated) else Review.UNREVIEWED

    def add(self, review: Review | None, *, is_limited: bool, number: int = 1) -> None:
        """Count a report, or with `number` -1 remove one that another version replaced."""
        if review is Review.AWAITING_REVIEW and number > 0:
            self.is_limited_waiting = self.is_limited_waiting or is_limited
            self.is_release_waiting = self.is_release_waiting or not is_limited
        if review is Review.UNREVIEWED:
            self.total += number
            self.limited += number if is_limited else 0


def is_limited_report(report: Content) -> bool:
    """Return whether a report is a denial, or about custody without a release."""
    return report["verification.verdict"] in DENIALS or not has_release_section(report)

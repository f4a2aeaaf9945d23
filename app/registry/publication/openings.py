"""Keep a person's class closed until an opening is agreed.

Hiding takes effect with its entry. An entry that would show more of a person than before leaves the class as it was,
whatever the entry is: a consent, a correction, a withdrawal, a parting, an undone decision, a recall or a source that
is no longer independent. The person has a `class_hold` row until an entry with `opens` agrees. So one entry or one
list, which may concern many people, is one opening.

Only what independent sources closed is kept closed, if an independent source reports the person: a state must not
delay what others report.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.log.entries import BODY_FORMATS, DEFAULT_BODY_FORMAT, LogEntry
from app.models import NAMED_BY_REPORTS
from app.projection.statements import SourceView
from app.registry.identity.clusters import StoredRecord
from app.registry.publication.classes import find_strictest_class, is_stricter
from app.vocabulary import Publish


class OpeningRule(NamedTuple):
    """What an entry may open.

    `opening`: the entry itself, or the first one of its list, by which what it would open waits. `opens_freely`:
    everything, because it was written before there were agreements, or undoes what a stolen key wrote. `agreed`: the
    opening to which the entry agrees. `changes_source`: it may change which sources are independent."""

    revision: int
    opening: int
    opens_freely: bool
    agreed: int | None
    changes_source: bool


class Hold(NamedTuple):
    """A person's class `publish`, kept until the opening of the entry `opening` to the class `opening_to` is agreed."""

    publish: str
    opening: int
    opening_to: str

    @property
    def logged_class(self) -> str:
        """The class for the person's rows."""
        return Publish.NAMED if self.publish == NAMED_BY_REPORTS else self.publish


def build_opening_rule(entry: LogEntry) -> OpeningRule:
    """Return what an entry may open."""
    body = entry.body
    is_early = body["v"] < BODY_FORMATS.get(entry.kind, DEFAULT_BODY_FORMAT)
    return OpeningRule(
        entry.revision,
        body.get("request", entry.revision),
        opens_freely=is_early or "restores" in body,
        agreed=body.get("opens"),
        changes_source=entry.kind == "source",
    )


def compute_hold(
    records: Sequence[StoredRecord], sources: Mapping[int, SourceView], publish: str, rule: OpeningRule
) -> Hold | None:
    """Return the hold of a person whom reports and consents give the class `publish`; None if that opens nothing.

    An opening that goes further than the one that waits begins anew."""
    if rule.opens_freely:
        return None
    independent = [record for record in records if rule.changes_source or sources[record.source].independent]
    known = [record for record in independent or records if record.publish_decided is not None]
    closed = find_strictest_class([publish, *(str(record.publish_decided) for record in known)])
    waiting = {record.opening: str(record.opening_to) for record in known if record.opening is not None}
    goes_further = any(is_stricter(opening_to, publish) for opening_to in waiting.values())
    if closed == publish or (rule.agreed in waiting and not goes_further):
        return None
    return Hold(closed, rule.opening if goes_further or not waiting else max(waiting), publish)

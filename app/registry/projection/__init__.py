"""The projection: the current reports of one person → the rows that are shown and counted (pure).

`statements` is what the rules read: reports. `units` puts those together that point at each other, `spells` divides
them into detentions, `voices` hears each source once and derives statuses, `consolidate` makes one value of what
several sources say, `custody`, `ends` and `held` read a detention whole, `person` tells the facts about the person, and
`rows` writes all of it as table rows.
"""

from app.registry.projection.rows import Rows, project
from app.registry.projection.statements import FacilityView, SourceView, Statement

__all__ = ["RULES", "Account", "FacilityView", "Rows", "SourceView", "project"]

# The number of the rules of this package. Whoever changes which rows or numbers follow from the same reports adds one,
# so that the registry never answers a citation made under other rules with another number in silence.
RULES = 2

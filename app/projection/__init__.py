"""The projection: the current reports of one person → the rows that are shown and counted (pure).

`statements` holds what the rules read: what each report says. `units` groups reports that point at each other, `spells`
divides them into detentions, `voices` picks the statement that speaks for each source, `status` says what status their
verdicts give, `consolidate` makes one value of what several sources say, `custody`, `ends` and `detention_state` read a
whole detention, `person` gives the facts about the person and `person_state` where the person stands today, and `rows`
writes all of it as table rows.
"""

from app.projection.rows import Rows, project
from app.projection.statements import FacilityView, SourceView, Statement

__all__ = ["RULES", "FacilityView", "Rows", "SourceView", "Statement", "project"]

# The number of the rules of this package. Whoever changes which rows or numbers follow from the same reports adds one,
# so that the registry never answers a citation made under other rules with another number in silence.
RULES = 5

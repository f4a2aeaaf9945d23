"""Project the current reports of one person to the rows that are shown and counted. All functions are pure.

`statements` has what the rules read: what each report states. `spells` groups reports that point at each other and
divides them into detentions. `consolidate` derives one value from those of several sources. `custody`, `ends` and
`detention_state` consolidate a whole detention, `person` the facts about the person, and `rows` builds the table
rows."""

from app.projection.rows import Rows, project
from app.projection.statements import FacilityView, SourceView, Statement

__all__ = ["RULES", "FacilityView", "Rows", "SourceView", "Statement", "project"]

# The version of the rules of this package. Increment it with every change of the rows or numbers that follow from the
# same reports, so that a citation made under older rules is never answered silently with another number.
RULES = 6

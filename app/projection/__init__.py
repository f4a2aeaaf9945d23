"""Project the current reports of one person to the rows that are shown and counted. All functions are pure.

`statements` has what the rules of `docs/counting-rules.md` read: what each report states. `detentions` divides the
reports into detentions. `status` picks each source's voice and weighs the voices, `event_dates` chooses the date of an
event, and `consolidate` any other value. `held` finds the days in custody. `custody` puts one detention together,
`detention_state` builds its rows of custody, `person` the facts about the person, and `rows` all table rows."""

from app.models.log import RowsVersion
from app.projection.rows import Rows, project
from app.projection.statements import FacilityView, SourceView, Statement

__all__ = ["ROWS_VERSION", "RULES", "FacilityView", "Rows", "SourceView", "Statement", "project"]

# The version of the rules of this package. Increment it with every change of the numbers that follow from the same
# reports, so that a citation made under older rules is never answered silently with another number.
RULES = 6
# Increment the second number with every other change of the rows, such as a new column or trait: rows without it would
# be counted as having no value. Permalinks stay valid.
ROWS_VERSION = RowsVersion(RULES, projection=2)

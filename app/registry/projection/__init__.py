"""The projection: the current reports of one person → the rows that are shown and counted (pure).

Spells (`spells`), voices and status (`voices`), consolidated values (`consolidate`) and the rows they give (`rows`)
are the rules that keep counts right; `accounts` is what they read.
"""

from app.registry.projection.accounts import Account, FacilityView, SourceView
from app.registry.projection.rows import Rows, project

__all__ = ["RULES", "Account", "FacilityView", "Rows", "SourceView", "project"]

# The number of the rules above. Whoever changes what rows or numbers follow from the same reports counts it up, so that
# a number cited under other rules is never answered with another number in silence.
RULES = 2

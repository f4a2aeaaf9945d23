"""Build the rows of when a person was in custody: `detention_state` for all sources together, `source_detention` for
each.

A source's own row is what the registry would show with that source's reports alone (rule 9).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from app.models import TableRow
from app.projection.consolidate import read_field, read_value_of_source, sort_by_precedence
from app.projection.custody import Custody, read_custody
from app.projection.event_dates import choose_end_date
from app.projection.held import End
from app.projection.statements import ASSERTIONS, DENIALS, Statement, drop_retracted
from app.projection.status import COUNTED_STATUSES, group_by_source, weigh_own
from app.vocabulary import CustodyEnd, Designation, Publish, ReleaseKind, Verdict

DIED_ON = "detainee.died_on"


def build_state_row(custody: Custody, death: End | None, publish: str) -> TableRow:
    """Build the row of all sources together. `death`: the person's death, if it came in this detention or later."""
    verdicts = list(custody.verdicts.values())
    status = custody.status
    return {
        "spell": custody.spell,
        "status": status,
        **_build_day_columns(custody, death),
        "next_hi": custody.next_hi,
        "is_denied": any(verdict in DENIALS and first_hand for verdict, first_hand in verdicts),
        "country": custody.country,
        "designation": custody.designation,
        "independent_verified": verdicts.count((Verdict.VERIFIED, True)) if status in COUNTED_STATUSES else 0,
        "withheld": publish == Publish.COUNTED,
    }


def build_source_detention_rows(custody: Custody, deaths: dict[int, End]) -> list[TableRow]:
    """Build a row for each source from its own reports. `deaths`: source → its date of death, if in this detention or
    later."""
    rows = []
    for source, (verdict, first_hand) in custody.verdicts.items():
        own = select_own_statements(custody, source)
        asserting = [statement for statement in own if statement.verdict in ASSERTIONS]
        alone = custody if len(custody.verdicts) == 1 else read_custody(own)
        rows.append(
            {
                "spell": custody.spell,
                "source": source,
                "verdict": verdict,
                "independent": first_hand,
                "status": weigh_own(verdict, asserting, is_first_hand=first_hand),
                "review": None,
                **_build_day_columns(alone, deaths.get(source)),
                "next_hi": custody.next_hi_by_source.get(source),
                **read_own_country_and_designation(own),
            }
        )
    return rows


def select_own_statements(custody: Custody, source: int) -> list[Statement]:
    """Return the statements that may speak for one source on a detention, in their order."""
    own = [statement for statement in custody.statements if statement.source.key == source]
    return sort_by_precedence(group_by_source(own)[source])


def read_own_country_and_designation(own: Sequence[Statement]) -> TableRow:
    """Return the country and the designation according to one source's reports."""
    return {
        "country": read_value_of_source(own, read_field("detention.country"), "detention.country"),
        "designation": read_value_of_source(own, lambda statement: statement.designation, "detainee.designation")
        or Designation.UNSTATED,
    }


def find_death(statements: Iterable[Statement]) -> End | None:
    """Return the person's death, which a government decides only where no organisation reports the person."""
    current_statements = drop_retracted(statements)
    witnesses = [s for s in current_statements if s.source.independent] or current_statements
    dated = [witness for witness in witnesses if DIED_ON in witness.content and witness.asserts_detention]
    return End(choose_end_date(dated, DIED_ON), CustodyEnd.DIED) if dated else None


def find_deaths_by_source(statements: Iterable[Statement]) -> dict[int, End]:
    """Return a dict of source → the death that it reports."""
    deaths = {source: find_death(own) for source, own in group_by_source(statements).items()}
    return {source: death for source, death in deaths.items() if death is not None}


def read_own_kind(own: Sequence[Statement]) -> str:
    """Return the kind of release according to a source's own statements in their order."""
    kind = read_value_of_source(own, lambda statement: statement.kind, "release.kind")
    return kind or ReleaseKind.UNSPECIFIED


def _build_day_columns(custody: Custody, death: End | None) -> TableRow:
    """Return the possible days of the arrest, of the begin and of the end (`free_`: if house arrest is custody), how it
    ended, the days on which no source contradicts that the person was held (`sure_`), and the last day on which a
    report shows the person inside."""
    arrest = custody.detained_on
    out = custody.find_held_days(death, house_arrest=False)
    free = custody.find_held_days(death, house_arrest=True)
    columns: dict[str, Any] = {"lo": out.begin_lo, "hi": out.begin_hi, "out_lo": out.end_lo, "out_hi": out.end_hi}
    columns |= {"detained_lo": arrest and arrest.lo, "detained_hi": arrest and arrest.hi}
    columns |= {"ended": custody.find_way_of_end(death)}
    columns |= {"free_lo": free.end_lo, "free_hi": free.end_hi, "heard_hi": custody.last_shown_day}
    return columns | {"sure_lo": out.sure_lo, "sure_hi": out.sure_hi, "free_sure_hi": free.sure_hi}

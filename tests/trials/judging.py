"""What a hostile source must not move: the rows on which the numbers of others rest, and what others verified."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts.tally import compute_count
from app.models import (
    OPEN,
    Detainee,
    DetentionState,
    Entry,
    Placement,
    Record,
    ReleaseAtStage,
    Source,
    SourceDetention,
    SourceRelease,
    SourceTrait,
)
from app.queries.terms import CountTerms, HeldCountTerms
from app.vocabulary import Publish, Verdict
from tests.model.past import Past
from tests.properties.steps import Clerk, Consent, File, Place, Registry, Step
from tests.support import ANYONE, GOVERNMENT
from tests.trials.drawing import Trial
from tests.trials.steps import Hand
from tests.trials.totals import find_miscounted, find_unlike_the_rules, list_totals, read_past

Moved = list[str]

# Counted before the attack and after it; the rows below are compared after each step, for every other window.
ASKED = 2  # of these at once: a count takes longer than a step
OF_RELEASES: tuple[dict[str, Any], ...] = (
    {},
    {"net": True},
    {"released_from": "2026-01-08", "released_to": "2026-01-14"},
    {"released_from": "2026-01", "released_to": "2026-01", "net": True},
    {"country": "VE", "release_kind": ["unspecified", "house_arrest"]},
    {"stage": "announced"},
    {"detained_from": "2024-10", "detained_to": "2024-10", "designation": "political"},
)
OF_HELD: tuple[dict[str, Any], ...] = (
    {"held_on": "2025-12-31"},
    {"held_on": "2026-01-11", "country": "VE"},
    {"held_on": "2026-01-20", "house_arrest": True},
    {"held_on": "2026-02-20"},
)
DIMENSIONS = (["source"], ["source", "month"], ["source", "release_kind"])
NUMBERS = ("verified", "reported", "uncertain_date", "people")
# The columns of a source's row that counts read.
READ = {
    SourceRelease: ("stage", "verdict", "lo", "hi", "kind", "country", "designation", "next_hi"),
    SourceDetention: (
        "verdict", "lo", "hi", "out_lo", "out_hi", "free_lo", "free_hi", "next_hi", "country", "designation",
    ),
    SourceTrait: ("name", "value"),
}  # fmt: skip
# The columns that a source's row has by months once its person may only be counted. The day of a release stays a day.
BY_MONTHS = {
    SourceRelease: {"next_hi"},
    SourceDetention: {"lo", "hi", "out_lo", "out_hi", "free_lo", "free_hi", "next_hi"},
}
# Of a total that independent sources verified.
SETTLED = ("stage", "status", "lo", "hi", "next_hi", "independent_verified")
OF_THE_SPELL = ("country", "designation", "facility")


def judge(registry: Registry, trial: Trial) -> Moved:
    """What the attack moved that it must not, after the first step that does; nothing where all held."""
    return _moved_at_once(registry, trial) or _moved_later(registry, trial)


def _moved_later(registry: Registry, trial: Trial) -> Moved:
    """What a state's attack changes of what others do after it. (Of a stolen key's word something may be kept by who
    verifies by pointing, as of any independent source's.) Where one of them speaks of a release that stands by the
    attack alone, there is nothing to compare."""
    if trial.hostile != GOVERNMENT or not trial.later:
        return []
    states, filed = [], []
    for attack in ((), trial.attack):
        with registry.after([]) as clerk:
            hand = Hand(clerk, trial.seed)
            hand.take(*trial.honest, *attack)
            refused = clerk.refused
            hand.take(*trial.later)
            filed.append(clerk.refused - refused)
            states.append(_state(clerk, trial.hostile))
    moved = [*_difference(*_comparable(trial, *states))] if filed[0] == filed[1] else []
    return ["once others went on:", *moved] if moved else []


def _moved_at_once(registry: Registry, trial: Trial) -> Moved:
    with registry.after([]) as clerk:
        hand = Hand(clerk, trial.seed)
        hand.take(*trial.honest)
        before, counted = _state(clerk, trial.hostile), _counted(clerk, trial)
        for number, step in enumerate(trial.attack):
            hand.take(step)
            after = _state(clerk, trial.hostile)
            if moved := [*_difference(*_comparable(trial, before, after)), *_unlike_the_rule(clerk, trial)]:
                return [f"step {number + 1} of the attack: {step}", *moved]
        after = _state(clerk, trial.hostile)
        otherwise = any(before[name] != after[name] for name in ("spells", "hidden"))
        moved = [] if otherwise else [*_difference(counted, _counted(clerk, trial))]
        return [*moved, *_miscounted(clerk, trial), *_hidden(clerk, trial.hostile)]


def _comparable(trial: Trial, before: dict[str, Any], after: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What must not differ. The one exception is rule 4: the dates of every organisation divide, by any method. So a
    stolen key may invent a release and an arrest that part two reports of another source, which then has two voices
    where it had one. And a government's reports join the organisations' detentions that they fit (rule 10): once a
    further organisation moves these, two of its reports may part or come together, and its own number changes by one.
    No source is moved whose own reports stay together as they were, and none by a state. Whoever is hidden by the
    attack, provisionally, counts by months of arrest from then on (rule 13)."""
    hidden = after["hidden"] - before["hidden"]
    parted = {key for key, spells in before["spells"].items() if after["spells"].get(key) != spells}
    if trial.hostile == GOVERNMENT:
        parted = set()
    one, other = ({**state, "spells": None, "hidden": None} for state in (before, after))
    for table in READ:
        for state in (one, other):
            state[table.__name__] = {
                key: _without_months(table, rows) if key in hidden else rows
                for key, rows in state[table.__name__].items()
                if key not in parted
            }
    return one, other


def _without_months(table: Any, rows: list[Any]) -> list[Any]:
    by_months = BY_MONTHS.get(table, set())
    return sorted(tuple(v for v, name in zip(row, READ[table], strict=True) if name not in by_months) for row in rows)


def shortest(registry: Registry, trial: Trial, moved: Callable[[Registry, Trial], Moved] = judge) -> Trial:
    """The trial without the steps that its failure does not need. Facilities stay: a count by a facility that is not
    registered is refused."""
    again = True
    while again:
        again = False
        for shorter in _shorter(trial):
            if moved(registry, shorter):
                trial, again = shorter, True
                break
    return trial


def _shorter(trial: Trial) -> Iterator[Trial]:
    for name in ("later", "attack", "honest"):
        steps: tuple[Step, ...] = getattr(trial, name)
        for number, step in enumerate(steps):
            if not isinstance(step, Place):
                yield _with(trial, name, steps[:number] + steps[number + 1 :])


def _with(trial: Trial, name: str, steps: tuple[Step, ...]) -> Trial:
    if name == "honest":
        return replace(trial, honest=steps)
    return replace(trial, attack=steps) if name == "attack" else replace(trial, later=steps)


def _state(clerk: Clerk, hostile: str) -> dict[str, Any]:
    with clerk.session() as session:
        own, spells = _spells(session, _key(session, hostile))
        counted = _only_counted(session)
        return {
            "spells": spells,
            "hidden": {name for (_source, detainee), name in own.items() if detainee in counted},
            **{table.__name__: _rows(session, table, own) for table in READ},
            **(_settled(session, read_past(clerk)) if hostile == GOVERNMENT else {}),
        }


def _only_counted(session: Session) -> set[int]:
    return set(session.scalars(select(col(Detainee.detainee)).where(
        col(Detainee.until) == OPEN, col(Detainee.publish) == Publish.COUNTED)))  # fmt: skip


def _spells(session: Session, hostile: int) -> tuple[dict[tuple[int, int], tuple[int, int]], dict[Any, Any]]:
    """`(source, person)` by its name, which is the source and its first report of the person; and by that name how the
    source's reports of the person are divided into detentions."""
    asked = (
        select(col(Record.source), col(Placement.detainee), col(Placement.spell))
        .join(Placement, col(Placement.record) == col(Record.key))
        .where(col(Placement.until) == OPEN, col(Record.source) != hostile)
        .order_by(col(Record.key))
    )
    names: dict[tuple[int, int], tuple[int, int]] = {}
    found: dict[Any, dict[int, list[int]]] = {}
    for record, (source, detainee, spell) in enumerate(
        session.execute(asked)
    ):  # the how manieth of the others' reports
        name = names.setdefault((source, detainee), (source, record))
        found.setdefault(name, {}).setdefault(spell, []).append(record)
    return names, {name: sorted(spells.values()) for name, spells in found.items()}


def _rows(session: Session, table: Any, names: dict[tuple[int, int], tuple[int, int]]) -> dict[Any, list[Any]]:
    """What each other source says of each person: a source has one row in a detention, so these rows are all that a
    number of its group can rest on."""
    columns = [col(getattr(table, name)) for name in READ[table]]
    found: dict[Any, list[Any]] = {}
    asked = select(col(table.source), col(table.detainee), *columns).where(col(table.until) == OPEN, _stands(table))
    for source, detainee, *said in session.execute(asked):
        if (source, detainee) in names:
            found.setdefault(names[source, detainee], []).append(tuple(map(str, said)))
    return {name: sorted(rows) for name, rows in found.items()}


def _stands(table: Any) -> Any:
    """Whether the row's source has not withdrawn all that it said of the detention: then none of the numbers that must
    not move counts the row."""
    held = aliased(SourceDetention)
    of_row = (col(held.spell) == col(table.spell)) & (col(held.source) == col(table.source))
    return exists(select(1).where(of_row, col(held.until) == OPEN, col(held.verdict) != Verdict.RETRACTED))


def _settled(session: Session, past: Past) -> dict[str, Any]:
    """The totals of what independent sources verified: a state moves neither their days nor their status, nor what any
    independent source says of their kind, country, designation or place."""
    said = {(total.spell, total.fact, total.stage): total for total in list_totals(session, past)}

    def facts(spell: int, stage: str | None) -> tuple[str, ...]:
        found = [said[spell, name, None] for name in OF_THE_SPELL]
        found += [said[spell, "kind", stage]] if stage else []
        return tuple(str(total.shown) if total.is_settled else "not said" for total in found)

    columns = [col(getattr(ReleaseAtStage, name)) for name in SETTLED]
    verified = col(ReleaseAtStage.until) == OPEN, col(ReleaseAtStage.independent_verified) > 0
    out = session.execute(select(col(ReleaseAtStage.spell), *columns).where(*verified))
    held = select(
        col(DetentionState.spell),
        col(DetentionState.status),
        col(DetentionState.lo),
        col(DetentionState.hi),
        col(DetentionState.next_hi),
        col(DetentionState.independent_verified),
    )
    inside = session.execute(
        held.where(col(DetentionState.until) == OPEN, col(DetentionState.independent_verified) > 0)
    )
    return {
        "totals": sorted((*map(str, row), *facts(spell, row[0])) for spell, *row in out),
        "held": sorted((*map(str, row), *facts(spell, None)) for spell, *row in inside),
    }


def _unlike_the_rule(clerk: Clerk, trial: Trial) -> list[str]:
    with clerk.session() as session:
        return [*find_unlike_the_rules(session, read_past(clerk), trial.hostile)]


def _miscounted(clerk: Clerk, trial: Trial) -> list[str]:
    with clerk.session() as session:
        return [*find_miscounted(session, read_past(clerk), trial.seed)]


def _key(session: Session, slug: str) -> int:
    return session.scalars(select(col(Source.key)).where(col(Source.slug) == slug, col(Source.until) == OPEN)).one()


def _revision(session: Session) -> int:
    return int(session.scalars(select(func.max(col(Entry.revision)))).one())


def _counted(clerk: Clerk, trial: Trial) -> dict[str, Any]:
    """The numbers of every other source as some counts tell them; which ones, differs from trial to trial."""
    found: dict[str, Any] = {}
    with clerk.session() as session:
        revision = _revision(session)
        for number in range(ASKED):
            said = OF_RELEASES[(trial.seed + number * 3) % len(OF_RELEASES)]
            grouped = CountTerms.model_validate(
                {**said, "group_by": DIMENSIONS[(trial.seed + number) % len(DIMENSIONS)]}
            )
            found[f"releases {said}"] = _of_others(compute_count(session, grouped, ANYONE, revision), trial.hostile)
        said = OF_HELD[trial.seed % len(OF_HELD)]
        held = HeldCountTerms.model_validate({**said, "group_by": ["source"]})
        found[f"held {said}"] = _of_others(compute_count(session, held, ANYONE, revision), trial.hostile)
    return found


def _of_others(counted: Mapping[str, Any], hostile: str) -> list[Any]:
    """Numbers by group; a group in which there is none of them is none."""
    rows = [
        ([*group["by"].items()], [group["counts"][name] for name in NUMBERS])
        for group in counted["groups"]
        if group["by"]["source"] != hostile
    ]
    return sorted((row for row in rows if any(row[1])), key=repr)


def _difference(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name, value in before.items():
        if value != after[name]:
            yield f"{name}\n    before {value}\n    after  {after[name]}"


def _hidden(clerk: Clerk, hostile: str) -> Iterator[str]:
    """A curator's word stands over what the source asked for before it and asks for again."""
    if not clerk.records:
        return
    wish = File(
        hostile, {"detainee": {"publish": "counted"}, "verification": {"verdict": "reported"}}, 2, ("detainee", 0)
    )
    refused = clerk.refused
    wish.take(clerk)
    asked = _tied(clerk, hostile) and clerk.refused == refused  # of whom it may not see it asks nothing
    Consent(0, "named", "guardian").take(clerk)
    answered = _class(clerk)
    if answered == "counted":
        yield "hidden although a curator spoke"
    wish.take(clerk)
    if asked and _class(clerk) != answered:
        yield f"hidden again after a curator spoke: {_class(clerk)}"


def _tied(clerk: Clerk, hostile: str) -> bool:
    """Whether the hostile source asks for something of the first person: of somebody whom it may not recognise, its
    report stands apart and asks for nothing yet."""
    with clerk.session() as session:
        first = (
            select(col(Placement.detainee)).where(col(Placement.until) == OPEN).order_by(col(Placement.record)).limit(1)
        )
        asked = (
            select(func.count())
            .select_from(Placement)
            .join(Record, col(Record.key) == col(Placement.record))
            .join(Source, (col(Source.key) == col(Record.source)) & (col(Source.until) == OPEN))
            .where(col(Placement.detainee) == first.scalar_subquery(), col(Placement.until) == OPEN)
            .where(col(Source.slug) == hostile)
        )
        return session.scalars(asked).one() > 0


def _class(clerk: Clerk) -> str:
    """The first person's class of publication."""
    with clerk.session() as session:
        return str(session.scalars(select(col(Record.publish_now)).order_by(col(Record.key)).limit(1)).one())

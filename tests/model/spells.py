"""Which reports speak of one time in custody: those tied by pointers, what is cut, what joins, what stands alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.dates import PartialDate
from tests.model.model import STAGES, Registry, Report

NEVER = 10**9


def early(report: Report) -> tuple[int, int, str]:
    """The order of rule 1: by day of arrest, day of release, record id; who says no day itself comes last."""
    start: PartialDate | None = report.word("detained_on")
    out: PartialDate | None = report.word("carried_out")
    return start.lo if start else NEVER, out.lo if out else NEVER, report.id


# --- who follows whom -------------------------------------------------------------------------------------------------


def contradicts(one: Report, other: Report) -> bool:
    """Two reports cannot speak of one spell: a day of theirs is disjoint, or one lets go before the other's arrest."""
    for name in ("detained_on", *STAGES):
        mine, theirs = one.own(name), other.own(name)
        if mine is not None and theirs is not None and not mine.overlaps(theirs):
            return True
    return _out_before_arrest(one, other) or _out_before_arrest(other, one)


def _out_before_arrest(one: Report, other: Report) -> bool:
    return one.let_go is not None and other.start is not None and one.let_go.hi < other.start.lo


def leads(reports: Sequence[Report]) -> dict[str, list[Report]]:
    """Report → the reports that its pointers lead to, one after another, as far as no day contradicts on the way."""
    known = {one.id: one for one in reports}
    follows = {
        one.id: one.pointer.target
        for one in reports
        if one.pointer is not None and one.pointer.target in known and one.pointer.target != one.id
    }
    for one in sorted(reports, key=early):  # of those that point at each other the earliest leads
        if one.id in _after(one.id, follows):
            del follows[one.id]
    ways: dict[str, list[Report]] = {}

    def way(name: str) -> list[Report]:
        if name not in ways:
            target = follows.get(name)
            ahead = [] if target is None else [known[target], *way(target)]
            ways[name] = [] if any(contradicts(known[name], one) for one in ahead) else ahead
        return ways[name]

    return {one.id: way(one.id) for one in reports}


def _after(name: str, follows: dict[str, str]) -> list[str]:
    found: list[str] = []
    while name in follows and follows[name] not in found:
        name = follows[name]
        found.append(name)
    return found


@dataclass
class Bundle:
    """Reports that stand together whatever their days, since they point at the first of them."""

    reports: list[Report]  # the leader first
    guides: list[Report]  # those whose days place all of them, the first one first

    @property
    def start(self) -> PartialDate | None:
        return next((one.start for one in self.guides if one.start is not None), None)

    @property
    def out(self) -> PartialDate | None:
        return min(self.told, key=lambda day: (day.hi, day.lo), default=None)

    @property
    def told(self) -> list[PartialDate]:
        """The days of a release that it speaks of, asserted or not, before its arrest or not: of the leader where its
        days place all, else of all guides."""
        leading = [one for one in self.guides if one is self.reports[0] and one.let_go is not None]
        return [day for one in leading or self.guides if (day := one.let_go) is not None]

    @property
    def outs(self) -> list[PartialDate]:
        """Every day of a release that was carried out and that somebody asserts: an undated word takes the day of the
        report that it follows, if that one speaks of a release carried out."""
        followed = self.reports[0].let_go if self.reports[0].stage == "carried_out" else None
        days = []
        for one in self.guides:
            if one.states_release:
                day = one.let_go or followed
                if day is not None and _possible(one):
                    days.append(day)
        return days

    @property
    def ends(self) -> list[PartialDate]:
        """`outs`, as everybody in it asserts them."""
        return Bundle(self.reports, self.reports).outs

    @property
    def day(self) -> PartialDate | None:
        """A day on which it knew something: of the release, else of the order, the announcement or of being held."""
        if self.out is not None:
            return self.out
        for one in self.guides:
            for name in ("carried_out", "ordered", "announced", "held_on"):  # kept where it speaks of no release
                found: PartialDate | None = one.own(name)
                if found is not None:
                    return found
        return None

    @property
    def key(self) -> tuple[int, int, str]:
        """The order of cutting: who says no arrest can belong to the first spell."""
        start, out = self.start, self.out
        return start.lo if start else 0, out.lo if out else NEVER, self.reports[0].id


def _possible(report: Report) -> bool:
    """A release before its own arrest, of which one was kept, says nothing of where the report belongs."""
    return report.start is None or report.let_go is None or report.start.lo <= report.let_go.hi


def bundled(registry: Registry, reports: Sequence[Report]) -> list[Bundle]:
    """Reports with those that lead them. Where the leader is independent its days place them all; where only those who
    point are, theirs do."""
    ways = leads(reports)
    followers: dict[str, list[Report]] = {}
    known = {one.id: one for one in reports}
    for one in reports:
        leader = ways[one.id][-1].id if ways[one.id] else one.id
        followers.setdefault(leader, []).append(one)
    found = []
    for leader, members in followers.items():
        rest = sorted((one for one in members if one.id != leader), key=early)
        found.append(_together(registry, [known[leader], *rest]))
    return found


def _together(registry: Registry, reports: list[Report]) -> Bundle:
    standing = [one for one in reports if one.holds]
    guides = _strong(registry, standing) or standing or reports
    dated = any(one.own(name) is not None for one in guides for name in ("detained_on", "held_on", *STAGES))
    # Whoever points and gives no day says nothing but where it points, be that withdrawn or not.
    if dated or reports[0] in guides or not registry.sources[reports[0].source].counts:
        return Bundle(reports, guides)
    return Bundle(reports, [reports[0], *guides])


def _strong(registry: Registry, reports: Iterable[Report]) -> list[Report]:
    return [one for one in reports if one.holds and registry.sources[one.source].counts]


# --- spells -----------------------------------------------------------------------------------------------------------


@dataclass
class Spell:
    """One time in custody. `opened`: the arrest by which it was cut from the one before."""

    bundles: list[Bundle]
    opened: PartialDate | None = None
    stated: bool = False  # by an independent source, so that it takes releases from the spells before
    others: tuple[Bundle, ...] = ()  # that joined, and never end it

    @property
    def reports(self) -> list[Report]:
        return [one for bundle in self.bundles for one in bundle.reports]

    @property
    def has_release(self) -> bool:
        return any(one.stage for one in self.reports)

    @property
    def begun(self) -> PartialDate | None:
        """The arrest with which it began."""
        if self.opened is not None:
            return self.opened
        starts = [one.start for one in self.bundles if one.start is not None]
        return min(starts, key=lambda day: (day.hi, day.lo), default=None)

    def over_before(self, start: PartialDate) -> bool:
        """It ended before a detention began."""
        return any(over_before(one, start, self.stated) for one in self.bundles if one not in self.others)

    def take(self, bundle: Bundle) -> None:
        self.bundles.append(bundle)
        self.others += (bundle,)


def over_before(bundle: Bundle, start: PartialDate, stated: bool) -> bool:
    """It has an end that does not pass the start: on the same day only if it was detained earlier itself. Where an
    independent source states the spell, only the ends that such a source asserts count."""
    earlier = bundle.start is not None and bundle.start.hi < start.lo
    ends = bundle.outs if stated else bundle.ends
    return any(day.hi < start.lo or (day.hi == start.lo and earlier) for day in ends)


def cut(bundles: Iterable[Bundle], *, stated: bool) -> list[Spell]:
    """Greedily, in the order of rule 1, at the earliest end that does not pass the next start. Who was let go after the
    next detention began goes on into that; who may belong on either side is placed by what is certain, in the end."""
    spells: list[Spell] = []
    group: list[Bundle] = []
    aside: list[Bundle] = []
    opened: PartialDate | None = None
    for bundle in sorted(bundles, key=lambda one: one.key):
        start = bundle.start
        if start is not None and any(over_before(one, start, stated) for one in group):
            later = [one for one in group if _lies_after(one, start)]
            either = [one for one in group if one not in later and _may_lie_after(one, start, stated)]
            left = [one for one in group if one not in later and one not in either]
            spells.append(Spell(left, opened, stated))
            aside += either
            group, opened = later, start
        group.append(bundle)
    if group:
        spells.append(Spell(group, opened, stated))
    for number, bundle in [(join(bundle, spells), bundle) for bundle in aside]:
        spells[number].bundles.append(bundle)
    return spells


def _lies_after(bundle: Bundle, start: PartialDate) -> bool:
    """Its release lies after a later detention began."""
    return bool(bundle.told) and all(day.lo > start.hi for day in bundle.told)


def _may_lie_after(bundle: Bundle, start: PartialDate, stated: bool) -> bool:
    """A day of it may be one of the later detention."""
    if over_before(bundle, start, stated):
        return False
    if days := (bundle.outs if stated else bundle.ends) or bundle.told:
        return any(day.hi > start.lo for day in days)
    return bundle.start is None and bundle.day is not None and bundle.day.hi >= start.lo


def fits(bundle: Bundle, spells: Sequence[Spell], number: int) -> bool:
    """Its release does not lie after a later detention began, which an independent source states; it was not taken
    after this spell was over, nor let go before it began. An equal day of release fits whatever arrest stands by it."""
    spell, start = spells[number], bundle.start
    if same_release(bundle, spell):
        return True
    later = [one.begun for one in spells[number + 1 :] if one.stated and one.begun is not None]
    if any(_lies_after(bundle, begun) for begun in later):
        return False
    if start is not None and spell.over_before(start):
        return False
    return spell.begun is None or not bundle.outs or any(day.hi >= spell.begun.lo for day in bundle.outs)


def same_release(bundle: Bundle, spell: Spell) -> bool:
    """A day on which others say or deny that somebody was let go, though not one before the bundle's own arrest."""
    start = bundle.start
    days = [day for one in spell.bundles for day in one.told if start is None or day.hi >= start.lo]
    return any(day.overlaps(out) for day in days for out in bundle.told)


def same_arrest(bundle: Bundle, spell: Spell) -> bool:
    days = [one.start for one in spell.bundles if one.start is not None]
    return bundle.start is not None and any(bundle.start.overlaps(day) for day in days)


def begun_by(spell: Spell, bundle: Bundle) -> bool:
    """It may have begun by a day of the bundle; who was let go on the day of an arrest was let go before it."""
    begun, day = spell.begun, bundle.day or bundle.start
    if begun is None or day is None:
        return begun is None
    return begun.lo < day.hi if day == bundle.out else begun.lo <= day.hi


def join(bundle: Bundle, spells: Sequence[Spell]) -> int:
    """By equal day of release, then by day of arrest, then the last spell begun by its day, and without any day the
    earliest; never two."""
    left = [number for number in range(len(spells)) if fits(bundle, spells, number)] or list(range(len(spells)))
    left = [number for number in left if same_release(bundle, spells[number])] or left
    left = [number for number in left if same_arrest(bundle, spells[number])] or left
    if bundle.day is None and bundle.start is None:
        return left[0]
    return max((number for number in left if begun_by(spells[number], bundle)), default=left[0])


def spells_of(registry: Registry, reports: Sequence[Report]) -> list[Spell]:
    """Cut among reports of independent sources; the others join or stand alone; withdrawn ones attach last."""
    strong: list[Bundle] = []
    weak: list[Bundle] = []
    gone: list[Bundle] = []
    before, bundles = _before_all(registry, bundled(registry, reports))
    for bundle in bundles:
        if _strong(registry, bundle.reports):
            strong.append(bundle)
        else:
            (weak if any(one.holds for one in bundle.reports) else gone).append(bundle)
    # Where no independent source reports the person, nothing is before the first arrest that one gives.
    spells = _with_others(cut(strong, stated=True), weak, before) if strong else cut(weak, stated=False)
    if not spells and gone:
        return [Spell(gone)]
    return _joined(spells, gone)


def told_spells(registry: Registry, person: str) -> list[Spell]:
    """The spells of a person, cut by what the log says. Of people who may only be counted months are told from there
    on: hiding somebody moves no release to another spell."""
    spells = spells_of(registry, registry.people()[person])
    if registry.in_months(person):
        for spell in spells:
            told = [one.told_in_months() for one in spell.reports]
            spell.bundles = [Bundle(told, told)]
    return spells


def _with_others(spells: list[Spell], weak: Iterable[Bundle], before: list[Bundle]) -> list[Spell]:
    """What stands alone between two spells is cut among itself; what joins one neither splits nor ends it."""
    alone: dict[int, list[Bundle]] = {}
    joining: list[Bundle] = []
    for bundle in before:
        day = bundle.start or bundle.out or min(bundle.ends, key=lambda one: (one.hi, one.lo))
        over = [number for number, spell in enumerate(spells, 1) if spell.over_before(day)]
        alone.setdefault(max(over, default=0), []).append(bundle)
    for bundle in sorted(weak, key=lambda one: one.key):
        gap = _gap(bundle, spells)
        if gap is None:
            joining.append(bundle)
        else:
            alone.setdefault(gap, []).append(bundle)
    found = cut(alone.get(0, []), stated=False)
    for number, spell in enumerate(spells):
        found += [spell, *cut(alone.get(number + 1, []), stated=False)]
    return _joined(found, joining)


def _joined(spells: list[Spell], bundles: Iterable[Bundle]) -> list[Spell]:
    """Each bundle joins by what the spells were before any of them joined."""
    for number, bundle in [(join(bundle, spells), bundle) for bundle in bundles]:
        spells[number].take(bundle)
    return spells


def _gap(bundle: Bundle, spells: Sequence[Spell]) -> int | None:
    """Before which of the spells it stands alone, if it does."""
    if any(same_release(bundle, spell) for spell in spells):
        return None
    start = bundle.start
    over = [number for number, spell in enumerate(spells) if start is not None and spell.over_before(start)]
    if not over:
        return None
    after = over[-1] + 1
    if after == len(spells):
        return after
    following = spells[after].begun
    ends = [day for day in bundle.outs if following is not None and day.hi < following.lo]
    return after if ends else None


def _before_all(registry: Registry, bundles: list[Bundle]) -> tuple[list[Bundle], list[Bundle]]:
    """Those that assert a release which no independent source asserts, before the first arrest that one gives; and the
    others. Who is not independent and says so while it points at an independent source leaves that source."""
    strong = [one for bundle in bundles for one in _strong(registry, bundle.reports)]
    first = min((one.start.lo for one in strong if one.start is not None), default=None)
    stated = [day for bundle in bundles if _strong(registry, bundle.reports) for day in bundle.outs]

    def before(day: PartialDate | None) -> bool:
        return day is not None and first is not None and day.hi < first and not any(day.overlaps(one) for one in stated)

    standing = []
    for bundle in bundles:
        astray = []
        if _strong(registry, bundle.reports):
            weak = [one for one in bundle.reports[1:] if not registry.sources[one.source].counts]
            astray = [one for one in weak if one.states_release and before(one.let_go)]
        standing += [_together(registry, [one for one in bundle.reports if one not in astray])]
        standing += [Bundle([one], [one]) for one in astray]
    alone = [bundle for bundle in standing if bundle.ends and all(before(day) for day in bundle.ends)]
    return alone, [bundle for bundle in standing if bundle not in alone]

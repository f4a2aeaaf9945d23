"""Who was held from when to when: each detention as all sources together say it, and as each of them does.

Whoever speaks of a release says that the person was held before it: who verified the release verified that too, and
who denies it says that the person is held still.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from app.dates import LAST_DAY, PartialDate
from app.registry.projection.accounts import ASSERTIONS, DENIALS, Account, parse
from app.registry.projection.custody import Custody
from app.registry.projection.voices import COUNTING, asserts, by_source, status_among
from app.vocabulary import Designation, Publish, ReleaseKind, Stage, Verdict

Row = dict[str, Any]
Days = tuple[int | None, int | None]

STANDS: Days = (LAST_DAY, LAST_DAY)  # nobody says that it ended
# Of what one source says about a detention and about the release from it, the surest is its word on being held.
SUREST = (Verdict.VERIFIED, Verdict.REPORTED, Verdict.DISPUTED, Verdict.REFUTED, Verdict.RETRACTED)


def held_row(custody: Custody, death: PartialDate | None, publish: str) -> Row:
    """The row of all sources together. `death`: the day of death of who died in this detention or after it."""
    heard = [_surest(said) for said in _words(custody).values()]
    status = status_among(heard)
    out, other = custody.out, _if_any(custody.ended_how, custody.ended_on)
    released = [out.dates[Stage.CARRIED_OUT]] if out else other
    left = other if out and out.kind == ReleaseKind.HOUSE_ARREST else released
    began = _begun(custody.detained, _seen(custody.accounts))
    return {
        "spell": custody.spell,
        "status": status,
        **_named("", began),
        **_named("out_", _end([*released, *_known(death)])),
        **_named("free_", _end([*left, *_known(death)])),
        "next_hi": custody.next_hi,
        "heard_hi": _heard_until(custody, [*released, *left]),
        "country": custody.country,
        "designation": custody.designation,
        "independent_verified": heard.count((Verdict.VERIFIED, True)) if status in COUNTING else 0,
        "withheld": publish == Publish.COUNTED,
    }


def held_voices(custody: Custody, deaths: dict[int, PartialDate]) -> list[Row]:
    """A row for each source, by its own days; what it does not say itself is taken from all together. `deaths`: source
    → the day of death as it says, of who died in this detention or after it."""
    rows = []
    for source, said in _words(custody).items():
        verdict, independent = _surest(said)
        own = by_source(account for account in custody.accounts if account.source.key == source)[source]
        own.sort(key=lambda account: -account.revision)
        released, left = _ends_of(custody, source, own)
        death = _known(deaths.get(source))
        began = _begun(_first(account.detained for account in own) or custody.detained,
                       _seen(own) or _seen(custody.accounts))  # fmt: skip
        rows.append(
            {
                "spell": custody.spell,
                "source": source,
                "verdict": verdict,
                "independent": independent,
                **_named("", began),
                **_named("out_", _end([*released, *death])),
                **_named("free_", _end([*left, *death])),
                "next_hi": custody.next_hi_by_source.get(source),
                "country": _first(account.content.get("detention.country") for account in own) or custody.country,
                "designation": _first(account.designation for account in own) or Designation.UNSTATED,
            }
        )
    return rows


def deaths_by_source(accounts: Iterable[Account]) -> dict[int, PartialDate]:
    """Source → the day of death that its newest account of the person with one gives."""
    found = {}
    for source, said in by_source(accounts).items():
        newest = sorted((account for account in said if not account.retracted), key=lambda account: -account.revision)
        day = _first(account.date("detainee.died_on") for account in newest)
        if day is not None:
            found[source] = day
    return found


def _words(custody: Custody) -> dict[int, list[tuple[Verdict, bool]]]:
    """Source → its verdicts on being held, each with whether it is independent."""
    found: dict[int, list[tuple[Verdict, bool]]] = {}
    for voice in custody.voices:
        found.setdefault(voice.source.key, []).append((voice.verdict, voice.independent))
    for voice in custody.outcome.voices if custody.outcome else []:
        verdict = Verdict.REPORTED if voice.verdict in DENIALS else voice.verdict
        found.setdefault(voice.source.key, []).append((verdict, voice.independent))
    return dict(sorted(found.items()))


def _surest(said: Sequence[tuple[Verdict, bool]]) -> tuple[Verdict, bool]:
    verdict = min((verdict for verdict, _own in said), key=SUREST.index)
    return verdict, (verdict, True) in said


def _ends_of(
    custody: Custody, source: int, own: Sequence[Account]
) -> tuple[list[PartialDate | None], list[PartialDate | None]]:
    """`(from prison, from house arrest too)`: how the detention ended by the word of one source."""
    ended = [account for account in own if account.verdict in ASSERTIONS and "detention.ended" in account.content]
    on = ended[0].content["detention.ended"].get("on") if ended else None
    other = _if_any(ended, parse(on) if on else custody.ended_on)
    outcome = custody.outcome
    voice = next((one for one in outcome.voices if one.source.key == source), None) if outcome else None
    if outcome is None or voice is None or not asserts(voice, Stage.CARRIED_OUT):
        return other, other
    released = [voice.released or outcome.dates[Stage.CARRIED_OUT]]
    house_arrest = (voice.kind or outcome.kinds[Stage.CARRIED_OUT]) == ReleaseKind.HOUSE_ARREST
    return released, other if house_arrest else released


def _begun(detained: PartialDate | None, seen: Sequence[PartialDate]) -> Days:
    """First and last possible day of the beginning: whoever was seen held on a day had been taken by then."""
    after = [day.hi for day in seen if detained is None or day.hi >= detained.lo]
    days = [*after, *([detained.hi] if detained else [])]
    return (detained.lo if detained else None), min(days, default=None)


def _end(ends: Sequence[PartialDate | None]) -> Days:
    """First and last possible day of the earliest end; undated where somebody says that it ended, and nobody when."""
    if not ends:
        return STANDS
    dated = [day for day in ends if day is not None]
    first = min(dated, key=lambda day: (day.hi, day.lo), default=None)
    return (None, None) if first is None else (first.lo, first.hi)


def _heard_until(custody: Custody, ends: Sequence[PartialDate | None]) -> int | None:
    checked = [voice for voice in custody.voices if voice.verdict in ASSERTIONS]
    checked += [voice for voice in (custody.outcome.voices if custody.outcome else []) if voice.verdict in DENIALS]
    days = [custody.detained, custody.held, *(voice.date("verification.verified_on") for voice in checked), *ends]
    return max((day.hi for day in days if day is not None), default=None)


def _seen(accounts: Iterable[Account]) -> list[PartialDate]:
    """The days on which those who assert the detention knew the person held."""
    asserting = [account for account in accounts if account.asserts_detention]
    return [parse(a.content["detention.held_on"]) for a in asserting if "detention.held_on" in a.content]


def _named(prefix: str, days: Days) -> Row:
    return {f"{prefix}lo": days[0], f"{prefix}hi": days[1]}


def _known(day: PartialDate | None) -> list[PartialDate]:
    return [] if day is None else [day]


def _if_any(ended: Any, on: PartialDate | None) -> list[PartialDate | None]:
    return [on] if ended else []


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)

"""A person's state today, by the last spell in custody: died, released, in house arrest, held, or unknown."""

from collections.abc import Collection, Sequence

from app.registry.projection.custody import Custody
from app.registry.projection.ends import End
from app.registry.projection.voices import asserts
from app.vocabulary import EndedHow, ReleaseKind, Stage, State


def standing_last(custodies: Sequence[Custody]) -> Custody:
    """The spell that decides the person's state: the latest spell stated by an independent source; where no such source
    states one, the latest that is no claimed re-arrest."""
    stated = [custody for custody in custodies if custody.stated]
    return (stated or [custody for custody in custodies if not custody.claimed])[-1]


def state_of(last: Custody, died: End | None, independent: Collection[str]) -> State:
    """The person's state by the last spell. A death reported by no `independent` source (slugs) yields to a release
    reported by one."""
    deaths = [died, last.otherwise if last.ended_how == EndedHow.DIED else None]
    by = {slug for death in deaths if death is not None for slug in death.by}
    voices = last.counted_release.voices if last.counted_release else []
    released_by = {voice.source.slug for voice in voices if asserts(voice, Stage.CARRIED_OUT)}
    if by and (by & set(independent) or not released_by & set(independent)):
        return State.DIED
    if last.counted_release is not None:
        return State.HOUSE_ARREST if last.counted_release.kind == ReleaseKind.HOUSE_ARREST else State.RELEASED
    if last.otherwise is not None or not last.asserted:
        return State.UNKNOWN
    return State.HELD

"""Turn what a row says of a person's status into fields of a report, and find what contradicts it (pure).

A status stands in a column of words, in columns of crosses, in the name of the sheet, or follows from a day of release,
death or another end. A remark may say something else. Nothing of this is guessed: what contradicts itself is asked.
"""

from collections.abc import Callable, Iterator
from typing import Any

from app.imports.fields import PUBLISH, STATE, STATE_DAY, STATE_MARKS
from app.imports.mapping import Answer, ListMapping, Question
from app.imports.sheet_dates import DateContext
from app.imports.states import NO_STATE, StateReading, expand_state, find_publication_wish, find_state_in_remark
from app.vocabulary import EndedHow, Publish, ReleaseKind

Fields = dict[str, Any]
LEFT_OUT = "left_out"  # the answer to a question leaves the row out
IN_CUSTODY = "in_custody"  # no field of a report: the row, or an answer, says that the person is in custody
NOTE, RELEASED_ON, DIED_ON, ENDED_ON = "note", "release.released_on", "detainee.died_on", "detention.ended.on"
ENDED_HOW = "detention.ended.how"
HELD_ON, RELEASE_KIND, RELEASE_STAGE = "detention.held_on", "release.kind", "release.stage"
# States that leave a person in custody.
CUSTODY_STATES = frozenset({"held", "house_arrest", "transferred"})
# State → the field for its day.
_DAY_FIELDS = {"released": RELEASED_ON, "died": DIED_ON, "escaped": ENDED_ON, "disappeared": ENDED_ON, "held": HELD_ON}


class RowStates:
    """The statuses of the rows of one sheet."""

    def __init__(self, mapping: ListMapping, state: str | None, label_row: Callable[[int], str]) -> None:
        self._mapping, self._sheet_state, self._label_row = mapping, state, label_row
        self._dates = DateContext(mapping.dates, mapping.day)

    def expand(self, fields: Fields, label: str, colour: str | None = None) -> Iterator[tuple[str, str]]:
        """Replace the status in `fields` by fields of a report; yield each open question with the field it is about.

        `colour`: of the row."""
        readings = self._pop_readings(fields)
        if colour is not None and (state := self._mapping.colours.get(colour)) not in (None, "", NO_STATE):
            readings.append(StateReading(str(state), {}, None))
        day = fields.pop(STATE_DAY, None)
        dated = find_dated_state(fields)
        if len({find_base(reading.state) for reading in readings}) > 1 and not _is_house_arrest(readings):
            answer = self._mapping.find_row_answer(label, Question.STATES_DIFFER)
            if answer is not Answer.CELLS:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.STATES_DIFFER, STATE)
                return
            readings = []
        readings.sort(key=_rank_reading, reverse=True)
        reading = readings[0] if readings else None
        if reading is not None and dated is not None and _contradicts(reading.state, dated):
            answer = self._mapping.find_row_answer(label, Question.STATES_DIFFER)
            if answer is Answer.STATUS:
                drop_dated_state(fields)
            elif answer is Answer.CELLS:
                readings, reading = [], None
            else:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.STATES_DIFFER, STATE)
                return
        if reading is None and dated is None and self._sheet_state is not None:
            reading = StateReading(self._sheet_state, {}, None)
            readings = [reading]
        if readings:
            stated, is_clear = _merge_readings(readings, day)
            is_clear = _fill_fields(fields, stated) and is_clear
            answer = None if is_clear else self._mapping.find_row_answer(label, Question.STATES_DIFFER)
            if answer is Answer.STATUS:
                fields |= {name: value for name, value in stated.items() if name != NOTE}
            elif not is_clear and answer is not Answer.CELLS:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.STATES_DIFFER, STATE)
                return
        elif day is not None:
            fields.setdefault(_DAY_FIELDS.get(dated or "", HELD_ON), day)
        if DIED_ON in fields and not is_released(fields):  # who died before a release died in custody
            fields.setdefault(ENDED_HOW, EndedHow.DIED.value)
            fields.setdefault(ENDED_ON, fields[DIED_ON])
        if reading is not None and find_base(reading.state) in CUSTODY_STATES:
            fields[IN_CUSTODY] = True
        yield from self._check_release(fields, label, is_stated=reading is not None)
        yield from self._check_remark(fields, label)
        self._date_custody(fields)

    def _pop_readings(self, fields: Fields) -> list[StateReading]:
        stated = fields.pop(STATE, None)
        readings = [] if stated is None else [stated]
        for name in STATE_MARKS:
            mark = fields.pop(name, None)
            if mark is not None and mark is not False:
                on = mark if isinstance(mark, str) else None
                readings.append(StateReading(name.partition(":")[2], {}, on))
        return [reading for reading in readings if reading.state not in ("unknown", NO_STATE)]

    def _check_release(self, fields: Fields, label: str, *, is_stated: bool) -> Iterator[tuple[str, str]]:
        """Ask about a kind of release beside no day and no status: the list dates its releases."""
        if is_stated or RELEASE_KIND not in fields or RELEASED_ON in fields or RELEASE_STAGE in fields:
            return
        answer = self._mapping.find_row_answer(label, Question.UNDATED_RELEASE)
        if answer is Answer.HELD:
            drop_dated_state(fields)
            fields[IN_CUSTODY] = True
        elif answer is not Answer.RELEASED:
            yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.UNDATED_RELEASE, RELEASE_KIND)

    def _check_remark(self, fields: Fields, label: str) -> Iterator[tuple[str, str]]:
        """Ask about a remark that says something else of the status, or that the name must not be published."""
        note = fields.get(NOTE)
        if not isinstance(note, str):
            return
        reading = find_state_in_remark(note, self._dates)
        current = find_dated_state(fields) or (None if fields.get("detention.legal_status") is None else "house_arrest")
        if reading is not None and reading.state not in (current, "unknown") and (
            current is not None or reading.state not in CUSTODY_STATES
        ):  # fmt: skip
            answer = self._mapping.find_row_answer(label, Question.REMARK_STATE)
            if answer is Answer.REMARK:
                drop_dated_state(fields)
                _fill_fields(fields, reading.expand())
            elif answer is not Answer.READ:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.REMARK_STATE, NOTE)
        wish = find_publication_wish(note)
        if wish is not None and fields.get(PUBLISH) not in (wish, Publish.COUNTED):
            answer = self._mapping.find_row_answer(label, Question.REMARK_WISH)
            if answer is Answer.REMARK:
                fields[PUBLISH] = wish
            elif answer is not Answer.READ:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.REMARK_WISH, NOTE)

    def _date_custody(self, fields: Fields) -> None:
        """Give the day of the list to people who were in custody on it."""
        is_held = fields.get(IN_CUSTODY, False) or self._mapping.held == "held"
        if is_held and self._mapping.list_date is not None and find_dated_state(fields) is None:
            fields.setdefault(HELD_ON, self._mapping.list_date)


def is_released(fields: Fields) -> bool:
    return RELEASED_ON in fields or RELEASE_STAGE in fields


def find_dated_state(fields: Fields) -> str | None:
    """Return the state that follows from the fields of a report: how the person left custody; None if nothing says."""
    if fields.get(ENDED_HOW) == EndedHow.DIED or (DIED_ON in fields and not is_released(fields)):
        return "died"
    if is_released(fields):
        return "released"
    return str(fields.get(ENDED_HOW)) if ENDED_ON in fields or ENDED_HOW in fields else None


def drop_dated_state(fields: Fields) -> None:
    """Remove what says how a person left custody."""
    for name in [name for name in fields if name.startswith(("release.", "detention.ended."))]:
        del fields[name]
    fields.pop(DIED_ON, None)


def add_to_note(fields: Fields, text: str) -> None:
    fields[NOTE] = f"{fields[NOTE]}\n{text}" if fields.get(NOTE) else text


def _is_house_arrest(readings: list[StateReading]) -> bool:
    return {reading.state for reading in readings} <= {"held", "house_arrest"}


def find_base(state: str) -> str:
    """Return a state without the kind of a release."""
    return state.partition(":")[0]


def _rank_reading(reading: StateReading) -> tuple[bool, bool, int]:
    """Rank a reading by how much it says: of custody and house arrest the latter, of equals the one with a day."""
    return reading.state != "held", reading.on is not None, len(reading.codes)


def _merge_readings(readings: list[StateReading], day: str | None) -> tuple[Fields, bool]:
    """Return the fields of all readings of one row, and whether they agree. `day`: from a column of days."""
    stated: Fields = {}
    is_clear = True
    for reading in readings:
        is_clear = _fill_fields(stated, reading.expand() | ({} if NOTE not in stated else {NOTE: ""})) and is_clear
    if day is not None:
        dated = expand_state(readings[0].choice, day)
        if NOTE in dated and readings[0].on is None:
            stated[NOTE] = dated[NOTE]
        is_clear = _fill_fields(stated, dated | {NOTE: ""}) and is_clear
    return stated, is_clear


def _fill_fields(fields: Fields, values: Fields) -> bool:
    """Fill in what the fields lack or say less exactly. Return False if they contradict a value, which they keep."""
    is_clear = True
    for name, value in values.items():
        if name == NOTE:
            if value:
                add_to_note(fields, value)
        elif name not in fields or _is_more_exact(value, fields[name]):
            fields[name] = value
        elif fields[name] != value and not _is_more_exact(fields[name], value):
            is_clear = False
    return is_clear


def _is_more_exact(value: Any, other: Any) -> bool:
    """Whether a value says the same as another, and more: 2026-01-14 beside 2026-01, a kind beside "unspecified"."""
    return other == ReleaseKind.UNSPECIFIED or str(value).startswith(f"{other}-")


def _contradicts(stated: str, dated: str) -> bool:
    """Whether a stated status cannot be beside how the other cells say that the person left custody."""
    return find_base(stated) != dated and not (stated == "disappeared" and dated != "released")

"""Turn what a row says of a person's status into fields of a report, and find what contradicts it (pure).

A status stands in a column of words, in columns of crosses, in the name of the sheet, or follows from a day of release,
death or another end. A remark may say something else. Nothing of this is guessed: what contradicts itself is asked.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from app.dates import DateError, parse_date, subtract_years
from app.imports.fields import FIELDS, NAME, PUBLISH, STATE, STATE_DAY, STATE_MARKS
from app.imports.mapping import Answer, ListMapping, Question
from app.imports.reader.remarks import find_publication_wish, find_state_in_remark
from app.imports.reader.sheet_dates import DateContext, DateOrder
from app.imports.reader.states import (
    DETAINED_ON,
    HOUSE_ARREST,
    LEGAL_STATUS,
    NO_STATE,
    UNKNOWN,
    StateReading,
    expand_state,
    read_state,
)
from app.projection.statements import STAGE_DATE_FIELDS
from app.queries.terms import DEFAULT_HELD_WITHIN
from app.vocabulary import EndedHow, Publish, ReleaseKind, Stage

Fields = dict[str, Any]
_MARK_STATES = {"exiled": f"released:{ReleaseKind.BANISHMENT}"}  # a column of crosses → its state, if that is another
LEFT_OUT = "left_out"  # the answer to a question leaves the row out
IN_CUSTODY = "in_custody"  # no field of a report: the row, or an answer, says that the person is in custody
STATED = "stated"  # no field of a report: the status in words, a cross or a remark
UNKNOWN_DAY = "unknown_release_day"  # no field of a report: the cell of the day of release says that nobody knows it
NOTE, RELEASED_ON, DIED_ON, ENDED_ON = "note", "release.released_on", "detainee.died_on", "detention.ended.on"
ENDED_HOW = "detention.ended.how"
HELD_ON, RELEASE_KIND, RELEASE_STAGE = "detention.held_on", "release.kind", "release.stage"
MIN_COUNTED_DAYS = 92  # days after that of the list on which its people still count as held
AMBIGUOUS_DATE = "ambiguous_date"  # the question in which order a list writes day and month
# States that leave a person in custody.
CUSTODY_STATES = frozenset({"held", "house_arrest", "transferred"})
_NAME_REMARK = re.compile(r"(?P<name>[^()\[\]†✝]{3,}?)\s*(?P<remark>[(\[].*|\s[-–—*]\s.*|[-–—]\s.*|[†✝].*)")
_NO_STATES = ("unknown", NO_STATE)
# Fields whose cells may say anything; the remark first.
TEXT_FIELDS = (NOTE, *(name for name, field in FIELDS.items() if field.kind in ("line", "lines") and name != NAME))
_SETTLING_ANSWERS = (Answer.STATUS, Answer.CELLS, Answer.RELEASED, Answer.HELD)
# State → its place in the course of a detention.
_ORDER_OF_STATES = {"held": 0, "transferred": 1, "house_arrest": 2, "released": 3, "escaped": 4, "disappeared": 5,
                    "died": 6}  # fmt: skip
# State → the field for its day.
_DAY_FIELDS = {"released": RELEASED_ON, "died": DIED_ON, "escaped": ENDED_ON, "disappeared": ENDED_ON, "held": HELD_ON}


class RowStates:
    """The statuses of the rows of one sheet."""

    def __init__(
        self,
        mapping: ListMapping,
        state: StateReading | None,
        label_row: Callable[[int], str],
        dates: DateContext,
        today: date | None = None,
    ) -> None:
        """`dates`: how days in remarks are read; `today`: the day on which the list is read, perhaps long after its
        own."""
        self._today = today
        self._mapping, self._sheet_state, self._label_row = mapping, state, label_row
        self._dates = dates

    def expand(
        self, fields: Fields, label: str, colour: str | None = None, *, is_unread: bool = False
    ) -> Iterator[tuple[str, str]]:
        """Replace the status in `fields` by fields of a report; yield each open question with the field it is about.

        `colour`: of the row; `is_unread`: its status is not understood yet, and a remark cannot contradict it."""
        text = _find_further_words(fields.get(STATE))
        stated = self._pop_stated(fields)
        denied = {name.partition(":")[2] for name in STATE_MARKS if fields.get(name) is False}
        readings = [*([] if stated is None else [stated]), *self._pop_marks(fields)]
        if colour is not None and (state := self._mapping.colours.get(colour)) not in (None, "", NO_STATE):
            readings.append(StateReading(str(state), {}, None))
        day = fields.pop(STATE_DAY, None)
        dated = find_dated_state(fields)
        reading = _choose_reading(readings)
        if (
            _differ(readings)
            or (reading is not None and dated is not None and _contradicts(reading.state, dated))
            or not denied.isdisjoint({dated, *(one.state for one in readings)})  # "Excarcelado: no" beside a day of it
        ):
            answer = self._mapping.find_row_answer(label, Question.STATES_DIFFER)
            if answer not in _SETTLING_ANSWERS:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.STATES_DIFFER, STATE)
                yield from self._check_wish(fields, label)
                return
            reading = _settle(answer, fields, stated, readings)
            dated = find_dated_state(fields)
        if reading is None and dated is None and self._sheet_state is not None:
            reading = self._sheet_state
        if reading is not None:
            same = [other for other in readings if other is not reading and not _differ([reading, other])]
            status, is_clear = self._build_status(fields, [reading, *same], day)
            if not (_fill_fields(fields, status) and is_clear):
                answer = self._mapping.find_row_answer(label, Question.STATES_DIFFER)
                if answer not in _SETTLING_ANSWERS:
                    yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.STATES_DIFFER, STATE)
                    yield from self._check_wish(fields, label)
                    return
                if answer is not Answer.CELLS:
                    fields |= {name: value for name, value in status.items() if name != NOTE}
        elif day is not None:
            fields.setdefault(_DAY_FIELDS.get(dated or "", HELD_ON), day)
        if DIED_ON in fields and not is_released(fields):  # who died before a release died in custody
            fields.setdefault(ENDED_HOW, EndedHow.DIED.value)
            fields.setdefault(ENDED_ON, fields[DIED_ON])
        if reading is not None:  # an answer about silent rows makes nobody held who disappeared
            fields[IN_CUSTODY], fields[STATED] = find_base(reading.state) in CUSTODY_STATES, find_base(reading.state)
        _fill_stage(fields)
        yield from self._check_release(fields, label, is_stated=reading is not None)
        if NAME in fields:
            yield from self._check_name(fields, label)
        if not is_unread:
            yield from self._check_remark(fields, label)
        if text:
            add_to_note(fields, text)
        yield from self._check_wish(fields, label)
        self._date_custody(fields)

    def _pop_stated(self, fields: Fields) -> StateReading | None:
        stated = fields.pop(STATE, None)
        if stated is not None and stated.state == "unknown":
            fields.setdefault(IN_CUSTODY, False)
        return None if stated is None or stated.state in _NO_STATES else stated

    def _pop_marks(self, fields: Fields) -> Iterator[StateReading]:
        for name in STATE_MARKS:
            mark, state = fields.pop(name, None), name.partition(":")[2]
            if isinstance(mark, StateReading):  # a word among days
                if mark.state not in _NO_STATES:
                    yield mark
            elif mark is False and state == "held":  # "Sigue detenido": no
                fields[IN_CUSTODY] = False
            elif isinstance(mark, str) and state == "held":
                yield StateReading(state, {DETAINED_ON: mark}, None)
            elif mark is not None and mark is not False:
                yield StateReading(_MARK_STATES.get(state, state), {}, mark if isinstance(mark, str) else None)

    def _build_status(self, fields: Fields, readings: list[StateReading], day: str | None) -> tuple[Fields, bool]:
        """Return the fields that the status of a row becomes, and whether its readings and its `day` agree."""
        reading = readings[0]
        status: Fields = {}
        is_arrest_known = DETAINED_ON in fields or DETAINED_ON in reading.codes
        is_day_of_list = reading.on is not None or day == self._mapping.list_date
        if reading.state == "held" and day is not None and not is_arrest_known and not is_day_of_list:
            status[DETAINED_ON], day = day, None  # "Detenida", and since when
        is_clear = _fill_fields(status, expand_state(reading.choice, reading.on or day) | dict(reading.codes))
        if reading.on is not None and day is not None:
            is_clear = _fill_fields(status, _drop_note(expand_state(reading.choice, day))) and is_clear
        for other in readings[1:]:
            is_clear = _fill_fields(status, _drop_note(other.expand())) and is_clear
        return status, is_clear

    def _check_release(self, fields: Fields, label: str, *, is_stated: bool) -> Iterator[tuple[str, str]]:
        """Ask about a release without its day and its stage, or a day that is not known: "s/f"."""
        has_unknown_day = fields.pop(UNKNOWN_DAY, False)
        if RELEASED_ON in fields or RELEASE_STAGE in fields:
            return
        has_release = any(name.startswith("release.") for name in fields)
        if not has_release and (is_stated or not has_unknown_day or find_dated_state(fields) is not None):
            return
        answer = self._mapping.find_row_answer(label, Question.UNDATED_RELEASE)
        if answer is Answer.HELD:
            drop_dated_state(fields)
            fields[IN_CUSTODY] = True
        elif answer is Answer.RELEASED:
            fields.setdefault(RELEASE_STAGE, Stage.CARRIED_OUT.value)
        else:
            yield LEFT_OUT if answer is Answer.LEAVE_OUT else Question.UNDATED_RELEASE, RELEASED_ON

    def _check_name(self, fields: Fields, label: str) -> Iterator[tuple[str, str]]:
        """Ask about a status or a wish beside a name, as "(fallecida)" or "(no publicar)", that no other cell gives."""
        name, remark = split_name_remark(fields[NAME])
        if remark and (wish := find_publication_wish(remark)) is not None:
            question = self._settle_wish(fields, label, wish)
            if question is None:
                fields[NAME] = name
            else:
                yield question, NAME
            return
        reading = read_state(remark, self._dates) if remark else None
        if reading is None or reading.state in _NO_STATES:
            return
        answer = self._mapping.find_row_answer(label, Question.REMARK_STATE)
        agrees = find_base(reading.state) == (find_dated_state(fields) or _find_custody(fields))
        if agrees and _fill_fields(fields, _drop_note(reading.expand())):
            fields[NAME] = name
        elif answer is Answer.REMARK:
            fields[NAME] = name
            add_to_note(fields, remark)
            _replace_state(fields, reading)
        elif answer is Answer.READ:
            fields[NAME] = name
            add_to_note(fields, remark)
        else:
            yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.REMARK_STATE, NAME)

    def _check_remark(self, fields: Fields, label: str) -> Iterator[tuple[str, str]]:
        """Ask about a remark that says something else of the status, or of publication."""
        note = fields.get(NOTE)
        if not isinstance(note, str):
            return
        reading = find_state_in_remark(note, self._dates)
        current = find_dated_state(fields) or (HOUSE_ARREST if fields.get(LEGAL_STATUS) == HOUSE_ARREST else None)
        if reading is not None and reading.state not in (current, "unknown") and (
            current is not None or reading.state not in CUSTODY_STATES
        ):  # fmt: skip
            if reading.on is None and self._has_open_day(note):
                yield AMBIGUOUS_DATE, NOTE
            answer = self._mapping.find_row_answer(label, Question.REMARK_STATE)
            if answer is Answer.REMARK:
                _replace_state(fields, reading)
            elif answer is not Answer.READ:
                yield (LEFT_OUT if answer is Answer.LEAVE_OUT else Question.REMARK_STATE, NOTE)

    def _check_wish(self, fields: Fields, label: str) -> Iterator[tuple[str, str]]:
        """Ask about a cell of text, such as a remark, that says that the name must not be published."""
        for name in TEXT_FIELDS:
            value = fields.get(name)
            text = "\n".join(value) if isinstance(value, list) else value
            wish = find_publication_wish(text) if isinstance(text, str) else None
            question = None if wish is None else self._settle_wish(fields, label, wish)
            if question is not None:
                yield question, name
                return

    def _settle_wish(self, fields: Fields, label: str, wish: str) -> str | None:
        """Follow the answer about a wish; return the question about it if it is open."""
        if fields.get(PUBLISH) in (wish, Publish.COUNTED):
            return None
        answer = self._mapping.find_row_answer(label, Question.REMARK_WISH)
        if answer is Answer.REMARK:
            fields[PUBLISH] = wish
        elif answer is not Answer.READ:
            return LEFT_OUT if answer is Answer.LEAVE_OUT else Question.REMARK_WISH
        return None

    def _has_open_day(self, note: str) -> bool:
        """Whether a remark says the day of a status, and the order of its numbers is open."""
        if self._dates.order is not None:
            return False
        reading = find_state_in_remark(note, replace(self._dates, order=DateOrder.DAY_FIRST))
        return reading is not None and reading.on is not None

    def _date_custody(self, fields: Fields) -> None:
        """Give the day of the list to people who were in custody on it, unless the arrest alone counts them then.

        A day of custody without a release is reviewed (rule 21): a weekly list must not say it anew of everybody."""
        is_held = fields.get(IN_CUSTODY, self._mapping.held == "held")
        day = self._mapping.day
        if day is None or not is_held or find_dated_state(fields) is not None:
            return
        if not _counts_on(fields, max(day, self._today or day)):
            fields.setdefault(HELD_ON, day.isoformat())


def _find_further_words(stated: StateReading | None) -> str:
    """Return a cell of which an answer says less than its words: "Trasladado a Yare"."""
    is_more = stated is not None and (stated.state in _NO_STATES or len(stated.text.split()) > 1)
    return stated.text if stated is not None and is_more else ""


def _counts_on(fields: Fields, day: date) -> bool:
    """Whether the arrest alone counts a person as held on a day and for some months after it (rule 7)."""
    arrest = fields.get(DETAINED_ON)
    last_day = day.toordinal() + MIN_COUNTED_DAYS
    return arrest is not None and parse_date(arrest).lo >= subtract_years(last_day, DEFAULT_HELD_WITHIN)


def split_name_remark(text: str) -> tuple[str, str]:
    """Return a name, and what stands after it in brackets or after a dash: "Ana Paz (†)" → "Ana Paz", "†"."""
    match = _NAME_REMARK.fullmatch(text)
    return (text, "") if match is None else (match["name"], match["remark"].strip(" ()[]-–—*"))


def _find_custody(fields: Fields) -> str | None:
    if fields.get(LEGAL_STATUS) == HOUSE_ARREST:
        return HOUSE_ARREST
    return "held" if fields.get(IN_CUSTODY) else None


def find_status(fields: Fields, *, is_held: bool) -> str:
    """Return what became of the person of a row. `is_held`: a row that does not say it means custody."""
    dated = find_dated_state(fields)
    if dated is not None:
        return dated
    stated = fields.get(STATED)
    if fields.get(LEGAL_STATUS) == HOUSE_ARREST or stated in ("transferred", "disappeared"):
        return str(stated if stated in ("transferred", "disappeared") else HOUSE_ARREST)
    return "held" if HELD_ON in fields or fields.get(IN_CUSTODY, is_held) else UNKNOWN


def is_released(fields: Fields) -> bool:
    return RELEASED_ON in fields or fields.get(RELEASE_STAGE) == Stage.CARRIED_OUT


def find_dated_state(fields: Fields) -> str | None:
    """Return the state that follows from the fields of a report: how the person left custody; None if nothing says."""
    if fields.get(ENDED_HOW) == EndedHow.DIED or (DIED_ON in fields and not is_released(fields)):
        return "died"
    if is_released(fields):
        return "released"
    return str(fields.get(ENDED_HOW)) if ENDED_ON in fields or ENDED_HOW in fields else None


def _fill_stage(fields: Fields) -> None:
    """Set the stage of a release of which only the day of the order or the announcement is known."""
    if RELEASED_ON in fields or RELEASE_STAGE in fields or UNKNOWN_DAY in fields:
        return
    for stage in (Stage.ORDERED, Stage.ANNOUNCED):
        if f"release.{STAGE_DATE_FIELDS[stage]}" in fields:
            fields[RELEASE_STAGE] = stage.value
            return


def _replace_state(fields: Fields, reading: StateReading) -> None:
    """Let what a remark says of the status hold. The remark stays in the note, and so do the days that it replaces: a
    release before another arrest is true."""
    days = {name: fields[name] for name in (RELEASED_ON, DIED_ON, ENDED_ON) if name in fields}
    drop_dated_state(fields)
    fields.update(_drop_note(reading.expand()))
    for name, day in days.items():
        if fields.get(name) != day:
            add_to_note(fields, f"{name}: {day}")
    fields[IN_CUSTODY], fields[STATED] = find_base(reading.state) in CUSTODY_STATES, find_base(reading.state)


def drop_dated_state(fields: Fields) -> None:
    """Remove what says how a person left custody."""
    for name in [name for name in fields if name.startswith(("release.", "detention.ended."))]:
        del fields[name]
    fields.pop(DIED_ON, None)


def add_to_note(fields: Fields, text: str) -> None:
    fields[NOTE] = f"{fields[NOTE]}\n{text}" if fields.get(NOTE) else text


def _differ(readings: list[StateReading]) -> bool:
    return len({find_base(reading.state) for reading in readings}) > 1 and not _is_house_arrest(readings)


def _settle(
    answer: Answer | None, fields: Fields, stated: StateReading | None, readings: list[StateReading]
) -> StateReading | None:
    """Return the status that holds by an answer, and remove from `fields` what says otherwise."""
    if answer is Answer.CELLS:
        return None
    if answer is Answer.HELD:
        reading = StateReading("held", {}, None)
    elif answer is Answer.RELEASED:
        released = [reading for reading in readings if find_base(reading.state) == "released"]
        reading = _choose_reading(released) or StateReading("released", {}, None)
    else:  # the status in words, or else the latest that is crossed: custody came first
        latest = max(readings, key=lambda reading: _ORDER_OF_STATES.get(find_base(reading.state), 0))
        reading = stated or latest
    dated = find_dated_state(fields)
    if dated is not None and _contradicts(reading.state, dated):
        drop_dated_state(fields)
    return reading


def _is_house_arrest(readings: list[StateReading]) -> bool:
    return {reading.state for reading in readings} <= {"held", "house_arrest"}


def find_base(state: str) -> str:
    """Return a state without the kind of a release."""
    return state.partition(":")[0]


def _choose_reading(readings: list[StateReading]) -> StateReading | None:
    """Return the reading that says most: of custody and house arrest the latter, of equals the one with a day."""
    return max(readings, key=lambda r: (r.state != "held", r.on is not None, len(r.codes)), default=None)


def _drop_note(values: Fields) -> Fields:
    return {name: value for name, value in values.items() if name != NOTE}


def _fill_fields(fields: Fields, values: Fields) -> bool:
    """Fill in what the fields lack or say less exactly. Return False if they contradict a value, which they keep."""
    is_clear = True
    for name, value in values.items():
        if name == NOTE:
            add_to_note(fields, value)
        elif name not in fields or _is_more_exact(value, fields[name]):
            fields[name] = value
        elif not _agree(value, fields[name]):
            is_clear = False
    return is_clear


def _is_more_exact(value: Any, other: Any) -> bool:
    """Whether a value says the same as another, and more: 2026-01-14 beside 2026-01, a kind beside "unspecified"."""
    return other == ReleaseKind.UNSPECIFIED or str(value).startswith(f"{other}-")


def _agree(value: Any, other: Any) -> bool:
    """Whether two values can both hold: a month and a day in it."""
    if value == other or _is_more_exact(other, value):
        return True
    try:
        return parse_date(str(value)).overlaps(parse_date(str(other)))
    except DateError:
        return False


def _contradicts(stated: str, dated: str) -> bool:
    """Whether a stated status cannot be beside how the other cells say that the person left custody."""
    return find_base(stated) != dated and not (stated == "disappeared" and dated != "released")

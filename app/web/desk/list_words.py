"""Say the fields, statuses and values of a list in words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.imports.fields import FIELDS, STATE, STATE_DAY, STATE_MARKS
from app.imports.filing.question_form import CHANGES_STEP, READ_STEP, VALUES_STEP
from app.imports.formats.template import get_field_title
from app.vocabulary import find_label
from app.web.desk.fields import get_code_language
from app.web.rendering import Catalogue

CASE_NUMBER = "source_record_id"
_STATUS_FIELDS = (
    STATE, STATE_DAY, *STATE_MARKS, "detention.legal_status", "detention.held_on", "detention.ended.on",
    "detention.ended.how", "detainee.died_on",
)  # fmt: skip
_SOURCE_FIELDS = (
    CASE_NUMBER, "detainee.publish", "detainee.publish_given_on", "publish_not_before", "note", "detainee_id",
    "detention_id", "release_id",
)  # fmt: skip


def build_field_titles(words: Catalogue) -> dict[str, str]:
    """Return the titles of the fields that a column may be read for."""
    lang = get_code_language(words)
    return {name: get_field_title(name, lang) for name in FIELDS}


def group_fields(titles: Mapping[str, str], words: Catalogue) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the fields in groups, each with its label."""
    _ = words.gettext
    labels = {
        "person": _("The person"),
        "detention": _("The arrest"),
        "release": _("The release"),
        "status": _("The status"),
        "source": _("The source and notes"),
    }
    groups: dict[str, list[tuple[str, str]]] = {name: [] for name in labels}
    for name, title in titles.items():
        groups[_find_group(name)].append((name, title))
    return [(labels[name], fields) for name, fields in groups.items()]


def _find_group(name: str) -> str:
    if name in _STATUS_FIELDS:
        return "status"
    if name in _SOURCE_FIELDS or name.startswith("verification."):
        return "source"
    section = name.partition(".")[0]
    return section if section in ("detention", "release") else "person"


def format_status(status: str, words: Catalogue) -> str:
    """Return what became of a person in words."""
    _ = words.gettext
    labels = {
        "held": _("in prison"),
        "released": _("released"),
        "house_arrest": _("house arrest"),
        "died": _("dead"),
        "transferred": _("moved to another prison"),
        "escaped": _("escaped"),
        "disappeared": _("disappeared"),
        "unknown": _("status not known"),
    }
    return labels.get(status) or find_label("ended", status, words.api_language)


def format_value(name: str, value: Any, words: Catalogue) -> str:
    """Return a value of a report in words."""
    if value is None or value == []:
        return words.gettext("nothing")
    if isinstance(value, list):
        return words.listed([format_value(name, one, words) for one in value])
    definition = FIELDS.get(name)
    if name == STATE:
        return format_status(str(value), words)
    if isinstance(value, bool) or not isinstance(value, str) or definition is None:
        return str(value)
    if definition.kind == "date":
        return words.day(value) if re.fullmatch(r"[\d/-]+", value) else value
    if definition.kind in ("country", "countries"):
        return words.country(value)
    if definition.codes is not None:
        try:
            return find_label(definition.codes, value, words.api_language)
        except KeyError:
            return value
    return value


def list_steps(words: Catalogue) -> Iterable[tuple[int, str]]:
    """Return the steps of a trial with their titles."""
    _ = words.gettext
    return [
        (READ_STEP, _("What I read")),
        (VALUES_STEP, _("What the values mean")),
        (CHANGES_STEP, _("What will change")),
    ]

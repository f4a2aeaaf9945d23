"""The sentences of a reconciliation: each is made of its id and its arguments, and these are those of its template."""

from datetime import UTC, datetime
from string import Formatter
from typing import Any

import pytest

from app.claims.figures import Figure
from app.claims.reasons import MESSAGE_TEMPLATES, REASON_BY_REFUSAL, ClaimContext, build_message, find_reasons
from tests.claims.sentences import SENTENCES
from tests.claims.test_reasons import NAMED, mine, other

HELD = mine(measure="held", number=(800, 1200), definition={})
FILED_EARLY = Figure("early", 1, mine(measure="held", window_to="2027-01-01").fields, datetime(2026, 1, 13, tzinfo=UTC))
OF_THE_HELD = [
    ClaimContext(FILED_EARLY),
    ClaimContext(HELD, peer_figures=[other((800, 1200), measure="held")]),
    ClaimContext(HELD, peer_figures=[other(56, measure="held", stated_at="2026-01-12")]),
    ClaimContext(HELD, peer_figures=[other(56, measure="held")], definitions={"ministry": "all", "foro": "some"}),
    ClaimContext(mine(measure="held", terms__kind=["amnesty"])),
    ClaimContext(HELD, had_reports=False),
    ClaimContext(HELD, without_house_arrest=347, with_house_arrest=351),
    ClaimContext(HELD, learned_count=421),
    ClaimContext(HELD, learned_count=-3),
]
PRINTED = ClaimContext(mine(window_from=None), own_figures=[mine(window_from="2024-12")])


def stands_in(message_id: str) -> set[str]:
    """The names of the arguments of a template."""
    return {name for _text, name, _how, _as in Formatter().parse(MESSAGE_TEMPLATES[message_id]) if name}


@pytest.mark.parametrize("message_id, arguments, english", SENTENCES)
def test_a_sentence_is_made_of_its_id_and_its_arguments(
    message_id: str, arguments: dict[str, Any], english: str
) -> None:
    made = build_message(message_id, arguments)
    assert made == {"detail": english, "message_id": message_id, "arguments": arguments}


def test_each_sentence_is_tried() -> None:
    assert {message_id for message_id, _arguments, _english in SENTENCES} == set(MESSAGE_TEMPLATES)
    assert all(set(arguments) == stands_in(message_id) for message_id, arguments, _english in SENTENCES)


CONTEXTS = [*(context for _code, _word, context in NAMED), *OF_THE_HELD, PRINTED]


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_reason_gives_the_arguments_of_its_sentence_and_no_others(context: ClaimContext) -> None:
    named = [*find_reasons(context), *REASON_BY_REFUSAL.values()]
    assert [set(one.arguments) for one in named] == [stands_in(one.message_id) for one in named]


def test_every_sentence_of_a_reason_is_given() -> None:
    given = {one.message_id for context in CONTEXTS for one in find_reasons(context)}
    assert set(MESSAGE_TEMPLATES) - given == {"fall", "jump"}, "which are remarks"

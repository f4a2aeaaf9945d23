"""What was made of a name is remembered within one act, and in no other."""

import contextvars

from app.matching.scripts import ResultCache, scoped_cache, start_empty_cache, use_cache

MADE: list[str] = []


@scoped_cache(2)
def made_of(name: str) -> str:
    MADE.append(name)
    return name.upper()


def in_an_act(*names: str) -> list[str]:
    """What is made anew in an act that reads these names."""
    MADE.clear()

    def act() -> None:
        start_empty_cache()
        assert [made_of(name) for name in names] == [name.upper() for name in names]

    contextvars.copy_context().run(act)
    return [*MADE]


def test_what_recurs_in_an_act_is_made_once() -> None:
    assert in_an_act("ana", "ana", "luis", "ana") == ["ana", "luis"]


def test_an_act_remembers_nothing_of_the_one_before() -> None:
    assert in_an_act("ana") == ["ana"]
    assert in_an_act("ana") == ["ana"]


def test_no_more_is_remembered_than_said() -> None:
    assert in_an_act("ana", "luis", "rosa", "ana") == ["ana", "luis", "rosa", "ana"]


def test_a_memory_can_be_gone_back_to() -> None:
    memory: ResultCache = {}
    MADE.clear()
    for _piece in range(2):
        with use_cache(memory):
            made_of("petra")
    with use_cache({}):
        made_of("petra")
    assert MADE == ["petra", "petra"]

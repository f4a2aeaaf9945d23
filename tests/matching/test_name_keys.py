"""Names that may be one person's share a stored key."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.matching.blocking import (
    MAX_INDEXED_SPELLINGS,
    MAX_NAME_KEYS,
    build_name_blocking_keys,
    build_word_keys,
    count_min_shared_keys,
)
from app.matching.words import MAX_WORDS


def meet(a: str, b: str) -> bool:
    return bool(build_name_blocking_keys(a, ()) & build_name_blocking_keys(b, ()))


def test_a_name_is_found_by_every_pair_of_its_words_in_alphabetical_order() -> None:
    assert build_name_blocking_keys("Terán Luna, Kadir Olmo", ()) == {
        *("p:luna|tiran", "p:kadir|tiran", "p:tiran|ulmu", "p:kadir|luna", "p:luna|ulmu", "p:kadir|ulmu")
    }


def test_a_word_of_the_list_is_found_by_the_first_spelling_of_its_line() -> None:
    assert build_name_blocking_keys("Pancho Terán", ()) == {"p:=francisco|tiran"}


def test_a_name_of_one_word_is_found_by_that_word() -> None:
    assert build_name_blocking_keys("Roberto (surname not confirmed)", ()) >= {"o:=roberto"}
    assert build_name_blocking_keys("Terán Terán", ()) == set()


def test_aliases_are_found_like_names_and_nobody_is_found_by_no_name() -> None:
    assert build_name_blocking_keys(None, ("Tarek", "Kadir de Luna")) == {"o:=tariq", "p:kadir|luna"}
    assert build_name_blocking_keys(None, ()) == build_name_blocking_keys("  ", ("...",)) == frozenset()


@pytest.mark.parametrize(
    "a, b",
    [
        ("Gonzales Peña, José", "Pepe González"),
        ("Yaakov Tenari", "Jacob Tenary"),
        ("Юрий Щербаков", "Yuri Shcherbakov"),
        ("خالد يوسف حمدان", "Khaled Youssef Hamdan"),
        ("שרה מזרחי", "Sara Mizrachi"),
        ("許志遠", "Hsu Chih-yuan"),
        ("Park Ji hoon", "Park Jihoon"),
        ("Hussein al-Jaziri", "Husayn Aljaziri"),
        ("Yi Yong-hui", "이영희"),
        ("Choe Sung-u", "Choi Seungwoo"),
        ("مریم موسوی", "Maryam Mousavi"),
    ],
)
def test_spellings_and_scripts_of_one_name_meet(a: str, b: str) -> None:
    assert meet(a, b)


def test_people_with_one_word_in_common_do_not_meet() -> None:
    assert not meet("Juan Peralta", "Juan Medina")


def test_a_search_by_one_word_finds_whoever_has_it() -> None:
    assert build_word_keys("Kadir Terán", ()) == {"w:kadir", "w:tiran"}


def test_a_name_of_a_hundred_words_gives_no_more_keys_than_one_of_eight() -> None:
    endless = " ".join(f"palabra{'abcdefghij'[number % 10] * (number // 10 + 1)}" for number in range(100))
    assert len(build_name_blocking_keys(endless, ())) <= MAX_WORDS * (MAX_WORDS - 1) // 2


# Each is heard in many ways: a short form of many names, or with "the" or "of" written together.
_HEARD_MANY_WAYS = "lamichael lamagda lacharlie laangel ale uribe rey dela kharim elghobashi benchouaib laangie"
MANY_SOUNDS = _HEARD_MANY_WAYS.split()


def test_a_name_that_may_be_heard_in_many_ways_has_few_keys_and_every_pair_of_its_words_is_among_them() -> None:
    words = MANY_SOUNDS[:MAX_WORDS]
    keys = build_name_blocking_keys(" ".join(words), ())
    assert len(keys) == MAX_NAME_KEYS
    pairs = [f"{one} {two}" for number, one in enumerate(words) for two in words[:number]]
    assert [pair for pair in pairs if keys.isdisjoint(build_name_blocking_keys(pair, ()))] == []


def test_no_alias_takes_the_place_of_the_name_or_of_another() -> None:
    spellings = [" ".join([word, *MANY_SOUNDS[5:]]) for word in MANY_SOUNDS[:5]]
    keys = build_name_blocking_keys("José Rey Uribe", spellings)
    assert all(keys >= build_name_blocking_keys(one, ()) for one in ("José Rey Uribe", *spellings))
    assert len(keys) <= MAX_INDEXED_SPELLINGS * MAX_NAME_KEYS
    assert keys == build_name_blocking_keys("José Rey Uribe", spellings[::-1])


@given(st.lists(st.sampled_from(MANY_SOUNDS), min_size=2, max_size=MAX_WORDS, unique=True), st.randoms())
def test_the_very_same_words_in_whatever_order_share_the_fewest_keys_at_least(words: list[str], random: Random) -> None:
    one, other = " ".join(words), " ".join(random.sample(words, len(words)))
    wanted = build_name_blocking_keys(one, ("José Rey Uribe",))
    assert len(wanted & build_name_blocking_keys("Ana Luz", (other,))) >= count_min_shared_keys(
        one, ("José Rey Uribe",)
    )


@given(st.lists(st.sampled_from(["kadir", "luz", "rojas", "díaz", "de", "la"]), min_size=4, max_size=7), st.randoms())
def test_the_order_of_four_words_and_more_does_not_change_the_keys(words: list[str], random: Random) -> None:
    whole = [*words, "Terán", "Olmo", "Brull", "Quero"]
    shuffled = random.sample(whole, len(whole))
    assert build_name_blocking_keys(" ".join(whole), ()) == build_name_blocking_keys(" ".join(shuffled), ())

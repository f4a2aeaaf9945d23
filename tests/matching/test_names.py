"""Names are folded so that spellings meet, and measured so that people stay apart."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.matching.names import SAME_NAME_SCORE, compare_names, measure_similarity
from app.matching.scripts import fold
from app.matching.words import parse_name

# Letters of several scripts, marks, digits, brackets and particles: what lists are made of.
WORDS = """
    Ana Anna Pérez Peres J. y de la Roberto (alias) O’Neill Əliyev 王伟 Łucja monte alegre montealegre Á
"""
names = st.text(max_size=30) | st.lists(st.sampled_from(WORDS.split()), max_size=7).map(" ".join)


# --- folding ----------------------------------------------------------------------------------------------


def told(name: str) -> tuple[str, ...]:
    """The words by which a name is compared."""
    return tuple(word.text for word in parse_name(name).words)


@pytest.mark.parametrize(
    "text, folded",
    [
        ("  ANA-MARÍA   Núñez ", "ana maria nunez"),
        ("PÉREZ, José", "perez jose"),
        ("Jose\u0301", "jose"),
        ("O’Neill D'Angelo Nabi\u02bcev", "oneill dangelo nabiev"),
        ("Straße", "strasse"),
        ("Łukasz Sørensen Đorđe", "lukasz sorensen dorde"),
        ("İlqar Əliyev Işıl", "ilqar aliyev isil"),
        ("ﬁdel", "fidel"),
        ("Ольга Ёлкина", "ольга елкина"),
        ("王伟", "王伟"),
        ("मीरा", "मीरा"),
        ("مُحَمَّد", "محمد"),
        ("می\u200cنا", "مینا"),
        ("Ana/María_2", "ana maria 2"),
        ("...", ""),
    ],
)
def test_folding_drops_case_accents_apostrophes_and_punctuation_and_keeps_letters_of_every_script(
    text: str, folded: str
) -> None:
    assert fold(text) == folded


@given(st.text())
@example("ŉ")
@example("\u0130\u0307")
def test_folding_twice_changes_nothing(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert once == " ".join(once.split())


@pytest.mark.parametrize(
    "text, words",
    [
        ("María de los Ángeles del Valle", ("maria", "angeles", "valle")),
        ("Ana Pérez y Gómez", ("ana", "perez", "gomez")),
        ("Y. Pérez", ("y", "perez")),
        ("Pérez, Y.", ("perez", "y")),
        ("Rauf Tural oğlu Səfərli", ("rauf", "tural", "safarli")),
        ("Roberto (surname not confirmed)", ("roberto",)),
        ("Roberto [sin confirmar] Luna", ("roberto", "luna")),
        ("(Roberto)", ("roberto",)),
        ("De La Las", ("de", "la", "las")),
        ("", ()),
    ],
)
def test_words_leave_out_particles_and_bracketed_remarks_unless_nothing_would_remain(
    text: str, words: tuple[str, ...]
) -> None:
    assert told(text) == words


# --- likeness ---------------------------------------------------------------------------------------------

ONE_PERSON = [
    ("Yakov Benhari", "Jacob Ben-Hary"),
    ("Yaakov Tenari", "Yaacov Tenary"),
    ("TENARI, Yaakov", "Yaakob Tenari"),
    ("GONZÁLES Peña, José", "Jose Gonzalez Pena"),
    ("Jhonny Yañez", "Johnny Yáñez"),
    ("Wilmer Valera", "Vilmer Balera"),
    ("Roberto Marquina", "Roberto Maquina"),
    ("Eduardo Torrealba", "Edurado Torrealba"),
    ("María José Delgado", "Mariajosé Delgado"),
    ("Óscar De Gregorio", "Oscar Degregorio"),
    ("Juan C. Peralta", "Juan Carlos Peralta"),
    ("Juan Peralta", "Juan Carlos Peralta Gómez"),
    ("Ana Lugo Paz", "LUGO PAZ de MORALES, Ana"),
    ("Aleksandr Petrenko", "Alexander Petrenko"),
    ("Ilqar Məlikov", "Ilqar Malikov"),
]

TWO_PEOPLE = [
    ("María Peralta", "Marta Peralta"),
    ("María Peralta Gómez", "Marta Peralta Gómez"),
    ("Daniel Rojas Luna", "Daniela Rojas Luna"),
    ("Mario Rojas Luna", "María Rojas Luna"),
    ("José Luis Rojas Díaz", "José Antonio Rojas Díaz"),
    ("Juan Carlos Peralta", "Juan Camilo Peralta"),
    ("Juan Hernández", "Juan Fernández"),
    ("Juan José Carmona", "Juan José Cardona"),
    ("Luis Suárez", "Luis Juárez"),
    ("Juan Martín", "Juan Marín"),
    ("Pedro Salas", "Pedro Salazar"),
    ("José Rivas", "José Rivera"),
    ("Luis Vera", "Luis Vega"),
    ("Ana Molina", "Ana Medina"),
    ("王伟", "王芳"),
]


# By rule: each pair needs one thing known of names, and falls apart without it.
ONE_PERSON_BY_RULE = [
    ("Cnel. Elio Brull Tarazona", "Cap. Elio Brull"),  # ranks
    ("Capitán de Navío Elio Brull Tarazona", "Elio Brull Tarazona"),
    ("Ma. Elisa Tarazona", "María Elisa Tarazona"),  # written short
    ("Chuo Tarazona", "Jesús Tarazona"),
    ("Elio Brull de la Plaza", "Elio Brull Delaplaza"),  # articles written together
    ("Joost van den Akker", "Joost Vandenakker"),
    ("Oluwafemi Ogunsola", "Femi Ogunsola"),
    ("Zayn al-Din Marzani", "Zineddine Marzani"),  # "of the faith" and "servant of" are one name with their word
    ("زين الدين مرزاني", "Zeineddine Marzani"),
    ("Abd al-Azim Marzani", "Abdulazim Marzani"),
    ("Abu Bakr Marzani", "Aboubacar Marzani"),
    ("مریم رضاوی", "Maryam Rezavi"),  # Persian signs and sounds
    ("Magdi Hegazi Salem", "Majdi Hijazi Salem"),
    ("יעקב לוינסון", "Yaakov Levinson"),  # vav is v
    ("Ευάγγελος Κωνσταντάρας", "Evangelos Konstantaras"),
    ("ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ", "Gurpreet Singh"),
    ("สมชาย แก้วมณี", "Somchai Kaewmanee"),
    ("ササキ リョウジ", "Ryoji Sasaki"),  # small letters and long vowels of kana
    ("ガリ ベンジ", "Gari Benji"),
    ("Hagop Garabedian", "Hakob Karapetyan"),  # Western and Eastern Armenian
    ("Olha Holubenko", "Olga Golubenko"),
    ("Iouri Chevtchenkov", "Yuri Shevchenkov"),  # French, German, Belarusian, Dutch
    ("Michail Schischkow", "Mikhail Shishkov"),
    ("Siarhei Tsiarnouski", "Sergei Tiarnovsky"),
    ("Soekardi Widjaja", "Sukardi Wijaya"),
    ("趙偉", "赵伟"),  # one character in two forms
    ("Lam Tai Man", "林大文"),  # Hong Kong spellings that look like pinyin
    ("Choe Sung-u", "Choi Seung Woo"),
    ("이영희", "Lee Young-hee"),
    ("Gustavo Tarazoan", "Gustavo Tarazona"),  # swapped letters
    ("Soetarno", "Sutarno"),
    ("Jalil Othmani", "Djalil Osmani"),  # houses of Othman
    ("Sobella Tarazona", "Sobeya Tarazona"),
    ("Эльдар Джафаров", "Eldar Jafarov"),
    ("مهرداد مرزاني", "Mehrdad Marzani"),
]

TWO_PEOPLE_BY_RULE = [
    ("عمر مرزاني", "عامر مرزاني"),
    ("Angel Brull Plaza", "Angela Brull Plaza"),
    ("Stefan Brull", "Stefania Brull"),
    ("Salim bin Tariq", "Tariq bin Salim"),
    ("José Jesús Brull", "Jesús José Brull"),
    ("Tariq Salim Marzani", "Salim Tariq Marzani"),
    ("Elio Brull II", "Elio Brull III"),
    ("Trần Văn Minh", "Trần Thị Minh"),
    ("Trần Quốc Hùng", "Trần Quốc Hưng"),
    ("Võ Minh Tuấn", "Võ Minh Tuân"),
    ("Kim Min-su", "Kim Min-seo"),
    ("Choi Sung-min", "Choi Sang-min"),
    ("章伟", "张伟"),
    ("Elio Hatar", "Elio Gatar"),
    ("Elio Prado", "Elio Pardo"),
]


@pytest.mark.parametrize("a, b", ONE_PERSON_BY_RULE)
def test_what_languages_do_to_names_is_seen_past(a: str, b: str) -> None:
    assert measure_similarity(a, b) >= SAME_NAME_SCORE


@pytest.mark.parametrize("a, b", TWO_PEOPLE_BY_RULE)
def test_what_tells_namesakes_apart_in_their_language_is_heeded(a: str, b: str) -> None:
    assert measure_similarity(a, b) < SAME_NAME_SCORE


@pytest.mark.parametrize("a, b", [("Tarazona Elio José", "Elio José Tarazona"), ("Elio José Brull", "Brull José Elio")])
def test_a_surname_at_the_other_end_changes_no_places(a: str, b: str) -> None:
    assert measure_similarity(a, b) == 1


def test_vietnamese_without_its_accents_may_be_either_name() -> None:
    assert measure_similarity("Tran Quoc Hung", "Trần Quốc Hùng") >= SAME_NAME_SCORE
    assert measure_similarity("Tran Quoc Hung", "Trần Quốc Hưng") >= SAME_NAME_SCORE


def test_a_rank_before_a_name_is_kept_where_it_may_be_the_name() -> None:
    assert told("Mayor Brull") == ("mayor", "brull")
    assert told("Elio Mayor Brull") == ("elio", "mayor", "brull")


@pytest.mark.parametrize("a, b", ONE_PERSON)
def test_spellings_of_one_name_are_taken_for_the_same(a: str, b: str) -> None:
    assert measure_similarity(a, b) >= SAME_NAME_SCORE


@pytest.mark.parametrize("a, b", TWO_PEOPLE)
def test_names_that_differ_in_one_telling_word_are_not(a: str, b: str) -> None:
    assert measure_similarity(a, b) < SAME_NAME_SCORE


@pytest.mark.parametrize("other", ["Roberto Díaz", "Roberto Díaz Luna", "R. Luna", "Roberto (unconfirmed) D."])
def test_one_word_in_common_is_never_the_same_name(other: str) -> None:
    assert measure_similarity("Roberto", other) < SAME_NAME_SCORE
    assert measure_similarity("J. Peralta", "Juan Peralta") < SAME_NAME_SCORE


def test_an_initial_matches_only_a_name_it_begins() -> None:
    short = "Juan C. Peralta"
    assert (
        measure_similarity(short, "Juan Carlos Peralta")
        > SAME_NAME_SCORE
        > measure_similarity(short, "Juan Luis Peralta")
    )


def test_a_left_out_surname_costs_less_than_a_wrong_one() -> None:
    whole = "Ana Lugo Peralta"
    assert measure_similarity(whole, "Ana Lugo") > SAME_NAME_SCORE > measure_similarity(whole, "Ana Lugo Medina")


def test_no_name_is_like_nothing() -> None:
    assert measure_similarity("", "") == measure_similarity("", "Ana Lugo") == measure_similarity("...", "...") == 0


def test_initials_are_not_whole_words_but_single_characters_of_chinese_are() -> None:
    assert compare_names("J. Peralta", "Juan Peralta").whole_words == 1
    assert compare_names("J. P.", "J. P.").whole_words == 0
    assert compare_names("王 伟", "王 伟").whole_words == 2


@given(names, names)
def test_likeness_is_symmetric_and_between_nought_and_one(a: str, b: str) -> None:
    assert compare_names(a, b) == compare_names(b, a)
    assert 0 <= measure_similarity(a, b) <= 1


@given(names)
@example("OO:U")  # may be a Korean name, and is the same words
@example("An An Ann An")  # the same given name more than once
def test_a_name_is_like_itself_in_any_case_and_order(name: str) -> None:
    straight, turned = " ".join(told(name)), " ".join(reversed(told(name)))
    # "The second" at the end is a son, and at the beginning a name; Weiming and Mingwei are two Chinese given names.
    ordered = parse_name(name).chinese or any(parse_name(text).generation for text in (name, straight, turned))
    if told(name) and not ordered:
        assert measure_similarity(name, name) == 1
        assert measure_similarity(turned, straight) == 1


def test_a_name_made_to_be_slow_is_not() -> None:
    """No clock: a name of 100,000 letters is cut to what is compared, or this test would not end."""
    assert measure_similarity("ab" * 50_000, "ab" * 49_000 + "ba") <= 1
    assert measure_similarity("a b " * 5_000, "ab " * 5_000) <= 1

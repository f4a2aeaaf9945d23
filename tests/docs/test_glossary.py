"""The page of words is the words that are served."""

from tests.docs.glossary import PAGE, text


def test_the_page_of_words_is_made_of_the_words_that_are_served() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(), "run: python -m tests.docs.glossary"

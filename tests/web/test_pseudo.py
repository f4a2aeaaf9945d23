"""The language that nobody speaks keeps what sentences are made with."""

from pathlib import Path

from babel.messages.pofile import read_po

from app.web.rendering import LOCALES
from tests.web.pseudo import pseudo, pseudo_localised


def test_what_is_put_into_a_sentence_stays_as_it_is() -> None:
    told = pseudo('See <a href="%(list)s">the %(number)s releases</a>')
    assert '<a href="%(list)s">' in told
    assert "%(number)s" in told
    assert "réléåšéš" in told


def test_a_sentence_grows_by_two_fifths() -> None:
    text = "Every number on this page comes from the API"
    assert len(pseudo(text)) >= 1.4 * len(text)


def test_every_catalogue_is_written(tmp_path: Path) -> None:
    pseudo_localised(LOCALES, "es", tmp_path)
    for path in (LOCALES / "es").glob("*.po"):
        with (tmp_path / "es" / path.name).open("rb") as made, path.open("rb") as ours:
            assert len(read_po(made)) == len(read_po(ours))

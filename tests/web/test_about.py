import re
from pathlib import Path

import pytest

from app.operator import UnreadableAboutFile, load_operator
from tests.support import World

OPERATOR = 'name = "A"\ncontact = "mailto:a@b.example"\n'
LICENCE = '[licence]\nname = "B"\nurl = "https://b.example"\n'
EXAMPLE = Path(__file__).parents[2] / "deploy" / "about.toml"


def test_a_registry_without_an_operator_says_so(world: World) -> None:
    text = world.client.get("/en/about").text
    assert "has not said who it is" in text
    assert "Operator</dt>" not in text


@pytest.mark.parametrize("language, funding", [("en", "Donations of people"), ("es", "Donaciones de particulares")])
def test_the_operator_is_named_with_contact_licence_and_interests(world: World, language: str, funding: str) -> None:
    world.app.state.operator = load_operator(EXAMPLE)
    text = world.client.get(f"/{language}/about").text
    assert "Example Human Rights Centre" in text
    assert 'href="mailto:registry@example.org"' in text
    assert 'href="https://creativecommons.org/licenses/by/4.0/"' in text
    assert funding in text


def test_ten_sentences_say_how_the_registry_counts(world: World) -> None:
    rules = {
        language: re.findall("<li>(.*)</li>", world.client.get(f"/{language}/about").text.partition("<ol>")[2])[:10]
        for language in ("en", "es")
    }
    assert all(len({*sentences}) == 10 for sentences in rules.values())
    assert not {*rules["en"]} & {*rules["es"]}


@pytest.mark.parametrize(
    "content, fault",
    [
        ('name = "A"\n', "contact"),
        (f'name = "A"\ncontact = "javascript:alert(1)"\n{LICENCE}', "contact"),
        (f'{OPERATOR}[licence]\nname = "B"\nurl = "http://b"\n', "licence.url"),
        (f'{OPERATOR}license = "x"\n{LICENCE}', "license"),
        ("name = ", "cannot be read"),
    ],
)
def test_a_fault_in_the_about_file_is_named(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "about.toml"
    path.write_text(content)
    with pytest.raises(UnreadableAboutFile, match=fault):
        load_operator(path)

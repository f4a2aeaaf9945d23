"""Every page can be read by everybody: by eyes, ears and fingers, on any screen and on paper."""

from pathlib import Path

import httpx2

from tests.web.browser.conftest import Visitor
from tests.web.browser.looking import OPEN_ALL, OVERFLOW, faults_of, violations
from tests.web.browser.pages import (
    LANGUAGES,
    PAGES,
    THOROUGH,
    WIDTHS,
    address_of,
    each_page,
    each_page_in_turn,
)

PHONE = 360
SMALLEST = 320  # WCAG 1.4.10: a page of 1280 pixels at 400 %
MOST_BYTES = 60_000  # of a page with its sheet, packed


@each_page_in_turn
def test_nothing_of_a_page_shuts_anybody_out(visitor: Visitor, name: str, language: str) -> None:
    widths = WIDTHS if THOROUGH else [WIDTHS[LANGUAGES.index(language)]]
    found = [one for width in widths for one in violations(visitor.opens(name, language, width=width))]
    assert not found, "\n".join(found)


@each_page
def test_a_page_fits_any_screen(visitor: Visitor, name: str, language: str) -> None:
    """A phone, a small one with all that can be opened open, and a desk at 200 %."""
    page = visitor.opens(name, language, width=PHONE)
    wide = {"phone": page.evaluate(OVERFLOW)}
    page.set_viewport_size({"width": 640, "height": 450})
    wide["twice"] = page.evaluate(OVERFLOW)
    page.evaluate(OPEN_ALL)
    page.set_viewport_size({"width": SMALLEST, "height": 640})
    wide["small"] = page.evaluate(OVERFLOW)
    assert wide == {"phone": 0, "twice": 0, "small": 0}


# What a reader of forced colours could not tell from the ground: marks of drawings whose every colour is the ground's.
UNSEEN = """() => [...document.querySelectorAll('main svg :is(path, rect, circle, line, text)')].filter(one => {
  const style = getComputedStyle(one), ground = getComputedStyle(document.body).backgroundColor;
  const drawn = one.getClientRects().length && one.getAttribute('d') !== '';
  const shown = [style.fill, style.stroke].filter(colour => colour !== 'none' && colour !== 'rgba(0, 0, 0, 0)');
  return drawn && shown.length && shown.every(colour => colour === ground);
}).map(one => one.outerHTML.slice(0, 120))"""


@each_page
def test_forced_colours_hide_no_mark(visitor: Visitor, name: str, language: str) -> None:
    page = visitor.opens(name, language, forced_colors="active", color_scheme="dark")
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert page.evaluate(UNSEEN) == []


# Where the focus stands after a step, and whether it can be seen there; nothing behind the last place.
FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  window.walked ??= new Set();
  if (one === document.body || (walked.size > 1 && one === [...walked][0])) return null;
  walked.add(one);
  const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const within = box.width > 0 && box.bottom > 0 && box.top < innerHeight;
  return {what: one.outerHTML.slice(0, 120), fine: seen && within};
}"""
# What must have been walked by: of radio buttons of one name, one.
LEFT_OUT = """() => [
  ...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]'),
].filter(one => one.checkVisibility({contentVisibilityAuto: true, visibilityProperty: true}) && !one.disabled)
  .filter(one => !walked.has(one) && ![...walked].some(other => other.type === 'radio' && other.name === one.name))
  .map(one => one.outerHTML.slice(0, 120))"""
MOST_STEPS = 600


@each_page
def test_a_page_can_be_walked_by_keys_alone(visitor: Visitor, name: str, language: str) -> None:
    page = visitor.opens(name, language)
    steps = []
    for _step in range(MOST_STEPS):
        page.keyboard.press("Tab")
        step = page.evaluate(FOCUSED)
        if step is None:
            break
        steps.append(step)
    assert [step["what"] for step in steps if not step["fine"]] == []
    if len(steps) < MOST_STEPS:
        assert page.evaluate(LEFT_OUT) == []


STRUCTURE = """() => ({
  headings: [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter(one => one.checkVisibility())
    .map(one => [Number(one.tagName[1]), one.textContent.trim()]),
  unlabelled: [...document.querySelectorAll('input:not([type=hidden], [type=submit]), select, textarea')]
    .filter(one => !one.labels.length && !one.getAttribute('aria-label')).map(one => one.outerHTML),
  scopeless: [...document.querySelectorAll('th:not([scope])')].map(one => one.outerHTML.slice(0, 120)),
  drawings: [...document.querySelectorAll('main svg:not([aria-hidden="true"], [aria-label], svg svg)')]
    .filter(one => one.checkVisibility()).map(one => one.outerHTML.slice(0, 120)),
  small: [...document.querySelectorAll('main svg text')].filter(one => one.getClientRects().length)
    .filter(one => parseFloat(getComputedStyle(one).fontSize) < 12).map(one => one.textContent),
  styled: [...document.querySelectorAll('[style]')].map(one => one.outerHTML.slice(0, 120)),
})"""


@each_page
def test_a_page_is_in_order_for_whoever_hears_it(visitor: Visitor, name: str, language: str) -> None:
    told = visitor.opens(name, language).evaluate(STRUCTURE)
    levels = [level for level, _text in told["headings"]]
    assert levels.count(1) == 1, told["headings"]
    assert levels[0] == 1, told["headings"]
    assert [text for _level, text in told["headings"] if not text] == []
    jumps = [
        later for before, later in zip(told["headings"], told["headings"][1:], strict=False) if later[0] > before[0] + 1
    ]
    assert jumps == []
    assert [told[kind] for kind in ("unlabelled", "scopeless", "drawings", "small", "styled")] == [[]] * 5


@each_page
def test_a_page_comes_quickly_on_a_poor_line(here: str, name: str, language: str) -> None:
    packed = {"accept-encoding": "br"}
    with httpx2.Client() as client:
        page = client.get(address_of(here, name, language), headers=packed)
        sheet = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
        sizes = [int(answer.headers["content-length"]) for answer in (page, client.get(here + sheet, headers=packed))]
    assert sum(sizes) <= MOST_BYTES


def test_all_pages_are_html_as_it_is_written_down(here: str, tmp_path: Path) -> None:
    with httpx2.Client() as client:
        for name in PAGES:
            for language in LANGUAGES:
                text = client.get(address_of(here, name, language)).text
                (tmp_path / f"{name.replace(' ', '-')}-{language}.html").write_text(text)
    faults = faults_of(tmp_path)
    assert not faults, "\n".join(faults)

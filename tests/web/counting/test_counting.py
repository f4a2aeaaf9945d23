"""The page of counts: every term as a form whose address is the permalink, and the API's own numbers beneath it."""

import re
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from app.estimates import estimator
from app.queries.countables import COUNTABLES
from app.queries.dimensions import DETENTIONS, HELD, RELEASES
from app.web.charts.groups import MAX_BARS, Group, lay_out_group_bars, lay_out_group_columns
from app.web.charts.text import measure_text
from app.web.count_text import TermFormatter
from app.web.counting.tables import ASSUMPTION_SENTENCES, translate_assumption, translate_refusal
from app.web.counting.view import format_time_step, parse_time_step
from app.web.figure import FULL_WIDTH, PHONE_WIDTH
from app.web.rendering import load_catalogue
from tests.support import World

PAGE = {"accept": "text/html"}
# One of every term that each count takes.
OF_PERSON: dict[str, Any] = {
    "country": "VE", "facility": "el-rodeo-i", "area": "Miranda", "gender": "male", "category": "civilian",
    "age_group": "18_to_69", "nationality": ["VE", "AR"], "not_nationality": ["NI"], "group": "journalist",
    "legal_status": "pretrial", "condition": "travel_ban", "destination": "España", "designation": "political",
    "state": "released", "rearrested": "false", "detained_from": "2024", "detained_to": "2025-06-30",
    "age_from": "30", "age_to": "60",
}  # fmt: skip
OF_SOURCES: dict[str, Any] = {
    "status": ["verified", "contested"], "source": "foro", "verified_by": ["foro", "jep"],
    "verified_by_match": "any", "not_verified_by": ["pud"], "min_sources": "1", "max_sources": "1",
    "reported_by_kind": ["media", "ngo"], "verified_by_kind": ["ngo"], "first_hand": "true",
}  # fmt: skip
OF_MOMENT = {"as_of": "2026-03-01", "zone": "America/Caracas"}
TERMS: dict[str, dict[str, Any]] = {
    RELEASES: OF_PERSON | OF_SOURCES | OF_MOMENT | {
        "released_from": "2026-01-08", "released_to": "2026-02", "stage": "carried_out", "net": "true",
        "release_kind": ["amnesty", "release_with_measures"], "group_by": ["release_kind", "month", "source"],
        "rearrested_after": "false",
    },
    DETENTIONS: OF_PERSON | OF_SOURCES | OF_MOMENT | {
        "ended": ["released", "died"], "ended_from": "2026-01", "ended_to": "2026-02", "group_by": ["ended", "month"],
    },
    HELD: OF_PERSON | OF_SOURCES | OF_MOMENT | {
        "held_on": "2026-01-01", "house_arrest": "true", "held_within": "3", "group_by": ["legal_status", "gender"],
    },
}  # fmt: skip
# A count has one stage, and one window.
OTHER_STAGES = {"ordered_from", "ordered_to", "announced_from", "announced_to", "carried_out"}
SWITCHES = {"net", "house_arrest", "rearrested", "rearrested_after", "first_hand"}
PATHS = {RELEASES: "/counts", DETENTIONS: "/counts/detentions", HELD: "/counts/held"}

of_both = pytest.mark.parametrize("noun", [RELEASES, DETENTIONS, HELD])


def page_of(world: World, path: str, language: str = "es", *, expected: int = 200, **terms: Any) -> str:
    answer = world.client.get(f"/{language}{path}", params=terms, headers=PAGE)
    assert answer.status_code == expected, answer.text
    return " ".join(answer.text.replace("\N{NO-BREAK SPACE}", " ").split())


def sent_by(page: str) -> dict[str, list[str]]:
    """What a browser would send of the form, as it is filled in."""
    form = page.split('<form method="get"')[1].split("</form>")[0]
    sent: list[tuple[str, str]] = []
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf' {key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and ("checkbox" not in tag or " checked" in tag):
            sent.append((name[1], value[1] if value else ""))
    for name, options in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', form):
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        sent += [(name, chosen[0] if chosen else "")]
    return parse_qs(urlencode([pair for pair in sent if pair[1]]))


@of_both
def test_the_form_holds_every_term_and_loses_none(world: World, noun: str) -> None:
    world.add_facility()
    terms = TERMS[noun]
    shape = COUNTABLES[noun].query.model_fields.keys() - {"rules", "leaf", *OTHER_STAGES}
    assert terms.keys() == shape
    page = page_of(world, PATHS[noun], **terms)
    wanted = {name: sorted(value if isinstance(value, list) else [value]) for name, value in terms.items()}
    assert {name: sorted(values) for name, values in sent_by(page).items()} == wanted


@of_both
def test_the_form_loses_nothing_where_the_api_refuses_everything(world: World, noun: str) -> None:
    terms: dict[str, Any] = {name: ["x y"] for name in TERMS[noun] if name not in SWITCHES}
    page = page_of(world, PATHS[noun], expected=422, **terms)
    assert {name: values for name, values in sent_by(page).items() if name != "stage"} == {
        name: values for name, values in terms.items() if name != "stage"
    }
    assert 'id="fault-country"' in page


def test_the_number_is_that_of_the_api_at_the_same_revision(world: World) -> None:
    receipt = world.file()
    world.verify(receipt["release"]["id"], "jep", verdict="verified", method="lawyer")
    count = world.count(country="VE", as_of=world.revision)
    page = page_of(world, "/counts", country="VE")
    assert f'aria-label="1: ver la lista">{count["total"]["cases"]}</a>' in page
    address = count["links"]["cite"]
    sentence = world.cite(count)["es"].removesuffix(f" {address}")
    assert f'<p>{sentence}</p> <p class="address">{address}</p>' in page, "the address stands once"
    assert f'href="{count["links"]["permalink"]}"'.replace("&", "&amp;") in page
    assert "verificadas por al menos 2 fuentes" in page
    assert world.cite(count)["en"].removesuffix(f" {address}") in page_of(world, "/counts", "en", country="VE")


def test_what_counts_say_beside_the_number_is_said(world: World) -> None:
    world.file(detainee__publish="counted")
    page = page_of(world, "/counts", released_from="2026-01-08")
    assert re.search(
        r"personas que no están en ninguna lista, solo en los números</th>\s*<td class=\"amount\">1<", page
    )
    assert re.search(r"una misma puede contarse dos veces</th>\s*<td class=\"amount\">1<", page)
    assert re.search(r"una fuente que lo comprobó da otra fecha</th>\s*<td[^>]*>0<", page)


def test_a_refusal_stands_at_its_term_in_the_readers_words(world: World) -> None:
    page = page_of(world, "/counts", expected=422, released_from="2026-02", released_to="2026-01", foo="1")
    assert "Esto no se pudo contar" in page
    assert '<a href="#term-released_to">Salió hasta</a>: <span>El período termina antes de empezar' in page
    assert re.search(r'id="term-released_to" value="2026-01" aria-describedby="fault-released_to" aria-invalid', page)
    assert "<code>foo</code>: <span>No existe este término" in page


def test_a_moment_yet_to_come_is_refused_beside_what_else_is_wrong(world: World) -> None:
    page = page_of(world, "/counts", expected=422, as_of="2999-01-01", country="Xx")
    assert 'href="#term-as_of"' in page
    assert 'href="#term-country"' in page
    assert 'value="2999-01-01"' in page


def test_a_refusal_that_the_page_has_no_words_for_is_the_apis_own(world: World) -> None:
    page = page_of(world, "/counts", expected=422, group_by=["release_kind", "month", "day", "week"])
    assert '<span lang="en">Send at most this many items: 3.' in page
    assert sent_by(page)["group_by"] == ["release_kind", "month", "day", "week"]


def test_a_form_that_was_sent_has_an_address_without_what_nobody_filled_in(world: World) -> None:
    answer = world.client.get(
        "/es/counts?country=VE&facility=&as_of=&release_kind=amnesty", headers=PAGE, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/es/counts?country=VE&release_kind=amnesty")


def test_the_other_kind_of_count_keeps_the_terms_that_it_takes(world: World) -> None:
    page = page_of(world, "/counts", country="VE", release_kind="amnesty", net="true", designation="political")
    (address,) = re.findall(r'href="(/es/counts/held[^"]*)"', page.split("<form")[0].split("kinds")[1])
    assert parse_qsl(urlsplit(address.replace("&amp;", "&")).query) == [("country", "VE"), ("designation", "political")]


def test_details_are_open_where_they_are_used(world: World) -> None:
    assert "<details open>" not in page_of(world, "/counts", country="VE")
    page = page_of(world, "/counts", gender="female")
    assert re.findall(r"<details open> <summary>([^<]*)", page) == ["La persona"]


def test_the_number_stands_before_the_form_which_is_folded_once_somebody_asked(world: World) -> None:
    world.file()
    page = page_of(world, "/counts", country="VE")
    number, folded, form = (page.index(mark) for mark in ('class="then-and-now"', '<details class="asking">', "<form"))
    assert number < folded < form
    assert '<details class="asking" open>' in page_of(world, "/counts"), "nobody asked yet"
    refused = page_of(world, "/counts", expected=422, country="XX")
    assert 'class="asking"' not in refused, "what must be mended is not folded"
    assert "<form" in refused


def test_a_facility_is_known_by_any_of_its_names(world: World) -> None:
    world.add_facility()
    page = page_of(world, "/counts", facility="El Rodeo I")
    assert '<option value="el-rodeo-i" selected>El Rodeo I</option>' in page
    assert "centro: El Rodeo I" in page


def test_groups_lead_to_their_lists(world: World) -> None:
    world.file()
    world.file(who="jep", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950", release__kind=None)
    page = page_of(world, "/counts", group_by="release_kind")
    assert "En grupos por tipo" in page
    led = set(re.findall(r'href="/es/releases\?([^"]*kind=[^"]*)" aria-label="(\d+), ([^:]*): ver la lista', page))
    assert {(number, who) for _address, number, who in led} == {
        ("1", "Excarcelación con medidas cautelares"),
        ("1", "Sin especificar"),
    }
    for address, number, _who in led:
        listed = world.client.get("/v1/releases", params=parse_qs(address.replace("&amp;", "&"))).json()["data"]
        assert len(listed) == int(number)


def test_groups_by_source_say_that_they_overlap(world: World) -> None:
    receipt = world.file()
    world.verify(receipt["release"]["id"], "jep", verdict="verified", method="lawyer")
    page = page_of(world, "/counts", group_by="source")
    assert "Los grupos se solapan: no se suman." in page


@pytest.mark.parametrize("terms", [{"group_by": ["release_kind", "month"]}, {"group_by": ["source", "gender", "week"]}])
def test_groups_of_several_dimensions_are_a_table(world: World, terms: dict[str, Any]) -> None:
    world.file()
    page = page_of(world, "/counts", **terms)
    assert '<figure class="figure figure-groups"' not in page
    assert page.count('<th scope="row"><bdi>') >= len(terms["group_by"])


def test_a_value_that_may_not_be_shown_is_told_and_the_number_is_the_least(world: World) -> None:
    world.file(detainee__publish="counted")
    page = page_of(world, "/counts", gender="male")
    assert '<span class="at-least">al menos</span>' in page
    answer = world.client.get("/es/counts?gender=male", headers=PAGE)
    assert answer.headers["cache-control"] == "no-cache"
    page = page_of(world, "/counts", group_by="gender")
    assert "no puede mostrarse" in page
    assert "al menos</span>" not in page  # everybody is counted, in one group or the other


def test_nothing_is_counted_in_words(world: World) -> None:
    page = page_of(world, "/counts", group_by="release_kind")
    assert "Con estos términos no se cuenta nada: no hay grupos." in page


def test_what_a_reader_writes_stays_text(world: World) -> None:
    hostile = '"><script>alert(1)</script> \u202e'
    page = page_of(
        world, "/counts", expected=422, country=hostile, destination=hostile, verified_by=hostile, zone=hostile
    )
    assert "<script" not in page


def test_a_permalink_of_the_api_is_a_page_with_another_beginning(world: World) -> None:
    world.file()
    permalink = world.count(country="VE", group_by="release_kind", as_of=world.revision)["links"]["permalink"]
    answer = world.client.get(permalink.replace("/v1/", "/es/"), headers=PAGE)
    assert answer.status_code == 200
    assert "En grupos por tipo" in answer.text


def told() -> TermFormatter:
    return TermFormatter(load_catalogue("es"), {"foro": "Foro Penal"}, {})


@pytest.mark.parametrize(
    "noun,terms,spanish",
    [
        (RELEASES, {}, "Excarcelaciones hechas efectivas, brutas"),
        (RELEASES, {"stage": "ordered", "net": True, "ordered_to": "2026-01"},
         "Excarcelaciones ordenadas hasta enero de 2026, netas"),
        (RELEASES, {"country": "VE", "released_from": "2026-01-08", "released_to": "2026-01-08"},
         "Excarcelaciones hechas efectivas en Venezuela el 8 de enero de 2026, brutas"),
        (RELEASES, {"release_kind": ["amnesty", "pardon"], "verified_by": ["foro"],
                    "verified_by_match": "any", "detained_from": "2024"},
         "Excarcelaciones hechas efectivas, brutas; detenidas desde 2024; condición en que salió: amnistía e indulto; "
         "verificadas por alguna: Foro Penal"),
        (DETENTIONS, {"country": "VE", "detained_from": "2025", "detained_to": "2025", "ended": ["died"]},
         "Detenciones en Venezuela en 2025; cómo terminó: muerte bajo custodia"),
        (HELD, {"held_on": "2026-01-01", "house_arrest": True},
         "Personas detenidas el 1 de enero de 2026, con quienes salieron a arresto domiciliario, con noticias en los "
         "2 años anteriores"),
    ],
)  # fmt: skip
def test_what_is_counted_is_told_in_a_sentence(noun: str, terms: dict[str, Any], spanish: str) -> None:
    assert told().describe_count(noun, terms) == spanish


def test_a_group_without_a_value_or_with_one_that_is_hidden_has_a_name() -> None:
    assert told().format_value("gender", None) == "no consta"
    assert told().format_value("gender", "withheld") == "no puede mostrarse"
    assert told().format_value("week", "2026-W03") == "semana 3 de 2026"
    assert told().format_value("kind", "no-such-code") == "no-such-code"


@pytest.mark.parametrize("name,value,day", [("day", "2026-01-13", "2026-01-13"), ("month", "2025-12", "2025-12"),
                                            ("week", "2026-W03", "2026-01-12")])  # fmt: skip
def test_a_time_has_its_place_between_others(name: str, value: str, day: str) -> None:
    step = parse_time_step(name, value)
    assert step is not None
    assert format_time_step(name, step) == day


@pytest.mark.parametrize("width", [FULL_WIDTH, PHONE_WIDTH])
def test_bars_are_as_long_as_their_numbers_and_keep_to_their_room(width: int) -> None:
    groups = [Group("x" * 300 + " 🕊 منظمة", (40, 10, 50)), Group("Corta", (25, 0, 0)), Group("Grande", (12345, 0, 0))]
    chart = lay_out_group_bars(groups, str, width)
    lengths = [sum(part.width for part in row.segments) for row in chart.rows]
    assert lengths[0] == pytest.approx(4 * lengths[1], abs=4)
    assert all(row.number_x + measure_text(row.number, 15, bold=True) <= width for row in chart.rows)
    assert all(measure_text(line.text, 13) <= width for row in chart.rows for line in row.label)


def test_the_largest_groups_are_drawn_and_the_others_counted() -> None:
    chart = lay_out_group_bars([Group(str(n), (n, 0, 0)) for n in range(1, 101)], str, FULL_WIDTH)
    assert [row.group.number for row in chart.rows] == [*range(101 - MAX_BARS, 101)]
    assert chart.omitted_count == 100 - MAX_BARS


@pytest.mark.parametrize("width", [FULL_WIDTH, PHONE_WIDTH])
def test_columns_stand_where_their_time_is_with_room_between_names(width: int) -> None:
    groups = [Group("a", (3, 0, 0), time_step=0), Group("b", (6, 0, 0), time_step=10), Group("sin fecha", (9, 0, 0))]
    chart = lay_out_group_columns(groups, str, lambda step: f"{step} ene 2026", width)
    first, second = chart.segments
    assert second.x - first.x == pytest.approx(10 * (width - chart.left) / 11)
    assert second.height == pytest.approx(2 * first.height)
    for left, right in zip(chart.times, chart.times[1:], strict=False):
        assert right.position - left.position >= measure_text(left.text, 12) / 2 + measure_text(right.text, 12) / 2


def asked(world: World, path: str, moment: str | None = None) -> Any:
    headers = PAGE if moment is None else PAGE | {"accept-datetime": moment}
    return world.client.get(path, headers=headers, follow_redirects=False)


@pytest.mark.parametrize(
    "moment", ["Sun, 01 Mar 2026 12:00:00 GMT", "Wed, 01 Jan 2098 00:00:00 GMT", "Mon, 01 Jan 1990 00:00:00 GMT"]
)
def test_a_page_of_a_count_leads_to_its_past_and_says_of_when_it_is(world: World, moment: str) -> None:
    world.file()
    led = asked(world, "/es/counts?country=VE", moment)
    assert led.status_code == 302
    assert "Accept-Datetime" in led.headers["vary"].split(", ")
    past = asked(world, led.headers["location"], moment)
    assert past.status_code == 200
    assert past.headers["memento-datetime"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert '</es/counts?country=VE>; rel="original timegate"' in past.headers["link"]
    present = asked(world, "/es/counts?country=VE")
    assert "Accept-Datetime" in present.headers["vary"].split(", ")
    assert "memento-datetime" not in present.headers


def test_a_page_that_follows_todays_consent_has_no_past(world: World) -> None:
    page = asked(world, "/es/counts?gender=male", "Sun, 01 Mar 2026 12:00:00 GMT")
    assert page.status_code == 200
    assert "Accept-Datetime" not in page.headers["vary"]
    assert "timegate" not in page.headers["link"]


def test_a_moment_that_no_clock_tells_is_refused_in_words(world: World) -> None:
    assert asked(world, "/es/counts", "yesterday").status_code == 400


def test_pages_say_by_which_address_to_cite_them(world: World) -> None:
    world.file()
    address = world.count(as_of=world.revision)["links"]["cite"]
    for path in ("/es/counts", f"/es{urlsplit(address).path}"):
        assert f'<{address}>; rel="cite-as"' in asked(world, path).headers["link"]


@pytest.fixture
def verified(world: World) -> World:
    receipt = world.file()
    world.verify(receipt["release"]["id"], "jep", verdict="verified", method="lawyer")
    world.file(who="pud", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    reported = {"detainee__full_name": "Alguien Más Inventado", "detainee__birth_date": "1949"}
    world.file(who="pud", **reported, verification={"verdict": "reported"})
    return world


def test_a_count_leads_to_how_it_grew_who_agrees_and_what_nobody_saw(verified: World) -> None:
    page = page_of(verified, "/counts", country="VE", group_by="release_kind", min_sources="1")
    led = [address.replace("&amp;", "&") for address in re.findall(r'href="(/es/(?:counts|estimates)/[^"]*)"', page)]
    paths = ["/es/counts/series", "/es/counts/overlap", "/es/estimates/releases"]
    found = [address for address in led if urlsplit(address).path in paths]
    assert [urlsplit(address).path for address in found] == paths
    for address in found:
        answer = verified.client.get(address, headers=PAGE)
        assert answer.status_code == 200, address
        assert "Excarcelaciones hechas efectivas en Venezuela, brutas" in answer.text


def test_a_series_is_told_row_by_row(verified: World) -> None:
    page = page_of(verified, "/counts/series", interval="month")
    assert "<bdi>mar 2026</bdi>" in page or "<bdi>1 mar 2026</bdi>" in page
    (point,) = verified.get("/v1/counts/series", interval="month").json()["points"][-1:]
    assert point["cases"] > point["verified"]
    numbers = f'<td class="amount">{point["cases"]}</td><td class="amount">{point["verified"]}</td>'
    assert f"2026</bdi></th>{numbers}" in page


def test_an_overlap_leads_to_the_lists_behind_it(verified: World) -> None:
    page = page_of(verified, "/counts/overlap")
    assert "<bdi>Foro y Jep</bdi>" in page
    assert "<bdi>Pud</bdi>" in page
    assert "<bdi>Ninguna fuente independiente</bdi>" in page
    for address in re.findall(r'href="/es/releases\?([^"]*)"', page):
        assert verified.client.get("/v1/releases", params=parse_qs(address.replace("&amp;", "&"))).status_code == 200


def test_an_estimate_says_what_it_assumes_or_why_there_is_none(verified: World) -> None:
    page = page_of(verified, "/estimates/releases")
    told = verified.get("/v1/estimates/releases").json()
    assert "Lo que supone" in page
    assert "<li>El grupo es cerrado: dentro del período nadie entró ni salió de él" in page
    assert translate_refusal(told["refused"], load_catalogue("es")) in page


def test_pages_have_words_for_everything_that_an_estimate_assumes() -> None:
    known = (
        estimator.ASSUMPTION_CLOSED_GROUP, estimator.ASSUMPTION_MATCHING, estimator.ASSUMPTION_REACHABLE,
        estimator.ASSUMPTION_EQUAL_CHANCE, estimator.ASSUMPTION_TWO_INDEPENDENT_LISTS,
        estimator.ASSUMPTION_MODELLED_DEPENDENCE, estimator.ASSUMPTION_TRUE_ZEROS,
        estimator.ASSUMPTION_MODEL_SELECTION, estimator.ASSUMPTION_LOWER_BOUND,
    )  # fmt: skip
    assert sorted(ASSUMPTION_SENTENCES) == sorted(known)
    spanish = translate_assumption(estimator.ASSUMPTION_UNLINKABLE.format(1234), load_catalogue("es"))
    assert spanish.startswith("1234 de las excarcelaciones observadas")


def test_the_title_says_what_was_counted_and_how_many(world: World) -> None:
    world.file("foro")
    title = "<title>Releases carried out in Venezuela, gross: 1 · Recuento</title>"
    assert title in world.client.get("/en/counts?country=VE").text
    assert "<title>Counting · Recuento</title>" in world.client.get("/en/counts").text

"""Who may see what."""

from dataclasses import replace

import pytest

from app.config import Names
from app.models import NAMED_BY_REPORTS
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.vocabulary import Publish, Role
from tests.support import ANYONE

PARTNER, CURATOR = Reader(Role.READER), Reader(Role.CURATOR)
REPORTER = Reader(Role.REPORTER, 1, "foro")
GOVERNMENT = Reader(Role.REPORTER, 4, "ministry", independent=False, names="list")
ADMIN = Reader(Role.ADMIN)
PUBLIC = (ANYONE, REPORTER, GOVERNMENT, ADMIN)

FACTS: Facts = {name: {"value": name, "said": [{"value": name, "by": ["foro"]}]} for name in (
    "full_name", "aliases", "gender", "birth_date", "age", "age_on", "nationalities", "category", "father_name",
    "national_id_digest", "facility", "facility_as_said", "area", "place", "legal_status", "transfers", "charges",
    "sentence", "case", "conditions", "destination", "evidence", "citing_unlisted", "age_span", "detained_on", "method",
    "held_on",
)}  # fmt: skip
FACTS["groups"] = {"value": ["journalist"], "said": [{"value": ["journalist"], "by": ["foro"]}]}
# What a class opens to everyone, once more, so that no name enters or leaves by a slip.
NAMED_OPENS = {
    "full_name", "aliases", "gender", "age", "nationalities", "category", "groups", "facility", "area", "legal_status",
    "charges", "sentence", "conditions", "destination", "evidence", "citing_unlisted",
}  # fmt: skip
NAMED_GROUPS = {
    "age", "facility", "area", "age_group", "nationality", "gender", "category", "group", "legal_status", "condition",
    "destination",
}  # fmt: skip
ANONYMOUS_OPENS = {"age", "nationalities", "facility", "area"}
ANONYMOUS_GROUPS = {"age", "facility", "area", "age_group", "nationality"}
# Never public, whatever the class: field.md section 6.
NEVER = (
    "birth_date", "age_on", "age_span", "father_name", "national_id_digest", "facility_as_said", "place", "transfers",
    "case", "detained_on", "held_on", "method",
)  # fmt: skip
# Every dimension by which people may be grouped, and what is none.
TRAITS = (*NAMED_GROUPS, *NEVER, "anything")


@pytest.mark.parametrize("reader", [PARTNER, CURATOR], ids=["reader", "curator"])
def test_partners_and_curators_see_everyone_and_everything(reader: Reader) -> None:
    for publish in Publish:
        assert reader.can_see_person(publish)
        assert reader.can_recognise(publish)
        assert reader.filter_facts(publish, FACTS).keys() == FACTS.keys() - {"national_id_digest", "age_span"}
        assert all(reader.can_see_trait(publish, name) for name in TRAITS)


@pytest.mark.parametrize("role", [Role.READER, Role.CURATOR])
def test_a_government_sees_no_more_than_the_public_whatever_its_role(role: Role) -> None:
    reader = Reader(role, 4, "ministry", independent=False)
    for publish in Publish:
        assert reader.can_see_person(publish) is ANYONE.can_see_person(publish)
        assert reader.filter_facts(publish, FACTS) == ANYONE.filter_facts(publish, FACTS)
        assert {n for n in TRAITS if reader.can_see_trait(publish, n)} == {
            n for n in TRAITS if ANYONE.can_see_trait(publish, n)
        }


@pytest.mark.parametrize("reader", PUBLIC, ids=["nobody", "reporter", "government", "admin"])
def test_all_others_see_what_the_class_opens(reader: Reader) -> None:
    assert reader.filter_facts(Publish.NAMED, FACTS).keys() == NAMED_OPENS
    assert reader.filter_facts(Publish.ANONYMOUS, FACTS).keys() == ANONYMOUS_OPENS
    assert reader.filter_facts(Publish.COUNTED, FACTS) == {}
    assert [reader.can_see_person(publish) for publish in ("named", "anonymous", "counted")] == [True, True, False]
    traits = [{n for n in TRAITS if reader.can_see_trait(publish, n)} for publish in ("named", "anonymous", "counted")]
    assert traits == [NAMED_GROUPS, ANONYMOUS_GROUPS, set()]


def test_the_public_sees_the_year_of_birth_of_named_people_alone() -> None:
    born: Facts = {
        "full_name": {"value": "Tomás Quintana", "said": []},
        "birth_date": {"value": "1971-05-04", "said": []},
    }
    vague: Facts = {**born, "birth_date": {"value": "1971-12-20/1972-01-10", "said": []}}
    nameless: Facts = {"birth_date": born["birth_date"]}
    for reader in PUBLIC:
        assert [reader.get_birth_year(publish, born) for publish in ("named", "anonymous", "counted")] == [
            1971,
            None,
            None,
        ]
        assert reader.get_birth_year("named", vague) is None, "a span of two years would tell the days"
        assert reader.get_birth_year("named", nameless) is reader.get_birth_year("named", {}) is None
    for publish in Publish:
        assert [PARTNER.get_birth_year(publish, facts) for facts in (born, vague, nameless, {})] == [
            1971,
            1971,
            1971,
            None,
        ]


def test_what_is_never_public_is_in_no_class() -> None:
    for reader in PUBLIC:
        for publish in Publish:
            assert not reader.filter_facts(publish, FACTS).keys() & set(NEVER)
            assert not any(reader.can_see_trait(publish, name) for name in NEVER)


@pytest.mark.parametrize(
    "reader, knows",
    [(ADMIN, True), (CURATOR, True), (PARTNER, False), (REPORTER, False), (ANYONE, False),
     (Reader(Role.CURATOR, 4, "ministry", independent=False), False)],
    ids=["admin", "curator", "partner", "reporter", "nobody", "government's curator"],
)  # fmt: skip
def test_who_adds_sources_and_who_judges_them_may_know_who_stands_behind_a_pseudonym(
    reader: Reader, knows: bool
) -> None:
    assert reader.can_see_real_names is knows


@pytest.mark.parametrize(
    "names, in_lists, by_whole_name",
    [("list", "named", "named"), ("search", "anonymous", "named"), ("off", "anonymous", "anonymous")],
)
def test_a_name_that_only_reports_ask_for_is_met_as_the_operator_chose(
    names: Names, in_lists: str, by_whole_name: str
) -> None:
    public = Reader(names=names)
    assert public.get_shown_class(NAMED_BY_REPORTS) == in_lists
    assert public.as_name_searcher.get_shown_class(NAMED_BY_REPORTS) == by_whole_name
    assert public.can_see_fact(NAMED_BY_REPORTS, "full_name") is (in_lists == "named")
    assert public.can_see_trait(NAMED_BY_REPORTS, "gender") is (in_lists == "named")
    for reader in (public, public.as_name_searcher):
        assert [reader.get_shown_class(publish) for publish in Publish] == list(Publish), "a consent is everyone's"
    assert Reader(Role.READER, names=names).get_shown_class(NAMED_BY_REPORTS) == "named"


def test_the_classes_that_a_look_up_asks_for_are_those_of_the_people_whom_the_reader_recognises() -> None:
    consented, by_reports, anonymous, counted = "named", NAMED_BY_REPORTS, "anonymous", "counted"
    assert CURATOR.recognised_classes == CURATOR.named_classes == (consented, by_reports, anonymous, counted)
    assert ANYONE.recognised_classes == (consented, by_reports, anonymous)
    assert ANYONE.named_classes == (consented, by_reports)
    assert GOVERNMENT.recognised_classes == (consented, by_reports)
    assert (
        replace(GOVERNMENT, names="off").recognised_classes
        == replace(GOVERNMENT, names="off").named_classes
        == (consented,)
    )


def test_an_illness_is_nobodys_business() -> None:
    groups: Facts = {
        "groups": {
            "value": ["gravely_ill", "journalist"],
            "said": [
                {"value": ["gravely_ill"], "by": ["jep"]},
                {"value": ["gravely_ill", "journalist"], "by": ["foro"]},
            ],
        }
    }
    assert ANYONE.filter_facts(Publish.NAMED, groups) == {
        "groups": {"value": ["journalist"], "said": [{"value": ["journalist"], "by": ["foro"]}]}
    }
    assert PARTNER.filter_facts(Publish.NAMED, groups) == groups
    assert not ANYONE.can_see_trait(Publish.NAMED, "group", "gravely_ill")
    assert ANYONE.can_see_trait(Publish.NAMED, "group", "journalist")
    assert PARTNER.can_see_trait(Publish.COUNTED, "group", "gravely_ill")


@pytest.mark.parametrize(
    "reader, recognised",
    [
        (REPORTER, {"named", "anonymous"}),
        (GOVERNMENT, {"named"}),
        (Reader(Role.READER, 4, "ministry", independent=False), {"named"}),
    ],
    ids=["independent", "government", "government's partner"],
)
def test_a_write_recognises_whom_the_writer_may_read(reader: Reader, recognised: set[str]) -> None:
    assert {str(publish) for publish in Publish if reader.can_recognise(publish)} == recognised

"""Who may see what."""

import pytest

from app.registry.read_permissions import ANONYMOUS_FACTS, ANONYMOUS_TRAITS, ANYONE, NAMED_FACTS, NAMED_TRAITS, Reader
from app.vocabulary import Publish, Role
from app.wire.base import Facts

PARTNER, CURATOR = Reader(Role.READER), Reader(Role.CURATOR)
REPORTER = Reader(Role.REPORTER, 1, "foro")
GOVERNMENT = Reader(Role.REPORTER, 4, "ministry", independent=False)
ADMIN = Reader(Role.ADMIN)
PUBLIC = (ANYONE, REPORTER, GOVERNMENT, ADMIN)

FACTS: Facts = {name: {"value": name, "said": [{"value": name, "by": ["foro"]}]} for name in (
    "full_name", "aliases", "gender", "birth_date", "age", "age_on", "nationalities", "category", "father_name",
    "national_id_digest", "facility", "facility_as_said", "area", "place", "legal_status", "transfers", "charges",
    "sentence", "case", "conditions", "destination", "evidence",
)}  # fmt: skip
# Never public, whatever the class: field.md section 6.
NEVER = ("birth_date", "age_on", "father_name", "national_id_digest", "facility_as_said", "place", "transfers", "case")


@pytest.mark.parametrize("reader", [PARTNER, CURATOR], ids=["reader", "curator"])
def test_partners_and_curators_see_everyone_and_everything(reader: Reader) -> None:
    for publish in Publish:
        assert reader.sees_person(publish)
        assert reader.recognises(publish)
        assert reader.facts(publish, FACTS).keys() == FACTS.keys() - {"national_id_digest"}
        assert all(reader.sees_trait(publish, name) for name in (*NAMED_TRAITS, "anything"))


@pytest.mark.parametrize("role", [Role.READER, Role.CURATOR])
def test_a_government_sees_no_more_than_the_public_whatever_its_role(role: Role) -> None:
    reader = Reader(role, 4, "ministry", independent=False)
    for publish in Publish:
        assert reader.sees_person(publish) is ANYONE.sees_person(publish)
        assert reader.facts(publish, FACTS) == ANYONE.facts(publish, FACTS)
        assert {n for n in NAMED_TRAITS if reader.sees_trait(publish, n)} == {
            n for n in NAMED_TRAITS if ANYONE.sees_trait(publish, n)
        }


@pytest.mark.parametrize("reader", PUBLIC, ids=["nobody", "reporter", "government", "admin"])
def test_all_others_see_what_the_class_opens(reader: Reader) -> None:
    assert reader.facts(Publish.NAMED, FACTS).keys() == NAMED_FACTS & FACTS.keys()
    assert reader.facts(Publish.ANONYMOUS, FACTS).keys() == {"age", "nationalities", "facility", "area"}
    assert reader.facts(Publish.COUNTED, FACTS) == {}
    assert [reader.sees_person(publish) for publish in ("named", "anonymous", "counted")] == [True, True, False]
    traits = [
        {n for n in NAMED_TRAITS if reader.sees_trait(publish, n)} for publish in ("named", "anonymous", "counted")
    ]
    assert traits == [NAMED_TRAITS, ANONYMOUS_TRAITS, set()]


def test_the_public_sees_the_year_of_birth_of_named_people_alone() -> None:
    born: Facts = {
        "full_name": {"value": "Tomás Quintana", "said": []},
        "birth_date": {"value": "1971-05-04", "said": []},
    }
    vague: Facts = {**born, "birth_date": {"value": "1971-12-20/1972-01-10", "said": []}}
    nameless: Facts = {"birth_date": born["birth_date"]}
    for reader in PUBLIC:
        assert [reader.birth_year(publish, born) for publish in ("named", "anonymous", "counted")] == [1971, None, None]
        assert reader.birth_year("named", vague) is None, "a span of two years would tell the days"
        assert reader.birth_year("named", nameless) is reader.birth_year("named", {}) is None
    for publish in Publish:
        assert [PARTNER.birth_year(publish, facts) for facts in (born, vague, nameless, {})] == [1971, 1971, 1971, None]


def test_what_is_never_public_is_in_no_class() -> None:
    for reader in PUBLIC:
        for publish in Publish:
            assert not reader.facts(publish, FACTS).keys() & set(NEVER)
            assert not any(reader.sees_trait(publish, name) for name in NEVER)


def test_each_class_opens_no_less_than_the_one_below() -> None:
    assert ANONYMOUS_FACTS < NAMED_FACTS
    assert ANONYMOUS_TRAITS < NAMED_TRAITS


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
    assert ANYONE.facts(Publish.NAMED, groups) == {
        "groups": {"value": ["journalist"], "said": [{"value": ["journalist"], "by": ["foro"]}]}
    }
    assert PARTNER.facts(Publish.NAMED, groups) == groups
    assert not ANYONE.sees_trait(Publish.NAMED, "group", "gravely_ill")
    assert ANYONE.sees_trait(Publish.NAMED, "group", "journalist")
    assert PARTNER.sees_trait(Publish.COUNTED, "group", "gravely_ill")


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
    assert {str(publish) for publish in Publish if reader.recognises(publish)} == recognised

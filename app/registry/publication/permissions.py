"""Decide which reader may see which value, for lists, records, counts and exports.

A person's class of publication is today's, whatever revision is read. A reader who may not see a value gets null, and a
count over that value puts the person into `withheld`. Readers that report as a source are built only here, so that
every way of filing respects `RECUENTO_NAMES` (decision 0054).
"""

from dataclasses import dataclass, replace
from typing import Self

from sqlalchemy import select
from sqlmodel import Session, col

from app.config import Names
from app.dates import parse_date
from app.errors import NotFound
from app.models import CURRENT_CLASSES, NAMED_BY_REPORTS, OPEN, Source
from app.schemas.base import Fact, Facts, Said
from app.vocabulary import Publish, Role

# Facts that a class of publication opens to everyone. All others are never public: exact birth date, family,
# identification numbers, notes, unregistered places, medical detail (a group), transfers, and the days and methods
# that are sealed for count-only people (decision 0042).
ANONYMOUS_FACTS = frozenset({"age", "nationalities", "facility", "area"})
NAMED_FACTS = ANONYMOUS_FACTS | {
    "full_name",
    "aliases",
    "gender",
    "category",
    "groups",
    "legal_status",
    "charges",
    "sentence",
    "conditions",
    "destination",
    "evidence",
    "citing_unlisted",
}
# Stored only for matching.
NEVER_PUBLIC_FACTS = frozenset({"national_id_digest", "age_span"})
# The same for personal dimensions of counts.
ANONYMOUS_TRAITS = frozenset({"age", "facility", "area", "age_group", "nationality"})
NAMED_TRAITS = ANONYMOUS_TRAITS | {"gender", "category", "group", "legal_status", "condition", "destination"}
MEDICAL_GROUPS = frozenset({"gravely_ill"})


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader: the role of its key (None without a key) and the key's source.

    `names`: the setting `RECUENTO_NAMES`, for people named by reports without a recorded consent."""

    role: Role | None = None
    source: int | None = None
    slug: str | None = None
    independent: bool = True
    names: Names = "off"

    @property
    def can_see_restricted(self) -> bool:
        """Whether this reader may see restricted fields.

        Partners and curators may, but no key of a source that is not independent: a government's key sees no more than
        the public."""
        return self.role in (Role.READER, Role.CURATOR) and self.independent

    @property
    def can_see_real_names(self) -> bool:
        """Whether this reader may see the real name of a source under a pseudonym.

        Administrators add sources and curators judge their reports; no key of a source that is not independent may."""
        return self.role in (Role.ADMIN, Role.CURATOR) and self.independent

    @property
    def as_name_searcher(self) -> Self:
        """The same reader, for people whom it found by their whole name."""
        return replace(self, names="list") if self.names == "search" else self

    def get_shown_class(self, publish: str) -> Publish:
        """Return the class that a person with today's class `publish` has for this reader."""
        if publish == NAMED_BY_REPORTS:
            return Publish.NAMED if self.can_see_restricted or self.names == "list" else Publish.ANONYMOUS
        return Publish(publish)

    def can_see_person(self, publish: str) -> bool:
        """Return whether lists show a person of that class to this reader."""
        return self.can_see_restricted or publish != Publish.COUNTED

    def can_recognise(self, publish: str) -> bool:
        """Return whether a write may reveal to this reader that it matched a person of that class."""
        shown_class = self.get_shown_class(publish)
        return (
            self.can_see_restricted
            or shown_class == Publish.NAMED
            or (self.independent and shown_class == Publish.ANONYMOUS)
        )

    @property
    def recognised_classes(self) -> tuple[str, ...]:
        """The classes of people whom this reader may recognise. Lookups for the reader search no others."""
        return tuple(publish for publish in CURRENT_CLASSES if self.can_recognise(publish))

    @property
    def named_classes(self) -> tuple[str, ...]:
        """The classes of people whose name this reader may see."""
        return tuple(publish for publish in CURRENT_CLASSES if self.can_see_fact(publish, "full_name"))

    def can_see_fact(self, publish: str, name: str) -> bool:
        """Return whether this reader may see a personal fact of a person of that class."""
        if name in NEVER_PUBLIC_FACTS:
            return False
        facts_by_class = {Publish.NAMED: NAMED_FACTS, Publish.ANONYMOUS: ANONYMOUS_FACTS}
        return self.can_see_restricted or name in facts_by_class.get(self.get_shown_class(publish), frozenset())

    def filter_facts(self, publish: str, facts: Facts) -> Facts:
        """Return the personal facts that this reader may see of a person of that class."""
        visible_facts = {name: fact for name, fact in facts.items() if self.can_see_fact(publish, name)}
        if "groups" in visible_facts and not self.can_see_restricted:
            visible_facts["groups"] = _remove_medical_groups(visible_facts["groups"])
        return visible_facts

    def get_birth_year(self, publish: str, facts: Facts, source_value: str | None = None) -> int | None:
        """Return the year of birth that this reader may see: by all sources together, or of one source's value.

        The public never sees the day. It sees the year of people whose name is shown, if all possible days are in one
        year."""
        birth = source_value or (facts["birth_date"]["value"] if "birth_date" in facts else None)
        if birth is None:
            return None
        birth_date = parse_date(birth)
        has_visible_name = "full_name" in facts and self.can_see_fact(publish, "full_name")
        is_visible = self.can_see_restricted or (has_visible_name and birth_date.first.year == birth_date.last.year)
        return birth_date.first.year if is_visible else None

    def can_see_trait(self, publish: str, name: str, value: str | None = None) -> bool:
        """Return whether this reader may see a personal dimension (with this value) of a person of that class."""
        if self.can_see_restricted:
            return True
        if value in self.get_private_values(name):
            return False
        shown_class = self.get_shown_class(publish)
        if shown_class == Publish.NAMED:
            return name in NAMED_TRAITS
        return shown_class == Publish.ANONYMOUS and name in ANONYMOUS_TRAITS

    def get_private_values(self, name: str) -> frozenset[str]:
        """Return the values of a personal dimension that this reader may see of nobody."""
        return MEDICAL_GROUPS if name == "group" and not self.can_see_restricted else frozenset()


def _remove_medical_groups(fact: Fact) -> Fact:
    """Return the fact without medical values, which are private for named people too."""

    def remove_medical(values: list[str]) -> list[str]:
        return [value for value in values if value not in MEDICAL_GROUPS]

    groups: list[Said] = [{**group, "value": remove_medical(group["value"])} for group in fact["said"]]
    return {"value": remove_medical(fact["value"]), "said": [group for group in groups if group["value"]]}


_SELECT_CURRENT_SOURCES = select(Source).where(col(Source.until) == OPEN)


def load_reporter(session: Session, source: int, names: Names, role: Role = Role.REPORTER) -> Reader:
    """Return the reader that acts for the current version of a source. `names`: the setting `RECUENTO_NAMES`."""
    return build_source_reader(
        session.scalars(_SELECT_CURRENT_SOURCES.where(col(Source.key) == source)).one(), names, role
    )


def load_reporter_by_slug(session: Session, slug: str, names: Names) -> Reader:
    """Return the reader that reports as the source with that slug. Raises NotFound."""
    source = session.scalars(_SELECT_CURRENT_SOURCES.where(col(Source.slug) == slug)).one_or_none()
    if source is None:
        raise NotFound("There is no source with this slug: see recuento source list, or add it (source add).")
    return build_source_reader(source, names, Role.REPORTER)


def build_source_reader(source: Source, names: Names, role: Role) -> Reader:
    """Return the reader that acts for a source."""
    return Reader(role, source.key, source.slug, source.independent and not source.quarantined, names)

"""Which reader may see which value: decided here alone, for lists, records, counts and exports (pure).

A person's class of publication is judged by today, whatever revision is read. A reader who may not see a value gets
null, and a count over that value puts the person into `withheld`.

The reader that reports as a source: made here alone, so that no way of filing forgets what the operator opens of
people whom only reports name (decision 0054)."""

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
# identification numbers, notes, unregistered places, medical detail (a group), transfers, and the days and methods that
# are sealed since the person may only be counted (decision 0042).
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
# Stored for matching alone.
NEVER_PUBLIC_FACTS = frozenset({"national_id_digest", "age_span"})
# Personal dimensions of counts, in the terms of the facts above.
ANONYMOUS_TRAITS = frozenset({"age", "facility", "area", "age_group", "nationality"})
NAMED_TRAITS = ANONYMOUS_TRAITS | {"gender", "category", "group", "legal_status", "condition", "destination"}
MEDICAL_GROUPS = frozenset({"gravely_ill"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the role of the key (None without a key) and the key's source; `names`: what the operator opens of
    people whose names only reports ask for; nothing, unless it is said. `reporters.py` makes the reader of a source."""

    role: Role | None = None
    source: int | None = None
    slug: str | None = None
    independent: bool = True
    names: Names = "off"

    @property
    def can_see_restricted(self) -> bool:
        """Whether this reader may see restricted fields: partners and curators may, but no key of a source that is not
        independent: a government's key sees no more than the public."""
        return self.role in (Role.READER, Role.CURATOR) and self.independent

    @property
    def can_see_real_names(self) -> bool:
        """Whether this reader may know who stands behind a source's pseudonym: who adds sources, and who judges what
        they say. No key of a source that is not independent."""
        return self.role in (Role.ADMIN, Role.CURATOR) and self.independent

    @property
    def as_name_searcher(self) -> Self:
        """The reader towards people whom it found by their whole name."""
        return replace(self, names="list") if self.names == "search" else self

    def get_shown_class(self, publish: str) -> Publish:
        """The class as which this reader meets a person of that class of today."""
        if publish == NAMED_BY_REPORTS:
            return Publish.NAMED if self.can_see_restricted or self.names == "list" else Publish.ANONYMOUS
        return Publish(publish)

    def can_see_person(self, publish: str) -> bool:
        """Whether lists show this reader a person of that class at all."""
        return self.can_see_restricted or publish != Publish.COUNTED

    def can_recognise(self, publish: str) -> bool:
        """Whether a write may tell this reader that it met a person of that class (rule 12)."""
        shown_class = self.get_shown_class(publish)
        return (
            self.can_see_restricted
            or shown_class == Publish.NAMED
            or (self.independent and shown_class == Publish.ANONYMOUS)
        )

    @property
    def recognised_classes(self) -> tuple[str, ...]:
        """The classes of the people whom this reader recognises: a look-up for the reader asks for no others."""
        return tuple(publish for publish in CURRENT_CLASSES if self.can_recognise(publish))

    @property
    def named_classes(self) -> tuple[str, ...]:
        """The classes of the people whose name this reader may see."""
        return tuple(publish for publish in CURRENT_CLASSES if self.can_see_fact(publish, "full_name"))

    def can_see_fact(self, publish: str, name: str) -> bool:
        """Whether this reader may see a personal fact of a person of that class."""
        if name in NEVER_PUBLIC_FACTS:
            return False
        facts_by_class = {Publish.NAMED: NAMED_FACTS, Publish.ANONYMOUS: ANONYMOUS_FACTS}
        return self.can_see_restricted or name in facts_by_class.get(self.get_shown_class(publish), frozenset())

    def filter_facts(self, publish: str, facts: Facts) -> Facts:
        """The personal facts that this reader may see of a person of that class."""
        visible_facts = {name: fact for name, fact in facts.items() if self.can_see_fact(publish, name)}
        if "groups" in visible_facts and not self.can_see_restricted:
            visible_facts["groups"] = _remove_medical_groups(visible_facts["groups"])
        return visible_facts

    def get_birth_year(self, publish: str, facts: Facts) -> int | None:
        """The year of birth that this reader may see. The public sees the year alone, never the day: of people whose
        name is shown, where all days on which the person may have been born are of one year."""
        birth = facts["birth_date"]["value"] if "birth_date" in facts else None
        if birth is None:
            return None
        birth_date = parse_date(birth)
        has_visible_name = "full_name" in facts and self.can_see_fact(publish, "full_name")
        is_visible = self.can_see_restricted or (has_visible_name and birth_date.first.year == birth_date.last.year)
        return birth_date.first.year if is_visible else None

    def can_see_trait(self, publish: str, name: str, value: str | None = None) -> bool:
        """Whether this reader may see a personal dimension (with this value) of a person of that class."""
        if self.can_see_restricted:
            return True
        if name == "group" and value in MEDICAL_GROUPS:
            return False
        shown_class = self.get_shown_class(publish)
        if shown_class == Publish.NAMED:
            return name in NAMED_TRAITS
        return shown_class == Publish.ANONYMOUS and name in ANONYMOUS_TRAITS


def _remove_medical_groups(fact: Fact) -> Fact:
    """The fact without medical values, which are private of named people too."""

    def remove_medical(values: list[str]) -> list[str]:
        return [value for value in values if value not in MEDICAL_GROUPS]

    groups: list[Said] = [{**group, "value": remove_medical(group["value"])} for group in fact["said"]]
    return {"value": remove_medical(fact["value"]), "said": [group for group in groups if group["value"]]}


_SELECT_CURRENT_SOURCES = select(Source).where(col(Source.until) == OPEN)


def load_reporter(session: Session, source: int, names: Names, role: Role = Role.REPORTER) -> Reader:
    """The reader that acts for a source, as the source stands now. `names`: the operator's choice."""
    return build_source_reader(
        session.scalars(_SELECT_CURRENT_SOURCES.where(col(Source.key) == source)).one(), names, role
    )


def load_reporter_by_slug(session: Session, slug: str, names: Names) -> Reader:
    """The reader that reports as the source of that slug. Raises NotFound."""
    source = session.scalars(_SELECT_CURRENT_SOURCES.where(col(Source.slug) == slug)).one_or_none()
    if source is None:
        raise NotFound("There is no source with this slug: see recuento source list, or add it (source add).")
    return build_source_reader(source, names, Role.REPORTER)


def build_source_reader(source: Source, names: Names, role: Role) -> Reader:
    """The reader that acts for a source."""
    return Reader(role, source.key, source.slug, source.independent and not source.quarantined, names)

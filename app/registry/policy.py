"""Who may see what: the one place that decides it, for lists, records, counts and exports alike (pure).

A person's class of publication is judged by today, whatever revision is read. Whoever may not see a value gets
null, and a count over it puts the person into `withheld`.
"""

from dataclasses import dataclass
from typing import Any

from app.vocabulary import Publish, Role

Facts = dict[str, Any]

# Facts that a class of publication opens to everyone. What stands nowhere here is never public: exact birth date,
# family, identification numbers, notes, places nobody registered, medical detail (a group), transfers.
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
NEVER = frozenset({"national_id_digest", "age_span"})
# Personal dimensions of counts, in the terms of the facts above.
ANONYMOUS_TRAITS = frozenset({"age", "facility", "area", "age_group", "nationality"})
NAMED_TRAITS = ANONYMOUS_TRAITS | {
    "gender",
    "category",
    "group",
    "legal_status",
    "condition",
    "destination",
}
MEDICAL_GROUPS = frozenset({"gravely_ill"})


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: the role of the key (None without one) and the source it belongs to."""

    role: Role | None = None
    source: int | None = None
    slug: str | None = None
    independent: bool = True

    @property
    def restricted(self) -> bool:
        """May see restricted fields: partners and curators, but nobody who writes for a source that is not
        independent: a government's key sees no more than the public."""
        return self.role in (Role.READER, Role.CURATOR) and self.independent

    def sees_person(self, publish: str) -> bool:
        """Whether someone of that class stands in lists at all."""
        return self.restricted or publish != Publish.COUNTED

    def recognises(self, publish: str) -> bool:
        """Whether a write may tell this reader that it met someone of that class (rule 12)."""
        if self.restricted or publish == Publish.NAMED:
            return True
        return self.independent and publish == Publish.ANONYMOUS

    def sees_fact(self, publish: str, name: str) -> bool:
        """Whether this reader may see that personal fact of someone of that class."""
        if name in NEVER:
            return False
        opened = {Publish.NAMED: NAMED_FACTS, Publish.ANONYMOUS: ANONYMOUS_FACTS}
        return self.restricted or name in opened.get(Publish(publish), frozenset())

    def facts(self, publish: str, facts: Facts) -> Facts:
        """The personal facts this reader may see of someone of that class."""
        shown = {name: fact for name, fact in facts.items() if self.sees_fact(publish, name)}
        if "groups" in shown and not self.restricted:
            shown["groups"] = _without_medical(shown["groups"])
        return shown

    def sees_trait(self, publish: str, name: str, value: str | None = None) -> bool:
        """Whether this reader may see that personal dimension (with that value) of someone of that class."""
        if self.restricted:
            return True
        if name == "group" and value in MEDICAL_GROUPS:
            return False
        if publish == Publish.NAMED:
            return name in NAMED_TRAITS
        return publish == Publish.ANONYMOUS and name in ANONYMOUS_TRAITS


def _without_medical(fact: Facts) -> Facts:
    """An illness is nobody's business, not even of someone who is named."""

    def keep(values: list[str]) -> list[str]:
        return [value for value in values if value not in MEDICAL_GROUPS]

    said = [{**one, "value": keep(one["value"])} for one in fact["said"]]
    return {"value": keep(fact["value"]), "said": [one for one in said if one["value"]]}


ANYONE = Reader()

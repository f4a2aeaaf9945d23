"""How a person came to be known: what each revision changed of what is shown, and who said it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.web.people.facts import label_of
from app.web.people.telling import Json, Telling

OF_A_PERSON = ("name", "age", "nationalities", "designation", "state")
OF_A_DETENTION = ("detained_on", "facility", "legal_status", "held_on", "transfers")
OF_A_RELEASE = (
    "stage", "announced_on", "ordered_on", "released_on", "kind", "conditions", "destination", "measures_lifted_on",
    "status",
)  # fmt: skip
LABELS = {"name": "full_name"}
CODES = {"state": "states", "stage": "stages", "status": "statuses"}
# What of a person's first version the line of its sources does not tell already.
FIRST = ("detained_on", "released_on", "ordered_on")


@dataclass(frozen=True)
class Statement:
    """Sources that say something from then on, or no longer."""

    sources: str
    words: str


@dataclass(frozen=True)
class Change:
    """A value that was another one before; none where there was none, or is none any more."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Step:
    """What a revision changed. `cause`: why, where no source said it."""

    revision: int
    recorded_at: str
    cause: str
    statements: Sequence[Statement]
    changes: Sequence[Change]


def steps_of(versions: Sequence[Json], telling: Telling) -> list[Step]:
    """The steps by which the versions of a history follow each other."""
    steps: list[Step] = []
    before: Json = {"detainee": {"detentions": []}, "releases": []}
    for version in versions:
        values, known = _values(version), _values(before)
        is_first = not steps
        changed = [
            (name, _told(name, known.get((spell, name)), telling), _told(name, new, telling))
            for (spell, name), new in values.items()
            if known.get((spell, name)) != new and (name in FIRST or not is_first)
        ]
        changes = [
            Change(label_of(LABELS.get(name, name), telling.words), old, new)
            for name, old, new in changed
            if old or new  # an empty list is said by nobody either
        ]
        statements = list(_statements(before, version, telling))
        cause = _cause(version["entry"], telling)
        steps.append(Step(version["revision"], version["recorded_at"], cause, statements, changes))
        before = version
    return steps


def _values(version: Json) -> dict[tuple[int, str], object]:
    """What a version shows, by the place of the spell and the name; of the person as a whole under 0."""
    person = version["detainee"]
    found: dict[tuple[int, str], object] = {(0, name): person.get(name) for name in OF_A_PERSON}
    releases = {release["id"]: release for release in version["releases"]}
    for n, detention in enumerate(person["detentions"], start=1):
        found |= {(n, name): detention.get(name) for name in OF_A_DETENTION}
        release = releases.get(detention["release_id"], {})
        found |= {(n, name): release.get(name) for name in OF_A_RELEASE}
    return found


def _told(name: str, value: object, telling: Telling) -> str | None:
    if value is None or value == []:
        return None
    return telling.label(CODES[name], str(value)) if name in CODES else telling.value(LABELS.get(name, name), value)


def _statements(before: Json, version: Json, telling: Telling) -> Iterator[Statement]:
    """Who verifies and who reports what from this version on, and who no longer does."""
    ngettext = telling.words.ngettext
    earlier, now = _verdicts(before), _verdicts(version)
    for (spell, about, how), sources in now.items():
        began = sources - earlier.get((spell, about, how), set())
        if began:
            yield Statement(telling.words.listed(telling.names(sorted(began))), _says(about, how, len(began), telling))
    for (spell, about, how), sources in earlier.items():
        still = {source for other in ("verified_by", "reported_by") for source in now.get((spell, about, other), set())}
        gone = sources - still if (spell, about, how) in now or not now else set()
        if gone:
            words = ngettext("no longer says so", "no longer say so", len(gone))
            yield Statement(telling.words.listed(telling.names(sorted(gone))), words)


def _says(about: str, how: str, sources: int, telling: Telling) -> str:
    """What so many sources do."""
    ngettext = telling.words.ngettext
    return {
        ("release", "verified_by"): ngettext("verifies the release", "verify the release", sources),
        ("release", "reported_by"): ngettext("reports the release", "report the release", sources),
        ("detention", "verified_by"): ngettext("verifies the detention", "verify the detention", sources),
        ("detention", "reported_by"): ngettext("reports the detention", "report the detention", sources),
    }[about, how]


def _verdicts(version: Json) -> Mapping[tuple[int, str, str], set[str]]:
    """By spell, by what it is about and how: the sources. Of a spell with a release, those of the release."""
    releases = {release["id"]: release for release in version["releases"]}
    found: dict[tuple[int, str, str], set[str]] = {}
    for n, detention in enumerate(version["detainee"]["detentions"], start=1):
        release = releases.get(detention["release_id"])
        about, said = ("release", release) if release and release["stage"] else ("detention", detention)
        for how in ("verified_by", "reported_by"):
            found[n, about, how] = set(said[how])
    return found


def _cause(entry: str, telling: Telling) -> str:
    """Why something changed that no source said just then."""
    _ = telling.words.gettext
    return {
        "identity": _("The curators decided which records are of the same person."),
        "consent": _("What may be published changed."),
        "source": _("A source was registered otherwise."),
        "facility": _("A facility was registered otherwise."),
        "recall": _("Reports were recalled."),
        "redaction": _("Data were erased."),
    }.get(entry, "")

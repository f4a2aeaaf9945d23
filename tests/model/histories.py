"""Histories drawn by seed: a few sources that report, verify, correct and withdraw, and who else changes the registry.

A history is a list of steps. A step names others by number, never by an id of the registry, so that a step can be left
out and the rest played again. The matcher plays no part: each person has a name and a birth date of their own, which
every report of them carries, or the report points.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from app.dates import parse_date

Body = dict[str, Any]

SOURCES = ("foro", "jep", "pud", "ministry")
PEOPLE: tuple[Body, ...] = (
    {"full_name": "Tomás Aurelio Quintana Ribas", "birth_date": "1971-03-05", "gender": "male"},
    {"full_name": "Eulogia Wenceslada Montilla Zúñiga", "birth_date": "1983-11-21", "gender": "female"},
    {"full_name": "Nicanor Baudilio Ferreyra Oms", "birth_date": "1958-07-14", "gender": "male"},
    {"full_name": "Hortensia Calixta Dávalos Ibarra", "birth_date": "1990-01-30", "gender": "female"},
)
ARRESTS = ("2024-10-13", "2024-10-14", "2024-10", "2025-06-01", "2025-06-02", "2025", "2025-11-20", "2026-01-12")
RELEASES = ("2025-03-01", "2025-03-02", "2025-03", "2025-06-01", "2025-08-10", "2026-01-08", "2026-01-12", "2026-01-13",
            "2026-01", "2026-01-08/2026-01-12", "2026-01-10/2026-01-20", "2026-02-01")  # fmt: skip
HELD = ("2025-01-15", "2025-07-01", "2026-01-02", "2026-01-31")
KINDS = ("full_release", "release_with_measures", "house_arrest", "amnesty")
STRONG = ("family", "lawyer", "detainee")
WEAK = ("press", "other_organisation", "official_statement")
DIMENSIONS = ("source", "status", "kind", "country", "month", "week", "day", "designation", "sources", "facility")


@dataclass(frozen=True)
class Step:
    """One request: `person` and `target` are numbers, of PEOPLE and of an earlier step."""

    kind: str  # report, verify, retract, judge, undo, consent, source, redact, facility
    by: str = ""
    person: int = 0
    target: int = -1
    way: str = ""  # how a report says whom it means: name, detainee, detention, release
    body: Body = field(default_factory=dict)

    def __str__(self) -> str:
        at = f" →{self.target}" if self.target >= 0 else ""
        return f"{self.kind} {self.by} p{self.person} {self.way}{at} {_flat(self.body)}"


def _flat(body: Body) -> str:
    words = []
    for name, value in body.items():
        words.append(f"{name}({_flat(value)})" if isinstance(value, dict) else f"{name}={value}")
    return " ".join(words)


class Drawing:
    """Draws one history."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._steps: list[Step] = []
        self._cases: dict[tuple[str, int], list[str]] = {}
        self._classes = ["counted" if self._chance(0.12) else self._random.choice(("named", "named", "anonymous"))
                         for _ in PEOPLE]  # fmt: skip
        self._people = self._random.randint(1, len(PEOPLE))

    def history(self) -> list[Step]:
        for _ in range(self._random.randint(5, 25)):
            self._steps.append(self._step())
        return self._steps

    def _chance(self, chance: float) -> bool:
        return self._random.random() < chance

    def _maybe(self, chance: float, *values: Any) -> Any:
        return self._random.choice(values) if self._chance(chance) else None

    def _step(self) -> Step:
        reports = [number for number, step in enumerate(self._steps) if step.kind in ("report", "verify")]
        if len(reports) < 2 or self._chance(0.5):
            return self._report(reports)
        target = self._random.choice(reports)
        draw = self._random.random()
        by = self._random.choice(SOURCES)
        if draw < 0.5:
            person = self._steps[target].person
            return Step("verify", by, person, target, "release", self._verification_of_release(by))
        if draw < 0.65:
            return Step("retract", self._steps[target].by, self._steps[target].person, target)
        if draw < 0.75:
            return Step("source", by, body=self._random.choice(self._changes_of_source(by)))
        if draw < 0.82 and self._people > 1:
            one, other = self._random.sample(range(self._people), 2)
            judgement = self._random.choice(("same", "same", "different"))
            return Step("judge", "curator", one, body={"other": other, "judgement": judgement})
        judged = [number for number, step in enumerate(self._steps) if step.kind == "judge"]
        if draw < 0.88 and judged:
            return Step("undo", "curator", target=self._random.choice(judged))
        person = self._random.randrange(self._people)
        if draw < 0.93:
            return Step("consent", "curator", person, body={"publish": self._random.choice(("named", "counted"))})
        if draw < 0.95:
            return Step("redact", "admin", person)
        return Step("facility", "curator", body={"slug": "yare", "name": "Yare"})

    @staticmethod
    def _changes_of_source(slug: str) -> list[Body]:
        return [{"quarantined": True}, {"quarantined": False}, {"independent": slug != "ministry"},
                {"independent": slug == "ministry"}]  # fmt: skip

    def _report(self, reports: list[int]) -> Step:
        by = self._random.choice((*SOURCES, "foro", "jep"))
        person = self._random.randrange(self._people)
        cases = self._cases.setdefault((by, person), [])
        body: Body = {}
        target, way = -1, "name"
        if cases and self._chance(0.5):
            body["source_record_id"] = self._random.choice(cases)
        else:
            if self._chance(0.7):
                cases.append(f"{by}-{person}-{len(cases)}")
                body["source_record_id"] = cases[-1]
            about = [number for number in reports if self._steps[number].person == person]
            if about and self._chance(0.2):
                target, way = self._random.choice(about), self._random.choice(("detainee", "detention", "release"))
        if way == "name":
            body["publish"] = self._classes[person]
            designation = self._maybe(0.3, "political", "not_political")
            if designation:
                body["designation"] = designation
        body["detention"] = self._some(
            detained_on=self._maybe(0.7, *ARRESTS),
            facility=self._maybe(0.4, "El Rodeo I", "Yare", "Nowhere"),
            held_on=self._maybe(0.2, *HELD),
            country=("CO" if self._chance(0.08) else "VE") if way == "name" else None,
        )
        if self._chance(0.75):
            stage = self._maybe(0.25, "announced", "ordered") or "carried_out"
            out = self._maybe(0.85, *RELEASES)
            body["release"] = {"stage": stage} | self._some(
                released_on=out if stage == "carried_out" else None,
                ordered_on=out if stage == "ordered" else None,
                announced_on=out if stage == "announced" else self._maybe(0.1, out),
                kind=self._maybe(0.6, *KINDS),
            )
            self._in_order(body["detention"], out)
        body["verification"] = self._verification(by)
        return Step("report", by, person, target, way, body)

    @staticmethod
    def _in_order(detention: Body, out: str | None) -> None:
        """Leave out what would be refused: nobody is released before the detention, nor held after the release."""
        if out is None:
            return
        if parse_date(detention.get("detained_on", "2024")).lo > parse_date(out).lo:
            del detention["detained_on"]
        if parse_date(detention.get("held_on", "2024-01")).hi > parse_date(out).lo:
            del detention["held_on"]

    @staticmethod
    def _some(**values: Any) -> Body:
        return {name: value for name, value in values.items() if value is not None}

    def _verification(self, by: str) -> Body:
        verdict = self._random.choice(
            ("verified", "verified", "verified", "reported", "reported", "disputed", "refuted")
        )
        method = self._random.choice(WEAK if self._chance(0.2) else STRONG) if verdict != "reported" else None
        citing = [self._random.choice([one for one in SOURCES if one != by])] if self._chance(0.08) else None
        return {"verdict": verdict} | self._some(method=method, citing=citing)

    def _verification_of_release(self, by: str) -> Body:
        body = self._verification(by)
        stage = self._maybe(0.3, "announced", "ordered", "carried_out")
        return body | self._some(
            stage=stage,
            released_on=self._maybe(0.35, *RELEASES) if stage in (None, "carried_out") else None,
            kind=self._maybe(0.3, *KINDS),
            seen=self._maybe(0.3, 0, 1, 2, 3, 4),
        )


def draw(seed: int) -> list[Step]:
    """The history of a seed."""
    return Drawing(seed).history()


def draw_terms(random: Random) -> Body:
    """Terms of a count of releases, broad."""
    terms: Body = {}

    def maybe(chance: float, name: str, *values: Any) -> None:
        if random.random() < chance:
            terms[name] = random.choice(values)

    maybe(0.4, "released_from", "2025", "2025-03-02", "2025-06", "2026-01", "2026-01-09", "2026-01-12")
    maybe(0.4, "released_to", "2026-01-12", "2026-01-13", "2026-01", "2026")
    maybe(0.3, "stage", "announced", "ordered", "carried_out")
    maybe(0.15, "kind", *KINDS, "unspecified", ["amnesty", "house_arrest"])
    maybe(0.1, "country", "VE", "CO")
    maybe(0.1, "designation", "political", "not_political", "unstated")
    maybe(0.08, "facility", "el-rodeo-i")
    maybe(0.1, "status", "verified", "contested", "reported", "refuted", ["verified", "reported"])
    maybe(0.12, "source", *SOURCES)
    maybe(0.08, "any_of", "foro", ["foro", "jep"])
    maybe(0.08, "all_of", "foro", ["foro", "jep"])
    maybe(0.05, "verified_by", *SOURCES)
    maybe(0.1, "min_sources", 1, 2)
    maybe(0.05, "sources", 0, 1, 2)
    maybe(0.2, "net", True)
    if random.random() < 0.7:
        terms["group_by"] = ["source"] if random.random() < 0.5 else random.sample(DIMENSIONS, random.randint(1, 2))
    return terms

"""Trials drawn by seed: what sources report in good faith, and what one that is hostile does afterwards."""

from dataclasses import dataclass
from random import Random
from typing import Any

from app.vocabulary import Judgement
from tests.properties.histories import KINDS, LATE, METHODS, PEOPLE, PLACES, RELEASED, SPELLS
from tests.properties.steps import Body, Consent, Decide, File, Place, Step, Verify
from tests.support import GOVERNMENT
from tests.trials.steps import Claims, Correct, Line, SendList, VerifySeen, Withdraw

STOLEN = "pud"  # the independent source whose key somebody stole
HOSTILE = (GOVERNMENT, STOLEN)
VERDICTS = ("verified", "reported", "disputed", "refuted", "retracted")
IN_GOOD_FAITH = ("verified", "verified", "reported")
HELD_ON = ("2024-11", "2026-01-05", "2026-01-11", "2026-01-25", "2026-02-20")
GIVEN_ON = ("2026-01-20", "2026-02-10", "2026-02-20")
FACILITIES = (  # that are registered, so that reports name them and counts ask for them
    Place("el-rodeo-i", ("El Rodeo I",), "Miranda"),
    Place("el-helicoide", ("Helicoide",), "Caracas"),
)
MOST_AGO = 12  # entries ago that somebody had read what is verified
BEFORE = ("2023-05", "2024-10-14", "2025-06-01", "2026-01-12", "2026-02-15")  # days on which nobody else speaks


@dataclass(frozen=True)
class Trial:
    """`seed`: by which it was drawn."""

    seed: int
    hostile: str
    honest: tuple[Step, ...]
    attack: tuple[Step, ...]
    later: tuple[Step, ...] = ()  # by others, who go on in good faith

    def __str__(self) -> str:
        steps = [
            *(f"  {step}" for step in self.honest),
            f"then {self.hostile}:",
            *(f"  {step}" for step in self.attack),
            *(["then others:"] if self.later else []),
            *(f"  {step}" for step in self.later),
        ]
        return "\n".join(steps)


class Drawing:
    """Draws one trial."""

    def __init__(self, seed: int, hostile: str) -> None:
        self._random = Random(f"{hostile} {seed}")
        self._seed, self._hostile = seed, hostile

    def trial(self) -> Trial:
        honest: list[Step] = [
            *FACILITIES,
            self._report("foro", first=True),
            *(self._honest() for _ in range(self._random.randint(2, 7))),
        ]
        attack = [self._attack() for _ in range(self._random.randint(2, 8))]
        return Trial(self._seed, self._hostile, tuple(honest), tuple(attack), tuple(self._later()))

    def _later(self) -> list[Step]:
        """What the others do next, about the first person and by reports of their own: the same steps mean the same
        where there was no attack. Who verifies by pointing keeps what stood there, a state's word where no independent
        source gave any, so no verification is among them."""
        steps: list[Step] = []
        for _ in range(self._random.randint(0, 3)):
            source = self._random.choice(("foro", "jep"))
            detained, released = self._random.choice(SPELLS)
            body: Body = {"detention": self._detention(detained, hostile=False, pointing=True)}
            body |= {"release": self._release(released), "verification": self._verification(IN_GOOD_FAITH, False)}
            steps += self._random.choice(
                (
                    [File(source, body, None, ("detainee", 0))],
                    [Correct(source, 0, self._patch(hostile=False))],
                    [Withdraw(source, 0)],
                )
            )
        return steps

    def _chance(self, chance: float) -> bool:
        return self._random.random() < chance

    def _maybe(self, chance: float, values: Any) -> Any:
        return self._random.choice(values) if self._chance(chance) else None

    def _honest(self) -> Step:
        """Several organisations, a state, and now and then a curator; the hostile source has not turned yet."""
        source = self._random.choice(("foro", "foro", "jep", "jep", "jep", "pud", GOVERNMENT))
        draw = self._random.random()
        if draw < 0.5:
            return self._report(source)
        if draw < 0.75:
            return Verify(source, self._random.randrange(6), self._verdict(IN_GOOD_FAITH))
        if draw < 0.85:
            return Correct(source, self._random.randrange(3), self._patch(hostile=False))
        if draw < 0.9:
            return Withdraw(source, self._random.randrange(3))
        if draw < 0.95:
            return Decide(0, self._random.randrange(6), self._random.choice((Judgement.SAME, Judgement.DIFFERENT)))
        return Consent(self._random.randrange(4), self._random.choice(("named", "anonymous")), "guardian")

    def _attack(self) -> Step:
        draw = self._random.random()
        if draw < 0.42:
            return self._report(self._hostile, hostile=True)
        if draw < 0.6:
            return self._verify()
        if draw < 0.8:
            return Correct(self._hostile, self._random.randrange(4), self._patch(hostile=True))
        if draw < 0.86:
            return Withdraw(self._hostile, self._random.randrange(4))
        if draw < 0.96:
            return self._list()
        return self._claim()

    def _verify(self) -> Step:
        """What stands, or what stood before."""
        number, verdict = self._random.randrange(8), self._verdict(VERDICTS)
        if self._chance(0.6):
            return Verify(self._hostile, number, verdict)
        return VerifySeen(self._hostile, number, verdict, self._random.randint(1, MOST_AGO))

    def _list(self) -> Step:
        """Rows that open records, and rows under case numbers that stand, as a list sent every week has them."""
        lines = [self._report(self._hostile, hostile=True) for _ in range(self._random.randint(1, 3))]
        return SendList(self._hostile, tuple(Line(line.body, line.case, line.points) for line in lines))

    def _claim(self) -> Step:
        body: Body = {"measure": self._random.choice(("released", "held")), "country": "VE"}
        body |= {"qualifier": self._random.choice(("at_least", "more_than", "exactly")), "claimant": self._hostile}
        body |= {"said": self._random.choice((1, 40, 400)), "stated_at": "2026-02-20", "window_to": "2026-02-15"}
        if body["measure"] == "released":
            body["window_from"] = self._random.choice(("2026-01-08", "2026"))
        return Claims(self._hostile, body | ({"source_record_id": "figure"} if self._chance(0.5) else {}))

    def _report(self, source: str, *, first: bool = False, hostile: bool = False) -> File:
        detained, released = self._random.choice(SPELLS)
        if hostile and self._chance(0.4):
            detained, released = self._maybe(0.7, BEFORE), self._maybe(0.7, (*BEFORE, *RELEASED))
        pointing = not first and self._chance(0.6)
        points = (
            self._random.choice(("release", "detention", "detainee", "detainee")),
            self._random.choice((0, 0, 1, 2, 3)),
        )
        body: Body = {"detention": self._detention(detained, hostile=hostile, pointing=pointing)}
        body["verification"] = self._verification(
            VERDICTS if hostile else ("verified", "verified", "reported"), hostile
        )
        if first or self._chance(0.8):
            body["release"] = self._release(released)
        person = self._detainee(hostile)
        if not pointing:
            body["detainee"] = {**self._who(), **person}
        elif hostile and person and points[0] == "detainee":
            body["detainee"] = person
        return File(source, body, self._maybe(0.5, (0, 1, 2)), points if pointing else None)

    def _who(self) -> Body:
        facts = PEOPLE[self._random.choice((0, 0, 0, 1, 2))]
        return _said(**{name: self._random.choice(values) for name, values in facts.items()})

    def _detainee(self, hostile: bool) -> Body:
        return _said(
            publish=self._random.choice((None, "counted", "anonymous")) if hostile else "named",
            publish_given_on=self._maybe(0.2, GIVEN_ON) if hostile else None,
            birth_date=self._maybe(0.2, ("2010", "2009-03", "1950")) if hostile else None,
            designation=self._maybe(0.4, ("political", "not_political")),
            died_on=self._maybe(0.15, ("2026-01-10", "2026-02")) if hostile else None,
        )

    def _detention(self, detained: str | None, *, hostile: bool, pointing: bool) -> Body:
        ends = ({"how": "escaped", "on": "2026-01-15"}, {"how": "died"}, {"how": "other", "on": "2025"})
        return _said(
            detained_on=detained,
            facility=self._maybe(0.5, PLACES),
            held_on=self._maybe(0.25, HELD_ON),
            ended=self._maybe(0.25, ends) if hostile else None,
            country=None if pointing and self._chance(0.7) else self._random.choice(("VE", "VE", "VE", "CO")),
        )

    def _release(self, released: str | None) -> Body:
        stage = self._random.choice(("carried_out", "carried_out", "carried_out", "ordered", "announced"))
        return _said(
            stage=stage,
            released_on=released if stage == "carried_out" else None,
            ordered_on=released if stage == "ordered" else self._maybe(0.1, ("2026-01-08",)),
            announced_on=released if stage == "announced" else self._maybe(0.1, ("2026-01-08",)),
            kind=self._random.choice(KINDS),
        )

    def _verification(self, verdicts: Any, hostile: bool) -> Body:
        citing = self._maybe(0.15, (["foro"], ["jep"])) if hostile else None
        return _said(verdict=self._random.choice(verdicts), method=self._random.choice(METHODS), citing=citing)

    def _verdict(self, verdicts: Any) -> Body:
        return _said(
            verdict=self._random.choice(verdicts),
            method=self._random.choice(METHODS),
            stage=self._maybe(0.2, ("ordered", "announced")),
            released_on=self._maybe(0.5, RELEASED),
            kind=self._random.choice(KINDS),
        )

    def _patch(self, *, hostile: bool) -> Body:
        detained, released = self._random.choice(LATE if hostile and self._chance(0.5) else SPELLS)
        draw = self._random.random()
        if draw < 0.4:
            return {"release": _said(released_on=released, kind=self._maybe(0.3, KINDS)) or {"kind": "pardon"}}
        if draw < 0.8 or not hostile:
            return {"detention": self._detention(detained, hostile=hostile, pointing=True)}
        if draw < 0.9:
            return {"verification": self._verification(VERDICTS, hostile)}
        return {"detainee": self._detainee(hostile)}


def _said(**values: Any) -> Body:
    return {name: value for name, value in values.items() if value is not None}

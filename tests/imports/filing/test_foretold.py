"""What a trial foretells of a list, and what the run then does: the same, row by row."""

import random
import uuid

import pytest

from app.db.engine import open_read_session
from app.imports.filing import import_store, receipts, row_filing
from app.imports.filing.import_store import ImportOptions
from tests.drawn import scale
from tests.imports.filing.test_filing import counts, many
from tests.imports.filing.test_filing_at_once import another, running_on
from tests.support import Body, World

GIVEN = ("José", "María", "Luis", "Carmen", "Juan", "Ana", "Pedro", "Rosa", "Carlos", "Elena", "Simón", "Nieves")
SURNAMES = (
    "García",
    "Rodríguez",
    "Pérez",
    "Díaz",
    "Rojas",
    "Mora",
    "Vargas",
    "Ibarra",
    "Lugo",
    "Quiroz",
    "Arráez",
    "Sol",
)
PLACES = ("El Rodeo I", "El Helicoide", "Tocorón", "Yare", "INOF", "Ramo Verde")
HEAD = "código;nombre;fecha de nacimiento;fecha de detención;centro de reclusión;país\n"


def drawn(rows: int, seed: int, prefix: str = "P") -> str:
    """Named people drawn as a population has them: a few names that many share, and many that few do."""
    dice = random.Random(seed)

    def one_of(names: tuple[str, ...]) -> str:
        return names[min(int(dice.paretovariate(0.7)) - 1, len(names) - 1)]

    def line(number: int) -> str:
        middle = f"{dice.choice('BCDFGLMNPRST')}{dice.choice('aeio')}{dice.choice('lmnrs')}{dice.choice('aeio')}do"
        parts = [one_of(GIVEN), *([middle] if dice.random() < 0.7 else []), one_of(SURNAMES), one_of(SURNAMES)]
        born = str(dice.randint(1950, 1999)) if dice.random() < 0.4 else ""
        taken = f"2025-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}" if dice.random() < 0.5 else ""
        place = dice.choice(PLACES) if dice.random() < 0.5 else ""
        return f"{prefix}-{number};{' '.join(parts)};{born};{taken};{place};VE;named\n"

    return HEAD.replace("país", "país;publicar") + "".join(map(line, range(rows)))


def outcomes(world: World, receipt: Body) -> list[str]:
    with open_read_session(world.engine) as session:
        job = import_store.load_import(session, uuid.UUID(receipt["id"]))
        rows = receipts.list_row_outcomes(session, world.app.state.secret, job, 0, receipt["rows"])
    return [row["outcome"] for row in rows]


def test_a_trial_foretells_what_becomes_of_each_row_of_a_list_of_namesakes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 30)
    monkeypatch.setattr(row_filing, "TRIAL_BATCH_ROWS", 40)
    monkeypatch.setattr("app.registry.list_rows.MAX_BATCH_SECONDS", 0.3)
    world.send_list(drawn(scale(120), seed=1, prefix="J"), who="jep")
    said = drawn(scale(500), seed=2)
    tried, filed = world.send_list(said, dry_run=True), world.send_list(said)
    assert counts(tried) == counts(filed)
    assert outcomes(world, tried) == outcomes(world, filed)
    assert {"new", "linked", "needs_review"} <= counts(filed).keys()


def test_of_a_lists_own_namesakes_only_those_wait_that_agree_in_more_than_the_name(world: World) -> None:
    rows = [
        "A-1;Rosa Inés Valdivia;;;Yare;VE",
        "A-2;Rosa Inés Valdivia;;2025-03-02;;VE",  # the name alone
        "A-3;Rosa Inés Valdivia;;;Yare;VE",  # the same place
        "A-4;Rosa Inés Valdivia;;2025-03-09;INOF;VE",  # another place, and another day
        "A-5;Rosa Inés Valdivia;;2025-03-02;;VE",  # the same day
    ]
    receipt = world.send_list(HEAD + "".join(f"{row}\n" for row in rows), confirm=True)
    assert outcomes(world, receipt) == ["new", "new", "needs_review", "new", "needs_review"]


def test_a_namesake_of_somebody_whom_another_source_reports_waits_as_before(world: World) -> None:
    world.file("jep", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date=None)
    receipt = world.send_list(HEAD + "A-1;Rosa Inés Valdivia;;;;VE\n")
    assert outcomes(world, receipt) == ["needs_review"]


def test_a_trial_knows_whom_an_earlier_batch_of_it_would_have_tied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "TRIAL_BATCH_ROWS", 1)
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 1)
    world.file("jep", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date="1971")
    said = HEAD + "A-1;Rosa Inés Valdivia;1971;;;VE\nA-2;Rosa Inés Valdivia;1971;;;VE\n"
    tried = world.send_list(said, dry_run=True, confirm=True)
    assert outcomes(world, tried) == ["linked", "needs_review"]
    assert outcomes(world, world.send_list(said, confirm=True)) == outcomes(world, tried)


@pytest.mark.parametrize("publish", ["anonymous", "counted"])
def test_a_trial_knows_of_people_without_a_name_only_the_sources_own(world: World, publish: str) -> None:
    """The list itself is tied to whomever an independent source may recognise."""
    her = {"detainee__full_name": "Rosa Inés Valdivia", "detainee__birth_date": "1971", "detainee__publish": publish}
    world.file("jep", **her)
    said = HEAD + "A-1;Rosa Inés Valdivia;1971;;;VE\n"
    assert outcomes(world, world.send_list(said, dry_run=True)) == ["new"]
    world.file("foro", **her | {"detainee__publish": "anonymous"}, source_record_id="A-0")
    assert outcomes(world, world.send_list(said, dry_run=True)) == ["needs_review"]
    assert outcomes(world, world.send_list(said)) == ["needs_review"]


def test_a_trial_of_a_correction_tells_nothing_that_others_say_of_somebody_unnamed(world: World) -> None:
    her = {"detainee__full_name": "Rosa Inés Valdivia", "detainee__birth_date": "1971"}
    hidden = her | {"detainee__publish": "anonymous", "detainee__aliases": ["Chabela Ponte Ruiz"]}
    world.file_detention("jep", **hidden)
    own = world.file_detention("foro", **her, detainee__publish="anonymous", source_record_id="A-0")
    assert own["match"]["outcome"] == "linked"
    said = HEAD + "A-0;Rosa Inés Valdivia;1971;2024-10-13;Yare;VE\nA-1;Chabela Ponte Ruiz;1971;;;VE\n"
    receipt = world.send_list(said, dry_run=True, confirm=True)
    assert outcomes(world, receipt) == ["updated", "new"]


def test_a_trial_that_another_process_takes_up_begins_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_filing, "TRIAL_BATCH_ROWS", 4)
    twice = many(4) + many(4).partition("\n")[2].replace("B-", "C-")  # the second half are the first one's namesakes
    first = running_on(world, twice, ImportOptions(dry_run=True, confirmed=True))
    assert first.step()  # four rows are tried, and remembered by this process alone
    second = another(world, first)
    while second.step():
        pass
    assert not first.step()
    with open_read_session(world.engine) as session:
        receipt = receipts.build_receipt(import_store.load_import(session, first.job), world.app.state.secret)
    assert (receipt["state"], counts(receipt)) == ("done", {"new": 4, "needs_review": 4})

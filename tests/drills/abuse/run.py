"""Do each attack of the table on a demo registry: `python -m tests.drills.abuse.run --checkout PATH`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.bench import abuse_load
from tests.drills.abuse import attacks, names, ordinary, poison
from tests.drills.abuse.judgement import Verdict, judge_states
from tests.drills.abuse.measures import State, find_hidden, find_opened, read_state
from tests.drills.abuse.registry import ATTACKER, Checkout, Server, Template

ROOT = Path(__file__).resolve().parents[3]
TWO_PERSON = "merges,deaths,minors,redactions,recalls"  # a checkout without these options ignores them
PATIENCE_SECONDS = 180.0  # for an honest list behind a hostile one
MAX_FLOOD_SLOWDOWN = 5.0  # of the 99th percentile of honest requests beside a flood
MIN_LIST_SHARE = 0.5  # of the speed of another source's list beside one attacker's lists

Drill = Callable[[Template], Verdict]


def _move(title: str, attack: Callable[[Server], None], template: Template) -> Verdict:
    """Measure what the attack of one key moves."""
    verdict = Verdict(title)
    with template.serve("attack", RECUENTO_TWO_PERSON=TWO_PERSON) as server:
        since, before = datetime.now(UTC), read_state(server)
        begun = time.monotonic()
        attack(server)
        verdict.facts.append(f"took {time.monotonic() - begun:.1f} s")
        after = read_state(server)
        hidden, opened = find_hidden(server, before, after), find_opened(before, after)
        # What a curator may join in a day also moves the rows of sources that the headline names.
        tolerance = names.MAX_DECIDED if attack is attacks.open_and_join else 0
        judge_states(verdict, before, after, hidden, opened, tolerance)
        if attack is attacks.open_and_join:
            _take_back(verdict, server, since, before)
    return verdict


def _take_back(verdict: Verdict, server: Server, since: datetime, before: State) -> None:
    """Take back what a stolen key decided, and compare with the state before the attack."""
    command = names.build_stolen_command(server.keys["curator"][4:12], since.isoformat(timespec="seconds"))
    done = server.checkout.run_command(server.database, *command)
    after = read_state(server)
    is_restored = done.returncode == 0 and (before.combined, before.classes) == (after.combined, after.classes)
    verdict.expect(is_restored, f"one command restores the state before: {'yes' if is_restored else 'no'}")


def _identify(title: str, template: Template) -> Verdict:
    verdict = Verdict(title)
    with template.serve("attack") as server:
        found = attacks.identify(server)
    people = found.pop("people")
    for way, number in found.items():
        limit = names.MAX_UNREVIEWED if way == "filing" else 0
        verdict.expect(number <= limit, f"identified by {way}: {number} of {people}, at most {limit}")
    return verdict


def _delay(title: str, build: Callable[[], bytes], template: Template) -> Verdict:
    verdict = Verdict(title)
    with template.serve("attack") as server:
        delay = poison.delay_lists(server, build(), PATIENCE_SECONDS)
    attacked = f"{delay.attacked:.1f} s" if delay.attacked else f"not done after {PATIENCE_SECONDS:.0f} s"
    is_in_time = delay.attacked is not None and delay.attacked <= delay.limit
    verdict.expect(is_in_time, f"an honest list: {delay.quiet:.1f} s alone, {attacked} beside the attack")
    verdict.expect(delay.ready_status == 200, f"/readyz: {delay.ready_status} {delay.ready_text}")
    verdict.expect(delay.command_code == 0, f"recuento status ends with {delay.command_code}")
    return verdict


def _work(work: Callable[[Server], Verdict], trusted: tuple[str, ...], template: Template) -> Verdict:
    with template.serve("ordinary", trusted) as server:
        return work(server)


def _flood(name: str, _template: Template) -> Verdict:
    """Measure honest requests beside a flood of one network, on this checkout."""
    verdict = Verdict(f"{name} of one network")
    with abuse_load.served_registry() as registry:
        load = abuse_load.measure(name, registry)
    quiet, attacked = abuse_load.find_p99(load.quiet), abuse_load.find_p99(load.attacked)
    verdict.expect(
        attacked <= MAX_FLOOD_SLOWDOWN * quiet, f"honest p99: {quiet:.2f} s quiet, {attacked:.2f} s beside it"
    )
    return verdict


def _share_lists(_template: Template) -> Verdict:
    """Measure another source's list beside an attacker's, on this checkout."""
    verdict = Verdict("lists of one source beside another's")
    with abuse_load.served_registry() as registry:
        quiet, beside = abuse_load.measure_lists(registry)
    verdict.expect(
        beside >= MIN_LIST_SHARE * quiet, f"rows a second: {quiet:.0f} alone, {beside:.0f} beside the attacker's"
    )
    return verdict


DRILLS: dict[str, Drill] = {
    "1": partial(_move, "a government's own claims about another country", attacks.file_own_claims),
    "2": partial(_move, "a reporter's claims in the name of others", attacks.file_claims_of_others),
    "3a": partial(_move, "a reporter asks that everybody may only be counted", attacks.hide_as_counted),
    "3b": partial(_move, "a reporter gives everybody the birth of a child", attacks.hide_as_children),
    "4a": partial(_move, f"a reporter rearrests {attacks.PEOPLE} people", attacks.rearrest),
    "4b": partial(_move, f"a reporter denies {attacks.PEOPLE} releases", attacks.deny),
    "4c": partial(_move, "a reporter denies the custody of everybody held", attacks.deny_custody),
    "4d": partial(_move, f"a reporter invents {attacks.PEOPLE} people", attacks.invent),
    "5": partial(_identify, f"a reporter's list of {attacks.LISTED_NAMES:,} names"),
    "7a": partial(_delay, "an ODS file with a billion repeated rows", poison.build_workbook),
    "7b": partial(_delay, f"one CSV line {poison.EQUAL_LINES:,} times", poison.build_equal_lines),
    "6": partial(_flood, "uploads"),
    "8a": partial(_flood, "pages"),
    "8b": partial(_flood, "pictures"),
    "8c": _share_lists,
    "9": partial(_move, "a stolen curator key opens everybody and joins people", attacks.open_and_join),
}
ORDINARY: dict[str, Drill] = {
    "verify": partial(_work, ordinary.verify_many, (ATTACKER,)),
    "figure": partial(_work, ordinary.publish_figure, ()),
    "hide": partial(_work, ordinary.hide_family, (ATTACKER,)),
    "list": partial(_work, ordinary.send_first_list, ()),
}


def run_drills(checkout: Path, folder: Path, chosen: list[str]) -> Iterator[Verdict]:
    """Yield the verdict of each chosen drill, of all of them if none is chosen."""
    drills = DRILLS | ORDINARY
    template = Checkout(checkout, folder).create_template()
    for number in chosen or drills:
        verdict = drills[number](template)
        verdict.title = f"{number}: {verdict.title}"
        yield verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkout", type=Path, default=ROOT, help="a tree with the application (default: this one)")
    parser.add_argument("--drills", nargs="*", default=[], help=f"some of {' '.join([*DRILLS, *ORDINARY])}")
    asked = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="recuento-abuse-") as folder:
        for verdict in run_drills(asked.checkout.resolve(), Path(folder), asked.drills):
            failed += bool(verdict.faults)
            sys.stdout.write(f"{verdict}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{failed} drills fail\n" if failed else "all drills hold\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

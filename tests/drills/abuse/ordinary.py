"""Ordinary work that no defence may hold up."""

import time
from itertools import islice

from tests.drills.abuse import names
from tests.drills.abuse.attacks import build_invented_releases, build_lines
from tests.drills.abuse.judgement import Verdict
from tests.drills.abuse.registry import ATTACKER, FAMILIES, NEW_SOURCE, Body, Server

VERIFIED = 800
PUBLISHED = 104
APPROVAL_SECONDS = 240.0  # until the job has linked a whole list that was approved
FIRST_LIST = 5_000


def verify_many(server: Server) -> Verdict:
    """Let a trusted organisation verify 800 people at once."""
    verdict = Verdict(f"a trusted organisation verifies {VERIFIED} people: all of them count at once")
    before = _read_total(server)
    server.send_list(build_lines(build_invented_releases(VERIFIED, "TRUSTED")), ATTACKER, confirm="true")
    _expect_number(verdict, "own row", _read_row(server, ATTACKER), VERIFIED)
    _expect_number(verdict, "combined", _read_total(server) - before, VERIFIED)
    return verdict


def publish_figure(server: Server) -> Verdict:
    """Let a new organisation file the people of its published figure, and the figure."""
    verdict = Verdict(f"an organisation's published figure of {PUBLISHED} is in its row at once")
    before = _read_total(server)
    server.send_list(build_lines(build_invented_releases(PUBLISHED, "FIGURE")), NEW_SOURCE, confirm="true")
    claim = {"claimant": NEW_SOURCE, "measure": "released", "qualifier": "exactly", "said": PUBLISHED, "country": "VE"}
    claim |= {"window_from": "2026-01-08", "stated_at": "2026-03-20", "citation": {"url": "https://ngo.example/104"}}
    answer = server.post("/v1/claims", claim, NEW_SOURCE)
    verdict.expect(answer.is_success, f"claim filed: {answer.status_code}")
    verdict.expect(bool(answer.is_success and answer.json().get("confirmed", True)), "confirmed: its own word")
    _expect_number(verdict, "own row", _read_row(server, NEW_SOURCE), PUBLISHED)
    moved = _read_total(server) - before
    verdict.facts.append(f"combined: {moved} (of a new source at most {names.MAX_UNREVIEWED} without review)")
    return verdict


def hide_family(server: Server) -> Verdict:
    """Let an organisation of families take 104 names away."""
    verdict = Verdict(f"families take {PUBLISHED} names away: at once")
    named = _list_named(server)
    invented = [
        {**body, "detainee": {**body["detainee"], "publish": "named"}}
        for body in build_invented_releases(max(0, PUBLISHED - len(named)), "NAMED")
    ]
    if invented:
        server.send_list(build_lines(invented), ATTACKER, confirm="true")
    chosen = [person["id"] for person in islice(_list_named(server), PUBLISHED)]
    verdict.expect(len(chosen) == PUBLISHED, f"names shown before: {len(chosen)}")
    for detainee in chosen:
        body = {"detainee_id": detainee, "detainee": {"publish": "anonymous"}, "verification": {"verdict": "reported"}}
        server.post("/v1/detentions", body, FAMILIES)
    left = {person["id"] for person in _list_named(server)} & set(chosen)
    verdict.expect(not left, f"names shown after: {len(left)}")
    return verdict


def send_first_list(server: Server) -> Verdict:
    """Let a new source send its first list, and a curator approve it after one look."""
    verdict = Verdict(f"a first list of {FIRST_LIST} people goes in after one look")
    before = _read_total(server)
    receipt = server.send_list(build_lines(build_invented_releases(FIRST_LIST, "FIRST")), NEW_SOURCE, confirm="true")
    verdict.facts.append(f"rows: { {name: number for name, number in receipt['counts'].items() if number} }")
    filed = _read_row(server, NEW_SOURCE)
    verdict.expect(filed > FIRST_LIST * 0.99, f"own row at once: {filed}")
    verdict.facts.append(f"combined at once: {_read_total(server) - before}")
    page = server.ask("GET", names.BATCHES_PATH, "curator")
    if page.is_success:
        batches = page.json()["data"]
        verdict.expect(len(batches) == 1, f"batches to look at: {len(batches)}")
        for batch in batches:
            answer = server.post(names.BATCHES_PATH, names.build_approval(batch), "curator")
            verdict.expect(answer.status_code in (200, 202), f"approval: {answer.status_code}")
            if answer.status_code == 202:  # another curator agrees, or a day goes by
                agreed = server.post(names.AGREEMENT_PATH, {"proposals": [answer.json()["id"]]}, "second curator")
                verdict.expect(agreed.status_code == 200, f"agreement: {agreed.status_code}")
        deadline = time.monotonic() + APPROVAL_SECONDS
        while _read_total(server) - before < filed and time.monotonic() < deadline:
            time.sleep(1)
    else:
        verdict.facts.append("this checkout has no review by batch")
    _expect_number(verdict, "combined after the look", _read_total(server) - before, filed)
    return verdict


def _list_named(server: Server) -> list[Body]:
    return [person for person in server.read_list("/v1/detainees") if person["name"]]


def _read_total(server: Server) -> int:
    return int(server.get("/v1/counts/releases")["total"]["verified"])


def _read_row(server: Server, slug: str) -> int:
    groups = server.get("/v1/counts/releases", group_by="source")["groups"]
    return next((int(group["counts"]["verified"]) for group in groups if group["by"]["source"] == slug), 0)


def _expect_number(verdict: Verdict, name: str, number: int, expected: int) -> None:
    verdict.expect(number == expected, f"{name}: {number} of {expected}")

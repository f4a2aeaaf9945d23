"""Limits, routes, fields and commands that the drills expect of the defences, in one place."""

from typing import Any

MAX_UNREVIEWED = 20  # reports of a new source in combined records; denials and custody reports of every source
MAX_HIDDEN = 100  # people whom one source hides at once
MAX_OBJECTED = 5  # people whom the unanswered objections of one network hide
MAX_DECIDED = 20  # people whom one curator joins, parts, approves or confirms a day
ENOUGH = 10_000  # the number of a source that is trusted

BATCHES_PATH = "/v1/review/batches"
AGREEMENT_PATH = "/v1/proposals/agreement"
WAITING_TOTALS = ("awaiting_review", "rejected")  # among the caveats of a count


def build_source_command(slug: str) -> list[str]:
    """Return the command that adds an organisation as a new source."""
    return ["source", "add", slug, "--name", "New organisation (invented)", "--kind", "ngo"]


def build_trust_command(slug: str, number: int) -> list[str]:
    """Return the command that sets how many unreviewed reports of a source count in combined records."""
    return ["source", "trust", slug, str(number)]


def build_approval(batch: dict[str, Any]) -> dict[str, Any]:
    """Return the decision that approves a batch."""
    named = {name: batch[name] for name in ("source", "kind", "list", "until")}
    return named | {"decision": "approved", "reason": "A sample was compared with the files of the source."}


def read_waiting(count: dict[str, Any]) -> dict[str, int]:
    """Return the waiting and rejected reports that a count states, empty where the checkout has no such numbers."""
    caveats = count.get("caveats", {})
    return {name: caveats[name] for name in WAITING_TOTALS if name in caveats}


def build_stolen_command(key_id: str, since: str) -> list[str]:
    """Return the command that revokes a stolen key, and takes back what it wrote or decided since an instant."""
    return ["key", "stolen", key_id, "--since", since]

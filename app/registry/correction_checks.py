"""What the next version of a report may change (rule 3).

It may correct every value and gain a release. It stays a report of the same person and spell, under the same case
number and pointer; it does not lose its release, and does not undo a withdrawal without a new verdict.
"""

from app.errors import AnotherPerson, Conflict, Invalid, NewSpellNeedsNewRecord, ReleaseDropped
from app.matching import score
from app.matching.names import ONE_WORD
from app.registry import blocking, checks, content, pointers
from app.registry.content import Content
from app.registry.projection.statements import ASSERTIONS, parse
from app.registry.schemas import DetentionReportIn
from app.vocabulary import Stage, Verdict


def check(before: Content, after: Content) -> None:
    """Check the content of a next version against that of the standing one. Raises AnotherPerson,
    NewSpellNeedsNewRecord, ReleaseDropped."""
    check_person(before, after)
    released = before.get("release.released_on")
    asserted = before["verification.verdict"] in ASSERTIONS and before.get("release.stage") == Stage.CARRIED_OUT
    if released and asserted and checks.begins_after(after, parse(released)):
        raise NewSpellNeedsNewRecord(
            "This detention begins after the release under the same case number: it is a new spell in custody. "
            "File it under a new source_record_id."
        )
    if content.has_release(before) and not content.has_release(after):
        raise release_dropped()


def check_person(before: Content, after: Content) -> None:
    """Raises AnotherPerson where two versions name two people."""
    if _another_person(before, after):
        raise AnotherPerson(
            "This case number is another person's: use a new one. If it is the same person, correct the name first, "
            "and then the birth date or the gender; of two names without a word in common give the former among the "
            "aliases."
        )


def _another_person(before: Content, after: Content) -> bool:
    """Whether the next version names another person: the two names share no word, in any spelling; or each has a word
    that the other lacks (below ONE_WORD), and birth or gender contradict as well.

    So a corrected spelling, a changed surname or a corrected birth stays possible, and so does a change between two
    names of which one is the other's alias, or with one identification number."""
    old, new = blocking.person_of(before), blocking.person_of(after)
    if old.national_id is not None and old.national_id == new.national_id:
        return False
    match = score.compare(old, new)
    name = next((reason.score for reason in match.reasons if reason.feature == "name"), None)
    if name is None:
        return False
    return name == 0 or (name < ONE_WORD and not {"birth", "gender"}.isdisjoint(match.conflicts))


def check_fixed_fields(before: Content, body: DetentionReportIn) -> None:
    """Check that an amended report points nowhere else and keeps its case number. Raises Invalid."""
    if any(getattr(body, name) is not None for name, _kind in pointers.POINTERS):
        raise Invalid.at("", "pointer_is_fixed", "A report cannot be pointed elsewhere: retract it and file another.")
    if body.source_record_id != before.get("source_record_id"):
        raise case_is_fixed("A case number cannot change: file a new report.")


def check_withdrawal(before: Content, after: Content) -> None:
    """Check that amending a withdrawn report gives it a verdict again. Raises Conflict."""
    if Verdict.RETRACTED == before["verification.verdict"] == after["verification.verdict"]:
        raise Conflict("This report was withdrawn: send a verification with a verdict along to take that back.")


def case_is_fixed(detail: str) -> Invalid:
    return Invalid.at("/source_record_id", "case_is_fixed", detail)


def release_dropped() -> ReleaseDropped:
    return ReleaseDropped("This record has a release: retract the report instead of sending it without one.")

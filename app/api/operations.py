"""The write operations. A route or a page of the desk builds one, and a write transaction applies it."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from app.errors import Invalid
from app.imports.filing import import_store, undo
from app.log.freeze import CURATOR_FREEZE, begin_freeze, end_freeze
from app.registry import claim_changes, claim_confirmation, claims, directory, filing, recalls
from app.registry.claims import ClaimIn
from app.registry.curation import agreements
from app.registry.curation.agreements import AgreementIn
from app.registry.identity import judgements as identity_decisions
from app.registry.publication import decisions
from app.registry.publication.decisions import ConsentIn, ObjectionDecisionIn
from app.registry.recalls import RecallIn
from app.registry.review import batches
from app.registry.review.batches import ReviewIn
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import (
    DetentionReportIn,
    FacilityIn,
    FacilityPatch,
    IdentityIn,
    RedactionIn,
    SourceIn,
    SourcePatch,
    VerificationOfReleaseIn,
)
from app.vocabulary import Role

ANY_TAG = "*"


class Operation(ABC):
    """A write operation.

    `roles`: the roles of keys that may request it. `shares_transaction`: whether it can be committed in one transaction
    with other operations. `runs_while_frozen`: whether it may hide, erase or revoke; its entries are then judged one by
    one. `is_known_by_bytes`: whether, without an Idempotency-Key, a request with equal bytes is treated as a repeat.
    """

    roles: ClassVar[tuple[Role, ...]]
    shares_transaction: ClassVar[bool] = False
    runs_while_frozen: ClassVar[bool] = False

    @property
    def is_known_by_bytes(self) -> bool:
        return False

    @abstractmethod
    def apply(self, context: WriteContext) -> Outcome:
        """Write it. Raises Problem if it is refused."""


@dataclass(frozen=True)
class FileReport(Operation):
    """File a report of a release or of a detention."""

    roles = (Role.REPORTER,)
    shares_transaction = True
    runs_while_frozen = True
    body: DetentionReportIn

    @property
    def is_known_by_bytes(self) -> bool:
        return self.body.source_record_id is None

    def apply(self, context: WriteContext) -> Outcome:
        return filing.file_or_embargo(context, self.body)


@dataclass(frozen=True)
class FileClaim(Operation):
    """File a published figure."""

    roles = (Role.REPORTER, Role.CURATOR)
    shares_transaction = True
    body: ClaimIn

    @property
    def is_known_by_bytes(self) -> bool:
        return self.body.source_record_id is None

    def apply(self, context: WriteContext) -> Outcome:
        return claims.file_claim(context, self.body)


@dataclass(frozen=True)
class FileClaims(Operation):
    """File several published figures: all or none. Pointers of errors begin with the place of the figure: `/2/said`."""

    roles = (Role.REPORTER,)
    bodies: Sequence[ClaimIn]

    def apply(self, context: WriteContext) -> Outcome:
        outcomes = []
        for place, body in enumerate(self.bodies):
            try:
                outcomes.append(claims.file_claim(context, body))
            except Invalid as refusal:
                errors = [{**error, "pointer": f"/{place}{error['pointer']}"} for error in refusal.extra["errors"]]
                raise Invalid(refusal.detail, *errors) from None
        status = max(outcome.status for outcome in outcomes)  # 201 if one is new
        filed_claims = [{"id": outcome.ids["id"], "revision": outcome.revision} for outcome in outcomes]
        return Outcome("claims", status, max(outcome.revision for outcome in outcomes), {"claims": filed_claims})


@dataclass(frozen=True)
class _ClaimChange(Operation):
    """A change of one figure by its filer. `stated`: the version that the officer read, if known."""

    roles = (Role.REPORTER, Role.CURATOR)
    claim_id: uuid.UUID
    stated: int | None = None


@dataclass(frozen=True)
class AmendClaim(_ClaimChange):
    """Correct a published figure. `patch`: a JSON Merge Patch (RFC 7396)."""

    patch: dict[str, Any] = field(default_factory=dict)

    def apply(self, context: WriteContext) -> Outcome:
        return claim_changes.amend_claim(context, self.claim_id, self.patch, self.stated)


@dataclass(frozen=True)
class RetractClaim(_ClaimChange):
    """Withdraw a published figure."""

    def apply(self, context: WriteContext) -> Outcome:
        return claim_changes.retract_claim(context, self.claim_id, self.stated)


@dataclass(frozen=True)
class ConfirmClaim(Operation):
    """Confirm a published figure that somebody filed in another's name. `stated`: the version that the curator read."""

    roles = (Role.CURATOR,)
    claim_id: uuid.UUID
    stated: int | None = None

    def apply(self, context: WriteContext) -> Outcome:
        return claim_confirmation.confirm_claim(
            context, claims.load_claim_at(context.session, self.claim_id, context.log.revision), self.stated
        )


@dataclass(frozen=True)
class VerifyRelease(Operation):
    """Give a verdict on a known release."""

    roles = (Role.REPORTER,)
    release_id: uuid.UUID
    body: VerificationOfReleaseIn

    def apply(self, context: WriteContext) -> Outcome:
        return filing.verify_unless_waiting(context, self.release_id, self.body)


def build_report_tag(report_id: uuid.UUID, version: int) -> str:
    """Return the entity tag of a report's version.

    It does not depend on the head, so that a change is refused only if this report has changed.
    """
    return f'"{report_id}-v{version}"'


@dataclass(frozen=True)
class _ReportChange(Operation):
    """A change of one report. `if_match`: the values of If-Match (RFC 9110 section 13.1.1); None allows any version."""

    roles = (Role.REPORTER,)
    report_id: uuid.UUID
    if_match: Sequence[str] | None

    def _is_expected_version(self, version: int) -> bool:
        if self.if_match is None:
            return True
        tags = [part.strip() for part in ",".join(self.if_match).split(",")]
        return ANY_TAG in tags or build_report_tag(self.report_id, version) in tags


@dataclass(frozen=True)
class AmendReport(_ReportChange):
    """Correct a report. `patch`: a JSON Merge Patch (RFC 7396)."""

    runs_while_frozen = True
    patch: dict[str, Any]

    def apply(self, context: WriteContext) -> Outcome:
        return filing.amend_or_embargo(context, self.report_id, self.patch, self._is_expected_version)


@dataclass(frozen=True)
class RetractReport(_ReportChange):
    """Withdraw a report."""

    reason: str | None

    def apply(self, context: WriteContext) -> Outcome:
        return filing.retract_with_waiting(context, self.report_id, self.reason, self._is_expected_version)


@dataclass(frozen=True)
class DeleteWaitingReport(Operation):
    """Delete a report that is under embargo."""

    roles = (Role.REPORTER, Role.ADMIN)
    waiting_id: uuid.UUID

    def apply(self, context: WriteContext) -> Outcome:
        return filing.delete_waiting_report(context, self.waiting_id)


@dataclass(frozen=True)
class ReceiveList(Operation):
    """Store an uploaded list, which the import job files later."""

    roles = (Role.REPORTER,)
    data: bytes
    options: import_store.ImportOptions

    def apply(self, context: WriteContext) -> Outcome:
        return import_store.receive_list(context, context.key_id, self.data, self.options)


@dataclass(frozen=True)
class UndoList(Operation):
    """Undo a page of a list, or only try it. `after`: where the page before ended."""

    roles = (Role.REPORTER,)
    import_id: uuid.UUID
    dry_run: bool
    after: int = 0

    def apply(self, context: WriteContext) -> Outcome:
        return undo.undo_list(context, self.import_id, dry_run=self.dry_run, after=self.after)


@dataclass(frozen=True)
class AddSource(Operation):
    """Add a source."""

    roles = (Role.ADMIN,)
    body: SourceIn

    def apply(self, context: WriteContext) -> Outcome:
        return directory.add_source(context, self.body)


@dataclass(frozen=True)
class ChangeSource(Operation):
    """Change a source, or put it in quarantine."""

    roles = (Role.ADMIN,)
    slug: str
    body: SourcePatch

    def apply(self, context: WriteContext) -> Outcome:
        return directory.change_source(context, self.slug, self.body)


@dataclass(frozen=True)
class AddFacility(Operation):
    """Register a facility."""

    roles = (Role.CURATOR,)
    body: FacilityIn

    def apply(self, context: WriteContext) -> Outcome:
        return directory.add_facility(context, self.body)


@dataclass(frozen=True)
class ChangeFacility(Operation):
    """Change a facility."""

    roles = (Role.CURATOR,)
    slug: str
    body: FacilityPatch

    def apply(self, context: WriteContext) -> Outcome:
        return directory.change_facility(context, self.slug, self.body)


@dataclass(frozen=True)
class JudgeIdentity(Operation):
    """Judge whether two detainees are one person."""

    roles = (Role.CURATOR,)
    body: IdentityIn

    def apply(self, context: WriteContext) -> Outcome:
        return identity_decisions.judge_identity(context, self.body)


@dataclass(frozen=True)
class ReviewBatch(Operation):
    """Approve or reject reports that no curator has reviewed."""

    roles = (Role.CURATOR,)
    body: ReviewIn

    def apply(self, context: WriteContext) -> Outcome:
        return batches.review_batch(context, self.body)


@dataclass(frozen=True)
class UndoIdentity(Operation):
    """Undo a decision about identity."""

    roles = (Role.CURATOR,)
    decision_id: uuid.UUID

    def apply(self, context: WriteContext) -> Outcome:
        return identity_decisions.undo_decision(context, self.decision_id)


@dataclass(frozen=True)
class StopProposal(Operation):
    """Stop a decision that waits."""

    roles = (Role.CURATOR,)
    proposal_id: uuid.UUID

    def apply(self, context: WriteContext) -> Outcome:
        return agreements.stop_proposal(context, self.proposal_id)


@dataclass(frozen=True)
class AgreeToProposals(Operation):
    """Agree to decisions that wait."""

    roles = (Role.REPORTER, Role.CURATOR)
    body: AgreementIn

    def apply(self, context: WriteContext) -> Outcome:
        return agreements.agree(context, self.body)


@dataclass(frozen=True)
class GiveConsent(Operation):
    """Record the consent of a person or of their representative."""

    roles = (Role.CURATOR,)
    runs_while_frozen = True
    detainee_id: uuid.UUID
    body: ConsentIn

    def apply(self, context: WriteContext) -> Outcome:
        return decisions.give_consent(context, self.detainee_id, self.body)


@dataclass(frozen=True)
class ErasePerson(Operation):
    """Erase a person's personal data."""

    roles = (Role.ADMIN,)
    runs_while_frozen = True
    detainee_id: uuid.UUID
    body: RedactionIn

    def apply(self, context: WriteContext) -> Outcome:
        return decisions.erase_person(context, self.detainee_id, self.body)


@dataclass(frozen=True)
class DecideObjection(Operation):
    """Decide the objections about one person."""

    roles = (Role.CURATOR,)
    runs_while_frozen = True
    objection_id: uuid.UUID
    body: ObjectionDecisionIn

    def apply(self, context: WriteContext) -> Outcome:
        return decisions.resolve_objections(context, self.objection_id, self.body)


@dataclass(frozen=True)
class RecallEntries(Operation):
    """Recall the entries of a key and revoke the key, or undo a recall."""

    roles = (Role.ADMIN,)
    runs_while_frozen = True
    body: RecallIn

    def apply(self, context: WriteContext) -> Outcome:
        return recalls.execute_recall(context, self.body)


@dataclass(frozen=True)
class BeginFreeze(Operation):
    """Freeze the registry: for a day if a curator asks, until it is ended if an administrator does."""

    roles = (Role.CURATOR, Role.ADMIN)
    runs_while_frozen = True

    def apply(self, context: WriteContext) -> Outcome:
        lasts = CURATOR_FREEZE if context.actor.role is Role.CURATOR else None
        freeze = begin_freeze(context.session, context.now, lasts, context.key_id)
        return Outcome("freeze", 200, context.log.revision, freeze.to_dict())


@dataclass(frozen=True)
class EndFreeze(Operation):
    """End a freeze."""

    roles = (Role.ADMIN,)
    runs_while_frozen = True

    def apply(self, context: WriteContext) -> Outcome:
        end_freeze(context.session)
        return Outcome("freeze", 200, context.log.revision)

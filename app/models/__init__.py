"""Every table.

Four families. The *log* (`entry`, `sealed`) is what was said. The *base* tables index it: records and their
report versions, decisions, sources, facilities, claims, consents, recalls. The *projected* tables are what the reports
say together. Both are recomputed by a rebuild. *Housekeeping* (`head`, `api_key`, `written_by`,
`case_key`, `hidden_candidate_pair`, `uncompared_record`, `proposal`, `source_real_name`, `waiting_report`,
`idempotent_answer`, and the lists on their way in) is not.

Integer keys are the revision of the entry that first named the thing: a record's key is the revision of its first
report, a detainee's the key of its earliest record, a spell's (a detention and its release) likewise. So keys need
no sequence and a rebuild gives the same ones. A projected row holds for revisions `since <= R < until`; the
personal values stand in tables of their own, so that erasing a person touches no public row.
"""

from app.models.base import (
    BlockingKey,
    Claim,
    Consent,
    Decision,
    Facility,
    ObjectionHiding,
    RecalledEntry,
    Record,
    Report,
    RequestedClass,
    Source,
)
from app.models.columns import CLASSES_OF_TODAY, NAMED_BY_REPORTS, OPEN, TableRow, metadata
from app.models.imports import ImportFile, ImportMapping, ImportRow, ListImport
from app.models.log import (
    ApiKey,
    CaseKey,
    Entry,
    Head,
    HiddenCandidatePair,
    IdempotentAnswer,
    Objection,
    Proposal,
    Sealed,
    SourceRealName,
    UncomparedRecord,
    WaitingReport,
    WrittenBy,
)
from app.models.projected import (
    PROJECTED,
    ChangedPerson,
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SourceTrait,
    SpellPersonal,
    Trait,
    Verification,
)

__all__ = [
    "CLASSES_OF_TODAY",
    "NAMED_BY_REPORTS",
    "OPEN",
    "PROJECTED",
    "ApiKey",
    "BlockingKey",
    "CaseKey",
    "ChangedPerson",
    "Claim",
    "Consent",
    "Decision",
    "Detainee",
    "DetaineePersonal",
    "Detention",
    "DetentionState",
    "Entry",
    "Facility",
    "Head",
    "HiddenCandidatePair",
    "IdempotentAnswer",
    "ImportFile",
    "ImportMapping",
    "ImportRow",
    "ListImport",
    "Objection",
    "ObjectionHiding",
    "PendingPair",
    "Placement",
    "Proposal",
    "ProvisionalHiding",
    "RecalledEntry",
    "Record",
    "Release",
    "ReleaseAtStage",
    "Report",
    "RequestedClass",
    "Sealed",
    "Source",
    "SourceDetention",
    "SourceRealName",
    "SourceRelease",
    "SourceTrait",
    "SpellPersonal",
    "TableRow",
    "Trait",
    "UncomparedRecord",
    "Verification",
    "WaitingReport",
    "WrittenBy",
    "metadata",
]

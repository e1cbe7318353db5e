"""A reading without the words of the report: what may leave the project by default."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from RSuperLib.report.deidentify.salt import Salt
from RSuperLib.report.schema import (
    Attenuation,
    Certainty,
    Change,
    CountKind,
    Evidence,
    Finding,
    Kind,
    Laterality,
    Malignancy,
    Millimetres,
    Multiplicity,
    Organ,
    OrganState,
    OrganStatus,
    Presence,
    Reading,
    SizeKind,
    StatedOrgan,
    Temporality,
)  # fmt: skip

EXPORT_VERSION: Final = 1


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Span(_Record):
    """Characters of the report (code points, end exclusive) that a value was taken from, without the characters."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    section: str = ""


class ExportedFinding(_Record):
    """One finding. Its words are those of the reader's own word lists: trigger words, not sentences."""

    lesion_id: str
    organ: Organ
    #: Trigger words for the place; left out unless the rules read them.
    parts: list[str] = []
    organ_masks: list[str] = []
    laterality: Laterality | None = None
    count: Annotated[int, Field(ge=1, le=999)] | None = None
    count_kind: CountKind = "not_stated"
    multiplicity: Multiplicity = "unspecified"
    diameters_mm: Annotated[list[Millimetres], Field(max_length=3)] = []
    size_kind: SizeKind = "not_stated"
    size_min_mm: Millimetres | None = None
    size_max_mm: Millimetres | None = None
    attenuation: Attenuation | None = None
    kind: Kind = "indeterminate"
    #: Trigger word for the kind; left out unless the rules read it.
    kind_text: str = ""
    malignancy: Malignancy = "not_stated"
    is_metastasis: bool = False
    presence: Presence = "present"
    type_certainty: Certainty = "not_stated"
    temporality: Temporality = "current"
    prior_mm: list[Millimetres] = []
    change: Change = "not_stated"
    series: int | None = None
    image: int | None = None
    evidence: list[Span]
    field_evidence: dict[str, list[Span]] = {}
    source: Literal["rules", "model", "person"] = "rules"
    rule_ids: list[str] = []
    field_confidence: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    flags: list[str] = []
    reviewed_by_user: bool = False


class ExportedStatus(_Record):
    """What the report says of one organ as a whole."""

    organ: StatedOrgan
    status: OrganState
    laterality: Laterality | None = None
    evidence: list[Span] = []


class ExportedReading(_Record):
    """A `Reading` without report text. Its ids say nothing without the project's salt."""

    schema_version: Literal[1] = EXPORT_VERSION
    id: str
    status: Literal["read", "not_read"] = "read"
    language: str = ""
    findings: list[ExportedFinding] = []
    organs: list[ExportedStatus] = []


def without_text(reading: Reading, salt: Salt) -> ExportedReading:
    """The reading with spans instead of words, and with a local id.

    Sentences, the checksum of the text, which would confirm a guess, and free words that a person or a model wrote are
    left out; so is the reason why a report was not read.
    """
    return ExportedReading(
        id=salt.local_id("report", reading.id or reading.text_sha256),
        status=reading.status,
        language=reading.language,
        findings=[_finding(finding) for finding in reading.findings],
        organs=[_status(organ) for organ in reading.organs],
    )


def _finding(finding: Finding) -> ExportedFinding:
    own = set(ExportedFinding.model_fields) - {"evidence", "field_evidence"}
    values = finding.model_dump(include=own)
    if finding.source != "rules" or finding.reviewed_by_user:
        values |= {"parts": [], "kind_text": "", "flags": []}
    fields = {name: _spans(found) for name, found in finding.field_evidence.items()}
    return ExportedFinding(**values, evidence=_spans(finding.evidence), field_evidence=fields)


def _status(organ: OrganStatus) -> ExportedStatus:
    return ExportedStatus(
        organ=organ.organ, status=organ.status, laterality=organ.laterality, evidence=_spans(organ.evidence)
    )


def _spans(evidence: list[Evidence]) -> list[Span]:
    return [Span(start=one.start, end=one.end, section=one.section) for one in evidence]

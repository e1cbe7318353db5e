"""What was read out of one report: the `Reading` and its `Finding`s.

The values of the enumerations are those of the field's public scorers and of the R-Super tables; a reading keeps the
wider value and maps it down only on the way to a model's classes. Millimetres everywhere.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION: Final = 1

Organ = Literal[
    "liver", "pancreas", "kidney", "adrenal", "spleen", "gallbladder", "stomach", "duodenum", "small_bowel", "colon",
    "esophagus", "bladder", "prostate", "uterus", "ovary_adnexa", "breast", "lung", "pleura", "mediastinum", "thyroid",
    "bone", "lymph_node", "peritoneum_omentum", "retroperitoneum", "pelvis", "soft_tissue", "other",
]  # fmt: skip
#: What a report may make a statement on: an organ, or the upper abdomen as a whole.
StatedOrgan = Organ | Literal["upper_abdomen"]
Laterality = Literal["left", "right", "bilateral", "midline"]
Multiplicity = Literal["single", "multiple", "unspecified"]
CountKind = Literal["exact", "at_least", "about", "multiple", "not_stated"]
SizeKind = Literal["exact", "range", "upper_bound", "lower_bound", "qualitative", "not_stated"]
Presence = Literal["present", "probable", "possible", "unlikely", "absent"]
Certainty = Literal["certain", "high", "low", "not_stated"]
Kind = Literal["tumour", "metastasis", "cyst", "node", "benign", "indeterminate", "other"]
Malignancy = Literal["benign", "malignant", "indeterminate", "not_stated"]
Attenuation = Literal["hypo", "iso", "hyper", "mixed", "fluid", "fat", "calcified", "ground_glass"]
Temporality = Literal["current", "prior", "resected"]
Change = Literal["new", "larger", "smaller", "stable", "not_stated"]
OrganState = Literal["normal", "no_lesion", "absent", "lesion", "not_stated"]
Millimetres = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Evidence(_Record):
    """Characters of the pasted report (code points, end exclusive) that a value was taken from."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    text: str
    section: str = ""

    @model_validator(mode="after")
    def _span_fits_its_text(self) -> Evidence:
        if self.end - self.start != len(self.text):
            raise ValueError("the span of an evidence must be as long as its text")
        return self


class Finding(_Record):
    """One lesion, or one group of lesions described together."""

    lesion_id: str
    organ: Organ
    #: The report's own words for the place in the organ: "segment 7", "upper pole", "head".
    parts: list[str] = []
    #: Part names (architecture: `liver_segment_7`) whose masks together hold the lesion; derived from the words.
    organ_masks: list[str] = []
    laterality: Laterality | None = None
    count: Annotated[int, Field(ge=1, le=999)] | None = None
    count_kind: CountKind = "not_stated"
    multiplicity: Multiplicity = "unspecified"
    #: As read, in report order; a group gives its largest member.
    diameters_mm: Annotated[list[Millimetres], Field(max_length=3)] = []
    size_kind: SizeKind = "not_stated"
    #: Interval of the largest diameter that the words allow; null = unbounded or not stated.
    size_min_mm: Millimetres | None = None
    size_max_mm: Millimetres | None = None
    attenuation: Attenuation | None = None
    kind: Kind = "indeterminate"
    #: The report's own word: "haemangioma", "mass".
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
    evidence: Annotated[list[Evidence], Field(min_length=1)]
    #: Evidence per field name, where it is narrower than the sentence: {"diameters_mm": [...]}.
    field_evidence: dict[str, list[Evidence]] = {}
    #: The rules that decided each field, by name; `RSuperLib.report.reasons` says them in words.
    field_rules: dict[str, list[str]] = {}
    source: Literal["rules", "model", "person"] = "rules"
    rule_ids: list[str] = []
    field_confidence: dict[str, Annotated[float, Field(ge=0, le=1)]] = {}
    #: Things a person should look at: "unit_missing", "side_conflict", …
    flags: list[str] = []
    reviewed_by_user: bool = False

    @property
    def is_lesion(self) -> bool:
        """Whether the report says that this lesion is, or may be, there now."""
        return self.presence in ("present", "probable", "possible") and self.temporality == "current"


class OrganStatus(_Record):
    """What the report says of one organ as a whole. Silence is `not_stated`, never `no_lesion`."""

    organ: StatedOrgan
    status: OrganState
    laterality: Laterality | None = None
    region: str | None = None
    evidence: list[Evidence] = []


class Reading(_Record):
    """Everything that was read out of one report."""

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str = ""
    #: `not_read` = the language or the text could not be read; it supervises nothing and clears no organ.
    status: Literal["read", "not_read"] = "read"
    reason: str = ""
    language: str = ""
    text_sha256: str = ""
    findings: list[Finding] = []
    organs: list[OrganStatus] = []

    @property
    def lesions(self) -> list[Finding]:
        """The findings that are lesions now (not negated, not prior, not resected)."""
        return [finding for finding in self.findings if finding.is_lesion]

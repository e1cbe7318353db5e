"""A report read twice, by rules and by a language model, and what the two agree on: `AssistedReading`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from RSuperLib.report.schema import Finding, Reading

SCHEMA_VERSION: Final = 1

FieldState = Literal["agree", "rules only", "model only", "conflict"]
#: partly = the two name the same lesion and contradict each other nowhere, but one leaves open what training needs.
RowState = Literal["agree", "partly", "conflict", "rules only", "model only"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ComparedField(_Record):
    """One value as the rules and the model have it, in words; "" where one of them has none."""

    state: FieldState
    rules: str = ""
    model: str = ""


class Row(_Record):
    """One lesion that the rules, the model or both have."""

    #: `lesion_id` of the rules' finding, and of the model's.
    rules: str | None
    model: str | None
    state: RowState
    #: Per field that at least one of them states.
    fields: dict[str, ComparedField] = {}
    #: The model's findings that only repeat this lesion.
    repeats: list[str] = []
    #: Whether a person looked at the row and found it right.
    confirmed: bool = False
    #: Only what both agree on, or a person confirmed, may supervise training.
    ready_for_training: bool = False

    @model_validator(mode="after")
    def _is_ready_only_with_reason(self) -> Row:
        if self.ready_for_training != (self.state == "agree" or self.confirmed):
            raise ValueError("a row is ready for training where both agree or a person confirmed it, and only there")
        return self


class Unsupported(_Record):
    """Something that the model said and the report's words do not bear out; it went no further."""

    finding: str
    field: str
    value: str
    reason: str


class Provenance(_Record):
    """Where the model's part of a reading came from, enough to ask again."""

    #: Name of the model's folder, or the model's name on its server.
    model: str
    #: Host that was asked; "" for a model in this process.
    host: str = ""
    prompt_sha256: str
    answer_version: int
    #: How often the model was asked for this report.
    attempts: Annotated[int, Field(ge=0)] = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0
    #: The last answer, exactly as it came; it may hold words of the report.
    raw_answer: str = ""


class AssistedReading(_Record):
    """A reading by rules with a language model's help, and how far the two agree."""

    schema_version: Literal[1] = SCHEMA_VERSION
    #: `no_answer` = the model gave nothing usable, `reason` says why; the reading is then that of the rules alone.
    status: Literal["answered", "no_answer"]
    reason: str = ""
    #: The rules' findings, all of them, then those that only the model has (`source` is "model").
    reading: Reading
    #: Everything of the model's answer that its evidence bears out.
    model_findings: list[Finding] = []
    rows: list[Row] = []
    unsupported: list[Unsupported] = []
    provenance: Provenance

    @property
    def ready_for_training(self) -> list[Finding]:
        """The findings that both agree on or a person confirmed, as the reading has them."""
        ready = {row.rules or row.model for row in self.rows if row.ready_for_training}
        return [finding for finding in self.reading.findings if finding.lesion_id in ready]

    def with_confirmed(self, lesion_id: str) -> AssistedReading:
        """This reading after a person found the row of one of its findings right.

        Raises:
            KeyError: the reading has no such finding.
        """
        if lesion_id not in {finding.lesion_id for finding in self.reading.findings}:
            raise KeyError(lesion_id)
        confirmed = {"confirmed": True, "ready_for_training": True}
        rows = [row.model_copy(update=confirmed) if (row.rules or row.model) == lesion_id else row for row in self.rows]
        findings = [
            finding.model_copy(update={"reviewed_by_user": True}) if finding.lesion_id == lesion_id else finding
            for finding in self.reading.findings
        ]
        return self.model_copy(update={"rows": rows, "reading": self.reading.model_copy(update={"findings": findings})})

"""What a table says of a case: findings whose words are elsewhere."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from RSuperLib.report.schema import Evidence, Finding, OrganStatus

SCHEMA_VERSION: Final = 1


class Span(BaseModel):
    """Characters of the report that a lesion was taken from; the table does not hold their text."""

    model_config = ConfigDict(extra="forbid")

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(gt=0)]
    section: str = ""


class TableLesion(Finding):
    """A lesion of a table: a finding that quotes the report only if the table holds the report."""

    evidence: list[Evidence] = Field(default_factory=list)
    spans: list[Span] = Field(default_factory=list)


class TableCase(BaseModel):
    """Everything that a per-tumour table says of one CT."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    #: The user's id, else the CT's.
    id: str
    #: `BDMAP_` and eight digits, where the table has it.
    ct_id: str = ""
    #: The report mentions no lesion. That clears no organ: what is said of organs stands in `organs`.
    no_lesion: bool = False
    lesions: list[TableLesion] = []
    organs: list[OrganStatus] = []
    text_sha256: str = ""

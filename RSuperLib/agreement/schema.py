"""How the lesions of a mask and the findings of a report match: the contents of `agreement.json`."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = 1

#: missing = the report has it and the mask has not; extra = the mask has it and the report has not.
State = Literal["agrees", "differs", "missing", "extra", "cannot tell"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Lesion(_Record):
    """One connected tumour in a mask, measured on the CT's grid."""

    label: Annotated[int, Field(ge=1)]
    organ: str
    #: Part names that the lesion overlaps, most overlapped first.
    parts: list[str] = []
    volume_mm3: Annotated[float, Field(gt=0)]
    #: Longest axial, its perpendicular in the same slice, craniocaudal.
    diameters_mm: Annotated[list[float], Field(min_length=3, max_length=3)]
    #: Largest probability (model) or likelihood (finder) inside, 0 to 1.
    max_probability: Annotated[float, Field(ge=0, le=1)]


class Row(_Record):
    """One finding, one lesion, or a pair of both."""

    finding: str | None
    lesion: int | None
    state: State
    #: Plain sentences: what differs, what is missing, why one cannot tell.
    reasons: list[str] = []


class Agreement(_Record):
    """Contents of `agreement.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    rows: list[Row] = []
    lesions: list[Lesion] = []

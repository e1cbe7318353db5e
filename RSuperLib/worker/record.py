"""What `run.json` holds: how the masks of a case came about."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION: Final = 1


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StageRecord(_Record):
    """One stage: wall-clock seconds, and the most memory (MB, resident) that the process held in it."""

    name: str
    seconds: float
    peak_memory_mb: float


class SourceRecord(_Record):
    """Where the lesions come from (`auto`, `model`, `finder`, `report`): what was asked for, what was done, and why."""

    requested: str
    used: str
    why: str


class ModelRecord(_Record):
    """The model, or method, that marked the lesions."""

    id: str
    name: str
    trained_on: str


class GridRecord(_Record):
    """The CT's voxels."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]


class RunRecord(_Record):
    """Contents of `run.json`."""

    schema_version: Literal[1] = SCHEMA_VERSION
    rsuper: str
    versions: dict[str, str]
    source: SourceRecord
    model: ModelRecord
    device: str
    ct: GridRecord
    #: Part masks that were there.
    parts: list[str]
    #: Plain sentences that the user should read.
    warnings: list[str]
    #: Filled in at the end.
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    stages: list[StageRecord] = []
    #: Checksums of the files that a person may correct, so that no correction is overwritten.
    sha256: dict[str, str] = {}

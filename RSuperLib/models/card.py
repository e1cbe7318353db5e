"""The card of a model: what it segments, what it was made for, where it came from."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION: Final = 1


class ModelCard(BaseModel):
    """Contents of a model's `card.json`, beside its weights."""

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: str
    #: One plain sentence: what it is good for.
    purpose: str
    #: One plain sentence: what it must not be used for.
    limits: str
    #: Output channels in order: part and lesion class names.
    classes: list[str] = []
    #: Millimetres of the voxels the network wants, and the window (voxels) it was trained with; null = any.
    spacing_mm: tuple[float, float, float] | None = None
    window: tuple[int, int, int] | None = None
    #: Hounsfield units are clipped to this range before they are normalised.
    clip_hu: tuple[float, float] | None = None
    #: File of the weights in the model's folder, and its SHA-256; empty for a method without weights.
    weights: str = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    licence: str
    source: str
    #: Organs it may say anything about. For every other organ the answer is "cannot tell".
    covers: list[str] = []
    #: What it was trained on: only "patients" may ever say "no lesion" of a patient.
    trained_on: Literal["nothing", "phantoms", "patients"]

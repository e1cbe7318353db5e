"""What a run can be told to do; the contents of its configuration file (Docs/training.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from RSuperLib.io.errors import InputError
from RSuperLib.training.classes import output_classes

SCHEMA_VERSION: Final = 1

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Edge = Annotated[int, Field(ge=8, le=512)]
Patch = tuple[Edge, Edge, Edge]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WarpSettings(_Settings):
    """Turning of patches; the defaults are as published, which neither scales nor mirrors.

    `mirror_lateral` swaps left and right; it is refused where a class has a side, as its label would be wrong.
    `scale` = largest factor: 1.1 draws between 1/1.1 and 1.1.
    """

    share: Share = 0.4
    degrees: Annotated[float, Field(ge=0, le=90)] = 30.0
    shear: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    scale: Annotated[float, Field(ge=1, le=2)] = 1.0
    mirror_lateral: bool = False


class IntensitySettings(_Settings):
    """Changes of grey values, each in this share of the patches; ranges as published."""

    share: Share = 0.3
    brightness: tuple[Positive, Positive] = (0.7, 1.3)
    offset_std: Annotated[float, Field(ge=0)] = 0.1
    gamma: tuple[Positive, Positive] = (0.7, 1.5)
    contrast: tuple[Positive, Positive] = (0.7, 1.3)
    blur_voxels: tuple[Positive, Positive] = (0.5, 1.5)
    noise_std: Annotated[float, Field(ge=0)] = 0.2


class CropSettings(_Settings):
    """Patches: their edges (z, y, x), and the share of report cases that are cropped without their target."""

    patch: Patch = (128, 128, 128)
    plain_share: Share = 0.1
    warp: WarpSettings = WarpSettings()


class Normalisation(_Settings):
    """Grey values of the network: HU clipped, minus the mean, over the standard deviation.

    `per_case` takes mean and standard deviation of each clipped CT, as published; they then depend on how much air the
    CT shows. Otherwise the fixed ones are taken: those of soft tissue and fat in the body.
    """

    clip_hu: tuple[float, float] = (-991.0, 500.0)
    per_case: bool = False
    mean: float = -100.0
    std: Positive = 250.0


class NetworkSettings(_Settings):
    """Which network (see `RSuperLib.networks`), and weights to start from: a safetensors file."""

    name: str = "unet"
    options: dict[str, Any] = {}
    start_from: Path | None = None


class OptimiserSettings(_Settings):
    """How weights follow gradients; the defaults are as published."""

    name: Literal["adamw", "sgd"] = "adamw"
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    momentum: Share = 0.99
    clip_norm: Positive = 1.0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.99


class Stage(_Settings):
    """A part of the run with a learning-rate schedule of its own.

    Attributes of interest:
        reports: whether half of each batch are report cases; without it only mask cases teach.
        report_weight: weight of the report terms (0.1 in the published recipe).
        least_dice: Dice of lesions on its own mask patches (running mean) that the stage must have reached at its end;
            report terms that begin before anything was learned from masks make the output collapse to nothing.
    """

    steps: Annotated[int, Field(ge=1)]
    learning_rate: Positive = 1e-3
    reports: bool = False
    report_weight: Annotated[float, Field(ge=0)] = 0.1
    least_dice: Share = 0.0


class LossSettings(_Settings):
    """The losses: `rsuper`, or `reference` = as published; see `RSuperLib.supervision`.

    Attributes of interest:
        tolerance: share by which a volume may be off at no cost; of `reference` only.
        head_weights: of the final and the auxiliary head; a single head gets both.
        batch_dice: whether Dice is taken over the voxels of all patches of a batch; off: of each patch, as published
            (and always in `reference`), where a patch without a lesion has nothing to say and the others less.
        report, ball, volume, segmentation: options of the losses by name, to switch off single departures.
    """

    mode: Literal["rsuper", "reference"] = "rsuper"
    tolerance: Share = 0.2
    head_weights: tuple[float, float] = (0.5, 0.5)
    batch_dice: bool = True
    report: dict[str, Any] = {}
    ball: dict[str, Any] = {}
    volume: dict[str, Any] = {}
    segmentation: dict[str, Any] = {}

    @property
    def inexact_sizes(self) -> bool:
        """Whether lesions without a stated size teach."""
        return self.mode == "rsuper" and bool(self.report.get("inexact_sizes", True))


class ValidationSettings(_Settings):
    """How often the held-out cases are looked at, and when to stop.

    Attributes of interest:
        every: steps between two looks; 0 = only at the end.
        patience: looks without a better one after which the run stops; 0 = never.
        ema: whether the averaged weights are looked at (and kept), or the last ones as published.
    """

    every: Annotated[int, Field(ge=0)] = 500
    patience: Annotated[int, Field(ge=0)] = 0
    ema: bool = True
    overlap: Annotated[float, Field(ge=0, le=0.75)] = 0.25


class MachineSettings(_Settings):
    """What a run may take of the computer.

    Attributes of interest:
        device: `auto` takes the first GPU if there is one.
        precision: `auto` is bfloat16 on GPUs that have it, else float32.
        micro_batch: patches that go through the network at once; None = as many as fit.
        checkpointing: compute activations twice to save memory; None = where needed.
        memory_bytes: what may be used; None = what is free.
        threads: of torch on a CPU; None = as torch chooses. Equal results need an equal number.
    """

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    micro_batch: Annotated[int, Field(ge=1)] | None = None
    checkpointing: bool | None = None
    memory_bytes: Annotated[int, Field(gt=0)] | None = None
    threads: Annotated[int, Field(ge=1)] | None = None
    loader_threads: Annotated[int, Field(ge=1, le=64)] = 2
    prefetch: Annotated[int, Field(ge=1, le=64)] = 3


_CASE_LISTS = ("masks", "reports", "validation")


class CaseFolders(_Settings):
    """Where the cases are: case folders, or folders of case folders; relative to the configuration file.

    `masks` teach by their lesion masks, `reports` by their reports alone (a mask that lies there is not looked at), and
    `validation` cases are held out. `reading`: see `RSuperLib.training.cases.ReadingSource`. `prepared`: where cases
    lie that were made ready for training; several runs may share them; None = in the folder of the run.
    """

    masks: list[Path] = []
    reports: list[Path] = []
    validation: list[Path] = []
    reading: Literal["auto", "report", "file", "truth"] = "auto"
    prepared: Path | None = None

    def beside(self, folder: Path) -> CaseFolders:
        """The same with absolute paths; relative ones begin at `folder`."""
        lists = {name: [(folder / path).resolve() for path in getattr(self, name)] for name in _CASE_LISTS}
        prepared = None if self.prepared is None else (folder / self.prepared).resolve()
        return self.model_copy(update={**lists, "prepared": prepared})


class TrainSettings(_Settings):
    """Everything that decides what a run does."""

    schema_version: Literal[1] = SCHEMA_VERSION
    classes: list[str]
    stages: Annotated[list[Stage], Field(min_length=1)]
    spacing_mm: tuple[Positive, Positive, Positive] = (1.0, 1.0, 1.0)
    batch: Annotated[int, Field(ge=1, le=1024)] = 2
    seed: Annotated[int, Field(ge=0)] = 0
    silence: Literal["unknown", "negative"] = "unknown"
    cases: CaseFolders = CaseFolders()
    network: NetworkSettings = NetworkSettings()
    crop: CropSettings = CropSettings()
    intensity: IntensitySettings = IntensitySettings()
    normalisation: Normalisation = Normalisation()
    loss: LossSettings = LossSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    validation: ValidationSettings = ValidationSettings()
    machine: MachineSettings = MachineSettings()
    #: Seconds between two checkpoints, besides those after each validation.
    checkpoint_seconds: Annotated[float, Field(ge=0)] = 180.0

    @model_validator(mode="after")
    def _no_mirrored_sides(self) -> TrainSettings:
        sided = [one.name for one in output_classes(self.classes) if one.has_side]
        if self.crop.warp.mirror_lateral and sided:
            raise ValueError(f"mirror_lateral would label {sided[0]} on the wrong side")
        return self

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> tuple[int, Stage, int]:
        """Number of the stage that a step (from 0) belongs to, the stage, and the step's number within it."""
        for number, stage in enumerate(self.stages):
            if step < stage.steps:
                return number, stage, step
            step -= stage.steps
        raise IndexError(step)


def read_settings(path: Path) -> TrainSettings:
    """The configuration file of a run.

    Raises:
        InputError: it is missing or wrong; the message names the first wrong place.
    """
    try:
        settings = TrainSettings.model_validate(json.loads(path.read_text("utf-8-sig")))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.name} cannot be read.", "Give a JSON file as in Docs/training.md.") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path.name}, {place}: {first['msg']}.", "Docs/training.md lists the settings.") from error
    except ValueError as error:
        raise InputError(f"{path.name} is no JSON ({error}).", "Correct it.") from error
    start = settings.network.start_from
    network = settings.network.model_copy(update={"start_from": start and (path.parent / start).resolve()})
    return settings.model_copy(update={"cases": settings.cases.beside(path.parent), "network": network})

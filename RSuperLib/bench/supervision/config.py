"""What the experiment is: cases, difficulty, network and steps, fixed in a file before the first run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from RSuperLib.io import InputError
from RSuperLib.report.schema import Organ

Count = Annotated[int, Field(ge=2)]
Positive = Annotated[float, Field(gt=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Difficulty(_Frozen):
    """A setting of the experiment: how well lesions are seen, and which arms are run in how many seeds."""

    contrast: Positive
    arms: list[str]
    seeds: list[int]


class Stage(_Frozen):
    """Steps and learning rate; the first stage learns from masks (if the arm has any), the second from all."""

    steps: Annotated[int, Field(ge=1)]
    learning_rate: Positive


class Config(_Frozen):
    """Contents of `config.json`.

    Attributes:
        organ: where lesions are; half of all cases have some.
        masks, reports: cases that teach by masks, and by reports; the ceiling has masks of all of them.
        validation: cases that the threshold is chosen on; `test`: cases that are counted.
        first_seed: of the phantoms.
        spacing_mm, margin_mm: cases are cut to the organ's box and that margin, and resampled.
        patch: voxels z, y, x of a training patch.
        channels: of the network's levels.
        report_weight: of the report terms, as published.
        threads: of torch.
        difficulties: the settings of the experiment, by name.
    """

    schema_version: Literal[1] = 1
    organ: Organ
    masks: Count
    reports: Count
    validation: Count
    test: Count
    first_seed: int
    spacing_mm: Positive
    margin_mm: Positive
    patch: tuple[int, int, int]
    channels: list[int]
    batch: Count
    stages: tuple[Stage, Stage]
    report_weight: Positive
    threads: Annotated[int, Field(ge=1)]
    difficulties: dict[str, Difficulty]

    def fingerprint(self, difficulty: str) -> str:
        """Hash of all that decides what a unit of a setting computes; not of which units are to be run."""
        values = self.model_dump(mode="json", exclude={"difficulties"})
        values["contrast"] = self.difficulties[difficulty].contrast
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def read_config(path: Path) -> Config:
    """The configuration file.

    Raises:
        InputError: it is missing or wrong.
    """
    try:
        return Config.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path.name} cannot be read.", "Give the configuration with --config.") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{path.name}, {place}: {first['msg']}.", "See Docs/results/supervision.") from error

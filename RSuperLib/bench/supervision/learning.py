"""Two stages of training, as published: masks first, then masks and what the arm has for the other CTs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from RSuperLib.bench.supervision.arms import Arm
from RSuperLib.bench.supervision.cases import CasePool, permuted, source, split
from RSuperLib.bench.supervision.config import Config
from RSuperLib.bench.supervision.pseudo import write_pseudo_masks
from RSuperLib.io import Progress
from RSuperLib.io.progress import part_of
from RSuperLib.training import (
    CaseLists,
    Geometry,
    RunFolder,
    SourceCase,
    Trainer,
    TrainSettings,
    prepare_cases,
    reported_as,
)
from RSuperLib.training.cases import ReadingSource
from RSuperLib.training.run import geometry_of
from RSuperLib.training.run_folder import LAST
from RSuperLib.training.teaching import Silence

#: The losses that only report cases teach: without those, they are no settings of a stage.
_REPORT_LOSSES = ("report", "ball", "volume")


class Learning:
    """One arm in one seed.

    Args:
        config: of the experiment.
        arm: what it learns from.
        seed: decides which cases have masks, the first weights and the order of everything.
        pool: the cases.
        work: folder for prepared cases and runs; arms share the stages that are equal.
    """

    def __init__(self, config: Config, arm: Arm, seed: int, pool: CasePool, work: Path) -> None:
        self._config, self._arm, self._seed, self._pool, self._work = config, arm, seed, pool, work

    def train(self, progress: Progress) -> Path:
        """The weights after both stages; goes on where it was stopped."""
        few, others = split(self._pool.teaching(progress), self._config.masks, self._seed)
        masks = self._prepared([source(path, "truth", self._config) for path in few]) if self._arm.has_masks else []
        if self._arm.others == "masks":
            masks += self._prepared([source(path, "truth", self._config) for path in others])
        reports = self._reports(others)
        first = self._stage(0, CaseLists(masks, [] if masks else reports), None, part_of(progress, 0.0, 0.5))
        if self._arm.others == "pseudo":
            pseudo = self._pseudo_cases(others, first)
            masks = masks * max(1, len(pseudo) // len(masks)) + pseudo  # as often as the others, like report cases
        return self._stage(1, CaseLists(masks, reports), first, part_of(progress, 0.5, 1.0))

    def settings(self, stage: int, *, reports: bool, start_from: Path | None) -> TrainSettings:
        """What the trainer is told in a stage (0 or 1)."""
        config, one = self._config, self._config.stages[stage]
        loss: dict[str, Any] = {"mode": self._arm.mode} | self._arm.loss
        if not reports:
            loss = {name: value for name, value in loss.items() if name not in _REPORT_LOSSES}
        return TrainSettings.model_validate({
            "classes": [f"{config.organ}_lesion"], "spacing_mm": [config.spacing_mm] * 3, "batch": config.batch,
            "seed": 2 * self._seed + stage, "loss": loss,
            "stages": [{**one.model_dump(), "reports": reports, "report_weight": config.report_weight}],
            "network": {"name": "unet", "options": {"channels": config.channels}, "start_from": start_from},
            "crop": {"patch": config.patch}, "machine": {"device": "auto", "threads": config.threads},
            "validation": {"every": 0},
        })  # fmt: skip

    @property
    def geometry(self) -> Geometry:
        """What all prepared cases share but for what silence means, which matters where reports teach."""
        return geometry_of(self.settings(0, reports=False, start_from=None))

    def _reports(self, others: Sequence[Path]) -> list[Path]:
        """The prepared report cases of the arm, with the readings that it learns from."""
        readings: dict[str | None, ReadingSource] = {"truth": "truth", "reader": "report", "permuted": "truth"}
        if self._arm.others not in readings:
            return []
        reading, silence = readings[self._arm.others], self._arm.silence
        if self._arm.others != "permuted":
            return self._prepared(
                [source(path, reading, self._config) for path in others], f"{reading}-{silence}", silence
            )
        pairs = permuted(others, self._seed)
        exchanged = [reported_as(*(source(path, reading, self._config) for path in pair)) for pair in pairs]
        return self._prepared(exchanged, "permuted", silence)

    def _pseudo_cases(self, others: Sequence[Path], weights: Path) -> list[Path]:
        without_lesions = self._prepared([source(path, "truth", self._config) for path in others])
        folder = self._work / "prepared" / f"pseudo-{weights.parent.name}"
        return write_pseudo_masks(without_lesions, weights, self.settings(0, reports=False, start_from=None), folder)

    def _prepared(self, cases: Sequence[SourceCase], kind: str = "masks", silence: Silence = "unknown") -> list[Path]:
        folder = self._work / "prepared" / f"{self._pool.name}-{self._config.spacing_mm:g}mm-{kind}"
        return prepare_cases(cases, folder, replace(self.geometry, silence=silence))

    def _stage(self, stage: int, cases: CaseLists, start_from: Path | None, progress: Progress) -> Path:
        """Train a stage in a folder that is named by all that decides its result; the weights."""
        settings = self.settings(stage, reports=bool(cases.reports), start_from=start_from)
        named = "\n".join([settings.model_dump_json(), *map(str, cases.masks), "", *map(str, cases.reports)])
        run = RunFolder(self._work / "runs" / hashlib.sha256(named.encode()).hexdigest()[:16])
        if run.result is None:
            run.begin(settings)
            Trainer(settings, cases, run).train(progress)
        return run.path / LAST

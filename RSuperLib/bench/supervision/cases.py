"""The cases of the experiment: phantoms, made once for all arms and seeds, and cut to one organ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from RSuperLib.anatomy import Parts, organ_parts
from RSuperLib.bench.supervision.config import Config
from RSuperLib.io import Grid, InputError, LabelMap, Progress, Volume, no_progress
from RSuperLib.phantom import PhantomSettings, holds_phantom, make_phantom, write_phantom
from RSuperLib.report import Reading
from RSuperLib.training import SourceCase, folder_case
from RSuperLib.training.cases import LoadedCase, ReadingSource

#: Phantom seeds of what is held out are so far from those that teach that no configuration mixes them.
_VALIDATION, _TEST = 100_000, 200_000
Box = tuple[slice, slice, slice]


class CasePool:
    """All cases of one setting, as case folders that appear when they are asked for.

    Args:
        config: of the experiment.
        contrast: of the lesions.
        folder: where the cases lie; several runs may share it.

    Attributes:
        name: of the cases' kind.
    """

    def __init__(self, config: Config, contrast: float, folder: Path) -> None:
        self._config, self._contrast = config, contrast
        self.name = f"{config.organ}-{contrast:g}"
        self._folder = folder / self.name

    def teaching(self, progress: Progress = no_progress) -> list[Path]:
        """The cases that teach, whatever they teach by."""
        return self._cases(0, self._config.masks + self._config.reports, progress)

    def validation(self, progress: Progress = no_progress) -> list[Path]:
        """The cases that thresholds are chosen on."""
        return self._cases(_VALIDATION, self._config.validation, progress)

    def test(self, progress: Progress = no_progress) -> list[Path]:
        """The cases that are counted."""
        return self._cases(_TEST, self._config.test, progress)

    def _cases(self, offset: int, count: int, progress: Progress) -> list[Path]:
        paths = []
        for number in range(count):
            progress("phantoms", number / count)
            paths.append(self._case(self._config.first_seed + offset + number))
        return paths

    def _case(self, seed: int) -> Path:
        """Every second case has lesions, so that the prevalence is exactly one half."""
        path = self._folder / f"case_{seed:07d}"
        if not holds_phantom(path):
            settings = PhantomSettings(
                prevalence=float(seed % 2 == 0), organs=(self._config.organ,), contrast=self._contrast
            )
            write_phantom(make_phantom(seed, settings), path)
        return path


def split(cases: Sequence[Path], masks: int, seed: int) -> tuple[list[Path], list[Path]]:
    """The cases that teach by masks and those that teach by reports, drawn by seed; half of each have lesions."""
    random = np.random.default_rng([seed, 1])
    halves = [cases[0::2], cases[1::2]]
    few: list[Path] = []
    for half, count in zip(halves, (masks - masks // 2, masks // 2), strict=True):
        few += [half[int(one)] for one in random.choice(len(half), count, replace=False)]
    chosen = set(few)
    return sorted(few), [path for path in cases if path not in chosen]


def source(folder: Path, reading: ReadingSource, config: Config) -> SourceCase:
    """A case folder, cut to the organ when it is loaded."""
    whole, organ, margin = folder_case(folder, reading), config.organ, config.margin_mm
    fingerprint = f"{whole.fingerprint}; cut to {organ} and {margin:g} mm"
    return replace(whole, fingerprint=fingerprint, load=lambda: cut_to_organ(whole.load(), organ, margin))


def permuted(cases: Sequence[Path], seed: int) -> list[tuple[Path, Path]]:
    """Each case with another one whose report it gets: all reports are used, none for its own CT.

    Raises:
        InputError: there are fewer than two.
    """
    if len(cases) < 2:
        raise InputError("One report cannot be exchanged.", "Give two report cases or more.")
    order = [cases[int(one)] for one in np.random.default_rng([seed, 2]).permutation(len(cases))]
    return list(zip(order, [*order[1:], order[0]], strict=True))


def cut_to_organ(case: LoadedCase, organ: str, margin_mm: float) -> LoadedCase:
    """The box of a case around an organ; image numbers of its reading count the slices that are left.

    Raises:
        InputError: the case has no parts of the organ.
    """
    region = case.parts.region(organ_parts(organ))
    if region is None:
        raise InputError(f"A case has no {organ}.", "Choose another organ in the configuration.")
    box = _box(region, case.ct.grid, margin_mm)
    grid, annotation = _cut_grid(case.ct.grid, box), case.annotation
    if annotation is not None:
        lesions = annotation.lesions
        annotation = replace(annotation, lesions=LabelMap(lesions.array[box], grid, lesions.names))
    above = _slices_above(case.ct.grid, box)
    return replace(
        case, ct=Volume(case.ct.array[box], grid, case.ct.source), parts=_cut_parts(case.parts, grid, box),
        annotation=annotation, reading=case.reading and _renumbered(case.reading, above),
    )  # fmt: skip


def _cut_parts(parts: Parts, grid: Grid, box: Box) -> Parts:
    """The parts within the box; those of phantoms do not overlap."""
    labels = np.zeros(grid.shape, np.uint8)
    names = dict(enumerate(parts.names, 1))
    for label, name in names.items():
        region = parts.region([name])
        if region is not None:
            labels[region[box]] = label
    return Parts.from_label_map(LabelMap(labels, grid, names))


def _box(mask: NDArray[np.bool_], grid: Grid, margin_mm: float) -> Box:
    inside = np.argwhere(mask)
    margin = np.ceil(margin_mm / np.array(grid.spacing)).astype(int)
    low = np.maximum(inside.min(0) - margin, 0)
    high = np.minimum(inside.max(0) + margin + 1, mask.shape)
    i, j, k = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return i, j, k


def _cut_grid(grid: Grid, box: Box) -> Grid:
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_world(np.array([one.start for one in box]))
    shape = (box[0].stop - box[0].start, box[1].stop - box[1].start, box[2].stop - box[2].start)
    return Grid(shape, affine)


def _slices_above(grid: Grid, box: Box) -> int:
    """Image 1 is the topmost slice."""
    axis = int(np.argmax(np.abs(grid.affine[2, :3])))
    above = grid.shape[axis] - box[axis].stop if grid.affine[2, axis] > 0 else box[axis].start
    return int(above)


def _renumbered(reading: Reading, above: int) -> Reading:
    findings = [
        one if one.image is None else one.model_copy(update={"image": max(1, one.image - above)})
        for one in reading.findings
    ]
    return reading.model_copy(update={"findings": findings})

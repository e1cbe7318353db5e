"""Make cases ready for training, once: resampled, encoded, with distance maps, written whole or not at all."""

from __future__ import annotations

import hashlib
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.io import InputError, Progress, RSuperError, no_progress, unfinished_folder, write_bytes
from RSuperLib.training import prepared
from RSuperLib.training.cases import Annotation, LoadedCase, SourceCase
from RSuperLib.training.classes import OutputClass, output_classes, search_parts
from RSuperLib.training.geometry import TrainingGrid
from RSuperLib.training.prepared import Box, PreparedCase, PreparedTarget, Three
from RSuperLib.training.reported import reported_lesions
from RSuperLib.training.teaching import Silence, Target, Teaching, teaching

Mask = NDArray[np.bool_]
#: Voxels of each kind that are remembered as places for crops.
_REMEMBERED = 256
#: The image that a report names shows the lesion, not always its middle.
_IMAGE_SLACK_MM = 15.0
#: What must stay free on the disk.
_SPARE_BYTES = 500 * 2**20


@dataclass(frozen=True)
class Geometry:
    """What all prepared cases of a folder share.

    Attributes:
        classes: output channels of the network.
        spacing_mm: millimetres along z, y, x.
        clip_hu: range that HU are clipped to before their mean and standard deviation are taken.
        silence: what an organ means that the report does not mention.
    """

    classes: tuple[str, ...]
    spacing_mm: tuple[float, float, float]
    clip_hu: tuple[float, float]
    silence: Silence = "unknown"

    def fingerprint(self, source: SourceCase) -> str:
        """Changes whenever the prepared case would become another one."""
        return hashlib.sha256(f"{self!r} {source.fingerprint}".encode()).hexdigest()


def prepare_cases(
    sources: Sequence[SourceCase], folder: Path, geometry: Geometry, progress: Progress = no_progress
) -> list[Path]:
    """Make the cases that are not there yet; the folder of each, in order. Safe to stop and to call again.

    After the first case the size of all is known well enough to say it, and to refuse what does not fit the disk.

    Raises:
        InputError: two cases have one name, a case cannot be read, or the disk is too small.
        RSuperError: the folder cannot be written.
        Cancelled: by `progress`; what is complete stays.
    """
    if len({source.id for source in sources}) < len(sources):
        raise InputError("Two cases have the same name.", "Rename one of their folders.")
    folder.mkdir(parents=True, exist_ok=True)
    missing = [source for source in sources if not is_prepared(folder / source.id, geometry.fingerprint(source))]
    note = ""
    for done, source in enumerate(missing):
        progress(f"preparing{note}", done / len(missing))
        size = prepare_case(source, folder, geometry)
        if done == 0:
            expected = _expected_bytes(size, missing)
            note = f" (about {max(expected / 2**20, 1):.0f} MB in all)"
            check_disk(folder, expected - size)
    return [folder / source.id for source in sources]


def is_prepared(folder: Path, fingerprint: str) -> bool:
    """Whether the folder is complete and was made from the same files in the same way."""
    try:
        return prepared.read_record(folder).fingerprint == fingerprint
    except InputError:
        return False


def prepare_case(source: SourceCase, folder: Path, geometry: Geometry) -> int:
    """Make one case in `folder` / its name, in place of what is there; its bytes on the disk."""
    loaded = source.load()
    grid = TrainingGrid.of(loaded.ct.grid, geometry.spacing_mm)
    classes = output_classes(geometry.classes)
    case = _Maker(loaded, grid, classes, geometry)
    try:
        with unfinished_folder(folder) as staging:
            record = case.write(staging, source.id, geometry.fingerprint(source))
            if (folder / source.id).is_dir():
                shutil.rmtree(folder / source.id)
            staging.rename(folder / source.id)
    except OSError as error:
        raise RSuperError(
            f"The prepared case {source.id} could not be written ({error.strerror or error}).",
            "Check that the disk has space and the folder may be written to.",
        ) from error
    return record.bytes_on_disk


class _Maker:
    """One case on its way to the training grid."""

    def __init__(self, loaded: LoadedCase, grid: TrainingGrid, classes: list[OutputClass], geometry: Geometry) -> None:
        self._loaded, self._grid, self._classes = loaded, grid, classes
        self._clip = geometry.clip_hu
        reading = loaded.reading
        self._teaching = teaching(reading, loaded.parts, classes, geometry.silence) if reading else Teaching()
        self._class_masks = [self._class_mask(one) for one in classes]
        self._random = np.random.default_rng(0)

    def write(self, folder: Path, case_id: str, fingerprint: str) -> PreparedCase:
        """Write all files of the case into an empty folder; its record."""
        image = self._grid.image(self._loaded.ct.array)
        empty = np.zeros(self._grid.shape, np.bool_)
        class_codes, class_sets = prepared.encode(
            [empty if m is None else m for m in self._class_masks], self._grid.shape
        )
        targets = [(one, region) for one in self._teaching.targets if (region := self._on_grid(one.region)).any()]
        unknown = [self._on_grid(self._teaching.unknown.get(number)) for number in range(len(self._classes))]
        region_codes, region_sets = prepared.encode([*unknown, *(region for _, region in targets)], self._grid.shape)
        prepared.write_array(folder / prepared.IMAGE, image)
        prepared.write_array(folder / prepared.CODES, np.stack([class_codes, region_codes]))
        if targets:
            prepared.write_array(
                folder / prepared.DISTANCES, np.stack([self._distance(region) for _, region in targets])
            )
        clipped = np.clip(image, *self._clip)
        record = PreparedCase(
            id=case_id, fingerprint=fingerprint, classes=[one.name for one in self._classes], shape=self._grid.shape,
            spacing_mm=self._grid.spacing, clipped_mean=float(clipped.mean()), clipped_std=float(clipped.std()),
            class_codes=class_sets, region_codes=region_sets, has_masks=self._loaded.annotation is not None,
            unlabelled=[number for number, mask in enumerate(self._class_masks) if mask is None],
            has_report=self._loaded.reading is not None, unknown_everywhere=sorted(self._teaching.unknown_everywhere),
            lesions_by_mask=self._lesions_by_mask(), lesions_by_report=self._teaching.present,
            targets=[_prepared_target(one, region, self._loaded, self._grid) for one, region in targets],
            **self._places(class_codes),
            bytes_on_disk=sum(path.stat().st_size for path in folder.iterdir()),
        )  # fmt: skip
        write_bytes(folder / prepared.RECORD, record.model_dump_json().encode())
        return record

    def _class_mask(self, one: OutputClass) -> Mask | None:
        """(z, y, x) voxels of a class; None if this case cannot tell."""
        annotation = self._loaded.annotation
        if one.organ is not None:
            return None if annotation is None or one.organ not in annotation.organs else self._lesions(annotation, one)
        region = self._loaded.parts.region([one.name])
        is_known = region is not None or one.name in self._loaded.parts.empty
        return self._on_grid(region) if is_known else None

    def _lesions(self, annotation: Annotation, one: OutputClass) -> Mask:
        labels = [label for label, organ in annotation.lesions.names.items() if organ == one.organ]
        return self._on_grid(np.isin(annotation.lesions.array, labels))

    def _on_grid(self, mask: Mask | None) -> Mask:
        if mask is None:
            return np.zeros(self._grid.shape, np.bool_)
        resampled: Mask = self._grid.labels(mask)
        return resampled

    def _lesions_by_mask(self) -> dict[int, bool | None]:
        return {
            number: None if mask is None else bool(mask.any())
            for number, (one, mask) in enumerate(zip(self._classes, self._class_masks, strict=True))
            if one.is_lesion
        }

    def _distance(self, region: Mask) -> NDArray[np.uint8]:
        outside = edt.edt(~region, anisotropy=self._grid.spacing, black_border=False)
        distance: NDArray[np.uint8] = np.minimum(np.ceil(outside), 255).astype(np.uint8)
        return distance

    def _places(self, class_codes: NDArray[np.uint8]) -> dict[str, Any]:
        """Places for crops; a report case is cropped without its lesion masks, so organs come from the parts."""
        voxels, search, searched = {}, {}, np.zeros(self._grid.shape, np.bool_)
        for number, (one, mask) in enumerate(zip(self._classes, self._class_masks, strict=True)):
            if not one.is_lesion:
                continue
            voxels[number] = self._some(mask if mask is not None else np.zeros(0, np.bool_))
            region = self._on_grid(self._loaded.parts.region(search_parts(one)))
            searched |= region
            search[number] = self._some(region)
        background = (class_codes == 0) & ~searched
        return {"voxels": voxels, "search_voxels": search, "background_voxels": self._some(background)}

    def _some(self, mask: Mask) -> list[Three]:
        """A random choice of a mask's voxels, the same in every run."""
        inside = np.flatnonzero(mask)
        chosen = np.sort(self._random.choice(inside, min(len(inside), _REMEMBERED), replace=False))
        return [(int(z), int(y), int(x)) for z, y, x in zip(*np.unravel_index(chosen, self._grid.shape), strict=True)]


def _prepared_target(target: Target, region: Mask, loaded: LoadedCase, grid: TrainingGrid) -> PreparedTarget:
    lesions, is_open = [], False
    slack = math.ceil(_IMAGE_SLACK_MM / grid.spacing[0])

    def levels(image: int) -> tuple[int, int]:
        return round(grid.level(image)) - slack, round(grid.level(image)) + slack

    for finding in target.findings:
        found, more = reported_lesions(finding, levels if loaded.counts(finding.series) else None)
        lesions += found
        is_open = is_open or more
    return PreparedTarget(
        channel=target.channel, parts=list(target.parts), lesions=lesions, is_open=is_open,
        box=_box(region), core=_box(_without_outliers(region)),
    )  # fmt: skip


def _box(region: Mask) -> Box:
    z, y, x = ndimage.find_objects(region.astype(np.uint8))[0]
    return (z.start, y.start, x.start), (z.stop, y.stop, x.stop)


def _without_outliers(region: Mask) -> Mask:
    """Three erosions, three dilations and the largest piece, as published for regions that do not fit the patch."""
    opened = ndimage.binary_dilation(ndimage.binary_erosion(region, iterations=3), iterations=3) & region
    pieces, count = ndimage.label(opened)
    if count == 0:
        return region
    largest: Mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return largest


def _expected_bytes(first: int, sources: Sequence[SourceCase]) -> float:
    """Bytes of all cases, from those of the first and the sizes of the CT files."""
    one = sources[0].source_bytes
    return float(first * sum(source.source_bytes / one if one else 1 for source in sources))


def check_disk(folder: Path, expected: float) -> None:
    """Refuse to write `expected` bytes where too few are free.

    Raises:
        InputError: they do not fit.
    """
    free = shutil.disk_usage(folder).free
    if expected + _SPARE_BYTES > free:
        raise InputError(
            f"The prepared cases need about {expected / 2**30:.1f} GB, and {free / 2**30:.1f} GB are free.",
            "Choose a folder on a larger disk, or a coarser spacing.",
        )

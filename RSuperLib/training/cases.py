"""Cases as they come: CTs with reports, part masks and lesion masks, from folders or made up on the spot.

A case folder holds `ct.nii.gz` (or any other CT that `read_ct` reads under the name `ct`), its parts as `load_parts`
reads them (`parts.nii.gz` with `parts.json`, or a folder `parts`) and, as far as there are any, `lesions.nii.gz` with
`lesions.json`, and `report.txt` or `reading.json`. Folders of `rsuper phantom` are such folders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from RSuperLib.anatomy import Parts, load_parts, no_parts
from RSuperLib.io import Grid, InputError, LabelMap, Volume, read_ct, read_label_map
from RSuperLib.io.volume import IMAGE_ENDINGS
from RSuperLib.phantom import LESION_ORGANS, Phantom, PhantomSettings, make_phantom
from RSuperLib.report import Reading, load_report, read_report

#: Where a reading comes from: `report` reads `report.txt`, `truth` takes what a phantom's truth says that its report
#: says, `file` is a `reading.json` that a person may have corrected, `auto` is `file` if there is one, else `report`.
ReadingSource = Literal["auto", "report", "file", "truth"]


@dataclass(frozen=True)
class Annotation:
    """Lesion masks of a case: which voxels, and of which organs somebody looked for lesions at all.

    Attributes:
        lesions: labels on the CT's grid, `names` gives each label's organ.
        organs: organs whose lesions are all marked; an organ that is not among them teaches nothing.
    """

    lesions: LabelMap
    organs: frozenset[str]


@dataclass(frozen=True)
class LoadedCase:
    """Everything that is known of one case; annotation and reading may be missing.

    `all_series`: image numbers of any series count this CT's slices, as in phantoms, which have one series.
    """

    ct: Volume
    parts: Parts
    annotation: Annotation | None = None
    reading: Reading | None = None
    all_series: bool = False

    def counts(self, series: int | None) -> bool:
        """Whether image numbers of a series that a report names are the numbers of this CT's slices."""
        return self.all_series or (series is not None and series == self.ct.source.get("series_number"))


@dataclass(frozen=True)
class SourceCase:
    """A case that can be loaded.

    Attributes:
        id: its name, unique among the cases of a run.
        fingerprint: changes when what `load` gives changes.
        source_bytes: size of what is read, for the estimate of the disk use; 0 if it is not read from a disk.
        load: reads it.
    """

    id: str
    fingerprint: str
    source_bytes: int
    load: Callable[[], LoadedCase]


def folder_case(folder: Path, reading: ReadingSource = "auto") -> SourceCase:
    """A case folder.

    Raises:
        InputError: the folder holds no CT or may not be looked at.
    """
    try:
        files = {path.name: path for path in sorted(folder.iterdir())}
    except OSError as error:
        raise InputError(f"The case {folder.name} may not be read ({error.strerror}).", "Check the path.") from error
    ct = next((files[name] for name in ("ct", *(f"ct{ending}" for ending in IMAGE_ENDINGS)) if name in files), None)
    if ct is None:
        raise InputError(f"The case {folder.name} has no CT.", "Save it there as ct.nii.gz, or as a DICOM folder ct.")
    inside = [path for path in folder.rglob("*") if path.is_file()]
    stamps = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(inside)]
    size = sum(path.stat().st_size for path in inside if path == ct or ct in path.parents)
    return SourceCase(folder.name, "; ".join([reading, *stamps]), size, lambda: _load_folder(folder, ct, reading))


def folder_cases(paths: Iterable[Path], reading: ReadingSource = "auto") -> list[SourceCase]:
    """The cases of some folders: each is a case folder, or holds case folders.

    Raises:
        InputError: a folder does not exist or holds no case.
    """
    cases = []
    for path in paths:
        inside = [path] if _is_case(path) else sorted(filter(_is_case, path.iterdir() if path.is_dir() else []))
        if not inside:
            raise InputError(
                f"There is no case in {path.name}.", "Give a folder with a CT named ct.nii.gz, or of those."
            )
        cases += [folder_case(one, reading) for one in inside]
    return cases


def _is_case(path: Path) -> bool:
    return path.is_dir() and any(
        (path / name).exists() for name in ("ct", *(f"ct{ending}" for ending in IMAGE_ENDINGS))
    )


def phantom_case(seed: int, settings: PhantomSettings | None = None, reading: ReadingSource = "truth") -> SourceCase:
    """The phantom of a seed, made when it is loaded."""
    settings = settings or PhantomSettings()
    fingerprint = json.dumps(["phantom", seed, settings.as_json(), reading])
    return SourceCase(f"phantom_{seed:06d}", fingerprint, 0, lambda: _loaded(make_phantom(seed, settings), reading))


def reported_as(case: SourceCase, other: SourceCase) -> SourceCase:
    """The case with the reading of another one: the control that shows whether it matters what a report says."""

    def load() -> LoadedCase:
        return replace(case.load(), reading=other.load().reading)

    return SourceCase(f"{case.id}_as_{other.id}", f"{case.fingerprint} as {other.fingerprint}", case.source_bytes, load)


def _loaded(phantom: Phantom, reading: ReadingSource) -> LoadedCase:
    organs = {int(lesion["label"]): str(lesion["organ"]) for lesion in phantom.truth["lesions"]}
    lesions = LabelMap(phantom.lesions.array, phantom.lesions.grid, organs)
    read = truth_reading(phantom.truth) if reading == "truth" else read_report(phantom.report)
    return LoadedCase(
        phantom.ct, Parts.from_label_map(phantom.parts), Annotation(lesions, frozenset(LESION_ORGANS)), read,
        all_series=True,
    )  # fmt: skip


def truth_reading(truth: dict[str, Any]) -> Reading:
    """What a phantom's report says, as its truth tells it: a reading without the errors of a reader."""
    findings = [
        {key: value for key, value in finding.items() if key not in ("lesions", "size_text")}
        for finding in truth["findings"]
    ]
    return Reading.model_validate({"language": "en", "findings": findings, "organs": truth["organs"]})


def _load_folder(folder: Path, ct_path: Path, reading: ReadingSource) -> LoadedCase:
    ct = read_ct(ct_path)
    return LoadedCase(
        ct, _parts(folder, ct.grid), _annotation(folder, ct.grid), _reading(folder, reading),
        all_series=(folder / "truth.json").is_file(),
    )  # fmt: skip


def _parts(folder: Path, grid: Grid) -> Parts:
    for name in ("parts", "parts.nii.gz", "parts.seg.nrrd", "parts.nrrd", "parts.nii"):
        if (folder / name).exists():
            return load_parts(folder / name, grid)
    return no_parts(grid)


def _annotation(folder: Path, grid: Grid) -> Annotation | None:
    path = folder / "lesions.nii.gz"
    if not path.is_file():
        return None
    names, organs = _lesion_organs(folder)
    lesions = read_label_map(path, names)
    if not lesions.grid.same_as(grid):
        raise InputError(f"lesions.nii.gz of {folder.name} does not lie on the grid of its CT.", "Resample it.")
    return Annotation(lesions, organs)


def _lesion_organs(folder: Path) -> tuple[dict[int, str], frozenset[str]]:
    """Organ of each lesion label, and the organs that were annotated."""
    try:
        if (folder / "truth.json").is_file():
            truth = json.loads((folder / "truth.json").read_bytes())
            return {int(one["label"]): str(one["organ"]) for one in truth["lesions"]}, frozenset(LESION_ORGANS)
        table = json.loads((folder / "lesions.json").read_bytes())
        names = {int(label): str(organ) for label, organ in table["lesions"].items()}
        return names, frozenset(map(str, table["annotated"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"lesions.nii.gz of {folder.name} has no lesions.json that names its organs.",
            'Write {"lesions": {"1": "liver"}, "annotated": ["liver"]} beside it.',
        ) from error


def _reading(folder: Path, source: ReadingSource) -> Reading | None:
    file, report = folder / "reading.json", folder / "report.txt"
    try:
        if source == "truth":
            return truth_reading(json.loads((folder / "truth.json").read_bytes()))
        if source == "file" or (source == "auto" and file.is_file()):
            return Reading.model_validate_json(file.read_bytes())
    except (OSError, ValueError, KeyError, ValidationError) as error:
        raise InputError(f"The reading of {folder.name} is missing or damaged.", "Read its report again.") from error
    return read_report(load_report(report)) if report.is_file() else None

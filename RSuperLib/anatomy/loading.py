"""Part masks from files: a folder of masks, a label map with its JSON, a segmentation of 3D Slicer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from RSuperLib.anatomy.alignment import on_grid
from RSuperLib.anatomy.packed import PackedMasks
from RSuperLib.anatomy.parts import Parts
from RSuperLib.anatomy.table import canonical_name, table
from RSuperLib.io import Grid, InputError, LabelMap, Progress, no_progress, read_label_layers

_ENDINGS = (".seg.nrrd", ".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")
_LARGEST_LABEL = 2**16 - 1
_EXAMPLE = '{"1": "liver", "2": "kidney_left"}'


def load_parts(path: Path, ct_grid: Grid, progress: Progress = no_progress) -> Parts:
    """Read the part masks of a case and bring them onto the CT's grid.

    Args:
        path: a folder of `<part>.nii.gz` (masks may overlap); a label map with `{"7": "pancreas"}` (label to part) in a
            JSON of the same name; or a seg.nrrd of 3D Slicer whose segments are named as parts. Axes may be swapped or
            turned against the CT.
        ct_grid: grid of the CT.
        progress: told after every mask of a folder.

    Raises:
        InputError: missing or damaged file, unknown part name, another grid, no names, or nothing in the masks.
    """
    path = Path(path)
    try:
        path.stat()
        files = sorted(path.iterdir()) if path.is_dir() else []
    except OSError as error:
        raise InputError(f"The part masks {path.name} do not exist or may not be read.", "Check the path.") from error
    parts = _from_folder(path, files, ct_grid, progress) if path.is_dir() else _from_file(path, ct_grid)
    if not parts.names:
        raise InputError(f"No part in {path.name} has a voxel.", "Check that the masks belong to this CT.")
    return parts


def _from_folder(folder: Path, inside: list[Path], ct_grid: Grid, progress: Progress) -> Parts:
    files = {file: _stem(file) for file in inside if _is_image(file)}
    if not files:
        raise InputError(f"The folder {folder.name} holds no part masks.", "Give a folder of files like liver.nii.gz.")
    names = {file: canonical_name(name) for file, name in files.items()}
    notes = _note_ignored([names.pop(file) for file in list(names) if table()[names[file]].role == "lesion"])
    masks = PackedMasks(ct_grid.shape)
    for done, (file, name) in enumerate(names.items(), 1):
        for labels in read_label_layers(file):
            array = on_grid(labels, ct_grid, file.name, may_be_cropped=_is_segmentation(file))
            masks.add_labels((array > 0).astype(np.uint8), {1: name})
        progress("parts", done / len(names))
    empty = frozenset(names.values()) - frozenset(masks)
    return Parts(ct_grid, masks, empty, {"file": folder.name, "format": "folder of masks", "notes": notes})


def _from_file(path: Path, ct_grid: Grid) -> Parts:
    if not _is_image(path):
        raise InputError(
            f"{path.name} is neither a folder of masks nor a label map.", "Give a folder, a NIfTI or a seg.nrrd file."
        )
    layers = _named(path, read_label_layers(path))
    names = [{label: canonical_name(name) for label, name in layer.names.items()} for layer in layers]
    lesions = [name for layer in names for name in layer.values() if table()[name].role == "lesion"]
    notes = _note_ignored(lesions)
    masks = PackedMasks(ct_grid.shape)
    for layer, found in zip(layers, names, strict=True):
        notes += _note_unnamed(layer, path)
        wanted = {label: name for label, name in found.items() if name not in lesions}
        masks.add_labels(on_grid(layer, ct_grid, path.name, may_be_cropped=_is_segmentation(path)), wanted)
    empty = frozenset(name for layer in names for name in layer.values()) - frozenset(masks) - frozenset(lesions)
    return Parts(ct_grid, masks, empty, {"file": path.name, "format": "label map", "notes": notes})


def _named(path: Path, layers: list[LabelMap]) -> list[LabelMap]:
    """The layers with the names of the JSON, if there is one, else with those of the file itself."""
    names_file = path.with_name(f"{_stem(path)}.json")
    if len(layers) == 1 and names_file.is_file():
        return [LabelMap(layers[0].array, layers[0].grid, _read_names(names_file))]
    if not any(layer.names for layer in layers):
        raise InputError(
            f"The labels of {path.name} have no names.", f"Write them to {names_file.name} beside it: {_EXAMPLE}."
        )
    return layers


def _read_names(file: Path) -> dict[int, str]:
    try:
        content = json.loads(file.read_text(encoding="utf-8-sig"), object_pairs_hook=_each_once)
        names = {int(label): name for label, name in content.items() if label != "schema_version"}
    except (ValueError, AttributeError, RecursionError, OSError) as error:
        raise _no_names(file) from error
    known = all(isinstance(name, str) and 0 <= label <= _LARGEST_LABEL for label, name in names.items())
    if not names or not known:
        raise _no_names(file)
    return {label: name for label, name in names.items() if label != 0}


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice: it would be a guess which part was meant."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _no_names(file: Path) -> InputError:
    return InputError(f"{file.name} does not say which label is which part.", f"It must look like {_EXAMPLE}.")


def _note_unnamed(layer: LabelMap, path: Path) -> list[str]:
    counts: Any = np.zeros(int(layer.array.max()) + 1, np.bool_)
    counts[layer.array.ravel(order="K")] = True
    unnamed = [str(label) for label in np.flatnonzero(counts) if label and int(label) not in layer.names]
    return [f"Labels of {path.name} without a name were ignored: {', '.join(unnamed)}."] if unnamed else []


def _note_ignored(lesions: list[str]) -> list[str]:
    return [f"Lesion masks are no parts and were ignored: {', '.join(sorted(set(lesions)))}."] if lesions else []


def _is_image(file: Path) -> bool:
    return file.is_file() and file.name.lower().endswith(_ENDINGS) and not file.name.startswith(".")


def _is_segmentation(file: Path) -> bool:
    return file.name.lower().endswith(".seg.nrrd")


def _stem(file: Path) -> str:
    ending = next(ending for ending in _ENDINGS if file.name.lower().endswith(ending))
    return file.name[: -len(ending)]

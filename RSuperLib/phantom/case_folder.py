"""Phantoms as case folders: files that belong together, and nobody else's files."""

from __future__ import annotations

from pathlib import Path

from RSuperLib.io import InputError, RSuperError, unfinished_folder, write_bytes, write_json, write_nifti
from RSuperLib.phantom.make import Phantom

#: Written last, so a folder that has it has all files.
TRUTH = "truth.json"


def holds_phantom(folder: Path) -> bool:
    """Whether the folder is a complete case; False if nothing is there.

    Raises:
        InputError: what is there is no phantom, or may not be looked at.
    """
    try:
        if (folder / TRUTH).is_file():
            return True
        is_free = not folder.is_symlink() and not folder.exists()
    except OSError as error:
        raise InputError(
            f"{folder.name} may not be looked at ({error.strerror or error}).", "Choose another folder."
        ) from error
    if is_free:
        return False
    raise InputError(
        f"{folder.name} is there already and no complete phantom: it has no {TRUTH}.",
        "Choose another folder, or remove that one.",
    )


def write_phantom(phantom: Phantom, folder: Path) -> None:
    """Write a case folder: ct, parts and lesions as NIfTI, report.txt, parts.json, truth.json.

    A new folder appears whole or not at all. In the folder of another phantom its files are replaced, and all others
    are kept.

    Raises:
        InputError: the folder is there and holds no phantom.
        RSuperError: the folder cannot be written.
    """
    is_there = holds_phantom(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with unfinished_folder(folder.parent) as staging:
            _write_files(phantom, staging)
            if is_there:
                _replace_files(staging, folder)
            else:
                staging.rename(folder)
    except OSError as error:
        raise RSuperError(
            f"{folder.name} could not be written ({error.strerror or error}).",
            "Check that the disk has space and the folder may be written to, or choose another folder.",
        ) from error


def _write_files(phantom: Phantom, folder: Path) -> None:
    write_nifti(folder / "ct.nii.gz", phantom.ct.array, phantom.ct.grid)
    write_nifti(folder / "parts.nii.gz", phantom.parts.array, phantom.parts.grid)
    write_nifti(folder / "lesions.nii.gz", phantom.lesions.array, phantom.lesions.grid)
    write_json(folder / "parts.json", {str(label): name for label, name in phantom.parts.names.items()})
    write_bytes(folder / "report.txt", phantom.report.encode())
    write_json(folder / TRUTH, phantom.truth)


def _replace_files(staging: Path, folder: Path) -> None:
    """The truth goes first and comes last: meanwhile the folder vouches for nothing."""
    (folder / TRUTH).unlink()
    for path in sorted(staging.iterdir(), key=lambda path: path.name == TRUTH):
        path.replace(folder / path.name)

"""`rsuper phantom`: case folders, resume, wrong input."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest

from RSuperLib.cli import main
from RSuperLib.io import Cancelled, InputError, RSuperError
from RSuperLib.phantom import Phantom, PhantomSettings, case_seed, make_batch, make_phantom, write_phantom

FILES = {"ct.nii.gz", "parts.nii.gz", "parts.json", "lesions.nii.gz", "report.txt", "truth.json"}
SETTINGS = PhantomSettings(prevalence=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phantoms") / "out"
    assert main(["phantom", "--out", str(out), "--cases", "2", "--seed", "7", "--prevalence", "1"]) == 0
    return out


def test_case_folders_are_complete(folder: Path) -> None:
    cases = sorted(folder.iterdir())
    assert [case.name for case in cases] == ["phantom_000000", "phantom_000001"]
    for case in cases:
        assert {path.name for path in case.iterdir()} == FILES
        truth = json.loads((case / "truth.json").read_text())
        assert truth["schema_version"] == 1


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(case_seed(7, 0), SETTINGS)


def test_files_hold_the_phantom(folder: Path, phantom: Phantom) -> None:
    case = folder / "phantom_000000"
    ct, lesions = nibabel.load(case / "ct.nii.gz"), nibabel.load(case / "lesions.nii.gz")
    assert ct.get_data_dtype() == np.int16
    assert lesions.get_data_dtype() == np.uint16
    assert np.array_equal(np.asarray(ct.dataobj), phantom.ct.array)
    assert np.allclose(ct.affine, phantom.ct.grid.affine, atol=1e-3)
    assert np.allclose(lesions.affine, ct.affine)
    names = json.loads((case / "parts.json").read_text())
    assert {int(label): name for label, name in names.items()} == phantom.parts.names
    assert (case / "report.txt").read_text() == phantom.report


def test_same_bytes_whatever_the_number_of_cases(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["phantom", "--out", str(tmp_path), "--seed", "7", "--prevalence", "1", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["cases"], result["made"]) == (["phantom_000000"], 1)
    for name in FILES:
        first = (folder / "phantom_000000" / name).read_bytes()
        assert (tmp_path / "phantom_000000" / name).read_bytes() == first


def test_complete_cases_are_kept_and_missing_ones_made(folder: Path) -> None:
    kept = folder / "phantom_000000" / "truth.json"
    before = kept.stat().st_mtime_ns
    shutil.rmtree(folder / "phantom_000001")
    batch = make_batch(folder, 2, 7, SETTINGS)
    assert batch.made == 1
    assert kept.stat().st_mtime_ns == before
    assert {path.name for path in batch.cases[1].iterdir()} == FILES


def test_a_cancelled_run_keeps_what_is_complete(folder: Path) -> None:
    def stop(_stage: str, fraction: float) -> None:
        if fraction > 0.6:
            raise Cancelled

    with pytest.raises(Cancelled):
        make_batch(folder, 3, 7, SETTINGS, stop)
    assert sorted(path.name for path in folder.iterdir()) == ["phantom_000000", "phantom_000001"]


def test_a_run_that_dies_while_writing_leaves_no_half_case(tmp_path: Path, phantom: Phantom) -> None:
    broken = replace(phantom, truth={"not": {"json"}})
    with pytest.raises(TypeError):
        write_phantom(broken, tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_phantom_is_refused_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "phantom_000000" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    assert main(["phantom", "--out", str(tmp_path)]) == 2
    assert "no complete phantom" in capsys.readouterr().err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [notes]


def test_writing_over_a_phantom_keeps_the_files_of_others(tmp_path: Path, phantom: Phantom) -> None:
    case = tmp_path / "case"
    write_phantom(phantom, case)
    (case / "notes.txt").write_text("mine")
    write_phantom(replace(phantom, report="Another one."), case)
    assert {path.name for path in case.iterdir()} == {*FILES, "notes.txt"}
    assert (case / "report.txt").read_text() == "Another one."
    assert list(tmp_path.iterdir()) == [case]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, phantom: Phantom) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RSuperError, match="could not be written"):
        write_phantom(phantom, tmp_path / "file" / "sub" / "case")
    with pytest.raises(InputError, match="may not be looked at"):
        make_batch(tmp_path / ("x" * 300), 1, 0, SETTINGS)


def test_other_settings_in_the_same_folder_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="another seed or other settings"):
        make_batch(folder, 2, 8, SETTINGS)


@pytest.mark.parametrize(
    "words",
    [["--cases", "0"], ["--seed", "-1"], ["--organs", "brain"], ["--phase", "late"], ["--prevalence", "2"],
     ["--geometry", "nowhere"], ["--size", "huge"]],
)  # fmt: skip
def test_bad_input_is_one_sentence(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["phantom", "--out", str(tmp_path / "out"), *words]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("rsuper: ")
    assert "\n" not in error
    assert not list(tmp_path.glob("out/*"))


def test_a_file_as_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        make_batch(tmp_path / "file", 1, 0, SETTINGS)

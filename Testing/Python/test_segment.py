"""`rsuper segment` as a user meets it: the whole way, its files, bad input, cancel, corrections kept."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the name its own documentation uses

from RSuperLib.cli import main
from RSuperLib.io.errors import Cancelled, InputError
from RSuperLib.worker import Worker
from RSuperLib.worker.outputs import FILES, RESULTS
from RSuperLib.worker.segment import SegmentRequest, segment_case

SHAPE = (48, 44, 40)
SPACING = 2.5
REPORT = """\
FINDINGS: There is a 2.5 cm hypodense mass in segment 7 of the liver. The spleen is unremarkable.
IMPRESSION: Liver mass.
"""
#: Right-to-left, anterior-to-posterior, superior-to-inferior storage: no file axis points the way that RAS does.
AFFINE = np.array([[-SPACING, 0, 0, 60], [0, -SPACING, 0, 55], [0, 0, -SPACING, 50], [0, 0, 0, 1]])


def ball(centre: tuple[int, int, int], radius_mm: float) -> np.ndarray[Any, Any]:
    index = np.indices(SHAPE)
    squared = sum((axis - at) ** 2 for axis, at in zip(index, centre, strict=True))
    return np.asarray(squared * SPACING**2 <= radius_mm**2)


def save(path: Path, array: np.ndarray[Any, Any]) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, AFFINE), path)
    return path


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT of a ball of liver with a dark ball in it, its parts and its report."""
    folder = tmp_path_factory.mktemp("case")
    body, liver, tumour = ball((24, 22, 20), 52), ball((24, 22, 20), 40), ball((28, 22, 20), 12.5)
    ct = np.full(SHAPE, -1000.0)
    ct[body], ct[liver], ct[tumour] = -90, 110, 50
    noisy = ct + np.random.default_rng(0).normal(0, 8, SHAPE)
    save(folder / "ct.nii.gz", noisy.astype(np.int16))
    save(folder / "tumour.nii.gz", tumour.astype(np.uint8))
    save(folder / "parts.nii.gz", liver.astype(np.uint8) * 3)
    (folder / "parts.json").write_text('{"3": "liver_segment_7"}')
    (folder / "report.txt").write_text(REPORT)
    return folder


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker() as worker:
        yield worker


def request(case: Path, out: Path, **changes: str | None) -> dict[str, str | None]:
    paths = {name: str(case / f"{name}{end}") for name, end in (("ct", ".nii.gz"), ("parts", ".nii.gz"))}
    return {**paths, "report": str(case / "report.txt"), "out": str(out), **changes}


def dice(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_the_command_goes_the_whole_way(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "results"
    words = [str(case / "ct.nii.gz"), "--report", str(case / "report.txt"), "--parts", str(case / "parts.nii.gz")]
    assert main(["segment", *words, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "agrees" in said
    assert str(out) in said
    assert {path.name for path in out.iterdir()} == set(FILES)
    lesions, truth = nibabel.load(out / "lesions.nii.gz"), nibabel.load(case / "tumour.nii.gz")
    assert lesions.shape == SHAPE
    assert np.allclose(lesions.affine, AFFINE)
    assert nibabel.aff2axcodes(lesions.affine) == ("L", "P", "I")
    assert lesions.get_data_dtype() == np.uint16
    assert dice(np.asarray(lesions.dataobj) == 1, np.asarray(truth.dataobj) > 0) > 0.85


@pytest.fixture(scope="module")
def results(case: Path, worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "results"
    worker.run("segment", request(case, out))
    return out


def test_every_mask_lies_on_the_grid_of_the_ct(results: Path) -> None:
    probabilities = nibabel.load(results / "probabilities.nii.gz")
    assert probabilities.get_data_dtype() == np.uint8
    assert np.allclose(probabilities.affine, AFFINE)
    seg = sitk.ReadImage(str(results / "lesions.seg.nrrd"))
    assert seg.GetSize() == SHAPE
    # SimpleITK counts millimetres left-posterior-superior, NIfTI right-anterior-superior
    assert np.allclose(np.array(seg.GetOrigin()) * [-1, -1, 1], AFFINE[:3, 3])
    assert np.array_equal(sitk.GetArrayFromImage(seg).T, np.asarray(nibabel.load(results / "lesions.nii.gz").dataobj))


def test_the_records_say_what_was_done(results: Path) -> None:
    run = json.loads((results / "run.json").read_text())
    assert run["source"]["used"] == "finder"
    assert run["source"]["requested"] == "auto"
    assert "does not confirm" in run["warnings"][-1]
    assert {stage["name"] for stage in run["stages"]} >= {"read CT", "read report", "find", "agree", "write", "draw"}
    assert all(stage["seconds"] >= 0 and stage["peak_memory_mb"] > 10 for stage in run["stages"])
    agreement = json.loads((results / "agreement.json").read_text())
    assert [row["state"] for row in agreement["rows"]] == ["agrees"]
    assert agreement["lesions"][0]["parts"] == ["liver_segment_7"]
    reading = json.loads((results / "reading.json").read_text())
    evidence = reading["findings"][0]["evidence"][0]
    assert REPORT[evidence["start"] : evidence["end"]] == evidence["text"]


def test_the_same_run_twice_gives_the_same_masks(case: Path, results: Path, worker: Worker) -> None:
    before = (results / "lesions.nii.gz").read_bytes()
    worker.run("segment", request(case, results))
    assert (results / "lesions.nii.gz").read_bytes() == before


def test_a_corrected_mask_is_never_overwritten(case: Path, results: Path, worker: Worker, tmp_path: Path) -> None:
    out = Path(shutil.copytree(results, tmp_path / "results"))
    corrected = np.asarray(nibabel.load(out / "lesions.nii.gz").dataobj).copy()
    corrected[0, 0, 0] = 9
    save(out / "lesions.nii.gz", corrected)
    with pytest.raises(InputError, match="corrected"):
        worker.run("segment", request(case, out))
    assert np.asarray(nibabel.load(out / "lesions.nii.gz").dataobj)[0, 0, 0] == 9


def test_nothing_to_find_gives_the_same_files_empty(case: Path, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("FINDINGS: The spleen is unremarkable. The kidneys are normal.")
    out = tmp_path / "results"
    result = worker.run("segment", request(case, out, report=str(tmp_path / "report.txt")))
    assert {path.name for path in out.iterdir()} == set(FILES)
    assert result["lesions"] == []
    assert not np.asarray(nibabel.load(out / "lesions.nii.gz").dataobj).any()


def test_a_finding_whose_part_is_missing_cannot_be_told(case: Path, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("FINDINGS: There is a 3 cm mass in the tail of the pancreas.")
    result = worker.run("segment", request(case, tmp_path / "out", report=str(tmp_path / "report.txt")))
    assert [row["state"] for row in result["rows"]] == ["cannot tell"]
    assert "pancreas" in " ".join(result["rows"][0]["reasons"])


def test_an_unread_language_finds_nothing_and_clears_nothing(case: Path, worker: Worker, tmp_path: Path) -> None:
    (tmp_path / "report.txt").write_text("Im linken Leberlappen findet sich keine Raumforderung, die Milz ist normal.")
    result = worker.run("segment", request(case, tmp_path / "out", report=str(tmp_path / "report.txt")))
    assert result["rows"] == []
    assert any("not read" in warning for warning in result["warnings"])
    assert json.loads((tmp_path / "out" / "reading.json").read_text())["organs"] == []


def test_without_parts_the_reading_is_there_and_the_warning_says_what_to_do(
    case: Path, worker: Worker, tmp_path: Path
) -> None:
    result = worker.run("segment", request(case, tmp_path / "out", parts=None))
    assert [row["state"] for row in result["rows"]] == ["cannot tell"]
    assert any("--parts" in warning for warning in result["warnings"])


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), Path.mkdir], ids=["file", "folder"])
def test_what_others_left_in_the_folder_survives(
    case: Path, worker: Worker, tmp_path: Path, name: str, make: Callable[[Path], Any]
) -> None:
    (tmp_path / "out").mkdir()
    make(tmp_path / "out" / name)
    with pytest.raises(InputError):
        worker.run("segment", request(case, tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def segment_watched(case: Path, out: Path, watch: Callable[[str], Any]) -> None:
    """Segment in this process and tell `watch` every stage."""
    segment_case(SegmentRequest.from_arguments(request(case, out)), lambda stage, _fraction: watch(stage))


@pytest.mark.parametrize("name", RESULTS)
def test_a_correction_made_while_a_run_goes_on_is_kept(case: Path, results: Path, tmp_path: Path, name: str) -> None:
    out = Path(shutil.copytree(results, tmp_path / "out"))
    with pytest.raises(InputError, match="corrected"):
        segment_watched(case, out, lambda stage: (out / name).write_text("mine") if stage == "done" else None)
    assert (out / name).read_text() == "mine"
    assert {path.name for path in out.iterdir()} == set(FILES)


@pytest.mark.parametrize(("exists", "place"), [(True, "a/out"), (False, ".")])
def test_files_are_made_on_the_disk_that_they_stay_on(case: Path, tmp_path: Path, exists: bool, place: str) -> None:
    """A folder that is there may be a disk of its own; one that is not there yet appears with all its files."""
    out, seen = tmp_path / "a" / "out", []
    if exists:
        out.mkdir(parents=True)

    def watch(stage: str) -> None:
        seen.extend((tmp_path / place).glob(".writing-*") if stage == "drawing" else [])

    segment_watched(case, out, watch)
    assert len(seen) == 1
    assert {path.name for path in out.iterdir()} == set(FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_run_that_is_stopped_late_leaves_no_folders(case: Path, tmp_path: Path) -> None:
    def watch(stage: str) -> None:
        if stage == "drawing":
            raise Cancelled

    with pytest.raises(Cancelled):
        segment_watched(case, tmp_path / "a" / "b" / "out", watch)
    assert list(tmp_path.iterdir()) == []


def test_what_killed_runs_left_behind_is_cleared_away_after_a_day(case: Path, worker: Worker, tmp_path: Path) -> None:
    for name, days in ((".writing-old", 2), (".writing-new", 0), ("mine", 2)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lesions.nii.gz").touch()
        os.utime(tmp_path / name, (time.time() - days * 86400,) * 2)
    worker.run("segment", request(case, tmp_path / "out"))
    assert {path.name for path in tmp_path.iterdir()} == {".writing-new", "mine", "out"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask and no names that are not Unicode")
def test_results_have_the_permissions_that_the_user_set_and_any_name(
    case: Path, worker: Worker, tmp_path: Path
) -> None:
    out = tmp_path / os.fsdecode(b'caf\xe9 \xf0\x9f\x98\x80 "(1)"')
    worker.run("segment", request(case, out))
    mask = os.umask(0)
    os.umask(mask)
    assert out.stat().st_mode & 0o777 == 0o777 & ~mask
    assert {(out / name).stat().st_mode & 0o777 for name in FILES} == {0o666 & ~mask}


def test_cancel_leaves_nothing(case: Path, worker: Worker, tmp_path: Path) -> None:
    def stop(_stage: str, _fraction: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        worker.run("segment", request(case, tmp_path / "out"), stop)
    assert list(tmp_path.iterdir()) == []


def write_2d(case: Path, to: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((20, 20), np.int16), np.eye(4)), to)


def write_truncated(case: Path, to: Path) -> None:
    content = (case / "ct.nii.gz").read_bytes()
    to.write_bytes(content[: len(content) // 2])


def write_nan(case: Path, to: Path) -> None:
    array = np.asarray(nibabel.load(case / "ct.nii.gz").dataobj, np.float32).copy()
    array[3, 3, 3] = np.nan
    save(to, array)


def write_zero_spacing(case: Path, to: Path) -> None:
    content = bytearray(gzip.decompress((case / "ct.nii.gz").read_bytes()))
    for place in (76 + 3 * 4, 312 + 2 * 4):  # NIfTI-1: pixdim[3], and what k moves along z in srow_z
        content[place : place + 4] = struct.pack("<f", 0.0)
    content[252:254] = struct.pack("<h", 0)  # qform_code: no second opinion
    to.write_bytes(gzip.compress(bytes(content)))


def write_not_ct(case: Path, to: Path) -> None:
    save(to, np.random.default_rng(1).integers(0, 255, SHAPE).astype(np.int16))


BAD_CTS: list[tuple[Callable[[Path, Path], Any], str]] = [
    (write_2d, "2-D|two-dimensional|three"),
    (lambda _case, to: to.write_bytes(b""), "empty"),
    (write_truncated, "truncated|incomplete|damaged|ends"),
    (write_nan, "NaN|not a number|not numbers"),
    (write_zero_spacing, "spacing|affine|size"),
    (write_not_ct, "CT|Hounsfield"),
    (lambda _case, to: to.write_text("I am no image"), "not a|image|damaged"),
]


def complaint(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command, check that it refuses properly, and return its one sentence."""
    assert main(words) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err.count("\n") == 1, heard.err
    assert "Traceback" not in heard.err
    return heard.err


@pytest.mark.parametrize(("write", "words"), BAD_CTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_bad_ct_is_refused_and_nothing_is_written(
    case: Path, worker: Worker, tmp_path: Path, write: Callable[[Path, Path], Any], words: str
) -> None:
    write(case, tmp_path / "ct.nii.gz")
    with pytest.raises(InputError, match=f"(?i){words}") as error:
        worker.run("segment", request(case, tmp_path / "out", ct=str(tmp_path / "ct.nii.gz")))
    assert error.value.next_step
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nii.gz"]


BAD_REPORTS = [
    (b"", "empty"),
    (b" \n\t ", "empty"),
    (b"\x00\x01\x02\xff\xfe binary" * 40, "text"),
    (b"A 2 cm mass in the liver. " * 45_000, "MB|long|large"),
]


@pytest.mark.parametrize(("content", "words"), BAD_REPORTS, ids=["empty", "blank", "binary", "1 MB"])
def test_a_bad_report_is_refused(case: Path, worker: Worker, tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "report.txt").write_bytes(content)
    with pytest.raises(InputError, match=f"(?i){words}"):
        worker.run("segment", request(case, tmp_path / "out", report=str(tmp_path / "report.txt")))
    assert not (tmp_path / "out").exists()


def test_parts_on_another_grid_are_refused(case: Path, worker: Worker, tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.ones((10, 10, 10), np.uint8), np.eye(4)), tmp_path / "parts.nii.gz")
    shutil.copy(case / "parts.json", tmp_path)
    with pytest.raises(InputError, match=r"grid|shape|voxels"):
        worker.run("segment", request(case, tmp_path / "out", parts=str(tmp_path / "parts.nii.gz")))


def test_an_unknown_part_name_is_refused_with_a_suggestion(case: Path, worker: Worker, tmp_path: Path) -> None:
    shutil.copy(case / "parts.nii.gz", tmp_path)
    (tmp_path / "parts.json").write_text('{"3": "livr_segment_7"}')
    with pytest.raises(InputError, match="liver_segment_7"):
        worker.run("segment", request(case, tmp_path / "out", parts=str(tmp_path / "parts.nii.gz")))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"report": None}, "report"),
        ({"parts": None, "source": "finder"}, "parts"),
        ({"source": "model"}, "weights"),
        ({"model": "R-Super"}, "weights"),
        ({"source": "guess"}, "source"),
        ({"ct": "/nowhere/ct.nii.gz"}, "ct.nii.gz"),
        ({"report": "-"}, "cannot be read"),
        ({"parts": "x" * 300}, "do not exist"),
    ],
)
def test_what_cannot_be_done_is_said(
    case: Path, worker: Worker, tmp_path: Path, changes: dict[str, str | None], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        worker.run("segment", request(case, tmp_path / "out", **changes))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("out", "words"), [("ct.nii.gz", "is a file"), ("ct.nii.gz/x", "file"), ("x" * 300, "used")])
def test_a_place_that_is_no_folder_is_refused_at_once(case: Path, worker: Worker, out: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        worker.run("segment", request(case, case / out, ct="not even looked for"))


def test_the_command_complains_in_one_line(case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ct.nii.gz").write_bytes(b"")
    words = ["segment", str(tmp_path / "ct.nii.gz"), "--report", str(case / "report.txt"), "--out", str(tmp_path / "o")]
    assert "empty" in complaint(words, capsys)
    assert not (tmp_path / "o").exists()


def test_errors_travel_as_json_too(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "RSuperLib.cli", "segment", str(tmp_path / "no.nii"), "--out", str(tmp_path), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["kind"] == "input"


def rsuper(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program, as from a terminal in `folder`."""
    program = "import sys; from RSuperLib.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, *words],
        cwd=folder, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip


def test_files_of_the_users_folder_are_no_modules(case: Path, tmp_path: Path) -> None:
    for name in ("numpy.py", "json.py", "io.py", "RSuperLib.py"):
        (tmp_path / name).write_text("raise SystemExit(9)")
    words = [f"{case}/ct.nii.gz", "--report", f"{case}/report.txt", "--parts", f"{case}/parts.nii.gz", "--out", "~/out"]
    done = rsuper(
        ["segment", *words], tmp_path, HOME=str(tmp_path), USERPROFILE=str(tmp_path), PYTHONIOENCODING="ascii"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "agrees" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)


@pytest.mark.parametrize("option", ["--out", "--report", "--parts"])
@pytest.mark.parametrize("path", ["", " ", "~nobody-of-this-name/x"])
def test_an_empty_path_is_refused(option: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "path" in complaint(["segment", "ct.nii.gz", "--out", "out", option, path], capsys)


def test_the_demo_needs_a_seed_that_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "negative" in complaint(["demo", "--seed", "-1", "--out", str(tmp_path / "out")], capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_overwrites_no_other_patient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "patient").mkdir()
    (tmp_path / "patient" / "ct.nii.gz").write_text("mine")
    assert "no complete phantom" in complaint(["demo", "--out", str(tmp_path)], capsys)
    assert (tmp_path / "patient" / "ct.nii.gz").read_text() == "mine"


@pytest.mark.parametrize("extent", ["one voxel", "everything", "one slice at the border"])
def test_strange_parts_are_no_crash(extent: str, case: Path, tmp_path: Path, worker: Worker) -> None:
    part = np.full(SHAPE, 3 if extent == "everything" else 0, np.uint8)
    part[{"one voxel": np.s_[24, 22, 20], "one slice at the border": np.s_[:, :, 0]}.get(extent, np.s_[0, 0, 0])] = 3
    parts = save(tmp_path / "parts.nii.gz", part)
    shutil.copy(case / "parts.json", tmp_path)
    (row,) = worker.run("segment", request(case, tmp_path / "out", parts=str(parts)))["rows"]
    assert row["state"] in ("agrees", "differs") or row["reasons"]

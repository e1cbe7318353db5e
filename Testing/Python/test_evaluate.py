"""`rsuper evaluate` on small boxes whose figures can be counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from RSuperLib.cli import main
from RSuperLib.evaluation.folders import evaluate_folders, reported_truth
from RSuperLib.evaluation.published import published_table, published_thresholds, published_volume
from RSuperLib.evaluation.summary import compare, summarise, validation_threshold
from RSuperLib.io import Grid, InputError, write_json, write_nifti
from RSuperLib.report import read_report

GRID = Grid((20, 20, 20), np.eye(4))
Box = tuple[int, int]  # first voxel and edge, the same along every axis


def write_case(folder: Path, *boxes: Box, organs: dict[str, str] | None = None, probability: float = 0.0) -> None:
    """A case with cubes as lesions 1, 2, …, each of the given probability."""
    labels = np.zeros(GRID.shape, np.uint8)
    for label, (start, edge) in enumerate(boxes, start=1):
        labels[(slice(start, start + edge),) * 3] = label
    folder.mkdir(parents=True)
    write_nifti(folder / "lesions.nii.gz", labels, GRID)
    if probability:
        write_nifti(folder / "probabilities.nii.gz", np.where(labels > 0, probability, 0).astype(np.float32), GRID)
    if organs is not None:
        write_json(folder / "lesions.json", {"lesions": organs, "annotated": sorted(set(organs.values()))})


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """a: found exactly; b: missed; c: nothing there, nothing found; d: nothing there, 27 voxels found."""
    predicted, reference = tmp_path / "predicted", tmp_path / "reference"
    for name, found, true in (("a", [(2, 4)], [(2, 4)]), ("b", [], [(5, 4)]), ("c", [], []), ("d", [(9, 3)], [])):
        write_case(predicted / name, *found, probability=0.75)
        write_case(reference / name, *true)
    return predicted, reference


def test_figures_are_those_counted_by_hand(folders: tuple[Path, Path]) -> None:
    result = summarise(evaluate_folders(*folders), threshold=30.0)
    assert [row["score"] for row in result["rows"]] == [48.0, 0.0, 0.0, 20.25]  # 64 and 27 mm3 at 0.75
    case = result["case_level"]
    assert (case["sensitivity"]["value"], case["specificity"]["value"]) == (0.5, 1.0)
    assert case["f1"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert case["auc"]["value"] == pytest.approx(2.5 / 4)  # a above both, b level with c and below d
    lesion = result["lesion_level"]
    assert (lesion["recall"]["value"], lesion["precision"]["value"], lesion["f1"]["value"]) == (0.5, 0.5, 0.5)
    assert result["voxel_level"]["dice"]["value"] == 0.5
    assert result["voxel_level"]["volume_error_mm3"]["value"] == -32.0
    assert result["free_response"] == [[0.25, 0.5]]


def test_lesions_of_another_organ_do_not_match(tmp_path: Path) -> None:
    write_case(tmp_path / "predicted" / "a", (2, 4), organs={"1": "kidney"})
    write_case(tmp_path / "reference" / "a", (2, 4), organs={"1": "liver"})
    paths = (tmp_path / "predicted", tmp_path / "reference")
    assert summarise(evaluate_folders(*paths), None)["lesion_level"]["recall"]["value"] == 0.0
    (liver,) = evaluate_folders(*paths, organ="liver")
    assert (liver.truth, liver.score) == (True, 0.0)


def test_a_report_is_enough_for_the_case_level(folders: tuple[Path, Path]) -> None:
    predicted, reference = folders
    for name in "abcd":
        (reference / name / "lesions.nii.gz").unlink()
        text = "There is a 2 cm mass in the liver." if name in "ab" else "The liver is normal."
        (reference / name / "report.txt").write_text(f"FINDINGS: {text}\n")
    result = summarise(evaluate_folders(predicted, reference, "liver"), 30.0)
    assert [row["truth"] for row in result["rows"]] == [True, True, False, False]
    assert result["cases_with_masks"] == 0
    assert result["case_level"]["sensitivity"]["value"] == 0.5


def test_silence_of_a_report_is_no_truth() -> None:
    reading = read_report("FINDINGS: The liver is normal.\n")
    assert reported_truth(reading, "liver") is False
    assert reported_truth(reading, "pancreas") is None


def test_the_validation_cases_give_the_threshold(folders: tuple[Path, Path]) -> None:
    assert 20.25 < validation_threshold(evaluate_folders(*folders)) < 48


def test_a_model_compared_with_itself_differs_by_nothing(folders: tuple[Path, Path]) -> None:
    cases = evaluate_folders(*folders)
    result = compare(cases, cases, (30.0, 30.0))
    assert [result["f1"][key] for key in ("value", "low", "high")] == [0, 0, 0]
    assert result["dice"]["value"] == 0


def test_a_case_without_prediction_is_refused(folders: tuple[Path, Path]) -> None:
    (folders[0] / "b" / "lesions.nii.gz").unlink()
    with pytest.raises(InputError, match="1 of 4 cases"):
        evaluate_folders(*folders)


def test_published_thresholds_and_opening() -> None:
    assert len(published_thresholds()) == 297
    cube, sheet = np.zeros(GRID.shape, bool), np.zeros(GRID.shape, bool)
    cube[4:9, 4:9, 4:9] = True
    sheet[4:6] = True
    assert published_volume(cube, GRID) == 125
    assert published_volume(sheet, GRID) == 0
    assert published_volume(cube, Grid(GRID.shape, np.diag([2.0, 2.0, 2.0, 1.0]))) == pytest.approx(1000, rel=0.2)
    rows = {row.threshold_mm3: row for row in published_table([500, 50, 90, 0], [True, True, False, False])}
    assert (rows[100].sensitivity, rows[100].specificity) == (0.5, 1.0)
    assert rows[100].f1 == pytest.approx(2 / 3)


def test_the_command_writes_numbers_and_a_page_without_links(folders: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["evaluate", *map(str, folders), "--threshold", "30", "--against", str(folders[0])]
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert result["case_level"]["f1"]["value"] == pytest.approx(0.6667)
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "0.667" in page and page.count("data:image/png") == 2
    assert "http" not in page.replace("data:image/png;base64", "")[:4000] and "<script" not in page


def test_the_test_set_may_not_give_the_threshold(folders: tuple[Path, Path]) -> None:
    assert main(["evaluate", *map(str, folders), "--validation", *map(str, folders)]) == 2

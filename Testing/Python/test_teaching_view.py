"""What a case teaches, explained: levels, numbers and the picture."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_cases import toy_case, toy_reading

from RSuperLib.cli import main
from RSuperLib.io import InputError, write_json, write_nifti
from RSuperLib.report import Reading
from RSuperLib.training.explain import BACKGROUND, LESION, SEARCHED, UNKNOWN, explain_case


def test_a_reported_lesion_is_searched_in_its_organ() -> None:
    case = replace(toy_case(0, lesion=True), annotation=None)
    (liver,) = explain_case(case)
    region = case.parts.region(["liver"])
    assert region is not None
    assert (liver.levels[region] == SEARCHED).all() and (liver.levels[~region] == BACKGROUND).all()
    (lesion,) = liver.lesions
    assert lesion.diameters_mm == (10, 10, 10) and lesion.stated and lesion.certainty == 1
    ball = np.pi / 6 * 10**3
    assert lesion.volume_mm3[0] < ball and lesion.volume_mm3[1] is not None


def test_masks_teach_voxel_by_voxel() -> None:
    case = toy_case(0, lesion=True)
    assert case.annotation is not None
    (liver,) = explain_case(case)
    assert np.array_equal(liver.levels == LESION, case.annotation.lesions.array == 1)
    assert not liver.lesions


def test_a_clear_organ_is_background_and_a_report_not_read_teaches_nothing() -> None:
    case = replace(toy_case(1, lesion=False), annotation=None)
    (liver,) = explain_case(case)
    assert (liver.levels == BACKGROUND).all()
    finding_but_unread = toy_reading([10.0]).model_copy(update={"status": "not_read", "reason": "language"})
    (unread,) = explain_case(replace(case, reading=finding_but_unread))
    assert (unread.levels == UNKNOWN).all() and "could not be read" in unread.notes[0]


def test_a_denied_lesion_is_left_out_with_its_reason() -> None:
    reading = toy_reading([10.0], presence="absent")
    clear = toy_reading(None)
    case = replace(toy_case(0, lesion=False), annotation=None)
    (liver,) = explain_case(replace(case, reading=Reading(findings=reading.findings, organs=clear.organs)))
    assert not liver.lesions and "(it is absent)" in liver.notes[0]


def test_a_case_without_report_and_masks_is_refused() -> None:
    with pytest.raises(InputError, match="neither"):
        explain_case(replace(toy_case(0, lesion=False), annotation=None, reading=None))


def test_the_command_writes_picture_and_numbers(tmp_path: Path) -> None:
    case, folder = toy_case(0, lesion=True), tmp_path / "case"
    folder.mkdir()
    write_nifti(folder / "ct.nii.gz", case.ct.array, case.ct.grid)
    region = case.parts.region(["liver"])
    assert region is not None
    write_nifti(folder / "parts.nii.gz", region.astype(np.uint8), case.ct.grid)
    write_json(folder / "parts.json", {"1": "liver"})
    (folder / "report.txt").write_text("FINDINGS: There is a 2 cm hypodense mass in the liver.\n")
    out = tmp_path / "view.png"
    assert main(["supervision", "show", str(folder), "--out", str(out)]) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    (organ,) = json.loads(out.with_suffix(".json").read_text())["organs"]
    assert organ["organ"] == "liver" and organ["lesions"][0]["diameters_mm"] == [20, 20, 20]
    assert organ["ml"]["searched"] == pytest.approx(float(region.sum()) * case.ct.grid.voxel_volume_mm3 / 1000, abs=0.1)

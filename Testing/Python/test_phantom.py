"""A phantom's image, masks, report and truth agree with each other."""

from __future__ import annotations

import itertools
from pathlib import Path

import nibabel
import numpy as np
import pytest

from RSuperLib.io import Grid, InputError, write_nifti
from RSuperLib.phantom import Phantom, PhantomSettings, make_phantom
from RSuperLib.phantom.lesions import PART_SHARE
from RSuperLib.phantom.measure import lesion_diameters
from RSuperLib.phantom.parts import ORGAN_PARTS, PART_LABELS
from RSuperLib.phantom.scanner import file_grid, random_orientation, to_file_axes
from RSuperLib.report.schema import Finding, OrganStatus

#: Few and diverse, because every one costs seconds: (seed, settings).
CASES = (
    (0, PhantomSettings(prevalence=1, phase="none")),
    (1, PhantomSettings(prevalence=1, phase="arterial")),
    (3, PhantomSettings(prevalence=1, phase="portal", organs=("lung",))),
    (2, PhantomSettings(prevalence=1, organs=("liver", "pancreas", "colon"))),
    (5, PhantomSettings(prevalence=1, organs=("spleen",), max_lesions=1)),
)


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [make_phantom(seed, settings) for seed, settings in CASES]


def canonical(phantom: Phantom, array: np.ndarray) -> tuple[np.ndarray, tuple[float, float, float]]:
    """The array with axes right, front, head, by nibabel, and its spacing."""
    image = nibabel.as_closest_canonical(nibabel.Nifti1Image(array, phantom.ct.grid.affine))
    spacing = image.header.get_zooms()
    return np.asarray(image.dataobj), (float(spacing[0]), float(spacing[1]), float(spacing[2]))


def part_mask(phantom: Phantom, *names: str) -> np.ndarray:
    return np.isin(phantom.parts.array, [PART_LABELS[name] for name in names])


def centre(phantom: Phantom, mask: np.ndarray) -> np.ndarray:
    return phantom.ct.grid.to_world(np.argwhere(mask)).mean(0)


def test_same_seed_same_phantom(phantoms: list[Phantom]) -> None:
    again = make_phantom(*CASES[1])
    assert np.array_equal(again.ct.array, phantoms[1].ct.array)
    assert np.array_equal(again.parts.array, phantoms[1].parts.array)
    assert np.array_equal(again.lesions.array, phantoms[1].lesions.array)
    assert (again.report, again.truth) == (phantoms[1].report, phantoms[1].truth)


def test_other_seed_other_patient(phantoms: list[Phantom]) -> None:
    assert len({phantom.ct.array.shape for phantom in phantoms}) > 1
    assert len({phantom.report for phantom in phantoms}) == len(phantoms)


def test_maps_share_grid_and_types(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        assert phantom.ct.grid.shape == phantom.ct.array.shape == phantom.parts.array.shape
        assert phantom.lesions.grid is phantom.ct.grid
        assert phantom.ct.array.dtype == np.int16
        assert phantom.parts.array.dtype == np.uint8
        assert phantom.lesions.array.dtype == np.uint16
        assert set(np.unique(phantom.parts.array)) - {0} == set(phantom.parts.names)


def test_anatomy_lies_as_in_people(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        liver = centre(phantom, part_mask(phantom, *ORGAN_PARTS["liver"]))
        spleen = centre(phantom, part_mask(phantom, "spleen"))
        lungs = centre(phantom, part_mask(phantom, "lung_left", "lung_right"))
        kidneys = [centre(phantom, part_mask(phantom, f"kidney_{side}")) for side in ("left", "right")]
        assert liver[0] - spleen[0] > 80  # RAS: the liver is on the right
        assert kidneys[1][0] - kidneys[0][0] > 80
        assert liver[2] > kidneys[1][2]
        assert lungs[2] > liver[2]
        assert centre(phantom, part_mask(phantom, "stomach"))[1] > kidneys[0][1]


def test_organ_volumes_are_those_of_adults(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        millilitres = phantom.ct.grid.voxel_volume_mm3 / 1000
        liver = part_mask(phantom, *ORGAN_PARTS["liver"]).sum() * millilitres
        assert 800 < liver < 2600
        assert 50 < part_mask(phantom, "spleen").sum() * millilitres < 600
        for side in ("left", "right"):
            assert 50 < part_mask(phantom, f"kidney_{side}").sum() * millilitres < 500


def test_hounsfield_units(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        ct, free = phantom.ct.array, phantom.lesions.array == 0
        assert ct.min() >= -1024 and ct.max() <= 3071
        assert -900 < np.median(ct[part_mask(phantom, "lung_right")]) < -700
        assert 10 < np.median(ct[part_mask(phantom, *ORGAN_PARTS["liver"]) & free]) < 160
        assert (ct > 300).sum() > 500  # bone
    none, arterial = (np.median(p.ct.array[part_mask(p, "aorta")]) for p in phantoms[:2])
    assert none < 70
    assert arterial > 200


def test_truth_is_measured_on_the_masks(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        labels, spacing = canonical(phantom, phantom.lesions.array)
        assert set(np.unique(labels)) - {0} == {lesion["label"] for lesion in phantom.truth["lesions"]}
        for lesion in phantom.truth["lesions"]:
            mask = labels == lesion["label"]
            assert lesion["volume_mm3"] == pytest.approx(mask.sum() * np.prod(spacing), rel=1e-4)
            assert lesion["diameters_mm"] == pytest.approx(lesion_diameters(mask, spacing), abs=0.02)


def test_lesions_lie_in_their_parts(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        for lesion in phantom.truth["lesions"]:
            inside = phantom.lesions.array == lesion["label"]
            part = phantom.parts.array[inside]
            if lesion["organ"] == "lung":
                assert (part == 0).all()  # real lung masks leave solid tumours out
                continue
            assert np.isin(part, [PART_LABELS[name] for name in ORGAN_PARTS[lesion["organ"]]]).all()
            for name in lesion["parts"]:
                assert (part == PART_LABELS[name]).mean() > PART_SHARE * 0.6


def test_lung_lesions_lie_in_the_lung(phantoms: list[Phantom]) -> None:
    phantom = phantoms[2]
    nodules = [lesion for lesion in phantom.truth["lesions"] if lesion["organ"] == "lung"]
    assert nodules
    for lesion in nodules:
        middle = np.argwhere(phantom.lesions.array == lesion["label"]).mean(0).round().astype(int)
        box = tuple(slice(max(0, c - 12), c + 13) for c in middle)
        around = phantom.parts.array[box]
        assert (around == PART_LABELS[lesion["parts"][0]]).mean() > 0.2
        assert lesion["parts"] == [f"lung_{lesion['laterality']}"]


def rounded(values: list[float]) -> list[int]:
    return [max(1, int(value + 0.5)) for value in values]


def test_the_report_is_true(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        lesions = {lesion["label"]: lesion for lesion in phantom.truth["lesions"]}
        told = [label for finding in phantom.truth["findings"] for label in finding["lesions"]]
        assert sorted(told) == sorted(lesions)  # every lesion is reported once
        for record in phantom.truth["findings"]:
            members = [lesions[label] for label in record["lesions"]]
            check_finding(phantom, record, members)


def check_finding(phantom: Phantom, record: dict, members: list[dict]) -> None:
    finding = Finding.model_validate({k: v for k, v in record.items() if k not in ("lesions", "size_text")})
    for evidence in finding.evidence:
        assert phantom.report[evidence.start : evidence.end] == evidence.text
    if not members:
        assert finding.presence == "absent"
        return
    largest = max(members, key=lambda lesion: lesion["diameters_mm"][0])
    stated = finding.diameters_mm
    assert stated == rounded(largest["diameters_mm"])[: len(stated)]
    words = " ".join(finding.evidence[0].text.split())
    assert record["size_text"] in words
    assert {m["organ"] for m in members} == {finding.organ}
    assert finding.count in (None, len(members))
    assert all(set(m["parts"]) & set(finding.organ_masks) for m in members)
    if finding.attenuation:
        assert {m["attenuation"] for m in members} == {finding.attenuation}
    if finding.laterality in ("left", "right"):
        assert {m["laterality"] for m in members} == {finding.laterality}
    if not stated:
        assert (finding.size_min_mm or 0) <= largest["diameters_mm"][0] < (finding.size_max_mm or np.inf)


def test_organs_called_clear_have_no_lesion(phantoms: list[Phantom]) -> None:
    cleared = 0
    for phantom in phantoms:
        for record in phantom.truth["organs"]:
            status = OrganStatus.model_validate(record)
            assert phantom.report[status.evidence[0].start : status.evidence[0].end] == status.evidence[0].text
            cleared += status.status in ("normal", "no_lesion")
            for lesion in phantom.truth["lesions"]:
                other_side = status.laterality not in (None, lesion["laterality"])
                assert lesion["organ"] != status.organ or other_side
            cysts = {item["organ"] for item in phantom.truth["distractors"] if item["kind"] == "cyst"}
            assert status.organ not in cysts
    assert cleared > 10


def test_asked_organs_and_number_are_kept(phantoms: list[Phantom]) -> None:
    assert {lesion["organ"] for lesion in phantoms[2].truth["lesions"]} == {"lung"}
    assert [lesion["organ"] for lesion in phantoms[4].truth["lesions"]] == ["spleen"]


def test_axes_of_the_file_vary() -> None:
    array = np.arange(24).reshape(2, 3, 4)
    canonical_affine = np.diag([1.5, 2.0, 3.0, 1.0])
    codes = set()
    for seed in range(30):
        order, flips = random_orientation(np.random.default_rng(seed))
        turned = to_file_axes(array, order, flips)
        grid = file_grid((2, 3, 4), (1.5, 2.0, 3.0), order, flips, np.zeros(3))
        back = nibabel.as_closest_canonical(nibabel.Nifti1Image(turned.astype(np.int16), grid.affine))
        assert np.array_equal(np.asarray(back.dataobj), array)
        assert np.allclose(back.affine, canonical_affine)
        codes.add(nibabel.aff2axcodes(grid.affine))
    assert len(codes) > 6


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Two label maps with a box-shaped tumour of 30 x 20 x 12 mm in different axes."""
    (tmp_path / "masks").mkdir()
    for number, order in enumerate([(0, 1, 2), (2, 0, 1)]):
        labels = np.ones((40, 36, 30), np.uint8)
        labels[10:25, 10:20, 10:16] = 2
        turned = np.ascontiguousarray(labels.transpose(order))
        affine = np.diag([2.0, 2.0, 2.0, 1.0])[:, [*order, 3]]
        write_nifti(tmp_path / "masks" / f"{number}.nii.gz", turned, Grid(turned.shape, affine))
    return tmp_path / "masks"


def test_geometry_keeps_shape_and_size(masks: Path) -> None:
    settings = PhantomSettings(prevalence=1, organs=("liver",), max_lesions=1, geometry=masks)
    seen = 0
    for seed in range(2):
        for lesion in make_phantom(seed, settings).truth["lesions"]:
            seen += 1
            assert lesion["volume_mm3"] == pytest.approx(30 * 20 * 12, rel=0.3)
            assert lesion["diameters_mm"][0] == pytest.approx(np.hypot(30, 20), abs=5)
            assert lesion["diameters_mm"][2] == pytest.approx(12, abs=5)
    assert seen == 2


def test_geometry_without_tumours_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no label map"):
        make_phantom(0, PhantomSettings(geometry=tmp_path))
    write_nifti(tmp_path / "organ.nii.gz", np.ones((4, 4, 4), np.uint8), Grid((4, 4, 4), np.eye(4)))
    with pytest.raises(InputError, match="tumour"):
        make_phantom(0, PhantomSettings(geometry=tmp_path))
    with pytest.raises(InputError, match="does not exist"):
        make_phantom(0, PhantomSettings(geometry=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "wrong",
    [{"size": "huge"}, {"phase": "late"}, {"organs": ("brain",)}, {"organs": ()}, {"prevalence": 1.5}, {"contrast": 0},
     {"max_lesions": 0}],
)  # fmt: skip
def test_wrong_settings_are_input_errors(wrong: dict) -> None:
    with pytest.raises(InputError):
        PhantomSettings(**wrong)


def test_diameters_of_a_box_and_a_pixel() -> None:
    mask = np.zeros((20, 20, 8), bool)
    mask[3:13, 5:9, 2:5] = True
    axial, across, height = lesion_diameters(mask, (1.0, 1.0, 2.0))
    assert axial == pytest.approx(np.hypot(10, 3), abs=0.6)
    assert across == pytest.approx(4, abs=3.2)
    assert height == 6
    single = np.zeros((3, 3, 3), bool)
    single[1, 1, 1] = True
    assert lesion_diameters(single, (2.0, 2.0, 5.0)) == pytest.approx((2, 2, 5))


def test_diameters_of_a_turned_ellipse() -> None:
    i, j = np.meshgrid(np.arange(100) - 50.0, np.arange(100) - 50.0, indexing="ij")
    for degrees in (0, 20, 45, 70):
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        ellipse = ((i * cosine + j * sine) / 30) ** 2 + ((j * cosine - i * sine) / 15) ** 2 < 1
        axial, across, _ = lesion_diameters(ellipse[:, :, None], (0.5, 0.5, 1.0))
        assert axial == pytest.approx(30, abs=0.6)
        assert across == pytest.approx(15, abs=0.8)


def test_lesions_do_not_touch(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        labels = phantom.lesions.array.astype(int)
        for axis, step in itertools.product(range(3), (1,)):
            a, b = np.moveaxis(labels, axis, 0)[:-step], np.moveaxis(labels, axis, 0)[step:]
            assert not ((a != b) & (a > 0) & (b > 0)).any()

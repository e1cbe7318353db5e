"""Part names, and part masks from folders, label maps and segmentations."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from RSuperLib.anatomy import Parts, canonical_name, load_parts, no_parts, organ_parts, part
from RSuperLib.anatomy.table import table
from RSuperLib.io import Grid, InputError, LabelMap, write_nifti
from RSuperLib.report.schema import Organ

SHAPE = (20, 16, 12)
AFFINE = np.array([[-0.8, 0, 0, 30], [0, -0.8, 0, 40], [0, 0, 2.5, -50], [0, 0, 0, 1.0]])
CT = Grid(SHAPE, AFFINE)

#: Classes of TotalSegmentator (v2 "total"), without its runs of vertebrae and ribs.
TOTAL = """
spleen kidney_right kidney_left gallbladder liver stomach pancreas adrenal_gland_right adrenal_gland_left
lung_upper_lobe_left lung_lower_lobe_left lung_upper_lobe_right lung_middle_lobe_right lung_lower_lobe_right esophagus
trachea thyroid_gland small_bowel duodenum colon urinary_bladder prostate kidney_cyst_left kidney_cyst_right sacrum
vertebrae_S1 heart aorta pulmonary_vein brachiocephalic_trunk subclavian_artery_right subclavian_artery_left
common_carotid_artery_right common_carotid_artery_left brachiocephalic_vein_left brachiocephalic_vein_right
atrial_appendage_left superior_vena_cava inferior_vena_cava portal_vein_and_splenic_vein iliac_artery_left
iliac_artery_right iliac_vena_left iliac_vena_right humerus_left humerus_right scapula_left scapula_right
clavicula_left clavicula_right femur_left femur_right hip_left hip_right spinal_cord gluteus_maximus_left
gluteus_maximus_right gluteus_medius_left gluteus_medius_right gluteus_minimus_left gluteus_minimus_right
autochthon_left autochthon_right iliopsoas_left iliopsoas_right brain skull sternum costal_cartilages
"""
LEVELS = "C1 C2 C3 C4 C5 C6 C7 T1 T2 T3 T4 T5 T6 T7 T8 T9 T10 T11 T12 L1 L2 L3 L4 L5"
VERTEBRAE = [f"vertebrae_{level}" for level in LEVELS.split()]
RIBS = [f"rib_{side}_{number}" for side in ("left", "right") for number in range(1, 13)]
#: What only version 1 has.
TOTAL_V1 = """
heart_myocardium heart_atrium_left heart_ventricle_left heart_atrium_right heart_ventricle_right pulmonary_artery face
"""
#: The classes of R-Super's mask data sets without lesions, in its spelling.
R_SUPER = """
adrenal_gland_left adrenal_gland_right aorta bladder celiac_trunk colon common_bile_duct duodenum esophagus femur_left
femur_right gall_bladder hepatic_vessel intestine kidney_left kidney_right liver liver_segment_1 liver_segment_2
liver_segment_3 liver_segment_4 liver_segment_5 liver_segment_6 liver_segment_7 liver_segment_8 lung_left lung_right
pancreas pancreas_body pancreas_head pancreas_tail portal_vein_and_splenic_vein postcava prostate rectum spleen stomach
superior_mesenteric_artery veins
"""


def block(start: int, stop: int) -> np.ndarray:
    """A mask of the CT's shape: some slabs of it."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[start:stop, 3:9, 2:7] = 1
    return mask


def save_masks(folder: Path, masks: dict[str, np.ndarray], grid: Grid = CT) -> Path:
    for name, mask in masks.items():
        write_nifti(folder / f"{name}.nii.gz", mask, grid)
    return folder


def save_labels(path: Path, labels: np.ndarray, names: dict[str, str] | None, grid: Grid = CT) -> Path:
    write_nifti(path, labels, grid)
    if names is not None:
        path.with_name(path.name.removesuffix(".nii.gz") + ".json").write_text(json.dumps(names))
    return path


def refusal(path: Path, grid: Grid = CT) -> InputError:
    with pytest.raises(InputError) as caught:
        load_parts(path, grid)
    assert caught.value.message.endswith(".") and caught.value.next_step
    return caught.value


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*TOTAL.split(), *VERTEBRAE, *RIBS, *TOTAL_V1.split(), *R_SUPER.split()])
def test_the_classes_of_public_segmenters_are_known(name: str) -> None:
    assert canonical_name(name) in table()


@pytest.mark.parametrize("name", R_SUPER.split())
def test_the_names_of_r_super_are_the_names_here(name: str) -> None:
    assert canonical_name(name) == name


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("Left kidney", "kidney_left"),
        ("KIDNEY-LEFT", "kidney_left"),
        ("kidney_l", "kidney_left"),
        ("lung_upper_lobe_left", "lung_left_upper_lobe"),
        ("gallbladder", "gall_bladder"),
        ("Urinary Bladder", "bladder"),
        ("small_bowel", "intestine"),
        ("inferior_vena_cava", "postcava"),
        ("oesophagus", "esophagus"),
        ("liver segment VII", "liver_segment_7"),
        ("Liver_Segment_IVa", "liver_segment_4"),
        ("liver seg 4b", "liver_segment_4"),
        ("vertebrae_L5", "vertebrae_L5"),
        ("vertebra T12", "vertebrae_T12"),
    ],
)
def test_spellings(spelling: str, name: str) -> None:
    assert canonical_name(spelling) == name


@pytest.mark.parametrize(("wrong", "meant"), [("livr", "liver"), ("kidny_left", "kidney_left"), ("spleeen", "spleen")])
def test_unknown_names_are_named_with_their_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(InputError) as caught:
        canonical_name(wrong)
    assert wrong in caught.value.message and meant in caught.value.next_step


def test_every_spelling_means_one_part() -> None:
    for one in table().values():
        for spelling in (one.name, one.name.upper(), one.name.replace("_", " "), *one.aliases):
            assert canonical_name(spelling) == one.name


def test_the_table_is_whole() -> None:
    for one in table().values():
        assert one.organ is None or one.organ in get_args(Organ)
        assert one.side in (None, "left", "right")
        assert set(one.members) | set(one.extras) <= set(table())
        assert len(one.colour) == 3 and all(0 <= channel <= 255 for channel in one.colour)
        if one.code is not None:
            scheme, value, meaning = one.code
            assert scheme == "SCT" and value.isdigit() and meaning


def test_every_organ_with_parts_is_a_part_itself() -> None:
    for organ in get_args(Organ):
        if organ_parts(organ):
            assert part(organ).organ == organ


def test_organ_parts() -> None:
    assert organ_parts("liver") == ["liver"]
    assert organ_parts("pancreas", "midline") == ["pancreas"]
    assert organ_parts("kidney") == organ_parts("kidney", "bilateral") == ["kidney_left", "kidney_right"]
    assert organ_parts("lung", "right") == ["lung_right"]
    assert "rib_left_3" in organ_parts("bone", "left") and "rib_right_3" not in organ_parts("bone", "left")
    assert "vertebrae" in organ_parts("bone", "left")
    assert organ_parts("lymph_node") == organ_parts("other") == []


# --- regions ---------------------------------------------------------------------------------------------------------


def parts_of(masks: dict[str, np.ndarray]) -> Parts:
    labels = np.zeros(SHAPE, np.uint8)
    for label, mask in enumerate(masks.values(), 1):
        labels[mask > 0] = label
    return Parts.from_label_map(LabelMap(labels, CT, dict(enumerate(masks, 1))))


def test_a_part_without_a_mask_is_made_of_its_members() -> None:
    parts = parts_of({f"liver_segment_{number}": block(number, number + 1) for number in range(1, 9)})
    assert np.array_equal(parts.region(["liver"]), block(1, 9) > 0)
    assert np.array_equal(parts.region(["liver segment VII", "liver_segment_8"]), block(7, 9) > 0)


def test_regions_of_composites() -> None:
    parts = parts_of(
        {"pancreas_head": block(0, 2), "pancreas_tail": block(4, 6), "lung_upper_lobe_left": block(8, 9),
         "lung_lower_lobe_left": block(9, 11), "kidney_left": block(12, 13), "kidney_cyst_left": block(13, 14),
         "spleen": np.zeros(SHAPE)}
    )  # fmt: skip
    assert np.array_equal(parts.region(["pancreas"]), block(0, 2) + block(4, 6) > 0)
    assert np.array_equal(parts.region(["lung"]), block(8, 11) > 0)
    assert np.array_equal(parts.region(["kidney_left"]), block(12, 14) > 0), "the kidney with its cysts"
    assert np.array_equal(parts.region(["lung left", "pancreas_head"]), block(0, 2) + block(8, 11) > 0)
    assert parts.region(["kidney_right"]) is None
    assert parts.region(["spleen"]) is None and parts.empty == {"spleen"}
    assert parts.region([]) is None
    with pytest.raises(InputError, match="livr"):
        parts.region(["livr"])


def test_parts_that_make_up_one_with_a_mask_are_that_one() -> None:
    parts = parts_of({"liver": block(1, 9), "kidneys": block(10, 12)})
    segments = [f"liver_segment_{number}" for number in range(1, 9)]
    assert np.array_equal(parts.region(segments), block(1, 9) > 0)
    assert parts.region(segments[:7]) is None
    assert np.array_equal(parts.region(organ_parts("kidney")), block(10, 12) > 0)
    assert parts.region(organ_parts("kidney", "left")) is None


def test_covered_organs() -> None:
    empty = np.zeros(SHAPE)
    parts = parts_of(
        {"kidney_left": block(0, 2), "kidney_right": empty, "pancreas_head": block(4, 6), "pancreas_body": empty,
         "lung_left": block(8, 9), "spleen": empty}
    )  # fmt: skip
    assert parts.covers("kidney") and parts.covers("kidney", "left")
    assert not parts.covers("kidney", "right"), "known to the source, but not in this CT"
    assert not parts.covers("pancreas"), "without its tail"
    assert parts.covers("lung", "left") and not parts.covers("lung")
    assert not parts.covers("spleen") and not parts.covers("liver") and not parts.covers("lymph_node")
    assert not no_parts(CT).covers("liver") and no_parts(CT).region(["liver"]) is None


def test_a_kidney_mask_without_sides_covers_both() -> None:
    parts = parts_of({"kidneys": block(0, 2)})
    assert parts.covers("kidney") and not parts.covers("kidney", "left")


def test_many_masks_take_little_memory() -> None:
    labels = np.zeros((100, 100, 100), np.uint8)
    labels[10:90, 10:90, 10:90] = np.arange(80, dtype=np.uint8)[:, None, None] + 1
    names = dict(enumerate([*RIBS, *VERTEBRAE, *TOTAL.split()], 1))
    parts = Parts.from_label_map(LabelMap(labels, Grid(labels.shape, np.eye(4)), {n: names[n] for n in range(1, 81)}))
    kept = sum(packed.bits.nbytes for packed in parts.masks._masks.values())
    assert len(parts.masks) == 80 and kept <= 80**3 / 8 + 80
    assert np.array_equal(parts.masks[canonical_name(names[40])], labels == 40)


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_folder_of_masks_that_overlap(tmp_path: Path) -> None:
    masks = {
        "liver": block(1, 9),
        "Left kidney": block(5, 12) * 255,
        "liver_lesion": block(3, 4),
        "spleen": block(0, 0),
    }
    folder = save_masks(tmp_path / "parts", masks)
    (folder / "readme.txt").write_text("not a mask")
    (folder / ".hidden.nii.gz").write_text("not a mask")
    parts = load_parts(folder, CT)
    assert parts.names == ("kidney_left", "liver") and parts.empty == {"spleen"}
    assert np.array_equal(parts.masks["liver"], block(1, 9) > 0)
    assert np.array_equal(parts.masks["kidney_left"], block(5, 12) > 0)
    assert parts.masks["liver"].dtype == np.bool_
    assert "liver_lesion" in parts.notes[0]


def test_two_files_of_one_part_are_united(tmp_path: Path) -> None:
    parts = load_parts(save_masks(tmp_path / "parts", {"gallbladder": block(1, 3), "gall_bladder": block(7, 9)}), CT)
    assert np.array_equal(parts.masks["gall_bladder"], block(1, 3) + block(7, 9) > 0)


def test_a_label_map_with_its_names(tmp_path: Path) -> None:
    labels = block(1, 3) * 7 + block(4, 6) * 2 + block(8, 9) * 200
    path = save_labels(tmp_path / "p.nii.gz", labels, {"7": "pancreas", "2": "Spleen", "9": "liver", "0": "background"})
    parts = load_parts(path, CT)
    assert set(parts.names) == {"pancreas", "spleen"} and parts.empty == {"liver"}
    assert np.array_equal(parts.masks["pancreas"], block(1, 3) > 0)
    assert parts.notes == ["Labels of p.nii.gz without a name were ignored: 200."]


def test_a_segmentation_brings_its_names_layers_and_crop(tmp_path: Path) -> None:
    """As 3D Slicer saves it: overlapping segments in layers, cropped to what is not empty."""
    layers = np.stack([block(1, 9)[1:12, 3:9, 2:7], block(5, 12)[1:12, 3:9, 2:7]])
    image = sitk.GetImageFromArray(np.ascontiguousarray(layers.transpose(3, 2, 1, 0)), isVector=True)
    image.SetSpacing(CT.spacing)
    left, back, up = CT.to_world(np.array([1, 3, 2])) * [-1, -1, 1]
    image.SetOrigin((left, back, up))
    for key, value in {
        "Segment0_ID": "a", "Segment0_Name": "liver", "Segment0_Layer": "0", "Segment0_LabelValue": "1",
        "Segment1_ID": "b", "Segment1_Name": "right kidney", "Segment1_Layer": "1", "Segment1_LabelValue": "1",
        "Segmentation_ReferenceImageExtentOffset": "1 3 2",
    }.items():  # fmt: skip
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(tmp_path / "parts.seg.nrrd"), True)
    parts = load_parts(tmp_path / "parts.seg.nrrd", CT)
    assert np.array_equal(parts.masks["liver"], block(1, 9) > 0)
    assert np.array_equal(parts.masks["kidney_right"], block(5, 12) > 0)
    elsewhere = Grid(SHAPE, AFFINE @ np.array([[1, 0, 0, 3], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    assert "another grid" in refusal(tmp_path / "parts.seg.nrrd", elsewhere).message


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_masks_with_turned_axes_are_turned_back(
    tmp_path: Path, order: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    mask = block(1, 9)
    mask[0, 0, 0] = 1
    turned, affine = mask.transpose(order), AFFINE[:, [*order, 3]].copy()
    for axis in flips:
        turned = np.flip(turned, axis)
        affine[:, 3] += affine[:, axis] * (turned.shape[axis] - 1)
        affine[:, axis] *= -1
    grid = Grid((turned.shape[0], turned.shape[1], turned.shape[2]), affine)
    parts = load_parts(save_masks(tmp_path / "parts", {"liver": turned}, grid), CT)
    assert np.array_equal(parts.masks["liver"], mask > 0)


def test_rounding_of_the_affine_is_no_other_grid(tmp_path: Path) -> None:
    affine = AFFINE.copy()
    affine[:3] = np.round(AFFINE[:3] + 0.004, 2)
    assert load_parts(save_masks(tmp_path / "parts", {"liver": block(1, 9)}, Grid(SHAPE, affine)), CT).names


def _moved() -> tuple[np.ndarray, Grid]:
    affine = AFFINE.copy()
    affine[2, 3] += 2.5
    return block(1, 9), Grid(SHAPE, affine)


def _shorter() -> tuple[np.ndarray, Grid]:
    return block(1, 9)[:, :, :-1], Grid((20, 16, 11), AFFINE)


def _coarser() -> tuple[np.ndarray, Grid]:
    return block(1, 9), Grid(SHAPE, AFFINE @ np.diag([1.5, 1, 1, 1]))


def _rotated() -> tuple[np.ndarray, Grid]:
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    middle = np.eye(4)
    middle[:3, 3] = CT.to_world((np.array(SHAPE) - 1) / 2)
    return block(1, 9), Grid(SHAPE, middle @ turn @ np.linalg.inv(middle) @ AFFINE)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_moved, "its middle lies 2.5 mm away"),
        (_shorter, "it has 20 x 16 x 11 voxels, the CT 20 x 16 x 12"),
        (_coarser, "its voxels are 1.2 x 0.8 x 2.5 mm, those of the CT 0.8 x 0.8 x 2.5 mm"),
        (_rotated, "its axes point in other directions"),
    ],
)
def test_masks_on_another_grid(tmp_path: Path, make: object, said: str) -> None:
    mask, grid = make()  # type: ignore[operator]
    error = refusal(save_masks(tmp_path / "parts", {"liver": mask}, grid))
    assert "liver.nii.gz lies on another grid than the CT" in error.message and said in error.message
    assert said in refusal(save_labels(tmp_path / "p.nii.gz", mask, {"1": "liver"}, grid)).message


def test_unknown_names_in_files(tmp_path: Path) -> None:
    error = refusal(save_masks(tmp_path / "parts", {"liver": block(1, 9), "livr_segment_1": block(1, 2)}))
    assert "livr_segment_1" in error.message and "liver_segment_1" in error.next_step
    error = refusal(save_labels(tmp_path / "p.nii.gz", block(1, 9), {"1": "spleeen"}))
    assert "spleeen" in error.message and "spleen" in error.next_step


def test_a_label_map_without_names(tmp_path: Path) -> None:
    error = refusal(save_labels(tmp_path / "p.nii.gz", block(1, 9), None))
    assert "no names" in error.message and 'p.json beside it: {"1": "liver"' in error.next_step


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "7", '"liver"', "{}", '{"liver": 1}', '{"1": 2}', '{"1": null}', '{"1": ["liver"]}', "\x00\xff",
        '{"1": "liver", "1": "spleen"}', '{"-1": "liver"}', '{"70000": "liver"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_names_that_cannot_be_understood(tmp_path: Path, text: str) -> None:
    path = save_labels(tmp_path / "p.nii.gz", block(1, 9), None)
    (tmp_path / "p.json").write_text(text, encoding="latin-1")
    assert refusal(path).message == "p.json does not say which label is which part."


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_folder_that_may_not_be_looked_into(tmp_path: Path) -> None:
    folder = save_masks(tmp_path / "parts", {"liver": block(1, 9)})
    folder.chmod(0)
    assert "may not be read" in refusal(folder).message
    folder.chmod(0o700)


def test_names_saved_by_windows(tmp_path: Path) -> None:
    path = save_labels(tmp_path / "p.nii.gz", block(1, 9), None)
    (tmp_path / "p.json").write_text('{"1": "liver"}', encoding="utf-8-sig")
    assert list(load_parts(path, CT).names) == ["liver"]


def test_nothing_to_be_found(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "do not exist" in refusal(tmp_path / "gone").message
    assert "holds no part masks" in refusal(tmp_path / "none").message
    assert "has a voxel" in refusal(save_masks(tmp_path / "empty", {"liver": block(0, 0)})).message
    assert "has a voxel" in refusal(save_labels(tmp_path / "p.nii.gz", block(0, 0), {"1": "liver"})).message
    (tmp_path / "names.json").write_text('{"1": "liver"}')
    assert "neither a folder of masks nor a label map" in refusal(tmp_path / "names.json").message


def test_damaged_masks_and_probabilities(tmp_path: Path) -> None:
    folder = save_masks(tmp_path / "parts", {"liver": block(1, 9)})
    content = (folder / "liver.nii.gz").read_bytes()
    (folder / "liver.nii.gz").write_bytes(content[: len(content) // 2])
    assert refusal(folder).message == "liver.nii.gz is cut off or damaged."
    folder = save_masks(tmp_path / "soft", {"liver": block(1, 9).astype(np.float32) / 2})
    assert "fractions" in refusal(folder).message


def test_progress_is_told_per_mask(tmp_path: Path) -> None:
    told: list[float] = []
    folder = save_masks(tmp_path / "parts", {"liver": block(1, 9), "spleen": block(1, 2)})
    load_parts(folder, CT, lambda _stage, fraction: told.append(fraction))
    assert told == [0.5, 1.0]


def test_real_organs(data_dir: Path, tmp_path: Path) -> None:
    case = data_dir / "ct" / "totalseg_trunk"
    organs = json.loads((case / "truth.json").read_text())["organ_labels"]
    (tmp_path / "organs.nii.gz").symlink_to(case / "organs.nii.gz")
    (tmp_path / "organs.json").write_text(json.dumps({label: organ["name"] for label, organ in organs.items()}))
    from RSuperLib.io import read_ct

    parts = load_parts(tmp_path / "organs.nii.gz", read_ct(case / "ct.nii.gz").grid)
    assert len(parts.names) == len(organs) and not parts.notes
    for organ in organs.values():
        assert parts.masks[canonical_name(organ["name"])].sum() == organ["voxels"]

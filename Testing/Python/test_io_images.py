"""CTs and label maps from NIfTI, NRRD and MetaImage, good ones and hostile ones."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from RSuperLib.io import Grid, InputError, RSuperError, read_ct, read_label_layers, read_label_map, write_nifti

SHAPE = (20, 16, 12)
AFFINE = np.array([[-0.8, 0, 0, 30], [0, 0.9, 0, -40], [0, 0, 2.5, 50], [0, 0, 0, 1]])


@pytest.fixture
def hounsfield() -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)


def save(path: Path, array: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return path


def save_itk(path: Path, array: np.ndarray, *, compress: bool = True) -> Path:
    """Any array (i, j, k) with spacing 0.8 x 0.9 x 2.5 mm and an origin, in ITK's axes."""
    image = sitk.GetImageFromArray(array.T, isVector=False)
    image.SetSpacing((0.8, 0.9, 2.5, 1.0)[: image.GetDimension()])
    image.SetOrigin((30.0, 40.0, 50.0, 0.0)[: image.GetDimension()])
    sitk.WriteImage(image, str(path), compress)
    return path


def patched(path: Path, offset: int, form: str, *values: float) -> Path:
    """The file with some bytes of its header replaced."""
    content = bytearray(path.read_bytes())
    struct.pack_into(form, content, offset, *values)
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    """What `read_ct` says of a file; one sentence and one next step, without the folder's name."""
    with pytest.raises(InputError) as caught:
        read_ct(path)
    error = caught.value
    assert error.message.endswith(".") and error.next_step.endswith((".", "?"))
    assert "\n" not in str(error) and str(path.parent) not in str(error)
    return error.message


# --- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz"])
def test_nifti_keeps_values_orientation_and_order_of_axes(tmp_path: Path, hounsfield: np.ndarray, name: str) -> None:
    ct = read_ct(save(tmp_path / name, hounsfield))
    assert ct.array.dtype == np.int16 and ct.array.flags.f_contiguous
    assert np.array_equal(ct.array, hounsfield)
    assert np.allclose(ct.grid.affine, nibabel.load(tmp_path / name).affine)
    assert ct.source == {"file": name, "format": "NIfTI", "notes": []}


@pytest.mark.parametrize("name", ["ct.nrrd", "ct.nhdr", "ct.mha", "ct.mhd"])
@pytest.mark.parametrize("compress", [True, False])
def test_itk_formats_lie_where_itk_puts_them(tmp_path: Path, hounsfield: np.ndarray, name: str, compress: bool) -> None:
    path = save_itk(tmp_path / name, hounsfield, compress=compress)
    ct = read_ct(path)
    assert np.array_equal(ct.array, hounsfield) and ct.array.flags.f_contiguous
    right, front, up = ct.grid.to_world(np.array([3, 5, 7]))
    assert np.allclose([-right, -front, up], sitk.ReadImage(str(path)).TransformIndexToPhysicalPoint((3, 5, 7)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32, np.float64, ">i2"])
def test_every_stored_type_gives_the_same_hounsfield_units(tmp_path: Path, dtype: Any) -> None:
    stored = np.random.default_rng(1).integers(0, 250, SHAPE)
    image = nibabel.Nifti1Image(stored.astype(dtype), AFFINE)
    image.header.set_slope_inter(8, -1024)
    image.to_filename(tmp_path / "ct.nii.gz")
    raw = nibabel.load(tmp_path / "ct.nii.gz")
    expected = np.rint(np.asarray(raw.dataobj))
    assert np.array_equal(read_ct(tmp_path / "ct.nii.gz").array, expected)


def test_fractions_are_rounded_and_values_clipped_to_int16(tmp_path: Path) -> None:
    values = np.zeros(SHAPE, np.float32)
    values[0, 0, :5] = [-1000.4, 59.6, -3e9, 3e9, 70000]
    ct = read_ct(save(tmp_path / "ct.nii.gz", values))
    assert ct.array[0, 0, :5].tolist() == [-1000, 60, -32768, 32767, 32767]


def test_a_trailing_axis_of_one_is_dropped(tmp_path: Path, hounsfield: np.ndarray) -> None:
    assert np.array_equal(read_ct(save(tmp_path / "ct.nii.gz", hounsfield[..., np.newaxis])).array, hounsfield)
    assert np.array_equal(read_ct(save_itk(tmp_path / "ct.nrrd", hounsfield[..., np.newaxis])).array, hounsfield)


def test_names_that_lie_about_compression_are_read(tmp_path: Path, hounsfield: np.ndarray) -> None:
    plain = save(tmp_path / "ct.nii", hounsfield).read_bytes()
    (tmp_path / "plain.nii.gz").write_bytes(plain)
    (tmp_path / "packed.nii").write_bytes(gzip.compress(plain))
    for name in ("plain.nii.gz", "packed.nii"):
        assert np.array_equal(read_ct(tmp_path / name).array, hounsfield)


def test_nifti_2_and_big_endian_headers_are_read(tmp_path: Path, hounsfield: np.ndarray) -> None:
    nibabel.Nifti2Image(hounsfield, AFFINE).to_filename(tmp_path / "two.nii.gz")
    header = nibabel.Nifti1Header(endianness=">")
    nibabel.Nifti1Image(hounsfield, AFFINE, header=header).to_filename(tmp_path / "big.nii.gz")
    for name in ("two.nii.gz", "big.nii.gz"):
        ct = read_ct(tmp_path / name)
        assert np.array_equal(ct.array, hounsfield) and np.allclose(ct.grid.affine, AFFINE)


def test_a_file_without_orientation_says_that_sides_are_a_guess(tmp_path: Path, hounsfield: np.ndarray) -> None:
    image = nibabel.Nifti1Image(hounsfield, None)
    image.to_filename(tmp_path / "ct.nii")
    patched(tmp_path / "ct.nii", 252, "<2h", 0, 0)
    assert "left and right are a guess" in read_ct(tmp_path / "ct.nii").notes[0]


def test_contradicting_spacings_are_said(tmp_path: Path, hounsfield: np.ndarray) -> None:
    path = patched(save(tmp_path / "ct.nii", hounsfield), 80, "<f", 3.0)
    assert "two different spacings" in read_ct(path).notes[0]


def test_what_is_written_is_read_again(tmp_path: Path, hounsfield: np.ndarray) -> None:
    grid = Grid(SHAPE, AFFINE)
    write_nifti(tmp_path / "new" / "ct.nii.gz", hounsfield, grid)
    ct = read_ct(tmp_path / "new" / "ct.nii.gz")
    assert ct.grid.same_as(grid) and np.array_equal(ct.array, hounsfield)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["ct.nii.gz"]


def test_reading_takes_little_more_memory_than_the_volume(tmp_path: Path) -> None:
    values = np.zeros((256, 256, 256), np.float64)
    values[0] = -1000
    path = save(tmp_path / "ct.nii.gz", values)
    del values
    tracemalloc.start()
    ct = read_ct(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * ct.array.nbytes, "slabs are converted one by one, never the whole as float64 (4 + 1)"


def test_real_cts_are_read_as_nibabel_reads_them(data_dir: Path) -> None:
    path = data_dir / "ct" / "lung1_001" / "ct.nii.gz"
    image = nibabel.load(path)
    ct = read_ct(path)
    assert np.array_equal(ct.array, np.asarray(image.dataobj)) and np.allclose(ct.grid.affine, image.affine)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_missing_and_empty_files(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.nii.gz") == "gone.nii.gz does not exist."
    for name in ("ct.nii.gz", "ct.nrrd", "ct.dcm"):
        (tmp_path / name).touch()
        assert refusal(tmp_path / name) == f"{name} is empty."


@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.nrrd", "ct.mha", "ct.dcm", "ct.png", "ct.txt"])
def test_what_is_no_image(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("The liver is unremarkable. " * 100)
    assert name in refusal(tmp_path / name)


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", ["ct.nii", "ct.nii.gz", "ct.nrrd", "raw.nrrd", "ct.mha", "raw.mha"])
def test_cut_files(tmp_path: Path, hounsfield: np.ndarray, name: str, kept: float) -> None:
    path = tmp_path / name
    if "nii" in name:
        save(path, hounsfield)
    else:
        save_itk(path, hounsfield, compress=not name.startswith("raw"))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    assert refusal(path) == f"{name} is cut off or damaged."


def test_a_flipped_bit_in_compressed_voxels(tmp_path: Path, hounsfield: np.ndarray) -> None:
    path = save(tmp_path / "ct.nii.gz", hounsfield)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)
    assert refusal(path) == "ct.nii.gz is cut off or damaged."


def test_a_detached_header_without_its_voxels(tmp_path: Path, hounsfield: np.ndarray) -> None:
    save_itk(tmp_path / "ct.nhdr", hounsfield)
    (tmp_path / "ct.raw.gz").unlink()
    assert "ct.nhdr" in refusal(tmp_path / "ct.nhdr")


@pytest.mark.parametrize("shape", [(20, 16), (20, 16, 1)])
def test_2d_images(tmp_path: Path, hounsfield: np.ndarray, shape: tuple[int, ...]) -> None:
    flat = hounsfield[:, :, 0].reshape(shape)
    assert "2-D image" in refusal(save(tmp_path / "ct.nii.gz", flat))
    assert "2-D image" in refusal(save_itk(tmp_path / "ct.nrrd", flat))


def test_several_frames(tmp_path: Path, hounsfield: np.ndarray) -> None:
    frames = np.stack([hounsfield] * 3, axis=-1)
    assert "3 frames" in refusal(save(tmp_path / "ct.nii.gz", frames))
    assert "3 frames" in refusal(save_itk(tmp_path / "ct.nrrd", frames))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers(tmp_path: Path, hounsfield: np.ndarray, value: float) -> None:
    values = hounsfield.astype(np.float32)
    values[3, 4, 5] = value
    assert "not numbers" in refusal(save(tmp_path / "ct.nii.gz", values))
    assert "not numbers" in refusal(save_itk(tmp_path / "ct.nrrd", values))


#: Offset in the NIfTI-1 header, format, values, and what must be said of them.
HEADERS: dict[str, tuple[int, str, tuple[float, ...], str]] = {
    "zero spacing": (80, "<3f", (0, 0, 0), "spacing"),
    "one zero spacing": (88, "<f", (0,), "spacing"),
    "negative spacing": (80, "<f", (-1,), "spacing"),
    "spacing not a number": (84, "<f", (np.nan,), "spacing"),
    "infinite spacing": (84, "<f", (np.inf,), "spacing"),
    "spacing of a kilometre": (80, "<f", (1e6,), "spacing"),
    "affine with a zero column": (280, "<f", (0,), "spacing"),
    "singular affine": (280, "<8f", (-0.8, -0.8, 0, 30, 0.9, 0.9, 0, 0), "singular"),
    "sheared affine": (284, "<f", (0.2,), "right angle"),
    "affine not a number": (292, "<f", (np.nan,), "not a number"),
    "huge": (42, "<3h", (32767, 32767, 32767), "more than any CT"),
    "larger than the file": (42, "<3h", (1500, 1000, 1000), "cut off"),
    "negative size": (42, "<h", (-5,), "no voxels"),
    "no axes": (40, "<h", (0,), "2-D"),
    "unknown voxel type": (70, "<h", (999,), "header"),
    "voxels nowhere": (108, "<f", (np.nan,), "header"),
    "voxels behind the end of the world": (108, "<f", (1e30,), "header"),
    "rescale not a number": (112, "<2f", (1, np.inf), "header"),
    "metres": (123, "<B", (1,), "meter"),
}


@pytest.mark.parametrize("case", HEADERS)
@pytest.mark.parametrize("packed", [False, True])
def test_impossible_nifti_headers(tmp_path: Path, hounsfield: np.ndarray, case: str, packed: bool) -> None:
    offset, form, values, said = HEADERS[case]
    path = patched(save(tmp_path / "ct.nii", hounsfield), offset, form, *values)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert said in refusal(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"(0.80000000000000004,0,0)", b"(0,0,0)", "spacing"),
        (b"(0.8", b"(nan", "affine"),
        (b"(0,0.9", b"(0.3,0.9", "right angle"),
        (b"(0,0.90000000000000002,0)", b"(0.8,0,0)", "singular"),
        (b"sizes: 20 16 12", b"sizes: 200000 160000 120000", "more than any CT"),
        (b"sizes: 20 16 12", b"sizes: 1500 1000 1000", "cut off"),
        (b"type: short", b"type: block", "cut off"),
    ],
)
def test_impossible_nrrd_headers(tmp_path: Path, hounsfield: np.ndarray, old: bytes, new: bytes, said: str) -> None:
    path = save_itk(tmp_path / "ct.nrrd", hounsfield, compress=False)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    assert said in refusal(path)


def test_colours_complex_numbers_and_vectors(tmp_path: Path, hounsfield: np.ndarray) -> None:
    colours = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    assert "colours" in refusal(save(tmp_path / "rgb.nii.gz", colours))
    assert "complex" in refusal(save(tmp_path / "complex.nii.gz", hounsfield.astype(np.complex64)))
    pair = sitk.GetImageFromArray(np.stack([hounsfield] * 2, axis=-1), isVector=True)
    sitk.WriteImage(pair, str(tmp_path / "pair.nrrd"))
    assert "2 values per voxel" in refusal(tmp_path / "pair.nrrd")


def _mr() -> np.ndarray:
    return np.random.default_rng(2).integers(0, 800, SHAPE).astype(np.int16)


def _normalised() -> np.ndarray:
    return np.random.default_rng(2).normal(0, 1, SHAPE).astype(np.float32)


def _windowed() -> np.ndarray:
    return np.random.default_rng(2).integers(-160, 241, SHAPE).astype(np.int16)


def _too_high() -> np.ndarray:
    values = np.zeros((40, 40, 40), np.int16)
    values[8:32, 8:32, 8:32] = 1024 + 55
    return values + np.random.default_rng(2).integers(0, 30, values.shape).astype(np.int16)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_mr, "no Hounsfield units"),
        (_normalised, "no Hounsfield units"),
        (_windowed, "no Hounsfield units"),
        (_too_high, "1024 too high"),
        (lambda: np.zeros(SHAPE, np.int16), "nothing in it"),
        (lambda: _mr() - np.int16(1100), "air only"),
    ],
)
def test_what_is_no_ct(tmp_path: Path, make: Callable[[], np.ndarray], said: str) -> None:
    assert said in refusal(save(tmp_path / "ct.nii.gz", make()))


def test_a_shifted_ct_is_told_from_any_other_volume(tmp_path: Path) -> None:
    """The advice to subtract 1024 makes a CT that is accepted."""
    assert "1024 too high" in refusal(save(tmp_path / "high.nii.gz", _too_high()))
    assert read_ct(save(tmp_path / "right.nii.gz", _too_high() - np.int16(1024))).array.min() == -1024


def test_refusals_are_all_that_is_said(tmp_path: Path, hounsfield: np.ndarray) -> None:
    """Neither nibabel nor ITK add lines of their own to stderr."""
    save_itk(tmp_path / "cut.mha", hounsfield)
    (tmp_path / "cut.mha").write_bytes((tmp_path / "cut.mha").read_bytes()[:3000])
    (tmp_path / "text.mha").write_text("no image")
    patched(save(tmp_path / "odd.nii", hounsfield), 252, "<2h", 99, 99)
    code = (
        "import sys; from pathlib import Path; from RSuperLib.io import InputError, read_ct\n"
        "for name in sys.argv[1:]:\n"
        "    try: read_ct(Path(name))\n"
        "    except InputError: pass\n"
    )
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_is_left_of_a_volume_that_cannot_be_written(tmp_path: Path, hounsfield: np.ndarray) -> None:
    (tmp_path / "ct.nii.gz").mkdir()
    with pytest.raises(RSuperError, match="could not be written"):
        write_nifti(tmp_path / "ct.nii.gz", hounsfield, Grid(SHAPE, AFFINE))
    assert [path.name for path in tmp_path.iterdir()] == ["ct.nii.gz"]


# --- label maps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float32, np.float64])
@pytest.mark.parametrize("name", ["labels.nii.gz", "labels.nrrd"])
def test_labels_of_any_type_become_small_unsigned_integers(tmp_path: Path, name: str, dtype: Any) -> None:
    labels = np.random.default_rng(3).integers(0, 118, SHAPE).astype(dtype)
    path = save(tmp_path / name, labels) if "nii" in name else save_itk(tmp_path / name, labels)
    read = read_label_map(path, {7: "pancreas"})
    assert read.array.dtype == np.uint8 and np.array_equal(read.array, labels) and read.names == {7: "pancreas"}


def test_many_labels_take_two_bytes(tmp_path: Path) -> None:
    labels = np.arange(np.prod(SHAPE)).reshape(SHAPE).astype(np.int32)
    read = read_label_map(save(tmp_path / "labels.nii.gz", labels))
    assert read.array.dtype == np.uint16 and np.array_equal(read.array, labels)


@pytest.mark.parametrize(
    ("value", "said"), [(0.5, "fractions"), (-1, "no labels"), (70000, "no labels"), (np.nan, "not numbers")]
)
def test_what_are_no_labels(tmp_path: Path, value: float, said: str) -> None:
    values = np.zeros(SHAPE, np.float32)
    values[1, 2, 3] = value
    with pytest.raises(InputError, match=said):
        read_label_map(save(tmp_path / "labels.nii.gz", values))


def save_segmentation(path: Path, layers: list[np.ndarray], segments: list[dict[str, str]]) -> Path:
    """As 3D Slicer does: a list axis for layers where there are several, names in the header."""
    stacked = layers[0].T if len(layers) == 1 else np.stack([layer.T for layer in layers], axis=-1)
    image = sitk.GetImageFromArray(stacked, isVector=len(layers) > 1)
    for index, segment in enumerate(segments):
        for key, value in segment.items():
            image.SetMetaData(f"Segment{index}_{key}", value)
    sitk.WriteImage(image, str(path), True)
    return path


def blocks() -> tuple[np.ndarray, np.ndarray]:
    first, second = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    first[2:6, 3:9, 1:4], first[10:15, 3:9, 5:9] = 1, 2
    second[8:9, :, :] = 1
    return first, second


def test_a_segmentation_of_slicer_names_its_labels(tmp_path: Path) -> None:
    first, _ = blocks()
    segments = [
        {"ID": "a", "Name": "liver", "LabelValue": "1", "Layer": "0"},
        {"ID": "b", "Name": "spleen", "LabelValue": "2", "Layer": "0"},
    ]
    read = read_label_map(save_segmentation(tmp_path / "parts.seg.nrrd", [first], segments))
    assert np.array_equal(read.array, first) and read.names == {1: "liver", 2: "spleen"}


def test_layers_are_kept_apart_or_merged_where_they_do_not_overlap(tmp_path: Path) -> None:
    first, second = blocks()
    segments = [
        {"ID": "a", "Name": "liver", "LabelValue": "1", "Layer": "0"},
        {"ID": "b", "Name": "spleen", "LabelValue": "2", "Layer": "0"},
        {"ID": "c", "Name": "stomach", "LabelValue": "1", "Layer": "1"},
    ]
    path = save_segmentation(tmp_path / "parts.seg.nrrd", [first, second], segments)
    assert [layer.names for layer in read_label_layers(path)] == [{1: "liver", 2: "spleen"}, {1: "stomach"}]
    merged = read_label_map(path)
    assert merged.names == {1: "liver", 2: "spleen", 3: "stomach"}
    assert np.array_equal(merged.array, np.where(second > 0, 3, first))
    second[2] = 1
    with pytest.raises(InputError, match="The segment stomach"):
        read_label_map(save_segmentation(path, [first, second], segments))


def test_segmentations_of_old_slicers_have_a_layer_per_segment(tmp_path: Path) -> None:
    first, second = blocks()
    segments = [{"ID": "a", "Name": "liver"}, {"ID": "b", "Name": "stomach"}]
    merged = read_label_map(
        save_segmentation(tmp_path / "old.seg.nrrd", [(first == 1) * np.uint8(1), second], segments)
    )
    assert merged.names == {1: "liver", 2: "stomach"}
    assert np.array_equal(merged.array == 2, second == 1)


def test_a_damaged_segment_header_is_refused(tmp_path: Path) -> None:
    first, _ = blocks()
    path = save_segmentation(tmp_path / "odd.seg.nrrd", [first], [{"ID": "a", "Name": "x", "LabelValue": "one"}])
    with pytest.raises(InputError, match="Segment0_LabelValue"):
        read_label_map(path)


def test_a_label_map_of_totalsegmentator_names_its_labels(tmp_path: Path) -> None:
    first, _ = blocks()
    image = nibabel.Nifti1Image(first, AFFINE)
    rows = "".join(
        f'<Label Key="{key}" Red="1.0" Green="0.0" Blue="0.5" Alpha="1"><![CDATA[{name}]]></Label>\n'
        for key, name in ((1, "spleen"), (2, "lung_upper_lobe_left"))
    )
    table = f'<?xml version="1.0"?> <CaretExtension> <VolumeInformation> <LabelTable>{rows}</LabelTable>'
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension(0, table.encode()))
    nibabel.save(image, tmp_path / "organs.nii.gz")
    read = read_label_map(tmp_path / "organs.nii.gz")
    assert read.names == {1: "spleen", 2: "lung_upper_lobe_left"} and np.array_equal(read.array, first)

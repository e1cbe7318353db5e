"""CT series out of DICOM folders: which is taken, where it lies, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless, generate_uid

from RSuperLib.io import InputError, read_ct

CT_IMAGE, MR_IMAGE, ENHANCED_CT = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "2.1"))
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
#: Slices, rows, columns.
SHAPE = (6, 10, 12)
AXIAL = (1, 0, 0, 0, 1, 0)


@pytest.fixture
def slices() -> np.ndarray:
    return np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)


def save_slice(
    path: Path,
    pixels: np.ndarray,
    position: Sequence[float],
    *,
    series: str = "1.2.3",
    sop_class: str = CT_IMAGE,
    orientation: Sequence[float] = AXIAL,
    change: Callable[[FileDataset], object] = lambda dataset: None,
) -> None:
    """One DICOM image of -1024 rescaled pixels, spacing 0.8 (rows) x 0.7 (columns) mm."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2", series
    dataset.Modality = "MR" if sop_class == MR_IMAGE else "CT"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "SECRET-7"
    dataset.SeriesNumber, dataset.AcquisitionNumber = 3, 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = list(position), list(orientation)
    dataset.PixelSpacing = [0.8, 0.7]
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.PixelData = (pixels.astype(np.int32) + 1024).astype("<u2").tobytes()
    change(dataset)
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path)


def save_series(folder: Path, slices: np.ndarray, heights: Sequence[float] = (), **how: object) -> Path:
    """Axial slices, 2.5 mm apart unless `heights` says otherwise; file names run against the order of slices."""
    for index, pixels in enumerate(slices):
        height = heights[index] if heights else 2.5 * index
        save_slice(folder / f"IM{len(slices) - index:04d}", pixels, (-10, -20, height), **how)  # type: ignore[arg-type]
    return folder


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_ct(path)
    assert "SECRET" not in str(caught.value) and "Doe" not in str(caught.value)
    return caught.value.message


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_series_lies_where_dicom_says(tmp_path: Path, slices: np.ndarray) -> None:
    ct = read_ct(save_series(tmp_path / "ct", slices))
    assert ct.array.dtype == np.int16 and np.array_equal(ct.array, slices.transpose(2, 1, 0))
    assert ct.grid.spacing == pytest.approx((0.7, 0.8, 2.5))
    # DICOM counts to the left and to the back: column 2, row 3, slice 4 of the file.
    assert np.allclose(ct.grid.to_world(np.array([2, 3, 4])), [-(-10 + 2 * 0.7), -(-20 + 3 * 0.8), 10.0])
    assert ct.source["slices"] == 6 and ct.source["series_number"] == 3 and ct.notes == []


def test_a_series_lies_where_itk_puts_it(tmp_path: Path, slices: np.ndarray) -> None:
    coronal = (1, 0, 0, 0, 0, -1)
    for index, pixels in enumerate(slices):
        save_slice(tmp_path / "ct" / f"{index}", pixels, (5, -30 + 2.0 * index, 40), orientation=coronal)
    ct = read_ct(tmp_path / "ct")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "ct")))
    image = reader.Execute()
    left, back, up = image.TransformIndexToPhysicalPoint((3, 4, 5))
    assert np.allclose(ct.grid.to_world(np.array([3, 4, 5])), [-left, -back, up])
    assert np.array_equal(ct.array[3, 4, 5], image[3, 4, 5])


def test_one_file_stands_for_its_series(tmp_path: Path, slices: np.ndarray) -> None:
    folder = save_series(tmp_path / "ct", slices)
    for index in range(3):
        save_slice(folder / f"thin{index}", slices[index], (0, 0, index), series="1.2.4")
    assert read_ct(folder / "IM0001").grid.shape == (12, 10, 6)
    assert read_ct(folder / "thin1").grid.shape == (12, 10, 3)


def test_the_longest_ct_series_is_taken_and_the_rest_is_named(tmp_path: Path, slices: np.ndarray) -> None:
    folder = save_series(tmp_path / "study" / "S1", slices)
    save_series(tmp_path / "study" / "S2", slices[:3], series="1.2.4")
    save_series(tmp_path / "study" / "S3", np.concatenate([slices, slices]), series="1.2.5", sop_class=MR_IMAGE)

    def scout(dataset: FileDataset) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    save_slice(folder / "scout", slices[0], (0, 0, 0), orientation=(0, 1, 0, 0, 0, -1), change=scout)
    save_slice(folder / "capture", slices[0], (0, 0, 99), sop_class=SECONDARY_CAPTURE)
    (folder / "readme.txt").write_text("not DICOM")
    ct = read_ct(tmp_path / "study")
    assert np.array_equal(ct.array, slices.transpose(2, 1, 0))
    assert "3 x CT image" in ct.notes[0] and "12 x MR" in ct.notes[0] and "1 x CT localizer" in ct.notes[0]


def test_images_that_are_there_twice_are_read_once(tmp_path: Path, slices: np.ndarray) -> None:
    folder = save_series(tmp_path / "ct", slices)
    shutil.copy(folder / "IM0002", folder / "copy of IM0002")
    ct = read_ct(folder)
    assert ct.grid.shape == (12, 10, 6) and "twice" in ct.notes[0]


def test_phases_in_one_series_are_told_apart_by_their_acquisition(tmp_path: Path, slices: np.ndarray) -> None:
    folder = save_series(tmp_path / "ct", slices)

    def second(dataset: FileDataset) -> None:
        dataset.AcquisitionNumber = 2

    for index in range(5):
        save_slice(folder / f"late{index}", slices[index] // 2, (-10, -20, 2.5 * index), change=second)
    ct = read_ct(folder)
    assert np.array_equal(ct.array, slices.transpose(2, 1, 0)) and "5 x CT image" in ct.notes[0]


@pytest.mark.parametrize("syntax", [RLELossless, ImplicitVRLittleEndian])
def test_other_transfer_syntaxes(tmp_path: Path, slices: np.ndarray, syntax: pydicom.uid.UID) -> None:
    def encode(dataset: FileDataset) -> None:
        if syntax.is_compressed:
            dataset.compress(syntax)
        else:
            dataset.file_meta.TransferSyntaxUID = syntax

    ct = read_ct(save_series(tmp_path / "ct", slices, change=encode))
    assert np.array_equal(ct.array, slices.transpose(2, 1, 0))


def test_jpeg_2000_as_gdcm_itself_writes_it(tmp_path: Path, slices: np.ndarray) -> None:
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetCompressor("JPEG2000")
    writer.UseCompressionOn()
    plain = save_series(tmp_path / "plain", slices)
    (tmp_path / "packed").mkdir()
    for path in plain.iterdir():
        image = sitk.ReadImage(str(path), sitk.sitkInt16, imageIO="GDCMImageIO")
        header = pydicom.dcmread(path)
        writer.SetFileName(str(tmp_path / "packed" / f"{path.name}.dcm"))
        writer.Execute(image)
        packed = pydicom.dcmread(tmp_path / "packed" / f"{path.name}.dcm")
        for keyword in ("SOPClassUID", "SeriesInstanceUID", "Modality", "ImagePositionPatient", "ImageType"):
            packed[keyword] = header[keyword]
        packed.ImageOrientationPatient, packed.PixelSpacing = header.ImageOrientationPatient, header.PixelSpacing
        packed.file_meta.MediaStorageSOPClassUID = CT_IMAGE
        packed.save_as(tmp_path / "packed" / f"{path.name}.dcm")
    assert packed.file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(read_ct(tmp_path / "packed").array, slices.transpose(2, 1, 0))


def test_every_slice_is_rescaled_by_its_own_file(tmp_path: Path, slices: np.ndarray) -> None:
    folder = save_series(tmp_path / "ct", slices)

    def other_slope(dataset: FileDataset) -> None:
        dataset.RescaleIntercept, dataset.RescaleSlope = -24, 0.5

    save_slice(folder / "IM0006", slices[0], (-10, -20, 0), change=other_slope)
    expected = np.rint((slices[0].astype(float) + 1024) * 0.5 - 24)
    assert np.array_equal(read_ct(folder).array[:, :, 0], expected.T)


def test_positions_rounded_by_the_scanner_are_even_enough(tmp_path: Path, slices: np.ndarray) -> None:
    heights = [round(0.625 * index, 1) for index in range(6)]
    ct = read_ct(save_series(tmp_path / "ct", slices, heights))
    assert ct.grid.spacing[2] == pytest.approx(heights[-1] / 5)


def test_real_dicom(data_dir: Path) -> None:
    ct = read_ct(data_dir / "ct" / "dicom_liver_3slices")
    assert ct.grid.shape == (512, 512, 3) and ct.grid.spacing == pytest.approx((0.810547, 0.810547, 1.0))
    assert "1 x SEG" in ct.notes[0]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_folders_without_a_ct(tmp_path: Path, slices: np.ndarray) -> None:
    (tmp_path / "empty").mkdir()
    assert "no DICOM files" in refusal(tmp_path / "empty")
    mr = save_series(tmp_path / "mr", slices, sop_class=MR_IMAGE)
    assert refusal(mr) == "mr holds no CT images, but 6 x MR."
    assert "multi-frame" in refusal(save_series(tmp_path / "enhanced", slices[:1], sop_class=ENHANCED_CT))


@pytest.mark.parametrize(
    ("heights", "said"),
    [
        ((0, 2.5, 5, 10, 12.5, 15), "lacks slices between z = 5.0 mm and z = 10.0 mm"),
        ((0, 1, 2, 3, 4.4, 5.4), "unevenly between z = 3.0 mm and z = 4.4 mm"),
        ((0, 2.5, 5, 5, 7.5, 10), "several images at the same place (z = 5.0 mm)"),
    ],
)
def test_uneven_slices_are_named(tmp_path: Path, slices: np.ndarray, heights: Sequence[float], said: str) -> None:
    assert said in refusal(save_series(tmp_path / "ct", slices, heights))


def test_a_tilted_gantry(tmp_path: Path, slices: np.ndarray) -> None:
    for index, pixels in enumerate(slices):
        save_slice(tmp_path / "ct" / f"{index}", pixels, (0, -0.5 * index, 2.5 * index))
    assert "11.3 degrees off their normal" in refusal(tmp_path / "ct")


def test_a_single_slice(tmp_path: Path, slices: np.ndarray) -> None:
    assert "single slice" in refusal(save_series(tmp_path / "ct", slices[:1]))


def _without_position(dataset: FileDataset) -> None:
    del dataset.ImagePositionPatient


def _without_rows(dataset: FileDataset) -> None:
    del dataset.Rows


def _with_zero_spacing(dataset: FileDataset) -> None:
    dataset.PixelSpacing = [0, 0]


def _with_zero_direction(dataset: FileDataset) -> None:
    dataset.ImageOrientationPatient = [1, 0, 0, 1, 0, 0]


def _with_broken_voxels(dataset: FileDataset) -> None:
    dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.90"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_without_position, "does not say where it lies"),
        (_without_rows, "does not say where it lies"),
        (_with_zero_spacing, "spacing"),
        (_with_zero_direction, "does not say where it lies"),
        (_with_broken_voxels, "cannot be decoded"),
    ],
)
def test_impossible_headers(
    tmp_path: Path, slices: np.ndarray, change: Callable[[FileDataset], object], said: str
) -> None:
    assert said in refusal(save_series(tmp_path / "ct", slices, change=change))


@pytest.mark.parametrize("kept", [200, 400, 700, -60])
def test_a_cut_slice_is_not_passed_over(
    tmp_path: Path, slices: np.ndarray, kept: int, capfd: pytest.CaptureFixture[str]
) -> None:
    path = save_series(tmp_path / "ct", slices) / "IM0006"
    path.write_bytes(path.read_bytes()[:kept])
    assert "IM0006" in refusal(tmp_path / "ct")
    assert capfd.readouterr().err == ""


def test_damaged_headers_are_refused_without_quoting_them(
    tmp_path: Path, slices: np.ndarray, capfd: pytest.CaptureFixture[str]
) -> None:
    """Any byte of a header may be wrong; pydicom's own warnings would quote what stands there."""
    path = save_series(tmp_path / "ct", slices) / "IM0006"
    content, dice = path.read_bytes(), np.random.default_rng(4)
    refused = 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[dice.integers(132, len(content) - 240)] = dice.integers(256)
        path.write_bytes(damaged)
        try:
            read_ct(tmp_path / "ct")
        except InputError as error:
            refused += 1
            assert "SECRET" not in str(error) and "Doe" not in str(error)
    assert 10 < refused < 60
    assert capfd.readouterr() == ("", "")
